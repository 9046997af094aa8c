"""What a person can choose for a task: buttons with their keys, or a number to type."""

from __future__ import annotations

from dataclasses import dataclass

from harness.labels.values import cell_text, on_scale
from harness.nouns.scale import Scale
from harness.nouns.schema import JudgmentRequest, Order, Value

MOST_BUTTONS = 11
"""A numeric scale with at most so many whole numbers gets a button for each."""

_FLIP = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One button.

    Args:
        value: What the form sends.
        text: What stands on it.
        keys: Keys that press it, the shown one first, as KeyboardEvent.key.
        group: main, or other (skip).
    """

    value: str
    text: str
    keys: tuple[str, ...] = ()
    group: str = "main"


SKIP_CHOICE = Choice("skip", "Skip", ("s",), "other")

_PAIR = (
    Choice("left", "A is better", ("1", "a", "ArrowLeft")),
    Choice("tie", "Tie", ("0", "t")),
    Choice("right", "B is better", ("2", "b", "ArrowRight")),
)


def choices_of(request: JudgmentRequest) -> list[Choice]:
    """Return the buttons of a request; none but skip when a number is to be typed."""
    if len(request.responses) == 2:
        return [*_PAIR, SKIP_CHOICE]
    scale = request.criterion.scale
    if scale.is_binary:
        return [Choice("true", "Yes", ("1", "y")), Choice("false", "No", ("0", "n")), SKIP_CHOICE]
    if scale.labels:
        texts = list(scale.labels)
        keys = [(str(i),) if i < 10 else () for i in range(1, len(texts) + 1)]
    else:
        texts = _whole_numbers(scale)
        keys = [(text,) if len(text) == 1 else () for text in texts]
    buttons = [Choice(text, text, key) for text, key in zip(texts, keys, strict=True)]
    return [*buttons, SKIP_CHOICE]


def _whole_numbers(scale: Scale) -> list[str]:
    if scale.low is None or scale.high is None:
        return []
    if not (float(scale.low).is_integer() and float(scale.high).is_integer()):
        return []
    numbers = range(int(scale.low), int(scale.high) + 1)
    return [str(n) for n in numbers] if len(numbers) <= MOST_BUTTONS else []


def value_of(request: JudgmentRequest, choice: str, order: Order) -> Value:
    """Return what a choice means for the request, whichever way round it was shown; None to skip.

    Raises:
        ValueError: The choice is none that the task offers.
    """
    if choice == "skip":
        return None
    if len(request.responses) == 2:
        side = _FLIP.get(choice, choice) if order == "BA" else choice
        values = {"left": "A", "right": "B", "tie": "TIE"}
        if side not in values:
            raise ValueError(f"{choice!r} is none of left, right, tie, skip")
        return values[side]
    scale = request.criterion.scale
    value = on_scale(choice, scale)
    if value is None:
        raise ValueError(f"{choice!r} is not on the scale {scale.describe()}")
    return value


def choice_of(request: JudgmentRequest, value: Value, order: Order) -> str:
    """Return the choice that a person made, to show it again."""
    if value is None:
        return "skip"
    if len(request.responses) == 2:
        side = {"A": "left", "B": "right", "TIE": "tie"}[str(value)]
        return _FLIP.get(side, side) if order == "BA" else side
    return cell_text(value)
