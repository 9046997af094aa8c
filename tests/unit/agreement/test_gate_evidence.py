"""What gates read of a source: like with like, by hand."""

import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest

from harness.agreement.gate import decide
from harness.agreement.gate_evidence import measured
from harness.agreement.settings import Settings
from harness.nouns.gate import MEASURES, Gate
from harness.ratings.evidence import Evidence, OrderVerdicts, Singles
from harness.ratings.table import from_labels
from harness.statistics.one_sided import kappa_bounds, mean_kappa_bounds, share_bounds

PEOPLE, OTHERS = "AABBTABBAT", "ABABTTTTTA"
VERIFIER = "AATBTABTB."


def label(letter):
    return {"T": "TIE", ".": None}.get(letter, letter)


def table(**columns):
    made = from_labels(
        {name: [label(x) for x in said] for name, said in columns.items()},
        humans=[name for name in columns if name.startswith("p")],
        categories=["A", "TIE", "B"],
        tie="TIE",
    )
    return replace(made, slices=("hard",) * 5 + ("",) * 5)


TABLE = table(people=PEOPLE, people2=OTHERS, verifier=VERIFIER)
SETTINGS = Settings(reference="people")


def of(statistic, evidence=None, **more):
    gate = Gate("verifier", 0.5, "drop", statistic, **more)
    return measured(gate, TABLE, evidence or Evidence(), SETTINGS)


@pytest.mark.parametrize(
    ("statistic", "more", "value", "n", "coverage"),
    [
        # Both decide 1, 2, 4, 6, 7, 9: right but for 9; people decide 8.
        ("share_right", {}, 5 / 6, 6, 6 / 8),
        ("coverage", {}, 6 / 8, 8, None),
        ("share_right", {"slice": "hard"}, 1.0, 3, 3 / 4),
        ("coverage", {"slice": "hard"}, 3 / 4, 4, None),
        # Others decide 1 A, 2 B, 3 A, 4 B and 10 A; the verifier 1 A, 2 A and 4 B of these.
        ("share_right", {"against": "people2"}, 2 / 3, 3, 3 / 5),
        ("cohen_kappa", {"pairs": "decided"}, 2 / 3, 6, 6 / 8),
        ("cohen_kappa", {"pairs": "decided", "slice": "hard"}, 1.0, 3, 3 / 4),
    ],
)
def test_like_with_like(statistic, more, value, n, coverage):
    found = of(statistic, **more)
    assert found.bounds.value == pytest.approx(value)
    assert (found.bounds.n, found.coverage) == (n, coverage)
    assert found.bounds.lower < found.bounds.value <= found.bounds.upper


def test_a_slice_that_no_item_is_of_measures_nothing():
    assert of("share_right", slice="soft").bounds.value is None
    assert decide(Gate("verifier", 0.5, "drop"), of("cohen_kappa", slice="soft")).weight == 0


def test_turning_with_the_order_is_counted_where_both_orders_have_a_verdict():
    orders = OrderVerdicts(
        "verifier", np.array([0, 0, 1, 2, -1] * 2), np.array([0, 2, 1, 0, 0] * 2),
        TABLE.clusters, 0, 2, 1,
    )  # fmt: skip
    other = replace(orders, annotator="another", second_order=orders.first_order)
    found = of("swap_flip_rate", Evidence(orders=[other, orders])).bounds
    assert (found.value, found.n) == (0.5, 8)
    assert of("swap_flip_rate", Evidence(orders=[orders]), slice="hard").bounds.n == 4
    assert of("swap_flip_rate").bounds.reason == "no pair was judged in both orders"


def test_false_passes_and_fails_are_of_single_responses_that_it_judged():
    singles = Singles(
        {"people": np.array([1, 1, 1, 0, 0, 0, 0, -1]),
         "verifier": np.array([1, 0, -1, 0, 0, 1, -1, 1])},
        np.arange(8), ("hard",) * 4 + ("",) * 4,
    )  # fmt: skip
    passes, fails = (of(name, Evidence(singles=singles)) for name in
                     ("false_pass_rate", "false_fail_rate"))  # fmt: skip
    assert (passes.bounds.value, passes.bounds.n, passes.coverage) == (
        pytest.approx(1 / 3),
        3,
        0.75,
    )
    assert (fails.bounds.value, fails.bounds.n, fails.coverage) == (0.5, 2, pytest.approx(2 / 3))
    assert of("false_pass_rate", Evidence(singles=singles), slice="hard").bounds.value == 0
    assert "nobody labelled single responses" in of("false_pass_rate").bounds.reason


