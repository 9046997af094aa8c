"""A finished run is checked: what was changed is named, and nothing else."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import harness
from harness.cli.main import app, register
from harness.experiment.stages.look import sample_few
from harness.experiment.verify_run import verify_run
from harness.nouns.errors import DataError, HarnessError
from harness.nouns.schema import Response
from harness.records.differences import ABSENT, differing
from harness.records.seal import SEALED, read_sealed, seal_of, write_sealed
from harness.records.verified import Verified

if TYPE_CHECKING:
    from conftest import World

_FINISHED: dict[str, Path] = {}


@pytest.fixture
def finished(whole: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A copy of a world whose run has come to its end; it is run once for this file."""
    arms = whole.experiment["arms"]
    whole.experiment["arms"] = {name: arms[name] for name in ("rlhf", "hybrid", "nothing")}
    whole.experiment["seeds"] = [0]
    if "folder" not in _FINISHED:
        jury = whole.folder / "jury.json"  # a timeout is asked again by each try
        jury.write_text(jury.read_text().replace("!timeout", "!refused"))
        for name, texts in {  # and so is what nothing is said of
            "exam": [f"t{n}{k}" for n in range(6) for k in "abc"],
            "verifier": [f"{p}0e{n}{k}" for p in ("base", *arms) for n in range(4) for k in "ab"],
        }.items():
            path = whole.folder / f"{name}.json"
            says = json.loads(path.read_text())
            says[name] |= {text: text < "t3" for text in texts if text not in says[name]}
            path.write_text(json.dumps(says))
        whole.run()
        _FINISHED["folder"] = tmp_path_factory.mktemp("finished")
        shutil.copytree(whole.folder, _FINISHED["folder"], dirs_exist_ok=True)
    shutil.copytree(_FINISHED["folder"], whole.folder, dirs_exist_ok=True)
    return whole


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_a_first_look_asked_is_no_part_of_a_run(
    finished: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It samples by itself: other texts under the ids that the evaluation gives, too."""
    shutil.rmtree(finished.out)

    def others(*given: Any) -> list[Response]:
        few = sample_few(*given)
        texts = [one.text for one in few]
        return [replace(r, text=text) for r, text in zip(few, texts[1:] + texts[:1], strict=True)]

    monkeypatch.setattr("harness.experiment.run.sample_few", others)
    finished.run()
    assert harness.verify_run(finished.out).changed == ()


def test_a_run_verifies_and_nothing_is_written(finished: World) -> None:
    before, asked = bytes_of(finished.folder), len(finished.happened())
    found = harness.verify_run(finished.out)
    assert (found.changed, found.ok) == ((), True)
    assert len(found.seal) == 64 and any("rows in" in line for line in found.checked)
    assert bytes_of(finished.folder) == before
    assert [row for row in finished.happened()[asked:] if row[0] not in ("aggregate",)] == []


def edited(path: str, old: str, new: str, times: int = 1) -> Callable[[World], None]:
    """Return what edits a text of a file in the run directory, or beside it."""

    def edit(world: World) -> None:
        file = world.out / path
        text = file.read_text()
        assert old in text, f"{path} does not hold {old}"
        file.write_text(text.replace(old, new, times))

    return edit


def journal(statement: str, *values: Any) -> Callable[[World], None]:
    """Return what changes one row of the journal."""

    def edit(world: World) -> None:
        with sqlite3.connect(world.out / "journal.sqlite") as connection:
            done = connection.execute(statement, values)
            assert done.rowcount == 1, f"{done.rowcount} rows"
        connection.close()

    return edit


def at(path: str, *keys: Any, to: Any) -> Callable[[World], None]:
    """Return what sets a value of a JSON file."""

    def edit(world: World) -> None:
        file = world.out / path
        content = place = json.loads(file.read_text())
        for key in keys[:-1]:
            place = place[key]
        assert place[keys[-1]] != to
        place[keys[-1]] = to
        file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    return edit


def line(path: str, number: int, key: str, to: Any) -> Callable[[World], None]:
    """Return what sets a key in a line of a JSONL file."""

    def edit(world: World) -> None:
        lines = (world.out / path).read_text().splitlines()
        row = json.loads(lines[number - 1])
        assert row[key] != to
        lines[number - 1] = json.dumps({**row, key: to})
        (world.out / path).write_text("\n".join(lines) + "\n")

    return edit


def without_line(path: str, number: int) -> Callable[[World], None]:
    def edit(world: World) -> None:
        lines = (world.out / path).read_text().splitlines()
        (world.out / path).write_text("\n".join([*lines[: number - 1], *lines[number:]]) + "\n")

    return edit


def twice(path: str) -> Callable[[World], None]:
    def edit(world: World) -> None:
        text = (world.out / path).read_text()
        (world.out / path).write_text(text + text.splitlines()[-1].replace("base.", "more.") + "\n")

    return edit


ONE = "WHERE scope LIKE 'evaluation/exam/%' AND body LIKE '%\"value\": true%'"
VERDICT = (
    "UPDATE judgments SET body = replace(body, '\"value\": true', '\"value\": false')"
    f" WHERE rowid = (SELECT min(rowid) FROM judgments {ONE})"
)
EXAM = "journal.sqlite (evaluation/exam/"
TEXT = "responses/evaluation-rlhf-seed0.jsonl"

Kind = tuple[Callable[[Any], None], str, str, str, Any, Any]
"""The change; where it is named: file, row, key; what it says, what it should; None: whatever."""

ALONE: dict[str, Kind] = {
    "a verdict": (journal(VERDICT), EXAM, "base.0.e0.0 of item e0, by exam", "verdict.value",
                  False, True),
    "a prompt": (edited("../evaluation.jsonl", "Q e1", "Q e9"),
                 "data.evaluation: ../evaluation.jsonl", "line 2", "", None, None),
    "a line of data": (edited("../train.jsonl", '"R2"', '"R3"'), "data.train: ../train.jsonl",
                       "line 3", "", None, None),
    "a sampled text": (line(TEXT, 3, "text", "much better"), TEXT, "rlhf.0.e1.0", "text",
                       "much better", "rlhf0e1a"),
    "a text to train on": (line("responses/train.jsonl", 1, "text", "nice"),
                           "responses/train.jsonl", "base.0.t0.0", "text", "nice", "t0a"),
    "the seal": (at("manifest.json", "seal", "sha256", to="0" * 64), "manifest.json", "seal",
                 "sha256", "0" * 64, None),
    "no JSON": (edited(TEXT, "{", "[", 1), TEXT, "", "", ABSENT, ABSENT),
    "the journal is gone": (lambda w: (w.out / "journal.sqlite").unlink(), "journal.sqlite", "",
                            "", ABSENT, ABSENT),
}  # fmt: skip

ROWS: dict[str, Kind] = {
    "a verdict": ALONE["a verdict"],
    "a line of data": ALONE["a line of data"],
    "a verdict's cost": (
        journal("UPDATE judgments SET body = replace(body, '0.01', '0.001') WHERE rowid ="
                " (SELECT min(rowid) FROM judgments WHERE source = 'jury')"),
        "journal.sqlite (train/jury/", "of item t0, by j1 in order AB", "cost_usd", 0.001, 0.01),
    "who judged": (
        journal("UPDATE judgments SET annotator = 'eve' WHERE rowid = (SELECT min(rowid) FROM"
                " judgments WHERE source = 'people' AND scope LIKE 'train/%')"),
        "journal.sqlite (train/people/", "by ann", "", ABSENT, None),
    "a verdict is gone": (
        journal(f"DELETE FROM judgments WHERE rowid = (SELECT max(rowid) FROM judgments {ONE})"),
        EXAM, "of item e", "", ABSENT, None),
    "a verdict more": (
        journal("INSERT INTO judgments SELECT request_id, source, source_version, 'mallory', shown,"
                " repeat, scope, replace(body, '\"ben\"', '\"mallory\"') FROM judgments WHERE"
                " rowid = (SELECT max(rowid) FROM judgments WHERE source = 'people' AND scope LIKE"
                " 'train/%')"),
        "journal.sqlite (train/people/", "by mallory", "", None, ABSENT),
    "a body that is no JSON": (
        journal("UPDATE judgments SET body = '{' WHERE rowid = (SELECT min(rowid) FROM judgments"
                " WHERE source = 'twin')"), "journal.sqlite (evaluation/twin/", "", "",
        "(cannot be read)", None),
    "a log-ratio": (line(TEXT, 1, "metadata", {"token_ids": [0], "log_ratio": 0.1}), TEXT,
                    "rlhf.0.e0.0", "metadata.log_ratio", 0.1, 0.5),
    "a response is gone": (without_line(TEXT, 8), TEXT, "rlhf.0.e3.1", "", ABSENT, None),
    "a response more": (twice("responses/train.jsonl"), "responses/train.jsonl", "more.", "",
                        None, ABSENT),
    "a line of data more": (edited("../train.jsonl", '"R5", "metadata": {}}\n', '"R5"}\nmore\n'),
                            "data.train: ../train.jsonl", "line 7", "", "more", ABSENT),
    "the experiment file": (edited("../world.yaml", "beta: 0.2", "beta: 0.3"),
                            "experiment: ../world.yaml", "line", "", None, None),
    "a file of a source": (edited("../exam.json", "rlhf0e0a", "rlhf0e0z"),
                           "sources.exam: ../exam.json", "line 1", "", None, None),
    "the weights": (edited("policies/rlhf-seed0/final/weights", "dpo", "ppo"),
                    "policies/rlhf-seed0/final", "weights", "", None, None),
    "weights more": (lambda w: (w.out / "policies/rlhf-seed0/final/more").touch() or None,
                     "policies/rlhf-seed0/final", "more", "", None, ABSENT),
    "a reward model": (edited("policies/hybrid-seed0-reward-model/final/weights", "r", "R"),
                       "policies/hybrid-seed0-reward-model/final", "weights", "", None, None),
    "the base policy": (lambda w: (w.folder / "policy" / "more").touch() or None,
                        "policy.model: ../policy", "", "weights", None, None),
    "a line of the log": (line("policies/hybrid-seed0/log.jsonl", 2, "loss", 0.1),
                          "policies/hybrid-seed0/log.jsonl", "line 2", "loss", 0.1, 0.5),
    "what a training says": (at("policies/rlhf-seed0/arm.json", "seconds", to=1.0),
                             "policies/rlhf-seed0/arm.json", "seconds", "", 1.0, 1.5),
    "the seeds in the manifest": (at("manifest.json", "seeds", to=[0, 1]), "manifest.json",
                                  "seeds", "", 1, ABSENT),
    "the cost in the manifest": (at("manifest.json", "cost_usd", to=0.5), "manifest.json",
                                 "cost_usd", "", 0.5, 0.0),
    "a hash of a table": (at("manifest.json", "seal", "tables", "sources", "rows", to=9), SEALED,
                          "sources", "", None, None),
    "a table more": (lambda w: shutil.copy(w.out / TEXT, w.out / "responses/x.jsonl") and None,
                     "responses/x.jsonl", "", "", ABSENT, ABSENT),
}  # fmt: skip

TABLES: dict[str, Kind] = {
    "a preference": (line("preferences/rlhf.jsonl", 1, "probability", 0.6),
                     "preferences/rlhf.jsonl", "line 1", "probability", 0.6, None),
    "a preference is gone": (without_line("preferences/hybrid.jsonl", 1),
                             "preferences/hybrid.jsonl", "line 1", "", ABSENT, None),
    "a reward": (line("rewards/hybrid.jsonl", 2, "value", 1.0), "rewards/hybrid.jsonl", "line 2",
                 "value", 1.0, 0.0),
    "a row of judgments": (line("judgments/verifier.jsonl", 1, "cost_usd", 3),
                           "judgments/verifier.jsonl", "line 1", "cost_usd", 3, 0.0),
    "a kappa": (at("agreement.json", "kappas", "jury", to=0.9), "agreement.json", "",
                "kappas.jury", 0.9, None),
    "a gate": (at("agreement.json", "gates", 2, "outcome", to="pass"), "agreement.json", "",
               "gates.2.outcome", "pass", "undecided"),
    "a score": (at("evaluation.json", "scores", 1, "value", to=0.99), "evaluation.json", "",
                "scores.1.value", 0.99, 0.375),
    "transport": (at("transport.json", "rows", 0, "outcome", to="holds"), "transport.json", "",
                  "rows.0.outcome", "holds", "undecided"),
    "a reward model's score": (at("reward_models/hybrid-seed0.json", "value", to=0.99),
                               "reward_models/hybrid-seed0.json", "", "sha256", None, None),
    "a number of the report": (at("report.json", "evaluation", "scores", 1, "value", to=0.99),
                               "report.json", "", "evaluation.scores.1.value", 0.99, 0.375),
    "a finding": (at("report.json", "findings", 0, to="rlhf won."), "report.json", "",
                  "findings.0", "rlhf won.", None),
    "the page": (edited("report.html", "whole", "better"), "report.html", "line", "", None, None),
    "the Markdown": (edited("report.md", "0.38", "0.99"), "report.md", "line", "", None, None),
}  # fmt: skip


def unnamed(found: Verified, kinds: dict[str, Kind]) -> list[str]:
    """Return the kinds of change that are not named with what they say and should."""
    return [
        kind
        for kind, (_, file, row, place, says, should) in kinds.items()
        if not any(
            one.file.startswith(file)
            and row in f"{one.row} {one.place}"
            and place in one.place
            and (says is None or one.says == says)
            and (should is None or one.should == should)
            for one in found.changed
        )
    ]


@pytest.mark.parametrize("kind", ALONE)
def test_a_change_is_named_before_what_follows_from_it(finished: World, kind: str) -> None:
    ALONE[kind][0](finished)
    found = verify_run(finished.out)
    assert unnamed(found, {kind: ALONE[kind]}) == [], found.changed
    assert found.changed[0].file.startswith(ALONE[kind][1])


@pytest.mark.parametrize("kinds", [ROWS, TABLES], ids=["rows", "tables"])
def test_every_kind_of_change_is_named(finished: World, kinds: dict[str, Kind]) -> None:
    for change, *_ in kinds.values():
        change(finished)
    found = verify_run(finished.out)
    assert unnamed(found, kinds) == [], found.changed


def test_a_row_that_was_edited_with_all_tables_that_follow_is_found(finished: World) -> None:
    """The verdict, and every table and page anew from it: only the seal tells."""
    first = verify_run(finished.out)
    journal(VERDICT)(finished)
    changed = verify_run(finished.out)
    rebuilt = {one.file for one in changed.changed if not one.file.startswith("journal")}
    assert {"evaluation.json", "report.json", "report.md", "report.html"} <= rebuilt
    manifest = json.loads((finished.out / "manifest.json").read_text())
    kept = (finished.out / SEALED).read_bytes()
    finished.run()  # by whoever edited it: the run goes on from the edited row, and seals it
    again = verify_run(finished.out)
    assert again.ok and again.seal != first.seal  # so the published hash tells ...
    told = verify_run(finished.out, first.seal)
    assert [(one.says, one.should) for one in told.changed] == [(again.seal, first.seal)]
    # ... and with the seal put back, the row and all that follows from it do.
    (finished.out / SEALED).write_bytes(kept)
    new = json.loads((finished.out / "manifest.json").read_text())
    (finished.out / "manifest.json").write_text(json.dumps({**new, "seal": manifest["seal"]}))
    files = [one.file.split(" (")[0] for one in verify_run(finished.out).changed]
    assert files[0] == "journal.sqlite" or "journal.sqlite" in files


def test_an_edited_copy_of_the_rows_is_found_with_an_edited_row(finished: World) -> None:
    line(TEXT, 3, "text", "much better")(finished)
    tables = read_sealed(finished.out / SEALED)
    tables[TEXT]["rlhf.0.e1.0"]["text"] = "much better"
    write_sealed(finished.out / SEALED, tables)
    found = verify_run(finished.out)
    assert (found.changed[0].file, found.changed[0].row) == (SEALED, TEXT)
    # With the manifest's hashes as well, what was judged is not what stands there ...
    manifest = json.loads((finished.out / "manifest.json").read_text())
    (finished.out / "manifest.json").write_text(json.dumps({**manifest, "seal": seal_of(tables)}))
    found = verify_run(finished.out)
    assert "have no judgment, such as that on rlhf.0.e1.0 of item e1" in found.changed[0].why
    # ... and what was published is another hash.
    assert verify_run(finished.out, manifest["seal"]["sha256"]).changed[0].place == "sha256"


def test_a_second_run_changes_neither_seal_nor_rows(finished: World) -> None:
    before, tables = verify_run(finished.out), read_sealed(finished.out / SEALED)
    finished.run()
    again = read_sealed(finished.out / SEALED)
    assert list(differing(tables, again)) == []
    assert verify_run(finished.out, before.seal).ok


def test_what_is_gone_is_not_passed_in_silence(finished: World) -> None:
    (finished.folder / "train.jsonl").unlink()
    shutil.rmtree(finished.folder / "policy")
    found = verify_run(finished.out)
    assert found.ok  # what lies in the run is as it was
    told = "\n".join(found.unchecked)
    assert "data.train: the input ../train.jsonl is gone" in told
    assert "policy.model: the model ../policy is gone" in told
    assert "scores of reward models" in told


def test_a_run_may_be_moved_with_its_inputs(finished: World, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "elsewhere")
    found = verify_run(tmp_path / "elsewhere" / "run")
    assert found.ok and not any("gone" in line for line in found.unchecked)


def test_what_is_not_finished_is_not_verified(finished: World) -> None:
    manifest = json.loads((finished.out / "manifest.json").read_text())
    (finished.out / "manifest.json").write_text(json.dumps({**manifest, "seal": None}))
    with pytest.raises(HarnessError, match="has no seal"):
        verify_run(finished.out)
    with pytest.raises(DataError, match="no folder of a run"):
        verify_run(finished.folder)


def test_a_damaged_seal_hides_nothing(finished: World) -> None:
    (finished.out / SEALED).write_bytes((finished.out / SEALED).read_bytes()[:500])
    found = verify_run(finished.out)
    assert found.changed[0].file == SEALED and not found.ok
    assert "nothing tells what stood where" in found.unchecked[0]


def without_manifest(seal: Path) -> None:
    write_sealed(seal, {k: v for k, v in read_sealed(seal).items() if k != "manifest.json"})


SEALS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "gone": (lambda p: p.unlink(), "it is gone"),
    "empty": (lambda p: p.write_bytes(b""), "not the one that the manifest's hash is of"),
    "no gzip": (lambda p: p.write_bytes(b"x" * 100), "BadGzipFile"),
    "an object": (lambda p: p.write_bytes(gzip.compress(b'{"a": 1}\n')), "a line is no row"),
    "a number": (lambda p: p.write_bytes(gzip.compress(b"7\n")), "a line is no row"),
    "numbers": (lambda p: p.write_bytes(gzip.compress(b"[1, 2, 3]\n")), "a line is no row"),
    "a key that is none": (
        lambda p: p.write_bytes(gzip.compress(b'["b", [1], 2]\n')), "a line is no row"),
    "a folder": (lambda p: (p.unlink(), p.mkdir()), "IsADirectory"),
    "without the manifest": (without_manifest, "not the one that the manifest's hash is of"),
}  # fmt: skip


def test_whatever_became_of_the_copy_is_said_and_never_a_crash(finished: World) -> None:
    seal, kept = finished.out / SEALED, (finished.out / SEALED).read_bytes()
    for kind, (damage, said) in SEALS.items():
        damage(seal)
        found = verify_run(finished.out)
        assert found.changed[0].file == SEALED and said in found.changed[0].why, kind
        assert any("nothing tells what stood where" in line for line in found.unchecked), kind
        if seal.is_dir():
            seal.rmdir()
        seal.write_bytes(kept)


def test_a_manifest_that_cannot_be_read_any_more_is_an_edit(finished: World) -> None:
    at("manifest.json", "packages", to=None)(finished)
    found = verify_run(finished.out)
    assert [(one.file, one.row) for one in found.changed] == [("manifest.json", "packages")]
    assert "the rest: edited rows cannot be read any more" in found.unchecked[-1]


def test_rows_in_another_order_and_files_of_nobody_are_said(finished: World) -> None:
    rows = (finished.out / TEXT).read_text().splitlines()
    (finished.out / TEXT).write_text("\n".join(reversed(rows)) + "\n")
    (finished.out / "evaluation2.json").write_text("{}")
    found = verify_run(finished.out)
    assert found.changed[0].file == TEXT
    assert found.changed[0].why == "its rows stand in another order (as sealed)"
    (line,) = (one for one in found.unchecked if "of which the seal says nothing" in one)
    assert line.startswith("3 files") and "nothing: evaluation2.json, policies/" in line


def test_of_another_version_that_is_said_first_and_edits_are_told_apart(
    finished: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"sha256": "f" * 64, "commit": None, "edited": False}
    monkeypatch.setattr("harness.experiment.verify_run.code", lambda: other)
    register()
    invoke = partial(CliRunner().invoke, app, ["verify-run", str(finished.out)])
    found, told = verify_run(finished.out), invoke()
    assert found.ok and found.changed == found.otherwise == () and told.exit_code == 0
    assert told.output.startswith("another version of the harness made this run (")
    assert "this is code ffffffffffff)" in told.output.splitlines()[0]
    assert "only the version that made them" in found.unchecked[-1]
    # It computes otherwise: that is no edit, but where the seal holds the file's hash ...
    at("evaluation.json", "comparisons", to=77)(finished)
    at("report.json", "evaluation", "comparisons", to=77)(finished)
    edited("report.md", "0.38", "0.99", 99)(finished)
    found = verify_run(finished.out)
    assert {one.file for one in found.otherwise} == {"evaluation.json", "report.json", "report.md"}
    assert [one.file for one in found.changed] == ["evaluation.json"] and not found.ok
    # ... and an edited row stands before the rest, in a few lines.
    journal(VERDICT)(finished)
    told = invoke()
    lines = told.output.splitlines()
    assert told.exit_code == 1 and len(lines) < 30
    assert lines[0].startswith("another version") and lines[2].startswith(EXAM)
    (otherwise,) = (one for one in lines if one.startswith("this version computes otherwise: "))
    assert "report.md " in otherwise and "report.html " in otherwise
    assert lines[-1] == "changed: 2 places in 2 files"


def test_a_copied_verdict_that_was_edited_is_named_whatever_version_looks(
    finished: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = finished.out / "judgments" / "verifier.jsonl"
    lines = file.read_text().splitlines()
    row = json.loads(lines[1])
    row["verdict"]["rationale"] = "edited by hand"
    lines[1] = json.dumps(row)
    file.write_text("\n".join(lines) + "\n")
    other = {"sha256": "f" * 64, "commit": None, "edited": False}
    monkeypatch.setattr("harness.experiment.verify_run.code", lambda: other)
    found = verify_run(finished.out)
    places = {(one.file, one.row) for one in found.changed}
    assert ("judgments/verifier.jsonl", "line 2") in places and not found.otherwise


def test_where_only_what_is_computed_differs_the_exit_code_is_3(
    finished: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited("report.md", "0.38", "0.99", 99)(finished)
    register()
    invoke = partial(CliRunner().invoke, app, ["verify-run", str(finished.out)])
    assert invoke().exit_code == 1  # of this version it is an edit
    other = {"sha256": "f" * 64, "commit": None, "edited": False}
    monkeypatch.setattr("harness.experiment.verify_run.code", lambda: other)
    told = invoke()
    assert told.exit_code == 3 and "no row was changed" in told.output.splitlines()[-1]
    assert not verify_run(finished.out).as_row()["ok"]


def test_killed_changed_and_changed_back_verifies(finished: World) -> None:
    world, arms = finished, finished.experiment["arms"]
    rlhf = {**arms["rlhf"], "settings": {"beta": 0.3}}
    with pytest.raises(HarnessError, match="has no seal"):  # half of another version of it
        world.run_killed("train rlhf-seed0", 1, arms={**arms, "rlhf": rlhf})
        verify_run(world.out)
    world.run(arms={**arms, "rlhf": rlhf})
    changed = verify_run(world.out)
    assert changed.ok and "earlier/" in "\n".join(changed.unchecked)
    world.run()
    back = verify_run(world.out)
    assert back.ok and back.seal != changed.seal


def test_a_run_with_an_arm_that_failed_verifies(finished: World) -> None:
    (finished.folder / "jury.json").write_text(
        json.dumps({"j": {f"t{n}a|t{n}b": ["A", "B"] for n in range(5)}})
    )
    arms = {
        "biased": {"sources": ["jury"], "trainer": "dpo"},
        "rlhf": {"sources": ["people"], "trainer": "dpo"},
    }
    with pytest.raises(HarnessError, match="arm biased was not trained"):
        finished.run(arms=arms, agreement=None)
    found = verify_run(finished.out)
    assert found.changed == ()
    assert read_sealed(finished.out / SEALED)["trainings"]["biased 0"]["why"]


def test_the_manifest_says_who_labelled_what_and_where_from(finished: World) -> None:
    manifest = json.loads((finished.out / "manifest.json").read_text())
    assert manifest["labelled"]["train/people"] == {
        "ann": {"ok": 5}, "ben": {"ok": 4, "abstained": 1},
    }  # fmt: skip
    assert manifest["failures"]["train/people"] == {"abstained": 1}
    roles = {one["role"]: one["path"] for one in manifest["inputs"]}
    assert (roles["data.train"], roles["policy.model"]) == ("../train.jsonl", "../policy")
    assert all(len(one["sha256"]) == 64 for one in manifest["inputs"])
    assert manifest["gates"][2]["outcome"] == "undecided" and len(manifest["code"]["sha256"]) == 64
    assert set(manifest["trainings"]) == {"rlhf-seed0", "hybrid-seed0"}


def test_the_command_tells_file_row_says_and_should(finished: World, tmp_path: Path) -> None:
    register()
    good = CliRunner().invoke(app, ["verify-run", str(finished.out)], env={"COLUMNS": "80"})
    assert good.exit_code == 0 and "as the run left it" in good.output
    journal(VERDICT)(finished)
    out = tmp_path / "found.json"
    bad = CliRunner().invoke(app, ["verify-run", str(finished.out), "--json", str(out)])
    assert bad.exit_code == 1
    lines = bad.output.splitlines()
    assert lines[0].startswith(EXAM)
    assert lines[1:4] == [
        "  base.0.e0.0 of item e0, by exam, verdict.value",
        "    says   false",
        "    should true  (as sealed)",
    ]
    found = json.loads(out.read_text())
    assert (found["ok"], found["changed"][0]["should"]) == (False, True)
