"""What a training will need: counted, measured, told, and refused where it is not there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.nouns.errors import ConfigError
from harness.policy.models import load_policy
from harness.policy.shape import Shape, measured, shape_of
from harness.train import memory
from harness.train.memory import Use, estimate
from harness.train.reward_function import WeightedRewards
from harness.train.settings import TrainerSettings
from harness.train.table import TRAINERS
from harness.train.trainers import settings_of, trainer_class
from harness.train.training import TrainOptions

torch = pytest.importorskip("torch", reason="the extra train is not installed")

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

ONLINE = [name for name in TRAINERS if trainer_class(name).needs == "rewards"]
ROW = {"prompt": "2+3?", "completion": "5.", "chosen": "5.", "rejected": "6."}


@pytest.fixture(scope="module")
def qwen() -> Shape:
    """Qwen2.5-0.5B."""
    from transformers import Qwen2Config

    sizes = {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24}
    return measured(
        Qwen2Config(
            vocab_size=151_936,
            num_attention_heads=14,
            num_key_value_heads=2,
            tie_word_embeddings=True,
            **sizes,  # type: ignore[arg-type]
        )
    )


BASE = Use(tokens=16_244, longest=524, autocast=True, chunk=2**28, sampled=64)
ON_A_CARD = [
    (75.2, replace(BASE, copies=1, critic=True)),
    (40.3, replace(BASE, copies=1)),
    (25.2, replace(BASE, copies=1, critic=True, recomputed=True)),
    (30.5, replace(BASE, lora=16)),
    (65.1, replace(BASE, tokens=64 * 524)),
]
"""Peak GB of one H200 (docs/gpu.md), 64 completions of 512 tokens: PPO with all weights, with one
body, recomputed, with LoRA 16, and TRL's GRPO without a reference."""


@pytest.mark.parametrize(("peak", "use"), ON_A_CARD)
def test_the_estimate_is_what_a_card_measured(peak: float, use: Use, qwen: Shape) -> None:
    assert qwen.parameters == 494_032_768
    assert sum(estimate(qwen, use).values()) == pytest.approx(peak, rel=0.1)


def test_a_default_training_of_half_a_billion_weights_fits_40_gb(qwen: Shape) -> None:
    """The passes are of fewer tokens; with 16,384 of them it took 75."""
    from harness.train.ppo_settings import PpoSettings

    use = replace(ON_A_CARD[0][1], tokens=PpoSettings().pass_tokens)
    assert 25 < sum(estimate(qwen, use).values()) < 37


def test_parts_by_hand() -> None:
    """1,000 weights, of which 600 in layers; an adapter of rank 2 on edges of 50 has 100."""
    shape = Shape(1000, 1000, 600, 50, 0, 2, 10, 40, 2, 5, 7, "sdpa")
    whole = {part: gb * 1e9 for part, gb in estimate(shape, Use(3, 3, copies=1)).items()}
    # A token keeps 42 * 10 + 4 * 40 in each of 2 layers, and 3 * 10 float32 numbers at the ends.
    layers = pytest.approx(3 * (2 * 580 + 120))
    assert whole.pop("activations") == layers
    fixed = {"weights": 4000, "gradients": 4000, "optimizer": 8000, "reference": 4000}
    assert whole == pytest.approx(fixed)
    small = {p: gb * 1e9 for p, gb in estimate(shape, Use(3, 3, 2, "bfloat16")).items()}
    assert small.pop("activations") == pytest.approx(3 * (2 * 340 + 120))
    assert small == pytest.approx({"weights": 2400, "gradients": 400, "optimizer": 800})
    both = estimate(shape, Use(3, 3, dtype="bfloat16", critic=True, others=5))
    assert both["critic"] * 1e9 == pytest.approx(1000 * 16)
    assert both["optimizer"] * 1e9 == pytest.approx(12_000)
    assert both["reward models"] * 1e9 == pytest.approx(5)
    # Sampling holds more than an update here: 4 * 90 * 3 * 2 * 5 * 4, and 90 * 7 * 28.
    many = estimate(shape, Use(3, 3, sampled=90))
    assert many["key-value cache"] * 1e9 == pytest.approx(43_200)
    assert many["vocabulary"] * 1e9 == pytest.approx(17_640)
    assert "activations" not in many


