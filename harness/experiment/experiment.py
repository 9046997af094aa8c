"""Experiment: what a run is made of, read once, frozen, and handed to every process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.chat.local_weights import located
from harness.experiment.arms import check_arms
from harness.experiment.config import DataConfig, ItemsConfig, RunConfig, read_config
from harness.experiment.critics import check_critics, critics_of
from harness.experiment.probe_evidence import read_probes
from harness.experiment.small import small
from harness.experiment.sources import Sources, build_sources, check_roles, table_of
from harness.labels.files import Table
from harness.nouns.counted import counted
from harness.nouns.errors import ConfigError, DataError
from harness.nouns.hashing import content_hash
from harness.nouns.plain_text import visible
from harness.nouns.schema import Item, Response
from harness.policy.weights import weights_hash
from harness.records.rows import read_items, read_json, read_responses, to_dict


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
        responses: To the items to train on, where they were made elsewhere; None where the base
            policy is to be sampled.
    """

    config: RunConfig
    path: Path
    sha256: str
    sources: Sources
    train: tuple[Item, ...]
    evaluation: tuple[Item, ...]
    weights: str
    responses: tuple[Response, ...] | None = None

    @classmethod
    def read(cls, path: Path, few: bool = False) -> Experiment:
        """Read an experiment file and its items, build its sources, and check all of it.

        Args:
            path: The experiment file.
            few: Whether to make the small size of it.

        Raises:
            InputError: The experiment, its items or a plugin is wrong, or there is no such policy.
        """
        config, sha256 = read_config(path)
        if few:
            config = small(config)
        model = _model(path, config)
        sources = build_sources(config, path)
        check_arms(config)
        check_roles(config, sources)
        check_critics(config, path, sources)
        train, evaluation = (
            tuple(load_items(path, entry)) for entry in (config.data.train, config.data.evaluation)
        )
        check_held_out(train, evaluation)
        weights, responses = weights_hash(model), load_responses(path, config.data, sources)
        made = cls(config, path, sha256, sources, train, evaluation, weights, responses)
        read_probes(made.probes)  # before anything is paid for
        return made

    @property
    def fingerprint(self) -> str:
        """What moves when the experiment may come out differently: more than its file counts."""
        items = [[to_dict(item) for item in part] for part in (self.train, self.evaluation)]
        infos = {name: source.info for name, source in self.sources.items()}
        sources = {name: [info.identity, info.version] for name, info in infos.items()}
        config = self.config.model_dump(mode="json")
        config["arms"] = {name: arm.moves() for name, arm in self.config.arms.items()}
        moves: list[Any] = [config, items, sources, self.weights]
        if self.responses is not None:
            moves.append([to_dict(response) for response in self.responses])
        if critics := critics_of(self.config, self.path):
            moves.append(critics)
        if self.probes:
            moves.append([read_json(Path(name)) for name in self.probes])
        return content_hash(moves)

    @property
    def model(self) -> str:
        """The base policy: the path of its folder, or a hub id."""
        return _model(self.path, self.config)

    @property
    def probes(self) -> list[str]:
        """Paths of the files of ``harness probe-judge`` that its gates read."""
        agreement = self.config.agreement
        return [resolve(self.path, name) for name in agreement.probes] if agreement else []


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


def load_responses(
    config_path: Path, data: DataConfig, sources: Sources
) -> tuple[Response, ...] | None:
    """Read the responses to the items to train on, None where no file of them is named.

    Those to items beyond the limit are left out, like these items. Those of preferences come
    first, two by two, so that each row of theirs is a pair.

    Raises:
        DataError: A file is wrong, a response is to no item of the file of items, an id stands in
            two files, or no item has a response.
    """
    if not (data.responses or data.preferences):
        return None
    file = resolve(config_path, data.train.file)
    items = read_items(Path(file))
    used = {item.id for item in items[: data.train.limit]}
    found = {
        one.id: one
        for name in data.preferences
        for one in responses_of_pairs(name, table_of(sources.options(name)), items)
    }
    for name in data.responses:
        path = Path(resolve(config_path, name))
        for response in read_responses(path, items):
            if response.id in found:
                raise DataError(
                    f"id {response.id!r} stands in another of data.responses already",
                    where=str(path),
                    hint="harness respond --system gives those of a policy ids of their own",
                )
            found[response.id] = response
    responses = tuple(one for one in found.values() if one.item_id in used)
    if not responses:
        raise DataError(
            "no item of data.train has a response there",
            where=(*data.responses, *data.preferences)[0],
        )
    return responses


def responses_of_pairs(name: str, table: Table, items: Sequence[Item]) -> list[Response]:
    """Return both texts of each row of a table of pairs, as answers of the systems of its labels.

    Args:
        name: Of the source, part of the ids.
        table: With item, response_a, response_b, text_a and text_b.
        items: Those that were answered.

    Raises:
        DataError: It has no texts, or rows are of unknown items.
    """
    where = str(table.path)
    needed = "item response_a response_b text_a text_b".split()
    if not {*needed} <= {*table.columns}:
        raise DataError(
            "preferences have texts: chosen and rejected, or text_a and text_b beside item,"
            " response_a and response_b",
            where=where,
            hint="a table of labels without texts belongs under data.labels",
        )
    known = {item.id for item in items}
    if lost := [row.text("item") for row in table.rows if row.text("item") not in known]:
        raise DataError(
            f"{len(lost)} of {len(table.rows)} rows are of no item of data.train",
            where=where,
            details=lost[:5],
            hint="harness import-labels FILE --accept --items-out ITEMS.jsonl writes them",
        )
    sys.stderr.writelines(f"{visible(f'{table.path.name}: {note}')}\n" for note in table.notes)
    return [
        Response(
            f"{name}.{number}.{side}",
            row.text("item"),
            row.text(f"response_{side}"),
            row.text(f"text_{side}"),
        )
        for number, row in enumerate(table.rows, 1)
        for side in "ab"
    ]


def check_held_out(train: Sequence[Item], evaluation: Sequence[Item]) -> None:
    """Refuse an evaluation on items that are trained on.

    Raises:
        ConfigError: An id or a prompt is in both.
    """
    ids = {item.id for item in train} & {item.id for item in evaluation}
    texts = {item.prompt_text for item in train}
    prompts = [item.id for item in evaluation if item.prompt_text in texts]
    if both := len(ids | set(prompts)):
        raise ConfigError(
            f"{counted(both, 'item')} of data.evaluation {'is' if both == 1 else 'are'} in"
            " data.train as well",
            details=sorted(ids | set(prompts))[:5],
            hint="evaluate on items that nothing was trained on",
        )
