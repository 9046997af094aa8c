"""Settings of trainers: their ranges, and what is said of a wrong one. Light to import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from harness.nouns.nearest import did_you_mean
from harness.train.trl_fields import KEPT, is_field, own_name


def _number(value: Any) -> Any:
    """Return the number that a text is: YAML reads 1e-4 as a text, because it has no dot."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Number = Annotated[float, BeforeValidator(_number)]
# Upper ends are far above what anybody trains with, and far below what overflows or never ends.
Size = Annotated[int, Field(ge=1, le=1_000_000)]
Steps = Annotated[int, Field(ge=1, le=1_000_000_000)]
Passes = Annotated[Number, Field(gt=0, le=10_000)]
NotNegative = Annotated[Number, Field(ge=0, le=1_000_000)]
Positive = Annotated[Number, Field(gt=0, le=1_000_000)]
# Below the lower end logits over it may be infinite, above the upper one all tokens are alike.
Temperature = Annotated[Number, Field(ge=0.001, le=100)]
Share = Annotated[Number, Field(ge=0, le=1)]


def _several(value: Any) -> Any:
    """Return a list, a single name or "none" as a tuple."""
    if isinstance(value, str):
        return () if value == "none" else (value,)
    return tuple(value) if isinstance(value, list) else value


Trackers = Annotated[
    tuple[Literal["tensorboard", "trackio", "wandb", "mlflow"], ...], BeforeValidator(_several)
]

Schedule = Literal[
    "constant", "linear", "cosine", "cosine_with_restarts", "polynomial", "inverse_sqrt",
    "cosine_with_min_lr", "cosine_warmup_with_min_lr", "warmup_stable_decay",
]  # fmt: skip
"""Schedules of transformers, but for those that follow an evaluation, which is not made here."""

Names = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_several)]

UNSET: Any = None
"""Default of a setting that depends on the training (`rate`, `warm_up`); refused as a value."""


class TrainerSettings(BaseModel):
    """What every gradient trainer has.

    Attributes:
        learning_rate: Peak of the schedule; by default 1e-6, ten times that with LoRA.
        warmup_steps: Steps of linear warm-up, fewer than there are; by default 5, at most a fifth
            of all.
        schedule: Of the learning rate after the warm-up, in the words of transformers; what it
            takes besides is trl.lr_scheduler_kwargs.
        batch_size: Examples in one forward and backward pass, over all processes together.
        accumulation: Passes for one optimizer step.
        max_grad_norm: Gradients are clipped to this norm; at 0 nothing would move.
        weight_decay: Of AdamW: the share of a weight that is taken at a learning rate of 1.
        max_length: Upper limit of prompt and completion together, in tokens; one of each at least.
        lora_rank: Train a LoRA adapter of this rank instead of all weights; 0 trains all.
        lora_alpha: What the adapter is scaled by, over its rank; by default twice the rank.
        lora_dropout: Share of the adapter's inputs that is left out at random in updates; not where
            completions are sampled while it trains.
        lora_target_modules: Layers that the adapter is put on, by the ends of their names; by
            default all-linear, which is all linear layers but the head.
        chat_template_kwargs: What the model's chat template is told besides the chat, as
            ``enable_thinking: false``; the policy keeps it and is asked with it ever after.
        checkpoint_every: Steps between the states from which a killed training goes on.
        report_to: Trackers that get every row of the log, one or a list of them; each needs its
            package.
        gradient_checkpointing: Whether updates make the activations of each layer again in place of
            keeping them: less memory for a third more time.
        dtype: Of the weights. bfloat16 halves them, their gradients and, with LoRA, most of all
            that stands there; the optimizer then moves float32 copies of what is trained, so that
            no small step is lost.
        attn_implementation: What computes attention, in the words of transformers, which chooses by
            default; flash_attention_2 and 3 need packages of their own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    default_rate: ClassVar[float] = 1e-6
    least_batch: ClassVar[int] = 1
    """Sequences of a batch that each process needs."""

    elsewhere: ClassVar[frozenset[str]] = frozenset({"report_to", "log_completions"})
    """Settings that say where something is or goes, on which the result does not depend."""

    # AdamW moves a weight by about the rate in each step; weights are far below 1.
    learning_rate: Number = Field(default=UNSET, gt=0, le=1)
    warmup_steps: int = Field(default=UNSET, ge=0, le=1_000_000_000)
    schedule: Schedule = "constant"
    batch_size: Size = 32
    accumulation: Size = 1
    max_grad_norm: Positive = 1.0
    weight_decay: Share = 0.0
    max_length: int = Field(default=1024, ge=2, le=1_000_000_000)
    chat_template_kwargs: dict[str, Any] = {}
    lora_rank: int = Field(default=0, ge=0, le=65_536)
    lora_alpha: Positive = UNSET
    lora_dropout: Number = Field(default=0.0, ge=0, lt=1)
    lora_target_modules: Names = UNSET
    checkpoint_every: Steps = 50
    report_to: Trackers = ()
    gradient_checkpointing: bool = False
    dtype: Literal["float32", "bfloat16"] = "float32"
    attn_implementation: Literal[
        "sdpa", "eager", "flash_attention_2", "flash_attention_3", "flex_attention"
    ] = UNSET

    @model_validator(mode="after")
    def _of_an_adapter(self) -> TrainerSettings:
        if not self.lora_rank:
            for name in ("lora_alpha", "lora_dropout", "lora_target_modules"):
                if getattr(self, name):
                    raise ValueError(f"{name}: no new adapter is trained; set lora_rank, too")
        return self

    def given(self) -> dict[str, Any]:
        """Return the settings that are no defaults."""
        return self.model_dump(exclude_unset=True)

    def rate(self, lora: bool) -> float:
        """Return the learning rate: that of all weights hardly moves an adapter."""
        return self.learning_rate or self.default_rate * (10 if lora else 1)

    def warm_up(self, steps: int) -> int:
        """Return the steps of warm-up in a training of so many steps."""
        return min(5, steps // 5) if self.warmup_steps is None else self.warmup_steps


class TrlSettings(TrainerSettings):
    """What every trainer has that is one of TRL's.

    Attributes:
        trl: Fields of TRL's configuration by name, passed on as they are; those that are settings
            here, or that the harness needs, are refused.
    """

    trl_config: ClassVar[str]
    """Name of TRL's configuration."""

    trl: dict[str, Any] = {}

    @model_validator(mode="after")
    def _known_to_trl(self) -> TrlSettings:
        from importlib.util import find_spec

        if self.trl and find_spec("trl"):
            from harness.train.trl_fields import problems_with

            problems = problems_with(self.trl_config, self.trl, type(self).model_fields)
            if not self.gradient_checkpointing:
                problems += [
                    f"trl.{name}: would do nothing without gradient_checkpointing"
                    for name in self.trl
                    if name in ("activation_checkpointing_kwargs", "gradient_checkpointing_kwargs")
                ]
            if problems:
                raise ValueError("\n".join(problems))
        return self


