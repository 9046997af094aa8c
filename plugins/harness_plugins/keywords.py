"""Verifier: the response has one of some words and none of others."""

import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from harness.plugin import Item, Response, SourceFactory, hookimpl, verifier


class Options(BaseModel):
    """Options of ``keywords``.

    Attributes:
        any_of: At least one of these must occur, as whole words in any case.
        none_of: None of these may occur.
    """

    model_config = ConfigDict(extra="forbid")

    any_of: list[str] = Field(min_length=1)
    none_of: list[str] = []


def _occurs(words: Sequence[str], text: str) -> bool:
    text = _plain(text)
    return any(
        re.search(rf"(?<!\w){re.escape(_plain(word))}(?!\w)", text, re.IGNORECASE) for word in words
    )


def _plain(text: str) -> str:
    """Return a text with one kind of apostrophe and of blank."""
    return " ".join(text.replace("\u2019", "'").replace("\u02bc", "'").split())


@verifier(name="keywords", version="2", options=Options)
def keywords(item: Item, response: Response, options: Options) -> bool:
    """Look for words that must occur and words that must not: a crude measure of style."""
    return _occurs(options.any_of, response.text) and not _occurs(options.none_of, response.text)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [keywords]
