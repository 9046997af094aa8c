"""What a training leaves behind: its result, and its folder, in which it may go on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.nouns.errors import HarnessError, InputError
from harness.nouns.plain_text import file_text
from harness.records.file_hash import file_hash
from harness.records.places import locked
from harness.records.rows import damaged, read_json
from harness.records.writes import make_folder, write_text, writing
from harness.train.alarms import Alarms
from harness.train.left_out import CUT, ENDED, FILE, TOO_LONG, UNREAD, LeftOut, told
from harness.train.log import as_logged, rewound
from harness.train.memory import FILE as ESTIMATE
from harness.train.ranks import of_all, rank

NUMBERS = ("too_long", "rows", "used")
"""What a result counts; those of earlier versions have none of it."""

INPUTS = "inputs.sha256"
"""File of a folder with the fingerprint of its training."""

RESULT = "result.json"
"""File of a folder with the result of its training, once it has ended."""

LOCK = ".lock"
"""File of a folder that a training holds while it runs."""

TRAINS = "another training runs in {what}{who}", "wait for it, or choose another folder"
"""What is said where another one holds it."""

OnStep = Callable[[dict[str, Any]], None]
"""Called after every step with the row that was written to the log."""


@dataclass(frozen=True, slots=True)
class TrainResult:
    """A finished training.

    Args:
        checkpoint: Folder with the weights and the tokenizer, without any optimizer state.
        steps: Optimizer steps (PPO: rollout steps).
        log_path: JSONL file with one row for each step.
        seconds: Wall time, summed over interruptions.
        peak_memory_mb: Largest memory use; of the device if it is a GPU, otherwise the resident set
            of the whole process so far, which may have done other things before.
        too_long: Rows above ``max_length``: cut, or left out where nothing would be left of them.
        rows: What the trainer was given: preferences, completions or prompts; 0 where a training of
            an earlier version did not say.
        used: Those that it learnt from.
        left_out: How many of the others there are, by reason; ``left_out.jsonl`` names each.
    """

    checkpoint: Path
    steps: int
    log_path: Path
    seconds: float
    peak_memory_mb: float
    too_long: int = 0
    rows: int = 0
    used: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    def told(self) -> list[str]:
        """Return sentences on rows that were left out or cut, none where all were learnt from."""
        lines = []
        if self.used < self.rows:
            lines.append(
                f"learnt from {self.used:,} of {self.rows:,} rows: {told(self.left_out)}"
                + (f"; {FILE} says which" if self.left_out.keys() - {UNREAD} else "")
            )
        if cut := self.too_long - self.left_out.get(TOO_LONG, 0):
            rows = "row was" if cut == 1 else "rows were"
            lines.append(f"{cut:,} {rows} cut to max_length; {FILE} says which")
        return lines


def hold(path: Path, held: ExitStack) -> HarnessError | None:
    """Hold a folder for a training until ``held`` ends; the first of its processes does.

    Returns:
        Why it cannot be held, where it may be read all the same: a training has ended in it.

    Raises:
        HarnessError: Another training runs in it, or nobody can hold it.
    """
    refused: HarnessError | None = None
    if rank() == 0:
        try:
            held.enter_context(locked(path / LOCK, path, TRAINS))
        except HarnessError as error:
            refused = error
    told, ended = of_all((str(refused or ""), (path / RESULT).is_file()))[0]
    if not told:
        return None
    refused = refused or HarnessError(told)
    if not ended:
        raise refused
    return refused


class TrainingFolder:
    """The output folder of one training: log, resume state and final checkpoint.

    Of several processes of one training (``RANK`` in the environment), the first one writes.

    A folder belongs to one set of inputs. The same call on the same folder goes on after a kill,
    and returns at once when the training had finished; a call with other inputs is refused.

    Args:
        path: The folder; made if absent.
        inputs: Everything that the training depends on, as plain JSON values.
        on_step: Called with every row of the log.

    Raises:
        InputError: The folder holds a training with other inputs, or is a file.
    """

    def __init__(self, path: Path, inputs: Mapping[str, Any], on_step: OnStep | None) -> None:
        self.path = path
        self.resume_dir = path / "resume"
        self.final = path / "final"
        self.log_path = path / "log.jsonl"
        self.completions_path = path / "completions.jsonl"
        self._result_path = path / RESULT
        self.writes = rank() == 0
        self.total_steps = 0
        self._on_step = on_step
        self._alarms = Alarms()
        self._log_bytes: int | None = None
        self._seconds_before = 0.0
        self._started = time.monotonic()
        make_folder(path)
        if self.resume_dir.is_file():
            make_folder(self.resume_dir)  # says so
        fingerprint = hashlib.sha256(
            json.dumps(inputs, sort_keys=True, default=str).encode()
        ).hexdigest()
        fingerprint_path = path / INPUTS
        if fingerprint_path.is_file():
            if file_text(fingerprint_path).strip() != fingerprint:
                raise InputError(
                    "the folder holds a training with other settings, rows, rewards, seed or base"
                    " model",
                    where=str(path),
                    hint="name another output folder, or delete this one to train anew",
                )
        else:
            if self.states():
                raise InputError(
                    f"{INPUTS} is missing, so nobody knows which training the states are of",
                    where=str(path),
                    hint=f"put it back, or delete {self.resume_dir} to train anew",
                )
            if self._result_path.is_file():
                raise InputError(
                    f"{INPUTS} is missing, so nobody knows which training has ended here",
                    where=str(path),
                    hint="put it back, or delete this folder to train anew",
                )
            write_text(fingerprint_path, fingerprint + "\n")

    def forget(self) -> None:
        """Let the folder be anybody's again: nothing was made in it."""
        made = [one for one in self.path.rglob("*") if one.is_file() and one.name != LOCK]
        if self.writes and {one.name for one in made} <= {INPUTS, FILE, ESTIMATE}:
            for one in made:
                one.unlink()

    def begin(self) -> None:
        """Take away what a finished training left without its checkpoint: it is made anew."""
        if self.writes:
            self._result_path.unlink(missing_ok=True)

    def states(self) -> list[str]:
        """Return the names of the states from which the training can go on."""
        return sorted(path.name for path in self.resume_dir.glob("*"))

    def finished(self) -> TrainResult | None:
        """Return the result of a training that had already finished here.

        One whose checkpoint is gone is not finished.

        Raises:
            InputError: The checkpoint is not the one that the training wrote.
        """
        if not self._result_path.is_file():
            return None
        stored = read_json(self._result_path)
        # None in those of earlier versions.
        weights, log = stored.pop("weights", None), stored.pop("log", None)
        if not _is_result(stored):
            raise damaged(self._result_path, f"it is no result of a training: {stored!r:.60}")
        if weights is None or not self.final.is_dir():
            return None
        if file_hash(self.final) != weights:
            raise altered(self.final, self.path)
        if log is not None and file_hash(self.log_path) != log:
            raise altered(self.log_path, self.path, "log")
        return self._result(stored)

    def _result(self, stored: Mapping[str, Any]) -> TrainResult:
        return TrainResult(checkpoint=self.final, log_path=self.log_path, **stored)

    def rewind(self, step: int) -> None:
        """Drop the log's rows after ``step``: they will be trained, and written, again.

        A last line that a kill cut short is dropped too.
        """
        if self.writes and self.log_path.is_file():
            for row in rewound(self.log_path, step):
                self._alarms.see(row)
                self._seconds_before = float(row.get("seconds", 0))
            self._log_bytes = self.log_path.stat().st_size
        if self.writes and self.completions_path.is_file():
            # Best-of-n samples once, before the first step, and goes on with that.
            rewound(self.completions_path, step, at_least=0)

    def log(self, row: Mapping[str, Any]) -> None:
        """Append one row, with the alarms that it raises; numbers that are not finite become null.

        ``total_steps`` is in it once the training has set it.
        """
        if not self.writes:
            return
        clean = as_logged(row)
        if self.total_steps:
            clean["total_steps"] = self.total_steps
        if found := self._alarms.see(clean):
            clean["alarms"] = found
        clean["seconds"] = round(self.seconds(), 3)
        self._own_log()
        with writing(self.log_path), self.log_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(clean) + "\n")
            self._log_bytes = file.tell()
        self.tell(clean)

    def _own_log(self) -> None:
        """Refuse a log that somebody else wrote to while the training runs: rows would be lost."""
        found = self.log_path.stat().st_size if self.log_path.is_file() else -1
        if self._log_bytes is not None and found != self._log_bytes:
            what = "deleted" if found < 0 else "written to by something else"
            raise InputError(
                f"{self.log_path.name} was {what} while the training ran",
                where=str(self.log_path),
                hint=f"let nothing else write into {self.path} (a reward function, a second"
                " program), and train anew in another folder",
            )

    def tell(self, row: dict[str, Any]) -> None:
        """Pass on a row of the log, or of that of a part of this training."""
        if self._on_step is not None:
            self._on_step(row)

    def keep_completions(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append what was sampled in a step, with its rewards, to ``completions.jsonl``."""
        if not self.writes or not rows:
            return
        lines = [json.dumps({"step": step, **as_logged(row)}, default=str) for row in rows]
        with (
            writing(self.completions_path),
            self.completions_path.open("a", encoding="utf-8") as file,
        ):
            file.write("".join(f"{line}\n" for line in lines))

    def took_before(self, seconds: float) -> None:
        """Count seconds that a part of this training took before this process."""
        self._seconds_before += max(0.0, seconds)

    def seconds(self) -> float:
        """Wall seconds of this training so far, interruptions left out."""
        return self._seconds_before + time.monotonic() - self._started

    def finish(self, steps: int, left_out: LeftOut, reached: int) -> TrainResult:
        """Write and return the result; the resume state is deleted.

        Call it when all processes are through with their work.

        Args:
            steps: That were made.
            left_out: Account of the rows.
            reached: Rows of those that are not left out which the steps learnt from.
        """
        import shutil

        counts = left_out.counts()
        cut = counts.pop(CUT, 0)
        counts.pop(ENDED, 0)
        if unread := left_out.used - reached:
            counts[UNREAD] = unread
        stored = {
            "steps": steps,
            "seconds": round(self.seconds(), 3),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "too_long": cut + counts.get(TOO_LONG, 0),
            "rows": len(left_out.places),
            "used": reached,
            "left_out": counts,
        }
        if self.writes:
            self._own_log()
            written = stored | {"weights": file_hash(self.final), "log": file_hash(self.log_path)}
            write_text(self._result_path, json.dumps(written) + "\n")
            shutil.rmtree(self.resume_dir, ignore_errors=True)
        return self._result(stored)


def altered(path: Path, folder: Path, what: str = "checkpoint") -> InputError:
    """Return what is wrong with a file or folder that somebody edited after its training."""
    gone = "" if path.exists() else ": it is gone"
    return InputError(
        f"the {what} is not the one that the finished training wrote here{gone}",
        where=str(path),
        hint=f"put the files of the training back, or delete {folder} to train anew",
    )


def peak_memory_mb() -> float:
    """Return the peak memory in MiB: of the GPU if there is one, else of this process."""
    import resource
    import sys

    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, Linux KiB.
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _is_result(stored: Mapping[str, Any]) -> bool:
    needed = {"steps": int, "seconds": float, "peak_memory_mb": float}
    counts = stored.get("left_out", {})
    return (
        needed.keys() <= stored.keys() <= {*needed, *NUMBERS, "left_out"}
        and all(isinstance(stored[key], int | kind) for key, kind in needed.items())
        and isinstance(counts, dict)
        and all(
            isinstance(number, int)
            for number in (*(stored.get(key, 0) for key in NUMBERS), *counts.values())
        )
    )
