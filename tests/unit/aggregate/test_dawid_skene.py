"""Dawid-Skene against EM written as the paper has it: loops over items, annotators and classes."""

import math
from collections import Counter
from functools import partial

import numpy as np
import pytest

from harness.aggregate import (
    METHODS,
    Votes,
    aggregate_judgments,
    dawid_skene,
    votes_from_codes,
)
from harness.aggregate.dawid_skene import patterns
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict

dawid_skene_judgments = partial(aggregate_judgments, METHODS["dawid_skene"])

CHOICES = ("A", "TIE", "B")


def em(items, annotators, classes, smoothing=0.0, tolerance=1e-6, most=500):
    """Dawid & Skene (1979), equations 2.3 to 2.5; items are lists of (annotator, label)."""
    labels = sum(len(item) for item in items)
    posterior = []
    for item in items:
        votes = Counter(label for _, label in item)
        posterior.append([votes[k] / len(item) if item else 1 / classes for k in range(classes)])
    before = -math.inf
    for step in range(1, most + 1):
        prior = [sum(t[k] for t in posterior) / len(items) for k in range(classes)]
        confusion = np.full((annotators, classes, classes), smoothing)
        for item, t in zip(items, posterior, strict=True):
            for annotator, label in item:
                for k in range(classes):
                    confusion[annotator, k, label] += t[k]
        for row in confusion.reshape(-1, classes):
            row[:] = row / row.sum() if row.sum() else 1 / classes
        posterior, level = [], 0.0
        for item in items:
            joint = [
                prior[k] * math.prod(confusion[annotator, k, label] for annotator, label in item)
                for k in range(classes)
            ]
            posterior.append([part / sum(joint) for part in joint])
            level += math.log(sum(joint))
        if level - before < tolerance * max(1, labels):
            return posterior, prior, confusion, level, step, True
        before = level
    return posterior, prior, confusion, level, step, False


def crowd(seed, n, annotators, classes, each, repeats=False):
    """Draw items of ``each`` labels by some of many annotators, right in 7 of 10."""
    rng = np.random.default_rng(seed)
    items = []
    for _ in range(n):
        truth = rng.integers(classes)
        who = rng.choice(annotators, each, replace=repeats)
        items.append(
            [(int(w), int(truth if rng.random() < 0.7 else rng.integers(classes))) for w in who]
        )
    return items


def votes_of(items, annotators, classes):
    flat = [(i, *vote) for i, item in enumerate(items) for vote in item]
    item, who, label = np.array(flat, dtype=np.int64).reshape(-1, 3).T
    return Votes(item, who, label, len(items), annotators, classes)


def assert_same(fit, expected):
    posterior, prior, confusion, level, steps, converged = expected
    assert fit.iterations == steps
    assert fit.converged is converged
    assert fit.log_likelihood == pytest.approx(level, rel=1e-9, abs=1e-9)
    assert fit.prior == pytest.approx(prior, abs=1e-9)
    assert fit.probabilities == pytest.approx(np.array(posterior), abs=1e-9)
    assert fit.confusion == pytest.approx(confusion, abs=1e-9)


PANEL = crowd(1, 90, 3, 3, 3)  # few patterns: rows are collapsed
SPARSE = crowd(2, 60, 12, 3, 4)  # hardly two items alike
SEVEN_IN_TEN = [[(0, k)] for k in (0, 1, 2, 3, 4, 5, 6, 0, 1, 2)]
GAPS = [*crowd(3, 20, 4, 2, 3), [], *crowd(4, 20, 4, 2, 2), [], [(0, 1)]]
REPEATS = crowd(5, 50, 3, 4, 5, repeats=True)  # an annotator labels an item more than once


@pytest.mark.parametrize(
    ("items", "annotators", "classes"),
    [(PANEL, 3, 3), (SPARSE, 12, 3), (GAPS, 4, 2), (REPEATS, 3, 4)],
    ids=["panel", "sparse", "gaps", "repeats"],
)
@pytest.mark.parametrize(
    "settings",
    [{}, {"smoothing": 0.5}, {"tolerance": 1e-3}, {"max_steps": 3}, {"max_steps": 1}],
    ids=str,
)
def test_em_as_in_the_paper(items, annotators, classes, settings):
    fit = dawid_skene(votes_of(items, annotators, classes), **settings)
    names = {"max_steps": "most"}
    told = {names.get(name, name): value for name, value in settings.items()}
    assert_same(fit, em(items, annotators, classes, **told))


