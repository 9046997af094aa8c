"""The selective cascade: what it promises, and how much of the safe verdicts it lets stand."""

import csv
import itertools
import json

import numpy as np
import pytest
from in_process import harness
from scipy.stats import beta, binom

from harness.agreement.cascade import cascade, fewest, selective_threshold, sizes_to_try
from harness.statistics.crossing import most_errors, uniform_level


def chance_of_any(rates, sizes, limits, unsafe=None):
    """Return P(some set has at most its limit of errors), by the chance of each count in turn."""
    alive, crossed = np.array([1.0]), 0.0
    at = dict(zip(sizes, limits, strict=True))
    for n, rate in enumerate(rates, 1):
        alive = np.append(alive, 0.0) * (1 - rate) + np.append(0.0, alive) * rate
        if n in at and (unsafe is None or n in unsafe):
            crossed += alive[: at[n] + 1].sum()
            alive[: at[n] + 1] = 0
    return crossed


@pytest.mark.parametrize(("share", "delta"), [(0.1, 0.1), (0.2, 0.05), (0.5, 0.1), (0.01, 0.2)])
def test_the_level_is_exact_in_all_sets_at_once(share, delta):
    rng = np.random.default_rng(1)
    for _ in range(12):
        sizes = np.unique(rng.integers(1, 300, rng.integers(2, 25)))
        level = uniform_level(sizes, share, delta)
        assert delta / sizes.size * 0.999 <= level <= delta
        rates = np.full(sizes[-1], share)
        held = chance_of_any(rates, sizes.tolist(), most_errors(sizes, share, level))
        assert held <= delta + 1e-9
        if level < delta:  # a little more and the promise would break
            more = most_errors(sizes, share, level * 1.001)
            assert chance_of_any(rates, sizes.tolist(), more) > delta - 1e-9


def test_the_level_of_tiny_sets_by_counting_every_outcome():
    sizes, share, delta = np.array([2, 4, 7]), 0.3, 0.4
    level = uniform_level(sizes, share, delta)
    limits = most_errors(sizes, share, level)
    assert [binom.cdf(k, n, share) <= level for k, n in zip(limits, sizes, strict=True)] == [
        True
    ] * sum(limits >= 0) + [binom.cdf(-1, 1, share) <= level] * sum(limits < 0)
    total = 0.0
    for errors in itertools.product((0, 1), repeat=7):
        chance = np.prod([share if e else 1 - share for e in errors])
        if any(sum(errors[:n]) <= k for n, k in zip(sizes, limits, strict=True)):
            total += chance
    assert total <= delta and total == pytest.approx(
        chance_of_any([share] * 7, sizes.tolist(), limits)
    )


def test_no_other_course_of_errors_breaks_the_promise_more_often():
    # Sets that are unsafe together, whatever the rates inside: none passes more often than delta.
    rng = np.random.default_rng(2)
    alpha = delta = 0.1
    sizes = sizes_to_try(np.linspace(1, 0.5, 200), alpha, delta)
    limits = most_errors(sizes, alpha, uniform_level(sizes, alpha, delta))
    worst = 0.0
    for _ in range(60):
        rates = np.repeat(rng.beta(0.5, 2, 20), 10) * rng.choice([0.3, 1.0, 1.5])
        rates = np.clip(rates if rng.random() < 0.5 else np.sort(rates), 0, 1)
        risk = np.cumsum(rates) / np.arange(1, 201)
        # As low as it may be: scaled so that the least unsafe set is just unsafe.
        some = rng.choice(sizes)
        rates = np.clip(rates * alpha / risk[some - 1], 0, 1) if risk[some - 1] else rates
        risk = np.cumsum(rates) / np.arange(1, 201)
        unsafe = {int(n) for n in sizes if risk[n - 1] >= alpha - 1e-9}
        worst = max(worst, chance_of_any(rates, sizes.tolist(), limits, unsafe))
    assert 0.01 < worst <= delta


def calibrated(rng, n):
    confidence = rng.beta(6, 2, n) / 2 + 0.5
    return confidence, confidence


def overconfident(rng, n):
    confidence = rng.beta(8, 1, n) / 2 + 0.5
    return confidence, 0.5 + 0.9 * (confidence - 0.5)


