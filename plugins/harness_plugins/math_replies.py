r"""Write the last words of a reply as the readers know them: ``**24** km``, ``Ans: 24``, lists.

Emphasis before a unit says nothing, a list under "Answer:" is what it lists, and the words under a
heading "Answer" are the answer.
"""

from __future__ import annotations

import re

from harness_plugins.math_reading import read
from harness_plugins.math_signs import unwrapped

_EMPHASIS = re.compile(
    r"(?<![A-Za-z\d_*\\$}])(?<!\d\s)(?P<mark>\*{1,3}|__)(?P<said>(?:(?:the\s)?(?:final\s)?answer(?:\sis)?\s?:?\s?)?"
    r"(?=[-+$\u20ac\u00a3\u00a5(]{0,3}[\d.\\])[^*_\n]{0,60}?(?:[\d$)}%]|\\[a-z]{2,9}\s?))(?P=mark)"
    r"(?=\s[A-Za-z(\u00b0]|\s?[\u3400-\u9fff])",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^(?P<mark>[*_#>\s]{0,6})(?:(?:final\s)?answer\*{0,2}\s-\s(?=[-*$\\({\d.A-Za-z])|ans(?:\s?[:=]|\.\s?:?\s)\s?)",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = r"[*$\\(]{0,4}-?\d[\d.,/]{0,20}(?<![.,/])\\?%?[*$\\)]{0,4}"
_GOT = re.compile(
    r"(?:^|[.!\n]\s{0,3})(?P<lead>(?:(?:and\s)?(?:so|thus|hence|therefore|then|finally),?\s)?(?:I|we)\s(?:get|got|obtain|obtained)"
    r"|soln?\.?\s?:)\s?(?P<said>" + _NUMBER + r")[.!\s*]{0,4}$",
    re.IGNORECASE,
)  # fmt: skip
_HEAD = re.compile(
    r"[\s*_#>]{0,8}(?:(?:so|thus|hence|therefore|then),?\s)?(?:(?:the|my|our|its|all|both|two|three)\s){0,2}"
    r"(?:(?:final|correct|real|complex|integer|exact)\s){0,2}(?:answers?(?:\s(?:is|are))?"
    r"|(?:solutions?|roots?|zeros|zeroes)\s(?:of\s(?:the|this)\s\w{1,12}\s)?(?:is|are))\s?[*_]{0,3}:[*_\s]{0,6}",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"\s{0,8}(?:(?P<bullet>[-*+\u2022])|(?P<number>\d{1,2})[.)])\s{1,4}(?P<said>\S.{0,79})"
    r"|\s{0,8}(?P<open>\\\[|\$\$)(?P<shown>.{1,79})(?:\\\]|\$\$)[.,;]?\s{0,8}"
)
_JOINT = re.compile(r"[\s,;.]{1,3}(?:(?:and|or)[\s,]{0,2})?$")
_MOST = 12


def rewritten(text: str) -> str:
    """Return a reply without the emphasis and the labels that hide its answer from the readers."""
    if "*" in text or "__" in text:
        text = _EMPHASIS.sub(r"\g<said>", text)
    if "\\boxed" in text:
        return text
    text = _LABEL.sub(r"\g<mark>Answer: ", text)
    got = _GOT.search(text, max(0, len(text) - 120))
    if got and "answer" not in text.casefold():
        return text[: got.start("lead")] + f"Answer: {got['said']}"
    return _headed(_listed(text))


def _headed(text: str) -> str:
    """Write the few words under the heading "Answer", which end a text, behind it."""
    lines = text.rstrip().split("\n")
    while len(lines) > 2 and not lines[-2].strip():
        del lines[-2]
    if len(lines) < 2 or not lines[-2].lstrip().startswith(("#", "**")):
        return text
    if len(lines[-1].split()) > 3 or any(sign.isdigit() for sign in lines[-1]):
        return text
    if lines[-2].strip(" #*_:").casefold() not in ("answer", "final answer", "the answer"):
        return text
    return "\n".join([*lines[:-2], f"Answer: {lines[-1].strip()}"])


def _listed(text: str) -> str:
    """Write the list that ends a text, under "Answer:" or "The solutions are:", in one line."""
    lines = text.rstrip().split("\n")
    items: list[str] = []
    marks: list[str] = []
    while lines and len(items) <= _MOST:
        item = _ITEM.fullmatch(lines[-1])
        if item is None and lines[-1].strip():
            break
        lines.pop()
        if item is not None:
            items.insert(0, unwrapped(_JOINT.sub("", item["said"] or item["shown"])))
            marks.insert(0, item["number"] or item["bullet"] or item["open"])
    ordered = marks == [str(n + 1) for n in range(len(marks))]
    if not items or not lines or not (ordered or (len(set(marks)) == 1 and not marks[0].isdigit())):
        return text
    if not _HEAD.fullmatch(lines[-1]) or not all(_is_value(item) for item in items):
        return text
    return "\n".join([*lines[:-1], "Answer: " + ", ".join(items)])


def _is_value(item: str) -> bool:
    return any(one.kind != "words" and not (one.items and not one.brackets) for one in read(item))
