"""Makes replies of judges: formats x verdicts x what surrounds a verdict, the same every time.

What formats and sentences there are stands in ``tests/golden/replies/parts/*.toml``. In a sentence,
@v is the verdict as the format writes it, @w and @l are the better and the worse response, @o is
another value than the verdict's, @reasons is what is said for it.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations
from pathlib import Path
from typing import Any

from reply_corpus import FAILURE, FOLDER, SCALES, Reply, asked_of, once, written

WIDE = {**{c: c + 0xFEE0 for c in range(0x30, 0x7B) if chr(c).isalnum()}, ord(":"): "\uff1a"}


def whole_corpus(folder: Path = FOLDER) -> list[Reply]:
    """Return all replies of a folder, hand-written and made."""
    parts = sorted((folder / "parts").glob("*.toml"))
    return once([*written(folder), *(reply for path in parts for reply in generated(path))])


def generated(path: Path) -> Iterator[Reply]:
    """Yield the replies that a file of formats and sentences makes."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for fmt in table["format"]:
        for draw in range(table["draws"]):
            for kind, make in KINDS[fmt.get("shape", "line")].items():
                # Seeded by what it makes: a further kind or format leaves the others as they are.
                rng = random.Random(f"{table['seed']} {fmt['name']} {kind} {draw}")
                reply = make(Maker(rng, table["words"], fmt))
                if reply is not None:
                    unsure = kind in fmt.get("may_fail_kinds", ()) and reply.right != FAILURE
                    yield replace(reply, kind=kind, may_fail=reply.may_fail or unsure)


def cut_everywhere(replies: Iterable[Reply]) -> Iterator[Reply]:
    """Yield two replies of each format, cut at every place: the verdict or a failure."""
    seen: Counter[str] = Counter()
    for reply in replies:
        if reply.kind in ("bare", "reasoned", "trapped") and seen[reply.format] < 2:
            seen[reply.format] += 1
            for end in range(len(reply.text)):
                text = reply.text[:end]
                yield replace(reply, kind="cut-everywhere", text=text, cut=True, may_fail=True)


