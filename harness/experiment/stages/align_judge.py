"""Align a judge with people: choose by half of their labels, prove the gain on the other half."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.agreement.aligning import Calibration, Candidate, Gain, calibrated, choose, prove
from harness.agreement.halves import SHARE, Mask
from harness.experiment.context import Asking, StartBar, asking_with, no_bar
from harness.experiment.sources import NamedSource
from harness.experiment.stages.align_candidates import (
    NOW,
    Candidates,
    rubric_of,
    with_examples,
    worth_showing,
    write_rubric,
)
from harness.experiment.stages.align_costs import costs_at_most
from harness.experiment.stages.align_labels import AlignLabels
from harness.experiment.stages.aligned import Aligned
from harness.experiment.stages.judge import ask, check, requests_of
from harness.experiment.stages.people import said_of
from harness.nouns.counted import counted
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Rubric
from harness.nouns.scale import PREFERENCE
from harness.nouns.schema import Judgment
from harness.ratings.both_orders import Vote, combine_orders, likelier
from harness.ratings.table import MISSING
from harness.records.journal import journal_beside
from harness.records.label_uses import tags_of, uses_beside
from harness.records.rows import ItemsOrFile, ResponsesOrFile, items_of, responses_of
from harness.statistics.arrays import FloatArray, IntArray

AS_STATED = Calibration()
A, TIE, B = (PREFERENCE.labels.index(name) for name in ("A", "TIE", "B"))


@dataclass(frozen=True, slots=True)
class AlignSettings:
    """What is tried, and within what limits.

    Args:
        options: Of the judge as it is.
        source: Name of the plugin's source; its option ``rubric`` is what is chosen.
        rubrics: Other wordings: ids or files.
        templates: Other prompt templates.
        examples: How many worked examples are tried, chosen where the judge and people disagree.
        calibrate: Whether the temperature of stated probabilities and a margin of ties are fitted.
        share: Of the prompts that choose; the others prove.
        seed: Of the halves, and of the judge.
        concurrency: Requests in flight at once.
        budget: Dollars that may be spent, what the journal holds included.
        uses: File that says what the labels were used for; by default beside the labels.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = "llm_judge"
    rubrics: Sequence[str] = ()
    templates: Sequence[str] = ()
    examples: Sequence[int] = (2, 4)
    calibrate: bool = True
    share: float = SHARE
    seed: int = 0
    concurrency: int = 32
    budget: float | None = None
    uses: Path | None = None


def align_judge(
    items: ItemsOrFile,
    responses: ResponsesOrFile,
    labels: str | Path | Sequence[str | Path],
    out: str | Path,
    settings: AlignSettings | None = None,
    bar: StartBar = no_bar,
) -> Aligned:
    """Choose a judge's rubric by people's labels of pairs, and prove that it agrees better.

    Wordings and templates are tried on the prompts of one half; then examples, taken from where
    the best one and people disagree; then the temperature and the margin of ties are fitted. The
    judge as it is and the chosen one are compared on the other half, once. Nothing is written
    where the 95% interval of the gain holds 0. What was judged is kept in OUT.journal.sqlite.

    Args:
        items: What was asked.
        responses: Two or more of each item; pairs are neighbours, as of ``harness.judge``.
        labels: Tables of people's labels, stores of ``harness label``, or judgments of people.
        out: Rubric file to write, which any judge takes: ``rubric: path``.
        settings: What is tried.
        bar: For progress.

    Raises:
        ConfigError: Nothing else is to be tried, or the source takes no rubric or no pairs.
        DataError: There are too few labels in a half, or those that prove were used before.
        BudgetExceededError: The budget is used up; what was judged is in the journal.
    """
    settings, out = settings or AlignSettings(), Path(out)
    files = [Path(one) for one in ([labels] if isinstance(labels, str | Path) else labels)]
    if not 0 < settings.share < 1:
        raise ConfigError(f"share must lie between 0 and 1, got {settings.share!r}")
    if "rubric" not in settings.options and settings.source != "llm_judge":
        raise ConfigError(f"source {settings.source} is told no rubric that could be aligned")
    asked = items_of(items)
    given = responses_of(responses, asked)
    tried = Candidates(settings.source, settings.options, out.with_name(f"{out.name}.candidates"))
    pairs = requests_of(tried.now(), asked, given)
    journal = journal_beside(out)
    with asking_with(journal, settings.seed, settings.concurrency, settings.budget) as asking:
        said = said_of(files, "people", pairs, asked, asking, "these items")
        uses = [settings.uses] if settings.uses else uses_beside(*files)
        told = AlignLabels(pairs, said, files, settings.seed, settings.share, uses)
        return _Aligning(told, tried, settings, asking, bar, out).done()


