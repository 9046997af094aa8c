"""Verifiers on what a stranger tried, and its neighbours: each answer gets its right value."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from harness import JudgeSettings, judge
from harness.nouns.schema import Item, Response

BASE = """country,capital,also
France,Paris,City of Light
USA,"Washington, D.C.","Washington|Washington DC"
Iceland,Reykjavík,
Côte d'Ivoire,Yamoussoukro,
Netherlands,The Hague,Amsterdam
South Africa,Pretoria|Cape Town|Bloemfontein,
Year,1945,
Ratio,3.5,
Temp,-40 °C,
"""
FILE = Path(__file__).parent / "answers" / "tried.toml"
GROUPS: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
for _case in tomllib.loads(FILE.read_text(encoding="utf-8"))["case"]:
    GROUPS[f"{_case['source']} {_case.get('options', '{}')}"].append(_case)


@pytest.mark.parametrize("group", GROUPS)
def test_each_answer_that_was_tried_gets_its_right_value(group: str, tmp_path: Path) -> None:
    cases = GROUPS[group]
    options = json.loads(cases[0].get("options", "{}"))
    if "file" in options:
        options["file"] = str(tmp_path / "base.csv")
        Path(options["file"]).write_text(BASE, encoding="utf-8")
    items = [Item(f"i{n}", "?", json.loads(c["reference"])) for n, c in enumerate(cases)]
    responses = [Response(f"r{n}", f"i{n}", "s", c["text"]) for n, c in enumerate(cases)]
    done = judge(cases[0]["source"], items, responses, JudgeSettings(options=options))
    asked = {request.id: int(request.item.id[1:]) for request in done.requests}
    values = {asked[judgment.request_id]: judgment.verdict.value for judgment in done.judgments}
    wrong = [
        (case["reference"], case["text"], case.get("value"), values[n])
        for n, case in enumerate(cases)
        if values[n] != case.get("value")
    ]
    assert not wrong
