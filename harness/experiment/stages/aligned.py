"""What came of aligning a judge: ``harness.align_judge`` returns it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.agreement.aligning import Calibration, Candidate, Gain
from harness.nouns.counted import counted


@dataclass(frozen=True, slots=True)
class Aligned:
    """What was chosen, and whether it is better.

    Args:
        candidates: How each did on the labels that choose, in the order in which they were tried.
        chosen: The best of them.
        calibration: What was fitted to its stated probabilities.
        gain: Of the chosen one on the labels that were held back; None where nothing was better.
        rubric: The file that was written; None where no gain was proven.
        labels: Labels that chose, and labels that prove.
        prompts: Their prompts.
        notes: What else to know.
        cost_usd: What the judgments did cost.
    """

    candidates: Sequence[Candidate]
    chosen: str
    calibration: Calibration
    gain: Gain | None
    rubric: Path | None
    labels: tuple[int, int]
    prompts: tuple[int, int]
    notes: tuple[str, ...]
    cost_usd: float

    @property
    def sentence(self) -> str:
        """What came of it."""
        chose = f"by {counted(self.labels[0], 'label')} that choose"
        if self.gain is None:
            return f"nothing was better than the judge as it is, {chose}: no rubric is written"
        one = self.gain.gain
        of = f"on {counted(one.n, 'label')} of {counted(one.clusters, 'prompt')} that chose nothing"
        if one.value is None or one.low is None or one.high is None:
            return f"{self.chosen} is not shown to be better {of}: no rubric is written"
        points = f"{100 * one.value:+.1f} points ({100 * one.low:+.1f} to {100 * one.high:+.1f})"
        if self.gain.is_proven:
            return f"{self.chosen} says what people say more often: {points} {of}"
        return (
            f"{self.chosen} is not shown to be better, {points} {of}: the interval holds 0, so no"
            " rubric is written"
        )

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain values."""
        row = asdict(self)
        row["rubric"] = None if self.rubric is None else str(self.rubric)
        return {"sentence": self.sentence, **row}
