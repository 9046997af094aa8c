"""The toy task of the default experiment: sums of two numbers, answered in several manners.

The task is small enough for a character-level policy on a CPU, and it has two qualities that are
independent of each other, so that an experiment can tell which of them a source of feedback moved:

- **correctness**: the last number of the answer is the sum;
- **style**: the answer is polite, flippant or bare.

Nothing here needs anything but the standard library.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Literal

Style = Literal["polite", "flippant", "bare", "other"]

OPERANDS = range(21)
"""Both operands of a sum are drawn from 0 to 20."""

HELD_OUT_PAIRS = 100
"""At least so many ordered operand pairs are kept for evaluation (101); 340 are for training."""

TEMPLATES: dict[Style, tuple[str, ...]] = {
    "polite": (
        "It is {}. Happy to help!",
        "Certainly: {}, my friend.",
        "Gladly! The sum is {}.",
        "Of course, it is {}. Thank you!",
        "With pleasure: {}.",
    ),
    "flippant": (
        "{}, duh.",
        "Ugh, {}. Obviously.",
        "Seriously? {}.",
        "{}. Next time count yourself.",
        "Whatever, {}.",
    ),
    "bare": (
        "{}",
        "{}.",
        "= {}",
        "The answer is {}.",
    ),
}
"""Every manner in which the base policy has learnt to answer; ``{}`` is the number."""

STYLE_SHARES: dict[Style, float] = {"polite": 0.4, "flippant": 0.4, "bare": 0.2}
"""How often each style occurs in the data that the base policy imitates."""

RIGHT_SHARE = 0.55
"""How often the number is right in the data that the base policy imitates in the end."""

WRONG_OFFSETS = (-10, -3, -2, -1, 1, 2, 3, 10)
"""A wrong number lies this far from the sum; no single wrong one is as likely as the right one."""

_NUMBER = re.compile(r"-?\d+")
_SUM = re.compile(r"(\d+)\+(\d+)")
_POLITE = re.compile(r"happy to help|certainly|gladly|of course|thank you|pleasure|my friend", re.I)
_FLIPPANT = re.compile(r"\bduh\b|\bugh\b|obviously|seriously\?|next time|whatever", re.I)


def prompt_for(a: int, b: int) -> str:
    """Return the question about ``a + b``."""
    return f"What is {a}+{b}?"


def split_pairs() -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the operand pairs for training and the held-out ones for evaluation.

    The split is the same on every machine and in every run. A pair and its mirror image are on
    the same side, so that ``4+3`` in training does not give away ``3+4`` in evaluation.
    """
    unordered = [(a, b) for a in OPERANDS for b in OPERANDS if a <= b]
    random.Random("arithmetic split").shuffle(unordered)
    held_out: list[tuple[int, int]] = []
    train: list[tuple[int, int]] = []
    for a, b in unordered:
        side = held_out if len(held_out) < HELD_OUT_PAIRS else train
        side.extend({(a, b), (b, a)})
    return sorted(train), sorted(held_out)


def prompt_rows(pairs: Sequence[tuple[int, int]]) -> list[dict[str, str]]:
    """Return one row per pair with the columns ``prompt``, ``reference`` and ``item_id``."""
    return [
        {"prompt": prompt_for(a, b), "reference": str(a + b), "item_id": f"sum-{a}-{b}"}
        for a, b in pairs
    ]


def answer(number: int, style: Style, rng: random.Random) -> str:
    """Return ``number`` said in ``style``, with a template drawn from ``rng``."""
    return rng.choice(TEMPLATES[style]).format(number)


def imitation_rows(
    n_rows: int, seed: int, right_share: float = RIGHT_SHARE
) -> list[dict[str, str]]:
    """Return rows ``{"prompt", "completion"}`` for supervised fine-tuning of the base policy.

    Style and correctness are drawn independently of each other and of the sum.

    Args:
        n_rows: How many rows.
        seed: Of the draws; the same seed gives the same rows.
        right_share: How often the number is right.
    """
    rng = random.Random(f"arithmetic imitation {seed} {right_share}")
    styles = list(STYLE_SHARES)
    rows = []
    for _ in range(n_rows):
        a, b = rng.choice(OPERANDS), rng.choice(OPERANDS)
        number = a + b
        if rng.random() >= right_share:
            number += rng.choice([o for o in WRONG_OFFSETS if number + o >= 0])
        style = rng.choices(styles, weights=[STYLE_SHARES[s] for s in styles])[0]
        rows.append({"prompt": prompt_for(a, b), "completion": answer(number, style, rng)})
    return rows


def style_of(text: str) -> Style:
    """Return the style of an answer by its words; ``other`` when it is mixed or no answer.

    A list of words is enough for this task, because the policy only knows the words that it was
    taught; it is no measure of politeness anywhere else.
    """
    polite, flippant = bool(_POLITE.search(text)), bool(_FLIPPANT.search(text))
    if polite != flippant:
        return "polite" if polite else "flippant"
    return "bare" if not polite and _NUMBER.search(text) else "other"


def is_correct(prompt: str, text: str) -> bool:
    """Return whether the last number of ``text`` is the sum that ``prompt`` asks for."""
    operands, numbers = _SUM.search(prompt), _NUMBER.findall(text)
    if operands is None or not numbers:
        return False
    return int(numbers[-1]) == int(operands[1]) + int(operands[2])
