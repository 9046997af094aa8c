"""Labels that chose a judge do not certify it: ``harness agree`` leaves them out and says so."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from in_process import harness

from harness.agreement import Settings
from harness.agreement.halves import chooses
from harness.experiment.stages.agree import agree, gated
from harness.experiment.stages.cascade import cascade
from harness.experiment.stages.recorded import Answers
from harness.experiment.stages.spent import note_certified
from harness.feedback.requests import build_requests
from harness.labels.ratings import Reading
from harness.nouns.gate import Gate
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response, SourceInfo, Verdict
from harness.records.judgments import read_judgments, write_judgments
from harness.records.label_uses import LabelUse, add_use, read_uses, row_key, tags_of

FAST = Settings(replicates=100)
ITEMS = [Item(f"i{n}", f"{n}?", metadata={"cluster": f"c{n // 2}"}) for n in range(120)]
RESPONSES = [Response(f"{i.id}/{s}", i.id, s, f"{s} {i.id}") for i in ITEMS for s in ("x", "y")]
INFOS = {
    "people": SourceInfo("people", "1", "human"),
    "judge": SourceInfo("judge", "1", "judge", models=("m/one",)),
    "other": SourceInfo("other", "1", "judge", models=("m/two",)),
}


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """Judgments on 120 pairs: the judge is always right on the first 60, and half of the rest."""
    requests = build_requests(ITEMS, RESPONSES, "pairwise")
    judgments = []
    for n, request in enumerate(requests):
        truth = "AB"[(n // 3) % 2]
        wrong = "AB"[truth == "A"]
        said = truth if n < 60 or n % 2 else wrong
        for source, value in (("people", truth), ("judge", said), ("other", said)):
            about = {"rubric_sha256": f"rubric of {source}"}
            judgments.append(
                Judgment(request.id, source, "1", source, Verdict(Status.OK, value), metadata=about)
            )
    write_judgments(tmp_path / "all.jsonl", requests, judgments, INFOS)
    return tmp_path / "all.jsonl"


def chose(path: Path, keys: list[str], tags: tuple[str, ...]) -> None:
    """Record that some labels chose a rubric."""
    use = LabelUse("chose", "rubric", "kinder-2", tags, tuple(keys), ("people",), "harness align")
    add_use(path.parent / "label-uses.jsonl", replace(use, at="2026-11-27T10:00:00+00:00"))


def pairs_of(first: int, last: int) -> list[str]:
    """Return the keys of some pairs."""
    return [r.id for r in build_requests(ITEMS[first:last], RESPONSES, "pairwise")]


@pytest.mark.parametrize(
    "tags",
    [tags_of("judge"), tags_of("x", ["m/one"]), tags_of("x", [], ["rubric of judge"])],
)
def test_gates_read_only_the_labels_that_did_not_choose(
    judged: Path, tags: tuple[str, ...]
) -> None:
    gates = [Gate("judge", 0.3, "drop"), Gate("other", 0.3, "drop")]
    before = gated(agree(judged, None, FAST), gates)
    assert [one.outcome for one in before.gates] == ["pass", "pass"]
    chose(judged, pairs_of(0, 60), tags)
    report = agree(judged, None, FAST)
    judge, other = gated(report, gates).gates
    assert (judge.n, judge.spent, judge.outcome) == (60, 60, "fail")
    assert judge.value == pytest.approx(0.0, abs=0.1)
    assert (judge.low, judge.high) == (None, None)  # that interval is of all labels
    assert "60 spent rows left out" in judge.reason
    assert (other.n, other.spent, other.outcome) == (120, 0, "pass")
    (note,) = [note for note in report.table.notes if "chose" in note]
    assert note == (
        "warning: these 60 labels chose the rubric kinder-2 on 2026-11-27 (harness align): they"
        " cannot certify judge, whose numbers over all labels are too good. 60 labels are unspent;"
        " gates read those alone"
    )


def test_where_every_label_is_spent_nothing_is_certified(judged: Path) -> None:
    chose(judged, pairs_of(0, 120), tags_of("judge"))
    (found,) = gated(agree(judged, None, FAST), [Gate("judge", 0.4, "drop")]).gates
    assert (found.outcome, found.value, found.weight, found.n) == ("undecided", None, 0.0, 0)
    assert "120 spent rows left out" in found.reason


def test_a_prompt_is_spent_with_each_of_its_items(judged: Path) -> None:
    chose(judged, pairs_of(0, 60)[::2], tags_of("judge"))  # one of the two items of each prompt
    answers = Answers(ITEMS, ())
    (found,) = gated(agree(judged, None, FAST, "", answers), [Gate("judge", 0.4, "drop")]).gates
    assert (found.n, found.spent) == (60, 60)
    (alone,) = gated(agree(judged, None, FAST), [Gate("judge", 0.4, "drop")]).gates
    assert (alone.n, alone.spent) == (90, 30)  # without the items nobody knows of the prompts


def test_items_that_learnt_their_group_later_stay_spent(judged: Path) -> None:
    before = [replace(item, metadata={}) for item in ITEMS[:60]]
    chose(judged, [r.id for r in build_requests(before, RESPONSES, "pairwise")], tags_of("judge"))
    answers = Answers(ITEMS, RESPONSES)
    (found,) = gated(agree(judged, None, FAST, "", answers), [Gate("judge", 0.4, "drop")]).gates
    assert found.spent == 60


def test_a_threshold_or_a_certificate_spends_nothing(judged: Path) -> None:
    use = LabelUse("chose", "threshold", "0.9", tags_of("judge"), tuple(pairs_of(0, 60)), (), "x")
    for one in (use, replace(use, deed="certified", what="gate")):
        add_use(judged.parent / "label-uses.jsonl", one)
    (found,) = gated(agree(judged, None, FAST), [Gate("judge", 0.4, "drop")]).gates
    assert (found.n, found.spent) == (120, 0)


def test_single_responses_are_spent_too(tmp_path: Path) -> None:
    asked = build_requests(ITEMS, RESPONSES, "pointwise")
    judgments = [
        Judgment(r.id, source, "1", source, Verdict(Status.OK, said))
        for n, r in enumerate(asked)
        for source, said in (("people", bool(n % 2)), ("judge", bool(n % 2) or n >= 200))
    ]
    write_judgments(tmp_path / "all.jsonl", asked, judgments, INFOS)
    gate = Gate("judge", 0.5, "drop", "false_pass_rate")
    (before,) = gated(agree(tmp_path / "all.jsonl", None, FAST), [gate]).gates
    assert (before.n, before.outcome) == (120, "pass")
    chose(tmp_path / "all.jsonl", [r.id for r in asked[:200]], tags_of("judge"))
    (after,) = gated(agree(tmp_path / "all.jsonl", None, FAST), [gate]).gates
    assert (after.n, after.value, after.outcome) == (20, 1.0, "fail")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A wide table whose items have names."""
    rng = np.random.default_rng(5)
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["item", "prompt", "ann", "bob", "gpt", "panda"])
        for n in range(200):
            truth = "AB"[rng.integers(2)]
            said = truth if n < 100 or rng.random() < 0.5 else "AB"[truth == "A"]
            rows.writerow([f"x{n}", f"p{n // 2}", truth, truth, said, said])
    return tmp_path / "labels.csv"