def test_the_defaults_are_maximum_likelihood_to_a_millionth_of_a_label():
    votes = votes_of(PANEL, 3, 3)
    stated = dawid_skene(votes, smoothing=0.0, max_steps=500, tolerance=1e-6)
    assert dawid_skene(votes).log_likelihood == stated.log_likelihood
    assert dawid_skene(votes).iterations == stated.iterations
    # No rise is ever below a negative tolerance.
    endless = dawid_skene(votes, tolerance=-1.0)
    assert (endless.iterations, endless.converged) == (500, False)
    # Nor is a likelihood that stays the same, 0 of no labels, a rise below none.
    still = dawid_skene(votes_of([[], []], 2, 4), tolerance=0.0, max_steps=5)
    assert (still.iterations, still.converged) == (5, False)


def test_before_the_first_step_there_are_only_votes():
    fit = dawid_skene(votes_from_codes(np.array([[0, 0, 1], [1, -1, 1]]), 2), max_steps=0)
    assert fit.probabilities == pytest.approx(np.array([[2 / 3, 1 / 3], [0, 1]]))
    assert fit.prior.tolist() == [0.5, 0.5]
    assert fit.confusion.tolist() == [[[0.5, 0.5]] * 2] * 3
    assert (fit.iterations, fit.converged, fit.log_likelihood) == (0, False, -math.inf)


def test_an_annotator_who_never_saw_a_class_has_a_uniform_row_of_it():
    # Annotator 2 labelled one item, which everybody calls 0, and annotator 3 nothing at all.
    items = [[(0, 0), (1, 0), (2, 0)], [(0, 0), (1, 0)], [(0, 1), (1, 1)], [(0, 1), (1, 1)]]
    fit = dawid_skene(votes_of(items, 4, 2))
    assert fit.confusion.tolist() == [
        [[1.0, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.5, 0.5]],
        [[0.5, 0.5], [0.5, 0.5]],
    ]
    assert fit.prior.tolist() == [0.5, 0.5]
    assert fit.log_likelihood == pytest.approx(4 * math.log(0.5))
    # Half a pseudo-count in each cell, the votes being certain at the first step.
    first = dawid_skene(votes_of(items, 4, 2), smoothing=0.5, max_steps=1).confusion
    assert first[0] == pytest.approx(np.array([[2.5, 0.5], [0.5, 2.5]]) / 3)
    assert first[2] == pytest.approx(np.array([[1.5, 0.5], [1.0, 1.0]]) / 2)


def test_one_label_and_none():
    assert_same(dawid_skene(votes_of([[(0, 1)]], 1, 2)), em([[(0, 1)]], 1, 2))
    empty = dawid_skene(votes_of([[], []], 2, 4))
    assert_same(empty, em([[], []], 2, 4))
    assert (empty.iterations, empty.converged, empty.log_likelihood) == (2, True, 0.0)
    assert empty.probabilities.tolist() == [[0.25] * 4] * 2


def test_codes_become_votes():
    codes = np.array([[0, -1, 2], [-1, -1, -1], [1, 0, -1]])
    votes = votes_from_codes(codes, 3)
    assert votes.items.tolist() == [0, 0, 2, 2]
    assert votes.annotators.tolist() == [0, 2, 0, 1]
    assert votes.labels.tolist() == [0, 2, 1, 0]
    assert (votes.n_items, votes.n_annotators, votes.n_classes) == (3, 3, 3)
    assert votes.counts().tolist() == [[1, 0, 1], [0, 0, 0], [1, 1, 0]]
    assert votes.counts(np.array([2.0, 3.0, 0.5])).tolist() == [[2, 0, 0.5], [0, 0, 0], [3, 2, 0]]


