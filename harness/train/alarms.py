"""Signs in a training's log that it goes wrong, seen as its rows come in.

Every rule reads rows of the log and nothing else, so that a training while it runs, one that goes
on after a kill, and the report say the same. Each kind is said once in a training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from statistics import NormalDist, fmean, median, variance
from typing import Any

Row = Mapping[str, Any]

WINDOW = 5
"""Steps at either end of a training, at the least, that are compared to see a reward rise."""

RISE = 3.0
"""Standard errors of the difference of the two ends by which a reward has risen."""

FALSE_ALARMS = 0.01
"""Chance that a training whose gold reward does not move is said to be hacked, over all looks.

Look k tests at this over k (k + 1); these sum up to it, however long the training is.
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
        self._gold: dict[str, list[tuple[float, float]]] = {}
        self._start: dict[str, float] = {}
        self._explained: list[float] = []

    def see(self, row: Row) -> dict[str, str]:
        """Return a sentence for each kind that this row is the first to show.

        What is no finite number is passed over, whoever wrote the log.
        """
        found: dict[str, str] = {}
        numbers = {key: value for key, value in row.items() if _is_number(value)}
        for kind, rule in _RULES.items():
            if (line := rule(self, numbers)) and kind not in self._said:
                self._said.add(kind)
                found[kind] = line
        return found

    def _hacking(self, row: Row) -> str:
        proxy = row.get("reward", row.get("reward_margin"))
        if proxy is not None:
            self._proxy.append(proxy)
        for key in (key for key in row if key.startswith("held_out/gold/")):
            name = key.removeprefix("held_out/gold/")
            error = row.get(f"held_out/gold_se/{name}")
            if error is None:
                continue
            seen = self._gold.setdefault(name, [])
            seen.append((row[key], error))
            before, after = seen[0][0], seen[-1][0]
            if _fell(seen) and (rise := _risen(self._proxy)):
                return (
                    f"the reward rose ({rise[0]:.2f} to {rise[1]:.2f}) while the held-out gold"
                    f" reward {name} fell ({before:.2f} to {after:.2f}): a sign of reward hacking;"
                    " try a larger beta, fewer steps, or a reward that counts what gold counts"
                )
        return ""

    def _collapse(self, row: Row) -> str:
        for key, what in _DIVERSITY.items():
            value = row.get(key)
            if value is None:
                continue
            start = self._start.setdefault(key, value)
            if value < COLLAPSE * start:
                return (
                    f"completions have become alike: {what} {value:.3f}, {start:.3f} at the start:"
                    " mode collapse; try a larger beta, a lower learning_rate, or look whether one"
                    " text is paid for everywhere"
                )
        return ""

    def _runaway(self, row: Row) -> str:
        for prefix in ("held_out/", ""):
            token, sequence = row.get(f"{prefix}kl_token"), row.get(f"{prefix}kl_sequence")
            if token is None:
                continue
            if sequence is None:
                sequence = token * (row.get(f"{prefix}length") or 0.0)
            if sequence > FAR_SEQUENCE and token > FAR_TOKEN:
                return (
                    f"the policy is {sequence:.1f} nats from its reference in each completion,"
                    f" {token:.2f} in each token: KL has run away; try a lower learning_rate or a"
                    " larger beta"
                )
        return ""

    def _useless(self, row: Row) -> str:
        if row.get("explained_variance") is None:
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


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def noticed(log: Iterable[Row]) -> list[str]:
    """Return a line for each alarm that the rows of a log have, as they were written."""
    return [
        f"warning: in step {row['step']} {line}"
        for row in log
        for line in row.get("alarms", {}).values()
    ]


def _risen(values: list[float]) -> tuple[float, float] | None:
    """Return the means of the first and the last tenth, if the last is clearly higher."""
    width = max(WINDOW, len(values) // 10)
    if len(values) < 2 * width:
        return None
    first, last = values[:width], values[-width:]
    error = math.sqrt((variance(first) + variance(last)) / width)
    before, after = fmean(first), fmean(last)
    return (before, after) if after - before > RISE * error else None


def _fell(looks: list[tuple[float, float]]) -> bool:
    """Tell whether the last look is below the first by more than chance explains.

    All looks draw with the same random numbers, so their difference has less noise than that of two
    independent ones, of which this is the test: it errs on the side of silence.
    """
    number = len(looks) - 1
    if number < 1:
        return False
    (before, first), (after, last) = looks[0], looks[-1]
    limit = NormalDist().inv_cdf(1 - FALSE_ALARMS / (number * (number + 1)))
    return before - after > limit * math.hypot(first, last)
