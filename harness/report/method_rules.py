"""The rules by which a method is recommended, or is not: a name, a condition, a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.report.differences import ends_of, said
from harness.report.diversity import collapses
from harness.report.method_arms import UNKNOWN, Arm, better_than, cheaper_than, where
from harness.report.tables import interval, shown
from harness.report.verdict import outcome
from harness.report.wording import Names, dollars, join, percent

Data = Mapping[str, Any]

STILL = "did not move"
"""The outcome of an arm that is where base is."""

ALL = 0.95
"""A verifier that decides this share of the items reaches all of them, for all that matters."""


@dataclass(frozen=True)
class Question:
    """Which method for one criterion, and what a rule is asked of.

    Args:
        title: The criterion as it is called.
        name: The evaluator that measures it.
        slice: Of the items; None for all.
        arms: All arms.
        data: The report.
        names: How sources are called.
        one: The arm that is asked about.
        fit: The arms that no rule speaks against.
    """

    title: str
    name: str
    slice: str | None
    arms: tuple[Arm, ...]
    data: Data
    names: Names
    one: Arm | None = None
    fit: tuple[Arm, ...] = ()

    def of(self, arm: Arm) -> Question:
        """Ask about an arm."""
        return replace(self, one=arm)

    def among(self, fit: Sequence[Arm]) -> Question:
        """Ask which of some arms."""
        return replace(self, fit=tuple(fit))

    @property
    def arm(self) -> Arm:
        """The arm that is asked about."""
        assert self.one is not None
        return self.one

    @property
    def what(self) -> str:
        """The criterion with its slice."""
        return self.title if self.slice is None else f"{self.title} on {self.slice}"

    @property
    def difference(self) -> Data | None:
        """What the arm differs from base by."""
        return self.arm.difference(self.name, self.slice)

    @property
    def best(self) -> Arm | None:
        """The arm that is shown to be better than each other that fits."""
        for arm in self.fit:
            others = [other for other in self.fit if other is not arm]
            if all(better_than(self.data, self.name, arm.name, o.name) for o in others):
                return arm
        return None

    @property
    def front(self) -> list[Arm]:
        """The arms that fit, without those that another is shown to be better than."""
        return [
            arm
            for arm in self.fit
            if not any(better_than(self.data, self.name, o.name, arm.name) for o in self.fit)
        ]

    @property
    def cheapest(self) -> Arm | None:
        """The arm that is known to have cost less than each other that may be the best."""
        for arm in self.front:
            others = [other for other in self.front if other is not arm]
            if all(cheaper_than(arm.cost, other.cost) for other in others):
                return arm
        return None

    @property
    def worse_at(self) -> list[str]:
        """Other criteria, held out for the arm, at which it is shown to be worse than base."""
        found = (self.data.get("evaluation") or {}).get("evaluators", ())
        return [
            self.names.source(one["name"])
            for one in found
            if one["name"] != self.name
            and (row := self.arm.score(one["name"]))
            and row["held_out"] is not False
            and self.arm.way(one["name"]) < 0
        ]

    @property
    def gain(self) -> str:
        """What the arm gained, in points."""
        found = self.difference or {}
        return (
            f"{shown(found.get('value'), 'points')} points ({interval(ends_of(found), 'points')})"
        )


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        name: Stands by each sentence that it makes.
        when: Its condition in words, as docs/reports.md has it.
        holds: Whether it holds.
        says: The sentence, where it does.
        of_criterion: Whether it is about one criterion; else about the arm at all.
        picks: The arm that it chooses.
    """

    name: str
    when: str
    holds: Callable[[Question], bool]
    says: Callable[[Question], str]
    of_criterion: bool = False
    picks: Callable[[Question], Arm | None] = lambda question: None


def _not(question: Question, why: str) -> str:
    return f"{question.arm.called} is not recommended: {why}."


def _simulated(question: Question) -> list[str]:
    people = question.arm.of_kind("human")
    return [question.names.source(one["name"]) for one in people if one.get("simulated")]


def _held_out(question: Question) -> bool:
    row = question.arm.score(question.name)
    return row is None or (row.get("held_out") is True and not row.get("same_rule"))


def _is_still(question: Question) -> bool:
    if question.arm.policy is None:
        return False
    return outcome(question.arm.name, question.data["evaluation"], question.names)[0] == STILL


def _is_undecidable(question: Question) -> bool:
    return said(question.difference) == "undecidable"


