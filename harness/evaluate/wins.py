"""Win rates: every response of one policy against every response of another to the same item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from harness.evaluate.differences import numbers
from harness.evaluate.scores import EvaluatorInfo, Scores
from harness.evaluate.style import FEATURES, Style
from harness.statistics.estimate import Estimate
from harness.statistics.seeds import FEWEST_SEEDS, Grid, Seeded, of_pairs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMBINED = "combined"
"""Criterion of the matrix over the evaluators held out for both policies: better by one of them and
worse by none."""


def win_rates(
    scores: Scores,
    policies: Mapping[str, bool],
    evaluators: Sequence[EvaluatorInfo],
    rows: Sequence[Mapping[str, Any]] = (),
    base: str = "base",
) -> list[dict[str, Any]]:
    """Return one row per criterion and ordered pair of policies.

    The win rate is ``(W + T/2) / n`` over pairs of responses, its interval is over trainings and
    prompts. By the combined criterion a response beats another if it is better for one evaluator
    and worse for none; anything else is a tie. Who is held out for both policies takes part in it;
    with fewer than two there is no such row.
    A pair counts only when every evaluator of the criterion scored both responses. ``length_
    controlled`` is the win rate at equal length in characters, ``style_controlled`` that in equal
    style, where any of the responses has markdown.

    Args:
        scores: What every evaluator said of every response.
        policies: Whether the seeds of each policy are trainings.
        evaluators: Who they are.
        rows: Of the scores, whose differences to base tell a trade-off.
        base: The policy that they are differences to.
    """
    found: list[dict[str, Any]] = []
    who = {evaluator.name: evaluator for evaluator in evaluators}
    criteria = [*who, COMBINED] if len(who) > 1 else [*who]
    tables: dict[tuple[str, ...], Table] = {}
    marked = {
        policy
        for (_, policy), responses in scores.items()
        if any(any(row.style[1:]) for row in responses)
    }

    def table_of(policy: str, names: Sequence[str]) -> Table:
        key = (policy, *names)
        if key not in tables:
            tables[key] = _by_item(scores, policy, [who[name] for name in names])
        return tables[key]

    for criterion in criteria:
        for a, b in combinations(policies, 2):
            names = [criterion]
            if criterion == COMBINED:
                names = [e.name for e in evaluators if all(_held_out(e, p, base) for p in (a, b))]
                if len(names) < 2:
                    continue
            used = [who[name] for name in names]
            sides = table_of(a, names), table_of(b, names)
            counts, *rates = _compare(*sides, (policies[a], policies[b]), bool(marked & {a, b}))
            turned = [None if one is None else _mirrored(one) for one in rates]
            both = [
                _row(criterion, (a, b), counts, rates),
                _row(criterion, (b, a), counts[::-1], turned),
            ]
            for row in both if criterion == COMBINED else ():
                row["evaluators"] = names
                row["trade_off"] = _trade_off(rows, used, (row["a"], row["b"]), base)
            found += both
    return found


def _held_out(evaluator: EvaluatorInfo, policy: str, base: str) -> bool:
    """Return whether it has nothing to do with a policy's training, for all that is known."""
    of = evaluator.held_out_for
    return of is None or policy == base or policy in of


WORDS = {("raised", "higher"): "up", ("lowered", "lower"): "up"}
WORDS |= {("raised", "lower"): "down", ("lowered", "higher"): "down"}
"""Whether a verdict is for better or worse, by the direction of the evaluator."""


def _trade_off(
    rows: Sequence[Mapping[str, Any]],
    evaluators: Sequence[EvaluatorInfo],
    policies: tuple[str, str],
    base: str,
) -> dict[str, list[str]] | None:
    """Return which evaluators a policy got better and worse by than base, where both are there."""
    if policies[1] != base:
        return None
    ways: dict[str, list[str]] = {"up": [], "down": []}
    for evaluator in evaluators:
        for row in rows:
            if (row["evaluator"], row["policy"]) != (evaluator.name, policies[0]):
                continue
            difference = row["difference"]
            said = difference["verdict"]
            if said == "unclear" and (difference["seeds"] or 1) < FEWEST_SEEDS:
                said = difference["trainings"]["verdict"]
            if way := WORDS.get((said, evaluator.direction)):
                ways[way].append(evaluator.name)
    return ways if all(ways.values()) else None


Table = dict[
    str,
    tuple[
        str,
        "NDArray[np.float64]",
        "NDArray[np.float64]",
        "NDArray[np.int64]",
        "NDArray[np.float64]",
    ],
]
"""Item id to (cluster, responses x evaluators, length of each response, its seed, its style)."""


