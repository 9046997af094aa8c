"""Held out: whether an evaluator has anything to do with what gave the rewards."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from harness.nouns.schema import SourceInfo


def shares(evaluator: SourceInfo, source: SourceInfo) -> bool:
    """Tell whether two sources are the same, or ask the same language model.

    The same: the same plugin with the same options, whatever they are called. The same model: under
    whatever rubric, as any member of a jury, and through any provider: ``local/NAME``,
    ``openrouter/openai/NAME``, ``NAME:latest`` and ``NAME`` are one, and so are all paths of a
    folder. Two models of one name are taken for one: a wrong "held out" is the worse error.
    """
    if evaluator.name == source.name:
        return True
    if evaluator.identity and evaluator.identity == source.identity:
        return True
    return bool(_model_names(evaluator.models) & _model_names(source.models))


def _model_names(models: Iterable[str]) -> set[str]:
    """Return the last parts of models' names: of the name as it is, and of the folder it means."""
    names = [name for model in models if (name := model.strip().removeprefix("local/"))]
    folders = [Path(name).expanduser() for name in names]
    names += [str(folder.resolve()) for folder in folders if folder.is_dir()]
    return {PurePosixPath(name).name.casefold().removesuffix(":latest") for name in names}
