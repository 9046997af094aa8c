"""States from which a killed training goes on: the newest that is whole, and that the log reaches.

A state counts by its number, ``checkpoint-40`` or ``step-40.pt``; what lies beside them under
another name is somebody's own.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from harness.nouns.errors import InputError
from harness.nouns.plain_text import file_bytes, parsed_json
from harness.train.ranks import of_all
from harness.train.result import TrainingFolder

Check = Callable[[Path, int], None]
"""Raises OSError or ValueError where a state, which should be that of a step, is not whole."""


def numbered(folder: Path, before: str, after: str = "") -> dict[int, Path]:
    """Return states by their step, the newest first."""
    found = {}
    for path in folder.glob(f"{before}*{after}"):
        number = path.name.removeprefix(before).removesuffix(after)
        if number.isascii() and number.isdigit() and str(int(number)) == number:
            found[int(number)] = path
    return dict(sorted(found.items(), reverse=True))


def state_to_go_on_from(
    folder: TrainingFolder, names: tuple[str, str], check: Check, completions: bool
) -> tuple[int, list[str]]:
    """Return the step of a state, 0 where there is none to go on from, and lines to tell.

    States that are cut or damaged are deleted, and an older one is taken. Every step is in the log
    once, so a state is taken only if the log reaches it.

    Args:
        folder: Of the training.
        names: What stands before and after the number of a state.
        check: Tells whether one is whole.
        completions: Whether the training keeps its completions, too.

    Raises:
        InputError: All whole states are beyond the log.
    """
    step, broken, beyond, logged = of_all(_chosen(folder, names, check, completions))[0]
    if beyond and not step:
        ends = f"its log ends at step {logged:,}"
        if completions and not folder.completions_path.is_file():
            ends = f"{folder.completions_path.name} is gone"
        raise InputError(
            f"the states of this training are of step {beyond[-1]:,} and later, and {ends}",
            where=str(folder.path),
            hint=f"put the file back, or delete {folder.resume_dir} to train anew",
        )
    if folder.writes:
        for name in broken:
            path = folder.resume_dir / name
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)
    after = f"going on from step {step:,}" if step else "training anew"
    return step, [f"{name} is not whole ({reason}): {after}" for name, reason in broken.items()]


def _chosen(
    folder: TrainingFolder, names: tuple[str, str], check: Check, completions: bool
) -> tuple[int, dict[str, str], list[int], int]:
    """Return the step, what is broken and why, the steps beyond the log, and where it ends."""
    states = numbered(folder.resume_dir, *names)
    logged = last_in_a_row(folder.log_path) if states else 0
    if completions and not folder.completions_path.is_file():
        logged = 0
    broken, beyond = dict[str, str](), list[int]()
    for step, path in states.items():
        try:
            check(path, step)
        except (OSError, ValueError) as error:
            broken[path.name] = _reason(error)
            continue
        if step <= logged:
            return step, broken, beyond, logged
        beyond.append(step)
    return 0, broken, beyond, logged


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{Path(error.filename).name}: {error.strerror}"
    return str(error)


def last_in_a_row(log: Path) -> int:
    """Return the step up to which a log is whole: it begins at 0 or 1, and none is missing."""
    last = 0
    if not log.is_file():
        return last
    for line in file_bytes(log).splitlines():
        try:
            step = int(parsed_json(line)["step"])
        except (ValueError, KeyError, TypeError, OverflowError):
            break
        if step not in (last, last + 1):
            break
        last = step
    return last


def check_archive(path: Path) -> None:
    """Look whether a file of torch is whole: its table of contents stands at its end.

    Raises:
        OSError: It is not there.
        ValueError: It is cut.
    """
    try:
        zipfile.ZipFile(path).close()
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path.name} is damaged") from error


def check_checkpoint(path: Path, step: int) -> None:
    """Look whether a checkpoint of transformers is whole.

    transformers takes one without optimizer, schedule or generator as well, and then makes another
    training of it.

    Raises:
        OSError: A file is missing.
        ValueError: One is cut or damaged, or of another step.
    """
    from safetensors import SafetensorError, safe_open
    from transformers import TrainerState

    try:
        state = TrainerState(**parsed_json((path / "trainer_state.json").read_bytes()))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError("trainer_state.json is damaged") from error
    if state.global_step != step:
        raise ValueError(f"trainer_state.json is of step {state.global_step}")
    generators = sorted(path.glob("rng_state*.pth"))
    if not generators:
        raise ValueError("rng_state.pth is missing")
    for file in (path / "optimizer.pt", path / "scheduler.pt", *generators):
        check_archive(file)
    weights = [path / name for name in ("model.safetensors", "adapter_model.safetensors")]
    needed = [one for one in weights if one.is_file()]
    if (index := path / "model.safetensors.index.json").is_file():
        try:
            shards = set(parsed_json(index.read_bytes())["weight_map"].values())
            needed += [path / name for name in sorted(shards)]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"{index.name} is damaged") from error
    if not needed:
        raise ValueError("model.safetensors is missing")
    for file in {*needed, *path.rglob("*.safetensors")}:
        try:
            with safe_open(str(file), framework="numpy"):
                pass
        except SafetensorError as error:
            raise ValueError(f"{file.name} is damaged") from error
