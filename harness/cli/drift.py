"""``harness drift``: has a judge moved while its name stayed?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.nouns.errors import ConfigError


def command(
    anchors: Annotated[Path, typer.Argument(help="Anchor file; --pin makes it.")],
    pin: Annotated[bool, typer.Option("--pin", help="Judge and freeze the anchors.")] = False,
    source: Annotated[str, typer.Option(help="With --pin: name of the source.")] = "llm_judge",
    option: Annotated[
        list[str] | None, typer.Option(help="With --pin: option of the source, key=value.")
    ] = None,
    items: Annotated[Path | None, typer.Option(help="JSONL file of items.")] = None,
    responses: Annotated[Path | None, typer.Option(help="JSONL file of responses.")] = None,
    way: Annotated[str, typer.Option(help="With --pin: pairwise or pointwise.")] = "pairwise",
    seed: Annotated[int, typer.Option(help="With --pin: decides the orders.")] = 0,
    policy: Annotated[
        Path | None,
        typer.Option(help="Responses of a later policy to the same items: tells its change apart."),
    ] = None,
    alpha: Annotated[
        float, typer.Option(min=0, max=1, help="Chance of calling a judge that stayed moved.")
    ] = 0.01,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests in flight at once.")] = 32,
    budget: Annotated[
        float | None, typer.Option(min=0, help="Stop before spending more, in dollars.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Judge a frozen, hashed anchor set again and compare with the pinned verdicts.

    Pinning judges everything twice, so that the judge's own noise is known. Nothing comes from a
    cache. With --policy, the verdicts on new responses are compared as well: what moved on the
    anchors is the judge, what moved beyond it is the policy. Exits with 1 when the judge moved.
    """
    import asyncio

    from rich.table import Table

    from harness.cli.options import key_values
    from harness.cli.screen import advance, console, progress
    from harness.experiment.context import open_context
    from harness.feedback.annotate import annotate
    from harness.feedback.requests import build_requests
    from harness.judging.anchors import (
        Movement,
        chance_of_change,
        compare,
        read_anchors,
        write_anchors,
    )
    from harness.nouns.outcomes import Status
    from harness.nouns.schema import Judgment, JudgmentRequest
    from harness.records.rows import read_items, read_responses
    from harness.registry import registry

    screen = console()

    def judge(
        use: str, options: dict[str, object], seed: int, asked: list[list[JudgmentRequest]]
    ) -> tuple[str, list[list[Judgment]]]:
        built = registry().source(use).build(options)

        async def go() -> list[list[Judgment]]:
            found = []
            with progress(quiet) as bars:
                move = advance(bars, "judge anchors", sum(map(len, asked)))
                for requests in asked:
                    # A client of its own for each pass: a kept reply would hide every change.
                    async with open_context(
                        None, seed=seed, concurrency=concurrency, budget_usd=budget
                    ) as ctx:
                        built.check(ctx)
                        found.append(
                            await annotate(built, requests, ctx, on_judgment=lambda _: None)
                        )
                        move(len(requests))
            return found

        return built.info.version, asyncio.run(go())

    if pin:
        if items is None or responses is None:
            raise ConfigError("--pin needs --items and --responses")
        if way not in ("pairwise", "pointwise"):
            raise ConfigError(f"--way is {way!r}", hint="use pairwise or pointwise")
        all_items = read_items(items)
        all_responses = read_responses(responses, all_items)
        requests = build_requests(all_items, all_responses, way)  # type: ignore[arg-type]
        options = key_values(option)
        version, passes = judge(source, options, seed, [requests, requests])
        sha256 = write_anchors(anchors, source, version, options, seed, requests, passes)
        noise = compare(*passes)
        screen.print(
            f"{len(requests)} requests pinned in {anchors} ({sha256[:12]}); of {noise.compared}"
            f" verdicts {noise.changed} changed between two passes: the judge's own noise"
        )
        return

    pinned = read_anchors(anchors)
    asked = [list(pinned.requests)]
    if policy is not None:
        by_item = {request.item.id: request.item for request in pinned.requests}
        later = read_responses(policy, by_item.values())
        shape = pinned.requests[0].way
        if shape != "pairwise":
            raise ConfigError("--policy needs an anchor set of pairs")
        asked.append(build_requests(by_item.values(), later, shape))
    version, found = judge(pinned.use, pinned.options, pinned.seed, asked)
    noise = compare(pinned.judgments[0], pinned.judgments[1])
    now = compare(pinned.judgments[0], found[0])
    p = chance_of_change(noise, now)
    moved = p < alpha

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "compared", "changed", "lost", "gained", "mean shift"):
        table.add_column(name, justify="left" if not name else "right")

    def show(name: str, movement: Movement) -> None:
        share = movement.changed / movement.compared if movement.compared else 0.0
        shift = "-" if movement.shift is None else f"{movement.shift:+.3f}"
        changed = f"{movement.changed} ({share:.1%})"
        table.add_row(
            name, str(movement.compared), changed, str(movement.lost), str(movement.gained), shift
        )

    show("noise when pinned", noise)
    show("now against pinned", now)
    screen.print(f"anchors {pinned.sha256[:12]}, source {pinned.use} {pinned.version}")
    if version != pinned.version:
        screen.print(f"the source's version is {version} now: prompt, parser or options changed")
    screen.print(table)
    for change, count in sorted(now.moves.items(), key=lambda pair: -pair[1])[:6]:
        screen.print(f"  {change}: {count}")
    verdict = "the judge has moved" if moved else "no drift beyond the judge's own noise"
    screen.print(f"{verdict} (Fisher's exact test, p = {p:.3g}, alpha = {alpha:g})")
    if policy is not None:

        def rate(judgments: list[Judgment]) -> tuple[float, int]:
            valid = [j.verdict for j in judgments if j.verdict.status is Status.OK]
            firsts = [1.0 if v.value == "A" else 0.5 if v.value == "TIE" else 0.0 for v in valid]
            return (sum(firsts) / len(firsts) if firsts else 0.0), len(firsts)

        then, _ = rate(list(pinned.judgments[0]))
        again, _ = rate(found[0])
        new, n = rate(found[1])
        screen.print(
            f"share of pairs won by the first response: {then:.1%} pinned, {again:.1%} judged again"
            f" ({again - then:+.1%}: the judge), {new:.1%} on the new responses"
            f" ({new - again:+.1%}: the policy; {n} verdicts)"
        )
    if moved:
        raise typer.Exit(1)
