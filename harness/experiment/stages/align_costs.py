"""What aligning a judge is going to cost at most, before the first call."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.experiment.context import Asking
from harness.experiment.sources import NamedSource
from harness.experiment.stages.align_candidates import NOW, Candidates, with_examples
from harness.feedback.contract import Plans
from harness.nouns.counted import counted
from harness.nouns.rubric import Rubric
from harness.nouns.schema import JudgmentRequest
from harness.scale_out.loop_thread import run_to_end

Pairs = Sequence[JudgmentRequest]


def costs_at_most(
    halves: tuple[Pairs, Pairs],
    tried: Candidates,
    sources: Mapping[str, NamedSource],
    rubrics: Mapping[str, Rubric],
    counts: Sequence[int],
    asking: Asking,
) -> str:
    """Return a line on labels, calls and dollars.

    Args:
        halves: The pairs that choose, and those that prove.
        tried: Makes the judges; nothing is left in its folder.
        sources: The judges without worked examples, by name.
        rubrics: Theirs; the longest one is taken for those with examples.
        counts: How many worked examples are tried.
        asking: Journal and limits.
    """
    choosing, proving = halves
    longest = sorted(
        ((pair, "TIE") for pair in choosing),
        key=lambda one: -sum(len(response.text) for response in one[0].responses),
    )
    with tempfile.TemporaryDirectory() as folder:
        apart = replace(tried, folder=Path(folder))
        dearest = max(rubrics.values(), key=lambda one: len(str(one)))
        examples = [
            apart.source(f"{count}", with_examples(dearest, longest[:count])) for count in counts
        ]
        plans = [(one, choosing) for one in (*sources.values(), *examples)]
        plans += [(sources[NOW], proving), ([*sources.values(), *examples][-1], proving)]
        line = run_to_end(_estimate(plans, asking))
    return f"{counted(len(choosing), 'label')} choose, {len(proving):,} prove; {line}"


async def _estimate(plans: Sequence[tuple[NamedSource, Pairs]], asking: Asking) -> str:
    from harness.chat import Client

    async with replace(asking, processes=1).open() as ctx:
        assert isinstance(ctx.chat, Client)
        calls = (
            call
            for source, pairs in plans
            if isinstance(source.source, Plans)
            for call in source.source.planned(pairs, ctx)
        )
        found = ctx.chat.estimate(calls)
    if found.unknown:
        price = f"the price of {', '.join(found.unknown)} is not known"
    else:
        price = f"about ${found.expected_usd:.2f}, at most ${found.at_most_usd:.2f}"
    kept = f" ({found.cached:,} more are in the journal)" if found.cached else ""
    return f"{counted(found.calls, 'call')} at most{kept}, {price}"
