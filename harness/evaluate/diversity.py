"""How varied and how long the responses of a policy are; a fall of diversity is mode collapse."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from harness.evaluate.differences import mean_over, numbers
from harness.evaluate.style import characters
from harness.nouns.errors import InputError
from harness.nouns.schema import Response

SIZES = (1, 2)
_TOKEN = re.compile(r"\w+|[^\w\s]")


def tokens_of(text: str) -> list[str]:
    """Split a text into words and punctuation, in lower case."""
    return _TOKEN.findall(text.lower())


def ngrams(texts: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    """Count the n-grams of texts; none of them crosses from one text into the next."""
    counts: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = tokens_of(text)
        counts.update(tuple(words[i : i + size]) for i in range(len(words) - size + 1))
    return counts


def distinct(counts: Counter[tuple[str, ...]], sample: int) -> float | None:
    """Return distinct-n (Li et al. 2016) at a given number of n-grams.

    The share of distinct n-grams falls with their number, so policies that write more would look
    less varied. Rarefaction (Hurlbert 1971) gives the exact expectation of the distinct n-grams in
    ``sample`` of them drawn without replacement: ``sum_k 1 - C(N - c_k, m) / C(N, m)``, here
    divided by ``m``.

    Returns:
        None when there are fewer n-grams than ``sample``, or ``sample`` is 0.
    """
    total = sum(counts.values())
    if not 0 < sample <= total:
        return None

    def log_choose(n: int) -> float:  # and times sample!, which cancels in the ratio
        return math.lgamma(n + 1) - math.lgamma(n - sample + 1)

    everything = log_choose(total)
    expected = math.fsum(
        1 - math.exp(log_choose(total - count) - everything) if total - count >= sample else 1.0
        for count in counts.values()
    )
    return expected / sample


def vendi_score(similarity: Sequence[Sequence[float]]) -> float:
    """Return the effective number of different samples.

    The exponential of the entropy of the eigenvalues of K / n (Friedman & Dieng 2023, "The Vendi
    Score", section 3).

    Args:
        similarity: (n, n) positive semi-definite similarities with ones on the diagonal.

    Raises:
        InputError: The matrix is not square, symmetric, or has another diagonal.
    """
    import numpy as np

    kernel = np.asarray(similarity, dtype=float)
    square = kernel.ndim == 2 and kernel.shape[0] == kernel.shape[1] > 0
    if not square or not np.allclose(kernel, kernel.T) or not np.allclose(np.diag(kernel), 1):
        raise InputError("similarities must be a symmetric matrix with ones on the diagonal")
    values = np.linalg.eigvalsh(kernel / len(kernel))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def describe_texts(
    responses: Mapping[tuple[str, int], Sequence[Response]],
    clusters: Mapping[str, str],
    trained: Mapping[str, bool],
) -> dict[str, dict[str, Any]]:
    """Return length and diversity of each policy.

    distinct-n is computed inside each seed and averaged, all at the same number of n-grams: that
    of the policy and seed that has the fewest. Lengths are in characters. The seeds of a policy
    that is ``trained`` are trainings, which its interval covers, too.
    """
    counts = {
        (size, key): ngrams([response.text for response in answers], size)
        for size in SIZES
        for key, answers in responses.items()
    }
    smallest = {size: min(sum(counts[size, key].values()) for key in responses) for size in SIZES}
    described: dict[str, dict[str, Any]] = {}
    for policy in dict.fromkeys(policy for policy, _ in responses):
        keys = [key for key in responses if key[0] == policy]
        answers = [(key[1], response) for key in keys for response in responses[key]]
        length = mean_over(
            [
                (seed, clusters[response.item_id], float(characters(response.text)))
                for seed, response in answers
            ],
            None,
            trained=trained[policy],
        )
        row: dict[str, Any] = {
            "characters": numbers(length, "clusters"),
            "empty": sum(not response.text.strip() for _, response in answers),
        }
        for size in SIZES:
            found = [distinct(counts[size, key], smallest[size]) for key in keys]
            present = [value for value in found if value is not None]
            row[f"distinct_{size}"] = math.fsum(present) / len(present) if present else None
            row[f"distinct_{size}_sample"] = smallest[size]
        described[policy] = row
    return described
