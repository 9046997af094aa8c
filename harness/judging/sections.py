"""The parts of a reply that are somebody else's words, by the marks or the words around them."""

from __future__ import annotations

import re
from collections.abc import Collection

_NOUN = (
    r"(?:response|assistant|option|output|completion|answer|model|candidate|reply|summary|text"
    r"|chatbot|solution|essay|story|translation|system)"
)
_SOMEBODYS = frozenset(
    "draft example examples sample blockquote quote quoted note notes scratch input prompt "
    "question user human instruction instructions context document reference source "
    "reasoning steps thinking thought thoughts process internal monologue chain of "
    "material template plan cot task query conversation dialogue".split()
)
"""Names of parts that are no verdict, whatever stands in them."""
_NAMED = re.compile(rf"{_NOUN}[ _-]?(?:[a-z]|\d{{1,2}})(?:'s (?:answer|response))?")
_MARK = re.compile(
    r"<(?P<close>/?)(?P<tag>[A-Za-z][A-Za-z0-9_-]{0,23}+)(?P<given>\s[^<>\n]{1,80}+)?>"
    r"|\[(?P<section>[^\[\]\n]{1,48}+)\]|[({](?P<aside>[A-Za-z /.]{1,48}+)[)}]"
    r"|^[ \t]*+\*(?P<star>/?[A-Za-z ]{1,48}+)\*[ \t]*+$|^[ \t]*+#{1,6} (?P<heading>[^\n]{1,48}+)$",
    re.MULTILINE,
)
_ENDS = re.compile(r"(?:the )?(?:end(?: of)? |/ ?)(?:the )?")
_BEGINS = re.compile(r"(?:the )?(?:start|begin|beginning)(?: of)? (?:the )?")

_LINE = r"(?:\A|\n)[^\w\n]{0,12}+"
_LED = re.compile(
    "|".join(
        (
            rf"(?:\A|\n|[.!?]\s)[^\w\n]{{0,12}}+(?:\d{{1,2}}[.)]\s)?[*_]*+{_NOUN}[ _]?[(\[]?"
            r"(?:[A-D]|[1-9])[)\]]?[*_]*+:",
            rf"(?:\A|\n)\s*+\|[\s*_]*+(?:{_NOUN} )?[A-D1-9][\s*_]*+\|",
            r"\be\.g\.,?|\bfor (?:example|instance)[,:]?|\bsuch as:?",
            r"\b(?:example|sample)(?:\W{1,3}\w{1,12})?:",
            rf"{_LINE}(?:the )?(?:\w{{1,9}} ){{0,2}}(?:format|template)(?: \w{{1,8}}){{0,3}}:",
            rf"{_LINE}(?:the )?(?:expected|sample|desired|required) \w{{1,9}}(?: is)?:",
            r"\blooks? like (?:this|so|the following):",
            rf"{_LINE}(?:input|user|human|prompt|question|instructions?|system|task|query|context"
            r"|reference)(?: (?:input|prompt|text|message))?:",
            rf"{_LINE}(?:the )?(?:previous|last|other|earlier) (?:item|question|pair|prompt|task"
            r"|example|case)(?: \d{1,3})?[*_]*+:[*_]*+",
            rf"{_LINE}(?:(?:my|the) )?(?:(?:internal|inner|private) (?:reasoning|thinking|thoughts?"
            r"|monologue)|thinking|monologue|scratchpad)(?: process)?[*_]*+:[*_]*+",
            rf"\b{_NOUN} [A-D1-9]['\u2019]s (?:contents?|body|text)\b[^.:!?\n]{{0,40}}+:",
            rf"\b(?:contents?|body|text) of (?:the )?{_NOUN} [A-D1-9]:",
            rf"\b(?:here is|here['\u2019]s|this is|below is) {_NOUN} [A-D1-9]:",
        )
    ).join(("(?:", r")\Z")),
    re.IGNORECASE,
)
"""Words right before a place that say whose words stand there, or that they are an example."""
_HANGS = re.compile(
    r"\b(?:(?:wrote|writes|says|reads|states)|(?:ends?|begins?|replies|answers) with"
    r"|(?:asked|told|instructed|ordered|supposed) to \w{2,8}(?: with)?)\Z",
    re.IGNORECASE,
)
"""Words that end a line, without a colon, and whose object is the next line."""
_WORDLESS = re.compile(r"\W*+")


def sections(text: str, named: Collection[str] = ()) -> list[tuple[int, int]]:
    """Return the parts of a text between the marks of a part that is somebody else's.

    Marks are tags (<response_b>, <example>), names in brackets ([Response B], [End of response B])
    and headings ("### End of response B"). A part without an end is none.

    Args:
        text: The text.
        named: Tags that are the judge's own.

    Returns:
        The places where such parts begin and end, in order, none inside another.
    """
    begun: dict[str, int] = {}
    found: list[tuple[int, int]] = []
    for mark in _MARK.finditer(text):
        if mark["tag"] is not None:
            name = "<" + mark["tag"].lower()
            ends = mark["close"] != ""
            known = name[1:] not in named and _is_somebodys(name[1:], mark["given"] is not None)
        else:
            said = _name_of(mark)
            closes = _ENDS.match(said)
            opens = _BEGINS.match(said)
            ends = closes is not None
            name = said[closes.end() :] if closes else said[opens.end() :] if opens else said
            known = _is_somebodys(name)
        if ends and name in begun:
            begin = begun.pop(name)
            while found and found[-1][0] >= begin:
                found.pop()
            found.append((begin, mark.end()))
        elif known and not ends:
            begun.setdefault(name, mark.start())
    return _apart(found)


def _name_of(mark: re.Match[str]) -> str:
    """Return what stands in brackets, in stars or in a heading."""
    said = mark["section"] or mark["heading"] or mark["aside"] or mark["star"]
    return str(said).strip(" *_#:.").lower()


def introduced(lead: str, hangs: bool = False) -> bool:
    """Tell whether the words before a place say that an example or somebody's text follows.

    Args:
        lead: Those words.
        hangs: Whether they end a line that has no colon.
    """
    if _WORDLESS.fullmatch(lead):
        return False
    return (_HANGS if hangs else _LED).search(lead) is not None


def _is_somebodys(name: str, given: bool = False) -> bool:
    words = re.split(r"[ _-]", name)
    if _NAMED.fullmatch(name):
        return True
    rest = [word for word in words if word not in _SOMEBODYS]
    if len(rest) < len(words) and all(w.isdigit() or re.fullmatch(_NOUN, w) for w in rest):
        return True
    return given and re.fullmatch(_NOUN, name) is not None


def _apart(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return parts in order, those that overlap joined."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(found):
        if joined and begin < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined
