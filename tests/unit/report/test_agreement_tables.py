"""One agreement report, printed three times: the same rows, words and digits everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from printed import Grid, from_html, from_markdown, on_a_terminal

from harness.agreement import AgreementReport, Settings, agreement_report
from harness.experiment.stages.agree import agree
from harness.labels.ratings import Reading
from harness.nouns.biases import BIASES
from harness.ratings.evidence import Evidence, OrderVerdicts, Turned
from harness.ratings.table import RatingTable, from_labels
from harness.report import agreement_page, agreement_terminal, html, markdown
from harness.report.agreement_tables import STATISTICS, in_words, statistics
from harness.report.blocks import Table
from harness.report.feedback import agreement as in_a_run
from harness.report.wording import Names
from harness.statistics.estimate import Estimate
from harness.statistics.one_sided import Bounds

FAST = Settings(replicates=100)
HOSTILE = ("[bold]x[/bold]", "<b>", "a|b", "*j*")


def pandalm(repo_root: Path, shared_data: Path, folder: Path) -> AgreementReport:
    path = folder / "pandalm.csv"
    script = repo_root / "examples" / "pandalm_table.py"
    command = [sys.executable, script, shared_data / "pandalm", path]
    subprocess.run(command, check=True, capture_output=True)
    reading = Reading(
        humans=("annotator1", "annotator2", "annotator3"), judges=("gpt35", "pandalm7b"),
        cluster_column="prompt", tie="0",
    )  # fmt: skip
    return agree(path, reading, Settings(replicates=100, failures_as="0"))


def awkward() -> AgreementReport:
    """Return a report with gaps: undefined and unreliable rows, failures, a plugin, odd names."""
    bold, tag, pipe, judge = HOSTILE
    table = from_labels(
        {
            bold: ["x"] * 39 + ["y"], tag: ["x"] * 40, pipe: ["x", "y"] * 20,
            judge: [None if k % 5 == 0 else "y" for k in range(40)], "silent": [None] * 40,
        },
        humans=[bold, tag, pipe],
        failures={judge: ["timeout" if k % 5 == 0 else "" for k in range(40)]},
    )  # fmt: skip
    table = replace(table, simulated=frozenset((bold, tag, pipe)))
    rows = [
        Estimate(0.123456, 0.1, 0.2, 40, name="my_own_statistic", annotators=f"{bold} - {pipe}"),
        Estimate(None, name="other", annotators=tag, status="not_applicable", reason="no <b> | x"),
    ]
    return agreement_report(table, settings=FAST, extra={"Of a plugin [x]": lambda _: rows})


def lines_of(grid: Grid) -> list[str]:
    """Return what a wide terminal shows of a table that HTML and Markdown show so."""
    noted = grid[0][-1] == "note"
    lines = []
    for row in grid:
        lines.append(" ".join(" ".join(row[:-1] if noted else row).split()))
        if noted and row[-1] not in ("", "note"):
            lines.append(row[-1])
    return lines


@pytest.fixture(params=["pandalm", "awkward"])
def report(request: Any, repo_root: Path, tmp_path: Path) -> AgreementReport:
    if request.param == "awkward":
        return awkward()
    return pandalm(repo_root, request.getfixturevalue("shared_data"), tmp_path)


def test_terminal_html_and_markdown_show_the_same_cells(report: AgreementReport) -> None:
    page = agreement_page.page(report, "[b]file")
    in_html = flat(from_html(html.render(page)))
    in_markdown = flat(from_markdown(markdown.render(page)))
    assert in_html == in_markdown
    blocks = agreement_terminal.terminal_blocks(report, "[b]file")
    ((text,),) = flat([[[on_a_terminal(*blocks, width=400)]]])[0]
    lines = [" ".join(line.split()) for line in text.splitlines()]
    tables = [table for table in in_html if table[0][0] != "truth"]
    assert len(tables) == 1 + len(report.sections)
    for table in tables:
        wanted = lines_of(table)
        starts = [k for k, line in enumerate(lines) if line == wanted[0]]
        assert any(lines[k : k + len(wanted)] == wanted for k in starts), wanted


def flat(tables: list[Grid]) -> list[Grid]:
    """Return tables without round brackets: HTML shows a second, smaller line without them."""
    return [[[re.sub("[()]", "", cell) for cell in row] for row in table] for table in tables]


def test_a_run_shows_the_same_tables(report: AgreementReport) -> None:
    names = Names.of_labels(report.audit)
    stored = {"title": "pairs", **report.as_dict()}
    blocks = in_a_run({"agreement": {"tables": [stored]}}, names)
    tables = [table for block in blocks for table in getattr(block, "blocks", ())]
    shown = [table.body for table in tables if isinstance(table, Table)]
    assert shown[:-1] == [table.body for table in statistics(report.sections, names)]
    (coverage,) = [
        block for block in agreement_terminal.terminal_blocks(report, "x")
        if isinstance(block, Table) and block.title == "Coverage"
    ]  # fmt: skip
    assert shown[-1] == coverage.body


def test_eighty_columns_break_no_word(report: AgreementReport) -> None:
    blocks = agreement_terminal.terminal_blocks(report, "file", width=80)
    text = on_a_terminal(*blocks)
    assert max(map(len, text.splitlines())) <= 80
    printed = set(text.split())
    for table in (block for block in blocks if isinstance(block, Table)):
        for cell in (cell for row in table.body for cell in row):
            assert set(cell.text.split()) <= printed, cell
    assert "_kappa" not in text and "_alpha" not in text


def test_awkward_tables_say_what_they_lack() -> None:
    text = on_a_terminal(*agreement_terminal.terminal_blocks(awkward(), "file"), width=200)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    bold, tag, pipe, judge = HOSTILE
    assert f"{judge} judge 32 8 0 32/40 80.0% 8 timeout" in lines
    assert f"{bold} (simulated) human 40 0 0 40/40 100.0%" in lines
    pair = f"{bold} (simulated) - {pipe} (simulated)"
    assert f"my_own_statistic {pair} 0.1235 0.1000 to 0.2000 40" in lines
    assert lines[lines.index(f"other {tag} (simulated) not applicable 0") + 1] == (
        "not applicable: no <b> | x"
    )
    assert any("undefined" in line.split() for line in lines)


def test_every_statistic_of_the_harness_has_a_name_in_words() -> None:
    found = {row.name for report in every_kind() for row in report.statistics}
    assert found == set(STATISTICS)
    for name in found:
        assert "_" not in in_words(name) and in_words(name) != ""


def every_kind() -> list[AgreementReport]:
    """Return reports that hold every statistic between them."""
    rng = np.random.default_rng(1)
    reports = []
    names = ["ann", "bob", "cy", "gpt", "old"]
    scales: list[tuple[Any, list[str]]] = [
        ("nominal", ["A", "TIE", "B"]), ("ordinal", ["1", "2", "3"]), ("interval", ["1", "2", "3"]),
        ("ratio", ["1", "2", "3"]),
    ]  # fmt: skip
    for level, categories in scales:
        truth = rng.integers(0, 3, 300)
        columns: dict[str, list[str | None]] = {}
        for name in names:
            said = np.where(rng.random(300) < 0.7, truth, rng.integers(0, 3, 300))
            columns[name] = [categories[k] for k in said]
        for name in names[:3]:
            columns[name][:50] = [None] * 50
        table = from_labels(
            columns, humans=names[:3], level=level, categories=categories,
            tie="TIE" if level == "nominal" else None,
        )  # fmt: skip
        evidence, settings = Evidence(), FAST
        if level == "nominal":
            evidence, settings = evidence_of(table, rng), replace(FAST, reference="ann")
        reports.append(agreement_report(table, settings=settings, evidence=evidence))
    two = {name: [*"yn" * 20] for name in ("ann", "bob", "gpt")}
    truth = rng.integers(0, 2, 40)  # too few labels to tell whether the judge does as well
    few = {
        name: ["yn"[k] for k in np.where(rng.random(40) < 0.75, truth, 1 - truth)]
        for name in ("ann", "bob", "cy", "gpt")
    }
    unsure = agreement_report(from_labels(few, humans=["ann", "bob", "cy"]), settings=FAST)
    assert unsure.find("alt_test_labels", "gpt") is not None
    return [
        *reports,
        unsure,
        agreement_report(from_labels(two, humans=["ann", "bob"]), settings=FAST),
    ]


def evidence_of(table: RatingTable, rng: np.random.Generator) -> Evidence:
    n = len(table.items)
    first, second = (np.where(rng.random(n) < 0.9, table.codes[:, 3], 0) for _ in range(2))
    right = table.codes[:, 3] == table.codes[:, 0]
    return Evidence(
        orders=(OrderVerdicts("gpt", first, second, table.clusters, 0, 2, 1),),
        stated={"gpt": np.where(right, 0.97, 0.55) + rng.uniform(0, 0.02, n)},
        length_gap=rng.normal(size=n),
        own_family={"gpt": rng.integers(-1, 2, n).astype(float)},
        retests={"gpt": table.codes[:, 4]},
        drifts=[("old", "gpt")],
        probes={"gpt": {bias: Turned(Bounds(0.1, 0.05, 0.2), 0.04, 0.21) for bias in BIASES}},
    )