def test_a_table_in_another_order_knows_its_uses(table: Path) -> None:
    chose(table, [row_key(table, f"x{n}") for n in range(100)], tags_of("gpt"))
    header, *lines = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(lines), "new,p900,A,A,A,A"]) + "\n")
    gates = ("--gate", "gpt=0.4:drop", "--gate", "panda=0.4:drop")
    asked = ("--human-columns", "ann,bob", "--judge-columns", "gpt,panda", "--item-column", "item",
             "--cluster-column", "prompt", "--replicates", "100")  # fmt: skip
    done = harness("agree", table, *asked, *gates, "--json", table.with_suffix(".json"))
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "these 100 labels chose the rubric kinder-2 on 2026-11-27" in told
    assert "101 labels are unspent" in told
    assert "100 spent rows were left out" in told
    assert told.count("spent rows") == 1  # panda's labels are unspent
    notes = json.loads(table.with_suffix(".json").read_text())["notes"]
    assert any("cannot certify gpt" in note for note in notes["The labels"])
    gate, panda = read_uses([table.parent / "label-uses.jsonl"])[1:]
    assert (gate.deed, gate.what, gate.command) == ("certified", "gate", "harness agree")
    assert row_key(table, "x3") not in gate.items
    assert row_key(table, "x150") in gate.items
    assert (len(gate.items), len(panda.items)) == (101, 201)
    assert gate.annotators == ("ann", "bob")
    again = harness("agree", table, *asked, *gates)
    assert again.returncode == 0
    assert len(read_uses([table.parent / "label-uses.jsonl"])) == 3


