"""The lines of an answer: their fields and sentences that may state a score."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.judging.score_names import FILLERS, QUALITIES, WHOLE, words
from harness.judging.score_words import EMPHASIS

_SENTENCE = 600
"""Characters of one sentence that are read."""

SPACES = re.compile(r"(?<=\s)\s++")

_TAGS = (
    r"</?+(?:p|b|strong|i|em|u|h[1-6]|span|div|li|ul|ol|br|center|font|output|answer|evaluation"
    r"|judge?ment)(?:\s[^<>]{0,80})?/?>"
)

_LEFT_OUT = re.compile(rf"{EMPHASIS.pattern}|{SPACES.pattern}|{_TAGS}", re.IGNORECASE)

_LEADING = re.compile(
    r"\s*+(?:[-*+\u2022]\s++|\#++\s*+|\(?\d{1,2}[.)]\s++|\(?[a-h]\)\s++|>\s*+"
    r"|(?:[\u2600-\u2704\u2706-\u274b\u274d-\u2793\u2705\u2b50\U0001f300-\U0001f44d\U0001f44f-\U0001f6aa\U0001f6ac-\U0001faff]\s*+)++(?=[A-Za-z]))*+"
)

_SENTENCES = re.compile(r"(?<!e\.g)(?<!i\.e)[.!?][\"')\]]*+\s++")

CELLS = re.compile(r"\s*+\|\s*+")

_FIELDS = re.compile(
    r"[,;]\s++(?=[\"']?[A-Za-z][\w -]{0,40}[\"']?\s?[:=]\s)"
    r"|\s++(?=[\[(](?:RESULT|SCORE|RATING|result|score|rating|Result|Score|Rating)[\])])"
    r"|\s++[-\u2013\u2014]\s++(?=[\"']?[A-Za-z][\w -]{0,30}[\"']?\s?[:=])"
    r"|\s++(?=(?:Rationale|Reason|Reasoning|Explanation|Justification|Feedback|Comments?):)"
)

_FIELD = re.compile(
    r"[\s\"'{(\[<]*+(?P<name>[^\W\d_][\w ./&'-]{0,60}?)(?P<close>[\"'\])]*+)\s*+"
    r"(?P<hint>[(\[][^()\[\]]{0,80}[)\]]|\b(?:on\s++an?\s++[^:]{0,12}scale[^:]{0,16}|out\s++of\s++\d++|from\s++\d++\s++to\s++\d++))?\s*+"
    r"(?P<link>[:=\uff1a]\s*+|(?<=\s)[-\u2013\u2014]\s++|\u2014\s*+|,\s++|(?<=[)\]])(?=\w)|(?<=[)\]]\s)(?=\w)|(?<=[\s)\]])(?=[\d(\[★⭐$\\+\u2212-]))",
)

_SO = (
    r"(?:[Ss]o|[Tt]hus|[Tt]herefore|[Hh]ence|[Oo]verall|[Aa]ccordingly|[Cc]onsequently|[Ff]inally"
    r"|[Uu]ltimately|[Ii]n\s++(?:conclusion|summary|the\s++end|total)|[Aa]s\s++a\s++result"
    r"|[Aa]ll\s++in\s++all|[Ww]ith\s++(?:this|that|these|all\s++this)\s++in\s++mind"
    r"|[Ii]n\s++my\s++(?:view|opinion|judge?ment)|[Tt]o\s++sum\s++up|[Gg]iven\s++the\s++[a-z]{3,20}"
    r"|[Gg]iven\s++(?:all\s++)?(?:this|that|these|the\s++above)(?:\s++(?:points|reasons|flaws|errors))?"
    r"|[Ff]or\s++(?:this|that|these|those)\s++reasons?"
    r"|(?:[Bb]ased\s++on|[Cc]onsidering|[Tt]aking)\s++(?:all\s++)?(?:of\s++)?(?:this|that|these|the\s++above"
    r"|everything)(?:\s++(?:points|reasons|factors|into\s++account))?)"
)

_IS = re.compile(
    rf"(?:{_SO},?\s++)?(?P<name>(?:[Mm]y|[Tt]he|[Ii]ts|[Yy]our|[Tt]his|[Aa])"
    r"(?:\s++[a-z-]++){1,5}?)(?:\s++(?:that\s++)?I(?:'d|'ll|\s++would|\s++will)?\s++(?:give|assign|award)"
    r"(?:\s++(?:it|this|this\s++response|the\s++response))?)?\s++(?:is|would\s++be|should\s++be|will\s++be)(?:\s++therefore|\s++thus)?(?::|\s)\s*+"
)

_QUALITY = "|".join(sorted(QUALITIES))

_THING = (
    r"(?:response|answer|reply|output|essay|text|summary|translation|assistant|completion|solution"
    r"|story|code|submission|work|explanation|translation|poem|letter|article)(?:\s++as\s++a\s++whole)?+"
)

_IT = (
    rf"(?:its\s++(?:{_QUALITY})|(?:the\s++)?(?:{_QUALITY})\s++of\s++(?:this|the|that)\s++{_THING}"
    rf"|(?:this|the|that)(?:\s++[a-z']++){{0,2}}?\s++{_THING}|it|this(?:\s++one)?|that)\b"
)

_LINKS = (
    r"(?:\s++(?:as|at|with|to\s++be|is|it's|of|a(?=\s)|an|the|final|overall|total|score|rating"
    r"|grade|mark|this|my|following)\b)*+(?::\s*+|\s++)"
)

_THEREFORE = r"(?:\s++(?:therefore|thus|hence|overall|then|also|so|still|clearly))?"

_SAID = (
    re.compile(
        r"\bI(?:'d|'ll|\s++would|\s++will|\s++must|\s++have\s++to|\s++can\s++only"
        rf"|\s++am\s++going\s++to)?{_THEREFORE}\s++(?:rate|score|grade|give|assign|award|mark"
        rf"|evaluate|judge|put|say|call|consider)(?:\s++{_IT})?{_LINKS}"
    ),
    re.compile(
        rf"\b(?:(?:[Tt]he|[Tt]his)(?:\s++[a-z']++){{0,2}}?\s++{_THING}|[Ii]t|[Tt]his|[Tt]hat)\b"
        rf"{_THEREFORE}\s++(?:deserves|earns|merits|gets|receives|scores|warrants|rates"
        r"|(?:should|must)\s++(?:get|receive|be\s++(?:rated|scored|given|graded|awarded))"
        r"|is\s++(?:worth|rated|scored|given|graded|awarded|a(?=\s++(?:solid\s++)?\d)))"
        rf"{_LINKS}"
    ),
    re.compile(
        r"(?:\A|\b[Ss]o,?\s++)(?:[Ll]et\s++me\s++(?:rate|score|grade|give)\s++(?:it|this)(?:\s++(?:response|answer))?"
        r"|(?:[Tt]hat|[Tt]his|[Ww]hich)\s++makes\s++(?:it|this))(?::\s*+|\s++)(?:(?:an?|as)\s++)?(?=\d)"
    ),
    re.compile(
        r"(?:[Ii]ch\s++(?:gebe|vergebe|bewerte)(?:\s++(?:ihr|ihm|sie|es|(?:die|der|das|diese|dieser)\s++(?:antwort|text)))?"
        r"(?:\s++(?:daf\u00fcr|also|daher|mit))*+(?:\s++(?:eine|einer|als))?"
        r"|[Jj]e\s++(?:(?:lui|y)\s++)?(?:donne|mets|attribue)(?:\s++\u00e0\s++(?:la|cette)\s++r\u00e9ponse)?(?:\s++la\s++note\s++de|\s++une?)?"
        r"|(?:[Ll]e\s++)?[Dd]oy(?:\s++a\s++(?:la|esta)\s++respuesta)?(?:\s++una?)?(?:\s++puntuaci\u00f3n\s++de)?"
        r"|\u6211(?:\u4f1a)?\u7ed9(?:\u8fd9\u4e2a|\u8be5|\u6b64)?(?:\u56de\u7b54|\u56de\u590d|\u5b83)?(?:\u6253|\u8bc4)?)"
        r"\s*+(?=\d)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:\u6211(?:\u7684|\u4f1a)?)?(?:\u6700\u7ec8|\u7efc\u5408|\u603b\u4f53|\u603b)?(?:\u8bc4\u5206|\u5f97\u5206|\u6253\u5206|\u5206\u6570|\u8bc4\u7ea7|(?<=\u603b)\u5206)"
        r"(?:\u4e3a|\u662f)?\s*+(?=\d)|\u6211(?:\u4f1a)?(?:\u7ed9|\u6253)\s*+(?=\d)"
        r"|(?:\u8be5|\u8fd9\u4e2a|\u6b64|\u672c)(?:\u56de\u7b54|\u56de\u590d)(?:\u5f97|\u83b7\u5f97|\u503c)\s*+(?=\d)"
    ),
    re.compile(
        r"\b(?:resulting\s++in|leading\s++to|earning\s++it|giving\s++it|[Hh]ence|[Tt]hus|[Ss]o"
        r"|warrants|justifies|merits|deserves|earns)\s++(?:an?|the)\s++(?:final\s++|overall\s++)?"
        r"(?:score|rating|grade|mark)\s++of\s++"
    ),
)

_FITS = re.compile(
    r"(?:\A|[,:]\s++|\b(?:[Ss]o|[Tt]hus|think|believe|feel|that)\s++)"
    r"(?P<value>(?:[Aa]n?\s++)?(?:(?:score|rating|grade|mark)\s++of\s++)?(?P<bare>[^\s,:]{1,24}(?:\s++out\s++of\s++\S{1,5})?))\s++"
    r"(?:is|seems|feels|would\s++be|appears)\s++(?:(?:the\s++)?(?:more|most)\s++)?"
    r"(?:appropriate|fair|fairer|fitting|warranted|justified|deserved|suitable|reasonable)\b"
)

_LEAD = re.compile(
    r"(?:\A|[,:;\u2014]\s*+(?:(?:so|and|but|thus|therefore|hence|yet|which\s++is\s++why)\s++)?"
    r"|\b(?:[Ss]o|[Tt]hus|[Tt]herefore|[Hh]ence|[Oo]verall|[Aa]nd|[Bb]ut|which\s++is\s++why"
    r"|I\s++(?:would\s++)?(?:think|believe|feel|say|find)(?:\s++that)?)\s++)\Z"
)

SUPPOSED = re.compile(
    r"\b(?:if|unless|had|were|whether|without|could|might|would|example|instance|e\.g|such\s++as"
    r"|format)\b|\A\W*+with\b(?!\s++(?:this|that|these|those|all)\b)|\?",
    re.IGNORECASE,
)

_ASKED = re.compile(
    r"\b(?:or|either|write|line|(?:end|close|finish|answer|respond|conclude)s?\s++with)\b",
    re.IGNORECASE,
)

I_WOULD = re.compile(r"\bI\s+would\b")

DENIED = re.compile(r"\b(?:not|never|no|cannot|hardly|neither)\b|n't\b", re.IGNORECASE)

_WEAK = re.compile(
    r"(?:(?:[Ss]o|[Tt]hus|[Tt]herefore|[Hh]ence|[Oo]verall|[Ii]n\s++conclusion),?\s++)?"
    rf"(?:[Ii]t|[Tt]he\s++{_THING})\s++is\s++"
)

How = Literal["line", "tag", "dash", "strict", "said", "fits", "below", "bare", "inner", "weak"]


@dataclass(frozen=True, slots=True)
class Statement:
    """Words that may state a score.

    Args:
        start: Where they begin in the answer's own text.
        end: Where their sentence ends.
        name: What they are a score of, in small words; empty without a name.
        text: From where the value must stand, to the end of the clause.
        how: "line": after a name and a colon. "tag": in a tag or in double brackets. "dash": after
            a name and a dash. "strict": after a name alone, so that nothing else may follow.
            "said", "fits": in a sentence. "below": under a name of its own line. "bare": a first or
            last line. "inner": a short line between. "weak": "it is ...".
        section: The heading above it, in small words.
        hint: The range that is said of the name, such as "(1-5)".
    """

    start: int
    end: int
    name: tuple[str, ...]
    text: str
    how: How
    section: tuple[str, ...] = ()
    hint: str = ""


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the sentences of a text begin and end, line by line."""
    start = 0
    for line in text.split("\n"):
        begin = start
        for stop in _SENTENCES.finditer(text, start, start + len(line)):
            yield begin, stop.end()
            begin = stop.end()
        if begin < start + len(line):
            yield begin, start + len(line)
        start += len(line) + 1