def _collapse(question: Question) -> list[str]:
    return collapses(question.data.get("evaluation") or {}).get(question.arm.name, [])


def _share(question: Question) -> float | None:
    found = question.arm.verifiable(question.slice)
    return found[0] / found[1] if found else None


def _decided(question: Question) -> str:
    decided, items = question.arm.verifiable(question.slice) or (0, 0)
    who = join([question.names.source(s["name"]) for s in question.arm.of_kind("verifier")])
    where_ = "" if question.slice is None else f" of {question.slice}"
    return f"{who} decided {percent(decided / items)} of {items:,} items{where_}"


AGAINST: tuple[Rule, ...] = (
    Rule(
        "not-trained",
        "the arm has no policy",
        lambda q: q.arm.policy is None,
        lambda q: _not(q, "it was not trained"),
    ),
    Rule(
        "sources-not-known",
        "nothing is known of the sources that gave the arm feedback, or of one's kind",
        lambda q: UNKNOWN in q.arm.kinds,
        lambda q: _not(q, "what gave its feedback is not known"),
    ),
    Rule(
        "not-held-out",
        "the criterion's evaluator took part in the arm's training, has the rule of one that did,"
        " or nobody knows",
        lambda q: not _held_out(q),
        lambda q: _not(q, f"{q.title} is not held out for it"),
        of_criterion=True,
    ),
    Rule(
        "reward-hacked",
        "gold fell from its peak in a training of the arm, and the evaluation shows it, too",
        lambda q: q.arm.falls,
        lambda q: _not(q, "its gold reward fell while it was trained"),
    ),
    Rule(
        "lost-diversity",
        "the arm's answers became clearly more alike than base's, and it is not shown to be better"
        " than base by the criterion",
        lambda q: bool(_collapse(q)) and q.arm.way(q.name, q.slice) <= 0,
        lambda q: _not(q, f"it lost diversity, and no gain at {q.what} is shown"),
        of_criterion=True,
    ),
    Rule(
        "reward-worn-out",
        "a reward of the arm is shown to be no longer valid on what the trained policy writes",
        lambda q: bool(q.arm.worn_out),
        lambda q: _not(q, f"at the end the reward of {join(q.arm.worn_out)} was no longer valid"),
    ),
    Rule(
        "gate-failed",
        "a source that gave the arm feedback failed one of its gates",
        lambda q: bool(q.arm.gates("fail")),
        lambda q: _not(q, f"{join(q.arm.gates('fail'))} failed a gate"),
    ),
    Rule(
        "gate-undecided",
        "a gate of a source that gave the arm feedback is undecided",
        lambda q: bool(q.arm.gates("undecided")),
        lambda q: _not(q, f"whether {join(q.arm.gates('undecided'))} may be used is undecided"),
    ),
    Rule(
        "agreement-not-measured",
        "no gate of a judge or verifier that gave the arm feedback was passed: nobody measured how"
        " far it agrees with people",
        lambda q: bool(q.arm.unmeasured),
        lambda q: _not(q, f"no gate says how far {join(q.arm.unmeasured)} agrees with people"),
    ),
    Rule(
        "simulated-people",
        "people who gave the arm feedback are made up by a program",
        lambda q: bool(_simulated(q)),
        lambda q: _not(q, f"{join(_simulated(q))} gave its feedback, not real people"),
    ),
    Rule(
        "did-not-move",
        "the arm's KL from base cannot be told from 0",
        _is_still,
        lambda q: _not(q, "it did not move measurably from base"),
    ),
    Rule(
        "not-decidable",
        "responses without a score could turn the difference round",
        _is_undecidable,
        lambda q: _not(q, f"failures leave its change of {q.what} open"),
        of_criterion=True,
    ),
    Rule(
        "worse-than-base",
        "the arm is shown to be worse than base by the criterion",
        lambda q: q.arm.way(q.name, q.slice) < 0,
        lambda q: _not(q, f"it got worse at {q.what}"),
        of_criterion=True,
    ),
    Rule(
        "gain-not-shown",
        "the arm is not shown to be better than base by the criterion",
        lambda q: q.arm.way(q.name, q.slice) == 0,
        lambda q: _not(q, f"no gain at {q.what} is shown"),
        of_criterion=True,
    ),
    Rule(
        "trade-off",
        "the arm is shown to be worse than base by another criterion",
        lambda q: bool(q.worse_at),
        lambda q: _not(q, f"what it gained at {q.what} it paid for at {join(q.worse_at)}"),
        of_criterion=True,
    ),
)
"""Rules that speak against an arm, in their order: the first that holds is said."""

