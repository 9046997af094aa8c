"""Speed of agreement statistics and of Dawid-Skene, as ratios to named peers.

    python benchmarks/agreement.py [--ratings 1000000] [--replicates 10000] [--quick]

The bootstrap of a peer is timed on a few replicates of the same table and extrapolated: a peer
computes each replicate anew from resampled items. Values are compared before anything is timed.
crowd-kit is optional (pip install crowd-kit); without it its row says so.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from harness.aggregate.dawid_skene import Votes, dawid_skene, expect, patterns
from harness.agreement.alpha import krippendorff_alpha
from harness.agreement.kappa import cohen_kappa, pairs_of
from harness.agreement.multi_rater import chance_corrected
from harness.ratings.table import counts_of
from harness.statistics.resample import Bootstrap, _weights

LEVELS = ("nominal", "ordinal", "interval", "ratio")


def seconds(function: Callable[[], object], repeats: int = 1) -> float:
    """Return the shortest time of some calls."""
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - began)
    return best


def ratings(number: int, raters: int = 4, categories: int = 5) -> np.ndarray:
    """Return codes of about ``number`` ratings, a quarter of the cells missing."""
    rng = np.random.default_rng(1)
    n = int(number / raters / 0.75)
    truth = rng.integers(0, categories, n)
    codes = np.where(
        rng.random((n, raters)) < 0.7, truth[:, None], rng.integers(0, categories, (n, raters))
    )
    codes[rng.random((n, raters)) < 0.25] = -1
    return codes.astype(np.int64)


def naive_gwet(counts: np.ndarray) -> float:
    """Return AC1 item by item in plain Python, the way irrCAC's loops do."""
    agreed, several, share, labelled = 0.0, 0, [0.0] * counts.shape[1], 0
    for row in counts.tolist():
        r = sum(row)
        if r == 0:
            continue
        labelled += 1
        for k, n in enumerate(row):
            share[k] += n / r
        if r > 1:
            several += 1
            agreed += sum(n * (n - 1) for n in row) / (r * (r - 1))
    pi = [s / labelled for s in share]
    chance = sum(p * (1 - p) for p in pi) / (len(pi) - 1)
    return (agreed / several - chance) / (1 - chance)


