"""``harness cascade``: which verdicts of a judge may stand, and what is left for a better one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Answers as AnswerFiles
from harness.cli.options import one_object
from harness.nouns.counted import counted


@dataclass(frozen=True, kw_only=True)
class Options(AnswerFiles):
    """What ``harness cascade`` is given.

    Args:
        judgments: Judgments of pairs, by harness judge.
        labels: Table with the columns item (or item_id) and label (A, B or TIE), and response_a and
            response_b where an item has several pairs; as harness import-labels writes it.
        out: Folder to write accepted.jsonl and the rest to.
        risk: Largest share of wrong verdicts accepted.
        chance: Chance that the promise fails.
        uses: File that says what the labels were used for: those that chose the judge calibrate
            nothing. Default: label-uses.jsonl beside the labels.
    """

    judgments: Annotated[Path, typer.Argument()]
    labels: Path
    out: Path
    risk: Annotated[float, typer.Option(min=0.001, max=0.5)] = 0.1
    chance: Annotated[float, typer.Option(min=0.001, max=0.5)] = 0.1
    uses: Path | None = None

    def besides(self) -> list[tuple[str, Path]]:
        """Return what is written into --out."""
        from harness.experiment.stages.cascade import WRITTEN

        return [(f"{name} of --out", self.out / name) for name in WRITTEN]


@one_object
def command(options: Options) -> None:
    """Accept confident verdicts with a guarantee; write out what is left for a better judge.

    The threshold is calibrated on the labelled items (Jung et al. 2024). The rest comes out as
    items.jsonl and responses.jsonl, which harness judge (with a stronger judge) and harness label
    take; run the command again on the stronger judge's judgments, and so on.
    """
    from harness.agreement.cascade import fewest
    from harness.cli.screen import busy, console
    from harness.experiment.stages.cascade import cascade, write_cascade
    from harness.experiment.stages.recorded import Answers
    from harness.records.judgments import read_judgments

    with busy(f"calibrating {options.judgments.name}"):
        answers = Answers.read(options.items, options.responses)
        judgments = read_judgments(options.judgments)
        split, notes = cascade(
            judgments, options.labels, answers, options.risk, options.chance, options.uses
        )
        write_cascade(options.out, split, judgments, answers)
    screen, found, left = console(), split.threshold, len(split.left)
    for note in notes:
        screen.print(note, soft_wrap=True)
    if split.unstated:
        screen.print(
            f"{split.unstated} labelled pairs have no verdict that could be accepted: it failed or"
            " is a tie"
        )
    if found.confidence is None:
        least = fewest(options.risk, options.chance)
        few = f" (fewer than {least} can promise nothing)" if split.labelled < least else ""
        screen.print(
            f"no threshold keeps the share of wrong verdicts at {options.risk:g} on"
            f" {counted(split.labelled, 'labelled verdict')}{few}: all {left} pairs are left"
            f" in {options.out}",
            soft_wrap=True,
        )
        return
    accepted = len(split.accepted)
    screen.print(
        f"verdicts with confidence >= {found.confidence} stand: {accepted} of"
        f" {accepted + left} ({found.wrong} of {found.accepted} labelled ones wrong; at most"
        f" {options.risk:g} with probability {1 - options.chance:g}); {left} pairs are left in"
        f" {options.out}",
        soft_wrap=True,
    )