@dataclass
class Maker:
    """One verdict in one format, and what can be said around it."""

    rng: random.Random
    words: dict[str, Any]
    fmt: dict[str, Any]

    @cached_property
    def way(self) -> str:
        return self.fmt["way"]

    @cached_property
    def value(self) -> Any:
        """The right verdict."""
        return self.rng.choice(self.values)

    @cached_property
    def other(self) -> Any:
        """Another verdict: the opposite one of a pair."""
        if self.way == "pair" and self.value != "TIE":
            return "B" if self.value == "A" else "A"
        return self.rng.choice([value for value in self.values if value != self.value])

    @cached_property
    def values(self) -> list[Any]:
        asked = asked_of(self.fmt)
        if self.way == "pair":
            return [v for v in ("A", "B", "A", "B", "TIE") if v in self.fmt.get("say", "A B TIE")]
        if self.way == "ranking":
            return [list(order) for order in permutations(asked)]
        if self.way == "score":
            return _on(asked)
        draws = [{n: self.rng.choice(_on(scale)) for n, scale in asked} for _ in range(9)]
        return [draw for n, draw in enumerate(draws) if draw not in draws[:n]]

    def spelt(self, value: Any) -> str:
        """Return a verdict as the format writes it."""
        say = self.fmt.get("say", {})
        if self.way == "ranking":
            return self.fmt.get("joint", " > ").join(say.get(letter, letter) for letter in value)
        if isinstance(value, bool):
            value = str(value).lower()
        options = say.get(value, value)
        return str(self.rng.choice(options) if isinstance(options, list) else options)

    def end(self, value: Any) -> str:
        """Return the words that give a verdict."""
        ends = self.fmt.get("ties") if value == "TIE" else None
        return self._filled(self.rng.choice(ends or self.fmt["ends"]), value)

    def line(self, value: Any) -> str:
        """Return the words that give a verdict, without reasons, in one line."""
        ends = (self.fmt.get("ties") if value == "TIE" else None) or self.fmt["ends"]
        short = [end for end in ends if "@reasons" not in end] or [ends[0].partition("@reasons")[0]]
        return self._filled(self.rng.choice(short), value).replace("\n", " ").strip()

    def _filled(self, text: str, value: Any) -> str:
        if self.way == "scores":
            for name, mark in value.items():
                text = text.replace(f"@{name}", self.spelt(mark))
        return self.fill(text, value)

    def reasons(self, value: Any, number: int | None = None) -> str:
        """Return sentences that speak for a verdict and give none."""
        group = "tie" if value == "TIE" else self.fmt.get("reasons", self.way)
        sentences = self.words["reasons"][group]
        few = self.rng.sample(sentences, min(number or self.rng.randint(2, 3), len(sentences)))
        return self.fill(" ".join(few), value)

    def fill(self, text: str, value: Any) -> str:
        """Put a verdict into a sentence."""
        if "@reasons" in text:
            text = text.replace("@reasons", self.reasons(value))
        better = value if value in ("A", "B") else "A"
        names = self.fmt.get("names", {})
        noun = self.fmt.get("noun", "Response")
        for mark, letter in (("@w", better), ("@l", "B" if better == "A" else "A")):
            name = f"{noun} {names.get(letter, letter)}"
            text = text.replace(mark, name if self.way == "pair" else "the response")
        text = text.replace("@o", self._off(value)).replace("@x", self.rng.choice("23"))
        return text.replace("@v", self.spelt(value)) if "@v" in text else text

    def _off(self, value: Any) -> str:
        if self.way != "score":
            return "5"
        return self.spelt(self.rng.choice([v for v in self.values if v != value]))

    def pick(self, group: str) -> str:
        return self.rng.choice(self.words[group])

    @cached_property
    def topic(self) -> str:
        """Which sentences fit this verdict."""
        return "tie" if self.value == "TIE" else str(self.fmt.get("reasons", self.way))

    @cached_property
    def shown(self) -> str:
        """What the judge was shown, the form of its answer at the end, at times line by line."""
        form = self.fmt["prompt"]
        if self.rng.random() < 0.5:
            lines = dict.fromkeys(self.line(v) for v in self.values for _ in range(4))
            form = "\n".join([form, "", "Answer in one of these forms:", "", *lines])
        return f"{self.pick('material' if self.way == 'pair' else 'alone')}\n\n{form}"

    @property
    def maybe_shown(self) -> str:
        return self.shown if self.rng.random() < 0.5 else ""

    def traps(self) -> str:
        """Return sentences that speak of verdicts and give none."""
        sentences = self.words["traps"][self.topic]
        few = [self.fill(trap, self.value) for trap in self.rng.sample(sentences, 2)]
        return " ".join(trap[:1].upper() + trap[1:] for trap in few)

    def reply(self, text: str, right: Any = None, **more: Any) -> Reply:
        """Return a reply with this verdict, or with another right value."""
        right = self.value if right is None else right
        unsure = self.fmt.get("may_fail", ())
        may = more.pop("may_fail", False) or unsure is True or (bool(unsure) and right in unsure)
        return Reply(
            format=self.fmt["name"],
            kind="",
            way=self.way,
            text=text,
            right=right,
            may_fail=may and right != FAILURE,
            asked=asked_of(self.fmt),
            **more,
        )

    def whole(self, value: Any = None) -> str:
        """Return reasons and verdict."""
        value = self.value if value is None else value
        end = self.end(value)
        return end if self.fmt.get("shape") == "json" else f"{self.reasons(value)}\n\n{end}"


def _on(scale: str) -> list[Any]:
    """Return values of a scale to draw from."""
    if scale == "binary":
        return [True, False]
    asked = SCALES[scale]
    if not asked.is_numeric:
        return list(asked.labels)
    return {
        "unit": [0.1, 0.35, 0.5, 0.85, 1],
        "hundred": [0, 1, 10, 35, 72, 85, 90, 100],
        "signed": [-3, -2, -1, 0, 1, 2, 3],
        "count": [0, 12, 450, 1000, 2500],
    }.get(scale) or list(range(int(asked.low or 0), int(asked.high or 0) + 1))


def bare(m: Maker) -> Reply:
    return m.reply(m.end(m.value))


def reasoned(m: Maker) -> Reply:
    return m.reply(m.whole())


def prompted(m: Maker) -> Reply:
    return m.reply(m.whole(), prompt=m.shown)


