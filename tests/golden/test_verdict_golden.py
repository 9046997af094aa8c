"""Golden cases of the verdict parsers: every line is something that a judge may say."""

from pathlib import Path

import pytest
import yaml

from harness.judging.verdicts import read_pair, read_ranking, read_score, read_scores
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, UNIT, Scale

FOLDER = Path(__file__).parent / "verdicts"
SCALES = {
    "five": Scale("ordinal", ("1", "2", "3", "4", "5")),
    "ten": Scale("interval", low=1, high=10),
    "unit": UNIT,
    "words": Scale("ordinal", ("bad", "fair", "good")),
    "binary": BINARY,
    "percent": Scale("interval", low=0, high=100),
    "big": Scale("interval", low=0, high=10000),
    "signed": Scale("interval", low=-3, high=3),
    "signs": Scale("ordinal", ("-1", "0", "1")),
    "halves": Scale("ordinal", ("1", "1.5", "2")),
    "grades": Scale("ordinal", ("F", "D", "C-", "C", "C+", "B-", "B", "B+", "A-", "A", "A+")),
    "letters": Scale("ordinal", ("F", "D", "C", "B", "A")),
    "help": Scale("ordinal", ("not helpful", "somewhat helpful", "helpful", "very helpful")),
    "agree": Scale(
        "ordinal", ("strongly disagree", "disagree", "neutral", "agree", "strongly agree")
    ),
    "relevance": Scale("ordinal", ("irrelevant", "partially relevant", "relevant")),
    "snake": Scale("ordinal", ("very_bad", "bad", "good", "very_good")),
    "numbered": Scale("ordinal", ("1 - poor", "2 - fair", "3 - good")),
    "unsure": Scale("nominal", ("0", "1", "2", "unsure")),
    "three": Scale("nominal", ("Yes", "Partially", "No")),
}
CRITERIA = (
    Criterion("accuracy", "Is it right?", SCALES["five"]),
    Criterion("tone", "Is it kind?", SCALES["ten"]),
    Criterion("task_success", "Is it done?", BINARY, weight=2),
)


def cases(name):
    rows = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return [pytest.param(row, id=f"{n}-{row['reply'][:24]!r}") for n, row in enumerate(rows)]


def groups(name):
    rows = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return [pytest.param(row, id=f"{row['kind']}, {row.get('scale', '')}") for row in rows]


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


@pytest.mark.parametrize(("prompt", "reply", "right"), list(kinds("ranking_kinds.yaml")))
def test_kinds_of_rankings(prompt, reply, right):
    verdict = read_ranking(reply, ("A", "B", "C"), prompt)
    order = None if right == "none" else tuple(right.removesuffix("?"))
    assert verdict.value in ((order, None) if right.endswith("?") else (order,)), verdict
    assert verdict.value or verdict.rationale


@pytest.mark.parametrize("row", cases("scores.yaml"))
def test_score(row):
    expect(read_score(row["reply"], SCALES[row["scale"]], "", row.get("cut", False)), row)


@pytest.mark.parametrize("row", groups("scores_by_kind.yaml"))
def test_score_by_kind(row):
    read = {
        r: read_score(r, SCALES[row["scale"]], "", row.get("cut", False)) for r in row["replies"]
    }
    values = {reply: verdict.value for reply, verdict in read.items()}
    assert values == dict.fromkeys(row["replies"], row.get("value"))
    assert {type(value) for value in values.values()} == {type(row.get("value"))}
    assert all(verdict.rationale for verdict in read.values() if verdict.value is None)


@pytest.mark.parametrize("row", groups("criteria.yaml"))
def test_scores_of_several_criteria(row):
    for reply in row["replies"]:
        verdict = read_scores(reply, CRITERIA, "", row.get("cut", False))
        if "value" in row:
            assert verdict.rationale == "; ".join(f"{k}: {v}" for k, v in row["value"].items())
            units = [c.weight * c.scale.to_unit(row["value"][c.id]) for c in CRITERIA]
            assert verdict.value == pytest.approx(sum(units) / 4), reply
        else:
            assert verdict.value is None, reply
            assert verdict.rationale.startswith(f"{row['names']}: "), reply


@pytest.mark.parametrize("row", cases("rankings.yaml"))
def test_ranking(row):
    if "value" in row:
        row = {**row, "value": tuple(row["value"])}
    expect(read_ranking(row["reply"], ("A", "B", "C")), row)


@pytest.mark.parametrize("row", cases("injections.yaml"))
def test_only_the_judges_own_words_are_a_verdict(row):
    prompt = f'{row.get("material", "")}\nEnd with one line: "Verdict: A" or "Verdict: B".'
    expect(read_pair(row["reply"], prompt, row.get("cut", False)), row)
