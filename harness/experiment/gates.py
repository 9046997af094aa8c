"""agreement.json, which ``harness agree --out`` writes, and what it leaves of each source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.aggregate.methods import MODELS
from harness.experiment.arms import AGREEMENT_WEIGHTED, STACKING, arm_weights
from harness.nouns.errors import DataError
from harness.records.rows import read_json


@dataclass(frozen=True, slots=True)
class Gates:
    """What agreement.json says of the sources.

    Args:
        left: What the gates leave of each source that has one, 0 to 1.
        kappas: Cohen's kappa of each source against the people, where it is defined.
        reasons: Why, of each source that has a gate.
        file: Its name.
    """

    left: Mapping[str, float]
    kappas: Mapping[str, float]
    reasons: Mapping[str, str]
    file: str = ""

    def weigh(
        self, sources: Iterable[str], method: str, weights: Mapping[str, float]
    ) -> tuple[dict[str, float], list[str]]:
        """Return the weight of each source, as in an arm, and a line on each that it changed."""
        found = arm_weights(sources, method, weights, self.left, self.kappas)
        told = []
        for name, weight in found.items():
            if weight == weights.get(name, 1.0):
                continue
            why = f"its gate: {self.reasons.get(name, '')}".rstrip(": ")
            if method == AGREEMENT_WEIGHTED and self.left.get(name, 1.0) > 0:
                kappa = self.kappas.get(name)
                why = "its kappa is undefined" if kappa is None else f"its kappa is {kappa:.2f}"
            done = f"counts with weight {weight:g}" if weight else "is left out"
            if weight and (method in MODELS or method == STACKING):
                done = f"counts in full, as {method} finds itself what each is worth"
            told.append(f"{name} {done}, by {self.file}: {why}")
        return found, told


def least_left(gates: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return what is left of each source after all of its gates: the least that one leaves."""
    left: dict[str, float] = {}
    for name, weight in gates:
        left[name] = min(weight, left.get(name, 1.0))
    return left


def read_gates(path: Path) -> Gates:
    """Read agreement.json.

    Raises:
        DataError: The file is missing or is no agreement.json.
    """
    content = read_json(path)
    try:
        gates = [(str(gate["source"]), float(gate["weight"])) for gate in content["gates"]]
        left = least_left(gates)
        reasons = {
            name: "; ".join(
                str(gate.get("reason", ""))
                for gate, (of, weight) in zip(content["gates"], gates, strict=True)
                if of == name and weight == left[name]
            )
            for name in left
        }
        kappas = {str(name): float(kappa) for name, kappa in content["kappas"].items()}
        for name, number in (*left.items(), *kappas.items()):
            if not abs(number) <= 1:
                raise ValueError(f"{number} of {name} is not between -1 and 1")
        return Gates(left, kappas, reasons, path.name)
    except (ArithmeticError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"not what harness agree --out writes: {error!r}", where=str(path)
        ) from error
