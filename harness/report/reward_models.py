"""The table of reward models: how good each was on what it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.blocks import Block, Details
from harness.report.tables import Cell, Table, low_high
from harness.report.wording import join, percent
from harness.train.reward_model_quality import CHANCE

Data = Mapping[str, Any]


def _learned(data: Data) -> list[tuple[str, Any, Data]]:
    """Return arm, seed and figures of each reward model."""
    return [
        (arm["name"], seed.get("seed"), seed["reward_model"])
        for arm in data.get("arms", ())
        for seed in arm.get("seeds", ())
        if seed.get("reward_model")
    ]


def reward_models(data: Data) -> list[Block]:
    """Return one row for each reward model, and its reliability folded away."""
    learned = _learned(data)
    if not learned:
        return []
    notes = [
        "Accuracy: share of held-out preferences whose better response has the higher score. Brier:"
        " mean squared distance of the probability that it states from the outcome; .25 is what"
        " indifference has."
    ]
    if same := next((m["same_style"] for *_, m in learned if m.get("same_style")), None):
        held = f" and of which {join(same['same'])} says the same" if same["same"] else ""
        notes.append(
            f"Right against wrong: pairs of the base policy's responses to one held-out item that"
            f" {same['gold']} tells apart{held}."
        )
    blocks: list[Block] = [
        Table.of(
            "Reward models, on what they were not trained on",
            learned,
            [
                ("arm", "text", lambda one: Cell(one[0], _ensemble(one[2]), tone="strong")),
                ("seed", "count", lambda one: str(one[1])),
                ("held-out pairs", "count", lambda one: one[2].get("n_held_out")),
                ("accuracy", "score", lambda one: _accuracy(one[2])),
                ("Brier", "score", lambda one: one[2].get("brier")),
                ("right against wrong", "score", lambda one: _same_style(one[2])),
            ],
            notes,
        )
    ]
    bars = [
        (arm, seed, bar) for arm, seed, model in learned for bar in model.get("reliability") or ()
    ]
    if bars:
        table = Table.of(
            "Reliability: stated probability against how often it came true",
            bars,
            [
                ("arm", "text", lambda one: Cell(one[0], tone="strong")),
                ("seed", "count", lambda one: str(one[1])),
                ("stated", "score", lambda one: one[2]["stated"]),
                ("observed", "score", lambda one: Cell(one[2]["observed"], ends=low_high(one[2]))),
                ("pairs", "count", lambda one: one[2]["n"]),
            ],
        )
        blocks.append(Details("Reliability of the reward models", [table]))
    return blocks


def _ensemble(model: Data) -> str:
    if not model.get("members"):
        return ""
    return f"{model['combine'].replace('_', ' ')} of {model['members']}"


def _accuracy(model: Data) -> Cell:
    ends = model.get("accuracy_low"), model.get("accuracy_high")
    return Cell(model.get("accuracy"), ends=ends)


def _same_style(model: Data) -> Cell:
    found = model.get("same_style")
    if not found:
        return Cell(None)
    pairs = f"{found['n']:,} pairs" if found["n"] else "no such pairs"
    return Cell(found["value"], pairs, ends=low_high(found))


def reward_model_findings(data: Data) -> list[str]:
    """Return which reward models may be no better than chance, and which learnt manners only."""
    lines = [
        f"The reward model of {arm}, seed {seed}, is not shown to be better than chance:"
        f" {percent(model['accuracy'])} of {model['n_held_out']:,} held-out pairs"
        f" ({percent(model['accuracy_low'])} to {percent(model['accuracy_high'])})."
        for arm, seed, model in _learned(data)
        if model.get("accuracy_low") is not None and model["accuracy_low"] <= CHANCE
    ]
    arms: dict[str, list[Data]] = {}
    for arm, _, model in _learned(data):
        found = model.get("same_style")
        if found and found["value"] is not None and found["low"] is not None:
            arms.setdefault(arm, []).append(found)
    return lines + [
        f"The reward model of {arm} is not shown to tell right from wrong where the style is the"
        f" same: {_shares(found)}."
        for arm, found in arms.items()
        if all(one["low"] <= CHANCE for one in found)
    ]


def _shares(found: Sequence[Data]) -> str:
    told = [
        f"{percent(one['value'])} of {one['n']:,} pairs ({percent(one['low'])} to"
        f" {percent(one['high'])})"
        for one in found
    ]
    return join(told) + (", by seed" if len(told) > 1 else "")
