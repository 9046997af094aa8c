"""Two trainings never work in one folder; what a killed one leaves behind holds nobody up."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from forked import ended, forked, kill_at, killed
from small_ppo import by_length
from trainings import trained_by

from harness.nouns.errors import HarnessError, InputError
from harness.records.places import locked
from harness.train.log import read_log
from harness.train.result import LOCK, TrainingFolder, hold

pytest.importorskip("trl", reason="the extra train is not installed")

ROWS = [{"prompt": "What is 2+3?"}, {"prompt": "What is 4+3?"}]
SETTINGS: dict[str, Any] = {
    "steps": 2, "rollout_size": 2, "batch_size": 2, "max_new_tokens": 4, "checkpoint_every": 1,
    "warmup_steps": 0,
}  # fmt: skip


def trained(policy: Path, out: Path, on_step: Any = None, **changed: Any) -> Any:
    settings = {**SETTINGS, **changed}
    return trained_by("ppo", policy, ROWS, settings, out, {"r": by_length}, on_step=on_step)


def test_a_second_training_in_a_folder_is_refused_and_the_first_goes_on(
    policy_path: Path, tmp_path: Path
) -> None:
    out, told = tmp_path / "out", list[str]()

    def another(row: Any) -> None:
        with pytest.raises(HarnessError) as refused:
            trained(policy_path, out)
        told.append(str(refused.value))

    assert trained(policy_path, out, another).steps == 2
    assert set(told) == {
        f"another training runs in {out} (process {os.getpid()})\n"
        "  hint: wait for it, or choose another folder"
    }
    assert len(told) == 2
    assert [row["step"] for row in read_log(out / "log.jsonl")] == [1, 2]
    assert not (out / LOCK).exists()


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("how", ["deleted", "written to", "folder gone"])
def test_a_log_that_something_else_touches_while_it_trains_is_no_result(
    how: str, step: int, policy_path: Path, tmp_path: Path
) -> None:
    """A reward function that tidies up; rows of the log were lost, and the training was right."""
    out = tmp_path / "out"

    def touch(row: Any) -> None:
        if row["step"] == step and how == "deleted":
            (out / "log.jsonl").unlink()
        elif row["step"] == step and how == "written to":
            with (out / "log.jsonl").open("a") as file:
                file.write("hello\n")
        elif row["step"] == step:
            rmtree(out)

    with pytest.raises(HarnessError) as refused:
        trained(policy_path, out, touch)
    what = how if how == "written to" else "deleted"
    assert f"log.jsonl was {what}" in str(refused.value)
    assert not (out / "result.json").exists()


def test_a_second_training_with_other_settings_does_not_claim_the_folder(
    policy_path: Path, tmp_path: Path
) -> None:
    """Before the first has written which one it is."""
    with (
        locked(tmp_path / LOCK, tmp_path),
        pytest.raises(HarnessError, match="another training runs in"),
    ):
        trained(policy_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_outlives_a_killed_training_does_not_hold_its_folder(
    policy_path: Path, tmp_path: Path
) -> None:
    out, orphan = tmp_path / "out", tmp_path / "orphan"

    def forks_and_dies(row: Any) -> None:
        if not (child := os.fork()):
            time.sleep(900)
            os._exit(0)
        orphan.write_text(str(child))
        kill_at(1)(row)

    assert killed(lambda: trained(policy_path, out, forks_and_dies) and None)
    worker = int(orphan.read_text())
    try:
        os.kill(worker, 0)  # it is there
        assert (out / LOCK).is_file()
        assert trained(policy_path, out).steps == 2
    finally:
        os.kill(worker, 9)


def test_a_fork_that_unwinds_leaves_the_lock_to_its_owner(tmp_path: Path) -> None:
    lock = tmp_path / LOCK

    def unwinds() -> None:
        with locked(lock, tmp_path):
            child = forked(lambda: None)
            assert ended([child]) == [0]
            if not (child := os.fork()):
                return
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert lock.is_file()
            with pytest.raises(HarnessError), locked(lock, tmp_path):
                pass

    assert ended([forked(unwinds)]) == [0]


def test_a_finished_folder_is_read_by_any_number_and_where_nothing_may_be_written(
    policy_path: Path, tmp_path: Path
) -> None:
    first = trained(policy_path, tmp_path)
    with locked(tmp_path / LOCK, tmp_path):
        assert trained(policy_path, tmp_path) == first
        with pytest.raises(InputError, match="other settings"):
            trained(policy_path, tmp_path, temperature=0.9)
        (tmp_path / "final").rename(tmp_path / "elsewhere")
        with pytest.raises(HarnessError, match="another training runs in"):
            trained(policy_path, tmp_path)
        assert (tmp_path / "result.json").is_file()
        (tmp_path / "elsewhere").rename(tmp_path / "final")
    (tmp_path / LOCK).mkdir()  # so that it cannot be made
    assert trained(policy_path, tmp_path) == first
    (tmp_path / "result.json").unlink()
    with pytest.raises(InputError, match="cannot write it: Is a directory"):
        trained(policy_path, tmp_path)


def test_a_finished_folder_without_its_fingerprint_answers_nobody(tmp_path: Path) -> None:
    TrainingFolder(tmp_path, {}, None)
    (tmp_path / "result.json").write_text("{}")
    (tmp_path / "inputs.sha256").unlink()
    with pytest.raises(InputError, match="nobody knows which training has ended here"):
        TrainingFolder(tmp_path, {}, None)
    assert not (tmp_path / "inputs.sha256").exists()


def test_a_file_system_without_locks_is_no_other_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def none(*_: Any) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(InputError, match="Function not implemented"), ExitStack() as held:
        hold(tmp_path, held)
    with suppress(FileNotFoundError):
        (tmp_path / LOCK).unlink()


def test_a_finished_training_whose_log_was_touched_says_what_to_do(
    policy_path: Path, tmp_path: Path
) -> None:
    first = trained(policy_path, tmp_path)
    log = tmp_path / "log.jsonl"
    before = log.read_text()
    for damage, told in (
        (lambda: log.write_text(before.replace('"step": 2', '"step": 7')), "wrote here"),
        (log.unlink, "wrote here: it is gone"),
    ):
        damage()
        with pytest.raises(InputError) as wrong:
            trained(policy_path, tmp_path)
        assert wrong.value.where == str(log)
        assert wrong.value.what == f"the log is not the one that the finished training {told}"
        assert f"or delete {tmp_path} to train anew" in wrong.value.hint
    log.write_text(before)
    assert trained(policy_path, tmp_path) == first
