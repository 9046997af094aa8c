"""Mix judges, verifiers and people; train on their agreement-checked rewards; compare the results.

``run`` takes an experiment file to its report; ``respond``, ``judge``, ``agree``, ``aggregate``,
``train``, ``evaluate`` and ``report`` are its stages one by one, on plain tables. Importing this
package loads neither torch nor litellm nor any plugin.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.experiment.compare import compare as compare
    from harness.experiment.reward_functions import reward_function as reward_function
    from harness.experiment.run import run as run
    from harness.experiment.stages.aggregate import How as How
    from harness.experiment.stages.aggregate import aggregate as aggregate
    from harness.experiment.stages.agree import agree as agree
    from harness.experiment.stages.agree import gated as gated
    from harness.experiment.stages.align_judge import AlignSettings as AlignSettings
    from harness.experiment.stages.align_judge import align_judge as align_judge
    from harness.experiment.stages.evaluate_files import EvaluateSettings as EvaluateSettings
    from harness.experiment.stages.evaluate_files import evaluate as evaluate
    from harness.experiment.stages.judge import JudgeSettings as JudgeSettings
    from harness.experiment.stages.judge import judge as judge
    from harness.experiment.stages.label_pairs import LabelPairsSettings as LabelPairsSettings
    from harness.experiment.stages.label_pairs import label_pairs as label_pairs
    from harness.experiment.stages.probe_judge import ProbeSettings as ProbeSettings
    from harness.experiment.stages.probe_judge import probe_judge as probe_judge
    from harness.experiment.stages.recorded import Answers as Answers
    from harness.experiment.stages.report import report as report
    from harness.experiment.stages.rescore import RescoreSettings as RescoreSettings
    from harness.experiment.stages.rescore import rescore as rescore
    from harness.experiment.stages.respond import RespondSettings as RespondSettings
    from harness.experiment.stages.respond import respond as respond
    from harness.experiment.stages.show_prompt import show_prompt as show_prompt
    from harness.experiment.stages.train_files import TrainSettings as TrainSettings
    from harness.experiment.stages.train_files import train as train
    from harness.experiment.stages.transport import TransportSettings as TransportSettings
    from harness.experiment.stages.transport import transport as transport
    from harness.experiment.stages.win_rate import win_rate as win_rate
    from harness.experiment.verify_run import verify_run as verify_run
    from harness.labels.ratings import Reading as Reading
    from harness.records.earlier import clean as clean
    from harness.records.recovery import recover as recover

_STAGES = ("aggregate", "agree", "judge", "report", "respond", "win_rate")
_HOMES = {name: f"harness.experiment.stages.{name}" for name in _STAGES} | {
    "AlignSettings": "harness.experiment.stages.align_judge",
    "align_judge": "harness.experiment.stages.align_judge",
    "Answers": "harness.experiment.stages.recorded",
    "EvaluateSettings": "harness.experiment.stages.evaluate_files",
    "evaluate": "harness.experiment.stages.evaluate_files",
    "How": "harness.experiment.stages.aggregate",
    "gated": "harness.experiment.stages.agree",
    "JudgeSettings": "harness.experiment.stages.judge",
    "LabelPairsSettings": "harness.experiment.stages.label_pairs",
    "label_pairs": "harness.experiment.stages.label_pairs",
    "ProbeSettings": "harness.experiment.stages.probe_judge",
    "probe_judge": "harness.experiment.stages.probe_judge",
    "Reading": "harness.labels.ratings",
    "RescoreSettings": "harness.experiment.stages.rescore",
    "RespondSettings": "harness.experiment.stages.respond",
    "TransportSettings": "harness.experiment.stages.transport",
    "TrainSettings": "harness.experiment.stages.train_files",
    "clean": "harness.records.earlier",
    "compare": "harness.experiment.compare",
    "recover": "harness.records.recovery",
    "rescore": "harness.experiment.stages.rescore",
    "reward_function": "harness.experiment.reward_functions",
    "run": "harness.experiment.run",
    "show_prompt": "harness.experiment.stages.show_prompt",
    "train": "harness.experiment.stages.train_files",
    "transport": "harness.experiment.stages.transport",
    "verify_run": "harness.experiment.verify_run",
}
__all__ = sorted(_HOMES)
__version__ = "0.1.0"


def _stage(name: str) -> Callable[..., Any]:
    """Return a stage; it is loaded at its first use, since it brings the whole pipeline."""
    found: Callable[..., Any] = getattr(import_module(_HOMES[name]), name)
    return found


class _Room(ModuleType):
    """A room of the house that has the name of a stage, and is called like it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the stage."""
        return _stage(self.__name__.rpartition(".")[2])(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross process pools by name, as functions do."""
        return import_module, (self.__name__,)

    @property
    def __signature__(self) -> inspect.Signature:
        """What the stage takes."""
        return inspect.signature(_stage(self.__name__.rpartition(".")[2]))


class _House(ModuleType):
    """The package: stages are loaded late, and a room stays callable however it is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Let a room of a stage's name be called; importing one binds it here."""
        if name in _HOMES and isinstance(value, ModuleType):
            value.__class__ = _Room
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """Return a stage, or what belongs to it."""
        if name not in _HOMES:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return _stage(name)

    def __dir__(self) -> list[str]:
        """Return the stages among the names, though they are not loaded yet."""
        return sorted({*super().__dir__(), *_HOMES})


sys.modules[__name__].__class__ = _House
