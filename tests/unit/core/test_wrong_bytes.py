"""Files that are no lines of UTF-8 say what they are, and which file it is."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest
from in_process import harness

from harness.cli.evaluate import policies
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.plain_text import parsed_json
from harness.records.rows import read_items, read_json

ITEM = b'{"id": "a", "prompt": "p"}\n'
OTHER = b'{"id": "b", "prompt": "p"}\n'
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (gzip.compress(ITEM * 20), "it is compressed: unpack it"),
        (bz2.compress(ITEM * 20), "it is compressed: unpack it"),
        (lzma.compress(ITEM * 20), "it is compressed: unpack it"),
        (ITEM.decode().encode("utf-16"), "iconv -f utf-16 "),
        (b"\xfe\xff" + ITEM.decode().encode("utf-16-be"), "iconv -f utf-16 "),
        ('{"id": "a", "prompt": "é"}\n'.encode("latin-1"), "iconv -f latin1 "),
    ],
    ids=["gzip", "bzip2", "xz", "utf-16", "utf-16-be", "latin-1"],
)
def test_the_hint_fits_the_bytes(tmp_path: Path, data: bytes, hint: str) -> None:
    path = tmp_path / "i.jsonl"
    path.write_bytes(data)
    for read in (read_items, read_json):
        with pytest.raises(DataError) as wrong:
            read(path)
        if read is read_items:
            assert hint in wrong.value.hint and "1" in wrong.value.where


def test_files_put_one_after_the_other_keep_their_marks(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"
    path.write_bytes(BOM + ITEM + BOM + OTHER + BOM)
    assert [item.id for item in read_items(path)] == ["a", "b"]
    assert parsed_json("\ufeff{}") == {} == parsed_json(BOM + b"{}")


def test_a_file_that_cannot_be_read_on_is_named() -> None:
    with pytest.raises(DataError, match="cannot be read") as wrong:
        read_items(Path("/proc/self/mem"))
    assert wrong.value.where == "/proc/self/mem"


@pytest.mark.parametrize("data", [b"", b"\n\n", BOM])
def test_items_that_are_none_are_what_is_wrong(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "i.jsonl").write_bytes(data)
    (tmp_path / "r.jsonl").write_text('{"id": "r", "item_id": "a", "system": "s", "text": "t"}\n')
    done = harness(
        *"judge --source last_number --items i.jsonl --responses r.jsonl --out o".split(),
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (2, "error: i.jsonl: there is no item in the file\n")


@pytest.mark.parametrize("seed", ["²", "٣", "9" * 5000, "-1", "x"])
def test_a_seed_of_a_policy_is_a_number(seed: str) -> None:
    with pytest.raises(ConfigError, match="is not POLICY=FILE"):
        policies([f"p@{seed}=f.jsonl"])
