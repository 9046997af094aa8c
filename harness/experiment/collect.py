"""From the experiment file to agreement: items, responses, judgments, agreement and its gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.experiment.config import ItemsConfig, RunConfig
from harness.experiment.context import NamedSource, StartBar, cost_note, resolve
from harness.feedback.annotate import annotate
from harness.feedback.contract import RunContext
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.errors import ConfigError, DataError, GateStopError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.policy.weights import weights_hash
from harness.records.journal import Journal
from harness.records.rows import read_items, read_responses, to_dict
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_json, write_jsonl
from harness.registry import registry

if TYPE_CHECKING:
    from harness.ratings.judgments import JudgmentTable
    from harness.statistics.estimate import Estimate


@dataclass(slots=True)
class Collected:
    """Everything known before training.

    Attributes:
        train: Training items.
        evaluation: Held-out items.
        responses: The base policy's responses to the training items.
        pairs: Pairwise requests on them.
        judgments: By source, in the source's own way of judging.
        seconds: Wall time of each source.
        agreement: The agreement report as plain values, None without a reference.
        gates: Decisions of the gates as plain values.
        weights: What the gates leave of each source, 0 to 1.
        kappas: Cohen's kappa of each source against the people, where it is defined.
    """

    train: list[Item]
    evaluation: list[Item]
    responses: list[Response] = field(default_factory=list)
    pairs: list[JudgmentRequest] = field(default_factory=list)
    judgments: dict[str, list[Judgment]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    agreement: dict[str, Any] | None = None
    gates: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    kappas: dict[str, float] = field(default_factory=dict)

    def requests_of(self, source: NamedSource) -> list[JudgmentRequest]:
        """Return what a source is asked before training, on its own scale."""
        if source.way == "pairwise":
            return self.pairs[: source.config.limit]
        criterion = criterion_for(source.info)
        points = build_requests(self.train, self.responses, "pointwise", criterion)
        return points[: source.config.limit]


def load_items(config_path: Path, config: ItemsConfig) -> list[Item]:
    """Read the items of an experiment.

    Raises:
        DataError: The file is missing, wrong or empty.
    """
    path = Path(resolve(config_path, config.file))
    items = read_items(path)[: config.limit]
    if not items:
        raise DataError("there is no item in the file", where=str(path))
    return items


def check_held_out(train: Sequence[Item], evaluation: Sequence[Item]) -> None:
    """Refuse an evaluation on items that are trained on.

    Raises:
        ConfigError: An id or a prompt is in both.
    """
    ids = {item.id for item in train} & {item.id for item in evaluation}
    texts = {item.prompt_text for item in train}
    prompts = [item.id for item in evaluation if item.prompt_text in texts]
    if ids or prompts:
        raise ConfigError(
            f"{len(ids | set(prompts))} items of data.evaluation are in data.train as well",
            details=sorted(ids | set(prompts))[:5],
            hint="evaluate on items that nothing was trained on",
        )


def sample_base(
    run: RunDirectory, config_path: Path, config: RunConfig, items: Sequence[Item], bar: StartBar
) -> list[Response]:
    """Sample the base policy on the training items, or read what an earlier run sampled."""
    from harness.policy.respond import sample_policy
    from harness.policy.sampling import Sampling

    policy, model = config.policy, resolve(config_path, config.policy.model)
    path = run.path / "responses" / "train.jsonl"
    inputs = {
        "policy": [policy.model_dump(), weights_hash(model)],
        "items": [to_dict(item) for item in items],
        "seed": config.seeds[0],
    }
    if run.is_done("respond", inputs) and path.is_file():
        return read_responses(path, items)
    move = bar("sampling the base policy", len(items) * policy.responses_per_item)
    sampling = Sampling(
        policy.temperature, policy.max_new_tokens, config.seeds[0], policy.responses_per_item
    )
    responses = sample_policy(model, items, sampling, system="base", on_batch=move)
    write_jsonl(path, responses)
    run.mark_done("respond", inputs)
    return responses


async def judge_all(
    collected: Collected,
    sources: Mapping[str, NamedSource],
    ctx: RunContext,
    journal: Journal,
    bar: StartBar,
) -> None:
    """Put the responses to every source that takes part in training or agreement."""
    for name, source in sources.items():
        requests = collected.requests_of(source)
        note = cost_note(source, requests, ctx)
        move = bar(f"{name} judges{note and f' ({note})'}", len(requests))
        seen: set[str] = set()

        def on_judgment(judgment: Judgment, move: Any = move, seen: set[str] = seen) -> None:
            if judgment.request_id not in seen:
                seen.add(judgment.request_id)
                move(1)

        scope = f"train/{source.scope}"
        collected.judgments[name] = await annotate(
            source.source, requests, ctx, journal, scope, on_judgment
        )
        move(len(requests) - len(seen))


def as_pairs(source: NamedSource, collected: Collected) -> list[Judgment]:
    """Return a source's judgments on pairs; scores of a pointwise source are compared.

    Each annotator's two scores are compared. A pair of which one response has no score keeps that
    response's failure.
    """
    if source.way == "pairwise":
        return collected.judgments[source.name]
    response_of = {r.id: r.responses[0].id for r in collected.requests_of(source)}
    scores: dict[str, dict[tuple[str, int], Judgment]] = {}
    for judgment in collected.judgments[source.name]:
        mine = scores.setdefault(response_of[judgment.request_id], {})
        mine[judgment.annotator, judgment.repeat] = judgment
    compared = []
    for pair in collected.pairs:
        first, second = (scores.get(response.id, {}) for response in pair.responses)
        compared += [
            _compare(pair, first[who], second[who], source) for who in first if who in second
        ]
    return compared


def _compare(pair: JudgmentRequest, a: Judgment, b: Judgment, source: NamedSource) -> Judgment:
    failed = next((j.verdict for j in (a, b) if j.verdict.status is not Status.OK), None)
    if failed is not None:
        verdict = failed
    else:
        scale = source.info.scale or pair.criterion.scale
        first, second = scale.to_unit(a.verdict.value), scale.to_unit(b.verdict.value)
        value = "TIE" if first == second else "A" if first > second else "B"
        verdict = Verdict(Status.OK, value)
    info = source.info
    return Judgment(pair.id, info.name, info.version, a.annotator, verdict, repeat=a.repeat)


def measure_agreement(
    run: RunDirectory,
    config: RunConfig,
    collected: Collected,
    sources: Mapping[str, NamedSource],
) -> None:
    """Compare every source with the people and apply the gates.

    Raises:
        DataError: There is no pair to compare on.
        GateStopError: A gate with action "stop" was not met; agreement.json says by how much.
    """
    collected.weights = dict.fromkeys(sources, 1.0)
    if config.agreement is None:
        return
    if not collected.pairs:
        raise DataError(
            "the base policy gave no two different responses to any item, so there is no pair",
            hint="raise policy.responses_per_item or policy.temperature",
        )
    from harness.agreement import agreement_report
    from harness.agreement.gate import gate
    from harness.ratings.judgments import tables_from_judgments

    asked = {name: source for name, source in sources.items() if name in collected.judgments}
    judgments = [j for source in asked.values() for j in as_pairs(source, collected)]
    infos = {name: source.info for name, source in asked.items()}
    extra = {s.name: s.compute for s in registry().statistics.values()}
    table = tables_from_judgments(collected.pairs, judgments, infos)[0]
    report = agreement_report(table.table, extra=extra, evidence=table.evidence)
    measured = {name: _kappa(name, config.agreement.reference, table) for name in asked}
    collected.kappas = {n: k.value for n, k in measured.items() if k.value is not None}
    decisions = [
        gate(g.source, measured[g.source], g.minimum_kappa, g.action)
        for g in config.agreement.gates
    ]
    collected.gates = [{"statistic": "cohen_kappa", **asdict(d)} for d in decisions]
    collected.weights |= {decision.source: decision.weight for decision in decisions}
    collected.agreement = {
        "tables": [
            {
                "title": "pairs",
                "rows": report.rows(),
                "notes": {section.title: list(section.notes) for section in report.sections},
                "audit": asdict(report.audit),
            }
        ],
        "kappas": collected.kappas,
        "gates": collected.gates,
    }
    write_json(run.path / "agreement.json", collected.agreement)
    stopped = [f"{d.source}: {d.reason}" for d in decisions if d.stops]
    if stopped:
        raise GateStopError(f"{'; '.join(stopped)} (see {run.path / 'agreement.json'})")


def _kappa(name: str, people: str, table: JudgmentTable) -> Estimate:
    """Return a source's kappa against the majority of the people.

    Of a source with several annotators the lowest counts; of the people themselves, the mean over
    their pairs, which is the most that a judge can be asked for.
    """
    from harness.agreement import cohen_kappa, majority, pairs_of
    from harness.statistics.estimate import Estimate, undefined

    ratings = table.table

    def columns_of(source: str) -> list[int]:
        return [ratings.column(c) for c, s in table.sources.items() if s == source]

    def kappa(first: Any, second: Any, label: str) -> Estimate:
        pairs = pairs_of(first, second, ratings.clusters, ratings.n_categories)
        return cohen_kappa(pairs, label)

    columns, codes = columns_of(name), ratings.codes
    if name != people:
        truth = majority(ratings.label_counts(columns_of(people)))
        found = [kappa(codes[:, c], truth, f"{name} - majority of {people}") for c in columns]
        known = [k for k in found if k.value is not None]
        if len(known) < len(found) or not found:
            reason = next((k.reason for k in found if k.value is None), "no pair was judged")
            return undefined("cohen_kappa", name, reason)
        return min(known, key=lambda k: k.value or 0.0)
    values = [
        kappa(codes[:, a], codes[:, b], people).value
        for i, a in enumerate(columns)
        for b in columns[i + 1 :]
    ]
    defined = [value for value in values if value is not None]
    if not defined:
        return undefined("cohen_kappa", people, "one person only")
    return Estimate(sum(defined) / len(defined), name="mean_cohen_kappa", annotators=people)
