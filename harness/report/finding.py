"""A finding: one sentence of the report, and how much hangs on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Weight(IntEnum):
    """What stands first: harm, then effects, then what limits them, then the rest."""

    TOOK = 0
    """Time and money."""
    NONE = 1
    """Nothing was shown."""
    MISSING = 2
    """What has no verdict or no policy."""
    TRUST = 3
    """Gates, biased judges, reward models: how far what gave the rewards is to be believed."""
    CHOICE = 4
    """One arm against another, one method against another."""
    EFFECT = 5
    """An arm changed something."""
    HARM = 6
    """Reward hacking, collapse, rewards that are no longer valid, a plan changed late."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Args:
        weight: The heavier, the earlier.
        text: A sentence with three numbers at most.
    """

    weight: Weight
    text: str


def by_weight(findings: Iterable[Finding]) -> list[str]:
    """Return the sentences, heaviest first; those of one weight stay in their order."""
    kept = [finding for finding in findings if finding.text]
    return [finding.text for finding in sorted(kept, key=lambda one: -one.weight)]