def able(rng, n):
    confidence = rng.beta(8, 1, n) / 2 + 0.5
    return confidence, 0.97 - 0.3 * (1 - confidence)


def steep(rng, n):
    confidence = rng.uniform(0.5, 1, n)
    return confidence, np.where(confidence > 0.7, 0.98, 0.6)


def humped(rng, n):
    # The most confident verdicts are the worst of the good ones.
    confidence = rng.uniform(0.5, 1, n)
    return confidence, np.where(confidence > 0.97, 0.8, np.where(confidence > 0.7, 0.97, 0.6))


def useless(rng, n):
    return rng.uniform(0.5, 1, n), np.full(n, 0.895)


def said(rng, n):
    confidence = rng.choice([0.6, 0.7, 0.8, 0.9, 0.95, 0.99], n, p=[0.1, 0.1, 0.2, 0.3, 0.2, 0.1])
    return confidence, np.minimum(confidence + 0.02, 0.99)


WORLDS = [calibrated, overconfident, able, steep, humped, useless, said]
ALPHA = 0.1


@pytest.mark.parametrize("world", WORLDS)
def test_coverage_is_near_the_best_threshold_and_the_risk_is_held(world):
    rng = np.random.default_rng(3)
    n, repeats = 1000, 60
    # The world itself: the risk above each share of the verdicts.
    confidence, right = world(rng, 200_000)
    order = np.argsort(-confidence, kind="stable")
    sorted_out, risk = confidence[order], np.cumsum(1 - right[order]) / np.arange(1, 200_001)
    # The best threshold that could have been fixed beforehand, and tested alone.
    sizes = np.arange(fewest(ALPHA, 0.1), n + 1)
    chance = binom.cdf(
        most_errors(sizes, ALPHA, 0.1), sizes, risk[(sizes / n * 200_000).astype(int) - 1]
    )
    best = float((chance * sizes / n).max())
    found, broken = [], 0
    for _ in range(repeats):
        stated, chances = world(rng, n)
        threshold = selective_threshold(stated, (rng.random(n) < chances).astype(float), ALPHA)
        found.append(threshold.accepted / n)
        if threshold.confidence is not None:
            assert threshold.risk <= ALPHA
            below = np.searchsorted(-sorted_out, -threshold.confidence, side="right") - 1
            broken += risk[below] > ALPHA + 1e-3
    assert np.mean(found) >= best - 0.1
    if best > 0.3:
        assert np.mean(found) >= 0.9 * best
    assert broken / repeats <= 0.1


def with_errors(n, *ranks):
    right = np.ones(n)
    right[list(ranks)] = 0
    return np.linspace(0.999, 0.6, n), right


def test_an_early_error_does_not_end_the_search():
    # One error at rank 24 of 301, then a third of the later two fifths wrong.
    stated, right = with_errors(301, 23, *range(180, 301, 3))
    found = selective_threshold(stated, right, 0.1)
    # From the top down the first that fails are 24: 23 of 301 stood.
    assert found.accepted >= 0.6 * 301 and found.wrong / found.accepted < 0.1
    assert np.mean(stated >= found.confidence) == found.accepted / 301
    for rank in range(0, 60, 5):
        stated, right = with_errors(301, rank, *range(180, 301, 3))
        assert selective_threshold(stated, right, 0.1).accepted >= 0.6 * 301


def test_up_to_three_thresholds_are_tried_from_the_top_down():
    # At level .1, 2 of 52 and 5 of 100 may be wrong; a first that fails ends the sequence.
    stated = np.repeat([0.9, 0.7], [52, 48])
    for wrong, accepted in (((2, 3), 100), ((2, 4), 52), ((3, 2), 0), ((0, 6), 52)):
        right = np.ones(100)
        right[: wrong[0]] = right[52 : 52 + wrong[1]] = 0
        found = selective_threshold(stated, right, 0.1)
        assert found.accepted == accepted
        if accepted:
            misses = int((1 - right[:accepted]).sum())
            upper = beta.ppf(0.9, misses + 1, accepted - misses)
            assert found.risk == pytest.approx(upper) and upper <= 0.1


