"""``harness judge`` and others before a model that thinks, over both transports; and exit codes."""

import json

import pytest
from in_process import harness

from harness.chat import Client
from harness.chat.fitting import THINKING
from harness.feedback.annotate import annotate
from harness.feedback.contract import Limits, RunContext
from harness.feedback.requests import build_requests
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response
from harness.registry import registry
from harness.scale_out.loop_thread import run_to_end
from harness.testing import StubServer

ITEMS = [Item(f"i{n}", f"What is {n}+4?") for n in range(4)]
RESPONSES = [
    Response(f"i{n}.{k}", f"i{n}", "s", text)
    for n in range(4)
    for k, text in enumerate((f"It is {n + 4}.", f"{n + 5}, I think."))
]


@pytest.fixture
def files(tmp_path):
    rows = [{"id": i.id, "prompt": i.prompt} for i in ITEMS]
    answers = [{"id": r.id, "item_id": r.item_id, "system": "s", "text": r.text} for r in RESPONSES]
    paths = tmp_path / "items.jsonl", tmp_path / "responses.jsonl"
    for path, table in zip(paths, (rows, answers), strict=True):
        path.write_text("".join(json.dumps(row) + "\n" for row in table))
    return ["--items", paths[0], "--responses", paths[1], "--out", tmp_path / "out.jsonl"]


def right(body):
    """The letter of the right response, wherever it is shown."""
    shown = body["messages"][-1]["content"]
    return "A" if shown.index("It is") < shown.index("I think") else "B"


def wrong(body):
    return "AB"["BA".index(right(body))]


def in_the_text(body):
    return f"<think>Verdict: {wrong(body)} was my first idea.</think>\n\nVerdict: {right(body)}"


def template_began(body):
    return f"Verdict: {wrong(body)}? No.\n</think>\n\nVerdict: {right(body)}"


def beside(body):
    thought = f"Verdict: {wrong(body)} was my first idea."
    return {"message": {"content": f"Verdict: {right(body)}", "reasoning_content": thought}}


def in_parts(body):
    thought = {"type": "thinking", "thinking": f"Verdict: {wrong(body)} was my first idea."}
    answer = {"type": "text", "text": f"Verdict: {right(body)}"}
    return {"message": {"content": [thought, answer]}}


def refusing_a_temperature(body):
    if "temperature" in body:
        return {
            "error": "Unsupported value: 'temperature' does not support 0.0 with this model. Only"
            " the default (1) value is supported."
        }
    return in_the_text(body)


def refusing_max_tokens(body):
    if "max_tokens" in body:
        return {
            "error": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        }
    return beside(body)


def honest_about_limits(body):
    """Needs a hundred tokens to think; a server cuts what is longer than ``max_tokens``."""
    if body.get("max_tokens", body.get("max_completion_tokens")) < 100:
        return {
            "finish_reason": "length",
            "message": {"content": "", "reasoning_content": f"Verdict: {wrong(body)}"},
        }
    return beside(body)


def always_cut(body):
    return {"finish_reason": "length", "message": {"content": f"<think>Verdict: {wrong(body)}"}}


def judged(reply, how):
    """Judge all pairs in both orders; return values, and what the server was asked."""
    with StubServer(reply) as server:
        options = {"model": "hosted_vllm/judge", "api_base": server.base_url, "soft": False}
        source = registry().source("llm_judge").build(options, "j")

        async def run():
            async with Client(transport=how) as chat:
                ctx = RunContext(chat, None, None, 0, Limits(8, 30.0))
                return await annotate(source, build_requests(ITEMS, RESPONSES, "pairwise"), ctx)

        found = run_to_end(run())
    return found, server.bodies


SERVERS = [
    *(in_the_text, template_began, beside, in_parts),
    *(refusing_a_temperature, refusing_max_tokens, honest_about_limits),
]