def tiled(block, times):
    return votes_of(block * times, 12, 3)


@pytest.mark.parametrize("times", [1, 50, 150])
def test_copies_of_all_items_change_nothing_but_the_likelihood(times):
    # 60 patterns of 4 labels; 150 times 60 are sampled to see whether collapsing is worth it.
    alone = em(SPARSE, 12, 3, tolerance=1e-9)
    posterior, prior, confusion, level, steps, converged = alone
    expected = (posterior * times, prior, confusion, level * times, steps, converged)
    assert_same(dawid_skene(tiled(SPARSE, times), tolerance=1e-9), expected)


def rows_of(items, annotators, classes):
    design, share, weight, row_of = patterns(votes_of(items, annotators, classes))
    assert weight.sum() == len(items) == row_of.size
    assert design.shape == (weight.size, annotators * classes)
    dense = design.toarray()
    for i, item in enumerate(items):
        counted = np.zeros((annotators, classes))
        for annotator, label in item:
            counted[annotator, label] += 1
        assert dense[row_of[i]].tolist() == counted.ravel().tolist()
        expected = counted.sum(0) / len(item) if item else np.full(classes, 1 / classes)
        assert share[row_of[i]] == pytest.approx(expected)
    return weight.size


def unlike(items):
    return len({tuple(sorted(item)) for item in items})


@pytest.mark.parametrize(
    ("items", "annotators", "classes"),
    [
        (PANEL, 3, 3),
        (SPARSE, 12, 3),
        (GAPS, 4, 2),
        (REPEATS, 3, 4),
        (SPARSE * 100, 12, 3),
        (SEVEN_IN_TEN, 1, 7),
    ],
    ids=["panel", "sparse", "gaps", "repeats", "large", "seven"],
)
def test_items_with_the_same_labels_are_one_row_where_that_saves_three_in_ten(
    items, annotators, classes
):
    saved = unlike(items) <= 0.7 * len(items)
    assert rows_of(items, annotators, classes) == (unlike(items) if saved else len(items))


@pytest.mark.parametrize("alike", [200, 350])
def test_in_a_large_crowd_a_sample_decides_whether_to_collapse(alike):
    # Every second of 4,000 items is looked at. With 200 copies among those 2,000 more than 9 in 10
    # are unlike, with 350 fewer; the other half of the items would save enough in both.
    seen = [[(k, 0), (k + 1, 1)] for k in range(2000 - alike)] + [[(0, 0), (1, 1)]] * alike
    items = [item for one in seen for item in (one, [(0, 0)])]
    votes = votes_of(items, 2002, 2)
    assert patterns(votes)[2].size == (len(items) if alike < 200.5 else 2000 - alike + 1)


GOOD = Criterion("good", "?", Scale("ordinal", ("bad", "fair", "good")), 1.0)
TONE = Criterion("tone", "?", Scale("ordinal", ("bad", "poor", "fair", "good", "best")), 1.0)
RIGHT = Criterion("right", "?", BINARY, 3.0)


def asked(*names, criterion=GOOD):
    responses = tuple(Response(name, name.split("-")[0], "base", "text") for name in names)
    label = f"{criterion.id}:{' '.join(names)}"
    return JudgmentRequest(label, Item(names[0].split("-")[0], "q"), responses, criterion)


def say(request, who, value):
    source, _, annotator = who.partition("/")
    verdict = Verdict(Status.OK, value)
    return Judgment(request.id, source, "1", annotator or source, verdict)


def reports(result):
    return {(r.source, r.annotator): (r.classes, np.array(r.confusion)) for r in result.annotators}


NAMES = ["people/ann", "people/bob", "judge"]


