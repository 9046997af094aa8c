"""What a reply says of its scale: its ends, and which of them is the better one.

A score of 4 out of 10 is none on a scale from 1 to 5, and a 1 is none where the judge says that 1
is the best. Only statements of the scale count: lines, brackets and sentences that have nothing but
words of scales, and clauses in which the judge says which scale it uses.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from harness.judging.score_lines import sentences
from harness.judging.score_names import words
from harness.judging.score_numbers import NUMBER_WORDS, number_of
from harness.judging.score_polarity import BEST, DEGREE, POLAR, WORST
from harness.judging.score_words import unmarked

_N = r"(?<!\d)(?<!\d\.)[-+\u2212]?\d{1,7}(?:\.\d{1,4})?+(?!\d)%?"

_LONGEST = 240
"""Characters of a statement of a scale."""

_LINK = (
    r"\s*+(?:=|:|is\b|are\b|being\b|means?\b|for\b|as\b|\u2192|->|[-\u2013\u2014](?=\s)|\()?+\s*+"
)

_GLOSS = re.compile(
    rf"(?P<n>{_N}){_LINK}{POLAR}"
    rf"|{POLAR.replace('<good>', '<good2>').replace('<bad>', '<bad2>')}\s*+[(=:]\s*+(?P<n2>{_N})",
    re.IGNORECASE,
)

_TO = (
    r"(?:-|\u2013|\u2014|\u2212|\u2026|~|to|through|up\s++to|bis|\u00e0|al?|\u81f3|\u5230"
    r"|\.\.\.?)"
)

_SPAN = re.compile(
    rf"(?P<low>{_N})\s*+(?:\([^()]{{0,40}}\)\s*+)?(?:{_TO})\s*+(?P<high>{_N})"
    rf"|\[\s*+(?P<first>{_N})\s*+,\s*+(?P<second>{_N})\s*+\]",
    re.IGNORECASE,
)

_LISTED = re.compile(rf"\A\W*({_N})(?:,\s*+{_N})*+,\s*+(?:(?:or|and)\s++)?({_N})\W*\Z")

_TOP = re.compile(
    rf"(?:\bout[\s_]++of\W*+(?:an?\s++)?(?:(?:possible|maximum|total)\s++)?(?:of\s++)?|/\s*+"
    r"|\bmax(?:imum)?\.?(?:[\s_]++(?:possible|score|rating|points?|value))*+(?:\s++(?:is|of))?\W{0,6}"
    r"|\b(?:highest|best)\s++possible(?:\s++(?:score|rating|mark|value))?(?:\s++is)?\W{0,3}"
    r"|\bpossible(?:\s++(?:points|score))?\W{1,3}|(?:\A\W*|\b(?:graded|scored|rated|marked)\s)(?:on|of|from|von|sur|sobre|de|su|van|av|\u0438\u0437)\s++"
    r"|\b(?:scales?|skala|\u00e9chelle|escala|scala)\s++(?:up\s++to|to|bis|jusqu'\u00e0|hasta|fino\s++a)\s++"
    rf"|\u6ee1\u5206\s*+(?:\u4e3a|\u662f)?\s*+|\u5171\s*+)(?P<n>{_N})"
    rf"(?!\s*+(?:-|\u2013|to\b|bis\b|\u00e0\b|al?\b)\s*+\d)"
    rf"|(?P<n2>{_N})(?:[\s-]points?\b(?:\s++(?:likert\s++)?scale|\s++(?:possible|max)|\W*\Z|(?=-))"
    r"|-points?\b|\s*+\(?max(?:imum)?\b(?!(?:\s++(?:score|rating|points?))?\W{0,4}\d)|\s++as\s++(?:the\s++)?max(?:imum)?\b"
    r"|\s++points?\s++possible|\s*+(?:\u70b9\u6e80\u70b9|\u5206\u5236|\u5206\u6ee1\u5206))",
    re.IGNORECASE,
)

_BOTTOM = re.compile(
    rf"\b(?:min(?:imum)?|lowest\s++possible)(?:[\s_]++(?:score|rating|points?|value))?\W{{0,6}}({_N})",
    re.IGNORECASE,
)

_LOWER_IS_BETTER = re.compile(
    r"(?:\A|[(\[,;:.]|\b(?:where|that|with|so)\b)\W*(?:a\s++)?(?:(?:low(?:er)?|small(?:er)?|few(?:er)?)"
    r"(?:\s++(?:scores?|numbers?|values?|ratings?))?\s++(?:is|are|means?|being)\s++(?:better|best|good)"
    r"|(?:high(?:er)?|large(?:r)?)(?:\s++(?:scores?|numbers?|values?|ratings?))?\s++(?:is|are|means?|being)"
    r"\s++(?:worse|worst|bad)|the\s++(?:lower|smaller|fewer|less),?\s++the\s++better"
    r"|the\s++(?:higher|larger|more),?\s++the\s++worse)(?:\s++here)?\W*\Z",
    re.IGNORECASE,
)

_GLOSSED = re.compile(
    rf"(?:\A|[(\[,;:]|\b(?:where|with|and|using|use|to)\b)\s*+{_N}\s*+(?:=|is\b|being\b|means?\b|for\b)"
    rf"\s*+{POLAR}(?=\s*+(?:\Z|[)\],;.:!]|and\b|to\b|[-\u2013\u2014]))",
    re.IGNORECASE,
)

_TELLS = re.compile(
    r"\b(?:scales?|ranges?|likert|max(?:imum)?|min(?:imum)?|possible|graded|scored|rated|go(?:es)?\s++from"
    r"|skala|\u00e9chelle|escala|scala|rate)\b|<out of"
    r"|\A\W*(?:(?:all|both|each|scores?|ratings?|every|are|is|rated|graded)\b\W*)*+out[\s_]++of\b"
    rf"|\d%?\s*+(?:=|is|being|means?|for|\()\s*+{DEGREE}(?:{BEST}|{WORST}|excellent|poor|terrible)\b"
    r"|\b(?:best|worst)\s*+[(=:]|\d\s++(?:the\s++)?(?:best|worst|highest|lowest)\b",
    re.IGNORECASE,
)

_HEADING = re.compile(r"[^()\[\]:=]{0,60}[(\[][^()\[\]]{1,60}[)\]]\W*\Z")

_OF_VALUE = re.compile(
    r"\A\W?\s*+(?:of|out\s++of|from|von|sur|sobre|de|su|van|av|\u0438\u0437|/)\s", re.IGNORECASE
)

_BRACKETS = re.compile(r"[(\[\uff08]([^()\[\]\uff08\uff09\n]{1,80})[)\]\uff09]")

_CJK = re.compile(
    r"(?:\u6ee1\u5206|\u5171\s*+\d|\d\s*+(?:\u70b9\u6e80\u70b9|\u5206\u5236|\u5206\u6ee1\u5206)"
    r"|\u8bc4\u5206\u8303\u56f4|\u8bc4\u5206\u6807\u51c6)[^\n]{0,40}"
)

_USED = re.compile(
    r"\W*(?:(?:on|using|with|auf|sur|en|in|su)\s++(?:an?|the|my|einer?|une|una)\s|(?:I|I'm|I'll|we|my)\s"
    r"|(?:all|both|each|these|the)?\s*+(?:ratings?|scores?|rated|scored|rating)\s)",
    re.IGNORECASE,
)

_SCALE = re.compile(r"\b(?:scale|skala|\u00e9chelle|escala|scala)\b", re.IGNORECASE)

_CLAUSE = re.compile(r"[;:!?,]")

_EXTREME = re.compile(rf"\b(?:{BEST}|{WORST})\b")

_OTHERS = re.compile(
    r"\b(?:responses?|users?|answers?|texts?|questions?|prompts?|surveys?|asked|says?|said|asks)\b",
    re.IGNORECASE,
)

_JOINED = re.compile(r"_|(?<=[a-z])(?=[A-Z])")

_SHORT = re.compile(r"\b(max|min)\.(?=\s)", re.IGNORECASE)

_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(NUMBER_WORDS)})\b(?!\s+of\b)", re.IGNORECASE)

_SCORING = re.compile(r"\A\W*(?:\w++\s++){0,2}scor(?:es?|ing)\s*+:", re.IGNORECASE)

_HUNDRED = re.compile(r"\b(?:an?|one)\s++hundred\b", re.IGNORECASE)

_WORDS = re.compile(r"[^\W\d_]++(?:'[a-z]{1,2}\b)?", re.IGNORECASE)

_VOCABULARY = frozenset(
    "scale scales range ranges rating ratings score scores scored scoring rate rated rates grade"
    " grades graded point points pt pts star stars mark marks likert used use using i i'll i'm am"
    " will would is are be being the a an of on from to out all both each every criteria criterion"
    " where with and or my this these it for as at in max maximum min minimum possible note that"
    " goes go between through up total overall value values numeric integer here marked"
    " grading means"
    " mean respectively following best worst highest lowest perfect ideal flawless top excellent"
    " outstanding exceptional superb great good strong helpful correct accurate right high better"
    " terrible awful horrible dreadful useless unacceptable poor bad weak unhelpful incorrect"
    " inaccurate wrong low worse lower higher smaller fewer very extremely most fair average"
    " okay"
    " neutral acceptable moderate quality skala von bis auf einer \u00e9chelle sur une escala en"
    " una"
    " sobre our usual normal standard typical \u6ee1\u5206"
    " \u5206 \u5171 de \u00e0 al so overall jusqu hasta".split()
)


@dataclass(frozen=True, slots=True)
class Ends:
    """The numbers at the ends of a scale.

    Args:
        low: The least.
        high: The greatest.
        best: The better end; None where no end is.
    """

    low: float | None
    high: float | None
    best: float | None

    def misfit(self, piece: str) -> bool | None:
        """Tell whether words about a scale are of another one; None where they say no range."""
        piece = _spelt_out(piece)
        if self.best is not None and self.best == self.high and _LOWER_IS_BETTER.search(piece):
            return True
        said = False
        for found in _GLOSS.finditer(piece):
            number = _number(found["n"] or found["n2"])
            said = True
            if self._is_off(number, found["good"] or found["good2"], found[0].lower()):
                return True
        listed = _LISTED.match(piece)
        spans = [(listed[1], listed[2])] if listed else []
        spans += [(m["low"] or m["first"], m["high"] or m["second"]) for m in _SPAN.finditer(piece)]
        for first, second in spans:
            said = True
            if (_number(first), _number(second)) != (self.low, self.high):
                return True
        for top in _TOP.finditer(piece):
            said = True
            if _number(top["n"] or top["n2"]) != self.high:
                return True
        for bottom in _BOTTOM.finditer(piece):
            said = True
            if _number(bottom[1]) != self.low:
                return True
        return False if said else None

    def _is_off(self, number: float, good: str | None, said: str) -> bool:
        """Tell whether a number that is said to be good or bad is so on another scale."""
        if (self.low is not None and number < self.low) or (
            self.high is not None and number > self.high
        ):
            return True
        if self.best is None:
            return False
        worst = self.low if self.best == self.high else self.high
        extreme = _EXTREME.search(said)
        if good:
            return number == worst or bool(extreme and number != self.best)
        return number == self.best or bool(extreme and number != worst)


def _number(text: str) -> float:
    return number_of(text.rstrip("%"))


def other_range(text: str, scales: Collection[Ends], names: Collection[str] = ()) -> str:
    """Return the words of a text that state a range which is that of no scale; empty without.

    Args:
        text: What the judge says.
        scales: The ends of the scales of numbers.
        names: Words of the criteria, which may stand in such a statement.
    """
    if not scales:
        return ""
    for piece in _pieces(text, frozenset(names) | _VOCABULARY):
        if all(ends.misfit(piece) for ends in scales):
            return " ".join(piece.split())
    return ""


def _pieces(text: str, vocabulary: frozenset[str]) -> Iterator[str]:
    """Yield the parts of a text that speak of the scale."""
    text = _spelt_out(text)
    for begin, end in sentences(text):
        sentence = text[begin:end].strip()
        for cjk in _CJK.finditer(sentence):
            yield cjk[0]
        for gloss in _GLOSSED.finditer(sentence):
            yield gloss[0]
        if len(sentence) <= _LONGEST and _is_pure(sentence, vocabulary):
            if _TELLS.search(sentence) or _HEADING.match(sentence):
                yield sentence
        if _LOWER_IS_BETTER.match(sentence.removeprefix("Note: ")) or (
            len(sentence) <= _LONGEST
            and _LOWER_IS_BETTER.search(sentence)
            and _is_pure(sentence, vocabulary)
        ):
            yield sentence
        for bracket in _BRACKETS.finditer(sentence):
            piece = bracket[1]
            after_value = sentence[: bracket.start()].rstrip()[-1:].isdigit()
            if _is_pure(piece, vocabulary) and (
                _TELLS.search(piece) or (after_value and _OF_VALUE.match(piece))
            ):
                yield piece
            elif _LOWER_IS_BETTER.match(_SCORING.sub("", piece)):
                yield piece
        if (scale := _SCALE.search(sentence, 0, _LONGEST)) and _USED.match(sentence):
            lead = sentence[: scale.start()]
            behind = _CLAUSE.split(sentence[scale.start() : scale.end() + 80], maxsplit=1)
            if not _OTHERS.search(lead) and not _CLAUSE.search(lead):
                yield lead[-40:] + behind[0]


def _spelt_out(text: str) -> str:
    """Return a text with digits for number words, and without dots behind "max"."""
    text = _HUNDRED.sub("100", _SHORT.sub(r"\1", _JOINED.sub(" ", unmarked(text))))
    return _NUMBER_WORD.sub(lambda found: str(NUMBER_WORDS.index(found[0].lower())), text)


def fits(piece: str, scales: Collection[Ends]) -> bool:
    """Tell whether a text has nothing but words of scales, and says the range of these."""
    return _is_pure(piece, _VOCABULARY) and all(ends.misfit(piece) is False for ends in scales)


def _is_pure(piece: str, vocabulary: frozenset[str]) -> bool:
    """Tell whether a text has nothing but words of scales, and a number or two."""
    if "\x00" in piece:
        return False
    said = [part for word in _WORDS.findall(piece) for part in _split(word)]
    return all(word in vocabulary for word in said)


def _split(word: str) -> tuple[str, ...]:
    return (word.lower(),) if "'" in word or word.islower() else words(word)
