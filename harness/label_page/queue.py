"""The queue: which task a person sees next, and which response stands on the left.

Tasks on which people disagree or judges are unsure come first, because a label teaches most there;
among equals the order is random, seeded, and another one for each person. Order and side are
functions of (seed, person, task), so that they are the same after a restart.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.label_page.store import Entry, Shown
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, JudgmentRequest, Order, Value
from harness.ratings.both_orders import WORTH

_STEPS = 10
"""Priorities are compared in tenths; a finer order would undo the random one."""


def entropy(shares: Iterable[float]) -> float:
    """Return the Shannon entropy in bits of shares that sum to 1."""
    return -sum(share * math.log2(share) for share in shares if share > 0)


def disagreement(values: Iterable[Value]) -> float:
    """Return how much labels of one task differ: 0 if all are equal, 1 for an even split in two.

    None (a skip) counts as a label of its own, for a skip is no agreement.
    """
    counts = Counter(map(str, values))
    total = sum(counts.values())
    return min(1.0, entropy(n / total for n in counts.values())) if total else 0.0


def judge_uncertainty(judgments: Iterable[Judgment]) -> dict[str, float]:
    """Return for each request how unsure judges are, between 0 and 1.

    Pairs: the entropy of the mean probability of A over all judgments, where a verdict without a
    probability counts 1, 0 or one half; so judges who contradict each other, and a judge who
    follows the order on the screen, are unsure even when each sounds sure. Scores: the entropy of
    the verdicts. A request of which every judgment failed is as uncertain as can be.
    """
    pairs: dict[str, list[float]] = defaultdict(list)
    scores: dict[str, list[Value]] = defaultdict(list)
    failed: set[str] = set()
    for judgment in judgments:
        verdict = judgment.verdict
        if verdict.status is not Status.OK:
            failed.add(judgment.request_id)
        elif verdict.value in WORTH:
            stated = verdict.probability
            share = WORTH[verdict.value] if stated is None else stated
            pairs[judgment.request_id].append(share)
        else:
            scores[judgment.request_id].append(verdict.value)
    found = dict.fromkeys(failed, 1.0)
    for request, shares in pairs.items():
        mean = sum(shares) / len(shares)
        found[request] = entropy((mean, 1 - mean))
    found.update({request: disagreement(values) for request, values in scores.items()})
    return found


def _random(*key: object) -> int:
    """Return a number that depends on the key alone."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, key)).encode()).digest()[:8], "big")


@dataclass(slots=True)
class Progress:
    """How far a person is."""

    done: int
    total: int
    skipped: int


@dataclass(slots=True)
class Queue:
    """All tasks and who labelled them; in memory, filled from the store.

    Args:
        requests: What can be labelled.
        uncertainty: Request -> how unsure judges are; none by default.
        seed: Seed of order and sides.
        people_per_task: A task leaves the queue when so many people labelled it; None for all.
    """

    requests: Sequence[JudgmentRequest]
    uncertainty: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    people_per_task: int | None = None
    by_id: dict[str, JudgmentRequest] = field(init=False)
    _labels: dict[str, dict[str, Entry]] = field(init=False)
    _shown: dict[str, dict[str, Shown]] = field(init=False)
    _given: dict[str, list[str]] = field(init=False)
    _undone: dict[tuple[str, str], Entry] = field(init=False, default_factory=dict)
    _urgency: dict[str, int] = field(init=False, default_factory=dict)
    _order: dict[tuple[str, str], int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the requests."""
        self.by_id = {request.id: request for request in self.requests}
        self._labels = {request.id: {} for request in self.requests}
        self._shown = defaultdict(dict)
        self._given = defaultdict(list)

    def note_shown(self, shown: Shown) -> None:
        """Note that a task is on a person's screen."""
        if shown.task in self.by_id:
            self._shown[shown.person][shown.task] = shown

    def note(self, entry: Entry) -> None:
        """Note a label; a second one of the same person replaces the first."""
        if entry.task in self.by_id:
            self.forget(entry.person, entry.task)
            self._urgency.pop(entry.task, None)
            self._labels[entry.task][entry.person] = entry
            self._given[entry.person].append(entry.task)

    def forget(self, person: str, task: str) -> None:
        """Note that a label was taken back, or is about to be replaced."""
        before = self._labels.get(task, {}).pop(person, None)
        if before is not None:
            self._undone[person, task] = before
            self._given[person].remove(task)
            self._urgency.pop(task, None)

    def label_of(self, person: str, task: str) -> Entry | None:
        """Return the label that a person gave to a task."""
        return self._labels[task].get(person)

    def undone(self, person: str, task: str) -> Entry | None:
        """Return the label that a person took back, to show it again."""
        return self._undone.get((person, task))

    def shown_to(self, person: str) -> Mapping[str, Shown]:
        """Return the tasks that were put on a person's screen."""
        return self._shown.get(person, {})

    def last_of(self, person: str) -> str | None:
        """Return the task that a person labelled last."""
        return self._given[person][-1] if self._given[person] else None

    def side(self, person: str, task: str) -> Order:
        """Return AB when the first response stands on the left of a person's screen, else BA."""
        if len(self.by_id[task].responses) != 2:
            return ""
        if task in self._shown[person]:
            return self._shown[person][task].order
        return "AB" if _random(self.seed, "side", person, task) % 2 else "BA"

    def priority(self, task: str) -> float:
        """Return how much a further label of a task would teach, between 0 and 2."""
        values = [entry.value for entry in self._labels[task].values()]
        return disagreement(values) + self.uncertainty.get(task, 0.0)

    def next_for(self, person: str) -> str | None:
        """Return a person's task: one on the screen, else a new one; None when nothing is left."""
        waiting = [s for s in self._shown[person].values() if person not in self._labels[s.task]]
        if waiting:
            return min(waiting, key=lambda one: one.sequence).task
        fresh = [t for t in self.by_id if t not in self._shown[person] and not self._full(t)]
        return min(fresh, key=lambda task: self._rank(person, task), default=None)

    def _full(self, task: str) -> bool:
        given = sum(entry.value is not None for entry in self._labels[task].values())
        return self.people_per_task is not None and given >= self.people_per_task

    def _rank(self, person: str, task: str) -> tuple[int, int]:
        """Sort by priority, then at random, with all criteria of the same responses together."""
        if task not in self._urgency:
            self._urgency[task] = -round(self.priority(task) * _STEPS)
        if (person, task) not in self._order:
            request = self.by_id[task]
            names = (request.item.id, *(response.id for response in request.responses))
            self._order[person, task] = _random(self.seed, "order", person, *names)
        return self._urgency[task], self._order[person, task]

    def progress(self, person: str) -> Progress:
        """Return how far a person is; tasks that others completed do not count for the total."""
        mine = [self._labels[task][person] for task in self._given[person]]
        left = sum(
            person not in given and (task in self._shown[person] or not self._full(task))
            for task, given in self._labels.items()
        )
        return Progress(len(mine), len(mine) + left, sum(e.value is None for e in mine))

    def people(self) -> list[str]:
        """Return everyone who was shown a task."""
        return sorted(name for name, tasks in self._shown.items() if tasks)

    def entries(self) -> list[Entry]:
        """Return all labels."""
        return [entry for given in self._labels.values() for entry in given.values()]
