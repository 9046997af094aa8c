"""Same rule: whether an evaluator says what a source of the training says, found out for free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.evaluate.held_out import shares
from harness.evaluate.same_rule import Compared, Said, compared_rules, not_compared
from harness.experiment.context import Asking, StartBar
from harness.experiment.sources import NamedSource
from harness.experiment.stages.judge import Judged, ask
from harness.feedback.contract import Plans
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.errors import InputError
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo, Way

MOST = 1000
"""So many responses of each kind, of the training and held-out, are asked about at most."""

PART = "same rule"
"""Part of the journal that holds what was asked for this alone."""

COSTS = "they share no response, and to ask either would cost calls or labels"


@dataclass(frozen=True, slots=True)
class Teacher:
    """A source that gave feedback for a training, with what it said.

    Args:
        info: Who it is.
        requests: What it was asked.
        judgments: What it said.
        named: The source itself, where it can be asked more.
    """

    info: SourceInfo
    requests: Sequence[JudgmentRequest]
    judgments: Sequence[Judgment]
    named: NamedSource | None = None

    @classmethod
    def of(cls, judged: Judged) -> Teacher:
        """Return the teacher that a source of a run is."""
        return cls(judged.source.info, judged.requests, judged.judgments, judged.source)

    @property
    def said(self) -> Said:
        """What it said."""
        return Said(self.requests, self.judgments, self.info.name, self.info.scale)


def same_rules(
    evaluated: Mapping[str, Judged],
    teachers: Mapping[str, Teacher],
    held_out: Sequence[tuple[Item, Response]],
    asking: Asking,
    bar: StartBar,
) -> dict[str, list[Compared]]:
    """Hold every evaluator against every source of the training that it is not itself.

    They are compared on all responses of which both have a verdict. For that the evaluator is asked
    about responses of the training, and the source about held-out ones, where that asks no model
    and nobody: verifiers, and people that a program made up.

    Args:
        evaluated: What the evaluators said of held-out responses.
        teachers: The sources of the training.
        held_out: The held-out responses of all policies, with their items.
        asking: Journal, seed and limits.
        bar: For progress.

    Returns:
        By evaluator, one comparison with each source.
    """
    trained_on = [
        (request.item, response)
        for teacher in teachers.values()
        for request in teacher.requests
        for response in request.responses
    ]
    asked: dict[tuple[str, Way, bool], Said] = {}

    def said_by(source: NamedSource, way: Way, of_training: bool) -> Said:
        key = source.name, way, of_training
        if key not in asked:
            asked[key] = _ask(source, way, trained_on if of_training else held_out, asking, bar)
        return asked[key]

    def compared(judged: Judged, source: str, teacher: Teacher) -> Compared:
        mine, theirs = [Teacher.of(judged).said], [teacher.said]
        compares, also = mine[0].of_pairs, evaluated.get(source)
        try:
            if also is not None and not (teacher.said.of_pairs or Teacher.of(also).said.of_pairs):
                theirs.append(Teacher.of(also).said)
            elif teacher.named is not None and is_free(teacher.named):
                if compares and teacher.named.way == "pairwise":
                    theirs.append(_ask_alike(teacher.named, judged.requests, asking, bar))
                else:
                    theirs.append(said_by(teacher.named, teacher.named.way, False))
            if is_free(judged.source):
                mine.append(said_by(judged.source, "pairwise" if compares else "pointwise", True))
        except InputError as error:
            return not_compared(source, f"one of them could not be asked: {error}")
        found = compared_rules(source, Said.together(mine), Said.together(theirs))
        return (
            found if len(mine) + len(theirs) > 2 or found.kappa.n else not_compared(source, COSTS)
        )

    return {
        name: [
            compared(judged, source, teacher)
            for source, teacher in teachers.items()
            if not shares(judged.source.info, teacher.info)
        ]
        for name, judged in evaluated.items()
    }


def is_free(source: NamedSource) -> bool:
    """Tell whether a source can be asked without a call to a model, or a person."""
    info = source.info
    program = info.kind == "verifier" or (info.kind == "human" and info.simulated)
    return program and not info.models and not isinstance(source.source, Plans)


def _ask_alike(
    source: NamedSource, requests: Sequence[JudgmentRequest], asking: Asking, bar: StartBar
) -> Said:
    """Ask a source about the pairs that an evaluator compared, some of them, spread over all."""
    some = requests[:: max(1, -(-len(requests) // MOST))]
    return Said(some, ask(source, some, asking, bar, PART), source.name, source.info.scale)


def _ask(
    source: NamedSource,
    way: Way,
    answers: Iterable[tuple[Item, Response]],
    asking: Asking,
    bar: StartBar,
) -> Said:
    """Ask a source about the responses to some of the items, spread over all of them."""
    items: dict[str, Item] = {}
    responses: dict[str, dict[str, Response]] = {}
    for item, response in answers:
        items[item.id] = item
        responses.setdefault(item.id, {}).setdefault(response.id, response)
    step = max(1, -(-sum(map(len, responses.values())) // MOST))
    some = list(items.values())[::step]
    texts = [response for item in some for response in responses[item.id].values()]
    requests = build_requests(some, texts, way, criterion_for(source.info, way))
    requests = list({request.id: request for request in requests}.values())
    found = ask(source, requests, asking, bar, PART)
    return Said(requests, found, source.name, source.info.scale)
