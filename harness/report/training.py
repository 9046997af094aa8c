"""The sections on the trainings: curves, cost and time, sample responses; and arms' colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.blocks import Block, Details, Figure, Text
from harness.report.costs_page import costs_tables
from harness.report.curves import curve_tables, falls, forms, gold_name, measured_twice
from harness.report.figures import time_bars
from harness.report.overoptimisation import is_curve, overoptimisation
from harness.report.strips import curves, strips
from harness.report.svg import padded
from harness.report.tables import Cell, Table
from harness.report.wording import NONE, Names, dollars

Data = Mapping[str, Any]

HELD_OUT = (
    ("held_out/kl_sequence", "KL from base at the looks, nats per response"),
    ("held_out/entropy", "entropy, nats per token"),
    ("held_out/length", "length, tokens"),
    ("held_out/unique", "different texts, share of the monitor's samples"),
)
"""What is plotted for all arms together: key of a log row, and its label."""


def colours(data: Data) -> dict[str, int]:
    """Return the series of each policy: 0 for base, the arms after it in their order."""
    evaluation = data.get("evaluation") or {}
    base = evaluation.get("base", "base")
    arms = [arm["name"] for arm in data.get("arms", ())]
    arms += [p["name"] for p in evaluation.get("policies", ()) if p["name"] not in (base, *arms)]
    return {base: 0} | {arm: index for index, arm in enumerate(arms, 1)}


def training(data: Data, names: Names) -> list[Block]:
    """Return the curves: the reward that was optimised, the gold reward beside it, and KL.

    Nothing where no training logged its steps.
    """
    logged = {
        arm: seeds for arm, seeds in (data.get("curves") or {}).items() if any(seeds.values())
    }
    if not logged:
        return []
    series = colours(data)
    gold = f"gold reward {names.source(gold_name(data))} at the looks".replace("  ", " ")
    steps = [row for seeds in logged.values() for rows in seeds.values() for row in rows]
    golds = [row["gold"] for row in steps if row.get("gold") is not None]
    ranges = {"gold": padded([*golds, 0.0, 1.0], 0.03)} if golds else {}
    panels = [
        strips(
            f"curve-{index}",
            arm,
            seeds,
            [_reward_metric(seeds), ("gold", gold)],
            series.get(arm, index),
            ranges,
        )
        for index, (arm, seeds) in enumerate(logged.items(), 1)
    ]
    blocks: list[Block] = [
        Figure(
            "Reward per step and held-out gold reward at the looks. Thin: single seeds; thick:"
            " their mean. Each reward has its own axis, since rewards of different sources are not"
            " comparable; the gold axis is shared.",
            panels,
        )
    ]
    far = {arm: seeds for arm, seeds in logged.items() if is_curve(seeds)}
    if far:
        blocks.append(
            Figure(
                "The same against the distance from base, the square root of the KL divergence"
                " (Gao et al. 2023). Gold that bends down while what is optimised goes on rising is"
                " over-optimisation. Thin: single seeds, from look to look, with 95% intervals of"
                " gold over prompts; thick: their mean.",
                [
                    overoptimisation(
                        f"over-{index}",
                        arm,
                        seeds,
                        [_reward_metric(seeds), ("gold", gold)],
                        series.get(arm, index),
                        ranges,
                    )
                    for index, (arm, seeds) in enumerate(far.items(), 1)
                ],
            )
        )
    others = []
    for key, label in HELD_OUT:
        lines = {
            arm: (series.get(arm, 0), list(seeds.values()))
            for arm, seeds in logged.items()
            if any(row.get(key) is not None for rows in seeds.values() for row in rows)
        }
        if lines:
            name = f"curve-{key.replace('/', '-')}"
            others.append(curves(name, f"{label}, per step", lines, key, label))
    if others:
        caption = "Measured on held-out prompts, per step. Thin: single seeds; thick: their mean."
        blocks.append(Figure(caption, others))
    return [
        Text(
            "Every few steps the monitor looked at the policy: at new answers to some held-out"
            " prompts. The curves are of these looks, not of the answers that were evaluated at the"
            " end; a table below has both."
        ),
        *blocks,
        *measured_twice(data, names),
        *falls(data, names),
        *forms(data),
        *curve_tables(data),
    ]


def _reward_metric(seeds: Mapping[str, Sequence[Data]]) -> tuple[str, str]:
    """Return the key and label of what a training optimised; DPO has no reward but a margin."""
    logged = {key for rows in seeds.values() for row in rows for key in row if row[key] is not None}
    if "reward" not in logged and "reward_margin" in logged:
        return "reward_margin", "implicit reward margin, chosen over rejected"
    return "reward", "reward that was optimised"


def effort(data: Data, names: Names) -> list[Block]:
    """Return cost and time of each arm, and of each point that it gained."""
    series = colours(data)
    arms = data.get("arms", ())
    took = [[s["seconds"] for s in arm["seeds"] if s.get("seconds") is not None] for arm in arms]
    blocks: list[Block] = []
    if any(took):
        named = [(arm["name"], series[arm["name"]]) for arm in arms]
        drawn = time_bars("time", [(*arm, each) for arm, each in zip(named, took, strict=True)])
        blocks.append(Figure("Training time per arm; ticks are single seeds.", [drawn]))
    # The run's own total holds what no kept judgment shows: failures asked again, online rewards.
    listed = sum(s.get("cost_usd") or 0 for s in data.get("sources", ()))
    total = data.get("run", {}).get("cost_usd", listed)
    paid = f"Feedback cost {dollars(total)} in all." if total else "No call to a model cost money."
    blocks.append(Text(paid))
    blocks += costs_tables(data, names)
    trainings = Table.of(
        "Trainings; reward model: its accuracy on held-out preferences",
        [{"arm": arm["name"], **seed} for arm in arms for seed in arm["seeds"]],
        [
            ("arm", "text", lambda seed: Cell(seed["arm"], tone="strong")),
            ("seed", "count", lambda seed: str(seed["seed"])),
            ("status", "text", _status),
            ("steps", "count", lambda seed: seed.get("steps")),
            ("time", "seconds", lambda seed: seed.get("seconds")),
            ("cost", "dollars", lambda seed: seed.get("cost_usd")),
            ("peak memory, MB", "count", lambda seed: seed.get("peak_memory_mb")),
            (
                "reward model",
                "score",
                lambda seed: (seed.get("reward_model") or {}).get("accuracy"),
            ),
        ],
    )
    return [*blocks, Details("Each training", [trainings])]


def _status(seed: Data) -> Cell:
    status = seed.get("status")
    return Cell(str(status or NONE), tone="" if status in (None, "ok", "done") else "bad")
