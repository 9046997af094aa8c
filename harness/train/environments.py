"""TRL's environments: what a policy acts in, reset with the whole row that it acts on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.nouns.errors import ConfigError
from harness.train.function_identity import function_identity
from harness.train.row_forms import Row

Factory = Callable[[], Any] | Mapping[str, Callable[[], Any]]
"""Makes an environment; or several that do, by the name in the column ``environment``."""


def environments_identity(factory: Factory) -> Any:
    """Return what moves when the environments are others."""
    if isinstance(factory, Mapping):
        return {name: function_identity(one) for name, one in factory.items()}
    return function_identity(factory)


def seeing_rows(factory: Factory, rows: Sequence[Row]) -> Any:
    """Return a factory of the same environments, whose ``reset`` gets every column of its row.

    TRL is given the numbers of rows alone, and would reset with these.

    Raises:
        ConfigError: An environment has a reward of its own.
    """
    if isinstance(factory, Mapping):
        # What says which environment it is tells it nothing.
        told = [{k: v for k, v in row.items() if k != "environment"} for row in rows]
        return {name: seeing_rows(one, told) for name, one in factory.items()}
    kinds: dict[type, type] = {}

    def make() -> Any:
        made = factory()
        kind = type(made)
        if hasattr(kind, "get_reward"):
            raise ConfigError(
                f"environment {kind.__name__} has a get_reward, whose sum with the rewards would"
                " not be what the log says",
                hint="give a reward function that reads its argument environments",
            )
        if kind not in kinds:
            kinds[kind] = _seeing(kind, rows)
        made.__class__ = kinds[kind]
        return made

    return make


def _seeing(kind: type, rows: Sequence[Row]) -> type:
    def reset(self: Any, row: int, prompt: Any = None, **_: Any) -> Any:
        return kind.reset(self, **{**rows[row], "prompt": prompt})  # type: ignore[attr-defined]

    about = {"reset": reset, "__module__": kind.__module__, "__doc__": kind.__doc__}
    return type(kind.__name__, (kind,), about)
