"""harness cascade on tables that somebody who knows only the docs may have."""

import contextlib
import csv
import io
import json
from types import SimpleNamespace

import pytest

from harness.cli.cascade import command
from harness.labels.mapping import ColumnMapping, ImportFiles, import_labels, known_answers
from harness.nouns.errors import HarnessError

N = 40
INFO = {"kind": "judge", "simulated": False, "identity": "", "models": [], "scale": None}
FAILED = {"status": "timeout", "value": None, "probability": None, "rationale": ""}


def says(value, p=0.95):
    return {"status": "ok", "value": value, "probability": p, "rationale": ""}


def judged(n, verdict, *, item="", about=(0, 1), **more):
    item = item or f"i{n}"
    return {
        "request_id": f"r{n}", "source": "j", "source_version": "1", "annotator": "j",
        "item_id": item, "response_ids": [f"{item}.{k}" for k in about], "source_info": INFO,
        "verdict": verdict, **more,
    }  # fmt: skip


def rows_of(made):
    """What the judge said of each item, by a rule."""
    return [row for n in range(N) for row in made(n)]


ALWAYS_A = rows_of(lambda n: [judged(n, says("A"))])
TWO_PAIRS = rows_of(
    lambda n: [
        judged(n, says("A")),
        judged(n + N, says("B", 0.04), item=f"i{n}", about=(2, 3)),
    ]
)
ITEM, PAIR = ["item_id", "label"], ["item", "response_a", "response_b", "annotator", "label"]


def labels(says_of=lambda n: "A", columns=ITEM):
    return [columns, *([f"i{n}", says_of(n)] for n in range(N))]


def pair_labels(*rows):
    """Rows (names of A and B, who, label) of each item."""
    return [PAIR, *([f"i{n}", *(x.format(n) for x in row)] for n in range(N) for row in rows)]


def put(folder, judgments, table, items=N):
    """Write the files, and return the command's options."""
    names = {
        "items.jsonl": [{"id": f"i{n}", "prompt": "p"} for n in range(items)],
        "responses.jsonl": [
            {"id": f"i{n}.{k}", "item_id": f"i{n}", "system": f"s{k}", "text": f"{k}"}
            for n in range(items)
            for k in range(4)
        ],
        "j.jsonl": judgments,
    }
    for name, rows in names.items():
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(table)
    files = {"items": "items.jsonl", "responses": "responses.jsonl", "labels": "labels.csv"}
    return {
        "judgments": folder / "j.jsonl",
        "out": folder / "left",
        **{option: folder / name for option, name in files.items()},
    }


def run(folder, judgments, table, items=N):
    """Call the command without its command line."""
    printed, code = io.StringIO(), 0
    with contextlib.redirect_stdout(printed):
        try:
            command(**put(folder, judgments, table, items))
        except HarnessError as error:
            code = error.exit_code
            printed.write(f"{error}")
    written = {name: folder / "left" / f"{name}.jsonl" for name in ("accepted", "items")}
    count = {
        name: len(path.read_text().splitlines()) if path.exists() else None
        for name, path in written.items()
    }
    return SimpleNamespace(code=code, said=" ".join(printed.getvalue().split()), **count)


def half(n):
    return "A" if n % 2 else "B"


