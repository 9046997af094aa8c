"""One word that nobody knows is asked about, and takes no person and no table along."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.experiment.stages.aggregate import How, aggregate
from harness.experiment.stages.win_rate import win_rate
from harness.labels.comparisons import read_comparisons
from harness.labels.files import Row, Table
from harness.labels.guess import Guess, guess_columns
from harness.labels.ratings import Reading
from harness.nouns.errors import DataError


def guessed(columns: dict[str, str], pairs: bool = True) -> Guess:
    cells = {name: text.split(",") for name, text in columns.items()}
    n = len(next(iter(cells.values())))
    about = {"item": [f"q{k}" for k in range(n)]}
    about |= {"response_a": ["x"] * n, "response_b": ["y"] * n} if pairs else {}
    every = about | cells
    rows = [Row(f"row {k + 2}", {name: every[name][k] for name in every}) for k in range(n)]
    return guess_columns(Table(Path("t.csv"), tuple(every), tuple(rows)))


@pytest.mark.parametrize(
    ("columns", "unknown"),
    [
        ({"Ann": "A,B,A,tie", "ben": "B,A,a,A", "Cy": "A,B,dunno,A"}, ["dunno"]),
        ({"Ann": "A,B,A,tie", "ben": "B,A,idk,A", "Cy": "A,B,dunno,A"}, ["dunno", "idk"]),
        ({"Ann": "A,B,x,tie", "ben": "B,A,y,A", "Cy": "z,B,A,A"}, ["x", "y", "z"]),
        ({"Ann": "A,B,A,A", "Cy": "B,hm,A,tie"}, ["hm"]),
        ({"Ann": "model_a,tie,A", "ben": "A,B,A", "Cy": "model_b,model_b,neither?"}, ["neither?"]),
        ({"rater_1": "A,B,A", "rater_2": "B,B,A", "rater_3": "A,B,??"}, ["??"]),
        ({"Ann": "A,B,A,,", "ben": "B,A,A,,", "Cy": "A,,,dunno,B"}, ["dunno"]),
        ({"Ann": "A,B,n/a,A", "ben": "B,A,A,A", "Cy": "A,B,skip,eh"}, ["eh"]),
        (
            {
                "Ann": ",".join("AB" * 20),
                "ben": ",".join("BA" * 20),
                "Cy": ",".join([*"ABABABABABABABABABABABABA", *(f"w{k}" for k in range(15))]),
            },
            None,
        ),
    ],
)
def test_an_unknown_word_of_one_person_is_asked_about(columns, unknown):
    found = guessed(columns)
    assert found.options["labels"] == [*columns]
    (question,) = [line for line in found.open if line.startswith("values")]
    for word in unknown or ["w0"]:
        assert repr(word) in question


@pytest.mark.parametrize(
    ("columns", "people"),
    [
        ({"Ann": "A,B,A,tie", "ben": "B,A,a,A", "note": "good,bad,B,long"}, ["Ann", "ben"]),
        ({"Ann": "A,B,A,A", "ben": "B,A,A,A", "turn": "1,2,1,2"}, ["Ann", "ben"]),
        ({"rater_1": "A,B,A", "rater_2": "B,B,A", "majority": "A,B,A"}, ["rater_1", "rater_2"]),
    ],
)
def test_a_column_that_says_mostly_other_things_is_no_person(columns, people):
    assert guessed(columns).options["labels"] == people


@pytest.mark.parametrize(
    "columns",
    [
        {"Ann": "good,bad,good,bad", "ben": "bad,bad,good,ok", "Cy": "good,good,p,bad"},
        {"Ann": "1,2,3,3", "ben": "2,2,3,1", "Cy": "3,dunno,1,2"},
        {"Ann": "1,2,3,3", "Cy": "3,dunno,1,2"},
    ],
)
def test_nor_is_anybody_lost_where_labels_are_words_or_scores(columns):
    assert guessed(columns, pairs=False).options["labels"] == [*columns]


WON = "first,second,won,gap\nm,n,m,1\nn,m,m,2\nm,n,n,1\nn,m,tie,3\n"


@pytest.mark.parametrize("cell", ["", "n/a", "N/A", "na", "NaN", "null", "#N/A", "skip", "SKIP"])
@pytest.mark.parametrize("gap", ["5", ""])
def test_a_row_without_a_winner_is_left_out_and_counted(tmp_path, cell, gap):
    path, whole = tmp_path / "won.csv", tmp_path / "whole.csv"
    path.write_text(WON + f"m,n,{cell},{gap}\n")
    whole.write_text(WON)
    names = "first", "second", "won", "", "gap"
    (row,), (wanted,) = win_rate(path, *names), win_rate(whole, *names)
    assert row.pop("left_out") == 1
    assert wanted.pop("left_out") == 0
    assert row == wanted
    reading = Reading(label_column="won")
    how = How("bradley_terry", first_column="first", second_column="second")
    ranking, plain = (aggregate(file, how, reading) for file in (path, whole))
    assert (ranking.n, ranking.left_out) == (4, 1)
    assert ranking.strengths == plain.strengths


def test_two_systems_that_only_ever_lack_a_winner_keep_their_row(tmp_path):
    path = tmp_path / "won.csv"
    path.write_text(WON + "m,k,n/a,\n")
    rows = win_rate(path, "first", "second", "won")
    assert [(r["a"], r["b"], r["value"], r["left_out"]) for r in rows] == [
        ("m", "n", 0.625, 0),
        ("k", "m", None, 1),
    ]
    assert rows[1]["reason"] == "no observations"


@pytest.mark.parametrize("cell", ["maybe", "none", "x", "timeout"])
def test_any_other_word_is_refused_with_the_way_out(tmp_path, cell):
    path = tmp_path / "won.csv"
    path.write_text(WON + f"m,n,{cell},1\n")
    with pytest.raises(DataError, match="not understood") as caught:
        read_comparisons(path, "first", "second", "won")
    assert repr(cell) in str(caught.value)
    assert "an empty cell, n/a or skip says that there is none" in str(caught.value.hint)


def test_a_table_without_any_winner_is_refused(tmp_path):
    path = tmp_path / "won.csv"
    path.write_text("first,second,won\nm,n,\nm,n,n/a\n")
    with pytest.raises(DataError, match="no row has a winner"):
        win_rate(path, "first", "second", "won")


def test_a_system_may_be_called_like_a_word_for_none(tmp_path):
    path = tmp_path / "won.csv"
    path.write_text("first,second,won\nna,m,na\nm,na,na\n")
    (row,) = win_rate(path, "first", "second", "won")
    assert (row["a"], row["wins"], row["left_out"]) == ("na", 2, 0)
