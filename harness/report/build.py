"""From the data of a run to report.html, report.md and report.json."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.nouns.errors import DataError, HarnessError
from harness.records.rows import read_json
from harness.records.writes import write_json, write_text
from harness.report import feedback, html, markdown, results, training
from harness.report.answer import first_screen, lines_of
from harness.report.blocks import Block, Bullets, Code, Details, Markdown, Page, Section, Text
from harness.report.costs import costs
from harness.report.diversity import diversity
from harness.report.findings import findings, limitations
from harness.report.method import method
from harness.report.method_page import which_method
from harness.report.misfits import refuse_misfits
from harness.report.pass_at_k import pass_at_k_tables
from harness.report.people import people_blocks
from harness.report.plan_page import plan_blocks
from harness.report.reward_models import reward_models
from harness.report.rivals import rivals
from harness.report.samples import samples
from harness.report.wording import Names, count, join, prompts, seconds, without_response

if TYPE_CHECKING:
    from harness.hookspecs import ReportSection

FORMAT = 1
"""Moves when an older report.json can no longer be shown."""

OLD = (
    "This report is old: the experiment was changed after it, and the run of the changed one has"
    " not come to its report."
)

Data = Mapping[str, Any]


def build(data: Data, out_dir: Path, sections: Sequence[ReportSection] = ()) -> Path:
    """Write report.html, report.md and report.json.

    Args:
        data: What docs/reports.md describes. Findings and limitations are computed from the
            numbers; those that are in ``data`` already are replaced.
        out_dir: Folder, made when absent.
        sections: Sections of plugins; one that fails becomes a warning, not a lost report.

    Returns:
        Path of report.html.

    Raises:
        DataError: The data misses something that the report needs.
    """
    clean, page = page_of(data, sections, out_dir)
    write_json(out_dir / "report.json", clean)
    write_text(out_dir / "report.md", markdown.render(page))
    write_text(out_dir / "report.html", html.render(page))
    return out_dir / "report.html"


def page_of(
    data: Data, sections: Sequence[ReportSection], out_dir: Path
) -> tuple[dict[str, Any], Page]:
    """Return what report.json holds and the page that is made of it; ``out_dir`` is for errors.

    Raises:
        DataError: The data misses something that the report needs.
    """
    holes: list[str] = []
    clean = _finite(data, "", holes)
    try:
        clean["format"] = FORMAT
        clean["costs"] = costs(clean)
        clean["method"] = method(clean)
        clean["findings"] = findings(clean)
        clean["limitations"] = limitations(clean)
        clean["answer"] = {"lines": lines_of(clean)}
        content, notes = _content(clean, sections)
    except KeyError as error:
        raise DataError(
            f"the data of the report is not complete: there is no {error}",
            where=str(out_dir / "report.json"),
            hint="run the experiment again; stages that are done are not repeated",
        ) from error
    notes += [f"Not a number, so left out: {hole}." for hole in _shortened(holes)]
    content.insert(-1, _warnings(clean, notes))
    page = Page(*_heading(clean), content, clean["answer"]["lines"][0], first_screen(clean))
    return clean, page


def load(run_dir: Path) -> dict[str, Any]:
    """Read the data of a report that was built before.

    Raises:
        DataError: There is none, it is not JSON, of another format, or a value is of a wrong kind.
    """
    path = run_dir / "report.json"
    if not path.is_file():
        raise DataError(
            "no report.json in this folder",
            where=str(run_dir),
            hint="name the folder of a run that has finished, such as reports/<name>",
        )
    data = read_json(path)
    found = data.get("format")
    if found != FORMAT:
        raise DataError(
            f"its format is {found!r}, this version reads {FORMAT}",
            where=str(path),
            hint="run the experiment again; stages that are done are not repeated",
        )
    refuse_misfits(data, path)
    return data


def _content(data: Data, plugins: Sequence[ReportSection]) -> tuple[list[Section], list[str]]:
    names = Names.of_run(data)
    parts: list[tuple[str, str, Callable[[], list[Block]]]] = [
        ("findings", "Findings", lambda: _findings(data)),
        ("compared", "What was compared", lambda: results.compared(data, names)),
        ("plan", "Said before", lambda: plan_blocks(data)),
        ("results", "Results", lambda: results.results(data, names)),
        ("method", "Which method", lambda: which_method(data)),
        ("rivals", "Arm against arm", lambda: rivals(data, names)),
        ("pass-at-k", "pass@k", lambda: pass_at_k_tables(data, names)),
        ("diversity", "Diversity", lambda: diversity(data)),
        ("people", "What people prefer", lambda: people_blocks(data, names)),
        ("agreement", "Agreement and gates", lambda: feedback.agreement(data, names)),
        ("training", "Training curves", lambda: training.training(data, names)),
        ("reward-models", "Reward models", lambda: reward_models(data)),
        ("sources", "Sources of feedback", lambda: feedback.sources(data, names)),
        ("effort", "Cost and time", lambda: training.effort(data, names)),
        ("samples", "Sample responses", lambda: samples(data, names)),
    ]
    made = [Section(name, title, blocks()) for name, title, blocks in parts]
    content = [section for section in made if section.blocks]
    notes = []
    for index, plugin in enumerate(plugins):
        try:
            text = plugin.checked(data)
        except HarnessError as error:  # a plugin must not cost the user the report
            cause = error.__cause__ or error
            notes.append(
                f"The section {plugin.title!r} of a plugin failed: {type(cause).__name__}: {cause}"
            )
            continue
        content.append(Section(f"plugin-{index}", plugin.title, [Markdown(text)]))
    content.append(Section("manifest", "Manifest", _manifest(data)))
    return content, notes


def _findings(data: Data) -> list[Block]:
    blocks: list[Block] = [Text(OLD, "warn")] if data.get("old") else []
    blocks += [Bullets(data["findings"])] if data["findings"] else []
    held = len(data["limitations"]) + len(data.get("warnings", ()))
    if held:
        are, them = ("is one warning", "it") if held == 1 else (f"are {held} warnings", "them")
        words = f"There {are} at the end of this report; read {them} before you quote a number."
        blocks.append(Text(words, "warn"))
    return blocks


def _warnings(data: Data, notes: Sequence[str]) -> Section:
    names = Names.of_run(data)
    lines = [*map(names.sentence, data.get("warnings", ())), *notes, *data["limitations"]]
    blocks: list[Block] = [Bullets(lines)] if lines else [Text("There are none.", "muted")]
    return Section("warnings", "Warnings and limitations", blocks)


def _manifest(data: Data) -> list[Block]:
    manifest = data.get("manifest") or {}
    run = data["run"]
    versions = [
        f"feedback-harness {run.get('harness_version')}, Python {run.get('python')},"
        f" {run.get('platform')}"
    ]
    versions += [f"{name} {version}" for name, version in (run.get("packages") or {}).items()]
    text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True)
    seal = (manifest.get("seal") or {}).get("sha256")
    sealed = f"Seal: {seal}. `harness verify-run` names what was changed since."
    return [
        *([Markdown(sealed)] if seal else []),
        Details("Versions", [Bullets(versions)]),
        Details("Every source, model, prompt hash and seed", [Code(text, "manifest as JSON")]),
    ]


def _heading(data: Data) -> tuple[str, list[str]]:
    run, old = data["run"], " (old)" if data.get("old") else ""
    items = run.get("items") or {}
    seeds = run.get("seeds") or ()
    facts = [
        str(run["created"])[:16].replace("T", " ") + " UTC" if run.get("created") else "",
        f"took {seconds(run['duration_s'])}" if run.get("duration_s") is not None else "",
        f"{prompts(items.get('train'))} for training{without_response(items)},"
        f" {count(items.get('eval'))} held out",
        f"seed{'s' if len(seeds) > 1 else ''} {join([str(seed) for seed in seeds])}",
        f"feedback-harness {run.get('harness_version')}",
    ]
    return f"{run['name']}{old}", [
        str(run.get("description") or ""),
        " · ".join(fact for fact in facts if fact),
    ]


def _finite(value: Any, place: str, holes: list[str]) -> Any:
    """Return plain JSON values, with None for a number that is none, noting where it was."""
    if isinstance(value, Mapping):
        return {
            str(key): _finite(each, f"{place}.{key}" if place else str(key), holes)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        ordered = sorted(value) if isinstance(value, set | frozenset) else value
        return [_finite(each, f"{place}.{n}", holes) for n, each in enumerate(ordered)]
    if isinstance(value, str):  # half a surrogate pair cannot be written
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        holes.append(place)
        return None
    return value


def _shortened(lines: Sequence[str], most: int = 5) -> list[str]:
    rest = len(lines) - most
    return [*lines[:most], f"and {rest:,} more"] if rest > 0 else list(lines)
