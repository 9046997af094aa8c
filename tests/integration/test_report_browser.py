"""The report in a real Chromium: two sizes, light and dark, by keyboard, printed; nothing runs."""

import functools
import importlib.util
import json
import re
import subprocess
import unicodedata
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from harness.report import build, load
from tests.support.shown_numbers import tables_of
from tests.unit.report.conftest import made_up_run

pypdf = pytest.importorskip("pypdf")

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "reports" / "example-arithmetic"
EVIL = (
    "<script>window.pwned = 1</script><img src=https://evil.example/x onerror='window.pwned=1'>"
    "</title></desc></svg><svg onload='window.pwned=1'></svg><iframe src='https://evil.example'>"
    "<style>@import 'https://evil.example/s.css'</style><a href='javascript:window.pwned=1'>x</a>"
)
MOST_PAGES = 8
"""Sheets of A4 of the default experiment, without its samples."""

FOOTER = 25.0
"""Points from the edge of the paper below which only the number of the page stands."""


@pytest.fixture(scope="module")
def tools():
    path = ROOT / "tests" / "browser" / "tools.py"
    spec = importlib.util.spec_from_file_location("browser_tools", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.browser_tools()
    if isinstance(found, str):
        pytest.skip(found)
    return found


def hostile_run():
    """A run whose every name and text that people or models wrote is markup."""
    data = made_up_run(prompts=30)
    data["run"]["description"] = EVIL
    for sample in data["samples"]:
        sample |= {"prompt": EVIL, "reference": EVIL}
        for response in sample["responses"]:
            response["text"] = EVIL
    for arm in data["arms"]:
        arm["title"] = EVIL
    for source in data["sources"]:
        source |= {"reasons": {EVIL: 3}, "failures": {"timeout": 3}, "models": [EVIL]}
    for evaluator in data["evaluation"]["evaluators"]:
        evaluator["title"] = f"{evaluator['name']} {EVIL}"
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("pages")
    example = load(EXAMPLE)
    without = {key: value for key, value in example.items() if key != "samples"}
    for name, data in (("example", example), ("short", without), ("hostile", hostile_run())):
        build(data, made / name).rename(made / f"{name}.html")
    return made


@pytest.fixture(scope="module")
def seen(tools, folder):
    node, chromium = tools
    script = ROOT / "tests" / "browser" / "report.mjs"
    done = subprocess.run(
        [node, str(script), chromium, str(folder), "short.html"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def squeezed(text):
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


@functools.cache
def pages_of(path):
    """The lines of each page, (height above its lower edge, place from the left, text)."""
    pages = []
    for page in pypdf.PdfReader(path).pages:
        found = []

        def keep(text, cm, tm, font, size, found=found):
            if text.strip():
                across = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
                up = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
                found.append((round(up, 1), across, text))

        text = page.extract_text(visitor_text=keep)
        pages.append((text, found))
    return pages


@pytest.mark.slow
def test_everyone_can_use_it(seen):
    for name, told in seen.items():
        for where, violations in told["violations"].items():
            assert violations == [], (name, where)


@pytest.mark.slow
def test_nothing_runs_and_nothing_is_asked_for(seen):
    for name, told in seen.items():
        assert told["pwned"] == "undefined", name
        assert told["outside"] == [], name
        assert told["messages"] == [], name


@pytest.mark.slow
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_plots_can_be_read_and_nothing_is_cut(seen, size):
    for name in ("example.html", "hostile.html"):
        look = seen[name]["looks"][size]
        assert look["texts"] > 80
        assert look["smallest"]["px"] >= 12, (name, look["smallest"])
        assert look["clipped"] == [], name
        assert not look["tooWide"]
        assert look["beside"] == []
        for box in look["cut"]:  # what is wider scrolls in its own box, and says so
            assert box["focusable"] and box["sticky"], (name, box)
            assert box["hint"] or not box["table"], (name, box)
            assert box["widest"] <= 0.5, (name, box)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_the_answer_its_limits_the_decisions_and_the_plot_are_one_screen(seen, size):
    first = seen["example.html"]["looks"][size]["first"]
    assert all(0 < end <= first["height"] for end in first["ends"]), first
    assert first["cut"] <= 1, first


@pytest.mark.slow
def test_the_scores_need_no_scrolling_on_a_phone(seen):
    cut = [box["label"] for box in seen["example.html"]["looks"]["phone"]["cut"]]
    assert not [label for label in cut if label.startswith("Scores of every policy")]


@pytest.mark.slow
def test_the_keyboard_reaches_everything(seen, folder):
    for name, told in seen.items():
        if name == "short.html":
            continue
        assert [one for one in told["tabbed"] if not one["visible"]] == [], name
        tags = [one["tag"] for one in told["tabbed"]]
        assert tags.count("SUMMARY") == told["summaries"] > 5
        assert told["opened"] is True
        links = (folder / name).read_text(encoding="utf-8").count("<a ")
        assert tags.count("A") == links > 10


@pytest.mark.slow
def test_paper_holds_every_column_of_every_table(seen, folder):
    for name in ("example.html", "hostile.html"):
        assert seen[name]["cutOnPaper"] == [], name
        assert seen[name]["folded"] == 0, name
        printed = squeezed(" ".join(text for text, _ in pages_of(folder / f"{name}.pdf")))
        tables = tables_of((folder / name).read_text(encoding="utf-8"))
        assert len(tables) > 12
        for rows in tables:
            for row in rows:
                assert [cell for cell in row if squeezed(cell) not in printed] == [], (name, row)


@pytest.mark.slow
def test_only_the_manifest_is_not_on_paper_and_the_paper_says_so(seen, folder):
    for name in ("short.html", "example.html", "hostile.html"):
        assert seen[name]["notOnPaper"] == ["manifest as JSON"], name
        printed = squeezed(" ".join(text for text, _ in pages_of(folder / f"{name}.pdf")))
        assert squeezed("not on paper; it is on the page and in report.json") in printed


@pytest.mark.slow
def test_no_word_of_a_heading_is_cut_on_paper(seen):
    assert seen["example.html"]["split"] == seen["short.html"]["split"] == []


@pytest.mark.slow
def test_paper_is_short(seen, folder):
    assert len(pages_of(folder / "short.html.pdf")) <= MOST_PAGES


@pytest.mark.slow
def test_no_heading_stands_alone_on_paper(seen, folder):
    for name in ("short.html", "example.html"):
        html = (folder / name).read_text(encoding="utf-8")
        headings = re.findall(r"<(?:h2|h3|summary|figcaption)[^>]*>(.*?)</", html, re.S)
        headings += re.findall(r'<p class="caption" aria-hidden="true">(.*?)</p>', html, re.S)
        known = {squeezed(MarkdownIt().renderInline(one)) for one in headings} | set(
            map(squeezed, headings)
        )
        for text, found in pages_of(folder / f"{name}.pdf"):
            body = [line for line in found if line[0] > FOOTER]
            assert {line[0] for line in found} - {line[0] for line in body}, "the page's number"
            lowest = min(line[0] for line in body)
            last = squeezed("".join(text for up, _, text in body if up < lowest + 2))
            assert not [one for one in known if one and one.endswith(last)], (name, text[:9], last)


@pytest.mark.slow
def test_the_page_is_small(folder):
    for name in ("example.html", "hostile.html"):
        assert (folder / name).stat().st_size < 3_000_000
