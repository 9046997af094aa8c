"""``harness import-labels``: the mapping is shown first, confirmed by flags, all or nothing."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest


def harness(tmp_path: Path, *args: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "harness", "import-labels", *args],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "100", "HOME": str(tmp_path)},
    )


@pytest.fixture
def votes(tmp_path):
    (tmp_path / "votes.csv").write_text(
        "qid,rater,model_a,model_b,preference,prompt,answer_a,answer_b\n"
        "1,ann,x,y,1,What is the capital of France?,Paris,Lyon\n"
        "1,bob,x,y,2,What is the capital of France?,Paris,Lyon\n"
        "2,ann,x,y,0,What is the capital of Spain?,Madrid,Madrid.\n"
        "2,bob,y,x,1,What is the capital of Spain?,Madrid.,Madrid\n"
        "2,cyd,x,y,,What is the capital of Spain?,Madrid,Madrid.\n",
        encoding="utf-8",
    )
    return tmp_path


def test_nothing_is_written_before_the_mapping_is_confirmed(votes):
    done = harness(votes, "votes.csv", "--out", "labels.csv")
    assert done.returncode == 0, done.stderr
    assert "guess: its name" in done.stdout and "Nothing was written" in done.stdout
    assert not (votes / "labels.csv").exists()


def test_confirmed_labels_items_and_responses_are_written(votes):
    done = harness(
        votes, "votes.csv", "--accept", "--out", "labels.csv", "--items-out", "items.jsonl",
        "--responses-out", "responses.jsonl",
        "--set", "text_a=answer_a", "--set", "text_b=answer_b",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "5 labels (1 skip) by 3 people on 2 items, from 5 rows." in done.stdout
    rows = list(csv.DictReader((votes / "labels.csv").read_text(encoding="utf-8").splitlines()))
    assert [(r["item"], r["annotator"], r["label"]) for r in rows] == [
        ("1", "ann", "A"),
        ("1", "bob", "B"),
        ("2", "ann", "TIE"),
        ("2", "bob", "B"),  # turned round: A is x in all rows of the task
        ("2", "cyd", "SKIP"),
    ]
    assert [r["task"] for r in rows] == ["1 | x | y"] * 2 + ["2 | x | y"] * 3
    items = [json.loads(line) for line in (votes / "items.jsonl").read_text().splitlines()]
    assert items[0]["prompt"] == "What is the capital of France?"
    responses = [json.loads(line) for line in (votes / "responses.jsonl").read_text().splitlines()]
    assert [(r["id"], r["text"]) for r in responses[:2]] == [("1/x", "Paris"), ("1/y", "Lyon")]
    # What was written is accepted without a word more, against its own items and responses.
    again = harness(
        votes, "labels.csv", "--accept", "--items", "items.jsonl", "--responses", "responses.jsonl"
    )
    assert again.returncode == 0, again.stderr
    assert "use: human_csv" in again.stdout


def test_one_wrong_row_and_nothing_is_written(votes):
    with (votes / "votes.csv").open("a", encoding="utf-8") as file:
        file.write("3,ann,x,y,7,?,a,b\n")
    done = harness(
        votes, "votes.csv", "--accept", "--out", "labels.csv",
        "--set", 'values={"1": A, "2": B, "0": TIE, "": SKIP}',
    )  # fmt: skip
    assert done.returncode == 2
    assert "row 7: label '7' is none of A, B, TIE, SKIP" in done.stderr
    assert not (votes / "labels.csv").exists()


def test_what_cannot_be_guessed_is_asked_for(votes):
    (votes / "odd.csv").write_text("foo,bar\n1,2\n", encoding="utf-8")
    done = harness(votes, "odd.csv")
    assert done.returncode == 2
    assert "item: which column has the id of the item?" in done.stderr
    done = harness(votes, "votes.csv", "--set", "lable=x")
    assert done.returncode == 2 and "lable" in done.stderr


def test_latin_1_by_flag(votes):
    text = (votes / "votes.csv").read_text(encoding="utf-8").replace("bob", "zoé")
    (votes / "votes.csv").write_bytes(text.encode("latin-1"))
    done = harness(votes, "votes.csv")
    assert done.returncode == 2 and "not UTF-8" in done.stderr and "Traceback" not in done.stderr
    assert harness(votes, "votes.csv", "--encoding", "latin-1").returncode == 0
