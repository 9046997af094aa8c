"""Reads whether a clause praises or blames the whole response: "all criteria met", "it fails".

A clause counts where every word of it is understood, up to its end; then a number, or a yes or no,
that says the opposite of it is no verdict.
"""

from __future__ import annotations

import re

_FAULT = r"(?:errors?|mistakes?|issues?|problems?|faults?|flaws?)"
_CRITERIA = r"(?:criteria|criterion|requirements?|rubric|standards?|instructions?|conditions?)"
_DEGREE = (
    r"(?:(?:very|extremely|really|most|absolutely|completely|totally|truly|quite|fully|highly|entirely|clearly"
    r"|simply|sehr|tr\u00e8s|muy|the|an?)\s++|\u975e\u5e38|\u5f88)*+"
)
_GOOD = (
    r"(?:correct|accurate|right|true|perfect|flawless|excellent|outstanding|complete|acceptable|great"
    r"|(?<!not )good|gut|ausgezeichnet|hervorragend|perfekt|fehlerfrei|richtig"
    r"|korrekt|bien|bon|parfaite?"
    r"|correcte?"
    r"|excelente|bueno|correcto|perfecto|\u597d|\u4f18\u79c0|\u5b8c\u7f8e|\u6b63\u786e)"
)
_BAD = (
    r"(?:incorrect|inaccurate|wrong|false|useless|worthless|terrible|awful|unacceptable|poor|horrible|abysmal"
    r"|inadequate|nonsense|rubbish|schlecht|mangelhaft|ungen\u00fcgend|falsch|mauvaise?|nulle?|fausse?|faux"
    r"|malo|mala|p\u00e9simo|incorrecto|\u5dee|\u7cdf\u7cd5|\u9519\u8bef|\u4e0d\u597d"
    r"|not\s++(?:at\s++all\s++)?(?:correct|accurate|right|true|helpful|acceptable|useful|good))"
)
_ALL = (
    r"(?:(?:all|every|each|both|the|this|any|my)(?:\s++of)?(?:\s++the)?"
    r"(?:\s++(?:two|three|four|five))?\s++)?"
)
_FULLY = r"(?:(?:fully|completely|clearly|entirely|perfectly)\s++)?"
_SUBJECT = (
    r"(?:(?:that\s++said|on\s++balance|overall|in\s++(?:sum|short)|all\s++in\s++all|frankly|honestly"
    r"|still|in\s++fact),?\s++)?"
    r"(?:(?:schulnote|note|grade|level|label)\s?:\s*+)?(?:i\s++(?:find|think|believe)\s++)?"
    r"(?:(?:because|since|as|that|so)\s++)?"
    r"(?:(?:it's|(?:it|this|(?:the|this|that)\s++(?:response|answer|reply|output|text|assistant|summary"
    r"|translation|model|solution|code))(?:\s++(?:is|was))?)\s++)?"
)
_END = r"\s*+(?:[.;!)\]\u3002\uff09]|\Z|[\u2013\u2014]|-\s|(?:because|since|and\s++so)\b)"
_CLAUSE = re.compile(
    rf"[\s(\[,;:.=\u2013\u2014\uff08-]*+{_SUBJECT}(?:(?P<good>"
    rf"{_DEGREE}{_GOOD}(?:(?:,|\s++and|,\s++and)\s++{_DEGREE}{_GOOD})*+(?:\s++(?:response|answer))?"
    rf"|(?:(?:has|with|contains|there\s++(?:are|were))\s++)?(?:no|zero|without(?:\s++any)?)\s++{_FAULT}(?:\s++(?:found|at\s++all|whatsoever))?"
    rf"|nothing\s++is\s++wrong(?:\s++with\s++(?:it|this|the\s++(?:response|answer)))?"
    rf"|{_ALL}{_CRITERIA}\s++(?:(?:is|are|was|were)\s++)?{_FULLY}(?:met|satisfied|fulfilled|passed)"
    rf"|{_FULLY}answers\s++(?:the|this)\s++question(?:\s++(?:fully|completely))?"
    rf"|{_FULLY}(?:meets?|satisf(?:y|ies)|fulfill?s?|pass(?:es)?)\s++{_ALL}{_CRITERIA}(?:\s++(?:fully|completely))?"
    rf"|pass(?:es|ed)?(?:\s++with\s++flying\s++colou?rs)?"
    rf")|(?P<bad>"
    rf"{_DEGREE}{_BAD}(?:(?:,|\s++and|,\s++and)\s++{_DEGREE}{_BAD})*+(?:\s++at\s++all)?(?:\s++(?:response|answer))?"
    rf"|(?:total\s++|complete\s++)?fail(?:s|ed|ure)?(?:\s++(?:the|this|all|every|each)\s++(?:of\s++the\s++)?(?:{_CRITERIA}|test))?"
    rf"|(?:does\s++not|doesn't|did\s++not|didn't|fails\s++to|failed\s++to)\s++(?:meet|satisfy|fulfill?|pass|answer|address)"
    rf"\s++(?:(?:the|this|any)(?:\s++of\s++the)?\s++)?(?:{_CRITERIA}|question|prompt)(?:\s++at\s++all)?"
    rf"|(?:the\s++)?{_CRITERIA}\s++(?:is|was|are|were)\s++(?:not\s++met|unmet|violated|failed)"
    rf"|(?:all|every)\s++{_CRITERIA}\s++(?:(?:is|are|was|were)\s++)?(?:violated|failed|unmet|missed)"
    rf"|(?:the\s++)?{_CRITERIA}\s++(?:has|have)\s++(?:not\s++been\s++met|been\s++(?:missed|violated|failed))"
    r"|nothing\s++(?:in\s++(?:it|the\s++(?:response|answer))\s++|it\s++says\s++)?is\s++(?:right|correct|true|accurate)"
    r"|every\s++(?:single\s++)?(?:claim|statement|fact|sentence|line)(?:\s++(?:in|of)\s++(?:it|the\s++(?:response|answer)))?\s++is"
    r"\s++(?:false|wrong|incorrect)"
    r"|the\s++task\s++(?:is|was)\s++not\s++(?:done|solved|completed)(?:\s++at\s++all)?"
    r"|(?:the\s++)?worst(?:\s++(?:response|answer|one))?\s++(?:in|of)\s++(?:the|this|all)[^.;!,]{0,40}"
    rf"|(?:no|none\s++of\s++the)\s++{_CRITERIA}\s++(?:(?:is|are|was|were)\s++)?(?:met|satisfied|fulfilled)"
    rf"|violates\s++(?:all|every)(?:\s++the)?\s++{_CRITERIA}"
    rf")|(?P<fault>(?:it\s++)?(?:contains|has|there\s++(?:is|are))\s++(?:an?|some|several|many)\s++{_FAULT}))(?={_END})",
    re.IGNORECASE,
)
_END_OF_SCALE = re.compile(
    r"\s*+[(\[,]\s*+(?:the\s++)?(?:(?P<top>max(?:imum)?|full\s++marks?|top\s++(?:mark|score|rating)"
    r"|perfect\s++score|(?:highest|best)\s++possible(?:\s++\w{1,8})?)"
    r"|(?P<low>min(?:imum)?|(?:lowest|worst)\s++possible(?:\s++\w{1,8})?))\s*+(?:[)\]]|\Z)",
    re.IGNORECASE,
)
_TURNS = re.compile(
    r"\s*+[.;!]?\s*+(?:but|however|yet|though|although|only|still)\b", re.IGNORECASE
)
_POINTS_OFF = re.compile(
    r"\b(?:an?|one|two|three|half\s++a|\d)\s++(?:points?|marks?|stars?)\s++(?:off|deducted|lost|docked|less)\b",
    re.IGNORECASE,
)
ASKS_AGAINST = re.compile(
    r"\b(?:incorrect|wrong|false|inaccurate|fail(?:s|ed)?|errors?|mistakes?|violat\w{1,4}|untrue|unsafe|harmful"
    r"|not|flaw(?:s|ed)?|problems?|issues?)\b|n't\b",
    re.IGNORECASE,
)
"""Words of a question to which yes is no praise."""


def sense_of(text: str, yes_or_no: bool = False) -> int:
    """Return 1 where a clause praises the whole response, -1 where it blames it, 0 otherwise.

    Args:
        text: It, and what follows.
        yes_or_no: Whether a single fault blames the whole.
    """
    found = _CLAUSE.match(text[:300])
    if not found or _TURNS.match(text, found.end()):
        return 0
    if found["fault"]:
        return -1 if yes_or_no else 0
    return 1 if found["good"] else -1


def is_no_end(place: float, text: str) -> bool:
    """Tell whether words behind a value say that it is the top or the bottom, which it is not.

    Args:
        place: Where on its scale the value is, from 0 to 1.
        text: What follows it.
    """
    if place == 1 and _POINTS_OFF.search(text[:80]):
        return True
    found = _END_OF_SCALE.match(text)
    return found is not None and place != (1 if found["top"] else 0)
