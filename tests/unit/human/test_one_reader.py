"""One reader of label tables: every shape, every word of failure, through all five ways alike.

The five ways are ``human_csv``, ``import-labels`` (what it writes, read again), ``agree``,
``aggregate`` and ``label`` (the store of the page and what it exports). Each gives the same facts:
(item, its responses, annotator, label or None, reason of a failure).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.experiment.stages.aggregate import with_gold
from harness.label_page.exporting import export
from harness.label_page.store import Entry, LabelStore
from harness.labels.exports import read_label_table
from harness.labels.failures import FAILURE_WORDS, status_of
from harness.labels.mapping import ColumnMapping, ImportFiles, import_labels
from harness.labels.ratings import Reading, read_ratings
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, JudgmentRequest, Response
from harness.registry import registry

WORDS = [word for word in FAILURE_WORDS if word != "empty"]


def csv_of(*rows: str) -> str:
    return "\n".join(rows) + "\n"


def long_pairs(cell: str) -> tuple[str, str, dict]:
    text = csv_of(
        "q,a,b,who,pick", "q1,m,n,ann,A", f"q1,m,n,gpt,{cell}", "q2,n,m,ann,m", "q2,m,n,gpt,tie"
    )
    return (
        "t.csv",
        text,
        {"item": "q", "response_a": "a", "response_b": "b", "annotator": "who", "label": "pick"},
    )


def wide_pairs(cell: str) -> tuple[str, str, dict]:
    text = csv_of("q,ann,gpt", f"q1,A,{cell}", "q2,B,TIE")
    return "t.csv", text, {"item": "q", "systems": ["m", "n"], "labels": ["ann", "gpt"]}


def long_scores(cell: str) -> tuple[str, str, dict]:
    text = csv_of("q,r,who,s", "q1,m,ann,3", f"q1,m,gpt,{cell}", "q2,m,ann,2.0", "q2,m,gpt,2")
    return "t.csv", text, {"item": "q", "response": "r", "annotator": "who", "label": "s"}


def wide_scores(cell: str) -> tuple[str, str, dict]:
    text = csv_of("q,ann,gpt", f"q1,3,{cell}", "q2,2.0,1")
    return "t.csv", text, {"item": "q", "systems": ["m"], "labels": ["ann", "gpt"]}


def by_response(cell: str) -> tuple[str, str, dict]:
    text = csv_of("q,who,m,n", "q1,ann,3,1", f"q1,gpt,2,{cell}")
    return (
        "t.csv",
        text,
        {"item": "q", "annotator": "who", "labels": ["m", "n"], "by": "response"},
    )


def by_criterion(cell: str) -> tuple[str, str, dict]:
    text = csv_of("q,r,who,kind,true", "q1,m,ann,3,1", f"q1,m,gpt,2,{cell}")
    return (
        "t.csv",
        text,
        {"item": "q", "response": "r", "annotator": "who", "labels": ["kind", "true"],
         "by": "criterion"},
    )  # fmt: skip


def ranking(cell: str) -> tuple[str, str, dict]:
    text = csv_of("q,who,order", "q1,ann,m > n = o", f"q1,gpt,{cell}")
    return "t.csv", text, {"item": "q", "annotator": "who", "label": "order", "task": "ranking"}


def wide_ranking(cell: str) -> tuple[str, str, dict]:
    text = csv_of("q,who,m,n,o", "q1,ann,1,2,2", f"q1,gpt,{cell},{cell},{cell}")
    return (
        "t.csv",
        text,
        {"item": "q", "annotator": "who", "labels": ["m", "n", "o"], "by": "response",
         "task": "ranking"},
    )  # fmt: skip


def best_worst(cell: str) -> tuple[str, str, dict]:
    text = csv_of("q,who,c1,c2,c3,best,worst", "q1,ann,m,n,o,m,o", f"q1,gpt,m,n,o,{cell},{cell}")
    return (
        "t.csv",
        text,
        {"item": "q", "annotator": "who", "best": "best", "worst": "worst",
         "choices": ["c1", "c2", "c3"]},
    )  # fmt: skip


def label_studio(cell: str) -> tuple[str, str, dict]:
    def said(who: str, value: str) -> dict:
        result = [{"from_name": "pw", "type": "choices", "value": {"choices": [value]}}]
        return {"completed_by": who, "result": result if value else []}

    task = {"id": 7, "data": {"text1": "x", "text2": "y"}}
    annotations = [said("ann", "left"), said("gpt", cell)]
    text = json.dumps([{**task, "annotations": annotations}])
    return "export.json", text, {"label": "pw", "systems": ["m", "n"]}


def argilla(cell: str) -> tuple[str, str, dict]:
    def said(who: str, value: str) -> dict:
        return {"user_id": who, "value": value, "status": "submitted"}

    record = {
        "id": "r1", "fields": {"prompt": "?", "response": "!"}, "metadata": {"model": "m"},
        "responses": {"quality": [said("ann", "3"), said("gpt", cell)]},
    }  # fmt: skip
    return "export.json", json.dumps([record]), {"label": "quality"}


SHAPES = [
    long_pairs, wide_pairs, long_scores, wide_scores, by_response, by_criterion, ranking,
    wide_ranking, best_worst, label_studio, argilla,
]  # fmt: skip
LONG = (long_pairs, long_scores, label_studio, argilla)
"""Shapes with one label in a row, where an empty cell is a mistake unless it is declared."""

Fact = tuple[str, tuple[str, ...], str, str, "str | None", str]


def facts_of(labels) -> set[Fact]:
    found = set()
    for label in labels:
        if label.responses != tuple(sorted(label.responses)):
            label = label.named(label.responses[::-1])
        value = None if label.value is None else str(label.value)
        found.add((label.item_id, label.responses, label.annotator, label.criterion, value,
                   label.reason))  # fmt: skip
    return found


def facts_of_ratings(table) -> set[Fact]:
    found = set()
    for k, who in enumerate(table.annotators):
        for i, name in enumerate(table.items):
            code, failure = table.codes[i, k], table.failures[i, k]
            if code < 0 and not failure:
                continue
            item, *parts = name.split(" | ")
            criterion = parts.pop() if parts and parts[-1] in ("kind", "true") else ""
            value = None if code < 0 else table.categories[code]
            if parts != sorted(parts):
                parts, value = parts[::-1], {"A": "B", "B": "A"}.get(value, value)
            reason = table.reasons[failure - 1] if failure else ""
            found.add((item, tuple(parts), who, criterion, value, reason))
    return found


def ways(path: Path, said: dict) -> dict[str, set[Fact]]:
    """Read one file in every way."""
    mapping = ColumnMapping(read_label_table(path), ColumnMapping.of_file(path, {}).guess, {})
    mapping = ColumnMapping(mapping.table, mapping.guess, said)
    options = mapping.options if mapping.table.tool else said
    build = registry().source("human_csv").build
    found = {"human_csv": facts_of(build({"file": str(path), **options}).labels)}
    checked = ColumnMapping(mapping.table, type(mapping.guess)(), options)
    out = path.with_name("imported.csv")
    labels = import_labels(checked, ImportFiles(out))
    found["import-labels"] = facts_of(labels)
    found["import-labels again"] = facts_of(build(checked.source_options(labels, out)).labels)
    agreed, _ = read_ratings(path, Reading(columns=said))
    found["agree"] = facts_of_ratings(agreed)
    everybody = tuple(sorted({fact[2] for fact in found["human_csv"]}))
    aggregated, _ = read_ratings(path, Reading(columns=said, judges=everybody))
    found["aggregate"] = facts_of_ratings(aggregated)
    written = checked.source_options(labels, out)
    columns = {k: v for k, v in written.items() if k != "file"}
    found["agree on what was imported"] = facts_of_ratings(
        read_ratings(out, Reading(columns=columns))[0]
    )
    return found


def same(found: dict[str, set[Fact]]) -> set[Fact]:
    first = found["human_csv"]
    assert {way: facts for way, facts in found.items() if facts != first} == {}
    return first


def written(tmp_path: Path, shape, cell: str) -> tuple[Path, dict]:
    name, text, options = shape(cell)
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path, options


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_word_of_failure_is_the_same_failure_in_all_ways(tmp_path, shape, word, upper):
    path, options = written(tmp_path, shape, word.upper() if upper else word)
    facts = same(ways(path, options))
    failed = [fact for fact in facts if fact[4] is None]
    assert failed and {(fact[2], fact[5]) for fact in failed} == {("gpt", word)}
    assert any(fact[2] == "ann" and fact[4] for fact in facts)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_declared_word_is_a_failure_in_all_ways_and_no_other_is(tmp_path, shape):
    path, options = written(tmp_path, shape, "N/A")
    facts = same(ways(path, {**options, "failure_values": ["n/a"]}))
    assert {(f[2], f[5]) for f in facts if f[4] is None} == {("gpt", "n/a")}


@pytest.mark.parametrize("shape", [wide_pairs, wide_scores, by_response, by_criterion])
def test_an_empty_cell_of_a_wide_table_was_not_asked_for_in_any_way(tmp_path, shape):
    path, options = written(tmp_path, shape, "")
    facts = same(ways(path, options))
    assert all(fact[4] for fact in facts)


@pytest.mark.parametrize("shape", [s for s in LONG if s is not label_studio])
def test_an_empty_cell_of_a_long_table_is_refused_in_all_ways_with_what_to_do(tmp_path, shape):
    path, options = written(tmp_path, shape, "")
    mapping = ColumnMapping.of_file(path, {})
    full = {**mapping.guess.options, **options} if mapping.table.tool else options
    full["values"] = {}
    tries = (
        lambda: registry().source("human_csv").build({"file": str(path), **full}),
        lambda: import_labels(ColumnMapping(mapping.table, type(mapping.guess)(), full),
                              ImportFiles()),
        lambda: read_ratings(path, Reading(columns=full)),
    )  # fmt: skip
    for attempt in tries:
        with pytest.raises(DataError, match="no label; if it is a skip, say so"):
            attempt()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_declared_empty_cell_is_a_failure_in_all_ways(tmp_path, shape):
    path, options = written(tmp_path, shape, "")
    facts = same(ways(path, {**options, "failure_values": ["empty"], "values": {}}))
    assert {(f[2], f[5]) for f in facts if f[4] is None} == {("gpt", "empty")}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("shape", [long_scores, wide_scores, by_response, by_criterion, argilla])
def test_a_word_on_the_declared_scale_is_a_label_in_all_ways(tmp_path, shape, word):
    path, options = written(tmp_path, shape, word)
    scale = {"level": "nominal", "labels": ["1", "2", "3", word]}
    facts = same(ways(path, {**options, "scale": scale}))
    assert {fact[4] for fact in facts if fact[2] == "gpt"} >= {word}
    assert all(fact[5] == "" for fact in facts)


@pytest.mark.parametrize("word", [word for word in WORDS if word != "skip"])
@pytest.mark.parametrize("shape", [long_scores, wide_scores, by_response, by_criterion, argilla])
def test_a_word_that_declared_people_use_is_a_label_in_all_ways(tmp_path, shape, word):
    """Here ann is called gpt: whoever says the word is a declared person."""
    path, options = written(tmp_path, shape, word)
    facts = same(ways(path, {**options, "people": ["gpt"]}))
    assert {fact[4] for fact in facts if fact[2] == "gpt"} >= {word}
    assert all(fact[5] == "" for fact in facts)


@pytest.mark.parametrize("people", [[], ["ann"]])
@pytest.mark.parametrize("word", [word for word in WORDS if word != "skip"])
@pytest.mark.parametrize(
    ("text", "options"),
    [
        (
            "q,r,who,s\nq1,m,ann,{0}\nq1,m,gpt,{0}\nq2,m,ann,fine\n",
            {"item": "q", "response": "r", "annotator": "who", "label": "s"},
        ),
        (
            "q,ann,gpt\nq1,{0},{0}\nq2,fine,fine\n",
            {"item": "q", "systems": ["m"], "labels": ["ann", "gpt"]},
        ),
    ],
)
def test_a_word_that_people_use_is_a_label_of_judges_too(tmp_path, text, options, word, people):
    path = tmp_path / "t.csv"
    path.write_text(text.format(word), encoding="utf-8")
    facts = same(ways(path, {**options, "people": people}))
    failed = {(fact[2], fact[5]) for fact in facts if fact[4] is None}
    assert failed == (set() if people else {("ann", word), ("gpt", word)})


@pytest.mark.parametrize("word", [word for word in WORDS if word != "skip"])
def test_a_word_that_gold_uses_is_a_label(tmp_path, word):
    path = tmp_path / "t.csv"
    path.write_text(f"item,gpt,gold\n1,{word},{word}\n2,fine,fine\n", encoding="utf-8")
    with_gold, _ = read_ratings(path, Reading(judges=("gpt",), gold_column="gold"))
    without, _ = read_ratings(path, Reading(judges=("gpt",)))
    assert (with_gold.failures == 0).all() and word in with_gold.categories
    assert without.reasons == (word,) and word not in without.categories


SPELLINGS = csv_of("item,ann,ben,judge", "1,a,A,A", "2,B,b,B", "3,Tie,TIE,tie", "4,A,B,skip")
WIDE = ["ann", "ben", "judge"]


@pytest.mark.parametrize("systems", [["m", "n"], ["m"]])
def test_a_b_and_tie_are_one_label_in_any_case_in_all_ways(tmp_path, systems):
    path = tmp_path / "t.csv"
    path.write_text(SPELLINGS, encoding="utf-8")
    facts = same(ways(path, {"item": "item", "systems": systems, "labels": WIDE}))
    assert {(f[0], f[2], f[4]) for f in facts} == {
        ("1", "ann", "A"), ("1", "ben", "A"), ("1", "judge", "A"), ("2", "ann", "B"),
        ("2", "ben", "B"), ("2", "judge", "B"), ("3", "ann", "TIE"), ("3", "ben", "TIE"),
        ("3", "judge", "TIE"), ("4", "ann", "A"), ("4", "ben", "B"), ("4", "judge", None),
    }  # fmt: skip


def test_a_b_and_tie_are_one_label_in_any_case_without_systems(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(SPELLINGS, encoding="utf-8")
    people = {"humans": ("ann", "ben"), "judges": ("judge",)}
    plain, _ = read_ratings(path, Reading(**people, item_column="item", tie="tie"))
    pairs = {"item": "item", "systems": ["m", "n"], "labels": WIDE}
    declared, _ = read_ratings(path, Reading(**people, columns=pairs))
    assert plain.categories == ("A", "B", "TIE") and plain.categories[plain.tie] == "TIE"
    said = [
        [[table.categories[code] if code >= 0 else "" for code in row] for row in table.codes]
        for table in (plain, declared)
    ]
    assert said[0] == said[1]
    assert (plain.failures_as("tie").codes[3, 2]) == plain.tie


def test_gold_labels_are_read_in_any_case_like_the_labels(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(csv_of("item,ann,gold", "1,a,A", "2,B,b", "3,A,"), encoding="utf-8")
    table, _ = read_ratings(path, Reading(humans=("ann",), item_column="item", gold_column="gold"))
    assert (table.categories, table.gold.tolist()) == (("A", "B"), [0, 1, -1])
    gold = tmp_path / "gold.csv"
    gold.write_text(csv_of("item,label", "1,a", "2,b"), encoding="utf-8")
    assert with_gold(table, gold, "item").gold.tolist() == [0, 1, -1]


def test_declared_categories_go_before_capitals(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(SPELLINGS, encoding="utf-8")
    said = Reading(humans=("ann", "ben"), judges=("judge",), categories=("a", "b", "tie"))
    table, _ = read_ratings(path, said)
    assert table.categories == ("a", "b", "tie") and (table.codes[:3] >= 0).all()


ONE_LABEL = [
    "caf\u00e9", "cafe\u0301", " caf\u00e9\u00a0", "caf\u00e9\u200b", "\ufeffcaf\u00e9\u200d",
]  # fmt: skip


def test_what_nobody_sees_makes_no_other_label_in_any_way(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{n},{word},B\u200b" for n, word in enumerate(ONE_LABEL)]
    path.write_text(csv_of("item,ann,gpt", *rows), encoding="utf-8")
    facts = same(ways(path, {"item": "item", "systems": ["m"], "labels": ["ann", "gpt"]}))
    assert {(f[2], f[4]) for f in facts} == {("ann", "caf\u00e9"), ("gpt", "B")}
    scale = {"level": "nominal", "labels": ["cafe\u0301", "B"]}
    facts = same(ways(path, {"item": "item", "systems": ["m"], "labels": ["ann", "gpt"],
                             "scale": scale}))  # fmt: skip
    assert {(f[2], f[4]) for f in facts} == {("ann", "cafe\u0301"), ("gpt", "B")}
    pairs = {"item": "item", "systems": ["m", "n"], "labels": ["ann", "gpt"]}
    facts = same(ways(path, {**pairs, "values": {"cafe\u0301": "A"}}))
    assert {(f[2], f[4]) for f in facts} == {("ann", "A"), ("gpt", "B")}
    facts = same(ways(path, {**pairs, "systems": ["cafe\u0301", "n"]}))
    assert {(f[2], f[4]) for f in facts} == {("ann", "A"), ("gpt", "B")}


def test_every_word_has_its_status():
    assert status_of("n/a") is Status.MISSING
    assert status_of("garbage") is Status.UNPARSEABLE and status_of("bad") is Status.UNPARSEABLE
    assert {status_of(word) for word in WORDS} == {
        Status.ABSTAINED, Status.REFUSED, Status.UNPARSEABLE, Status.TIMEOUT, Status.ERROR,
    }  # fmt: skip


def test_the_store_of_the_page_is_read_alike_and_so_is_what_it_exports(tmp_path):
    item = Item("q1", "?")
    pair = (Response("m", "q1", "m", "1"), Response("n", "q1", "n", "2"))
    request = JudgmentRequest("t1", item, pair, Criterion("", "Which?", BINARY))
    path = tmp_path / "labels.sqlite"
    store = LabelStore(path, "pairwise")
    store.add_tasks([request])
    for k, (who, value) in enumerate((("ann", "A"), ("bob", "TIE"), ("cyd", None))):
        store.show(who, "t1", "AB")
        store.record(Entry(who, "t1", value), f"k{k}")
    export(path, tmp_path / "labels.csv", None)
    said = {
        "item": "item", "response_a": "response_a", "response_b": "response_b",
        "annotator": "annotator", "label": "label",
    }  # fmt: skip
    facts = same(ways(path, said))
    assert facts == same(ways(tmp_path / "labels.csv", said))
    page = registry().source("label_page").build({"store": str(path)})
    assert facts == facts_of(page.labels)
    assert {(fact[2], fact[4], fact[5]) for fact in facts} == {
        ("ann", "A", ""), ("bob", "TIE", ""), ("cyd", None, "skip"),
    }  # fmt: skip
    store.close()


def test_what_stands_beside_the_labels_of_one_item_must_agree_and_all_of_it_is_told_at_once(
    tmp_path,
):
    path = tmp_path / "t.csv"
    path.write_text(
        csv_of("q,who,said,topic,gold", "q1,ann,x,t1,x", "q1,bob,y,t2,", "q2,ann,y,t2,y"),
        encoding="utf-8",
    )
    columns = {"item_column": "q", "annotator_column": "who", "label_column": "said"}
    with pytest.raises(DataError) as caught:
        read_ratings(path, Reading(**columns, cluster_column="topic"))
    assert caught.value.details == ("row 3: topic of item 'q1' is 't2', but 't1' before",)
    table, _ = read_ratings(path, Reading(**columns, gold_column="gold"))
    assert [table.categories[code] for code in table.gold] == ["x", "y"]


def test_numbers_beside_the_labels_are_wrong_in_one_report(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(csv_of("ann,gpt,sure,gap", "A,A,1.5,2", "A,B,.5,long"), encoding="utf-8")
    reading = Reading(humans=("ann",), judges=("gpt",), stated={"gpt": "sure"}, length_column="gap")
    with pytest.raises(DataError) as caught:
        read_ratings(path, reading)
    assert list(caught.value.details) == [
        "row 2: sure is 1.5, no probability between 0 and 1",
        "row 3: gap is 'long', no number",
    ]
