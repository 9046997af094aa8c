"""What a verifier makes of responses whose verdict is known from the reference alone.

Every family is a way to say the same, which has to be accepted, or an attack, which must not be. An
abstention is no wrong verdict; it is counted.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.agreement import answer_tries, program_tries, schema_tries
from harness.agreement.reference_values import answer_of
from harness.agreement.verifier_audit import accepted
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, Response

ABOUT_THOUGHTS = ("after a thought", "only thought")
"""Families that a verifier which reads whole texts is not tried with."""

MOST_PROGRAMS = 50
"""Items with tests that are tried, from first to last: to run a program takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Try:
    """A response whose verdict is known.

    Args:
        family: How it was made.
        right: Whether it has to be accepted.
        response: The response.
    """

    family: str
    right: bool
    response: Response


@dataclass(frozen=True, slots=True)
class Example:
    """A response that got a wrong verdict, and what the verifier said of it."""

    item_id: str
    text: str
    rationale: str


@dataclass(frozen=True, slots=True)
class Family:
    """What became of a family.

    Args:
        name: How its responses were made.
        right: Whether they had to be accepted.
        tried: Number of responses.
        wrong: Those with the other verdict.
        without: Those without a verdict.
        example: The shortest of the wrong ones.
    """

    name: str
    right: bool
    tried: int
    wrong: int
    without: int
    example: Example | None = None


@dataclass(frozen=True, slots=True)
class ReferenceAudit:
    """What is known of a verifier from references alone.

    Args:
        frame: Where an answer has to stand; empty where the verifier takes the reference in no form
            that was tried, or takes everything: then nothing is known.
        items: All items.
        used: Items whose reference allowed to make responses.
        families: In order; equal forms first.
    """

    frame: str
    items: int
    used: int
    families: tuple[Family, ...] = ()

    @property
    def failing(self) -> list[Family]:
        """The families with a wrong verdict."""
        return [family for family in self.families if family.wrong]

    def without(self, right: bool) -> tuple[int, int]:
        """Return how many equal forms, or attacks, have no verdict, and how many were tried."""
        same = [family for family in self.families if family.right is right]
        return sum(family.without for family in same), sum(family.tried for family in same)

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Made:
    equal: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


Judge = Callable[[Sequence[Response]], Awaitable[Mapping[str, Judgment]]]
"""Asks a verifier about responses, and returns its judgments by their ids."""

FRAMED_ITEMS = 10
"""Items on which it is found out where an answer has to stand."""


async def audited(items: Sequence[Item], judge: Judge, whole: bool = False) -> ReferenceAudit:
    """Try a verifier with responses whose verdict is known from the references alone.

    Args:
        items: With their references.
        judge: Asks the verifier.
        whole: Whether it reads thoughts as well.
    """
    usable = [item for item in items if _frames(item)]
    pairs = framed(usable[:FRAMED_ITEMS])
    both = [response for found in pairs.values() for pair in found for response in pair]
    frame = frame_taken(pairs, await judge(both)) if both else ""
    if not frame:
        return ReferenceAudit("", len(items), len(usable))
    tried = tries(items, frame, whole)
    judgments = await judge([one.response for one in tried])
    return ReferenceAudit(frame, len(items), len(usable), families(tried, judgments))


def framed(items: Iterable[Item]) -> dict[str, list[tuple[Response, Response]]]:
    """Return, by frame, a right and a wrong response to each item whose reference allows it."""
    found: dict[str, list[tuple[Response, Response]]] = {}
    for item in items:
        for name, texts in _frames(item).items():
            right, wrong = (
                Response(f"{item.id}#{name}{kind}", item.id, "audit", text)
                for kind, text in enumerate(texts)
            )
            found.setdefault(name, []).append((right, wrong))
    return found