def bare_prompted(m: Maker) -> Reply:
    return m.reply(m.end(m.value), prompt=m.shown)


def explained_after(m: Maker) -> Reply:
    return m.reply(f"{m.end(m.value)}\n\n{m.reasons(m.value)}")


def courtesy(m: Maker) -> Reply:
    return m.reply(f"{m.whole()}\n\n{m.pick('courtesy')}")


def preamble(m: Maker) -> Reply:
    return m.reply(f"{m.pick('preamble')}\n\n{m.whole()}")


def noted(m: Maker) -> Reply | None:
    """A note after the verdict that speaks of what else could be."""
    notes = m.words["notes"].get(m.topic)
    if not notes:
        return None
    return m.reply(f"{m.whole()}\n\n{m.fill(m.rng.choice(notes), m.value)}")


def marked(m: Maker) -> Reply:
    """Markdown around the verdict."""
    end = m.line(m.value)
    shapes = ["**{}**", "### {}", "- {}", "***{}***", "{}  ", "---\n{}\n---", "__{}__", "* {}"]
    text = m.rng.choice(shapes).format(end)
    label, colon, rest = end.partition(": ")
    if colon and m.rng.random() < 0.5:
        text = m.rng.choice(
            [f"**{label}:** {rest}", f"**{label}**: {rest}", f"{label}: **{rest}**"]
        )
    return m.reply(f"{m.reasons(m.value)}\n\n{text}")


def sectioned(m: Maker) -> Reply:
    """Headings and lists of strengths before the verdict."""
    points = "\n".join(f"{n}. {m.reasons(m.value, 1)}" for n in (1, 2, 3))
    return m.reply(
        f"## {m.pick('headings')}\n\n{points}\n\n## {m.pick('ends')}\n\n{m.end(m.value)}"
    )


def typed(m: Maker) -> Reply:
    """Line ends and invisible characters of other machines."""
    text = m.whole()
    cases: list[Callable[[str], str]] = [
        lambda t: t.replace("\n", "\r\n"),
        lambda t: "\ufeff" + t,
        lambda t: t.replace("\n\n", "\n\u00a0\n") + "\n\n\n",
        lambda t: "\n\n  " + t + "  \n",
        lambda t: t.replace("\n", "\u2028\n"),
    ]
    return m.reply(m.rng.choice(cases)(text))


def invisible(m: Maker) -> Reply:
    """Zero-width characters in the verdict's line."""
    end, sign = m.end(m.value), m.rng.choice("\u200b\u200c\u2060\ufeff")
    text = end.replace(": ", f":{sign} {sign}") if ": " in end else sign + end + sign
    return m.reply(f"{m.reasons(m.value)}\n\n{text}")


def wide(m: Maker) -> Reply:
    """Full-width letters, as East Asian keyboards write them."""
    end = m.line(m.value)
    if m.rng.random() < 0.5 and ": " in end:
        text = end.replace(": ", "\uff1a")
    else:
        text = end if "<" in end else end.translate(WIDE)
    return m.reply(f"{m.reasons(m.value)}\n\n{text}")


def thoughts(m: Maker) -> Reply:
    """Thoughts with the other verdict, between tags."""
    tag = m.rng.choice(["think", "thinking", "reasoning", "thought", "think"])
    thought = f"{m.pick('thinking')} {m.whole(m.other)} {m.pick('doubts')}"
    end = m.rng.choice([m.end(m.value), m.whole()])
    return m.reply(f"<{tag}>\n{thought}\n</{tag}>\n\n{end}")


def orphan(m: Maker) -> Reply:
    """Thoughts whose opening tag the chat template ate."""
    return m.reply(f"{m.pick('thinking')} {m.whole(m.other)}\n</think>\n\n{m.end(m.value)}")


def endless(m: Maker) -> Reply:
    """Thoughts that the limit cut."""
    text = f"<think>\n{m.pick('thinking')} {m.whole()}\n\n{m.pick('doubts')}"
    return m.reply(text, FAILURE, cut=m.rng.random() < 0.5)


def trapped(m: Maker) -> Reply:
    """Sentences with a verdict's words that give none, before the verdict."""
    return m.reply(f"{m.reasons(m.value, 1)} {m.traps()}\n\n{m.end(m.value)}")


