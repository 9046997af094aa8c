"""One label in several spellings: read as one and told, or asked about, never counted as two."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from in_process import harness

from harness.experiment.stages.aggregate import with_gold
from harness.feedback.annotate import annotate
from harness.feedback.contract import RunContext
from harness.feedback.requests import build_requests
from harness.labels.files import read_table
from harness.labels.mapping import ColumnMapping
from harness.labels.ratings import Reading, read_ratings
from harness.labels.spellings import fold_names, match, name_key, number_form
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response
from harness.ratings.table import RatingTable
from harness.registry import registry

PEOPLE = {"humans": ("ann",), "judges": ("gpt",)}
CYRILLIC = "\u0410"


def table_of(folder: Path, people: str, judge: str, gold: str = "", **how) -> RatingTable:
    """Read a table with the labels of ann and of gpt, each written as a,b,c."""
    columns = [people.split(";"), judge.split(";"), *([gold.split(";")] if gold else [])]
    rows = [",".join(map('"{}"'.format, row)) for row in zip(*columns, strict=True)]
    header = "item,ann,gpt" + (",gold" if gold else "")
    path = folder / "t.csv"
    path.write_text("\n".join([header, *(f"{i},{row}" for i, row in enumerate(rows))]), "utf-8")
    gold_column = "gold" if gold else ""
    reading = Reading(**{**PEOPLE, **how}, item_column="item", gold_column=gold_column)
    return read_ratings(path, reading)[0]


def words(table: RatingTable, codes: Sequence[int]) -> str:
    return ";".join(table.categories[code] if code >= 0 else "" for code in codes)


def failures(table: RatingTable) -> str:
    return ";".join(table.reasons[code - 1] if code else "" for code in table.failures[:, -1])


SAME = [
    ("TRUE;FALSE", "True;False"),
    ("TRUE;FALSE", "true;FALSE "),
    ("TRUE;FALSE", "1;0"),
    ("true;false", "yes;no"),
    ("T;F", "true;false"),
    ("Y;n", "y;N"),
    ("tie;A;B", "TIE;A;B"),
    ("tie;A;B", "TIE;model_a;model_b"),
    ("tie;response_1;B", "=;Response 1;output-2"),
    ("a;tie;B;=", "A;Tie;b;tied"),
    ("Yes;no;maybe", "yes;No;MAYBE"),
    ("1.50;2;3", "1.5;2.0;+3"),
    ("-1;0.5", "\u22121.0;.5"),
    ("caf\u00e9;th\u00e9", "cafe\u0301;th\u00e9\u200b"),
    ("very good;bad", "very  good;Bad"),
    ("very good;bad", "very\u00a0good;BAD"),
]
"""People and judge say the same."""


@pytest.mark.parametrize(("people", "judge"), SAME)
def test_what_is_surely_the_same_is_one_label_and_told(tmp_path, people, judge):
    table = table_of(tmp_path, people, judge)
    assert words(table, table.codes[:, 0]) == words(table, table.codes[:, 1])
    assert len(table.categories) == len(set(table.codes[:, 0].tolist()))
    (note,) = table.notes
    assert note.startswith("Read as one label: ")


TWO = [
    ("a;A;c", "a;c;c", "'A' and 'a'"),
    ("x;y", "X;Y", "'X' and 'x'"),
    ("yes;no;maybe", "true;false;maybe", "'no' and 'false'|'false' and 'no'"),
    ("not sure;ok", "not_sure;ok", "'not sure' and 'not_sure'"),
    ("A;B;C", f"{CYRILLIC};B;C", r"'A' and '.' \(.u0410\)"),
    ("A.;B.;C.", "A;B;C", "'A' and 'A.'"),
    ('""A"";C', "A;C", "'\"A\"' and 'A'"),
    ("1,5;2", "1.5;2", "'1,5' and '1.5'"),
    ("007;7", "7;007", "'007' and '7'"),
    ("left;right;tie", "A;B;tie", "'A' and 'left'"),
    ("A;B;tie;bothbad", "A;B;tie;bothbad", "'bothbad' and 'tie'"),
    ("good;tie", "good;draw", "'draw' and 'tie'"),
]
"""Labels that may be one or two."""


@pytest.mark.parametrize(("people", "judge", "named"), TWO)
def test_what_may_be_two_labels_stops_and_is_named(tmp_path, people, judge, named):
    with pytest.raises(DataError, match=f"labels that may be one or two: ({named})") as caught:
        table_of(tmp_path, people, judge)
    assert "ann" in caught.value.details[0] and "gpt" in caught.value.details[0]


def test_the_hint_says_what_to_do_for_all_pairs_and_keeps_what_was_said(tmp_path):
    said = {"values": {"?": "SKIP"}}
    with pytest.raises(DataError) as caught:
        table_of(tmp_path, "x;y;x;?", "X;Y;x;?", columns=said)
    one, two = (part.split("'")[1] for part in caught.value.hint.split(";"))
    assert one == 'values={"?": "SKIP", "X": "x", "y": "Y"}' or "X" in one
    path = tmp_path / "t.csv"
    people = ["--people", "ann", "--judges", "gpt", "--item-column", "item"]
    for said_so, labels in ((one, 2), (two, 4)):
        done = harness("agree", path, *people, "--set", said_so)
        assert done.returncode == 0, done.stderr
        assert len(read_ratings(path, reading_of(said_so))[0].categories) == labels


def reading_of(said: str) -> Reading:
    from harness.labels.mapping import read_said

    option, _, text = said.partition("=")
    return Reading(**PEOPLE, item_column="item", columns=read_said({option: text}))


APART = [
    ("A-;A;B", "A;A-;B"),
    ("1;10", "10;1"),
    ("left;right;tie", "right;left;tie"),
    ("-1;1;0", "1;-1;0"),
    ("good;better", "better;good"),
    ("<;>", ">;<"),
    ("+;-", "-;+"),
    ("v1.10;v1.1", "v1.1;v1.10"),
    ("C;C++;C#", "C++;C;C#"),
]
"""Labels that are surely different."""


@pytest.mark.parametrize(("people", "judge"), APART)
def test_what_is_surely_different_stays_apart(tmp_path, people, judge):
    table = table_of(tmp_path, people, judge)
    assert set(table.categories) == {*people.split(";")} and table.notes == ()


@pytest.mark.parametrize(
    "declared", [{"categories": ("a", "A", "c")}, {"columns": {"values": {"a": "a", "A": "A"}}}]
)
def test_declared_labels_are_labels_of_their_own(tmp_path, declared):
    table = table_of(tmp_path, "a;A;c", "A;a;c", **declared)
    assert set(table.categories) == {"a", "A", "c"}


def test_declared_texts_are_found_in_any_spelling(tmp_path):
    said = {"values": {"Yes": "good", "No": "bad", "n.d.": "SKIP"}}
    table = table_of(tmp_path, "YES;no;Good", "yes;NO;N.D.", columns=said)
    assert table.categories == ("bad", "good")
    assert (words(table, table.codes[:, 0]), failures(table)) == ("good;bad;good", ";;skip")


FAILED = [
    ("A;B;A;B", "N/A;None;-1;parse_error", "n/a;none;-1;parse_error"),
    ("A;B;A;B", "Parse Error;parsing-error;#N/A;NaN", "parse error;parsing-error;#n/a;nan"),
    ("A;B;A;B", "null;NA;timed out;API error", "null;na;timed out;api error"),
    ("1;2;1;2", "-1.0;none;Refusal;<NA>", "-1.0;none;refusal;<na>"),
    ("1;0;1;0", "-1;NONE;0;n.a.", "-1;none;;n.a."),
]


@pytest.mark.parametrize(("people", "judge", "reasons"), FAILED)
def test_words_by_which_programs_say_nothing_are_failures_of_a_judge(
    tmp_path, people, judge, reasons
):
    table = table_of(tmp_path, people, judge)
    assert failures(table) == reasons
    assert set(table.categories) == set(people.split(";"))


def test_what_people_say_is_a_label_but_for_what_says_that_there_is_none(tmp_path):
    table = table_of(tmp_path, "none;mild;-1;parse_error", "None;mild;-1;parse_error")
    assert (table.failures == 0).all() and len(table.categories) == 4
    table = table_of(tmp_path, "n/a;A;NaN;B", "A;n/a;A;B")
    assert table.categories == ("A", "B") and table.reasons == ("n/a", "nan")
    assert (table.failures > 0).sum() == 3
    table = table_of(tmp_path, "n/a;A", "A;n/a", columns={"values": {"n/a": "n/a"}})
    assert table.categories == ("A", "n/a")


@pytest.mark.parametrize("word", ["none", "-1"])
def test_a_word_that_may_be_a_label_is_asked_about_where_nobody_says_who_the_people_are(
    tmp_path, word
):
    nobody = {"humans": (), "judges": ("ann", "gpt")}
    with pytest.raises(DataError, match=f"'{word}' may be a label, or say that there is none"):
        table_of(tmp_path, f"{word};1;3", "2;1;3", **nobody)
    labels = {"values": {word: word}}
    assert word in table_of(tmp_path, f"{word};1;3", "2;1;3", **nobody, columns=labels).categories
    skipped = table_of(
        tmp_path, f"{word};1;3", "2;1;3", **nobody, columns={"values": {word: "SKIP"}}
    )
    assert word not in skipped.categories and skipped.reasons == ("skip",)
    table = table_of(tmp_path, f"{word};1;3", "2;1;3", **nobody, failure_values=(word,))
    assert word not in table.categories and table.reasons == (word,)
    sides = table_of(tmp_path, "-1;1;0", "1;-1;0", **nobody)
    assert sides.categories == ("-1", "0", "1")


def test_a_scale_without_bounds_does_not_make_minus_one_a_score(tmp_path):
    table = table_of(tmp_path, "3;4", "-1;4", level="interval")
    assert failures(table) == "-1;" and table.categories == ("3", "4")
    table = table_of(tmp_path, "3;-4", "-1;4", level="interval")
    assert failures(table) == ";"


def test_gold_labels_are_spelled_like_the_labels(tmp_path):
    table = table_of(tmp_path, "good;bad;good", "good;bad;bad", gold="Good;BAD;N/A")
    assert words(table, table.gold) == "good;bad;" and table.categories == ("bad", "good")
    gold = tmp_path / "gold.csv"
    gold.write_text("item,label\n0.0,GOOD\n1,bad \n2,\n", encoding="utf-8")
    assert words(with_gold(table, gold, "item"), with_gold(table, gold, "item").gold) == "good;bad;"


def test_the_tie_and_what_failures_count_as_are_found_in_any_spelling(tmp_path):
    table = table_of(tmp_path, "Draw;A;B", "draw;A;timeout", tie="draw")
    assert table.categories[table.tie] == "TIE"
    assert words(table, table.failures_as("tie").codes[:, 1]) == "TIE;A;TIE"
    table = table_of(tmp_path, "Neither;good;bad", "neither;good;timeout", tie="NEITHER")
    assert table.categories[table.tie].casefold() == "neither"
    assert words(table, table.failures_as("GOOD").codes[:, 1]).casefold() == "neither;good;good"


def test_labels_that_nobody_among_the_people_uses_are_told(tmp_path):
    (note,) = table_of(tmp_path, "ja;nein", "yes;no").notes
    assert note.startswith("warning: gpt and the people have no label in common (no, yes against")
    assert "no label in common" in harness(
        "agree", tmp_path / "t.csv", "--people", "ann", "--judges", "gpt"
    ).stdout.replace("\n", " ")


def test_true_of_json_is_true_of_a_table(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('[{"ann": true, "gpt": "True"}, {"ann": false, "gpt": "FALSE"}]')
    table, _ = read_ratings(path, Reading(**PEOPLE))
    assert words(table, table.codes[:, 0]) == words(table, table.codes[:, 1])


def test_numbers_beside_the_labels_may_be_unknown(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("ann,gpt,sure\nA,A,.9\nA,n/a,N/A\nB,B,None\nB,A,\nB,B,nan\n")
    _, evidence = read_ratings(path, Reading(**PEOPLE, stated={"gpt": "sure"}))
    assert [x == x for x in evidence.stated["gpt"]] == [True, False, False, False, False]


def test_many_texts_are_no_labels_and_are_not_compared(tmp_path):
    texts = ";".join(f"text {n}" for n in range(1001))
    with pytest.raises(DataError, match="1002 different labels"):
        table_of(tmp_path, texts + ";x.", texts + ";x.")


# Names

LONG = {"item_column": "item", "annotator_column": "who", "label_column": "label"}


def long_table(folder: Path, *rows: str, **how) -> RatingTable:
    path = folder / "t.csv"
    path.write_text("\n".join(["item,who,label", *rows]), encoding="utf-8")
    return read_ratings(path, Reading(**LONG, **how))[0]


def test_names_of_items_and_people_are_one_in_any_spelling(tmp_path):
    table = long_table(
        tmp_path, "1,Ann,x", "1.0,gpt,x", "2,ann,y", "2\u200b,gpt,y", "3,ANN,x", "3.00,gpt,x",
        humans=("ann",), judges=("gpt",),
    )  # fmt: skip
    assert table.items == ("1", "2", "3") and table.annotators == ("ann", "gpt")
    assert (table.codes[:, 0] == table.codes[:, 1]).all() and (table.codes >= 0).all()
    assert table.notes == (
        r"Items read as one: 1.0 (once) as 1; '2\u200b' (once) as 2; 3.00 (once) as 3",
        "Annotators read as one: ANN (once), Ann (once) as ann",
    )


def test_items_that_are_surely_two_stay_two(tmp_path):
    table = long_table(tmp_path, "1,ann,x", "1.0,ann,x", "1.5,ann,y", "q1,ann,x", "Q1,ann,y")
    assert table.items == ("1", "1.0", "1.5", "q1", "Q1")
    assert table.notes == ("Items that differ only in case count as different: 'Q1' and 'q1'",)


def test_two_spellings_of_a_name_that_labelled_the_same_things_stop(tmp_path):
    rows = ("1,Ann,x", "1,ann,y", "2,ann,x")
    with pytest.raises(DataError, match="of one person or of two") as caught:
        long_table(tmp_path, *rows)
    assert "'Ann' and 'ann'" in caught.value.details[0]
    table = long_table(tmp_path, *rows, humans=("Ann", "ann"))
    assert table.annotators == ("Ann", "ann") and len(table.items) == 2


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.50", "1.5"), ("2.0", "2"), ("+3", "3"), ("-0", "0"), (".5", "0.5"), ("5.", "5"),
     ("0", "0"), ("007", ""), ("1e3", ""), ("1.2.3", ""), ("", ""), ("-", ""), ("\u0661", ""),
     ("nan", "")],
)  # fmt: skip
def test_forms_of_a_number(text, number):
    assert number_form(text) == number


def test_keys_of_names():
    assert list(map(name_key, ["7.0", "7", "7.5", " q  1 ", "v7.0", "-7.00"])) == [
        "7", "7", "7.5", "q 1", "v7.0", "-7",
    ]  # fmt: skip
    assert match("TRUE", ["True", "False"]) == "True" and match("x", ["X"]) is None
    assert fold_names({"a": 1}, ["b"], case=True, numbers=True) == ({}, [])


# human_csv and import-labels

SCORES = {"item": "item", "systems": ["m"], "annotator": "who", "label": "label"}


def test_human_csv_reads_the_same_spellings(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("item,who,label\n1.0,Ann,TRUE\n1,gpt,True\n2,ann,n/a\n2,gpt,yes\n")
    source = registry().source("human_csv").build({"file": str(path), **SCORES})
    said = [(x.item_id, x.annotator, x.value, x.status) for x in source.labels]
    assert said == [
        ("1", "Ann", "TRUE", Status.OK),
        ("1", "gpt", "TRUE", Status.OK),
        ("2", "Ann", None, Status.MISSING),
        ("2", "gpt", "TRUE", Status.OK),
    ]


@pytest.mark.parametrize(("asked", "found"), [("7", True), ("7.0", True), ("7.5", False)])
def test_human_csv_finds_the_item_that_a_spreadsheet_wrote_in_another_way(tmp_path, asked, found):
    path = tmp_path / "t.csv"
    path.write_text("item,who,label\n7.0,ann,yes\n8.0,ann,no\n")
    source = registry().source("human_csv").build({"file": str(path), **SCORES})
    item = Item(asked, "?")
    (request,) = build_requests([item], [Response("r", asked, "m", "x")], "pointwise")
    ctx = RunContext(chat=None, workers=None, sandbox=None)
    (judgment,) = asyncio.run(annotate(source, [request], ctx))
    assert (judgment.verdict.value, judgment.verdict.status) == (
        (True, Status.OK) if found else (None, Status.MISSING)
    )


def test_import_labels_shows_what_it_reads_as_one(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("item,response,who,label\n1.0,m,Ann,Good\n1,m,ben,good\n2,m,ann,n/a\n")
    done = harness("import-labels", path)
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    for note in ("Items read as one: 1.0 (once) as 1", "ann (once) as Ann", "Read as one label: "):
        assert note in shown
    mapping = ColumnMapping.of_file(path, {})
    assert mapping.tidy().table.texts("item") == ["1", "1", "2"]


# Files


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;"])
def test_the_line_that_names_the_delimiter_is_no_header(tmp_path, first):
    path = tmp_path / "t.csv"
    path.write_bytes(f"{first}\r\nitem;label, or none\r\n1;a,b\r\n".encode())
    table = read_table(path)
    assert table.columns == ("item", "label, or none")
    assert [(row.place, row.text("item")) for row in table.rows] == [("row 3", "1")]


def test_a_column_that_is_called_sep_is_a_header(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sep=long,item\n1,2\n")
    assert read_table(path).columns == ("sep=long", "item")


def test_byte_order_marks_anywhere_in_jsonl_and_characters_nobody_sees_in_headers(tmp_path):
    path = tmp_path / "t.jsonl"
    mark = "\ufeff"
    path.write_text(f'{mark}{mark}{{"a": 1}}\n{mark}\n{mark}{mark}{{"a": 2}}\n', encoding="utf-8")
    table = read_table(path)
    assert (table.texts("a"), table.problems) == (["1", "2"], ())
    path = tmp_path / "t.csv"
    path.write_text("item\u200b,\u00a0ann\n1,x\n", encoding="utf-8")
    assert read_table(path).columns == ("item", "ann")
