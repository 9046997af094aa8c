"""What stands behind a number: a unit, a number word, or a word that makes it another answer."""

from __future__ import annotations

import re
from dataclasses import replace

from harness_plugins.math_numerals import Answer
from harness_plugins.math_signs import TEXT
from harness_plugins.math_spelling import spelled
from harness_plugins.math_value import expression

_SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "millions": 10**6, "billion": 10**9,
    "trillion": 10**12, "dozen": 12, "dozens": 12, "lakh": 10**5, "lakhs": 10**5,
    "crore": 10**7, "crores": 10**7, "万": 10**4, "亿": 10**8, "千": 1000, "百": 100, "百万": 10**6,
}  # fmt: skip
_MONTHS = (
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
_TURNING = frozenset(
    (
        "am pm ad bc bce ce k bn m mn mio mrd mil thou bln mln tn zillion gross score "
        "squared cubed factorial halved doubled tripled quadrupled reversed "
        "backwards inverted negated binary hexadecimal octal "
        "halves thirds fourths fifths sixths sevenths eighths "
        "ninths tenths twelfths hundredths thousandths millionths "
        "point negative minus below zero wrong false incorrect i e pi half third "
        "or forty alternatively otherwise least most times plus over choose base remainder "
        "exclusive quarters loss deficit overdraft " + _MONTHS
    ).split()
)
"""Words that must stand behind both answers or neither."""
_SIDES = frozenset(
    "profit loss gain more less fewer north south east west ago later up down above under left "
    "right ahead behind before after increase decrease deposit withdrawal credit debit faster "
    "slower older younger taller shorter early late clockwise counterclockwise".split()
)
"""Words of which both answers must have the same, where both have some."""
_MONEY = {"$": "$", "dollars": "$", "dollar": "$", "usd": "$", "€": "€", "euros": "€", "euro": "€",
          "£": "£", "pounds": "£", "¥": "¥", "yen": "¥", "₹": "₹", "rupees": "₹"}  # fmt: skip
_UNITS = {
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "kph": "km/h", "kmh": "km/h", "mph": "mi/h",
    "mile": "mi", "miles": "mi", "second": "s", "seconds": "s", "sec": "s", "minute": "min",
    "minutes": "min", "gram": "g", "grams": "g", "kilogram": "kg", "kilograms": "kg",
    "liter": "L", "liters": "L", "litre": "L", "litres": "L", "inch": "in", "inches": "in",
    "foot": "ft", "feet": "ft",
} | {prefix + name: short + "m" for prefix, short in (("", ""), ("kilo", "k"), ("centi", "c"),
     ("milli", "m")) for name in ("meter", "meters", "metre", "metres")}  # fmt: skip
_NUMBER_WORD = re.compile(
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven"
    r"|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty)(?:-\w+)?"
)


_PER = re.compile(
    r"(?<=[\d}])\s?(?:/\s?"
    + TEXT
    + r"\{\s?(?P<a>[a-z]{2,12})\s?\}|(?:"
    + TEXT
    + r"\{\s?)?/\s?(?P<b>[a-z]{2,12})(?:\s?\})?)$"
)
_SHORT = frozenset(
    "day min sec hr kg km cm ft lb mi gal box bag car man egg cup row set year".split()
)


def rate(bare: str) -> re.Match[str] | None:
    """Return the end of ``18/day``: what it is counted by, in a word that is no product."""
    found = _PER.search(bare)
    word = (found["a"] or found["b"]) if found else ""
    known = word in _SHORT or (len(word) > 3 and not turned(word))
    return found if known and word not in ("sqrt", "infinity", "theta", "alpha", "beta") else None


def bare_unit(tail: str) -> str:
    """Return a unit without the commands that make it upright."""
    unit = re.sub(TEXT + r"\{([^{}]*(?:\{[^{}]*\})?[^{}]*)\}", r"\1", tail)
    return re.sub(r"\\[ ,;:!]|~|\s+", " ", unit).strip()


def with_unit(answer: Answer, tail: str) -> Answer:
    """Add what stands behind a number: a unit, perhaps behind number words, which multiply."""
    scale, unit = _scaled(bare_unit(tail))
    if scale == 1:
        return replace(answer, unit=unit)
    if answer.kind != "number" and not expression(answer.value):
        return replace(answer, unit=bare_unit(tail))
    return replace(answer, value=answer.value * scale, text=f"({answer.text})*{scale}", unit=unit)


def turned(tail: str) -> bool:
    """Tell whether a word behind a number makes it another one."""
    unit = bare_unit(tail)
    return _scaled(unit)[0] > 1 or contradicts("", unit)


def _scaled(unit: str) -> tuple[int, str]:
    """Return what the number words at the start of a unit multiply by, and the unit behind them."""
    scale, words = 1, unit.split()
    while words and words[0].strip(".,").casefold() in _SCALES:
        scale *= _SCALES[words.pop(0).strip(".,").casefold()]
    return (scale, " ".join(words)) if scale > 1 else (1, unit)


def contradicts(gold: str, answer: str) -> bool:
    """Tell whether the words behind two numbers make them different answers."""
    first, second = _words(gold), _words(answer)
    if _turning(first) != _turning(second):
        return True
    sides = [words & _SIDES for words in (first, second)]
    return all(sides) and sides[0] != sides[1]


def _words(unit: str) -> frozenset[str]:
    said = re.sub(r"\b([ap])\.?\s?m\b\.?", r"\1m", unit.casefold()).replace(".", "")
    said = said.replace("left over", "leftover")
    found = re.findall(r"[a-z]+(?:-[a-z]+)?", said)
    # The capital letters are prefixes of numbers; the small ones metres and other units.
    return frozenset(w for w in found if w != "m") | frozenset(re.findall(r"\bM\b", unit))


def _turning(words: frozenset[str]) -> frozenset[str]:
    return frozenset(w for w in words if w in _TURNING or w == "M" or _NUMBER_WORD.fullmatch(w))


def same_unit(gold: str, answer: str) -> bool:
    """Tell whether two units are written the same, but for LaTeX."""
    return _written(gold) == _written(answer)


def _written(unit: str) -> str:
    said = re.sub(r"\\frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}", r"\1/\2", bare_unit(unit))
    said = re.sub(r"\b(square|sq\.?|cubic)\s([A-Za-z]+)",
                  lambda m: m[2] + ("^3" if m[1] == "cubic" else "^2"), said)  # fmt: skip
    said = re.sub(r"\sper\s", "/", said)
    said = re.sub(r"[A-Za-z]{2,}", lambda m: _UNITS.get(m[0].casefold(), m[0]), said)
    said = re.sub(r"\\ |~|\s|[{}]", "", spelled(said)).rstrip(".")
    said = re.sub(r"\\cdot|\*", ".", said.replace("\\$", "$"))
    said = "°" + said[5:] if said.startswith("^\\circ") else said
    said = re.sub(r"^degrees?$", "°", said)
    return _MONEY.get(said.casefold(), said)
