"""People among the evaluators of a run: their labels are of some responses, and correct a judge."""

from __future__ import annotations

import json
from typing import Any


def test_labels_of_some_responses_stop_nothing_and_are_shown_beside_the_judge(whole: Any) -> None:
    says = {f"{policy}{seed}e{n}b": 0.5 for policy in ("base", "rlvr") for seed in (0, 1)
            for n in (2, 3)}  # fmt: skip
    # Of base's first responses, which sources are asked about first, there is no label.
    says |= {f"rlvr{seed}e1a": 1.0 for seed in (0, 1)}
    (whole.folder / "crowd.json").write_text(json.dumps({"ann": says}))
    options = {"kind": "human", "scale": "unit", "says": "./crowd.json"}
    whole.experiment["sources"]["crowd"] = {"use": "scripted", "options": options}
    whole.experiment["evaluation"]["evaluators"] = ["exam", "twin", "crowd"]
    report = whole.run()
    rows = {(row["evaluator"], row["policy"]): row for row in report["evaluation"]["corrected"]}
    assert {evaluator for evaluator, _ in rows} == {"twin"}
    row = rows["twin", "rlvr"]
    assert (row["people"], row["labels"], row["decides"]) == ("crowd", 10, "judge")
    assert row["corrected"]["value"] is None and row["labelled"]["value"] > 0
    page = (whole.out / "report.md").read_text()
    assert "corrected with people" in page and "too few labels to correct it" in page
