"""Rules of published tables that commands express: accuracy rules, F1, FP and FN, pi, numbers."""

import csv
import json

import numpy as np
import pytest
from in_process import harness

from harness.agreement.kappa import pairs_of, scott_pi


def write(path, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def rows_of(path):
    return {(row["name"], row["annotators"]): row for row in json.loads(path.read_text())["rows"]}


def agreed(folder, *more):
    done = harness(
        "agree", "t.csv", "--item-column", "item", "--json", "o.json", "--replicates", "200", *more,
        cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return rows_of(folder / "o.json"), done.stdout


def test_a_tie_that_is_said_may_count_as_right(tmp_path):
    gold, said = "ABABAB" * 5, "ATBTAB" * 5
    tie = {"T": "tie"}
    lines = [(i, g, tie.get(s, s)) for i, (g, s) in enumerate(zip(gold, said, strict=True))]
    write(tmp_path / "t.csv", ("item", "gold", "j"), *lines)
    rows, text = agreed(tmp_path, "--judges", "j", "--gold-column", "gold")
    assert rows["accuracy", "j"]["value"] == pytest.approx(3 / 6)
    assert rows["accuracy_or_tie", "j"]["value"] == pytest.approx(5 / 6)
    assert "a said tie is right" in " ".join(text.split())


def test_right_in_both_orders_is_no_mean_over_orders(tmp_path):
    gold = "ABABABABAB" * 3
    ab, ba = "ABABABAAAA" * 3, "ABABABBBBA" * 3
    write(tmp_path / "t.csv", ("item", "gold", "ab", "ba"), *zip(range(30), gold, ab, ba))  # noqa: B905
    rows, _ = agreed(tmp_path, "--orders", "j=ab:ba", "--gold-column", "gold")
    right = [(a == g) + (b == g) for g, a, b in zip(gold, ab, ba, strict=True)]
    assert rows["accuracy_both_orders", "j"]["value"] == pytest.approx(np.mean(right) / 2)
    both = rows["right_in_both_orders", "j"]
    assert both["value"] == pytest.approx(np.mean([r == 2 for r in right]))
    assert both["n"] == 30 and both["value"] < rows["accuracy_both_orders", "j"]["value"]


GOLD, SAID = "yyyyynnnnnnnnyn" * 3, "yyynnnnnnynn--n" * 3


def test_f1_counts_and_kappa_with_failures_as_a_label(tmp_path):
    lines = [
        (i, {"y": "yes", "n": "no"}[g], {"y": "yes", "n": "no", "-": "garbage"}[s])
        for i, (g, s) in enumerate(zip(GOLD, SAID, strict=True))
    ]
    write(tmp_path / "t.csv", ("item", "gold", "j"), *lines)
    rows, text = agreed(tmp_path, "--judges", "j", "--gold-column", "gold", "--failures-as", "no")
    pairs = [(s, g) for s, g in zip(SAID, GOLD, strict=True) if s != "-"]
    scored = [(s.replace("-", "n"), g) for s, g in zip(SAID, GOLD, strict=True)]
    for name, part in (("j", pairs), ("j, failures scored as no", scored)):
        for label, code in (("yes", "y"), ("no", "n")):
            hit = sum(s == code == g for s, g in part)
            false = sum(s == code != g for s, g in part)
            missed = sum(s != code == g for s, g in part)
            row = rows["f1", f"{name}: {label}"]
            assert row["value"] == pytest.approx(2 * hit / (2 * hit + false + missed))
            counts = f"TP {hit}, FP {false}, FN {missed}, TN {len(part) - hit - false - missed}"
            assert counts in row["reason"] and counts in " ".join(text.split())
            assert row["n"] == len(part)
    a, b = ([x[k] == "y" for x in scored] for k in (0, 1))
    chance = np.mean(a) * np.mean(b) + (1 - np.mean(a)) * (1 - np.mean(b))
    kappa = rows["cohen_kappa", "j, failures scored as no - gold"]
    assert kappa["value"] == pytest.approx((np.mean(np.equal(a, b)) - chance) / (1 - chance))
    assert ("cohen_kappa", "j - gold") in rows


def test_f1_against_gold_of_an_aggregate(tmp_path):
    lines = [(i, g, *(s.replace("-", "n"),) * 2) for i, (g, s) in enumerate(zip(GOLD, SAID))]  # noqa: B905
    write(tmp_path / "t.csv", ("item", "gold", "ann", "ben"), *lines)
    done = harness(
        "aggregate", "t.csv", "--item-column", "item", "--annotators", "ann,ben", "--method",
        "majority", "--gold-column", "gold", "--json", "o.json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {row["annotators"]: row for row in json.loads((tmp_path / "o.json").read_text())["f1"]}
    hit = sum(s == "y" == g for s, g in zip(SAID, GOLD, strict=True))
    false = sum(s == "y" != g for s, g in zip(SAID, GOLD, strict=True))
    missed = GOLD.count("y") - hit
    expected = 2 * hit / (2 * hit + false + missed)
    for who in ("majority: y", "ann: y", "ben: y"):
        assert found[who]["value"] == pytest.approx(expected)
        assert f"TP {hit}, FP {false}, FN {missed}" in found[who]["reason"]
    assert "F1 against gold" in done.stdout
    assert "judge" not in done.stdout


def test_scotts_pi_leaves_out_items_with_one_label_in_both_places():
    # Scott 1955 by hand: 8 items of both, 6 alike; a is 9 of 16 labels, b 7.
    first = np.array([0, 0, 0, 0, 1, 1, 1, 0, 0, -1, 1])
    second = np.array([0, 0, 0, 1, 1, 1, 1, 0, -1, 0, -1])
    first[3], second[6] = 0, 0
    found = scott_pi(pairs_of(first, second, np.arange(11), 2), "a - b")
    both = (first >= 0) & (second >= 0)
    labels = np.concatenate([first[both], second[both]])
    chance = np.mean(labels == 0) ** 2 + np.mean(labels == 1) ** 2
    observed = np.mean(first[both] == second[both])
    assert (found.value, found.n) == (pytest.approx((observed - chance) / (1 - chance)), 8)
    alone = scott_pi(pairs_of(first[both], second[both], np.arange(8), 2), "a - b")
    assert (alone.value, alone.low, alone.high) == (found.value, found.low, found.high)
    nobody = scott_pi(pairs_of(first, np.full(11, -1), np.arange(11), 2), "a - b")
    assert nobody.status == "undefined"
    same = scott_pi(pairs_of(np.zeros(9, int), np.zeros(9, int), np.arange(9), 2), "a - b")
    assert same.status == "undefined"


def test_agree_lists_scotts_pi_of_each_pair(tmp_path):
    lines = [(i, "xyxx"[i % 4], "xxyx"[i % 4]) for i in range(40)]
    write(tmp_path / "t.csv", ("item", "ann", "ben"), *lines)
    rows, text = agreed(tmp_path, "--people", "ann,ben")
    assert rows["scott_pi", "ann - ben"]["n"] == 40 and "Scott's pi" in text


NUMBERS = [
    ("i1", "1", "2", "9"),
    ("i2", "2.5", "", "3.5"),
    ("i3", "", "", ""),
    ("i4", "4", "4", "4"),
]
EXPECTED = {
    "mean": ["4", "3", "", "4"], "median": ["2", "3", "", "4"], "majority": ["2", "3", "", "4"],
    "agreement_weighted": None,
}  # fmt: skip


@pytest.mark.parametrize("scale", ["interval", "ratio"])
@pytest.mark.parametrize("method", EXPECTED)
def test_mean_and_median_of_numbers(tmp_path, method, scale):
    write(tmp_path / "t.csv", ("item", "ann", "ben", "cy"), *NUMBERS)
    done = harness(
        "aggregate", "t.csv", "--item-column", "item", "--annotators", "ann,ben,cy", "--method",
        method, "--scale", scale, "--out", "o.csv", "--json", "o.json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "o.csv").read_text().splitlines()))
    assert [(row["item"], row["n"]) for row in rows] == [
        ("i1", "3"), ("i2", "2"), ("i3", "0"), ("i4", "3"),
    ]  # fmt: skip
    if EXPECTED[method]:
        assert [row["value"] for row in rows] == EXPECTED[method]
    document = json.loads((tmp_path / "o.json").read_text())
    assert document["items"][2] == {"item": "i3", "value": None, "n": 0}
    said = " ".join(done.stdout.split())
    assert f"{method}: 4 items, 3 annotators, 8 numbers; 3 values" in said
    assert "1 item without a number" in said


def test_numbers_against_gold_numbers(tmp_path):
    lines = [(i, i % 5, i % 5 + (i % 2), i % 5) for i in range(40)]
    write(tmp_path / "t.csv", ("item", "gold", "ann", "ben"), *lines)
    asked = [
        "aggregate", "t.csv", "--item-column", "item", "--annotators", "ann,ben", "--method",
        "mean", "--scale", "interval", "--gold-column", "gold", "--json", "o.json",
    ]  # fmt: skip
    done = harness(*asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scores = json.loads((tmp_path / "o.json").read_text())["scores"]
    found = {(row["name"], row["annotators"]): row["value"] for row in scores}
    gold = np.array([x[1] for x in lines], float)
    mean = np.array([(x[2] + x[3]) / 2 for x in lines])
    assert found["pearson_r", "mean"] == pytest.approx(np.corrcoef(gold, mean)[0, 1])
    assert found["concordance", "ben"] == pytest.approx(1.0)
    assert "Agreement with the gold numbers" in done.stdout


WRONG = {
    "median of labels": (["--method", "median"], "median needs numbers"),
    "a model of numbers": (["--method", "glad", "--scale", "interval"], "scale gives numbers"),
    "no such scale": (["--method", "mean", "--scale", "intervall"], "interval"),
    "gold labels of numbers": (
        ["--method", "mean", "--scale", "interval", "--gold", "t.csv"], "--gold-column",
    ),
    "nobody is named": (["--annotators", ""], "--annotators (harness aggregate)"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_expressible_says_why(tmp_path, case):
    write(tmp_path / "t.csv", ("item", "ann", "ben", "cy"), *NUMBERS)
    more, message = WRONG[case]
    done = harness(
        "aggregate", "t.csv", "--item-column", "item", "--annotators", "ann,ben,cy", *more,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert message in " ".join(done.stderr.split())


def test_gold_outside_the_labels_is_told_in_a_line(tmp_path):
    texts = [
        f"label number {k} with a long description of what it means to people" for k in range(40)
    ]
    write(tmp_path / "t.csv", ("item", "ann", "ben"), *((i, t, t) for i, t in enumerate(texts)))
    gold = [(i, f"a strange label {i} of some length that nobody ever gave") for i in range(30)]
    write(tmp_path / "g.csv", ("item", "label"), *gold)
    done = harness(
        "aggregate", "t.csv", "--item-column", "item", "--annotators", "ann,ben", "--gold", "g.csv",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    rows = [line for line in lines if line.startswith("  - row")]
    assert rows and max(map(len, rows)) < 100
    assert (
        rows[0]
        == "  - row 2: 'a strange label 0 of some length that no...' is none of the 40 labels"
    )
    said = " ".join(done.stderr.split())
    assert (
        "and 32 more; leave unknown gold labels empty" in said and said.count("label number 0") == 1
    )


@pytest.mark.parametrize("gold", [("positive", "negative"), ("z" * 400, "y" * 400)])
def test_gold_labels_that_nobody_gives_are_told(tmp_path, gold):
    rows = [(i, *(("pos", "neg")[(i + k) % 2] for k in (0, 0, 1)), gold[i % 2]) for i in range(20)]
    write(tmp_path / "t.csv", ("item", "a", "b", "c", "gold"), *rows)
    of_file = ("--item-column", "item", "--gold-column", "gold")
    agree, aggregate = ("--people", "a,b", "--judges", "c"), ("--annotators", "a,b,c")
    for command, who in (("agree", agree), ("aggregate", aggregate)):
        said = harness(command, "t.csv", *of_file, *who, cwd=tmp_path).stdout
        words = " ".join(said.split())
        assert "the annotators and the gold labels have no label in common (neg, pos agai" in words
        assert command == "agree" or said.count("z" * 60) == 0
    rows = [(*row[:-1], "pos") for row in rows]
    write(tmp_path / "t.csv", ("item", "a", "b", "c", "gold"), *rows)
    assert "in common" not in harness("agree", "t.csv", *of_file, *agree, cwd=tmp_path).stdout


def test_people_who_err_together_are_called_annotators(tmp_path):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 60)
    shared = np.where(rng.random(60) < 0.7, truth, 1 - truth)
    lines = [(i, *("ab"[v] for v in (truth[i], *(shared[i],) * 5))) for i in range(60)]
    write(tmp_path / "t.csv", ("item", "gold", *"pqrst"), *lines)
    done = harness(
        "aggregate", "t.csv", "--item-column", "item", "--annotators", "p,q,r,s,t", "--gold-column",
        "gold", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "5 annotators are worth 1.0" in " ".join(done.stdout.split())
    assert "judge" not in done.stdout
