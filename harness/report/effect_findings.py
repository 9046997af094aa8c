"""What each arm did to each evaluator's score, and who did best by those that decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.against_base import compares
from harness.report.differences import could_see, ends_of, printed, said, those
from harness.report.finding import Finding, Weight
from harness.report.tables import interval
from harness.report.wording import Names, count, join, number, percent

Data = Mapping[str, Any]

SAME = 0.05
STILL = 0.005
"""A KL divergence from base, nats per response, that is shown as 0.00: none to speak of."""


def effect_findings(data: Data, names: Names) -> list[Finding]:
    """Return a sentence for each change that was shown, and one for those that were not."""
    evaluation = data.get("evaluation") or {}
    base = evaluation.get("base")
    arms = [p["name"] for p in evaluation.get("policies", ()) if p["name"] != base]
    found = [one for arm in arms for one in _moved(arm, evaluation, names)]
    return [*found, *_versus(evaluation, names)]


def _moved(arm: str, evaluation: Data, names: Names) -> list[Finding]:
    if kl := still(arm, evaluation):
        return [
            Finding(
                Weight.NONE,
                f"{arm} did not move measurably: its KL from base is {kl}, so what its scores"
                " differ from base's by may well be the luck of sampling.",
            )
        ]
    found, unknown, left = list[Finding](), list[str](), 0
    for evaluator in evaluation["evaluators"]:
        row = _score(evaluation, evaluator["name"], arm)
        if row and row.get("same_rule"):
            continue  # it says what trained the arm: the warnings tell so
        left += 1
        label = names.source(evaluator["name"])
        by_people = _by_people(evaluation, evaluator["name"], arm)
        difference = row["difference"] if row else None
        note = "trained on it" if row and row["held_out"] is False else ""
        if by_people is not None:
            difference = by_people["corrected"]
            note = f"corrected with labels of {names.source(by_people['people'])}"
        verdict = said(difference)
        if difference is None or verdict == "unknown":
            unknown.append(label)
            continue
        weight = Weight.NONE
        if verdict in ("raised", "lowered"):
            weight, text = Weight.EFFECT, _shown(arm, verdict, label, evaluator, difference, note)
        elif verdict == "undecidable":
            weight = Weight.MISSING
            text = _undecidable(arm, label, difference, compares(evaluator))
        else:
            how = _none_shown(verdict, label, evaluator)
            text = f"{arm} {how} ({_seen(difference, verdict, note)})."
        found.append(Finding(weight, _begun(those(difference), text)))
    if unknown:
        found.append(Finding(Weight.MISSING, f"{arm} has no comparable score for {join(unknown)}."))
    if not left and evaluation["evaluators"]:
        text = f"Every evaluator has the same rule as the training of {arm}."
        found.append(Finding(Weight.TRUST, text))
    return found


def _none_shown(verdict: str, label: str, evaluator: Data) -> str:
    """Return what an arm did where neither a gain nor a loss was shown."""
    if compares(evaluator):
        if verdict == "unchanged":
            return f"is about as good as base by {label}"
        return f"neither clearly wins nor loses against base by {label}"
    if verdict == "unchanged":
        return f"left {label} about where it was"
    return f"showed no clear change of {label}"


def _begun(where: str, text: str) -> str:
    return f"{where[0].upper()}{where[1:]}, {text}" if where else text


def _shown(arm: str, verdict: str, label: str, evaluator: Data, difference: Data, note: str) -> str:
    worse = verdict != ("lowered" if evaluator.get("direction") == "lower" else "raised")
    notes = [note] if note else []
    if evaluator.get("direction") == "lower":
        notes.insert(0, "lower is better")
    way, change = "", number(difference["value"], sign=True)
    if "from" in difference:
        start, end, change = printed(difference)
        way = f" from {start} to {end}"
    told = "; ".join([change, *notes])
    if compares(evaluator) and "from" in difference:
        won = "wins" if verdict == "raised" else "loses"
        rate = f"{end} of pairs, ties half ({told})"
        return f"{arm} {won} against base by {label}: it has {rate}{', which is worse' * worse}."
    return f"{arm} {verdict} {label}{way} ({told}){', which is worse' if worse else ''}."


def _seen(difference: Data, verdict: str, note: str) -> str:
    """Return a change that was not shown, and what would have been."""
    change = number(difference["value"], sign=True)
    least = could_see(difference) if verdict == "unclear" else None
    parts = [change, note, "" if least is None else f"{number(least)} would have been seen"]
    return ", ".join(part for part in parts if part)


def _undecidable(arm: str, label: str, difference: Data, of_pairs: bool) -> str:
    lost = difference["failures"]
    if of_pairs:
        rate = percent(lost["rates"]["policy"], 1)
        return (
            f"whether {arm} wins against base by {label} is not decidable: {rate} of their pairs"
            " have no verdict."
        )
    both = lost["policy"] + lost["base"]
    rates = f"{percent(lost['rates']['policy'], 1)} of its responses have no score, and"
    rates += f" {percent(lost['rates']['base'], 1)} of base's"
    return f"what {arm} did to {label} is not decidable: {count(both)} failures ({rates})."


def _score(evaluation: Data, evaluator: str, policy: str) -> Data | None:
    rows = evaluation.get("scores", ())
    return next((r for r in rows if (r["evaluator"], r["policy"]) == (evaluator, policy)), None)


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


def still(arm: str, evaluation: Data) -> str:
    """Return the KL of a policy that is where base is, for all that its own responses tell.

    Its whole interval lies within ``SAME`` of zero, and holds it, or the value is shown as 0.00.
    Empty for a policy that moved, or of which that is unknown.
    """
    kl = next(p.get("kl") for p in evaluation["policies"] if p["name"] == arm)
    if not kl or kl.get("value") is None:
        return ""
    ends = ends_of(kl)
    low, high = (kl["value"] if ends.get(end) is None else ends[end] for end in ("low", "high"))
    none = low <= 0 <= high or abs(kl["value"]) < STILL
    if not none or max(abs(low), abs(high), abs(kl["value"])) >= SAME:
        return ""
    told = f" (95% interval {interval(ends)})" if interval(ends) else ""
    return f"{number(kl['value'])} nats per response{told}"


def _versus(evaluation: Data, names: Names) -> list[Finding]:
    """Return who did best against base by the evaluators that are held out, and who traded off."""
    base = evaluation.get("base")
    rows = [
        row
        for row in evaluation.get("wins", ())
        if row["criterion"] == "combined" and row["b"] == base and row["value"] is not None
    ]
    traded = [
        Finding(
            Weight.CHOICE,
            f"{row['a']} is a trade-off, not a victory: better by"
            f" {join([*map(names.source, row['trade_off']['up'])])}, worse by"
            f" {join([*map(names.source, row['trade_off']['down'])])}.",
        )
        for row in rows
        if row.get("trade_off")
    ]
    if not rows:
        return []
    clear = [row for row in rows if not row.get("trade_off") and _ahead(row)]
    if not clear:
        line = "By all held-out evaluators together, no arm beats base clearly."
        return [*traded, Finding(Weight.NONE if traded else Weight.CHOICE, line)]
    best = max(clear, key=lambda row: row["value"])
    highest = best["value"] >= max(row["value"] for row in rows)
    of = "" if highest else " of the arms that clearly beat it"
    low, high = (percent(ends_of(best)[end]) for end in ("low", "high"))
    by = join([*map(names.source, best["evaluators"])])
    line = (
        f"{best['a']} has the highest win rate against base{of} by {by} together:"
        f" {percent(best['value'])} ({low} to {high}, ties half)"
    )
    rivals = {
        row["b"]: row
        for row in evaluation["wins"]
        if row["criterion"] == "combined" and row["a"] == best["a"] and row["b"] != base
    }
    unclear = [name for name, row in rivals.items() if not _ahead(row)]
    if unclear:
        line += f"; against {join(unclear)} it is not clearly ahead"
    elif rivals:
        line += "; it also beats every other arm"
    if evaluation.get("corrected"):
        line += "; win rates are by the judges' own scores, which labels do not correct"
    return [*traded, Finding(Weight.CHOICE, _begun(those(best), f"{line}."))]


def _ahead(row: Data) -> bool:
    low = ends_of(row)["low"]
    return low is not None and low > 0.5
