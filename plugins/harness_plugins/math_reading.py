r"""Read one mathematical answer as a whole: numerals, words, lists, measures and formulas.

What is not understood to its last letter is not read at all.
"""

from __future__ import annotations

import re
from dataclasses import replace

from harness_plugins.math_formulas import SHORT, WORD, formula
from harness_plugins.math_numerals import Answer, decimal_comma, number, written
from harness_plugins.math_signs import TEXT, brackets, depth, plain, split, unwrapped

LONGEST = 4000
"""Letters of an answer; what is longer is none."""
_DEEPEST = 60
_UNIT_WORDS = (
    r"(?:[A-Za-zµ\u00c0-\u024f]{2,}\.?|[mslghLNJWVKCFTdP])"
    r"(?:\s*\^\s*\{?-?\d\}?|(?<=m)[23])?"
)
_UNIT_END = re.compile(
    r"(?P<space>[\s~]|\\[ ,;:!]|\\quad)*"
    r"(?:" + TEXT + r"\{(?P<braced>[^{}\d]*[A-Za-zµ\u00c0-\u024f][^{}\d]*)\}"
    r"|(?P<bare>" + _UNIT_WORDS + r"(?:(?:\s+|\s*/\s*)" + _UNIT_WORDS + r"){0,4}))"
    r"(?:\s*\^\s*\{?-?\d\}?)?\s*$"
)
"""A unit, from its first letter on to the end."""
_NO_UNIT = frozenset(
    "pi infinity inf and or sin cos tan cot sec csc log ln exp sqrt theta alpha beta to not is "
    "maybe perhaps but nor".split()
)
_GLUED = frozenset(
    "km cm mm kg mg ml mL min hr hrs ft mph kmh Hz kHz lb lbs oz st nd rd th m s g h L".split()
)
_GLUED_UNIT = re.compile(r"(.*\d)\s*([A-Za-z]{1,3})(?:\d|\s*\^\s*\{?\d\}?)?")
_PERCENT = re.compile(
    r"(?:\s|\\[ ,;]|[}$*])*(?:" + TEXT + r"\{\s*)?"
    r"(?:\\?%|(?:percent|per cent|percentage|pct)\b)\s*\}?"
)
_BEFORE_UNIT = re.compile(
    r"(?<=[\d}\)])(?:\s+(?=[A-Za-zµ])|[\s~]*(?:\\[ ,;:]\s*)?(?=" + TEXT + r"\{))"
)
_DEGREES = re.compile(r"\^\s?(?:\\circ|\{\s?\\circ\s?\})\s?(?:\\?(?:text|mathrm)?\s?\{?[CFK]\}?)?$")
_PERCENT_END = re.compile(
    r"(?:\s|\\[ ,;]){0,5}(?:"
    + TEXT
    + r"\{\s?)?(?:\\?%|(?:percent|per cent|percentage|pct)\b)\s?\}?$"
)
_LIST_NAME = re.compile(
    r"([A-Za-z](?:_\{?\w+\}?)?(?:\([A-Za-z]\))?|\(\s*[A-Za-z](?:\s*,\s*[A-Za-z]){1,5}\s*\))"
    r"\s*(?:=|\\in(?![a-z]))"
)
_EQUALS = re.compile(r"(?<![<>!=\\])=(?![=<>])")


def read(text: str, reference: bool = False) -> list[Answer]:
    """Return the ways in which a text is one answer, the likeliest first; none if it is not.

    Args:
        text: An answer, perhaps wrapped in dollar signs, boxes or emphasis.
        reference: Whether it is a reference: there, ``5m`` is 5 times m and not five metres.
    """
    if len(text) > LONGEST or depth(text) > _DEEPEST:
        return []
    bare = unwrapped(plain(text))
    if not bare:
        return []
    found = _one(bare)
    found += decimal_comma(bare)
    if not reference and (glued := _GLUED_UNIT.fullmatch(bare)):
        value = number(glued[1])
        if value and glued[2] in _GLUED:
            found.append(replace(value, text=bare, unit=glued[2]))
    return found


def percent_after(text: str) -> bool:
    """Tell whether a percent sign, or the word, comes next."""
    return _PERCENT.match(text) is not None


def _one(bare: str) -> list[Answer]:
    for reader in (_percentage, number, written, _words, _named, _list, _measured, _formula):
        if (answer := reader(bare)) is not None:
            return [answer]
    return []


