"""Revise: a model improves responses by principles, to a set for supervised training."""

from __future__ import annotations

from collections.abc import Sequence

from harness.chat import Client
from harness.experiment.context import Asking, StartBar, no_bar
from harness.judging.revision import Chain, Revising, usable
from harness.judging.revision import revise as revise_all
from harness.nouns.errors import InputError
from harness.nouns.rubric import Constitution
from harness.nouns.schema import Item, Response
from harness.registry import find_rubric
from harness.scale_out.loop_thread import run_to_end


def find_constitution(name: str) -> Constitution:
    """Return a constitution that can guide revisions, by its id or YAML file.

    Raises:
        InputError: It is a rubric.
        RubricError: There is none, or no principle says how to criticise and revise.
    """
    found = find_rubric(name, "constitution")
    if not isinstance(found, Constitution):
        raise InputError(f"{name} is a rubric, not a constitution")
    usable(found)
    return found


def revise(
    items: Sequence[Item],
    responses: Sequence[Response],
    settings: Revising,
    asking: Asking,
    bar: StartBar = no_bar,
) -> list[Chain]:
    """Run a chain of critiques and revisions over every response.

    Returns:
        One chain for each response, in order; a failure ends its chain only.

    Raises:
        BudgetExceededError: The budget is used up; what was paid for is in the journal.
        InputError: The model cannot be asked.
    """

    async def ask() -> list[Chain]:
        async with Client(
            asking.journal, budget_usd=asking.budget_usd, concurrency=asking.concurrency
        ) as chat:
            chat.check(settings.model, settings.extra)
            move = bar("revise", len(responses))
            return await revise_all(chat, items, responses, settings, lambda _: move(1))

    return run_to_end(ask())
