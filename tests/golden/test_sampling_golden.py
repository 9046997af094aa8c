"""Golden values of pass@k, the Vendi score and the KL divergence of best-of-n."""

from __future__ import annotations

import numpy as np
import pytest

from harness.evaluate import pass_at_k, vendi_score
from harness.nouns.errors import InputError
from harness.train.best_of_n import best_of_n_kl


def test_pass_at_k() -> None:
    assert pass_at_k(10, 3, 5) == pytest.approx(0.916667, abs=5e-7)
    assert (pass_at_k(10, 0, 5), pass_at_k(10, 10, 1)) == (0.0, 1.0)
    for wrong in ((3, 1, 4), (3, 4, 1), (3, 1, 0)):
        with pytest.raises(InputError):
            pass_at_k(*wrong)


def test_vendi_score() -> None:
    assert vendi_score(np.eye(5).tolist()) == pytest.approx(5)
    assert vendi_score(np.ones((5, 5)).tolist()) == pytest.approx(1)
    with pytest.raises(InputError):
        vendi_score([[1.0, 0.5], [0.2, 1.0]])


def test_best_of_n_kl() -> None:
    assert best_of_n_kl(4) == pytest.approx(0.636294, abs=5e-7)
