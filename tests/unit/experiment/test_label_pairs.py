"""From a finished run to pairs, labels of people, and a report with what they say."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import stat
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.experiment.stages.label_pairs import LabelledPairs, LabelPairsSettings, label_pairs
from harness.experiment.stages.people_key import KEY, Key, files_of
from harness.experiment.stages.people_labels import LABELS
from harness.experiment.stages.people_seal import PEOPLE_SEAL, PEOPLE_SEALED
from harness.experiment.verify_run import verify_run
from harness.label_page.exporting import export
from harness.label_page.store import Entry, LabelStore
from harness.label_page.tasks import Questions, read_tasks
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.schema import JudgmentRequest

if TYPE_CHECKING:
    from conftest import World

ITEMS = 40
RIGHT: dict[str, Callable[[int], bool]] = {
    "base": lambda n: n % 3 == 0,
    "rlvr": lambda n: n % 8 != 1,
    "plugin": lambda n: n % 3 == 0,
}
"""Which held-out prompts a policy answers rightly, in the eyes of the exam."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test leaves its run for the others."""
    return tmp_path_factory.mktemp("finished") / "run"


@pytest.fixture
def ran(whole: World, finished: Path) -> World:
    """A finished run of two arms and one seed, forty held-out prompts, one response each."""
    rows = [{"id": f"e{n}", "prompt": f"Q {n}", "reference": f"secret{n}",
             "metadata": {"slice": "hard" if n % 4 == 0 else "easy", "author": "rlvr"}}
            for n in range(ITEMS)]  # fmt: skip
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (whole.folder / "evaluation.jsonl").write_text(text)
    says = {f"{policy}0e{n}a": bool(right(n)) for policy, right in RIGHT.items()
            for n in range(ITEMS)}  # fmt: skip
    (whole.folder / "exam.json").write_text(json.dumps({"exam": says}))
    settings = whole.experiment
    settings["arms"] = {name: settings["arms"][name] for name in ("rlvr", "plugin")}
    settings["arms"]["rlvr"] |= {"sources": ["verifier"], "weights": {}}
    settings["evaluation"] = {"evaluators": ["exam"], "responses_per_item": 1}
    settings["seeds"] = [0]
    whole.write()
    if finished.is_dir():
        shutil.copytree(finished, whole.out)
    else:
        assert "people" not in whole.run()
        shutil.copytree(whole.out, finished)
    return whole


def pairs(world: World, **settings: Any) -> LabelledPairs:
    return label_pairs(world.out, world.file, LabelPairsSettings(**settings))


def tasks(world: World) -> list[JudgmentRequest]:
    """What people see."""
    return read_tasks(*files_of(world.out), Questions())


def by_exam(task: JudgmentRequest) -> str:
    """A labeller who can tell right from wrong, by the texts alone."""
    right = [RIGHT[one.text.split("0e")[0]](int(one.text.split("0e")[1][:-1]))
             for one in task.responses]  # fmt: skip
    return "TIE" if right[0] == right[1] else "AB"[right[1]]


def label(
    world: World, says: Callable[[JudgmentRequest], str | None] = by_exam, most: int | None = None
) -> Path:
    """Label what the page shows, and return the store."""
    path = world.out / "people" / "labels.sqlite"
    with closing(LabelStore(path, "pairwise")) as store:
        asked = tasks(world)
        store.add_tasks(asked)
        for task in asked[:most]:
            store.show("ann", task.id, "BA")
            store.record(Entry("ann", task.id, says(task)), task.id)
    return path


