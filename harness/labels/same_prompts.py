"""Prompts that stand under several ids, and so count as more than they are."""

from __future__ import annotations

from collections.abc import Sequence

from harness.nouns.counted import counted


def repeated(prompts: Sequence[str], clusters: Sequence[object], hint: str) -> list[str]:
    """Return a note where one prompt stands in several clusters, which count as independent.

    Args:
        prompts: (n,) prompt of each item, "" where it is not known.
        clusters: (n,) the group in which it counts.
        hint: How to say that they belong together.
    """
    groups: dict[str, set[object]] = {}
    for prompt, cluster in zip(prompts, clusters, strict=True):
        if prompt:
            groups.setdefault(" ".join(prompt.split()), set()).add(cluster)
    several = [len(found) for found in groups.values() if len(found) > 1]
    if not several:
        return []
    return [
        f"warning: {counted(len(several), 'prompt')} {'stand' if len(several) > 1 else 'stands'}"
        f" under {sum(several):,} ids, which count as independent: intervals and bounds are too"
        f" narrow; {hint}"
    ]
