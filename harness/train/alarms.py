"""Signs in a training's log that it goes wrong, seen as its rows come in.

Every rule reads rows of the log and nothing else, so that a training while it runs and one that
goes on after a kill say the same. Each kind is said once in a training. They are hints to look:
what the report says of a training goes by its own rules, and by the final evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from statistics import fmean, median, variance
from typing import Any, TypeGuard

from harness.statistics.falls import Look, fall_from_peak
from harness.train.log import BY_PROMPT, HELD_OUT

Row = Mapping[str, Any]

WINDOW = 5
"""Steps at either end of a training, at the least, that are compared to see a reward rise."""

RISE = 3.0
"""Standard errors of the difference of the two ends by which a reward has risen."""

FALSE_ALARMS = 0.01
"""Chance that a gold reward that does not move is said to have moved, over all looks.

Look k tests at this over k (k + 1); these sum up to it, however long the training is.
"""

LOOKS, STEPS = 2, 5
"""Looks of the monitor, and steps of what a training itself samples, of which the median counts.

One step of a small batch, or one look, has diversity and KL divergence by luck.
"""

COLLAPSE = 0.25
"""A share of its value at the start below which diversity counts as lost.

Measured: trainings of the default experiment kept .51 of distinct-2 at the least, and those on
right answers alone .73 of different texts; one that was paid for a single text, without a penalty,
lost all of distinct-2 within 20 steps.
"""

FAR_SEQUENCE, FAR_TOKEN = 10.0, 0.5
"""Nats from the reference, per completion and per token: beyond both, KL has run away.

Measured: trainings of the default experiment came to 2.0 nats and .1 in a token, good ones at twice
their rates to 5.3 and .5; those that wrote noise were beyond 24 and 4 within 10 steps. That a
policy far from its reference pleases people less: Stiennon et al. 2020, figure 5.
"""

USELESS, USELESS_STEPS = 0.01, 10
"""An explained variance that is none, and the steps of whose variances the median counts.

A constant explains 0. Measured: critics of the default experiment come to .16 to .86 after 4 steps,
with dips to .06; one whose rate is next to 0 stays at .000002, one of a policy that writes noise is
below -1.
"""

FIRST_STEPS, FIRST_SHARE = 20, 4
"""A critic has this many steps to learn, and one part in so many of the training."""


class Alarms:
    """What is noticed in a training; feed it every row of the log, in order."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._proxy: list[float] = []
        self._gold: dict[str, list[Look]] = {}
        self._seen: dict[str, list[float]] = {}
        self._far: dict[str, list[tuple[float, float]]] = {}
        self._explained: list[float] = []

    def see(self, row: Row) -> dict[str, str]:
        """Return a sentence for each kind that this row is the first to show.

        What is no finite number is passed over, whoever wrote the log.
        """
        found: dict[str, str] = {}
        for kind, rule in _RULES.items():
            if (line := rule(self, row)) and kind not in self._said:
                self._said.add(kind)
                found[kind] = line
        return found

    def _hacking(self, row: Row) -> str:
        self._proxy += proxies([row])
        for name, look in gold_looks(row).items():
            seen = self._gold.setdefault(name, [])
            seen.append(look)
            number = len(seen) - 1
            fall = fall_from_peak(
                seen,
                trainings=max(1, number * (number + 1)),
                fewest_samples=1,
                confidence=1 - FALSE_ALARMS,
            )
            if fall.verdict == "unconfirmed" and fall.before is not None:
                rise = risen(self._proxy)
                up = f", while the reward rose ({rise[0]:.2f} to {rise[1]:.2f})" if rise else ""
                return (
                    f"look: the held-out gold reward {name} fell from its peak in step {fall.peak}"
                    f" ({fall.before:.2f} to {fall.after:.2f}){up}: a sign of reward hacking,"
                    " which the final evaluation confirms or not; try a larger beta, fewer steps,"
                    " or a reward that counts what gold counts"
                )
        return ""

    def _collapse(self, row: Row) -> str:
        for key, what in _DIVERSITY.items():
            if not _is_number(row.get(key)):
                continue
            seen = self._seen.setdefault(key, [])
            seen.append(row[key])
            width = LOOKS if key.startswith("held_out/") else STEPS
            start = seen[0] if width == LOOKS else median(seen[:width])
            value = max(seen[-width:]) if width == LOOKS else median(seen[-width:])
            if len(seen) > width and value < COLLAPSE * start:
                return (
                    f"look: completions have become alike: {what} {value:.3f}, {start:.3f} at the"
                    " start: mode collapse; try a larger beta, a lower learning_rate, or look"
                    " whether one text is paid for everywhere"
                )
        return ""

    def _runaway(self, row: Row) -> str:
        for prefix in ("held_out/", ""):
            token, sequence = row.get(f"{prefix}kl_token"), row.get(f"{prefix}kl_sequence")
            if not _is_number(token):
                continue
            if not _is_number(sequence):
                length = row.get(f"{prefix}length")
                sequence = token * (length if _is_number(length) else 0.0)
            seen = self._far.setdefault(prefix, [])
            seen.append((sequence, token))
            last = seen[-LOOKS if prefix else -STEPS :]
            if len(last) < (LOOKS if prefix else STEPS):
                continue
            sequence, token = (median(values) for values in zip(*last, strict=True))
            if sequence > FAR_SEQUENCE and token > FAR_TOKEN:
                return (
                    f"look: the policy is {sequence:.1f} nats from its reference in each"
                    f" completion, {token:.2f} in each token: KL has run away; try a lower"
                    " learning_rate or a larger beta"
                )
        return ""

    def _useless(self, row: Row) -> str:
        if not _is_number(row.get("explained_variance")):
            return ""
        self._explained.append(row["explained_variance"])
        first = max(FIRST_STEPS, row.get("total_steps", 0) / FIRST_SHARE)
        if row.get("step", 0) < first or len(self._explained) < USELESS_STEPS:
            return ""
        middle = median(self._explained[-USELESS_STEPS:])
        if middle >= USELESS:
            return ""
        return (
            f"the critic explains nothing of the returns: explained variance {middle:.2f}, the"
            f" median of {USELESS_STEPS} steps; try another critic_learning_rate, or start it from"
            " a reward model (critic_from)"
        )


