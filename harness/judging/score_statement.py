"""Finds what of a judge's own words may state a score: lines, fields, cells, sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.judging.reply import Answer
from harness.judging.score_lines import CELLS, DENIED, I_WOULD, SPACES, SUPPOSED, Line, Statement
from harness.judging.score_names import (
    MARKS,
    NO_SCORES,
    SCORE_COLUMNS,
    bare_name,
    words,
)
from harness.judging.score_several import in_a_line, name_pattern
from harness.judging.score_words import EMPHASIS, SIGNS

_SHORT = 60


_EXPLAINS = frozenset({"meaning", "meanings", "description", "definition", "criteria", "means"})
"""Heads of a table that explains a scale."""


_SHOWS = frozenset("example examples sample samples template instead wrong hypothetical".split())
"""Words of a line after which a statement is an example."""


_HEADING = re.compile(r"\s*+(?:\#++\s|<h[1-6]>|\*\*[^*\n]{1,60}\*\*\s*+:?\s*+\Z)")


_NAME_ALONE = re.compile(r"[\"'{\[(]*+(?P<name>[A-Za-z][\w &/'-]{0,60})[\"')\]]*+\s*+:?\s*+\Z")


_TAGGED = re.compile(r"<(?P<name>[A-Za-z][\w -]{0,30})>(?P<text>[^<>]{1,200})</(?P=name)>")


_BRACKETED = re.compile(r"\[\[(?P<text>[^\[\]\n]{1,80})\]\]|\\boxed\s?\{(?P<boxed>[^{}\n]{1,80})\}")


_IS_WHAT = re.compile(
    r"[$*]*+\s++(?:is|was)\s++(?!(?:my|the)\s++(?:final\s++)?(?:score|rating|grade))|[\])]?\s++shows"
)


_CITES = re.compile(
    r"\b(?:cites?|citing|cited|sources?|references?|see|footnotes?|as|in|and|from|of|by|with)\s*+\Z",
    re.IGNORECASE,
)


_SOLVED = frozenset({"answer", "solution", "result"})
"""Names of a score, and of what the judge finds for the item itself."""


def statements(answer: Answer, names: Sequence[tuple[str, ...]] = ()) -> list[Statement]:
    """Return what may state a score, in order; nothing that the judge only reports.

    Args:
        answer: The answer.
        names: Of criteria, which may stand one after the other in a line.
    """
    text = spoken(answer).translate(SIGNS).replace("\\_", "__")
    either = name_pattern(tuple(names)) if names else ""
    split = re.compile(rf"(?:\s++|\A\W*+)(?=(?:{either})\s?[:=])", re.I) if either else None
    found = [*_tagged(text), *(_named_in_brackets(one, names) for one in _of_lines(text, split))]
    found += in_a_line(text, names) if names else ()
    found.sort(key=lambda one: (one.start, one.end))
    return [one for one in found if not answer.is_reported(one.start)]


def _named_in_brackets(one: Statement, names: Sequence[tuple[str, ...]]) -> Statement:
    """Return a statement under the name of a criterion that stands in brackets behind another."""
    inner = words(one.hint)
    return replace(one, name=inner, hint="") if inner in names and one.name not in names else one


def spoken(answer: Answer) -> str:
    """Return the answer's own text up to where its turn ends."""
    end = _TURN_ENDS.search(answer.own)
    return answer.own[: end.start()] if end and answer.own[: end.start()].strip() else answer.own


def _tagged(text: str) -> Iterator[Statement]:
    for tag in _TAGGED.finditer(text):
        if text[max(0, tag.start() - 1)] not in _QUOTES:
            value = EMPHASIS.sub("", tag["text"]).strip()
            yield Statement(tag.start(), tag.end(), words(tag["name"]), value, "tag")
    for box in _BRACKETED.finditer(text):
        begin = max(text.rfind("\n", 0, box.start()), box.start() - 80) + 1
        lead = I_WOULD.sub("", text[begin : box.start()])
        if SUPPOSED.search(lead) or DENIED.search(lead) or lead.endswith(_QUOTES):
            continue
        name = words(lead.rpartition(":")[0])[-4:] if ":" in lead else ()
        is_alone = not lead.strip("$*\n ") or "\\boxed" in lead
        said = set(words(lead))
        if box["boxed"] and not is_alone and not MARKS & said:
            continue
        if _IS_WHAT.match(text, box.end()) or (box["text"] and _CITES.search(lead)):
            continue
        if box["boxed"] and said & _SOLVED and not said & (MARKS - _SOLVED):
            name = ("final", "answer")
        value = EMPHASIS.sub("", box["text"] or box["boxed"] or "").strip()
        yield Statement(
            box.start(),
            box.end(),
            name if bare_name(name) or name == ("final", "answer") else ("score",),
            value,
            "tag",
        )


