"""Strengths of many systems: the same as from a full table of covariates; the place can be left."""

import csv
import json

import numpy as np
import pytest
from in_process import harness

from harness.aggregate import rank_systems
from harness.nouns.errors import DataError
from harness.statistics.paired_model import Comparisons, fit_paired


def arena(seed, n, s, clusters=0, ties=True):
    rng = np.random.default_rng(seed)
    strength = rng.normal(0, 1, s)
    first = rng.integers(0, s, n)
    second = (first + rng.integers(1, s, n)) % s
    eta = strength[first] - strength[second] + 0.2
    p = np.stack([np.exp(eta / 2), np.full(n, 0.6 * ties), np.exp(-eta / 2)], axis=1)
    outcome = (rng.random(n)[:, None] > np.cumsum(p / p.sum(1, keepdims=True), axis=1)).sum(1)
    group = rng.integers(0, clusters, n) if clusters else np.arange(n)
    names = tuple(f"m{k}" for k in range(s))
    return Comparisons(first, second, outcome, names, group, rng.normal(0, 3, n))


def by_a_full_table(compared, place):
    """Return strengths and half widths in standard errors, with strengths that sum to 0."""
    n, s = compared.outcomes.size, len(compared.systems)
    x = np.zeros((n, s))
    x[np.arange(n), compared.first] += 1
    x[np.arange(n), compared.second] -= 1
    gap = np.tanh(compared.length_gap / compared.length_gap.std())
    columns = [x[:, :-1] - x[:, -1:], *([np.ones(n)] if place else []), gap]
    fit = fit_paired(compared.outcomes, np.column_stack(columns), compared.clusters)
    spread = np.vstack([np.eye(s - 1), -np.ones((1, s - 1))])
    covariance = spread @ fit.covariance[: s - 1, : s - 1] @ spread.T
    return spread @ fit.coefficients[: s - 1], np.sqrt(np.diagonal(covariance)), fit


@pytest.mark.parametrize("place", [True, False])
@pytest.mark.parametrize(
    ("n", "s", "clusters", "ties"),
    [(200, 3, 0, True), (400, 8, 25, True), (400, 8, 25, False), (900, 20, 0, True)],
)
def test_few_covariates_of_many_are_the_same_model(n, s, clusters, ties, place):
    for seed in range(3):
        compared = arena(seed, n, s, clusters, ties)
        values, errors, fit = by_a_full_table(compared, place)
        ranking = rank_systems(compared, position=place)
        found = {one.system: one for one in ranking.strengths}
        rows = [found[name] for name in compared.systems]
        assert [row.value for row in rows] == pytest.approx(values)
        halves = np.array([row.high - row.low for row in rows]) / 2
        assert halves / halves[0] == pytest.approx(errors / errors[0])
        assert set(ranking.effects) == ({"position", "length"} if place else {"length"})
        assert (ranking.tie is None) is not ties
        assert ranking.tie == (pytest.approx(fit.tie) if ties else None)


def test_three_hundred_systems_are_ranked():
    compared = arena(1, 9000, 300)
    ranking = rank_systems(compared)
    assert len(ranking.strengths) == 300 and ranking.n == 9000
    assert sum(one.value for one in ranking.strengths) == pytest.approx(0)


def one_always_first(s):
    rng = np.random.default_rng(0)
    n = 60 * (s - 1)
    second = 1 + np.arange(n) % (s - 1)
    names = ("ours", *(f"m{k}" for k in range(1, s)))
    return Comparisons(np.zeros(n, int), second, rng.integers(0, 3, n), names, np.arange(n))


@pytest.mark.parametrize("s", [2, 3, 6])
def test_a_system_that_always_stands_first_is_named(s):
    compared = one_always_first(s)
    with pytest.raises(DataError, match="ours always stood first") as error:
        rank_systems(compared)
    assert "--no-place" in (error.value.hint or "")
    ranking = rank_systems(compared, position=False)
    assert len(ranking.strengths) == s and ranking.effects == {}


@pytest.mark.parametrize("method", ["bradley_terry", "davidson"])
def test_the_command_leaves_the_place_out_and_takes_clusters(tmp_path, method):
    compared = one_always_first(3)
    winner = ["model_a", "tie", "model_b"]
    rows = [
        (compared.systems[a], compared.systems[b], winner[o], f"q{k % 12}")
        for k, (a, b, o) in enumerate(
            zip(compared.first, compared.second, compared.outcomes, strict=True)
        )
    ]
    with (tmp_path / "arena.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("model_a", "model_b", "winner", "prompt_id"), *rows])
    asked = [
        "aggregate", "arena.csv", "--method", method, "--first-column", "model_a",
        "--second-column", "model_b", "--label-column", "winner", "--json", "r.json",
    ]  # fmt: skip
    done = harness(*asked, cwd=tmp_path)
    assert done.returncode == 2 and "ours always stood first" in " ".join(done.stderr.split())
    done = harness(*asked, "--no-place", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    alone = json.loads((tmp_path / "r.json").read_text())
    done = harness(*asked, "--no-place", "--cluster-column", "prompt_id", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    grouped = json.loads((tmp_path / "r.json").read_text())
    assert (alone["clusters"], grouped["clusters"]) == (120, 12)
    assert alone["effects"] == grouped["effects"] == {}
    strengths = [[s["value"] for s in one["strengths"]] for one in (alone, grouped)]
    assert strengths[0] == pytest.approx(strengths[1])
