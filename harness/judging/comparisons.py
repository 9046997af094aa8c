"""Reads what a sentence says of a response: that it is better, worse, or as good as the other."""

from __future__ import annotations

from harness.judging import pair_words as words
from harness.judging.sides import CLOSE, OTHER, STEPS, Sides

ASPECTS = frozenset(("in", "for", "on", "regarding", "concerning", "at", "with", "by"))
WHOLE_BEGINS = frozenset("every all general my the far a these this that balance".split())
_WHOLE_ENDS = frozenset(
    "respect respects way ways general opinion view end whole far margin reason reasons balance "
    "regard aspects aspect criterion criteria dimension dimensions category categories front "
    "fronts count counts hair nose mile whisker landslide inch lot".split()
)
_EMPHASIS = ("clear", "real", "overall", "obvious", "meaningful", "significant")
_NAMES = ("one", "here", "the", "other", "choice", "pick", "job")
_MATCHED = words.BAD | frozenset("good strong matched valid helpful well bad poor weak".split())
_RESPECTS = frozenset(
    (
        *(("as", word) for word in ("far", "regards", "for", "to", "concerns")),
        *(("with", word) for word in ("respect", "regard", "regards")),
    )
)


class Comparisons(Sides):
    """A sentence in which responses are compared."""

    def predicate(self, place: int) -> tuple[str, int, bool] | None:
        """Return what is said of a response.

        Returns:
            "+" for better, "-" for worse, "=" for equal, "good" and "bad" where it is compared with
            nothing, "?" for what is denied or only possible; the place behind; and whether it is
            said on the whole, not in one respect. None where it is not understood.
        """
        at, link, gives, unsure, denied = place, False, False, False, False
        while at < place + STEPS:
            word, degrees = self.word(at), self.past_degrees(at)
            if degrees > at:
                at = degrees
                continue
            if word in words.NOT:
                denied = True
            elif word in words.POSSIBLE:
                unsure = True
            elif word in words.IS:
                link = True
            elif word in words.GIVES and not link:
                gives = True
            elif word not in words.ARTICLES:
                if word not in _EMPHASIS or self.word(at + 1) not in words.BETTER:
                    break
            at += 1
        found = self._compared(at, link, gives, denied)
        if found is None:
            return ("?", at, False) if denied or unsure else None
        sign, end, whole = found
        if unsure or (denied and sign != "not as"):
            return "?", end, False
        end, scope = self._scope(end)
        return ("-" if sign == "not as" else sign), end, whole and scope

    def _compared(
        self, at: int, link: bool, gives: bool, denied: bool
    ) -> tuple[str, int, bool] | None:
        word, following = self.word(at), self.word(at + 1)
        if word in ("more", "less", "most", "least") and (link or gives):
            place = self.past_degrees(at + 1)
            more, quality = word in ("more", "most"), self.word(place)
            if quality in words.GOOD or quality in words.OVERALL:
                return ("+" if more else "-"), place + 1, quality in words.OVERALL
            return ("-" if more else "+", place + 1, False) if quality in words.BAD else None
        if (word in words.WINS or word == "beaten") and link and following == "by":
            return "-", self._past_other(at + 2), True
        if word in words.WINS:
            return "+", self._past_other(at + 1), True
        if word in words.LOSES:
            return "-", self._past_other(at + 1), True
        if word == "falls" and following == "short":
            return "-", at + 2, True
        if word in words.BETTER or word in words.WORSE:
            kind = self.word(at - 1) == "a" and self.word(at + 2) in words.REASONS - ASPECTS
            if kind and link and following.isalpha():  # "a better tagline because"
                return ("+" if word in words.BETTER else "-", at + 2, True)
            bare = following in ("", "than") or self.pauses(at + 1)
            known = link or gives or bare
            if following == "to" and known:
                return ("+" if word in words.BETTER else "-", self._past_other(at + 1), True)
            return ("+" if word in words.BETTER else "-", at + 1, True) if known else None
        if not link:
            return None
        if word in words.GOOD or word in ("good", "strong", "right", "true"):
            if self.word(at - 1) == "as" and following == "as":
                named = self.option(at + 2)
                whole = word in words.OVERALL or word in ("good", "strong")
                return "not as" if denied else "?", named[1] if named else at + 2, whole
            return "good", at + 1, False
        if word in words.BAD:
            return "bad", at + 1, False
        same = word in words.EQUAL or word in words.TIE_NOUNS
        return ("=", at + 1, True) if same else None

    def compared(self, place: int) -> tuple[str, int, bool] | None:
        """Return what is said of a response without a verb, as ``predicate`` does."""
        return self._compared(self.past_degrees(place), True, False, False)

    def limits(self, place: int) -> bool:
        """Tell whether words say in which respect alone something is so: "as far as ..."."""
        near = (self.word(place), self.word(place + 1))
        return near in _RESPECTS and self.word(place + 3) not in ("i", "we")

    def said_of(self, side: str, place: int) -> tuple[str, bool, int] | None:
        """Return the verdict that is said of a response, whether on the whole, and the end."""
        if found := self.relation(place, side):
            return found[0], True, found[1]
        predicate = self.predicate(place)
        if predicate is None or predicate[0] not in ("+", "-", "="):
            return None
        sign, end, whole = predicate
        return {"+": side, "-": OTHER[side], "=": "TIE"}[sign], whole, end

    def _past_other(self, place: int) -> int:
        """Return the place behind "over B", "to B" or "B"."""
        named = self.option(place + (self.word(place) in ("over", "to", "against", "out")))
        return named[1] if named else place

    def _scope(self, place: int) -> tuple[int, bool]:
        """Return the place behind what a comparison is about, and whether that is the whole."""
        at = place
        for _ in range(STEPS):
            word, following = self.word(at), self.word(at + 1)
            if word == "than":
                named = self.option(at + 1)
                if named is None and following not in ("the", "that"):
                    return at, False
                at = named[1] if named else at + 1
            elif word in words.NOUNS or word in _NAMES or word in CLOSE:
                at += 1
            elif self.past_degrees(at) > at:
                at = self.past_degrees(at)
            elif word in ("of", "between") and following in ("the", "both", "these", "two"):
                at = self.past(at + 1, words.BOTH)
            elif word in ("in", "by", "for", "on") and following in WHOLE_BEGINS:
                ends = [i for i in range(at + 1, at + 5) if self.word(i) in _WHOLE_ENDS]
                if not ends:
                    return at, False
                at = ends[0] + 1
            else:
                break
        word = self.word(at)
        joins = words.REASONS | words.TURNS | words.CONCEDES | words.CONCLUDES | {"", "and"}
        role = word == "as" and self.word(at + 1) in words.ARTICLES  # "as an example"
        whole = word in joins and word not in ASPECTS and not role and not self.limits(at)
        return at, whole or self.pauses(at)

    def tie(self, place: int, marked: bool) -> int | None:
        """Return the place behind the words of a tie; of a marked verdict, a few more are known."""
        at = place
        while at < place + STEPS and (
            self.word(at) in words.ARTICLES or self.word(at) in words.TIE_LEADS
        ):
            at += 1
        at = self.past_degrees(at)
        word = self.word(at)
        if word in words.TIE_NOUNS:
            return self.past(at + 1, words.NOUNS | words.BOTH | {"between"})
        alone = word in words.EQUAL and word not in ("same", "even")
        if marked and (alone or self.word(at - 1) == "equally"):
            end = self.past(at + (word in words.EQUAL), words.QUALITY)
            return end if end > at else None
        if marked and word == "none" and self.pauses(at + 1):
            return self.tie(at + 2, False)
        if marked and word == "no":
            end = self.past(at + 1, _EMPHASIS)
            return end + 1 if self.word(end) in ("winner", "difference", "preference") else None
        if marked and word == "neither":
            return self._neither(at + 1)
        return self.equal(place, marked)

    def _neither(self, place: int) -> int | None:
        at = self.past(place, words.NOUNS | words.BOTH | {"one"})
        if at >= self.size or self.word(at) in CLOSE:
            return at
        predicate = self.predicate(at)
        return predicate[1] if predicate and predicate[0] == "+" and predicate[2] else None

    def equal(self, place: int, marked: bool = False) -> int | None:
        """Return the place behind "A and B are equally good" and the like."""
        both = self.word(place) == "both"
        at = self._pair(place + both)
        if at is None:
            if self.word(place) not in words.BOTH:
                return None
            at = self.past(place, words.BOTH | words.NOUNS)
            if at >= self.size and marked and both:
                return at
        if self.word(at) not in words.IS:
            return None
        at = self.past(at, words.IS | words.ARTICLES | words.DEGREES)
        if self.word(at) in words.TIE_NOUNS or self.word(at) in words.EQUAL:
            at = self.past(at + 1, ("quality", "in", "overall"))
        elif self.word(at - 1) == "equally" and self.word(at) in _MATCHED:
            at += 1
        else:
            return None
        ends = at >= self.size or self.pauses(at) or self.word(at) in words.REASONS | CLOSE
        return at if ends and self.word(at) not in ASPECTS else None

    def _pair(self, place: int) -> int | None:
        """Return the place behind "A and B"."""
        first = self.option(place)
        if first is None or self.word(first[1]) not in ("and", "&"):
            return None
        second = self.option(first[1] + 1)
        return second[1] if second and second[0] == OTHER[first[0]] else None
