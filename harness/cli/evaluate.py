"""``harness evaluate``: compare policies on plain files, with no experiment file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    items: Annotated[Path, typer.Option(help="JSONL file of held-out items.")],
    responses: Annotated[
        list[str],
        typer.Option(help="POLICY=FILE.jsonl, or POLICY@SEED=FILE.jsonl; the first is the base."),
    ],
    evaluator: Annotated[
        list[str], typer.Option(help="A pointwise source that scores responses; repeatable.")
    ],
    option: Annotated[
        list[str] | None,
        typer.Option(help="Option of an evaluator, NAME.key=value; repeatable."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file to write everything to.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Score policies with evaluators: means, differences and win rates, with intervals."""
    import asyncio
    from dataclasses import replace

    from harness.cli.options import options_of_sources
    from harness.cli.screen import advance, console, progress
    from harness.evaluate import EvaluatorInfo, evaluate
    from harness.experiment.context import open_context
    from harness.feedback.annotate import annotate
    from harness.feedback.requests import build_requests
    from harness.nouns.errors import ConfigError
    from harness.nouns.schema import Judgment, Response
    from harness.records.rows import read_items, read_responses
    from harness.records.writes import write_json
    from harness.registry import registry

    if len(set(evaluator)) != len(evaluator):
        raise ConfigError(f"--evaluator names a source twice: {', '.join(evaluator)}")
    options = options_of_sources(option, evaluator)
    sources = [registry().source(name).build(options[name]) for name in evaluator]
    all_items = read_items(items)
    written: dict[tuple[str, int], list[Response]] = {}
    for entry in responses:
        label, separator, file = entry.partition("=")
        name, _, seed = label.partition("@")
        if not separator or not name or not (seed or "0").isdigit():
            raise ConfigError(f"--responses {entry!r} is not POLICY=FILE or POLICY@SEED=FILE")
        key = (name, int(seed or 0))
        if key in written:
            raise ConfigError(f"--responses {label} is given twice")
        written[key] = [
            # Ids only need to be unique inside a file.
            replace(response, id=f"{label}/{response.id}", system=name)
            for response in read_responses(Path(file), all_items)
        ]
    everything = [response for found in written.values() for response in found]
    requests = build_requests(all_items, everything, "pointwise")

    async def judge_all() -> list[Judgment]:
        judgments = []
        with progress(quiet) as bars:
            async with open_context(None) as ctx:
                for source in sources:
                    source.check(ctx)
                for source in sources:
                    move = advance(bars, f"{source.info.name} evaluates", len(requests))
                    judgments += await annotate(
                        source,
                        requests,
                        ctx,
                        on_judgment=lambda _, move=move: move(1),  # type: ignore[misc]
                    )
        return judgments

    infos = [
        EvaluatorInfo(s.info.name, s.info.kind, s.info.simulated, frozenset(), s.info.scale)
        for s in sources
    ]
    judgments = asyncio.run(judge_all())
    base = next(iter(written))[0]
    result = evaluate(all_items, written, requests, judgments, infos, base=base)
    if out is not None:
        write_json(out, result)
    print_evaluation(console(), result)


def print_evaluation(screen: object, result: dict[str, Any]) -> None:
    """Print scores with intervals, coverage and the difference to the base policy."""
    from typing import cast

    from rich.console import Console
    from rich.table import Table

    printer = cast(Console, screen)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("evaluator", "policy"):
        table.add_column(column, overflow="fold")
    for column in ("mean", "95% interval", "scored", "difference", "p (Holm)"):
        table.add_column(column, justify="right")
    for row in cast(list[dict[str, Any]], result["scores"]):
        difference = row["difference"] or {}
        table.add_row(
            row["evaluator"],
            row["policy"],
            _number(row["value"]),
            f"{_number(row['low'])}..{_number(row['high'])}",
            f"{row['n']}/{row['responses']}",
            _number(difference.get("value"), "+.3f"),
            _number(difference.get("p_holm"), ".3g"),
        )
    printer.print(table)
    for warning in cast(list[str], result["warnings"]):
        printer.print(f"warning: {warning}", markup=False)


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)
