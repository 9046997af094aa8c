"""What the numbers say in plain sentences, and what they cannot say; nothing is expected here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.nouns.counted import counted
from harness.ratings.positions import Position
from harness.report.aggregation_findings import aggregation_warnings
from harness.report.costs_findings import costs_findings
from harness.report.curves_findings import curves_findings
from harness.report.diversity import collapsed
from harness.report.finding import Finding, Weight, by_weight
from harness.report.gates import gate_sentence, gates_of, is_worth_a_line
from harness.report.method_page import method_findings
from harness.report.reward_models import reward_model_findings
from harness.report.tables import interval
from harness.report.transport import transport_weighed
from harness.report.wording import Names, apart, dollars, join, number, percent, seconds

ALPHA = 0.05
SAME = 0.05
"""A change whose whole interval lies within this of zero is called unchanged."""

STILL = 0.005
"""A KL divergence from base, nats per response, that is shown as 0.00: none to speak of."""

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
        *(_moved(arm, evaluation, names) for arm in _trained(evaluation)),
        *_all(Weight.TRUST, _little(data)),
        *_all(Weight.MISSING, _untrained(data, evaluation, names)),
        *_all(Weight.CHOICE, _versus(evaluation, names)),
        *(
            Finding(Weight.TRUST, gate_sentence(gate, names, data.get("arms", ())))
            for gate in gates_of(data)
            if is_worth_a_line(gate)
        ),
        *transport_weighed(data, names),
        *curves_findings(data, names),
        *_all(Weight.TRUST, reward_model_findings(data)),
        *_all(Weight.HARM, collapsed(evaluation)),
        *_all(Weight.TRUST, _biased(data, names)),
        *_all(Weight.TRUST, aggregation_warnings(data, names)),
        *_all(Weight.MISSING, _failures(data, names)),
        *_all(Weight.TOOK, _took(data)),
        *costs_findings(data, names),
        *method_findings(data, names),
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


def _score(evaluation: Data, evaluator: str, policy: str) -> Data | None:
    rows = evaluation.get("scores", ())
    return next((r for r in rows if (r["evaluator"], r["policy"]) == (evaluator, policy)), None)


def verdict(difference: Data | None) -> str:
    """Return raised, lowered, unchanged, unclear or unknown for a difference to base.

    Raised and lowered need both an interval without zero and an adjusted p-value below .05.
    """
    if difference is None or difference.get("value") is None or difference.get("low") is None:
        return "unknown"
    low, high, p = difference["low"], difference["high"], difference.get("p_holm")
    if p is not None and p < ALPHA and (low > 0 or high < 0):
        return "raised" if low > 0 else "lowered"
    return "unchanged" if -SAME < low and high < SAME else "unclear"


def _moved(arm: str, evaluation: Data, names: Names) -> Finding:
    """Return one sentence on what an arm did to each evaluator's score."""
    if kl := still(arm, evaluation):
        return Finding(
            Weight.NONE,
            f"{arm} did not move measurably: its KL from base is {kl}, so what its scores differ"
            " from base's by may well be the luck of sampling.",
        )
    clear, rest = list[str](), list[str]()
    for evaluator in evaluation["evaluators"]:
        row = _score(evaluation, evaluator["name"], arm)
        if row and row.get("same_rule"):
            continue  # it says what trained the arm: the warnings tell so
        base = _score(evaluation, evaluator["name"], evaluation["base"])
        label = names.source(evaluator["name"])
        difference = row["difference"] if row else None
        by_people = _by_people(evaluation, evaluator["name"], arm)
        if by_people is not None:
            clear, rest = _told_by_people(by_people, label, names, clear, rest)
            continue
        said = verdict(difference)
        if row is None or base is None or difference is None or said == "unknown":
            rest.append(f"has no comparable score for {label}")
            continue
        way = f"{number(base['value'])} to {number(row['value'])}"
        change = f"{number(difference['value'], sign=True)}, 95% interval "
        change += interval(difference, "change")
        if said in ("raised", "lowered"):
            note = "; trained on it" if row["held_out"] is False else ""
            clear.append(f"{said} {label} from {way} ({change}{note})")
        elif said == "unchanged":
            rest.append(f"left {label} about where it was ({way}; {change})")
        else:
            p = difference.get("p_holm")
            if p is not None and (difference["low"] > 0 or difference["high"] < 0):
                change += f"; p {apart(p, ALPHA)} once all comparisons are allowed for"
            rest.append(f"showed no clear change of {label} ({way}; {change})")
    parts, weight = clear + rest, Weight.EFFECT if clear else Weight.NONE
    if not parts and evaluation["evaluators"]:
        return Finding(Weight.TRUST, f"Every evaluator has the same rule as the training of {arm}.")
    return Finding(weight, f"{arm} {join(parts)}." if parts else "")