def only_trapped(m: Maker) -> Reply:
    """Sentences with a verdict's words that give none, and no verdict."""
    return m.reply(f"{m.traps()} {m.reasons(m.value, 1)}", FAILURE, prompt=m.maybe_shown)


def trapped_after(m: Maker) -> Reply:
    """Sentences with a verdict's words that give none, after the verdict."""
    return m.reply(f"{m.end(m.value)}\n\n{m.traps()} {m.reasons(m.value, 1)}")


def quoted(m: Maker) -> Reply:
    """A verdict that a response wrote, spoken of before the judge's own."""
    text = m.fill(m.pick("quoting"), m.value).replace("@quote", m.line(m.other))
    end = m.end(m.value)
    return m.reply(f"{m.reasons(m.value, 1)} {text}\n\n{end}", prompt=m.maybe_shown)


def quoted_after(m: Maker) -> Reply:
    """A verdict that a response wrote, spoken of after the judge's own."""
    text = m.fill(m.pick("quoting"), m.value).replace("@quote", m.line(m.other))
    return m.reply(f"{m.whole()}\n\n{text}", may_fail=True)


def corrected(m: Maker) -> Reply:
    """A verdict that is taken back in so many words, and the final one."""
    return m.reply(f"{m.whole(m.other)}\n\n{m.pick('retract')}\n\n{m.end(m.value)}")


def contradicted(m: Maker) -> Reply:
    """Two verdicts, and nothing that says which is meant: the last one at most."""
    return m.reply(f"{m.whole(m.other)}\n\n{m.whole()}", may_fail=True)


def repeated(m: Maker) -> Reply:
    """The verdict at the beginning and at the end."""
    return m.reply(f"{m.end(m.value)}\n\n{m.reasons(m.value)}\n\n{m.end(m.value)}")


def optioned(m: Maker) -> Reply:
    """What could be answered, then what is."""
    first, second = m.rng.sample([m.line(m.value), m.line(m.other)], 2)
    text = m.pick("options").replace("@first", first).replace("@second", second)
    return m.reply(f"{text}\n\n{m.whole()}")


def only_options(m: Maker) -> Reply:
    """What could be answered, and no more."""
    first, second = m.rng.sample([m.line(m.value), m.line(m.other)], 2)
    text = m.pick("options").replace("@first", first).replace("@second", second)
    return m.reply(f"{text} {m.pick('undecided')}", FAILURE, prompt=m.maybe_shown)


def undecided(m: Maker) -> Reply:
    return m.reply(f"{m.reasons(m.value, 1)} {m.pick('undecided')}", FAILURE)


def refused(m: Maker) -> Reply:
    return m.reply(m.pick("refusals"), FAILURE)


def unable_but(m: Maker) -> Reply:
    """Words of a refusal that do not refuse."""
    return m.reply(f"{m.pick('disclaimers')} {m.whole()}")


def echoed(m: Maker) -> Reply:
    """The judge repeats what it was asked before it answers."""
    return m.reply(f"{m.fmt['prompt']}\n\n{m.whole()}", prompt=m.shown)


def only_echoed(m: Maker) -> Reply:
    return m.reply(m.fmt["prompt"], FAILURE, prompt=m.shown)


def foreign(m: Maker) -> Reply | None:
    sentences = m.words["foreign"].get(m.topic)
    if not sentences:
        return None
    return m.reply(f"{m.fill(m.rng.choice(sentences), m.value)}\n\n{m.end(m.value)}")


def cut_before(m: Maker) -> Reply:
    """The limit came before the verdict, anywhere."""
    text, end = m.whole(), m.end(m.value)
    if m.fmt.get("shape") == "json":
        stop = min(text.find(mark) for mark in m.fmt["keys"] if mark in text)
    else:
        text = f"{m.reasons(m.value)} {m.reasons(m.value)}\n\n{end}"
        stop = text.rindex("\n\n")
    return m.reply(text[: m.rng.randint(5, max(6, stop))], FAILURE, cut=True)


def cut_after(m: Maker) -> Reply:
    """The limit came in what followed the verdict's line."""
    more = m.reasons(m.value)
    text = f"{m.end(m.value)}\n\n{more[: m.rng.randint(1, len(more) - 1)]}"
    return m.reply(text, cut=True)


