r"""Find the answer in the last box.

A box that is not finished is none. Boxes that stand together (``\boxed{1}`` and ``\boxed{2}``) are
one list; what stands around a box may make it a part of something, or take it back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness_plugins.math_context import crossed_out, is_bound, sign_before
from harness_plugins.math_numerals import Answer
from harness_plugins.math_parts import is_in_formula, is_open
from harness_plugins.math_reading import read

_BRACE = re.compile(r"(\\{1,4}(?:boxed|fbox|framebox)\s*\{)|\\.|[{}]", re.DOTALL)
_JOINED = re.compile(
    r"(?:\s|[$,;&+~、]|\\[()\[\],;:! ]|\\\\|\\q?quad"
    r"|\\(?:text|mbox|mathrm)\s*\{[\s,]*(?:and|or)?[\s,]*\}"
    r"|\b(?:and|or)\b|[或和及]|[A-Za-z](?:_\{?\w{1,4}\}?)?\s*=)*"
)
_LABELLED = re.compile(
    r"[\s*$.,;)\]\\]*(?:part\s)?(?:\((?:[a-h1-9]|i{1,3}|iv|v)\)|[a-h1-9][.):]|(?<=part\s)[a-h1-9])"
    r"[\s*$:.(\[\\]*",
    re.IGNORECASE,
)
_SEPARATED = re.compile(r"\b(?:and|or)\b|[,;]")
_CORRECTED = re.compile(
    r"\b(?:no|not|wait|but|actually|instead|rather|so|thus|hence|therefore|then|is|are|we|it)\b"
    r"|[.?!=]\s|\n\s*\n",
    re.IGNORECASE,
)
_PART_BEFORE = re.compile(
    r"(?:[-+*/<>^_!(]|\\(?:cdot|times|ne|neq|neg|not|[lg]eq?|[lg]t|pm|div|sqrt(?:\[[^\]]{1,9}\])?|cup))"
    r"\s*(?:\$|\{)?\s*$"
)
_PART_AFTER = re.compile(
    r"\s*(?:\^(?!\s*\{?\s*\\(?:circ|text))|_|!(?!\s|$)|\+\s*[\w\\]|\*\s?[\w\\]|[-/]\s?(?:\d|[A-Za-z]\b|\\[a-z])"
    r"|[<>]\s*[\w\\]|\\(?:pi|sqrt|[dt]?frac|cdot|times|div|pm|theta|alpha|beta|ln|log|sin|cos|tan|infty"
    r"|[lg]eq?|ne)(?![A-Za-z]))|\d|\.\d|[a-z](?![A-Za-z])(?<![msgLhNJWVKCF])|\s[a-z]\s*[-+=]\s"
)
_GLUED_BEFORE = re.compile(
    r"(?:\d[.,]?|\d\{,\}|\d\\[,!]|(?<![A-Za-z\\])[A-Za-z]|\\(?:pi|theta)|(?<!\w)\$\d{1,9}\s"
    r"|\\[dt]?frac\s?(?:\d\s?\d|\{[^{}]{1,20}\}\{[^{}]{1,20}\})|\d\\[ ;:])$"
    r"|^[<>\u2265\u2264]\s?$|[<>]=\s?$"
    r"|(?:^|[^\w=*-])[<>]$|~~$"
)
_GLUED_AFTER = re.compile(r"\$?\+|[!~]|\d|(?:\$|\\\))?(?:k|K|M|B|bn|mn)\b")
_DIGITS_AFTER = re.compile(r"(?:[,.\s~]|\{,\}|\\[,!;: ]|\$\s?)\d")
_TIMES_TEN = re.compile(r"\s*(?:\\times|\\cdot)\s*10\s*\^\s*(?:\{\s*-?\d{1,3}\s*\}|-?\d)")
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


@dataclass(frozen=True, slots=True)
class Stated:
    """An answer as it is stated.

    Args:
        text: What it says.
        readings: The ways to read it; none if it is no one answer.
        doubtful: Other things that may be meant. Where only these are right, nobody can tell.
        after: What follows it.
        also: Other answers that are offered beside it, and must be right as well.
        parts: What the last boxes hold where each has a label, ``(a)`` and ``(b)``.
    """

    text: str
    readings: list[Answer]
    doubtful: list[Answer]
    after: str
    also: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


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
        power = _TIMES_TEN.match(text, end)
        if power and len(contents) == 1 and re.fullmatch(r"-?[\d.]+", whole):
            whole, end = whole + power[0], power.end()
            readings, after = read(whole), text[end : end + 60]
        around = _around(text, begin, end)
        if len(contents) > 1:
            around = ""
        elif around == "-":
            whole = f"-({whole})" if re.search(r"[-+ ]", whole) else f"-{whole}"
            readings = read(whole)
        if (
            around not in ("", "-")
            or (around == "" and is_bound(text, begin, end))
            or (len(contents) == 1 and is_in_formula(text[max(0, begin - 60) : begin], after))
            or is_open(whole)
            or crossed_out(text[max(0, begin - 60) : begin])
            or retracted(text[end : end + 200])
            or (len(contents) == 1 and _alternatives(text, found))
        ):
            doubtful, readings = doubtful + readings, []
        offered = _OFFERED.match(text, end)
        offered = offered or _OFFERED_BEFORE.search(text[max(0, begin - 60) : begin])
        also = (offered[1],) if offered and len(contents) == 1 else ()
    return Stated(whole, readings, doubtful, after, also, _labelled(text, found))


def _labelled(text: str, found: list[tuple[int, int, str]]) -> tuple[str, ...]:
    """Return what all boxes hold if each has a label; nothing otherwise."""
    ends = [0, *(end for _, end, _ in found)]
    if len(found) < 2 or any(
        (begin - end > 70 and place) or not _LABELLED.fullmatch(text[max(end, begin - 30) : begin])
        for place, (end, (begin, _, _)) in enumerate(zip(ends, found, strict=False))
    ):
        return ()
    return tuple(content for _, _, content in found)


def retracted(after: str) -> bool:
    """Tell whether what follows an answer takes it back."""
    return _RETRACTED.match(after) is not None or bool(
        re.search(r"\b(?:this|that|it|which)\s(?:is|was)\s(?:wrong|incorrect|not\s(?:right|correct))",
                  after, re.IGNORECASE))  # fmt: skip


def _around(text: str, begin: int, end: int) -> str:
    """Return a minus sign before a box, or what makes it a part of something; mostly ""."""
    before, after = text[max(0, begin - 60) : begin], text[end : end + 30]
    if glued := _GLUED_BEFORE.search(before) or _GLUED_AFTER.match(after):
        return glued[0]
    if text[begin:end].rstrip("} ")[-1:].isdigit() and (digit := _DIGITS_AFTER.match(after)):
        return digit[0]
    if sign_before(before):
        return "-"
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
