"""Reads the score or label that a judge gives, and the scores of several criteria.

A statement counts when the whole clause from its mark to the end of its line or sentence is
understood. Statements that differ are a failure, but where the judge says between them that it
changes its mind, or where the last one is of the whole and the others are of its parts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from harness.judging.reply import answer_of
from harness.judging.score_decision import decided
from harness.judging.score_found import main_rank, of_text, states, stating
from harness.judging.score_names import LABEL_MARKS, MARKS, WEAK_MARKS, words
from harness.judging.score_notes import against_notes
from harness.judging.score_objects import of_objects
from harness.judging.score_range import other_range
from harness.judging.score_statement import spoken, statements
from harness.judging.score_value import off_scale, values_of
from harness.judging.stated import no_verdict
from harness.judging.unjudged_answers import UNJUDGED, not_judged
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Verdict

_TOTAL = re.compile(
    r"^[ *_]*+(?:total|sum)(?:\s(?:score|points))?[ *_]*+[:=][ *_]*+(\d{1,4})\s?(?:/|out of)"
    r"\s?(\d{1,4})[ *_.]*+$",
    re.IGNORECASE | re.MULTILINE,
)


def read_score(reply: str, scale: Scale, prompt: str = "", cut: bool = False) -> Verdict:
    """Return the verdict on one response: a value of a scale; one off it is no verdict."""
    values = values_of(scale)
    answer = answer_of(reply, prompt, lambda line: states(line, [values]))
    found = [*of_text(answer, values, cut), *of_objects(answer, values, main_rank(values), True)]
    verdict = decided(answer, values, found, cut)
    if verdict is not None and verdict.status is Status.OK:
        if said := other_range(spoken(answer), values.ends):
            return off_scale(f"{verdict.value}, where the judge says {said!r},", scale)
        if against := against_notes(answer, values, verdict.value):
            reason = f"{verdict.value}, and beside it: {against}"
            return Verdict(Status.UNPARSEABLE, rationale=reason)
        if unjudged := not_judged(answer):
            return Verdict(Status.UNPARSEABLE, rationale=f"{UNJUDGED}: {unjudged}")
    return verdict or no_verdict(answer, reply, cut, scale)


def read_scores(
    reply: str, criteria: Sequence[Criterion], prompt: str = "", cut: bool = False
) -> Verdict:
    """Return the weighted mean, between 0 and 1, of the values of several criteria.

    The reply is a JSON object, a table, or has a line "name: value" for each criterion; all need a
    value of their own scale.
    """
    scales = [values_of(criterion.scale) for criterion in criteria]
    ids = {criterion.id.lower() for criterion in criteria}
    answer = answer_of(reply, prompt, lambda line: states(line, scales), ids)
    names = [words(criterion.id) for criterion in criteria]
    said = statements(answer, names)
    ends = [one for values in scales for one in values.ends]
    other = other_range(spoken(answer), ends, [word for name in names for word in name])
    total, points, parts = 0.0, 0.0, list[str]()
    for criterion in criteria:
        values, wanted = values_of(criterion.scale), words(criterion.id)

        def rank(
            name: tuple[str, ...], section: tuple[str, ...], wanted: tuple[str, ...] = wanted
        ) -> str | None:
            return "main" if _is_of(name, section, wanted) else None

        found = [*stating(said, values, rank), *of_objects(answer, values, rank, names=names)]
        verdict = decided(answer, values, found, cut, names)
        if verdict is None:
            missing = no_verdict(answer, reply, cut, criterion.scale)
            return Verdict(missing.status, rationale=f"{criterion.id}: {missing.rationale}")
        if verdict.status is not Status.OK:
            return Verdict(verdict.status, rationale=f"{criterion.id}: {verdict.rationale}")
        if other and values.ends:
            return off_scale(f"{criterion.id}, where the judge says {other!r},", criterion.scale)
        if against := against_notes(answer, values, verdict.value, criterion.id):
            reason = f"{criterion.id}: {verdict.value}, and beside it: {against}"
            return Verdict(Status.UNPARSEABLE, rationale=reason)
        total += criterion.weight * criterion.scale.to_unit(verdict.value)
        parts.append(f"{criterion.id}: {verdict.value}")
        points += float(str(verdict.value)) if values.ends else math.nan
    if unjudged := not_judged(answer, ids):
        return Verdict(Status.UNPARSEABLE, rationale=f"{UNJUDGED}: {unjudged}")
    tops = sum(values.ends[0].high or math.nan for values in scales if values.ends)
    for summed, top in _TOTAL.findall(spoken(answer)):
        if float(top) == tops and not math.isnan(points) and float(summed) != points:
            reason = f"the total of its scores is {points:g}, not {summed}"
            return Verdict(Status.UNPARSEABLE, rationale=reason)
    mean = total / sum(criterion.weight for criterion in criteria)
    return Verdict(Status.OK, mean, rationale="; ".join(parts))


def _is_of(name: tuple[str, ...], section: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Tell whether a score is that of a criterion."""
    marks = MARKS | WEAK_MARKS | LABEL_MARKS | {"scores", "ratings", "for", "of", "the", "passed"}
    marks |= {"criteria", "results", "pass"}
    names = [name, tuple(w for w in name if w not in marks)]
    if not names[1]:
        names.append(section)
        names.append(tuple(w for w in section if w not in marks))
    return wanted in names
