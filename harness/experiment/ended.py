"""What a run says at its end: what its report holds, and what failed on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from harness.experiment.failures import failures_among
from harness.experiment.sealed import Made
from harness.experiment.stages.aggregate import Arm
from harness.experiment.stages.gold import gold_falls, overoptimisation
from harness.experiment.stages.report import (
    arm_row,
    curves_of,
    run_row,
    samples_of,
    source_row,
    warnings_of,
)
from harness.experiment.stages.transport_measured import Transported


class Ended(Made, Protocol):
    """A run all of whose tables can be asked for."""

    def arms(self) -> list[Arm]:
        """Return what every arm learns from."""
        ...

    def transported(self) -> Transported | None:
        """Return whether rewards are still valid on what the trained policies write."""
        ...

    def people(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Return how often people prefer each arm to base, and warnings."""
        ...

    def _left_out(self) -> list[str]: ...

    def _ranked(self) -> Mapping[tuple[str, int], Mapping[str, Any]]: ...

    def _finish(self, sources: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]: ...


def failed_in(run: Ended) -> list[str]:
    """Return lines on the sources, and members of juries, without any verdict."""
    lines = []
    for when, judged in (("", run.judged()), (" of the policies", run.evaluation().judged)):
        for name, one in judged.items():
            found = failures_among(one.judgments)
            if found.is_everything:
                lines.append(f"source {name}: {found.told(f'judgments{when}')}")
                lines += [f"  - {line}" for line in found.told_reasons()]
                lines += [f"  hint: {found.hint}"] if found.hint else []
            lines += [f"source {name}: {line}" for line in found.told_members()]
    return lines


def untrained_in(run: Ended) -> list[str]:
    """Return lines on the arms without a policy that their gates alone do not explain."""
    lines = [
        f"arm {arm.name} was not trained: its gates left nothing of sources that failed"
        for arm in run.arms()
        if not arm.used and arm.silent
    ]
    reasons: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (arm, seed), why in run.trainings().failed.items():
        reasons.setdefault((arm, tuple(why)), []).append(str(seed))
    for (arm, why), seeds in reasons.items():
        which = (
            f" with seed {', '.join(seeds)}"
            if len(seeds) < len(run.experiment.config.seeds)
            else ""
        )
        lines.append(f"arm {arm}{which} was not trained: {why[0]}")
        lines += [line if line[:2] == "  " else f"  - {line}" for line in why[1:]]
    return lines


def told_by_report(run: Ended) -> dict[str, Any]:
    """Return what the report says, as plain values, and seal the run."""
    experiment, config = run.experiment, run.experiment.config
    evaluation, agreement, judged = run.evaluation(), run.agreement(), run.judged()
    trained, transported = list(run.trainings().policies.values()), run.transported()
    by_people, unlike = run.people()
    ranked = run._ranked()
    sources = [
        source_row(
            source,
            config,
            judged.get(name),
            evaluation.judged.get(name),
            evaluation.with_base.get(name),
        )
        for name, source in experiment.sources.items()
    ]
    manifest = run._finish(sources)
    measured = agreement.as_row() if agreement else None
    return {
        "run": run_row(experiment, manifest),
        "plan": manifest.get("plan"),
        "prices": config.prices.model_dump(),
        "warnings": [
            *warnings_of(trained),
            *run._left_out(),
            *run._unheard(judged),
            *run._wording(),
            *unlike,
        ],
        "sources": [
            {key: value for key, value in row.items() if key != "template_sha256"}
            for row in sources
        ],
        "agreement": measured,
        "gates": measured["gates"] if measured else [],
        **({"transport": transported.as_row()} if transported else {}),
        **({"people": by_people} if by_people else {}),
        "arms": [arm_row(arm, run.trainings(), judged, ranked) for arm in run.arms()],
        "evaluation": evaluation.table,
        "curves": curves_of(trained, config.evaluation.monitor),
        "gold_falls": gold_falls(experiment, evaluation, trained),
        "overoptimisation": overoptimisation(experiment, trained),
        "samples": samples_of(
            experiment.evaluation,
            evaluation.responses,
            evaluation.scored,
            config.seeds[0],
            evaluation.table,
        ),
        "manifest": manifest,
    }
