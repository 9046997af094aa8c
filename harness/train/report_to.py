"""The log of a training, also for TensorBoard, trackio, W&B and MLflow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.nouns.errors import ConfigError

if TYPE_CHECKING:
    from harness.train.result import OnStep

PROJECT = "feedback-harness"
"""Of the trainings in W&B, trackio and MLflow, unless the environment names another."""


def check_installed(names: Iterable[str]) -> None:
    """Refuse to report to what is not installed.

    Raises:
        ConfigError: Packages are missing, all of them in one error.
    """
    from importlib.util import find_spec

    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"report_to: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            hint=f"pip install {' '.join(missing)}",
        )


class Reports:
    """Rows of a training's log, passed on to trackers.

    They are begun with the first row, so a training that had ended before begins none. A text or a
    value that is not defined is passed on to none.

    Args:
        names: Of trackers, which are their packages.
        out: Folder of the training, whose name is that of the run; TensorBoard's files lie in
            ``out/tensorboard``.
        settings: Of the training.
        on_step: Called with every row, too.
    """

    def __init__(
        self, names: Iterable[str], out: Path, settings: Mapping[str, Any], on_step: OnStep | None
    ) -> None:
        self.names, self.out, self.on_step = list(names), out, on_step
        self.settings = {
            key: value if isinstance(value, bool | int | float | str) else json.dumps(value)
            for key, value in settings.items()
            if value is not None
        }
        self._trackers: list[Any] | None = None

    def __call__(self, row: dict[str, Any]) -> None:
        """Pass on one row of the log."""
        if self.names:
            values = {
                key: float(value)
                for key, value in row.items()
                if key != "step" and isinstance(value, bool | int | float)
            }
            for tracker in self._started():
                tracker.log(values, step=row["step"])
        if self.on_step is not None:
            self.on_step(row)

    def finish(self) -> None:
        """End the runs."""
        for tracker in self._trackers or ():
            tracker.finish()

    def _started(self) -> list[Any]:
        if self._trackers is None:
            self._trackers = [self._tracker(name) for name in self.names]
            for tracker in self._trackers:
                tracker.start()
                tracker.store_init_configuration(self.settings)
        return self._trackers

    def _tracker(self, name: str) -> Any:
        from accelerate import PartialState, tracking

        PartialState()  # trackers ask it who is the main process
        run = self.out.absolute().name
        if name == "tensorboard":
            return tracking.TensorBoardTracker("tensorboard", logging_dir=str(self.out))
        if name == "mlflow":
            return tracking.MLflowTracker(experiment_name=PROJECT, run_name=run)
        kinds = {"wandb": tracking.WandBTracker, "trackio": tracking.TrackioTracker}
        project = os.environ.get(f"{name.upper()}_PROJECT", PROJECT)
        return kinds[name](project, name=run)
