"""A command whose every call failed has failed: it says how often and why, and exits with 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.experiment.failures import failures_among, failures_of
from harness.nouns.errors import HarnessError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.experiment.stages.judge import Judged


def refuse_nothing(
    what: str, outcomes: Iterable[tuple[str, str]], members: Sequence[str] = ()
) -> None:
    """Refuse to call it done when every outcome is a failure.

    Args:
        what: Of which none came about, such as "judgments"; outcomes are of these.
        outcomes: Status and reason of each.
        members: Who gave each, of a source of several voices.

    Raises:
        HarnessError: All failed; it says how often each status and the commonest reasons came.
    """
    found = failures_of(outcomes, members=members)
    if not found.is_everything:
        return
    lines = [found.told(what), *(f"  - {line}" for line in found.told_reasons())]
    if found.hint:
        lines.append(f"  hint: {found.hint}")
    lines.append("  hint: the same command tries errors and timeouts again, and pays for no other")
    raise HarnessError("\n".join(lines))


def tell_failures(screen: Console, judged: Mapping[str, Judged]) -> None:
    """Print what failed of each source's judgments, and why; refuse to call a silent one done.

    Args:
        screen: Where it goes.
        judged: What is counted, such as "judgments" -> what a source said.

    Raises:
        HarnessError: A source gave no verdict at all; it says why.
    """
    from harness.experiment.stages.look import gives_nothing, told

    for what, one in judged.items():
        if gives_nothing(one.judgments):
            continue
        found = failures_among(one.judgments)
        if found.failed:
            screen.print(found.told(what), markup=False)
        for line in found.told_reasons():
            screen.print(f"  - {line}", markup=False)
        for line in found.told_members():
            screen.print(line, markup=False)
        if found.hint:
            screen.print(f"hint: {found.hint}", markup=False)
    for what, one in judged.items():
        ended = [(each.verdict.status.value, each.verdict.rationale) for each in one.judgments]
        refuse_nothing(what, ended, [each.annotator for each in one.judgments])
        if gives_nothing(one.judgments):
            raise HarnessError("\n".join(["nobody gave a verdict", *told(one)]))
