"""The three files of a report: complete, safe against what they quote, the same every time."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from harness.hookspecs import ReportSection
from harness.nouns.errors import DataError
from harness.report import build, load
from harness.report.markdown import code_span, escaped, fenced

Data = dict[str, Any]
VOID = {"meta", "link", "br", "img", "input", "hr"}
HOSTILE = '<script>alert("x")</script> | `rm` **bold** <img src=x onerror=y> ![i](http://evil/)'


class Page(HTMLParser):
    """Collects what the tests ask about, and checks that tags close in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


@pytest.fixture
def page(made_up: Data, tmp_path: Path) -> Page:
    return Page(build(made_up, tmp_path).read_text(encoding="utf-8"))


def test_sections_come_in_order(page: Page) -> None:
    ids = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert ids == [
        "findings", "compared", "results", "method", "rivals", "diversity", "agreement", "training",
        "reward-models", "sources", "effort", "samples", "warnings", "manifest",
    ]  # fmt: skip


def test_html_asks_for_nothing_outside(page: Page) -> None:
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "embed"}
    for tag, attrs in page.tags:
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "src"):
                assert value is not None and value.startswith(("#", "data:,")), (tag, value)
    policy = next(a["content"] for _, a in page.tags if "http-equiv" in a)
    assert policy is not None and policy.startswith("default-src 'none'")


def test_styles_ask_for_nothing_outside(made_up: Data, tmp_path: Path) -> None:
    text = build(made_up, tmp_path).read_text(encoding="utf-8")
    assert set(re.findall(r"url\(([^)]*)\)", text)) == {"#stripes"}
    assert "@import" not in text


