"""What people said of the pairs of a run: read by the key, and kept for the next report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.evaluate.people_wins import Vote
from harness.experiment.context import Asking, StartBar
from harness.experiment.experiment import Experiment
from harness.experiment.stages.judge import ask
from harness.experiment.stages.people import Said, said_of
from harness.experiment.stages.people_key import COMMAND, files_of
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, JudgmentRequest
from harness.records.rows import damaged, read_json
from harness.records.writes import write_json

LABELS = "people-labels.json"
"""In the run; only the owner may read it."""

PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Labels:
    """What people said of pairs.

    Args:
        votes: By the number of the pair.
        simulated: Whether a program made up any of the people.
        notes: What else to know.
    """

    votes: Sequence[Vote]
    simulated: bool
    notes: tuple[str, ...] = ()

    def write(self, run: Path) -> None:
        """Keep them in the run."""
        votes = [[vote.pair, vote.person, vote.value] for vote in self.votes]
        write_json(run / LABELS, {"simulated": self.simulated, "votes": votes}, private=True)

    @classmethod
    def read(cls, run: Path) -> Labels | None:
        """Read what is kept in a run; None where nothing is.

        Raises:
            DataError: It is damaged.
        """
        path = run / LABELS
        if not path.is_file():
            return None
        row = read_json(path)
        try:
            votes = [Vote(int(pair), str(who), said) for pair, who, said in row["votes"]]
            return cls(votes, bool(row["simulated"]))
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(path, f"it lacks or misstates {error}") from error


def labels_of(
    run: Path, files: Sequence[str | Path], tasks: Sequence[JudgmentRequest], asking: Asking
) -> Labels:
    """Read what people said of pairs.

    Args:
        run: Directory of the run; the files that people see are in it.
        files: Tables, stores of ``harness label``, or judgments.
        tasks: The pairs.
        asking: For readers of tables.

    Raises:
        DataError: A file is wrong, a label is of none of the pairs, one person's label of a pair
            stands in two files, or there is no label.
    """
    said, simulated, notes = list[Judgment](), False, list[str]()
    first: dict[tuple[str, str], Path] = {}
    for file in map(Path, files):
        found = _said(run, file, tasks, asking)
        for name in dict.fromkeys((one.request_id, one.annotator) for one in found.judgments):
            if name in first:
                raise DataError(
                    f"{name[1]} labelled a pair here that stands in {first[name]} as well",
                    where=str(file),
                    hint="give each label once: one store or table of each person",
                )
            first[name] = file
        said += found.judgments
        simulated = simulated or found.info.simulated
        notes += found.notes
    return _labels(said, tasks, simulated, notes, ", ".join(map(str, files)))


def labels_by(
    experiment: Experiment,
    name: str,
    tasks: Sequence[JudgmentRequest],
    asking: Asking,
    bar: StartBar,
) -> Labels:
    """Ask people whom a program makes up.

    Raises:
        ConfigError: They are no such source of the experiment.
    """
    source = experiment.sources.get(name)
    if source is None or source.info.kind != "human" or not source.info.simulated:
        raise ConfigError(
            f"{name!r} is no source of simulated people of the experiment",
            hint="real people label on the page of harness label",
        )
    return _labels(ask(source, tasks, asking, bar, PEOPLE), tasks, True, (), name)


def _said(run: Path, file: Path, tasks: Sequence[JudgmentRequest], asking: Asking) -> Said:
    items = list({task.item.id: task.item for task in tasks}.values())
    try:
        return said_of([file], PEOPLE, tasks, items, asking, known=files_of(run))
    except DataError as error:
        if any("has no response" in line or "unknown item" in line for line in error.details):
            raise DataError(
                error.what,
                where=error.where,
                details=error.details,
                hint="these labels are of another run, or of pairs that were drawn before; what"
                f" {COMMAND} drew for this one is in {files_of(run)[1].parent}",
            ) from error
        raise


def _labels(
    said: Sequence[Judgment],
    tasks: Sequence[JudgmentRequest],
    simulated: bool,
    notes: Sequence[str],
    where: str,
) -> Labels:
    numbers = {task.id: number for number, task in enumerate(tasks)}
    votes = [
        Vote(numbers[one.request_id], one.annotator, _value(one))
        for one in said
        if one.request_id in numbers
    ]
    if not any(vote.value for vote in votes):
        raise DataError(
            "nobody labelled any of the pairs",
            where=where,
            hint="harness label shows them; a skip is no label",
        )
    return Labels(votes, simulated, tuple(notes))


def _value(judgment: Judgment) -> str | None:
    return str(judgment.verdict.value) if judgment.verdict.status is Status.OK else None
