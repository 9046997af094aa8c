"""What a response answers: the readings of its last line that a knowledge base is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.plugin import without_end_tokens
from harness_plugins.knowledge_names import normal

_REMARK = re.compile(r"\([^()]{0,200}\)[\s.]{0,20}\Z")
_DENIED = (
    r"(?:not|\w{1,6}n['\u2019]t|cannot|never|nor|neither|no|wrong"
    r"|incorrect|false|untrue|mistaken|mistakes?|errors?|misconceptions?|except|excluding|excluded"
    r"|exclude|but|besides|without|unlike|instead\sof|rather\sthan|other\sthan|apart\sfrom|avoid"
    r"|reject(?:ed)?|ruled\sout|rule\sout|discard(?:ed)?|eliminated?|distractors?|doubt|trap|lie"
    r"|unlikely|impossible|opposite|nicht|kein(?:e|er)?|falsch(?:e|er)?|niemals|au\u00dfer|pas|faux"
    r"|fausse|incorrecte?|jamais|sauf|falsa?|falso|incorrecta|incorrecto|equivocad[ao]|nunca|excepto"
    r"|salvo|sbagliat[ao]|tranne|n\u00e3o|errad[ao]|\u043d\u0435|\u043d\u0435\u0432\u0435\u0440\u043d\w{0,9})"
)
_CROSSES = "\u2717\u2718\u274c"
_DENIAL = re.compile(
    rf"(?<!\w){_DENIED}(?!\w)"
    r"|\u4e0d\u662f|\u9519\u8bef|\u4e0d\u5bf9|\u9664\u4e86|\u4e0d\u6b63\u786e|\u975e"
    r"|\u9593\u9055|\u9055\u3046",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    rf"\b(?:or|maybe|perhaps|possibly|probably)\b|\?|{_DENIAL.pattern}", re.IGNORECASE
)
_WRAPPED = (
    re.compile(r"[^\\]{0,80}\\(?:boxed|fbox)\{([^{}]{1,400})\}[\s.$*]{0,9}"),
    re.compile(r"<(?:final_)?answer>(.{1,400})</(?:final_)?answer>[\s.]{0,9}", re.IGNORECASE),
    re.compile(r"\(?\d{1,3}[.)]\s(.{1,400})"),
    re.compile(
        r"(?:(?:so|thus|hence|therefore),?\s)?(?:the|my)?\s?(?:final|correct|right)?\s?answer\sis\s"
        r"(.{1,400})",
        re.IGNORECASE,
    ),
)
_OPENING = re.compile(r"(?m:^)[^\S\n]{0,9}<(?:final_)?answer>", re.IGNORECASE)
_CLOSING = re.compile(r"</(?:final_)?answer>[\s.]{0,9}\Z", re.IGNORECASE)
_MARKS = (
    (re.compile("<(?:final_)?answer>", re.IGNORECASE),
     re.compile(r"</(?:final_)?answer>\.?", re.IGNORECASE)),
    (re.compile(r"```(?!diff)\w{0,20}"), re.compile("```")),
    (re.compile(r"\\\["), re.compile(r"\\\]\.?")),
    (re.compile(r"\$\$"), re.compile(r"\$\$\.?")),
)  # fmt: skip
"""What may stand on a line of its own before and behind an answer."""
_STYLED = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|sc|normal)?|math(?:rm|bf|it|sf|tt|bb)|emph|operatorname)"
    r"\{([^{}]{0,400})\}"
)
_DOLLARS = re.compile(r"(\${1,2}+)(?=[^\W\d_])([^$\n]{1,400})\1")
_QUOTE = re.compile(
    r"\A(?:[ \t]{0,9}[-=]?>){1,9}[ \t]{0,9}"
    r"(?=[*_\"'\u201c\u2018(\\<]{0,4}(?:[^\W\d_]{2}|[\u3040-\u9fff\uac00-\ud7af]))"
)
"""Marks of a quotation or an arrow before words; before a number they may compare."""
_LABEL = re.compile(r":(?=[\s*_])|\uff1a")
_LABELS = 8
"""Colons of a line after which the answer may stand, the last ones."""
_FAR = 200
"""Letters before a colon that say what stands behind it."""
_NESTED = 4
"""Marks around each other."""


def answers_in(text: str, match: str) -> Iterable[str]:
    """Yield the readings of an answer: of a last line all of it, and what follows a label."""
    text = text.strip()
    for whole in dict.fromkeys((text, without_end_tokens(text).strip() or text)):
        if match != "last_line" or not whole:
            yield normal(whole)
        else:
            yield from _of_last_line(whole)


def _of_last_line(text: str) -> Iterable[str]:
    above, line = _last_line(text)
    above = above.strip(" \t*_")[-_FAR:]
    if above.endswith((":", "\uff1a")) and _DENIAL.search(above):
        return
    if any(mark in line for mark in _CROSSES):
        return
    for written in dict.fromkeys((line, _plain(line))):
        yield from _of_line(written)


def _last_line(text: str) -> tuple[str, str]:
    """Return the line above the last one, and the last; between marks one that stands alone."""
    lines = [one for one in text.splitlines() if one.strip()]
    within = [one.strip() for one in lines]
    if _CLOSING.search(lines[-1]) and not _OPENING.search(lines[-1]):
        apart = _OPENING.sub(r"\g<0>\n", _CLOSING.sub(r"\n\g<0>", text))
        within = [one.strip() for one in apart.splitlines() if one.strip()]
    above: list[str] = []
    for _ in range(_NESTED):
        begin = _begin(within)
        if begin is None:
            break
        above, within = [*above, *within[: begin + 1]], within[begin + 1 : -1]
    if above and len(within) == 1:
        outside = [one for one in above if not any(first.fullmatch(one) for first, _ in _MARKS)]
        return "".join(outside[-1:]), within[0]
    return "".join(lines[-2:-1]), lines[-1]


def _begin(lines: Sequence[str]) -> int | None:
    """Return the place of the mark that opens what the last line closes."""
    opens = next((first for first, last in _MARKS if lines and last.fullmatch(lines[-1])), None)
    places = range(len(lines) - 2, -1, -1)
    return next((place for place in places if opens and opens.fullmatch(lines[place])), None)


def _plain(line: str) -> str:
    """Return a line without the marks of quotes, of mathematics and of LaTeX's text."""
    for _ in range(3):
        line = _STYLED.sub(r"\1", line)
    return _QUOTE.sub("", _DOLLARS.sub(r"\2", line))


def _of_line(line: str) -> Iterable[str]:
    labels = [0, *(found.end() for found in _LABEL.finditer(line))][-_LABELS:]
    kept = [start for start in labels if not _DENIAL.search(line[max(0, start - _FAR) : start])]
    for answer in _unwrapped([line[start:] for start in kept]):
        yield normal(answer)
        remark = _REMARK.search(answer[-240:])
        if remark and not _HEDGE.search(remark[0]):
            yield normal(answer[: len(answer) - len(remark[0])])


def _unwrapped(answers: Sequence[str]) -> Iterable[str]:
    """Yield answers, and what stands in a box or a tag, or behind a number or "the answer is"."""
    for answer in answers:
        yield answer
        for form in _WRAPPED:
            found = form.fullmatch(answer.strip())
            if found and not _DENIAL.search(found.string[: found.start(1)]):
                yield found[1]
