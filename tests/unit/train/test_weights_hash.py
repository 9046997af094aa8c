"""The fingerprint of weights: a folder by its content, a hub id by its revision."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from harness.chat.local_weights import located
from harness.nouns.errors import InputError
from harness.policy.weights import weights_hash
from harness.records.file_hash import file_hash


def test_a_hash_moves_with_names_and_contents_of_all_files(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "b").write_text("two")
    (folder / "deep" / "a").write_text("one")
    by_hand = hashlib.sha256(b"btwodeep/aone").hexdigest()
    assert file_hash(folder) == by_hand
    assert file_hash(folder / "b") == hashlib.sha256(b"two").hexdigest()
    assert file_hash(tmp_path / "absent") == hashlib.sha256(b"").hexdigest()
    (folder / "empty").mkdir()
    assert file_hash(folder) == by_hand
    (folder / "b").write_text("TWO")
    os.utime(folder / "b", ns=(1, 1))
    assert file_hash(folder) != by_hand
    (folder / "b").write_text("two")
    assert file_hash(folder) == by_hand
    assert file_hash(folder.rename(tmp_path / "other")) == by_hand
    (tmp_path / "other" / "b").rename(tmp_path / "other" / "c")
    assert file_hash(tmp_path / "other") != by_hand


def test_an_adapter_is_another_one_on_another_base(tmp_path: Path) -> None:
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    for folder in (base, adapter):
        folder.mkdir()
        (folder / "weights").write_text("1")
    config = {"base_model_name_or_path": str(base)}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    before = weights_hash(adapter)
    assert before == f"{file_hash(adapter)}+{file_hash(base)}"
    (base / "weights").write_text("other")
    assert weights_hash(adapter) != before


def test_a_hub_id_is_its_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the cache of what was downloaded, without a network."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    revisions = ["1" * 40, "2" * 40]
    for repository, name in (
        ("org/whole", "config.json"),
        ("org/tuned", "adapter_config.json"),
        ("gpt2", "config.json"),  # the oldest ones have no owner
    ):
        folder = tmp_path / f"models--{repository.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True)
        for revision in revisions:
            (folder / "snapshots" / revision).mkdir(parents=True)
            (folder / "snapshots" / revision / name).write_text("{}")
            (folder / "refs" / "main").write_text(revision)
            assert weights_hash(repository) == revision
            assert located(repository) == repository
    for absent in ("org/absent", str(tmp_path / "absent"), "absent"):
        with pytest.raises(InputError, match="no such model folder"):
            weights_hash(absent)
