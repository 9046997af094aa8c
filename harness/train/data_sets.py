"""Data sets of the library ``datasets``: in memory, on disk, as a folder of files, on the Hub."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import ascii_letters, digits
from typing import Any

from harness.chat import hub
from harness.nouns.errors import DataError, InputError, MissingExtraError
from harness.nouns.nearest import did_you_mean

_LETTERS = {*ascii_letters, *digits, *".-_"}
SPLIT = "train"
"""The split that is taken unless another is named."""


def is_data_set(rows: Any) -> bool:
    """Tell whether rows are a data set, or a folder or hub id of one, and no file or list."""
    if not isinstance(rows, str | Path):
        return type(rows).__module__.partition(".")[0] == "datasets"
    return os.path.isdir(rows) or (
        not os.path.exists(rows)
        and not Path(rows).suffix[1:].isalpha()  # owner/name-v1.5 has none, either
        and _is_hub_id(str(rows))
        and not os.path.isdir(Path(rows).parent)
    )


def check_data_apart(out: Path, rows: Any) -> None:
    """Refuse a folder of results within that of the data set, which would be another one then.

    Raises:
        InputError: It lies there.
    """
    if not isinstance(rows, str | Path) or not os.path.isdir(rows):
        return
    if out.resolve().is_relative_to(Path(rows).resolve()):
        raise InputError(
            f"the output folder lies in the data set's, {rows}",
            where=str(out),
            hint="name an output folder beside the data set's",
        )


def _is_hub_id(name: str) -> bool:
    owner, _, own = name.partition("/")
    return bool(owner and own) and not owner.startswith(".") and not {*owner + own} - _LETTERS


def data_set_rows(
    rows: Any, config: str | None = None, split: str | None = None
) -> tuple[list[Any], list[str]]:
    """Return the rows of a data set, and the place of each.

    Args:
        rows: A ``Dataset`` or a ``DatasetDict``, the folder that its ``save_to_disk`` wrote, a
            folder of files as the Hub keeps them, or a hub id.
        config: One of the configurations of a folder or a hub id.
        split: One of its splits; by default ``train``, or the only one there is.

    Raises:
        DataError: There is no such data set, configuration or split.
        MissingExtraError: The library is not installed.
    """
    if importlib.util.find_spec("datasets") is None:
        raise MissingExtraError("datasets", "train")
    name = str(rows) if isinstance(rows, str | Path) else "the data set"
    found = _loaded(rows, config) if isinstance(rows, str | Path) else rows
    if isinstance(found, Mapping):
        wanted = split or (SPLIT if SPLIT in found or len(found) != 1 else next(iter(found)))
        if wanted not in found:
            raise DataError(
                f"there is no split {wanted!r}",
                where=name,
                hint=did_you_mean(wanted, found)
                or f"--dataset-train-split takes one of {', '.join(map(str, found))}",
            )
        found = found[wanted]
    elif split is not None and str(found.split or split) != split:
        raise DataError(f"it is the split {found.split}, not {split!r}", where=name)
    made = list(found)
    return made, [f"{name}:row {number}" for number in range(1, len(made) + 1)]


def _loaded(rows: str | Path, config: str | None) -> Any:
    import datasets

    path = Path(rows)
    is_saved = any((path / one).is_file() for one in ("dataset_dict.json", "state.json"))
    with _quiet(offline=not path.is_dir() and not hub.answers()):
        try:
            if is_saved:
                return datasets.load_from_disk(str(path))
            return datasets.load_dataset(str(rows), config)
        except ConnectionError as error:
            raise DataError(
                "there is no such file or folder, and the hub of data sets cannot be reached from"
                " here",
                where=str(rows),
            ) from error
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"the data set cannot be loaded: {reason:.300}",
                where=str(rows),
                hint="a data set is a hub id (owner/name, perhaps with --dataset-config), or a"
                " folder that save_to_disk wrote or that has files of rows",
            ) from error


@contextmanager
def _quiet(offline: bool) -> Iterator[None]:
    """Show no bars, and without a network do not try for minutes."""
    import datasets
    from huggingface_hub import constants

    kept, bars = constants.HF_HUB_OFFLINE, not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    constants.HF_HUB_OFFLINE = kept or offline
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = kept
        if bars:
            datasets.enable_progress_bars()
