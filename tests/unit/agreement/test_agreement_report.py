"""The whole report on tables of every kind: it holds together, and nothing is NaN."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from harness.agreement import Settings, agreement_report
from harness.agreement.drawings import drawings
from harness.ratings.evidence import Evidence
from harness.ratings.table import from_labels

FAST = Settings(replicates=200)


def noisy(seed, n, annotators, labels, gaps):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(labels), n)
    columns = {}
    for name in annotators:
        said = np.where(rng.random(n) < 0.7, truth, rng.integers(0, len(labels), n))
        columns[name] = [None if rng.random() < gaps else labels[k] for k in said]
    return columns


def check(report):
    for row in report.statistics:
        for value in (row.value, row.low, row.high):
            assert value is None or math.isfinite(value), row
        if row.status in ("undefined", "not_applicable"):
            assert row.value is None and row.reason, row
        else:
            assert row.value is not None, row
        if row.low is not None:
            assert row.low <= row.value <= row.high, row
    json.dumps(report.as_dict(), allow_nan=False)
    json.dumps(asdict(drawings(report)), allow_nan=False)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_every_level(level):
    names = ["ann", "bob", "cy", "gpt", "panda"]
    columns = noisy(1, 120, names, ["1", "2", "3", "4"], 0.1)
    table = from_labels(columns, humans=names[:3], level=level)
    report = agreement_report(table, settings=FAST)
    check(report)
    found = {row.name for row in report.statistics}
    assert f"krippendorff_alpha_{level}" in found
    if level in ("interval", "ratio"):
        assert {"icc2", "concordance"} <= found
        assert "accuracy" not in found and "cohen_kappa" not in found
    if level == "nominal":
        assert "cohen_kappa_linear" not in found and "icc2" not in found
    if level == "ordinal":
        assert {"cohen_kappa_quadratic", "gwet_ac2_linear"} <= found


def test_hundreds_of_annotators_with_most_cells_missing():
    names = [f"p{i}" for i in range(300)]
    columns = noisy(2, 400, [*names, "gpt"], ["a", "b", "c"], 0.97)
    table = from_labels(columns, humans=names)
    report = agreement_report(table, settings=FAST)
    check(report)
    each = [row for row in report.statistics if row.name == "person_against_rest"]
    assert len(each) == 300 and len(report.statistics) - len(each) < 100
    assert any("pairs of people are not listed" in n for s in report.sections for n in s.notes)


@pytest.mark.parametrize(
    "columns",
    [
        {"ann": ["a"], "gpt": ["b"]},
        {"ann": ["a", None], "gpt": [None, "a"]},
        {"ann": ["a"] * 40, "gpt": ["a"] * 40},
        {"ann": ["a", "b"] * 40, "bob": ["a", "b"] * 40, "cy": ["a", "b"] * 40,
         "gpt": ["a", "b"] * 40},
        {"ann": [None] * 5, "gpt": [None] * 5},
    ],
)  # fmt: skip
def test_degenerate_tables_give_reasons_not_numbers(columns):
    people = [name for name in columns if name != "gpt"]
    categories = ["a", "b"]
    check(
        agreement_report(from_labels(columns, humans=people, categories=categories), settings=FAST)
    )


def test_evidence_brings_its_sections():
    rng = np.random.default_rng(3)
    names = ["ann", "bob", "cy", "gpt", "old"]
    table = from_labels(noisy(4, 300, names, ["A", "TIE", "B"], 0.0), humans=names[:3],
                        categories=["A", "TIE", "B"], tie="TIE")  # fmt: skip
    evidence = Evidence(
        stated={"gpt": rng.uniform(0.4, 1.0, 300)},
        length_gap=rng.normal(size=300),
        own_family={"gpt": rng.integers(-1, 2, 300).astype(float)},
        retests={"gpt": table.codes[:, 4]},
        drifts=[("old", "gpt")],
    )
    report = agreement_report(table, settings=FAST, evidence=evidence)
    check(report)
    found = {row.name for row in report.statistics}
    assert {
        "length_bias", "self_preference", "test_retest_kappa", "ece", "brier_resolution",
        "drift_accuracy", "cascade_coverage", "label_budget", "effective_judges",
        "vote_agreement_ties_kept", "vote_agreement_ties_removed", "alt_test_omega",
    } <= found  # fmt: skip


def test_plugins_add_rows():
    from harness.statistics.estimate import Estimate

    table = from_labels({"ann": ["a", "b"] * 20, "gpt": ["a", "b"] * 20}, humans=["ann"])
    report = agreement_report(
        table,
        settings=FAST,
        extra={"Mine": lambda t: [Estimate(1.0, n=40, name="mine", annotators="all")]},
    )
    assert report.find("mine", "all").value == 1.0
    assert report.rows()[-1]["section"] == "Mine"


def test_a_confusion_matrix_has_the_truth_in_its_rows():
    columns = {"p": ["a", "b", "a", "b", "b", None], "j": ["a", "a", "a", "a", "b", "b"]}
    drawn = drawings(agreement_report(from_labels(columns, humans=["p"])))
    (matrix,) = drawn.confusion
    # Both a's are called a; of the three b's two are called a. The last has no truth.
    assert matrix.counts == ((2, 0), (2, 1))
    assert (matrix.annotator, drawn.categories) == ("j", ("a", "b"))
    assert drawn.labels == {"p": (2, 3), "j": (4, 2)}
