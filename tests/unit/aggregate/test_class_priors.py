"""GLAD and the one-coin model, written down a second time; the prior of the classes is held."""

import csv
import json

import numpy as np
import pytest
from in_process import harness

from harness.aggregate import METHODS, Votes, glad, mace, one_coin, votes_from_codes
from harness.aggregate.collapse import below_the_vote, majority_chances
from harness.aggregate.labels import aggregate_labels
from harness.nouns.errors import DataError
from harness.ratings.posterior import Posterior
from harness.ratings.table import from_labels


def random_codes(seed):
    rng = np.random.default_rng(seed)
    n, a, c = int(rng.integers(4, 25)), int(rng.integers(2, 6)), int(rng.integers(2, 4))
    truth = rng.integers(0, c, n)
    able = rng.uniform(0.35, 0.95, a)
    codes = np.where(rng.random((n, a)) < able, truth[:, None], rng.integers(0, c, (n, a)))
    codes[rng.random((n, a)) < rng.uniform(0, 0.4)] = -1
    return codes, c


def prior_of(kind, codes, c):
    if kind == "given":
        return np.array([0.6, 0.4, 0.0][:c]) if c == 2 else np.array([0.5, 0.3, 0.2])
    seen = [float((codes == k).any()) for k in range(c)]
    return np.array(seen) / sum(seen)


def one_coin_by_loops(codes, c, prior, steps):
    n, a = codes.shape
    votes = [[j for j in range(a) if codes[i, j] >= 0] for i in range(n)]
    chance = [
        [sum(codes[i, j] == k for j in votes[i]) / len(votes[i]) if votes[i] else 1 / c
         for k in range(c)]
        for i in range(n)
    ]  # fmt: skip
    for _ in range(steps):
        right = []
        for j in range(a):
            mine = [i for i in range(n) if codes[i, j] >= 0]
            hits = sum(chance[i][codes[i, j]] for i in mine)
            right.append((hits + 1e-3) / (len(mine) + 2e-3))
        for i in range(n):
            joint = list(prior)
            for j in votes[i]:
                for k in range(c):
                    joint[k] *= right[j] if codes[i, j] == k else (1 - right[j]) / (c - 1)
            chance[i] = [p / sum(joint) for p in joint]
    return np.array(chance)


def test_one_coin_is_its_definition_on_two_hundred_tables():
    for seed in range(200):
        codes, c = random_codes(seed)
        kind = ("uniform", "given")[seed % 2]
        prior = prior_of(kind, codes, c)
        fit = one_coin(
            votes_from_codes(codes, c), prior=prior if kind == "given" else "uniform", max_steps=7,
            tolerance=-np.inf,
        )  # fmt: skip
        assert fit.probabilities == pytest.approx(one_coin_by_loops(codes, c, prior, 7), abs=1e-9)
        assert fit.prior == pytest.approx(prior)


def glad_log_posterior(codes, c, prior, ability, log_ease):
    """Return the log of prior times likelihood, and the chances of the classes, by loops."""
    value = -0.5 * sum((ability - 1) ** 2) - 0.5 * sum((log_ease - 1) ** 2)
    level, chances = 0.0, []
    for i, row in enumerate(codes):
        joint = list(prior)
        for j, said in enumerate(row):
            right = 1 / (1 + np.exp(-ability[j] * np.exp(log_ease[i])))
            for k in range(c):
                if said >= 0:
                    joint[k] *= right if said == k else (1 - right) / (c - 1)
        level += np.log(sum(joint))
        chances.append([p / sum(joint) for p in joint])
    return value + level, level, np.array(chances)


def test_glad_is_a_maximum_of_its_published_posterior_on_two_hundred_tables():
    # Whitehill et al. 2009: alpha and log beta are normal with mean 1 and variance 1.
    rng = np.random.default_rng(0)
    for seed in range(200):
        codes, c = random_codes(seed)
        kind = ("uniform", "given")[seed % 2]
        prior = prior_of(kind, codes, c)
        found = glad(
            votes_from_codes(codes, c), prior=prior if kind == "given" else "uniform",
            max_steps=3000, tolerance=1e-13,
        )  # fmt: skip
        at = found.ability, np.log(found.easiness)
        top, level, chances = glad_log_posterior(codes, c, prior, *at)
        assert found.fit.log_likelihood == pytest.approx(level)
        assert found.fit.probabilities == pytest.approx(chances, abs=1e-6)
        # Whichever way one steps, it goes downhill; by how much is the second derivative.
        for size in (1e-2, 1e-1):
            ways = [rng.normal(size=x.size) for x in at]
            length = np.sqrt(sum((way**2).sum() for way in ways))
            for sign in (1, -1):
                moved = [x + sign * size * w / length for x, w in zip(at, ways, strict=True)]
                assert glad_log_posterior(codes, c, prior, *moved)[0] < top + 1e-7


FOUR = ["101", "001", "011", "000"]


@pytest.mark.parametrize("method", ["one_coin", "glad", "dawid_skene", "majority"])
def test_four_items_of_three_people_keep_their_majority(method):
    table = from_labels({f"w{k}": [row[k] for row in FOUR] for k in range(3)})
    fit = METHODS[method](table, {})
    assert fit.decided().tolist() == [1, 0, 1, 0]
    assert not [note for note in fit.notes if note.startswith("warning")]