def test_the_head_by_hand() -> None:
    """10,000 weights of 100 tokens; a copy in bfloat16, a float32 sum, and their own gradient."""
    shape = Shape(30_000, 30_000, 600, 50, 0, 2, 100, 40, 2, 5, 100, "sdpa")

    def head(**use: Any) -> float:
        return estimate(shape, Use(3, 3, **use)).get("vocabulary", 0) * 1e9

    assert head() == 0
    assert head(chunk=7) == pytest.approx(21 + 40_000)
    assert head(chunk=7, autocast=True) == pytest.approx(21 + 60_000)
    assert head(chunk=7, dtype="bfloat16") == pytest.approx(21 + 60_000)
    assert head(chunk=7, lora=2) == pytest.approx(21)
    assert head(whole=9) == pytest.approx(14 * 9 * 100)
    assert head(looked=90) == pytest.approx(14 * 90 * 100)


def test_logits_that_are_made_at_once_are_counted(tmp_path: Path) -> None:
    """Of a model that caps them, in updates of ppo and in looks of the monitor."""
    from architectures import config_of

    from harness.train.monitor import Monitor

    rewards = WeightedRewards({"r": lambda prompts, **_: [0.0] * len(prompts)})
    for name, bent in (("Gemma2", True), ("Gemma3Text", False)):
        config_of(name).save_pretrained(tmp_path / name)
        monitor = Monitor([ROW] * 3, max_new_tokens=5, samples=2)
        options = TrainOptions(rewards=rewards, monitor=monitor)
        settings = settings_of("ppo", {"batch_size": 8, "pass_tokens": 50}, "")
        training = trainer_class("ppo")(tmp_path / name, [ROW], settings, tmp_path, options)
        training.left_out.widest, training.new_tokens = 25, 20
        found = training.use(settings)
        assert (found.whole, found.looked) == ((40, 30) if bent else (0, 0))
        assert (found.chunk == 0) is bent


@pytest.mark.parametrize("name", ["policy_path", "gpt2_path"])
def test_sizes_are_those_of_the_loaded_model(name: str, request: pytest.FixtureRequest) -> None:
    from peft import LoraConfig, get_peft_model

    path = request.getfixturevalue(name)
    shape, model = shape_of(path), load_policy(path)
    assert shape.parameters == sum(p.numel() for p in model.parameters())
    turned = name == "gpt2_path"
    kind = LoraConfig(
        r=3, target_modules="all-linear", task_type="CAUSAL_LM", fan_in_fan_out=turned
    )
    adapted = get_peft_model(model, kind)
    trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert trained == 3 * shape.edges


def test_an_adapter_has_the_sizes_of_its_base(lora_path: Path, policy_path: Path) -> None:
    assert shape_of(lora_path) == replace(shape_of(policy_path), rank=2)


def kept_of_a_token(config: Any, dtype: str) -> float:
    """Return the bytes that a layer keeps of a token for its gradient, as autograd keeps them."""
    from transformers import AutoModelForCausalLM

    totals = []
    for layers in (1, 2):
        config.num_hidden_layers = layers
        if hasattr(config, "layer_types"):
            config.layer_types = ["full_attention"] * layers
        model = AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
        weights = {p.untyped_storage()._cdata for p in model.parameters()}
        kept: dict[int, Any] = {}

        def keep(tensor: Any, kept: Any = kept, weights: Any = weights) -> Any:
            storage = tensor.untyped_storage()
            if storage._cdata not in weights:
                kept[storage._cdata] = storage
            return tensor

        ids = torch.zeros(2, 32, dtype=torch.long)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model.base_model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
        totals.append(sum(one.nbytes() for one in kept.values()) / ids.numel())
    return float(totals[1] - totals[0])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", ["Llama", "Qwen2", "Qwen3", "Mistral", "GPT2", "GPTNeoX", "OPT"])
