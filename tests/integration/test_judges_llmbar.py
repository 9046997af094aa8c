"""Recorded GPT-4 verdicts of LLMBar replayed through the harness's own both-order logic."""

import csv
from collections import defaultdict

from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, Verdict
from harness.ratings.both_orders import combine_orders

PUBLISHED = {  # accuracy over both orders / positional agreement, GPT-4, Vanilla_NoRules
    "Natural": ("93.5", "97.0"),
    "Neighbor": ("64.2", "89.6"),
    "GPTInst": ("76.6", "90.2"),
    "GPTOut": ("76.6", "87.2"),
    "Manual": ("75.0", "89.1"),
}


def test_replayed_verdicts_give_the_published_figures(shared_data):
    rows, gold = defaultdict(list), {}
    with (shared_data / "llmbar" / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if (row["judge"], row["strategy"]) != ("GPT-4", "Vanilla_NoRules"):
                continue
            request = f"{row['set']}/{row['item']}"
            gold[request] = {"1": "A", "2": "B"}[row["label"]]
            for order, column in (("AB", "winner_noswap"), ("BA", "winner_swap")):
                value = {"1": "A", "2": "B"}.get(row[column])
                verdict = (
                    Verdict(Status.OK, value)
                    if value
                    else Verdict(Status.UNPARSEABLE, rationale="recorded as unparsed")
                )
                judgment = Judgment(request, "gpt-4", "recorded", "gpt-4", verdict, order)
                rows[row["set"].rpartition("/")[2]].append(judgment)
    shown = {}
    for name, judgments in rows.items():
        right = [j.verdict.value == gold[j.request_id] for j in judgments]
        same = [vote.flipped is False for vote in combine_orders(judgments)]
        shown[name] = (f"{100 * sum(right) / len(right):.1f}", f"{100 * sum(same) / len(same):.1f}")
    assert shown == PUBLISHED
    assert sum(map(len, rows.values())) == 2 * len(gold) == 2 * 419
