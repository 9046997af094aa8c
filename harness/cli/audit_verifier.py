"""``harness audit-verifier``: is a verifier right, and are its tests any good?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from harness.agreement.verifier_audit import Confusion


def command(
    source: Annotated[str, typer.Option(help="Name of the verifier; see harness plugins.")],
    items: Annotated[Path, typer.Option(help="JSONL file of items.")],
    responses: Annotated[Path, typer.Option(help="JSONL file of responses.")],
    label: Annotated[
        str, typer.Option(help="Metadata field of a response that says whether it is right.")
    ] = "label",
    option: Annotated[
        list[str] | None, typer.Option(help="Option of the verifier, key=value; repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the whole result.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Compare verdicts with labels; look for hard-coded tests and tests that tell nothing."""
    import asyncio

    from harness.agreement.verifier_audit import (
        accepted,
        confusion,
        is_hard_coded,
        trivial_responses,
        visible_inputs,
    )
    from harness.cli.options import key_values
    from harness.cli.screen import advance, console, progress
    from harness.experiment.context import open_context
    from harness.feedback.annotate import annotate
    from harness.feedback.requests import build_requests
    from harness.nouns.errors import ConfigError, DataError
    from harness.nouns.schema import Judgment
    from harness.records.rows import read_items, read_responses
    from harness.records.writes import write_json
    from harness.registry import registry

    factory = registry().source(source)
    if factory.kind != "verifier":
        raise ConfigError(f"source {source} is a {factory.kind}, not a verifier")
    built = factory.build(key_values(option))
    all_items = read_items(items)
    all_responses = read_responses(responses, all_items)
    labels = {r.id: r.metadata[label] for r in all_responses if label in r.metadata}
    wrong = sorted(name for name, value in labels.items() if not isinstance(value, bool))
    if wrong:
        raise DataError(
            f"metadata.{label} of a response must be true or false",
            where=str(responses),
            details=[f"{name}: {labels[name]!r}" for name in wrong[:10]],
        )
    if not labels:
        raise DataError(
            f"no response has metadata.{label}",
            where=str(responses),
            hint="name the field that says whether a response is right with --label",
        )
    trivial = [response for item in all_items for response in trivial_responses(item)]
    requests = build_requests(all_items, [*all_responses, *trivial], "pointwise")

    async def judge_all() -> list[Judgment]:
        with progress(quiet) as bars:
            move = advance(bars, f"{source} verifies", len(requests))
            async with open_context(None) as ctx:
                built.check(ctx)
                return await annotate(built, requests, ctx, on_judgment=lambda _: move(1))

    response_of = {request.id: request.responses[0].id for request in requests}
    judgments = {response_of[j.request_id]: j for j in asyncio.run(judge_all())}
    table = confusion(labels, judgments)
    inputs = {item.id: visible_inputs(item.reference) for item in all_items}
    coded = [r.id for r in all_responses if is_hard_coded(_program(r.text), inputs[r.item_id])]
    weak: dict[str, str] = {}
    for response in trivial:
        if accepted(judgments[response.id]):
            weak.setdefault(response.item_id, response.text)
    screen = console()
    _show_confusion(screen, source, table)
    _show_ids(screen, "accepted but wrong", table.false_positive)
    _show_ids(screen, "refused but right", table.false_negative)
    passed = sum(accepted(judgments[name]) for name in coded)
    screen.print(
        f"\n[bold]{len(coded)}[/] responses hard-code test inputs, {passed} of them accepted"
    )
    _show_ids(screen, "hard-coded", coded)
    screen.print(
        f"\n[bold]{len(weak)}[/] of {len(all_items)} items have tests that a trivial answer passes"
    )
    for name, text in list(weak.items())[:10]:
        screen.print(f"  {name}: {' '.join(text.split())!r}", markup=False)
    if out:
        result = {
            "source": source,
            "version": built.info.version,
            "true_positive": table.true_positive,
            "false_positive": table.false_positive,
            "true_negative": table.true_negative,
            "false_negative": table.false_negative,
            "without_verdict": table.without,
            "hard_coded": coded,
            "weak_tests": weak,
        }
        write_json(out, result)
        screen.print(f"\nin {out}")


def _program(text: str) -> str:
    """Return the last fenced block, or all of the text."""
    import re

    blocks = re.findall(
        r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", text, re.DOTALL | re.MULTILINE
    )
    return str(blocks[-1]) if blocks else text


def _show_confusion(screen: Console, source: str, table: Confusion) -> None:
    from rich.table import Table

    from harness.statistics.intervals import wilson

    drawn = Table(box=None, pad_edge=False, header_style="bold", title=source, title_justify="left")
    for name in ("", "of", "share", "95% interval"):
        drawn.add_column(name, justify="right" if name else "left")
    rows = (
        ("false positives (accepted but wrong)", len(table.false_positive), table.wrong),
        ("false negatives (refused but right)", len(table.false_negative), table.right),
    )
    for name, count, total in rows:
        if total:
            low, high = wilson(count, total)
            interval = f"{100 * low:.1f}..{100 * high:.1f}%"
            drawn.add_row(f"{count} {name}", str(total), f"{100 * count / total:.1f}%", interval)
        else:
            drawn.add_row(f"{count} {name}", "0", "-", "-")
    screen.print(drawn)
    for status, count in sorted(table.without.items()):
        screen.print(f"{count} responses without a verdict: {status}")


def _show_ids(screen: Console, title: str, ids: tuple[str, ...] | list[str]) -> None:
    if ids:
        more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
        screen.print(f"  {title}: {', '.join(ids[:10])}{more}", markup=False)
