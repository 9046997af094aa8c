"""A word as the answer of a sentence: ``Yes, it converges.``, ``The day is **Tuesday**.``."""

from __future__ import annotations

import re

_OPENING = re.compile(
    r"(?:(?:final\s)?answer\s?:\s?)?(?P<word>yes|no|true|false)(?:\s?[.,;:]|\s-|\s[\u2013\u2014]|\s(?:because|since|as)\b|$)",
    re.IGNORECASE,
)
_OPPOSITE = {"yes": "no", "no": "yes", "true": "false", "false": "true"}
_UNSURE = re.compile(
    r"\b(?:if|otherwise|unless|depends|but|however|wrong|or|sometimes|maybe|wait|actually)\b|\?",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:(?:so|thus|hence|therefore|then),?\s)?"
    r"(?:it|this|that|(?:the|this|that)\s(?:\w+\s){0,2}?(?:day|statement|claim|answer|month|color|colour|name))"
    r"\s(?:is|was|falls\son|will\sbe|must\sbe)\s(?:on\s)?(?:an?\s)?(?P<word>[A-Za-z]{3,20})",
    re.IGNORECASE,
)


_DATED = re.compile(
    r"(?:(?:so|thus|hence|therefore|then),?\s)?(?:(?:the|this|that|her|his|their|my|our|it|[A-Z][a-z]+)\b)"
    r"(?:\s[\w,]{1,15}){0,5}?\s(?:is|was|falls|will\sbe|takes\splace|must\sbe)\s(?:on\s)?(?:a\s)?"
    r"(?P<word>(?:mon|tues|wednes|thurs|fri|satur|sun)day)",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:no|not|never|nobody|none|neither|nor|hardly|doubt\w*|suppose|whether|before|after|except|false"
    r"|last|other|know\w*|think\w*|say\w*|said|claim\w*|believe\w*|\w+n't|yesterday|tomorrow)\b",
    re.IGNORECASE,
)


def said_word(text: str) -> str:
    """Return the one word that a text states as its answer; nothing where it states none."""
    bare = re.sub(r"[*_`\"]", "", text).strip()
    opened = _OPENING.match(bare)
    if opened is not None:
        word, rest = opened["word"].casefold(), bare[opened.end() :]
        other = re.search(rf"\b{_OPPOSITE[word]}\b", rest, re.IGNORECASE)
        return "" if other or _UNSURE.search(rest) else opened["word"]
    closed = _CLOSING.fullmatch(bare.rstrip(".! "))
    if closed is None and not _DENIED.search(bare) and not _UNSURE.search(bare):
        closed = _DATED.fullmatch(bare.rstrip(".! "))
    return closed["word"] if closed else ""
