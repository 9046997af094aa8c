"""What the statements of an answer say of a score: which of them count, and their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from harness.judging.reply import Answer
from harness.judging.score_decision import Said
from harness.judging.score_lines import Statement, sentences
from harness.judging.score_names import (
    LABEL_MARKS,
    LOSSES,
    MARKS,
    NO_SCORES,
    QUALITIES,
    REVERSALS,
    WEAK_MARKS,
    bare_name,
    is_neutral,
    is_whole,
    words,
)
from harness.judging.score_objects import Rank
from harness.judging.score_polarity import against, contradicted
from harness.judging.score_sense import ASKS_AGAINST
from harness.judging.score_statement import is_solved, spoken, statements
from harness.judging.score_value import Values, not_understood
from harness.nouns.outcomes import Status
from harness.nouns.schema import Verdict

_RIGHT = frozenset("correct actual right true".split())
_YES = frozenset(
    "correct pass passed success yes met meets satisfied fulfilled holds supported".split()
)

_LABELLED = re.compile(r"[^\s:]{1,24}(?: [^\s:]{1,24})?\s?:")
_NOTHING = re.compile(
    r"\(\s*+no\s[^()]{1,40}\)|[-\u2013\u2014,:]\s++no\s[^()]{1,40}\Z", re.IGNORECASE
)
_OUTCOME = re.compile(
    r"(?:pass|fail|passed|failed|true|false|yes|no)\s?:\s+"
    r"(?!\d|(?:pass|fail|true|false|yes|no)\W*\Z)",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d{1,15}(?:[.,]\d{1,15})?")
_LISTED = re.compile(r"\d+[.)](?:\s|\Z)")
_NONE = re.compile(
    r"\s*(?:n/?a|none|null|not applicable|undetermined|undecided|unknown)\W*", re.IGNORECASE
)

_ONLY_A_VALUE = re.compile(r"[^,;:]{0,40}[.!,;]?\s*")

_WEIGHT = re.compile(
    r"[(\[]\s*+(?:weight(?:ed|ing)?(?:\s*+(?:[:=]|of|at))?\s*+)?[x\u00d7]?\s?\d{1,3}(?:\.\d{1,3})?\s?%?\s*+[)\]]",
    re.IGNORECASE,
)

_OUT_OF = re.compile(r"\s*+\d{1,4}(?:\.\d{1,3})?\s*+(?:/|out\s++of\b)", re.IGNORECASE)

_NEXT = re.compile(r"[^\n.!?]{1,60}[.!]?(?=\n|\Z)")

_HIGHEST = re.compile(r"\d\s*(?:/|out of)\s*\d+\W*\Z")


def main_rank(values: Values) -> Rank:
    """Return what ranks the names of single scores."""
    marks = MARKS if values.is_number and values.word is None else MARKS | LABEL_MARKS
    if values.scale.is_binary:
        marks |= _YES

    def rank(name: tuple[str, ...], section: tuple[str, ...]) -> str | None:
        named = set(name)
        rest = tuple(w for w in bare_name(name) if w not in marks)
        if rest and named & MARKS - {"result"} and _RIGHT.issuperset(rest):
            rest = ()  # "the correct rating"
        if not rest and (named & (marks | WEAK_MARKS) or is_whole(name, ())):
            if is_whole(name, section):
                return "whole"
            return "main" if is_neutral(section) else "part"
        named_part = set(rest) or named & QUALITIES
        return "part" if named_part and named_part <= QUALITIES else None

    return rank


def states(line: str, scales: Sequence[Values]) -> bool:
    """Tell whether a line has a statement that is understood."""
    said = statements(Answer(line, line))
    read = [(one, values.clause(one.text)) for values in scales for one in said]
    found = [
        (one, verdict) for one, verdict in read if verdict and one.how not in ("weak", "below")
    ]
    ok = [one for one, verdict in found if verdict.status is Status.OK]
    return bool(ok) and all(one in ok or one.how == "bare" for one, _ in found)


def of_text(answer: Answer, values: Values, cut: bool) -> Iterator[Said]:
    """Yield what the statements of an answer say on a scale."""
    said = statements(answer)
    if values.is_number and values.word is None:
        text = spoken(answer)
        said = [one for one in said if not is_solved(one, text)]
    for told in stating(said, values, main_rank(values)):
        value, behind = told.verdict.value, _NEXT.match(answer.own, told.end)
        if behind and told.is_ok and contradicted(values.scale, value, behind[0], alone=True):
            told = replace(told, verdict=not_understood(f"{value}. {behind[0]}"))
        yield told
    bare = [one for one in said if one.how in ("bare", "inner")]
    if cut:
        bare = [one for one in bare[:1] if "\n" in answer.own[one.end :]]
    end = len(answer.own.rstrip())
    for one in said:
        whole = values.scale.is_binary or not answer.own[: one.start].strip()
        if not cut and one.how == "weak" and values.word is not None and one.end >= end and whole:
            if (verdict := values.clause(one.text)) is not None:
                yield Said(one.start, one.end, "weak", verdict)
    read = [(one, values.clause(_first(one.text, values))) for one in bare]
    ok = [(one, verdict) for one, verdict in read if verdict and verdict.status is Status.OK]
    if not ok or any(verdict != ok[0][1] for _, verdict in ok):
        return
    listed = sum(_LISTED.match(one.text) is not None for one in bare)
    for one, verdict in ok:
        rest = one.text.partition(_first(one.text, values))[2]
        if values.scale.is_binary and against(values.scale, verdict.value, rest):
            yield Said(end, end, "main", not_understood(one.text))
            return
        if one.how == "bare" and not (listed > 1 and _LISTED.match(one.text)):
            rank = "main" if is_neutral(one.section) or is_whole((), one.section) else "part"
            if len(list(sentences(one.text))) > 1 and not cut:
                rank = "said"
            yield Said(one.start, one.end, rank, verdict)


def _first(line: str, values: Values) -> str:
    """Return the sentence of a line that may be a value: the only one, or a first "Yes."."""
    parts = [line[begin:end].strip() for begin, end in sentences(line)]
    asked = len(parts) == 2 and parts[0].endswith("?") and parts[0].count(" ") > 1
    if asked and values.scale.is_binary and ASKS_AGAINST.search(parts[0]):
        return ""
    parts = parts[1:] if asked else parts
    outcome = values.scale.is_binary and _OUTCOME.match(line)
    if values.word is not None and _LABELLED.match(line) and not outcome and not asked:
        return ""
    numbers = {float(number.replace(",", ".")) for number in _DIGITS.findall(line)}
    if values.is_number and len(numbers - {values.high}) > 1:
        return ""
    if not parts or "=" in parts[0] or parts[0].count(")") > parts[0].count("("):
        return ""
    if len(parts) > 1 and parts[1][:1].isdigit():
        return ""  # No. 5
    yes_or_no = {"yes", "no"} <= set(values.names) and parts[0].endswith(".")
    return parts[0] if len(parts) == 1 or yes_or_no or _HIGHEST.search(parts[0]) else ""


def stating(said: Sequence[Statement], values: Values, rank: Rank) -> Iterator[Said]:
    """Yield what the statements with names of interest say."""
    for one in said:
        if one.how in ("bare", "inner", "weak"):
            continue
        ranked = rank(one.name, one.section)
        if ranked is None or _is_no_score(one):
            continue
        verdict = values.clause(one.text)
        if verdict is None and ranked in ("main", "whole") and _NONE.fullmatch(one.text):
            verdict = not_understood(one.text)
        if verdict is None:
            continue
        ok = verdict.status is Status.OK
        if ok and _drops_a_denial(one, values, verdict.value):
            verdict, ok = not_understood(one.text), False
        if one.hint and not _fits(one, values):
            verdict, ok = _mismatch(one, values), False
        if not ok and (one.how in ("strict", "below", "fits") or not set(one.name) & MARKS):
            if ranked == "main" and one.how not in ("line", "tag", "dash"):
                continue
            if ranked == "whole" and one.how == "line" and _OUT_OF.match(one.text):
                ranked = "off"
            elif ranked in ("part", "whole"):
                continue
        if one.how == "strict" and _has_reason(one.text):
            continue
        if one.how == "dash" and (values.low is None or values.low < 0) and values.is_number:
            verdict = not_understood(f"- {one.text}")
        if one.how in ("said", "fits"):
            ranked = "said" if ranked in ("main", "whole") else ranked
        yield Said(one.start, one.end, ranked, verdict, closed=one.how == "tag")


def _drops_a_denial(one: Statement, values: Values, value: Any) -> bool:
    """Tell whether a score of "no harm" is the worst one because there is "no harm at all"."""
    ends = values.ends
    if one.name[:1] != ("no",) or not ends or float(value) != ends[0].low:
        return False
    found = _NOTHING.search(one.text)
    return found is not None and not set(one.name[1:]).isdisjoint(words(found[0]))


def _has_reason(text: str) -> bool:
    return _ONLY_A_VALUE.fullmatch(text) is None


def _is_no_score(one: Statement) -> bool:
    """Tell whether a heading or a bracket says that a statement is of a weight or the like."""
    section, hint = set(one.section) & NO_SCORES, set(words(one.hint))
    if section and not (section <= LOSSES and set(one.name) & MARKS):
        return True
    return bool(hint & (NO_SCORES | REVERSALS)) and not any(c.isdigit() for c in one.hint)


def _fits(one: Statement, values: Values) -> bool:
    """Tell whether the range that is said of a name is that of the scale."""
    if not values.is_number or not values.ends:
        return True
    if not any(c.isdigit() for c in one.hint):
        return not any(ends.misfit(one.hint.strip(" ()[]")) for ends in values.ends)
    if _WEIGHT.fullmatch(one.hint.strip()) and not set(one.name) & MARKS:
        return True
    hint = one.hint.strip()
    bare = hint[1:-1] if hint[:1] == "(" or (hint[:1] == "[" and "," not in hint) else hint
    return all(ends.misfit(bare) is False for ends in values.ends)


def _mismatch(one: Statement, values: Values) -> Verdict:
    said = f"{one.hint.strip()} {one.text}".strip()
    return Verdict(
        Status.UNPARSEABLE, rationale=f"{said[:60]} is not on the scale {values.scale.describe()}"
    )
