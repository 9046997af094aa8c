"""A page as HTML; nothing in the data can become markup."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from harness.report.blocks import Page
from harness.report.svg import PHONE, in_words, width_of

LONGEST_WORD = 24
"""Letters of a word that a table keeps together on paper."""


def render(page: Page) -> str:
    """Return the whole document: one file that loads nothing and runs nothing."""
    return str(template("report.html").render(page=page))


@cache
def template(name: str) -> Any:
    """Return a template, which takes longer to compile than most pages take to be filled."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = _markdown_to_html
    environment.filters["words"] = in_words
    environment.filters["is_wide"] = lambda panel: width_of(panel) > PHONE
    environment.filters["is_long"] = _is_long
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment.get_template(name)


def _is_long(text: str) -> bool:
    """Return whether a word of it is too long for a column of a narrow table."""
    return any(len(word) > LONGEST_WORD for word in re.split(r"[\s/-]", text))


def _markdown_to_html(text: str) -> Any:
    """Return a plugin's Markdown as HTML; raw HTML is shown as text, images are not loaded."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + 2)}"  # below the section's own heading
    return Markup(parser.renderer.render(tokens, parser.options, {}))
