"""What a score is of: names of scores, of their parts and of the headings above them."""

from __future__ import annotations

import re
from functools import lru_cache

MARKS = frozenset({"rating", "score", "grade", "verdict", "mark", "result", "thescore"})

WEAK_MARKS = frozenset(
    {"evaluation", "assessment", "judgment", "judgement", "stars", "points", "value", "outcome"}
)

LABEL_MARKS = frozenset({"answer", "label", "classification", "decision", "class", "category"})

WHOLE = frozenset({"overall", "total", "final"})

FILLERS = frozenset(
    "my your the our this that its for of corrected correction revised updated new to on quality"
    " response answer assistant output numeric numerical integer appropriate suitable given"
    " assigned and so thus therefore hence here is evaluation assessment result results scores"
    " ratings grades criteria criterion step weighted".split()
)

QUALITIES = frozenset(
    "accuracy helpfulness clarity relevance coherence correctness completeness conciseness"
    " fluency consistency factuality faithfulness honesty harmlessness safety tone style depth"
    " creativity usefulness quality readability groundedness informativeness engagingness"
    " naturalness truthfulness thoroughness precision originality logic reasoning grammar"
    " instruction following insightfulness verbosity complexity empathy politeness friendliness"
    " kindness task content structure organization simplicity".split()
)

_NEUTRAL = frozenset(
    "analysis feedback review reasoning rationale justification explanation reason reasons comment"
    " comments note notes thoughts summary conclusion strengths weaknesses judge judging".split()
)

_WHOLE_SECTIONS = WHOLE | {"conclusion", "summary", "verdict"}

NO_SCORES = frozenset(
    "weight weights weighting weightings max maximum maxima min minimum minima confidence"
    " confidences certainty importance priority possible attainable previous before prior original"
    " draft expected target required passing threshold baseline deduction deductions penalty"
    " penalties lost error errors mistake mistakes issue issues if without ignoring own".split()
)
"""Words of a heading, a column or a bracket that make what it is about no score."""

LOSSES = frozenset("error errors mistake mistakes issue issues".split())

SCORE_COLUMNS = (
    MARKS | WEAK_MARKS | WHOLE | FILLERS | {"scored", "marks", "outcomes", "level", "values"}
)
"""Words of the head of a column of scores."""

_TOKEN = re.compile(r"[A-Z]?[a-z]++|[A-Z]++(?![a-z])|\d++|[^\W\d_]++")


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """Return the small words of a name: of spaces, hyphens, lines below and capitals inside."""
    return tuple(part.lower() for part in _TOKEN.findall(name))


def bare_name(name: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a score is of: its name without words for scores and without small words."""
    return tuple(w for w in name if w not in MARKS | WEAK_MARKS | LABEL_MARKS | WHOLE | FILLERS)


def is_neutral(section: tuple[str, ...]) -> bool:
    """Tell whether a heading names no part of what is scored."""
    return all(word in _NEUTRAL for word in bare_name(section))


def is_whole(name: tuple[str, ...], section: tuple[str, ...]) -> bool:
    """Tell whether a name without parts is that of the score of all."""
    return bool(WHOLE & set(name) or (_WHOLE_SECTIONS & set(section) and is_neutral(section)))
