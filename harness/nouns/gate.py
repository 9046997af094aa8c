"""What a gate asks of a source, before it may give rewards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from harness.nouns.biases import BIASES
from harness.nouns.errors import InputError
from harness.nouns.scale import is_number

Action = Literal["drop", "down_weight", "stop", "warn"]
Undecided = Literal["train", "drop", "stop"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that a gate can ask for.

    Args:
        key: What an experiment file calls the limit.
        words: What is measured, as a sentence goes on from the source.
        units: What is counted.
        is_rate: Whether it lies between 0 and 1, else between -1 and 1.
        needs_people: Whether it is held against people; else it is of the source alone.
    """

    key: str
    words: str
    units: str = "pair"
    is_rate: bool = True
    needs_people: bool = True

    @property
    def is_minimum(self) -> bool:
        """Whether the source must reach the limit; else it must stay below it."""
        return self.key.startswith("minimum")


MEASURES: Mapping[str, Measure] = {
    "cohen_kappa": Measure("minimum_kappa", "kappa with people", is_rate=False),
    "share_right": Measure("minimum_right", "share right of the pairs that both decide"),
    "coverage": Measure("minimum_coverage", "share decided of what people decide"),
    "alt_test_omega": Measure("minimum_replaced", "share of people that it may replace"),
    "swap_flip_rate": Measure(
        "maximum_flip_rate", "share of pairs that turn with the order", needs_people=False
    ),
    "false_pass_rate": Measure(
        "maximum_false_pass", "share passed of what people call wrong", "wrong response"
    ),
    "false_fail_rate": Measure(
        "maximum_false_fail", "share failed of what people call right", "right response"
    ),
    "bias": Measure("maximum_bias", "bias beyond a placebo", "verdict", needs_people=False),
    "ece": Measure("maximum_calibration_error", "calibration error beyond noise", "verdict"),
}
"""What gates can ask for, by the name of the statistic."""

LIMITS = {measure.key: name for name, measure in MEASURES.items()}
"""What a gate's limit is called -> the statistic."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What is asked of a source.

    Args:
        source: The source.
        limit: What it must reach, or stay below.
        action: What is done with a source that did not pass: drop it, down_weight it, stop the run,
            or only warn.
        statistic: A name of ``MEASURES``.
        undecided: What is done with one that neither passed nor failed; by default the action, as a
            source gives rewards only where it was shown to agree.
        against: Those who are held to be right; the reference of the report where it is empty.
        pairs: Of kappa: all pairs that both judged, or only those that both decide (no ties).
        slice: Only items of this slice count; all where it is empty.
        bias: Of a bias: which one, a name of ``BIASES``.
    """

    source: str
    limit: float
    action: Action
    statistic: str = "cohen_kappa"
    undecided: Undecided | None = None
    against: str = ""
    pairs: Literal["all", "decided"] = "all"
    slice: str = ""
    bias: str = ""

    def __post_init__(self) -> None:
        """Refuse a gate that could decide nothing, or everything.

        Raises:
            InputError: A limit is no number that the statistic can have, or there is no such
                statistic, action or bias.
        """
        for what, value, names in (
            ("statistic", self.statistic, [*MEASURES]),
            ("action", self.action, get_args(Action)),
            ("undecided", self.undecided, [None, *get_args(Undecided)]),
            ("pairs", self.pairs, ["all", "decided"]),
            ("bias", self.bias, ["", *BIASES]),
        ):
            if value not in names:
                known = ", ".join(name for name in names if name)
                raise InputError(
                    f"the gate of {self.source}: no {what} is called {value!r:.60}",
                    hint=f"known: {known}",
                )
        least = 0 if self.measure.is_rate else -1
        if not is_number(self.limit) or not least <= self.limit <= 1:
            raise InputError(
                f"the gate of {self.source}: {self.measure.key} must be a number from {least} to 1,"
                f" got {self.limit!r:.60}"
            )
        if (self.statistic == "bias") != bool(self.bias):
            raise InputError(
                f"the gate of {self.source}: the statistic bias and the name of a bias go together",
                hint=f"bias=NAME, one of {', '.join(BIASES)}",
            )

    @property
    def is_plain(self) -> bool:
        """Whether it asks for kappa with the reference on all pairs, which reports have."""
        kappa = self.statistic == "cohen_kappa" and self.pairs == "all"
        return kappa and not self.against and not self.slice

    @property
    def measure(self) -> Measure:
        """What it asks for."""
        return MEASURES[self.statistic]
