r"""One spelling for what LaTeX writes in many ways: ``\frac\pi4`` and ``\frac{\pi}{4}``."""

from __future__ import annotations

import re

from harness_plugins.math_signs import TEXT, closing, plain, unwrapped

_DECIMAL = re.compile(r"(?<=\d)\{,\}(?=\d)(?:(?!\d{3}(?!\d))|(?<=(?<!\d)0\{,\}))")
"""A comma that groups no three digits, and so begins decimal places: ``3{,}14``."""
_NAMES = (
    "arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|log|ln|exp|max|min|gcd|lcm|det"
)
_NAMED = re.compile(r"\\(?:operatorname\*?|text|mathrm)\s?\{\s?(" + _NAMES + r")\s?\}")
_SWITCH = re.compile(
    r"\\(?:bf|it|rm|tiny|small|normalsize|large|Large|LARGE|huge|Huge|textstyle|displaystyle"
    r"|bfseries|centering|limits|nolimits)(?![A-Za-z{])|\\color\s?\{\w{1,20}\}"
    r"|\\textcolor\s?\{\w{1,20}\}(?=\s?\{)|\\(?:tag\*?|hspace\*?|label)\s?\{[^{}]{0,20}\}"
    r"|\\(?:blacksquare|checkmark|hfill|v?phantom\{[^{}]{0,20}\})(?![A-Za-z])"
    r"|\\(?:[Ll]arge|LARGE|[Hh]uge|small)(?=\s?\{)"
)
_FONT = re.compile(
    r"\\(?:math(?:bf|sf|tt|it|rm|ord)|text(?:bf|sf|tt|it)?|emph|underline)\s?\{\s?(-?[\d.,]{1,40})\s?\}"
)
_ROWS = re.compile(r"(?:\\left\\\{)?\s?\\begin\{(cases|aligned|gathered|array)\}(?:\{\w+\})?(.*)"
                   r"\\end\{\1\}\s?(?:\\right\.?)?", re.DOTALL)  # fmt: skip
_TWO = re.compile(r"\\(?:[dtc]?frac|[dt]?binom)(?![A-Za-z])")
_ARGUMENT = re.compile(r"\s*(\\[A-Za-z]+|\\.|[^\s{}\\])")
_LEAD = re.compile(
    r"(?:\\(?:therefore|approx|implies|Rightarrow|boldsymbol|(?:max|min)\s*=)(?![A-Za-z])\s*|=\s*(?!=)"
    r"|" + TEXT + r"\{(?:[^{}\d]{0,60}(?:\b(?:is|are|equals|be)|[=:])\s*|\s*)\}\s*"
    r"|" + TEXT + r"\{[^{}\d]{1,60}\}\s*=\s*)"
)
_TRAIL = re.compile(r"\s?" + TEXT + r"\{[\s.,;!]{0,9}\}$|\s?\\square$|\s?\\qed$")
_BLANK = re.compile(r"\\[ ,;:!>]|~|\\q?quad(?![A-Za-z])|\s+")
_UNIFIED = (
    (re.compile(r"\\(?:left|right|[Bb]igg?[lr]?)(?![A-Za-z])\.?"), ""),
    (re.compile(r"\\[dtc]frac(?![A-Za-z])"), r"\\frac"),
    (re.compile(r"\\([gl])eq(?:slant)?(?![A-Za-z])"), r"\\\1e"),
    (re.compile(r"\\neq(?![A-Za-z])"), r"\\ne"),
    (re.compile(r"\\lt(?![A-Za-z])"), "<"),
    (re.compile(r"\\gt(?![A-Za-z])"), ">"),
    (re.compile(r"\\(?:mid|vert)(?![A-Za-z])"), "|"),
    (re.compile(r"\\bmod(?![A-Za-z])"), r"\\pmod"),
    (re.compile(r"\\varnothing(?![A-Za-z])"), r"\\emptyset"),
    (re.compile(r"(?:\\operatorname\*?\s?|" + TEXT + r")\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\top(?![A-Za-z])"), "T"),
    (re.compile(r"\\d?dots(?:c|b|o)?(?![A-Za-z])|\\[lc]dots(?![A-Za-z])"), "..."),
)