def _by_item(scores: Scores, policy: str, evaluators: Sequence[EvaluatorInfo]) -> Table:
    """Return what counts of a policy's responses; the higher value is always the better one."""
    import numpy as np

    signs = np.array([-1.0 if one.direction == "lower" else 1.0 for one in evaluators])
    collected: dict[str, tuple[str, list[list[float]], list[float], list[int], list[Style]]] = {}
    for same in zip(*(scores.get((one.name, policy), ()) for one in evaluators), strict=True):
        values = [row.value for row in same if row.value is not None]
        if len(values) == len(evaluators):
            found = collected.setdefault(same[0].item_id, (same[0].cluster, [], [], [], []))
            found[1].append(values)
            found[2].append(float(same[0].length))
            found[3].append(same[0].seed)
            found[4].append(same[0].style)
    return {
        item: (
            cluster,
            np.asarray(rows) * signs,
            np.asarray(lengths),
            np.asarray(seeds),
            np.asarray(styles, dtype=np.float64),
        )
        for item, (cluster, rows, lengths, seeds, styles) in collected.items()
    }


Counts = tuple[int, int, int]
"""Wins, ties and losses."""


def _compare(
    a: Table, b: Table, trained: tuple[bool, bool], marked: bool
) -> tuple[Counts, Seeded, Seeded, Seeded | None]:
    """Return the outcomes, the win rate, that at equal length, and that in equal style.

    The last is None where no response has any markdown; ``marked`` tells that some have.
    """
    import numpy as np

    from harness.statistics.win_rates import at_equal_length, at_equal_style

    styles: tuple[list[Any], list[Any]] = [], []

    codes: dict[str, int] = {}
    shapes: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for place, item in enumerate(item for item in a if item in b):
        codes.setdefault(a[item][0], len(codes))
        shapes.setdefault((len(a[item][2]), len(b[item][2])), []).append((place, item))
    places, outcomes, gaps, groups, firsts, seconds = [], [], [], [], [], []
    for (ours, theirs), found in shapes.items():  # items with equally many responses, at once
        one, other = ([side[item] for _, item in found] for side in (a, b))
        mine, yours = (np.stack([row[1] for row in rows]) for rows in (one, other))
        difference = mine[:, :, None, :] - yours[:, None, :, :]
        better, worse = (difference > 0).any(axis=3), (difference < 0).any(axis=3)
        outcomes.append(np.where(better & ~worse, 0, np.where(worse & ~better, 2, 1)).ravel())
        lengths, others = (np.stack([row[2] for row in rows]) for rows in (one, other))
        gaps.append((lengths[:, :, None] - others[:, None, :]).ravel())
        groups.append(np.repeat([codes[row[0]] for row in one], ours * theirs))
        places.append(np.repeat([place for place, _ in found], ours * theirs))
        seeds, against = (np.stack([row[3] for row in rows]) for rows in (one, other))
        firsts.append(np.broadcast_to(seeds[:, :, None], better.shape).ravel())
        seconds.append(np.broadcast_to(against[:, None, :], better.shape).ravel())
        if marked:
            first, second = (np.stack([row[4] for row in rows]) for rows in (one, other))
            shape = (*better.shape, first.shape[2])
            for into, each in ((styles[0], first[:, :, None]), (styles[1], second[:, None])):
                into.append(np.broadcast_to(each, shape).reshape(-1, shape[-1]))
    if not outcomes:
        nothing = Estimate(None, reason="no observations")
        none = Seeded(nothing, nothing, None)
        return (0, 0, 0), none, none, None
    order = np.argsort(np.concatenate(places), kind="stable")  # as the items stand
    out, group, gap, *sides = (
        np.concatenate(parts)[order] for parts in (outcomes, groups, gaps, firsts, seconds)
    )
    won = np.array([1.0, 0.5, 0.0])[out]
    over = of_pairs(*(Grid.by(won, seeds, group) for seeds in sides), trained=trained)
    lucky = [
        seeds if is_trained else None for seeds, is_trained in zip(sides, trained, strict=True)
    ]
    wins, ties, losses = np.bincount(out, minlength=3).tolist()
    in_style = None
    if marked:
        written = [np.concatenate(parts)[order] for parts in styles]
        if any(side[:, 1:].any() for side in written):
            in_style = at_equal_style(out, group, written[0], written[1], FEATURES, lucky)
    return (wins, ties, losses), over, at_equal_length(out, group, gap, lucky), in_style


def _mirrored(found: Seeded) -> Seeded:
    """Return the same of the second policy against the first."""

    def turned(estimate: Estimate) -> Estimate:
        value, low, high = (
            None if x is None else 1 - x for x in (estimate.value, estimate.high, estimate.low)
        )
        return replace(estimate, value=value, low=low, high=high)

    return replace(found, estimate=turned(found.estimate), trainings=turned(found.trainings))


def _row(
    criterion: str,
    policies: tuple[str, str],
    counts: Counts,
    rates: Sequence[Seeded | None],
) -> dict[str, Any]:
    over, even, in_style = rates
    assert over is not None and even is not None
    return {
        "criterion": criterion,
        **dict(zip(("a", "b"), policies, strict=True)),
        **dict(zip(("wins", "ties", "losses"), counts, strict=True)),
        **numbers(over, "n", "clusters", "reason"),
        "seeds": over.seeds,
        "trainings": {"low": over.trainings.low, "high": over.trainings.high},
        "length_controlled": numbers(even, "reason"),
        **({"style_controlled": numbers(in_style, "n", "reason")} if in_style else {}),
    }
