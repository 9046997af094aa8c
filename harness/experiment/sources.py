"""The sources of an experiment, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.chat.local_weights import beside
from harness.experiment.config import LABELS, RunConfig, SourceConfig, explain
from harness.feedback.contract import FeedbackSource
from harness.feedback.judge import JudgeSource
from harness.labels.column_names import item_column
from harness.nouns.errors import ConfigError, HarnessError
from harness.nouns.hashing import content_hash
from harness.nouns.schema import SourceInfo, Way
from harness.registry import Origin, registry

if TYPE_CHECKING:
    from harness.labels.files import Table


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source under its name in the experiment."""

    name: str
    config: SourceConfig
    source: FeedbackSource
    origin: Origin

    @property
    def info(self) -> SourceInfo:
        """Who the source is."""
        return self.source.info

    @property
    def way(self) -> Way:
        """How the source judges in this experiment."""
        if self.config.way is not None:
            return self.config.way
        ways: tuple[Way, ...] = ("pairwise", "pointwise", "listwise")
        return next((way for way in ways if way in self.info.takes), "pointwise")

    def evaluates(self, way: Way | None) -> Way:
        """Return how it judges as an evaluator: as asked, else single responses where it can."""
        if way is not None:
            return way
        ways: tuple[Way, ...] = ("pointwise", "pairwise", "listwise")
        return next((way for way in ways if way in self.info.takes), "pointwise")

    def compares(self, way: Way | None) -> bool:
        """Tell whether it compares responses as an evaluator, and does not score single ones."""
        return self.evaluates(way) != "pointwise"

    @property
    def scope(self) -> str:
        """Part of the journal that holds its judgments; it moves with the options."""
        return f"{self.name}/{content_hash([self.config.use, self.config.options])[:12]}"

    @property
    def asked(self) -> list[Any]:
        """What moves when the source may judge differently."""
        return [self.scope, self.info.version, self.way, self.config.limit]


def source_by_name(
    use: str,
    options: Mapping[str, Any] | None = None,
    way: Way | None = None,
    name: str | None = None,
    limit: int | None = None,
) -> NamedSource:
    """Return a source that no experiment names.

    Args:
        use: Name of the plugin's source.
        options: Its options.
        way: How it judges; by default what it can do, pairs first.
        name: Of the source; the plugin's by default.
        limit: At most this many requests are put to it, the first ones.

    Raises:
        PluginError: The source is unknown or broken, or its options are wrong.
        ConfigError: It cannot judge that way.
    """
    try:
        config = SourceConfig.model_validate(
            {"use": use, "options": options or {}, "way": way, "limit": limit}
        )
    except ValidationError as error:
        raise ConfigError(
            f"source {use!r:.60} cannot be asked so",
            details=[line for entry in error.errors() for line in explain(entry)],
        ) from error
    options = _of_file(name or use, config.use, config.options)
    return _named(name or use, config, options)


def _named(name: str, config: SourceConfig, options: Mapping[str, Any]) -> NamedSource:
    found = registry()
    source = found.source(config.use).build(options, name)
    named = NamedSource(name, config, source, found.origins[config.use])
    if named.way not in source.info.takes:
        plugin = "" if name == config.use else f" ({config.use})"
        raise ConfigError(
            f"source {name}{plugin} cannot judge {named.way}",
            where=f"sources.{name}.way",
            hint=f"it can judge {', '.join(source.info.takes)}",
        )
    return named


