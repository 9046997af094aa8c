"""What probing a judge takes, told before the first call; and the chat client of each asking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.feedback.contract import ChatClient, FeedbackSource, Plans, RunContext
from harness.judging.probe_calls import Again, Pushback
from harness.nouns.chat_messages import ChatRequest
from harness.nouns.counted import counted
from harness.nouns.schema import JudgmentRequest


@dataclass(frozen=True, slots=True)
class Calls:
    """What is going to be asked.

    Args:
        verdicts: Requests of all askings.
        askings: Name of each and its number of requests.
        calls: Calls that would be paid for; None where the source does not say beforehand.
        cached: Calls that the journal answers, or another call of them.
        expected_usd: Dollars at answers of full length.
        at_most_usd: Dollars that the calls cannot pass, without retries.
        unknown: Models whose price nobody knows.
    """

    verdicts: int
    askings: Mapping[str, int]
    calls: int | None = None
    cached: int = 0
    expected_usd: float = 0.0
    at_most_usd: float = 0.0
    unknown: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Calls and dollars, in a few words."""
        if self.calls is None:
            return "it does not say beforehand which calls it makes"
        number = counted(self.calls, "call")
        if self.unknown:
            return f"{number}, the price of {', '.join(self.unknown)} is not known"
        if self.at_most_usd == 0:
            return f"{number}, free"
        return f"{number}, about ${self.expected_usd:.2f}, at most ${self.at_most_usd:.2f}"

    def sentence(self, name: str, budget_usd: float | None) -> str:
        """Return what is told before the first call."""
        askings = ", ".join(f"{one} {number:,}" for one, number in self.askings.items())
        told = f"{name} is asked for {counted(self.verdicts, 'verdict')} ({askings}): {self.note}"
        if self.cached:
            told += f"; {self.cached:,} more are answered by what is kept"
        if budget_usd is not None:
            told += f"; it stops before ${budget_usd:g} are passed"
        return told


def chat_of(asking: str, chat: ChatClient) -> ChatClient:
    """Return the chat client through which an asking is made."""
    wrapped = {"again": Again, "pushback": Pushback}.get(asking)
    return chat if wrapped is None else wrapped(chat)


def calls_of(
    source: FeedbackSource, askings: Mapping[str, Sequence[JudgmentRequest]], ctx: RunContext
) -> Calls:
    """Return what some askings would take."""
    from harness.chat import Client
    from harness.chat.keys import from_body, reply_key

    numbers = {name: len(requests) for name, requests in askings.items()}
    total = sum(numbers.values())
    if not (isinstance(source, Plans) and isinstance(ctx.chat, Client)):
        return Calls(total, numbers)

    ledger = ctx.chat.ledger

    def planned() -> Iterator[ChatRequest]:
        for name, requests in askings.items():
            chat = chat_of(name, ctx.chat)
            for call in source.planned(requests, ctx):
                if isinstance(chat, Pushback):
                    kept = ledger.kept(reply_key(call))
                    yield chat.sent(call, None if kept is None else from_body(kept).text)
                else:
                    yield chat.sent(call) if isinstance(chat, Again) else call

    found = ctx.chat.estimate(planned())
    return Calls(
        total, numbers, found.calls, found.cached, found.expected_usd, found.at_most_usd,
        found.unknown,
    )  # fmt: skip
