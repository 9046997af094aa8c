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
_FUNCTIONS = frozenset(
    "sin cos tan cot sec csc log exp sqrt arcsin arccos arctan sinh cosh tanh max min gcd lcm mod "
    "det infinity".split()
)
SHORT = frozenset(
    "yes no odd even true false one two six ten red the for not any all are but was has had can "
    "get let our we so it is of in to be at by on if as an my us do up am or and he me go "
    "you".split()
)


def formula(text: str) -> Any:
    """Return what math-verify makes of a whole formula, or None."""
    text = re.sub(TEXT + r"\{\s*,?\s*(and|or)\s*\}", r" \1 ", text)
    text = re.sub(r"\\math(?:rm|it)\s*\{([A-Za-z])\}|\\text\{([A-Za-z])\}", r"\1\2", text)
    text = re.sub(r"(?<=\d)\.(?!\d)", "", text)
    text = re.sub(r"([A-Za-z])(?:'|\^\s*\{?\s*\\prime\s*\}?)", r"\1_{p}", text)
    text = re.sub(r"\\varnothing\b", r"\\emptyset", _towers(text))
    text = re.sub(r"\\(?:quad|qquad)(?![A-Za-z])", " ", text)
    if "\\boxed" in text or "\\fbox" in text:
        return None
    if re.search(r"\\[lc]?dots|\.\.\.|['\"]|\\prime|\d\s*_|[^\x00-\x7f]|" + TEXT + r"\{", text):
        return None
    if re.search(r"\\circ", text) and re.search(r"\\circ\}?\s*\d", text):
        return None
    if re.search(r"\d{4}-\d\d?-\d\d?|(?<![_\d])\d+\s+\d", text):
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

    return re.sub(r"\w+(?:(?:\*\*|\^)\w+){1,9}(?![\w^*])", braced, text).replace("**", "^")


def is_prose(text: str) -> bool:
    """Tell whether words stand in what should be a formula; names of points are none."""
    bare = re.sub(TEXT + r"\{[^{}]*\}|_\s*\{[^{}]*\}", " ", text)
    return any(
        (len(word) > 3 or word.lower() in SHORT) and word not in _FUNCTIONS and not word.isupper()
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
