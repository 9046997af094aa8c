"""Golden cases of the verdict parsers: every line is something that a judge may say."""

from pathlib import Path

import pytest
import yaml

from harness.judging.verdicts import read_pair, read_ranking, read_score
from harness.nouns.scale import BINARY, UNIT, Scale

FOLDER = Path(__file__).parent / "verdicts"
SCALES = {
    "five": Scale("ordinal", ("1", "2", "3", "4", "5")),
    "ten": Scale("interval", low=1, high=10),
    "unit": UNIT,
    "words": Scale("ordinal", ("bad", "fair", "good")),
    "binary": BINARY,
}


def cases(name):
    rows = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return [pytest.param(row, id=f"{n}-{row['reply'][:24]!r}") for n, row in enumerate(rows)]


def expect(verdict, row):
    if "status" in row:
        assert (verdict.status.value, verdict.value) == (row["status"], None)
        assert verdict.rationale
    else:
        assert verdict.status.value == "ok", verdict
        assert verdict.value == row["value"] and type(verdict.value) is type(row["value"])


@pytest.mark.parametrize("row", cases("pairs.yaml"))
def test_pair(row):
    expect(read_pair(row["reply"], row.get("prompt", ""), row.get("cut", False)), row)


def kinds(name):
    """Replies under the value that they mean; "A?" is A or a failure, "none" a failure."""
    for group in yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")):
        kind, prompt = group.pop("kind"), group.pop("prompt", "")
        for right, replies in group.items():
            for reply in replies:
                yield pytest.param(prompt, reply, right, id=f"{kind}: {right}: {reply[:40]!r}")


@pytest.mark.parametrize(("prompt", "reply", "right"), list(kinds("pair_kinds.yaml")))
def test_kinds_of_pairs(prompt, reply, right):
    verdict = read_pair(reply, prompt)
    allowed = (right[:-1], None) if right.endswith("?") else (right if right != "none" else None,)
    assert verdict.value in allowed, verdict
    assert verdict.value or verdict.rationale or not reply


@pytest.mark.parametrize("row", cases("scores.yaml"))
def test_score(row):
    expect(read_score(row["reply"], SCALES[row["scale"]], "", row.get("cut", False)), row)


@pytest.mark.parametrize("row", cases("rankings.yaml"))
def test_ranking(row):
    if "value" in row:
        row = {**row, "value": tuple(row["value"])}
    expect(read_ranking(row["reply"], ("A", "B", "C")), row)


@pytest.mark.parametrize("row", cases("injections.yaml"))
def test_only_the_judges_own_words_are_a_verdict(row):
    prompt = f'{row.get("material", "")}\nEnd with one line: "Verdict: A" or "Verdict: B".'
    expect(read_pair(row["reply"], prompt, row.get("cut", False)), row)
