"""Simulated people for demonstrations and tests: noisy raters with known tastes, never real ones.

Each simulated person has a utility for a response, correctness + style + personal noise, and
prefers A to B with the probability of a logistic model of the difference (Bradley and Terry 1952).
"""

import hashlib
import math
import random
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from harness.plugin import (
    FeedbackSource,
    Item,
    Judgment,
    JudgmentRequest,
    RunContext,
    SourceFactory,
    SourceInfo,
    Status,
    Verdict,
    hookimpl,
    parted,
)

VERSION = "3"


class Options(BaseModel):
    """Options of ``simulated_people``.

    Attributes:
        people: How many.
        correctness: Utility of a right answer (its last number is the reference), in logits.
        liked: Words that a simulated person likes, as whole words in any case.
        disliked: Words that a simulated person dislikes.
        style: Utility of a liked word and of the absence of disliked ones, in logits.
        tie_below: A difference of utilities below this is called a tie.
        skip: Probability of giving no label.
        seed: Same seed, same people.
    """

    model_config = ConfigDict(extra="forbid")

    people: int = Field(default=3, ge=1)
    correctness: float = 3.0
    liked: list[str] = []
    disliked: list[str] = []
    style: float = 1.5
    tie_below: float = Field(default=0.5, ge=0)
    skip: float = Field(default=0.02, ge=0, lt=1)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SimulatedPeople:
    """A feedback source of kind human whose people are made up."""

    info: SourceInfo
    options: Options

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        """Yield one label per simulated person and request."""
        for request in requests:
            for person in range(1, self.options.people + 1):
                yield Judgment(
                    request_id=request.id,
                    source=self.info.name,
                    source_version=self.info.version,
                    annotator=f"simulated-{person}",
                    verdict=self._verdict(request, person),
                    metadata={"simulated": True},
                )

    def _verdict(self, request: JudgmentRequest, person: int) -> Verdict:
        key = f"{self.options.seed}\0{person}\0{request.id}".encode()
        rng = random.Random(hashlib.sha256(key).digest())
        if rng.random() < self.options.skip:
            return Verdict(Status.ABSTAINED, rationale="skipped")
        answers = [parted(response.text).answer for response in request.responses]
        a, b = (self._utility(request.item, answer) for answer in answers)
        if abs(a - b) < self.options.tie_below:
            return Verdict(Status.OK, "TIE")
        return Verdict(Status.OK, "A" if rng.random() < 1 / (1 + math.exp(b - a)) else "B")

    def _utility(self, item: Item, text: str) -> float:
        numbers = re.findall(r"-?\d+(?:\.\d+)?", text)
        right = bool(numbers) and numbers[-1] == str(item.reference)
        liked = _occurs(self.options.liked, text)
        disliked = _occurs(self.options.disliked, text)
        return self.options.correctness * right + self.options.style * (liked - disliked)

    def check(self, ctx: RunContext) -> None:
        """Nothing outside is needed."""


def _occurs(words: Sequence[str], text: str) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.I) for word in words)


def _build(name: str, options: Options) -> FeedbackSource:
    info = SourceInfo(name, VERSION, "human", takes=("pairwise",), simulated=True)
    return SimulatedPeople(info, options)


SIMULATED_PEOPLE = SourceFactory(
    "simulated_people",
    VERSION,
    "human",
    _build,
    Options,
    "Simulated people who prefer right answers and liked words, with noise",
)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the simulated people."""
    return [SIMULATED_PEOPLE]