def _of_lines(text: str, split: re.Pattern[str] | None) -> Iterator[Statement]:
    start, above = 0, ""
    section: tuple[str, ...] = ()
    table: list[tuple[int, list[str]]] = []
    last = _last_line(text)
    first, opened, content = True, 0, False
    for line in [*text.split("\n"), ""]:
        end = start + len(line)
        if line.lstrip().startswith("|"):
            cells = CELLS.split(SPACES.sub("", line.strip()).strip("|").strip())
            table.append((start, [EMPHASIS.sub("", cell).strip() for cell in cells]))
        elif table:
            yield from _of_table(table, start)
            table = []
        if not line.strip() and content and NO_SCORES.intersection(section):
            section = ()
        if line.strip() and not line.lstrip().startswith("|"):
            body = Line(line, start, split)
            name = _NAME_ALONE.match(body.text)
            is_heading = _HEADING.match(line) or (name and body.text.rstrip().endswith(":"))
            if first or start == last:
                yield Statement(start, end, (), body.whole, "bare", section)
            elif len(body.whole) <= _SHORT:
                yield Statement(start, end, (), body.whole, "inner", section)
            content = content or (not first and start > opened)
            first = False
            fields = list(body.fields(section))
            if name and is_heading and not any(one.text.strip() for one in fields):
                section, opened, content = words(name["name"]), end, False
                above = name["name"]
                start = end + 1
                continue
            if above and not _SHOWS.intersection(words(above)):
                yield Statement(start, end, words(above), body.text, "below")
            if not _SHOWS.intersection(words(above)):
                yield from fields
            above = ""
        start = end + 1


def _last_line(text: str) -> int:
    """Return where the last line begins that says something."""
    end = len(text)
    for _ in range(8):
        begin = text.rfind("\n", 0, end) + 1
        if begin == 0 or not _COURTESY.match(text[begin:end]):
            return begin
        end = begin - 1
    return begin


def _of_table(table: list[tuple[int, list[str]]], end: int) -> Iterator[Statement]:
    rule = next((n for n, (_, row) in enumerate(table) if not "".join(row).strip(" :-")), None)
    if any(_EXPLAINS.intersection(words(cell)) for cell in table[0][1]):
        return
    header = table[0][1] if rule == 1 and len(table) > 2 else []
    body = [row for n, row in enumerate(table) if n != rule and (n or not header)]
    heads = [words(_HINT.sub("", cell)) for cell in header]
    hints = [found[0] if (found := _HINT.search(cell)) else "" for cell in header]
    marked = [
        n
        for n, head in enumerate(heads)
        if set(head) & (MARKS | {"points", "rating"}) and not set(head) & NO_SCORES
    ]
    limits = [n for n, head in enumerate(heads) if set(head) & _LIMITS or head == ("out", "of")]
    for start, row in body:
        if header and len(row) == len(header) and row[0][:1].isdigit() and marked != [0]:
            pairs = list(zip(header, row, strict=True))
        elif marked and len(row) > marked[0]:
            column = marked[0]
            of = () if column == 0 else words(row[0])
            hint = hints[column] or next((f"(max {row[n]})" for n in limits if n < len(row)), "")
            yield Statement(
                start, max(start, end - 1), (*of, *heads[column]), row[column], "line", (), hint
            )
            continue
        elif len(row) == 2 and (not header or set(heads[1]) <= SCORE_COLUMNS):
            pairs = [(row[0], row[1])]
        else:
            continue
        for name, cell in pairs:
            yield Statement(start, max(start, end - 1), words(name), cell, "line")


_LIMITS = frozenset({"max", "maximum", "range", "scale", "possible"})


_HINT = re.compile(r"\s*+[(\[][^()\[\]]{1,60}[)\]]")


_TURN_ENDS = re.compile(
    r"<\|(?:im_end|end[\u2581_ ]of[\u2581_ ]sentence|"
    r"eot_id|end|endoftext|end_of_text|eom_id|return)\|>|</s>|<end_of_turn>|<eos>",
    re.IGNORECASE,
)


_QUOTES = ('"', "'", "`")


_COURTESY = re.compile(
    r"\W*(?:i\s++hope|let\s++me\s++know|please\s++(?:tell|let)|thank|feel\s++free|if\s++you\s++(?:would|have|need))\b"
    r"|[-*_=\s]*+\Z|<\|",
    re.IGNORECASE,
)


def is_solved(one: Statement, text: str) -> bool:
    """Tell whether a statement may be the judge's own answer to the item.

    It is where the judge then goes on to what the response says.
    """
    rest = set(one.name) - {"final", "the", "my", "so", "correct", "overall", "is"}
    if not rest or not rest <= {"answer", "result", "solution"} or text.startswith("[", one.start):
        return False
    after = _SAYS if rest == {"result"} else _RESPONSE
    return after.search(text, one.end) is not None or after.search(one.text) is not None


_RESPONSE = re.compile(
    r"\b(?:response|assistant|student|model|completion|submission|candidate)\b", re.IGNORECASE
)


_SAYS = re.compile(
    r"\b(?:response|assistant|student|model|completion|submission|candidate)(?:'s\s++(?:answer|result))?"
    r"\s++(?:also\s++)?(?:(?:says?|said|gives?|gave|states?|has|had|got|answered|reports?|computes?|claims?"
    r"|finds?|found|wrote|writes)\s++(?:\w++\s++){0,2}?(?:[-\d\\]|so\b|same\b|this\b|it\b|right\b|wrong\b)"
    r"|(?:is|was)\s++(?:\w++\s++)?(?:correct|right|wrong|incorrect|\d)|matches|agrees)",
    re.IGNORECASE,
)
