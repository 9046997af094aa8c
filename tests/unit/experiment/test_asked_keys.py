"""Labels that were used are found again in another file with the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.experiment.stages.recorded import asked_keys
from harness.feedback.requests import OVERALL, build_requests
from harness.nouns.schema import Item, Response

ITEM = Item("i1", "What is 3 + 4?")
PAIR = [Response("a", "i1", "x", "It is 7."), Response("b", "i1", "y", "It is 8.")]


def keys(item: Item = ITEM, pair: Sequence[Response] = PAIR, criterion: object = OVERALL) -> set:
    (request,) = build_requests([item], pair, "pairwise", criterion)
    return set(asked_keys(request))


RENAMED = [replace(one, id=f"new {one.id}", item_id="other", system="z") for one in PAIR]
SAME = {
    "other ids": keys(replace(ITEM, id="other"), RENAMED),
    "more metadata": keys(replace(ITEM, metadata={"difficulty": "easy"})),
    "a reference": keys(replace(ITEM, reference="7")),
    "white space": keys(replace(ITEM, prompt="What is  3 + 4? \n")),
    "a chat": keys(replace(ITEM, prompt=[{"role": "user", "content": "What is 3 + 4?"}])),
    "turned round": keys(pair=PAIR[::-1]),
    "text and a line's end": keys(pair=[replace(one, text=one.text + "\n") for one in PAIR]),
    "one of the answers": keys(pair=[PAIR[0], replace(PAIR[1], text="It is 9.")]),
}
OTHER = {
    "another question": keys(replace(ITEM, prompt="What is 3 + 5?")),
    "other answers": keys(pair=[replace(one, text=f"{one.text}!") for one in PAIR]),
    "another criterion": keys(criterion=replace(OVERALL, id="style", text="Which is kinder?")),
    "more turns": keys(
        replace(
            ITEM,
            prompt=[
                {"role": "user", "content": "What is 3 + 4?"},
                {"role": "assistant", "content": "7"},
                {"role": "user", "content": "Sure?"},
            ],
        )
    ),
}


@pytest.mark.parametrize("change", SAME)
def test_the_same_texts_have_a_key_in_common(change: str) -> None:
    assert not keys().isdisjoint(SAME[change])


@pytest.mark.parametrize("change", OTHER)
def test_other_texts_have_none(change: str) -> None:
    assert keys().isdisjoint(OTHER[change])
