"""A verifier in training sees the item of the file, and is asked what `harness judge` would ask."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from small_ppo import training
from trainings import trained_by

from harness.experiment.context import Asking
from harness.experiment.rewards import online_rewards
from harness.feedback.contract import RunContext
from harness.feedback.requests import build_requests, criterion_for, request_id
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.scale import Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, SourceInfo, Verdict
from harness.policy.models import load_policy, load_tokenizer
from harness.records.rows import read_items, read_responses
from harness.registry import registry
from harness.train.monitor import Monitor
from harness.train.rows import item_of, item_rows

LINES: list[dict[str, Any]] = [
    {"id": "text", "prompt": "What is 3+4?", "reference": "7", "metadata": {"cluster": "c1"}},
    {
        "id": "chat",
        "prompt": [
            {"role": "system", "content": "Add.", "name": "teacher"},
            {"role": "user", "content": "3+4?"},
        ],
        "reference": {"tests": [{"in": 1, "out": None}, {"in": "a"}], "deep": {"x": None}},
        "metadata": {"cluster": "c2", "slice": ["hard", 3], "limit": 2.0, "none": None},
    },
    {"id": "list", "prompt": "2+2?", "reference": [1, "4", None, {"a": []}], "metadata": {"n": 1}},
    {"id": "none", "prompt": "Say anything."},
    {"id": "no", "prompt": "Say no.", "reference": False, "metadata": {"n": "1"}},
]
CHATML = (
    "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


@dataclass
class Spy:
    """A verifier on a scale of its own that keeps what it is asked."""

    asked: list[JudgmentRequest] = field(default_factory=list)
    info = SourceInfo("spy", "1", "verifier", Scale("interval", low=0, high=64))

    def check(self, ctx: RunContext) -> None:
        """Nothing is needed."""

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        for request in requests:
            self.asked.append(request)
            verdict = Verdict(Status.OK, float(len(request.responses[0].text)))
            yield Judgment(request.id, "spy", "1", "spy", verdict)


@pytest.fixture(scope="session", params=["plain", "template"])
def model_path(
    request: pytest.FixtureRequest, policy_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The toy policy with a template that takes chats only, or one that texts go through, too."""
    folder = tmp_path_factory.mktemp("chatty")
    tokenizer = load_tokenizer(policy_path)
    tokenizer.chat_template = CHATML
    tokenizer.save_pretrained(folder)
    load_policy(policy_path).save_pretrained(folder)
    return folder if request.param == "template" else policy_path


@pytest.fixture
def items(model_path: Path, policy_path: Path, tmp_path: Path) -> list[Item]:
    """The items as their file has them; a policy without a template gets no chats."""
    lines = LINES
    if model_path == policy_path:
        lines = [line for line in LINES if isinstance(line["prompt"], str)]
    file = tmp_path / "items.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return read_items(file)


def ppo(path: Path, rows: list[Any], reward: Any, out: Path) -> None:
    training(path, out, reward, rows=rows, rollout_size=8).collect(1)


def grpo(path: Path, rows: list[Any], reward: Any, out: Path) -> None:
    values = {
        "steps": 1, "group_size": 2, "batch_size": 2 * len(rows), "max_new_tokens": 8,
        "learning_rate": 1e-4, "warmup_steps": 0,
    }  # fmt: skip
    trained_by("grpo", path, rows, values, out, {"r": reward})


def best(path: Path, rows: list[Any], reward: Any, out: Path) -> None:
    trained_by("best_of_n", path, rows, {"n": 2, "max_new_tokens": 8}, out, {"r": reward})


def monitor(path: Path, rows: list[Any], reward: Any, out: Path) -> None:
    looker = Monitor(rows, {"r": reward}, max_new_tokens=8, samples=2)
    looker.look(load_policy(path), None, load_tokenizer(path))


@pytest.mark.parametrize("trainer", [ppo, grpo, best, monitor])
def test_a_verifier_in_training_is_asked_what_judging_would_ask(
    trainer: Callable[..., None], model_path: Path, items: list[Item], tmp_path: Path
) -> None:
    spy = Spy()
    with online_rewards(Asking(None)) as (make, _):
        trainer(model_path, item_rows(items), make(spy), tmp_path / "out")
    assert {request.item.id for request in spy.asked} == {item.id for item in items}
    by_id = {item.id: item for item in items}
    tokenizer = load_tokenizer(model_path)
    for request in spy.asked:
        # As JSON, so that 1 is not True, and no missing key has become a None.
        assert exactly(request.item) == exactly(by_id[request.item.id])
        (response,) = request.responses
        assert build_requests(items, request.responses, "pointwise", criterion_for(spy.info)) == [
            request
        ]
        assert not any(token in response.text for token in tokenizer.all_special_tokens)
        assert "assistant" not in response.text


def exactly(item: Item) -> str:
    return json.dumps([item.id, item.prompt, item.reference, item.metadata])


def test_the_file_s_own_lines_are_rows_too() -> None:
    """`harness train --data items.jsonl`."""
    assert [exactly(item_of(line)) for line in LINES] == [
        exactly(Item(line["id"], line["prompt"], line.get("reference"), line.get("metadata", {})))
        for line in LINES
    ]


def test_a_plain_row_is_an_item_as_well() -> None:
    assert item_of({"prompt": "p", "item_id": 7, "reference": 0}) == Item("7", "p", 0)
    assert item_of({"prompt": "p", "more": 1}) == Item("p", "p")
    with pytest.raises(DataError, match="row x: metadata must be an object"):
        item_of({"id": "x", "prompt": "p", "metadata": 3})


@pytest.mark.parametrize("name", ["arithmetic_steps", "exact_match"])
def test_the_judge_command_gives_the_request_the_same_id(name: str, tmp_path: Path) -> None:
    """On the source's own scale, whatever that is."""
    line = {"id": "a", "prompt": "2+2?", "reference": "4"}
    answer = {"id": "r", "item_id": "a", "text": "2+2=4\n4"}
    (tmp_path / "items.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "responses.jsonl").write_text(json.dumps(answer) + "\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "harness", "judge", "--source", name, "--quiet"),
            *("--items", "items.jsonl", "--responses", "responses.jsonl", "--out", "out.jsonl"),
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    judged = json.loads((tmp_path / "out.jsonl").read_text())
    info = registry().source(name).build({}).info
    (response,) = read_responses(tmp_path / "responses.jsonl")
    assert judged["request_id"] == request_id(item_of(line), [response], criterion_for(info))
