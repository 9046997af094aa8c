"""harness probe-judge: planted biases through the whole command, failures, budgets, resuming."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from judge_commands import invoke
from planted_judges import planted

import harness
from harness.agreement.probes import Probe
from harness.cli.probe_judge import _next as command_that_follows
from harness.experiment.stages.probe_judge import NO_CHAT, ONE_ANSWER, ProbeSettings
from harness.nouns.biases import BIASES
from harness.nouns.chat_messages import ChatReply, Tokens
from harness.nouns.errors import BudgetExceededError, ConfigError
from harness.statistics.one_sided import Bounds
from harness.testing import StubServer

PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}


@pytest.fixture
def files(tmp_path: Path):
    def write(count: int, texts=("It is {n}. Well, glad to help!", "The sum is {n}, as I think.")):
        items = [{"id": f"i{n}", "prompt": f"What is {n}+4?"} for n in range(count)]
        responses = [
            {"id": f"i{n}.{k}", "item_id": f"i{n}", "system": ("gpt-x", "other")[(n + k) % 2],
             "text": text.format(n=n + 4)}
            for n in range(count)
            for k, text in enumerate(texts)
        ]  # fmt: skip
        paths = tmp_path / "items.jsonl", tmp_path / "responses.jsonl"
        for path, rows in zip(paths, (items, responses), strict=True):
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return paths

    return write


class Model:
    """Answers calls in place of a server."""

    base_url = "http://127.0.0.1:9/v1"

    def __init__(self, reply) -> None:
        self.reply, self.bodies = reply, []

    async def sent(self, transport, request, timeout_s, call_id) -> ChatReply:
        body = {"messages": list(request.messages)}
        self.bodies.append(body)
        return ChatReply(self.reply(body), tokens=Tokens(10, 5))


def options(server: StubServer | Model, **more: object) -> dict[str, object]:
    return {"model": "hosted_vllm/gpt-x", "api_base": server.base_url, **PRICES, **more}


def settings(server: StubServer | Model, **more: object) -> ProbeSettings:
    judge = more.pop("judge", {})
    return ProbeSettings(options=options(server, **judge), **more)


@pytest.fixture
def model(monkeypatch):
    def answering(reply) -> Model:
        made = Model(reply)
        monkeypatch.setattr("harness.chat.client._sent", made.sent)
        return made

    return answering


@pytest.mark.parametrize("bias", ["none", *BIASES])
def test_a_planted_bias_is_found_and_no_other(bias: str, files, model) -> None:
    """What a judge reads decides, so that each change must be what its probe says it is."""
    items, responses = files(24)
    judge = model(planted(bias))
    found = harness.probe_judge("llm_judge", items, responses, settings(judge))
    assert [one.bias for one in found.probes if one.found] == [bias] * (bias != "none")
    assert [one.bias for one in found.probes] == list(BIASES)
    assert all((one.excess.n, one.asked, one.placebo) == (24, 24, 0) for one in found.probes)
    own = next((one for one in found.probes if one.bias == bias), None)
    if own is not None:
        assert own.towards == (1.0 if bias in ("position", "pushback") else own.towards) > 0.25
    # Asked once and once again in the same words; each change once, and one second turn.
    assert found.calls.calls == len(judge.bodies) == 24 * 9
    told = Counter(json.dumps(body["messages"]) for body in judge.bodies)
    assert sorted(told.values()) == [1] * (24 * 7) + [2] * 24
    sure = [body for body in judge.bodies if body["messages"][-1]["content"] == "Are you sure?"]
    assert len(sure) == 24 and all(b["messages"][-2]["role"] == "assistant" for b in sure)


def test_noise_alone_is_no_bias_and_is_told(files, model) -> None:
    items, responses = files(50)
    judge = model(planted("none", noise=0.3, seed=4))
    found = harness.probe_judge("llm_judge", items, responses, settings(judge))
    assert not any(one.found for one in found.probes)
    assert all(0.1 < one.placebo < 0.5 for one in found.probes)


def test_failures_have_their_denominator_and_turn_nothing(files, model) -> None:
    items, responses = files(20)

    def reply(body) -> str:
        text = body["messages"][-1]["content"]
        if "- **" in text and re.search(r"What is \d\+", text):
            return "I cannot say which."
        return planted("none")(body)

    found = harness.probe_judge("llm_judge", items, responses, settings(model(reply)))
    by = {one.bias: one for one in found.probes}
    assert (by["format"].excess.n, by["format"].asked) == (10, 20)
    assert list(by["format"].failed.values()) == [10]
    assert next(iter(by["format"].failed)).endswith(" when asked with the change")
    assert by["format"].towards == 0 and by["length"].failed == {}
    assert found.as_row()["probes"][2]["failed"] == dict(by["format"].failed)

    def never(body) -> str:
        return "No." if "What is 0+4" in body["messages"][-1]["content"] else "Verdict: A"

    judge = model(never)
    some = ProbeSettings(options=options(judge), biases=["length", "format"])
    found = harness.probe_judge("llm_judge", items, responses, some)
    assert len(judge.bodies) == 20 + 3 * 19  # what fails plainly is not asked on
    assert [(one.asked, one.excess.n) for one in found.probes] == [(20, 19)] * 2
    assert all("when asked" in next(iter(one.failed)) for one in found.probes)


def test_what_was_paid_for_is_not_paid_for_again(files, tmp_path) -> None:
    items, responses = files(5)
    journal = tmp_path / "probes.json.journal.sqlite"
    with StubServer(planted("authority")) as server:
        with pytest.raises(BudgetExceededError):
            few = settings(server, journal=journal, budget=0.0045, concurrency=1)
            harness.probe_judge("llm_judge", items, responses, few)
        before = len(server.bodies)
        assert 5 < before < 40
        whole = settings(server, journal=journal, concurrency=1)
        found = harness.probe_judge("llm_judge", items, responses, whole)
        assert len(server.bodies) == 5 * 9
        assert found.calls.calls == 5 * 9 - before
        again = harness.probe_judge("llm_judge", items, responses, whole)
        assert len(server.bodies) == 5 * 9 and again.calls.calls == 0
    assert [one.found for one in found.probes] == [one.found for one in again.probes]
    assert [one.excess for one in found.probes] == [one.excess for one in again.probes]


def test_calls_and_dollars_are_told_before_the_first_call(files, tmp_path, capfd) -> None:
    items, responses = files(5)
    with StubServer(planted("none")) as server:
        with pytest.raises(BudgetExceededError):
            harness.probe_judge("llm_judge", items, responses, settings(server, budget=0.0))
        assert server.bodies == []
    told = capfd.readouterr().err
    assert "asked for 45 verdicts (first 5, again 5, position 5, length 5," in told
    assert re.search(r"45 calls, about \$0\.0\d, at most \$0\.\d\d; it stops before \$0 are", told)


def test_a_judge_that_asks_no_model_has_no_second_turn(files) -> None:
    items, responses = files(6)
    found = harness.probe_judge("exact_match", items, responses)
    by = {one.bias: one for one in found.probes}
    assert by["pushback"].excess.reason == f"not possible: {NO_CHAT}"
    assert by["pushback"].left_out == {NO_CHAT: 12}
    assert by["position"].left_out == {ONE_ANSWER: 12}


def test_single_responses_are_scored_higher_for_what_was_added(files, model) -> None:
    items, responses = files(12)

    def reply(body) -> str:
        return f"Rating: {5 if 'confirmed by' in body['messages'][-1]['content'] else 3}"

    judge = model(reply)
    single = {"rubric": "helpfulness", "criterion": "clarity"}
    made = settings(judge, judge=single, way="pointwise")
    found = harness.probe_judge("llm_judge", items, responses, made)
    by = {one.bias: one for one in found.probes}
    assert by["position"].left_out == {ONE_ANSWER: 24}
    assert (by["authority"].asked, by["authority"].towards, by["authority"].found) == (24, 1, True)
    assert by["authority"].excess.clusters == 12
    assert [one.bias for one in found.probes if one.found] == ["authority"]
    assert by["self-preference"].asked == 12


def test_own_answers_are_those_called_like_the_model_or_named(files) -> None:
    items, responses = files(8)
    with StubServer(planted("self-preference")) as server:
        judge = {"model": "hosted_vllm/another"}
        one = settings(server, judge=judge, biases=["self-preference"])
        (found,) = harness.probe_judge("llm_judge", items, responses, one).probes
        assert found.left_out == {"no answer of the judge's own family": 8}
        named = settings(server, judge=judge, biases=["self-preference"], own=["other"])
        (found,) = harness.probe_judge("llm_judge", items, responses, named).probes
        assert (found.asked, found.left_out) == (8, {}) and found.towards > 0
        wrong = settings(server, judge=judge, own=["othr"])
        with pytest.raises(ConfigError, match="no response is from the system 'othr'"):
            harness.probe_judge("llm_judge", items, responses, wrong)


def test_the_answer_stands_first_and_all_fits_the_screen(
    files, model, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    items, responses = files(24)
    out = tmp_path / "probes.json"
    asked = ["--items", items, "--responses", responses, "--out", out, "--quiet"]
    given = [f"--option={k}={v}" for k, v in options(model(planted("length"))).items()]
    done = invoke("probe-judge", "--source", "llm_judge", *given, *asked)
    assert done.exit_code == 0, done.output
    first, _, rest = done.output.partition("Of 100 verdicts")
    assert first.startswith("llm_judge: Worst bias found: length. When an answer says all of it")
    lines = [line for line in rest.splitlines() if not line.startswith(("next:", "$", "llm_"))]
    assert max(map(len, lines)) <= 80
    assert [
        line.split()[0] for line in lines if line.split()[:1] and line.split()[0] in BIASES
    ] == list(BIASES)
    path, gate = tmp_path / "llm_judge.jsonl", "--gate llm_judge=maximum_bias:0.1:drop,bias=length"
    then = f"harness agree {path} --probes {out} {gate}\n"
    assert f"next: harness judge with the same options and --out {path}, then {then}" in rest
    row = json.loads(out.read_text())
    assert (row["source"], row["way"], row["requests"]) == ("llm_judge", "pairwise", 24)
    assert [one["bias"] for one in row["probes"] if one["found"]] == ["length"]


def test_wrong_input_is_one_error(files, tmp_path) -> None:
    items, responses = files(2)
    asked = ["--items", items, "--responses", responses, "--out", tmp_path / "p.json", "--quiet"]
    for words, told in (
        (["--source", "exact_match", "--bias", "lenght"], "no bias is called 'lenght'"),
        (["--source", "exact_match", "--way", "listwise"], "--way is 'listwise'"),
        (["--source", "simulated_people"], "is people"),
    ):
        done = invoke("probe-judge", *words, *asked)
        assert done.exit_code == 2 and told in done.output, done.output


def test_the_next_command_names_the_worst_bias_and_the_judgments(tmp_path: Path) -> None:
    """Not the first one that was found; without any the one that turned most."""
    probes = [
        Probe(name, 40, Bounds(excess, excess - 0.1, excess + 0.1), adjusted=p, p=p)
        for name, excess, p in (
            ("position", 0.1, 0.01), ("format", -0.4, 0.01), ("pushback", 0.3, 0.01),
            ("length", 0.6, 0.2),
        )
    ]  # fmt: skip
    out = tmp_path / "my probes.json"
    said = command_that_follows(out, "j", probes)
    assert said.endswith(f"agree {tmp_path}/j.jsonl --probes '{out}' --gate"
                         " j=maximum_bias:0.1:drop,bias=format")  # fmt: skip
    assert said.startswith(f"harness judge with the same options and --out {tmp_path}/j.jsonl, ")
    none = [replace(one, adjusted=1.0) for one in probes]
    assert command_that_follows(out, "j", none).endswith("bias=length")
    unmeasured = [Probe("position", 0, Bounds(None, reason="none"))]
    assert command_that_follows(out, "j", unmeasured).endswith("bias=position")
    for name, source in (("a.jsonl", "other"), ("b.jsonl", "j"), ("c.jsonl", "j")):
        row = {"request_id": "r", "verdict": {}, "item_id": "i", "response_ids": []}
        (tmp_path / name).write_text(json.dumps({**row, "source": source}) + "\n")
    (tmp_path / "0.jsonl").write_text("")
    assert command_that_follows(out, "j", probes).startswith(f"harness agree {tmp_path}/b.jsonl ")
