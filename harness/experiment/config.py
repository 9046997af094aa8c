"""RunConfig: the experiment file, strictly checked before any work is paid for."""

from __future__ import annotations

import hashlib
import types
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_serializer,
    model_serializer,
    model_validator,
)

from harness.evaluate.scores import Direction
from harness.experiment.gate_config import AgreementConfig, Strict
from harness.feedback.contract import TIMEOUT_S
from harness.nouns.errors import ConfigError
from harness.nouns.hashing import MAX_SEED
from harness.nouns.nearest import did_you_mean
from harness.nouns.redaction import keep_secrets_in_text, redact, shown
from harness.nouns.schema import Way
from harness.statistics.falls import FEWEST_SAMPLES
from harness.train.settings import Size, Temperature


def _makes_policy(trainer: str) -> str:
    from harness.train.table import TRAINERS
    from harness.train.trainers import trainer_class

    known = [name for name in TRAINERS if trainer_class(name).makes_policy]
    if trainer not in known:
        hint = did_you_mean(trainer, known) or f"known: {', '.join(known)}"
        raise ValueError(f"no trainer of policies is named {trainer!r}; {hint}")
    return trainer


LABELS = "human_csv"
"""The source that reads labels of people."""

Trainer = Annotated[str, AfterValidator(_makes_policy)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _one_or_more(files: Any) -> Any:
    return [files] if isinstance(files, str) else files


class ItemsConfig(Strict):
    """Where items come from.

    Attributes:
        file: JSONL file of items, relative to the experiment file.
        limit: Use only the first of them.
    """

    file: str
    limit: int | None = Field(default=None, gt=0)


class DataConfig(Strict):
    """Items to train on and held-out items to evaluate on, and what was made of them elsewhere.

    Attributes:
        train: Items to train on.
        evaluation: Held-out items; none of them is trained on.
        responses: JSONL files of responses to the items of ``train``: nothing is sampled then.
        labels: Sources of people by name: a table that ``harness import-labels`` or the label page
            wrote, or options of ``human_csv``.
        preferences: Likewise, and their texts are the responses: files of ``chosen`` and
            ``rejected``, or of ``text_a`` and ``text_b``.
    """

    train: ItemsConfig
    evaluation: ItemsConfig
    responses: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = ()
    labels: dict[str, str | dict[str, Any]] = Field(default_factory=dict)
    preferences: dict[str, str | dict[str, Any]] = Field(default_factory=dict)


KWARGS = "chat_template_kwargs"


class PolicyConfig(Strict):
    """The base model and how it answers.

    Attributes:
        model: Folder of a transformers checkpoint (relative to the experiment file), or a hub id.
        responses_per_item: Responses sampled for each training item; at least two, to make pairs.
        temperature: Sampling temperature, for collecting and for evaluating.
        max_new_tokens: Upper limit of a response.
        chat_template_kwargs: What the model's chat template is told besides the chat, in sampling
            and, unless an arm says otherwise, in training.
    """

    model: str
    responses_per_item: int = Field(default=2, ge=2)
    temperature: Temperature = 1.0
    max_new_tokens: Size = 256
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what says nothing: results that were made without it stay."""
        found: dict[str, Any] = write(self)
        return {key: one for key, one in found.items() if key != KWARGS or one}


class SourceConfig(Strict):
    """One feedback source.

    Attributes:
        use: Name of the plugin's source.
        options: Options of that source.
        way: Judge responses one by one or in pairs; by default what the source can do, pairs first.
        limit: At most this many requests are put to it, the first ones.
    """

    use: str
    options: dict[str, Any] = Field(default_factory=dict)
    way: Way | None = None
    limit: int | None = Field(default=None, gt=0)


class ArmConfig(Strict):
    """One way of training.

    Attributes:
        title: Shown in the report.
        sources: Where the feedback comes from. Pairwise sources give preferences (for online
            trainers, a reward model learns from them); pointwise ones give rewards.
        aggregation: How judgments of several sources become one.
        trainer: One of the table of trainers: sft (on chosen responses), dpo, grpo, ppo, ...
        weights: Share of each source; 1 by default, times what a gate leaves.
        settings: Settings of the trainer.
        reward_model: Settings of the reward model that online trainers learn from pairs.
    """

    title: str = ""
    sources: tuple[str, ...] = Field(min_length=1)
    aggregation: str = "majority"
    trainer: Trainer
    weights: dict[str, Share] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)
    reward_model: dict[str, Any] = Field(default_factory=dict)

    @property
    def online(self) -> bool:
        """Whether the trainer learns from rewards, for which it asks pointwise sources itself."""
        from harness.train.trainers import trainer_class

        return trainer_class(self.trainer).needs == "rewards"

    def moves(self) -> dict[str, Any]:
        """Return what may change the result: not where a server is, or who is told of it."""
        from harness.train.trainers import trainer_class

        elsewhere = trainer_class(self.trainer).Settings.elsewhere
        kept = {name: value for name, value in self.settings.items() if name not in elsewhere}
        return self.model_dump(mode="json") | {"settings": kept}


PLANNED = ("primary", "contrasts")


class EvaluatorConfig(Strict):
    """How an evaluator is asked, and how its scores are read.

    Attributes:
        way: ``pointwise`` scores single responses. ``pairwise`` compares each with base's, and
            ``listwise`` ranks those of all arms and base: the score of an arm is then its win rate
            against base. By default pointwise where the source can, else pairwise.
        direction: Which scores are better, ``higher`` or ``lower``.
        margin: A change of the mean within this counts as none, on the scale from 0 to 1.
    """

    way: Way | None = None
    direction: Direction = "higher"
    margin: float | None = Field(default=None, gt=0, lt=1)


def _by_name(given: Any) -> Any:
    """Return a list of names as a mapping; a name alone is read as every other one."""
    if isinstance(given, list | tuple) and all(isinstance(name, str) for name in given):
        repeated = sorted({name for name in given if given.count(name) > 1})
        if repeated:
            raise ValueError(f"{', '.join(repeated)} stands there twice")
        return {name: {} for name in given}
    if isinstance(given, dict):
        return {name: {} if how is None else how for name, how in given.items()}
    return given


class EvaluationConfig(Strict):
    """Held-out evaluation.

    Attributes:
        evaluators: Sources that judge every policy: a list of names, or a mapping of names to how
            they are asked and their scores are read.
        responses_per_item: Responses sampled for each held-out item and policy.
        monitor: The evaluator that is watched during training as the gold reward.
        monitor_every: Steps between two looks.
        monitor_samples: Responses for each prompt of a look; fewer than 4 cannot tell whether gold
            fell.
        primary: The evaluator that decides, named before anything is trained.
        contrasts: The pairs of arms (or base) that are to be compared by it; each arm with base
            where none are named.
    """

    evaluators: Annotated[dict[str, EvaluatorConfig], BeforeValidator(_by_name)] = Field(
        min_length=1
    )
    responses_per_item: int = Field(default=1, ge=1)
    monitor: str | None = None
    monitor_every: int = Field(default=10, gt=0)
    monitor_samples: int = Field(default=FEWEST_SAMPLES, ge=1)
    primary: str | None = None
    contrasts: tuple[tuple[str, str], ...] = ()

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out a plan that nobody made: reports that were made without it stay."""
        found: dict[str, Any] = write(self)
        return {key: one for key, one in found.items() if key not in PLANNED or one}

    @field_serializer("evaluators")
    def _as_written(self, evaluators: dict[str, EvaluatorConfig]) -> Any:
        """Return names alone where nothing else is said."""
        said = {name: one.model_dump(exclude_defaults=True) for name, one in evaluators.items()}
        return said if any(said.values()) else list(said)


Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PricesConfig(Strict):
    """What is paid for that the harness cannot see; nothing is guessed.

    Attributes:
        label_usd: Dollars for one label of a person.
        hour_usd: Dollars for an hour of the machine, which asks for feedback and trains.
    """

    label_usd: Price | None = None
    hour_usd: Price | None = None


PRICES = "prices"


class RunConfig(Strict):
    """The whole experiment.

    Attributes:
        name: Name of the run directory under reports/.
        description: A sentence or two for the report.
        seeds: One training per arm and seed.
        parallel: Trainings at once; by default one per GPU, and without any one per core.
        budget_usd: The run stops before it spends more.
        concurrency: Judgments in flight at once for each source.
        timeout: Seconds for one response, of verifiers that have no limit of their own.
        prices: Of labels and hours, for the costs in the report.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    parallel: int | None = Field(default=None, gt=0)
    budget_usd: float | None = Field(default=None, ge=0)
    concurrency: int = Field(default=32, gt=0)
    timeout: float = Field(default=TIMEOUT_S, gt=0, allow_inf_nan=False)
    data: DataConfig
    policy: PolicyConfig
    sources: dict[str, SourceConfig]
    agreement: AgreementConfig | None = None
    arms: dict[str, ArmConfig] = Field(min_length=1)
    evaluation: EvaluationConfig
    prices: PricesConfig = Field(default_factory=PricesConfig)

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out prices that nobody named: reports that were made without them stay."""
        found: dict[str, Any] = write(self)
        given = self.prices != PricesConfig()
        return {key: one for key, one in found.items() if key != PRICES or given}

    @model_validator(mode="before")
    @classmethod
    def _labels_are_sources(cls, content: Any) -> Any:
        """Add a source for each entry of ``data.labels`` and ``data.preferences``."""
        if not isinstance(content, dict):
            return content
        data, sources = content.get("data"), content.get("sources", {})
        if not (isinstance(data, dict) and isinstance(sources, dict)):
            return content
        sources = dict(sources)
        for key in ("labels", "preferences"):
            given = data.get(key)
            for name, said in given.items() if isinstance(given, dict) else ():
                if name in sources:
                    raise ValueError(f"data.{key}: there is another source {name!r}")
                options = {"file": said} if isinstance(said, str) else said
                sources[name] = {"use": LABELS, "options": options}
        return {**content, "sources": sources}

    @model_validator(mode="after")
    def _names_exist(self) -> RunConfig:
        problems = []

        def need(name: str, place: str) -> None:
            if name not in self.sources:
                hint = did_you_mean(name, self.sources, ", ")
                problems.append(f"{place}: no source is named {name!r}{hint}")

        def once(names: tuple[str, ...], place: str) -> None:
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                problems.append(f"{place}: {', '.join(repeated)} stands there twice")

        for arm, config in self.arms.items():
            once(config.sources, f"arms.{arm}.sources")
            for name in config.sources:
                need(name, f"arms.{arm}.sources")
            for name in config.weights:
                if name not in config.sources:
                    problems.append(f"arms.{arm}.weights: {name!r} is not among the arm's sources")
        for name in self.evaluation.evaluators:
            need(name, "evaluation.evaluators")
        if self.evaluation.monitor and self.evaluation.monitor not in self.evaluation.evaluators:
            problems.append("evaluation.monitor: must be one of the evaluators")
        problems += self._unplanned()
        if self.agreement:
            need(self.agreement.reference, "agreement.reference")
            for index, gate in enumerate(self.agreement.gates):
                need(gate.source, f"agreement.gates.{index}.source")
                if gate.against:
                    need(gate.against, f"agreement.gates.{index}.against")
        if "base" in self.arms:
            problems.append("arms.base: the name is taken by the untrained policy")
        if len(set(self.seeds)) != len(self.seeds):
            problems.append(f"seeds: repeated in {list(self.seeds)}")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _unplanned(self) -> list[str]:
        """Return what is wrong with what is said before."""
        of, known = self.evaluation, ["base", *self.arms]
        problems = []
        if of.primary and of.primary not in of.evaluators:
            hint = did_you_mean(of.primary, of.evaluators, ", ")
            problems.append(f"evaluation.primary: {of.primary!r} is no evaluator{hint}")
        if of.contrasts and not of.primary:
            problems.append("evaluation.contrasts: name evaluation.primary, which decides them")
        for index, pair in enumerate(of.contrasts):
            place = f"evaluation.contrasts.{index}"
            problems += [
                f"{place}: no arm is named {name!r}{did_you_mean(name, known, ', ')}"
                for name in pair
                if name not in known
            ]
            if pair[0] == pair[1]:
                problems.append(f"{place}: {pair[0]} is compared with itself")
        return problems


def read_config(path: Path) -> tuple[RunConfig, str]:
    """Return what stands in an experiment file, checked, and the SHA-256 of its bytes.

    Raises:
        ConfigError: The file is missing, is not YAML, or has repeated, unknown, missing or wrong
            keys; one error for all of them.
    """
    from harness.nouns.plain_text import file_bytes, utf8
    from harness.nouns.yaml_file import parse_yaml

    written = file_bytes(path, ConfigError)
    keep_secrets_in_text(written.decode(errors="replace"))  # a message may quote the file
    try:
        content = parse_yaml(utf8(written, path, ConfigError))
    except ValueError as error:
        raise ConfigError(redact(str(error)), where=str(path)) from error
    if not isinstance(content, dict):
        raise ConfigError("an experiment file is a mapping of keys", where=str(path))
    try:
        return RunConfig.model_validate(content), hashlib.sha256(written).hexdigest()
    except ValidationError as error:
        raise ConfigError(
            "the experiment file is wrong",
            where=str(path),
            details=[line for entry in error.errors() for line in explain(entry)],
        ) from error


def explain(entry: Any) -> list[str]:
    """Return one line per problem, with its key and the nearest known one."""
    place = ".".join(str(part) for part in entry["loc"])
    if entry["type"] == "value_error":
        lines = str(entry["ctx"]["error"]).split("\n")
        return [f"{place}: {line}" if place else line for line in lines]
    if entry["type"] == "extra_forbidden":
        known = _known_keys(entry["loc"][:-1])
        hint = did_you_mean(str(entry["loc"][-1]), known) or f"known: {', '.join(known)}"
        return [f"{place}: unknown key; {hint}"]
    if entry["type"] == "missing":
        return [f"{place}: missing"]
    if entry["type"] in ("dict_type", "model_type"):
        return [f"{place}: must be a mapping of names to values, got {_given(entry)}"]
    return [f"{place}: {entry['msg']}, got {_given(entry)}"]


def _given(entry: Any) -> str:
    """Return what was given in the place of a problem, without secrets."""
    return shown(entry["input"], str(entry["loc"][-1]) if entry["loc"] else "", 60)


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the model at a location knows."""
    model: Any = RunConfig
    for part in location:
        # A mapping or list of models takes one more step, its key or index, to its model.
        model = model.model_fields[str(part)].annotation if _is_model(model) else _inner(model)
        if isinstance(model, types.UnionType):
            model = _inner(model)
    return list(model.model_fields) if _is_model(model) else []


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _inner(annotation: Any) -> Any:
    return next((a for a in get_args(annotation) if _is_model(a)), None)
