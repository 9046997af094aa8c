"""Verifier of steps: every equation that the response states between numbers holds.

A process reward: it looks at the way, not at the answer, so it needs no reference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import factorial, isqrt

from harness.plugin import UNIT, Item, Response, SourceFactory, hookimpl, verifier
from harness_plugins.written_numbers import CURRENCIES, VULGAR, plain

MOST = 120
"""Tokens of one side of an equation that is read."""
_LARGEST = 40
"""Factorial that is read."""
_DIGITS = 20
"""Of a root that is no fraction."""

_WORDS = {
    "times": "*", "multiplied by": "*", "plus": "+", "minus": "-", "divided by": "/",
    "of": "*", "equals": "=", "is equal to": "=", "is": "=", "makes": "=", "gives": "=",
}  # fmt: skip
_SIGNS = {
    **dict.fromkeys("*\u00d7\u00b7\u22c5\u2219\u2715\u2716\u2217", "*"),
    **dict.fromkeys("/\u00f7\u2215\u2044", "/"),
    **dict.fromkeys("-\u2212\u2013\u2010\u2011\ufe63\uff0d", "-"),
    **dict.fromkeys("+\uff0b", "+"),
    **dict.fromkeys("=\u2248\u2245\u2243\u2250\uff1d", "="),
    **dict.fromkeys("([\uff08", "("),
    **dict.fromkeys(")]\uff09", ")"),
    "\u221a": "root", "%": "%",
}  # fmt: skip
_LATEX = {
    r"\times": "*", r"\cdot": "*", r"\ast": "*", r"\div": "/", r"\approx": "=",
    r"\simeq": "=", r"\cong": "=", r"\doteq": "=", r"\sqrt": "root", r"\%": "%",
}  # fmt: skip
_RAISED = {
    "\u00b2": "2", "\u00b3": "3", **{chr(0x2070 + i): str(i) for i in (0, 4, 5, 6, 7, 8, 9)},
}  # fmt: skip

# Possessive and of bounded length, so that no text makes it slow.
_TOKEN = re.compile(
    r"(?P<number>\d{1,300}+(?:,\d{3}(?!\d)){0,100}+(?:\.\d{1,300}+)?(?![.,]?\d)"
    r"|(?<![\w.])\.\d{1,300}+(?!\.?\d))"
    rf"|(?P<vulgar>[{''.join(VULGAR)}])"
    rf"|(?P<latex>(?:{'|'.join(map(re.escape, _LATEX))})(?![a-zA-Z])|\bsqrt(?=\s?\())"
    r"|(?P<power>\*\*(?=\s?[\d(])|\^)"
    rf"|(?P<raised>[{''.join(_RAISED)}])"
    rf"|(?P<factorial>!(?=[ \t]?[{re.escape(''.join(_SIGNS))}\\]))"
    rf"|(?P<sign>[{re.escape(''.join(_SIGNS))}])"
    r"|(?P<by>x(?=[(.\d\u221a])|(?<=\s)x(?=\s[-(]?[(.\d\u221a]))"
    rf"|(?P<word>\b(?:{'|'.join(_WORDS)})\b(?=\s{{1,3}}[-(\u2212.\d\u221a]))"
    r"|(?P<blank>[ \t\u00a0\u2009\u202f]++)"
    r"|(?P<brace>[{}])"
    r"|(?P<other>[^\W\d_]++|\d++|.|\n)",
    re.IGNORECASE,
)
_VALUE = re.compile(r"\s?[\d(.\u221a\\-]")
_SPACING = re.compile(r"\\(?:[,;:! ]|q?quad\b|left\b|right\b|[bB]igg?[lr]?\b|displaystyle\b)|&")
_WRAPPED = re.compile(r"\\(?:boxed|fbox|mathbf|text|mathrm)\{\s*([^{}\\]{1,40})\s*\}")
_FRAC = re.compile(r"\\[dtc]?frac\s*\{([^{}]{1,60})\}\s*\{([^{}]{1,60})\}")
_MIXED = re.compile(
    r"(?<![\d./,])(\d{1,9})[ \t]?\\[dtc]?frac\s?"
    r"(?:\{\s?(\d{1,9})\s?\}\s?\{\s?(\d{1,9})\s?\}|(\d)(\d))"
    r"|(?<![\d./,])(\d{1,9})[ \t](\d{1,3})/(\d{1,3})(?![\d./,]|[ \t]/)"
)
_NOTED = re.compile(
    r"<<([^<>\n=]{1,100})=([^<>\n=]{1,40})>>[ \t]?\$?(-?\d[\d,]{0,30}(?:\.\d{1,30})?)"
)
"""A calculator's note and the number that the text says after it: 20 - 5 = <<20-5=15>>15."""
_STRONG = re.compile(r"(?<![\w)*])\*\*(?=[^\s*])((?:[^*\n]|\*(?!\*)){1,200})(?<!\s)\*\*(?![\w(*])")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[a-z]{1,20}\*?\}")
_OPENED = re.compile(r"(?<=[=\u2248])([ \t]?)[*_`]{1,3}(?=[-\u2212$]?\d)")
_MONEY = re.compile(rf"\\?[{re.escape(CURRENCIES)}]")
_ALONE = re.compile(r"[-\u2212]?\d[^\n=]{0,80}(?:\n|\Z)")
_LABEL = re.compile(
    r"(?:step|day|week|month|year|hour|part|case|option|question|problem|example|number|row|line"
    r"|group|person|team|round|game|class|room|box|item|type|level|stage|chapter|page|section"
    r"|figure|table|equation|grade|plan|size|version|child|student|store|player)s?\Z",
    re.IGNORECASE,
)
_ROUGHLY = Fraction(1, 50)
_MARKER = re.compile(r"^[ \t>]*+(?:[-*+\u2022][ \t]++|\(?\d{1,3}[.)][ \t]++)", re.MULTILINE)