def test_the_file_of_uses_may_lie_elsewhere(table: Path, tmp_path: Path) -> None:
    said = ("--human-columns", "ann,bob", "--judge-columns", "gpt", "--replicates", "100")
    done = harness("agree", table, *said, "--gate", "gpt=0.4:drop", "--uses", tmp_path / "u.jsonl")
    assert done.returncode == 0, done.stderr
    assert len(read_uses([tmp_path / "u.jsonl"])) == 1
    assert not (table.parent / "label-uses.jsonl").exists()


def test_labels_where_nobody_can_write_are_measured_all_the_same(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (table.parent / "label-uses.jsonl").mkdir()
    said = ("--human-columns", "ann,bob", "--judge-columns", "gpt", "--replicates", "100")
    done = harness("agree", table, *said, "--gate", "gpt=0.4:drop")
    assert done.returncode == 0, done.stderr
    assert "warning: nobody will know that these labels were used" in done.stderr
    done = harness("agree", table, *said, "--gate", "gpt=0.4:drop", "--uses", tmp_path)
    assert done.returncode == 2


def test_a_gate_of_nothing_records_nothing(judged: Path, tmp_path: Path) -> None:
    report = agree(judged, Reading(), FAST)
    decided = gated(report, [Gate("judge", 0.2, "warn", "swap_flip_rate")]).gates
    note_certified([tmp_path / "u.jsonl"], report, decided)
    assert not (tmp_path / "u.jsonl").exists()


def test_a_cascade_is_not_calibrated_on_labels_that_chose_its_judge(tmp_path: Path) -> None:
    requests = build_requests(ITEMS, RESPONSES, "pairwise")
    judgments, lines = [], ["item_id,label"]
    for n, request in enumerate(requests):  # sure of all, and wrong on a third of the later ones
        said = Verdict(Status.OK, "A" if n < 60 or n % 3 else "B", 0.9 if n < 60 or n % 3 else 0.1)
        judgments.append(Judgment(request.id, "judge", "1", "judge", said))
        lines.append(f"{request.item.id},A")
    write_judgments(tmp_path / "judge.jsonl", requests, judgments, INFOS)
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(lines) + "\n")
    rows, answers = read_judgments(tmp_path / "judge.jsonl"), Answers(ITEMS, RESPONSES)
    split, notes = cascade(rows, labels, answers, risk=0.25)
    assert (split.labelled, split.threshold.confidence, notes) == (120, 0.9, ())
    chose(labels, pairs_of(0, 60), tags_of("renamed", ["m/one"]))
    split, notes = cascade(rows, labels, answers, risk=0.25)
    assert (split.labelled, split.threshold.confidence) == (60, None)
    assert notes == ("60 labels chose this judge, so the threshold is calibrated on the 60 others",)


