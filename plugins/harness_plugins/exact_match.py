"""Verifier: the response equals the reference, ignoring surrounding white space."""

from collections.abc import Sequence

from harness.plugin import Item, Response, SourceFactory, hookimpl, verifier


@verifier(name="exact_match", version="2")
def exact_match(item: Item, response: Response) -> bool | None:
    """Compare the response with the reference, ignoring white space around; abstain without one."""
    if not isinstance(item.reference, str | int | float) or not str(item.reference).strip():
        return None  # abstain: never score what cannot be checked
    return response.text.strip() == str(item.reference).strip()


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the verifier."""
    return [exact_match]
