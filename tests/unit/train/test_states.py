"""States of a killed training: odd names, files that are cut or gone, a log that ends before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_ppo import training

from harness.nouns.errors import InputError
from harness.train.result import TrainingFolder
from harness.train.states import check_checkpoint, last_in_a_row, numbered, state_to_go_on_from

NAMES = ("step-", ".pt")


def rows(*steps: Any) -> str:
    return "".join(json.dumps({"step": step}) + "\n" for step in steps)


@pytest.mark.parametrize(
    ("log", "last"),
    [
        ("", 0),
        (rows(0), 0),
        (rows(0, 1, 2), 2),
        (rows(1, 2, 2), 2),  # the measurements of a reward model after its last step
        (rows(2, 3), 0),
        (rows(1, 3), 1),
        (rows(1, 2) + '{"step": 3, "lo', 2),
        (rows(1) + "[]\n" + rows(2), 1),
        (rows(1, "two"), 1),
        (rows(1, None, 2), 1),
    ],
)
def test_a_log_is_whole_up_to_a_step(log: str, last: int, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert last_in_a_row(path) == 0
    path.write_text(log)
    assert last_in_a_row(path) == last


def test_only_names_with_a_number_are_states(tmp_path: Path) -> None:
    for name in ("2", "10", "final", "03", "-1", "1.5", "", "9.part", "\u0663", "1e3", " 4"):
        (tmp_path / f"step-{name}.pt").touch()
    assert list(numbered(tmp_path, *NAMES)) == [10, 2]


CHOSEN: list[tuple[list[int], list[int], int, int, list[str]]] = [
    # states, those that are damaged, last step of the log; step, what is told
    ([], [], 0, 0, []),
    ([2], [], 2, 2, []),
    ([2, 4], [], 5, 4, []),
    ([2, 4], [4], 5, 2, ["step-4.pt is not whole (cut): going on from step 2"]),
    ([4], [4], 5, 0, ["step-4.pt is not whole (cut): training anew"]),
    ([2, 4], [2, 4], 5, 0, [f"step-{n}.pt is not whole (cut): training anew" for n in (4, 2)]),
    ([2, 4], [], 3, 2, []),
    ([2, 4], [4], 2, 2, ["step-4.pt is not whole (cut): going on from step 2"]),
]


@pytest.mark.parametrize(("states", "damaged", "logged", "step", "told"), CHOSEN)
def test_the_newest_whole_state_that_the_log_reaches(
    states: list[int], damaged: list[int], logged: int, step: int, told: list[str], tmp_path: Path
) -> None:
    folder = TrainingFolder(tmp_path, {}, None)
    folder.resume_dir.mkdir()
    folder.log_path.write_text(rows(*range(1, logged + 1)))
    for number in states:
        (folder.resume_dir / f"step-{number}.pt").touch()
    mine = folder.resume_dir / "step-final.pt"
    mine.touch()

    def check(path: Path, number: int) -> None:
        if number in damaged:
            raise ValueError("cut")

    assert state_to_go_on_from(folder, NAMES, check, False) == (step, told)
    left = {f"step-{number}.pt" for number in states if number not in damaged}
    assert {path.name for path in folder.resume_dir.iterdir()} == left | {mine.name}


@pytest.mark.parametrize(
    ("log", "completions", "ends"),
    [
        (None, False, "its log ends at step 0"),
        (rows(1), False, "its log ends at step 1"),
        (rows(2, 3, 4), False, "its log ends at step 0"),
        (rows(1, 2, 3), True, "completions.jsonl is gone"),
    ],
)
def test_states_beyond_the_log_are_kept_and_one_error(
    log: str | None, completions: bool, ends: str, tmp_path: Path
) -> None:
    """Else a log would begin in the middle of its training."""
    folder = TrainingFolder(tmp_path, {}, None)
    folder.resume_dir.mkdir()
    state = folder.resume_dir / "step-2.pt"
    state.touch()
    if log is not None:
        folder.log_path.write_text(log)
    with pytest.raises(InputError, match=f"of step 2 and later, and {ends}"):
        state_to_go_on_from(folder, NAMES, lambda path, step: None, completions)
    assert state.exists()


def test_states_of_nobody_knows_which_training_are_not_gone_on_with(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path, {}, None)
    folder.resume_dir.mkdir()
    (folder.resume_dir / "step-2.pt").touch()
    (tmp_path / "inputs.sha256").unlink()
    with pytest.raises(InputError, match="nobody knows which training the states are of"):
        TrainingFolder(tmp_path, {}, None)
    shutil.rmtree(folder.resume_dir)
    folder.resume_dir.touch()
    with pytest.raises(InputError, match="cannot make this folder"):
        TrainingFolder(tmp_path, {}, None)


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def put(name: str, text: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_text(text)


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing"),
    "empty weights": (put("model.safetensors", ""), "model.safetensors is damaged"),
    "cut weights": (lambda f: cut(f / "model.safetensors"), "model.safetensors is damaged"),
    "no shard": (put("model.safetensors.index.json", '{"weight_map": {"a": "b"}}'), "/b$"),
    "cut shards": (put("model.safetensors.index.json", "{"), "index.json is damaged"),
    "no optimizer": (lambda f: (f / "optimizer.pt").unlink(), "optimizer.pt"),
    "cut optimizer": (lambda f: cut(f / "optimizer.pt"), "optimizer.pt is damaged"),
    "empty schedule": (put("scheduler.pt", ""), "scheduler.pt is damaged"),
    "no generator": (lambda f: (f / "rng_state.pth").unlink(), "rng_state.pth is missing"),
    "cut generator": (lambda f: cut(f / "rng_state.pth"), "rng_state.pth is damaged"),
    "cut state": (lambda f: cut(f / "trainer_state.json"), "trainer_state.json is damaged"),
    "another state": (put("trainer_state.json", '{"steps": 3}'), "trainer_state.json is damaged"),
    "list for a state": (put("trainer_state.json", "[]"), "trainer_state.json is damaged"),
    "of another step": (put("trainer_state.json", '{"global_step": 2}'), "is of step 2"),
    "no folder": (shutil.rmtree, "trainer_state.json"),
    "a file": (lambda f: (shutil.rmtree(f), f.touch()), "trainer_state.json"),
}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """What transformers keeps of a step."""
    import torch
    from safetensors.torch import save_file

    folder = tmp_path / "checkpoint-3"
    folder.mkdir()
    save_file({"weight": torch.zeros(8)}, folder / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch.save({"a": torch.zeros(8)}, folder / name)
    (folder / "trainer_state.json").write_text('{"global_step": 3, "max_steps": 9}')
    return folder


@pytest.mark.parametrize("name", DAMAGE)
def test_a_checkpoint_is_whole_or_says_what_is_not(name: str, checkpoint: Path) -> None:
    """transformers goes on without optimizer, schedule or generator, and trains something else."""
    check_checkpoint(checkpoint, 3)
    damage, reason = DAMAGE[name]
    damage(checkpoint)
    with pytest.raises((OSError, ValueError), match=reason):
        check_checkpoint(checkpoint, 3)


PPO_DAMAGE: dict[str, tuple[Callable[[Path, Any], Any], str]] = {
    "cut": (lambda path, state: cut(path), "cannot be read"),
    "empty": (lambda path, state: path.write_bytes(b""), "cannot be read"),
    "folder": (lambda path, state: (path.unlink(), path.mkdir()), "Is a directory"),
    "of another step": (lambda path, state: state | {"step": 2}, "of another training"),
    "no weights": (lambda path, state: state | {"weights": {}}, "of another training"),
    "no optimizer": (lambda path, state: {**state, "optimizer": {}}, "cannot be read"),
    "no beta": (lambda path, state: {k: v for k, v in state.items() if k != "beta"}, "be read"),
    "a list": (lambda path, state: [1, 2], "cannot be read"),
}


def test_a_state_of_ppo_that_is_not_whole_is_left_for_a_new_start(
    policy_path: Path, tmp_path: Path
) -> None:
    import torch

    told: list[str] = []
    trained = training(policy_path, tmp_path)
    trained.tell = told.append
    trained.step(1)
    trained.folder.log({"step": 1})
    for damage, reason in PPO_DAMAGE.values():
        trained.save_state(1)
        path = trained.folder.resume_dir / "step-1.pt"
        assert trained.resume() == 1
        changed = damage(path, torch.load(path))
        if isinstance(changed, list | dict):
            torch.save(changed, path)
        assert trained.resume() == 0
        assert "step-1.pt is not whole" in told[-1] and reason in told[-1]
        assert not path.exists()
    assert len(told) == len(PPO_DAMAGE)