def _value(bare: str) -> Answer | None:
    return number(bare) or _formula(bare)


def _percentage(bare: str) -> Answer | None:
    end = _PERCENT_END.search(bare)
    found = _value(unwrapped(bare[: end.start()])) if end and end.start() else None
    return None if found is None or found.items else replace(found, text=bare, percent=True)


def _words(bare: str) -> Answer | None:
    inner = re.sub(TEXT + r"\{([^{}$\\]*)\}", r" \1 ", bare)
    in_text = inner != bare and re.fullmatch(r"(?:" + TEXT + r"\{[^{}$\\]*\}\s*)+", bare)
    said = " ".join(inner.split()).strip(" .!?\"'").casefold()
    said = re.sub(r"^\(([^()]*)\)$", r"\1", said)
    if not WORD.search(said) or (not in_text and re.search(r"[\\^_{}=<>+*/\d$]", said)):
        return None
    words = WORD.findall(said)
    long = any(len(word) > 3 or word in SHORT for word in words)
    if in_text or long or not said.isascii():
        joined = {"and", "or"} & set(words)
        listed = "," in said or ";" in said or joined
        return None if listed and not in_text else Answer(bare, "words", said)
    return Answer(bare, "words", said) if len(said) == 1 else None


def _named(bare: str) -> Answer | None:
    r"""A list with a name: ``x \in \{1, 2\}``, ``(x, y) = (5, 8)``."""
    match = _LIST_NAME.match(bare)
    if match is None:
        return None
    found = _list(bare[match.end() :].strip())
    if found is None or not found.brackets:
        return None
    return replace(found, name=re.sub(r"\s", "", match[1]))


def _list(bare: str) -> Answer | None:
    around, inner = brackets(bare)
    parts = split(inner, in_brackets=bool(around))
    if len(parts) < 2:
        if around == "{}" and inner.strip():
            builder = re.match(r"\s*[A-Za-z]\s*(?:\\mid|\||:)", inner)
            found = _one(unwrapped(inner[builder.end() :] if builder else inner))
            if found and builder:
                return replace(found[0], text=bare)
            return Answer(bare, "list", None, tuple(found), "{}") if found else None
        return None
    items: list[Answer] = []
    for part in parts:
        found = _one(unwrapped(part))
        if not found:
            return None
        both = found[0].items and "\\pm" in part and not found[0].brackets
        items += found[0].items if both and around in ("", "{}") else found
    said = [item for item in items if item.kind == "words" and len(item.value) > 1]
    if not around and any(len(said) < len(items) or " " in item.value for item in said):
        if not any("\\text" in item.text for item in said):
            return None  # a sentence
    return Answer(bare, "list", None, tuple(items), around)


def _measured(bare: str) -> Answer | None:
    """A value and its unit."""
    for start in _unit_starts(bare):
        end = _UNIT_END.match(bare, start)
        if end is None:
            continue
        unit = (end["braced"] or end["bare"] or "").strip(" ~")
        if _NO_UNIT & set(re.findall(r"[a-z]+", unit.lower())):
            continue
        found = _value(unwrapped(bare[:start]))
        if found is not None and not found.items:
            return replace(found, text=bare, unit=unit)
    degrees = _DEGREES.search(bare)
    found = _value(unwrapped(bare[: degrees.start()])) if degrees else None
    return None if found is None or found.items else replace(found, text=bare, unit="°")


def _unit_starts(bare: str) -> list[int]:
    """Places at which a unit may begin: behind a value, the first first; few."""
    return [match.start() for match in _BEFORE_UNIT.finditer(bare)][-6:]


def _formula(bare: str) -> Answer | None:
    if re.search(r"\\[pm]m(?![a-z])", bare):
        return _both_signs(bare)
    value = formula(bare)
    if value is None:
        return None
    equals = _EQUALS.search(bare)
    return Answer(bare, "formula", value, name=bare[: equals.start()].strip() if equals else "")


def _both_signs(bare: str) -> Answer | None:
    """Read a plus-minus as the list of its two values."""
    items = []
    for plus, minus in ("+-", "-+"):
        text = re.sub(r"\\pm(?![a-z])", plus, re.sub(r"\\mp(?![a-z])", minus, bare))
        item = number(text.strip()) or _formula(text)
        if item is None:
            return None
        items.append(item)
    return Answer(bare, "list", None, tuple(items))