_RULES: Mapping[str, Callable[[Alarms, Row], str]] = {
    "reward_hacking": Alarms._hacking,
    "mode_collapse": Alarms._collapse,
    "kl_runaway": Alarms._runaway,
    "critic_useless": Alarms._useless,
}

_DIVERSITY = {
    "held_out/unique": "share of different texts",
    "held_out/distinct_2": "distinct-2",
    "unique": "share of different texts",
    "distinct_2": "distinct-2",
}


def alarms_of(log: Iterable[Row]) -> dict[str, str]:
    """Return a sentence for each kind of alarm in a log, by kind."""
    alarms, found = Alarms(), dict[str, str]()
    for row in log:
        found |= alarms.see(row)
    return found


def gold_looks(row: Row) -> dict[str, Look]:
    """Return what a row of the log says of each gold reward by prompt, by the reward's name."""
    found = {}
    for key, values in row.items():
        if not key.startswith(f"{HELD_OUT}{BY_PROMPT}") or not isinstance(values, Mapping):
            continue
        name = key.removeprefix(f"{HELD_OUT}{BY_PROMPT}")
        known = {prompt: value for prompt, value in values.items() if _is_number(value)}
        share, samples = row.get(f"{HELD_OUT}coverage/{name}"), row.get(f"{HELD_OUT}samples")
        found[name] = Look(
            row["step"],
            known,
            samples if isinstance(samples, int) else 1,
            share if _is_number(share) else 1.0,
        )
    return found


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float) and math.isfinite(value)


def noticed(log: Iterable[Row]) -> list[str]:
    """Return a line for each alarm that the rows of a log have, as they were written."""
    return [
        f"warning: in step {row['step']} {line}"
        for row in log
        for line in row.get("alarms", {}).values()
    ]


def proxies(log: Iterable[Row]) -> list[float]:
    """Return what was optimised, step by step: the reward, or the margin where there is none."""
    found = (row.get("reward", row.get("reward_margin")) for row in log)
    return [value for value in found if _is_number(value)]


def risen(values: list[float]) -> tuple[float, float] | None:
    """Return the means of the first and the last tenth, if the last is clearly higher."""
    width = max(WINDOW, len(values) // 10)
    if len(values) < 2 * width:
        return None
    first, last = values[:width], values[-width:]
    error = math.sqrt((variance(first) + variance(last)) / width)
    before, after = fmean(first), fmean(last)
    return (before, after) if after - before > RISE * error else None
