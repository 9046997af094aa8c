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
    " penalties lost error errors mistake mistakes issue issues if without ignoring own"
    " reference ideal gold hypothetical".split()
)
"""Words of a heading, a column or a bracket that make what it is about no score."""

REVERSALS = frozenset("too lack lacking absence missing excess excessive reversed inverted".split())
"""Words of a bracket behind a name that turn it round."""

LOSSES = frozenset("error errors mistake mistakes issue issues".split())

SCORE_COLUMNS = (
    MARKS | WEAK_MARKS | WHOLE | FILLERS | {"scored", "marks", "outcomes", "level", "values"}
)
"""Words of the head of a column of scores."""

_FOREIGN = {
    "rating": "bewertung wertung \u8bc4\u5206 \u6253\u5206 \u8bc4\u7ea7 "
    "valoraci\u00f3n calificaci\u00f3n",
    "score": "punktzahl puntuaci\u00f3n puntaje \u5f97\u5206 \u5206\u6570",
    "evaluation": "\u00e9valuation evaluaci\u00f3n",
    "final rating": "endbewertung gesamtbewertung "
    "\u6700\u7ec8\u8bc4\u5206 \u7efc\u5408\u8bc4\u5206 "
    "\u603b\u4f53\u8bc4\u5206 \u6574\u4f53\u8bc4\u5206 \u603b\u8bc4\u5206 \u603b\u8bc4",
    "final score": "gesamtpunktzahl \u6700\u7ec8\u5f97\u5206 \u7efc\u5408\u5f97\u5206 \u603b\u5206 "
    "\u603b\u5f97\u5206 \u6700\u7ec8\u5206\u6570 \u603b\u4f53\u5f97\u5206",
    "final": "endg\u00fcltige abschlie\u00dfende finale globale",
    "my": "meine mi mon ma la die der das",
    "verdict": "urteil veredicto",
}
_ENGLISH = {
    word: tuple(name.split()) for name, several in _FOREIGN.items() for word in several.split()
}
"""Words for scores in other languages -> English ones."""

_TOKEN = re.compile(r"[A-Z\u00c0-\u00de]?[a-z\u00df-\u00ff]++|[A-Z]++(?![a-z])|\d++|[^\W\d_]++")


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """Return the small words of a name: of spaces, hyphens, lines below and capitals inside."""
    parts = (part.lower() for part in _TOKEN.findall(name))
    return tuple(word for part in parts for word in _ENGLISH.get(part, (part,)))


def bare_name(name: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a score is of: its name without words for scores and without small words."""
    return tuple(w for w in name if w not in MARKS | WEAK_MARKS | LABEL_MARKS | WHOLE | FILLERS)


def is_neutral(section: tuple[str, ...]) -> bool:
    """Tell whether a heading names no part of what is scored."""
    return all(word in _NEUTRAL for word in bare_name(section))


def is_whole(name: tuple[str, ...], section: tuple[str, ...]) -> bool:
    """Tell whether a name without parts is that of the score of all."""
    return bool(WHOLE & set(name) or (_WHOLE_SECTIONS & set(section) and is_neutral(section)))
