"""What harness revise may teach: whole revisions only; what failed did cost all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from harness.judging.revision import Chain, Revising, revise, sft_rows
from harness.nouns.chat_messages import ChatReply
from harness.nouns.errors import ChatError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Constitution, Principle
from harness.nouns.schema import Item, Response
from harness.testing import FakeChat

RULES = Constitution("c", "1", (Principle("p", "kind", critique="C", revision="R"),), "")
LIMIT = "the revision is cut at the token limit, max_tokens"


def chain_of(answers: Sequence[ChatReply | Exception], rounds: int = 1) -> Chain:
    item, response = Item("i", "q"), Response("r", "i", "s", "Wait!")
    settings = Revising(RULES, "m", rounds)
    return asyncio.run(revise(FakeChat(answers), [item], [response], settings))[0]


def said(text: str, finish_reason: str = "stop") -> ChatReply:
    return ChatReply(text, finish_reason, cost_usd=0.25)


CUTS: list[tuple[str, list[ChatReply | Exception], int, str, float]] = [
    # finish reasons of the answers, rounds, the reason that ends the chain, dollars
    ("cut", [said("Rude."), said("Please wa", "length")], 1, LIMIT, 0.5),
    ("cut after its thought", [said("Rude."), said("<think>a</think>Please", "length")], 1, LIMIT,
     0.5),
    ("filtered", [said("Rude."), said("Please", "content_filter")], 1,
     "the revision is broken off: content_filter", 0.5),
    ("in the second round", [said("Rude."), said("Please."), said("Ok."), said("Pl", "length")], 2,
     LIMIT, 1.0),
    ("in its thought", [said("Rude."), said("<think>a", "length")], 1,
     "the revision ends inside its thought", 0.5),
    ("the critique is empty", [said("")], 1, "the critique is empty", 0.25),
    ("refused, and paid for", [said("Rude."), ChatError(Status.REFUSED, "no", reply=said("no"))], 1,
     "no", 0.5),
    ("no reply", [said("Rude."), ChatError(Status.TIMEOUT, "late")], 1, "late", 0.25),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answers", "rounds", "reason", "cost"), CUTS)
def test_what_is_not_whole_is_a_failure_that_costs(
    name: str, answers: list[ChatReply | Exception], rounds: int, reason: str, cost: float
) -> None:
    chain = chain_of(answers, rounds)
    assert chain.status is not Status.OK
    assert (chain.reason, chain.cost_usd) == (reason, cost)
    assert sft_rows([chain]) == []


@pytest.mark.parametrize("critique", [said("Rude."), said("Rude and", "length")])
def test_a_critique_may_be_cut_since_nobody_learns_it(critique: ChatReply) -> None:
    chain = chain_of([critique, said("Please wait.")])
    assert (chain.status, chain.cost_usd) == (Status.OK, 0.5)
    assert sft_rows([chain]) == [{"prompt": "q", "completion": "Please wait."}]