@pytest.mark.parametrize("reply", SERVERS, ids=lambda reply: reply.__name__)
def test_a_model_that_thinks_gives_the_same_verdicts_over_both_transports(reply, capsys):
    seen = {}
    for how in ("auto", "litellm"):
        found, bodies = judged(reply, how)
        assert {j.verdict.status for j in found} == {Status.OK}, found[0].verdict
        assert {j.verdict.value for j in found} == {"A"} and len(found) == 8
        assert all("Verdict: " in j.metadata["thoughts"] for j in found)
        assert all("<think>" not in j.raw and j.raw.startswith("Verdict: ") for j in found)
        assert len(bodies) <= 16
        seen[how] = [
            (j.request_id, j.order, j.raw, j.metadata["thoughts"], j.metadata.get("fitted"))
            for j in sorted(found, key=lambda j: (j.request_id, j.order))
        ]
    assert seen["auto"] == seen["litellm"]
    capsys.readouterr()


@pytest.mark.parametrize("how", ["auto", "litellm"])
def test_a_thought_that_never_ends_is_no_verdict_and_its_room_is_given_once(how, capsys):
    found, bodies = judged(always_cut, how)
    assert {j.verdict.status for j in found} == {Status.UNPARSEABLE}
    assert all("max_tokens" in j.verdict.rationale for j in found)
    assert len(bodies) == 16
    assert sorted({body["max_tokens"] - THINKING for body in bodies[8:]})[-1] > 0
    assert capsys.readouterr().err.count("it thinks") == 1


JUDGE = ["judge", "--source", "llm_judge", "--way", "pairwise", "--quiet"]


def command(server, files, *more, soft="false"):
    options = {"model": "hosted_vllm/judge", "api_base": server.base_url, "soft": soft}
    words = [word for name, value in options.items() for word in ("--option", f"{name}={value}")]
    return harness(*JUDGE, *words, *files, *more)


@pytest.mark.parametrize(
    ("name", "options", "hint"),
    [
        ("logprobs", (), "soft: false"),
        ("min_p", ("--option", 'provider={"extra_body": {"min_p": 0.1}}'), "leave min_p out"),
    ],
)
def test_a_first_call_that_fails_on_its_parameters_is_one_error_that_names_it(
    files, name, options, hint
):
    def reply(body):
        return {"error": f"Unsupported parameter: '{name}' is not supported"}

    with StubServer(reply) as server:
        result = command(server, files, *options, soft=str(name == "logprobs").lower())
    assert result.returncode == 2, result
    assert f"refuses the parameter {name}" in result.stderr and hint in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 3
    assert len(server.bodies) <= 8


def test_a_command_whose_judgments_all_failed_exits_with_1_and_says_why(files):
    with StubServer(lambda body: {"error": "the messages are not for me"}) as server:
        result = command(server, files)
    assert result.returncode == 1
    assert "all 8 judgments failed: 8 error" in result.stderr
    assert "8 times: bad request: 400 the messages are not for me" in result.stderr
    with StubServer(lambda body: "I will not" if right(body) == "A" else "Verdict: B") as server:
        assert command(server, files).returncode == 0  # some are verdicts


def test_abstentions_are_no_failures_but_nothing_came(files):
    result = harness("judge", "--source", "exact_match", "--quiet", *files)
    assert result.returncode == 1 and "abstained" in result.stdout
    assert "nobody gave a verdict" in result.stderr and "failed" not in result.stderr
    assert "such as a reference" in result.stderr


def test_responses_and_chains_that_all_failed_exit_with_1(files, tmp_path, monkeypatch):
    with StubServer(lambda body: {"error": "no"}) as server:
        monkeypatch.setenv("HOSTED_VLLM_API_BASE", server.base_url)
        out = tmp_path / "answers.jsonl"
        asked = ["--model", "hosted_vllm/m", "--items", files[1], "--out", out, "--quiet"]
        result = harness("respond", "--chat", *asked)
        assert result.returncode == 1 and "all 4 responses failed: 4 error" in result.stderr
        result = harness("revise", "--model", "hosted_vllm/m", "--quiet", *files)
        assert result.returncode == 1 and "all 8 chains failed: 8 error" in result.stderr
