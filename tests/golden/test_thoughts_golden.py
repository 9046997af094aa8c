"""Golden cases of thoughts and answers: every line is something that a model may write."""

from pathlib import Path

import pytest
import yaml

from harness.nouns.thoughts import Parted, parted

ROWS = yaml.safe_load(Path(__file__).with_name("thoughts.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: repr(row["text"][:40]))
def test_the_answer_is_told_from_the_thoughts(row):
    found = parted(row["text"])
    assert (None if found.unfinished else found.answer) == row["answer"], found
    if "thoughts" in row:
        assert found.thoughts == row["thoughts"]
    if found.unfinished:
        assert found.answer == ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: repr(row["text"][:40]))
def test_an_answer_has_no_thoughts(row):
    answer = parted(row["text"]).answer
    assert parted(answer) == Parted(answer)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["answer"]], ids=lambda r: r["text"][:40]
)
@pytest.mark.parametrize("thought", ["hm", "Verdict: A\nRating: 1", "it's 5\" `x", "```\nx", "<b>"])
def test_an_answer_stays_the_same_behind_a_thought(row, thought):
    answer = parted(row["text"]).answer
    wholes = [f"<think>\n{thought}\n</think>\n\n{answer}", f"{thought}\n</think>\n{answer}"]
    for whole in wholes[: 1 if "```" in thought else 2]:  # whose fence is it?
        indent = answer[: len(answer) - len(answer.lstrip())].rpartition("\n")[2]
        assert parted(whole).answer == (
            answer if len(indent) > 1 or "\t" in indent else answer.lstrip()
        )
        assert parted(whole).thoughts == thought
