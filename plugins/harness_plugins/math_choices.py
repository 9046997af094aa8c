"""Options that a sentence calls right or wrong: ``Only option A is correct.``, ``(B) is false``."""

from __future__ import annotations

import re

from harness_plugins.math_numerals import Answer

_LETTER = r"[*_$(\\]{0,4}(?P<letter>[A-J])[*_$)\\.]{0,4}"
_LEAD = r"(?:(?:so|thus|hence|therefore|then|consequently|finally)[,:]?\s)?"
_NAMED = r"(?:(?:the\s)?(?:correct\s)?(?:option|choice|answer|statement)\s)?"
_IS = r"\s(?:is|must\sbe|has\sto\sbe)\s(?:(?:therefore|thus|hence|clearly|indeed|also)\s)?"
_AFFIRMED = re.compile(
    _LEAD + r"(?:only\s)?" + _NAMED + _LETTER + _IS
    + r"(?:the\s)?(?:(?:only|best|single)\s)?(?:(?:correct|right|true)"
    r"(?:\s(?:one|answer|choice|option|statement))?"
    r"|answer)[*_]{0,2}",
    re.IGNORECASE,
)  # fmt: skip
_CONCLUDED = re.compile(
    r"(?:so|thus|hence|therefore)[,:]?\s(?:(?:option|choice)\s)?[*_$]{0,3}\((?P<letter>[A-J])\)[*_$]{0,3}",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|\w+n't|cannot|incorrect|wrong|false|invalid|untrue|eliminated|excluded|ruled\sout|rejected|discarded"
    r"|impossible|fails?|never|doubtful|unlikely|contradict\w*|out)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[;.]\s|,\s(?=(?:and|so|but|since|because|while|whereas|as|[A-J])\b)|\b(?:and|while|because|since)\b"
)
_PREDICATE = re.compile(
    r"[*_$\\(]{0,4}(?:(?:the\s)?(?:option|choice|answer)\s[*_$\\(]{0,4}[A-J][*_$\\).]{0,4}|[*_$\\]{0,3}\([A-J]\)[*_$\\]{0,3})"
    r"\s(?:is|was|are|can|could|must|should|may|might|would|does|fails?|cannot|contradicts|seems|looks|appears"
    r"|has|\w+n't)\b(?P<said>[^\n]{0,300})",
    re.IGNORECASE,
)
_STATED = re.compile(r"\banswers?\s?(?:is|are|:)|\\boxed", re.IGNORECASE)


def is_denied_choice(text: str) -> bool:
    """Tell whether a text names an option and calls it wrong."""
    found = _PREDICATE.match(text.strip())
    return found is not None and _DENIED.search(_CLAUSE.split(found[0])[0]) is not None


def said_choice(text: str) -> str:
    """Return the one option that the last sentence of a text calls right; nothing otherwise."""
    sentences = [one.strip() for one in re.split(r"(?<=[.!])\s|\n", text[-2000:]) if one.strip()]
    if not sentences or _STATED.search(text):
        return ""
    found = [_AFFIRMED.fullmatch(one.rstrip(".! ")) for one in sentences]
    last = found[-1] or _CONCLUDED.fullmatch(sentences[-1].rstrip(".! "))
    letters = {one["letter"].upper() for one in [*found, last] if one}
    return letters.pop() if last and len(letters) == 1 else ""


def same_options(gold: Answer, answer: Answer) -> bool:
    """Tell whether several options are the same ones: ``ACD`` and ``A, C, and D``."""
    together, listed = (gold, answer) if gold.kind == "words" else (answer, gold)
    letters = [item.text.strip("() ") for item in listed.items]
    if listed.brackets or listed.value == "or" or not re.fullmatch("[A-J]{2,9}", together.text):
        return False
    known = sorted(set(together.text))
    return known == list(together.text) and known == sorted(letters)
