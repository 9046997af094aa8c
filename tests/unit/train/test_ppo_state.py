"""What ranks share, what the seed decides, and where a killed PPO training goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from small_ppo import ROWS, SETTINGS, by_length, training, weights_of
from trainings import changed, trained_by

from harness.nouns.errors import ConfigError, DataError
from harness.policy.weights import weights_hash
from harness.train.log import read_log
from harness.train.monitor import Monitor
from harness.train.ppo_settings import draw_seed, prompt_order
from harness.train.reward_function import WeightedRewards

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


class Historian:
    """A reward function that keeps what it is told of the steps before."""

    identity = "historian"

    def __init__(self) -> None:
        self.told: list[list[dict[str, Any]]] = []

    def __call__(self, completion_ids: Any, trainer_state: Any, **_: Any) -> list[float]:
        assert trainer_state.global_step == len(trainer_state.log_history)
        self.told.append(trainer_state.log_history)
        return by_length(None, completion_ids)


def test_reward_functions_read_the_steps_before_also_after_a_kill(
    policy_path: Path, tmp_path: Path
) -> None:
    class Killed(Exception):
        pass

    def killed(row: dict[str, Any]) -> None:
        if row["step"] == 2:
            raise Killed

    settings = changed(SETTINGS, steps=3, max_new_tokens=4, checkpoint_every=1)
    given: Any = ("ppo", policy_path, ROWS[:4], settings, tmp_path)
    reward = Historian()
    monitor = Monitor(ROWS[:1], every=1)
    with pytest.raises(Killed):
        trained_by(*given, {"r": reward}, seed=3, monitor=monitor, on_step=killed)
    result = trained_by(*given, {"r": reward}, seed=3, monitor=monitor)
    rows = read_log(result.log_path)
    assert [[row["step"] for row in rows] for rows in reward.told] == [[], [1], [1], [1, 2]]
    assert [row["epoch"] for row in reward.told[-1]] == [2, 4]  # 8 completions of 4 prompts
    assert reward.told[1] == reward.told[2]  # what a kill has cost is the same again
    for told, row in zip(reward.told[-1], rows[1:], strict=False):
        mine = {key: value for key, value in row.items() if not key.startswith("held_out/")}
        for key in ("seconds", "total_steps"):
            del mine[key]
        assert told == {**mine, "epoch": told["epoch"]}
        assert {"reward", "kl_sequence", "learning_rate"} <= told.keys()


def test_only_the_last_pass_of_a_step_waits_for_the_other_ranks(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = training(policy_path, tmp_path, batch_size=2, accumulation=4)
    experience, _ = trained.collect(1)
    events = []
    no_sync, backward = trained.accelerator.no_sync, trained.accelerator.backward
    monkeypatch.setattr(
        trained.accelerator,
        "no_sync",
        lambda m: (events.append(m is trained.module), no_sync(m))[1],
    )
    monkeypatch.setattr(
        trained.accelerator, "backward", lambda x: (events.append("backward"), backward(x))[1]
    )
    assert trained.update(experience, 1)["updates"] == 1
    assert events == [True, "backward"] * 3 + ["backward"]


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"rollout_size": 9, "batch_size": 3, "accumulation": 1}, False),
        ({"rollout_size": 12, "batch_size": 3, "accumulation": 1}, False),
        ({"rollout_size": 12, "batch_size": 3, "accumulation": 2}, True),
    ],
)
def test_rollouts_and_steps_must_fit_the_ranks(
    policy_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, int],
    fits: bool,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    if fits:
        assert training(policy_path, tmp_path, **changes).settings.rollout_size == 12
        return
    with pytest.raises(ConfigError, match="multiples of 2 ranks") as caught:
        training(policy_path, tmp_path, **changes)
    assert f"rollout_size {changes['rollout_size']} " in str(caught.value)
    assert "batch_size * accumulation 3 " in str(caught.value)


@pytest.mark.parametrize(
    ("gpu", "bf16", "precision"),
    [(True, True, "bf16"), (True, False, "no"), (False, True, "no")],
)
def test_half_precision_only_where_the_gpu_has_it(
    policy_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gpu: bool,
    bf16: bool,
    precision: str,
) -> None:
    import torch

    class Seen(Exception):
        pass

    def accelerator(mixed_precision: str, **_: Any) -> None:
        raise Seen(mixed_precision)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
    monkeypatch.setattr("accelerate.Accelerator", accelerator)
    with pytest.raises(Seen) as caught:
        training(policy_path, tmp_path)
    assert caught.value.args == (precision,)


def test_a_new_adapter_is_drawn_from_the_seed(policy_path: Path, tmp_path: Path) -> None:
    """Whatever else was drawn in the process before."""
    import torch

    def adapter(name: str, seed: int) -> Any:
        trained = training(policy_path, tmp_path / name, seed=seed, lora_rank=2)
        return torch.cat([w.flatten() for n, w in weights_of(trained).items() if "lora_A" in n])

    with torch.random.fork_rng():
        torch.manual_seed(1)
        first, state = adapter("a", 3), torch.get_rng_state()
        torch.manual_seed(2)
        assert adapter("b", 3).equal(first)
        assert not adapter("c", 4).equal(first)
        torch.manual_seed(1)
        training(policy_path, tmp_path / "whole")
        assert torch.get_rng_state().equal(state)  # the adapter left no trace in it


def test_lora_on_lora_names_the_folder(lora_path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lora_rank") as caught:
        training(lora_path, tmp_path, lora_rank=2)
    assert caught.value.where == str(lora_path)


def test_the_order_of_prompts_is_pinned() -> None:
    """A training that another version began goes on with the prompts that were to come."""
    assert [prompt_order(7, 5, step, seed=4) for step in (1, 2, 3)] == [
        [1, 6, 4, 3, 5],
        [0, 2, 3, 2, 4],
        [5, 1, 6, 0, 5],
    ]
    assert draw_seed(4, 2) == 53934605420622052


class Killed(Exception):
    """Stands for kill -9: nothing runs after it."""


def test_a_resumed_training_does_only_what_was_left(policy_path: Path, tmp_path: Path) -> None:
    """6 steps with a state after 2 and 4, killed in the fifth: two steps are done again or anew."""
    settings = changed(SETTINGS, steps=6)
    asked: list[list[str]] = []
    rows: list[int] = []

    def reward(item_id: Any, completion_ids: Any, **_: Any) -> list[float]:
        asked.append(list(item_id))
        return [len(ids) / 10 for ids in completion_ids]

    def run(kill_at: int) -> Any:
        asked.clear()
        rows.clear()

        def on_step(row: dict[str, Any]) -> None:
            rows.append(row["step"])
            if row["step"] == kill_at:
                raise Killed

        monitor = Monitor(ROWS[:2], every=3, max_new_tokens=4)
        return trained_by(
            "ppo", policy_path, ROWS, settings, tmp_path, {"r": reward}, seed=5, monitor=monitor,
            on_step=on_step,
        )  # fmt: skip

    with pytest.raises(Killed):
        run(5)
    assert (len(asked), rows) == (5, [0, 1, 2, 3, 4, 5])
    assert [path.name for path in (tmp_path / "resume").iterdir()] == ["step-4.pt"]
    result = run(-1)
    wanted = [[ROWS[i]["item_id"] for i in prompt_order(40, 8, step, 5)] for step in (5, 6)]
    assert (asked, rows) == (wanted, [5, 6])
    log = read_log(result.log_path)
    assert [row["step"] for row in log] == list(range(7))
    assert [row["step"] for row in log if "held_out/length" in row] == [0, 3, 6]
    assert [row["step"] for row in log if "policy_loss" in row] == [1, 2, 3, 4, 5, 6]
    assert "held_out/kl_sequence" in log[0]
    assert result.steps == 6


def test_the_newest_whole_state_is_taken(policy_path: Path, tmp_path: Path) -> None:
    """10 is newer than 9, and a half written state is none."""
    trained = training(policy_path, tmp_path)
    assert trained.resume() == 0
    trained.step(1)
    trained.save_state(9)
    old = tmp_path / "resume" / "step-9.pt"
    shutil.copy(old, tmp_path / "9.pt")
    trained.step(2)
    trained.beta = 0.75
    trained.save_state(10)
    assert [path.name for path in (tmp_path / "resume").iterdir()] == ["step-10.pt"]
    shutil.copy(tmp_path / "9.pt", old)  # the kill came before the old state was deleted
    (tmp_path / "resume" / "step-11.part").write_bytes(b"half")
    (tmp_path / "log.jsonl").write_text("".join(f'{{"step": {n}}}\n' for n in range(1, 11)))
    again = training(policy_path, tmp_path)
    assert again.resume() == 10
    assert again.beta == 0.75
    weights, wanted = weights_of(again), weights_of(trained)
    assert weights.keys() == wanted.keys()
    assert all(weights[name].equal(wanted[name]) for name in wanted)
    moments = [
        {key: {k: v.tolist() for k, v in state.items()} for key, state in o["state"].items()}
        for o in (again.optimizer.state_dict(), trained.optimizer.state_dict())
    ]
    assert moments[0] == moments[1]
    assert len(moments[0]) == len(wanted)


class Trap:
    """Pickled, it is a call that leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_state_file_runs_no_code(policy_path: Path, tmp_path: Path) -> None:
    import torch

    trained = training(policy_path, tmp_path)
    (tmp_path / "resume").mkdir()
    torch.save({"step": 1, "trap": Trap(tmp_path / "ran")}, tmp_path / "resume" / "step-1.pt")
    assert trained.resume() == 0
    assert not (tmp_path / "ran").exists()