def test_the_judge_that_half_of_the_prompts_chose_is_certified_by_the_other_half(
    table: Path,
) -> None:
    """gpt and panda say the same, so the first stays; a third judge is always wrong."""
    header, *lines = table.read_text().splitlines()
    flip = {"A": "B", "B": "A"}
    wrong = [f"{line},{flip[line.split(',')[2]]}" for line in lines]
    table.write_text("\n".join([f"{header},liar", *wrong]) + "\n")
    asked = ("--human-columns", "ann,bob", "--judge-columns", "gpt,panda,liar", "--item-column",
             "item", "--cluster-column", "prompt", "--replicates", "100")  # fmt: skip
    gates = ("--gate", "gpt=0.2:drop", "--gate", "panda=0.2:drop")
    done = harness("agree", table, *asked, *gates, "--choose", "liar,gpt,panda")
    assert done.returncode == 0, done.stderr
    chose_, certified, of_panda = read_uses([table.parent / "label-uses.jsonl"])
    first = [min(f"x{n - n % 2}", f"x{n - n % 2 + 1}") for n in range(200)]  # of each prompt
    half = chooses(first).tolist()
    keys = [row_key(table, f"x{n}") for n in range(200)]
    chosen = {key for key, one in zip(keys, half, strict=True) if one}
    assert (chose_.deed, chose_.what, chose_.result) == ("chose", "judge", "gpt")
    assert chose_.about == tags_of("gpt") and chose_.annotators == ("ann", "bob")
    assert set(chose_.items) == chosen
    assert set(certified.items) == set(keys) - chosen
    assert set(of_panda.items) == set(keys)  # nobody chose it
    told = " ".join(done.stdout.split())
    assert "chosen of 3 judges: gpt, which says what is right most often on" in told
    assert "(liar 0.0%, gpt " in told
    assert "gpt, panda are equally right, and the first is kept" in told
    assert "gpt is the best of 3 judges" in told
    assert f"{sum(half)} spent rows were left out" in told
    header, *lines = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(lines)]) + "\n")  # sorted anew
    again = harness("agree", table, *asked, *gates, "--choose", "liar,gpt,panda")
    assert again.returncode == 0, again.stderr
    choices = [one for one in read_uses([table.parent / "label-uses.jsonl"]) if one.deed == "chose"]
    assert {key for one in choices for key in one.items} == chosen


@pytest.mark.parametrize(
    ("choose", "more", "message"),
    [
        ("gpt", (), "--choose takes two judges at least, got gpt"),
        (",", (), "--choose takes two judges at least, got none"),
        ("gpt,pandas", (), "'pandas' is no judge here (did you mean panda?)"),
        ("gpt,ann", (), "'ann' is no judge here"),
        ("gpt,panda", ("--where", "prompt=p3"), "labels of 0 prompts"),
    ],
)
def test_what_cannot_choose_is_refused_and_nothing_is_recorded(
    table: Path, choose: str, more: tuple[str, ...], message: str
) -> None:
    asked = ("--human-columns", "ann,bob", "--judge-columns", "gpt,panda", "--item-column", "item",
             "--cluster-column", "prompt", "--replicates", "100")  # fmt: skip
    done = harness("agree", table, *asked, "--choose", choose, *more)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert not (table.parent / "label-uses.jsonl").exists()


def test_a_candidate_that_is_silent_is_told(table: Path) -> None:
    header, *lines = table.read_text().splitlines()
    seldom = [f"{line},{line.split(',')[2] if n % 8 else ''}" for n, line in enumerate(lines)]
    table.write_text("\n".join([f"{header},seldom", *seldom]) + "\n")
    done = harness(
        "agree", table, "--human-columns", "ann,bob", "--judge-columns", "gpt,seldom",
        "--item-column", "item", "--cluster-column", "prompt", "--replicates", "100",
        "--failure-values", "empty", "--choose", "gpt,seldom",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no verdict counts as wrong: of seldom 1" in " ".join(done.stdout.split())


def test_judgments_are_no_table_to_choose_from(judged: Path) -> None:
    done = harness("agree", judged, "--choose", "judge,other", "--replicates", "100")
    assert done.returncode == 2
    assert "--choose takes a table of labels" in done.stderr
