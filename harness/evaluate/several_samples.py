"""Pure formulas for several samples of one prompt: pass@k and the Vendi score."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.nouns.errors import InputError


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Return the chance that at least one of k samples passes, without bias.

    1 - C(n - c, k) / C(n, k) (Chen et al. 2021, "Evaluating Large Language Models Trained on Code",
    section 2.1).

    Args:
        n: Samples drawn.
        correct: How many of them passed.
        k: Samples allowed, at most n.

    Raises:
        InputError: k is above n or below 1, or more passed than were drawn.
    """
    if not 1 <= k <= n or not 0 <= correct <= n:
        raise InputError(f"pass@k needs 1 <= k <= n and 0 <= c <= n, got {k=}, {n=}, c={correct}")
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)


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
