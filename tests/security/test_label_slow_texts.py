"""Texts on which parsers and highlighters take minutes hold up nobody on the label page."""

import asyncio
import html
from contextlib import closing

import pytest

from harness.label_page.formatting import LONGEST, Formatter
from harness.label_page.rendering import render_markdown

N = 20_000


def fence(language, code):
    return f"```{language}\n{code}\n```"


SLOW = {  # over 6 s each, all but the last two of them for minutes
    "spaces, autoit": fence("autoit", " " * N),
    "spaces, gherkin": fence("gherkin", " " * N),
    "spaces, idris": fence("idris", " " * N + "x"),
    "spaces, sas": fence("sas", " " * N),
    "spaces, systemd": fence("systemd", " " * N + "x"),
    "names, java": fence("java", "a " * N),
    "arrays, java": fence("java", "a[]" * N),
    "quotes, javascript": fence("javascript", '"\\' * N),
    "quotes, go": fence("go", '"\\' * N),
    "comments, html": fence("html", "<!--" * N),
    "substitutions, perl": fence("perl", "s{" * N),
    "brackets, java": fence("java", "a<" * 2 * N),
    "raw strings, cpp": fence("cpp", 'R"(' * 30_000),
}
LONG = {
    "one word of 5 MB": "x" * 5_000_000,
    "paragraphs of 5 MB": "lorem ipsum dolor\n\n" * 280_000,
    "combining characters": "e" + "\u0301" * 2_000_000,
    "much highlighted": (fence("c", "a." * 49_000) + "\n\n") * 10,
    "nested quotes": ">" * 5000 + "x",
    "nested lists": "\n".join("  " * i + "- a" for i in range(300)),
    "list in one line": "- " * 5000 + "x",
}
FAST = {  # linear, each under a second
    "emphasis": "*" * N + "a**b" * N,
    "underlines": "*a _a " * N,
    "strikethrough": "~~a " * N,
    "brackets": "[" * 5000,
    "images": "![" * 5000,
    "links": "[a](<b" * N,
    "reference": "[a]: <" * N,
    "references": "".join(f"[a{i}]: b\n" for i in range(5000)),
    "back-ticks": "".join("`" * i + " " for i in range(1, 600)),
    "wide table": "|" + "a|" * 3000 + "\n|" + "-|" * 3000 + "\n|" + "a|" * 3000,
    "long table": "|a|b|\n|-|-|\n" + "|1|2|\n" * 5000,
    "entities": "&amp;" * N + "&a" * N + "&" * N,
    "tags": "<a " * N + "<!--" * N,
    "backslashes": "\\" * 100_000,
    "long line": "word " * 100_000,
    "open fences": "```\n" * N,
    "headings": "#" * 100_000,
    "newlines": "\n" * 200_000,
}


@pytest.fixture(scope="module")
def formatter():
    with closing(Formatter(processes=2, limit_s=1.0)) as formatter:
        yield formatter


@pytest.mark.parametrize("name", [*SLOW, *LONG])
def test_a_text_that_takes_too_much_is_shown_as_it_was_written(formatter, name):
    text = {**SLOW, **LONG}[name]
    found = asyncio.run(formatter.format(["A **prompt**", text]))
    assert found.note.startswith("The texts are shown as they were written: ")
    assert found.html[0] == '<pre class="plain" tabindex="0">A **prompt**</pre>'
    assert found.html[1] == f'<pre class="plain" tabindex="0">{html.escape(text)}</pre>'


@pytest.mark.parametrize("name", list(FAST))
def test_texts_that_only_look_slow_are_formatted(name, monkeypatch):
    monkeypatch.setattr("harness.label_page.formatting._PATIENCE_S", 60)
    with closing(Formatter(processes=1, limit_s=60)) as patient:
        assert asyncio.run(patient.format([FAST[name]])).note == ""


def test_the_loop_goes_on_meanwhile_and_a_page_is_formatted_once(formatter, monkeypatch):
    text = SLOW["names, java"] + " "
    asked = []
    run = formatter._pool.run

    def counted(function, batch, limit):
        asked.append(batch)
        return run(function, batch, limit)

    monkeypatch.setattr(formatter._pool, "run", counted)
    monkeypatch.setattr("harness.label_page.formatting._PATIENCE_S", 60)

    async def look():
        ticks = 0
        await formatter.format(["warm"])
        tasks = [asyncio.create_task(formatter.format([text])) for _ in range(20)]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks, {task.result().note for task in tasks}

    ticks, notes = asyncio.run(look())
    assert notes == {"The texts are shown as they were written: formatting them took too long."}
    assert ticks > 10
    assert asyncio.run(formatter.format([text])).note in notes
    assert asked.count([([text],)]) == 1


def test_a_worker_that_dies_takes_only_its_page_with_it(monkeypatch):
    monkeypatch.setattr("harness.label_page.formatting._PATIENCE_S", 60)
    with closing(Formatter(processes=1, limit_s=60, memory_bytes=200 << 20)) as small:
        text = "a\n\n" * 300_000
        assert "cannot be formatted" in asyncio.run(small.format([text])).note
        assert asyncio.run(small.format(["*a*"])).html == ("<p><em>a</em></p>\n",)


def test_what_was_formatted_is_kept_within_bounds(monkeypatch):
    monkeypatch.setattr("harness.label_page.formatting._KEPT_CHARACTERS", 10_000)
    with closing(Formatter(processes=1)) as formatter:
        for i in range(30):
            asyncio.run(formatter.format([f"text {i}"]))
        assert len(formatter._known) < 12


def test_nothing_of_a_text_is_left_out_however_deep():
    for deep in range(1, 150, 7):
        for text in (">" * deep + "x", "- " * deep + "x", "1. " * deep + "x"):
            try:
                assert "x" in render_markdown(text)
            except ValueError as error:
                assert deep > 40 and "nested" in str(error)


def test_a_long_text_is_not_even_tried(formatter):
    assert "too long" in asyncio.run(formatter.format(["x" * LONGEST, "y"])).note
