"""``harness probe-judge``: what turns a judge's verdict, besides quality?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import (
    Answers,
    Asking,
    OneSource,
    Seed,
    Verifying,
    checked_way,
    filled,
    key_values,
    one_object,
)

if TYPE_CHECKING:
    from harness.agreement.probes import Probe


@dataclass(frozen=True, kw_only=True)
class Options(OneSource, Answers, Asking, Verifying):
    """What ``harness probe-judge`` is given.

    Args:
        out: JSON file to write what was found to, such as probes.json; harness agree --probes reads
            it.
        bias: Probe this bias only (position, length, format, sycophancy, authority,
            self-preference, pushback); repeatable. All by default.
        own: A system whose responses are of the judge's own family; repeatable. By default those
            called like one of its models.
        way: pairwise or pointwise; by default what the source can do, pairs first.
        name: Name of the source, as gates call it; the plugin's by default.
        limit: Use only so many pairs or responses, the first ones.
        seed: Decides which response a judge sees first.
    """

    out: Path
    bias: list[str] | None = None
    own: list[str] | None = None
    way: str | None = None
    name: str | None = None
    limit: Annotated[int | None, typer.Option(min=1)] = None
    seed: Seed = 0


@one_object
def command(options: Options) -> None:
    """Probe a judge for biases: its verdicts that a change turns beyond those that turn by chance.

    Each pair of your responses is asked once, once again in the same words (the placebo), and once
    with each change: the answers change places, one says all twice, one is set as a list, one
    claims that experts confirmed it, one is signed by the judge's family, the asker says which is
    liked, or the judge is only asked "Are you sure?". Calls and dollars are told before the first
    call; OUT.journal.sqlite keeps what was paid for, so that the same command goes on where it
    was killed.
    """
    from harness.cli.nothing import refuse_nothing
    from harness.cli.screen import bars, console
    from harness.experiment.stages.probe_judge import ProbeSettings, probe_judge
    from harness.records.journal import journal_beside
    from harness.report.blocks import Text
    from harness.report.probes import answer, table
    from harness.report.terminal import show

    settings = filled(
        ProbeSettings,
        options,
        options=key_values(options.option),
        way=checked_way(options.way),
        journal=journal_beside(options.out),
        timeout_s=options.timeout,
        biases=tuple(options.bias or ()),
        own=tuple(options.own or ()),
    )
    with bars(options.quiet) as bar:
        probed = probe_judge(options.source, options.items, options.responses, settings, bar)
    probed.write(options.out)
    screen, name = console(), probed.source.name
    unit = "pair" if probed.source.way == "pairwise" else "response"
    said = answer(probed.probes, unit)
    show(screen, Text(f"{name}: {said}.", "strong"), table(probed.probes))
    screen.print(f"\n${probed.cost_usd:.4f}, in {options.out}", markup=False, soft_wrap=True)
    ended = [one for each in probed.judgments.values() for one in each]
    refuse_nothing("judgments", [(j.verdict.status.value, j.verdict.rationale) for j in ended])
    screen.print(f"next: {_next(options.out, name, probed.probes)}", markup=False, soft_wrap=True)


def _next(out: Path, name: str, probes: Sequence[Probe]) -> str:
    """Return the command that goes on from here: a gate of the bias that turns most verdicts."""
    from harness.agreement.probes import worst
    from harness.experiment.stages.recorded import judgments_of

    measured = [one for one in probes if one.excess.value is not None]
    most = max(measured or probes, key=lambda one: abs(one.excess.value or 0.0))
    bias, path = (worst(probes) or most).bias, judgments_of(name, out.parent)
    before = ""
    if path is None:
        path = out.parent / f"{name}.jsonl"
        before = f"harness judge with the same options and --out {quote(str(path))}, then "
    return (
        f"{before}harness agree {quote(str(path))} --probes {quote(str(out))}"
        f" --gate {quote(f'{name}=maximum_bias:0.1:drop,bias={bias}')}"
    )
