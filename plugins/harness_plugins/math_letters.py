"""Letters that are no product, since their order counts: words, and factors with an inverse."""

from __future__ import annotations

import re

from harness_plugins.math_formulas import FUNCTIONS, formula
from harness_plugins.math_numerals import Answer
from harness_plugins.math_signs import TEXT

_RUN = re.compile(r"(?=.*[A-Za-z]{3})[A-Za-z]+(?:[ -][A-Za-z]+)*")
_COMPOUND = re.compile(
    r"(?=.*\d)(?:[A-Z][a-z]?\d{0,3}|\((?:[A-Z][a-z]?\d{0,3}){1,20}\)\d{0,3}){2,40}"
)
"""A formula of chemistry: Fe2O3, Ca(OH)2."""
_EVENT = re.compile(
    r"(?:[PE]|\\Pr|\\mathbb\{[PE]\})[(\[](?:[^=<>|]{1,99}(?:[=<>|]|\\[gl]eq?(?![A-Za-z])).{1,99}"
    r"|(?![A-Z][)\]]=?.{0,9}\bx\b)[^=<>|]{0,30}(?:(?<![A-Za-z\\])[A-Z](?![A-Za-z])|\\text)[^=<>|]{0,60})[)\]]"
)
_WRAPPED = re.compile(TEXT + r"\{([^{}]*)\}")
_PRODUCT = re.compile(r"\\(?:cdot|times)(?![A-Za-z])|[*(){}\s~]|\\[ ,;:!]")
_INVERSE = re.compile(r"[A-Z]\^-1")


def compound(text: str) -> str:
    """Return a formula of chemistry without its fonts and marks; nothing of what is none.

    Without an upright font ``P_1V_1`` is a product.
    """
    bare = _WRAPPED.sub(r"\1", text)
    if bare != text:
        bare = re.sub(r"[_{}\s]", "", bare)
    return bare if _COMPOUND.fullmatch(bare) else ""


def event(name: str) -> str:
    """Return of what a probability is said, ``P(X=4)``, in one spelling; nothing of other names."""
    name = re.sub(r"\\(?:left|right)(?![A-Za-z])|\s", "", name.replace("\\mid", "|"))
    return name if _EVENT.fullmatch(name) else ""


def is_word(answer: Answer) -> bool:
    """Tell whether a formula is letters alone, three or more of them in a run: ``dog``, ``xyz``.

    It may be a word as well as a product, so that only the same letters in the same order are it.
    """
    return (
        answer.kind == "formula"
        and _RUN.fullmatch(answer.text) is not None
        and not FUNCTIONS & set(re.split("[ -]", answer.text))
    )


def letters(answer: Answer) -> str:
    """Return an answer without its name, upright fonts, brackets, blanks and product signs."""
    text = _WRAPPED.sub(r"\1", answer.text.rsplit("=", 1)[-1])
    return _PRODUCT.sub("", text)


def same_word(one: Answer, other: Answer) -> bool:
    r"""Tell whether two are the same letters in one order; in ``\text{}`` large is as small."""
    first, second = letters(one), letters(other)
    if any(answer.kind == "words" and "\\" in answer.text for answer in (one, other)):
        return first.casefold() == second.casefold()
    return first == second


def product(gold: Answer, answer: Answer) -> Answer | None:
    """Read two letters by themselves, ``IR``, as a product where the gold answer is a formula."""
    if (
        gold.kind != "formula"
        or answer.kind != "words"
        or not re.fullmatch("[A-Za-z]{2}", answer.text)
    ):
        return None
    text = " ".join(answer.text)
    return Answer(text, "formula", formula(text))


def factors(answer: Answer) -> str:
    """Return a product of capital letters of which one is inverse, as it stands; nothing of others.

    They may be matrices: ``A^{-1}B`` is not ``BA^{-1}``.
    """
    text = letters(answer)
    if not _INVERSE.search(text) or len(set(re.findall("[A-Z]", text))) < 2:
        return ""
    return "" if re.search(r"\+|(?<!\^)-", text) else text
