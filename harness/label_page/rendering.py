"""Untrusted Markdown to HTML that can do nothing: no tags of its own, no scripts, no requests.

Three walls, each enough by itself: HTML in the text is shown as text; links are kept only with an
allowed scheme, and pictures become links; and the page's Content-Security-Policy forbids scripts
and pictures from anywhere but the page's own files.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

SCHEMES = ("http", "https", "mailto")
"""Schemes that a link may have; a link without a scheme, or with another, is shown as text."""

_LONGEST_HIGHLIGHT = 100_000


_DEEPEST = 100
_LONGEST_HTML = 4_000_000


def render_markdown(text: str) -> str:
    """Return the HTML of untrusted CommonMark with tables and strikethrough.

    Some texts take very long: see ``formatting.Formatter`` for a limit.

    Raises:
        ValueError: The text is nested so deeply that some of it would not be shown, or its HTML is
            more than a browser can be asked to show.
    """
    markdown = _markdown()
    env: dict[str, Any] = {}
    tokens = markdown.parse(text, env)
    if any(token.level >= _DEEPEST - 1 for token in tokens):
        raise ValueError("it is nested too deeply")
    html = str(markdown.renderer.render(tokens, markdown.options, env))
    if len(html) > _LONGEST_HTML:
        raise ValueError("its HTML is too long")
    return html


def render_all(texts: Sequence[str]) -> list[str]:
    """Return the HTML of the texts of a page; what ``Formatter`` has worker processes do."""
    return [render_markdown(text) for text in texts]


def is_safe_link(url: str) -> bool:
    """Tell whether a link may be followed: its scheme is in the allow-list."""
    # Browsers drop tabs, newlines and leading control characters before they look at the scheme.
    plain = "".join(char for char in url if ord(char) > 32 and ord(char) != 127)
    try:
        return urlsplit(plain).scheme.lower() in SCHEMES
    except ValueError:
        return False


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    options = {
        "html": False,
        "linkify": False,
        "highlight": _highlight,
        "maxNesting": _DEEPEST,
    }
    markdown = MarkdownIt("commonmark", options)
    markdown.enable(["table", "strikethrough"])
    markdown.validateLink = is_safe_link  # type: ignore[method-assign]
    markdown.add_render_rule("link_open", _link_open)
    markdown.add_render_rule("image", _image)
    for block in ("fence", "code_block"):
        markdown.add_render_rule(block, _code)
    for level in ("heading_open", "heading_close"):
        markdown.add_render_rule(level, _heading)
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", _table_close)
    return markdown


def _link_open(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    url = str(token.attrs.get("href", ""))
    # Where a link leads is shown, and the page that is opened learns nothing of this one.
    token.attrs = {
        "href": url,
        "title": url,
        "target": "_blank",
        "rel": "noopener noreferrer nofollow",
        "referrerpolicy": "no-referrer",
    }
    return str(renderer.renderToken(tokens, index, options, env))


def _code(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Let a block of code be scrolled from the keyboard."""
    html = str(getattr(type(renderer), tokens[index].type)(renderer, tokens, index, options, env))
    return html.replace("<pre>", '<pre tabindex="0" role="group" aria-label="Code">', 1)


def _image(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Show a picture as a link: loading it would tell its server who reads."""
    from html import escape

    token = tokens[index]
    url = escape(str(token.attrs.get("src", "")))
    alt = escape(token.content or "picture")
    return (
        f'<a class="picture" href="{url}" title="{url}" target="_blank" '
        f'rel="noopener noreferrer nofollow" referrerpolicy="no-referrer">picture: {alt}</a>'
    )


def _heading(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Show a heading as a styled paragraph: the outline of the page is the page's own."""
    token = tokens[index]
    if token.nesting == 1:
        return f'<p class="heading h{token.tag[1:]}">'
    return "</p>\n"


def _table_open(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    # A wide table scrolls by itself, also from the keyboard, and not the page.
    return '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>\n'


def _table_close(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return "</table></div>\n"


def _highlight(code: str, language: str, _: str) -> str:
    """Return highlighted code, or "" for code that is shown plain (escaped by markdown-it)."""
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    if not language or len(code) > _LONGEST_HIGHLIGHT:
        return ""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix="t-")))
