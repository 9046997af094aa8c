"""Find where prose states its answer: after an answer phrase, or at its end.

What counts is a whole run of numbers, formulas and what joins them: of ``41 or 42`` neither is the
answer.
"""

from __future__ import annotations

import re

from harness_plugins.math_boxes import Stated, boxes, retracted
from harness_plugins.math_choices import is_denied_choice
from harness_plugins.math_context import (
    is_approached,
    is_bound,
    is_denied,
    is_lost,
    sign_before,
    taken_back,
)
from harness_plugins.math_formulas import is_prose
from harness_plugins.math_numerals import Answer
from harness_plugins.math_reading import read
from harness_plugins.math_runs import ENVIRONMENT, runs_of, tokens_of
from harness_plugins.math_signs import split

_PHRASE = re.compile(
    r"(?:\b(?:final\s)?answers?\b(?:\s(?!is\b|are\b)[\w'()-]{1,20}){0,8}?\s?(?:\*\*)?\s?"
    r"(?:is|are|equals|=|:|would be|will be|must be|should be)"
    r"|\b(?:correct|my|the) (?:option|choice)\s?(?:is|:)|\bI (?:choose|pick|select)(?: option)?"
    r"|(?:答案|故|因此|所以|^)(?:应?选)[:：]?"  # noqa: RUF001
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
_BEYOND = re.compile(
    r"[\s*$)]*(?:over\s\d|to (?:one|two|three)\b|choose\b"
    r"|(?:in )?base\b|remainder\b|and (?:a|one|two|three)\b|is not\b"
    r"|(?:if|unless)\b.{0,50}\b(?:otherwise|else)\b)",
    re.IGNORECASE,
)
_DISPLAY = re.compile(
    r"\\begin\{(equation|align|aligned|gather|gathered|multline)\*?\}((?:(?!\\begin).){1,2000}?)\\end\{\1\*?\}",
    re.DOTALL,
)
_ORDERED = re.compile(
    r"\b(?:ways?|arrang|permut|factorial|order|combin|seat|number\sof|sequence|shuffl|anagram)",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"(?P<said>(?:^|[.\n]\s{0,3})(?!(?:if|suppose|assume)\b)[^.\n]{0,80}\b(?:only|unique)\s(?:\w+\s)?(?:solution|root|answer|value)\b"
    r"(?:\sis\s[^.,\n]{1,40}?)?),?\s(?:since|because|as)\s[^\n]{1,120}$",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\s?\((?:(?:and\s)?not|rather\sthan)\s[$*]{0,3}-?\d[\d.,]{0,20}[$*]{0,3}(?:\sas\s[\w\s]{1,40})?\)|,\s(?:and\s)?not\s\$?-?\d[\d,]{0,20}\$?(?=[.\s]*$)"
)
_CLOCK = re.compile(r"\b(?:before|after|until|till|past|by)[\s*$(]*$", re.IGNORECASE)
_COUNTED = re.compile(
    r"\bthere\s(?:are|is)\s(?:exactly\s|only\s)?\W{0,3}(?P<count>\d{1,4})\W{0,3}\s(?:\w+\s?){1,5}"
    r"(?P<list>(?::|,\snamely:?|,\si\.e\.,?)\s(?P<members>[^.\n]{1,400})"
    r"(?P<open>\s?(?:\.\.\.|\\[lc]?dots))?)\.?\s*$",
    re.IGNORECASE,
)
_END = re.compile(r"\n|(?<!\\)[.?!](?=[\s*\"]|$|[^\x00-\x7f])")
_SCAN = re.compile(ENVIRONMENT.pattern + "|" + _END.pattern)
_CUT = re.compile(r"(?:[=+*/^_]|\\(?:cdot|times|frac|sqrt))\s*$(?<!\*\*)(?<!__)"
                  r"|(?<![\\$])\$(?!\$)(?=[^$\n]{0,200}$)(?=[^$]{0,200}[=\\^])"
                  r"[^$\n]{0,200}$")  # fmt: skip
"""The end of a text that was cut in a formula."""


def after_box(text: str) -> Stated | None:
    """Return a "final answer" that is stated behind the last box: it is later."""
    begin, end, _ = boxes(text)[-1]
    later = retracted(text[end : end + 200]) or is_bound(text, begin, end)
    found = [
        match for match in _PHRASE.finditer(text, end) if later or "final" in match[0].casefold()
    ]
    if not found:
        return None
    segment, after = _sentence(text, found[-1].end())
    stated = _after_phrase(segment, after, text[: found[-1].end()])
    return stated if stated.readings and stated.readings[0].kind != "words" else None


def in_text(text: str) -> Stated | None:
    """Return the answer that prose states: all of it, after the last answer phrase, or its end."""
    text = _NOT.sub("", _displayed(text) if "\\begin" in text else text)
    only = _ONLY.search(text, max(0, len(text) - 300))
    if only and not re.search(r"\bnot\b|n't\b|\b(?:false|wrong)\b", only["said"]):
        text = text[: only.end("said")] + "."
    counted = _COUNTED.search(text[-600:])
    listed = len(split(counted["members"], in_brackets=True)) if counted else 0
    if counted and (listed == int(counted["count"]) or (counted["open"] and listed > 1)):
        text = text[: -len(text[-600:])] + text[-600:][: counted.start("list")] + "."
    for match in reversed(list(_PHRASE.finditer(text))):
        segment, after = _sentence(text, match.end())
        if segment:
            stated = _after_phrase(segment, after, text[: match.end()])
            behind = text[match.end() + len(segment) :][:200]
            lead = text[max(0, match.start() - 160) : match.start()]
            if retracted(behind) or taken_back(behind) or is_denied(_lead(lead)):
                return Stated(stated.text, [], stated.doubtful + stated.readings, "")
            return stated
    readings = read(text) if len(text) <= 300 else []
    if (cut := _CUT.search(text[-300:])) and not _closes(text, cut):
        return None
    if is_denied_choice(text):
        return Stated(text, [], readings, "")
    if _is_answer(text, readings):
        return Stated(text, readings, [], "")
    found = _last_run(text)
    if found is not None:
        return found
    return Stated(text, readings, [], "") if readings else None


def _closes(text: str, cut: re.Match[str]) -> bool:
    """Tell whether the last dollar sign of a text closes a formula: ``$12$ cm^2``."""
    line = text.rpartition("\n")[2]
    return cut[0].startswith("$") and len(re.findall(r"(?<!\\)\$", line)) % 2 == 0


def _displayed(text: str) -> str:
    """Write what stands by itself as display mathematics in dollar signs; chains in one line."""

    def line(match: re.Match[str]) -> str:
        rows = [row.replace("&", "").strip() for row in match[2].split("\\\\") if row.strip()]
        if not rows or any(not row.startswith("=") for row in rows[1:]):
            return match[0]
        inside = text[: match.start()].rstrip().endswith(("$$", "\\[", "$"))
        return " ".join(rows) if inside else f"$${' '.join(rows)}$$"

    return _DISPLAY.sub(line, text)


def _lead(before: str) -> str:
    """Return what leads to an answer phrase in its sentence."""
    return re.sub(r"[\s\"*]*\b(?:the|my|our|your)\s*$", " ", before, flags=re.IGNORECASE)


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


def _after_phrase(segment: str, after: str, before: str) -> Stated:
    readings = read(segment)
    if is_denied_choice(segment):
        return Stated(segment, [], readings, after)
    if _is_answer(segment, readings):
        doubtful = read(segment[:-1]) if segment.endswith("!") else []
        if _is_exclaimed(segment, after, before):
            readings, doubtful = doubtful, readings
        return Stated(segment, readings, doubtful, after)
    tokens = tokens_of(segment)
    runs = runs_of(tokens)
    if runs:
        chosen = _stated_run(tokens, runs)
        first, last = runs[chosen]
        start, end = tokens[first][0], tokens[last][1]
        said = _run_of(segment, start, end)
        rest = segment[end:]
        if taken_back(segment[end - 1 : end].strip("0123456789}$)*]") + rest):
            return Stated(segment, [], said.readings + said.doubtful, "")
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
    tokens = tokens_of(text)
    runs = runs_of(tokens)
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
        if _is_exclaimed(run, text[end:], text[:start]):
            readings, doubtful = doubtful, readings
    before, after = text[max(0, start - 60) : start], text[end : end + 80]
    if re.fullmatch(r"[\d*$]{1,9}(?:st|nd|rd|th)s?\W*", run) and re.search(
        r"(?:\d|\b(?:a|an|one|two|three|four|five))\s$", before
    ):
        return Stated(run, [], readings, "")
    if re.match(r"[*$(]*\d{1,2}:\d\d", run) and _CLOCK.search(before):
        return Stated(run, [], readings, "")
    if sign_before(before) and re.match(r"[*$(\\]*\d", run):
        return _negative(run, text[end : end + 60])
    if is_lost(before):
        return Stated(run, [], readings + _negative(run, "").readings, text[end : end + 60])
    if is_approached(before):
        return Stated(run, [], readings, text[end : end + 60])
    if is_bound(text, start, end) or _continued(before[-30:], after[:60]) or _BEYOND.match(after):
        return Stated(run, [], readings, text[end : end + 60])
    return Stated(run, readings, doubtful, text[end : end + 60])


def _is_exclaimed(run: str, after: str, before: str) -> bool:
    """Tell whether a number before an exclamation mark at the end of prose is no factorial."""
    bare = re.fullmatch(r"[$*\\]{0,4}\d[\d,.]*\$?\*{0,2}!\*{0,2}", run.strip())
    return bool(bare and before.strip() and not after.strip("* ")) and not _ORDERED.search(before)


def _negative(run: str, after: str) -> Stated:
    whole = "-" + re.sub(r"^[*$(\\]+|[*$)\\.]+$", "", run)
    return Stated(whole, read(whole), [], after)


def _continued(before: str, after: str) -> bool:
    """Tell whether a number is one part of a measure: ``3 hours 20 minutes``."""
    unit = r"\s+(?P<unit>[A-Za-z]{1,12})\s+"
    found = [re.search(r"\d" + unit + "$", before), re.match(unit + r"\d[\d.]*\s+[A-Za-z]", after)]
    return any(match and match["unit"].lower() not in NO_UNIT for match in found)
