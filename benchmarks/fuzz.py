"""Does any input get more out of a reader than a HarnessError, or take longer than a second?

    python benchmarks/fuzz.py [--inputs 300000] [--seed 0] [--only NAME]

Files that each reader reads are made worse: bytes flipped, spans cut, doubled and spliced, tokens,
lines, cells and JSON values swapped for what broke readers before. Prints a table, and what got
through with the bytes that did it. Exits with 1 where anything did.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from file_readers import READERS, Reader
from mutations import mutated

from harness.nouns.errors import HarnessError

SLOW_S = 1.0


@dataclass
class Found:
    """What became of the inputs of one reader.

    Attributes:
        inputs: How many there were.
        taken: Those that were read.
        refused: Those with a HarnessError.
        slowest: Processor seconds of the slowest, and how many bytes it had.
        wrong: Exceptions that are none of the harness, by what they say.
        examples: An input for each of them.
    """

    inputs: int = 0
    taken: int = 0
    refused: int = 0
    slowest: tuple[float, int] = (0.0, 0)
    wrong: Counter[str] = field(default_factory=Counter)
    examples: dict[str, bytes] = field(default_factory=dict)

    def fail(self, what: str, data: bytes) -> None:
        """Note something that got through."""
        self.wrong[what] += 1
        known = self.examples.setdefault(what, data)
        if len(data) < len(known):
            self.examples[what] = data


def main() -> int:
    """Run and print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="readers whose name holds this")
    parser.add_argument("--keep", type=Path, help="folder for inputs that got through")
    given = parser.parse_args()
    readers = {name: one for name, one in READERS.items() if given.only in name}
    names = [name for name, one in readers.items() for _ in range(one.share)]
    lent = [sample for one in READERS.values() for sample in one.samples]
    found = {name: Found() for name in readers}
    rng = Random(given.seed)
    began = time.monotonic()
    memory = Path("/dev/shm")  # stores wait for the disk at each write
    place = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(given.inputs):
            name = rng.choice(names)
            data = mutated(rng, rng.choice(readers[name].samples), lent)
            put(readers[name], data, Path(folder), found[name])
    show(found, time.monotonic() - began)
    if given.keep:
        given.keep.mkdir(exist_ok=True)
        for name, one in found.items():
            for number, (what, data) in enumerate(one.examples.items()):
                (given.keep / f"{name}-{number}").write_bytes(data)
                (given.keep / f"{name}-{number}.txt").write_text(what)
    return int(any(one.wrong for one in found.values()))


def put(reader: Reader, data: bytes, folder: Path, found: Found) -> None:
    """Let a reader read an input, twice where it was slow: the machine may have been busy."""
    found.inputs += 1
    seconds, failure = tried(reader, data, folder)
    if seconds > SLOW_S:
        seconds, failure = min((seconds, failure), tried(reader, data, folder), key=lambda t: t[0])
    if seconds > SLOW_S:
        found.fail(f"more than {SLOW_S} s", data)
    found.slowest = max(found.slowest, (seconds, len(data)))
    if failure is None:
        found.taken += 1
    elif isinstance(failure, HarnessError):
        found.refused += 1
    else:
        frame = failure.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else ""
        found.fail(f"{type(failure).__name__} in {where}: {failure!s:.60}", data)


def tried(reader: Reader, data: bytes, folder: Path) -> tuple[float, Exception | None]:
    """Return the processor seconds of reading an input, and what it raised."""
    path = folder / reader.name
    path.write_bytes(data)
    began = time.process_time()
    try:
        reader.read(path)
    except Exception as error:
        spent = time.process_time() - began
        try:
            str(error).encode()
        except UnicodeEncodeError as unprintable:
            return spent, unprintable
        return spent, error
    return time.process_time() - began, None


def show(found: dict[str, Found], seconds: float) -> None:
    """Print the table, and what got through."""
    print(f"{'reader':28}{'inputs':>9}{'read':>9}{'refused':>9}{'wrong':>7}{'slowest ms':>12}")
    for name, one in found.items():
        slowest = f"{1000 * one.slowest[0]:.0f}"
        print(
            f"{name:28}{one.inputs:9,}{one.taken:9,}{one.refused:9,}{one.wrong.total():7,}"
            f"{slowest:>12}"
        )
    total = sum(one.inputs for one in found.values())
    wrong = sum(one.wrong.total() for one in found.values())
    print(f"{total:,} inputs in {seconds:.0f} s: {wrong} got through")
    for name, one in found.items():
        for what, times in one.wrong.most_common():
            print(f"\n{name}, {times} times: {what}\n  {one.examples[what][:300]!r}")


if __name__ == "__main__":
    sys.exit(main())
