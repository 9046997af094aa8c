"""Whether two answers are the same: by their kinds, members and words, or else by their values.

A set is no tuple, an open interval no closed one, a time no ratio.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from harness_plugins.math_chains import same_chain
from harness_plugins.math_choices import same_options
from harness_plugins.math_letters import compound, event, factors, is_word, product, same_word
from harness_plugins.math_names import defined, integrated
from harness_plugins.math_numerals import Answer
from harness_plugins.math_options import MathOptions
from harness_plugins.math_sets import relation, same_reals
from harness_plugins.math_units import contradicts
from harness_plugins.math_value import close, single, sympy_value
from harness_plugins.math_vectors import components
from harness_plugins.math_verdicts import same_value

_ORDERED = ("(", "[", "<")
_NO_LETTER = re.compile(r"\\(?:text|mathrm)\{[ ~][^{}]*\}|\\[A-Za-z]+|[\d.]e[+-]?\d|\+\s*[Cc]\s*$")


def same(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    """Tell whether an answer is the gold one."""
    if _points(gold.name) != _points(answer.name) and gold.name and answer.name:
        return False
    if (events := {event(one.name) for one in (gold, answer)} - {""}) and len(events) > 1:
        return False
    if event(gold.name) and answer.name and not re.match(r"\\?(?:Pr|[Pp]|E|math)", answer.name):
        return False
    if "chain" in (gold.kind, answer.kind):
        other = _other_letters(gold.text, answer.text)
        return gold.kind == "chain" and not other and same_chain(gold, answer)
    if contradicts(gold.unit, answer.unit):
        return False
    if answer.percent and gold.unit:
        return False
    answer = defined(gold, integrated(gold, answer))
    if (wanted := components(gold, reference=True)) and (found := components(answer)):
        if len(wanted) == len(found) and _in_order(wanted, found, options):
            return True
    if gold.percent == answer.percent:
        return _same(gold, answer, options)
    if _same(_share(gold), _share(answer), options):
        return True
    small = any(one.kind == "number" and one.percent and abs(one.value) < 1
                for one in (gold, answer))  # fmt: skip
    return not small and _same(gold, answer, options)


def _named_otherwise(gold: Answer, answer: Answer) -> bool:
    return bool(gold.name and answer.name and gold.name != answer.name)


def _points(name: str) -> str:
    """Return the points that name an angle: from either side they are the same."""
    points = re.sub(r"[^A-Z]", "", name) if "\\angle" in name else ""
    return min(points, points[::-1])


def _share(answer: Answer) -> Answer:
    if not answer.percent:
        return answer
    return replace(answer, value=answer.value / 100, text=f"({answer.text})/100")


def _same(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if gold.kind == answer.kind and gold.text.split() == answer.text.split():
        return not (options.strict and gold.kind == "list" and _named_otherwise(gold, answer))
    kinds = {gold.kind, answer.kind}
    if kinds & {"date", "based", "residue"}:
        if _named_otherwise(gold, answer):
            return False
        return gold.kind == answer.kind and gold.value == answer.value
    if "choice" in kinds:
        return _same_choice(gold, answer, options)
    if "time" in kinds:
        return _same_time(gold, answer, options)
    if is_word(gold):
        return same_word(gold, answer)
    if "ratio" in kinds:
        return gold.kind == answer.kind and _same_ratio(gold, answer)
    if kinds == {"list", "words"} and same_options(gold, answer):
        return True
    if (pair := product(gold, answer)) is not None:
        answer, kinds = pair, {"formula"}
    if "list" in kinds and len(kinds) == 2 and not (gold.brackets or answer.brackets):
        if any(one.kind in ("number", "words") or single(one.value) for one in (gold, answer)):
            return False  # ``3, 3`` is no 3
    if "words" in kinds:
        return _same_words(gold, answer, options)
    if kinds == {"list"}:
        return _same_list(gold, answer, options)
    if "list" in kinds and same_reals(gold, answer):
        return options.set_relations or gold.kind != "list" or "\\infty" in gold.text
    if kinds == {"number"}:
        if gold.rounded or answer.rounded:
            return close(gold.value, answer.value, options.precision)
        return bool(gold.value == answer.value)
    if options.strict and _misplaced(gold, answer):
        return False
    if ordered := factors(gold):
        return ordered == factors(answer)
    return not _other_letters(gold.text, answer.text) and same_value(gold, answer, options)


def _same_choice(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    """An option may be named by its letter, by what it says, or by both."""
    if gold.kind == answer.kind:
        return bool(gold.value == answer.value) and same(gold.items[0], answer.items[0], options)
    choice, other = (gold, answer) if gold.kind == "choice" else (answer, gold)
    if other.kind == "words" and len(other.value) == 1:
        return bool(choice.value == other.value)
    return same(choice.items[0], other, options)


def _same_ratio(gold: Answer, answer: Answer) -> bool:
    """Tell whether all members are the same multiple of the other's."""
    first, second = ([item.value for item in one.items] for one in (gold, answer))
    if len(first) != len(second) or len(first) != gold.text.count(":") + 1 or not first[0]:
        return False
    return all(
        one * second[0] == other * first[0] for one, other in zip(first, second, strict=True)
    )


