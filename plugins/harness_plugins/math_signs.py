"""How mathematics is written: one sign of each kind, wrappings, brackets, separators."""

# ruff: noqa: RUF001
from __future__ import annotations

import re

_SIGNS = {
    "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∗": "*", "÷": "/", "∕": "/", "⁄": "/",
    "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\ne ", "≈": r"\approx ",
    "∞": r"\infty ", "π": r"\pi ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ",
    "γ": r"\gamma ", "λ": r"\lambda ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ",
    "∅": r"\emptyset ", "±": r"\pm ", "°": r"^\circ ", "√": r"\sqrt ", "½": r"\frac{1}{2}",
    "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}",
    "⅛": r"\frac{1}{8}", "。": ".", "\u2236": ":",
    "、": ",", "【": "[", "】": "]", "“": '"', "”": '"', "’": "'",
    "\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\ufe63": "-",
    "\u00a0": " ", "\u3000": " ", "\u2009": " ", "\u202f": " ", "\u2007": " ",
    "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "", "\u2060": "",
}  # fmt: skip
_LETTERS = {ord(sign): written for sign, written in _SIGNS.items()}
_LETTERS |= {n: chr(n - 0xFEE0) for n in range(0xFF01, 0xFF5F)}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
TEXT = r"\\(?:text(?:rm|bf|it|normal)?|mathrm|mathbf|mbox|rm|hbox)\s*"
_OPENING = {"(": "(", "[": "[", r"\{": "{", r"\langle": "<", r"\lbrace": "{"}
_CLOSING = {")": ")", "]": "]", r"\}": "}", r"\rangle": ">", r"\rbrace": "}"}
_SIZED = re.compile(
    r"\\(?:left|right|[Bb]igg?[lr]?)(?=\s*(?:[\[\]()]|\\[{}]|\\[lr]angle|\\[lr]brace))\s*"
)
_SEPARATOR = re.compile(
    r"\\[{}]|[\[\](){}]|\\begin\s*\{\w+\*?\}|\\end\s*\{\w+\*?\}|,\\!|\{,\}|,|(?<!\\);"
    r"|"
    + TEXT
    + r"\{\s*,?\s*(?:and|or)\s*\}|(?<![A-Za-z\\])(?:and|or)(?![a-z])|\\(?:quad|qquad)(?![A-Za-z])"
    r"|或|和"
)


_REVERSED = re.compile(
    r"(?:\\left\s?)?([\[\]])([^\[\](){},]{1,40}),([^\[\](){},]{1,40}?)(?:\\right\s?)?([\[\]])"
)


def intervals(text: str) -> str:
    r"""Write intervals whose brackets are turned outwards, ``]0, 1[``, with round ones."""
    parts = re.split(r"(\\cup(?![A-Za-z]))", text)
    found = [_REVERSED.fullmatch(part.strip()) for part in parts[::2]]
    if not all(found) or not any(one[1] == "]" or one[4] == "[" for one in found if one):
        return text
    whole = [
        "(["[one[1] == "["] + one[2] + "," + one[3] + ")]"[one[4] == "]"] for one in found if one
    ]
    return " \\cup ".join(whole)


def plain(text: str) -> str:
    """Write signs of all kinds (full-width, raised, the minus U+2212) as LaTeX does."""
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda m: "^{" + m[0].translate(_RAISED) + "}", text)
    text = re.sub(r"[₀₁₂₃₄₅₆₇₈₉]+", lambda m: "_{" + m[0].translate(_LOWERED) + "}", text)
    text = text.translate(_LETTERS)
    if "\\begin" not in text:
        text = re.sub(r"\\\\(?=[a-zA-Z])", r"\\", text)  # written for a program
    text = re.sub(r"\\boxed\s?(\d|(?<=\s)[A-Za-z])(?!\w)", r"\\boxed{\1}", text)
    text = re.sub(r"\\sqrt \(([^()]*)\)", r"\\sqrt{\1}", text)
    return re.sub(r"\\sqrt (\d+|[A-Za-z])", r"\\sqrt{\1}", text)


