"""Tokenizers that know more tokens than the model has embeddings: what counts is what occurs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.nouns.errors import ChatError, ConfigError, DataError, InputError
from harness.nouns.schema import Item, Response
from harness.policy.models import load_policy, load_tokenizer
from harness.policy.respond import response_logprobs, sample_policy
from harness.policy.sampling import Sampling
from harness.train.monitor import Monitor
from harness.train.table import TRAINERS
from harness.train.trainers import trainer_class

torch = pytest.importorskip("torch", reason="the extra train is not installed")

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

ROW = {"prompt": "2+3?", "completion": "5.", "chosen": "5.", "rejected": "6."}
ONLINE = {
    "ppo": {"steps": 1, "rollout_size": 4, "epochs": 1, "max_new_tokens": 3},
    "online_dpo": {"steps": 1, "rollout_size": 4, "max_new_tokens": 3},
    "grpo": {"steps": 1, "group_size": 2, "max_new_tokens": 3},
    "rloo": {"steps": 1, "group_size": 2, "max_new_tokens": 3},
    "best_of_n": {"n": 2, "max_new_tokens": 3},
}  # fmt: skip


def reward(completion_ids: Any, **_: Any) -> list[float]:
    return [float(n % 2) for n, _ in enumerate(completion_ids)]


def trained(trainer: str, model: Path, rows: list[Any], out: Path, **options: Any) -> Any:
    settings = {"batch_size": 4, "warmup_steps": 0, **ONLINE.get(trainer, {})}
    settings |= {"held_out_share": 0.0} if trainer == "reward_model" else {}
    settings |= options.pop("settings", {})
    rewards = {"r": reward} if trainer in ONLINE else None
    return trained_by(trainer, model, rows, settings, out, rewards, **options)


@pytest.fixture(scope="module")
def narrow(policy_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy whose tokenizer has a token more than there are embeddings."""
    folder = tmp_path_factory.mktemp("narrow") / "model"
    shutil.copytree(policy_path, folder)
    tokenizer = load_tokenizer(folder)
    tokenizer.add_tokens(["§"])
    tokenizer.save_pretrained(folder)
    return folder


