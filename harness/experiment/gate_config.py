"""Agreement with people in an experiment file: the reference and the gates, strictly checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.nouns.biases import BIASES
from harness.nouns.gate import LIMITS, Action, Gate, Undecided
from harness.nouns.nearest import did_you_mean

Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Strict(BaseModel):
    """No unknown keys: a typo must not become a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class GateConfig(Strict):
    """What a source must reach before it gives rewards, and what happens where it does not.

    One limit for each gate. It passes, fails or is undecided by one-sided 95% bounds, clustered by
    prompt.

    Attributes:
        source: The source that is checked.
        minimum_kappa: Smallest Cohen's kappa against the majority of the people.
        minimum_right: Smallest share right of the pairs that the source and the people decide.
        minimum_coverage: Smallest share decided of what the people decide.
        minimum_replaced: Smallest share of people that it may replace (alternative annotator test).
        maximum_flip_rate: Largest share of pairs whose verdict turns with the order.
        maximum_false_pass: Largest share passed of the responses that people call wrong.
        maximum_false_fail: Largest share failed of the responses that people call right.
        maximum_bias: Largest share of verdicts that the bias named in ``bias`` turns beyond a
            placebo, as harness probe-judge finds it.
        maximum_calibration_error: Largest expected calibration error beyond noise.
        action: What is done with a source that did not pass: drop it, down_weight it by how much of
            the limit its bound has, stop the run, or only warn.
        undecided: What is done with one that neither passed nor failed: train, drop or stop; the
            action where nothing is said, as rewards are for sources that were shown to agree.
        against: Source of those who are right here, such as people who label this criterion only;
            the reference where nothing is said.
        pairs: Of kappa: all pairs, or only those that both decide (no ties).
        slice: Only items with this metadata.slice count.
        bias: Of maximum_bias: position, length, format, sycophancy, authority, self-preference or
            pushback.
    """

    source: str
    minimum_kappa: float | None = Field(default=None, ge=-1, le=1, allow_inf_nan=False)
    minimum_right: Unit | None = None
    minimum_coverage: Unit | None = None
    minimum_replaced: Unit | None = None
    maximum_flip_rate: Unit | None = None
    maximum_false_pass: Unit | None = None
    maximum_false_fail: Unit | None = None
    maximum_bias: Unit | None = None
    maximum_calibration_error: Unit | None = None
    action: Action
    undecided: Undecided | None = None
    against: str = ""
    pairs: Literal["all", "decided"] = "all"
    slice: str = ""
    bias: str = ""

    @model_validator(mode="after")
    def _one_limit(self) -> GateConfig:
        given = [key for key in LIMITS if getattr(self, key) is not None]
        if len(given) != 1:
            said = f"got {' and '.join(given)}" if given else f"give one of {', '.join(LIMITS)}"
            raise ValueError(f"a gate has one limit, {said}")
        if self.pairs != "all" and self.minimum_kappa is None:
            raise ValueError("pairs is for minimum_kappa: the other limits say themselves of which")
        if (self.maximum_bias is not None) != bool(self.bias):
            raise ValueError(
                "maximum_bias and bias go together, as in maximum_bias: 0.1 with bias: length"
            )
        if self.bias and self.bias not in BIASES:
            near = did_you_mean(self.bias, BIASES, " (", ")")
            raise ValueError(f"no bias is called {self.bias!r}{near}; known: {', '.join(BIASES)}")
        if self.bias and self.slice:
            raise ValueError("slice is not for maximum_bias: its items are those of the probes")
        return self

    def gate(self) -> Gate:
        """Return the gate."""
        key, statistic = next(
            (key, name) for key, name in LIMITS.items() if getattr(self, key) is not None
        )
        return Gate(
            self.source, getattr(self, key), self.action, statistic,
            self.undecided, self.against, self.pairs, self.slice, self.bias,
        )  # fmt: skip


class TransportConfig(Strict):
    """Agreement that is measured again on what the trained policies write.

    A run does so where all people that sources are held against answer at once: where a program
    made them up. Real people label the queue of ``harness transport``.

    Attributes:
        pairs: Pairs of each arm that people label; 0 for none.
        judge_pairs: At most so many of those that most people decide are put to a source that asks
            a model; with 0 it is said how many labels it needs.
    """

    pairs: int = Field(default=150, ge=0)
    judge_pairs: int = Field(default=50, ge=0)


class AgreementConfig(Strict):
    """Agreement with people.

    Attributes:
        reference: The human source that the others are compared with.
        gates: Checks that decide about sources.
        probes: Files of harness probe-judge, one for each judge: what gates of biases read.
        transport: Whether they are checked again after training, and on how much.
    """

    reference: str
    gates: tuple[GateConfig, ...] = ()
    probes: tuple[str, ...] = ()
    transport: TransportConfig = TransportConfig()

    @property
    def sources(self) -> set[str]:
        """The sources that take part: the people, those gated, and those held against."""
        gated = {name for gate in self.gates for name in (gate.source, gate.against) if name}
        return {self.reference} | gated
