"""Said before: what an experiment is to show, hashed and written before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from harness.experiment.config import RunConfig
from harness.nouns.hashing import content_hash
from harness.nouns.schema import Item
from harness.records.differences import differing
from harness.records.earlier import EARLIER
from harness.records.rows import to_dict
from harness.records.run_directory import RunDirectory
from harness.statistics.intervals import holm


def plan_of(config: RunConfig, held_out: Sequence[Item]) -> dict[str, Any]:
    """Return what is said before: who decides, what is compared, on which items and seeds."""
    of = config.evaluation
    pairs = of.contrasts or tuple((arm, "base") for arm in config.arms)
    return {
        "primary": of.primary,
        "contrasts": [list(pair) for pair in pairs] if of.primary else [],
        "evaluators": of.model_dump(mode="json")["evaluators"],  # with directions and margins
        "seeds": list(config.seeds),
        "arms": list(config.arms),
        "responses_per_item": of.responses_per_item,
        "held_out": content_hash([to_dict(item) for item in held_out]),
    }


def say_before(directory: RunDirectory, plan: Mapping[str, Any]) -> None:
    """Write the plan into the manifest; one that differs once trainings began is a late edit.

    Until a training has begun the plan may be changed freely. Afterwards the first one stays, and
    each edit is written beside it: what was changed, when, and after how many trainings.
    """
    said = directory.manifest().get("plan")
    now, begun = datetime.now(UTC).isoformat(timespec="seconds"), _begun(directory)
    if not said or not (begun or said["edits"]):
        if said and said["now"] == plan:
            return
        found = {"sha256": content_hash(plan), "at": now, "trainings": begun}
        directory.update_manifest(plan={**found, "content": plan, "edits": [], "now": plan})
        return
    changed = [
        {"key": one.place, "before": one.before, "now": one.now}
        for one in differing(said["now"], plan, into_lists=False)
    ]
    if changed:
        edit = {"at": now, "trainings": begun, "sha256": content_hash(plan), "changed": changed}
        edits = [*said["edits"], edit]
        directory.update_manifest(plan={**said, "edits": edits, "now": plan})


def _begun(directory: RunDirectory) -> int:
    """Return how many trainings have begun, those of earlier versions among them."""
    places = (directory.path / "policies", *(directory.path / EARLIER).glob("*/policies"))
    return sum(1 for place in places for _ in place.glob("*/made_from.json"))


def with_plan(table: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a comparison whose rows say what was planned, by Holm among these alone.

    A row of ``scores`` or ``contrasts`` gets ``planned``; of those that are, the difference gets
    ``p_planned``. Without a primary evaluator nothing is planned, and no row says anything.
    """
    if not plan["primary"]:
        return dict(table)
    rows = list(_rows(table, plan))
    mine = [difference for planned, _, difference in rows if planned and difference]
    adjusted = iter(holm([difference.get("p") for difference in mine]))
    for planned, row, difference in rows:
        row["planned"] = planned
        if planned and difference:
            difference["p_planned"] = next(adjusted)
    return dict(table)


def _rows(
    table: Mapping[str, Any], plan: Mapping[str, Any]
) -> Iterator[tuple[bool, dict[str, Any], dict[str, Any] | None]]:
    pairs = {frozenset(pair) for pair in plan["contrasts"]}
    for row in table.get("scores", ()):
        mine = row["evaluator"] == plan["primary"]
        pair = frozenset((row["policy"], table["base"]))
        if row["difference"] is not None:
            yield mine and pair in pairs, row, row["difference"]
    for row in table.get("contrasts", ()):
        mine = row.get("criterion", row.get("evaluator")) == plan["primary"]
        yield mine and frozenset((row["a"], row["b"])) in pairs, row, row
