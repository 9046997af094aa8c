"""What the numbers say in plain sentences, and what they cannot say; nothing is expected here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.nouns.counted import counted
from harness.ratings.positions import Position
from harness.report.against_base import against_base_findings
from harness.report.aggregation_findings import aggregation_warnings
from harness.report.costs_findings import costs_findings
from harness.report.curves_findings import curves_findings
from harness.report.differences import is_of_few
from harness.report.diversity import diversity_findings
from harness.report.effect_findings import effect_findings
from harness.report.finding import Finding, Weight, by_weight
from harness.report.gates import gate_sentence, gates_of, is_worth_a_line
from harness.report.method_page import method_findings
from harness.report.people_findings import people_findings
from harness.report.plan_page import plan_findings
from harness.report.reward_models import reward_model_findings
from harness.report.rivals_findings import rivals_findings
from harness.report.transport import transport_weighed
from harness.report.wording import Names, dollars, join, percent, seconds

FEW_ROWS = 30
"""Fewer preferences than this teach a policy next to nothing."""

Data = Mapping[str, Any]


def findings(data: Data) -> list[str]:
    """Return the headlines by weight: what was harmed, what each arm moved, what limits it."""
    return by_weight(weighed(data))


def weighed(data: Data) -> list[Finding]:
    """Return the headlines with their weights, in no order."""
    names = Names.of_run(data)
    evaluation = data.get("evaluation") or {}
    return [
        *effect_findings(data, names),
        *_all(Weight.TRUST, _little(data)),
        *_all(Weight.MISSING, _untrained(data, evaluation, names)),
        *(
            Finding(Weight.TRUST, gate_sentence(gate, names, data.get("arms", ())))
            for gate in gates_of(data)
            if is_worth_a_line(gate)
        ),
        *against_base_findings(data, names),
        *rivals_findings(data, names),
        *transport_weighed(data, names),
        *curves_findings(data, names),
        *people_findings(data, names),
        *_all(Weight.TRUST, reward_model_findings(data)),
        *diversity_findings(evaluation, names),
        *_all(Weight.TRUST, _biased(data, names)),
        *_all(Weight.TRUST, aggregation_warnings(data, names)),
        *_all(Weight.MISSING, _failures(data, names)),
        *_all(Weight.TOOK, _took(data)),
        *costs_findings(data, names),
        *method_findings(data, names),
        *plan_findings(data, names),
    ]


def _all(weight: Weight, lines: Iterable[str]) -> list[Finding]:
    return [Finding(weight, line) for line in lines]


def _trained(evaluation: Data) -> list[str]:
    base = evaluation.get("base")
    return [p["name"] for p in evaluation.get("policies", ()) if p["name"] != base]


def _untrained(data: Data, evaluation: Data, names: Names) -> list[str]:
    """Return which arms have no policy and why, such as those of which gates left no source."""
    lines = []
    for arm in data.get("arms", ()):
        reasons: dict[str, list[str]] = {}
        for seed in arm.get("seeds", ()):
            if seed.get("why"):
                told = "; ".join(line.strip(" -") for line in seed["why"])
                reasons.setdefault(names.sentence(told), []).append(str(seed["seed"]))
        trained = arm["name"] in _trained(evaluation)
        for why, seeds in reasons.items():
            which = f" with seed {join(seeds)}" if trained or len(reasons) > 1 else ""
            lines.append(f"{arm['name']}{which} was not trained: {why.rstrip('.')}.")
        if not trained and not reasons:
            dropped = join([names.source(source) for source in arm.get("dropped") or ()])
            gone = f": the gates dropped {dropped}" if dropped else ""
            lines.append(f"{arm['name']} was not trained{gone}.")
    return lines


def _biased(data: Data, names: Names) -> list[str]:
    """Return the judges whose verdicts go by the place of a response."""
    return [
        f"{names.source(source['name'])}: {position.told()}."
        for source in data.get("sources", ())
        if source.get("position") and (position := Position(**source["position"])).is_biased
    ]


def _little(data: Data) -> list[str]:
    """Return which arms learnt from few preferences, or from less than half of what there was."""
    lines = []
    for arm in data.get("arms", ()):
        seeds = [seed for seed in arm.get("seeds", ()) if (seed.get("learnt") or {}).get("rows")]
        model = next((seed["reward_model"] for seed in seeds if seed.get("reward_model")), None)
        if not seeds:
            continue
        learnt = min((seed["learnt"] for seed in seeds), key=lambda one: one["used"])
        of_pairs = learnt["what"] != "prompts" or model is not None
        used, there, lost = learnt["used"], learnt["rows"], dict(learnt["left_out"])
        if of_pairs:
            unused = arm.get("unused_pairs") or {}
            there, lost = arm["n_preferences"] + sum(unused.values()), {**unused, **lost}
        if model is not None:
            used, lost = model.get("n_train", arm["n_preferences"]), unused
        if used * 2 >= there and not (of_pairs and used < FEW_ROWS):
            continue
        who = f"The reward model of {arm['name']}" if model is not None else arm["name"]
        what = "preferences" if of_pairs else "prompts"
        why = ", ".join(f"{count:,} {reason}" for reason, count in lost.items())
        lines.append(
            f"{who} was trained on {used:,} {what if used != 1 else what[:-1]} of {there:,}"
            f" {'pairs' if of_pairs else what}{why and f' ({why})'}"
            f"{': too few to learn much from' if used < FEW_ROWS else ''}."
        )
    return lines


def _failures(data: Data, names: Names) -> list[str]:
    lines = []
    for source in data.get("sources", ()):
        asked, ok = source["judgments"], source["ok"]
        if asked and ok / asked < 0.95:
            worst = join([f"{n} {status}" for status, n in source["failures"].items()])
            lines.append(
                f"{names.source(source['name'])} gave a verdict in {percent(ok / asked)} of"
                f" {counted(asked, 'judgment')} ({worst}); failures are left out, never"
                " counted as 0."
            )
    return lines


def _took(data: Data) -> list[str]:
    run = data.get("run", {})
    if run.get("duration_s") is None:
        return []
    cost = run.get("cost_usd", sum(s.get("cost_usd") or 0 for s in data.get("sources", ())))
    paid = f"calls to models cost {dollars(cost)}" if cost else "no call cost money"
    return [f"The whole run took {seconds(run['duration_s'])}; {paid}."]


RARE = 0.1
"""Share of trainings that fail, in a sentence on what few trainings cannot show."""


def _collapses(evaluation: Data) -> list[str]:
    """Return how likely trainings that fail now and then are not among those that there are."""
    base = evaluation.get("base")
    numbers = [len(p["seeds"]) for p in evaluation.get("policies", ()) if p["name"] != base]
    if not numbers:
        return []
    few = min(numbers)
    missed = percent((1 - RARE) ** few)
    return [
        f"A training that fails one time in ten is missed by {counted(few, 'training')} in {missed}"
        " of cases; verdicts and intervals are of trainings like those that were seen."
    ]


def limitations(data: Data) -> list[str]:
    """Return what a reader must know before quoting a number."""
    names = Names.of_run(data)
    evaluation = data.get("evaluation") or {}
    lines = [names.sentence(line) for line in evaluation.get("warnings", ())]
    if any(len(p["seeds"]) > 1 for p in evaluation.get("policies", ())):
        lines.append(
            "The seeds of an arm share its preference data and the labels in it; the spread"
            " between them shows the luck of training and sampling, not of labelling."
        )
    simulated = [names.source(s["name"]) for s in data.get("sources", ()) if s.get("simulated")]
    if simulated:
        lines.append(
            f"{join(simulated)}: a program made these labels up. They say nothing about real"
            " people, and agreement with them is agreement with that program."
        )
    if evaluation.get("comparisons"):
        lines += _collapses(evaluation)
        few = any(is_of_few(one) for r in evaluation.get("scores", ()) if (one := r["difference"]))
        over = "those on the page cover prompts only" if few else "cover trainings and prompts"
        lines.append(
            f"The p-values are adjusted by Holm's method over the {evaluation['comparisons']}"
            f" differences to base, and {over}. Win rates and agreement are not adjusted."
        )
    if len(evaluation.get("evaluators", ())) == 1:
        lines.append("There is one evaluator only: what it does not measure may have changed.")
    return lines
