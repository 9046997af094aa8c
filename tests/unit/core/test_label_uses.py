"""The file that says what labels were used for: kept whole, each use once, found by others."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from harness.agreement.halves import chooses, with_their_prompts
from harness.nouns.errors import DataError
from harness.records.label_uses import LabelUse, add_use, read_uses, tags_of, uses_beside

USE = LabelUse(
    "chose", "rubric", "kinder-2", tags_of("judge", ["m/one"], ["abc"]), ("k1", "k2"), ("ann",),
    "harness align-judge",
)  # fmt: skip


def test_a_use_is_recorded_once_with_its_first_time(tmp_path: Path) -> None:
    path = tmp_path / "label-uses.jsonl"
    first = add_use(path, replace(USE, at="2026-01-02T03:04:05+00:00"))
    again = add_use(path, USE)
    assert again == first
    assert read_uses([path, path]) == [first]
    other = add_use(path, replace(USE, items=("k1",)))
    assert read_uses([path]) == [first, other]
    assert other.at


def test_a_line_that_a_kill_cut_is_no_use_and_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "label-uses.jsonl"
    first, other = add_use(path, USE), replace(USE, result="kinder-3")
    whole = path.read_bytes()
    add_use(path, other)
    for cut in (len(whole) + 1, len(whole) + 40, path.stat().st_size - 2):
        path.write_bytes(path.read_bytes()[:cut])
        assert read_uses([path]) == [first]
        add_use(path, other)
        assert [use.result for use in read_uses([path])] == ["kinder-2", "kinder-3"]


@pytest.mark.parametrize(
    "last",
    [
        {**asdict(USE), "version": 2},
        {**asdict(USE), "deed": "trained"},
        [asdict(USE), asdict(USE)],
        {},
    ],
    ids=["a newer key", "a newer deed", "a list", "nothing"],
)
def test_a_last_line_without_an_end_that_no_kill_cut_is_not_forgotten(
    last: object, tmp_path: Path
) -> None:
    path = tmp_path / "label-uses.jsonl"
    add_use(path, USE)
    with path.open("a") as file:
        file.write(json.dumps(last))
    before = path.read_bytes()
    for call in (lambda: read_uses([path]), lambda: add_use(path, replace(USE, result="other"))):
        with pytest.raises(DataError, match="not a use of labels") as refused:
            call()
        assert "newer version" in str(refused.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_editor_may_end_lines_as_it_likes_and_leave_the_last_without_an_end(
    end: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "label-uses.jsonl"
    uses = [add_use(path, replace(USE, result=f"kinder-{n}")) for n in range(3)]
    for last in (end, b""):
        path.write_bytes(end.join(path.read_bytes().splitlines()) + last)
        assert read_uses([path]) == uses
        uses.append(add_use(path, replace(USE, result=f"of {last!r}")))
        assert read_uses([path]) == uses


def _add(path: Path, number: int) -> None:
    for one in range(5):
        add_use(path, replace(USE, result=f"{number}-{one}", items=tuple(map(str, range(500)))))


def test_commands_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path, start = tmp_path / "label-uses.jsonl", get_context("fork")
    working = [start.Process(target=_add, args=(path, number)) for number in range(4)]
    for one in working:
        one.start()
    for one in working:
        one.join()
    assert len(read_uses([path])) == 20


@pytest.mark.parametrize("line", ["{}", "7", "no json", '{"deed": "chose"}'])
def test_a_damaged_line_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "label-uses.jsonl"
    add_use(path, USE)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(DataError, match=r"label-uses\.jsonl:2: not a use of labels"):
        read_uses([path])


def test_a_use_is_about_sources_with_its_name_its_model_or_its_rubric() -> None:
    assert USE.is_about(tags_of("judge"))
    assert USE.is_about(tags_of("renamed", ["m/one"]))
    assert USE.is_about(tags_of("renamed", ["m/two"], ["abc"]))
    assert not USE.is_about(tags_of("verifier", ["m/two"], [""]))


def test_files_of_one_folder_have_one_file_of_uses(tmp_path: Path) -> None:
    found = uses_beside(tmp_path / "a.csv", tmp_path / "b.jsonl", tmp_path / "more" / "c.csv")
    assert found == [tmp_path / "label-uses.jsonl", tmp_path / "more" / "label-uses.jsonl"]


def test_the_halves_stand_when_the_file_is_sorted_anew_or_grows() -> None:
    prompts = [f"p{n}" for n in range(400)]
    side = dict(zip(prompts, chooses(prompts), strict=True))
    more = [*reversed(prompts), *(f"q{n}" for n in range(100))]
    assert {p: s for p, s in zip(more, chooses(more), strict=True) if p in side} == side
    assert 160 < sum(side.values()) < 240
    assert list(chooses(["p1", "p2", "p1"])[[0]]) == list(chooses(["p1"]))
    assert (chooses(prompts) != chooses(prompts, seed=1)).any()
    assert not chooses(prompts, share=0).any()


def test_a_prompt_is_spent_as_a_whole() -> None:
    spent = with_their_prompts(np.array([True, False, False]), np.array([4, 4, 7]))
    assert spent.tolist() == [True, True, False]
