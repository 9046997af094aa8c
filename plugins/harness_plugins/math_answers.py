r"""Find where a text states its answer: in the last box, after an answer phrase, or at its end.

A box that is not finished is none. Boxes that stand together (``\boxed{1}`` and ``\boxed{2}``) are
one list. In prose, what counts is a whole run of numbers, formulas and what joins them: of ``41 or
42`` neither is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness_plugins.math_formulas import is_prose
from harness_plugins.math_numerals import Answer
from harness_plugins.math_reading import read

_BRACE = re.compile(r"(\\{1,4}(?:boxed|fbox|framebox)\s*\{)|\\.|[{}]", re.DOTALL)
_JOINED = re.compile(
    r"(?:\s|[$,;&+~、]|\\[()\[\],;:! ]|\\\\|\\q?quad"
    r"|\\(?:text|mbox|mathrm)\s*\{[\s,]*(?:and|or)?[\s,]*\}"
    r"|\b(?:and|or)\b|[或和及]|[A-Za-z](?:_\{?\w{1,4}\}?)?\s*=)*"
)
_SEPARATED = re.compile(r"\b(?:and|or)\b|[,;]")
_CORRECTED = re.compile(
    r"\b(?:no|not|wait|but|actually|instead|rather|so|thus|hence|therefore|then|is|are|we|it)\b"
    r"|[.?!=]\s|\n\s*\n",
    re.IGNORECASE,
)
_PHRASE = re.compile(
    r"(?:\b(?:final\s)?answers?\b(?:\s(?!is\b|are\b)[\w'()-]{1,20}){0,8}?\s?(?:\*\*)?\s?"
    r"(?:is|are|equals|=|:|would be|will be|must be|should be)"
    r"|\bcorrect (?:option|choice)\s?(?:is|:)"
    r"|^\W{0,4}A\s?:|####|\bla r[ée]ponse(?: finale)? est|\br[ée]ponse\s?:"
    r"|\bla respuesta(?: final)? es|\brespuesta\s?:|\bantwort\s?(?:ist|lautet|:)"
    r"|\bla risposta è|\ba resposta é|\bответ\s?:|答案(?:就?是|为|為)?|答え?[はえ]"  # noqa: RUF001
    r"|정답은|답은|답\s?:)"
    r"(?:\s|[:*])*",
    re.IGNORECASE | re.MULTILINE,
)
_FILLER = frozenset(
    "either that about approximately exactly therefore thus then simply just indeed equal to the a "
    "an".split()
)
NO_UNIT = frozenset(
    "because since as and or in of after for with from at by is are to plus minus times over than "
    "where when if then so but not the makes equals gives among out per a an "
    "below above over point half least most base if we it this that "
    "therefore hence thus which who one two three left right up down more less under behind before "
    "i e k K M m".split()
)
_SAYS = frozenset("is are equals be was = : gives get have".split())
_HEDGE = re.compile(
    r"\b(?:or|maybe|perhaps|possibly|alternatively|either|unless|unsure|or else)\b|\bnot sure\b|或",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"\b(?:(?:greater|less|more|fewer|larger|smaller|bigger|higher|lower|other)"
    r" than(?: or equal to)?"
    r"|at least|at most|between|not|over|under|above|below|up to|almost|nearly|from|minus|negative"
    r"|(?:can|could|is|are|was|must|should)(?:not|n't)(?: be| equal)?"
    r"|never|except|but|no|half|twice"
    r"|double|triple|(?:half|third|quarter|root|log|logarithm|reciprocal|opposite|square|cube"
    r"|negative|multiple|multiples|factorial) of(?: the)?|\w+ to the|\w+ times)\s*[*$(\\]*$",
    re.IGNORECASE,
)
_BEYOND = re.compile(
    r"[\s*$)]*(?:over\s\d|divided\b|plus\s|minus\s|times\s(?:\d|the\b|as\b|that\b)|to the\s"
    r"|to (?:one|two|three)\b|choose\b"
    r"|(?:in )?base\b|remainder\b|and (?:a|one|two|three)\b|out of\b"
    r"|or\s(?:more|fewer|less|so|[a-z]+-[a-z]+)"
    r"|at (?:most|least)\b|is (?:not|wrong|false|incorrect)\b"
    r"|(?:if|unless)\b.{0,50}\b(?:otherwise|else)\b"
    r"|squared\b|cubed\b|万|亿)",
    re.IGNORECASE,
)
_ENVIRONMENT = re.compile(
    r"\$\$(?P<a>[^$]{1,1000})\$\$|(?<![\\\d])\$(?P<b>(?:\\\$|[^$\n]){1,500})(?<!\\)\$"
    r"|\\\((?P<c>(?:[^\\]|\\(?!\))){1,1000})\\\)|\\\[(?P<d>(?:[^\\]|\\(?!\])){1,1000})\\\]"
)
_TOKEN = re.compile(
    r"[\u3040-\u9fff\uac00-\ud7af]+|\S(?:(?!\\[(\[]|\$|[\u3040-\u9fff\uac00-\ud7af])\S)*"
)
_OPERATOR = re.compile(r"[-+*/=<>^,;|&:!]+|\\(?:times|cdot|pm|le|ge|ne|leq|geq|approx|cup|in|frac)")
_LETTER = re.compile(r"[A-Za-z](?:_\{?\w{1,3}\}?)?|[A-Za-z]\([A-Za-z](?:,[A-Za-z])*\)")
_END = re.compile(r"\n|(?<!\\)[.?!](?=[\s*\"]|$|[^\x00-\x7f])")
_SCAN = re.compile(_ENVIRONMENT.pattern + "|" + _END.pattern)
_NUMERIC = re.compile(r"[\d½¼¾⅓⅔]|\\[A-Za-z]")

Place = Literal["box", "phrase", "text"]


@dataclass(frozen=True, slots=True)
class Stated:
    """An answer as it is stated.

    Args:
        text: What it says.
        readings: The ways to read it; none if it is no one answer.
        doubtful: Other things that may be meant. Where only these are right, nobody can tell.
        after: What follows it.
        also: Other answers that are offered beside it, and must be right as well.
    """

    text: str
    readings: list[Answer]
    doubtful: list[Answer]
    after: str
    also: tuple[str, ...] = ()


def boxes(text: str) -> list[tuple[int, int, str]]:
    """Return start, end and content of the finished boxes that are in no other one."""
    opened: list[tuple[int, int] | None] = []
    found: list[tuple[int, int, str]] = []
    for match in _BRACE.finditer(text):
        if match[1]:
            opened.append(match.span())
        elif match[0] == "{":
            opened.append(None)
        elif match[0] == "}" and opened:
            box = opened.pop()
            if box is not None:
                while found and found[-1][0] > box[0]:
                    found.pop()
                found.append((box[0], match.end(), text[box[1] : match.start()]))
    return found


def in_box(text: str, reference: bool = False) -> Stated | None:
    """Return the answer in the last box, with those that stand beside it; None without a box."""
    found = boxes(text)
    if not found:
        return None
    contents = [found[-1][2].strip()]
    certain = True
    for (_, end, content), (start, _, _) in zip(found[-2::-1], found[:0:-1], strict=True):
        between = text[end:start]
        if len(between) > 70:
            break
        joined = _JOINED.fullmatch(between) is not None
        if not joined and (not _SEPARATED.search(between) or _CORRECTED.search(between)):
            break
        certain &= joined
        if content.strip() != contents[0]:
            contents.insert(0, content.strip())
    whole = ", ".join(contents)
    begin, end, _ = found[-1]
    readings = read(whole, reference)
    doubtful = [] if certain or len(contents) == 1 else read(contents[-1], reference)
    after = text[end : end + 60]
    also: tuple[str, ...] = ()
    if not reference:
        around = _around(text, begin, end)
        if len(contents) > 1:
            around = ""
        elif around == "-":
            whole = f"-({whole})" if re.search(r"[-+ ]", whole) else f"-{whole}"
            readings = read(whole)
        if (
            around not in ("", "-")
            or retracted(text[end : end + 200])
            or (len(contents) == 1 and _alternatives(text, found))
        ):
            doubtful, readings = doubtful + readings, []
        offered = _OFFERED.match(text, end)
        offered = offered or _OFFERED_BEFORE.search(text[max(0, begin - 60) : begin])
        also = (offered[1],) if offered and len(contents) == 1 else ()
    return Stated(whole, readings, doubtful, after, also)


_PART_BEFORE = re.compile(
    r"(?:[-+*/<>^_!(]|\\(?:cdot|times|ne|neq|neg|not|[lg]eq?|[lg]t|pm|div|sqrt(?:\[[^\]]{1,9}\])?|cup))"
    r"\s*(?:\$|\{)?\s*$"
)
_PART_AFTER = re.compile(
    r"\s*(?:\^(?!\s*\{?\s*\\(?:circ|text))|_|!(?!\s|$)|\+\s*[\w\\]|\*\s?[\w\\]|[-/]\s?(?:\d|[A-Za-z]\b|\\[a-z])"
    r"|[<>]\s*[\w\\]|\\(?:pi|sqrt|[dt]?frac|cdot|times|div|pm|theta|alpha|beta|ln|log|sin|cos|tan|infty"
    r"|[lg]eq?|ne)(?![A-Za-z]))|\d|\.\d|[a-z](?![A-Za-z])(?<![msgLhNJWVKCF])|\s[a-z]\s*[-+=]\s"
)
_OFFERED = re.compile(
    r"[\s$)]{0,5}(?:\\[ ,;]|\\text\{\s?){0,3}\(?,?\s?(?:or|alternatively,?|或)(?:\s|\}){1,3}"
    r"(?:equivalently,?\s|maybe\s|perhaps\s|possibly\s|even\s)?(\$[^$\n]{1,60}\$|-?[\d\\][^\s]{0,60}|[a-z]{2,9}-[a-z]{2,9}"
    r"|\\boxed)",
)
_OFFERED_BEFORE = re.compile(
    r"(\$[^$\n]{1,40}\$|(?<![\w.])-?\d[\w./]{0,20})\s(?:or|或)\s[*$\\(\s]{0,3}$"
)
_RETRACTED = re.compile(
    r"\s*(?:[.!*)$\]\\]|\s)*(?:(?:wait|hmm|no|oops|actually|correction)\b(?!\s?(?:one|doubt|other))"
    r"|(?:is|was)\s(?:wrong|incorrect|not\b))"
    r"|\b(?:this|that|it|which)\s(?:is|was)\s(?:wrong|incorrect|not\s(?:right|correct|the answer))",
    re.IGNORECASE,
)
_GROUPS = re.compile(r"\\(frac|dfrac|tfrac|sqrt|overline|not|binom)\s*(?:\[[^\]]{1,9}\])?$|[_^]$")
_REPLACED = re.compile(
    r"\b(?:no|not|wait|but|actually|instead|rather|so|thus|hence|therefore|then)\b", re.IGNORECASE
)
_MAYBE = re.compile(r"\b(?:if|may|might|could|also|possibly|perhaps|maybe|alternatively|or|for"
                    r"|either|when|case)\b", re.IGNORECASE)  # fmt: skip


def retracted(after: str) -> bool:
    """Tell whether what follows an answer takes it back."""
    return _RETRACTED.match(after) is not None or bool(
        re.search(r"\b(?:this|that|it|which)\s(?:is|was)\s(?:wrong|incorrect|not\s(?:right|correct))",
                  after, re.IGNORECASE))  # fmt: skip


def _around(text: str, begin: int, end: int) -> str:
    """Return a minus sign before a box, or what makes it a part of something; mostly ""."""
    before, after = text[max(0, begin - 60) : begin], text[end : end + 30]
    if re.search(r"(?:^|[=$\[({:]|\\\(|\s)\s*-\s?$", before) and not re.search(
        r"[\w)}]\s*-\s?$|\n\s*-\s$|^-\s$", before
    ):
        beyond = _PART_AFTER.match(after)
        return beyond[0] if beyond else "-"
    opened = re.sub(r"\{\s*\$?\s*$", "", before)
    if opened != before and _GROUPS.search(opened.rstrip()):
        return "{"
    part = _PART_BEFORE.search(before)
    if part and not re.search(
        r"\*\*\s*\$?$|__$|\n\s*[-*+]\s*\$?$|(?:=>|->)\s*\$?$|[(>]\s*\$?$", before
    ):
        return part[0]
    if re.search(r"(?:^|[^>-])[<]\s*\$?$|[^=-]>\s*\$?$", before) and not re.search(
        r"\w>\s*\$?$", before
    ):
        return "<"
    beyond = _PART_AFTER.match(after)
    return beyond[0] if beyond else ""


def _alternatives(text: str, found: list[tuple[int, int, str]]) -> bool:
    """Tell whether the last boxes are one of several that are left open."""
    if len(found) < 2 or found[-1][2].strip() == found[-2][2].strip():
        return False
    begin, end, _ = found[-1]
    between = text[found[-2][1] : begin]
    if re.fullmatch(r"[\s.]*", between):
        return True
    if len(between) > 120 or _REPLACED.search(between):
        return False
    listed = re.compile(r"(?:^|\n)\s*(?:[-*•]|\(?[a-z\d]{1,2}[.)])[^\n]{0,40}$")
    if listed.search(text[:begin][-60:]) and listed.search(text[: found[-2][0]][-60:]):
        return True
    return bool(_MAYBE.search(between + " " + text[end : end + 30]))


def after_box(text: str) -> Stated | None:
    """Return a "final answer" that is stated behind the last box: it is later."""
    end = boxes(text)[-1][1]
    later = retracted(text[end : end + 200])
    found = [
        match for match in _PHRASE.finditer(text, end) if later or "final" in match[0].casefold()
    ]
    if not found:
        return None
    segment, after = _sentence(text, found[-1].end())
    stated = _after_phrase(segment, after)
    return stated if stated.readings and stated.readings[0].kind != "words" else None


def in_text(text: str) -> Stated | None:
    """Return the answer that prose states: all of it, after the last answer phrase, or its end."""
    for match in reversed(list(_PHRASE.finditer(text))):
        segment, after = _sentence(text, match.end())
        if segment:
            stated = _after_phrase(segment, after)
            if retracted(text[match.end() + len(segment) :][:200]):
                return Stated(stated.text, [], stated.doubtful + stated.readings, "")
            return stated
    readings = read(text) if len(text) <= 300 else []
    if _CUT.search(text[-300:]):
        return None
    if _is_answer(text, readings):
        return Stated(text, readings, [], "")
    found = _last_run(text)
    if found is not None:
        return found
    return Stated(text, readings, [], "") if readings else None


_CUT = re.compile(r"(?:[=+*/^_]|\\(?:cdot|times|frac|sqrt))\s*$(?<!\*\*)(?<!__)"
                  r"|(?<![\\$])\$(?!\$)(?=[^$\n]{0,200}$)(?=[^$]{0,200}[=\\^])"
                  r"[^$\n]{0,200}$")  # fmt: skip
"""The end of a text that was cut in a formula."""


def _is_answer(text: str, readings: list[Answer]) -> bool:
    r"""Tell whether a whole text is an answer; plain words are looked into, ``\text{}`` is one."""
    said = bool(readings) and readings[0].kind == "words" and len(readings[0].value) > 1
    return bool(readings) and (not said or text.lstrip("$ ").startswith("\\text"))


def _sentence(text: str, start: int) -> tuple[str, str]:
    """Return the rest of a sentence, and what follows it; a full stop in a formula ends none."""
    while start < len(text) and text[start].isspace():
        start += 1
    stop = len(text)
    for match in _SCAN.finditer(text, start):
        inner = match["a"] or match["b"] or match["c"] or match["d"]
        if inner is None:
            stop = match.start()
            break
        if is_prose(inner) and (end := _END.search(text, match.start(), match.end())):
            stop = end.start()
            break
    if re.fullmatch(r"\d!", text[max(stop - 1, 0) : stop + 1]):
        stop += 1  # a factorial, perhaps
    return text[start:stop], text[stop : stop + 60]


def _after_phrase(segment: str, after: str) -> Stated:
    readings = read(segment)
    if _is_answer(segment, readings):
        doubtful = read(segment[:-1]) if segment.endswith("!") else []
        return Stated(segment, readings, doubtful, after)
    tokens = _tokens(segment)
    runs = _runs(tokens)
    if runs:
        chosen = _stated_run(tokens, runs)
        first, last = runs[chosen]
        start, end = tokens[first][0], tokens[last][1]
        said = _run_of(segment, start, end)
        rest = segment[end:]
        if _HEDGE.search(rest) and chosen + 1 < len(runs):
            return Stated(segment, [], said.readings, "")
        return said
    for piece in (re.split(r"[,;:]|\s(?:because|since|as|for)\s", segment)[0], segment):
        if found := read(piece):
            return Stated(piece, found, [], after)
    return Stated(segment, [], [], after)


def _stated_run(tokens: list[tuple[int, int, str, str]], runs: list[tuple[int, int]]) -> int:
    """Return which run is said to be the answer: the first of all, or behind the last "is"."""
    chosen = len(runs) - 1
    begins = {first: n for n, (first, _) in enumerate(runs)}
    filler = True
    for place, (_, _, word, kind) in enumerate(tokens):
        if place in begins and filler:
            return begins[place]
        filler = filler and (kind == "word" and word.casefold().strip(",:") in _FILLER)
        if place in begins:
            break
    for place in range(len(tokens) - 1, -1, -1):
        if tokens[place][2].casefold() in _SAYS and place + 1 in begins:
            return begins[place + 1]
    return chosen


def _last_run(text: str) -> Stated | None:
    tokens = _tokens(text)
    runs = _runs(tokens)
    if not runs:
        return None
    first, last = runs[-1]
    return _run_of(text, tokens[first][0], tokens[last][1])


def _run_of(text: str, start: int, end: int) -> Stated:
    run = text[start:end]
    readings = read(run)
    doubtful: list[Answer] = []
    if readings and readings[0].kind == "list" and not readings[0].brackets:
        if re.search(r",(?!\d{3})", run) and not re.search(r"\b(?:and|or)\b|\$|\\\(", run):
            doubtful = read(run.rsplit(",", 1)[1])
    if run.endswith("!") and not run.endswith("!!"):
        doubtful = read(run[:-1])
    before, after = text[max(0, start - 60) : start], text[end : end + 80]
    if _BOUND.search(before) or _continued(before[-30:], after[:60]) or _BEYOND.match(after):
        return Stated(run, [], readings, text[end : end + 60])
    return Stated(run, readings, doubtful, text[end : end + 60])


def _continued(before: str, after: str) -> bool:
    """Tell whether a number is one part of a measure: ``3 hours 20 minutes``."""
    unit = r"\s+(?P<unit>[A-Za-z]{1,12})\s+"
    found = [re.search(r"\d" + unit + "$", before), re.match(unit + r"\d[\d.]*\s+[A-Za-z]", after)]
    return any(match and match["unit"].lower() not in NO_UNIT for match in found)


def _tokens(text: str) -> list[tuple[int, int, str, str]]:
    """Split a text into words, numbers, formulas, operators, letters and joining words."""
    return [(start, end, word, _kind(word)) for start, end, word in _words(text)]


def _words(text: str) -> Iterator[tuple[int, int, str]]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _ENVIRONMENT.match(text, place)
        if match is None or is_prose(match["a"] or match["b"] or match["c"] or match["d"]):
            match = _TOKEN.match(text, place)
            assert match is not None
        yield (*match.span(), match[0])
        place = match.end()


def _kind(word: str) -> str:
    if _ENVIRONMENT.fullmatch(word):
        return "math"
    if word.strip(",").lower() in ("and", "or", "或", "和"):
        return "joint"
    if word == "*":
        return "operator"
    bare = word.strip('*`"').rstrip(".:;?,")
    if not bare:
        return "mark" if word.strip('*`"') in (",", ";") else "none"
    if _OPERATOR.fullmatch(bare):
        return "operator"
    if _LETTER.fullmatch(bare):
        return "letter"
    if _NUMERIC.search(bare) and len(bare) < 500 and not is_prose(bare):
        return "math" if re.match(r"[-+(\[{|\\$€£¥.\d]|[A-Za-z]{1,3}(?:\W|_|\d)", bare) else "word"
    return "word"


def _runs(tokens: list[tuple[int, int, str, str]]) -> list[tuple[int, int]]:
    """Return first and last token of every run that may be one formula, number or list."""
    runs: list[tuple[int, int]] = []
    first: int | None = None
    for place in range(len(tokens) + 1):
        kind = tokens[place][3] if place < len(tokens) else "word"
        if kind in ("word", "none"):
            if first is not None:
                runs += _trimmed(tokens, first, place - 1)
            first = None
            continue
        if first is None:
            first = place
        if re.search(r"[.?!:;]['\"*)]*$", tokens[place][2]) and kind == "math":
            runs += _trimmed(tokens, first, place)
            first = None
    return runs


def _trimmed(
    tokens: list[tuple[int, int, str, str]], first: int, last: int
) -> list[tuple[int, int]]:
    """Leave out joining words, marks and lone letters at either end; nothing without a number."""
    while first <= last and (
        tokens[last][3] in ("joint", "mark", "operator") or tokens[last][2] in ("a", "A", "I")
    ):
        last -= 1
    while first <= last:
        kind = tokens[first][3]
        follows = tokens[first + 1][3] if first < last else ""
        if kind in ("joint", "mark") or (kind == "letter" and follows not in ("operator", "mark")):
            first += 1
        elif kind == "operator" and tokens[first][2] not in ("-", "+", "\\pm"):
            first += 1
        else:
            break
    kinds = {tokens[place][3] for place in range(first, last + 1)}
    return [(first, last)] if "math" in kinds else []