class Sources(Mapping[str, NamedSource]):
    """The sources of an experiment by name, each built when it is first asked for.

    A source may hold what no other process can take over, so a pickled ``Sources`` leaves them out
    and builds those that are used there anew, from the same options; one that is not the same then
    (a file that its options name was edited) is an error.

    Args:
        config: The experiment.
        path: The experiment file; files in options are relative to it.
    """

    def __init__(self, config: RunConfig, path: Path) -> None:
        self._config = config.sources
        self._options = {
            name: {key: _beside(path, value, key) for key, value in entry.options.items()}
            for name, entry in config.sources.items()
        }
        for name, said in {**config.data.labels, **config.data.preferences}.items():
            if isinstance(said, str) or name in config.data.preferences:
                self._options[name] = own_columns(name, self._options[name])
        for name, entry in config.sources.items():
            self._options[name] = _of_file(name, entry.use, self._options[name])
        self._built: dict[str, NamedSource] = {}
        self._known: dict[str, SourceInfo] = {}

    def __getitem__(self, name: str) -> NamedSource:
        """Return a source.

        Raises:
            KeyError: The experiment has none of that name.
            PluginError: It is unknown to the plugins or broken, or its options are wrong.
            ConfigError: It cannot judge the way it is asked to.
            HarnessError: It is not the same as in the process that handed it over.
        """
        if name not in self._built:
            named = _named(name, self._config[name], self._options[name])
            if self._known.get(name, named.info).version != named.info.version:
                raise HarnessError(
                    f"source {name} changed during the run\n"
                    "  hint: a file that its options name was edited; run again"
                )
            self._built[name] = named
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names in the order of the experiment."""
        return iter(self._config)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._config)

    def options(self, name: str) -> Mapping[str, Any]:
        """Return the options of a source, files beside the experiment by their paths."""
        return self._options[name]

    def __getstate__(self) -> dict[str, Any]:
        """Return options, and who the built sources are."""
        known = self._known | {name: source.info for name, source in self._built.items()}
        return {**self.__dict__, "_built": {}, "_known": known}


def build_sources(config: RunConfig, path: Path) -> Sources:
    """Build every source of an experiment; files in options are relative to the experiment file.

    Raises:
        PluginError: A source is unknown or broken, or its options are wrong.
        ConfigError: A source cannot judge the way it is asked to.
    """
    sources = Sources(config, path)
    for name in sources:
        sources[name]
    return sources


def own_columns(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of ``human_csv`` with the columns that are called as they are meant.

    Labels of nobody in particular are of one person, who is called like the source.

    Raises:
        DataError: There is no such file, or it cannot be read.
    """
    known = "item response response_a response_b annotator label criterion comment shown".split()
    columns = table_of(options).columns
    found = {column: column for column in known if column in columns}
    found["item"] = item_column(columns)
    if not {"annotator", "annotator_name"} & {*found, *options}:
        found["annotator_name"] = name
    return {**found, **options}