def test_from_a_run_over_pairs_and_labels_to_its_report(ran: World) -> None:
    drawn = pairs(ran)
    assert drawn.asked == {"rlvr": 20, "plugin": 20} and drawn.by == "exam" and not drawn.twice
    assert drawn.queue == files_of(ran.out)
    table = ran.folder / "labels.csv"
    export(label(ran), table, None)
    found = pairs(ran, labels=[table])
    rows = {row["arm"]: row for row in found.rows}
    # plugin is right where base is.
    both = sum(RIGHT["rlvr"](n) == RIGHT["base"](n) for n in range(ITEMS)) / ITEMS
    better = sum(RIGHT["rlvr"](n) > RIGHT["base"](n) for n in range(ITEMS)) / ITEMS
    assert rows["rlvr"]["judged"] == pytest.approx(better + both / 2)
    assert rows["rlvr"]["corrected"]["low"] < better + both / 2 < rows["rlvr"]["corrected"]["high"]
    assert rows["rlvr"]["verdict"] == "preferred" and rows["rlvr"]["effective_n"] > 20
    assert rows["plugin"]["ties"] == 20 and rows["plugin"]["verdict"] == "undecided"
    assert not rows["rlvr"]["simulated"]
    report = json.loads((ran.out / "report.json").read_text())
    assert report["people"] == json.loads(json.dumps([*found.rows]))
    (line,) = (one for one in report["findings"] if one.startswith("People prefer rlvr to base"))
    page = (ran.out / "report.md").read_text()
    assert line in page and "## What people prefer" in page
    assert "plugin: 20 labels of 1 person on 20 of 20 drawn pairs (0 for the arm, 20 ties" in page
    rate = rows["rlvr"]["corrected"]
    assert (
        f"{100 * rate['value']:.1f}% ({100 * rate['low']:.1f}% to {100 * rate['high']:.1f}%)"
        in page
    )
    again = ran.run()  # what people said stays in the report
    assert again["people"] == report["people"] and line in again["findings"]
    took = dict.fromkeys(("answer", "findings"))  # they say how long it took
    assert ran.tables(again) | took == ran.tables(report) | took


def test_nothing_that_people_see_tells_the_arm(ran: World) -> None:
    pairs(ran, pairs=20, seed=4)
    items, responses = (path.read_text() for path in files_of(ran.out))
    written = [json.loads(line) for line in responses.splitlines()]
    kept = [json.loads(line) for line in items.splitlines()]
    assert all((row["reference"], row["metadata"]) == (None, {}) for row in kept)
    assert all((row["system"], row["metadata"]) == ("policy", {}) for row in written)
    assert len({row["id"] for row in written}) == len(written) == 80
    assert all(re.fullmatch(r"[0-9a-f]{12}", row["id"]) for row in written)
    without_texts = re.sub(r'"text": "[^"]*"', "", responses)
    assert not re.search("rlvr|plugin|base|seed|secret", without_texts + items)
    # Neither the place in the file nor the order of ids says which is which, nor of which arm.
    mine = [row["text"].startswith("base") for row in written]
    assert 10 < sum(mine[::2]) < 30
    arms = [a["text"][:4] if b["text"].startswith("base") else b["text"][:4]
            for a, b in zip(written[::2], written[1::2], strict=True)]  # fmt: skip
    assert 10 < sum(one != next_ for one, next_ in pairwise(arms)) < 30
    smaller = [a["id"] < b["id"] for a, b in zip(written[::2], written[1::2], strict=True)]
    assert 4 < sum(low == base for low, base in zip(smaller, mine[::2], strict=True)) < 36
    table = ran.folder / "labels.csv"
    export(label(ran), table, None)
    assert not re.search("rlvr|plugin|base", table.read_text())
    folder = {path.name for path in (ran.out / "people").iterdir()}
    assert folder == {"items.jsonl", "responses.jsonl", "labels.sqlite", "labels.sqlite.lock"} or (
        folder >= {"items.jsonl", "responses.jsonl", "labels.sqlite"} and KEY not in folder
    )
    key = ran.out / KEY
    assert key.parent == ran.out and stat.S_IMODE(key.stat().st_mode) == 0o600
    told = json.loads(key.read_text())
    assert told["seed"] == 4 and {pair["probability"] for pair in told["pairs"]} == {0.5}
    assert {pair["stratum"] for pair in told["pairs"]} == {"hard", "easy"}


def test_the_same_command_draws_the_same_pairs_and_more_hold_them(ran: World) -> None:
    pairs(ran)
    before, seen = (ran.out / KEY).read_text(), {task.id for task in tasks(ran)}
    for path in files_of(ran.out):
        path.unlink()  # as after a kill between key and files
    pairs(ran)
    assert (ran.out / KEY).read_text() == before and {task.id for task in tasks(ran)} == seen
    store = label(ran)
    assert pairs(ran, pairs=30).asked == {"rlvr": 30, "plugin": 30}
    assert seen < {task.id for task in tasks(ran)}
    found = pairs(ran, labels=[store])
    assert [(row["pairs"], row["drawn"]) for row in found.rows] == [(20, 30)] * 2
    other = Key.read(ran.out)
    assert other is not None and other.seed > 2**33  # nobody goes through all of them