def tidy(text: str) -> str:
    """Take off fonts, colours, introductions and full stops; give arguments their braces."""
    text = _DECIMAL.sub(".", text)
    if "\\" not in text:
        text = text.strip()
        quoted = re.fullmatch(r"([\"'])([^\"']+)\1", text)
        text = quoted[2] if quoted else text
        return _LEAD.sub("", text, count=1) if text.startswith("=") else text
    text = _SWITCH.sub("", text)
    text = re.sub(r"\\ce\s?\{([^{}]*)\}", r"\\text{\1}", text)
    text = re.sub(r"\\bigcup(?![A-Za-z_])", r"\\cup", text)
    text = re.sub(r"\\\\\s?\[\s?-?[\d.]{1,5}\s?(?:pt|ex|em|mm|cm)\s?\]", r"\\\\ ", text)
    text = (
        re.sub(r"^(\\begin|.*\\end)\{smallmatrix\}", r"\1{pmatrix}", text, flags=re.DOTALL)
        if (text.startswith("\\begin{smallmatrix}"))
        else text
    )
    text = re.sub(r"(\\begin|\\end)\{([pbvBV]?)smallmatrix\}", r"\1{\2matrix}", text)
    text = _NAMED.sub(r"\\\1 ", text)
    text = re.sub(r"\\lg(?![A-Za-z])", r"\\log_{10}", text)
    text = re.sub(r"\\mathbb\s([A-Z])", r"\\mathbb{\1}", text)
    text = re.sub(r"\\degree(?![A-Za-z])", r"^\\circ", text)
    text = re.sub(r"\\colon(?![A-Za-z])|\\!:\\!|\{:\}", ":", text)
    text = re.sub(r"\\not\s?=", r"\\ne ", text)
    text = re.sub(r"\\(arcsin|arccos|arctan|sinh?|cosh?|tanh?|cot|sec|csc|ln|log)"
                  r"(\^\{\d\}|\^\d)(?=[A-Za-z\\(])", r"\\\1\2 ", text)  # fmt: skip
    text = _FONT.sub(r"\1", text)
    text = re.sub(TEXT + r"\{\s?,\s?\}", ", ", text)
    text = _system(text)
    text = re.sub(r"^(\w{1,9})\s?\\choose\s?(\w{1,9})$", r"\\binom{\1}{\2}", text)
    text = re.sub(r"\{\s?(\w{1,9})\s?\\choose\s?(\w{1,9})\s?\}", r"\\binom{\1}{\2}", text)
    text = _braced(text).strip()
    for _ in range(3):
        text = _TRAIL.sub("", text).strip()
        match = _LEAD.match(text)
        if match and match.end() < len(text):
            text = text[match.end() :]
    return text


def _system(text: str) -> str:
    """Write equations under each other as a list."""
    match = _ROWS.fullmatch(text.strip())
    if match is None:
        return text
    rows = [row.replace("&", "").strip() for row in match[2].split("\\\\") if row.strip()]
    whole = all(re.fullmatch(r"[A-Za-z]\w?\s?=[^=<>]+", row) for row in rows)
    return r"\text{ and }".join(row.rstrip(",;. ") for row in rows) if whole else text


def _braced(text: str) -> str:
    r"""Write the two arguments of ``\frac`` and ``\binom`` in braces."""
    made, start = [], 0
    for match in _TWO.finditer(text):
        if match.start() < start:
            continue
        made.append(text[start : match.end()])
        start = match.end()
        arguments: list[str] = []
        place = start
        for _ in range(2):
            inner = _braces(text, place)
            if inner is None:
                one = _ARGUMENT.match(text, place)
                if one is None or one[1] in ("$", "&", "="):
                    break
                arguments.append("{" + one[1] + "}")
                place = one.end()
            else:
                arguments.append(text[inner[0] : inner[1]])
                place = inner[1]
        if len(arguments) == 2 and not any(_TWO.search(one) for one in arguments):
            made += arguments
            start = place
    return "".join([*made, text[start:]])


def _braces(text: str, place: int) -> tuple[int, int] | None:
    while place < len(text) and text[place].isspace():
        place += 1
    if text[place : place + 1] != "{":
        return None
    end = closing(text[: place + 400], place)
    return (place, end + 1) if end > place else None


def spelled(text: str) -> str:
    """Return the normal spelling of an answer: two that share it are the same letter by letter."""
    text = unwrapped(tidy(unwrapped(plain(text[:4000]))))
    text = re.sub(r"(?<!\\)\$", "", text)
    for pattern, other in _UNIFIED:
        text = pattern.sub(other, text)
    text = re.sub(r"(?<=\d)(?:,\\!|\{,\})\s*(?=\d{3})", ",", text)
    text = re.sub(r",(?:\\[ ,;:>]|~|\s)+(?=\d{3}(?!\d))", ",\0", text)
    text = re.sub(r"(?<=\d)(?:\\[ ,;:!>]|~|\s|\\q?quad)+(?=\d)", "\0", text)
    text = _BLANK.sub("", text).replace("\0", " ")
    before = None
    while before != text:
        before, text = text, re.sub(r"(?<!\\)\{(\w(?=\}(?!\d))|\\[A-Za-z]+)\}", r"\1", text)
    if re.fullmatch(r"\{[^{}\\]*\}", text):
        text = text[1:-1]
    return text.rstrip(".")