def cut_at_verdict(m: Maker) -> Reply:
    """The limit came right after the verdict, which may have gone on."""
    text = m.whole().rstrip(". ")
    if text[-1:] not in "]>}" and m.way in ("score", "scores"):
        scale = m.fmt.get("scale")
        if f"{m.value}" in {"ten": "1", "hundred": "1 10"}.get(scale, "").split():
            return m.reply(text, FAILURE, cut=True)
    return m.reply(text, may_fail=text[-1:] not in "]>}", cut=True)


def mixed(m: Maker) -> Reply:
    """Much of the above at once, as long replies have it."""
    parts = [m.pick("preamble"), m.reasons(m.value), m.traps(), m.end(m.value), m.pick("courtesy")]
    if m.rng.random() < 0.5:
        parts.insert(
            0, f"<think>{m.pick('thinking')} {m.whole(m.other)} {m.pick('doubts')}</think>"
        )
    if m.rng.random() < 0.5 and m.way != "scores":
        quote = m.fill(m.pick("quoting"), m.value).replace("@quote", m.line(m.other))
        parts[-3] += f" {quote}"
    text = m.rng.choice(["\n\n", "\n\n", "\r\n\r\n"]).join(parts)
    return m.reply(text, prompt=m.maybe_shown)


def fenced(m: Maker) -> Reply:
    return m.reply(f"```{m.rng.choice(['json', '', 'JSON'])}\n{m.end(m.value)}\n```")


def fenced_after_prose(m: Maker) -> Reply:
    return m.reply(f"{m.reasons(m.value)}\n\n```json\n{m.end(m.value)}\n```")


def pretty(m: Maker) -> Reply:
    return m.reply(json.dumps(json.loads(m.end(m.value)), indent=m.rng.choice([2, 4, "\t"])))


def prose_before(m: Maker) -> Reply:
    return m.reply(f"{m.reasons(m.value)}\n\n{m.end(m.value)}")


def loose(m: Maker) -> Reply:
    """What is nearly JSON: quotes of Python, a comma too many, a line break in a text."""
    text = m.end(m.value)
    cases: list[Callable[[str], str]] = [
        lambda t: t.replace('"', "'"),
        lambda t: t[:-1] + ",}",
        lambda t: t.replace(". ", ".\n"),
        lambda t: t.replace('"', "\u201c", 1).replace('"', "\u201d", 1),
        lambda t: t[1:-1],
    ]
    return m.reply(m.rng.choice(cases)(text), may_fail=True)


def quoted_within(m: Maker) -> Reply:
    """The other verdict, quoted in the reasons of the object."""
    entry = json.loads(m.end(m.value))
    name = next((n for n, v in entry.items() if isinstance(v, str) and " " in v), "reasoning")
    quote = m.rng.choice(["Verdict: B", '{"verdict": "B"}', "[[A]]", "Rating: 1", "[RESULT] 5"])
    said = f'{m.reasons(m.value, 1)} One of the texts says "{quote}", which is its own opinion.'
    return m.reply(json.dumps({name: said, **{k: v for k, v in entry.items() if k != name}}))


_ALWAYS = (
    *(thoughts, orphan, endless, preamble, courtesy, typed, refused, prompted, echoed),
    *(trapped, only_trapped),
)
_LINE = (
    *(bare, bare_prompted, reasoned, explained_after, noted, marked, sectioned, invisible, wide),
    *(quoted, quoted_after, corrected, contradicted, repeated, optioned, only_options, undecided),
    *(
        unable_but,
        only_echoed,
        foreign,
        cut_before,
        cut_after,
        cut_at_verdict,
        trapped_after,
        mixed,
    ),
)
_JSON = (
    *(bare, bare_prompted, fenced, fenced_after_prose, pretty, prose_before, loose, quoted_within),
    *(noted, corrected, foreign, cut_before, unable_but, undecided, only_echoed),
)
_PROSE = (bare, bare_prompted, reasoned, undecided, foreign, cut_before, unable_but)
KINDS: dict[str, dict[str, Callable[[Maker], Reply | None]]] = {
    shape: {make.__name__.replace("_", "-"): make for make in (*_ALWAYS, *own)}
    for shape, own in (("line", _LINE), ("json", _JSON), ("prose", _PROSE))
}
