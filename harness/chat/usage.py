"""What calls did cost, and what they would."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.nouns.chat_messages import Tokens


@dataclass(slots=True)
class Usage:
    """What a model was asked and what it cost.

    Args:
        calls: Calls that were answered by a server or by the local model.
        cached: Calls that cost nothing, from the journal or as the twin of a call in flight.
        failed: Calls that ended as a typed failure.
        requests: Requests that were sent, tries included.
        cost_usd: Dollars.
        tokens: Tokens that were used.
        failures: Failed requests (not calls) by class.
    """

    calls: int = 0
    cached: int = 0
    failed: int = 0
    requests: int = 0
    cost_usd: float = 0.0
    tokens: Tokens = field(default_factory=Tokens)
    failures: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What calls would cost, before they are made.

    Args:
        calls: Calls that would be paid for.
        cached: Calls that are free.
        expected_usd: Dollars at four bytes for a token and answers of full length.
        at_most_usd: Dollars that the calls cannot pass, without retries.
        unknown: Models whose price nobody knows; they are not in the dollars.
    """

    calls: int
    cached: int
    expected_usd: float
    at_most_usd: float
    unknown: tuple[str, ...] = ()
