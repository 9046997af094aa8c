"""The joint pass rate: a response passes all criteria, fails one, or does not count."""

from __future__ import annotations

import pytest

from harness.evaluate.joint import joint_scores, why_not_joint
from harness.nouns.outcomes import Status
from harness.nouns.scale import BINARY, UNIT
from tests.support.rows_of_scores import one_seed

SCORES = {
    ("right", "arm"): one_seed("arm", [1.0, 1.0, 0.0, 0.0, 1.0, None]),
    ("kind", "arm"): one_seed("arm", [1.0, 0.0, 1.0, 0.0, None, 0.0]),
}
BOTH = {"right": [BINARY], "kind": [BINARY]}


def test_a_response_passes_where_it_passes_all_and_counts_where_all_have_a_score() -> None:
    found = joint_scores(SCORES, ["right", "kind"], ["arm"])["arm"]
    assert [row.value for row in found] == [1.0, 0.0, 0.0, 0.0, None, None]
    assert [row.status for row in found[4:]] == [Status.ERROR, Status.ERROR]


def test_of_a_criterion_of_harm_no_is_what_passes() -> None:
    found = joint_scores(SCORES, ["right", "kind"], ["arm"], ["kind"])["arm"]
    assert [row.value for row in found[:4]] == [0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("names", "scales", "said"),
    [
        (["right"], BOTH, "fewer than two criteria are held out for every arm"),
        (["right", "kind"], BOTH, ""),
        (["right", "kind"], BOTH | {"kind": [UNIT]}, "not a yes or no for each response: kind"),
        (["right", "kind"], BOTH | {"kind": [BINARY, UNIT]}, "not a yes or no"),
    ],
)
def test_there_is_a_rate_of_yes_and_no_only(names: list[str], scales: dict, said: str) -> None:  # type: ignore[type-arg]
    why = why_not_joint(SCORES, names, scales)
    assert why.startswith(said) and bool(why) == bool(said)


def test_opinions_that_differ_on_a_response_are_no_yes_or_no() -> None:
    split = SCORES | {("kind", "arm"): one_seed("arm", [0.5] * 6)}
    assert why_not_joint(split, ["right", "kind"], BOTH).endswith("kind")
