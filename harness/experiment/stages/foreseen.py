"""Foreseen: what a run is certain to lose or to fail in, known from its files before it begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.experiment.arms import STACKING
from harness.experiment.context import Asking, no_bar
from harness.experiment.experiment import Experiment
from harness.experiment.failures import failures_among
from harness.experiment.stages.aggregate import Arm, arm_of
from harness.experiment.stages.judge import Judged, ask, check, requests_of
from harness.experiment.stages.look import gives_nothing
from harness.experiment.wording import wording_notes
from harness.feedback.human import HumanTable
from harness.feedback.requests import build_requests, left_out
from harness.nouns.errors import HarnessError, InputError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Response
from harness.train.dpo import certain_pair
from harness.train.left_out import told


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is known before a run begins.

    Attributes:
        labelled: Requests that have a label, by the table of labels that has them.
        notes: Lines on labels and responses, and what is lost of them.
        failing: Lines on what the run is going to end with an error for; none if nobody knows.
    """

    labelled: Mapping[str, int]
    notes: Sequence[str]
    failing: Sequence[str]


def foreseen(
    experiment: Experiment, responses: Sequence[Response], needed: Sequence[str]
) -> Foreseen:
    """Return what the files of an experiment tell of its run; no model is asked.

    Args:
        experiment: The experiment.
        responses: To the items to train on: the given ones, or stand-ins for those to be sampled.
        needed: Sources that take part in training or agreement.
    """
    tables = _tables(experiment, responses, needed)
    notes = [_told(name, experiment, judged) for name, judged in tables.items()]
    pairs = left_out(experiment.train, responses) if experiment.responses is not None else ""
    failing = [*_unready(experiment), *_silent(tables)]
    if not failing:
        failing += _untrained(experiment, responses, tables)
    labelled = {name: len(_answered(one)) for name, one in tables.items()}
    worded = wording(experiment, needed)
    notes += [*filter(None, [pairs]), *(f"warning: {line}" for line in worded)]
    return Foreseen(labelled, notes, failing)


def wording(experiment: Experiment, needed: Sequence[str]) -> list[str]:
    """Return warnings on judges that score single responses by words for two."""
    sources, evaluators = experiment.sources, experiment.config.evaluation.evaluators
    scoring = [name for name, read in evaluators.items() if not sources[name].compares(read.way)]
    found = [
        *wording_notes(sources[name] for name in needed),
        *wording_notes((sources[name] for name in scoring), "pointwise"),
    ]
    return list(dict.fromkeys(found))


def unheard(experiment: Experiment, judged: Mapping[str, Judged]) -> list[str]:
    """Return lines on labels of people that answer nothing that was asked."""
    found = ((name, _lost(experiment, one)) for name, one in judged.items())
    return [f"{name}: {lost}" for name, lost in found if lost]


def uncompared(experiment: Experiment, responses: Sequence[Response]) -> list[str]:
    """Return a line on the responses that nobody compares, where anybody compares any."""
    config, sources = experiment.config, experiment.sources
    compares = config.agreement is not None or any(
        not arm.online or any(sources[name].way == "pairwise" for name in arm.sources)
        for arm in config.arms.values()
    )
    line = left_out(experiment.train, responses) if compares else ""
    if not line:
        return []
    per_item = config.policy.responses_per_item
    if per_item % 2 and experiment.responses is None:
        line += f"; policy.responses_per_item is {per_item}: {per_item + 1} would use them all"
    return [line]


def _tables(
    experiment: Experiment, responses: Sequence[Response], needed: Sequence[str]
) -> dict[str, Judged]:
    """Return what tables of labels say, which costs nothing to look up."""
    asking, found = Asking(None, experiment.config.seeds[0], processes=1), {}
    for name in needed:
        source = experiment.sources[name]
        if isinstance(source.source, HumanTable):
            requests = requests_of(source, experiment.train, responses)
            found[name] = Judged(source, requests, ask(source, requests, asking, no_bar))
    return found