_BEFORE = frozenset(
    "twice thrice double triple half third quarter of squared cubed root sqrt log ln sin cos tan"
    " exp abs max min mod modulo percent dozen hundred thousand million billion factorial minus"
    " plus times negative over by than power x".split()
)
"""Words after which a number is not where a sum begins."""
_AFTER = frozenset(
    "hundred thousand million billion trillion dozen percent r rem remainder mod modulo squared"
    " cubed k m bn pi e i times factorial".split()
)
"""Words that make another number of the one before them."""


@verifier(name="arithmetic_steps", version="2", scale=UNIT, steps="mean")
def arithmetic_steps(item: Item, response: Response) -> list[bool]:
    """Check each stated equation, such as ``16 - 3 = 13``; abstain where there is none.

    An equation counts where both of its sides are read whole; one with letters, units between its
    numbers, a remainder or signs that are not known is none.
    """
    return [right for run in _runs(_prepared(response.text)) for right in _checked(run)]


@dataclass(frozen=True, slots=True)
class _Run:
    """Tokens that stand together.

    Args:
        sides: Split at the signs of equality.
        begins: Whether nothing before belongs to the first side.
        ends: Whether nothing after belongs to the last side.
    """

    sides: list[list[str]]
    begins: bool
    ends: bool


def _prepared(text: str) -> str:
    text = _MIXED.sub(_mixed, _MONEY.sub("", _NOTED.sub(_noted, text)))
    text = _ENVIRONMENT.sub("\n", plain(text).replace("\\\\", "\n"))
    text = _MARKER.sub("", text)
    text = _OPENED.sub(r"\1", _STRONG.sub(r" \1 ", text))
    text = _SPACING.sub(" ", text)
    for _ in range(3):
        text = _WRAPPED.sub(r" \1 ", _FRAC.sub(r"((\1)/(\2))", text))
    return text


def _noted(found: re.Match[str]) -> str:
    """Return a calculator's note, and the sum with the number of the text if that is another."""
    sum_, result, said = (part.strip() for part in found.groups())
    note = f"<<{sum_}={result}>>{said}"
    return note if said == result else f"{note}\n{sum_} = {said}"


def _mixed(found: re.Match[str]) -> str:
    """Return a mixed number in brackets."""
    whole, top, bottom = [part for part in found.groups() if part]
    if int(top) < int(bottom):
        return f"({whole}+{top}/{bottom})"
    return found[0]


