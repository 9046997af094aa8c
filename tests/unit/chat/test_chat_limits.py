"""The limiter on a simulated clock, budget arithmetic, and classes of failures."""

import asyncio

import pytest

from harness.chat.budget import Budget
from harness.chat.failures import CallError, Failure, of_status, retry_after, wait_before_retry
from harness.chat.limits import Limiter
from harness.chat.prices import Price, known_model, price_of
from harness.nouns.errors import BudgetExceededError


def test_the_window_bounds_what_is_in_flight():
    async def go():
        limiter, peak, now = Limiter(4), 0, 0

        async def one():
            nonlocal peak, now
            await limiter.acquire()
            now += 1
            peak = max(peak, now)
            await asyncio.sleep(0.001)
            now -= 1
            limiter.release()
            limiter.succeeded()

        await asyncio.gather(*(one() for _ in range(40)))
        return peak, limiter.in_flight

    assert asyncio.run(go()) == (4, 0)


def test_a_cancelled_waiter_gives_its_place_on():
    async def go():
        limiter = Limiter(1)
        await limiter.acquire()
        gone = asyncio.create_task(limiter.acquire())
        next_one = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        limiter.release()
        gone.cancel()
        await asyncio.wait_for(next_one, 1.0)
        return limiter.in_flight

    assert asyncio.run(go()) == 1


def test_after_429s_the_pace_settles_near_what_the_server_accepts():
    """A server of 100 calls a second, 400 calls a second offered, on a simulated clock."""
    now, tokens, last = 0.0, 100.0, 0.0
    limiter = Limiter(64, clock=lambda: now)
    accepted = refused = 0
    offered_next = 0.0
    while now < 30.0:
        pace = limiter.pace or 400.0
        offered_next += 1.0 / pace
        now = offered_next
        tokens, last = min(100.0, tokens + (now - last) * 100.0), now
        if tokens >= 1.0:
            tokens -= 1.0
            accepted += 1
            limiter.succeeded()
        else:
            refused += 1
            limiter.limited()
    assert accepted >= 0.9 * 100 * 30
    assert refused <= 0.05 * (accepted + refused)


def test_headers_are_read_from_the_most_exact_one_on():
    assert retry_after({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    limited = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2.5s"}
    assert retry_after(limited | {"retry-after": "9"}) == 62.5
    assert retry_after({"retry-after": "3"}) == 3.0
    assert retry_after({"retry-after": "Wed, 21 Oct"}) is None
    assert retry_after({}) is None
    assert retry_after(limited | {"x-ratelimit-reset-requests": "350ms"}) == pytest.approx(0.35)


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (429, Failure.LIMITED),
        (529, Failure.LIMITED),
        (500, Failure.SERVER),
        (503, Failure.SERVER),
        (504, Failure.TIMEOUT),
        (401, Failure.CREDENTIALS),
        (403, Failure.CREDENTIALS),
        (400, Failure.BAD_REQUEST),
        (404, Failure.BAD_REQUEST),
        (422, Failure.BAD_REQUEST),
    ],
)
def test_statuses_have_classes(code, failure):
    assert of_status(code, "x", {}).failure is failure


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_wait_is_jittered_bounded_and_not_below_what_was_asked(monkeypatch, share):
    monkeypatch.setattr("random.uniform", lambda low, high: low + share * (high - low))
    error = CallError(Failure.SERVER, "x")
    most = [0.25, 0.5, 1, 2, 4, 8, 16, 20, 20]
    assert [wait_before_retry(error, tries) for tries in range(1, 10)] == [share * x for x in most]
    asked = CallError(Failure.LIMITED, "x", 2.0)
    assert wait_before_retry(asked, 1) == 2.0 + share * 0.25
    assert wait_before_retry(asked, 9) == 2.0 + min(share * 20, 1.0)
    assert wait_before_retry(CallError(Failure.LIMITED, "x", 900.0), 1) == 60.0 + share * 0.25


def test_a_reservation_waits_for_calls_in_flight_that_turn_out_cheaper():
    async def go():
        budget = Budget(1.0)
        await budget.reserve(0.8)
        second = asyncio.create_task(budget.reserve(0.8))
        await asyncio.sleep(0.05)
        assert not second.done()
        budget.settle(0.8, 0.1)
        await asyncio.wait_for(second, 1.0)
        budget.settle(0.8, 0.8)
        with pytest.raises(BudgetExceededError, match="used up"):
            await budget.reserve(0.2)
        return budget.spent_usd

    assert asyncio.run(go()) == pytest.approx(0.9)


def test_prices_come_from_the_request_then_from_the_list():
    assert price_of("local/x", {}) == Price(0.0, 0.0)
    assert price_of("openai/gpt-4o", {"input_cost_per_token": 2.0}) == Price(2.0, 0.0)
    listed = price_of("openai/gpt-4o", {})
    assert listed is not None and 0 < listed.input < listed.output
    assert price_of("gpt-4o", {}) == listed
    assert price_of("hosted_vllm/no-such-model", {}) is None
    assert known_model("mistral/gpt-4o") is None, "another provider's price is no price"