class Line:
    """A line without emphasis and without the marks of lists and headings before it."""

    def __init__(self, line: str, start: int, split: re.Pattern[str] | None) -> None:
        """Keep a line, where it begins, and what else parts its fields."""
        self._split = split
        places: list[int] = []
        parts, position = [], 0
        for mark in _LEFT_OUT.finditer(line):
            parts.append(line[position : mark.start()])
            places += range(start + position, start + mark.start())
            position = mark.end()
        parts.append(line[position:])
        places += range(start + position, start + len(line) + 1)
        whole = "".join(parts)
        leading = _LEADING.match(whole)
        skip = leading.end() if leading else 0
        if skip and _BULLETS.fullmatch(line.strip()):
            skip = 0
        self.whole = whole.strip()
        if self.whole.startswith("#"):
            self.whole = self.whole.lstrip("# ")
            self.whole = "" if self.whole[:1].isdigit() else self.whole  # 4 is no heading
        if line.startswith(("    ", "\t")):
            self.whole = ""  # a line of a program
        self.text = whole[skip:]
        self._places = places[skip:]
        self._end = start + len(line)

    def fields(self, section: tuple[str, ...]) -> Iterator[Statement]:
        """Yield what may state a score in the line."""
        for begin, end in sentences(self.text):
            sentence = self.text[begin:end]
            if begin and (named := _NAMED.match(self.text)):
                section = words(named["name"])
            stop = self._places[min(end, len(self._places) - 1)]
            cells, position = [], 0
            for split in CELLS.finditer(sentence):
                if _NAMED_CELL.match(sentence, split.end()):
                    cells.append((position, split.start()))
                    position = split.end()
            for left, right in [*cells, (position, len(sentence))]:
                yield from self._of_sentence(sentence[left:right], begin + left, stop, section)

    def _of_sentence(
        self, sentence: str, begin: int, stop: int, section: tuple[str, ...]
    ) -> Iterator[Statement]:
        position = 0
        ends = {split.span() for split in _FIELDS.finditer(sentence)}
        if self._split and self._split.match(sentence):
            ends |= {split.span() for split in self._split.finditer(sentence) if split.start()}
        for right, following in [*sorted(ends), (len(sentence), len(sentence))]:
            if right < position:
                continue
            field = sentence[position:right]
            until = self._places[begin + right] if right < len(sentence) else stop
            place = self._places[begin + position]
            # What is said before it must not make it a supposition.
            if found := _FIELD.match(field):
                lead = sentence[max(0, position - 80) : position]
                if not SUPPOSED.search(lead) and not _ASKED.search(lead):
                    yield from self._of_field(found, field, place, until, section)
            position = following
        if len(sentence) > _SENTENCE:
            return
        found_in = [one for pattern in _SAID for one in pattern.finditer(sentence)]
        for said in (*_IS.finditer(sentence, 0), *found_in):
            if said.re is _IS and said.start():
                continue
            lead = sentence[: said.start()]
            if said.re is not _SAID[-1] and not _LEAD.search(lead):
                continue
            before = I_WOULD.sub("", lead)
            if SUPPOSED.search(before) or (said.re is _SAID[-1] and DENIED.search(before[-60:])):
                continue
            name = words(said["name"]) if said.re is _IS else ("score",)
            scale = _ON_A_SCALE.search(lead)
            hint = scale[0] if scale else ""
            rest = sentence[said.end() :]
            yield Statement(self._places[begin], stop, name, rest, "said", section, hint)
        if fits := _FITS.search(sentence):
            rest = f"{fits['bare']}{sentence[fits.end() :]}"
            if not SUPPOSED.search(sentence[: fits.start()]):
                yield Statement(self._places[begin], stop, ("score",), rest, "fits", section)
        if weak := _WEAK.match(sentence):
            rest = sentence[weak.end() :]
            yield Statement(self._places[begin], stop, ("score",), rest, "weak", section)

    def _of_field(
        self, found: re.Match[str], field: str, place: int, stop: int, section: tuple[str, ...]
    ) -> Iterator[Statement]:
        name, link, rest = words(found["name"]), found["link"], field[found.end() :]
        hint = found["hint"] or ""
        if "note" in name and _GRADES.issuperset(name) and ("final" in name or _GRADED.match(rest)):
            name = ("final", "score") if "final" in name else ("score",)
        if SUPPOSED.search(hint):
            return
        how: How = "line"
        if link.startswith(","):
            if not (set(name) <= WHOLE | FILLERS and WHOLE & set(name)):
                return
            how = "strict"
        elif link.strip() in ("-", "\u2013", "\u2014"):
            how = "dash"
        elif not link.strip() and not found["close"].startswith(("]", ")")):
            if rest[:1] in "-\u2212":
                return
            how = "strict"
        yield Statement(place, stop, name, rest, how, section, hint)


_GRADES = frozenset("note final my overall".split())

_GRADED = re.compile(r"\d{1,3}(?:[.,]\d)?\s*+(?:/|sur\s|von\s)\s*+\d{1,3}\W*\Z")
"""What makes of a note, which is a remark in English, the French or German word for a grade."""

_NAMED = re.compile(r"(?P<name>[A-Za-z][\w /&-]{0,40}):\s")

_ON_A_SCALE = re.compile(r"\bon\s++an?\s++[^,:]{0,16}scale[^,:]{0,20}", re.IGNORECASE)

_NAMED_CELL = re.compile(r"[\"']?[A-Za-z][\w -]{0,40}[\"']?\s?[:=]|\Z")

_BULLETS = re.compile(r"[-+]\s*+\d++(?:[.,]\d++)?")
