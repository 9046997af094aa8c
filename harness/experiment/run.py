"""Run: the tables of an experiment, each computed once; ``run``: all of them to a report."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from harness.experiment.changed import mark_old
from harness.experiment.clock import Clock
from harness.experiment.context import Asked, Asking, ShowsTrainings, StartBar, no_bar, versions
from harness.experiment.ended import failed_in, told_by_report, untrained_in
from harness.experiment.experiment import Experiment
from harness.experiment.once import once
from harness.experiment.said_before import plan_of, say_before, with_plan
from harness.experiment.sealed import inputs_told, seal, told_of
from harness.experiment.sources import NamedSource
from harness.experiment.stages.aggregate import Arm, arm_of
from harness.experiment.stages.agree import Agreement, agreement_of
from harness.experiment.stages.evaluate import (
    Evaluation,
    Responses,
    evaluation_of,
    requests_to,
    sample_policies,
)
from harness.experiment.stages.foreseen import uncompared, unheard, wording
from harness.experiment.stages.judge import Judged, ask, check, requests_of
from harness.experiment.stages.label_pairs import ROWS as PEOPLE
from harness.experiment.stages.label_pairs import in_run as people_in_run
from harness.experiment.stages.look import (
    LOOK_S,
    gives_nothing,
    is_doubtful,
    is_known,
    is_local,
    look_at,
    look_longer,
    refuse_silent,
    sample_few,
)
from harness.experiment.stages.pairs import FEWEST_OF_A_LIST, few_requests
from harness.experiment.stages.recorded import Answers
from harness.experiment.stages.report import IN_MANIFEST, write_report
from harness.experiment.stages.respond import BASE, base_responses, is_quick
from harness.experiment.stages.reward_models import right_against_wrong
from harness.experiment.stages.spent import tell_certified, uses_of_people
from harness.experiment.stages.train import Trained, TrainedPolicy, Training
from harness.experiment.stages.transport import in_run
from harness.experiment.stages.transport_measured import Transported
from harness.feedback.requests import build_requests
from harness.nouns.errors import HarnessError
from harness.nouns.plain_text import visible
from harness.nouns.redaction import redact_deep
from harness.nouns.schema import JudgmentRequest, Response, Way
from harness.policy.weights import check_apart
from harness.records.code import code
from harness.records.journal import JOURNAL, Journal
from harness.records.label_uses import LabelUse, read_uses
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_json, write_jsonl

PACKAGES = (
    "feedback-harness", "litellm", "torch", "transformers", "trl", "accelerate", "peft",
    "math-verify", "numpy", "scipy", "pandas", "pydantic", "pluggy",
)  # fmt: skip


class Run:
    """The tables of an experiment; each is computed once, when it is first asked for, and written.

    What an earlier try in the same directory finished is read, not made again.

    Args:
        experiment: What is run.
        directory: Where the tables are written; the caller holds its lock.
        journal: Keeps judgments and replies.
        bar: For progress.
    """

    def __init__(
        self,
        experiment: Experiment,
        directory: RunDirectory,
        journal: Journal,
        bar: StartBar = no_bar,
    ) -> None:
        self.experiment = experiment
        self.directory = directory
        self.journal = journal
        self._clock = Clock(directory, journal)
        self._bar = self._clock.watch(bar)
        self._shown = bar if isinstance(bar, ShowsTrainings) else None
        config = experiment.config
        limits = config.seeds[0], config.concurrency, config.budget_usd
        self._asking = Asking(journal, *limits, timeout_s=config.timeout)
        self.uses: Sequence[LabelUse] = ()
        said = "timeout" in config.model_fields_set
        timeout = config.timeout if said else LOOK_S
        self._looking = replace(self._asking, asked={}, timeout_s=timeout)  # no part of the run
        self._tables: dict[tuple[Any, ...], Any] = {}

    @property
    def asked(self) -> Mapping[str, Asked]:
        """What sources were asked and said, by the part of the journal."""
        return self._asking.asked

    @once
    def begin(self) -> None:
        """Write who runs what, and let every source see whether it can work.

        Raises:
            InputError: A source cannot; nothing was asked yet.
        """
        config, before = self.experiment.config, self.directory.manifest()
        fingerprint = self.experiment.fingerprint
        mark_old(self.directory, fingerprint)
        self.directory.update_manifest(
            name=config.name,
            created=before.get("created") or _now(),
            experiment=redact_deep(config.model_dump(mode="json"), names=True),
            experiment_sha256=self.experiment.sha256,
            fingerprint=fingerprint,
            seeds=list(config.seeds),
            python=platform.python_version(),
            platform=platform.platform(),
            packages=versions(PACKAGES),
            code=code(),
            seal=None,  # until the run is complete
        )
        check(self.experiment.sources.values(), self._asking)
        sys.stderr.writelines(f"warning: {visible(line)}\n" for line in self._wording())

    @once
    def responses(self) -> list[Response]:
        """Return the base policy's responses to the training items."""
        self.begin()
        return base_responses(self.experiment, self.directory, self._bar)

    @once
    def pairs(self) -> list[JudgmentRequest]:
        """Return what is compared: one request for each pair of different responses."""
        return build_requests(self.experiment.train, self.responses(), "pairwise")

    def _wording(self) -> list[str]:
        return wording(self.experiment, self._needed())

    def _left_out(self) -> list[str]:
        """Return a line on the responses that nobody compares, where anybody compares any."""
        return uncompared(self.experiment, self.responses())

    @once
    def judgments(self, source: str) -> Judged:
        """Return what a source said of the responses before training.

        Raises:
            BudgetExceededError: The budget is used up; what was judged is recorded.
        """
        named = self.experiment.sources[source]
        requests = requests_of(named, self.experiment.train, self.responses())
        with self._clock.source(source):
            found = ask(named, requests, self._asking, self._bar, "train")
        judged = Judged(named, requests, found, self._clock.seconds_of(source))
        self._keep_rows(f"judgments/{source}.jsonl", judged.rows(), private=True)
        return judged

    def _keep(self, name: str, table: Mapping[str, Any]) -> None:
        """Write a table of the run."""
        write_json(self.directory.path / name, table)

    def _keep_rows(self, name: str, rows: Iterable[Any], private: bool = False) -> None:
        """Write a table of the run that has a row a line."""
        write_jsonl(self.directory.path / name, rows, private=private)

    @once
    def look(self) -> list[str]:
        """Ask every source a few requests, before the long work.

        People are not asked here: their labels are of certain responses only, and cost nothing.

        Returns:
            Evaluators that only abstained from the few, and may have verdicts on others.

        Raises:
            HarnessError: Sources gave nothing but failures; it says why and what to do.
        """
        self.begin()
        experiment, sources = self.experiment, self.experiment.sources
        roles = [("train", name) for name in self._needed()]
        roles += [("evaluation", name) for name in experiment.config.evaluation.evaluators]
        roles = [(part, name) for part, name in roles if sources[name].info.kind != "human"]
        new = [
            (part, sources[name])
            for part, name in roles
            if not is_local(sources[name]) and not is_known(sources[name], part, self.journal)
        ]
        move = self._bar("asking every source a little first", len(new))
        found: list[tuple[str, Judged]] = []
        for part, source in new:
            if part == "train":
                requests = requests_of(source, experiment.train, self._few_to_train())
            else:
                requests = self._asked_first(source, self._few_held_out())
            found.append((part, look_at(source, part, requests, self._looking)))
            move(1)
        silent = [(part, one) for part, one in found if gives_nothing(one.judgments)]
        doubtful = [(part, one) for part, one in silent if is_doubtful(one.judgments)]
        refuse_silent([one for part, one in silent if (part, one) not in doubtful])
        return [one.source.name for part, one in doubtful if part == "evaluation"]

    @once
    def _few_to_train(self) -> Sequence[Response]:
        """Return responses to a few training items; all of them, where these are quickly there."""
        experiment = self.experiment
        per_item = experiment.config.policy.responses_per_item
        if is_quick(experiment, self.directory):
            return self.responses()
        return sample_few(experiment, experiment.train, per_item)

    @once
    def _few_held_out(self) -> Responses:
        """Return responses of the base policy to a few held-out items."""
        experiment = self.experiment
        ways = [self._way(name) for name in experiment.config.evaluation.evaluators]
        each = max({"pointwise": 1, "pairwise": 2, "listwise": FEWEST_OF_A_LIST}[w] for w in ways)
        few = sample_few(experiment, experiment.evaluation, each)
        return {(BASE, experiment.config.seeds[0]): few}

    def _way(self, evaluator: str) -> Way:
        """Return how an evaluator is asked."""
        read = self.experiment.config.evaluation.evaluators[evaluator]
        return self.experiment.sources[evaluator].evaluates(read.way)

    def _asked_first(self, source: NamedSource, responses: Responses) -> list[JudgmentRequest]:
        """Return what an evaluator is asked of base alone, before anything is trained."""
        way, items = self._way(source.name), self.experiment.evaluation
        if way == "pointwise":
            return requests_to(source, items, responses)
        return few_requests(source, way, items, chain.from_iterable(responses.values()))

    def _unheard(self, judged: Mapping[str, Judged]) -> list[str]:
        """Return lines on labels of people that answer nothing that was asked."""
        return unheard(self.experiment, judged)

    def _needed(self) -> list[str]:
        """Return the sources that take part in training or agreement."""
        config = self.experiment.config
        needed = {name for arm in config.arms.values() for name in arm.sources}
        if config.agreement is not None:
            needed |= config.agreement.sources
        return [name for name in self.experiment.sources if name in needed]

    @once
    def judged(self) -> Mapping[str, Judged]:
        """Return what each source said that takes part in training or agreement.

        Raises:
            HarnessError: A source gave no verdict at all; it says why and what to do.
        """
        self.look()
        judged = {name: self.judgments(name) for name in self._needed()}
        lost = self._unheard(judged)
        sys.stderr.writelines(f"{visible(line)}\n" for line in (*self._left_out(), *lost))
        refuse_silent([one for one in judged.values() if gives_nothing(one.judgments)])
        return judged

    @once
    def agreement(self) -> Agreement | None:
        """Return how well the sources agree with people; None if the experiment does not ask.

        Raises:
            GateStopError: A gate with action "stop" was not met; agreement.json says by how much.
        """
        config = self.experiment.config.agreement
        if config is None:
            return None
        judged = list(self.judged().values())
        arms = self.experiment.config.arms.values()
        beside = uses_of_people(judged, self.experiment.sources)
        self.uses, probes = read_uses(beside), self.experiment.probes
        found = agreement_of(self.pairs(), judged, config, arms, self.uses, probes)
        if found.read is not None:
            tell_certified(beside, found.read, found.gates, "harness run")
        found.write(self.directory.path / "agreement.json")
        return found

    @once
    def arm(self, name: str) -> Arm:
        """Return what an arm learns from."""
        config = self.experiment.config.arms[name]
        judged, agreement = self.judged(), self.agreement()
        found = arm_of(name, config, judged, agreement, self.pairs())
        answers = Answers(self.experiment.train, self.responses())
        self._keep_rows(f"preferences/{name}.jsonl", answers.with_texts(found.preferences))
        if found.rewards is not None:
            self._keep_rows(f"rewards/{name}.jsonl", answers.with_texts(found.rewards))
        return found

    @once
    def arms(self) -> list[Arm]:
        """Return what every arm learns from."""
        return [self.arm(name) for name in self.experiment.config.arms]

    @once
    def trainings(self) -> Trained:
        """Train every arm with every seed, but for arms that the gates left nothing of.

        Raises:
            HarnessError: The process of a training died, or its budget is used up.
        """
        arms = self.arms()
        self._look_longer()
        say_before(self.directory, plan_of(self.experiment.config, self.experiment.evaluation))
        training = Training(
            self.experiment, self.directory, self.journal, self.responses(), self._bar, self._shown
        )
        return training.train(arms)

    def _look_longer(self) -> None:
        """Ask evaluators that only abstained more of the base policy, before anything is trained.

        Raises:
            HarnessError: One of them gave no verdict on these, either.
        """
        if not (names := self.look()):
            return
        experiment, asking = self.experiment, self._asking
        base = sample_policies(experiment, [], self.directory, self._bar)
        longer = []
        for source in (experiment.sources[name] for name in names):
            requests = self._asked_first(source, base)
            longer.append(look_longer(source, requests, asking, self._bar))
        refuse_silent([one for one in longer if gives_nothing(one.judgments)])

    def trained(self, arm: str, seed: int) -> TrainedPolicy:
        """Return a trained policy.

        Raises:
            KeyError: There is none: the gates left the arm nothing, or it could not be trained.
        """
        return self.trainings().policies[arm, seed]

    def _held_out(self) -> Responses:
        """Return the responses of all policies to the held-out items."""
        trained = list(self.trainings().policies.values())
        return sample_policies(self.experiment, trained, self.directory, self._bar)

    @once
    def evaluation(self) -> Evaluation:
        """Return the policies against each other on the held-out items."""
        responses, said = self._held_out(), self.judged()
        found = evaluation_of(self.experiment, responses, said, self._asking, self._bar)
        plan = plan_of(self.experiment.config, self.experiment.evaluation)
        found = replace(found, table=with_plan(found.table, plan))
        self._keep("evaluation.json", found.table)
        return found

    @once
    def transported(self) -> Transported | None:
        """Return whether rewards are still valid on what the trained policies write.

        None where the experiment does not ask for it.
        """
        self.evaluation()  # has these responses sampled
        found = in_run(self.experiment, self.directory.path, self._asking, self._bar)
        if found is not None:
            self._keep("transport.json", found.as_row())
        return found

    @once
    def people(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Return how often people prefer each arm to base, none without labels, and warnings."""
        found, evaluation = self.directory.path, self.evaluation()
        rows, unlike = people_in_run(
            self.experiment, found, evaluation.responses, evaluation.scored
        )
        if rows:
            self._keep(PEOPLE, {"rows": rows})
        return rows, unlike

    def failed(self) -> list[str]:
        """Return lines on the sources, and members of juries, without any verdict."""
        return failed_in(self)

    def untrained(self) -> list[str]:
        """Return lines on the arms without a policy that their gates alone do not explain."""
        return untrained_in(self)

    def _ranked(self) -> Mapping[tuple[str, int], Mapping[str, Any]]:
        """Return how the reward models rank right against wrong, by arm and seed."""
        trained = list(self.trainings().policies.values())
        return right_against_wrong(self.experiment, self.evaluation(), trained, self.directory)

    def _finish(self, sources: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Note in the manifest that the run is complete, and seal it; return the manifest."""
        before, idle = self.directory.manifest().get("finished"), self._clock.finish()
        self.directory.update_manifest(
            finished=before if idle and before else _now(),
            cost_usd=self.journal.spent_usd(),
            sources={row["name"]: {key: row[key] for key in IN_MANIFEST} for row in sources},
            **told_of(self),
            **inputs_told(self.experiment, self.directory.path),
        )
        seal(self)
        return self.directory.manifest()

    @once
    def data(self) -> dict[str, Any]:
        """Return what the report says, as plain values; with it the run is complete."""
        return told_by_report(self)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def run(
    experiment: str | Path,
    out: str | Path | None = None,
    *,
    small: bool = False,
    bar: StartBar = no_bar,
) -> Path:
    """Run an experiment to its report; the same call goes on after a kill.

    Args:
        experiment: Path of the experiment file.
        out: The run directory; reports/<name> by default, reports/<name>-small of the small size.
        small: Whether to try all parts of it on a few items, with few steps and one seed.
        bar: Called with (title, total) for each long step; returns what moves it on.

    Returns:
        Path of report.html.

    Raises:
        InputError: The experiment, its data or a plugin is wrong; nothing was paid for.
        BudgetExceededError: The budget is used up; what was paid for is kept.
        GateStopError: A gate with action "stop" was not met.
        HarnessError: An arm could not be trained; the others were, and the report is written.
    """
    read = Experiment.read(Path(experiment), small)
    directory = RunDirectory(Path(out) if out else Path("reports") / read.config.name)
    check_apart(directory.path, read.model)
    with directory.lock(), Journal(directory.path / JOURNAL) as journal:
        made = Run(read, directory, journal, bar)
        data, failed, untrained = made.data(), made.failed(), made.untrained()
    report = write_report(data, directory.path)
    if untrained:
        raise HarnessError("\n".join([*untrained, *failed, f"  report: {report}"]))
    sys.stderr.writelines(f"{visible(line)}\n" for line in failed)
    return report