def test_labels_of_another_run_or_of_other_responses_are_refused(ran: World) -> None:
    with pytest.raises(DataError, match="no pairs were drawn for people"):
        pairs(ran, labels=[ran.file])
    pairs(ran, seed=1)
    table = ran.folder / "labels.csv"
    export(label(ran, most=3), table, None)
    rows = table.read_text().splitlines()
    for path in (ran.out / KEY, ran.out / "people" / "labels.sqlite"):
        path.unlink()
    pairs(ran, seed=2)
    with pytest.raises(DataError) as told:
        pairs(ran, labels=[table])
    assert re.search(r"rows? 2, 3 and 4|row 2", str(told.value)) and "of another run" in str(
        told.value
    )
    assert not (ran.out / LABELS).exists()
    # A policy that writes something else since: no label is of what it writes now.
    good = ran.folder / "good.csv"
    export(label(ran), good, None)
    pairs(ran, labels=[good])
    path = ran.out / "responses" / "evaluation-rlvr-seed0.jsonl"
    path.write_text(path.read_text().replace("rlvr0e1a", "rlvr0e1a?"))
    with pytest.raises(DataError, match="wrote other responses since"):
        pairs(ran, labels=[good])
    says = json.loads((ran.folder / "exam.json").read_text())
    says["exam"]["rlvr0e1a?"] = True
    (ran.folder / "exam.json").write_text(json.dumps(says))
    report = ran.run()
    assert "people" not in report
    assert any("no longer write" in line for line in report["warnings"])
    drawn = pairs(ran)
    assert drawn.queue is not None and not (ran.out / LABELS).exists()
    assert list((ran.out / "earlier").glob(f"*/{LABELS}"))  # kept, not deleted
    assert len(rows) == 4


def test_wrong_and_partial_files_are_one_error_with_rows(ran: World) -> None:
    pairs(ran)
    table = ran.folder / "labels.csv"
    export(label(ran), table, None)
    whole = table.read_text()
    table.write_text(whole[:-40])
    with pytest.raises(DataError, match=r"labels.csv"):
        pairs(ran, labels=[table])
    rows = list(csv.DictReader(whole.splitlines()))
    for row, said in zip(rows, ("left!", "A"), strict=False):
        row["label"] = said
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(DataError, match=r"row 2: label 'left!' is none of A, B, TIE, SKIP"):
        pairs(ran, labels=[table])
    table.write_text(whole)
    with pytest.raises(DataError, match="ann labelled a pair here that stands in"):
        pairs(ran, labels=[table, ran.out / "people" / "labels.sqlite"])
    with pytest.raises(ConfigError, match="exam, not twin"):
        pairs(ran, labels=[table], by="twin")
    with pytest.raises(ConfigError, match="no source of simulated people"):
        pairs(ran, ask="exam")
    (ran.out / KEY).unlink()
    with pytest.raises(ConfigError, match="no evaluator of the experiment"):
        pairs(ran, by="verifier")
    ran.experiment["evaluation"] |= {"evaluators": ["exam", "twin"], "primary": "twin"}
    ran.write()
    assert pairs(ran).by == "twin"


def test_few_labels_say_how_many_more_and_skips_are_none(ran: World) -> None:
    pairs(ran)
    store = label(ran, lambda task: by_exam(task) if int(task.item.id[1:]) % 4 == 1 else None)
    (rlvr, _) = pairs(ran, labels=[store]).rows
    assert rlvr["skipped"] + rlvr["labels"] == 20 and rlvr["labels"] < 10
    assert rlvr["corrected"]["value"] is None and rlvr["more"] >= 10 - rlvr["labels"]
    page = (ran.out / "report.md").read_text()
    assert "People on rlvr against base: too few labels, " in page
    store.unlink()
    with pytest.raises(DataError, match="nobody labelled any of the pairs"):
        pairs(ran, labels=[label(ran, lambda task: None)])