@pytest.mark.parametrize("method", ["one_coin", "glad"])
def test_an_estimated_prior_collapses_and_is_told(tmp_path, method):
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["item", *"abc"], *([i, *row] for i, row in enumerate(FOUR))])
    given = ["aggregate", "labels.csv", "--method", method, "--item-column", "item"]
    asked = [*given, "--annotators", "a,b,c", "--json", "found.json"]
    done = harness(*asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    labels = [item["label"] for item in json.loads((tmp_path / "found.json").read_text())["items"]]
    assert labels == [*"1010"] and "warning" not in done.stdout
    done = harness(*asked, "--prior", "estimated", cwd=tmp_path)
    found = json.loads((tmp_path / "found.json").read_text())
    assert [item["label"] for item in found["items"]] == [*"0000"]
    assert [note for note in found["notes"] if note.startswith("warning")] == [
        f"warning: {method} gives every item the label '0'; the majority vote gives 2 of 4 items"
        " another one: it collapsed to one class; use --method majority, or --prior uniform"
    ]
    assert "collapsed to one class" in " ".join(done.stdout.split())


PRIORS = {
    "uniform": 0, "estimated": 0, "0=0.5,1=0.5": 0, "0=0.9,1=0.1": 0,
    "equal": "neither uniform nor estimated", "0=0.5": "no share above 0 of each category",
    "0=0.5,1=0.4": "sums to 0.9, not 1", "0=1,1=0": "no share above 0", "0=x,1=1": "--prior",
    "0=0.5,yes=0.5": "categories: 0, 1", "0=nan,1=1": "no share above 0",
}  # fmt: skip


@pytest.mark.parametrize("prior", PRIORS)
def test_a_prior_is_a_word_or_a_share_of_each_label(tmp_path, prior):
    rows = [["item", *"abc"], *([i, *row] for i, row in enumerate(FOUR))]
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    for method in ("one_coin", "glad", "dawid_skene", "mace", "majority", "stacking", "soft"):
        done = harness(
            "aggregate", "labels.csv", "--method", method, "--annotators", "a,b,c",
            "--item-column", "item", "--prior", prior, cwd=tmp_path,
        )  # fmt: skip
        wrong = PRIORS[prior]
        if method in ("majority", "stacking", "soft"):
            if not wrong:
                assert (
                    done.returncode == 2 and "--prior is for dawid_skene, one_coin" in done.stderr
                )
        elif wrong:
            assert done.returncode == 2 and wrong in " ".join(done.stderr.split())
        else:
            assert done.returncode == 0, done.stderr


def test_a_given_prior_moves_what_is_undecided():
    codes = np.array([[0, 1], [0, 0], [1, 1], [0, 1]])
    votes = votes_from_codes(codes, 2)
    for model in (one_coin, mace, lambda v, **k: glad(v, **k).fit):
        fit = model(votes, prior=np.array([0.8, 0.2]))
        assert fit.probabilities[0, 0] > 0.5 and fit.prior.tolist() == [0.8, 0.2]


def test_a_class_that_nobody_gave_has_no_share():
    codes = np.array([[0, 2], [0, 0], [2, 2], [0, -1]])
    fit = one_coin(votes_from_codes(codes, 3))
    assert fit.prior.tolist() == [0.5, 0.0, 0.5]
    nobody = Votes(*(np.zeros(0, dtype=np.int64),) * 3, 2, 1, 2)
    assert one_coin(nobody).probabilities.tolist() == [[0.5, 0.5]] * 2


def test_any_method_that_gives_one_class_says_so():
    table = from_labels({"a": [*"xxxy"], "b": [*"xxyy"], "c": [*"xxxx"]})

    def all_x(table, weights):
        return Posterior(np.tile([0.9, 0.1], (4, 1)))

    notes = aggregate_labels("mine", all_x, table, {}).notes
    assert notes[0].startswith(
        "warning: mine gives every item the label 'x'; the majority vote giv"
    )
    assert "1 of 4 items another one" in notes[0]
    same = from_labels({"a": [*"xxxx"], "b": [*"xxxx"]})
    assert aggregate_labels("one_coin", METHODS["one_coin"], same, {}).notes[0].startswith("conv")
    most = from_labels({"a": [*"xxyx"], "b": [*"xxxx"], "c": [*"xxxx"]})
    notes = aggregate_labels("majority", METHODS["majority"], most, {}).notes
    assert "majority vote gives 0 of 4 items another one" in notes[0]


def test_a_fit_below_the_majority_vote_is_told():
    votes = votes_from_codes(random_codes(3)[0], 3)
    assert majority_chances(votes).sum(1) == pytest.approx(np.ones(votes.n_items))
    table = from_labels({"a": [*"xy"], "b": [*"xy"]})
    moved, kept = np.array([[0.9, 0.1]] * 2), np.array([[0.9, 0.1], [0.2, 0.8]])
    worse = Posterior(moved, log_likelihood=-20.0)
    better = Posterior(kept, log_likelihood=-10.0)
    (note,) = below_the_vote("glad", table, worse, better)
    assert "worse than the majority vote does (log-likelihood -20.0000 against -10.0000)" in note
    assert "1 of 2 items another label" in note
    same = Posterior(kept, log_likelihood=-20.0)
    for fit, other in ((better, worse), (better, better), (same, better)):
        assert below_the_vote("glad", table, fit, other) == []


def test_a_prior_is_refused_by_python_too():
    table = from_labels({"a": [*"01"], "b": [*"01"]})
    with pytest.raises(DataError, match="sums to"):
        METHODS["glad"](table, {}, prior={"0": 0.5, "1": 0.6})