def unwrapped(text: str) -> str:
    """Take off what an answer is wrapped in: dollar signs, boxes, emphasis, a full stop."""
    before = None
    while text != before:
        before = text = re.sub(r"^[-•]\s+(?=\*\*)", "", text).strip().strip("`*").strip()
        text = re.sub(r"^\\displaystyle\s*", "", text)
        text = re.sub(r"(?:(?<![\\!])[.,;:]|(?<=\d)\.|\\[,;! ]|\\\\|\\quad)$", "", text)
        for opening, closing in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"),
                                 ("__", "__")):  # fmt: skip
            inner = text[len(opening) : len(text) - len(closing)]
            if text.startswith(opening) and text.endswith(closing) and opening not in inner:
                if len(text) > len(opening) + len(closing):
                    text = inner
        text = _inside(text)
    # What else has dollar signs is formulas in a sentence: ``$1$ and $2$``, ``$125$ miles``.
    return re.sub(r"(?<!\\)\$", "", text) if len(re.findall(r"(?<!\\)\$", text)) > 1 else text


def _inside(text: str) -> str:
    """Return what stands in the one pair of braces, or the one command, that holds a whole text."""
    opened = re.match(
        r"\\(?:boxed|fbox|framebox|mathbf|boldsymbol|bm|mbox|ensuremath)\s*\{|\{", text
    )
    if opened and closing(text, opened.end() - 1) == len(text) - 1:
        return text[opened.end() : -1]
    return text


def closing(text: str, start: int) -> int:
    """Return where the brace that opens at a place closes, or -1."""
    depth, place = 0, start
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == "{":
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if not depth:
                return place
        place += 1
    return -1


def depth(text: str) -> int:
    """Return how deep brackets of any kind are nested, or stand unclosed."""
    depth = deepest = 0
    for letter in text:
        if letter in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in ")]}":
            depth -= 1
    return deepest


def brackets(text: str) -> tuple[str, str]:
    """Return the brackets that hold a whole text, and what stands in them."""
    text = _SIZED.sub("", text)
    for opening, sign in _OPENING.items():
        for shut, other in _CLOSING.items():
            if text.startswith(opening) and text.endswith(shut) and len(text) > len(opening):
                inner = text[len(opening) : -len(shut)]
                if _balanced(inner):
                    return sign + other, inner
    return "", text


def _balanced(inner: str) -> bool:
    depth = 0
    for bracket in re.findall(r"\\[{}]|\\[lr]angle|[\[\](){}]", inner):
        depth += 1 if bracket in ("(", "[", "{", r"\{", r"\langle") else -1
        if depth < 0:
            return False
    return depth == 0


def split(text: str, in_brackets: bool) -> list[str]:
    """Return the parts of a list, at the separators that stand in no brackets of their own."""
    marks: list[tuple[int, int, str]] = []
    depth = 0
    for match in _SEPARATOR.finditer(text):
        sign = match[0]
        if sign in (",\\!", "{,}"):
            continue
        if sign in ("(", "[", "{", r"\{") or sign.startswith("\\begin"):
            depth += 1
        elif sign in (")", "]", "}", r"\}") or sign.startswith("\\end"):
            depth -= 1
        elif depth == 0:
            if sign == "," and not in_brackets and _thousands(text, match.start()):
                continue
            marks.append((*match.span(), sign))
    if any(sign == ";" for _, _, sign in marks):
        marks = [mark for mark in marks if mark[2] not in (",", "\\quad", "\\qquad")]
    parts, start = [], 0
    for begin, end, _ in marks:
        parts.append(text[start:begin])
        start = end
    parts.append(text[start:])
    return [part for part in parts if part.strip(" \t\n\\,;~")]


def _thousands(text: str, place: int) -> bool:
    """Tell whether a comma stands in a number, in a text where other commas have spaces."""
    before, after = text[max(0, place - 20) : place], text[place : place + 5]
    grouped = re.match(r",\d{3}(?!\d)", after) and re.search(r"(?<!\d)\d{1,3}(,\d{3})*$", before)
    return bool(grouped and re.search(r",\s|;|and|or", text))
