"""Responses are untrusted: as Markdown on the label page they can do nothing."""

import re
from html.parser import HTMLParser

import pytest

from harness.label_page.rendering import is_safe_link, render_markdown

NAMES_OF_LANGUAGES = {"script", "html"}
TABLE = {"thead", "tbody", "tr", "th", "td"}


class Seen(HTMLParser):
    """What a browser would find in the HTML."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "x <iframe src='https://evil.example'></iframe>",
        "<style>body{display:none}</style>",
        "<form action=https://evil.example><button>win</button></form>",
        "<!-- --><base href=//evil.example>",
        "```<script>\nalert(1)\n```",
        "```html\n<script>alert(1)</script>\n```",
        "`<b>bold</b>`",
        "| a |\n|---|\n| <u>x</u> |",
        "# <script>x</script>",
        '<https://example.org/"onmouseover=alert(1)>',
    ],
)
def test_html_is_shown_and_never_obeyed(text):
    seen = Seen()
    seen.feed(render_markdown(text))
    assert seen.tags <= {"p", "code", "pre", "a", "span", "div", "table"} | TABLE
    assert not {name for name in seen.attributes if name.startswith("on")}
    words = set(re.findall(r"\w+", seen.text))
    assert words >= set(re.findall(r"\w+", text)) - NAMES_OF_LANGUAGES


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "\x01javascript:alert(1)",
        "vbscript:x",
        "data:text/html,<script>alert(1)</script>",
        "data:image/svg+xml;base64,AAAA",
        "file:///etc/passwd",
        "//evil.example/x",
        "/owner",
        "../owner",
        "#main",
    ],
)
def test_links_with_other_schemes_are_text(url):
    assert not is_safe_link(url)
    for text in (f"[x]({url})", f"[x](<{url}>)", f"![x]({url})", f"<{url}>", f"[x]\n\n[x]: {url}"):
        assert "href" not in render_markdown(text)
        assert "src=" not in render_markdown(text)


def test_entities_do_not_smuggle_a_scheme():
    assert "href" not in render_markdown("[x](java&#115;cript:alert(1))")
    assert "href" not in render_markdown("[x](&#x6A;avascript:alert(1))")


def test_good_links_open_elsewhere_and_tell_nothing():
    html = render_markdown("[rain](https://example.org/rain)")
    assert 'href="https://example.org/rain"' in html
    assert 'rel="noopener noreferrer nofollow"' in html and 'target="_blank"' in html


def test_pictures_are_links_so_that_nothing_is_loaded():
    html = render_markdown('![a "map"](https://example.org/x.png)')
    assert "<img" not in html
    assert "picture: a &quot;map&quot;" in html


def test_code_is_highlighted_and_escaped():
    html = render_markdown("```python\nx = '<script>'\n```")
    assert 'class="t-' in html and "&lt;script&gt;" in html
    assert "&lt;script&gt;" in render_markdown("```nonsense\n<script>\n```")


def test_headings_do_not_change_the_outline_of_the_page():
    assert render_markdown("# Title") == '<p class="heading h1">Title</p>\n'


def test_deep_nesting_ends():
    for text in (">" * 5000 + "x", "- " * 5000 + "x"):
        with pytest.raises(ValueError, match="nested too deeply"):
            render_markdown(text)
    assert render_markdown("[" * 5000)
