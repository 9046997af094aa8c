"""The agreement report on a narrow terminal: the answer first, short names, one note for all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from printed import on_a_terminal

from harness.agreement import AgreementReport, Settings, agreement_report
from harness.ratings.table import from_labels
from harness.report.agreement_terminal import LONGEST_NAME, shortened, terminal_blocks

PEOPLE = ("people/ann", "people/ben", "people/cy")
JUDGES = ("jury/hosted_vllm/a_s2_think", "jury/hosted_vllm/b_s5_rc_cut", "jury/hosted_vllm/c_wrong")


@pytest.fixture(scope="module")
def report() -> AgreementReport:
    truth = ["A", "B", "A", "B", "B", "B", "A", "B", "A", "B", "B", "B"]
    labels: dict[str, Any] = {name: list(truth) for name in (*PEOPLE, *JUDGES[:2])}
    labels[PEOPLE[1]][0] = "B"
    labels[JUDGES[2]] = ["A" if label == "B" else "B" for label in truth]
    table = from_labels(labels, humans=PEOPLE)
    table = replace(table, sources=("people",) * 3 + ("jury",) * 3)
    return agreement_report(table, settings=Settings(replicates=100, reference="people"))


GATE = {
    "source": "jury", "statistic": "cohen_kappa", "value": 0.83, "lower": 0.7, "upper": 0.9,
    "limit": 0.6, "outcome": "pass", "action": "warn", "weight": 1.0, "n": 12,
    "voices": {JUDGES[0]: 0.83, JUDGES[2]: -0.6},
}  # fmt: skip


def test_the_answer_stands_first_and_everything_fits(report: AgreementReport) -> None:
    text = on_a_terminal(*terminal_blocks(report, "file", [GATE], 80))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) < 300
    assert "jury/a_s2_think: whether it may replace a person" in text
    answer, gate = text.index("may replace a"), text.index("jury passes its gate")
    people = text.index("Each source with the people")
    assert answer < gate < people < text.index("The labels") < text.index("Coverage")
    assert lines.index("Each source with the people") < 25
    assert text.count("only 12 independent units") == 1
    for name in JUDGES[:2]:
        assert text.count(name) == 1  # in the legend
    assert (
        "jury/c_wrong \u22120.60" in " ".join(text.split())
        and "jury/c_wrong is jury/hosted_vllm/c_wrong" in text
    )


def test_a_wide_terminal_has_the_whole_tables(report: AgreementReport) -> None:
    text = on_a_terminal(*terminal_blocks(report, "file", [GATE]), width=400)
    assert "clusters" in text and text.count("only 12 independent units") > 20
    assert text.count(JUDGES[0]) > 10 and "jury/a_s2_think " not in text
    assert text.index("jury passes its gate") < text.index("Each source with the people")


def test_no_row_is_lost(report: AgreementReport) -> None:
    narrow = [b for b in terminal_blocks(report, "f", (), 80) if hasattr(b, "rows")]
    wide = [b for b in terminal_blocks(report, "f") if hasattr(b, "rows")]
    assert [(t.title, len(t.rows)) for t in narrow] == [(t.title, len(t.rows)) for t in wide]
    for small, whole in zip(narrow, wide, strict=True):
        for row, full in zip(small.body, whole.body, strict=True):
            assert row[2].text == full[2].text and row[3].text == full[3].text


def test_clusters_that_are_not_the_items_stay() -> None:
    table = from_labels(
        {"people/ann": ["A", "B"] * 6, "j": ["A", "B", "B"] * 4}, humans=("people/ann",),
        clusters=["c1"] * 6 + ["c2"] * 6,
    )  # fmt: skip
    made = agreement_report(table, settings=Settings(replicates=100))
    assert "clusters" in on_a_terminal(*terminal_blocks(made, "f", (), 80))


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["a", "people/ann"], {}),
        (["x" * LONGEST_NAME], {}),
        (["jury/hosted_vllm/a_s2_think"], {"jury/hosted_vllm/a_s2_think": "jury/a_s2_think"}),
        # Two that would become one, or one that is there already.
        (["jury/one_provider/model", "jury/two_provider/model"],
         {"jury/one_provider/model": "jury/model",
          "jury/two_provider/model": "jury/two_..der/model"}),
        (["jury/model", "jury/one_provider/model"],
         {"jury/one_provider/model": "jury/one_..der/model"}),
        (["a-very-long-name-of-a-judge"], {"a-very-long-name-of-a-judge": "a-very-lo..f-a-judge"}),
        (["j/p/a-very-long-name-of-a-judge"],
         {"j/p/a-very-long-name-of-a-judge": "j/a-very-..f-a-judge"}),
    ],
)  # fmt: skip
def test_names_are_shortened_and_never_become_one(names: list[str], short: dict[str, str]) -> None:
    found = shortened(names)
    assert found == short
    shown = [found.get(name, name) for name in names]
    assert len(set(shown)) == len(names) and all(len(name) <= LONGEST_NAME for name in shown)


def test_names_that_cannot_be_told_apart_stay_long() -> None:
    names = [f"same-beginning-{n}-same-ending" for n in range(4)]
    found = shortened(names)
    assert len({found.get(name, name) for name in names}) == 4


def test_names_are_whole_words(report: AgreementReport) -> None:
    longer = f"{JUDGES[0]}_b"
    gate = GATE | {"voices": {longer: 0.5, JUDGES[0]: 0.83}}
    text = " ".join(on_a_terminal(*terminal_blocks(report, "file", [gate], 80)).split())
    assert longer in text and "jury/a_s2_think 0.83." in text