def _of_file(name: str, use: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options; where those of ``human_csv`` name no column, with ``own_columns``."""
    about = {"file", "encoding", "delimiter", "sheet", "items", "responses"}
    if use != LABELS or not (options.get("file") and options.keys() <= about):
        return dict(options)
    return own_columns(name, options)


def table_of(options: Mapping[str, Any]) -> Table:
    """Read the table that options of ``human_csv`` name.

    Raises:
        DataError: There is no such file, or it cannot be read.
    """
    from harness.labels.exports import read_label_table

    encoding, delimiter, sheet = (
        str(options.get(key, "")) for key in ("encoding", "delimiter", "sheet")
    )
    path = Path(str(options.get("file", "")))
    return read_label_table(path, encoding=encoding, delimiter=delimiter, sheet=sheet)


def _beside(config_path: Path, value: Any, key: str) -> Any:
    """Return the path of a file that an option names beside the experiment file; else the value.

    Likewise the folder of each model that the option ``model`` names.

    A bare word is a name, such as a rubric's, even where a file happens to be called so.
    """
    if key == "model" and isinstance(value, str | list):
        names = [value] if isinstance(value, str) else value
        found = [beside(config_path.parent, n) if isinstance(n, str) else n for n in names]
        if found != names:
            return found[0] if isinstance(value, str) else found
    if isinstance(value, str) and "\0" not in value and len(value) < 256 and set("./") & set(value):
        path = config_path.parent / value
        if value and not Path(value).is_absolute() and path.is_file():
            return str(path)
    return value


def check_roles(config: RunConfig, sources: Mapping[str, NamedSource]) -> None:
    """Refuse sources in roles that they cannot fill, before anything is paid for.

    Raises:
        ConfigError: A source is to judge lists other than as an evaluator, an evaluator cannot
            judge as it is asked to or has a limit, or the reference of the agreement is no source
            of people.
    """
    teaching = {name for arm in config.arms.values() for name in arm.sources}
    if config.agreement is not None:
        teaching |= config.agreement.sources
    for name, source in sources.items():
        evaluates = name in config.evaluation.evaluators and name not in teaching
        if source.way == "listwise" and not evaluates:
            raise ConfigError(
                f"source {name} cannot judge lists in an experiment, which has pairs and single"
                " responses",
                where=f"sources.{name}.way",
                hint="harness judge --way listwise judges lists, and harness aggregate takes them;"
                " an evaluator may rank the arms",
            )
    for name, read in config.evaluation.evaluators.items():
        source = sources[name]
        if source.config.limit is not None:
            raise ConfigError(
                f"evaluator {name} has a limit, but it must judge every policy alike",
                where=f"sources.{name}.limit",
            )
        check_evaluator(source, read.way, len(config.arms), read.margin)
        if source.compares(read.way):
            _check_roles_of_pairs(name, config)
    if config.agreement is not None:
        kind = sources[config.agreement.reference].info.kind
        if kind != "human":
            raise ConfigError(
                f"source {config.agreement.reference} is a {kind}, not people",
                where="agreement.reference",
            )
        for index, gate in enumerate(config.agreement.gates):
            if gate.against and sources[gate.against].info.kind == "judge":
                raise ConfigError(
                    f"source {gate.against} is a judge: that two judges agree does not show that"
                    " either is right",
                    where=f"agreement.gates.{index}.against",
                )


def check_evaluator(
    source: NamedSource, way: Way | None, arms: int, margin: float | None = None
) -> None:
    """Refuse an evaluator that cannot judge as it is asked to, before anything is paid for.

    Args:
        source: The evaluator.
        way: How it is asked; None for single responses where it can.
        arms: How many policies there are besides base.
        margin: A change of its mean within this counts as none.

    Raises:
        ConfigError: See above.
        InputError: The margin is none.
    """
    from harness.evaluate import EvaluatorInfo

    name, asked = source.name, source.evaluates(way)
    EvaluatorInfo(name, source.info.kind, margin=margin, way=asked)
    where = f"evaluation.evaluators.{name}"
    if asked not in source.info.takes:
        can = ", ".join(source.info.takes)
        raise ConfigError(f"evaluator {name} cannot judge {asked}: it judges {can}", where=where)
    if asked == "pointwise":
        return
    if source.info.kind == "human":
        raise ConfigError(
            f"evaluator {name} cannot compare policies: people are not asked each pair twice",
            where=where,
            hint="harness label-pairs draws pairs for people, whose win rate comes into the report",
        )
    if isinstance(source.source, JudgeSource) and not source.source.both_orders:
        raise ConfigError(
            f"evaluator {name} shows a pair in one order only, so that it may go by the place",
            where=f"sources.{name}.options.both_orders",
            hint="say both_orders: true",
        )
    if asked == "listwise" and arms < 2:
        raise ConfigError(
            f"evaluator {name} cannot rank one policy and base, which are a pair",
            where=where,
            hint="say way: pairwise",
        )


def _check_roles_of_pairs(name: str, config: RunConfig) -> None:
    """Refuse an evaluator of pairs where the score of a single response is needed."""
    of = config.evaluation
    if of.monitor == name:
        raise ConfigError(
            f"evaluator {name} compares responses with base's, so that it cannot be watched in"
            " training, where single ones are scored",
            where="evaluation.monitor",
        )
    others = [pair for pair in of.contrasts if "base" not in pair]
    if of.primary == name and others:
        raise ConfigError(
            f"evaluator {name} compares arms with base, not {others[0][0]} with {others[0][1]}",
            where="evaluation.contrasts",
        )
