"""One word of one person among labels of one kind is named, with who said it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.labels.ratings import Reading, read_ratings
from harness.nouns.errors import DataError


def read(folder: Path, columns: dict[str, str], **values: str) -> tuple[str, ...]:
    path = folder / "votes.csv"
    cells = [text.split(",") for text in columns.values()]
    rows = [",".join(("item", *columns))]
    rows += [",".join((f"k{n}", *row)) for n, row in enumerate(zip(*cells, strict=True))]
    path.write_text("\n".join(rows) + "\n")
    said = {"values": values} if values else {}
    reading = Reading(humans=tuple(columns), item_column="item", columns=said)
    return tuple(read_ratings(path, reading)[0].notes)


UNSURE = {
    # columns; the words that are named, with who said them
    "a word of one person": (
        {"Ann": "A,B,tie,A", "ben": "a,B,=,A", "Cy": "A,dunno,A,B"}, {"dunno": "once (Cy)"},
    ),
    "twice": (
        {"Ann": "A,B,tie,A", "ben": "a,B,=,A", "Cy": "A,dunno,dunno,B"},
        {"dunno": "2 times (Cy)"},
    ),
    "two words": (
        {"Ann": "A,B,idk,A", "ben": "a,B,A,A", "Cy": "A,dunno,A,B"},
        {"dunno": "once (Cy)", "idk": "once (Ann)"},
    ),
    "of two people": (
        {"Ann": "A,B,dunno,A", "ben": "a,B,A,A", "Cy": "A,dunno,A,B"},
        {"dunno": "2 times (Ann, Cy)"},
    ),
    "places": (
        {"Ann": "model_a,model_b,model_a", "ben": "model a,tie,model b", "Cy": "tie,x,model_a"},
        {"x": "once (Cy)"},
    ),
    "yes and no": (
        {"Ann": "yes,no,y,yes", "ben": "true,no,no,yes", "Cy": "yes,maybe,no,no"},
        {"maybe": "once (Cy)"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSURE)
def test_the_word_that_makes_spellings_unsure_is_named_first(case, tmp_path):
    columns, words = UNSURE[case]
    with pytest.raises(DataError, match="may be one or two") as caught:
        read(tmp_path, columns)
    error = caught.value
    assert all(repr(word) in error.what for word in words)
    assert {*error.details[: len(words)]} == {f"{w!r} {who}" for w, who in words.items()}
    assert error.hint.startswith("to leave out")
    notes = read(tmp_path, columns, **dict.fromkeys(words, "SKIP"))  # what the hint says is enough
    assert not any(note.startswith("warning: read as") for note in notes)


TOLD = {
    "preferences": ({"Ann": "A,B,tie,A", "Cy": "A,dunno,A,B"}, "A, B or a tie: 'dunno' once (Cy)"),
    "yes and no": ({"Ann": "yes,no,yes", "Cy": "no,hm,no"}, "yes or no: 'hm' once (Cy)"),
    "numbers": ({"Ann": "1,2,3,3", "Cy": "3,idk,idk,1"} | {"ben": "1,1,2,3"}, None),
    "a number": ({"Ann": "1,2,3,3", "Cy": "3,idk,2,1"}, "numbers: 'idk' once (Cy)"),
    "two words": ({"Ann": "1,x,3,3", "Cy": "3,idk,2,1"}, "numbers: 'x' once (Ann), 'idk' once"),
    "a word of both": ({"Ann": "A,B,C,A", "Cy": "A,C,A,B"}, None),
    "words": ({"Ann": "good,bad,bad", "Cy": "good,hm,bad"}, None),
    "one person": ({"Ann": "A,B,C,A,A"}, None),
    "nothing strange": ({"Ann": "A,B,tie", "Cy": "A,B,A"}, None),
    "a decimal comma": ({"Ann": "1,2,3,3", "Cy": '3,50%,2,1'}, None),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_a_word_that_one_person_alone_says_is_told(case, tmp_path):
    columns, told = TOLD[case]
    notes = [note for note in read(tmp_path, columns) if note.startswith("warning: read as")]
    assert len(notes) == (told is not None)
    assert told is None or (told in notes[0] and "to leave it out say --set" in notes[0])