def test_activations_are_what_autograd_keeps(family: str, dtype: str) -> None:
    """Within a fifth for what is trained today; older kinds keep less than is said."""
    import transformers

    sizes = {"vocab_size": 20, "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    wide = {"OPT": "ffn_dim", "GPT2": "n_inner"}.get(family, "intermediate_size")
    sizes |= {wide: 256, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}
    sizes |= {"word_embed_proj_dim": 64} if family == "OPT" else {}
    sizes |= {"num_key_value_heads": 2} if family in ("Llama", "Qwen2", "Qwen3", "Mistral") else {}
    config = getattr(transformers, f"{family}Config")(**sizes)
    if family == "Qwen3":
        config.head_dim = 16
    shape = measured(config)
    known = estimate(replace(shape, layers=1), Use(1, 1, dtype=dtype))["activations"]
    two = estimate(replace(shape, layers=2), Use(1, 1, dtype=dtype))["activations"]
    ratio = (two - known) * 1e9 / kept_of_a_token(config, dtype)
    assert 0.8 < ratio < (1.25 if family in ("Llama", "Qwen2", "Qwen3", "Mistral", "GPT2") else 1.8)


def little(monkeypatch: pytest.MonkeyPatch, gb: float) -> None:
    monkeypatch.setattr(memory, "available", lambda: (gb, "this machine"))


def trained(trainer: str, model: Path, out: Path, told: list[str], **settings: Any) -> Any:
    given = {"batch_size": 2, "warmup_steps": 0, **settings}
    given |= {"max_new_tokens": 4} if trainer in ONLINE else {}
    given |= {"group_size": 2, "steps": 1} if trainer in ("grpo", "rloo") else {}
    given |= (
        {"rollout_size": 4, "steps": 1, "epochs": 1} if trainer in ("ppo", "online_dpo") else {}
    )
    given |= {"held_out_share": 0.0} if trainer == "reward_model" else {}
    rewards = {"r": lambda prompts, **_: [float(n % 2) for n, _ in enumerate(prompts)]}
    online = rewards if trainer in ONLINE else None
    return trained_by(trainer, model, [ROW] * 4, given, out, online, tell=told.append)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_what_cannot_fit_is_refused_before_it_is_loaded(
    trainer: str, policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    little(monkeypatch, 0.0005)
    monkeypatch.setattr("transformers.PreTrainedModel.from_pretrained", None)
    told: list[str] = []
    with pytest.raises(ConfigError, match="the training does not fit the memory") as wrong:
        trained(trainer, policy_path, tmp_path / "out", told)
    assert "of the 0.0005 GB of this machine: " in wrong.value.details[0]
    assert "use a smaller model, or a larger card" in wrong.value.hint
    assert told == [] and not list((tmp_path / "out").iterdir())


def test_a_refusal_names_settings_with_which_it_fits(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And with one of them it is trained, in the same folder."""
    out, told = tmp_path / "out", list[str]()
    little(monkeypatch, 0.0052)
    with pytest.raises(ConfigError) as wrong:
        trained("ppo", policy_path, out, told)
    first, *ways = wrong.value.details
    assert first.startswith("memory: about 0.00")
    assert [way.split(" needs about ")[0] for way in ways] == ["critic: detached", "lora_rank: 16"]
    assert trained("ppo", policy_path, out, told, critic="detached").steps == 1
    kept = json.loads((out / "memory.json").read_text())
    assert kept["device"] == "this machine" and "critic" not in kept["estimated_gb"]
    (line,) = told
    assert line.startswith(
        f"memory: about {sum(kept['estimated_gb'].values()):.2g} GB of the 0.0052"
    )
    assert ": optimizer 0.0019, " in line


def test_a_batch_beyond_the_rows_needs_the_memory_of_the_rows(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was refused, and an accumulation of a million was named as what helps."""
    little(monkeypatch, 0.02)
    rows = [{"prompt": f"{n}+3?", "completion": "It is 5."} for n in range(3)]
    given = {"batch_size": 1_000_000, "warmup_steps": 0}
    result = trained_by("sft", policy_path, rows, given, tmp_path)
    assert (result.steps, result.used) == (1, 3)


def test_several_settings_are_named_where_one_is_not_enough(qwen: Shape) -> None:
    def use(settings: Any) -> Use:
        tokens = settings.pass_tokens
        recomputed, critic = settings.gradient_checkpointing, settings.critic == "separate"
        return replace(
            BASE, tokens=tokens, recomputed=recomputed, critic=critic, lora=settings.lora_rank,
            dtype=settings.dtype, autocast=settings.dtype == "float32",
            copies=0 if settings.lora_rank else 1,
        )  # fmt: skip

    settings = settings_of("ppo", {"critic": "separate", "pass_tokens": 16_384}, "")
    with pytest.raises(ConfigError) as wrong:
        memory.check(qwen, use, settings, 40.0, "a card")
    assert [way.split(" needs")[0] for way in wrong.value.details[1:]] == [
        "pass_tokens: 1024", "gradient_checkpointing: true", "critic: detached",
    ]  # fmt: skip
    with pytest.raises(ConfigError) as wrong:
        memory.check(qwen, use, settings, 16.0, "a card")
    (way,) = wrong.value.details[1:]
    assert way.startswith("pass_tokens: 1024, gradient_checkpointing: true, dtype: bfloat16")
    assert memory.check(qwen, use, settings, 80.0, "a card")


@pytest.mark.slow
def test_a_reference_and_the_reward_model_count(policy_path: Path, tmp_path: Path) -> None:
    class Held:
        __name__, identity, held_bytes = "held", 1, 7

        def __call__(self, prompts: Any, **_: Any) -> list[float]:
            return [0.0] * len(prompts)

    assert WeightedRewards({"a": Held(), "b": len, "c": Held()}).held_bytes == 14
    told: list[str] = []
    trained("dpo", policy_path, tmp_path / "dpo", told)
    trained("dpo", policy_path, tmp_path / "lora", told, lora_rank=2)
    assert ["reference" in line for line in told] == [True, False]


def test_available_is_a_number_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    there, where = memory.available()
    assert there > 0.5 and where
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    if not torch.cuda.is_available():
        assert memory.available() == (pytest.approx(there / 2), "the share of each of 2 processes")


def test_ranks_share_a_batch_and_what_is_sampled(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewards = WeightedRewards({"r": lambda prompts, **_: [0.0] * len(prompts)})
    settings = settings_of("grpo", {"batch_size": 16, "accumulation": 2}, "")
    options = TrainOptions(rewards=rewards)
    training = trainer_class("grpo")(policy_path, [ROW], settings, tmp_path, options)
    training.left_out.widest = 9
    for world in (1, 2):
        monkeypatch.setenv("WORLD_SIZE", str(world))
        found = training.use(settings)
        assert (found.tokens, found.sampled) == (16 * 9 // world, 32 // world)
        passes = memory._ways(settings, training.shape)[0]
        assert passes == {"batch_size": world, "accumulation": 32 // world}


@pytest.mark.parametrize(
    ("trainer", "batch", "world", "least"),
    [
        ("kto", 16, 1, 2),
        ("kto", 16, 2, 4),
        ("kto", 3, 1, None),  # it has no half
        ("dpo", 16, 1, 1),
        ("sft", 16, 4, 4),
        ("reward_model", 12, 1, 1),
    ],
)
def test_the_smallest_batch_that_a_trainer_takes_is_named(
    trainer: str, batch: int, world: int, least: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(world))
    shape = Shape(1000, 1000, 600, 50, 4, 2, 10, 40, 2, 5, 7, "sdpa")
    ways = memory._ways(settings_of(trainer, {"batch_size": batch}, ""), shape)
    found = [way for way in ways if "batch_size" in way]
    wanted = [{"batch_size": least, "accumulation": batch // least}] if least else []
    assert found == wanted


def test_ways_that_are_taken_already_are_not_named() -> None:
    shape = Shape(1000, 1000, 600, 50, 4, 2, 10, 40, 2, 5, 7, "sdpa")
    settings = TrainerSettings(batch_size=1, gradient_checkpointing=True, dtype="bfloat16")
    assert memory._ways(settings, shape) == []
