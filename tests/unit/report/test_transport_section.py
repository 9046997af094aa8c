"""What a report says of rewards that were measured again: a sentence, the table, the command."""

from __future__ import annotations

import copy
import re
from dataclasses import asdict
from typing import Any

import pytest

from harness.agreement.transport import Agreed, transport
from harness.report.blocks import Bullets, Text
from harness.report.feedback import agreement
from harness.report.findings import findings
from harness.report.tables import Table
from harness.report.transport import transport_blocks, transport_sentence
from harness.report.wording import Names

Data = dict[str, Any]
BEFORE = Agreed([True] * 198 + [False] * 2, range(200))


def row(right: int, wrong: int) -> Data:
    after = Agreed([True] * right + [False] * wrong, range(1000, 1000 + right + wrong))
    found = transport(BEFORE, after)
    labelled = (200, right + wrong)
    about = {"arm": "rlvr", "source": "check", "people": "people"}
    counts = {"labelled": labelled, "decided": labelled}
    return {**about, "sentence": found.sentence, **counts, **asdict(found)}


def data(*rows: Data, notes: tuple[str, ...] = ()) -> Data:
    found = {"people": ["people"], "simulated": [], "rows": list(rows), "notes": list(notes)}
    return {"transport": found, "sources": [], "gates": []}


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ((100, 1), "this reward was still valid at the end (people say what it says on 99.0% of 101"
                   " pairs, before training on 99.0%)."),
        ((60, 40), "this reward was no longer valid at the end (people say what it says on 60.0% of"
                   " 100 pairs, before training on 99.0%)."),
        ((9, 1), r"not decidable: \d+ more labels (people say what it says on 90.0%, before"
                 " training on 99.0%)."),
        ((0, 0), r"not decidable: \d+ labels if agreement stays what it was before training, and"
                 " nothing was seen of it since (it was not asked again)."),
    ],
)  # fmt: skip
def test_a_sentence_for_each_outcome(after: tuple[int, int], said: str) -> None:
    found = row(*after) | {"sentence": "as an earlier version said it"}
    sentence = transport_sentence(found, Names())
    pattern = re.escape(f"rlvr, check: {said}").replace(re.escape(r"\d+"), r"\d+")
    assert re.fullmatch(pattern, sentence), sentence
    assert len(re.findall(r"\d[\d.]*", sentence)) <= 3
    assert sentence in findings(data(found) | {"evaluation": {"evaluators": [], "policies": []}})


def test_the_section_has_the_table_and_ends_with_the_next_command(made_up: Data) -> None:
    report = copy.deepcopy(made_up)
    names = Names.of_run(report)
    report["transport"] = data(row(9, 1), notes=("rlhf learns from people alone",))["transport"]
    blocks = agreement(report, names)
    said = [line for block in blocks if isinstance(block, Bullets) for line in block.items]
    assert any(line.startswith("rlvr, check: not decidable") for line in said)
    assert "rlhf learns from people (simulated) alone." in said
    (table,) = (b for b in blocks if isinstance(b, Table) and b.title.startswith("Share of pairs"))
    assert [cell.text for cell in table.body[0]][:3] == ["rlvr", "check", "99.0% (97.6% to 100.0%)"]
    last = blocks[-1]
    assert isinstance(last, Text) and last.text.startswith("Next: harness transport RUN_DIR")
    report["transport"]["rows"] = [row(100, 1)]
    undecided = {"outcome": "undecided", "statistic": "cohen_kappa", "limit": 0.4, "value": None}
    report["gates"] = [
        {"source": "small_judge", "reason": "one label", "action": "warn"} | undecided
    ]
    last = agreement(report, names)[-1]
    assert (
        isinstance(last, Text) and "plan-labels: how many labels decide on small_judge" in last.text
    )


def test_people_who_must_label_are_told_how() -> None:
    note = "people must label what the trained policies write: harness transport RUN_DIR"
    blocks = transport_blocks(data(notes=(note,)), Names())
    said = [block.text for block in blocks if isinstance(block, Text)]
    assert "Whether the rewards were still valid at the end was not measured." in said
    (notes,) = (block for block in blocks if isinstance(block, Bullets))
    assert notes.items == [f"{note}."]
    assert transport_blocks({}, Names()) == []