@dataclass
class _Aligning:
    """One alignment; each step asks what the journal does not hold."""

    labels: AlignLabels
    tried: Candidates
    settings: AlignSettings
    asking: Asking
    bar: StartBar
    out: Path
    cost: float = 0.0
    notes: list[str] = field(default_factory=list)
    shown: Mask = field(default_factory=lambda: np.zeros(1, dtype=bool))

    def done(self) -> Aligned:
        """Choose, and prove."""
        labels, settings = self.labels, self.settings
        labels.need(labels.choosing, "choose")
        labels.need(labels.proving, "prove")
        now = self.tried.rubric
        own = replace(now.judging, templates=self.tried.templates or now.judging.templates)
        rubrics = {NOW: replace(now, judging=own)}
        sources = {NOW: self.tried.now()}
        for name, rubric in self.tried.variants(settings.rubrics, settings.templates):
            rubrics[name], sources[name] = rubric, self.tried.source(name, rubric)
        counts = self._examples_tried()
        if len(sources) == 1 and not counts and not settings.calibrate:
            raise ConfigError(
                "there is nothing to choose from",
                hint="--rubric FILE, --template NAME, --examples 2, or calibration",
            )
        check(sources.values(), self.asking)
        halves = labels.some(labels.choosing), labels.some(labels.proving)
        line = costs_at_most(halves, self.tried, sources, rubrics, counts, self.asking)
        sys.stderr.write(f"{line}\n")
        said = {name: self._asked(one, labels.choosing) for name, one in sources.items()}
        codes = {name: self._codes(found) for name, found in said.items()}
        best, rows = choose(codes, labels.truth, labels.choosing)
        for count in counts:
            rows += self._with_examples(count, best, rubrics, said, codes)
        best = self._best(best, counts, codes)
        calibration, fitted = self._calibrated(said[best], codes[best], rubrics[best])
        name = best
        if calibration != AS_STATED:
            name = f"{best}, calibrated"
            both = {best: codes[best], name: fitted}
            winner, (_, row) = choose(both, labels.truth, labels.choosing)
            rows.append(row)
            if best == winner == NOW:  # a temperature alone makes no verdict another one
                calibration, name = AS_STATED, NOW
        chosen = self._final(rubrics[best], calibration)
        tags = tags_of("", sources[NOW].info.models, [chosen.sha256])
        labels.note("chose", "rubric", now.id if name == NOW else chosen.id, tags, labels.choosing)
        if name == NOW:
            return self._result(rows, name, calibration, None, labels.proving & labels.choosing)
        subject = f"{chosen.id} {chosen.sha256[:12]} against {sources[NOW].info.version}"
        proving = labels.held_back(tags, subject, now, chosen)
        used = int(labels.proving.sum() - proving.sum())
        how = "chose or proved before, or are shown as worked examples"
        why = f"; {counted(used, 'label')} of that half {how}" if used else ""
        labels.need(proving, "are left to prove", why)
        if used:
            self.notes.append(f"{counted(used, 'label')} that {how} prove nothing now")
        before = self._codes(self._asked(sources[NOW], proving))
        after = self._codes(self._asked(self.tried.source(name, chosen), proving))
        if (labels.held_back(tags, subject, now, chosen) != proving).any():
            raise DataError(
                "the labels that were to prove were used by another command meanwhile",
                hint="run it again with new labels; what was judged is in the journal",
            )
        labels.note("certified", "gain", subject, tags, proving)
        gain = prove(before, after, labels.truth, labels.clusters, proving)
        if gain.is_proven:
            write_rubric(self.out, chosen)
        return self._result(rows, name, calibration, gain, proving)

    def _result(
        self,
        rows: Sequence[Candidate],
        chosen: str,
        calibration: Calibration,
        gain: Gain | None,
        proving: Mask,
    ) -> Aligned:
        of_half = self.labels.counts(self.labels.choosing), self.labels.counts(proving)
        counts = (of_half[0][0], of_half[1][0]), (of_half[0][1], of_half[1][1])
        written = self.out if gain is not None and gain.is_proven else None
        notes = (*self.labels.said.notes, *self.notes)
        return Aligned(rows, chosen, calibration, gain, written, *counts, notes, self.cost)

    def _asked(self, source: NamedSource, mask: Mask) -> list[Judgment]:
        found = ask(source, self.labels.some(mask), self.asking, self.bar, "align")
        self.cost += sum(judgment.cost_usd for judgment in found)
        if not any(one.verdict.status is Status.OK for one in found):
            reasons = {one.verdict.rationale for one in found if one.verdict.rationale}
            raise DataError(
                f"the judge gives no verdict ({source.name}): {'; '.join(sorted(reasons)):.300}"
            )
        return found

    def _codes(self, judgments: Iterable[Judgment]) -> IntArray:
        """Return (n,) the one verdict on each pair, -1 without one."""
        votes: dict[str, list[Vote]] = {}
        for vote in combine_orders(judgments):
            votes.setdefault(vote.request_id, []).append(vote)
        found = np.full(len(self.labels.pairs), MISSING, dtype=np.int64)
        for row, pair in enumerate(self.labels.pairs):
            mine = votes.get(pair.id, ())
            known = [one.probability for one in mine if one.probability is not None]
            if known:
                value = mine[0].choice if len(mine) == 1 else likelier(sum(known) / len(known))
                found[row] = PREFERENCE.labels.index(str(value))
        return found

    def _examples_tried(self) -> list[int]:
        counts = sorted({count for count in self.settings.examples if count > 0})
        if counts and (why := self.tried.without_examples(self.tried.rubric)):
            self.notes.append(f"no worked examples were tried: {why}")
            return []
        return counts

    def _with_examples(
        self,
        count: int,
        best: str,
        rubrics: dict[str, Rubric],
        said: dict[str, list[Judgment]],
        codes: dict[str, IntArray],
    ) -> list[Candidate]:
        """Try some worked examples, of pairs on which the best judge and people disagree."""
        labels = self.labels
        wrong = labels.choosing & (codes[best] != labels.truth)
        disagreed = [
            (pair, PREFERENCE.labels[code])
            for pair, code, one in zip(labels.pairs, labels.truth, wrong, strict=True)
            if one
        ]
        pairs = worth_showing(disagreed, count)
        if len(pairs) < count:
            found = counted(len(pairs), "pair")
            self.notes.append(
                f"{count} examples were not tried: the judge disagrees with people on {found} that"
                " could be shown"
            )
            return []
        name = f"{best} + {counted(count, 'example')}"
        rubrics[name] = with_examples(rubrics[best], pairs)
        self.shown = self.shown | labels.shown_by(rubrics[name])
        said[name] = self._asked(self.tried.source(name, rubrics[name]), labels.choosing)
        codes[name] = self._codes(said[name])
        return choose({name: codes[name]}, labels.truth, self._unshown())[1]

    def _unshown(self) -> Mask:
        """Return (n,) the labels that choose among examples: none whose answer a judge is shown."""
        return np.asarray(self.labels.choosing & ~self.shown)

    def _best(
        self,
        best: str,
        counts: Sequence[int],
        codes: Mapping[str, IntArray],
    ) -> str:
        """Return the best judge of those with examples and the one that they were made of."""
        names = [best, *(f"{best} + {counted(count, 'example')}" for count in counts)]
        tried = {name: codes[name] for name in names if name in codes}
        return choose(tried, self.labels.truth, self._unshown())[0]

    def _calibrated(
        self, said: Sequence[Judgment], codes: IntArray, rubric: Rubric
    ) -> tuple[Calibration, IntArray]:
        """Fit what a judge states, where it states anything and speaks with one voice."""
        places: dict[tuple[str, int], dict[str, float]] = {}
        repeats = {judgment.repeat for judgment in said}
        for one in said:
            if one.verdict.probability is not None:
                place = places.setdefault((one.order, one.repeat), {})
                place[one.request_id] = one.verdict.probability
        fitted = rubric.judging.probability_temperature or rubric.judging.tie_margin
        if not (self.settings.calibrate and places) or len(repeats) > 1 or fitted:
            return AS_STATED, codes
        ids = [pair.id for pair in self.labels.pairs]
        chances: FloatArray = np.array([[p.get(i, np.nan) for i in ids] for p in places.values()])
        truth = np.where(self.labels.choosing, self.labels.truth, MISSING)
        found = calibrated(chances, truth, A, B, TIE)
        return found, np.where(codes >= 0, found.said(chances, A, B, TIE), codes)

    def _final(self, rubric: Rubric, calibration: Calibration) -> Rubric:
        """Return the chosen rubric as its file has it, under a name of its own."""
        how = rubric.judging
        if calibration != AS_STATED:
            temperature, margin = calibration.temperature, calibration.tie_margin
            how = replace(how, probability_temperature=temperature, tie_margin=margin)
        chosen = replace(rubric, id=f"{rubric.id}-aligned", judging=how)
        return rubric_of(str(self.tried.file(chosen)))
