r"""Equations of numbers: chains whose links hold, and exact values beside their roundings.

Of ``x = 3 + 4 = 8 = 7`` nothing is an answer, nor of ``\frac13 \approx 0.433``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from harness_plugins.math_formulas import formula, is_prose
from harness_plugins.math_letters import event
from harness_plugins.math_numerals import Answer, number
from harness_plugins.math_signs import TEXT, brackets, split, unwrapped
from harness_plugins.math_size import too_large
from harness_plugins.math_units import bare_unit, same_unit, with_unit
from harness_plugins.math_value import is_number, near, numeric, rounds_to, sympy_value

_MOST = 16
"""Sides of an equation; what has more is not looked at, and so no answer."""
_ABOUT = r"\\(?:approx|simeq|doteq|sim)(?![A-Za-z])|(?<=\s)~(?=\s)"
_EQUALS = r"(?<![<>!=\\:])=(?![=<>])"
_LINK = re.compile(rf"(?P<about>{_ABOUT})|(?P<equal>{_EQUALS})|(?P<open>\\?\{{|[(\[])|\\?\}}|[)\]]")
_GROUPED = re.compile(r"(?<=\d)(?:,|\{,\}|,\\!|\\,)(?=\d{3}(?!\d))")
_NAME = re.compile(r"\\?[A-Za-z](?:_\{?\w+\}?)?|\\?[A-Za-z]{1,9}\([^()]*\)|[A-Z]{2,3}")
_DOTS = re.compile(r"\s?(?:\\[lc]?dots(?:c|b|o)?|\.\.\.)$")
_UNIT = re.compile(
    r"(?:\\[ ,;:!]|[\s~]){0,5}(" + TEXT + r"\{[^{}]*\}(?:\s?\^\s?\{?-?\d\}?)?"
    r"|\^\s?(?:\\circ|\{\s?\\circ\s?\}))$|(?<=[\d}])\s{1,5}([A-Za-z]{1,20}(?:\^\d)?)$"
)
_FUNCTION = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc|cis)(?![a-z])")
_SHARE = re.compile(r"(?:\\[ ,;]|\s){0,5}\\?%$")


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of an equation that is a number, with what it is said to be.

    Args:
        value: The number.
        about: Whether a sign of approximation stands before it.
        cut: Whether its digits go on.
    """

    value: Answer
    about: bool
    cut: bool


def value_of(bare: str) -> Answer | None:
    """Read a numeral or a formula."""
    return number(bare) or chain(bare) or formula_of(bare)


def formula_of(bare: str) -> Answer | None:
    """Read a formula; a plus-minus is a list of two."""
    if re.search(r"\\[pm]m(?![a-z])", bare):
        return _both_signs(bare)
    sides = [side for _, side in _sides(bare)][:-1]
    name = next((side for side in sides if _balanced(side)), "")
    right = bare[len(name) :].strip().removeprefix("=").strip()
    if event(name):
        what = value_of(right)
        return None if what is None else replace(what, text=bare, name=name)
    value = formula(bare)
    if value is None:
        return None
    return Answer(bare, "formula", value, name=name)


def _balanced(text: str) -> bool:
    return all(text.count(one) == text.count(other) for one, other in ("()", "{}"))


def _both_signs(bare: str) -> Answer | None:
    """Read a plus-minus as the list of its two values."""
    items = []
    for plus, minus in ("+-", "-+"):
        text = re.sub(r"\\pm(?![a-z])", plus, re.sub(r"\\mp(?![a-z])", minus, bare))
        item = number(text.strip()) or formula_of(text)
        if item is None:
            return None
        items.append(item)
    return Answer(bare, "list", None, tuple(items))


def chain(bare: str) -> Answer | None:
    """Several values that are said to be equal, and are: the last one counts."""
    parts = [part for _, part in _sides(bare)]
    if len(parts) < 2 or re.search(r"[<>]|\\(?:[lg]eq?|neq?)(?![A-Za-z])", bare):
        return None
    values = [found for part in parts if (found := number(part) or formula_of(part)) is not None]
    numbers = [one for one in values if is_number(one)]
    if len(values) < len(parts) - 1 or (len(parts) == 2 and (len(numbers) < 2 or "\\$" in bare)):
        return None  # sums of money may be in two currencies
    if len(values) < len(parts) and not is_number(values[-1]) and is_prose(parts[0]):
        return None
    name = parts[0] if len(parts) == 2 or not is_number(values[0]) else ""
    return replace(values[-1], text=bare if len(parts) == 2 else values[-1].text, name=name)


def ungrouped(bare: str) -> str:
    """Write ``500 + 500 = 1,000`` without the comma; nothing of what may be a list."""
    text = _GROUPED.sub("", bare)
    return "" if text == bare or re.search(r"[,;(\[{]", text) or len(_sides(text)) < 2 else text