def _frames(item: Item) -> dict[str, tuple[str, str]]:
    if program := program_tries.program_of(item.reference):
        put = program_tries.FRAMES
        return {n: (put[n].format(program.right), put[n].format(program.wrong)) for n in put}
    if document := schema_tries.document_of(item.reference):
        both = json.dumps(document.right), json.dumps(document.wrong)
        return {
            name: (put.format(both[0]), put.format(both[1]))
            for name, put in schema_tries.FRAMES.items()
        }
    if answer := answer_of(item.reference):
        say = answer_tries.FRAMES
        return {name: (say[name](answer.text), say[name](answer.wrong[0])) for name in say}
    return {}


def frame_taken(
    tried: Mapping[str, Sequence[tuple[Response, Response]]], judgments: Mapping[str, Judgment]
) -> str:
    """Return the frame in which most right answers are told from wrong ones; empty for none."""
    told = {
        name: sum(accepted(judgments[a.id]) and not accepted(judgments[b.id]) for a, b in pairs)
        for name, pairs in tried.items()
    }
    best = max(told, key=lambda name: told[name], default="")
    return best if best and told[best] else ""


def tries(items: Sequence[Item], frame: str, whole: bool = False) -> list[Try]:
    """Return responses whose verdict is known, of every family.

    Each item gets one text of a family, so that many items see all of its texts; few items share
    them all.

    Args:
        items: With their references.
        frame: Where an answer has to stand.
        whole: Whether the verifier reads thoughts as well.
    """
    made = [(item, found) for item in items if (found := _made(item, frame))]
    if frame in program_tries.FRAMES and len(made) > MOST_PROGRAMS:
        made = [made[place * len(made) // MOST_PROGRAMS] for place in range(MOST_PROGRAMS)]
    return [
        one
        for place, (item, found) in enumerate(made)
        for one in _of_item(item, found, place, len(made), whole)
    ]


def _made(item: Item, frame: str) -> _Made | None:
    if frame in program_tries.FRAMES and (program := program_tries.program_of(item.reference)):
        return _Made(
            program_tries.equal(program, frame), program_tries.attacks(program, item, frame)
        )
    if frame in schema_tries.FRAMES and (document := schema_tries.document_of(item.reference)):
        return _Made(
            schema_tries.equal(document, frame), schema_tries.attacks(document, item, frame)
        )
    if frame in answer_tries.FRAMES and (answer := answer_of(item.reference)):
        reference = str(item.reference)
        return _Made(
            answer_tries.equal(answer, reference, frame), answer_tries.attacks(answer, item, frame)
        )
    return None


def _of_item(item: Item, made: _Made, place: int, items: int, whole: bool) -> Iterator[Try]:
    for right, families in ((True, made.equal), (False, made.attacks)):
        for family, texts in families.items():
            if whole and family in ABOUT_THOUGHTS:
                continue
            turn = min(items, len(texts))
            for number, text in enumerate(texts):
                if number % turn == place % turn:
                    name = f"{item.id}#{'equal' if right else 'attack'} {family} {number}"
                    yield Try(family, right, Response(name, item.id, "audit", text))


def families(tried: Sequence[Try], judgments: Mapping[str, Judgment]) -> tuple[Family, ...]:
    """Count the verdicts of each family; ``judgments`` by response id."""
    groups: dict[tuple[bool, str], list[Try]] = {}
    for one in tried:
        groups.setdefault((not one.right, one.family), []).append(one)
    return tuple(_counted(groups[key], judgments) for key in sorted(groups, key=lambda k: k[0]))


def _counted(group: Sequence[Try], judgments: Mapping[str, Judgment]) -> Family:
    first, wrong, without = group[0], [], 0
    for one in group:
        judgment = judgments[one.response.id]
        if judgment.verdict.status is not Status.OK:
            without += 1
        elif accepted(judgment) is not one.right:
            wrong.append((one.response, judgment.verdict.rationale))
    example = None
    if wrong:
        response, why = min(wrong, key=lambda pair: len(pair[0].text))
        example = Example(response.item_id, response.text, why)
    return Family(first.family, first.right, len(group), len(wrong), without, example)