def _told(name: str, experiment: Experiment, judged: Judged) -> str:
    what = "pairs" if judged.source.way == "pairwise" else "responses"
    labels = [j for j in judged.judgments if j.verdict.status is not Status.MISSING]
    none = sum(label.verdict.status is not Status.OK for label in labels)
    of = f"{len(_answered(judged)):,} of {len(judged.requests):,} {what}"
    line = f"{name}: {_labels(len(labels))} on {of}" + f", {none:,} of them no verdict" * bool(none)
    lost = _lost(experiment, judged)
    return f"{line}; {lost}" if lost else line


def _answered(judged: Judged) -> set[str]:
    """Return the requests that somebody labelled."""
    return {j.request_id for j in judged.judgments if j.verdict.status is not Status.MISSING}


def _lost(experiment: Experiment, judged: Judged) -> str:
    """Return in words which labels of a table answer nothing; empty for other sources."""
    table = judged.source.source
    if not isinstance(table, HumanTable):
        return ""
    foreign, others = table.unheard([item.id for item in experiment.train], judged.requests)
    limit = experiment.config.data.train.limit
    parts = [
        f"{_labels(foreign)} of items that are not in data.train"
        + f" (limit {limit})" * bool(limit)
        if foreign
        else "",
        f"{_labels(others)} of responses, or of pairs of them, that are not asked about"
        if others
        else "",
    ]
    lost = " and ".join(filter(None, parts))
    return f"{lost} {'is' if foreign + others == 1 else 'are'} not used" if lost else ""


def _labels(count: int) -> str:
    return f"{count:,} label" + "s" * (count != 1)


def _unready(experiment: Experiment) -> list[str]:
    """Return why sources cannot work at all, such as a key that is not set."""
    asking, lines = Asking(None, experiment.config.seeds[0]), []
    for name, source in experiment.sources.items():
        try:
            check([source], asking)
        except InputError as error:
            lines.append(f"source {name}: {error}")
    return lines


def _silent(tables: Mapping[str, Judged]) -> list[str]:
    lines = []
    for name, one in tables.items():
        if gives_nothing(one.judgments):
            found = failures_among(one.judgments, worked=(Status.OK.value,))
            counts = ", ".join(f"{count} {status}" for status, count in found.counts)
            what = "pairs" if one.source.way == "pairwise" else "responses"
            lines.append(f"source {name} gives no verdict on {len(one.requests)} {what}: {counts}")
            if _answered(one):
                lines += [f"  - for example {reason}" for reason, _ in found.reasons[:1]]
    return lines


def _untrained(
    experiment: Experiment, responses: Sequence[Response], tables: Mapping[str, Judged]
) -> list[str]:
    """Return lines on arms that have nothing to learn from, whatever judges are going to say."""
    pairs, lines = build_requests(experiment.train, responses, "pairwise"), list[str]()
    measured = experiment.config.agreement is not None
    for name, arm in experiment.config.arms.items():
        ways = {experiment.sources[source].way for source in arm.sources}
        if arm.online and "pairwise" not in ways:
            continue
        if not pairs:
            lines.append(f"arm {name} cannot be trained: no two responses can be compared")
        elif {*arm.sources} <= {*tables} and not (
            measured and arm.aggregation in (STACKING, "agreement_weighted")
        ):
            try:
                why = _nothing_to_learn(arm_of(name, arm, tables, None, pairs))
            except HarnessError as error:
                why = str(error).split("\n")
            lines += [f"arm {name} cannot be trained: {line}" for line in why[:1]]
            lines += [f"  - {line}" for line in why[1:]]
    return lines


def _nothing_to_learn(arm: Arm) -> list[str]:
    """Return lines on why an arm's preferences teach nothing; empty where they do."""
    if arm.config.trainer != "dpo" or not arm.preferences:
        return arm.without_preferences()
    least = float(arm.config.settings.get("minimum_probability", 0.5))
    pairs = ({"chosen": 1, "rejected": 0, "probability": p.probability} for p in arm.preferences)
    found = [certain_pair(pair, least) for pair in pairs]
    reasons = Counter(one for one in found if isinstance(one, str))
    if reasons.total() < len(found):
        return []
    return [f"none of {len(found)} preferences can be learnt from: {told(reasons)}"]
