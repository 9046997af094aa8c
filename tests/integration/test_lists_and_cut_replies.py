"""``harness judge --way listwise`` to preferences, and what it says of replies that were cut."""

import json
from pathlib import Path

import pytest

from harness.experiment.stages.aggregate import aggregate
from harness.experiment.stages.agree import agree
from harness.experiment.stages.judge import JudgeSettings, judge
from harness.feedback.requests import build_requests
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response
from harness.testing import StubServer
from tests.integration.test_judges_commands import invoke

TEXTS = {"i0": ["best", "worst", "good"], "i1": ["good", "best", "worst", "best"],
         "i2": ["best", "worst"], "i3": ["best"]}  # fmt: skip
VALUE = {"best": 3, "good": 2, "worst": 1}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    items = [{"id": name, "prompt": f"Question {name}?"} for name in TEXTS]
    responses = [
        {"id": f"{name}.{number}", "item_id": name, "system": f"s{number}", "text": text}
        for name, texts in TEXTS.items()
        for number, text in enumerate(texts)
    ]
    paths = tmp_path / "items.jsonl", tmp_path / "responses.jsonl"
    for path, rows in zip(paths, (items, responses), strict=True):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return paths


def ranks(body: dict) -> str:
    """Rank what is shown by what it says of itself."""
    shown = body["messages"][-1]["content"]
    places = {letter: shown.find(f"<response {letter}>") for letter in "ABC"}
    worth = {
        letter: VALUE[shown[place:].partition(">")[2].split("<")[0].strip()]
        for letter, place in places.items()
    }
    return f"Ranking: {' > '.join(sorted(worth, key=worth.__getitem__, reverse=True))}"


def ask(files: tuple[Path, Path], server: StubServer, out: Path, *more: str):
    words = ["judge", "--source", "llm_judge", "--items", files[0], "--responses", files[1]]
    words += ["--option", "model=hosted_vllm/m", "--option", f"api_base={server.base_url}"]
    return invoke(*words, "--out", out, "--quiet", *more)


def test_all_responses_of_an_item_are_one_list_and_become_preferences(files, tmp_path):
    out, preferences = tmp_path / "judgments.jsonl", tmp_path / "preferences.jsonl"
    with StubServer(ranks) as server:
        result = ask(files, server, out, "--way", "listwise")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    found = {row["item_id"]: row["verdict"]["value"] for row in rows}
    assert found == {"i0": ["i0.0", "i0.2", "i0.1"], "i1": ["i1.1", "i1.0", "i1.2"]}
    asked = ["--items", files[0], "--responses", files[1], "--method", "mean"]
    result = invoke("aggregate", out, *asked, "--preferences", preferences)
    assert result.exit_code == 0, result.output
    chosen = [json.loads(line) for line in preferences.read_text().splitlines()]
    assert len(chosen) == 6
    assert all(VALUE[row["chosen"]] > VALUE[row["rejected"]] for row in chosen)
    assert len(aggregate(out).preferences) == 6


def test_lists_leave_out_equal_texts_and_items_with_fewer_than_three():
    items = [Item(name, "?") for name in TEXTS]
    responses = [
        Response(f"{name}.{number}", name, "s", text)
        for name, texts in TEXTS.items()
        for number, text in enumerate(texts)
    ]
    found = build_requests(items, responses, "listwise")
    assert [[one.id for one in request.responses] for request in found] == [
        ["i0.0", "i0.1", "i0.2"],
        ["i1.0", "i1.1", "i1.2"],
    ]
    assert {request.way for request in found} == {"listwise"}
    assert build_requests(items[2:], responses, "listwise") == []


def test_what_cannot_be_listed_says_so(files, tmp_path):
    with pytest.raises(ConfigError, match="exact_match cannot judge listwise"):
        judge("exact_match", *files, JudgeSettings(way="listwise"))
    few = tmp_path / "few.jsonl"
    few.write_text("".join(files[1].read_text().splitlines(keepends=True)[-3:]))
    with pytest.raises(DataError, match="nothing to judge") as nothing:
        judge("llm_judge", files[0], few, JudgeSettings({"model": "hosted_vllm/m"}, "listwise"))
    assert nothing.value.hint == "a list has three or more different responses to an item"
    result = invoke("judge", "--source", "x", "--items", "a", "--responses", "b", "--out", "c",
                    "--way", "lists")  # fmt: skip
    assert result.exit_code == 2 and "use pointwise, pairwise or listwise" in result.output


def test_rankings_are_refused_where_only_pairs_and_scores_count(files, tmp_path):
    out = tmp_path / "judgments.jsonl"
    with StubServer(ranks) as server:
        assert ask(files, server, out, "--way", "listwise").exit_code == 0
    with pytest.raises(DataError, match="2 requests are lists") as lists:
        agree(out)
    assert "harness aggregate" in lists.value.hint


CUT = {"message": {"content": "Both responses are correct, but the tone of the"},
       "finish_reason": "length"}  # fmt: skip


def test_a_judge_that_is_cut_in_everything_says_how_it_gets_room(files, tmp_path):
    with StubServer(lambda body: CUT) as server:
        result = ask(files, server, tmp_path / "j.jsonl", "--way", "pairwise")
    assert result.exit_code == 1
    assert "hint: 8 replies were cut at the token limit" in result.output
    assert "max_tokens" in result.output and "chain_of_thought: true" in result.output
    assert result.output.count("times: ") == 1  # each ends in other words


def test_a_judge_that_is_cut_now_and_then_says_it_as_well(files, tmp_path):
    def reply(body: dict) -> object:
        return "Verdict: A" if "i0" in body["messages"][-1]["content"] else CUT

    out = tmp_path / "j.jsonl"
    with StubServer(reply) as server:
        result = ask(files, server, out, "--way", "pairwise")
    assert result.exit_code == 0
    assert "hint: 6 replies were cut at the token limit" in " ".join(result.output.split())
    rows = [json.loads(line)["verdict"] for line in out.read_text().splitlines()]
    reasons = {row["rationale"] for row in rows if row["status"] == Status.UNPARSEABLE.value}
    assert all("max_tokens" in reason for reason in reasons) and reasons
    with StubServer("Verdict: A") as server:
        result = ask(files, server, tmp_path / "all.jsonl", "--way", "pairwise")
    assert "hint" not in result.output
