"""The index of a folder of runs: what each answered, and how each arm came along over them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.nouns.counted import counted
from harness.nouns.errors import HarnessError
from harness.records.writes import write_text
from harness.report import html, markdown
from harness.report.blocks import Block, Bullets, Figure, Page, Section, Text
from harness.report.build import load, page_of
from harness.report.criteria import in_order, primary_of, titled
from harness.report.differences import ends_of
from harness.report.figures import Dot, Scale, dot_plot
from harness.report.misfits import shown_from
from harness.report.tables import Table
from harness.report.verdict import outcome
from harness.report.wording import NONE, Names

MOST_IN_TREND = 20
"""Runs in the plot of an arm, the latest."""

SEARCH = """\
const box = document.querySelector("#search"), said = document.querySelector("#found");
box.parentElement.hidden = false;
box.addEventListener("input", () => {
  const words = box.value.toLowerCase().split(/\\s+/);
  let found = 0;
  for (const run of document.querySelectorAll(".run")) {
    const text = run.textContent.toLowerCase();
    run.hidden = !words.every((word) => text.includes(word));
    found += !run.hidden;
  }
  said.textContent = `${found} found`;
});
"""
"""The one script of the page: it hides runs without the words that were typed."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A run as the index lists it.

    Args:
        folder: Name of its folder.
        file: Its page, or its data where there is no page.
        name: Of the experiment.
        created: When, as it stands in its report.
        answer: The sentence of its first screen.
        primary: The evaluator by which the index compares, with whether it was said before.
        verdicts: Of each arm, in words.
        scores: (arm, value, low, high) by that evaluator.
        evaluator: Its name.
    """

    folder: str
    file: str
    name: str
    created: str
    answer: str
    primary: str
    verdicts: Sequence[tuple[str, str]]
    scores: Sequence[tuple[str, float, float | None, float | None]]
    evaluator: str

    @property
    def date(self) -> str:
        """Day and time, or that nobody knows."""
        return self.created[:16].replace("T", " ") or "no date"

    @property
    def link(self) -> str:
        """Address of its page, from the index."""
        return f"{quote(self.folder)}/{self.file}"


def listed(folder: Path) -> tuple[list[Listed], list[str]]:
    """Return the runs of a folder, the latest first, and why each other folder is left out."""
    found, skipped = [], []
    for path in sorted(one for one in folder.iterdir() if one.is_dir()):
        try:
            data = load(path)
            with shown_from(path / "report.json"):
                clean, page = page_of(data, (), path)
                found.append(_listed(path, clean, page.answer))
        except HarnessError as error:
            why = str(error).splitlines()[0]
            for place in (path / "report.json", path):  # its folder is named already
                why = why.removeprefix(f"{place}: ")
            skipped.append(f"{path.name}: {why}")
    return sorted(found, key=lambda run: (run.created, run.folder), reverse=True), skipped


def _listed(folder: Path, data: dict[str, Any], answer: str) -> Listed:
    evaluation, names = data["evaluation"], Names.of_run(data)
    evaluators = in_order(data)
    by = evaluators[0]["name"] if evaluators else ""
    said = titled(by, data, names) if by else NONE
    if by and primary_of(data) != by:
        said += " (the first; none was said before to decide)"
    arms = [p["name"] for p in evaluation["policies"] if p["name"] != evaluation["base"]]
    scores = [
        (row["policy"], row["value"], ends_of(row)["low"], ends_of(row)["high"])
        for row in evaluation["scores"]
        if row["evaluator"] == by and row["value"] is not None
    ]
    return Listed(
        folder.name,
        "report.html" if (folder / "report.html").is_file() else "report.json",
        str(data["run"]["name"]),
        str(data["run"].get("created") or ""),
        answer,
        said,
        [(arm, outcome(arm, evaluation, names)[0]) for arm in arms],
        scores,
        by,
    )


def trends(runs: Sequence[Listed]) -> list[str]:
    """Return a plot for each arm and evaluator that two runs share: its scores by date.

    ``runs`` are the latest first; a plot has the earliest at its top.
    """
    rows: dict[tuple[str, str], list[Dot]] = {}
    for run in reversed(runs):
        for arm, value, low, high in run.scores:
            label = f"{run.date[:10]} {run.folder}"
            rows.setdefault((arm, run.evaluator), []).append(Dot(label, value, low, high, 1))
    return [
        dot_plot(
            f"trend-{index}",
            f"{arm} by {evaluator}, run by run",
            dots[-MOST_IN_TREND:],
            Scale(f"{arm} by {evaluator}", (0.0, 1.0) if _is_share(dots) else None),
        )
        for index, ((arm, evaluator), dots) in enumerate(sorted(rows.items()))
        if len(dots) > 1
    ]


def _is_share(dots: Sequence[Dot]) -> bool:
    return all(0 <= x <= 1 for d in dots for x in (d.value, d.low, d.high) if x is not None)


def write_index(folder: Path) -> tuple[Path, int, list[str]]:
    """Write index.html and index.md into a folder of runs.

    Returns:
        Path of index.html, how many runs it lists, and why each other folder is left out.
    """
    runs, skipped = listed(folder)
    title = f"Runs in {folder.resolve().name}"
    said = counted(len(runs), "run")
    said += f"; {counted(len(skipped), 'folder')} left out" if skipped else ""
    plots: list[Block] = []
    if panels := trends(runs):
        caption = (
            "Scores with 95% intervals, run by run, the latest last. Runs may have other prompts,"
            " base policies and settings: compare two of them with harness compare."
        )
        plots.append(Figure(caption, panels))
    left_out: list[Block] = [Bullets(skipped)] if skipped else []
    sections = [
        Section("trends", "Trend of each arm", plots),
        Section("left-out", "Folders that were left out", left_out),
    ]
    table = Table.of(
        "Runs, the latest first",
        runs,
        [
            ("folder", "text", lambda run: run.folder),
            ("run", "text", lambda run: run.name),
            ("made", "text", lambda run: run.date),
            ("answer", "text", lambda run: run.answer),
            ("primary evaluator", "text", lambda run: run.primary),
            ("arms", "text", lambda run: "; ".join(": ".join(one) for one in run.verdicts)),
        ],
    )
    sections = [section for section in sections if section.blocks]
    first: list[Block] = [table] if runs else [Text("There is no run in this folder.")]
    write_text(folder / "index.md", markdown.render(Page(title, [said], sections, "", first)))
    digest = base64.b64encode(hashlib.sha256(SEARCH.encode()).digest()).decode()
    text = html.template("index.html").render(
        title=title, said=said, runs=runs, sections=sections, script=SEARCH, digest=digest
    )
    write_text(folder / "index.html", text)
    return folder / "index.html", len(runs), skipped
