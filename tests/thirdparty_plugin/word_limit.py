"""Verifier: the response keeps within the number of words that the item allows."""
from harness.plugin import Item, Response, hookimpl, verifier


@verifier(name="word_limit", version="1")
def word_limit(item: Item, response: Response) -> bool | None:
    if "max_words" not in item.metadata:
        return None  # abstain: this item sets no limit
    return len(response.text.split()) <= item.metadata["max_words"]


@hookimpl
def harness_feedback_sources():
    return [word_limit]
