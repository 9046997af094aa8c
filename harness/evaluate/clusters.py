"""Which items are not independent of each other: those of one cluster, and those of one prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.nouns.counted import counted
from harness.nouns.schema import Item

NAMED = 3
"""So many prompts that stand under several ids are named."""


def cluster_of(item: Item) -> str:
    """Return the group that an item is said to be of; by default only itself."""
    return str(item.metadata.get("cluster", item.id))


def prompt_of(item: Item) -> str:
    """Return what a policy is shown, whatever the white space in it."""
    return " ".join(item.prompt_text.split())


def clusters_of(items: Iterable[Item]) -> dict[str, str]:
    """Return the group of each item, by id: what is not independent has one.

    Items of one declared cluster are not, nor are items of one prompt under several ids, whatever
    their references: a policy sees the prompt alone. Groups that share an item are one, under the
    name of the first.
    """
    above: dict[tuple[str, str], tuple[str, str]] = {}

    def top(place: tuple[str, str]) -> tuple[str, str]:
        while (over := above.setdefault(place, place)) != place:
            above[place] = above[over]
            place = over
        return place

    items = list(items)
    places = [(("cluster", cluster_of(item)), ("prompt", prompt_of(item))) for item in items]
    for cluster, prompt in places:
        above[top(prompt)] = top(cluster)
    names: dict[tuple[str, str], str] = {}
    return {
        item.id: names.setdefault(top(cluster), cluster[1])
        for item, (cluster, _) in zip(items, places, strict=True)
    }


def joined(items: Sequence[Item]) -> list[str]:
    """Return a line where items count as one prompt that are said to be independent."""
    apart: dict[str, dict[str, str]] = {}
    for item in items:
        apart.setdefault(prompt_of(item), {}).setdefault(cluster_of(item), item.id)
    several = [[*found.values()] for found in apart.values() if len(found) > 1]
    if not several:
        return []
    before = len({cluster_of(item) for item in items})
    now = len(set(clusters_of(items).values()))
    named = "; ".join(", ".join(_few(ids)) for ids in several[:NAMED])
    rest = f"; and {len(several) - NAMED} more" if len(several) > NAMED else ""
    return [
        f"{counted(len(several), 'prompt')} {'stand' if len(several) > 1 else 'stands'} under"
        f" several ids ({named}{rest}): these answer one question, so {before:,} items or clusters"
        f" count as {now:,} independent prompts."
    ]


def _few(ids: Sequence[str]) -> list[str]:
    more = len(ids) - NAMED
    return [*ids[:NAMED], f"{more} more"] if more > 0 else list(ids)
