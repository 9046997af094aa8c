"""Choosing among judges by labels, and proving the gain on others: by hand and on real data."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from harness.agreement.aligning import Calibration, calibrated, choose, prove, says_it
from harness.agreement.halves import chooses
from harness.statistics.arrays import IntArray

A, TIE, B = 0, 1, 2
CHATGPT, GPT4 = ("ChatGPT.Swap", True), ("GPT-4.Metrics_Reference", True)


def codes(text: str) -> IntArray:
    """Return codes of letters; a point is no verdict."""
    return np.array([".A=B".index(letter) - 1 for letter in text], dtype=np.int64)


def test_a_verdict_that_failed_does_not_say_what_people_say() -> None:
    found = says_it(codes("AB.=A"), codes("AAAA."))
    assert found[:4].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert np.isnan(found[4])


def test_only_labels_that_choose_are_looked_at_and_the_first_stays_unless_another_is_better() -> (
    None
):
    truth = codes("AAAABBBB.")
    said = {"now": codes("AAABAAAAA"), "same": codes("AABAAAAAA"), "other": codes("BBBBBBBBB")}
    choosing = np.array([True] * 4 + [False] * 4 + [True])
    best, rows = choose(said, truth, choosing)
    assert best == "now"
    assert [(row.name, row.share, row.coverage, row.n) for row in rows] == [
        ("now", 0.75, 1.0, 4), ("same", 0.75, 1.0, 4), ("other", 0.0, 1.0, 4),
    ]  # fmt: skip
    assert choose(said, truth, ~choosing)[0] == "other"
    failing = {"now": codes("AABB"), "failing": codes("A...")}  # right where it says anything
    assert choose(failing, codes("AAAA"), np.ones(4, dtype=bool))[0] == "now"


def test_a_gain_is_paired_and_clustered() -> None:
    """With one pair in a prompt the error is that of the paired difference, by hand."""
    n = 40
    truth = np.zeros(n, dtype=np.int64)
    before, after = truth.copy(), truth.copy()
    before[:14] = B  # 14 won
    after[36:] = B  # 4 lost
    clusters, every = np.arange(n), np.ones(n, dtype=bool)
    found = prove(before, after, truth, clusters, every)
    assert (found.won, found.lost, found.gain.n) == (14, 4, n)
    assert found.gain.value == pytest.approx(10 / 40)
    difference = np.array([1.0] * 14 + [0.0] * 22 + [-1.0] * 4)
    error = difference.std(ddof=1) / np.sqrt(n)
    assert found.gain.low == pytest.approx(0.25 - 2.0227 * error, abs=1e-4)
    assert found.gain.high == pytest.approx(0.25 + 2.0227 * error, abs=1e-4)
    assert found.is_proven
    twice = [np.concatenate([one, one]) for one in (before, after, truth, clusters)]
    same = prove(*twice, np.ones(2 * n, dtype=bool))
    assert (same.gain.low, same.gain.high) == pytest.approx((found.gain.low, found.gain.high))
    assert not prove(before, after, truth, clusters, clusters > 15).is_proven


@pytest.mark.parametrize(("won", "proven"), [(4, False), (5, False), (6, True), (7, True)])
def test_few_prompts_that_differ_prove_only_what_a_coin_would_not_do(
    won: int, proven: bool
) -> None:
    """Of five prompts all are won by chance in 1 of 32 cases, of six in 1 of 64."""
    truth = np.zeros(80, dtype=np.int64)
    before = np.where(np.arange(80) < won, B, A)
    found = prove(before, truth, truth, np.arange(80), np.ones(80, dtype=bool))
    assert found.gain.value == pytest.approx(won / 80)
    assert found.is_proven == proven


def test_labels_that_chose_prove_nothing() -> None:
    truth = np.zeros(60, dtype=np.int64)
    before = np.full(60, B)
    found = prove(before, truth, truth, np.arange(60), np.arange(60) >= 40)
    assert (found.gain.n, found.gain.clusters) == (20, 20)


def test_nothing_to_prove_on_is_no_gain() -> None:
    none = np.zeros(3, dtype=bool)
    found = prove(codes("AAA"), codes("AAA"), codes("AAA"), np.arange(3), none)
    assert (found.gain.value, found.is_proven) == (None, False)


def test_temperature_and_margin_are_those_that_people_imply() -> None:
    """A judge that states .95 and is right in 70%; people call it a tie where it is unsure."""
    rng = np.random.default_rng(3)
    n = 600
    truth = rng.choice((A, B), size=n)
    right = rng.random(n) < 0.7
    chance = np.where((truth == A) == right, 0.95, 0.05)
    unsure = rng.random(n) < 0.2
    chance[unsure] = np.where(rng.random(unsure.sum()) < 0.5, 0.54, 0.46)
    truth[unsure] = TIE
    found = calibrated(np.stack([chance, chance]), truth, A, B, TIE)
    # log-odds of .95 over log-odds of .7
    assert found.temperature == pytest.approx(np.log(19) / np.log(0.7 / 0.3), rel=0.15)
    assert 0 < found.tie_margin <= 0.05
    said = found.said(np.stack([chance, chance]), A, B, TIE)
    assert (said[unsure] == TIE).all()
    assert (said[~unsure] == np.where(chance > 0.5, A, B)[~unsure]).all()


def test_a_calibrated_judge_without_ties_is_left_alone() -> None:
    rng = np.random.default_rng(4)
    chance = rng.uniform(0.02, 0.98, size=4000)
    truth = np.where(rng.random(4000) < chance, A, B)
    assert calibrated(chance[None], truth, A, B, TIE) == Calibration()
    lost = Calibration(2.0, 0.1).said(np.array([[0.9, np.nan]]), A, B, TIE)
    assert lost.tolist() == [A, -1]


def test_of_published_judges_of_llmbar_a_better_prompt_is_chosen_and_proven(
    shared_data: Path,
) -> None:
    """Prompts of ChatGPT and of GPT-4, 419 pairs with gold labels, each in both orders."""
    said, truth, items = _llmbar(shared_data / "llmbar")
    half, each = chooses(items), np.arange(len(items))
    for model, proven in (("ChatGPT", CHATGPT), ("GPT-4", GPT4)):
        plain = f"{model}.Vanilla_NoRules"
        rivals = {plain: said[plain]} | {n: c for n, c in said.items() if n.startswith(model)}
        best, _ = choose(rivals, truth, half)
        gain = prove(said[plain], said[best], truth, each, ~half)
        assert (best, gain.is_proven) == proven
    gain = prove(said["ChatGPT.Vanilla"], said["GPT-4.Vanilla"], truth, each, ~half)
    assert gain.is_proven


def _llmbar(folder: Path) -> tuple[dict[str, IntArray], IntArray, list[str]]:
    import subprocess
    import sys
    import tempfile

    script = Path(__file__).parents[3] / "examples" / "pandalm_table.py"
    with tempfile.TemporaryDirectory() as made:
        table = Path(made) / "llmbar.csv"
        subprocess.run([sys.executable, script, folder, table], check=True, capture_output=True)
        with table.open(newline="") as file:
            rows = list(csv.DictReader(file))
    side = {"1": A, "2": B}
    found: dict[str, IntArray] = {}
    for column in rows[0]:
        if column.endswith(".ab"):
            both = [(side.get(r[column], -1), side.get(r[column[:-2] + "ba"], -1)) for r in rows]
            found[column[:-3]] = np.array(
                [-1 if -1 in pair else pair[0] if pair[0] == pair[1] else TIE for pair in both]
            )
    truth = np.array([side[row["gold"]] for row in rows])
    return found, truth, [f"{number}" for number in range(len(rows))]
