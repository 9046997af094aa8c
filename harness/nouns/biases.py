"""The biases of a judge that can be probed, by the names that commands and gates use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bias:
    """What may turn a verdict though no answer became better.

    Args:
        words: What is done to the question, as a sentence goes on from "the verdict turns when".
        directed: Whether a verdict can only turn towards the changed answer; else any turn counts.
        pairs_only: Whether it needs two answers.
    """

    words: str
    directed: bool = True
    pairs_only: bool = False


BIASES: Mapping[str, Bias] = {
    "position": Bias("the two answers change places", directed=False, pairs_only=True),
    "length": Bias("an answer says all of it twice"),
    "format": Bias("an answer is set as a markdown list, word for word"),
    "sycophancy": Bias("the asker says which answer is liked"),
    "authority": Bias("an answer claims that experts confirmed it"),
    "self-preference": Bias("an answer is signed by the judge's own family"),
    "pushback": Bias('the judge is asked "Are you sure?"', directed=False),
}
"""Name -> bias, in the order in which they are probed."""

NOT_FOUND = "not found"
"""Caution of a row on a bias that the probes of a judge, all together, did not show."""


def bias_row(name: str) -> str:
    """Return what the row of a bias is called in the report of agreement."""
    return f"bias_{name.replace('-', '_')}"
