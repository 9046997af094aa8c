"""Held out: whether an evaluator has anything to do with what gave the rewards."""

from __future__ import annotations

from collections.abc import Iterable

from harness.nouns.schema import SourceInfo


def shares(evaluator: SourceInfo, source: SourceInfo) -> bool:
    """Tell whether two sources are the same, or ask the same language model.

    The same: the same plugin with the same options, whatever they are called. The same model: under
    whatever rubric, as any member of a jury, and through any provider: ``local/NAME``,
    ``openai/NAME`` and ``NAME`` are one.
    """
    if evaluator.name == source.name:
        return True
    if evaluator.identity and evaluator.identity == source.identity:
        return True
    return bool(_model_names(evaluator.models) & _model_names(source.models))


def _model_names(models: Iterable[str]) -> set[str]:
    """Return models with and without the provider in front of the name."""
    names = {model.casefold() for model in models}
    return names | {name.partition("/")[2] for name in names if "/" in name}