def test_a_folder_of_an_earlier_version_can_be_gone_on_with(
    policy_path: Path, tmp_path: Path
) -> None:
    """The fingerprint of the inputs: another spelling would refuse every training begun."""
    settings = changed(SETTINGS, steps=1)
    rewards = {"a": by_length, "b": by_length}
    weights = {"b": 0.5}
    result = trained_by("ppo", policy_path, ROWS, settings, tmp_path, rewards, weights=weights)
    inputs = {
        "trainer": "ppo",
        "weights": weights_hash(policy_path),
        "rows": ROWS,
        "rewards": WeightedRewards(rewards, weights).fingerprint(),
        "settings": settings.model_dump(exclude=set(settings.elsewhere)),
        "seed": 0,
    }
    wanted = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    assert (tmp_path / "inputs.sha256").read_text() == wanted + "\n"
    row = read_log(result.log_path)[0]
    assert row["reward"] == pytest.approx(1.5 * row["length"] / 10, abs=1e-4)


def test_rows_without_a_prompt_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="in the prompts") as caught:
        trained_by(
            "ppo", "absent", [{"item_id": "1"}], SETTINGS, tmp_path / "out", {"r": by_length}
        )
    assert caught.value.details == ("row 1: column 'prompt' is missing",)
    assert not (tmp_path / "out").exists()


def test_every_step_draws_anew_and_the_same_step_draws_the_same(
    policy_path: Path, tmp_path: Path
) -> None:
    one_prompt = training(policy_path, tmp_path, rows=ROWS[:1])
    texts = [one_prompt.collect(step)[0].rollout.texts for step in (1, 2, 1)]
    assert texts[0] == texts[2]
    assert texts[0] != texts[1]  # eight completions of one prompt, of which hundreds are possible
    other = training(policy_path, tmp_path / "other", rows=ROWS[:1], seed=4)
    assert other.collect(1)[0].rollout.texts not in texts
