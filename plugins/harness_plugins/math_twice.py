r"""One value that is said in two forms, ``1/4, or 25\%`` and ``0.6 (60\%)``, or with its reckoning.

Where the two are not the same value, nothing is read here.
"""

from __future__ import annotations

import re
from dataclasses import replace

from harness_plugins.math_equations import equal_numbers, value_of
from harness_plugins.math_numerals import Answer
from harness_plugins.math_signs import TEXT, unwrapped
from harness_plugins.math_value import is_number

_GAP = r"(?:\s|\\[ ,;:])"
_TWO = re.compile(
    r"(?P<one>[^()\[\],;=]{1,60}?)(?:,?(?:\s|\\[ ,;:]|" + TEXT + r"\{)+"
    r"(?:or|i\.e\.,?|that\sis,?|equivalently,?|which\sis)(?:,?\sequivalently,?)?"
    r"(?:\s|\\[ ,;:]|\}){1,3}(?P<other>[^,;=]{1,60})"
    r"|" + _GAP + r"+[(\[]\s?(?:(?:or|i\.e\.,?|=)\s)?(?P<inner>[^,;=\[\]]{1,60})[)\]])"
)
_FORM = re.compile(
    r"-?(?:(?P<decimal>\d{0,9}\.\d{1,12})|(?P<whole>\d{1,12})"
    r"|(?P<fraction>\d{1,9}\s?/\s?\d{1,9}|\\[dt]?frac\s?\{\d{1,9}\}\s?\{\d{1,9}\}))"
    r"(?:\s|\\[ ,;:]){0,2}(?P<share>\\?%|percent)?"
)
_RECKONED = re.compile(
    r"-?\d[\d.]{0,12}(?:\s{0,2}(?:\\times(?![a-z])|\\cdot(?![a-z])|[-+*/])\s{0,2}\d[\d.]{0,12}){1,6}|\d{1,2}!"
)


def said_twice(bare: str) -> Answer | None:
    """Return the first of two forms of one value; None where there are no two, or they differ."""
    found = _TWO.fullmatch(re.sub(r"\\[()]", "", bare))
    if found is None:
        return None
    texts = [unwrapped(part) for part in (found["one"], found["other"] or found["inner"] or "")]
    forms = [_FORM.fullmatch(part) for part in texts]
    if forms[0] is None:
        return None
    if forms[1] is not None and _kind(forms[0]) != _kind(forms[1]):
        values = [_value(part) for part in texts]
    elif forms[0]["whole"] and _RECKONED.fullmatch(texts[1]):
        values = [value_of(part) for part in texts]
    else:
        return None
    one, other = values
    if one is None or other is None or not is_number(one) or not is_number(other):
        return None
    if not equal_numbers(one, other):
        return None
    return replace(one, text=bare)


def _kind(form: re.Match[str]) -> str:
    return (
        "%"
        if form["share"]
        else next(kind for kind in ("decimal", "whole", "fraction") if form[kind])
    )


def _value(text: str) -> Answer | None:
    share = re.search(r"(?:\s|\\[ ,;:]){0,2}(?:\\?%|percent)$", text)
    found = value_of(text[: share.start()] if share else text)
    return found if found is None else replace(found, percent=share is not None)
