"""Reads a clause that begins with a value of a scale: the whole of it, or it is not understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.judging.score_names import QUALITIES
from harness.judging.score_numbers import (
    BRACKETED_SPAN,
    NUMBER,
    OUT_OF,
    PERCENT,
    SPOKEN_SPAN,
    STARS,
    SUM,
    UNIT,
    adds_up,
    number_of,
    readings,
)
from harness.judging.score_polarity import contradicted
from harness.judging.score_range import Ends, fits
from harness.judging.score_reasons import (
    ALONE_AFTER,
    ALONE_BEFORE,
    COUNTS,
    DENIED_BEFORE,
    END,
    FILLER,
    HALF,
    NEEDED,
    NO_FAULT,
    NO_FAULT_AT_ALL,
    POLAR,
    REASON,
    SUPPOSED_AFTER,
    TURN,
    TURNS,
)
from harness.judging.score_signs import agree, undecorated
from harness.judging.score_words import names_of, normal, unmarked
from harness.nouns.outcomes import Status
from harness.nouns.scale import Scale
from harness.nouns.schema import Verdict

_LONGEST_CLAUSE = 600
"""Characters of one clause; what is longer is not understood."""


_OPEN = re.compile(r"(?:\\boxed|\\text|[\s\"'(\[{<$])*+")


_CLOSE = re.compile(r"[\s\"')\]}>$]*+")


_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">", "$": "$"}


_ARTICLE = re.compile(
    r"(?:(?:an?|the)\s++)?(?P<more>(?:solid|strong|full|perfect|firm|clear|respectable|well-deserved)\s++)?",
    re.IGNORECASE,
)


_SCALE_SAID = re.compile(
    r"\s*+(?:[(\[](?P<in>[^()\[\]]{1,80})[)\]]|,\s++(?P<where>(?:where|with)\s[^.;]{1,80}))"
)

_BESIDE = re.compile(r"\s*+[(\[]\s*+([^()\[\]\n]{1,60})[)\]]")
"""A bracket right behind a value."""

_PART = (
    rf"(?:{'|'.join(sorted(QUALITIES - {'quality'}))})\s*+[:=]?\s*+\d{{1,3}}(?:\.\d)?"
    r"(?:/\d{1,3})?"
)

_OF_PARTS = re.compile(
    rf"\s*+[(\[]\s*+{_PART}(?:\s*+(?:[,;/]|and|,\s*+and)\s*+{_PART})*+\s*+[)\]]", re.IGNORECASE
)
"""A bracket with the scores of several parts."""

_GIVEN = re.compile(
    r"I(?:'d|'ll|\s++would|\s++will)?\s++(?:rate|score|give|grade|assign)(?:\s++(?:it|this|that))?"
    r"(?:\s++(?:at|as|with))?\s++(?:an?\s++)?(?=\d)",
    re.IGNORECASE,
)


_GLOSS = re.compile(
    r"(?:(?:very|mostly|quite|fairly|largely|highly)\s++)?(?:excellent|good|great|fair|poor|bad|"
    r"perfect|outstanding|acceptable|adequate|satisfactory|mediocre|strong|weak|moderate|"
    r"high|low|correct|accurate|helpful|relevant|clear)\s*+(?:(?=\()|[-\u2013\u2014:]\s)\s*+",
    re.IGNORECASE,
)


def off_scale(shown: str, scale: Scale) -> Verdict:
    """Return the failure of a value that a scale does not have."""
    shown = shown.strip()
    shown = shown if len(shown) <= 40 else f"{shown[:40]}..."
    return Verdict(Status.UNPARSEABLE, rationale=f"{shown} is not on the scale {scale.describe()}")


def not_understood(clause: str) -> Verdict:
    """Return the failure of a clause that has a value, and more than is understood."""
    words = " ".join(clause.split())
    return Verdict(Status.UNPARSEABLE, rationale=f"not understood: {words[:80]}")


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a scale, as judges write them.

    Args:
        scale: The scale.
        names: Words for a value, in small letters with one space between them -> the value.
        word: Finds them; None where all values are numbers.
        numbers: Numbers that are labels -> the label; empty for a scale of numbers.
        low: The least number; None without one.
        high: The greatest number.
    """

    scale: Scale
    names: dict[str, Any]
    word: re.Pattern[str] | None
    numbers: dict[float, Any]
    low: float | None
    high: float | None

    @property
    def is_number(self) -> bool:
        """Whether a number can be a value."""
        return self.scale.is_numeric or bool(self.numbers)

    @property
    def ends(self) -> tuple[Ends, ...]:
        """The ends of a scale of numbers; nothing for one of words."""
        if not self.is_number or (self.low is None and self.high is None):
            return ()
        best = self.high
        if self.scale.level in ("nominal", "ratio"):
            best = None
        elif self.numbers and self.numbers.get(self.low or 0.0) == self.scale.labels[-1]:
            best = self.low
        return (Ends(self.low, self.high, best),)

    def clause(self, text: str) -> Verdict | None:
        """Return what a clause says that begins with a value and must be understood to its end.

        None where it has no value; a failure where it has one that is off the scale, or more words
        than are understood.
        """
        text = text[: _LONGEST_CLAUSE + 1]
        signs, text = undecorated(text)
        if len(text) > _LONGEST_CLAUSE:
            return not_understood(text)
        found: list[Verdict] = []
        failed: Verdict | None = None
        for start in self._starts(text):
            for verdict, end in self._at(text, start):
                if verdict.status is not Status.OK:
                    failed = failed or verdict
                elif contradicted(self.scale, verdict.value, text[end:], text[: start + 1]) or (
                    signs and not agree(signs, self.scale, verdict.value)
                ):
                    failed = failed or not_understood(text)
                elif self._is_understood(text[end:], verdict.value):
                    found.append(verdict)
        if found and all(verdict == found[0] for verdict in found):
            return found[0]
        if found or failed:
            return failed if failed and not found else not_understood(text)
        return not_understood(text) if self.mentions(text) else None

    def mentions(self, text: str) -> bool:
        """Tell whether a value stands anywhere in a text, as far as can be told."""
        return bool(self.rivals(text, None)) or (
            self.word is not None and self.word.search(text) is not None
        )

    def of_json(self, value: Any) -> Verdict | None:
        """Return what a JSON value says; None where it says nothing."""
        if value is None or isinstance(value, dict | list):
            return None
        if isinstance(value, bool):
            if self.scale.is_binary:
                return Verdict(Status.OK, value)
            return off_scale(str(value).lower(), self.scale)
        if isinstance(value, int) and value.bit_length() >= 1024:
            return off_scale("a number of hundreds of digits", self.scale)
        if isinstance(value, int | float):
            return self._number({float(value)}, str(value))
        if not isinstance(value, str) or not value.strip():
            return None
        return self.clause(unmarked(value)) or off_scale(value, self.scale)

    def _starts(self, text: str) -> list[int]:
        starts = [0]
        if (article := _ARTICLE.match(text)) and article.end():
            starts += [article.end(), article.start("more")] if article["more"] else [article.end()]
        if self.word is None and (gloss := _GLOSS.match(text)):
            starts.append(gloss.end())
        if self.is_number and (added := SUM.match(text)) and adds_up(text, added.end()):
            starts.append(added.end())
        if given := _GIVEN.match(text):
            starts.append(given.end())
        return starts

    def _at(self, text: str, start: int) -> list[tuple[Verdict, int]]:
        """Return the values that begin at a place, and where they end."""
        opened = _OPEN.match(text, start)
        assert opened
        begin, openers = opened.end(), opened[0].replace("\\boxed", "").replace("\\text", "")
        found: list[tuple[Verdict, int]] = []
        if self.word is not None and (word := self.word.match(text, begin)):
            found += self._named(word, text)
        if self.scale.is_binary and (none := NO_FAULT.match(text, begin)):
            word = self.word.match(text, none.end()) if self.word else None
            found += (
                [one for one in self._named(word, text) if one[0].value is True] if word else []
            )
        if self.is_number and (one := self._counted(text, begin)):
            found.append(one)
        wanted = "".join(_PAIRS[c] for c in reversed(openers) if c in _PAIRS)
        return [(v, e) for v, end in found if (e := _closed(text, end, wanted)) is not None]

    def _named(self, word: re.Match[str], text: str) -> list[tuple[Verdict, int]]:
        shown = word[0]
        if shown == "a" and not END.match(text, word.end()):
            return []
        value = self.names[normal(shown)]
        return [(Verdict(Status.OK, value), word.end())]

    def _counted(self, text: str, begin: int) -> tuple[Verdict, int] | None:
        """Return the number at a place, with what it is said to be out of, and where it ends."""
        if stars := STARS.match(text, begin):
            full = sum(c in "★⭐🌟" for c in stars["full"])
            total = full + len(stars["empty"]) if stars["empty"] else 5.0
            verdict = self._number({float(full)}, f"{full} stars", total)
            return verdict, self._out_of(text, stars.end())[0]
        number = NUMBER.match(text, begin)
        if not number:
            return None
        values = readings(number)
        if not values:
            return not_understood(text[begin:]), len(text)
        shown, end = number[0], number.end()
        if number["sign"] and number["sign"][0] in "+pP" and self.low is not None and self.low >= 0:
            return not_understood(text[begin:]), len(text)  # what is added to a score
        if percent := PERCENT.match(text, end):
            if (self.low, self.high) != (0, 100):
                return off_scale(text[begin : percent.end()], self.scale), percent.end()
            end = percent.end()
        end, fits, top = self._out_of(text, end)
        if not fits:
            return off_scale(text[begin:end], self.scale), end
        if "star" in text[number.end() : end].lower() and top is None and self.high != 5:
            return off_scale(text[begin:end], self.scale), end
        return self._number(values, shown), end

    def _out_of(self, text: str, end: int) -> tuple[int, bool, float | None]:
        """Return where a number ends with its unit and range, and whether that is the scale's."""
        fits, top = True, None
        for _ in range(3):
            if unit := UNIT.match(text, end):
                end = unit.end()
            elif (out := OUT_OF.match(text, end)) and (number := NUMBER.match(text, out.end())):
                top = next(iter(readings(number)), None)
                fits, end = fits and top is not None and top == self.high, number.end()
            elif (span := self.span(text, end)) is not None:
                end, good, top = span
                fits = fits and good
            else:
                break
        return end, fits, top

    def span(self, text: str, start: int) -> tuple[int, bool, float | None] | None:
        """Return where words such as "(1-5)" or "on a scale of 1 to 5" end, and if they fit."""
        found = BRACKETED_SPAN.match(text, start)
        if found and not (found["low"] or found["out"] or found["scale"] or found["named"]):
            found = None
        if found is None:
            found = SPOKEN_SPAN.match(text, start)
            if not found or not (found["scale"] or found["named"]):
                return None
        top = number_of(found["high"] or found["top"])
        low = number_of(found["low"]) if found["low"] else None
        return found.end(), top == self.high and low in (None, self.low), top

    def _number(self, values: set[float], shown: str, out_of: float | None = None) -> Verdict:
        if out_of is not None and out_of != self.high:
            return off_scale(f"{shown} of {out_of:g}", self.scale)
        if self.numbers:
            on = [self.numbers[value] for value in values if value in self.numbers]
        else:
            on = [value for value in values if self.scale.contains(value)]
        if len(on) > 1:
            return Verdict(Status.UNPARSEABLE, rationale=f"{shown} can be read as {on}")
        return Verdict(Status.OK, on[0]) if on else off_scale(shown, self.scale)

    def _is_understood(self, rest: str, value: Any) -> bool:
        """Tell whether what follows a value leaves it as it is."""
        while filler := FILLER.match(rest):
            rest = rest[filler.end() :]
        if (beside := _BESIDE.match(rest)) and self._is_other(beside[1], value):
            return False
        if parts := _OF_PARTS.match(rest):
            rest = rest[parts.end() :]
        said = _SCALE_SAID.match(rest)
        if said and self.ends and fits(said["in"] or said["where"], self.ends):
            rest = rest[said.end() :]
        if END.match(rest):
            return True
        reason = REASON.match(rest)
        if reason and reason[0][-1:] in "([":
            after = rest.partition(_PAIRS[reason[0][-1]])[2]
            if not END.match(after) and not REASON.match(after):
                return False
        if not reason or TURN.match(rest) or TURNS.search(rest):
            return False
        tail = rest[reason.start() :]
        return not (
            self.disagrees(tail, value) if self.scale.is_binary else self.rivals(tail, value)
        )

    def _is_other(self, text: str, value: Any) -> bool:
        """Tell whether the words of a bracket are, or begin with the word for, another value."""
        verdict = None if "=" in text else self.clause(text)
        if verdict and verdict.status is Status.OK:
            return bool(verdict.value != value)
        word = self.word.match(text) if self.word and "," in text else None
        return word is not None and self.names[normal(word[0])] != value

    def disagrees(self, text: str, value: Any) -> bool:
        """Tell whether words about a yes or no say the opposite of it, or a half of it."""
        if value is True and HALF.search(text):
            return True
        if value is False and NO_FAULT_AT_ALL.search(text):
            return True
        polar = list(POLAR.finditer(text))
        if not polar:
            return False
        is_true = (polar[-1]["true"] is not None) is not (polar[-1]["no"] is not None)
        return is_true is not value

    def rivals(self, text: str, value: Any) -> bool:
        """Tell whether some words hold a value that may be meant instead of another one."""
        if self.is_number:
            for number in NUMBER.finditer(text):
                if self._may_be_meant(text, number, value):
                    return True
        if self.word is None:
            return False
        for word in self.word.finditer(text):
            name = normal(word[0])
            if value is not None and self.names[name] == value:
                continue
            before, after = text[max(0, word.start() - 24) : word.start()], text[word.end() :]
            if ALONE_BEFORE.search(before) and ALONE_AFTER.match(after):
                denied = before.rstrip().lower().endswith("not")
                mine = [n for n, v in self.names.items() if v == value]
                if not denied or any(n in name for n in mine):
                    return True
        return False

    def _may_be_meant(self, text: str, number: re.Match[str], value: Any) -> bool:
        if (number["word"] or "").lower() == "one":
            return False
        values = readings(number)
        at = {self.numbers.get(v, v if not self.numbers else None) for v in values}
        if value is not None and value in at:
            return False
        low, high = self.low, self.high
        inside = any((low is None or low <= v) and (high is None or v <= high) for v in values)
        after = text[number.end() : number.end() + 80]
        if PERCENT.match(after) and high:
            share = next(iter(values), 0.0) / 100 * high
            return self.numbers.get(share, share) != value and not COUNTS.match(after[1:])
        if not inside and values:
            return False
        before = text[max(0, number.start() - 40) : number.start()]
        lead = before.rstrip().removesuffix(" a").removesuffix("(a").rstrip()
        if NEEDED.match(after) or (lead.endswith("(") and SUPPOSED_AFTER.match(after)):
            return False
        return not (DENIED_BEFORE.search(before) or COUNTS.match(after))


@lru_cache(maxsize=64)
def values_of(scale: Scale) -> Values:
    """Return the values of a scale, as judges write them."""
    if scale.is_numeric:
        return Values(scale, {}, None, {}, scale.low, scale.high)
    names = names_of(scale)
    low, high = (min(names.numbers), max(names.numbers)) if names.numbers else (None, None)
    return Values(scale, names.of, names.found, names.numbers, low, high)


def _closed(text: str, end: int, wanted: str) -> int | None:
    """Return where the brackets are closed that were opened before a value; None if they stay."""
    closed = _CLOSE.match(text, end)
    assert closed
    have = "".join(c for c in closed[0] if c in ")]}>$")
    if not wanted:
        return end + len(closed[0]) - len(closed[0].lstrip("\"'"))
    return closed.end() if have.startswith(wanted) else None