def rounding(bare: str) -> tuple[str, str, bool] | None:
    """Return an exact value, what it is rounded to, and whether a sign of approximation says so."""
    if _parts(bare) > 1:
        return None
    sides, places = _sides(bare), list(_links(bare))
    for link, (_, left), (about, right) in zip(places, sides, sides[1:], strict=False):
        one, other = _side(left), _side(right)
        cut = _DOTS.search(right) is not None
        if about and left == "e" and other and rounds_to(formula("e"), other, about=True):
            one = Answer("e", "formula", formula("e"))
        if one is None or (other is None and not cut):
            continue
        if about or cut or (other is not None and not equal_numbers(one, other)):
            return bare[: link.start()].strip(), bare[link.end() :].strip(), about or cut
    return None


def named_about(bare: str) -> str:
    r"""Write ``x \approx 5`` as ``x = 5``; nothing of other texts."""
    if _parts(bare) > 1 or rounding(bare) or not any(link["about"] for link in _links(bare)):
        return ""
    return re.sub(_ABOUT, "=", bare)


def _parts(bare: str) -> int:
    return len(split(_spaced(bare), in_brackets=False))


def _spaced(bare: str) -> str:
    """Take off the commas and gaps of LaTeX that part nothing."""
    return re.sub(r"\\[,;:!]", " ", _GROUPED.sub("", bare))


def false_link(bare: str) -> bool:
    """Tell whether two numbers that are said to be equal, or about it, are not."""
    if "\\begin" in bare or "mod" in bare or not re.search(rf"{_ABOUT}|{_EQUALS}", bare):
        return False
    around, inner = brackets(_spaced(bare))
    parts = split(inner, in_brackets=bool(around))
    if len(parts) > 1:
        return any(false_link(part.strip()) for part in parts)
    sides = _sides(inner)
    if len(sides) < 2:
        return False
    if len(sides) > _MOST:
        return True
    if any(false_link(side) for _, side in sides if side[:1] in ("(", "\\", "[")):
        return True
    known = [_numbers(side, about) for about, side in sides]
    exact: list[_Side] = []
    for found in known:
        if exact and len(exact) == len(found):
            if any(_differ(one, other) for one, other in zip(exact, found, strict=True)):
                return True
        if found and not (exact and (found[0].about or found[0].cut)):
            exact = found
    return False


def _links(bare: str) -> Iterator[re.Match[str]]:
    depth = 0
    for match in _LINK.finditer(bare):
        if match["about"] or match["equal"]:
            if not depth:
                yield match
        else:
            depth += 1 if match["open"] else -1


def _sides(bare: str) -> list[tuple[bool, str]]:
    """Return what stands between the links, and whether it is only said to be about."""
    sides, start, about = [], 0, False
    for match in _links(bare) if "\\begin" not in bare else ():
        sides.append((about, bare[start : match.start()].strip()))
        start, about = match.end(), match["about"] is not None
    return [*sides, (about, bare[start:].strip())]


def _numbers(side: str, about: bool) -> list[_Side]:
    around, inner = brackets(side)
    parts = split(inner, in_brackets=True) if around == "()" else [side]
    values = [(_side(part), bool(_DOTS.search(part))) for part in parts]
    return (
        [_Side(value, about, cut) for value, cut in values if value]
        if all(value for value, _ in values)
        else []
    )


def sides_of(bare: str) -> list[str]:
    """Return what stands between the signs of equality of a text, at any rate all of it."""
    return [side for _, side in _sides(bare)]


@lru_cache(maxsize=256)
def _side(text: str) -> Answer | None:
    text = _DOTS.sub("", unwrapped(text))
    if not text or _NAME.fullmatch(text) or re.search(r"\\[pm]m(?![a-z])|\\pi\s?\(", text):
        return None
    share = _SHARE.search(text)
    unit = None if share or _FUNCTION.search(text) else _UNIT.search(text)
    end = share or unit
    bare = unwrapped(text[: end.start()] if end else text)
    found = number(bare)
    if found is None and (value := formula(bare)) is not None and numeric(value):
        found = Answer(bare, "formula", value)
    if found is None:
        return None
    if share:
        return replace(found, percent=True)
    return with_unit(found, unit[1] or unit[2]) if unit else found


def _differ(one: _Side, other: _Side) -> bool:
    units = [bare_unit(side.value.unit) for side in (one, other)]
    if all(units) and not same_unit(*units):
        return False
    if any("circ" in unit for unit in units) and not all(units):
        return False
    if other.about or other.cut:
        return not rounds_to(_exact(one.value), other.value, about=True, cut=other.cut)
    if equal_numbers(one.value, other.value) or rounds_to(_exact(one.value), other.value):
        return False
    return other.value.kind == "number" or not rounds_to(_exact(other.value), one.value)


def _exact(answer: Answer) -> object:
    value = sympy_value(answer)
    return value / 100 if answer.percent else value


def equal_numbers(one: Answer, other: Answer) -> bool:
    """Tell whether two numbers, perhaps percentages, are one value."""
    values = [_exact(one), _exact(other)]
    large = [too_large(value) for value in values]
    if any(large):
        return all(large)
    return near(values[0], values[1], 20)
