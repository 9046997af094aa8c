"""Report: what a run's tables become in report.json, and the pages made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.experiment.config import RunConfig
from harness.experiment.experiment import Experiment
from harness.experiment.sources import NamedSource
from harness.experiment.stages.aggregate import Arm
from harness.experiment.stages.evaluate import Responses
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.pairs import WithBase
from harness.experiment.stages.train import Trained, TrainedPolicy
from harness.nouns.errors import HarnessError
from harness.nouns.outcomes import Status
from harness.nouns.redaction import redact_deep
from harness.nouns.schema import Item, Response
from harness.ratings.positions import position_of
from harness.registry import registry
from harness.train.log import BY_PROMPT, HELD_OUT

SAMPLES = 12
"""Held-out items whose responses the report shows side by side."""


IN_MANIFEST = (
    "use", "kind", "way", "version", "distribution", "models", "rubric", "rubric_sha256",
    "template_sha256",
)  # fmt: skip
"""What the manifest says of a source: who judged, with which version and prompts, from where."""


def source_row(
    source: NamedSource,
    config: RunConfig,
    judged: Judged | None,
    evaluated: Judged | None,
    with_base: WithBase | None = None,
) -> dict[str, Any]:
    """Return who a source is, what it did before training and as an evaluator, and what it cost.

    Args:
        source: Who.
        config: The experiment.
        judged: What it said before training.
        evaluated: What it said as an evaluator.
        with_base: What became of pairs that it compared as an evaluator.

    Returns:
        Requests, judgments, failures by status, tokens and dollars of both; ``reasons`` are the
        five most frequent ones of failures, ``seconds`` the wall time before training over all
        tries, ``isolation`` says how well its sandbox was closed (None where it needs none).
    """
    both = [one for one in (judged, evaluated) if one is not None]
    judgments = [judgment for one in both for judgment in one.judgments]
    statuses = Counter(j.verdict.status.value for j in judgments)
    reasons = Counter(
        j.verdict.rationale.split("\n")[0][:120]
        for j in judgments
        if j.verdict.status is not Status.OK
    )
    metadata = judgments[0].metadata if judgments else {}
    options = redact_deep(source.config.options, names=True)
    in_pairs = list(judged.judgments) if judged and source.way == "pairwise" else []
    in_pairs += with_base.pairs.judgments if with_base else []
    position = position_of(in_pairs)
    return {
        "name": source.name,
        "use": source.config.use,
        "kind": source.info.kind,
        "way": source.way,
        "version": source.info.version,
        "simulated": source.info.simulated,
        "distribution": f"{source.origin.distribution} {source.origin.version}",
        "options": options,
        "models": list(source.info.models),
        "rubric": options.get("rubric") or options.get("constitution"),
        "rubric_sha256": metadata.get("rubric_sha256"),
        "isolation": metadata.get("isolation"),
        "roles": roles_of(source.name, config),
        "requests": sum(len(one.requests) for one in both),
        "judgments": len(judgments),
        "ok": statuses.pop(Status.OK.value, 0),
        "failures": dict(statuses),
        "reasons": dict(reasons.most_common(5)),
        "cost_usd": sum(j.cost_usd for j in judgments),
        "seconds": round(judged.seconds, 2) if judged else 0.0,
        **({"decided": decided(judged)} if judged and source.info.kind == "verifier" else {}),
        "position": asdict(position) if position.pairs else None,
        "tokens": sum(j.tokens.prompt + j.tokens.completion for j in judgments),
        "template_sha256": next(
            (j.metadata.get("template_sha256") for j in judgments if j.metadata), None
        ),
    }


def decided(judged: Judged) -> dict[str, Any]:
    """Return on how many items to train on a verifier had a verdict of each response, by slice."""
    items = {request.id: request.item for request in judged.requests}
    fine: dict[str, bool] = {}
    for judgment in judged.judgments:
        if (item := items.get(judgment.request_id)) is not None:
            fine[item.id] = fine.get(item.id, True) and judgment.verdict.status is Status.OK
    slices: dict[str, dict[str, int]] = {}
    for request in judged.requests:
        if "slice" in request.item.metadata and request.item.id in fine:
            slices.setdefault(str(request.item.metadata["slice"]), {})[request.item.id] = 1
    return {
        "items": len(fine),
        "decided": sum(fine.values()),
        "slices": {
            name: {"items": len(own), "decided": sum(fine[item] for item in own)}
            for name, own in slices.items()
        },
    }


def roles_of(name: str, config: RunConfig) -> list[str]:
    """Return what a source does in an experiment."""
    plays = {
        "reward": any(name in arm.sources for arm in config.arms.values()),
        "evaluator": name in config.evaluation.evaluators,
        "agreement reference": config.agreement is not None and config.agreement.reference == name,
        "held against by gates": config.agreement is not None
        and any(gate.against == name for gate in config.agreement.gates),
    }
    return [role for role, played in plays.items() if played]


def arm_row(
    arm: Arm,
    trained: Trained,
    judged: Mapping[str, Judged],
    ranked: Mapping[tuple[str, int], Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the row of an arm: what it learnt from, its trainings, time and cost.

    What judging for training cost counts; what a source cost as an evaluator is no arm's feedback.

    Args:
        arm: The arm.
        trained: What became of its trainings.
        judged: What the sources said.
        ranked: How its reward models rank right against wrong, by arm and seed.
    """
    mine = [judged[name] for name in arm.config.sources]

    def seed_row(one: TrainedPolicy) -> dict[str, Any]:
        row, ranks = one.as_row(), ranked.get((one.arm, one.seed))
        if ranks:
            row["reward_model"] = {**row["reward_model"], "same_style": ranks}
        return row

    return {
        **arm.as_row(),
        "seeds": [
            *(seed_row(one) for one in trained.policies.values() if one.arm == arm.name),
            *(
                {"seed": seed, "status": "not trained", "why": list(why)}
                for (name, seed), why in trained.failed.items()
                if name == arm.name
            ),
        ],
        "labels": {
            one.source.name: answered(one) for one in mine if one.source.info.kind == "human"
        },
        "calls": sum(
            judgment.verdict.status is not Status.MISSING
            for one in mine
            if one.source.info.models
            for judgment in one.judgments
        ),
        "feedback_cost_usd": sum(one.cost_usd for one in mine),
        "feedback_seconds": sum(one.seconds for one in mine),
    }


