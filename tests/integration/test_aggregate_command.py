"""``harness aggregate`` and ``harness plan-labels`` on plain tables."""

import csv
import json
import re

import numpy as np
import pytest
from in_process import harness


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A panel of three good annotators and a contrary one, its gold labels, and an arena."""
    path = tmp_path_factory.mktemp("aggregate")
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 200)
    names = ["ann", "bob", "cy", "contrary"]
    with (path / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item", *names])
        for i, t in enumerate(truth):
            said = [t if rng.random() < 0.85 else 1 - t for _ in range(3)]
            said.append(1 - t if rng.random() < 0.85 else t)
            writer.writerow([f"i{i}", *(["no", "yes"][s] for s in said)])
    with (path / "gold.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item", "label"])
        writer.writerows([f"i{i}", ["no", "yes"][t]] for i, t in enumerate(truth[:150]))
    with (path / "arena.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model_a", "model_b", "winner"])
        for _ in range(400):
            a, b = rng.choice(["strong", "middle", "weak"], 2, replace=False)
            order = {"strong": 1.0, "middle": 0.0, "weak": -1.0}
            p = 1 / (1 + np.exp(-(order[a] - order[b])))
            winner = "tie" if rng.random() < 0.2 else "model_a" if rng.random() < p else "model_b"
            writer.writerow([a, b, winner])
    return path


@pytest.mark.parametrize(
    "method",
    [
        "majority",
        "soft",
        "agreement_weighted",
        "dawid_skene",
        "one_coin",
        "mace",
        "glad",
        "stacking",
    ],
)
def test_every_method_gives_labels_with_probabilities(folder, method):
    done = harness(
        "aggregate", "labels.csv", "--method", method, "--annotators", "ann,bob,cy,contrary",
        "--item-column", "item", "--gold", "gold.csv", "--out", f"{method}.csv",
        "--json", f"{method}.json", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((folder / f"{method}.csv").read_text().splitlines()))
    assert len(rows) == 200
    for row in rows:
        assert float(row["p:no"]) + float(row["p:yes"]) == pytest.approx(1.0, abs=2e-6)
        assert row["label"] in ("no", "yes") or float(row["p:no"]) == 0.5  # a tie has no label
    document = json.loads((folder / f"{method}.json").read_text())
    assert len(document["annotators"]) == 4
    accuracy = document["accuracy"][0]
    assert accuracy["n"] <= 150 and accuracy["low"] < accuracy["value"] < accuracy["high"]
    if method in ("dawid_skene", "one_coin", "glad", "stacking"):
        # These know that "contrary" says the opposite.
        assert accuracy["value"] > 0.9
    assert "Accuracy against gold" in done.stdout


def test_the_best_model_is_better_than_the_vote(folder):
    found = {
        method: json.loads((folder / f"{method}.json").read_text())["accuracy"][0]["value"]
        for method in ("soft", "dawid_skene")
        if (folder / f"{method}.json").exists()
    }
    if len(found) < 2:
        pytest.skip("needs the files of the test above")
    assert found["dawid_skene"] >= found["soft"]


def test_systems_are_ranked(folder):
    done = harness(
        "aggregate", "arena.csv", "--method", "davidson", "--first-column", "model_a",
        "--second-column", "model_b", "--label-column", "winner", "--json", "rank.json",
        cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads((folder / "rank.json").read_text())
    assert [s["system"] for s in document["strengths"]] == ["strong", "middle", "weak"]
    low, high = document["effects"]["position"][1:]
    assert low < 0 < high
    assert re.search(r"standing first: [+-]0\.\d+ log-odds", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["labels.csv", "--method", "dawid-skene"], "did you mean dawid_skene?"),
        (["labels.csv", "--method", "stacking", "--annotators", "ann,bob"], "gold labels"),
        (["labels.csv", "--annotators", "ann,zoe"], "columns: item, ann"),
        (["labels.csv", "--annotators", "ann", "--gold", "gold.csv"], "--gold needs"),
        (["arena.csv", "--method", "davidson"], "--first-column"),
        (
            ["labels.csv", "--method", "davidson", "--first-column", "ann", "--second-column",
             "bob", "--label-column", "cy"],
            "comparisons are not understood",
        ),
    ],
)  # fmt: skip
def test_wrong_input_gives_one_clear_error(folder, arguments, message):
    done = harness("aggregate", *arguments, cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_gold_that_does_not_fit_is_named_row_by_row(folder):
    (folder / "wrong.csv").write_text("item,label\ni0,yes\ni0,no\nx9,yes\ni1,maybe\n")
    done = harness("aggregate", "labels.csv", "--annotators", "ann,bob", "--item-column", "item",
                   "--gold", "wrong.csv", cwd=folder)  # fmt: skip
    assert done.returncode == 2
    for line in ("row 3: item 'i0' stands already", "row 4: item 'x9'", "row 5: 'maybe' is none"):
        assert line in done.stderr


def test_plan_labels(tmp_path):
    done = harness("plan-labels", "--half-width", "0.05", "--correlation", "0.8", cwd=tmp_path)
    assert done.returncode == 0
    assert re.search(r"people alone +385", done.stdout)
    assert re.search(r"rho 0.80 +139", done.stdout)
    wrong = harness("plan-labels", "--rate", "1.5", cwd=tmp_path)
    assert wrong.returncode == 2 and "--rate must be between 0 and 1" in wrong.stderr


def test_the_page_of_agree_is_one_safe_file(folder):
    text = (folder / "labels.csv").read_text().replace("contrary", "<script>alert(1)</script>")
    (folder / "odd.csv").write_text(text)
    done = harness("agree", "odd.csv", "--people", "ann,bob,cy", "--judges",
                   "<script>alert(1)</script>", "--html", "page.html", cwd=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (folder / "page.html").read_text()
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    assert page.count("<svg") >= 4
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "human ceiling" in page


@pytest.fixture(scope="module")
def gated(folder):
    """agreement.json of three people, a judge that knows the truth often, and one that never does.

    Returns the command that ``harness agree`` says is next.
    """
    done = harness(
        "agree", "labels.csv", "--people", "ann,bob", "--judges", "cy,contrary", "--gate",
        "contrary=0.3:drop", "--gate", "cy=0.9:down_weight", "--out", "agreement.json",
        "--replicates", "100", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("next: harness ")[2].split()


def test_the_gates_of_a_table_weigh_its_annotators(folder, gated):
    """Whom a gate dropped is not heard by any method; kappas are those with people."""
    done = harness(*gated, "--json", "by-gates.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "contrary is left out, by agreement.json: its gate: dropped: kappa with people" in told
    kappas = json.loads((folder / "agreement.json").read_text())["kappas"]
    assert set(kappas) == {"ann", "bob", "cy", "contrary"}
    assert kappas["ann"] == kappas["bob"] > 0.3 and kappas["contrary"] < 0
    assert f"cy counts with weight {kappas['cy']:g}"[:28] in told
    everybody = "aggregate", "labels.csv", "--annotators", "ann,bob,cy,contrary"
    for method in ("dawid_skene", "majority"):
        files = [folder / f"{method}-{how}.csv" for how in ("gates", "hand")]
        one = harness(*everybody, "--method", method, "--agreement", "agreement.json",
                      "--out", files[0], cwd=folder)  # fmt: skip
        left = json.loads((folder / "agreement.json").read_text())["gates"][1]["weight"]
        assert 0 < left < 1
        two = harness("aggregate", "labels.csv", "--annotators", "ann,bob,cy", "--method", method,
                      "--weight", f"cy={left}", "--out", files[1], cwd=folder)  # fmt: skip
        assert one.returncode == two.returncode == 0, one.stderr + two.stderr
        assert files[0].read_bytes() == files[1].read_bytes()
        how = "in full, as dawid_skene finds itself" if method == "dawid_skene" else "with weight"
        assert f"cy counts {how}" in " ".join(one.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["labels.csv", "--annotators", "contrary"], "no weight is left of contrary"),
        (["labels.csv", "--annotators", "ann,zoe"], "zoe"),
        (["arena.csv", "--method", "davidson", "--first-column", "model_a", "--second-column",
          "model_b", "--label-column", "winner"], "comparisons of systems have no --agreement"),
        (["renamed.csv", "--annotators", "gpt,panda"], "its gates are of others: ann, bob, contr"),
    ],
)  # fmt: skip
def test_gates_that_cannot_weigh_a_table_are_refused(folder, gated, arguments, message):
    text = (folder / "labels.csv").read_text()
    (folder / "renamed.csv").write_text(text.replace("ann,bob,cy", "gpt,panda,cy", 1))
    done = harness("aggregate", *arguments, "--agreement", "agreement.json", cwd=folder)
    assert done.returncode == 2 and message in done.stderr
