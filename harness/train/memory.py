"""How much memory a training will take, before it loads anything; and whether that is there.

What stands all the time follows from the sizes of the model. On top of it comes the larger of two:
what an update keeps of its tokens, or what sampling holds. The activations are an estimate: what
layers of the usual kinds keep of a token, counted in autograd, by the type they compute in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.nouns.errors import ConfigError
from harness.policy.shape import Shape
from harness.records.writes import write_json
from harness.train.ranks import ranks
from harness.train.settings import TrainerSettings

GB = 1e9

FILE = "memory.json"
"""File in the folder of a training: the estimate, in GB by part."""

HIDDEN = {"float32": 42, "autocast": 34, "bfloat16": 26}
"""Bytes that a layer keeps of a token for each of its hidden features, by what it computes in."""

WHOLE = 14
"""Bytes of each logit where all are made at once: with its float32 copy, its log-probability and
their gradients 12 to 16, counted in updates of models that scale their logits and that cap them."""

SURE = 1.15
"""An estimate that is this much above what there is cannot be wrong by so much."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a training does with its model.

    Attributes:
        tokens: Of one forward and backward pass.
        longest: Tokens of its longest sequence.
        lora: Rank of the adapter that is trained; 0 where all weights are.
        dtype: Of the weights: float32 or bfloat16.
        autocast: Whether float32 weights compute in bfloat16.
        recomputed: Whether activations are made again in place of being kept.
        copies: Frozen copies of the whole model: reference policies.
        critic: Whether a second network is trained beside the policy.
        chunk: Bytes of the float32 logits that are there at once; 0 without any.
        whole: Tokens of which all logits are there at once in an update, where the model does more
            to them than a linear layer; 0 where they are made in chunks.
        looked: The same in a look of the monitor.
        sampled: Sequences that are sampled at once.
        others: Bytes of other models.
    """

    tokens: int
    longest: int
    lora: int = 0
    dtype: str = "float32"
    autocast: bool = False
    recomputed: bool = False
    copies: int = 0
    critic: bool = False
    chunk: int = 0
    whole: int = 0
    looked: int = 0
    sampled: int = 0
    others: int = 0


def estimate(shape: Shape, use: Use) -> dict[str, float]:
    """Return GB by part, of the moment in which the most is needed."""
    size = 4 if use.dtype == "float32" else 2
    width = 2 if use.autocast else size
    trained = use.lora * shape.edges if use.lora else shape.parameters
    # AdamW keeps two float32 numbers of a weight; of a bfloat16 weight a float32 copy, too. The
    # weights of an adapter are float32.
    state = 8 if use.lora or size == 4 else 12
    each = 4 if use.lora else size
    fixed: dict[str, float] = {
        "weights": shape.parameters * size + (trained * 4 if use.lora else 0),
        "gradients": trained * each,
        "optimizer": trained * state,
        "reference": use.copies * shape.parameters * size,
        "critic": shape.body * (2 * size + (8 if size == 4 else 12)) if use.critic else 0,
        "reward models": use.others,
    }
    bodies = 2 if use.critic else 1
    update = {
        "activations": _activations(shape, use, width) * bodies
        + (2 * shape.linear * bodies if use.autocast else 0),
        "vocabulary": _head(shape, use) if use.chunk or use.whole else 0,
    }
    sampling = {
        # While a prompt is read its keys stand twice; a draw holds float32 and float64 of all.
        "key-value cache": 4 * use.sampled * use.longest * shape.layers * shape.keys * width,
        "vocabulary": use.sampled * shape.vocabulary * 28,
    }
    look = {"vocabulary": use.looked * shape.vocabulary * WHOLE}
    most = max(update, sampling, look, key=lambda parts: sum(parts.values()))
    return {part: size / GB for part, size in (fixed | most).items() if size}


def _activations(shape: Shape, use: Use, width: int) -> int:
    kind = "autocast" if use.autocast else use.dtype
    layer = HIDDEN[kind] * shape.hidden + width * shape.inner
    if shape.attention == "eager":  # it keeps the weights of all pairs of tokens
        layer += shape.heads * use.longest * (4 if kind == "float32" else 6)
    ends = 3 * shape.hidden * 4
    if use.recomputed:
        kept = shape.layers * shape.hidden * (2 if kind == "bfloat16" else 4)
        return use.tokens * (layer + kept + ends)
    return use.tokens * (shape.layers * layer + ends)


def _head(shape: Shape, use: Use) -> int:
    """Return the bytes of logits, of their head as it computes, and of its gradient.

    The gradient is a float32 sum over chunks, and another copy in the type of the weights.
    """
    weights = shape.vocabulary * shape.hidden
    copy = 2 * weights if use.autocast else 0
    if use.whole:
        return copy + WHOLE * use.whole * shape.vocabulary
    own = 0 if use.dtype == "float32" else 2
    return 3 * use.chunk + copy + (0 if use.lora else weights * (4 + own))


def told(parts: Mapping[str, float], there: float, where: str) -> str:
    """Return an estimate in one line, from the largest part to the smallest.

    Args:
        parts: GB of each.
        there: GB that there are.
        where: Of what: "NVIDIA H100", "this machine".
    """
    listed = ", ".join(
        f"{part} {_number(size)}" for part, size in sorted(parts.items(), key=lambda p: -p[1])
    )
    return (
        f"memory: about {_number(sum(parts.values()))} GB of the {_number(there)} GB of {where}:"
        f" {listed}"
    )


def _number(size: float) -> str:
    return f"{size:,.0f}" if size >= 99.5 else f"{size:,.1f}" if size >= 0.95 else f"{size:.2g}"


def check(
    shape: Shape, use: Callable[[Any], Use], settings: TrainerSettings, there: float, where: str
) -> dict[str, float]:
    """Return GB by part, or refuse what cannot fit.

    Args:
        shape: Of the model.
        use: Tells what the training does with it under some settings.
        settings: Of the training.
        there: GB that there are.
        where: Of what.

    Raises:
        ConfigError: The training cannot fit; it names the settings with which it would.
    """
    parts = estimate(shape, use(settings))
    if sum(parts.values()) <= SURE * there:
        return parts

    def needs(changes: Mapping[str, Any]) -> float:
        return sum(estimate(shape, use(settings.model_copy(update=dict(changes)))).values())

    ways, changed, helps = _ways(settings, shape), dict[str, Any](), []
    for way in ways:
        if (needed := needs(way)) <= there:
            helps.append(f"{_written(way)} needs about {_number(needed)} GB")
    for way in () if helps else ways:
        changed |= way
        if (needed := needs(changed)) <= there:
            helps.append(f"{_written(changed)} together need about {_number(needed)} GB")
            break
    raise ConfigError(
        "the training does not fit the memory",
        details=[told(parts, there, where), *helps],
        hint="change a setting that is named here"
        if helps
        else "use a smaller model, or a larger card",
    )


def _ways(settings: TrainerSettings, shape: Shape) -> list[dict[str, Any]]:
    """Return changes of settings that need less, those that change the least first."""
    made, least = settings.batch_size * settings.accumulation, settings.least_batch * ranks()
    fits = made % least == 0
    passes: dict[str, Any] = {}
    if fits:
        passes = {"batch_size": least, "accumulation": made // least}
    if "pass_tokens" in type(settings).model_fields:
        passes = {"pass_tokens": 1024}
    ways = [passes, {"gradient_checkpointing": True}, {"dtype": "bfloat16"}]
    if "critic" in type(settings).model_fields:
        ways.append({"critic": "detached"})
    if not shape.rank:
        ways.append({"lora_rank": 16})
    now = settings.model_dump()
    return [
        way
        for way in ways
        if any(now[name] != value for name, value in way.items()) and _takes(settings, way)
    ]


def _takes(settings: TrainerSettings, way: Mapping[str, Any]) -> bool:
    """Tell whether the trainer takes a change."""
    try:
        type(settings).model_validate({**settings.given(), **way})
    except ValueError:
        return False
    return True


def _written(changes: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}: {str(value).lower() if isinstance(value, bool) else value}"
        for name, value in changes.items()
    )


def write(folder: Path, parts: Mapping[str, float], there: float, where: str) -> None:
    """Write an estimate into the folder of a training."""
    rounded = {part: round(size, 4) for part, size in parts.items()}
    write_json(folder / FILE, {"estimated_gb": rounded, "of_gb": round(there, 1), "device": where})


def head_chunk() -> int:
    """Return the bytes of the logits that the harness' own head makes at once on the device."""
    import torch

    from harness.policy.head import CHUNK

    return CHUNK["cuda" if torch.cuda.is_available() else "cpu"]


def available() -> tuple[float, str]:
    """Return the GB of the device on which this process trains, and its name."""
    import os

    import torch

    if torch.cuda.is_available():
        device = torch.cuda.get_device_properties(int(os.environ.get("LOCAL_RANK", "0")))
        return device.total_memory / GB, str(device.name)
    # The processes of one machine share its memory.
    ranks = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    share = "this machine" if ranks == 1 else f"the share of each of {ranks} processes"
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(installed, _granted()) / GB / ranks, share


def _granted() -> float:
    """Return the bytes that a container may use."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return float(Path(path).read_text())
        except (OSError, ValueError):
            continue
    return float("inf")