def answered(judged: Judged) -> int:
    """Return how many labels people gave: an abstention took their time, a missing one did not."""
    gave = (Status.OK, Status.ABSTAINED)
    return sum(judgment.verdict.status in gave for judgment in judged.judgments)


def warnings_of(trained: Sequence[TrainedPolicy]) -> list[str]:
    """Return what only the run knows and a reader must."""
    other = [f"{one.arm} (seed {one.seed})" for one in trained if not one.watched]
    if not other:
        return []
    return [
        f"The training curves of {', '.join(other)} were watched as an earlier version of the"
        " experiment said: by another monitor, on other held-out items or at other steps. The"
        " weights do not depend on it."
    ]


def curves_of(
    trained: Sequence[TrainedPolicy], monitor: str | None
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the logs of all trainings by arm and seed, under the names that the report plots."""
    curves: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for one in trained:
        rows = [curve_row(row, monitor) for row in one.log()]
        curves.setdefault(one.arm, {})[str(one.seed)] = rows
    return curves


def curve_row(row: Mapping[str, Any], monitor: str | None) -> dict[str, Any]:
    """Return a log row with the watched gold reward under the name that the report plots.

    What each prompt had stays in the log: `gold_falls` has what comes of it.
    """
    error = row.get(f"held_out/gold_se/{monitor}")
    kept = {key: value for key, value in row.items() if not key.startswith(HELD_OUT + BY_PROMPT)}
    found = {**kept, "gold": row.get(f"held_out/gold/{monitor}")}
    return found if error is None else {**found, "gold_se": error}


def run_row(experiment: Experiment, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return who ran what, how long, and what it cost."""
    config = experiment.config
    return {
        "name": config.name,
        "description": config.description,
        "created": manifest["created"],
        "duration_s": manifest["seconds"],
        "cost_usd": manifest["cost_usd"],
        "seeds": list(config.seeds),
        "harness_version": manifest["packages"].get("feedback-harness", ""),
        "python": manifest["python"],
        "platform": manifest["platform"],
        "packages": manifest["packages"],
        "items": _items(experiment),
    }


def _items(experiment: Experiment) -> dict[str, int]:
    """Return how many items there are; what was answered elsewhere may leave some out."""
    train, given = len(experiment.train), experiment.responses
    answered = train
    if given is not None:
        answered = len({one.id for one in experiment.train} & {one.item_id for one in given})
    without = {"unanswered": train - answered} if answered < train else {}
    return {"train": answered, **without, "eval": len(experiment.evaluation)}


def samples_of(
    items: Sequence[Item],
    responses: Responses,
    evaluated: Mapping[str, Judged],
    seed: int,
    evaluation: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the responses of all policies to some held-out items, with their scores.

    Those where something went wrong come first; ``evaluation`` is the table, for what wrong is.
    """
    from harness.report.samples import chosen

    scores: dict[str, dict[str, Any]] = {}
    for name, one in evaluated.items():
        response_of = {request.id: request.responses[0].id for request in one.requests}
        for judgment in one.judgments:
            value = judgment.verdict.value
            scores.setdefault(response_of[judgment.request_id], {})[name] = value
    firsts: dict[str, dict[str, Response]] = {}
    for (policy, policy_seed), written in responses.items():
        if policy_seed == seed:
            for response in written:
                firsts.setdefault(response.item_id, {}).setdefault(policy, response)
    rows: list[dict[str, Any]] = []
    for item in items:
        rows.append(
            {
                "item_id": item.id,
                "prompt": item.prompt_text,
                "reference": item.reference,
                "responses": [
                    {
                        "policy": policy,
                        "seed": seed,
                        "text": response.text,
                        "scores": scores.get(response.id, {}),
                    }
                    for policy, response in firsts.get(item.id, {}).items()
                ],
            }
        )
    return [dict(row) for row in chosen(rows, evaluation, SAMPLES)]


def write_report(data: dict[str, Any], folder: Path) -> Path:
    """Write the report of a run, and tell the plugins.

    Returns:
        Path of report.html.

    Raises:
        HarnessError: The page was not written.
    """
    from harness.report import build

    path = build(data, folder, sections=registry().sections)
    if not path.is_file():
        raise HarnessError(f"the report was not written: {path}")
    registry().manager.hook.harness_run_finished(run=folder)
    return path


def report(run_dir: str | Path, out: str | Path | None = None) -> Path:
    """Build report.html and report.md of a run again from its report.json.

    Nothing is computed or judged. It is written into the run's folder, or to ``out``.

    Returns:
        Path of report.html.

    Raises:
        DataError: There is no report.json, it is of another format, or cannot be shown.
    """
    from harness.report import build, load
    from harness.report.misfits import shown_from

    data = load(Path(run_dir))
    with shown_from(Path(run_dir) / "report.json"):
        return build(data, Path(out or run_dir), registry().sections)


def index(folder: str | Path) -> tuple[Path, int, list[str]]:
    """Write index.html and index.md of the runs in a folder.

    Returns:
        Path of index.html, how many runs it lists, and why each other folder is left out.

    Raises:
        InputError: There is no such folder.
    """
    from harness.nouns.errors import InputError
    from harness.report.index import write_index

    if not Path(folder).is_dir():
        raise InputError("there is no such folder", where=str(folder), hint="name one of runs")
    return write_index(Path(folder))


def export(run_dir: str | Path, form: str, folder: str | Path) -> list[Path]:
    """Write a report in another form.

    Args:
        run_dir: Folder of a run that has a report.json.
        form: ``csv`` or ``latex``: each table in a file of its own; ``cards``: a model card for
            each arm and a dataset card; ``every_eval_ever``: the scores of each policy.
        folder: Where the files go.

    Returns:
        The files.

    Raises:
        DataError: There is no report.json, it is of another format, or cannot be shown.
        InputError: There is no such form, or the folder cannot be written.
    """
    from harness.nouns.errors import InputError
    from harness.report import load
    from harness.report.build import page_of
    from harness.report.forms import FORMS
    from harness.report.misfits import shown_from

    if form not in FORMS:
        raise InputError(
            f"there is no form {form!r} of a report", hint=f"one of {', '.join(FORMS)}"
        )
    read = load(Path(run_dir))
    with shown_from(Path(run_dir) / "report.json"):
        data, page = page_of(read, registry().sections, Path(run_dir))
        return FORMS[form](data, page, Path(folder))
