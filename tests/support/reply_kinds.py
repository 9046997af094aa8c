"""What surrounds a verdict in a reply: a function for each kind.

Each takes a ``Maker`` and returns a reply with its right value, or None where the kind does not fit
the format.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from reply_corpus import FAILURE, Reply
from reply_maker import Maker

WIDE = {**{c: c + 0xFEE0 for c in range(0x30, 0x7B) if chr(c).isalnum()}, ord(":"): "\uff1a"}


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
    *(unable_but, only_echoed, foreign, cut_before, cut_after, cut_at_verdict, trapped_after),
    mixed,
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
