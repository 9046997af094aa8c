"""Aggregate: many labels or judgments become one: ``harness.aggregate``, and the arms of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.experiment.arms import STACKING, aggregator, arm_weights
from harness.experiment.config import ArmConfig
from harness.experiment.effects import effects_of
from harness.experiment.failures import failures_among
from harness.experiment.gates import read_gates
from harness.experiment.stages.agree import Agreement
from harness.experiment.stages.judge import Judged
from harness.experiment.stages.recorded import Answers, Recorded, files_of, read_recorded
from harness.labels.ratings import Reading, read_ratings
from harness.nouns.counted import counted
from harness.nouns.errors import InputError
from harness.nouns.hashing import content_hash
from harness.nouns.nearest import did_you_mean
from harness.nouns.scale import is_number
from harness.nouns.schema import JudgmentRequest, Preference, Reward
from harness.ratings.positions import position_of
from harness.records.rows import to_dict

if TYPE_CHECKING:
    from harness.aggregate import AggregationResult, Ranking
    from harness.aggregate.labels import LabelResult
    from harness.aggregate.numbers import NumberResult
    from harness.ratings.posterior import Aggregate
    from harness.ratings.table import RatingTable

WARNING = "warning: "
"""How a note of a method begins that is a warning."""

RANKINGS = ("bradley_terry", "davidson")


@dataclass(frozen=True)
class How:
    """How labels become one.

    Args:
        method: Name of a method, the harness's own or a plugin's.
        weights: Weight of each source or annotator, 1 by default.
        gold: Table with true labels: the item column of the labels, and "label".
        agreement: agreement.json of the sources or annotators; what its gates leave of each, or for
            ``agreement_weighted`` its kappa, counts as in the arm of an experiment.
        gold_source: Judgments: the source whose majority is the truth for stacking.
        seed: Of the folds of stacking.
        first_column: Comparisons of systems: the one that stood first.
        second_column: The one that stood second.
        prior: Share of each label before any vote, for the models of annotators: "uniform",
            "estimated", or label -> share; the model's own where it is empty.
        place: Comparisons of systems: whether standing first has a worth of its own.
    """

    method: str = "dawid_skene"
    weights: Mapping[str, float] = field(default_factory=dict)
    gold: Path | None = None
    agreement: Path | None = None
    gold_source: str = ""
    seed: int = 0
    first_column: str = ""
    second_column: str = ""
    prior: str | Mapping[str, float] = ""
    place: bool = True


def aggregate(
    labels: str | Path | Sequence[Path],
    how: How | None = None,
    reading: Reading | None = None,
    answers: Answers | None = None,
    encoding: str = "",
) -> LabelResult | NumberResult | AggregationResult | Ranking:
    """Make one of many: labels of items, judgments of responses, or comparisons of systems.

    Args:
        labels: A table of labels or of comparisons, or judgments files of ``harness judge``.
        how: Method, weights, gold labels.
        reading: Which column of a table is what.
        answers: Items and responses of judgments, which must then be about them.
        encoding: Of a text file.

    Returns:
        Labels with probabilities of a table, or one number for each of its rows; preferences and
        rewards of judgments; strengths of systems where ``how`` names the columns of both.

    Raises:
        PluginError: There is no such method, or a plugin's fails.
        InputError: A weight is negative or not finite, or of nobody.
        DataError: The file is not as ``reading`` says, or the method misses something.
        ScaleError: The method cannot take the labels.
    """
    how, reading = how or How(), reading or Reading()
    method = aggregator(how.method, how.seed, how.prior)
    paths, judged = files_of(labels)
    if judged:
        found = read_recorded(paths, reading, answers)
        _check_weights(how.weights, found.infos)
        return _of_judgments(method, how, found)
    if how.method in RANKINGS or how.first_column:
        return _ranking(paths[0], how, reading)
    from harness.aggregate.labels import aggregate_labels

    table, _ = read_ratings(paths[0], reading, encoding)
    _check_weights(how.weights, table.source_names)
    table, weights, told = _heard(table, how)
    if table.level in ("interval", "ratio"):
        from harness.aggregate.numbers import aggregate_numbers

        if how.gold is not None:
            raise InputError("--gold is for labels", hint="gold numbers: --gold-column")
        numbers = aggregate_numbers(how.method, method, table, weights)
        return replace(numbers, notes=(*told, *numbers.notes))
    if how.gold is not None:
        table = with_gold(table, how.gold, reading.item_column)
    one = aggregate_labels(how.method, method, table, weights)
    return replace(one, notes=(*told, *one.notes))


MOST_WEIGHT = 1e9
"""Sums of larger weights lose what is between them, or have no number."""


def _check_weights(weights: Mapping[str, float], names: Collection[str]) -> None:
    """Refuse weights that are none, or of somebody who gave no label, or that leave nobody."""
    for name, weight in weights.items():
        if name not in names:
            raise InputError(
                f"--weight {name}: nobody of that name gives a label"
                f"{did_you_mean(name, names, '; ')}",
                hint=f"known: {', '.join(dict.fromkeys(names))}",
            )
        if not (is_number(weight) and weight >= 0):
            raise InputError(f"--weight {name}: {weight!r} is no finite number of at least 0")
        if weight > MOST_WEIGHT:
            raise InputError(f"--weight {name}: {weight!r} is more than {MOST_WEIGHT:g}")
    if not any(weights.get(name, 1.0) > 0 for name in names):
        raise InputError(f"no weight is left of {', '.join(dict.fromkeys(names))}")


def _weighed(how: How, names: Collection[str]) -> tuple[Mapping[str, float], list[str], list[str]]:
    """Return weights by the gates, those who have any, and a line on each that lost some.

    Raises:
        InputError: The gates are of nobody here, or leave nobody.
    """
    weights, told = how.weights, list[str]()
    if how.agreement is not None:
        gates = read_gates(how.agreement)
        measured = {*gates.left, *gates.kappas}
        if measured and measured.isdisjoint(names):
            raise InputError(
                f"its gates are of others: {', '.join(sorted(measured))}",
                where=str(how.agreement),
                hint=f"these labels are of {', '.join(dict.fromkeys(names))}",
            )
        weights, told = gates.weigh(dict.fromkeys(names), how.method, weights)
    used = [name for name in names if weights.get(name, 1.0) > 0]
    if not used:
        lost, where = ", ".join(dict.fromkeys(names)), str(how.agreement or "")
        raise InputError(f"no weight is left of {lost}", where=where, details=told)
    return weights, used, told


def _heard(table: RatingTable, how: How) -> tuple[RatingTable, Mapping[str, float], list[str]]:
    """Return a table without those whom gates left no weight, the weights, and what was done."""
    if how.agreement is None:
        return table, how.weights, []
    weights, used, told = _weighed(how, table.source_names)
    return table.of(used), {name: weights[name] for name in used}, told


def _of_judgments(method: Aggregate, how: How, found: Recorded) -> AggregationResult:
    from harness.aggregate import aggregate_judgments

    weights, used, told = _weighed(how, found.infos)
    heard = found.only({*used, how.gold_source})
    one = aggregate_judgments(method, heard.requests, heard.judgments, weights, how.gold_source)
    return replace(one, notes=(*told, *one.notes))


def _ranking(path: Path, how: How, reading: Reading) -> Ranking:
    from harness.aggregate import rank_systems
    from harness.labels.comparisons import read_comparisons

    if how.weights:
        raise InputError("comparisons of systems have no --weight: nobody is named who compared")
    if how.agreement is not None:
        raise InputError("comparisons of systems have no --agreement: nobody is named who compared")
    if how.method not in RANKINGS:
        raise InputError(
            f"{how.method} compares no systems", hint=f"use one of {', '.join(RANKINGS)}"
        )
    if not (how.first_column and how.second_column and reading.label_column):
        raise InputError(
            f"{how.method} needs --first-column, --second-column and --label-column (the winner)"
        )
    book = path, str(reading.columns.get("sheet", ""))
    found = read_comparisons(
        book, how.first_column, how.second_column, reading.label_column,
        reading.cluster_column, reading.length_column,
    )  # fmt: skip
    return rank_systems(found, position=how.place, ties_half=how.method == "bradley_terry")


def with_gold(table: RatingTable, path: Path, item_column: str) -> RatingTable:
    """Attach the true labels of another file by the names of the items.

    Raises:
        InputError: No column names the items.
        DataError: Items are unknown or twice there, or a label is none of the table's.
    """
    import numpy as np

    from harness.labels.exports import read_label_table
    from harness.labels.problems import Problems
    from harness.labels.spellings import Vocabulary, fold_names, match
    from harness.labels.values import label_text

    if not item_column:
        raise InputError("--gold needs --item-column to match the items of both tables")
    file = read_label_table(path, named=(item_column, "label"))
    file.need({item_column: "--item-column", "label": "--gold"})
    known = {name: i for i, name in enumerate(table.items)}
    codes = np.full(len(table.items), -1, dtype=np.int64)
    some = ", ".join(f"{name:.30}" for name in table.categories[:8])
    more = len(table.categories) - 8
    problems = Problems(
        path,
        f"the labels are {some}{f' and {more} more' if more > 0 else ''}; leave unknown gold labels"
        " empty",
    )
    seen: dict[str, str] = {}
    vocabulary = Vocabulary.of(table.categories)
    items = file.texts(item_column)
    names, _ = fold_names(Counter(items), known, case=False, numbers=True)
    for row, item in zip(file.rows, [names.get(item, item) for item in items], strict=True):
        place, text = row.place, label_text(row.cells["label"])
        label = match(text, table.categories, vocabulary) or text
        if item not in known:
            problems.add(place, f"item {item!r} is not in the table of labels")
        elif item in seen:
            problems.add(place, f"item {item!r} stands already in {seen[item]}")
        elif label and label not in table.categories:
            shown = label if len(label) <= 40 else f"{label[:40]}..."
            problems.add(place, f"{shown!r} is none of the {len(table.categories)} labels")
        elif label:
            codes[known[item]] = table.categories.index(label)
        seen.setdefault(item, place)
    problems.refuse("gold labels do not fit")
    return replace(table, gold=codes)


def write_result(
    result: LabelResult | NumberResult | AggregationResult | Ranking,
    files: tuple[Path | None, Path | None, Path | None],
    answers: Answers | None = None,
    *,
    raw_cells: bool = False,
) -> list[tuple[str, Path]]:
    """Write a result, all or nothing.

    Args:
        result: Of ``aggregate``.
        files: Where labels (CSV), preferences and rewards (JSONL) go; None writes none.
        answers: Adds the texts, in the columns that ``harness train`` reads.
        raw_cells: Cells of the CSV that a spreadsheet takes for formulas stay as they are.

    Returns:
        What was written, and where.

    Raises:
        InputError: The result has nothing of the kind.
    """
    from harness.aggregate import AggregationResult
    from harness.aggregate.labels import LabelResult
    from harness.aggregate.numbers import NumberResult
    from harness.labels.writing import write_csv
    from harness.records.writes import write_jsonl

    found = []
    labels, *tables = files
    if labels is not None:
        if not isinstance(result, LabelResult | NumberResult):
            raise InputError("--out is for tables of labels", hint="use --preferences, --rewards")
        write_csv(labels, result.columns, result.rows(), raw_cells=raw_cells)
        kind = "numbers" if isinstance(result, NumberResult) else "labels with probabilities"
        found.append((kind, labels))
    for what, path in zip(("preferences", "rewards"), tables, strict=True):
        if path is not None:
            if not isinstance(result, AggregationResult):
                raise InputError(f"--{what} is for judgments of harness judge", hint="use --out")
            rows = getattr(result, what)
            write_jsonl(path, rows if answers is None else answers.with_texts(rows))
            found.append((what, path))
    return found


@dataclass(frozen=True, slots=True)
class Arm:
    """What one way of training learns from.

    Attributes:
        name: Name in the experiment.
        config: What the experiment says of it.
        weights: Share of each source, after the gates.
        preferences: What its pairs became.
        rewards: What its scores became; None where no pointwise source is left.
        unused: Pairs that gave no preference, by reason.
        failed: Lines on what failed of its sources' judgments, and on their bias to a place.
        silent: Those of its sources whose every judgment failed.
        needs_pairs: Whether it learns nothing without preferences: its trainer learns from pairs,
            or a reward model of its does.
        warnings: Of its aggregation, such as of a method that gives one label only.
        effects: What gates changed in it, of each source that lost some of its weight.
    """

    name: str
    config: ArmConfig
    weights: Mapping[str, float]
    preferences: Sequence[Preference]
    rewards: Sequence[Reward] | None
    unused: Mapping[str, int]
    failed: Sequence[str] = ()
    silent: Sequence[str] = ()
    needs_pairs: bool = True
    warnings: Sequence[str] = ()
    effects: Mapping[str, str] = field(default_factory=dict)

    @property
    def used(self) -> list[str]:
        """The sources that have any weight."""
        return [name for name in self.config.sources if self.weights[name] > 0]

    def without_preferences(self) -> list[str]:
        """Return lines on why there is nothing to train on; empty where there is something."""
        if self.preferences or not (self.used and self.needs_pairs):
            return []
        pairs = [f"{counted(count, 'pair')}: {why}" for why, count in self.unused.items()]
        return ["it has no preferences to train on", *pairs, *self.failed]

    @property
    def preferences_sha256(self) -> str:
        """What moves when a preference does."""
        return content_hash([to_dict(preference) for preference in self.preferences])

    def as_row(self) -> dict[str, Any]:
        """Return what the report says of the arm."""
        return {
            "name": self.name,
            "title": self.config.title or self.name,
            "trainer": self.config.trainer,
            "sources": list(self.config.sources),
            "aggregation": self.config.aggregation,
            "weights": dict(self.weights),
            "dropped": [name for name in self.config.sources if self.weights[name] == 0],
            "n_preferences": len(self.preferences),
            "n_rewards": sum(reward.value is not None for reward in self.rewards or ()),
            "unused_pairs": dict(self.unused),
            "preferences_sha256": self.preferences_sha256,
            **({"warnings": list(self.warnings)} if self.warnings else {}),
            **({"gate_effects": dict(self.effects)} if self.effects else {}),
        }


def arm_of(
    name: str,
    config: ArmConfig,
    judged: Mapping[str, Judged],
    agreement: Agreement | None,
    pairs: Sequence[JudgmentRequest],
) -> Arm:
    """Aggregate an arm's judgments of what was compared; without agreement no gate weighs them."""
    from harness.aggregate import aggregate_judgments

    left, kappas = (agreement.weights, agreement.kappas) if agreement else ({}, {})
    weights = arm_weights(config.sources, config.aggregation, config.weights, left, kappas)
    used = [judged[source] for source in config.sources if weights[source] > 0]
    gold = agreement.reference if agreement and config.aggregation == STACKING else ""

    def aggregated(
        chosen: Iterable[Judged], compared: Sequence[JudgmentRequest]
    ) -> AggregationResult:
        heard = {one.source.name: one for one in (*chosen, *([judged[gold]] if gold else []))}
        asked = {r.id: r for r in (*compared, *(r for s in heard.values() for r in s.requests))}
        said = [judgment for one in heard.values() for judgment in one.judgments]
        method = aggregator(config.aggregation)
        return aggregate_judgments(method, list(asked.values()), said, weights, gold)

    preferences: Sequence[Preference] = ()
    unused: Mapping[str, int] = {}
    notes: list[str] = []
    # An offline trainer learns from pairs only, so scores are compared; an online one asks
    # pointwise sources itself and needs only the pairs.
    for_pairs = [s for s in used if s.source.way == "pairwise" or not config.online]
    if for_pairs and pairs:
        result = aggregated(for_pairs, pairs)
        preferences, unused = result.preferences, result.unused
        notes += result.notes
    for_points = [one for one in used if one.source.way == "pointwise"]
    scored = aggregated(for_points, ()) if for_points else None
    rewards, notes = (None, notes) if scored is None else (scored.rewards, [*notes, *scored.notes])
    failures = {source: failures_among(judged[source].judgments) for source in config.sources}
    failed = [
        line
        for name, found in failures.items()
        if found.failed
        for line in (
            f"source {name}: {found.told('judgments')}",
            *found.told_reasons()[:1],
            *([f"hint: {found.hint}"] if found.hint else []),
        )
    ]
    for one in for_pairs:
        if one.source.way == "pairwise" and (position := position_of(one.judgments)).is_biased:
            failed.append(f"source {one.source.name}: {position.told()}")
    silent = [source for source, found in failures.items() if found.is_everything]
    needs = bool(for_pairs)
    warnings = [note for note in dict.fromkeys(notes) if note.startswith(WARNING)]
    pairwise = [one for one in config.sources if judged[one].source.way == "pairwise"]
    effects = effects_of(config, weights, left, pairwise)
    return Arm(
        name,
        config,
        weights,
        preferences,
        rewards,
        unused,
        failed,
        silent,
        needs,
        warnings,
        effects,
    )
