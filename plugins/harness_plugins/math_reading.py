r"""Read one mathematical answer as a whole: numerals, words, lists, measures and formulas.

What is not understood to its last letter is not read at all.
"""

from __future__ import annotations

import re
from dataclasses import replace

from harness_plugins.math_chains import linked, value_of_a_name
from harness_plugins.math_equations import (
    chain,
    false_link,
    formula_of,
    named_about,
    rounding,
    ungrouped,
    value_of,
)
from harness_plugins.math_formulas import SHORT, WORD
from harness_plugins.math_letters import compound
from harness_plugins.math_measures import measured, upright
from harness_plugins.math_numerals import Answer, decimal_comma, number, written
from harness_plugins.math_sets import reaches_infinity
from harness_plugins.math_signs import TEXT, brackets, depth, intervals, plain, split, unwrapped
from harness_plugins.math_spelling import tidy
from harness_plugins.math_twice import said_twice
from harness_plugins.math_vectors import vector

LONGEST = 4000
"""Letters of an answer; what is longer is none."""
_DEEPEST = 60
_GLUED = frozenset(
    "km cm mm kg mg ml mL min hr hrs ft mph kmh Hz kHz lb lbs oz st nd rd th m s g h L".split()
)
_SHORT_SCALES = {"k": 1000, "K": 1000, "M": 10**6, "B": 10**9, "bn": 10**9}
_GLUED_UNIT = re.compile(r"(.*\d)\s*([A-Za-z]{1,3})(?:\d|\s*\^\s*\{?\d\}?)?")
_PERCENT = re.compile(
    r"(?:\s|\\[ ,;]|[}$*])*(?:" + TEXT + r"\{\s*)?"
    r"(?:\\?%|(?:percent|per cent|percentage|pct)\b)\s*\}?"
)
_PERCENT_END = re.compile(
    r"(?:\s|\\[ ,;]){0,5}(?:"
    + TEXT
    + r"\{\s?)?(?:\\?%|(?:percent|per cent|percentage|pct)\b)\s?\}?$"
)
_LIST_NAME = re.compile(
    r"(\\(?:vec|hat|mathbf|boldsymbol|overrightarrow)(?:\s?\{[A-Za-z]{1,2}\}|\s[A-Za-z])|[A-Z]{2}"
    r"|[A-Za-z](?:_\{?\w+\}?)?(?:\([A-Za-z]\))?|[A-Z](?:\s?\\(?:cup|cap|setminus)\s?[A-Z]){1,3}"
    r"|\(\s*[A-Za-z](?:\s*,\s*[A-Za-z]){1,5}\s*\))"
    r"\s*(?:=|\\in(?![a-z]))"
)
_CODE = re.compile(r"0x[0-9A-Fa-f]+|(?=[0-9A-Fa-f]*[A-Za-z]\d)[0-9A-Fa-f]{3,}|(?=[A-Z0-9]*[A-Z]\d)"
                   r"[A-Z0-9]{3,}")  # fmt: skip
"""Digits and letters that are no product."""
_IN_BRACES = re.compile(r"\{[^{}\\]*,[^{}\\]*\}")
"""A list whose brackets LaTeX does not show."""
_OPTION = re.compile(
    r"(?:(?:option|choice)\s+\(?(?P<one>[A-Ja-j])\)?|\(?(?P<two>[A-Ja-j])\)|(?P<three>[A-J])[.:])"
    r"(?:[\s.:~]*(?P<rest>[^\s.:~].{0,200}))?\s*", re.IGNORECASE,
)  # fmt: skip
_MEANING = {
    "no solutions": "no solution", "there is no solution": "no solution",
    "there are no solutions": "no solution", "none exist": "no solution",
    "dne": "does not exist", "the limit does not exist": "does not exist",
    "all reals": "all real numbers", "infinitely many solutions": "infinitely many",
}  # fmt: skip
_BUILDER = re.compile(
    r"\s*([A-Za-z])\s?(?:\\in\s?(?:\\mathbb\s?\{R\}|\\R(?![a-z]))\s?)?(?:\\mid(?![a-z])|\||:(?!\s?\d))"
)
_INTEGERS = re.compile(
    r"(?:,|\\[ ,;:!]|~|\s|\\q?quad|"
    + TEXT
    + r"\{[\s,]*(?:for|where|with)?(?:\s(?:any|all))?\s*\})*"
    r"\(?([kmn])\s?(?:\\in\s?\\(?:mathbb\s?\{?\s?Z\}?|Z(?![A-Za-z]))"
    r"|" + TEXT + r"\{\s?(?:is\s)?(?:(?:an|any)\s)?integer\s?\})\s?\)?$"
)
_ROWS = re.compile(r"(?:[A-Z]\s?=\s?)?\[\s?(\[[^\[\]]+\](?:\s?,\s?\[[^\[\]]+\])+)\s?\]")
_RATIO = re.compile(r"[^:]{1,100}(?::[^:]{1,100}){2,9}")


