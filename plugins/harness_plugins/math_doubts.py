"""Answers that are not the reference as it is read, but may be it as it is meant."""

from __future__ import annotations

from harness_plugins.math_chains import is_side
from harness_plugins.math_letters import factors, is_word, letters
from harness_plugins.math_numerals import Answer
from harness_plugins.math_options import MathOptions
from harness_plugins.math_value import sympy_value
from harness_plugins.math_verdicts import equal, may_state, same_value


def doubt(gold: Answer, answer: Answer, options: MathOptions) -> str:
    """Return why nobody can tell whether an answer is the gold one; nothing where it is wrong."""
    if gold.kind == "chain":
        return "the whole chain, or its value" if is_side(gold, answer) else ""
    if is_word(gold):
        both = [sorted(letters(one).casefold()) for one in (gold, answer)]
        same_letters = answer.kind != "words" and both[0] == both[1]
        return "a word, or the product of its letters" if same_letters else ""
    if factors(gold) and same_value(gold, answer, options):
        return "matrices, or numbers in any order"
    if gold.kind == "time" and answer.kind == "formula" and ":" in answer.text:
        return "a time, or a ratio" if same_value(gold, answer, options) else ""
    equation, value = sympy_value(gold), sympy_value(answer)
    if may_state(equation, value) == "unsure" and equal(equation, value, options):
        return "an equation, or the value of its left side"
    return ""