@pytest.mark.parametrize(
    ("upper", "lower", "printed"),
    [
        (0.9, 0.6, 0.9),
        (0.93125, 0.6, 0.931),
        (0.99973, 0.99968, 0.9997),
        (0.999734, 0.999731, 0.999734),
        (0.99999951, 0.99999949, 0.9999995),
        (1.0, 0.9999, 1.0),
        (0.7310585786300049, 0.7310585786300048, 0.7310585786300049),
    ],
)
def test_the_threshold_has_the_digits_that_are_needed_to_apply_it(upper, lower, printed):
    stated = np.repeat([upper, lower], 50)
    right = np.repeat([1.0, 0.0], 50)
    found = selective_threshold(stated, right, 0.1)
    assert found.confidence == printed and (stated >= found.confidence).sum() == 50
    share, _ = cascade(stated, right, "j", 0.1)
    assert f"confidence >= {printed!r} stand" in share.reason
    assert (stated >= float(repr(found.confidence))).sum() == 50


def files(folder, verdicts, labels):
    """Write the files of the command: (status, value, probability) of each pair, and labels."""
    info = {"kind": "judge", "simulated": False, "identity": "", "models": [], "scale": None}
    rows = [
        {
            "request_id": f"r{n}", "source": "j", "source_version": "1", "annotator": "j",
            "item_id": f"i{n}", "response_ids": [f"i{n}.0", f"i{n}.1"], "source_info": info,
            "verdict": {"status": status, "value": value, "probability": p, "rationale": ""},
        }
        for n, (status, value, p) in enumerate(verdicts)
    ]  # fmt: skip
    lines = {
        "j.jsonl": rows,
        "items.jsonl": [{"id": f"i{n}", "prompt": "p"} for n in range(len(rows))],
        "responses.jsonl": [
            {"id": f"i{n}.{k}", "item_id": f"i{n}", "system": "s", "text": f"{k}"}
            for n in range(len(rows))
            for k in (0, 1)
        ],
    }
    for name, said in lines.items():
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in said))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("item_id", "label"), *labels])
    return [
        "cascade", "j.jsonl", "--labels", "labels.csv", "--items", "items.jsonl", "--responses",
        "responses.jsonl", "--out", "left",
    ]  # fmt: skip


FAILED = ("timeout", None, None)
CASES = {
    "no labelled pair has a verdict": ([FAILED] * 40, 0, ["40 labelled pairs have no verdict",
     "on 0 labelled verdicts (fewer than 22 can promise nothing): all 40 pairs are left"]),
    "verdicts without a probability": ([("ok", "A", None)] * 40, 40, ["confidence >= 1.0 stand"]),
    "all of them ties": ([("ok", "TIE", 0.5)] * 40, 0, ["40 labelled pairs have no verdict"]),
    "too few": ([("ok", "A", 0.99)] * 21, 0, ["on 21 labelled verdicts (fewer than 22 can"]),
    "just enough": ([("ok", "A", 0.99)] * 22, 22, ["confidence >= 0.99 stand: 22 of 22"]),
    "some failed": ([("ok", "A", 0.98765)] * 30 + [FAILED] * 3, 30,
     ["3 labelled pairs have no verdict", "confidence >= 0.987 stand: 30 of 33"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_command_says_what_it_could_calibrate_on(tmp_path, case):
    verdicts, accepted, words = CASES[case]
    done = harness(*files(tmp_path, verdicts, [(f"i{n}", "A") for n in range(60)]), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in words:
        assert word in " ".join(done.stdout.split())
    assert len((tmp_path / "left/accepted.jsonl").read_text().splitlines()) == accepted
    left = (tmp_path / "left/items.jsonl").read_text().splitlines()
    assert len(left) == len(verdicts) - accepted


@pytest.mark.parametrize("labels", [[], [("x1", "A"), ("x2", "B")]])
def test_labels_of_other_items_are_one_clear_error(tmp_path, labels):
    done = harness(*files(tmp_path, [("ok", "A", 0.9)] * 30, labels), cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    said = " ".join(done.stderr.split())
    assert "labels.csv" in said
    if labels:
        assert "none of the labels is of a judged item" in said and "labelled 'x1'" in said