class RowSettings(TrlSettings):
    """What TRL's trainers have that pass over rows again and again.

    Attributes:
        max_steps: Optimizer steps, in place of ``epochs``.
    """

    max_steps: Steps = UNSET

    @model_validator(mode="after")
    def _one_end(self) -> RowSettings:
        if self.max_steps and "epochs" in self.model_fields_set:
            raise ValueError("epochs: max_steps says how long the training is; set one of the two")
        return self


class SamplingSettings(TrainerSettings):
    """What trainers that sample have in common.

    Attributes:
        max_new_tokens: Upper limit of a completion in tokens.
        temperature: Of sampling; every log-probability is computed at it, so it is above 0.
        reward_timeout: Seconds that an async reward function has for a batch; one that is late or
            raises has no verdict on it.
        log_completions: Whether ``completions.jsonl`` keeps each completion with its rewards.
        unproven_rewards: Whether to learn from a reward model although it ranks held-out pairs no
            better than chance (the 95% interval of its accuracy reaches down to .5).
    """

    max_new_tokens: Size = 256
    temperature: Temperature = 1.0
    reward_timeout: Positive = 600.0
    log_completions: bool = False
    unproven_rewards: bool = False


class OnlineSettings(SamplingSettings):
    """What trainers that go on sampling from what they train have in common.

    Attributes:
        steps: Rollouts, each followed by its updates.
        beta: Strength of the KL penalty; below 0 it would reward distance.
        epochs: Passes over each rollout.
        clip: Range of the probability ratio, 1 - clip to 1 + clip; from 1 on the lower end, which
            no ratio comes below, would never bind.
    """

    steps: Steps = 100
    beta: NotNegative = 0.04
    epochs: int = Field(default=1, ge=1, le=10_000)
    clip: Number = Field(default=0.2, gt=0, lt=1)

    @model_validator(mode="after")
    def _no_chance(self) -> OnlineSettings:
        if self.lora_dropout:
            raise ValueError("lora_dropout: what is sampled and scored must be one policy")
        return self


def explain(kind: type[TrainerSettings], entry: Any, values: Mapping[str, Any]) -> list[str]:
    """Return the lines of one of pydantic's errors: name, what is allowed, and the value."""
    if not entry["loc"]:  # of several settings together
        return str(entry["ctx"]["error"]).split("\n")
    name, fields = str(entry["loc"][0]), kind.model_fields
    if name not in fields:
        return [f"{name}: unknown setting; {_known(kind, name)}"]
    return [f"{name}: must be {allowed(fields[name])}, got {values[name]!r}"]


def _known(kind: type[TrainerSettings], name: str) -> str:
    """Return what may be meant by a name that is no setting."""
    fields = kind.model_fields
    if own := own_name(name, fields):
        return f"it is {own} here"
    if name == "warmup_ratio":
        return "warmup_steps is a number of steps: this share of all of them"
    if name in KEPT:
        return f"cannot be set: {KEPT[name]}"
    if near := did_you_mean(name, fields):
        return near
    from importlib.util import find_spec

    if issubclass(kind, TrlSettings) and find_spec("trl") and is_field(kind.trl_config, name):
        return f"it is a field of TRL: trl.{name}"
    return f"known: {', '.join(fields)}"


def allowed(field: FieldInfo) -> str:
    """Return what a setting may be, in words: "a number from 0 to 1"."""
    if get_origin(field.annotation) is Literal:
        return " or ".join(get_args(field.annotation))
    if get_origin(field.annotation) is tuple:
        one = " or ".join(get_args(get_args(field.annotation)[0])) or "a text"
        return f"{one}, or a list of them"
    if get_origin(field.annotation) is dict:
        return "a mapping of names to values"
    words: dict[Any, str] = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a text",
    }
    text = words[field.annotation]
    limits = {Ge: "of at least", Gt: "above", Le: "of at most", Lt: "below"}
    bounds = [
        f"{limits[type(limit)]} {getattr(limit, type(limit).__name__.lower()):,.10g}"
        for limit in sorted(field.metadata, key=lambda found: isinstance(found, Le | Lt))
        if type(limit) in limits
    ]
    return " ".join([text, " and ".join(bounds)]).strip()