CHOICE: tuple[Rule, ...] = (
    Rule(
        "none-yet",
        "a rule speaks against every arm",
        lambda q: not q.fit,
        lambda q: f"For {q.what}, none yet: every arm is ruled out.",
    ),
    Rule(
        "only-one",
        "a rule speaks against all arms but one",
        lambda q: len(q.fit) == 1,
        lambda q: (
            f"For {q.what}, {q.fit[0].called}: it gained {q.of(q.fit[0]).gain}, and every"
            " other arm is ruled out."
        ),
        picks=lambda q: q.fit[0],
    ),
    Rule(
        "better-than-the-others",
        "the arm is shown to be better by the criterion than each other that is left",
        lambda q: q.slice is None and q.best is not None,
        lambda q: (
            f"For {q.what}, {_name(q.best)}: it is shown to be better than"
            f" {join([arm.called for arm in q.fit if arm is not q.best])}."
        ),
        picks=lambda q: q.best,
    ),
    Rule(
        "cheaper",
        "of the arms that no other is shown to be better than, it is known to have cost less money"
        " than each",
        lambda q: q.cheapest is not None,
        lambda q: (
            f"For {q.what}, {_name(q.cheapest)}: no gain is shown to be larger, and at"
            f" {dollars(q.cheapest.cost['usd'] if q.cheapest else None)} it cost less than"
            f" {join([arm.called for arm in q.front if arm is not q.cheapest])}."
        ),
        picks=lambda q: q.cheapest,
    ),
    Rule(
        "not-told-apart",
        "several arms are left, and neither gain nor money decides between them",
        lambda q: True,
        lambda q: (
            f"For {q.what}, none yet: {join([arm.called for arm in q.front])} are not told"
            " apart, neither by what they gained nor by what they are known to have cost."
        ),
    ),
)
"""Rules that choose among the arms that are left, in their order: the first that holds decides."""

SCOPE: tuple[Rule, ...] = (
    Rule(
        "all-verifiable",
        f"a verifier of the chosen arm decided at least {ALL:.0%} of the items to train on",
        lambda q: (share := _share(q)) is not None and share >= ALL,
        lambda q: f"{q.arm.called} reaches the items: {_decided(q)}.",
    ),
    Rule(
        "part-verifiable",
        f"the verifiers of the chosen arm decided less than {ALL:.0%} of the items, and it learnt"
        " from nothing else",
        lambda q: q.arm.method == "RLVR" and (share := _share(q)) is not None and share < ALL,
        lambda q: (
            f"{q.arm.called} is for what can be verified: {_decided(q)}, and for the others"
            " none is recommended yet."
        ),
    ),
    Rule(
        "rest-by-others",
        f"the verifiers of the chosen arm decided less than {ALL:.0%} of the items, and it learnt"
        " from others, too",
        lambda q: q.arm.method == "hybrid" and (share := _share(q)) is not None and share < ALL,
        lambda q: (
            f"{q.arm.called} also reaches what cannot be verified: {_decided(q)}, the others"
            " have its other sources alone."
        ),
    ),
    Rule(
        "less-varied",
        "the chosen arm's answers became clearly more alike than base's while it got better",
        lambda q: bool(_collapse(q)),
        lambda q: (
            f"{q.arm.called} lost diversity, so it is not for where answers are to vary:"
            f" {join(_collapse(q))}."
        ),
    ),
    Rule(
        "agreement-with-simulated",
        "a source of the chosen arm passed a gate against people who are made up by a program",
        lambda q: bool(q.arm.measured_with_simulated),
        lambda q: (
            f"How far {join(q.arm.measured_with_simulated)} agrees with people was measured"
            " with simulated ones: hold it against real people first."
        ),
    ),
    Rule(
        "these-trainings",
        "the chosen arm has fewer than three trainings",
        lambda q: bool(where(q.arm.seeds)),
        lambda q: (
            f"That is so{where(q.arm.seeds).replace(',', '')} of {q.arm.called}: fewer than"
            " three say nothing of the method."
        ),
    ),
)
"""Rules that say how far a choice reaches; each that holds is said."""


def _name(arm: Arm | None) -> str:
    return "" if arm is None else arm.called