def changed(model: Path, folder: Path, file: str, **values: Any) -> Path:
    """Return a copy of a model with other values in one of its JSON files."""
    shutil.copytree(model, folder)
    path = folder / file
    known = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(known | values))
    return folder


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_token_without_an_embedding_is_one_error_before_the_first_step(
    trainer: str, narrow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.PreTrainedModel.from_pretrained", None)
    rows = [ROW, {**ROW, "prompt": "§2+3?"}, {**ROW, "prompt": "2+3§"}]
    with pytest.raises(DataError, match="tokens for which the model has no embedding") as wrong:
        trained(trainer, narrow, rows, tmp_path / "out")
    size = len(load_tokenizer(narrow)) - 1
    assert f"it has {size}, and its tokenizer knows {size + 1} tokens" in wrong.value.what
    assert wrong.value.details == (f"rows 2, 3: token '§' (id {size})",)
    assert "resize_token_embeddings" in wrong.value.hint


@pytest.mark.parametrize(
    ("trainer", "row"),
    [
        ("sft", {"completion": "5§"}),
        ("dpo", {"rejected": "§"}),
        ("kto", {"rejected": "§"}),
        ("reward_model", {"chosen": "5§"}),
    ],
)
def test_answers_count_as_far_as_they_are_read(
    trainer: str, row: dict[str, str], narrow: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no embedding"):
        trained(trainer, narrow, [ROW, {**ROW, **row}], tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["sft", "dpo", "ppo", "grpo", "reward_model"])
def test_a_training_in_which_it_never_occurs_goes_on(
    trainer: str, narrow: Path, tmp_path: Path
) -> None:
    """Also where it stands behind what is cut off, or in a row that is left out."""
    long = {**ROW, "completion": "5" * 60 + "§", "prompt": "4+4?"}
    lost = {**ROW, "prompt": "§" * 90, "chosen": " ", "completion": " "}
    rows = [ROW, long, lost] if trainer == "sft" else [ROW, ROW]
    settings = {"max_length": 40} if trainer == "sft" else {}
    assert trained(trainer, narrow, rows, tmp_path / "out", settings=settings).steps >= 1


def test_what_the_trainer_itself_uses_has_an_embedding(
    policy_path: Path, narrow: Path, tmp_path: Path
) -> None:
    pad = changed(narrow, tmp_path / "pad", "tokenizer_config.json", pad_token="§")
    with pytest.raises(InputError, match=r"pads with token '§' \(id \d+\)") as wrong:
        trained("sft", pad, [ROW], tmp_path / "1")
    assert "pad_token in tokenizer_config.json" in wrong.value.hint
    end = changed(narrow, tmp_path / "end", "tokenizer_config.json", eos_token="§")
    settings = {"eos_token_id": [10_000]}
    (end / "generation_config.json").write_text(json.dumps(settings))
    with pytest.raises(DataError, match="no embedding"):
        trained("sft", end, [ROW], tmp_path / "2")
    with pytest.raises(InputError, match=r"no completion could end.* '§' \(id") as wrong:
        trained("ppo", end, [ROW], tmp_path / "3")
    assert "generation_config.json" in wrong.value.hint
    with pytest.raises(InputError, match="no completion could end"):
        sample_policy(end, [Item("a", "2+3?")], Sampling(max_new_tokens=2), system="s")
    both = {"eos_token_id": [10_000, 2], "pad_token_id": 10_000}
    other = changed(policy_path, tmp_path / "other", "generation_config.json", **both)
    assert sample_policy(other, [Item("a", "2+3?")], Sampling(max_new_tokens=2), system="s")


def test_what_is_sampled_for_is_read(narrow: Path, policy_path: Path, tmp_path: Path) -> None:
    """By respond, evaluate, the monitor, and by the base of a KL divergence."""
    items = [Item("a", "2+3?"), Item("b", "§")]
    sampling = Sampling(max_new_tokens=2, seed=0)
    with pytest.raises(DataError, match="1 text with tokens") as wrong:
        sample_policy(narrow, items, sampling, system="s")
    assert wrong.value.details[0].startswith("item b: token '§'")
    assert sample_policy(narrow, items[:1], sampling, system="s")
    with pytest.raises(DataError) as wrong:
        trained("sft", narrow, [ROW], tmp_path, monitor=Monitor([{"prompt": "§"}]))
    assert wrong.value.details[0].startswith("monitored prompt 1: token '§'")
    tokenizer = load_tokenizer(narrow)
    known = Response("a.0", "a", "s", "5", {"token_ids": [5, 2]})
    more = Response("a.1", "a", "s", "5", {"token_ids": [5, len(tokenizer) - 1, 2]})
    with pytest.raises(DataError) as wrong:
        response_logprobs(policy_path, items[:1], [known, more], tokenizer=tokenizer)
    assert wrong.value.details[0].startswith("response a.1: token '§'")
    alone = response_logprobs(policy_path, items[:1], [known])
    tokenizer.pad_token = "§"  # nobody reads it
    short = Response("c.0", "c", "s", "5", {"token_ids": [2]})
    asked = [items[0], Item("c", "12+13?")]
    found = response_logprobs(policy_path, asked, [known, short], tokenizer=tokenizer)
    assert found[0] == pytest.approx(alone[0], abs=1e-5)


def score_model(folder: Path, size: int, tokenizer: Any) -> Path:
    """Write a reward model of random weights with so many embeddings."""
    from transformers import LlamaConfig, LlamaForSequenceClassification

    torch.manual_seed(0)
    sizes = dict.fromkeys(("hidden_size", "intermediate_size"), 16)
    config = LlamaConfig(
        vocab_size=size, num_hidden_layers=1, num_attention_heads=2, num_labels=1, **sizes
    )
    config.pad_token_id = 0
    LlamaForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "reward_model.json").write_text('{"score_mean": 0, "score_deviation": 1}')
    return folder


def test_a_reward_model_reads_what_it_has_embeddings_for(narrow: Path, tmp_path: Path) -> None:
    from harness.policy.answers import answers_of
    from harness.train.reward_model import RewardModelReward, score_texts

    tokenizer = load_tokenizer(narrow)
    size = len(tokenizer) - 1
    reward = RewardModelReward(score_model(tmp_path / "rm", size, tokenizer))
    scores = reward(["2+3?"] * 2, ["5", "§"], [[5, 2], [size, 2]])
    assert isinstance(scores[0], float) and scores[1] is None
    with pytest.raises(DataError, match="1 text with tokens for which the reward model") as wrong:
        score_texts(reward.path, ["2+3?"] * 2, ["5", "§"])
    assert wrong.value.details[0].startswith("response 2: token '§'")
    with pytest.raises(DataError, match="the reward model"):
        reward.reads_of(answers_of(narrow, tokenizer), ["2+3?", "§"])
    # A policy with more embeddings than its tokenizer has tokens can sample what is none.
    wide = load_tokenizer(score_model(tmp_path / "wide", size + 9, tokenizer))
    second = RewardModelReward(score_model(tmp_path / "rm2", size + 1, tokenizer))
    second.reads_of(answers_of(tmp_path / "wide", wide), ["2+3?"])
    assert second(["2+3?"], ["5"], [[size + 4, 2]]) == [None]


def test_a_critic_reads_all_that_the_policy_can_sample(policy_path: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(policy_path)
    small = score_model(tmp_path / "small", len(tokenizer) - 1, tokenizer)
    with pytest.raises(ConfigError, match=r"critic_from: the reward model .* embeddings for"):
        trained(
            "ppo",
            policy_path,
            [ROW],
            tmp_path / "out",
            settings={"critic_from": str(small), "critic": "separate"},
        )  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*tie_word_embeddings:UserWarning")
@pytest.mark.filterwarnings("ignore:.*save_embedding_layers:UserWarning")
def test_weights_of_another_size_are_one_error(policy_path: Path, tmp_path: Path) -> None:
    """Embeddings of which the head or the configuration knows nothing, and an adapter's base."""
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file, save_file

    odd = tmp_path / "odd"
    shutil.copytree(policy_path, odd)
    weights = load_file(odd / "model.safetensors")
    key = next(name for name in weights if "embed" in name)
    weights[key] = torch.cat([weights[key], weights[key][:3]])
    save_file(weights, odd / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="the weights do not fit the configuration") as wrong:
        load_policy(odd)
    assert "save model and configuration together" in wrong.value.hint
    pad = changed(policy_path, tmp_path / "pad", "config.json", pad_token_id=10_000)
    with pytest.raises(InputError, match=r"do not fit the configuration: .*adding_idx"):
        load_policy(pad)
    base = load_policy(policy_path)
    base.resize_token_embeddings(base.config.vocab_size + 3)
    adapter = tmp_path / "adapter"
    config = LoraConfig(r=2, target_modules=["q_proj", "embed_tokens"], task_type="CAUSAL_LM")
    get_peft_model(base, config).save_pretrained(adapter)
    named = json.loads((adapter / "adapter_config.json").read_text())
    named["base_model_name_or_path"] = str(policy_path)
    (adapter / "adapter_config.json").write_text(json.dumps(named))
    with pytest.raises(InputError, match="the adapter does not fit its base") as wrong:
        load_policy(adapter)
    assert str(policy_path) in wrong.value.hint


def test_a_reward_model_s_adapter_gets_no_embeddings_at_random(
    narrow: Path, tmp_path: Path
) -> None:
    """peft would draw one for each token that only the tokenizer knows."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    from harness.train.quiet import quiet
    from harness.train.reward_model import load_reward_model

    with quiet():
        base: Any = AutoModelForSequenceClassification.from_pretrained(narrow, num_labels=1)
    config = LoraConfig(r=2, target_modules=["q_proj"], task_type="SEQ_CLS")
    get_peft_model(base, config).save_pretrained(tmp_path)
    load_tokenizer(narrow).save_pretrained(tmp_path)
    found = load_reward_model(tmp_path).get_input_embeddings().weight
    assert found.size(0) == base.config.vocab_size == len(load_tokenizer(narrow)) - 1


def test_a_judge_in_this_process_says_which_token(narrow: Path) -> None:
    from harness.chat.local_model import LocalModel
    from harness.nouns.chat_messages import ChatRequest

    model = LocalModel(str(narrow), "1")
    asked = ChatRequest("local/m", ({"role": "user", "content": "2§"},), 0.0, 4, None)
    with pytest.raises(ChatError, match=r"none for the token '§'"):
        model.encode(asked)
    with pytest.raises(ChatError, match=r"none for the token '§'"):
        model.choice_ids(["5", "§"])


def test_all_trainers_are_here() -> None:
    assert {one for one in TRAINERS if trainer_class(one).needs == "rewards"} == set(ONLINE)
