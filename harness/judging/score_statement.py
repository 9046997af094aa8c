"""Finds what of a judge's own words may state a score: lines, fields, cells, sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.judging.reply import Answer
from harness.judging.score_lines import CELLS, DENIED, I_WOULD, SPACES, SUPPOSED, Line, Statement
from harness.judging.score_names import MARKS, bare_name, words
from harness.judging.score_value import EMPHASIS, SIGNS

_SHORT = 60


_EXPLAINS = frozenset({"meaning", "meanings", "description", "definition", "criteria", "means"})
"""Heads of a table that explains a scale."""


_SHOWS = frozenset("example examples sample samples template instead wrong hypothetical".split())
"""Words of a line after which a statement is an example."""


_HEADING = re.compile(r"\s*+(?:\#++\s|\*\*[^*\n]{1,60}\*\*\s*+:?\s*+\Z)")


_NAME_ALONE = re.compile(r"[\"'{\[(]*+(?P<name>[A-Za-z][\w &/'-]{0,60})[\"')\]]*+\s*+:?\s*+\Z")


_TAGGED = re.compile(r"<(?P<name>[A-Za-z][\w -]{0,30})>(?P<text>[^<>]{1,200})</(?P=name)>")


_BRACKETED = re.compile(r"\[\[(?P<text>[^\[\]\n]{1,80})\]\]|\\boxed\s?\{(?P<boxed>[^{}\n]{1,80})\}")


def statements(answer: Answer, names: Sequence[tuple[str, ...]] = ()) -> list[Statement]:
    """Return what may state a score, in order; nothing that the judge only reports.

    Args:
        answer: The answer.
        names: Of criteria, which may stand one after the other in a line.
    """
    text = spoken(answer).translate(SIGNS)
    either = "|".join("[ _-]?".join(map(re.escape, name)) for name in names)
    split = re.compile(rf"(?:\s++|\A\W*+)(?=(?:{either})\s?[:=])", re.I) if either else None
    found = [*_tagged(text), *_of_lines(text, split)]
    found.sort(key=lambda one: (one.start, one.end))
    return [one for one in found if not answer.is_reported(one.start)]


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
        if box["boxed"] and not is_alone and not MARKS.intersection(words(lead)):
            continue
        value = EMPHASIS.sub("", box["text"] or box["boxed"] or "").strip()
        yield Statement(
            box.start(), box.end(), name if bare_name(name) else ("score",), value, "tag"
        )


def _of_lines(text: str, split: re.Pattern[str] | None) -> Iterator[Statement]:
    start, above = 0, ""
    section: tuple[str, ...] = ()
    table: list[tuple[int, list[str]]] = []
    last = _last_line(text)
    first = True
    for line in [*text.split("\n"), ""]:
        end = start + len(line)
        if line.lstrip().startswith("|"):
            cells = CELLS.split(SPACES.sub("", line.strip()).strip("|").strip())
            table.append((start, [EMPHASIS.sub("", cell).strip() for cell in cells]))
        elif table:
            yield from _of_table(table, start)
            table = []
        if line.strip() and not line.lstrip().startswith("|"):
            body = Line(line, start, split)
            name = _NAME_ALONE.match(body.text)
            is_heading = _HEADING.match(line) or (name and body.text.rstrip().endswith(":"))
            if first or start == last:
                yield Statement(start, end, (), body.whole, "bare", section)
            elif len(body.whole) <= _SHORT:
                yield Statement(start, end, (), body.whole, "inner", section)
            first = False
            fields = list(body.fields(section))
            if name and is_heading and not any(one.text.strip() for one in fields):
                section = words(name["name"])
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
    marked = [
        n for n, cell in enumerate(header) if set(words(cell)) & (MARKS | {"points", "rating"})
    ]
    for start, row in body:
        if header and len(row) == len(header) and row[0][:1].isdigit() and marked != [0]:
            pairs = list(zip(header, row, strict=True))
        elif marked and len(row) > marked[0]:
            column = marked[0]
            name = header[column] if column == 0 else f"{row[0]} {header[column]}"
            pairs = [(name, row[column])]
        elif len(row) == 2:
            pairs = [(row[0], row[1])]
        else:
            continue
        for name, cell in pairs:
            yield Statement(start, max(start, end - 1), words(name), cell, "line")


_TURN_ENDS = re.compile(
    r"<\|(?:im_end|eot_id|end|endoftext|end_of_text|eom_id|return)\|>|</s>|<end_of_turn>|<eos>",
    re.IGNORECASE,
)


_QUOTES = ('"', "'", "`")


_COURTESY = re.compile(
    r"\W*(?:i\s++hope|let\s++me\s++know|please\s++(?:tell|let)|thank|feel\s++free|if\s++you\s++(?:would|have|need))\b"
    r"|[-*_=\s]*+\Z|<\|",
    re.IGNORECASE,
)
