"""What is known of each arm when a method is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.report.gates import gates_of
from harness.report.verdict import better
from harness.report.wording import Names

Data = Mapping[str, Any]

FEWEST_SEEDS = 3
KINDS = {"human": "RLHF", "judge": "RLAIF", "reward_model": "RLAIF", "verifier": "RLVR"}
HYBRID, UNKNOWN = "hybrid", "other"


@dataclass(frozen=True)
class Arm:
    """An arm with what was measured of it.

    Args:
        row: Of the report's ``arms``.
        data: The report.
        names: How sources are called.
    """

    row: Data
    data: Data
    names: Names

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.row["name"])

    @cached_property
    def sources(self) -> list[Data]:
        """The sources that gave it feedback with any weight."""
        weights = self.row.get("weights") or {}
        dropped = set(self.row.get("dropped") or ())
        used = {n for n in self.row["sources"] if weights.get(n, 1) > 0} - dropped
        return [source for source in self.data.get("sources", ()) if source["name"] in used]

    @property
    def kinds(self) -> set[str]:
        """The methods that its sources stand for."""
        found = {KINDS.get(str(source.get("kind")), UNKNOWN) for source in self.sources}
        return found or {UNKNOWN}

    @property
    def method(self) -> str:
        """RLHF, RLAIF, RLVR or hybrid, by the kinds of its sources."""
        return next(iter(self.kinds)) if len(self.kinds) == 1 else HYBRID

    @property
    def called(self) -> str:
        """Its name with its method."""
        same = self.name.casefold() == self.method.casefold()
        return self.method if same else f"{self.name} ({self.method})"

    @cached_property
    def policy(self) -> Data | None:
        """What it was trained to; None where it was not."""
        policies = (self.data.get("evaluation") or {}).get("policies", ())
        return next((p for p in policies if p["name"] == self.name), None)

    @property
    def seeds(self) -> int:
        """How many trainings it has."""
        return len(self.policy["seeds"]) if self.policy else 0

    def of_kind(self, *kinds: str) -> list[Data]:
        """Return its sources of some kinds."""
        return [source for source in self.sources if source.get("kind") in kinds]

    def gates(self, outcome: str) -> list[str]:
        """Return its sources of which a gate came out so, as they are called."""
        used = {source["name"] for source in self.sources}
        found = [gate for gate in gates_of(self.data) if gate["source"] in used]
        return list(
            dict.fromkeys(
                self.names.source(gate["source"]) for gate in found if _outcome(gate) == outcome
            )
        )

    @property
    def measured_with_simulated(self) -> list[str]:
        """Its sources that passed a gate against people whom a program made up."""
        used = {source["name"] for source in self.sources}

        def made_up(gate: Data) -> bool:
            against = gate.get("against")
            return against in self.names.simulated if against else self.names.people_are_simulated

        found = [
            self.names.source(gate["source"])
            for gate in gates_of(self.data)
            if gate["source"] in used and _outcome(gate) == "pass" and made_up(gate)
        ]
        return list(dict.fromkeys(found))

    @property
    def unmeasured(self) -> list[str]:
        """Its judges and verifiers of which no gate was passed."""
        passed = self.gates("pass")
        asked = self.of_kind("judge", "reward_model", "verifier")
        return [n for s in asked if (n := self.names.source(s["name"])) not in passed]

    @property
    def falls(self) -> bool:
        """Whether gold fell in a training, and the evaluation shows it, too."""
        rows = self.data.get("gold_falls", ())
        return any(r["arm"] == self.name and r["verdict"] == "fell" for r in rows)

    @property
    def worn_out(self) -> list[str]:
        """Its sources whose rewards were no longer valid at the end."""
        rows = (self.data.get("transport") or {}).get("rows", ())
        return [
            self.names.source(row["source"])
            for row in rows
            if row["arm"] == self.name and row["outcome"] == "fallen"
        ]

    @property
    def cost(self) -> Data:
        """Its row of the costs."""
        rows = (self.data.get("costs") or {}).get("rows", ())
        return next((row for row in rows if row["arm"] == self.name), {})

    def score(self, evaluator: str) -> Data | None:
        """Return its row of scores by an evaluator."""
        rows = (self.data.get("evaluation") or {}).get("scores", ())
        return next(
            (r for r in rows if (r["evaluator"], r["policy"]) == (evaluator, self.name)), None
        )

    def difference(self, evaluator: str, piece: str | None = None) -> Data | None:
        """Return its difference to base, of all items or of a slice."""
        if piece is None:
            row = self.score(evaluator)
            return row["difference"] if row else None
        rows = ((self.data.get("evaluation") or {}).get("slices") or {}).get("rows", ())
        return next(
            (
                one["difference"]
                for row in rows
                if (row["evaluator"], row["policy"]) == (evaluator, self.name)
                for one in row["slices"]
                if one["slice"] == piece
            ),
            None,
        )

    def way(self, evaluator: str, piece: str | None = None) -> int:
        """Return 1 where it is shown to be better than base, -1 where worse, else 0."""
        difference = self.difference(evaluator, piece)
        return better(self.data["evaluation"], evaluator, difference) if difference else 0

    def verifiable(self, piece: str | None = None) -> tuple[int, int] | None:
        """Return how many items its verifiers decided, and how many they were asked about."""
        rows = [row for one in self.of_kind("verifier") if (row := one.get("decided"))]
        if not rows or len(rows) < len(self.of_kind("verifier")):
            return None
        found = [row if piece is None else (row.get("slices") or {}).get(piece) for row in rows]
        known = [one for one in found if one and one["items"]]
        if not known:
            return None
        best = max(known, key=lambda one: one["decided"] / one["items"])
        return best["decided"], best["items"]


def _outcome(gate: Data) -> str:
    return str(gate.get("outcome") or ("pass" if gate.get("passed") else "fail"))


def arms_of(data: Data, names: Names) -> list[Arm]:
    """Return the arms of a report."""
    return [Arm(row, data, names) for row in data.get("arms", ())]


def where(seeds: int) -> str:
    """Return of what few trainings speak; nothing where there are enough."""
    if seeds >= FEWEST_SEEDS:
        return ""
    return ", in this one training" if seeds == 1 else ", in these two trainings"


def better_than(data: Data, evaluator: str, a: str, b: str) -> bool:
    """Tell whether an arm is shown to be better than another by an evaluator."""
    evaluation = data.get("evaluation") or {}
    for row in evaluation.get("contrasts", ()):
        if row["evaluator"] == evaluator and {row["a"], row["b"]} == {a, b}:
            if row.get("held_out") is False:
                return False
            way = better(evaluation, evaluator, row)
            return way > 0 if row["a"] == a else way < 0
    return False


def cheaper_than(one: Data, other: Data) -> bool:
    """Tell whether an arm is known to have cost less money than another.

    What is not known of the other counts as what is known of it, and as more where real labels
    have no price.
    """
    if one.get("usd") is None:
        return False
    if other.get("usd") is not None:
        return bool(one["usd"] < other["usd"])
    known = (other.get("calls_usd") or 0.0) + (other.get("machine_usd") or 0.0)
    return bool(known >= one["usd"] and (other.get("labels") or 0) > 0)
