"""How alike the answers of a policy are: to one prompt, and to different ones.

A policy may keep writing differently to different prompts and give each prompt one answer, or vary
each answer by a word and say the same to everybody (Kirk et al. 2023, "Understanding the Effects of
RLHF on LLM Generalisation and Diversity", section 4). So pairs of answers are compared within
prompts and across them, and every share of pairs has an interval clustered by prompt.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

from harness.evaluate.diversity import tokens_of, vendi_score
from harness.nouns.schema import Response
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import holm
from harness.statistics.seeds import FEWEST_SEEDS, Seeded, seeded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

MEASURES = ("identical", "template", "within", "across")
"""Shares of pairs of answers: identical to one prompt; of one template to different prompts; mean
similarity to one prompt; mean similarity to different prompts."""

SLOT, OPENING = "_", 16
"""What stands for numbers and rare words in a template, and how many words of it count."""

COMMON = 0.05
"""A word in the answers to so many of the prompts belongs to templates, a rarer one fills them."""

MOST = 400
"""Answers of a policy and seed that are compared with each other, at the most."""

_NUMBER = re.compile(r"[-\N{MINUS SIGN}]?\d+(?:[.,]\d+)*")

Cells = dict[int, dict[str, list[float]]]
Answers = Mapping[tuple[str, int], Sequence[Response]]


def common_words(responses: Answers) -> frozenset[str]:
    """Return the words that stand in the answers of any policy to at least 5% of its prompts.

    And to two of them, at the least.
    """
    found = set[str]()
    for policy in dict.fromkeys(policy for policy, _ in responses):
        items: defaultdict[str, set[str]] = defaultdict(set)
        asked = set()
        for (name, _), answers in responses.items():
            for response in answers if name == policy else ():
                asked.add(response.item_id)
                for word in set(tokens_of(_NUMBER.sub(" ", response.text))):
                    items[word].add(response.item_id)
        fewest = max(2.0, COMMON * len(asked))
        found |= {word for word, among in items.items() if len(among) >= fewest}
    return frozenset(found)


def template_of(text: str, common: frozenset[str]) -> str:
    """Return how an answer begins, with slots for numbers, names and whatever else is rare.

    Slots beside each other are one; the first ``OPENING`` words and slots count.
    """
    kept: list[str] = []
    for word in tokens_of(_NUMBER.sub(f" {SLOT} ", text)):
        told = word if word in common and word != SLOT else SLOT
        if not (told == SLOT and kept and kept[-1] == SLOT):
            kept.append(told)
    return " ".join(kept[:OPENING])


def alike(
    responses: Answers, clusters: Mapping[str, str], base: str, *, base_trained: bool = False
) -> dict[str, dict[str, Any]]:
    """Return how alike the answers of each policy are, and what that is more than base's.

    Args:
        responses: By (policy, seed); pairs are of one seed.
        clusters: Of each item; pairs across prompts are pairs across clusters.
        base: The policy that the others are compared with.
        base_trained: Whether its seeds are trainings, too.

    Returns:
        By policy: each of ``MEASURES`` with ``value``, ``low``, ``high``, ``n``, ``clusters``,
        ``reason`` and ``difference`` to base (``value``, ``low``, ``high``, ``p``, ``p_holm``) or
        None; ``templates``, the effective number (Simpson's: 1 over the share of pairs that have
        the same one); ``vendi`` over one answer to each of ``vendi_prompts``, each cut to
        ``vendi_words``, the same for all policies.
    """
    common = common_words(responses)
    words = _shortest(responses)
    shared = _shared_items(responses)
    cells: dict[str, dict[str, Cells]] = {}
    vendis: defaultdict[str, list[float]] = defaultdict(list)
    for (policy, seed), answers in responses.items():
        found = _cells(answers, clusters, common, words)
        for measure, by_cluster in found.items():
            cells.setdefault(policy, {}).setdefault(measure, {})[seed] = by_cluster
        firsts = {response.item_id: response for response in reversed(answers)}
        if len(shared) > 1:
            rows_of = directions([firsts[item].text for item in shared], words)
            vendis[policy].append(vendi_score(similarities(rows_of).tolist()))
    rows: dict[str, dict[str, Any]] = {}
    for policy, measured in cells.items():
        row: dict[str, Any] = {}
        for measure, own in measured.items():
            other = policy != base and base in cells
            more = _more(own, cells[base][measure], base_trained) if other else None
            row[measure] = _mean(own, policy != base or base_trained) | {"difference": more}
        same = row["template"]["value"]
        row["templates"] = 1 / same if same else None
        row["vendi"] = sum(vendis[policy]) / len(vendis[policy]) if vendis[policy] else None
        rows[policy] = row | {"vendi_prompts": len(shared), "vendi_words": words}
    differences = [
        row[measure]["difference"]
        for row in rows.values()
        for measure in MEASURES
        if row[measure]["difference"]
    ]
    for one, p in zip(differences, holm([one["p"] for one in differences]), strict=True):
        one["p_holm"] = p
    return rows


def directions(texts: Sequence[str], words: int) -> Any:
    """Return (n, grams) sparse rows of length 1: counts of words and word pairs of each text.

    Of its first ``words`` words; a text without any has a direction of its own.
    """
    import numpy as np
    from scipy.sparse import csr_matrix, diags_array

    numbers: dict[tuple[str, ...], int] = {}
    rows, columns = list[int](), list[int]()
    for row, text in enumerate(texts):
        said = tokens_of(text)[:words] or [""]
        for gram in (*((word,) for word in said), *pairwise(said)):
            rows.append(row)
            columns.append(numbers.setdefault(gram, len(numbers)))
    counts = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(numbers)))
    norms = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    return diags_array(1 / norms) @ counts


def similarities(rows: Any) -> Matrix:
    """Return (n, n) cosines of rows of length 1."""
    import numpy as np

    kernel: Matrix = np.asarray((rows @ rows.T).todense())
    np.fill_diagonal(kernel, 1.0)
    return kernel


def _shortest(responses: Answers) -> int:
    """Return the mean number of words of the policy and seed that writes the least, at least 1."""
    means = [
        sum(len(tokens_of(response.text)) for response in answers) / len(answers)
        for answers in responses.values()
        if answers
    ]
    return max(1, round(min(means, default=1.0)))


def _shared_items(responses: Answers) -> list[str]:
    """Return the items that all policies and seeds answered, ``MOST`` evenly among them."""
    answered = [{response.item_id for response in answers} for answers in responses.values()]
    shared = sorted(set.intersection(*answered)) if answered else []
    return shared[:: max(1, -(-len(shared) // MOST))]


def _cells(
    answers: Sequence[Response],
    clusters: Mapping[str, str],
    common: frozenset[str],
    words: int,
) -> dict[str, dict[str, list[float]]]:
    """Return what each cluster brings to the measures, of one policy and seed.

    A share of pairs across prompts is a U-statistic: what an answer brings is twice how far the
    share of its own pairs is from that of all.
    """
    import numpy as np

    found: dict[str, dict[str, list[float]]] = {measure: {} for measure in MEASURES}
    if not answers:
        return found
    rows = directions([response.text for response in answers], words)
    said = [" ".join(response.text.split()) for response in answers]
    by_item: defaultdict[str, list[int]] = defaultdict(list)
    for number, response in enumerate(answers):
        by_item[response.item_id].append(number)
    pairs = [pair for numbers in by_item.values() for pair in combinations(numbers, 2)]
    if pairs:
        first, second = (list(side) for side in zip(*pairs, strict=True))
        cosines = np.asarray(rows[first].multiply(rows[second]).sum(axis=1)).ravel()
        of_item: dict[str, list[tuple[bool, float]]] = {}
        for (a, b), cosine in zip(pairs, cosines.tolist(), strict=True):
            of_item.setdefault(answers[a].item_id, []).append((said[a] == said[b], cosine))
        for item, both in of_item.items():
            for measure, values in zip(
                ("identical", "within"), zip(*both, strict=True), strict=True
            ):
                brought = found[measure].setdefault(clusters[item], [])
                brought.append(sum(values) / len(values))
    groups = [clusters[response.item_id] for response in answers]
    templates = [template_of(response.text, common) for response in answers]
    all_of, in_group = Counter(templates), Counter(zip(groups, templates, strict=True))
    sizes, total = Counter(groups), len(answers)
    own: list[float | None] = [
        (all_of[one] - in_group[group, one]) / (total - sizes[group])
        if total > sizes[group]
        else None
        for one, group in zip(templates, groups, strict=True)
    ]
    found["template"] = _brought(own, groups)
    some = range(0, total, max(1, -(-total // MOST)))
    kernel = similarities(rows[list(some)])
    names = np.array([groups[n] for n in some])
    means: list[float | None] = []
    for row, name in zip(kernel, names, strict=True):
        others = names != name
        means.append(float(row[others].mean()) if others.any() else None)
    found["across"] = _brought(means, list(names))
    return found


def _brought(own: Sequence[float | None], groups: Sequence[str]) -> dict[str, list[float]]:
    known = [value for value in own if value is not None]
    mean = sum(known) / len(known) if known else 0.0
    found: dict[str, list[float]] = {}
    for value, group in zip(own, groups, strict=True):
        if value is not None:
            found.setdefault(group, []).append(mean + 2 * (value - mean))
    return found


def _sure(found: Seeded) -> Estimate:
    """Return an estimate over trainings and prompts; of fewer than three trainings over prompts."""
    few = found.seeds is not None and found.seeds < FEWEST_SEEDS
    return found.trainings if few else found.estimate


def _mean(cells: Cells, trained: bool) -> dict[str, Any]:
    estimate = _sure(seeded(cells, trained=(trained, False)))
    return estimate.numbers("n", "clusters", "reason")


def _more(mine: Cells, base: Cells, base_trained: bool) -> dict[str, Any] | None:
    estimate = _sure(seeded(mine, base, (-1.0, 1.0), trained=(True, base_trained)))
    if estimate.value is None:
        return None
    return estimate.numbers("p") | {"p_holm": None}