def _runs(text: str) -> Iterator[_Run]:
    """Yield the runs of numbers and signs in which an equation stands."""
    sides: list[list[str]] = [[]]
    begins, last, braces, worded = True, "", 0, False
    for found in _TOKEN.finditer(text):
        kind, word = str(found.lastgroup), found[0]
        side = sides[-1]
        value = side[-1] if side else ""
        ended = value[:1].isdigit() or value in (")", "%", "!")
        new: list[str] | None = None
        if kind == "blank":
            last = " "
            continue
        if kind == "number":
            new = [word.replace(",", "")]
        elif kind == "vulgar":
            part = VULGAR[word]
            new = ["(", str(part.numerator), "/", str(part.denominator), ")"]
            if value[:1].isdigit() and last == value:
                side.pop()
                new = ["(", value, "+", *new, ")"]
        elif kind == "latex":
            new = [_LATEX.get(word.lower(), "root")]
        elif kind == "factorial":
            new = ["!"] if ended and last == value else None
        elif kind == "power":
            new = ["^"] if ended else None
        elif kind == "raised":
            new = ["^", _RAISED[word]] if ended else None
        elif kind == "sign":
            new = [_SIGNS[word]]
            if new == ["*"] and not (ended and _VALUE.match(text, found.end())):
                new = None
            elif new == ["("] and ended and last == " ":
                new = None  # a remark
        elif kind == "by":
            new = ["*"] if ended else None
        elif kind == "word":
            new = [_WORDS[word.lower()]] if ended else None
            if word.lower() == "of":  # 10% of 50
                new = ["*"] if value == "%" else None
            worded |= new not in (None, ["="])
            if new == ["="] and not (worded or {"+", "*"} & {*side}):
                new = None  # 40% is 240 people
        elif kind == "brace" and (value in ("^", "root") or (braces and word == "}")):
            braces += 1 if word == "{" else -1
            new = ["(" if word == "{" else ")"]
        elif word == "\n" and len(sides) + bool(side) > 1 and _is_joined(text, found.end(), side):
            last = " "
            continue
        if new is None:
            if len(sides) > 1:
                yield _Run(sides, begins, _ends(text, found.start(), word, last))
            begins, braces, worded = _begins(text, found, word), 0, False
            sides = [[]]
        elif new == ["="]:
            if side or len(sides) == 1:  # == is =
                sides.append([])
        else:
            side += new
        last = new[-1] if new else word
    if len(sides) > 1:
        yield _Run(sides, begins, True)


def _is_joined(text: str, end: int, side: Sequence[str]) -> bool:
    """Tell whether an equation goes on behind a line end: with = there, or a lone number."""
    rest = text[end : end + 90].lstrip()
    if side:
        return rest[:1] in ("=", "\u2248")
    return _ALONE.match(rest) is not None


def _begins(text: str, found: re.Match[str], word: str) -> bool:
    """Tell whether a sum may begin after what is no part of one."""
    after = text[found.end() : found.end() + 1]
    if word.isalnum():
        if _LABEL.fullmatch(word):
            return False
        return (after.isspace() and word.lower() not in _BEFORE and len(word) > 1) or word == "a"
    if not word.strip("*_"):  # emphasis
        before = text[max(0, found.start() - 1) : found.start()]
        return not after.isspace() and (not before.strip() or before in "*_(")
    if word in ".,:" and text[max(0, found.start() - 1) : found.start()].isdigit():
        return not after.isdigit()  # 10:30
    return word in "(\n.,;:!?\"'`<>\u201c\u2018\u2192\u21d2#~|\\{" or word.isspace()


def _ends(text: str, start: int, word: str, last: str) -> bool:
    """Tell whether a sum has ended before what is no part of one."""
    if word.isalnum():
        tail = text[start : start + 40]
        unit = re.match(r"[^\W\d_]*+\s?/", tail)
        glued = last != " "
        unknown = glued and (unit or word in "abnxyz")  # 7a/b, 7x
        return not (word.lower() in _AFTER or unknown)
    if word == "*":
        after = text[start + 1 : start + 4].lstrip("*")[:1]
        return last != " " and not (after.isalnum() or after in ("(", "\\"))
    symbol = unicodedata.category(word[0]) in ("So", "Mn", "Cf", "Pd") if word else True
    return symbol or word in "(\n.,;:!?\"'`<>\u201d\u2019\u2192\u21d2#~|\\_}\u00b0)"


def _checked(run: _Run) -> Iterator[bool]:
    """Yield of each two neighbouring sides whether they are equal.

    A sum that begins with the result of the one before it, and is followed by its own, is the
    middle of a chain (5 + 3 = 8 + 2 = 10): there what is not equal is not counted, nor is a slight
    difference of two sums with decimals, which may be rounded. A percent sign on one side only may
    be one that the other side lacks.
    """
    first, last = run.sides[0], run.sides[-1]
    if first.count("(") > first.count(")") and first[0] == "(":
        del first[0]  # it holds more than a side
    if last.count(")") > last.count("(") and last[-1] == ")":
        del last[-1]
    values = [_value_of(side) for side in run.sides]
    if not run.begins:
        values[0] = None
    if not run.ends:
        values[-1] = None
    sums = not all(map(_is_lone, run.sides))
    for number, (left, right) in enumerate(pairwise(values)):
        one, other = run.sides[number : number + 2]
        if left is None or right is None or not sums or one == other:
            continue
        slack = max(_slack(side) for side in (one, other))
        percent = ("%" in one) != ("%" in other)
        holds = abs(left - right) <= slack
        if percent and not holds:
            bare, known = (_value_of([x for x in side if x != "%"]) for side in (one, other))
            holds = bare is not None and known is not None and abs(bare - known) <= slack
        if percent and number == 0 and _is_lone(one) and not holds:
            continue  # 48 = 100% + 20% = 120%
        if holds or not (_is_run_on(left, run.sides[number + 1 :]) or _are_near(one, other)):
            yield holds


