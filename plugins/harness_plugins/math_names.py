"""Names that an answer may choose: of a function, and of the constant of an integral."""

from __future__ import annotations

import re
from dataclasses import replace

from harness_plugins.math_formulas import formula
from harness_plugins.math_numerals import Answer

_CONSTANT = re.compile(r"\+\s?([A-DKck])(_\{?\d\}?)?\s?$")


def defined(gold: Answer, answer: Answer) -> Answer:
    """Read ``y(x) = x^2``, or ``f(x) = x^2``, as ``y = x^2`` where the gold answer is, and back."""
    if answer.kind == gold.kind == "formula":
        of, to = re.sub(r"\s", "", answer.name), re.sub(r"\s", "", gold.name)
        right = answer.text.partition("=")[2]
        known = re.search(r"(?<![A-Za-z\\])x(?![A-Za-z])", right) and "y" not in right
        if known and {of, to} == {"y", "f(x)"} and "=" not in right and right.strip():
            text = f"{gold.name}={right}"
            return replace(answer, text=text, name=gold.name, value=formula(text))
    head = re.match(r"([A-Za-z])\s?\(([a-z])\)\s?=", answer.text)
    if head is None or gold.name != head[1] or answer.kind != "formula":
        return answer
    if head[2] not in re.sub(r"\\[a-z]+", "", gold.text.partition("=")[2]):
        return answer
    text = f"{head[1]}={answer.text[head.end() :]}"
    return replace(answer, text=text, name=head[1], value=formula(text))


def integrated(gold: Answer, answer: Answer) -> Answer:
    """Give the constant at the end of an answer, ``+ K``, the name of the gold answer's."""
    wanted, found = (_CONSTANT.search(one.text) for one in (gold, answer))
    if not (wanted and found) or answer.kind != "formula" or wanted[0] == found[0]:
        return answer
    rest = [one.text[: match.start()] for one, match in ((gold, wanted), (answer, found))]
    if any(re.search(rf"(?<![A-Za-z\\])[{wanted[1]}{found[1]}](?![A-Za-z])", one) for one in rest):
        return answer
    text = rest[1] + wanted[0]
    return replace(answer, text=text, value=formula(text))
