"""Reads the verdict of a clause, which is one only when the whole clause is understood."""

from __future__ import annotations

from harness.judging import pair_words as words
from harness.judging.comparisons import WHOLE_BEGINS
from harness.judging.objections import MODEST, NONE_OF, Objections
from harness.judging.ordinals import ordinal
from harness.judging.sides import CLOSE, DASHES, OPEN, OTHER, STEPS
from harness.judging.taken_back import within

LINK_MARKS = frozenset(":=->|\u2192") | DASHES
_AGAINST = ("not", "over", "against", "and", "rather", "instead")
_PARTS = ("for", "on", "in", "if", "when")
_CHANGES = frozenset(("actually", "or", "otherwise", "else", "rather", "then", "\u2192"))
_PREFERS = frozenset("prefer choose pick select favor favour recommend".split())
_PREFERS_IN_TWO = frozenset(
    (("go", "with"), ("going", "with"), ("goes", "with"), ("vote", "for"), ("opt", "for"))
)
_GIVES = frozenset("because since as for weil da porque car".split())
_HAS = frozenset("has is contains had was".split())
_SAYS = frozenset("so hence thus therefore say it's clearly definitely".split())
"""Words behind which a letter alone ends a sentence as its verdict."""
_LIMITS = words.NOT | words.HEDGES | words.CONDITIONS | {"less", "only", "than", "except", "vs"}
_DOUBTS = (
    words.HEDGES | words.CONDITIONS | {*("or", "no", "nope", "not", "ni", "nicht", "=", ">", "<")}
)


_NEAR = 60
"""Words behind a reason in which it may be compared, or granted."""
_SHORT = 6
"""Words of a remark in brackets that is no prose."""
_REMARKS = (
    words.GOOD
    | words.BETTER
    | words.BAD
    | words.ERRORS
    | words.FAULTS
    | words.DEGREES
    | words.REASONS
    | words.NOUNS
    | words.VERDICT
    | words.TIE_NOUNS
    | words.EQUAL
    | words.WINS
    | frozenset(
        "confidence confident certain sure certainty final margin right true good great strong "
        "more less fewer fewest most least no not only than it both each all every none neither "
        "everything nothing perfect close leaning slight lean preference quality style content "
        "facts factual accuracy correctness helpfulness detail depth clarity tone safety reasons "
        "reason see above below explained details gut sorry thanks done end score scores points "
        "sicher deutlich knapp genauer richtig korrekt gut klar vollst\u00e4ndiger zuversicht "
        "m\u00e1s plus juste mejor bueno correcta correcte mieux bonne exacte clara".split()
    )
)
"""Words of remarks in brackets that go with a verdict."""
_KNOWN_SIGNS = frozenset(
    "\u66f4\u597d\u4f18\u4f73\u80dc\u6b63\u786e\u5bf9\u8f83\u5f3a\u6700\u7ec8\u4fe1\u51c6"
)


def _is_known(word: str) -> bool:
    """Tell whether a word makes a remark a reason: a merit, a comparative, a figure."""
    known = word in _REMARKS or word[0].isdigit() or not word[0].isalnum()
    return known or word.endswith("er") or not _KNOWN_SIGNS.isdisjoint(word)