def _is_run_on(value: Fraction, sides: Sequence[list[str]]) -> bool:
    """Tell whether a sum that another one follows begins with the result of the one before it."""
    side = sides[0]
    if len(sides) < 2 or _is_lone(side) or not side[0][:1].isdigit() or side[1:2] == ["^"]:
        return False
    return abs(Fraction(side[0]) - value) <= _slack(side[:1])


def _are_near(one: list[str], other: list[str]) -> bool:
    """Tell whether two sums with decimals differ by no more than their rounding may."""
    left, right = _value_of(one), _value_of(other)
    decimals = any("." in token for token in (*one, *other))
    if left is None or right is None or not decimals or _is_lone(one) or _is_lone(other):
        return False
    return abs(left - right) <= _ROUGHLY * max(abs(left), abs(right))


def _is_lone(side: Sequence[str]) -> bool:
    return sum(token not in ("-", "%") for token in side) == 1


def _slack(side: Sequence[str]) -> Fraction:
    """Return by how much a lone number may be off: half of its last digit behind the point.

    The digits of a percentage stand two places farther back.
    """
    decimals = 0
    if _is_lone(side):
        digits = next(token for token in side if token[:1] not in ("-", "%"))
        decimals = len(digits.partition(".")[2]) + 2 * side.count("%")
    return Fraction(1, 2 * 10**decimals) if decimals else Fraction(1, 10**_DIGITS)


def _value_of(side: list[str]) -> Fraction | None:
    """Return what a side comes to; None where it is no sum."""
    if not side or len(side) > MOST:
        return None
    try:
        reading = _Reading(side)
        value = reading.sum()
        return value if reading.at == len(side) else None
    except (ValueError, ZeroDivisionError, RecursionError):
        return None


class _Reading:
    """Reads a side by the usual order of operations."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0

    @property
    def next(self) -> str:
        """The token that comes, empty at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        """Return the token that comes and go on."""
        token = self.next
        self.at += 1
        return token

    def sum(self) -> Fraction:
        """Read sums and differences."""
        value = self.product()
        while self.next in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self) -> Fraction:
        """Read products and quotients; a bracket after a value multiplies."""
        value = self.signed()
        while self.next in ("*", "/", "("):
            if self.next == "(":
                value *= self.power()
            elif self.take() == "*":
                value *= self.signed()
            else:
                value /= self.signed()
        return value

    def signed(self) -> Fraction:
        """Read a value with its sign."""
        if self.next == "-":
            self.take()
            return -self.signed()
        return self.power()

    def power(self) -> Fraction:
        """Read a value and the power to which it is raised."""
        value = self.atom()
        while self.next in ("%", "!"):
            value = value / 100 if self.take() == "%" else _factorial(value)
        if self.next != "^":
            return value
        self.take()
        exponent = -self.power() if self.next == "-" and self.take() else self.power()
        if exponent.denominator != 1 or abs(exponent) > 64:
            raise ValueError("no power that is read")
        if max(abs(value.numerator), value.denominator).bit_length() > 64:
            raise ValueError("too large")
        return value ** int(exponent)

    def atom(self) -> Fraction:
        """Read a number, a root or what stands in brackets."""
        token = self.take()
        if token == "(":
            value = self.sum()
            if self.take() != ")":
                raise ValueError("a bracket is open")
            return value
        if token == "root":
            return _root(self.atom())
        if not token[:1].isdigit() and token[:1] != ".":
            raise ValueError("no number")
        return Fraction(token)


def _factorial(value: Fraction) -> Fraction:
    if value.denominator != 1 or not 0 <= value <= _LARGEST:
        raise ValueError("no factorial that is read")
    return Fraction(factorial(int(value)))


def _root(value: Fraction) -> Fraction:
    if value < 0 or max(value.numerator, value.denominator).bit_length() > 1000:
        raise ValueError("no root")
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Fraction(top, bottom)
    scale = 10 ** (2 * _DIGITS)
    return Fraction(isqrt(value.numerator * scale * scale // value.denominator), scale)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [arithmetic_steps]
