"""``harness drift``: has a judge moved while its name stayed?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import (
    Asking,
    OneSource,
    Seed,
    Verifying,
    checked_way,
    key_values,
    one_object,
)
from harness.nouns.errors import ConfigError

if TYPE_CHECKING:
    from harness.experiment.stages.drift import Drift, FirstWins
    from harness.judging.anchors import Anchors


@dataclass(frozen=True, kw_only=True)
class Options(OneSource, Asking, Verifying):
    """What ``harness drift`` is given.

    Args:
        anchors: Anchor file; --pin makes it.
        pin: Judge and freeze the anchors.
        source: With --pin: name of the source.
        items: JSONL file of items.
        responses: JSONL file of responses.
        way: With --pin: pairwise or pointwise.
        seed: With --pin: decides the orders.
        policy: Responses of a later policy to the same items: tells its change apart.
        alpha: Chance of calling a judge that stayed moved.
    """

    anchors: Annotated[Path, typer.Argument()]
    pin: bool = False
    source: str = "llm_judge"
    items: Path | None = None
    responses: Path | None = None
    way: str = "pairwise"
    seed: Seed = 0
    policy: Path | None = None
    alpha: Annotated[float, typer.Option(min=0, max=1)] = 0.01


@one_object
def command(options: Options) -> None:
    """Judge a frozen, hashed anchor set again and compare with the pinned verdicts.

    Pinning judges everything twice, so that the judge's own noise is known. Nothing comes from a
    cache. With --policy, the verdicts on new responses are compared as well: what moved on the
    anchors is the judge, what moved beyond it is the policy. Exits with 1 when the judge moved
    (also when it gives verdicts on fewer anchors, or more, than it did) or nothing can be compared.
    """
    from harness.cli.screen import bars, console
    from harness.experiment import context
    from harness.experiment.sources import source_by_name
    from harness.experiment.stages.drift import drift, pin
    from harness.judging.anchors import read_anchors, refuse_old, with_secrets, write_anchors
    from harness.records.rows import read_items, read_responses

    context.checked_timeout(options.timeout)
    limits = options.seed, options.concurrency, options.budget
    asking = context.Asking(None, *limits, timeout_s=options.timeout)
    if options.pin:
        if options.items is None or options.responses is None:
            raise ConfigError("--pin needs --items and --responses")
        if options.policy is not None:
            raise ConfigError("--policy is compared with anchors that are there: leave out --pin")
        refuse_old(options.anchors)
        source = source_by_name(
            options.source, key_values(options.option), checked_way(options.way)
        )
        items = read_items(options.items)
        responses = read_responses(options.responses, items)
        with bars(options.quiet) as bar:
            anchors = pin(source, items, responses, asking, bar)
        write_anchors(options.anchors, anchors)
        noise = anchors.noise
        without = noise.without + noise.gained
        missing = f"; {without} have no verdict" if without else ""
        console().print(
            f"{len(anchors.requests)} requests pinned in {options.anchors} ({anchors.sha256[:12]});"
            f" of {noise.compared} verdicts {noise.changed} changed between two passes: the judge's"
            f" own noise{missing}"
        )
        return
    anchors = read_anchors(options.anchors)
    _refuse_other(options, anchors)
    anchors = with_secrets(anchors, key_values(options.option))
    known = [request.item for request in anchors.requests]
    later = read_responses(options.policy, known) if options.policy else None
    with bars(options.quiet) as bar:
        found = drift(anchors, asking, later, options.alpha, bar)
    _show(anchors, found, options.alpha)
    if not found.settled:
        raise typer.Exit(1)


def _refuse_other(options: Options, anchors: Anchors) -> None:
    """Refuse what would not be used: anchors are asked again as they were pinned."""
    if options.items is not None or options.responses is not None:
        raise ConfigError(
            "--items and --responses are for --pin: the anchors hold their own",
            hint="--policy takes the responses of a later policy",
        )
    usual, way = Options.__dataclass_fields__, anchors.requests[0].way
    for name, pinned in (("source", anchors.use), ("way", way), ("seed", anchors.seed)):
        given = getattr(options, name)
        if given not in (usual[name].default, pinned):
            raise ConfigError(
                f"--{name} is {given}, and the anchors were pinned with {pinned}",
                hint=f"leave it out, or pin other anchors with --pin --{name} {given}",
            )


def _show(anchors: Anchors, found: Drift, alpha: float) -> None:
    from harness.cli.screen import console
    from harness.report.tables import Column, Table
    from harness.report.terminal import show

    screen, version = console(), found.version
    screen.print(f"anchors {anchors.sha256[:12]}, source {anchors.use} {anchors.version}")
    if version != anchors.version:
        screen.print(f"the source's version is {version} now: prompt, parser or options changed")
    columns: list[Column | str] = [
        "", *Column.each("count", "compared", "changed"), Column("share", "percent"),
        *Column.each("count", "lost", "gained"), Column("mean shift", "rate"),
    ]  # fmt: skip
    rows = [
        (name, m.compared, m.changed, m.share if m.compared else None, m.lost, m.gained, m.shift)
        for name, m in (("noise when pinned", anchors.noise), ("now against pinned", found.now))
    ]
    show(screen, Table("", columns, rows))
    for change, count in sorted(found.now.moves.items(), key=lambda pair: -pair[1])[:6]:
        screen.print(f"  {change}: {count}")
    now = found.now
    if now.lost:
        statuses = ", ".join(f"{n} {status}" for status, n in now.failures.items())
        had = now.compared + now.lost
        screen.print(f"{now.lost} of {had} pinned verdicts have none now: {statuses}")
        for line in found.failed.told_reasons()[:1]:
            screen.print(f"  {line}", markup=False)
    if found.moved:
        verdict = "the judge has moved"
    elif now.compared:
        verdict = "no drift beyond the judge's own noise"
    else:
        verdict = "nothing can be compared: no anchor has a verdict both then and now"
    screen.print(f"{verdict} (Fisher's exact test, p = {found.p:.3g}, alpha = {alpha:g})")
    if (wins := found.policy) is not None:
        _show_policy(wins)


def _show_policy(wins: FirstWins) -> None:
    from harness.cli.screen import console
    from harness.report.wording import percent

    if wins.then is None or wins.again is None or wins.later is None:
        console().print(
            "judge and policy cannot be told apart: no verdict"
            f" {'now' if wins.then is not None else 'when pinned'}"
            f" ({wins.n} verdicts on the new responses)"
        )
        return
    console().print(
        f"share of pairs won by the first response: {percent(wins.then, 1)} pinned,"
        f" {percent(wins.again, 1)} judged again ({wins.again - wins.then:+.1%}: the judge),"
        f" {percent(wins.later, 1)} on the new responses ({wins.later - wins.again:+.1%}: the"
        f" policy; {wins.n} verdicts)"
    )
