r"""Read a formula with math-verify, from inside a ``\boxed{}`` of its own: all or nothing.

Its removal of units is off: it takes ``2t`` for 2.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any

from harness.plugin import MissingExtraError
from harness_plugins.math_signs import TEXT

WORD = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff\u3040-\u9fff\uac00-\ud7af]+")
_COMMAND = re.compile(r"\\(?:begin|end|operatorname\*?|math[a-z]+)\s*\{[A-Za-z]*\}|\\[A-Za-z]+")
FUNCTIONS = frozenset(
    "sin cos tan cot sec csc log exp sqrt arcsin arccos arctan sinh cosh tanh max min gcd lcm mod "
    "det infinity".split()
)
SHORT = frozenset(
    "yes no odd even true false one two six ten red the for not any all are but was has had can "
    "get let our we so it is of in to be at by on if as an my us do up am or and he me go "
    "you".split()
)

_OPAQUE = re.compile(
    r"[A-Za-df-z]\}?\s*\^\s*\{?\s*(?:T(?![A-Za-z_])|\\top|\\dagger|\*|H\b)"
    r"|\^\s*\{?\s*(?:\\top|\\dagger|\\ast)|\\(?:angle|triangle|measuredangle)(?![A-Za-z])|[A-Za-z)}]\s*!!"
    r"|:[^:=]*:"
    r"|\\(?:vec|overrightarrow|mathbf|boldsymbol|bm)\s*(?:\{[^{}]*\}|[A-Za-z])\s*\\(?:times|cdot)(?![A-Za-z])"
)
"""What math-verify drops, or multiplies: transposes, names of angles, double factorials, ratios,
products of vectors."""
_DERIVATIVE = re.compile(
    r"\\[dt]?frac\s*\{\s*(?P<d>d|\\partial|\\mathrm\s*\{d\})(?P<n>\^\s*\{?\d\}?)?\s*"
    r"(?P<of>[A-Za-z])\s*\}\s*\{\s*(?:d|\\partial|\\mathrm\s*\{d\})\s*(?P<by>[A-Za-z])"
    r"\s*(?:\^\s*\{?\d\}?)?\s*\}|(?<![A-Za-z\\])d(?P<of2>[A-Za-z])\s*/\s*d(?P<by2>[A-Za-z])"
    r"(?![A-Za-z])"
)
_DEGREES = re.compile(r"(\d+(?:\.\d+)?)\s*\^\s*(?:\\circ|\{\s*\\circ\s*\})(?:\s*([CFK])\b)?")
_LARGE = re.compile(
    r"\\(?:begin|end|operatorname\*?|math[a-z]+|text)\s?\{[^{}]*\}|\\[A-Za-z]+"
    r"|(?P<large>[A-Z])(?P<under>_\w|_\{\w{1,9}\})?"
)
_CAPITAL = re.compile(
    r"\\(Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega)(?![A-Za-z])(?!\s?(?:_|\(|\\left))"
)
_SUBSCRIPT = re.compile(r"(?<![A-Za-z\\])(?P<of>[IEe])\s?_(?:\{([^{}]*)\}|(\w))")
_UNDER_E = re.compile(r"(?<![A-Za-z\\])([A-Za-z])_(?:([Ee])(?![A-Za-z])|\{([Ee])\})")
_SPELLED = {"I": "i", "E": "q", "e": "e"}
_TIGHT = re.compile(
    r"(?:(?<=[-+=*/(^{])\s?|(?<=[}\d])(?:\s(?=..\^))?|^)(?:at|an|by|am|us|me|my|go|do|up|he|be|as)"
    r"(?=\s?(?:[-+=*/^)}]|$))(?!$(?<=^..))"
)
"""Two letters between the signs of a formula, ``v = at``: a product, and no word."""
_INVERSE = re.compile(r"(?<![A-Za-z\\])([f-hF-H])\s?\^\s?\{\s?-\s?1\s?\}(?=\s?(?:\\left)?\s?\()")
_ORDER = re.compile(r"(?<![A-Za-z\\])([A-Za-z])\s?\^\s?\{\s?\((\w)\)\s?\}")
_DIVISORS = re.compile(
    r"\\(?:gcd|lcm)(?![A-Za-z])(?!\s?(?:\\left\s?)?\([\d\s,+*^-]{1,200}(?:\\right\s?)?\))"
)
_TOWER = re.compile(
    r"(?<!\w)\w+(?:(?:\*\*|\^)-?(?:\d+(?:\.\d+)?|[A-Za-z])){1,9}(?!\d|\.\d|\s?\^|\s?\*\*|_)"
)
"""Powers without braces: of ``x^2y`` the 2 alone, of ``2^10`` all digits."""
_SIDE_BY_SIDE = re.compile(
    r"(?<![\w^.])(\d{1,99}(?:\.\d{1,99})?)\s?(?=(?:\\left\s?)?[(\[])|(\))\s?(?=\(\d+\))"
)
"""Factors without a sign between them: math-verify takes ``2(3)`` for a mixed number."""
_TRIGONOMETRY = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![a-z])")


def _derivatives(text: str) -> str:
    """Write a derivative as a symbol of its own; math-verify evaluates it to 0."""

    def symbol(match: re.Match[str]) -> str:
        order = re.sub(r"\D", "", match["n"] or "1")
        kind = "q" if "partial" in (match["d"] or "") else "d"
        of, by = match["of"] or match["of2"], match["by"] or match["by2"]
        return f"{of}_{{{kind}{order}{by}}}"

    return _DERIVATIVE.sub(symbol, text)


def _symbols(text: str) -> str:
    """Write as symbols of their own what math-verify takes for another one.

    ``I_1`` for I, ``E_1`` for the number, ``f^{-1}(x)`` for a power, ``y^{(3)}`` too, a capital
    Greek letter for the small.
    """
    text = _SUBSCRIPT.sub(lambda m: f"Z_{{{_SPELLED[m['of']]}{m[2] or ''}{m[3] or ''}}}", text)
    text = _UNDER_E.sub(lambda m: f"{m[1]}_{{Z{_SPELLED[m[2] or m[3]]}}}", text)
    text = _ORDER.sub(r"\1_{d\2}", _INVERSE.sub(r"\1_{v}", text))
    return _CAPITAL.sub(r"Z_{\1} ", text)


def _cases(text: str) -> str:
    """Tell capital letters from small ones where both stand: math-verify reads all as small."""
    bare = _COMMAND.sub(" ", text)
    both = {c for c in bare if c.isupper() and c.lower() in bare} - {"E", "I"}
    if not both:
        return text

    def told(match: re.Match[str]) -> str:
        if match["large"] not in both:
            return match[0]
        under = (match["under"] or "").strip("_{ }")
        return match["large"] + "_{V" + under + "} "

    return _LARGE.sub(told, text)


def _in_degrees(text: str) -> str:
    if not _TRIGONOMETRY.search(text):
        return text
    return _DEGREES.sub(r"(\\frac{\1\\pi}{180})", text)


def formula(text: str) -> Any:
    """Return what math-verify makes of a whole formula, or None."""
    text = re.sub(TEXT + r"\{\s*,?\s*(and|or)\s*\}", r" \1 ", text)
    if _OPAQUE.search(text) or _DIVISORS.search(text):
        return None
    if "\\varepsilon" in text and "\\epsilon" not in text:
        text = text.replace("\\varepsilon", "\\epsilon")
    text = _symbols(_derivatives(_cases(text)))
    if re.search(r"\\d?(?:partial|nabla)(?![A-Za-z])|\\frac\s*\{\s*d\s*\}", text):
        return None
    text = re.sub(r"(?<![A-Za-z\\])(pi|sin|cos|tan|cot|sec|csc|log|ln)(?![A-Za-z])", r"\\\1 ", text)
    text = _in_degrees(text)
    text = re.sub(r"(?<![A-Za-z\\])C\((\d+),\s*(\d+)\)", r"\\binom{\1}{\2}", text)
    text = re.sub(r"\\math(?:rm|it)\s*\{([A-Za-z])\}|\\text\{([A-Za-z])\}", r"\1\2", text)
    text = re.sub(r"(?<=\d)(?:\.(?!\d)|\{,\}(?=\d{3}(?!\d)))", "", text)
    text = re.sub(r"([A-Za-z])(?:'|\^\s*\{?\s*\\prime\s*\}?)(?!')", r"\1_{p}", text)
    text = re.sub(r"\\varnothing\b", r"\\emptyset", _towers(text))
    text = re.sub(r"\\(?:quad|qquad)(?![A-Za-z])", " ", text)
    text = _SIDE_BY_SIDE.sub(r"\1\2 \\cdot ", text)
    if "\\boxed" in text or "\\fbox" in text:
        return None
    if re.search(r"\\[lc]?dots|\.\.\.|['\"]|\\prime|\d\s*_|[^\x00-\x7f]|" + TEXT + r"\{", text):
        return None
    if re.search(r"\\circ", text) and re.search(r"\\circ\}?\s*\d", text):
        return None
    if re.search(r"(?<![_\d^])\d+(?:\\[ ,;:]|~|\\q?quad|\s)+\d", text):
        return None
    if re.search(r"\d{4}-\d\d?-\d\d?", text):
        return None
    if is_prose(text):
        return None
    found = _parser()("\\boxed{" + text + "}")
    return None if not found or isinstance(found[0], str) else found[0]


def _towers(text: str) -> str:
    """Write powers of powers, ``9**9**9``, with the braces that math-verify needs."""

    def braced(match: re.Match[str]) -> str:
        first, *powers = match[0].replace("**", "^").split("^")
        return first + "".join("^{" + power for power in powers) + "}" * len(powers)

    return _TOWER.sub(braced, text).replace("**", "^")


def is_prose(text: str) -> bool:
    """Tell whether words stand in what should be a formula; names of points are none."""
    bare = re.sub(TEXT + r"\{[^{}]*\}|_\s*\{[^{}]*\}", " ", text)
    bare = _TIGHT.sub(" ", bare)
    return any(
        (len(word) > 3 or word.lower() in SHORT) and word not in FUNCTIONS and not word.isupper()
        for word in WORD.findall(_COMMAND.sub(" ", bare))
    )


def ready() -> None:
    """Import math-verify, and keep it from warning that its alarms are off, once a process."""
    try:
        import math_verify  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("math_verify", "math") from error
    logging.getLogger("math_verify").setLevel(logging.ERROR)


@cache
def _parser() -> Any:
    ready()
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse

    rules = NormalizationConfig(
        basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="all"
    )
    configs = [LatexExtractionConfig(boxed_match_priority=0, normalization_config=rules)]
    return lambda text: parse(text, configs, extraction_mode="first_match", parsing_timeout=None)