def read(text: str, reference: bool = False) -> list[Answer]:
    """Return the ways in which a text is one answer, the likeliest first; none if it is not.

    Args:
        text: An answer, perhaps wrapped in dollar signs, boxes or emphasis.
        reference: Whether it is a reference: there, ``5m`` is 5 times m and not five metres.
    """
    if len(text) > LONGEST or depth(text) > _DEEPEST:
        return []
    bare = unwrapped(tidy(unwrapped(upright(plain(text)))))
    bare = (value_of_a_name(bare) or bare) if reference else intervals(bare)
    if (whole := _INTEGERS.search(bare)) and re.search(
        rf"(?<![A-Za-z\\]){whole[1]}(?![A-Za-z])", bare[: whole.start()]
    ):
        bare = bare[: whole.start()]
    if not bare:
        return []
    inner = re.fullmatch(TEXT + r"\{\s?([^{}$\\]*\d[^{}$\\]*|[A-J](?:,? (?:and )?[A-J])+)\}", bare)
    found = _one(unwrapped(inner[1])) if inner and not compound(bare) else []
    found += [one for one in _one(bare) if not found or one.kind != "words"]
    if not reference and _IN_BRACES.fullmatch(text.strip("$ ")) and found:
        found = [replace(one, brackets=one.brackets or "?") for one in found]
    if found and (both := rounding(bare)):  # what it is rounded to, too
        found += _one(unwrapped(both[1])) if both[2] else _exact(*both[:2])
    if letters := linked(bare):
        found = [letters, *(found if not reference else [])]
    found += decimal_comma(bare)
    if not reference and (rows := _ROWS.fullmatch(bare)):
        cells = [row.split(",") for row in re.findall(r"\[([^\[\]]*)\]", rows[1])]
        if len({len(row) for row in cells}) == 1:
            body = r" \\ ".join(" & ".join(row) for row in cells)
            found += _one(r"\begin{bmatrix}" + body + r"\end{bmatrix}")
    if not reference and (glued := _GLUED_UNIT.fullmatch(bare)):
        value = number(glued[1])
        if value and glued[2] in _GLUED:
            found.append(replace(value, text=bare, unit=bare[len(glued[1]) :].strip()))
        if value and (scale := _SHORT_SCALES.get(bare[len(glued[1]) :])):
            found.append(replace(value, text=bare, value=value.value * scale))
    return found


def percent_after(text: str) -> bool:
    """Tell whether a percent sign, or the word, comes next."""
    return _PERCENT.match(text) is not None


def _one(bare: str) -> list[Answer]:
    if false_link(bare) or reaches_infinity(bare):
        return []
    bare = ungrouped(bare) or bare
    if (both := rounding(bare)) and both[2]:
        return _exact(*both[:2])
    if said := named_about(bare):
        return _one(unwrapped(said))
    for reader in (
        said_twice, _percentage, vector, number, written, _choice, _words, _named, _list, measured,
        chain, _angle, formula_of,
    ):  # fmt: skip
        if (answer := reader(bare)) is not None:
            return [answer]
    return []


def _exact(left: str, right: str) -> list[Answer]:
    """Read a value before its rounding, with the unit that may stand behind both."""
    unit = next((one.unit for one in _one(unwrapped(right))), "")
    return [replace(one, unit=one.unit or unit) for one in _one(unwrapped(left))]


def _angle(bare: str) -> Answer | None:
    angle = re.match(r"(?:m\s?)?\\angle\s?[A-Z]{1,3}\s?=", bare)
    found = _one(unwrapped(bare[angle.end() :])) if angle else []
    return replace(found[0], name=angle[0]) if angle and found else None


