"""Tables of human labels: what they become, and the one error for what is wrong with them."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.labels.columns import LabelColumns
from harness.labels.files import read_table
from harness.labels.read_labels import Known, read_labels
from harness.nouns.errors import DataError
from harness.nouns.schema import Item, Response

PAIRS = {
    "item": "q",
    "response_a": "a",
    "response_b": "b",
    "annotator": "who",
    "label": "pick",
}


def read(tmp_path: Path, text: str, known=None, name="labels.csv", **columns):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_labels(read_table(path), LabelColumns(**columns), known)


def facts(labels):
    return [(x.item_id, x.responses, x.annotator, x.value) for x in labels]


def test_long_pairs_with_several_people_ties_and_skips(tmp_path):
    labels = read(
        tmp_path,
        "q,a,b,who,pick\nq1,m1,m2,ann,A\nq1,m1,m2,bob,tie\nq1,m1,m2,cyd,skip\nq2,m2,m1,ann,b\n",
        **PAIRS,
    )
    assert facts(labels) == [
        ("q1", ("m1", "m2"), "ann", "A"),
        ("q1", ("m1", "m2"), "bob", "TIE"),
        ("q1", ("m1", "m2"), "cyd", None),
        ("q2", ("m2", "m1"), "ann", "B"),
    ]


def test_wide_pairs_by_declared_mapping(tmp_path):
    labels = read(
        tmp_path,
        "q,ann,bob,cyd\nq1,1,2,\nq2,0,1,9\n",
        item="q",
        systems=["m1", "m2"],
        labels=["ann", "bob", "cyd"],
        values={1: "A", 2: "B", 0: "tie", 9: "skip"},
    )
    assert facts(labels) == [
        ("q1", ("m1", "m2"), "ann", "A"),
        ("q1", ("m1", "m2"), "bob", "B"),
        ("q2", ("m1", "m2"), "ann", "TIE"),
        ("q2", ("m1", "m2"), "bob", "A"),
        ("q2", ("m1", "m2"), "cyd", None),
    ]
    assert labels[1].where == "row 2, column bob"


def test_the_winner_may_be_named(tmp_path):
    labels = read(tmp_path, "q,a,b,who,pick\nq1,m1,m2,ann,m2\nq2,m2,m1,ann,m2\n", **PAIRS)
    assert [label.value for label in labels] == ["B", "A"]


SCORES = {"item": "q", "response": "r", "annotator": "who", "label": "stars"}


def test_scores_on_a_scale(tmp_path):
    scale = {"level": "ordinal", "labels": [1, 2, 3]}
    labels = read(tmp_path, "q,r,who,stars\nq1,m1,ann,3\nq1,m1,bob,2.0\n", scale=scale, **SCORES)
    assert facts(labels) == [("q1", ("m1",), "ann", "3"), ("q1", ("m1",), "bob", "2")]
    scale = {"level": "interval", "low": 0, "high": 10}
    labels = read(tmp_path, "q,r,who,stars\nq1,m1,ann,7\nq1,m1,bob,2.5\n", scale=scale, **SCORES)
    assert [label.value for label in labels] == [7.0, 2.5]


def test_scores_wide_by_criterion_and_by_response(tmp_path):
    by_criterion = read(
        tmp_path,
        "q,r,who,helpful,honest\nq1,m1,ann,4,2\n",
        item="q",
        response="r",
        annotator="who",
        labels=["helpful", "honest"],
        by="criterion",
    )
    assert [(x.criterion, x.value) for x in by_criterion] == [("helpful", "4"), ("honest", "2")]
    by_response = read(
        tmp_path,
        "q,who,m1,m2\nq1,ann,4,\n",
        item="q",
        annotator="who",
        labels=["m1", "m2"],
        by="response",
    )
    assert facts(by_response) == [("q1", ("m1",), "ann", "4")]


def test_scores_may_be_words(tmp_path):
    labels = read(
        tmp_path,
        "q,r,who,stars\nq1,m1,ann,good\nq1,m1,bob,?\n",
        scale={"level": "ordinal", "labels": [1, 2, 3]},
        values={"good": 3, "?": "SKIP"},
        **SCORES,
    )
    assert [label.value for label in labels] == ["3", None]


def test_every_problem_is_in_one_error_with_row_numbers(tmp_path):
    known = Known.of([Item("q1", "?"), Item("q2", "?")], [Response("m1", "q1", "", "x")])
    with pytest.raises(DataError) as caught:
        read(
            tmp_path,
            "q,a,b,who,pick\n"
            "q1,m1,m9,ann,A\n"  # row 2: unknown response
            "q7,m1,m2,ann,A\n"  # row 3: unknown item
            "q2,m1,m2,ann,C\n"  # row 4: unknown label
            "q2,m1,m2,,A\n"  # row 5: nobody
            "q2,m1,m1,ann,A\n"  # row 6: the same response twice
            "q2,m1,m2,bob,\n"  # row 7: no label
            "q2,m1,m2\n"  # row 8: cells missing
            "q2,m1,m2,cyd,A\n"
            "q2,m1,m2,cyd,A\n"  # row 10: duplicate
            "q2,m2,m1,cyd,A\n",  # row 11: contradiction, seen the other way round
            known,
            **PAIRS,
        )
    message = str(caught.value)
    assert "9 of 10 rows are wrong; nothing was imported" in message
    for part in (
        "row 2: item 'q1' has no response 'm9'",
        "row 3: unknown item 'q7'",
        "row 4: label 'C' is none of A, B, TIE, SKIP",
        "row 5: no annotator (column 'who')",
        "row 6: A and B are the same response 'm1'",
        "row 7: no label",
        "row 8: 3 cells, but the header has 5",
        "row 10: cyd labelled item 'q2' already in row 9 with the same label (a duplicate row)",
        "row 11: cyd labelled item 'q2' already in row 9 as A, here as B (a contradiction)",
    ):
        assert part in message


def test_many_problems_are_counted_and_equal_ones_share_a_line(tmp_path):
    rows = "".join(f"q{i},m1,m2,ann,1\n" for i in range(100))
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"q,a,b,who,pick\n{rows}", **PAIRS)
    assert caught.value.details == (
        "rows 2, 3, 4, 5, 6, 7 and 94 more: label '1' is none of A, B, TIE, SKIP",
    )
    rows = "".join(f"q{i},m1,m2,ann,x{i}\n" for i in range(50))
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"q,a,b,who,pick\n{rows}", **PAIRS)
    assert len(caught.value.details) == 21
    assert caught.value.details[-1] == "and 30 further problems"


def test_an_undeclared_coding_is_offered_as_a_hint(tmp_path):
    with pytest.raises(DataError) as caught:
        read(tmp_path, "q,a,b,who,pick\nq1,m,n,x,1\nq2,m,n,x,2\nq3,m,n,x,0\n", **PAIRS)
    assert "values: {'0': TIE, '1': A, '2': B}" in caught.value.hint


def test_duplicates_by_option(tmp_path):
    text = "q,a,b,who,pick\nq1,m1,m2,ann,A\nq1,m2,m1,ann,A\n"
    last = read(tmp_path, text, duplicates="last", **PAIRS)
    assert facts(last) == [("q1", ("m2", "m1"), "ann", "A")]
    both = read(tmp_path, text, duplicates="repeat", **PAIRS)
    assert [label.repeat for label in both] == [0, 1]


def test_missing_columns_are_named_with_the_nearest(tmp_path):
    with pytest.raises(DataError) as caught:
        read(tmp_path, "q,a,b,whom,pick\nq1,m1,m2,ann,A\n", **PAIRS)
    assert caught.value.details == ("'who' for annotator; did you mean whom?",)
    assert "its columns: q, a, b, whom, pick" in caught.value.hint


RANKS = {"item": "q", "annotator": "who", "task": "ranking"}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("q,who,m1,m2,m3\nq1,ann,1,2,2\n", {"labels": ["m1", "m2", "m3"], "by": "response"}),
        ("q,who,order\nq1,ann,m1 > m2 = m3\n", {"label": "order"}),
        ('q,who,order\nq1,ann,"[""m1"", [""m2"", ""m3""]]"\n', {"label": "order"}),
        (
            "q,who,r,rank\nq1,ann,m1,1\nq1,ann,m2,2\nq1,ann,m3,2\n",
            {"response": "r", "label": "rank"},
        ),
    ],
)
def test_rankings_become_pairs(tmp_path, text, columns):
    labels = read(tmp_path, text, **RANKS, **columns)
    assert [(x.responses, x.value) for x in labels] == [
        (("m1", "m2"), "A"),
        (("m1", "m3"), "A"),
        (("m2", "m3"), "TIE"),
    ]


def test_ranking_with_a_column_per_place(tmp_path):
    labels = read(
        tmp_path,
        "q,who,first,second,third\nq1,ann,m3,m1,m2\n",
        labels=["first", "second", "third"],
        by="rank",
        **RANKS,
    )
    assert [x.responses for x in labels] == [("m3", "m1"), ("m3", "m2"), ("m1", "m2")]
    assert {x.value for x in labels} == {"A"}


def test_broken_rankings(tmp_path):
    with pytest.raises(DataError) as caught:
        read(
            tmp_path,
            "q,who,order\nq1,ann,m1 > m1\nq2,ann,m1\nq3,ann,[1\nq4,ann,m1>m2\nq4,ann,m2>m1\n",
            label="order",
            **RANKS,
        )
    assert [line.split(":")[0] for line in caught.value.details] == [
        "row 2",
        "row 3",
        "row 4",
        "row 6",
    ]


def test_best_worst(tmp_path):
    columns = {
        "item": "q",
        "annotator": "who",
        "best": "best",
        "worst": "worst",
        "choices": ["c1", "c2", "c3", "c4"],
    }
    labels = read(
        tmp_path,
        "q,who,c1,c2,c3,c4,best,worst\nq1,ann,w,x,y,z,y,w\nq2,ann,w,x,y,z,c1,c2\n",
        **columns,
    )
    assert len(labels) == 2 * 5
    assert (labels[0].responses, labels[0].value) == (("y", "w"), "A")
    assert (labels[5].responses, labels[5].value) == (("w", "x"), "A")
    with pytest.raises(DataError, match="best 'v' is not among"):
        read(tmp_path, "q,who,c1,c2,c3,c4,best,worst\nq1,ann,w,x,y,z,v,w\n", **columns)
    with pytest.raises(DataError, match="both best and worst"):
        read(tmp_path, "q,who,c1,c2,c3,c4,best,worst\nq1,ann,w,x,y,z,w,w\n", **columns)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": "x", "annotator": "w"}, "scores need one of response"),
        ({"response": "r", "annotator": "w"}, "either label"),
        ({"response": "r", "label": "x"}, "say who labelled"),
        ({"response_a": "r", "label": "x", "annotator": "w"}, "need response_a and response_b"),
        ({"systems": ["m", "m"], "label": "x", "annotator": "w"}, "two different names"),
        (
            {"systems": ["m", "n"], "label": "x", "annotator": "w", "values": {"1": "C"}},
            "'C' is not one of A, B, TIE, SKIP",
        ),
        (
            {"response": "r", "label": "x", "annotator": "w", "scale": {"level": "ordinal"}},
            "at least two distinct labels",
        ),
        ({"best": "b", "worst": "w", "choices": ["c"], "annotator": "w"}, "at least three columns"),
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused(columns, message):
    with pytest.raises(ValidationError, match=message):
        LabelColumns(**columns)


def test_jsonl_rows_and_numbers(tmp_path):
    rows = [
        {"q": 1, "r": "m1", "who": "ann", "stars": 4},
        {"q": 2, "r": "m1", "who": "ann", "stars": 4.5},
    ]
    text = "\n".join(json.dumps(row) for row in rows)
    labels = read(tmp_path, text, name="labels.jsonl", **SCORES)
    assert [(x.item_id, x.value) for x in labels] == [("1", "4"), ("2", "4.5")]
