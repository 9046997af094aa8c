"""Rubrics worded for pairs, where single responses are scored: scores of nothing in particular."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.experiment.sources import NamedSource
from harness.feedback.contract import FeedbackSource
from harness.judging.model_judge import ModelJudgeSource
from harness.nouns.schema import Way

_THING = r"(?:response|answer|reply|completion|output|text|assistant|candidate|summary)"
_ASKS = r"(?:\A|[.:;?!] |\b(?:say|decide|choose|judge|pick|select|name) )"
_OF_TWO = re.compile(
    rf"(?i:{_ASKS}which (?:of (?:the )?(?:two|these|them)|one|{_THING})\b)"
    rf"|\b(?i:{_THING}) [AB]\b|\bA (?:or|and) B\b"
    rf"|(?i:\b(?:both|two|other) {_THING}s?\b|\bthe better {_THING}\b|\bbetter than the other\b)"
)


def is_of_two(text: str) -> bool:
    """Tell whether a criterion asks to compare responses: "Which response is friendlier?"."""
    return _OF_TWO.search(text) is not None


def wording_notes(sources: Iterable[NamedSource], way: Way | None = None) -> list[str]:
    """Return a warning on each judge that scores single responses by words for two.

    Args:
        sources: Who is asked.
        way: How; that of each source by default.
    """
    return [
        line
        for named in sources
        if (way or named.way) == "pointwise"
        for line in notes_on_scores(named.name, named.source)
    ]


def notes_on_scores(name: str, source: FeedbackSource) -> list[str]:
    """Return the warnings on a source that scores single responses."""
    if not isinstance(source, ModelJudgeSource):
        return []
    policy, options = source.judge.policy, source.judge.options
    lines = [
        f"{name} scores single responses by a criterion for two: {criterion.id}:"
        f" {criterion.text:.80}; say what one response must be"
        for criterion in policy.criteria
        if is_of_two(criterion.text)
    ][:1]
    sizes = {len(example.responses) for example in policy.examples}
    if sizes and 1 not in sizes and options.few_shot:
        lines.append(
            f"{name} scores single responses, and no example of {policy.name or 'its rubric'} is of"
            " a single one: none is shown"
        )
    return lines
