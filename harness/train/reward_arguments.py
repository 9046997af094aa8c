"""What a reward function is called with: TRL's arguments, and what it may tell the trainer."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.nouns.errors import InputError
from harness.train.reward_copies import fresh
from harness.train.reward_values import read_number
from harness.train.row_forms import Row
from harness.train.rows import as_completion, item_of

OFFERED = frozenset(("item", "trainer_state", "log_metric", "log_extra", "environments"))
"""Arguments beside texts and columns; a function that can take one of them no way goes without."""


def call_rewards(
    function: Callable[..., list[float | None]],
    rows: Sequence[Row],
    texts: Sequence[str],
    completion_ids: Sequence[Sequence[int]],
    **offered: Any,
) -> list[float | None]:
    """Call a reward function as TRL does: with every column of the rows but the prompt.

    Args:
        function: What is called.
        rows: One for each completion. Beside their columns the function gets ``item``, the `Item`
            that each row is, as its file has it; and ``prompts`` as the rows have them, texts or
            messages, whatever template the model sees them in. Completions have the same form.
        texts: Plain, cut at the stop token.
        completion_ids: As sampled.
        offered: What the trainer gives beside that, such as its ``trainer_state``, or instead.
    """
    columns = {
        key: [row.get(key) for row in rows]
        for key in dict.fromkeys(key for row in rows for key in row)
        if key not in ("prompt", "completion", "completion_ids")
    }
    pairs = zip(rows, texts, strict=True)
    arguments = {
        "prompts": [row["prompt"] for row in rows],
        "completions": [as_completion(row["prompt"], text) for row, text in pairs],
        "completion_ids": list(completion_ids),
        **columns,
        "item": [item_of(row) for row in rows],
    }
    return function(**arguments | offered)


def accepted(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments without what is only offered and the function cannot take."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # of C
        return dict(arguments)
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return dict(arguments)
    return {k: v for k, v in arguments.items() if k not in OFFERED or k in parameters}


def check_takes(name: str, function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Refuse a function that cannot be called with these arguments, whatever they hold.

    Raises:
        InputError: It says which one it does not take, or has not got.
    """
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):  # of C
        return
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise InputError(
            f"reward {name} cannot be called as TRL calls it: {error}",
            hint=f"end its arguments with **columns; it is given {', '.join(arguments)}",
        ) from None


def with_all_columns(rows: Sequence[Row]) -> list[Row]:
    """Return rows that all have every column of any of them, None where a row has none.

    A batch may hold only rows without it, and a reward function has one signature.
    """
    columns = dict.fromkeys(key for row in rows for key in row)
    return [{**row, **{key: row.get(key) for key in columns}} for row in rows]


@dataclass
class Notes:
    """What reward functions note while they score: TRL's ``log_metric`` and ``log_extra``.

    Attributes:
        metrics: Numbers by name; their mean is for the log.
        extras: Columns by name, with a value for each completion of the batch.
    """

    metrics: dict[str, list[float]] = field(default_factory=dict)
    extras: dict[str, list[Any]] = field(default_factory=dict)

    def log_metric(self, name: str, value: float) -> None:
        """Note a number of this batch.

        Raises:
            TypeError: It is none.
        """
        number, problem, wrong = read_number(value)
        if wrong:
            raise TypeError(f"log_metric({name!r}) was given {problem}")
        self.metrics.setdefault(name, []).append(math.nan if number is None else number)

    def log_extra(self, column: str, values: Sequence[Any]) -> None:
        """Note a column of the table of completions."""
        self.extras.setdefault(column, []).extend(fresh(list(values)))

    def take_metrics(
        self, of_all: Callable[[Any], list[Any]] = lambda mine: [mine]
    ) -> dict[str, float]:
        """Return the mean of each metric since the last call, over what each rank noted."""
        parts = of_all(self.metrics)
        self.metrics, means = {}, {}
        for name in dict.fromkeys(name for part in parts for name in part):
            values = [value for part in parts for value in part.get(name, [])]
            known = [value for value in values if math.isfinite(value)]
            means[f"metric/{name}"] = sum(known) / len(known) if known else math.nan
        return means

    def take_extras(self) -> dict[str, list[Any]]:
        """Return the columns of this batch."""
        taken, self.extras = self.extras, {}
        return taken


def completion_rows(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    rewards: Sequence[float | None],
    each: Mapping[str, Sequence[float | None]],
    extras: Mapping[str, Sequence[Any]],
) -> list[dict[str, Any]]:
    """Return the table of a batch: prompt, completion, reward, that of each function, extras."""
    return [
        {
            **{name: values[n] if n < len(values) else None for name, values in extras.items()},
            "prompt": prompt,
            "completion": completion,
            "reward": rewards[n],
            **{f"reward/{name}": values[n] for name, values in each.items()},
        }
        for n, (prompt, completion) in enumerate(zip(prompts, completions, strict=True))
    ]


def trainer_state(
    step: int = 0,
    last: int = 0,
    epoch: float | None = None,
    history: Sequence[Mapping[str, Any]] = (),
) -> Any:
    """Return transformers' state of a training that has made so many of its steps.

    ``history`` has their rows of the log.
    """
    from transformers import TrainerState

    rows = [dict(row) for row in history]
    return TrainerState(global_step=step, max_steps=last, epoch=epoch, log_history=rows)