def _by_people(evaluation: Data, evaluator: str, arm: str) -> Data | None:
    """Return a judge's difference as people see it, where their labels correct it."""
    return next(
        (
            row
            for row in evaluation.get("corrected", ())
            if (row["evaluator"], row["policy"]) == (evaluator, arm)
            and row["corrected"]["value"] is not None
        ),
        None,
    )


def _told_by_people(
    row: Data, label: str, names: Names, clear: list[str], rest: list[str]
) -> tuple[list[str], list[str]]:
    """Return both lists with the difference as people see it; the judge's own is the table's."""
    found = row["corrected"]
    change = f"{number(found['value'], sign=True)}, 95% interval {interval(found, 'change')}"
    change += f", corrected with labels of {names.source(row['people'])}"
    said = verdict(found)
    if said in ("raised", "lowered"):
        return [*clear, f"{said} {label} ({change})"], rest
    how = "left {} about where it was" if said == "unchanged" else "showed no clear change of {}"
    return clear, [*rest, f"{how.format(label)} ({change})"]


def still(arm: str, evaluation: Data) -> str:
    """Return the KL of a policy that is where base is, for all that its own responses tell.

    Its whole interval lies within ``SAME`` of zero, and holds it, or the value is shown as 0.00.
    Empty for a policy that moved, or of which that is unknown.
    """
    kl = next(p.get("kl") for p in evaluation["policies"] if p["name"] == arm)
    if not kl or kl.get("value") is None:
        return ""
    low, high = (kl["value"] if kl.get(end) is None else kl[end] for end in ("low", "high"))
    none = low <= 0 <= high or abs(kl["value"]) < STILL
    if not none or max(abs(low), abs(high), abs(kl["value"])) >= SAME:
        return ""
    ends = f" (95% interval {interval(kl)})" if interval(kl) else ""
    return f"{number(kl['value'])} nats per response{ends}"


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


def _versus(evaluation: Data, names: Names) -> list[str]:
    """Return who did best against base over all evaluators together."""
    base = evaluation.get("base")
    rows = [
        row
        for row in evaluation.get("wins", ())
        if row["criterion"] == "combined" and row["b"] == base and row["value"] is not None
    ]
    if not rows:
        return []
    clear = [row for row in rows if row["low"] is not None and row["low"] > 0.5]
    if not clear:
        return ["By all evaluators together, no arm beats base clearly."]
    best = max(clear, key=lambda row: row["value"])
    highest = best["value"] >= max(row["value"] for row in rows)
    of = "" if highest else " of the arms that clearly beat it"
    line = (
        f"By all evaluators together, {best['a']} has the highest win rate against base{of}:"
        f" {percent(best['value'])} ({percent(best['low'])} to {percent(best['high'])}, ties half)"
    )
    rivals = {
        row["b"]: row
        for row in evaluation["wins"]
        if row["criterion"] == "combined" and row["a"] == best["a"] and row["b"] != base
    }
    unclear = [name for name, row in rivals.items() if row["low"] is None or row["low"] <= 0.5]
    if unclear:
        line += f"; against {join(unclear)} it is not clearly ahead"
    elif rivals:
        line += "; it also beats every other arm"
    if evaluation.get("corrected"):
        line += "; win rates are by the judges' own scores, which labels do not correct"
    return [f"{line}."]


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
        lines.append(
            f"The p-values are adjusted by Holm's method over the {evaluation['comparisons']}"
            " differences to base; they are by prompt, for the seeds that were trained. Win rates"
            " and agreement are not adjusted."
        )
    if len(evaluation.get("evaluators", ())) == 1:
        lines.append("There is one evaluator only: what it does not measure may have changed.")
    return lines