def test_the_alternative_annotator_test_and_calibration_decide_like_the_others():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 300)
    noisy = {f"p{k}": np.where(rng.random(300) < 0.8, truth, 1 - truth) for k in range(3)}
    said = noisy | {"good": truth, "bad": 1 - truth}
    made = from_labels(
        {name: [str(x) for x in codes] for name, codes in said.items()}, humans=list(noisy)
    )
    made = replace(made, sources=("people",) * 3 + ("good", "bad"))
    outcomes = {
        name: decide(
            (gate := Gate(name, 0.5, "drop", "alt_test_omega")),
            measured(gate, made, settings=SETTINGS),
        ).outcome
        for name in ("good", "bad")
    }
    assert outcomes == {"good": "pass", "bad": "fail"}
    stated = {"good": np.full(300, 0.9), "bad": np.full(300, 0.9)}
    errors = {
        name: measured(
            Gate(name, 0.3, "drop", "ece"), made, Evidence(stated=stated), SETTINGS
        ).bounds
        for name in stated
    }
    assert errors["bad"].lower > 0.7 and errors["good"].upper < 0.3
    gate = Gate("good", 0.3, "drop", "ece")
    assert "states no probability" in measured(gate, made, settings=SETTINGS).bounds.reason


def test_people_are_held_against_each_other():
    made = replace(TABLE, sources=("people", "people", "verifier"))
    found = measured(Gate("people", 0.5, "drop"), made, settings=SETTINGS).bounds
    pair = kappa_bounds(made.codes[:, 0], made.codes[:, 1], made.clusters)
    assert (found.value, found.lower, found.upper) == pytest.approx(
        (pair.value, pair.lower, pair.upper)
    )
    assert mean_kappa_bounds([made.codes[:, 0]], made.clusters).reason == "one person only"


def test_exact_bounds_of_a_share_are_clopper_and_pearsons():
    from scipy.stats import binomtest

    for hits, n in ((0, 30), (3, 40), (143, 145), (30, 30)):
        scores, clusters = np.repeat([1.0, 0.0], [hits, n - hits]), np.arange(n)
        found = share_bounds(scores, clusters, "")
        exact = binomtest(hits, n).proportion_ci(0.9, "exact")
        assert (found.lower, found.upper) == pytest.approx((exact.low, exact.high))
        # Every item twice is not twice the evidence.
        twice = share_bounds(np.repeat(scores, 2), np.repeat(clusters, 2), "")
        assert twice.upper == pytest.approx(found.upper, abs=0.02)
    assert share_bounds(np.zeros(0), np.zeros(0, dtype=int), "none").reason == "none"


@pytest.fixture(scope="module")
def simulated(repo_root):
    path = repo_root / "benchmarks" / "gates.py"
    spec = spec_from_file_location("benchmark_of_gates", path)
    sys.modules[spec.name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pairs_of_a_prompt_that_are_alike_count_as_one() -> None:
    once = share_bounds(np.tile([1.0, 1.0, 0.0], 40), np.arange(120), "")
    twice = share_bounds(
        np.repeat(np.tile([1.0, 1.0, 0.0], 40), 3), np.repeat(np.arange(120), 3), ""
    )
    assert (twice.lower, twice.upper) == pytest.approx((once.lower, once.upper), abs=0.005)
    codes, other = np.tile([0, 0, 1, 1], 30), np.tile([0, 1, 1, 1], 30)
    one = kappa_bounds(codes, other, np.arange(120))
    three = kappa_bounds(np.repeat(codes, 3), np.repeat(other, 3), np.repeat(np.arange(120), 3))
    assert (three.value, three.lower, three.upper) == pytest.approx(
        (one.value, one.lower, one.upper)
    )


def test_every_measure_is_measured_and_named_on_the_page():
    from harness.agreement.gate_evidence import _MEASURED
    from harness.report.gates import OPENINGS

    assert _MEASURED.keys() == MEASURES.keys() == OPENINGS.keys()


@pytest.mark.parametrize(
    ("case", "truth", "most"),
    [
        ("kappa >= .40, A/TIE/B", 0.35, 0.05), ("kappa >= .40, 80:20", 0.35, 0.05),
        ("flip rate <= .20", 0.25, 0.05), ("false pass <= .05", 0.07, 0.05),
        ("right >= .90", 0.85, 0.05), ("calibration <= .10", 0.15, 0.05),
    ],
)  # fmt: skip
def test_a_source_below_the_limit_seldom_passes(simulated, case, truth, most):
    found = simulated.shares(case, simulated.World(60, 2, 0.4), truth, 100)
    assert found["pass"] <= most


def test_a_good_source_passes_with_330_items(simulated):
    shares, world = simulated.shares, simulated.World(330, 1, 0.0)
    assert shares("kappa >= .60, A/TIE/B", world, 0.7, 100)["pass"] > 0.75
    assert shares("flip rate <= .20", world, 0.1, 100)["pass"] > 0.9
    by_estimate = shares("kappa >= .40, A/TIE/B", simulated.World(50, 1, 0.0), 0.35, 100)
    assert by_estimate["estimate"] > 0.2 and by_estimate["pass"] < 0.05
