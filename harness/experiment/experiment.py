"""Experiment: what a run is made of, read once, frozen, and handed to every process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.chat.local_weights import located
from harness.experiment.arms import check_arms
from harness.experiment.config import ItemsConfig, RunConfig, read_config
from harness.experiment.sources import Sources, build_sources, check_roles
from harness.nouns.errors import ConfigError
from harness.nouns.hashing import content_hash
from harness.nouns.schema import Item
from harness.policy.weights import weights_hash
from harness.records.rows import read_items, to_dict


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment as its file and its items were when it was read.

    It is handed to other processes pickled: config and items as they are, the sources as their
    options, from which they are built anew where they are used. Nobody reads the file again.

    Attributes:
        config: The content of the experiment file.
        path: The experiment file; other paths are relative to it.
        sha256: Of the file's content.
        sources: By name.
        train: Items to train on.
        evaluation: Held-out items.
        weights: What the base policy is: a hash of its folder, or the revision of its hub id.
    """

    config: RunConfig
    path: Path
    sha256: str
    sources: Sources
    train: tuple[Item, ...]
    evaluation: tuple[Item, ...]
    weights: str

    @classmethod
    def read(cls, path: Path) -> Experiment:
        """Read an experiment file and its items, build its sources, and check all of it.

        Raises:
            InputError: The experiment, its items or a plugin is wrong, or there is no such policy.
        """
        config, sha256 = read_config(path)
        model = _model(path, config)
        sources = build_sources(config, path)
        check_arms(config)
        check_roles(config, sources)
        train, evaluation = (
            tuple(load_items(path, entry)) for entry in (config.data.train, config.data.evaluation)
        )
        check_held_out(train, evaluation)
        weights = weights_hash(model)
        return cls(config, path, sha256, sources, train, evaluation, weights)

    @property
    def fingerprint(self) -> str:
        """What moves when the experiment may come out differently: more than its file counts."""
        items = [[to_dict(item) for item in part] for part in (self.train, self.evaluation)]
        infos = {name: source.info for name, source in self.sources.items()}
        sources = {name: [info.identity, info.version] for name, info in infos.items()}
        return content_hash([self.config.model_dump(mode="json"), items, sources, self.weights])

    @property
    def model(self) -> str:
        """The base policy: the path of its folder, or a hub id."""
        return _model(self.path, self.config)


def _model(path: Path, config: RunConfig) -> str:
    return located(config.policy.model, path.parent)


def resolve(config_path: Path, name: str) -> str:
    """Return a path of the experiment file, relative to it where it is one; else a hub id."""
    path = Path(name)
    beside = config_path.parent / path
    return str(path if path.is_absolute() or not beside.exists() else beside)


def load_items(config_path: Path, config: ItemsConfig) -> list[Item]:
    """Read the items of an experiment.

    Raises:
        DataError: The file is missing, wrong or empty.
    """
    path = Path(resolve(config_path, config.file))
    return read_items(path)[: config.limit]


def check_held_out(train: Sequence[Item], evaluation: Sequence[Item]) -> None:
    """Refuse an evaluation on items that are trained on.

    Raises:
        ConfigError: An id or a prompt is in both.
    """
    ids = {item.id for item in train} & {item.id for item in evaluation}
    texts = {item.prompt_text for item in train}
    prompts = [item.id for item in evaluation if item.prompt_text in texts]
    if ids or prompts:
        raise ConfigError(
            f"{len(ids | set(prompts))} items of data.evaluation are in data.train as well",
            details=sorted(ids | set(prompts))[:5],
            hint="evaluate on items that nothing was trained on",
        )
