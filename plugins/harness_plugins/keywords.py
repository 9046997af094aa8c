"""Verifier: the response has one of some words and none of others."""

import re
from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.plugin import Item, Response, SourceFactory, composed, hookimpl, verifier

_SCRIPT = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese letters."""


class Options(BaseModel):
    """Options of ``keywords``; one of both at least.

    Attributes:
        any_of: At least one of these must occur, as whole words in any case; without it, none must.
        none_of: None of these may occur.
    """

    model_config = ConfigDict(extra="forbid")

    any_of: list[str] | None = Field(default=None, min_length=1)
    none_of: list[str] = []

    @model_validator(mode="after")
    def looks_for_something(self) -> Self:
        """Refuse options that every response would pass."""
        if not self.any_of and not self.none_of:
            raise ValueError("name words that must occur (any_of) or must not (none_of)")
        return self


def _occurs(words: Sequence[str], text: str) -> bool:
    text = _plain(text)
    return any(re.search(_whole(_plain(word)), text, re.IGNORECASE) for word in words)


def _whole(word: str) -> str:
    """Return the pattern of a whole word; scripts without blanks have no ends of words."""
    before = "" if _SCRIPT.match(word[:1]) else r"(?<!\w)"
    after = "" if _SCRIPT.match(word[-1:]) else r"(?!\w)"
    return f"{before}{re.escape(word)}{after}"


def _plain(text: str) -> str:
    """Return a text with one kind of apostrophe, of blank and of accent."""
    text = composed(text)
    return " ".join(text.replace("\u2019", "'").replace("\u02bc", "'").split())


@verifier(name="keywords", version="2", options=Options)
def keywords(item: Item, response: Response, options: Options) -> bool:
    """Look for words that must occur and words that must not: a crude measure of style."""
    if options.any_of and not _occurs(options.any_of, response.text):
        return False
    return not _occurs(options.none_of, response.text)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [keywords]
