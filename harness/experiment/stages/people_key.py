"""The key of the pairs that people are asked about: who wrote what; people see nothing of it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.evaluate.people_pairs import DrawnPair, Place, Responses, sides_of
from harness.experiment.experiment import Experiment
from harness.experiment.stages.respond import BASE
from harness.experiment.stages.transport_queue import responses_of
from harness.feedback.requests import build_requests
from harness.nouns.errors import DataError
from harness.nouns.hashing import content_hash
from harness.nouns.schema import Item, JudgmentRequest, Response
from harness.records.rows import damaged, read_json, read_responses
from harness.records.writes import write_json, write_jsonl

FOLDER = "people"
"""What people see."""

KEY = "people-key.json"
"""Beside the folder, not in it; only the owner may read it."""

COMMAND = "harness label-pairs RUN_DIR --experiment FILE"

_ID = 12


@dataclass(frozen=True, slots=True)
class Key:
    """What was drawn, from what, and who wrote which side.

    Args:
        seed: Decides what is drawn, and the ids that people see.
        most: Pairs of each arm that were asked for.
        by: The evaluator whose word on all pairs corrects; said before anybody labels.
        written: Policy -> hash of what it wrote to the held-out prompts.
        pairs: In the order in which they were drawn.
    """

    seed: int
    most: int
    by: str
    written: Mapping[str, str]
    pairs: Sequence[DrawnPair]

    @classmethod
    def read(cls, run: Path) -> Key | None:
        """Read the key of a run; None where no pairs were drawn.

        Raises:
            DataError: It is damaged.
        """
        path = run / KEY
        if not path.is_file():
            return None
        row = read_json(path)
        try:
            pairs = [_pair(one) for one in row["pairs"]]
            return cls(row["seed"], row["most"], row["by"], row["written"], pairs)
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(path, f"it lacks or misstates {error}") from error

    def write(self, run: Path) -> None:
        """Write the key, for its owner only."""
        write_json(run / KEY, asdict(self), private=True)

    def fits(self, responses: Responses) -> bool:
        """Tell whether the policies are the same, and wrote the same, as when pairs were drawn."""
        return dict(self.written) == written_by(responses)

    def tasks(self, items: Sequence[Item], responses: Responses) -> list[JudgmentRequest]:
        """Return what people are asked, one for each pair, in the order of the pairs.

        Nothing in it tells a policy: ids are hashes with the seed, other ones in each pair, all of
        one length, the system is one word, and neither metadata nor references are kept.
        """
        texts = {
            (policy, seed, one.id): one.text
            for (policy, seed), answers in responses.items()
            for one in answers
        }
        known = {item.id: Item(item.id, item.prompt) for item in items}
        found = []
        for pair, sides in zip(self.pairs, sides_of(self.pairs), strict=True):
            both = [
                Response(
                    self._name(pair, place, texts[place]), pair.item_id, "policy", texts[place]
                )
                for place in sides
            ]
            found += build_requests([known[pair.item_id]], both, "pairwise")
        return found

    def _name(self, pair: DrawnPair, place: Place, text: str) -> str:
        return content_hash([self.seed, pair.arm, pair.item_id, place, text])[:_ID]

    def write_tasks(self, run: Path, tasks: Sequence[JudgmentRequest]) -> tuple[Path, Path]:
        """Write items and responses as ``harness label`` reads them, in a drawn order.

        Returns:
            The paths of both.
        """
        mixed = list(tasks)
        random.Random(f"{self.seed} order").shuffle(mixed)
        items, responses = files_of(run)
        write_jsonl(items, list({task.item.id: task.item for task in mixed}.values()))
        write_jsonl(responses, responses_of(mixed))
        return items, responses


def _pair(row: Mapping[str, Any]) -> DrawnPair:
    places = {
        side: (str(policy), int(seed), str(name))
        for side in ("mine", "theirs")
        for policy, seed, name in [row[side]]
    }
    return DrawnPair(**{**row, **places})


def files_of(run: Path) -> tuple[Path, Path]:
    """Return where the items and responses that people see are."""
    return run / FOLDER / "items.jsonl", run / FOLDER / "responses.jsonl"


def written_by(responses: Responses) -> dict[str, str]:
    """Return policy -> hash of what it wrote."""
    rows: dict[str, list[Any]] = {}
    for (policy, seed), answers in responses.items():
        mine = rows.setdefault(policy, [])
        mine += [[seed, one.id, one.item_id, one.text] for one in answers]
    return {policy: content_hash(mine) for policy, mine in rows.items()}


def held_out_responses(experiment: Experiment, run: Path) -> Responses:
    """Read what base and the trained policies of a run wrote to the held-out prompts.

    Raises:
        DataError: There is nothing of base, or of any arm.
    """
    found: dict[tuple[str, int], list[Response]] = {}
    for policy in (BASE, *experiment.config.arms):
        for seed in experiment.config.seeds:
            path = run / "responses" / f"evaluation-{policy}-seed{seed}.jsonl"
            if path.is_file():
                found[policy, seed] = read_responses(path, experiment.evaluation)
    policies = {policy for policy, _ in found}
    if BASE not in policies or len(policies) < 2:
        raise DataError(
            "no response of a trained policy and of base is stored",
            where=str(run / "responses"),
            hint="harness run EXPERIMENT goes on where it stopped",
        )
    return found