def bootstrap(number: int, replicates: int, few: int) -> None:
    """Time 10,000 replicates of every statistic against the peers."""
    often = Bootstrap(replicates)
    import krippendorff
    from sklearn.metrics import cohen_kappa_score
    from statsmodels.stats.inter_rater import fleiss_kappa

    codes = ratings(number)
    n = codes.shape[0]
    c = 5
    values = np.arange(1.0, c + 1)
    counts = counts_of(codes, c)
    clusters = np.arange(n)
    whole = ratings(number // 2)
    whole[whole < 0] = 0  # statsmodels takes no missing cells
    whole_counts = counts_of(whole, c)
    rng = np.random.default_rng(2)
    both = (codes[:, 0] >= 0) & (codes[:, 1] >= 0)
    first, second = codes[both, 0], codes[both, 1]

    def pick(size: int) -> np.ndarray:
        return rng.integers(0, size, size)

    def alpha_peer(level: str) -> float:
        return float(
            krippendorff.alpha(
                value_counts=counts[pick(n)], value_domain=values, level_of_measurement=level
            )
        )

    rows: list[tuple[str, str, Callable[[], object], Callable[[], object]]] = [
        (
            "cohen kappa", "scikit-learn",
            lambda: cohen_kappa(
                pairs_of(codes[:, 0], codes[:, 1], clusters, c), "", bootstrap=Bootstrap(replicates
)            ),
            lambda: (lambda k: cohen_kappa_score(first[k], second[k]))(pick(first.size)),
        ),
        *(
            (
                f"alpha {level}", "krippendorff",
                lambda level=level: krippendorff_alpha(
                    counts_of(codes, c), level, "", values=values, bootstrap=Bootstrap(replicates
)                ),
                lambda level=level: alpha_peer(level),
            )
            for level in LEVELS
        ),
        (
            "gwet AC1", "irrCAC-style loop",
            lambda: chance_corrected(counts_of(codes, c), "gwet", "", bootstrap=often),
            lambda: naive_gwet(counts[pick(n)]),
        ),
        (
            "fleiss kappa", "statsmodels",
            lambda: chance_corrected(counts_of(whole, c), "fleiss", "", bootstrap=often),
            lambda: fleiss_kappa(whole_counts[pick(whole.shape[0])]),
        ),
    ]  # fmt: skip
    print(
        f"{int((codes >= 0).sum()):,} ratings, {n:,} items, 25% of the cells missing;"
        f" {replicates:,} bootstrap replicates, one process"
    )
    print(f"{'statistic':16}{'ours, s':>9}{'peer, s a replicate':>21}{'ratio':>9}  peer")
    ours_total = peer_total = 0.0
    for name, peer, ours, theirs in rows:
        # Drawn weights are shared by statistics with the same patterns; each row pays for its own.
        _weights.cache_clear()
        mine = seconds(ours)
        other = seconds(theirs, few)
        ours_total += mine
        peer_total += other * replicates
        print(f"{name:16}{mine:9.3f}{other:21.4f}{other * replicates / mine:9,.0f}  {peer}")
    print(f"{'all':16}{ours_total:9.3f}{'':21}{peer_total / ours_total:9,.0f}")
    exact = krippendorff_alpha(counts, "ordinal", "", values=values, bootstrap=Bootstrap(100)).value
    peer_value = krippendorff.alpha(
        value_counts=counts, value_domain=values, level_of_measurement="ordinal"
    )
    assert exact is not None and abs(exact - peer_value) < 1e-9


def crowd(seed: int, n_items: int, n_workers: int, each: int, classes: int) -> Votes:
    """Return sparse labels of a crowd, a few labels for each item."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n_items)
    skill = rng.beta(6, 3, n_workers)
    workers = rng.integers(0, n_workers, (n_items, each))
    items = np.repeat(np.arange(n_items), each)
    who = workers.reshape(-1)
    right = rng.random(who.size) < skill[who]
    other = (truth[items] + rng.integers(1, classes, who.size)) % classes
    labels = np.where(right, truth[items], other)
    # One label of a worker for an item.
    _, once = np.unique(items * n_workers + who, return_index=True)
    return Votes(items[once], who[once], labels[once], n_items, n_workers, classes)


def level_of(votes: Votes, posterior: np.ndarray) -> float:
    """Return the log-likelihood at the parameters that a posterior implies (one M-step)."""
    design, _, weight, _ = patterns(votes)
    c = votes.n_classes
    if design.shape[0] != votes.n_items:
        raise AssertionError("this comparison wants sparse labels, one row for each item")
    prior = posterior.mean(0)
    seen = np.asarray(design.T @ posterior).reshape(votes.n_annotators, c, c).transpose(0, 2, 1)
    total = seen.sum(-1, keepdims=True)
    confusion = np.divide(seen, total, out=np.full_like(seen, 1 / c), where=total > 0)
    return expect(design, weight, prior, confusion)[1]


def models(number: int) -> None:
    """Time Dawid-Skene on a million labels against crowd-kit."""
    votes = crowd(3, number // 5, max(50, number // 1000), 5, 4)
    dawid_skene(crowd(4, 1_000, 50, 5, 4))  # imports and first calls, for both sides
    fit = dawid_skene(votes)
    ours = seconds(lambda: dawid_skene(votes), 3)
    print(
        f"\nDawid-Skene, {votes.items.size:,} labels, {votes.n_items:,} items,"
        f" {votes.n_annotators:,} annotators, {votes.n_classes} classes"
    )
    print(f"ours: {ours:.2f} s, {fit.iterations} steps, log-likelihood {fit.log_likelihood:.1f}")
    try:
        import pandas as pd
        from crowdkit.aggregation import DawidSkene
    except ImportError as error:
        print(f"crowd-kit is not installed ({error}); no ratio")
        return
    frame = pd.DataFrame({"task": votes.items, "worker": votes.annotators, "label": votes.labels})
    model = DawidSkene(n_iter=100, tol=1e-5)
    model.fit_predict_proba(frame[frame["task"] < 1_000])
    theirs = seconds(lambda: model.fit_predict_proba(frame), 3)
    chances = model.probas_
    posterior = chances.reindex(index=range(votes.n_items), columns=range(votes.n_classes))
    level = level_of(votes, posterior.fillna(0.0).to_numpy())
    print(
        f"crowd-kit: {theirs:.2f} s, {len(model.loss_history_)} steps, log-likelihood {level:.1f}"
    )
    print(f"ratio {theirs / ours:.1f}; log-likelihood higher by {fit.log_likelihood - level:.2f}")


def main() -> None:
    """Run both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", type=int, default=1_000_000)
    parser.add_argument("--replicates", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the size")
    options = parser.parse_args()
    number = options.ratings // 100 if options.quick else options.ratings
    bootstrap(number, options.replicates // (10 if options.quick else 1), 2)
    models(number)


if __name__ == "__main__":
    main()
