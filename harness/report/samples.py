"""Sample responses: where something went wrong first, each with the reason why it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.nouns.counted import counted
from harness.report.blocks import Answer, Block, Details, Sample, Text
from harness.report.criteria import is_lower_better
from harness.report.training import colours
from harness.report.wording import Names, join, number, plain

Data = Mapping[str, Any]

Kind = Literal["failure", "regression", "disagreement", "other"]

KINDS: Mapping[Kind, str] = {
    "failure": "failure: a response without a verdict",
    "regression": "regression: base is right and an arm is wrong",
    "disagreement": "disagreement: evaluators say opposite things of one response",
    "other": "nothing of the kind",
}
"""What a prompt is shown for, the one that tells most first; a prompt stands with the first."""

OPEN_SAMPLES = 3
"""Samples that are not folded away."""

MOST_REASONS = 3
"""Reasons that are written out at one prompt."""

WRONG_BY = 0.5
"""How far a score from 0 to 1 must be below base's to be a regression."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a prompt is shown."""

    kind: Kind
    text: str


def reasons(sample: Data, evaluation: Data, names: Names | None = None) -> list[Reason]:
    """Return why a prompt's answers are worth reading, by kind in the order of ``KINDS``.

    Args:
        sample: A row of ``samples`` of report.json.
        evaluation: For the name of base and the direction of each evaluator.
        names: How sources are called.
    """
    called = (names or Names()).source
    lower = {one["name"] for one in evaluation.get("evaluators", ()) if is_lower_better(one)}
    base = evaluation.get("base", "base")
    rows = sample["responses"]
    goods = {
        id(row): {
            name: good
            for name, value in row["scores"].items()
            if (good := _good(value, name in lower)) is not None
        }
        for row in rows
    }
    start: Mapping[str, float] = next((goods[id(r)] for r in rows if r["policy"] == base), {})
    found = [
        Reason("failure", f"no verdict on {row['policy']} by {called(name)}")
        for row in rows
        for name, value in row["scores"].items()
        if value is None
    ]
    for row in rows:
        worse = [
            called(name)
            for name, good in goods[id(row)].items()
            if row["policy"] != base and start.get(name, -1.0) - good >= WRONG_BY
        ]
        if worse:
            found.append(
                Reason("regression", f"{row['policy']} is worse than base by {join(worse)}")
            )
    for row in rows:
        sure = {name: good for name, good in goods[id(row)].items() if good in (0.0, 1.0)}
        passed = [called(name) for name, good in sure.items() if good == 1.0]
        failed = [called(name) for name, good in sure.items() if good == 0.0]
        if passed and failed:
            text = f"{row['policy']} is right by {join(passed)}, wrong by {join(failed)}"
            found.append(Reason("disagreement", text))
    return found


def _good(value: Any, lower: bool) -> float | None:
    """Return a verdict from 0 to 1, 1 the better end; None where it is on another scale."""
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return 1.0 - value if lower else float(value)


def kind_of(found: Sequence[Reason]) -> Kind:
    """Return the kind that a prompt stands under."""
    return next((kind for kind in KINDS if any(one.kind == kind for one in found)), "other")


def chosen(samples: Sequence[Data], evaluation: Data, most: int) -> list[Data]:
    """Return the prompts to keep: of each kind in turn, those with the most reasons first.

    Args:
        samples: Rows of ``samples``, of all held-out items.
        evaluation: For the name of base and the direction of each evaluator.
        most: How many are kept.
    """
    queues: dict[Kind, list[tuple[int, int]]] = {kind: [] for kind in KINDS}
    for place, sample in enumerate(samples):
        found = reasons(sample, evaluation)
        kind = kind_of(found)
        queues[kind].append((-sum(one.kind == kind for one in found), place))
    step = max(1, len(queues["other"]) // most)
    queues["other"].sort(key=lambda one: one[1] % step)  # spread over all items
    waiting = [
        [place for _, place in (queue if kind == "other" else sorted(queue))]
        for kind, queue in queues.items()
    ]
    kept: list[int] = []
    while len(kept) < most and any(waiting):
        for queue in waiting:
            if queue and len(kept) < most:
                kept.append(queue.pop(0))
    return [samples[place] for place in kept]


def samples(data: Data, names: Names) -> list[Block]:
    """Return a few prompts with every policy's answer, by kind; the texts are untrusted."""
    series, evaluation = colours(data), data.get("evaluation") or {}
    shown: dict[Kind, list[Block]] = {kind: [] for kind in KINDS}
    for sample in data.get("samples", ()):
        found = reasons(sample, evaluation, names)
        shown[kind_of(found)].append(_block(sample, found, series, names))
    if not any(shown.values()):
        return [Text("No samples were kept.", "muted")]
    blocks: list[Block] = []
    for _ in range(OPEN_SAMPLES):  # the first of each kind
        for kind in KINDS:
            if shown[kind] and len(blocks) < OPEN_SAMPLES:
                blocks.append(shown[kind].pop(0))
    folded = [
        Details(f"{counted(len(own), 'more prompt')}, {KINDS[kind]}", own)
        for kind, own in shown.items()
        if own
    ]
    said = (
        "Where something went wrong stands first, so these are no fair draw: how often that was is"
        " in the results."
    )
    return [Text(said, "muted"), *blocks, *folded]


def _block(
    sample: Data, found: Sequence[Reason], series: Mapping[str, int], names: Names
) -> Sample:
    answers = [
        Answer(
            f"{row['policy']}, seed {row['seed']}",
            series.get(row["policy"], 0),
            plain(row["text"]),
            [(names.source(name), _score(value)) for name, value in row["scores"].items()],
        )
        for row in sample["responses"]
    ]
    reference = sample.get("reference")
    told = [f"{one.kind}: {one.text}" for one in found[:MOST_REASONS]]
    if len(found) > MOST_REASONS:
        told.append(f"and {len(found) - MOST_REASONS} more")
    return Sample(
        str(sample["item_id"]),
        plain(str(sample["prompt"])),
        "" if reference is None else plain(str(reference)),
        answers,
        "; ".join(told),
    )


def _score(value: Any) -> str:
    """Return a verdict's value as it stands on its own scale."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) or value is None else plain(str(value))