# judgments, labels -> verdicts that stand, pairs that are left, what is said besides
STAND = {
    "lower case": (ALWAYS_A, labels(lambda n: "a"), 40, 0, []),
    "an arena's words": (ALWAYS_A, labels(lambda n: "model_a"), 40, 0, []),
    "spaces and what nobody sees": (ALWAYS_A, labels(lambda n: " A\u200b"), 40, 0, []),
    "invisible characters in the item": (
        ALWAYS_A, [ITEM, *([f"i{n}\u200b", "A"] for n in range(N))], 40, 0, []),
    "empty cells": (ALWAYS_A, labels(lambda n: "A" if n < 31 else ""), 40, 0,
                    ["9 pairs have no label", "0 of 31 labelled"]),
    "skips": (ALWAYS_A, labels(lambda n: "A" if n < 31 else "Skip"), 40, 0, ["9 pairs have no"]),
    "n/a": (ALWAYS_A, labels(lambda n: "A" if n < 31 else "n/a"), 40, 0, ["9 pairs have no label"]),
    "a spreadsheet's error": (ALWAYS_A, labels(lambda n: "A" if n < 31 else "#N/A"), 40, 0,
                              ["9 pairs have no label"]),
    "ties of people are errors of the judge": (
        ALWAYS_A, labels(lambda n: "TIE" if n < 20 else "A"), 0, 40, ["no threshold"]),
    "the column item": (ALWAYS_A, labels(columns=["item", "label"]), 40, 0, []),
    "labels of more items": (ALWAYS_A, labels() + [[f"q{n}", "B"] for n in range(500)], 40, 0,
                             ["500 labels are of other pairs", "0 of 40 labelled"]),
    "the same label twice": (ALWAYS_A, labels() + labels()[1:], 40, 0,
                             ["40 pairs have several labels: the majority counts"]),
    "three people": (
        ALWAYS_A,
        pair_labels(("i{0}.0", "i{0}.1", "ann", "A"), ("i{0}.0", "i{0}.1", "ben", "B"),
                    ("i{0}.1", "i{0}.0", "cy", "B")),
        40, 0, ["40 pairs have several labels", "0 of 40 labelled"]),
    "the pair the other way round": (
        ALWAYS_A, pair_labels(("i{0}.1", "i{0}.0", "ann", "B")), 40, 0, ["0 of 40 labelled"]),
    "the pair by its systems": (
        ALWAYS_A, pair_labels(("s1", "s0", "ann", "B")), 40, 0, ["0 of 40 labelled"]),
    "the winner by its name": (
        ALWAYS_A, pair_labels(("i{0}.1", "i{0}.0", "ann", "i{0}.0")), 40, 0, ["0 of 40 labelled"]),
    "labels of another pair of the item": (
        TWO_PAIRS, pair_labels(("i{0}.0", "i{0}.1", "ann", "A"), ("i{0}.2", "i{0}.1", "ann", "B")),
        80, 0, ["40 labels are of other pairs", "0 of 40 labelled"]),
    "both pairs of an item": (
        TWO_PAIRS, pair_labels(("i{0}.0", "i{0}.1", "ann", "A"), ("i{0}.3", "i{0}.2", "ann", "A")),
        80, 0, ["0 of 80 labelled"]),
    "judgments twice": (ALWAYS_A * 2, labels(), 40, 0, ["0 of 40 labelled"]),
    "the order BA only": (
        rows_of(lambda n: [judged(n, says("A"), order="BA")]), labels(), 40, 0, []),
    "one order failed": (
        rows_of(lambda n: [judged(n, says("A")), judged(n, FAILED, order="BA")]), labels(), 0, 40,
        ["40 labelled pairs have no verdict"]),
    "the orders differ": (
        rows_of(lambda n: [judged(n, says("A", 0.7)), judged(n, says("B", 0.3), order="BA")]),
        labels(), 0, 40, ["40 labelled pairs have no verdict"]),
    "sure of the other one": (
        rows_of(lambda n: [judged(n, says("A", 0.05))]), labels(), 0, 40, ["no threshold"]),
    "half of them wrong": (ALWAYS_A, labels(half), 0, 40, ["no threshold"]),
    "one label only": (ALWAYS_A, labels()[:2], 0, 40, ["on 1 labelled verdict (fewer than 22"]),
}  # fmt: skip


@pytest.mark.parametrize("case", STAND)
def test_labels_are_of_the_pair_that_they_name(tmp_path, case):
    judgments, table, stand, left, words = STAND[case]
    done = run(tmp_path, judgments, table)
    assert done.code == 0, done.said
    assert (done.accepted, done.items) == (stand, left), done.said
    for word in words:
        assert word in done.said


def edited(**more):
    return [{**row, **more} for row in ALWAYS_A]


IMPORT = "hint: write A, B or TIE, once for each person; harness import-labels makes such a table"

