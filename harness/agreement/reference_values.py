"""What equals the answer of a reference, and what surely does not: read without any verifier.

Only what is beyond doubt is written another way: a number, a fraction, a percentage, an amount with
a unit, a set in braces, a sum of two terms. Of every other reference only the answer itself and
other answers are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

_UNITS: Mapping[str, tuple[str, int]] = {
    "km": ("m", 1000), "m": ("cm", 100), "cm": ("mm", 10), "kg": ("g", 1000),
    "g": ("mg", 1000), "h": ("min", 60), "min": ("s", 60), "L": ("mL", 1000),
}  # fmt: skip
"""A unit -> a smaller one, and how many of it make the unit."""

_OTHER_WORDS = ("Atlantis", "Zanzibar")
_OTHER_NUMBERS = ("123457", "-98.5")
_OPPOSITES = (("yes", "no"), ("true", "false"))
_WIDE = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))
Texts = Mapping[str, tuple[str, ...]]
_DIGITS_OF_DECIMALS = 6
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a reference.

    Args:
        text: As it stands in the reference.
        wrong: Other answers of its kind; none equals it, and they differ from each other.
        same: Family of equal forms -> texts that say the same.
        parts: Texts of which the answer is only a part.
        cut: The answer without its end, where that is another one.
    """

    text: str
    wrong: tuple[str, ...]
    same: Texts = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    cut: str = ""


def answer_of(reference: Any) -> Answer | None:
    """Return the answer of a reference: of a worked solution what follows ``####``.

    None where it is no text or number, or a long one.
    """
    if isinstance(reference, bool) or not isinstance(reference, str | int | float):
        return None
    text = str(reference).rsplit("####", 1)[-1].strip()
    if text.startswith("$") and text.endswith("$") and len(text) > 2:
        text = text.strip("$")
    if not text or len(text) > _LONGEST or "\n" in text:
        return None
    return _amount(text) or _members(text) or _sum(text) or _word(text)


def _amount(text: str) -> Answer | None:
    """Read a number with a unit, a percentage, an amount of dollars, or a bare number."""
    if text.startswith(("$", "\\$")):
        rest = text.removeprefix("\\").removeprefix("$")
        found = _number(rest)
        same: Texts = {"other units": (f"{rest} dollars", f"{rest} USD")}
        return found and _with(found, text, lambda number: f"${number}", same)
    if text.endswith("%"):
        rest = text.removesuffix("%").removesuffix("\\").strip()
        found = _number(rest)
        same = {"other units": (f"{rest} percent", f"{rest}\\%")}
        return found and _with(found, text, lambda number: f"{number}%", same)
    number, _, unit = text.partition(" ")
    if unit in _UNITS:
        found = _number(number)
        smaller, times = _UNITS[unit]
        value = _decimal(_value(number) * times) if found else ""
        same = {"other units": (f"{value} {smaller}",) if value else ()}
        return found and _with(found, text, lambda number: f"{number} {unit}", same)
    return _number(text)


def _with(found: Answer, text: str, dress: Callable[[str], str], more: Texts) -> Answer:
    same = {family: tuple(map(dress, texts)) for family, texts in found.same.items()}
    wrong, parts = (tuple(map(dress, texts)) for texts in (found.wrong, found.parts))
    return Answer(text, wrong, {**same, **more}, parts, found.cut and dress(found.cut))


def _number(text: str) -> Answer | None:
    try:
        value = _value(text)
    except (ValueError, ZeroDivisionError):
        return None
    plain = text.replace(",", "")
    over = "/" in text or "frac" in text
    if over:
        up, down = _fraction(text)
        wrong = tuple(f"{up + more}/{down}" for more in (down, 2 * down))
    else:
        wrong = tuple(_moved(plain, more) for more in (1, 2, 10))
    if value:
        wrong += (f"-{text}" if value > 0 else text.lstrip("-\N{MINUS SIGN}"),)
    cut = plain[:-1] if not over and plain.lstrip("-").isdigit() and abs(value) > 9 else ""
    parts = (f"at least {text}", f"{text} + 1", f"{text} to {wrong[1]}", f"{text} or more")
    return Answer(text, wrong, _notations(text, plain, value, over), parts, cut)


def _notations(text: str, plain: str, value: Fraction, over: bool) -> dict[str, tuple[str, ...]]:
    decimal, forms = _decimal(value), []
    digits: tuple[str, ...] = ()
    if over:
        up, down = _fraction(text)
        forms = [f"{up}/{down}", f"\\frac{{{up}}}{{{down}}}", decimal]
    else:
        digits = (f"{plain}0", f"{plain}00") if "." in plain else (f"{plain}.0", f"{plain}.00")
        if value.denominator > 1 and abs(value) < 1:
            sign = "-" * (value < 0)
            forms.append(f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}")
        if value.denominator == 1 and abs(value) >= 1000:
            forms += [f"{int(value):,}", str(int(value)), f"{int(value):,}".replace(",", "{,}")]
        if plain.startswith("-"):
            forms.append(f"\N{MINUS SIGN}{plain[1:]}")
        elif plain.isdigit():
            forms.append(plain.translate(_WIDE))
    others = dict.fromkeys(form for form in forms if form and form != text)
    return {"other notation": tuple(others), "more digits": digits}