def test_ids_are_unique_and_references_exist(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.tags:
        for name in (attrs.get("aria-labelledby") or "").split():
            assert name in ids
        href = attrs.get("href") or ""
        if href.startswith("#"):
            assert href[1:] in ids


def test_every_figure_and_table_has_words(page: Page) -> None:
    figures = [attrs for tag, attrs in page.tags if tag == "svg" and "viewbox" in attrs]
    assert len(figures) >= 10
    for attrs in figures:
        assert attrs["role"] == "img" and attrs["aria-labelledby"]
    assert sum(tag == "desc" for tag, _ in page.tags) == len(figures)
    for tag, attrs in page.tags:
        if tag == "table":
            assert attrs.get("aria-label")


def test_headings_do_not_skip_a_level(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    for before, after in pairwise(levels):
        assert after <= before + 1


def test_quoted_text_cannot_become_markup(page: Page) -> None:
    assert HOSTILE in page.text
    assert not {tag for tag, _ in page.tags} & {"script", "img", "strong"}


def test_every_text_of_the_data_is_escaped(made_up: Data, tmp_path: Path) -> None:
    """Poison every string, so that a place that forgets to escape cannot hide."""

    def poisoned(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: poisoned(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [poisoned(v, key) for v in value]
        free = ("reason", "description", "text", "prompt", "title", "isolation", "platform",
                "distribution", "rubric", "warnings", "models", "aggregation",
                "version")  # fmt: skip
        return f"{value}<u>&lt;</u>" if isinstance(value, str) and key in free else value

    written = build(poisoned(made_up), tmp_path).read_text(encoding="utf-8")
    assert "<u>" not in written
    assert written.count("&lt;u&gt;") > 20
    rendered = MarkdownIt("commonmark").enable("table").render((tmp_path / "report.md").read_text())
    assert "<u>" not in rendered


def test_markdown_tables_keep_their_columns(made_up: Data, tmp_path: Path) -> None:
    build(made_up, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    rows: list[int] = []
    tables: list[list[int]] = []
    for token in tokens:
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append(0)
        elif token.type in ("th_open", "td_open"):
            rows[-1] += 1
        elif token.type == "table_close":
            tables.append(rows)
    assert len(tables) >= 10
    assert all(len(set(rows)) == 1 for rows in tables)
    html = [t.content for t in tokens if t.type == "html_block"]
    assert all(re.fullmatch(r"</?details>.*\n?", h, re.S) for h in html)
    inline = [c for t in tokens if t.children for c in t.children]
    assert not [c for c in inline if c.type in ("html_inline", "image")]


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        r"back\slash \| pipe \` tick",
        "1. list", "- list", "+ list", "# head", "> quote", "=== x", "| a | b |",
        "$x$ ~~gone~~ &amp; &#35; [a](javascript:b) <b> http://x_y_z",
    ],
)  # fmt: skip
def test_escaped_text_reads_as_it_was(text: str) -> None:
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(escaped(text))
    assert Page(rendered).text == text
    assert re.findall(r"<(\w+)", rendered) == ["p"]


@pytest.mark.parametrize("text", ["a", "`a`", "``", "a`b``c", "```\nx\n```", "x\n~~~\n````"])
def test_code_keeps_backticks_inside(text: str) -> None:
    block = MarkdownIt("commonmark").parse(fenced(text))
    assert [token.type for token in block] == ["fence"]
    assert block[0].content == text + "\n"
    (inline,) = [t for t in MarkdownIt("commonmark").parse(code_span(text)) if t.children]
    assert [child.type for child in inline.children or ()] == ["code_inline"]


def test_simulated_people_are_called_so_everywhere(made_up: Data, tmp_path: Path) -> None:
    build(made_up, tmp_path)
    for name in ("report.html", "report.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        text = text.partition("<body>")[2] or text
        text = " ".join(re.sub(r"<[^>]*>", " ", text.replace("\\", "")).split())
        mentions = list(re.finditer(r"\b(people|persons?|style)\b", text))
        assert len(mentions) > 30
        for found in mentions:
            around = text[max(0, found.start() - 12) : found.end() + 13]
            fine = "simulated" in around or "real people" in around
            fine |= "(style)" in around or "· style 0" in around  # of Markdown, not the evaluator
            assert fine, (name, around)


def test_same_data_same_bytes(made_up: Data, tmp_path: Path) -> None:
    first = build(made_up, tmp_path / "a")
    second = build(copy.deepcopy(made_up), tmp_path / "b")
    for name in ("report.html", "report.md", "report.json"):
        assert first.with_name(name).read_bytes() == second.with_name(name).read_bytes()


def test_report_can_be_built_again_from_its_json(made_up: Data, tmp_path: Path) -> None:
    first = build(made_up, tmp_path / "a")
    again = build(load(first.parent), tmp_path / "b")
    for name in ("report.html", "report.md", "report.json"):
        assert first.with_name(name).read_bytes() == again.with_name(name).read_bytes()


def test_command_builds_again(made_up: Data, tmp_path: Path) -> None:
    from harness.cli.report import command

    page = build(made_up, tmp_path)
    before = page.read_bytes()
    page.unlink()
    command(run_dir=tmp_path, out=None)
    assert page.read_bytes() == before


def test_findings_of_the_data_are_computed_anew(made_up: Data, tmp_path: Path) -> None:
    build({**made_up, "findings": ["rlvr is best, trust me"]}, tmp_path)
    assert "trust me" not in (tmp_path / "report.json").read_text(encoding="utf-8")


def test_not_a_number_becomes_a_gap_and_a_warning(made_up: Data, tmp_path: Path) -> None:
    data = copy.deepcopy(made_up)
    data["curves"]["rlhf"][0][3]["reward"] = float("nan")
    text = Page(build(data, tmp_path).read_text(encoding="utf-8")).text
    assert "Not a number, so left out: curves.rlhf.0.3.reward." in text
    stored = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert stored["curves"]["rlhf"]["0"][3]["reward"] is None


def test_half_a_surrogate_pair_does_not_stop_the_report(made_up: Data, tmp_path: Path) -> None:
    data = copy.deepcopy(made_up)
    data["samples"][0]["responses"][0]["text"] = "broken \ud83d\x00 emoji"
    assert "broken ?\ufffd emoji" in Page(build(data, tmp_path).read_text(encoding="utf-8")).text


def test_incomplete_data_is_one_clear_error(made_up: Data, tmp_path: Path) -> None:
    data = {key: value for key, value in made_up.items() if key != "run"}
    with pytest.raises(DataError, match="there is no 'run'"):
        build(data, tmp_path)


def test_load_refuses_what_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no report\.json"):
        load(tmp_path)
    (tmp_path / "report.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="not JSON"):
        load(tmp_path)
    (tmp_path / "report.json").write_text('{"format": 99}', encoding="utf-8")
    with pytest.raises(DataError, match="format is 99"):
        load(tmp_path)


def test_plugin_sections(made_up: Data, tmp_path: Path) -> None:
    def fine(data: Any) -> str:
        return f"# Of {data['run']['name']}\n\n| a | b |\n|---|---|\n| 1 | <b>2</b> |\n\n![x](http://e/i.png)"

    def broken(data: Any) -> str:
        raise RuntimeError("no such table")

    sections = [ReportSection("Mine", fine), ReportSection("Theirs", broken)]
    page = Page(build(made_up, tmp_path, sections).read_text(encoding="utf-8"))
    tags = [tag for tag, _ in page.tags]
    assert "Mine" in page.text and "Of made-up" in page.text and "<b>2</b>" in page.text
    assert "b" not in tags and "img" not in tags
    assert tags.count("h1") == 1
    assert "The section 'Theirs' of a plugin failed: RuntimeError: no such table" in page.text
    rendered = MarkdownIt("commonmark").enable("table").render((tmp_path / "report.md").read_text())
    assert "<img" not in rendered and "<b>" not in rendered


@pytest.mark.parametrize(
    "part", ["agreement", "gates", "curves", "samples", "warnings", "manifest"]
)
def test_a_run_without_a_part_has_a_report(made_up: Data, tmp_path: Path, part: str) -> None:
    data = {key: value for key, value in made_up.items() if key != part}
    Page(build(data, tmp_path).read_text(encoding="utf-8"))


def test_small_runs(make_run: Callable[..., Data], tmp_path: Path) -> None:
    data = make_run(seeds=3, prompts=12)
    page = Page(build(data, tmp_path).read_text(encoding="utf-8"))
    assert "Only 11 independent prompts" in page.text
    assert "over seeds and prompts" in page.text


def test_nothing_scored(made_up: Data, tmp_path: Path) -> None:
    data = copy.deepcopy(made_up)
    for row in data["evaluation"]["scores"]:
        if row["evaluator"] == "style":
            row |= {"value": None, "low": None, "high": None, "n": 0, "coverage": 0.0}
            row["seeds"] = [s | {"value": None, "low": None, "high": None} for s in row["seeds"]]
            if row["difference"]:
                row["difference"] |= {"value": None, "low": None, "high": None, "p_holm": None}
    page = Page(build(data, tmp_path).read_text(encoding="utf-8"))
    assert "has no comparable score for style (simulated)" in page.text
    assert "no score" in page.text


def test_all_samples_are_there_and_most_are_folded(made_up: Data, tmp_path: Path) -> None:
    (sample,) = made_up["samples"]
    data = {**made_up, "samples": [{**sample, "item_id": f"item-{n}"} for n in range(5)]}
    text = build(data, tmp_path).read_text(encoding="utf-8")
    assert [f"Item item-{n}<" in text for n in range(5)] == [True] * 5
    assert text.index("Item item-2<") < text.index("2 more prompts, ") < text.index("Item item-3<")
