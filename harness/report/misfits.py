"""What of a report.json cannot be shown: values of a wrong kind, as edits by hand leave them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.nouns.counted import counted
from harness.nouns.errors import DataError
from harness.nouns.scale import is_number
from harness.report.schema import PARTS

NUMBERS = frozenset(
    """
    accuracy accuracy_high accuracy_low clusters comparisons confidence cost_usd
    distinct_1 distinct_2 duration_s empty eval feedback_cost_usd feedback_seconds from high
    hour_usd k label_usd limit losses low lower margin mdd more_labels n n_preferences n_rewards p
    p_holm p_planned peak_memory_mb rank rank_high rank_low seed seed_sd share short steps ties to
    train unanswered upper value vendi vendi_prompts vendi_words
    """.split()
)
"""Keys whose values are numbers, or null, wherever they stand in ``PLACES``."""

PLACES = ("run", "evaluation", "arms", "gates", "gold_falls", "prices", "people")
"""Parts of a report that are made of rows and numbers."""

FREE = frozenset(("packages", "reasons", "failures", "weights", "gate_effects", "labels", "calls"))
"""Keys below which names of users are the keys."""

TEXTS = frozenset(("name", "evaluator", "policy", "arm", "criterion", "verdict", "title", "slice"))
"""Keys whose values are texts, or null."""

ROWS = frozenset(
    ("scores", "policies", "wins", "contrasts", "evaluators", "ranks", "pareto", "against_base")
)
"""Keys of the evaluation that hold lists of objects."""

OBJECTS = frozenset(
    "difference kl characters diversity joint"
    " length_controlled style_controlled turned longer".split()
)
"""Keys of the evaluation and below that hold an object, or null."""

NAMED, LONG = 5, 40


def misfits(data: Mapping[str, Any]) -> list[str]:
    """Return what is of a wrong kind, such as "run.cost_usd is 'x', no number"."""
    found = [*_outline(data)]
    if not found:  # what has no shape cannot be walked
        for key in PLACES:
            found += _below(data.get(key), key)
    return found


def refuse_misfits(data: Mapping[str, Any], path: Path) -> None:
    """Refuse the data of a report that cannot be shown.

    Raises:
        DataError: Values are of a wrong kind; it names the first of them.
    """
    found = misfits(data)
    if not found:
        return
    more = len(found) - NAMED
    raise DataError(
        f"{counted(len(found), 'value')} {'are' if len(found) > 1 else 'is'} not of the kind that a"
        " report holds",
        where=str(path),
        details=[*found[:NAMED], *([f"and {more:,} more"] if more > 0 else [])],
        hint=_HINT,
    )


_HINT = (
    "harness verify-run names what was edited in a run; harness run EXPERIMENT writes the report"
    " anew, and stages that are done are not repeated"
)


@contextmanager
def shown_from(path: Path) -> Iterator[None]:
    """Say that the data of a report cannot be shown where building its pages fails on them.

    Raises:
        DataError: It did; it says which error came up.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise DataError(
            f"it cannot be shown as it is: {type(error).__name__}: {error!s:.200}",
            where=str(path),
            hint=_HINT,
        ) from error


def _outline(data: Mapping[str, Any]) -> Iterator[str]:
    for key, part in PARTS.items():
        value = data.get(key)
        if value is None:
            continue
        if part.shape in ("object", "free") and not isinstance(value, Mapping):
            yield _wrong(key, value, "no object")
        elif part.shape in ("rows", "sentences"):
            if not isinstance(value, list):
                yield _wrong(key, value, "no list")
                continue
            kind, name = (Mapping, "object") if part.shape == "rows" else (str, "text")
            yield from (
                _wrong(f"{key}.{n}", row, f"no {name}")
                for n, row in enumerate(value)
                if not isinstance(row, kind)
            )


def _below(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            at = f"{place}.{key}"
            if key in NUMBERS and each is not None:
                if not is_number(each):
                    yield _wrong(at, each, "no number")
            elif key in TEXTS and each is not None:
                if not isinstance(each, str):
                    yield _wrong(at, each, "no text")
            elif place == "evaluation" and key in ROWS and not _are_rows(each):
                yield _wrong(at, each, "no list of objects")
            elif key in OBJECTS and not (each is None or isinstance(each, Mapping)):
                yield _wrong(at, each, "no object")
            elif key not in FREE:
                yield from _below(each, at)
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from _below(each, f"{place}.{n}")
    elif isinstance(value, int) and not isinstance(value, bool) and not is_number(value):
        yield _wrong(place, value, "no number that can be shown")


def _are_rows(value: Any) -> bool:
    return isinstance(value, Sequence) and all(isinstance(row, Mapping) for row in value)


def _wrong(place: str, value: Any, kind: str) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python writes
        text = "a number of thousands of digits"
    if len(text) > LONG:
        text = f"{text[:LONG]}…"
    return f"{place} is {text}, {kind}"
