"""Where equations between numbers stand in a text: runs of numbers and signs, read as tokens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness_plugins.written_numbers import CURRENCIES, VULGAR, plain

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
    r"(?P<number>\d{1,300}+(?:,\d{3}(?!\d)){0,100}+(?:\.\d{1,300}+)?"
    r"(?:e[-+\u2212]?\d{1,2}(?!\w|\.\d))?(?![.,]?\d)"
    r"|(?<![\w.])\.\d{1,300}+(?!\.?\d))"
    rf"|(?P<vulgar>[{''.join(VULGAR)}])"
    rf"|(?P<latex>(?:{'|'.join(map(re.escape, _LATEX))})(?![a-zA-Z])|\bsqrt(?=\s?\())"
    r"|(?P<power>\*\*(?=\s?[\d(])|\^)"
    rf"|(?P<raised>[{''.join(_RAISED)}])"
    rf"|(?P<factorial>!(?=[ \t]?[{re.escape(''.join(_SIGNS))}\\]))"
    rf"|(?P<sign>[{re.escape(''.join(_SIGNS))}])"
    r"|(?P<by>x(?=[(.\d\u221a])|(?<=\s)x(?=\s[-(]?[(.\d\u221a]))"
    rf"|(?P<word>\b(?:{'|'.join(_WORDS)})\b(?=\s{{1,3}}[-(\u2212.\d\u221a{''.join(VULGAR)}]))"
    r"|(?P<blank>[ \t\u00a0\u2009\u202f]++)"
    r"|(?P<brace>[{}])"
    r"|(?P<other>[^\W\d_]++|\d++|.|\n)",
    re.IGNORECASE,
)
_VALUE = re.compile(rf"\s?[\d(.\u221a\\{''.join(VULGAR)}-]")
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
_CENT = re.compile(r"(?<=\d)[ \t]?[\u00a2\uffe0]")
_SIDES = re.compile(r"[=\u2248]+")
_IN_CENTS = re.compile(r"\d[ \t]?[\u00a2\uffe0]|\bcents?\b", re.IGNORECASE)
_MONEY = re.compile(rf"\\?[{re.escape(CURRENCIES)}]")
_COINS = re.compile(rf"[{re.escape(CURRENCIES)}]|\b(?:dollars?|euros?|usd|eur)\b", re.IGNORECASE)
_LONGEST_PART = 12
"""Tokens of a fraction: ((3)/(4))."""
_ALONE = re.compile(r"[-\u2212]?\d[^\n=]{0,80}(?:\n|\Z)")
_LABEL = re.compile(
    r"(?:step|day|week|month|year|hour|part|case|option|question|problem|example|number|row|line"
    r"|group|person|team|round|game|class|room|box|item|type|level|stage|chapter|page|section"
    r"|figure|table|equation|grade|plan|size|version|child|student|store|player)s?\Z",
    re.IGNORECASE,
)
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


@dataclass(frozen=True, slots=True)
class Run:
    """Tokens that stand together.

    Args:
        sides: Split at the signs of equality.
        begins: Whether nothing before belongs to the first side.
        ends: Whether nothing after belongs to the last side.
    """

    sides: list[list[str]]
    begins: bool
    ends: bool


def prepared(text: str) -> str:
    """Return a text in which what only decorates numbers is gone, and what is spelled is plain."""
    if "\u00a2" in text or "\uffe0" in text:
        text = _without_cents(text)
    text = _MIXED.sub(_mixed, _MONEY.sub("", _NOTED.sub(_noted, text)))
    text = _ENVIRONMENT.sub("\n", plain(text).replace("\\\\", "\n"))
    text = _MARKER.sub("", text)
    text = _OPENED.sub(r"\1", _STRONG.sub(r" \1 ", text))
    text = _SPACING.sub(" ", text)
    for _ in range(3):
        text = _WRAPPED.sub(r" \1 ", _FRAC.sub(r"((\1)/(\2))", text))
    return text


def _without_cents(text: str) -> str:
    """Return a text without the signs of cents in equations that are in cents on all sides."""
    if _COINS.search(text):
        return text  # 100 cents are 1 dollar
    lines = text.split("\n")
    for number, line in enumerate(lines):
        sides = _SIDES.split(line)
        if len(sides) > 1 and all(map(_IN_CENTS.search, sides)):
            lines[number] = _CENT.sub("", line)
    return "\n".join(lines)


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


def runs_of(text: str) -> Iterator[Run]:
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
            new = [word.replace(",", "").replace("\u2212", "-").lower()]
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
            if word.lower() == "of":  # 10% of 50, 3/4 of 12
                new = ["*"] if value == "%" or _is_part(side) else None
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
                yield Run(sides, begins, _ends(text, found.start(), word, last))
            begins, braces, worded = _begins(text, found, word), 0, False
            sides = [[]]
        elif new == ["="]:
            if side or len(sides) == 1:  # == is =
                sides.append([])
        else:
            side += new
        last = new[-1] if new else word
    if len(sides) > 1:
        yield Run(sides, begins, True)


def _is_part(side: Sequence[str]) -> bool:
    """Tell whether a side ends with a part of something: a fraction, or a decimal below 1."""
    tail = side[-_LONGEST_PART:]
    begin = len(tail) - (3 if tail[-2:-1] == ["/"] else 1)
    depth = 0
    if tail[-1:] == [")"]:
        for begin in range(len(tail) - 1, -1, -1):
            depth += (tail[begin] == ")") - (tail[begin] == "(")
            if not depth:
                break
    before = begin + len(side) - len(tail) - 1
    if depth or begin < 0 or (before >= 0 and side[before] not in ("+", "-", "*", "(")):
        return False  # 12 / 1/2 of 6
    part = [token for token in tail[begin:] if token not in ("(", ")")]
    if len(part) == 1:
        return part[0].startswith(("0.", ".")) and "e" not in part[0]
    whole = all(number.isdigit() for number in part[::2])
    return whole and part[1::2] in (["/"], ["+", "/"])


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