# judgments, labels, items in the file -> what the error says
REFUSED = {
    "two pairs of an item": (TWO_PAIRS, labels(), N, ["row 2", "i0 has 2 judged pairs",
                                                      "response_a and response_b"]),
    "as many for as against": (ALWAYS_A, labels() + labels(lambda n: "B")[1:], N,
                               ["no label of a judged pair is left", "40 pairs have as many"]),
    "nothing but skips": (ALWAYS_A, labels(lambda n: "skip"), N, ["40 pairs have no label"]),
    "one person twice": (
        ALWAYS_A, pair_labels(*[("i{0}.0", "i{0}.1", "ann", x) for x in "AB"]), N,
        ["ann labelled item 'i0' already in row 2", IMPORT]),
    "two requests of a pair": (
        [*ALWAYS_A, judged(99, says("B", 0.1), item="i0", about=(1, 0))], labels(), N,
        ["j.jsonl:41", "stand in two requests"]),
    "items of another file": (ALWAYS_A, labels(), 5, ["j.jsonl:6", "not in the files"]),
    "no judgments": ([], labels(), N, ["there are no judgments"]),
    "a number for a label": (
        ALWAYS_A, labels(lambda n: "1"), N, ["'1' is none of A, B, TIE", IMPORT]),
    "another letter": (ALWAYS_A, labels(lambda n: "C"), N, ["'C' is none of A, B, TIE"]),
    "no header": (ALWAYS_A, labels()[1:], N, ["needs the columns item (or item_id) and label"]),
    "no rows": (ALWAYS_A, [ITEM], N, ["the table has no rows"]),
    "a row with a cell too many": (ALWAYS_A, [*labels(), ["i1", "A", "B"]], N, ["row 42"]),
    "labels of other items": (ALWAYS_A, [ITEM, ["q1", "A"]], N, ["none of the labels is of a"]),
    **{
        f"sides called {a} and {b}": (
            ALWAYS_A, [["item_id", a, b, "label"], ["i1", "i1.1", "i1.0", "A"]], N,
            [f"the columns {a}, {b} seem to say which responses", "response_a and response_b"])
        for a, b in [("model_a", "model_b"), ("First", "Second"), ("left", "right")]
    },
    "labels by two criteria": (
        ALWAYS_A, [[*ITEM, "criterion"], ["i1", "A", "short"], ["i1", "B", "kind"]], N,
        ["labels by 2 criteria: 'kind', 'short'"]),
    "single responses": (
        [{**row, "response_ids": row["response_ids"][:1]} for row in ALWAYS_A], labels(), N,
        ["j.jsonl:1"]),
    "a probability above one": (edited(verdict=says("A", 1.5)), labels(), N, ["got 1.5"]),
    "a probability in percent": (edited(verdict=says("A", 95)), labels(), N, ["got 95"]),
    "a verdict that is none of a pair": (edited(verdict=says("C")), labels(), N, ["value 'C' is"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_sure_is_one_clear_error(tmp_path, case):
    judgments, table, items, words = REFUSED[case]
    done = run(tmp_path, judgments, table, items)
    assert done.code == 2 and done.accepted is None, done.said
    for word in words:
        assert word in done.said


def test_of_two_judges_in_one_file_both_are_named(tmp_path):
    both = ALWAYS_A + edited(source="k", annotator="k", verdict=says("A", 0.85))
    assert run(tmp_path, both, labels()).accepted == N
    (row, *_) = map(json.loads, (tmp_path / "left/accepted.jsonl").read_text().splitlines())
    assert row["source"] == "j, k" and row["probability"] == pytest.approx(0.9)


def test_what_import_labels_writes_is_taken(tmp_path):
    messy = [["question", "first", "second", "ann", "ben"]] + [
        [f"i{n}", f"i{n}.1", f"i{n}.0", "b", "B" if n < 30 else "n/a"] for n in range(N)
    ]
    put(tmp_path, ALWAYS_A, messy)
    known = known_answers(tmp_path / "items.jsonl", tmp_path / "responses.jsonl")
    mapping = ColumnMapping.of_file(tmp_path / "labels.csv", {})
    import_labels(mapping, ImportFiles(tmp_path / "tidy.csv"), known)
    with (tmp_path / "tidy.csv").open(newline="") as file:
        tidy = list(csv.reader(file))
    done = run(tmp_path, ALWAYS_A, tidy)
    assert "30 pairs have several labels" in done.said
    assert "stand: 40 of 40 (0 of 40 labelled" in done.said