def _value(text: str) -> Fraction:
    if "/" in text or "frac" in text:
        return Fraction(*_fraction(text))
    whole, dot, part = text.partition(".")
    groups = whole.removeprefix("-").split(",")
    if len(groups) > 1 and not all(len(g) == 3 for g in groups[1:]):
        raise ValueError(text)
    if not all(g.isascii() and g.isdigit() for g in [*groups, *([part] if dot else [])]):
        raise ValueError(text)
    return Fraction(text.replace(",", ""))


def _fraction(text: str) -> tuple[int, int]:
    """Return numerator and denominator of a fraction, plain or in LaTeX; the sign is above."""
    sign = -1 if text.startswith("-") else 1
    text = text.removeprefix("-")
    for head in ("\\frac{", "\\dfrac{", "\\tfrac{"):
        if text.startswith(head) and text.endswith("}"):
            text = text.removeprefix(head)[:-1].replace("}{", "/", 1)
    up, _, down = text.partition("/")
    if not (up.isascii() and up.isdigit() and down.isascii() and down.isdigit()):
        raise ValueError(text)
    return sign * int(up), int(down)


def _moved(plain: str, more: int) -> str:
    """Return a number with the same digits behind the point, moved by its last one."""
    part = plain.partition(".")[2]
    step = Fraction(more, 10 ** len(part))
    value = Fraction(plain) + step
    return f"{float(value):.{len(part)}f}" if part else str(int(value))


def _decimal(value: Fraction) -> str:
    """Return a number with all of its decimals; nothing where they do not end soon."""
    scaled = value * 10**_DIGITS_OF_DECIMALS
    if scaled.denominator != 1 or abs(scaled) > 10**15:
        return ""
    written = f"{float(value):.{_DIGITS_OF_DECIMALS}f}".rstrip("0").rstrip(".")
    return written if Fraction(written) == value else ""


def _members(text: str) -> Answer | None:
    """Read a set in braces, which has no order, and a tuple, which has one."""
    for opening, closing in (("\\{", "\\}"), ("{", "}"), ("(", ")")):
        if not (text.startswith(opening) and text.endswith(closing)):
            continue
        inside = text.removeprefix(opening).removesuffix(closing)
        members = [member.strip() for member in inside.split(",")]
        if len(set(members)) < 2 or len(set(members)) != len(members):
            return None
        try:
            values = [_value(member) for member in members]
        except (ValueError, ZeroDivisionError):
            return None
        if len(set(values)) != len(values):
            return None
        more = str(int(max(values)) + 1), str(int(max(values)) + 2)
        wrong = [[*members[:-1], new] for new in more]
        turned = [members[::-1]] + ([[*members[1:], members[0]]] if len(members) > 2 else [])
        same: dict[str, tuple[str, ...]] = {}

        def told(names: Sequence[str], ends: tuple[str, str] = (opening, closing)) -> str:
            return f"{ends[0]}{', '.join(names)}{ends[1]}"

        if opening == "(":
            wrong += turned
        else:
            same = {"reordered": tuple(map(told, turned))}
        return Answer(text, tuple(map(told, wrong)), same, (), told(members[:-1]))
    return None


def _sum(text: str) -> Answer | None:
    """Read a sum of two terms with letters, such as ``x^2 + 1``."""
    if any(sign in text for sign in "=<>,()-|") or "\\" in text or text.count("+") != 1:
        return None
    left, right = (term.strip() for term in text.split("+"))
    if not left or not right or left == right or not any(c.isalpha() for c in text):
        return None
    wrong = f"{text} + 1", f"{text} + 2", f"2{left}{right}" if right.isalpha() else f"{text} + 3"
    return Answer(text, wrong, {"reordered": (f"{right} + {left}",)}, (), left)


def _word(text: str) -> Answer:
    """Return what is known of a word, a letter or a formula: itself, and others."""
    bare = text.strip("()")
    if len(bare) == 1 and bare in "ABCDE":
        others = [letter for letter in "ABCDE" if letter != bare]
        return Answer(text, tuple(text.replace(bare, other) for other in others[:3]))
    low = text.lower()
    for pair in _OPPOSITES:
        if low in pair:
            other = pair[1 - pair.index(low)]
            other = other.upper() if text.isupper() else other
            other = other.capitalize() if text.istitle() else other
            return Answer(text, (other, "unknown"))
    cut = text[: len(text) // 2] if len(text) > 3 and text.isalpha() else ""
    wrong = _OTHER_WORDS if text.replace(" ", "").isalpha() else _OTHER_NUMBERS
    return Answer(text, wrong, cut=cut)
