"""A judge that gives rewards in training is asked within a budget, and is paid once."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.experiment.context import asking_with
from harness.experiment.rewards import open_rewards
from harness.experiment.stages.train_files import train
from harness.nouns.errors import BudgetExceededError, ConfigError
from harness.nouns.schema import Item
from harness.records.journal import Journal
from harness.testing import StubServer


def rewards(url: str, journal: Path | None, texts: list[str], budget: float | None = None) -> Any:
    """Return what a judge gives for completions, as a training asks for it."""
    options = {
        "rubric": "helpfulness", "model": "openai/m", "api_base": url,
        "input_cost_per_token": 0.001, "output_cost_per_token": 0.001,
    }  # fmt: skip
    with (
        asking_with(journal, 0, 32, budget) as asking,
        open_rewards({"llm_judge": 1.0}, {"llm_judge": options}, asking) as function,
    ):
        assert function is not None
        n = range(len(texts))
        return function(
            prompts=["?" for _ in n],
            completions=texts,
            completion_ids=[[1] for _ in n],
            item=[Item(f"i{k}", "?") for k in n],
        )


def test_a_rubric_for_pairs_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    options = {"llm_judge": {"rubric": "friendliness", "model": "openai/m"}}
    with (
        asking_with(None) as asking,
        open_rewards({"llm_judge": 1.0}, options, asking),
    ):
        told = capsys.readouterr().err
    assert told.startswith("warning: llm_judge scores single responses by a criterion for two")


@pytest.mark.slow
def test_a_judge_is_paid_once_within_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    journal = tmp_path / "out.journal.sqlite"
    with StubServer("task: 4\naccuracy: 4\nclarity: 4") as server:
        with pytest.raises(BudgetExceededError):
            rewards(server.base_url, journal, ["a"], budget=0.0)
        assert not server.bodies
        texts = ["a", "b"]
        first = rewards(server.base_url, journal, texts, budget=1000)
        assert len(server.bodies) == 2 and None not in first
        with Journal(journal) as kept:
            spent = kept.spent_usd()
        assert spent > 0
        # What the journal holds counts: a budget that is spent pays for no further answer.
        assert rewards(server.base_url, journal, texts, budget=spent) == first
        with pytest.raises(BudgetExceededError):
            rewards(server.base_url, journal, [*texts, "m"], budget=spent)
        assert len(server.bodies) == 2
    with (
        patch("harness.experiment.rewards.online_rewards", side_effect=ConfigError("enough")) as it,
        pytest.raises(ConfigError, match="enough"),
    ):
        rewards("http://127.0.0.1:9/v1", journal, texts, budget=5.0)
    assert it.call_args.args[0].budget_usd == pytest.approx(5.0 - spent)


def test_a_training_asks_within_its_limits(tmp_path: Path) -> None:
    journal = tmp_path / "out.journal.sqlite"
    given = {"journal": journal, "budget": 2.5, "concurrency": 3, "timeout_s": 7.0, "seed": 4}
    with (
        patch(
            "harness.experiment.stages.train_files.open_rewards",
            side_effect=ConfigError("far enough"),
        ) as it,
        pytest.raises(ConfigError, match="far enough"),
    ):
        train("grpo", "m", [{"prompt": "?"}], tmp_path / "out", {"rewards": {"r": 1.0}, **given})
    asking = it.call_args.args[2]
    assert asking.journal is not None and asking.journal.path == journal
    told = asking.seed, asking.concurrency, asking.budget_usd, asking.timeout_s
    assert told == (4, 3, 2.5, 7.0)


@pytest.mark.parametrize(
    ("named", "limits", "keeps"),
    [
        (["llm_judge"], ["--budget=2.5", "--concurrency=3", "--timeout=7"], True),
        (["llm_judge=0.5", "last_number"], [], True),
        (["last_number"], ["--timeout=7"], False),
        ([], [], False),
    ],
)
def test_the_command_passes_its_limits_on(
    named: list[str], limits: list[str], keeps: bool, tmp_path: Path
) -> None:
    if not app.registered_commands:
        register()
    words = ["train", "--trainer=grpo", "--model=m", "--data=d.jsonl", f"--out={tmp_path / 'out'}"]
    given = [f"--reward={one}" for one in named]
    with patch(
        "harness.experiment.stages.train_files.train", side_effect=ConfigError("far enough")
    ) as it:
        CliRunner().invoke(app, [*words, *given, *limits, "--quiet"])
    settings = it.call_args.args[-1]
    journal = tmp_path / "out.journal.sqlite"
    assert settings.journal == (journal if keeps else None)
    told = settings.budget, settings.concurrency, settings.timeout_s
    assert told == (
        2.5 if "--budget=2.5" in limits else None,
        3 if "--concurrency=3" in limits else 32,
        7 if "--timeout=7" in limits else 60,
    )