def _percentage(bare: str) -> Answer | None:
    end = _PERCENT_END.search(bare)
    found = value_of(unwrapped(bare[: end.start()])) if end and end.start() else None
    return None if found is None or found.items else replace(found, text=bare, percent=True)


def _words(bare: str) -> Answer | None:
    inner = re.sub(TEXT + r"\{([^{}$\\]*)\}", r" \1 ", bare)
    in_text = inner != bare and re.fullmatch(r"(?:" + TEXT + r"\{[^{}$\\]*\}\s*)+", bare)
    if re.fullmatch(r"[A-Za-z]['!]{1,3}", inner.strip()):
        return None
    exact = " ".join(inner.split()).strip(" .!?\"'")
    exact = re.sub(r"^\(([^()]*)\)$", r"\1", exact)
    said = exact.casefold()
    if _CODE.fullmatch(exact) or compound(bare):
        return Answer(bare, "words", (compound(bare) or exact).casefold())
    if not WORD.search(said) or (not in_text and re.search(r"[\\^_{}=<>+*/\d$]", said)):
        return None
    words = WORD.findall(said)
    long = any(len(word) > 3 or word in SHORT for word in words)
    if in_text or long or not said.isascii():
        joined = {"and", "or"} & set(words)
        listed = "," in said or ";" in said or joined
        return None if listed and not in_text else Answer(bare, "words", _MEANING.get(said, said))
    if len(said) == 1:
        return Answer(bare, "words", said, name=exact if exact == inner.strip() else "")
    return Answer(bare, "words", said, name=exact) if re.fullmatch("[A-Z]+", exact) else None


def _choice(bare: str) -> Answer | None:
    """An option by its letter: ``(C) 12``, ``C) Paris``, ``Option C``."""
    inner = re.sub(TEXT + r"\{([^{}$\\]*)\}", r"\1", bare).replace("\\ ", " ").strip()
    match = _OPTION.fullmatch(inner)
    if match is None:
        return None
    letter = (match["one"] or match["two"] or match["three"]).casefold()
    rest = (match["rest"] or "").strip()
    items = tuple(_one(unwrapped(rest))) if rest else ()
    if rest and not items:
        items = (Answer(rest, "words", rest.casefold()),)
    return Answer(bare, "choice" if items else "words", letter, items)


def _named(bare: str) -> Answer | None:
    r"""A list with a name: ``x \in \{1, 2\}``, ``(x, y) = (5, 8)``."""
    match = _LIST_NAME.match(bare)
    if match is None:
        return None
    found = _list(bare[match.end() :].strip())
    if found is None or not found.brackets:
        return None
    return replace(found, name=re.sub(r"\s", "", match[1]))


def _list(bare: str) -> Answer | None:
    around, inner = brackets(bare)
    builder = _BUILDER.match(inner) if around == "{}" else None
    if builder and re.search(rf"(?<![A-Za-z\\]){builder[1]}(?![A-Za-z])", inner[builder.end() :]):
        found = _one(unwrapped(inner[builder.end() :]))
        return replace(found[0], text=bare) if found else None
    parts = split(inner, in_brackets=bool(around))
    if len(parts) < 2:
        if around == "{}" and inner.strip():
            found = _one(unwrapped(inner))
            return Answer(bare, "list", None, tuple(found), "{}") if found else None
        return None
    if around == "" and _RATIO.fullmatch(bare):
        return None
    if not around and (whole := measured(bare)) and whole.kind == "number":
        return None
    items: list[Answer] = []
    for part in parts:
        part = re.sub(r"^(?:\\[ ,;:!]|~|\s)+", "", part)
        found = _one(unwrapped(part))
        if not found:
            return None
        both = found[0].items and "\\pm" in part and not found[0].brackets
        items += found[0].items if both and around in ("", "{}") else found
    said = [item for item in items if item.kind == "words" and len(item.value) > 1]
    if not around and any(len(said) < len(items) or " " in item.value for item in said):
        if not any("\\text" in item.text for item in said):
            return None  # a sentence
    return Answer(bare, "list", _joint(inner), tuple(items), around)


def _joint(inner: str) -> str:
    """Return what joins the members of a list: ``or``, ``and``, a comma or a gap."""
    bare = re.sub(TEXT + r"\{([^{}]*)\}", r" \1 ", inner)
    for word, pattern in (("or", r"\bor\b|或"), ("and", r"\band\b|和"), (",", r"[,;]")):
        if re.search(pattern, bare):
            return word
    return ""
