"""Chinese words that judges write without a space, as the English ones that the readers know."""

from __future__ import annotations

import re

_ENGLISH = {
    "\u6211\u8ba4\u4e3a": "i think", "\u6211\u89c9\u5f97": "i think",
    "\u6211\u9009\u62e9": "i choose", "\u6211\u66f4\u559c\u6b22": "i prefer",
    "\u6211\u503e\u5411\u4e8e": "i prefer", "\u6211\u4e0d\u8ba4\u4e3a": "i don't think",
    "\u56e0\u6b64": "therefore", "\u6240\u4ee5": "therefore",
    "\u7efc\u4e0a\u6240\u8ff0": "overall", "\u603b\u4f53\u800c\u8a00": "overall",
    "\u603b\u7684\u6765\u8bf4": "overall", "\u603b\u4e4b": "overall",
    "\u5982\u679c": "if", "\u5047\u5982": "if", "\u82e5": "if",
    "\u56de\u7b54": "response", "\u56de\u590d": "response", "\u52a9\u624b": "assistant",
    "\u6a21\u578b": "model", "\u7b54\u6848": "answer", "\u9009\u9879": "option",
    "\u80dc\u51fa": "wins", "\u66f4\u4f18": "is better", "\u66f4\u4f73": "is better",
    "\u66f4\u80dc\u4e00\u7b79": "wins", "\u66f4\u597d": "is better",
    "\u4f18\u4e8e": "is better than", "\u597d\u4e8e": "is better than",
    "\u80dc\u8fc7": "is better than", "\u4e0d\u5982": "is worse than",
    "\u4e0d\u53ca": "is worse than", "\u5dee\u4e8e": "is worse than",
    "\u7684\u56de\u7b54": "", "\u7684\u56de\u590d": "", "\u662f": "is",
    "\u66f4\u597d\u7684": "better",
}  # fmt: skip
"""Words of a verdict on a pair."""
_PIECE = re.compile("|".join(sorted(_ENGLISH, key=len, reverse=True)))
_IF = re.compile("\u5982\u679c|\u5047\u5982|\u8981\u662f|\u82e5")
_THAN = re.compile(
    "\u6bd4(?=(?:\u56de\u7b54|\u56de\u590d|\u52a9\u624b|\u6a21\u578b)?\\s?[AB]\\s?"
    "(?:\u66f4|\u8981|\u7684)?(?:\u597d|\u5f3a|\u4f18\u79c0|\u4f18)(?!\u4e8e))"
)
_GOOD = re.compile("[\u66f4\u8981\u7684]?(?:\u597d|\u5f3a|\u4f18\u79c0|\u4f18)")
_NEAR = 8
"""Characters before what is better in which the word for "than" stands."""
_LONGEST = 24
"""Characters of a run of signs that is taken apart."""


def in_english(line: str, start: int, end: int) -> list[str] | None:
    """Return the words of a run of Chinese signs in English; None where one is not known.

    Args:
        line: The line that the run stands in.
        start: Where it begins.
        end: Where it ends.
    """
    if end - start > _LONGEST:
        return None
    if condition := _IF.match(line, start, end):
        return ["if", line[condition.end() : end]] if condition.end() < end else ["if"]
    near = line[max(0, start - 2) : start].strip()[-1:], line[end : end + 2].strip()[:1]
    beside = not {"A", "B"}.isdisjoint(near)
    said, place, pieces = list[str](), start, 0
    if near[0] in ("A", "B") and (than := _THAN.match(line, start)):
        said, place = ["is", "better", "than"], than.end()
    elif near[0] in ("A", "B") and _GOOD.fullmatch(line, start, end):
        if _THAN.search(line, max(0, start - _NEAR), end):
            return []
    while place < end:
        found = _PIECE.match(line, place, end)
        if found is None:
            return None
        said += _ENGLISH[found[0]].split()
        place, pieces = found.end(), pieces + 1
    return said if beside or pieces > 1 or said[0] in ("therefore", "overall") else None