def test_simulated_people_answer_at_once_and_are_called_so(ran: World) -> None:
    says: dict[str, dict[str, str]] = {"ann": {}, "ben": {}}
    pairs(ran, seed=3)
    for task in tasks(ran):
        says["ann"]["|".join(one.text for one in task.responses)] = by_exam(task)
    (ran.folder / "crowd.json").write_text(json.dumps(says))
    options = {"kind": "human", "scale": "pair", "simulated": True, "says": "./crowd.json"}
    ran.experiment["sources"]["crowd"] = {"use": "scripted", "options": options}
    ran.write()
    if not app.registered_commands:
        register()
    asked = ["label-pairs", str(ran.out), "--experiment", str(ran.file), "--quiet"]
    run = CliRunner().invoke(app, asked)
    assert run.exit_code == 0, run.output
    assert "40 pairs to label: 20 of rlvr, 20 of plugin; exam will correct" in run.output
    assert f"harness label --items {ran.out}/people/items.jsonl" in run.output
    assert f"--labels {ran.out}/people/labels.sqlite" in run.output
    run = CliRunner().invoke(app, [*asked, "--ask", "crowd"])
    assert run.exit_code == 0, run.output
    assert run.output.startswith("Simulated people prefer rlvr to base: it wins ")
    assert f"report: {ran.out}/report.html" in run.output
    page = (ran.out / "report.md").read_text()
    assert "The people are simulated: this says nothing of real ones." in page
    assert not re.search(r"(?<!imulated )[Pp]eople prefer rlvr", page)


def test_the_three_commands_of_the_page_do_it(ran: World) -> None:
    """docs/labeling.md, with a labeller of the files and the store that the second one names."""
    page = (Path(__file__).parents[3] / "docs" / "labeling.md").read_text()
    shown = page.partition("## How often people prefer")[2].partition("```bash\n")[2]
    lines = shown.partition("```")[0].replace("reports/arithmetic", str(ran.out))
    first, second, third = lines.replace("examples/arithmetic.yaml", str(ran.file)).splitlines()
    if not app.registered_commands:
        register()
    assert CliRunner().invoke(app, shlex.split(first)[1:]).exit_code == 0
    words = shlex.split(second)
    given = dict(zip(words[2::2], map(Path, words[3::2]), strict=True))
    assert (given["--items"], given["--responses"]) == files_of(ran.out)
    assert given["--store"] == label(ran)
    run = CliRunner().invoke(app, shlex.split(third)[1:])
    assert run.exit_code == 0 and "\nPeople prefer rlvr to base" in run.output, run.output
    # What people said is no change of the run, and a change of what they said is one.
    assert not verify_run(ran.out).changed
    rows = ran.out / "people.json"
    rows.write_text(rows.read_text().replace('"ties": 20', '"ties": 21'))
    (changed,) = verify_run(ran.out).changed
    assert changed.file == "people.json", changed


def test_an_edited_key_or_label_is_named_by_verify_run(ran: World) -> None:
    run_seal = json.loads((ran.out / "manifest.json").read_text())["seal"]["sha256"]
    drawn = pairs(ran)
    assert len(drawn.seal) == 64 and verify_run(ran.out, drawn.seal).ok
    found = pairs(ran, labels=[label(ran)])
    assert found.seal not in (drawn.seal, run_seal, "")
    for published in ("", run_seal, found.seal):
        checked = verify_run(ran.out, published)
        assert checked.ok, checked.changed
        assert f"with them the seal is {found.seal}" in "\n".join(checked.checked)
    # What was published before anybody labelled is another seal.
    assert [one.place for one in verify_run(ran.out, drawn.seal).changed] == ["sha256"]
    kept = {name: (ran.out / name).read_bytes() for name in (KEY, LABELS)}
    votes = json.loads(kept[LABELS])
    votes["votes"][0][2] = "A" if votes["votes"][0][2] != "A" else "B"
    (ran.out / LABELS).write_text(json.dumps(votes))
    wrong = verify_run(ran.out).changed
    assert (wrong[0].file, wrong[0].row, wrong[0].place) == (LABELS, "votes", "0.2")
    (ran.out / LABELS).write_bytes(kept[LABELS])
    key = json.loads(kept[KEY])
    key["pairs"][0]["arm"] = "plugin" if key["pairs"][0]["arm"] == "rlvr" else "rlvr"
    (ran.out / KEY).write_text(json.dumps(key))
    assert (wrong := verify_run(ran.out).changed)[0].file == KEY and wrong[0].place == "0.arm"
    (ran.out / KEY).unlink()
    assert (wrong := verify_run(ran.out).changed)[0].file == KEY and wrong[0].why == "no such file"
    (ran.out / KEY).write_bytes(kept[KEY])
    (ran.out / PEOPLE_SEALED).write_bytes(b"")
    assert verify_run(ran.out).changed[0].file == PEOPLE_SEAL
    ran.run()  # whose end seals both anew
    assert verify_run(ran.out).ok