def test_votes_on_pairs_are_fitted_with_half_a_pseudo_count():
    items = [item[:2] if k % 4 == 0 else item for k, item in enumerate(crowd(6, 24, 3, 3, 3))]
    pairs = [asked(f"{k}-1", f"{k}-2") for k in range(24)]
    judged = [
        say(pair, NAMES[who], CHOICES[label])
        for pair, item in zip(pairs, items, strict=True)
        for who, label in item
    ]
    result = dawid_skene_judgments(pairs, judged, {"judge": 0.2})
    posterior, _, confusion, *_ = em(items, 3, 3, smoothing=0.5)
    found = {p.chosen_id: (p.rejected_id, p.probability, p.n_judgments) for p in result.preferences}
    decided = Counter()
    for k, (chances, item) in enumerate(zip(posterior, items, strict=True)):
        p = chances[0] + chances[1] / 2
        first, second = f"{k}-1", f"{k}-2"
        choice = CHOICES[int(np.argmax(chances))]
        decided[choice] += 1
        if choice == "A":
            assert found[first] == (second, pytest.approx(p), len(item))
        elif choice == "B":
            assert found[second] == (first, pytest.approx(1 - p), len(item))
        else:
            assert (str(k), first, second) in result.ties
    assert min(decided.values()) >= 3 and len(decided) == 3
    assert len(found) == 24 - len(result.ties)
    for who, name in enumerate(NAMES):
        source, _, annotator = name.partition("/")
        classes, matrix = reports(result)[source, annotator or source]
        assert classes == CHOICES
        assert matrix == pytest.approx(confusion[who])


def test_people_who_contradict_each_other_make_a_tie():
    pair = asked("x-1", "x-2")
    judged = [say(pair, "people/ann", "A"), say(pair, "people/bob", "B")]
    result = dawid_skene_judgments([pair], judged, {})
    assert result.preferences == ()
    assert result.ties == (("x", "x-1", "x-2"),)


def test_labels_of_scores_are_fitted_by_criterion_and_weighed():
    # The middle labels of the scale are never used: the fit has the labels that were said.
    tone = {0: "bad", 1: "fair", 2: "best"}
    units = {0: 0.0, 1: 0.5, 2: 1.0}
    items = {TONE: crowd(7, 20, 3, 3, 2), RIGHT: crowd(8, 20, 3, 2, 2)}
    requests, judged = [], []
    for criterion, said in items.items():
        for k, item in enumerate(said):
            requests.append(asked(f"{k}-1", criterion=criterion))
            for who, label in item:
                value = tone[label] if criterion is TONE else label == 1
                judged.append(say(requests[-1], NAMES[who], value))
    result = dawid_skene_judgments(requests, judged, {})
    tones, _, confusion, *_ = em(items[TONE], 3, 3, smoothing=0.5)
    rights, *_ = em(items[RIGHT], 3, 2, smoothing=0.5)
    expected = [
        (sum(units[k] * p for k, p in enumerate(t)) + 3 * r[1]) / 4
        for t, r in zip(tones, rights, strict=True)
    ]
    assert [reward.value for reward in result.rewards] == pytest.approx(expected)
    for who, name in enumerate(NAMES):
        source, _, annotator = name.partition("/")
        classes, matrix = reports(result)[source, annotator or source]
        assert classes == ("tone=0", "tone=0.5", "tone=1")
        assert matrix == pytest.approx(confusion[who])


def test_whoever_only_scored_is_shown_by_its_scores():
    points = [asked(f"{item}-{n}", criterion=RIGHT) for item in "abc" for n in (1, 2)]
    others = [asked(f"{item}-1", criterion=TONE) for item in "abc"]
    judged = [
        say(point, f"people/{who}", k % 2 == 0) for k, point in enumerate(points) for who in "xy"
    ]
    judged += [
        say(other, "people/z", tone)
        for other, tone in zip(others, ("bad", "best", "bad"), strict=True)
    ]
    result = dawid_skene_judgments([*points, *others], judged, {})
    assert [p.chosen_id for p in result.preferences] == ["a-1", "b-1", "c-1"]
    found = reports(result)
    _, _, confusion, *_ = em(
        [[(0, (k + 1) % 2), (1, (k + 1) % 2)] for k in range(6)], 2, 2, smoothing=0.5
    )
    for who in "xy":
        assert found["people", who][0] == ("right=0", "right=1")
        assert found["people", who][1] == pytest.approx(confusion[0])
    assert found["people", "z"][0] == ("tone=0", "tone=1")
