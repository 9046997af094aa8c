"""The budget: what is set aside, who waits, and that nothing passes the limit."""

import asyncio

import pytest

from harness.chat.budget import Budget
from harness.nouns.errors import BudgetExceededError


def reserve(budget, amount, seconds=5.0):
    return asyncio.wait_for(budget.reserve(amount), seconds)


@pytest.mark.parametrize(
    ("limit", "spent", "amounts", "refused"),
    [
        (1.0, 0.0, [1.0], None),  # exactly at the limit
        (1.0, 0.75, [0.25], None),
        (1.0, 0.0, [1.0 + 1e-9], None),  # sums of floats may be off by that much
        (1.0, 0.0, [1.0 + 3e-9], 0),
        (1.0, 0.75, [0.26], 0),
        (0.5, 0.0, [1.0], 0),
        (0.0, 0.0, [0.0], None),  # what is free needs no budget
        (0.0, 0.0, [1e-6], 0),
        (1.0, 2.0, [0.0], None),  # nor does it when a resumed run was given less
        (1.0, 2.0, [0.01], 0),
        (0.3, 0.0, [0.1, 0.1, 0.1], None),  # 0.30000000000000004
        (1.0, 0.5, [0.25, 0.25], None),
        (None, 5.0, [1e9, 1e9], None),
    ],
)
def test_a_reservation_is_granted_up_to_exactly_the_limit(limit, spent, amounts, refused):
    async def go():
        budget = Budget(limit, spent)
        for place, amount in enumerate(amounts):
            try:
                await reserve(budget, amount)
            except BudgetExceededError:
                return place
        return None

    assert asyncio.run(go()) == refused


def test_what_is_set_aside_counts_until_it_is_settled():
    async def go():
        budget = Budget(1.0)
        assert budget.spent_usd == 0.0
        for amount in (0.25, 0.25, 0.5):
            await reserve(budget, amount)
        waiting = [asyncio.create_task(budget.reserve(0.5)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert [task.done() for task in waiting] == [False, False]
        budget.settle(0.5, 0.0)  # one place is free, for one of the two
        await asyncio.wait_for(asyncio.wait(waiting, return_when="FIRST_COMPLETED"), 5.0)
        await asyncio.sleep(0.05)
        assert sorted(task.done() for task in waiting) == [False, True]
        budget.settle(0.25, 0.25)
        budget.settle(0.25, 0.125)
        # $0.375 spent and $0.50 set aside: the other one might still fit, so it waits.
        budget.settle(0.5, 0.5)
        with pytest.raises(BudgetExceededError) as caught:
            await asyncio.wait_for(asyncio.gather(*waiting), 5.0)
        assert budget.spent_usd == 0.875
        for figure in ("$1 ", "$0.8750", "$0.5000", "budget_usd"):
            assert figure in str(caught.value)
        await reserve(budget, 0.125)

    asyncio.run(go())


def test_a_call_that_can_never_fit_does_not_wait_for_the_others():
    async def go():
        budget = Budget(1.0)
        await reserve(budget, 0.5)
        with pytest.raises(BudgetExceededError):
            await reserve(budget, 1.25)
        for amount in (1.0, 1.0 + 1e-9):  # these fit if the call in flight turns out free
            waiting = asyncio.create_task(budget.reserve(amount))
            await asyncio.sleep(0.03)
            assert not waiting.done()
            budget.settle(0.5, 0.0)
            await asyncio.wait_for(waiting, 5.0)
            budget.settle(amount, 0.0)
            await reserve(budget, 0.5)

    asyncio.run(go())


def test_without_a_limit_what_is_spent_is_added_up_all_the_same():
    budget = Budget(None, 1.0)
    budget.settle(5.0, 0.25)
    budget.settle(0.0, 0.5)
    assert (budget.limit_usd, budget.spent_usd) == (None, 1.75)
