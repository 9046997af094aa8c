"""A trained model goes to the Hub with a card: a server of our own stands for it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.experiment.stages.train_files import train
from harness.nouns.errors import ConfigError, HarnessError, InputError
from harness.train.push import Card, Push
from harness.train.result import TrainResult

constants = pytest.importorskip("huggingface_hub.constants")


@dataclass
class Hub:
    """What the server was told, and what it is to answer."""

    files: dict[str, bytes] = field(default_factory=dict)
    made: list[dict[str, Any]] = field(default_factory=list)
    refuses: dict[str, int] = field(default_factory=dict)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that takes every file in the commit itself."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def answer(self, value: Any) -> None:
            status = next((s for part, s in hub.refuses.items() if part in self.path), 200)
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer({"name": "someone", "type": "user"})

        def do_POST(self) -> None:
            given = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.endswith("/repos/create"):
                hub.made.append(json.loads(given))
                self.answer({"url": f"{constants.ENDPOINT}/someone/small", "name": "small"})
            elif "/preupload/" in self.path:
                files = json.loads(given)["files"]
                modes = {"uploadMode": "regular", "shouldIgnore": False, "oid": None}
                self.answer({"files": [{"path": one["path"], **modes} for one in files]})
            elif "/commit/" not in self.path:  # of the card's metadata
                self.answer({"errors": [], "warnings": []})
            else:
                for line in given.splitlines():
                    value = json.loads(line)["value"]
                    if "path" in value:
                        hub.files[value["path"]] = base64.b64decode(value["content"])
                self.answer(
                    {
                        "commitOid": "c" * 40,
                        "commitUrl": f"{constants.ENDPOINT}/someone/small/commit/c",
                    }
                )

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    yield hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def result(tmp_path: Path) -> TrainResult:
    """A training that had finished."""
    final = tmp_path / "out" / "final"
    final.mkdir(parents=True)
    (final / "config.json").write_text("{}")
    (final / "model.safetensors").write_bytes(b"weights")
    log = tmp_path / "out" / "log.jsonl"
    log.write_text(
        '{"step": 1, "loss": 2.0, "seconds": 1}\n{"step": 2, "loss": 1.5, "held_out/length": 3,'
        ' "failure/r": "late", "seconds": 2}\n'
    )
    return TrainResult(final, 2, log, 2.0, 9.0, rows=10, used=8, left_out={"tied": 2})


CARD = """---
library_name: "transformers"
pipeline_tag: "text-generation"
tags: ["feedback-harness", "ppo"]
base_model: "owner/base"
datasets: ["owner/data"]
---

# small

Trained from `owner/base` by `ppo` of feedback-harness, on 8 of 10 rows of `owner/data`: 2 steps in 2 s, seed 3.

Rows left out: 2 tied.

## Settings

| | |
|---|---|
| `learning_rate` | 1e-05 |
| `critic_from` | rm |

## Rewards

| | |
|---|---|
| `last_number` | 0.5 |

## Last step

| | |
|---|---|
| `loss` | 1.5 |
| `held_out/length` | 3 |

## Versions

| | |
|---|---|
"""  # noqa: E501


def test_the_checkpoint_is_pushed_with_its_card(
    hub: Hub, result: TrainResult, tmp_path: Path
) -> None:
    (tmp_path / "rm").mkdir()
    settings = {"learning_rate": 1e-5, "critic_from": str(tmp_path / "rm")}
    card = Card("ppo", "owner/base", "owner/data", settings, {"last_number": 0.5}, 3)
    long = Card("ppo", "owner/base", "", {"trl": {"a/": "b" * 300}}, {}, 3)
    assert "b" * 300 in long.text("a/b", result)  # which no system has as the name of a file
    push = Push("someone/small", private=True)
    push.check(card, new_adapter=True)
    assert push.push(card, result).endswith("/someone/small")
    assert hub.made[0]["name"] == "small" and hub.made[0]["visibility"] == "private"
    assert hub.files["config.json"] == b"{}" and hub.files["model.safetensors"] == b"weights"
    told = hub.files.pop("README.md").decode()
    assert told.startswith(CARD) and "| `transformers` |" in told
    assert sorted(hub.files) == ["config.json", "model.safetensors"]
    assert str(tmp_path) not in told
    hub.refuses["/commit/"] = 500
    with pytest.raises(HarnessError, match=r"did not take(?s:.*)out/final"):
        push.push(card, result)


def test_what_cannot_be_pushed_is_refused_before_the_training(
    hub: Hub, policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, out = [{"prompt": "a", "completion": "b"}], tmp_path / "out"

    def refused(kind: type[Exception], words: str, **settings: Any) -> None:
        values = settings.pop("values", {})
        with pytest.raises(kind, match=words):
            train("sft", str(policy_path), rows, out, {"values": values, **settings})
        assert not out.exists()

    refused(ConfigError, "give owner/name", push_to_hub="some one/small")
    refused(ConfigError, "adapter's base", push_to_hub="a/b", values={"lora_rank": 2})
    for status, kind, words in (
        (401, ConfigError, "hf auth login"),
        (500, InputError, "does not answer"),
    ):
        hub.refuses["whoami"] = status
        refused(kind, words, push_to_hub="someone/small")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    refused(InputError, "cannot be reached", push_to_hub="someone/small")


def test_a_card_names_no_address_and_no_folder_of_weights(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards: list[Card] = []

    def stop(_: Push, card: Card, new_adapter: bool) -> None:
        cards.append(card)
        raise ConfigError("far enough")

    monkeypatch.setattr(Push, "check", stop)
    values = {
        "learning_rate": 1e-4, "engine": "server", "server_url": "http://10.0.0.7:8000",
        "weights_folder": "/dev/shm/w", "report_to": "none",
    }  # fmt: skip
    settings = {"values": values, "rewards": {"last_number": 1.0}, "push_to_hub": "a/b"}
    with pytest.raises(ConfigError, match="far enough"):
        train("ppo", str(policy_path), [{"prompt": "1+1?"}], tmp_path / "out", settings)
    assert cards[0].settings == {"learning_rate": 1e-4, "engine": "server"}


@pytest.mark.slow
def test_a_training_is_pushed_and_pushed_again(
    hub: Hub, policy_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"prompt": f"What is {a}+3?", "completion": f"{a + 3}"} for a in range(4)]
    settings = {"values": {"batch_size": 4}, "push_to_hub": "someone/small"}
    for _ in "12":
        done = train("sft", str(policy_path), rows, tmp_path / "out", settings)
        assert "/someone/small" in capsys.readouterr().err
        pushed = {path.name: path.read_bytes() for path in done.checkpoint.iterdir()}
        card = hub.files.pop("README.md").decode()
        assert hub.files == pushed
        assert "a checkpoint that is not on the Hub" in card and "| `loss` |" in card
        hub.files.clear()