def _other_letters(gold: str, answer: str) -> bool:
    """Tell whether a letter is large in one and small in the other: math-verify takes them for one.

    A letter by itself may be an option, and is not looked at here.
    """
    texts = [_NO_LETTER.sub(" ", text) for text in (gold, answer)]
    letters = [set(re.findall("[A-Za-z]", text)) for text in texts]
    return any(
        letter.swapcase() in letters[1] and letter not in letters[1]
        and letter.swapcase() not in letters[0] for letter in letters[0]
    )  # fmt: skip


def _same_time(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if gold.kind == answer.kind:
        half = not gold.value[3] or gold.value[3] == answer.value[3]
        if gold.text.count(":") > answer.text.count(":"):
            return False
        return bool(half and gold.value[:3] == answer.value[:3])
    if gold.kind == "formula" and ":" in gold.text:
        return same_value(gold, answer, options)  # a ratio
    return False


def _same_words(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if gold.kind == answer.kind:
        letters = gold.name and answer.name and len(gold.value) < 4
        if gold.value == answer.value or options.strict or not len(answer.value) == 1:
            return bool(gold.value == answer.value) and not (letters and gold.name != answer.name)
    words, other = (gold, answer) if gold.kind == "words" else (answer, gold)
    if len(words.value) > 1:
        if compound(words.text):
            return bool(words.value == re.sub(r"[_{}\s]", "", other.text).casefold())
        if is_word(other):
            return same_word(words, other)
        return _MEANING.get(words.value) == _spelled(other.text)
    if re.fullmatch(r"[A-Z]", other.name) and words.value.isalpha():
        return False  # an equation of two letters
    return not _other_letters(gold.text, answer.text) and same_value(gold, answer, options)


_MEANING = {
    "no solution": r"\emptyset", "all real numbers": r"\mathbb{R}", "infinity": r"\infty",
}  # fmt: skip


def _spelled(text: str) -> str:
    return re.sub(r"\s", "", text).replace(r"\varnothing", r"\emptyset")


def _same_list(gold: Answer, answer: Answer, options: MathOptions) -> bool:
    if options.strict and _named_otherwise(gold, answer):
        return False
    if not _joined_alike(gold, answer):
        return False
    if not gold.brackets and same_reals(gold, answer):
        return True
    ordered = [a.brackets.startswith(_ORDERED) for a in (gold, answer)]
    pairs = [gold.brackets, answer.brackets]
    if all(ordered):
        if pairs[0] != pairs[1] and (len(gold.items) < 3 or not set(pairs) <= {"()", "[]", "<>"}):
            return options.set_relations and same_value(gold, answer, options)
        return _in_order(gold.items, answer.items, options)
    if any(ordered):
        tuple_, other = pairs if ordered[0] else pairs[::-1]
        if not options.strict:
            return _in_any_order(gold.items, answer.items, options)
        if other == "{}" or tuple_ not in ("()", "<>"):
            return False
        if other == "?":
            return _in_order(gold.items, answer.items, options)
        if ordered[0]:
            return _in_order(gold.items, _by_name(answer, gold.name), options)
        return _in_order(_by_name(gold, answer.name), answer.items, options)
    named = [bool([i for i in a.items if i.name]) for a in (gold, answer)]
    if named[0] != named[1] and len({_base(i.name) for a in (gold, answer) for i in a.items}) > 2:
        return _in_order(gold.items, answer.items, options)
    letters = [
        all(i.kind == "words" and len(i.value) == 1 for i in a.items) for a in (gold, answer)
    ]
    if all(letters) and not gold.brackets and gold.value == ",":
        if _codes(gold) != _codes(answer) and sorted(_codes(gold)) != _codes(gold):
            return False  # an order
    if not gold.value and not answer.value and not gold.brackets and not answer.brackets:
        return _in_order(gold.items, answer.items, options)
    if not gold.brackets and len(answer.items) != len(gold.items):
        if any(same(one, two, options) for one, two in combinations(gold.items[:20], 2)):
            return False  # said twice, and meant
    return _in_any_order(gold.items, answer.items, options, sets=gold.brackets == "{}")


def _by_name(bare: Answer, names: str) -> Sequence[Answer]:
    """Return values that have names in the order of a tuple; nothing where some have none.

    Args:
        bare: Values without brackets: ``y = 1, x = 0``.
        names: The tuple's own, ``(x,y)``; without them letters stand in the order of the alphabet.
    """
    own = [item.name for item in bare.items]
    if bare.value == "or" or not all(own) or len(set(own)) < len(own):
        return ()
    order = names.strip("()").split(",") if names.startswith("(") else own
    if order is own and all(re.fullmatch(r"[A-Za-z](?:_\{?\d\}?)?", name) for name in own):
        order = sorted(own)
    by_name = {item.name: item for item in bare.items}
    return [by_name[name] for name in order if name in by_name]


def _codes(answer: Answer) -> list[str]:
    return [item.value for item in answer.items]


def _joined_alike(gold: Answer, answer: Answer) -> bool:
    """Tell whether "or" stands in both lists, or in neither, where it makes a difference."""
    if (gold.value == "or") == (answer.value == "or"):
        return True
    for one in (gold, answer):
        names = {_base(item.name) for item in one.items}
        related = any(item.kind == "formula" and relation(item.value) for item in one.items)
        other = answer if one is gold else gold
        if related and "and" in (one.value, other.value):
            return False
        if len(names - {""}) > 1 and len(names) == len(one.items):
            return False
    return True


def _base(name: str) -> str:
    """A name without its number: roots of one equation may be given in any order."""
    return name.split("_")[0].split("(")[0].rstrip("0123456789")


def _in_order(gold: Sequence[Answer], answer: Sequence[Answer], options: MathOptions) -> bool:
    if len(gold) != len(answer):
        return False
    return all(same(g, a, options) for g, a in zip(gold, answer, strict=True))


def _in_any_order(
    gold: Sequence[Answer], answer: Sequence[Answer], options: MathOptions, sets: bool = False
) -> bool:
    """Compare as sets, or as lists of one length where one has no brackets.

    What is said twice is said, but not where something else should be.
    """
    counted = len(gold) == len(answer) and not sets
    missing = set(range(len(gold)))
    for found in answer:
        places = [n for n, wanted in enumerate(gold)
                  if (n in missing or not counted)
                  and (wanted.brackets == "{}") == (found.brackets == "{}")
                  and same(wanted, found, options)]  # fmt: skip
        if not places:
            return False
        missing -= set(places[:1] if counted else places)
    return not missing


def _misplaced(gold: Answer, answer: Answer) -> bool:
    """Tell whether one is a list in order and the other a set, which math-verify may let pass."""
    for one, other in ((gold, answer), (answer, gold)):
        if one.kind == "list" and one.brackets.startswith(_ORDERED):
            value = sympy_value(other)
            return type(value).__name__ in ("FiniteSet",)
    return False
