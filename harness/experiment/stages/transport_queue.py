"""What people are asked of trained policies: pairs of a policy's own responses, its name hidden."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from harness.experiment.context import Asking
from harness.experiment.experiment import Experiment
from harness.experiment.stages.people import Said, said_of
from harness.feedback.requests import build_requests
from harness.nouns.errors import DataError
from harness.nouns.hashing import content_hash
from harness.nouns.schema import Item, JudgmentRequest, Response
from harness.records.rows import read_responses
from harness.records.writes import write_jsonl

FOLDER = "transport"
_ID = 12


@dataclass(frozen=True, slots=True)
class Queue:
    """Pairs of responses of trained policies; neither ids nor order say which policy wrote them.

    Args:
        items: The held-out items.
        pairs: By arm, in the order in which they are drawn: more of them begin with the same ones.
        seed: Decides what is drawn.
    """

    items: Sequence[Item]
    pairs: Mapping[str, Sequence[JudgmentRequest]]
    seed: int

    @classmethod
    def of_run(cls, experiment: Experiment, run: Path) -> Queue:
        """Read the responses of the trained policies of a run.

        Raises:
            DataError: There are none, or nobody can compare them.
        """
        items, seed = experiment.evaluation, experiment.config.seeds[0]
        pairs = {}
        for arm in experiment.config.arms:
            mine = [
                _hidden(response, arm, str(number))
                for number in experiment.config.seeds
                if (path := run / "responses" / f"evaluation-{arm}-seed{number}.jsonl").is_file()
                for response in read_responses(path, items)
            ]
            if mine:
                pairs[arm] = _drawn(build_requests(items, mine, "pairwise"), f"{seed} {arm}")
        if not pairs:
            raise DataError(
                "no response of a trained policy is stored",
                where=str(run / "responses"),
                hint="harness run EXPERIMENT goes on where it stopped",
            )
        if not any(pairs.values()):
            raise DataError(
                "no trained policy gave two different responses to any item, so there is no pair",
                where=str(run / "responses"),
                hint="evaluation.responses_per_item makes pairs where it is 2 or more",
            )
        return cls(items, pairs, seed)

    @property
    def everything(self) -> list[JudgmentRequest]:
        """All pairs of all arms."""
        return [pair for drawn in self.pairs.values() for pair in drawn]

    def first(self, most: int, arms: Set[str] | None = None) -> list[JudgmentRequest]:
        """Return so many pairs of each arm, or of each of these, those of the arms mixed."""
        mine = [drawn for arm, drawn in self.pairs.items() if arms is None or arm in arms]
        found = [pair for drawn in mine for pair in drawn[:most]]
        random.Random(f"{self.seed} order").shuffle(found)
        return found

    def write(self, folder: Path, most: int) -> tuple[Path, Path]:
        """Write items and responses as ``harness label`` reads them.

        Returns:
            The paths of both.
        """
        pairs = self.first(most)
        items, responses = folder / "items.jsonl", folder / "responses.jsonl"
        write_jsonl(items, list({pair.item.id: pair.item for pair in pairs}.values()))
        write_jsonl(responses, responses_of(pairs))
        return items, responses


def responses_of(pairs: Sequence[JudgmentRequest]) -> list[Response]:
    """Return the responses of pairs, two by two."""
    return [response for pair in pairs for response in pair.responses]


def _hidden(response: Response, arm: str, seed: str) -> Response:
    """Return a response whose id says nothing of its policy, and moves with its text."""
    name = content_hash([arm, seed, response.id, response.text])[:_ID]
    kept = {key: value for key, value in response.metadata.items() if key == "status"}
    return Response(name, response.item_id, "policy", response.text, kept)


def _drawn(pairs: list[JudgmentRequest], seed: str) -> list[JudgmentRequest]:
    """Return pairs in a drawn order, with drawn sides."""
    draw = random.Random(seed)
    draw.shuffle(pairs)
    sided = [pair.responses if draw.random() < 0.5 else pair.responses[::-1] for pair in pairs]
    return [
        build_requests([pair.item], responses, "pairwise")[0]
        for pair, responses in zip(pairs, sided, strict=True)
    ]


def labels_of(files: Sequence[Path], name: str, queue: Queue, asking: Asking) -> Said:
    """Return what people said of any pair of the queue.

    Raises:
        DataError: They said nothing of it, or a file is wrong.
    """
    said = said_of(files, name, queue.everything, queue.items, asking)
    if not said.says_anything:
        raise DataError(
            "no label is of a response of this run's trained policies",
            where=", ".join(map(str, files)),
            hint="label the queue that harness transport writes without --labels",
        )
    return said
