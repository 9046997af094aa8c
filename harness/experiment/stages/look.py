"""Look first: every source is asked a few requests; one that gives nothing stops the run early."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from harness.experiment.context import Asking, StartBar, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.failures import failures_among
from harness.experiment.sources import NamedSource
from harness.experiment.stages.judge import Judged, ask
from harness.experiment.stages.respond import RespondSettings, respond
from harness.nouns.counted import counted
from harness.nouns.errors import HarnessError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response
from harness.records.journal import Journal

FEW = 4
"""Requests that each source is asked first."""
LOOK_S = 20.0
"""Seconds that a verifier has for one of these, where the experiment does not say ``timeout``."""
MORE = 64
"""Requests after which a judge that only abstained is given up."""
_QUOTED = 160

T = TypeVar("T")


def spread(things: Sequence[T], most: int = FEW) -> list[T]:
    """Return a few of many, evenly spread."""
    step = max(1, len(things) // most)
    return list(things[::step][:most])


def is_known(source: NamedSource, part: str, journal: Journal) -> bool:
    """Tell whether a source gave a verdict in an earlier try, and need not be looked at."""
    info = source.info
    return any(
        judgment.source_version == info.version and judgment.verdict.status is Status.OK
        for judgment in journal.judgments(f"{part}/{source.scope}", info.name)
    )


def look_at(
    source: NamedSource, part: str, requests: Sequence[JudgmentRequest], asking: Asking
) -> Judged:
    """Ask a source a few of its requests; what it says counts, if the run asks the same later."""
    few = spread(requests)
    return Judged(source, few, ask(source, few, asking, no_bar, part) if few else [])


def is_local(source: NamedSource) -> bool:
    """Tell whether a source asks a model in this process, which is not looked at.

    It has neither key nor server, its name is checked before, and the last digits of its
    log-probabilities depend on which requests share a batch: a look would change them.
    """
    models = source.config.options.get("model", ())
    return any(
        str(m).startswith("local/") for m in ([models] if isinstance(models, str) else models)
    )


def look_longer(
    source: NamedSource, requests: Sequence[JudgmentRequest], asking: Asking, bar: StartBar
) -> Judged:
    """Ask an evaluator that abstained from a few of its requests more of them: all, if free."""
    more = spread(requests, MORE if source.info.kind == "judge" else len(requests))
    return Judged(source, more, ask(source, more, asking, bar, "evaluation"))


def sample_few(experiment: Experiment, items: Sequence[Item], per_item: int) -> list[Response]:
    """Sample the base policy on a few items, for a look only."""
    config = experiment.config
    settings = RespondSettings.of(config.policy, per_item, "base", config.seeds[0])
    return respond(experiment.model, spread(items), settings)


def gives_nothing(judgments: Iterable[Judgment]) -> bool:
    """Tell whether a source was asked and gave no verdict at all."""
    statuses = {judgment.verdict.status for judgment in judgments}
    return bool(statuses) and Status.OK not in statuses


def is_doubtful(judgments: Iterable[Judgment]) -> bool:
    """Tell whether a source only abstained or failed: it may have verdicts on other requests."""
    said = list(judgments)
    return gives_nothing(said) and any(j.verdict.status is Status.ABSTAINED for j in said)


def refuse_silent(silent: Sequence[Judged]) -> None:
    """Stop a run before its long work where sources give no verdict.

    Raises:
        HarnessError: With the reasons, examples and the way out of each.
    """
    if not silent:
        return
    names = ", ".join(dict.fromkeys(one.source.name for one in silent))
    lines = [f"the run stops before its long work, since no verdict came from: {names}"]
    for one in silent:
        lines += told(one)
    lines.append("mend it and run again: what was judged so far is kept")
    raise HarnessError("\n".join(lines))


def told(one: Judged) -> list[str]:
    """Return lines on a source without any verdict: how often, why, an example, the way out."""
    found = failures_among(one.judgments, worked=(Status.OK.value,))
    counts = ", ".join(f"{count} {status}" for status, count in found.counts)
    info = one.source.info
    who = f"source {one.source.name} ({one.source.config.use}, {one.source.way})"
    lines = [f"{who}: {counted(found.total, 'judgment')}: {counts}"]
    lines += [f"  - {line}" for line in found.told_reasons()]
    lines += _example(one)
    lines.append(f"  hint: {found.hint or _WAYS_OUT[_way_out(found.counts[0][0], info.kind)]}")
    return lines


def _example(one: Judged) -> list[str]:
    asked = {request.id: request for request in one.requests}
    judgment = next((j for j in one.judgments if j.raw), one.judgments[0])
    request = asked[judgment.request_id]
    lines = [f"  for example item {request.item.id}: {_quoted(request.item.prompt_text)}"]
    lines += [f"    response {each.id}: {_quoted(each.text)}" for each in request.responses]
    if judgment.raw:
        lines.append(f"    what came back: {_quoted(str(judgment.raw))}")
    return lines


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= _QUOTED else f"{line[:_QUOTED]}...")


def _way_out(status: str, kind: str) -> str:
    return kind if status == Status.MISSING.value and kind == "human" else status


_WAYS_OUT = {
    "human": "no label is about these responses: the ids of items and responses in the labels must"
    " be those of the run, in its responses/train.jsonl",
    "missing": "the source yields no judgment for a request; harness judge asks it alone",
    "error": "the reason says what is wrong: a key, a model's name, an address, the plugin's code;"
    " harness judge asks it alone",
    "timeout": "make it faster, or say timeout: SECONDS in the experiment file; harness judge asks"
    " it alone",
    "refused": "the model refuses to judge: take another model or rubric",
    "unparseable": "the reply holds no verdict in the form that is asked for: harness show-prompt"
    " shows what is sent; a larger max_tokens or another model may help",
    "abstained": "the source has nothing to go by: mostly an item without what it needs, such as a"
    " reference; take another source, or give the items what it needs",
}
