"""The names of a knowledge base, as far as two ways to write one are the same name."""

from __future__ import annotations

import re
import unicodedata

ARTICLES = frozenset(("a", "an", "the"))
_RAISED = "\u00b2\u00b3\u00b9\u2074\u2075\u2076\u2077\u2078\u2079"
_BEFORE = str.maketrans(
    {**dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-"),
     "\u2260": "!=", "\u226e": "!<", "\u226f": "!>", "&": " and ",
     **{c: f"^{unicodedata.digit(c)}" for c in _RAISED},
     **{chr(c): f" {unicodedata.normalize('NFKC', chr(c)).replace(chr(0x2044), '/')}"
        for c in (0xBC, 0xBD, 0xBE, *range(0x2150, 0x215F))}}
)  # fmt: skip
"""What would be another sign, or none, without its accents."""
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_INITIALS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){1,9}(?:[^\W\d_](?![^\W_]))?+")
_COMPARED = re.compile(r"(?<=[<>\u2264\u2265~\u2248\u00b1])[^\S\n]++(?=[-+.\d$\u20ac\u00a3\u00a5])")
_PERCENT = re.compile(r"(?<=\d)[^\S\n]++(?=%)")
_SYMBOL = re.compile(r"[^\w\s]|_")
_DECIMAL = re.compile(r"(?<![\w.:/-])(\d*+)\.(\d++)(?![\w.:/])")
_MONEY = frozenset(".$\u20ac\u00a3\u00a5")
_KEPT = frozenset("+#<>\u2264\u2265~\u2248\u00b1%$\u20ac\u00a3\u00a5\u00b0^\u221a\u221e@|")


def normal(text: str) -> str:
    """Return a text without case, accents, punctuation, articles and extra white space.

    What changes the sense of an answer stays: signs and decimal points of numbers, comparisons,
    money, percent, times, and names such as C++ and .NET; of an answer that is an article, it, too.
    """
    plain = text.translate(_BEFORE)
    # Accents go first, too: putting a long run of them into order takes quadratic time.
    plain = unicodedata.normalize("NFKD", _without_accents(plain.casefold()))
    plain = _without_accents(plain)
    plain = _INITIALS.sub(lambda found: found[0].replace(".", ""), _THOUSANDS.sub("", plain))
    plain = _PERCENT.sub("", _COMPARED.sub("", _SYMBOL.sub(_symbol, plain)))
    words = _DECIMAL.sub(_decimal, plain).split()
    kept = [
        word
        for number, word in enumerate(words)
        if word not in ARTICLES or (word == "a" and number == len(words) - 1)
    ]
    return " ".join(kept or words)


def _symbol(found: re.Match[str]) -> str:
    """Return a sign as it counts: itself, a blank, or nothing."""
    mark, text = found[0], found.string
    before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
    if mark in "'\u2019\u02bc":
        return "" if before.isalnum() and after.isalnum() else " "
    if mark == "=":
        return " = "
    if mark == "!":
        return mark if after and after in "=<>" else " "
    if mark == ".":
        inside = after.isdigit() and (before.isdigit() or not before.isalnum())
        return mark if inside or (after.isalpha() and (not before or before.isspace())) else " "
    if mark in ":/":
        return mark if before.isdigit() and after.isdigit() else " "
    if mark in "-+" and not before.isalnum() and (after.isdigit() or after in _MONEY):
        return "-" if mark == "-" else ""
    if mark == "-":
        joins = before.isdigit() and after.isdigit()
        word = text[max(0, found.start() - 2) : found.start()]
        grade = before.isalpha() and not (after.isalnum() or word[:-1].isalnum())
        return mark if joins or grade else " "
    return mark if mark in _KEPT else " "


def _decimal(found: re.Match[str]) -> str:
    whole, decimals = found[1] or "0", found[2].rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c for c in text if not unicodedata.combining(c))
