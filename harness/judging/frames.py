"""What a line of a reply stands under: an option without a tick, a heading that asks for another.

A verdict counts only under a name of verdicts or under neutral structure. Under a heading, a label,
a tag or a question that asks for the worse response, for a count of errors or for an example, what
follows is none; a bare letter, number or word is none under any heading that the reader does not
know, while an explicit "Verdict: A" there is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

from harness.judging.repeats import BLANK, blanked
from harness.judging.score_names import QUALITIES


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MARK = r"[\[(]\s?[xX\u2713\u2714]\s?[\])]|[\u2611\u2612\u2705\u2713\u2714\u25c9\u25cf]\ufe0f?"
_BOX = r"[\[(]\s{0,3}[\])]|[\u2610\u25a1\u25a2\u2b1c\u25cb\u2b1b]\ufe0f?"
_CROSS = r"[\u274c\u2717\u2718\u2715\u2716\u274e]\ufe0f?"
_OPTION = re.compile(
    rf"(?:[\s*_+\u2022>|-]|\d{{1,2}}[.)]\s)*+(?:(?P<open>{_BOX})|(?P<crossed>{_CROSS})"
    rf"|(?P<ticked>{_MARK}))(?P<label>[^:\n]{{0,40}}+)"
)
_BEHIND = re.compile(rf"[^:\n]{{1,40}}+:[^:\n\[(]{{1,24}}?(?:{_BOX})[\s*_]*+\Z")
_DIFF = re.compile(r"(?P<sign>[-+])\s?(?P<label>[^:\n]{1,40}+):")
_NOUGHT = re.compile(r"\b[AB] ?(?:\(0\s?(?:%|points?|votes?)\)|-\d)[\s*_.]*+\Z")
_RULE = re.compile(r"[\W_]*+")
_WORD = re.compile(r"[^\W\d_]++(?:['\u2019][^\W\d_]++)?+|\d++")
_SENTENCE_END = re.compile(r"[.!\u3002\uff01]\W*+\Z")
_ASKED = re.compile(r"(?P<question>[^?\n]{4,120}+\?)[\s*_]++(?=\w)")
_TITLE = re.compile(r"(?P<title><h[1-6]>[^<>\n]{1,80}+</h[1-6]>)(?=.)")
_TAGGED = re.compile(r"\s*+<(?P<name>[A-Za-z][\w-]{0,30}+)>")
_FOLLOWS = re.compile(
    r"\b(?:injected|planted|hidden|embedded|inserted|quoted|copied)\b.{0,60}\bas follows\W*+\Z",
    re.IGNORECASE,
)

_WORSE = _words(
    "worse worst weaker weakest loser losers losing loses rejected reject rejects discarded "
    "discard inferior least lesser poorer poorest dispreferred disliked disfavored disfavoured "
    "eliminated eliminate dropped unacceptable undesirable nonpreferred unpreferred unchosen "
    "unselected defeated losing runner less lower lowest bottom schlechter schlechtere "
    "schlechteste verlierer unterlegen pire perdant perdante rejet\u00e9e rejet\u00e9 peor "
    "perdedor perdedora rechazada rechazado peggiore perdente pior"
)
_FAULTS = _words(
    "error errors mistake mistakes issue issues problem problems fault faults flaw flaws flawed "
    "wrong incorrect inaccurate false untrue bad harmful unsafe toxic biased misleading "
    "hallucinated hallucination hallucinations hallucinate hallucinates miss misses missed "
    "missing omit omits omitted omissions lack lacks fail fails failed failing failure violate "
    "violates violation violations contradict contradicts refuse refuses refused refusal "
    "penalty penalties deduction deductions deducted fehler falsch erreur erreurs faux errores "
    "incorrecto incorrecta"
)
_OTHER = _words(
    "confidence certainty severity difficulty maximum max minimum min possible attainable "
    "weight weights threshold baseline target reference gold ideal previous prior expected "
    "toxicity hypothetical number count length prompt"
)
_EXAMPLES = _words("sample example examples instance template illustration format placeholder")
_DESIRED = _words("expected required desired sample right proper output answer")
_BEST = _words("fewer best better most strongest winner preferred highest verdict")
_NEUTRAL = _words(
    "analysis step steps evaluation comparison reasoning rationale feedback review explanation "
    "therefore thus so hence finally my is it and or the response responses criterion criteria "
    "aspect section part question item assistant judge judging form"
)
_CANCELS = _words(
    "free avoid avoids no not without never isn't doesn't don't nor neither n't lesser"
)
_NAMES = _words(
    "verdict winner better best preferred preference prefer rating ratings score scores answer "
    "final overall conclusion result results decision judgment judgement choice chosen pick "
    "selected selection stronger strongest superior total grade mark label class category "
    "classification outcome evaluation assessment summary ranking rank rankings order stars "
    "points value output urteil gewinner bewertung ergebnis fazit gesamturteil sieger antwort "
    "note gagnant d\u00e9cision r\u00e9sultat meilleure meilleur \u00e9valuation veredicto "
    "ganador ganadora mejor resultado decisi\u00f3n puntuaci\u00f3n calificaci\u00f3n "
    "conclusi\u00f3n vincitore migliore verdetto vencedor melhor correct correctness pass "
    "passed"
)
_RESPONSE = re.compile(r"\b(?:[AB]|first|second|former|latter)\b")
_ANNOUNCES = re.compile(
    r"\b(?:names?|lists?|identify|identifies|picks?|choose|state|select|determine|find|announced"
    r"|announce)\b",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"\W*+(?:(?:my|the|it|final|best|correct|right|answer|response|is|be|would|a|q|assistant"
    r"|option|output|model|candidate|this)\b[\s:=(\[*_]*+){0,5}"
    r"(?:[A-Za-z]|\d{1,4}(?:[.,]\d{1,3})?(?:\W{1,3}(?:of\W|out\W+of\W)?\W*\d{1,4})?|yes|no|true|false|tie"
    r"|correct|incorrect|pass|passed|fail|failed|neither|both)\W*+",
    re.IGNORECASE,
)
"""A line that is nothing but a value."""
_MARKED = re.compile(r"[^:=\n]{1,40}+[:=][^:\n]{1,40}+")
"""A line that is a name and a short value."""
_TAGS = re.compile(r"</?[A-Za-z][\w-]{0,30}+(?:\s[^<>\n]{0,80}+)?/?>")
_CLOSING = re.compile(r"\s*+</[^<>\n]{1,40}+>\s*+")
_FIELD = re.compile(r"[^:\n]{1,60}:[*_ ]*+(?=[^\s*_:])")
_ITEM = re.compile(r"\s*+(?:\||(?:[-*+\u2022]|\(?\d{1,2}[.)])\s)")
_DRAFT = re.compile(
    r"[^\w<]*+(?:draft|pending|placeholder|do not use|not for use|work in progress|wip)\b"
    r"[^\w\n.]*+(?:(?:do not use|only|version|verdict|rating|evaluation|review|judge?ment|not final"
    r"|\d)\W*+){0,3}+",
    re.IGNORECASE,
)


def is_draft(text: str) -> bool:
    """Tell whether the first line of a reply calls all of it a draft, and no line is final."""
    first, _, rest = text.lstrip().partition("\n")
    if len(first) > 80 or _DRAFT.fullmatch(first) is None:
        return False
    lines = (line.lstrip("#*_ \t").casefold() for line in rest.split("\n"))
    return not any(line.startswith("final") for line in lines)


def without_framed(own: str, named: Collection[str] = ()) -> str:
    """Return a text with a blank for each character of a line that its frame makes no verdict.

    Args:
        own: The text.
        named: Names of criteria in small letters, which ask for a verdict whatever they mean.
    """
    lines = own.split("\n")
    said = [number for number, line in enumerate(lines) if line.strip(BLANK + " \t")]
    out = list(lines)
    unticked = _unticked(lines, said)
    for number in unticked:
        out[number] = blanked(lines[number])
    ticks = {n: found for n in said if (found := _OPTION.match(lines[n])) and found["ticked"]}
    if unticked and len(ticks) == 1:
        for number, found in ticks.items():
            begin, end = found.span("ticked")
            out[number] = lines[number][:begin] + " " * (end - begin) + lines[number][end:]
    frame = ""
    for number in said:
        line = lines[number]
        if _RULE.fullmatch(line.replace(BLANK, "")):
            continue
        if frame and _is_blocked(frame, line, named):
            out[number] = blanked(line)
        else:
            found = _TITLE.search(line) or _ASKED.match(line)
            if found and _is_blocked(found[0], line[found.end() :], named):
                out[number] = line[: found.end()] + blanked(line[found.end() :])
            elif (tag := _TAGGED.match(line)) and _is_blocked(
                f"<{tag['name']}:", line[tag.end() :], named
            ):
                out[number] = blanked(line)
            elif _NOUGHT.search(line[-40:]):
                out[number] = blanked(line)
        frame = "" if _CLOSING.fullmatch(line) else line
    return "\n".join(out)


def _unticked(lines: Sequence[str], said: Sequence[int]) -> set[int]:
    """Return the numbers of lines that are options without a tick, or removed by a diff."""
    found: set[int] = set()
    ticked: set[str] = set()
    crossed: list[tuple[int, str]] = []
    for number in said:
        line = lines[number]
        if option := _OPTION.match(line):
            label = option["label"].strip(" *_").lower() if ":" in line else ""
            if option["open"]:
                found.add(number)
            elif option["crossed"]:
                crossed.append((number, label))
            else:
                ticked.add(label)
        elif len(line) < 80 and _BEHIND.match(line):
            found.add(number)
    found |= {number for number, label in crossed if label in ticked}
    for one, other in pairwise(said):
        first, second = _DIFF.match(lines[one]), _DIFF.match(lines[other])
        if first and second and first["label"] == second["label"]:
            if first["sign"] != second["sign"]:
                found.add(one if first["sign"] == "-" else other)
    return found


def _is_blocked(frame: str, line: str, named: Collection[str]) -> bool:
    """Tell whether what a line stands under makes it no verdict."""
    if len(frame) > 160 or len(line) > 160:
        return False
    tag = frame.startswith("<")
    frame, line = _TAGS.sub(" ", frame).strip() or frame.strip(" <>"), _TAGS.sub(" ", line)
    value = _VALUE.fullmatch(line) is not None
    if not value and ">" not in line and not _MARKED.fullmatch(line) and not _FOLLOWS.search(frame):
        return False
    said = [word.lower().replace("\u2019", "'") for word in _WORD.findall(frame.replace("_", " "))]
    words, criteria = set(said), (_WORD.findall(name.replace("_", " ")) for name in named)
    if not said or len(said) > 16 or said in criteria or _RESPONSE.search(frame):
        return False
    if " ".join(said) == "e g" or _FOLLOWS.search(frame):
        return True
    if all(len(word) == 1 or word.isdigit() for word in said) or not _CANCELS.isdisjoint(words):
        return False
    asks = frame.rstrip(" *_\"')").endswith("?")
    if _SENTENCE_END.search(frame):
        return not _WORSE.isdisjoint(words) and _ANNOUNCES.search(frame) is not None
    if not asks and (_FIELD.match(frame) or _ITEM.match(frame)):
        return False
    if not asks and len(said) > 8 and not frame.rstrip("*_ ").endswith(":"):
        return False
    if "less" in words and not words.isdisjoint(_FAULTS):
        return False
    if not words.isdisjoint(_WORSE) and words.isdisjoint(_BEST):
        return True
    if {"worst", "to", "best"} <= words and ">" in line:
        return said.index("worst") < said.index("best") and not frame.rstrip("*_ ").endswith(":")
    if not asks and len(said) <= 6 and not words.isdisjoint(_EXAMPLES):
        return True
    if len(said) <= 6 and not words.isdisjoint(("form", "format")) and words & _DESIRED:
        return True
    if not value or tag:
        return False
    if not words.isdisjoint(_FAULTS | _OTHER) and words.isdisjoint(_BEST):
        return True
    if {"how", "many"} <= words and words.isdisjoint(("points", "stars", "marks")):
        return True
    if asks or len(said) > 4:
        return False
    heading = frame.startswith(("#", "**")) or not frame.endswith(":")
    return heading and words.isdisjoint(_NAMES | QUALITIES | _NEUTRAL)
