"""What a judge learnt from must not prove that it is better: align-judge under attack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.experiment.context import asking_with
from harness.experiment.stages.align_candidates import (
    Candidates,
    rubric_of,
    with_examples,
    write_rubric,
)
from harness.experiment.stages.align_labels import AlignLabels, one_name
from harness.experiment.stages.people import said_of
from harness.feedback.requests import build_requests
from harness.nouns.rubric import Example
from harness.nouns.schema import Item, Response

TEXTS = [f"What is {n}?" for n in range(40)]


def labelled(folder: Path) -> AlignLabels:
    """Eighty labelled pairs: each prompt twice, the second time with other ids, spaces, answers."""
    asked = [*TEXTS, *(text.replace(" ", "  \n") for text in TEXTS)]
    items = [Item(f"i{n}", text) for n, text in enumerate(asked)]
    given = [Response(f"{one.id}.{s}", one.id, s, f"{s} {one.id}") for one in items for s in "xy"]
    pairs = build_requests(items, given, "pairwise")
    lines = [f"{one.id},{one.id}.x,{one.id}.y,A" for one in items]
    (folder / "labels.csv").write_text("\n".join(["item,response_a,response_b,label", *lines]))
    with asking_with(None) as asking:
        said = said_of([folder / "labels.csv"], "people", pairs, items, asking)
    return AlignLabels(pairs, said, [folder / "labels.csv"], 0, 0.5, [folder / "uses.jsonl"])


def test_the_same_prompt_under_another_id_stays_in_its_half(tmp_path: Path) -> None:
    labels = labelled(tmp_path)
    assert len(set(labels.prompts)) == len(TEXTS)
    first, second = labels.choosing[:40], labels.choosing[40:]
    assert (first == second).all() and 10 < first.sum() < 30
    assert np.unique(labels.clusters).size == len(TEXTS)


def test_names_that_groups_and_texts_join_are_one() -> None:
    chain = [("c", "2"), ("b", "1"), ("c", "3"), ("a", "3"), ("b", "2"), ("z", "9")]
    assert one_name(chain) == ["a", "a", "a", "a", "a", "z"]
    assert one_name([]) == []


def test_a_worked_example_of_a_given_rubric_proves_nothing(tmp_path: Path) -> None:
    labels = labelled(tmp_path)
    held = int(np.flatnonzero(labels.proving)[0])
    shown = Example(TEXTS[held % 40] + " ", ("x", "y"), "A")
    rubric = replace(rubric_of("friendliness"), examples=(shown,))
    left = labels.held_back(["model:m"], "it", rubric)
    gone = labels.proving & ~left
    assert {labels.prompts[k] for k in np.flatnonzero(gone)} == {labels.prompts[held]}
    assert gone.sum() == 2


def test_two_rubrics_of_one_file_name_are_both_tried(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        text = f"id: r\nkind: rubric\nversion: 1\ncriteria:\n  - {{id: a, text: {folder}}}\n"
        (tmp_path / folder / "kinder.yaml").write_text(text)
    tried = Candidates("llm_judge", {"model": "m", "rubric": "friendliness"}, tmp_path / "c")
    files = [str(tmp_path / folder / "kinder.yaml") for folder in ("one", "two")]
    names = dict(tried.variants(files, ()))
    assert [one.criteria[0].text for one in names.values()] == ["one", "two"]
    assert list(dict(tried.variants(files[:1], ()))) == ["kinder"]


@pytest.mark.parametrize(
    "odd", ["a\x85b", "\u2028", "\x07", "\ufeffx", "a\r\nb", "\x00", " \t ", "null", "🙂"]
)
def test_worked_examples_come_back_as_they_were(tmp_path: Path, odd: str) -> None:
    (pair,) = build_requests(
        [Item("i", odd)],
        [Response("a", "i", "s", f"{odd}1"), Response("b", "i", "s", "2")],
        "pairwise",
    )
    made = with_examples(rubric_of("friendliness"), [(pair, "A")])
    assert write_rubric(tmp_path / "r.yaml", made).examples == made.examples
