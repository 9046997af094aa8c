"""A gate on a bias: it reads what probe-judge wrote, of the same judge, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from judge_commands import invoke

from harness.experiment.gate_config import GateConfig
from harness.experiment.probe_evidence import read_probes
from harness.nouns.errors import DataError
from harness.nouns.gate import Gate
from harness.nouns.schema import SourceInfo
from harness.report.gates import gate_sentence
from harness.report.wording import Names


def row(bias: str, value: float | None, lower: float, upper: float, found: bool = True) -> dict:
    ends = {"excess": value, "low": lower, "high": upper, "lower": lower, "upper": upper}
    if value is None:
        ends = dict.fromkeys(ends)
    return {
        "bias": bias, **ends, "error": 0.02, "n": 150, "clusters": 150, "found": found,
        "reason": "" if value is not None else "not possible: it is a function",
    }  # fmt: skip


@pytest.fixture
def probes(tmp_path: Path) -> Path:
    path = tmp_path / "probes.json"
    rows = [
        row("length", 0.3, 0.25, 0.35), row("format", 0.01, -0.02, 0.05, found=False),
        row("authority", 0.12, 0.06, 0.18), row("pushback", None, 0, 0, found=False),
    ]  # fmt: skip
    path.write_text(json.dumps({"source": "gpt", "version": "1", "probes": rows}))
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    lines = [
        "item,ann,bob,gpt",
        *(f"i{n},A,{'AB'[n % 3 == 0]},{'AB'[n % 4 == 0]}" for n in range(60)),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("bias", "decided", "weight", "told"),
    [
        ("length", "fail", 0.0, "dropped: length bias beyond a placebo 0.30, at least 0.25"),
        ("format", "pass", 1.0, "passed: format bias beyond a placebo 0.01, at most 0.05"),
        ("authority", "undecided", 0.0, "more verdicts would decide if it stays there"),
        ("pushback", "undecided", 0.0, "is undefined (not possible: it is a function)"),
        ("position", "undecided", 0.0, "it was not probed: harness probe-judge --bias position"),
    ],
)
def test_a_gate_on_a_bias_has_three_outcomes(
    bias: str, decided: str, weight: float, told: str, probes: Path, labels: Path, tmp_path: Path
) -> None:
    out = tmp_path / "agreement.json"
    done = invoke(
        "agree", labels, "--people", "ann,bob", "--judges", "gpt", "--probes", probes,
        "--gate", f"gpt=maximum_bias:0.1:drop,bias={bias}", "--out", out, "--replicates", "100",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (gate,) = json.loads(out.read_text())["gates"]
    assert (gate["outcome"], gate["weight"], gate["bias"]) == (decided, weight, bias)
    said = gate_sentence(gate, Names())
    assert told in gate["reason"] and said in " ".join(done.output.split())
    assert (f"{bias} bias that turns" in said) == (gate["value"] is not None), said


def test_without_probes_nothing_could_be_measured_and_the_command_says_how(labels: Path) -> None:
    done = invoke(
        "agree", labels, "--people", "ann,bob", "--judges", "gpt", "--replicates", "100",
        "--gate", "gpt=maximum_bias:0.1:warn,bias=length,undecided=train",
    )  # fmt: skip
    said = " ".join(done.output.split())
    assert done.exit_code == 0 and "undecided, used all the same: length bias" in said
    assert "harness probe-judge --bias length measures it" in said


def test_the_worst_bias_of_the_answer_is_that_of_the_probes(probes: Path, labels: Path) -> None:
    words = "agree", labels, "--people", "ann,bob", "--judges", "gpt", "--replicates", "100"
    said = " ".join(invoke(*words, "--probes", probes).output.split())
    assert "Worst bias found: length, which turns 30% of its verdicts beyond a placebo" in said
    assert "length, beyond a placebo" in said and "Biases beyond a placebo" in said
    assert "Worst bias found" not in " ".join(invoke(*words).output.split())
    content = json.loads(probes.read_text())
    content["probes"] = [content["probes"][1], content["probes"][3]]  # one could not be measured
    probes.write_text(json.dumps(content))
    assert "No bias found in 1 probe" in " ".join(invoke(*words, "--probes", probes).output.split())


def test_probes_of_another_version_say_nothing_of_this_judge(probes: Path) -> None:
    same, other = (SourceInfo("gpt", version, "judge") for version in ("1", "2"))
    assert read_probes([probes], {"gpt": same})["gpt"]["length"].bounds.value == 0.3
    found = read_probes([probes], {"gpt": other})["gpt"]["length"]
    assert found.bounds.value is None and not found.found
    assert "is of version 1, and the judge is 2 now" in found.bounds.reason


def test_a_file_that_is_none_of_probe_judge_is_one_error(probes: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="probes of gpt in another file"):
        read_probes([probes, probes])
    good = json.loads(probes.read_text())
    broken = [
        {}, {**good, "probes": 3}, {**good, "probes": [{**good["probes"][0], "excess": "x"}]},
        {**good, "probes": [{**good["probes"][0], "bias": "lenght"}]},
        {**good, "probes": [{**good["probes"][0], "upper": None}]},
        {**good, "probes": [{**good["probes"][0], "lower": 7}]},
    ]  # fmt: skip
    for content in broken:
        path = tmp_path / "broken.json"
        path.write_text(json.dumps(content))
        with pytest.raises(DataError, match="not what harness probe-judge --out writes"):
            read_probes([path])


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"maximum_bias": 0.1}, "maximum_bias and bias go together"),
        ({"minimum_kappa": 0.1, "bias": "length"}, "maximum_bias and bias go together"),
        ({"maximum_bias": 0.1, "bias": "lenght"}, "no bias is called 'lenght'; did you mean"),
        ({"maximum_bias": 0.1, "bias": "length", "slice": "hard"}, "slice is not for maximum_bias"),
    ],
)
def test_a_gate_on_a_bias_names_one(keys: dict, told: str) -> None:
    with pytest.raises(ValueError) as error:
        GateConfig(source="gpt", action="drop", **keys)
    assert told.split(";")[0] in str(error.value)
    gate = GateConfig(source="gpt", action="drop", maximum_bias=0.1, bias="length").gate()
    assert gate == Gate("gpt", 0.1, "drop", "bias", bias="length")