class Clause(Objections):
    """A clause that may hold a verdict."""

    def marked(self, place: int, turns: bool = True) -> str:
        """Return the verdict that follows a mark; empty where it is not understood.

        Args:
            place: Where the mark ends.
            turns: Whether it may stand behind a concession.
        """
        value = self.direct(self.filled(place))
        return value or (self._turned(place) if turns else "")

    def judgement(self, place: int, bare: bool = False) -> str | None:
        """Return the verdict of a clause that no mark precedes.

        Args:
            place: Where it begins.
            bare: Whether a letter alone is one.

        Returns:
            A, B or TIE; empty where it is one that is not understood; None where it is none.
        """
        at, chooses, finds = place, False, False
        while at < min(self.size, place + STEPS):
            word = self.word(at)
            known = word in words.FILL or word in words.DEGREES or word == ","
            if not known or (word == "the" and self.option(at)) or self.tie(at, False) is not None:
                break
            chooses |= word in _PREFERS or (self.word(at - 1), word) in _PREFERS_IN_TWO
            finds |= word in ("find", "consider")
            at += 1
        end = self.tie(at, False)
        if end is not None:
            lead = {token.word for token in self.tokens[place:at]}
            unreal = lead & {"would", "could"} and self._turns_behind(end)
            return "TIE" if not unreal and self.tail(end, "TIE") else ""
        named = self.option(at)
        if named is None:
            return None
        side, end = named
        compared = self.word(self.past(end, words.DEGREES | {"the", "as", "to", "be"}))
        if self.word(end) == "it" and self.word(end + 1) == "is":  # "A it is"
            then = end + 2 + (self.word(end + 2) == ",")
            if then + (self.word(then) == "then") >= self.size:
                return "" if self.asks else side
        if chooses or (finds and (compared in words.BETTER or compared in words.WORSE)):
            worse = compared in words.WORSE
            names = words.DEGREES | words.BETTER | words.WORSE | words.NOUNS
            end = self.past(end, names | {"as", "be", "the", "choice", "one"})
            over = self.option(end + 1) if self.word(end) == "to" else None
            end = over[1] if over is not None and over[0] == OTHER[side] else end
            end = self.past(end, names | {"as", "to", "be", "the", "choice", "one"})
            value = OTHER[side] if worse else side
            return value if self.tail(end, value) else ""
        if bare and self.tail(end, side):
            return side
        if end >= self.size and at > place and self.word(at - 1) in _SAYS:
            return "" if self.asks else side
        said = self.said_of(side, self._past_insertion(end))
        if said is None:
            return "" if self.word(end) in words.HEDGES else None
        begin, (value, whole, end) = end, said
        if not whole:
            return "" if self.word(end) in ("too", "as", "also") else None
        if self._only_seems(begin, end):
            return ""
        return value if self._follows(end, value) else ""

    def tail(self, place: int, value: str) -> bool:
        """Tell whether all that follows a verdict is understood, and takes nothing back."""
        at = place
        for _ in range(STEPS):
            at = self.past_degrees(self.past_signs(self.past(at, CLOSE)))
            word = self.word(at)
            if self.asks or at >= self.size:
                return not self.asks
            if self.pauses(at):
                return not self.is_against(at + 1, value) and self._after_pause(at, value)
            if word in words.CONCEDES or word in words.TURNS:
                return self.free(at, value)
            if word == "by" and "margin" in (near := [self.word(i) for i in range(at, at + 6)]):
                at += near.index("margin") + 1
            elif word == "and" and [self.word(at + 1), self.word(at + 2)] == ["nothing", "else"]:
                at += 3
            elif word in _AGAINST:
                skip = at + 1 + (self.word(at + 1) in ("than", "of", "not", "to"))
                named = self.option(skip)
                if named is None or named[0] != OTHER[value] or (word, skip) == ("and", at + 1):
                    return False
                at = named[1]
            else:
                breaks = word in _GIVES and at + 1 >= self.size
                known = word in words.REASONS and not self.limits(at) and not breaks
                return known and self.free(at + 1, value, reasons=True)
        return False

    def free(self, place: int, value: str, reasons: bool = False) -> bool:
        """Tell whether words that are not all understood take nothing of a verdict back.

        Args:
            place: Where they begin.
            value: The verdict.
            reasons: Whether they are known to give its reasons.
        """
        behind_it = [token.word for token in self.tokens[place:]]
        text = " ".join(behind_it)
        if within(behind_it) or words.mocks(text):
            return False
        if value == "TIE" and self.word(place) in words.TURNS and self.side > place:
            return False
        if self._is_own_fault(place - 1, value):
            return False
        concedes, behind = False, place
        turned = self.word(place) in words.TURNS or self.word(place) in words.CONCEDES
        for at in range(place, self.size):
            word = self.word(at)
            reasons = reasons or word in words.REASONS
            concedes = (concedes or word in words.CONCEDES) and not (
                word in words.TURNS or word in words.CONCLUDES
            )
            if word == "no" and self._answers_no(at):
                return False
            if word in words.TURNS | words.CONCEDES and at + 1 == self.size:
                return False  # it breaks off
            limits = ("if", "unless", "otherwise", "depending", "except")
            if at < place + 5 and word in words.HEDGES and (turned or not reasons):
                return False
            ends_not = word == "not" and at + 1 == self.size
            if not reasons and (ends_not or word in limits):
                return False
            if word in ("vs", "versus") or (word in words.TURNS and self._worse_behind(at)):
                return False
            before = self.word(at - 1)
            states = before in words.ARTICLES or before in words.IS or self.pauses(at - 1)
            denied = before in words.ARTICLES and self.word(at - 2) == "not"
            states = states and not denied
            if word in words.TIE_NOUNS and states and value != "TIE" and not concedes:
                return False
            if not self._keeps(at, value):
                return False
            if at >= behind and (named := self.option(at)):
                found = self.relation(named[1], named[0])
                behind = found[1] if found else named[1]
                if not self._agrees(at, named, value, reasons, concedes):
                    return False
        return True

    def _is_reason(self, place: int) -> bool:
        """Tell whether a short remark in brackets is understood: a merit, or how sure it is."""
        end = next((at for at in range(place, self.size) if self.word(at) in CLOSE), self.size)
        if end - place > _SHORT or place <= self.side < end:
            return True
        told = self.tokens[place:end]
        quoted = told[0].text[:1].isupper() and not (told[0].text.isupper() and len(told) == 1)
        verb = len(told) > 1 and len(told[0].word) > 3 and told[0].word.endswith("s")
        return quoted or verb or any(map(_is_known, (token.word for token in told)))

    def _turns_behind(self, at: int) -> bool:
        """Tell whether something is compared, or granted, behind a place."""
        known = (
            words.TURNS
            | words.CONCEDES
            | {"less", "fewer", "more", "than", "only", "too", "nothing", "no"}
        )
        return not known.isdisjoint(token.word for token in self.tokens[at : at + _NEAR])

    def _is_faulty_near(self, at: int) -> bool:
        near = type(self)(self.tokens[at - 1 : at + _NEAR], self.numbered)
        return near.is_faulty(1)

    def _is_own_fault(self, at: int, value: str) -> bool:
        """Tell whether a reason is a fault of what is preferred: "because it has errors"."""
        if value == "TIE" or self.word(at) not in _GIVES or self.word(at + 1) != "it":
            return False
        if self.side > at or self.word(at + 2) not in _HAS | words.FAULTS:
            return False
        rest = {token.word for token in self.tokens[at + 2 :]}
        if rest & (words.NOT | {"fewer", "fewest"}) or self._turns_behind(at):
            return False
        return not (words.BAD | words.ERRORS | words.FAULTS - {"only", "merely"}).isdisjoint(rest)

    def _worse_behind(self, at: int) -> bool:
        """Tell whether something is worse behind a "but", and no response is named there."""
        worse = any(token.word in words.WORSE for token in self.tokens[at:])
        return worse and self.side < at

    def _answers_no(self, at: int) -> bool:
        begins = self.pauses(at - 1) or self.word(at - 1) in words.TURNS
        ends = at + 1 == self.size or self.pauses(at + 1) or self.option(at + 1) is not None
        return begins and ends

    def _keeps(self, at: int, value: str) -> bool:
        """Tell whether no other verdict follows a word that introduces one."""
        word = self.word(at)
        mark = word in words.VERDICT and self.word(at + 1) in (":", "is")
        chooses = word in words.CHOOSES and word not in ("with", "for")
        chooses = chooses or (word == "with" and self.word(at - 1) in ("go", "going", "goes"))
        if word in ("changed", "switched", "revised"):
            named = self.option(at + 1 + (self.word(at + 1) == "to"))
            return named is None or named[0] == value
        if not mark and not chooses and word not in words.CONCLUDES and word not in _CHANGES:
            return True
        skip = mark or self.word(at + 1) == ","
        named = self.option(at + 1 + skip)
        if named is None or named[0] == value:
            return True
        said = self.said_of(*named)
        return not mark and said is not None and said[0] == value

    def _agrees(
        self, at: int, named: tuple[str, int], value: str, reasons: bool, concedes: bool
    ) -> bool:
        """Tell whether what is said of a response that reasons name goes with the verdict."""
        side, end = named
        said, predicate = self.said_of(side, end), self.predicate(end)
        gives = self.word(at - 1) in _GIVES
        if concedes:
            reversed_ = self.word(end) in words.BETTER and self.word(end + 1) in words.IS
            whole = said is not None and said[1] and said[0] == OTHER[value]
            return not whole and not (reversed_ and side != value)
        if said is not None:
            partly = not said[1] and not (gives and not self._turns_behind(said[2]))
            return partly or said[0] == value
        if gives and side == value and predicate is not None and predicate[0] == "bad":
            return self._turns_behind(end)
        if gives and side != value and predicate is not None and predicate[0] == "good":
            return self._turns_behind(end)
        if gives and side == value and self._is_faulty_near(end):
            return self._turns_behind(end)
        if predicate is not None:
            return predicate[0] != "?" or side != value or reasons
        alone = self.pauses(at - 1) or self.word(at - 1) in ("and", "but", "or")
        listed = self.word(at - 1) == "and" and self.word(at - 2) in ("a", "b", "1", "2")
        ends = end >= self.size or self.pauses(end) or self.word(end) in _PARTS
        return side == value or not alone or not ends or listed

    def _after_pause(self, at: int, value: str) -> bool:
        place = at + 1
        while place < self.size and (self.pauses(place) or self.word(place) in CLOSE):
            place += 1
        if place >= self.size:
            return self.word(at) not in DASHES
        word = self.word(place)
        if (tie := self.tie(place, True)) is not None:
            return value == "TIE" and self.free(tie, value)
        if (told := ordinal(self, place)) is not None:
            return told == value and self.free(place, value)
        if self.word(place - 1) in OPEN and not self._is_reason(place):
            return False
        if word == "no" and self.word(place + 1) in NONE_OF:
            return self.free(place + 2, value)
        if word == "not" and self.word(place + 1) in MODEST:
            return self.free(place + 2, value)
        if word == "not" and value != "TIE" and (end := self.tie(place + 1, False)) is not None:
            return self.free(end, value)
        if word in ("not", "no") and (named := self.option(place + 1)):
            return word == "not" and named[0] == OTHER[value] and self.free(named[1], value)
        if named := self.option(place):
            side, end = named
            if side == value and (end >= self.size or self.pauses(end)):
                return self.free(end, value)
            said = self.said_of(side, end)
            if said is None:
                lesser = self.word(at) == "(" and self._is_lesser(end)
                known = side != value and (lesser or self.is_faulty(end))
                return known and self.free(end, value, True)
            return said[0] == value and self.free(said[2], value, True)
        return word not in _DOUBTS and self.free(place, value)

    def filled(self, place: int) -> int:
        """Return the place behind words between a mark and its verdict."""
        at = place
        while at < min(self.size, place + 2 * STEPS):
            word = self.word(at)
            known = word in words.FILL or word in words.DEGREES or word in LINK_MARKS
            if not known and word not in OPEN and self.past_signs(at) == at:
                break
            if (word == "the" or word in OPEN) and self.option(at):
                break
            if self.tie(at, True) is not None:
                break
            at += 1
        return at

    def direct(self, at: int) -> str:
        """Return the verdict that begins at a place; empty where it is not understood."""
        end = self.tie(at, True)
        if end is not None:
            return "TIE" if self.tail(end, "TIE") else ""
        named = self.option(at)
        if named is None or self.asks:
            return ""
        side, end = named
        if found := self.relation(end, side):
            return found[0] if self.tail(found[1], found[0]) else ""
        if self.tail(end, side):
            return side
        predicate, said = self.predicate(end), self.said_of(side, end)
        if said is not None:
            begin, (value, whole, end) = end, said
            if self._only_seems(begin, end):
                return ""
            if whole:
                return value if self._follows(end, value) else ""
            known = value == side and self.word(end) not in _LIMITS
            rest = [
                self.said_of(*n) for i in range(end, self.size) if (n := self._side_at(i, side))
            ]
            against = any(said is not None and said[0] != value for said in rest)
            return value if known and not against and self.free(end, value, True) else ""
        if predicate is not None and predicate[0] == "good":
            alone = all(token.text not in ("A", "B") for token in self.tokens[predicate[1] :])
            return side if alone and self.free(predicate[1], side, True) else ""
        return ""

    def _only_seems(self, place: int, end: int) -> bool:
        """Tell whether what is said of a response, up to a place, is what it only looks like."""
        link = {token.word for token in self.tokens[place:end]}
        behind = {token.word for token in self.tokens[end:]}
        return bool(link & words.SEEMS) and bool(behind & (words.TURNS | words.DECEIVING))

    def _is_lesser(self, place: int) -> bool:
        """Tell whether "is nicer in tone" stands at a place: more, but in one respect."""
        word = self.word(place + 1)
        known = word.endswith("er") and word not in words.BETTER | words.WORSE
        role = self.word(place + 2) == "in" and self.word(place + 3) not in WHOLE_BEGINS
        return self.word(place) in words.IS and known and role

    def _side_at(self, place: int, side: str) -> tuple[str, int] | None:
        """Return the other response, where it is named at a place, and the place behind it."""
        named = self.option(place)
        return named if named is not None and named[0] != side else None

    def _follows(self, place: int, value: str) -> bool:
        """Tell whether what follows a comparison goes with its verdict."""
        if self.word(place) == "and":
            return not self.asks and self.free(place, value)
        return self.tail(place, value)

    def _past_insertion(self, place: int) -> int:
        """Return the place behind ", despite its length,"."""
        if self.word(place) != "," or self.word(place + 1) not in words.CONCEDES | {"which"}:
            return place
        ends = (i for i in range(place + 1, min(self.size, place + STEPS)) if self.word(i) == ",")
        return next(ends, place - 1) + 1

    def _turned(self, place: int) -> str:
        """Return the verdict behind a concession: "both are good, but B is better"."""
        concedes = self.word(place) in words.CONCEDES
        known = (",",) if concedes else words.TURNS | words.CONCLUDES
        turns = [i for i in range(place, self.size) if self.word(i) in known]
        if not turns or self.asks:
            return ""
        at = turns[0 if concedes else -1]
        before = type(self)(self.tokens[place:at], self.numbered)
        lead, turn = {token.word for token in before.tokens}, self.word(at)
        if lead & words.HEDGES or within([token.word for token in before.tokens]):
            return ""
        if lead & words.CONDITIONS and turn in words.TURNS:
            return ""
        value = self.judgement(at + 1, bare=turn in words.CONCLUDES) or ""
        filled = before.filled(0)
        earlier = before.direct(filled) if filled < before.size else ""
        return value if concedes or earlier in ("", value) else ""
