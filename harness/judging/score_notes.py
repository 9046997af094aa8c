"""Reads what the texts beside a score in a judge's JSON object say against it."""

from __future__ import annotations

import re

from harness.judging.characters import plain
from harness.judging.reply import Answer
from harness.judging.score_decision import changed_after
from harness.judging.score_deserved import deserves_other
from harness.judging.score_lines import Statement, sentences
from harness.judging.score_names import MARKS, NO_SCORES, QUALITIES, WEAK_MARKS, words
from harness.judging.score_polarity import HIGH, LOW, place_of
from harness.judging.score_sense import sense_of
from harness.judging.score_statement import statements
from harness.judging.score_value import Values
from harness.judging.score_words import normal
from harness.nouns.outcomes import Status
from harness.nouns.schema import Value

_MOST = 2000
"""Characters of a text that are read."""
_OF_SCORES = MARKS | WEAK_MARKS | QUALITIES - {"reasoning"}
"""Names of fields that are no note on the whole."""
_TURNS = re.compile(r",\s++(?:but|however|yet|though|although|only|still|and|so)\b", re.IGNORECASE)


def against_notes(answer: Answer, values: Values, value: Value, criterion: str = "") -> str:
    """Return the words beside a score in the last JSON object that go against it; or nothing.

    A score in a text before it may be a draft; one behind it is another score.

    Args:
        answer: The answer.
        values: Those of the scale.
        value: The score.
        criterion: Of several, under which the texts stand.
    """
    if not answer.objects or not answer.is_whole(answer.objects[-1]):
        return ""
    whole = answer.objects[-1].value
    entry = whole.get(criterion) if criterion else whole
    behind = False
    for name, text in entry.items() if isinstance(entry, dict) else ():
        named = words(name[:80])
        behind = behind or not MARKS.isdisjoint(named)
        if not isinstance(text, str) or not _OF_SCORES.isdisjoint(named):
            continue
        note = plain(text[:_MOST])
        if (behind and _states_other(note, values, value)) or _blames(note, values, value):
            return " ".join(note.split())[:80]
    return ""


def _states_other(note: str, values: Values, value: Value) -> bool:
    """Tell whether the last score that a text states is another one."""
    if values.scale.is_binary:
        said = values.names.get(normal(note.partition(":")[0]))
        return ":" in note and said is not None and said != value
    other = False
    for one in statements(Answer(note, note)):
        if _is_score(one):
            verdict = values.clause(one.text)
            if verdict is not None and verdict.status is Status.OK:
                other = verdict.value != value
            elif verdict is not None and QUALITIES.isdisjoint(words(one.text)):
                other = other or values.rivals(one.text, value)
    denies = note.lower().startswith("not ")
    return other or (not denies and changed_after(note, values, value, ()) != "")


def _is_score(one: Statement) -> bool:
    """Tell whether words state a score of the whole."""
    name = set(one.name)
    told = one.how in ("line", "said", "tag", "fits") and not one.hint
    return told and not name.isdisjoint(MARKS) and name.isdisjoint(NO_SCORES | QUALITIES)


def _blames(note: str, values: Values, value: Value) -> bool:
    """Tell whether a text blames the whole of what has a high value, or only praises a low one."""
    place = place_of(values.scale, value)
    if place is None:
        return False
    senses = []
    for begin, end in sentences(note):
        if deserves_other(note[begin : min(end, begin + 600)], values, value):
            return True
        sense = sense_of(note[begin:], values.scale.is_binary)
        comma = note.find(",", begin, end)
        if not sense and comma > 0 and not _TURNS.match(note, comma):
            sense = min(0, sense_of(note[begin:comma]))
        senses.append(sense)
    if place >= HIGH:
        return -1 in senses and 1 not in senses
    return place <= LOW and bool(senses) and set(senses) == {1}
