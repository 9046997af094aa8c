"""``harness plan-labels``: how many labels of people a wished interval needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from harness.cli.options import one_object
from harness.nouns.errors import InputError


@dataclass(frozen=True)
class Options:
    """What ``harness plan-labels`` is given.

    Args:
        half_width: Half the width of the wished interval: .03 is +-3 points.
        rate: The rate to be measured; .5 is the worst case.
        correlation: Correlation of judge and people (harness agree prints it as rho).
        judge_items: Items with the judge's label only; without limit if not given.
        items_per_prompt: Items of one prompt.
        prompt_correlation: How alike items of one prompt are (intraclass correlation).
        confidence: Level of the interval.
    """

    half_width: Annotated[float, typer.Option(min=0.0001)] = 0.05
    rate: float = 0.5
    correlation: float = 0.0
    judge_items: Annotated[int | None, typer.Option(min=1)] = None
    items_per_prompt: Annotated[float, typer.Option(min=1.0)] = 1.0
    prompt_correlation: float = 0.0
    confidence: float = 0.95


@one_object
def command(options: Options) -> None:
    """Say how many labels of people an interval needs, with and without a judge (PPI).

    n = z^2 p (1 - p) (1 - rho^2) deff / h^2, where deff = 1 + (items per prompt - 1) * ICC.
    """
    from harness.agreement.prediction_powered import label_budget
    from harness.cli.screen import console

    for name, low, high in (
        ("rate", 0.0, 1.0),
        ("correlation", -1.0, 1.0),
        ("prompt_correlation", 0.0, 1.0),
        ("half_width", 0.0, 1.0),
        ("confidence", 0.5, 1.0),
    ):
        value = getattr(options, name)
        inside = low <= value <= high if "correlation" in name else low < value < high
        if not inside:
            flag = f"--{name.replace('_', '-')}"
            raise InputError(f"{flag} must be between {low:g} and {high:g}, got {value:g}")
    effect = 1 + (options.items_per_prompt - 1) * options.prompt_correlation
    plan = label_budget(
        options.half_width,
        rate=options.rate,
        correlation=options.correlation,
        design_effect=effect,
        judge_items=options.judge_items,
        confidence=options.confidence,
    )
    out = console()
    out.print(
        f"For {options.rate:.0%} +- {options.half_width:.1%} at {options.confidence:.0%} confidence"
        + (f" (design effect {effect:.2f})" if effect > 1 else "")
        + ":"
    )
    out.print(f"  people alone                     {plan.humans_only:>8} labels of people")
    if options.correlation:
        out.print(
            f"  with a judge, rho {options.correlation:.2f}".ljust(35)
            + f"{plan.with_judge:>8} labels of people, the judge labels without limit"
        )
        if plan.with_judge_items is not None:
            out.print(
                f"  and {options.judge_items} items of the judge".ljust(35)
                + f"{plan.with_judge_items:>8} labels of people"
            )
        saved = 1 - (plan.with_judge_items or plan.with_judge) / plan.humans_only
        out.print(f"  The judge saves {saved:.0%}; the items that people label must be a random"
                  " sample.")  # fmt: skip
    else:
        out.print("  A judge without correlation with people saves nothing; --correlation sets it.")
