r"""Vectors in their notations: ``\langle 2, -1\rangle``, a column, ``2\mathbf{i} - \mathbf{j}``."""

from __future__ import annotations

import re

from harness_plugins.math_formulas import formula
from harness_plugins.math_numerals import Answer, number

_NAME = re.compile(r"(?:\\(?:vec|mathbf|overrightarrow|boldsymbol|bm)\s?\{\w{1,3}\}|[a-z])\s?=\s?")
_COLUMN = re.compile(
    r"(?:\\left\s?[(\[]\s?)?\\begin\{[pb]?matrix\}(?P<rows>[^{}&]*(?:\{[^{}]*\}[^{}&]*)*)\\end\{[pb]?matrix\}"
    r"(?:\s?\\right\s?[)\]])?"
)
_TURNED = re.compile(
    r"(?:\((?P<a>[^()]*)\)|\\begin\{[pb]matrix\}(?P<b>[^\\]*)\\end\{[pb]matrix\})"
    r"\s?\^\s?\{?\s?(?:T|\\top)\s?\}?"
)
_UNIT = (
    r"\\(?:mathbf|hat|vec|boldsymbol|bm)\s?\{?(?:\\mathbf\s?\{)?\s?(?:\\[ij]math|[ijk])\s?\}{0,2}"
)
_TERM = re.compile(
    r"(?P<sign>[-+]?)(?P<times>\d{1,9}(?:\.\d{1,9})?|\\frac\{\d{1,9}\}\{\d{1,9}\}|\\sqrt\{\d{1,9}\})?(?P<unit>"
    + _UNIT + r")"
)  # fmt: skip


def vector(bare: str) -> Answer | None:
    """Read a row that is turned, ``(1, 2)^T``, or a sum of bold unit vectors."""
    bare_ = _NAME.sub("", bare, count=1)
    match = _TURNED.fullmatch(bare_)
    if match is None and not re.search(r"\\(?:mathbf|boldsymbol|bm)\s?\{\s?[ijk]", bare):
        return None
    items = _items(re.split(r",|&", match["a"] or match["b"])) if match else _along_axes(bare_)
    return Answer(bare, "list", ",", items, "<>") if len(items) > 1 else None


def components(answer: Answer, reference: bool = False) -> tuple[Answer, ...]:
    """Return the components of a vector; nothing of what is none.

    Args:
        answer: What is read.
        reference: Whether it must show that it is a vector, which ``(1, 2)`` does not.
    """
    if answer.kind == "list":
        wanted = ("<>",) if reference else ("<>", "()")
        return answer.items if answer.brackets in wanted else ()
    text = _NAME.sub("", answer.text, count=1).strip()
    if match := _COLUMN.fullmatch(text):
        rows = [row for row in re.split(r"\\\\", match["rows"]) if row.strip()]
        return _items(rows) if len(rows) > 1 else ()
    return _along_axes(text)


def _along_axes(text: str) -> tuple[Answer, ...]:
    text = re.sub(r"\\[ ,;:!]|\s", "", text)
    parts, place = {"i": "0", "j": "0", "k": ""}, 0
    seen: set[str] = set()
    while place < len(text):
        term = _TERM.match(text, place)
        if term is None or (place and not term["sign"]):
            return ()
        axis = re.sub(r"\\[a-z]{3,}(?=\{|[ijk]\b)|\\(?=[ij]math)|math|[{}\\]", "", term["unit"])[-1]
        if axis in seen:
            return ()
        seen.add(axis)
        parts[axis] = term["sign"].replace("+", "") + (term["times"] or "1")
        place = term.end()
    return _items([value for value in parts.values() if value]) if seen else ()


def _items(texts: list[str]) -> tuple[Answer, ...]:
    found = []
    for text in texts:
        bare = text.strip()
        value = number(bare)
        if value is None and (made := formula(bare)) is not None:
            value = Answer(bare, "formula", made)
        if value is None:
            return ()
        found.append(value)
    return tuple(found)
