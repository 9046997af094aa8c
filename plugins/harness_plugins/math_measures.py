r"""Read a value and its unit: ``24 km``, ``36\pi \text{ cm}^2``, ``10x\text{ dollars}``."""

from __future__ import annotations

import re
from dataclasses import replace

from harness_plugins.math_context import NO_MEASURE, taken_back
from harness_plugins.math_equations import value_of
from harness_plugins.math_formulas import WORD
from harness_plugins.math_numerals import Answer
from harness_plugins.math_signs import TEXT, unwrapped
from harness_plugins.math_units import bare_unit, rate, with_unit

_UNIT_WORDS = (
    r"(?:[A-Za-zµ\u00c0-\u024f]{2,}\.?|[mslghLNJWVKCFTdP])"
    r"(?:\s*\^\s*\{?-?\d\}?|(?<=m)[23])?"
)
_POWER = r"(?:\s*\^\s*(?:-?\d|\{\s*-?\d\s*\}))?"
_ATOM = (
    r"(?:" + TEXT + r"\{(?:[^{}\d^]|\^(?:-?\d|\{-?\d\})){1,200}\}|\\Omega(?![A-Za-z])"
    r"|\\mu(?![A-Za-z])\s*(?=\\))" + _POWER
)
_UNIT_END = re.compile(
    r"(?:[\s~]|\\[ ,;:!]|\\quad)*"
    r"(?:" + _ATOM + r"(?:\s*(?:/|\\cdot|\\times|\*|\\,|\\ |)\s*" + _ATOM + r"){0,4}"
    r"|\\d?frac\s*\{\s*" + _ATOM + r"\s*\}\s*\{\s*" + _ATOM + r"\s*\}"
    r"|" + _UNIT_WORDS + r"(?:(?:\s+|\s*/\s*)" + _UNIT_WORDS + r"){0,4}"
    r")" + _POWER + r"\s*$"
)
"""A unit, from its first letter on to the end."""
_NO_UNIT = frozenset(
    "pi infinity inf and or sin cos tan cot sec csc log ln exp sqrt theta alpha beta to not is "
    "maybe perhaps but nor at an by as".split()
)
_BEFORE_UNIT = re.compile(
    r"(?<=[\w}\)])(?:(?:[\s~]|\\[ ,;:])+(?=[A-Za-zµ])"
    r"|[\s~]*(?:\\[ ,;:]\s*)?(?=" + TEXT + r"\{|\\(?:Omega|mu)(?![A-Za-z])|\\d?frac\s*\{\s*"
    + TEXT + r"\{))"
)  # fmt: skip
_DEGREES = re.compile(r"\^\s?(?:\\circ|\{\s?\\circ\s?\})\s?(?:\\?(?:text|mathrm)?\s?\{?[CFK]\}?)?$")
_FUNCTION = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc|cis)(?![a-z])")
_DIGIT_BEFORE = re.compile(r"[\d})]$")
_MULTIPLE = re.compile(
    r"(?:\\(?:pi|theta|alpha|beta|lambda)\s?|(?:(?<=[\d\s})])|^)[A-Za-z]{1,2})(?:\s|~|\\[,;: ])*$"
)
_NO_WORD = (NO_MEASURE | {"only", "even", "odd", "mod", "integer", "real", "otherwise"}) - {
    "in", "per", "each", "a", "of"
}  # fmt: skip
_LETTERS = frozenset("mglsnjwvakcft")
_SHORT = frozenset("cm mm km nm kg mg ft mi yd sq".split())
_DOLLARS = re.compile(
    r"\s*\$(?P<of>[^$]{1,200}(?:\\[a-z]{2,6}|[A-Za-z])\s?)\$[*_]{0,2}\s+"
    r"(?P<unit>[A-Za-z][A-Za-z.]{0,15}(?:[\s/][A-Za-z]{1,15}){0,3})(?P<power>\s?\^\{?-?\d\}?)?[\s.*]{0,4}"
)


def upright(text: str) -> str:
    r"""Write a unit behind dollar signs as LaTeX does: ``$36\pi$ cm`` says no product."""
    found = _DOLLARS.fullmatch(text)
    if found is None or set(found["unit"].casefold().split()) & (_NO_UNIT | _NO_WORD):
        return text
    return f"${found['of']}\\text{{ {found['unit']}}}{found['power'] or ''}$"


def _is_multiple(bare: str, start: int, said: set[str]) -> bool:
    """Tell whether a multiple of pi, or of a letter, stands before a place, and a unit behind."""
    before, behind = bare[:start], bare[start:].lstrip("\\,;:! ~")
    if not _MULTIPLE.search(before) or not re.search(r"\d|\\pi|\\sqrt", before) or said & _NO_WORD:
        return False
    if any(len(word) == 1 and word not in _LETTERS for word in said):
        return False
    first = re.match(r"[A-Za-z]+", behind)
    return first is None or behind.startswith("\\") or len(first[0]) > 3 or first[0] in _SHORT


def measured(bare: str) -> Answer | None:
    """A value and its unit."""
    if (end := rate(bare)) and (found := value_of(unwrapped(bare[: end.start()]))):
        return None if found.items else replace(found, text=bare, unit=end[0])
    for start in [match.start() for match in _BEFORE_UNIT.finditer(bare)][-6:]:
        end = _UNIT_END.match(bare, start)
        if end is None:
            continue
        words = bare_unit(bare[start:])
        if not WORD.search(words) and "\\" not in words:
            continue
        said = set(re.findall(r"[a-z]+", words.lower()))
        if _NO_UNIT & said or taken_back(" " + words):
            continue
        if not _DIGIT_BEFORE.search(bare[:start]) and not _is_multiple(bare, start, said):
            continue
        found = value_of(unwrapped(bare[:start]))
        if found is not None and not found.items:
            return with_unit(replace(found, text=bare), bare[start:])
    degrees = None if _FUNCTION.search(bare) else _DEGREES.search(bare)
    found = value_of(unwrapped(bare[: degrees.start()])) if degrees else None
    if found is None or found.items or degrees is None:
        return None
    return replace(found, text=bare, unit=bare_unit(degrees[0]))
