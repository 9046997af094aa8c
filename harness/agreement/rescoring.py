"""The same requests judged by two versions of one source: what changed, and by how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, Verdict
from harness.ratings.both_orders import WORTH
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import cluster_share, clustered_mean

_SAME = 1e-9
_REASON = 100


@dataclass(frozen=True, slots=True)
class Move:
    """One kind of change.

    Args:
        old: The verdict that was recorded, in words.
        new: The verdict now.
        count: How often.
        reason: What the new verdict most often says of itself, or of its failure.
    """

    old: str
    new: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rescored:
    """What became of the judgments of a source.

    Args:
        source: Its name.
        part: Of the run: "train" or "evaluation".
        before: Versions that gave the recorded verdicts.
        version: The version now.
        rows: Judgments that were recorded and are asked for now.
        gone: Recorded ones that are not asked for any more.
        open: Those that need a new call of a model, which was not made.
        compared: Those with a verdict then and now.
        changed: Those of them that say something else.
        lost: Verdicts then, and none now.
        gained: None then, and verdicts now.
        share: Of the compared that changed, with an interval clustered by prompt.
        shift: Mean of new minus old, of scores and of pairs (A is 1, a tie 1/2, B 0), clustered by
            prompt; None where verdicts are no numbers.
        moves: The kinds of change, the most frequent first.
        each: Every changed row.
        cost: What the calls that were not made cost, in words; empty where they are free.
    """

    source: str
    part: str
    before: tuple[str, ...]
    version: str
    rows: int
    gone: int
    open: int
    compared: int
    changed: int
    lost: int
    gained: int
    share: Estimate
    shift: Estimate | None
    moves: tuple[Move, ...]
    each: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    cost: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


def rescored(
    named: tuple[str, str],
    version: str,
    pairs: Sequence[tuple[Judgment, Judgment]],
    clusters: Mapping[str, str],
    *,
    gone: int = 0,
    left: Sequence[Judgment] = (),
) -> Rescored:
    """Compare recorded judgments with those of now.

    Args:
        named: Name of the source, and the part of the run.
        version: Of the source now.
        pairs: (recorded, now) for each presentation.
        clusters: Request id -> its prompt.
        gone: Recorded ones that are not asked for any more.
        left: Recorded ones that need a new call; they are in no pair.
    """
    moved: dict[tuple[str, str], list[tuple[Judgment, Judgment]]] = {}
    compared: list[tuple[Judgment, Judgment]] = []
    changes: list[bool] = []
    lost = gained = 0
    for old, new in pairs:
        then, now = old.verdict.status is Status.OK, new.verdict.status is Status.OK
        differs = not _same(old.verdict, new.verdict)
        if then and now:
            compared.append((old, new))
            changes.append(differs)
        lost += then and not now
        gained += now and not then
        if differs:
            moved.setdefault((told(old.verdict), told(new.verdict)), []).append((old, new))
    prompts = [clusters[old.request_id] for old, _ in compared]
    codes = {prompt: code for code, prompt in enumerate(dict.fromkeys(prompts))}
    share = cluster_share(
        "changed",
        named[0],
        np.array(changes, dtype=np.float64),
        np.array([codes[prompt] for prompt in prompts], dtype=np.int64),
        why_undefined="no request has a verdict both then and now",
    )
    counted = sorted(moved.items(), key=lambda entry: -len(entry[1]))
    return Rescored(
        source=named[0],
        part=named[1],
        before=tuple(sorted({one.source_version for one in (*left, *(old for old, _ in pairs))})),
        version=version,
        rows=len(pairs) + len(left),
        gone=gone,
        open=len(left),
        compared=len(compared),
        changed=sum(changes),
        lost=lost,
        gained=gained,
        share=share,
        shift=_shift(compared, prompts),
        moves=tuple(Move(*kind, len(rows), _reason(rows)) for kind, rows in counted),
        each=[_row(old, new) for _, rows in counted for old, new in rows],
    )


def told(verdict: Verdict) -> str:
    """Return a verdict in a word or two: its value, or why there is none."""
    if verdict.status is not Status.OK:
        return verdict.status.value
    value = verdict.value
    if isinstance(value, tuple):
        return " > ".join(value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _same(old: Verdict, new: Verdict) -> bool:
    if old.status is not new.status:
        return False
    one, other = old.value, new.value
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= _SAME
    return one == other or (isinstance(one, tuple | list) and list(one) == list(other or ()))  # type: ignore[arg-type]


def _worth(value: object) -> float | None:
    if isinstance(value, bool | int | float):
        return float(value)
    return WORTH.get(value) if isinstance(value, str) else None


def _shift(pairs: Sequence[tuple[Judgment, Judgment]], prompts: Sequence[str]) -> Estimate | None:
    worth = [(_worth(old.verdict.value), _worth(new.verdict.value)) for old, new in pairs]
    known = [
        (new - old, prompt)
        for (old, new), prompt in zip(worth, prompts, strict=True)
        if old is not None and new is not None
    ]
    if not known or len(known) < len(pairs):
        return None
    return clustered_mean([shift for shift, _ in known], [prompt for _, prompt in known], None)


def _reason(rows: Sequence[tuple[Judgment, Judgment]]) -> str:
    said = Counter(new.verdict.rationale.split("\n")[0][:_REASON] for _, new in rows)
    return said.most_common(1)[0][0]


def _row(old: Judgment, new: Judgment) -> dict[str, Any]:
    return {
        "request_id": old.request_id,
        "annotator": old.annotator,
        "order": old.order,
        "repeat": old.repeat,
        "old": told(old.verdict),
        "new": told(new.verdict),
        "reason": new.verdict.rationale,
    }
