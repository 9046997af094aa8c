"""Evaluate plain files, with no experiment: ``harness.evaluate``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.evaluate.held_out import shares
from harness.experiment.context import StartBar, asking_with, no_bar
from harness.experiment.sources import NamedSource, check_evaluator, source_by_name
from harness.experiment.stages.evaluate import (
    Evaluation,
    compared,
    evaluator_info,
    judge_policies,
)
from harness.experiment.stages.judge import check
from harness.experiment.stages.recorded import read_recorded
from harness.experiment.wording import wording_notes
from harness.feedback.contract import TIMEOUT_S
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.schema import Item, Response, SourceInfo, Way
from harness.records.rows import ItemsOrFile, ResponsesOrFile, items_of, responses_of


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """What an evaluation is given besides responses and evaluators.

    Args:
        uses: The plugin's source that an evaluator is, by the evaluator's name, where they differ.
        trained_on: Judgments files that each policy was trained on, by policy; all but the base,
            or none. They say for which policies an evaluator is held out.
        seed: Of the evaluators.
        concurrency: Requests in flight at once for each evaluator.
        budget: Stop before spending more, in dollars; what the journal holds counts.
        journal: File that keeps judgments, so that the same call makes only those that miss.
        timeout_s: Seconds for one response, of verifiers that have no limit of their own.
        lower: Evaluators of which a lower score is the better one.
        margins: Evaluator -> a change of its mean within this counts as none.
        ways: Evaluator -> ``pairwise`` or ``listwise`` where it compares with the base's responses.
    """

    uses: Mapping[str, str] = field(default_factory=dict)
    trained_on: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    seed: int = 0
    concurrency: int = 32
    budget: float | None = None
    journal: str | Path | None = None
    timeout_s: float = TIMEOUT_S
    lower: Collection[str] = ()
    margins: Mapping[str, float] = field(default_factory=dict)
    ways: Mapping[str, Way] = field(default_factory=dict)


def evaluate(
    items: ItemsOrFile,
    responses: Mapping[str | tuple[str, int], ResponsesOrFile],
    evaluators: Mapping[str, Mapping[str, Any]] | Sequence[str],
    settings: EvaluateSettings | None = None,
    bar: StartBar = no_bar,
) -> dict[str, Any]:
    """Compare policies by evaluators, as ``evaluated`` does.

    Returns:
        JSON values; docs/reports.md says what each key of ``evaluation`` holds, and ``reasons`` are
        the commonest ones of each evaluator's failures: {evaluator: {reason: n}}.
    """
    return dict(evaluated(items, responses, evaluators, settings, bar).table)


def evaluated(
    items: ItemsOrFile,
    responses: Mapping[str | tuple[str, int], ResponsesOrFile],
    evaluators: Mapping[str, Mapping[str, Any]] | Sequence[str],
    settings: EvaluateSettings | None = None,
    bar: StartBar = no_bar,
) -> Evaluation:
    """Compare policies by evaluators: means, differences and win rates, with intervals.

    Args:
        items: Held-out items.
        responses: Of each policy, by its name or by (name, seed); the first is the base that the
            others are compared with.
        evaluators: Sources by name, perhaps with their options; they score single responses where
            they can and ``ways`` does not say otherwise.
        settings: What the sources are called, and what the policies were trained on.
        bar: For progress.

    Returns:
        The comparison, and what the evaluators said.

    Raises:
        PluginError: There is no such source, or its options are wrong.
        ConfigError: It cannot judge as it is asked to, a policy is named twice, or is not said what
            it was trained on while others are.
        DataError: A table cannot be read, there is none, or responses do not fit the items.
        BudgetExceededError: The budget is used up; what was judged is in the journal.
    """
    settings = settings or EvaluateSettings()
    if not isinstance(responses, Mapping) or not responses:
        raise ConfigError(
            f"there are no responses of a policy, got {responses!r:.60}",
            hint="give them by policy, the base first: {'base': 'base.jsonl', 'dpo': 'dpo.jsonl'}",
        )
    if isinstance(evaluators, str):
        evaluators = [evaluators]
    options = evaluators if isinstance(evaluators, Mapping) else {n: {} for n in evaluators}
    sources = [
        source_by_name(settings.uses.get(name, name), given, None, name)
        for name, given in options.items()
    ]
    asked = items_of(items)
    written = _written(responses, asked)
    policies = list(dict.fromkeys(name for name, _ in written))
    for source in sources:
        way = settings.ways.get(source.name)
        check_evaluator(source, way, len(policies) - 1, settings.margins.get(source.name))
    ways = {one.name: one.evaluates(settings.ways.get(one.name)) for one in sources}
    fed = _fed(settings.trained_on, policies[1:])
    limits = settings.seed, settings.concurrency, settings.budget, settings.timeout_s
    with asking_with(settings.journal, *limits) as asking:
        check(sources, asking)
        by_name = {one.name: (one, ways[one.name]) for one in sources}
        judged, compared_by = judge_policies(by_name, asked, written, asking, bar)
    infos = [
        replace(
            evaluator_info(source, _held_out(source, fed)),
            direction="lower" if source.name in settings.lower else "higher",
            margin=settings.margins.get(source.name),
            way=ways[source.name],
        )
        for source in sources
    ]
    # Files do not say whether several seeds of the base are trainings; taken as samples of one
    # policy, differences would look surer than they may be.
    found = compared(asked, written, judged, infos, compared_by, base_trained=True)
    scoring = [one for one in sources if ways[one.name] == "pointwise"]
    found["warnings"] += wording_notes(scoring, "pointwise")
    return Evaluation(written, judged, found, compared_by)


def _written(
    responses: Mapping[str | tuple[str, int], ResponsesOrFile], items: Sequence[Item]
) -> dict[tuple[str, int], Sequence[Response]]:
    """Return the responses by (policy, seed); one without a system is of its policy, for labels."""
    written: dict[tuple[str, int], Sequence[Response]] = {}
    for key, found in responses.items():
        name, seed = key if isinstance(key, tuple) else (key, 0)
        if (name, seed) in written:
            label = f"{name}@{seed}" if isinstance(key, tuple) else name
            raise ConfigError(f"there are responses of {label} already")
        written[name, seed] = [
            one if one.system else replace(one, system=name) for one in responses_of(found, items)
        ]
        if not written[name, seed]:
            raise DataError(f"there is no response of {name}, seed {seed}", where=f"{found or ''}")
    return written


def _fed(
    trained_on: Mapping[str, Sequence[Path]], policies: Sequence[str]
) -> dict[str, list[SourceInfo]] | None:
    """Return who gave the feedback that each policy was trained on; None where nobody says."""
    if not trained_on:
        return None
    for name in trained_on:
        if name not in policies:
            raise ConfigError(f"no policy is named {name}", hint=f"there are {', '.join(policies)}")
    for name in policies:
        if name not in trained_on:
            raise ConfigError(f"it is not said what {name} was trained on, and of others it is")
    return {
        name: list(read_recorded([Path(file) for file in files]).infos.values())
        for name, files in trained_on.items()
    }


def _held_out(
    source: NamedSource, fed: Mapping[str, Sequence[SourceInfo]] | None
) -> frozenset[str] | None:
    if fed is None:
        return None
    return frozenset(
        policy
        for policy, teachers in fed.items()
        if not any(shares(source.info, teacher) for teacher in teachers)
    )
