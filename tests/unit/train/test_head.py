"""Log-probabilities without the vocabulary for all tokens: exact, and small."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from vocabulary_watch import QWEN, Watch, wide_model

from harness.policy import scoring
from harness.policy.models import load_policy, load_tokenizer
from harness.policy.sampling import Rollout, rollout_of, rows_of
from harness.policy.scoring import passes, score_rollout, scores, trimmed

torch = pytest.importorskip("torch", reason="the extra train is not installed")

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


def by_hand(hidden: Any, weight: Any, bias: Any, ids: Any, temperature: float) -> tuple[Any, Any]:
    """The same with all logits at once, through autograd."""
    logits = hidden @ weight.t() + (0 if bias is None else bias)
    logprobs = (logits / temperature).log_softmax(-1)
    return logprobs.gather(-1, ids.unsqueeze(-1)).squeeze(-1), -(logprobs.exp() * logprobs).sum(-1)


def loss_by_hand(logprobs: Any, part: Any = slice(None)) -> Any:
    """A loss that is not linear, with weights of its own for each token; one weight is 0."""
    weights = torch.tensor([1.0, -2.0, 0.0, 0.5, 3.0, -1.0, 0.25, 1.5, -0.5, 2.0, 1.0])[part]
    return (weights * (logprobs / 3).exp()).sum()


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.4])
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_losses_and_gradients_are_those_of_all_logits_at_once(
    frozen: bool, with_bias: bool, temperature: float, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.policy import head

    monkeypatch.setitem(head.CHUNK, "cpu", rows * 4 * 50)
    draw = torch.Generator().manual_seed(0)
    hidden, weight = (torch.randn(n, 6, generator=draw) for n in (11, 50))
    bias = torch.randn(50, generator=draw) if with_bias else None
    ids = torch.randint(50, (11,), generator=draw)

    def of_chunks(*leaves: Any) -> tuple[Any, Any]:
        return head.HeadLoss.apply(*leaves, ids, temperature, loss_by_hand)

    def of_all(*leaves: Any) -> tuple[Any, Any]:
        chosen, _ = by_hand(*leaves, ids, temperature)
        return loss_by_hand(chosen), chosen

    found = []
    for made in (of_chunks, of_all):
        leaves = [t if t is None else t.clone() for t in (hidden, weight, bias)]
        for leaf in leaves[: 1 if frozen else 3]:
            if leaf is not None:
                leaf.requires_grad_()
        loss, chosen = made(*leaves)
        (loss * 0.3).backward()
        grads = [leaf.grad for leaf in leaves if leaf is not None and leaf.requires_grad]
        assert len(grads) == (1 if frozen else 2 + with_bias)
        found.append([loss.detach(), chosen.detach(), *grads])
    for ours, wanted in zip(*found, strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-5, atol=1e-5)
    for ours, wanted in zip(
        head.log_probs(hidden, weight, bias, ids, temperature, True),
        by_hand(hidden, weight, bias, ids, temperature),
        strict=True,
    ):
        torch.testing.assert_close(ours, wanted, rtol=1e-5, atol=1e-5)


def bfloat16_leaves(n: int, hidden: int, vocabulary: int) -> list[Any]:
    draw = torch.Generator().manual_seed(0)
    sizes = (n, hidden), (vocabulary, hidden), (vocabulary,)
    found = [torch.randn(size, generator=draw).bfloat16() for size in sizes]
    return [one.requires_grad_() for one in found]


def test_many_chunks_of_bfloat16_weights_are_summed_and_then_rounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One token a chunk: bfloat16 sums were 16% off, and 35% of a bias; rounding once is .4%."""
    from harness.policy import head

    monkeypatch.setitem(head.CHUNK, "cpu", 4 * 50)
    leaves = bfloat16_leaves(4096, 6, 50)
    exact = [leaf.detach().double().requires_grad_() for leaf in leaves]
    ids = torch.arange(4096) * 7 % 50
    shares = torch.linspace(0.5, 1.5, 4096) / 4096
    loss, _ = head.HeadLoss.apply(*leaves, ids, 1.0, lambda some, part: (some * shares[part]).sum())
    (loss / 3).backward()
    chosen, _ = by_hand(*exact, ids, 1.0)
    ((chosen * shares).sum() / 3).backward()
    for ours, wanted in zip(leaves, exact, strict=True):
        assert ours.grad.dtype == torch.bfloat16
        assert (ours.grad.double() - wanted.grad).norm() < 0.005 * wanted.grad.norm()


def test_the_sum_over_chunks_takes_one_float32_copy_of_the_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from harness.policy import head

    monkeypatch.setitem(head.CHUNK, "cpu", 8 * 4 * 1000)
    leaves = bfloat16_leaves(64, 37, 1000)
    with Watch(37) as watch:
        loss, _ = head.HeadLoss.apply(*leaves, torch.arange(64), 1.0, _sum)
        loss.backward()
    tokens = 64 * 37 * (2 + 4 + 4)
    assert 1000 * 37 * 4 < watch.peak <= 1000 * 37 * (2 + 4) + tokens


def test_two_tokens_by_hand() -> None:
    """Odds 1:3 and 1:1: ln 1/4 and ln 1/2; entropies .5623 and .6931 nats."""
    from harness.policy.head import log_probs

    hidden = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    weight = torch.tensor([[0.0, 2.0], [torch.log(torch.tensor(3.0)), 2.0]])
    chosen, entropy = log_probs(hidden, weight, None, torch.tensor([0, 1]), 1.0, True)
    assert entropy is not None
    assert chosen.tolist() == pytest.approx([-1.386294, -0.693147])
    assert entropy.tolist() == pytest.approx([0.562335, 0.693147])
    assert log_probs(hidden, weight, None, torch.tensor([0, 1]), 1.0, False)[1] is None


def test_impossible_tokens_have_no_share() -> None:
    """Logits of minus infinity, as masks make them: entropies and gradients stay numbers."""
    from harness.policy.head import HeadLoss, log_probs

    hidden = torch.ones(2, 1)
    weight = torch.tensor([[0.0], [0.0], [-torch.inf]])
    chosen, entropy = log_probs(hidden, weight, None, torch.tensor([0, 2]), 1.0, True)
    assert entropy is not None
    assert entropy.tolist() == pytest.approx([0.693147] * 2)
    assert chosen.tolist() == pytest.approx([-0.693147, -torch.inf])
    leaf = hidden[:1].clone().requires_grad_()
    bias = torch.tensor([0.0, 0.0, -torch.inf])
    loss, _ = HeadLoss.apply(leaf, torch.ones(3, 1), bias, torch.tensor([1]), 1.0, _sum)
    loss.backward()
    assert leaf.grad is not None
    assert leaf.grad.tolist() == [[0.0]]


def _sum(logprobs: Any, part: slice) -> Any:
    return logprobs.sum()


def rollout_with(prompts: list[int], completions: list[int], vocabulary: int = 50) -> Rollout:
    """A rollout of given lengths, padded as `sample` pads it."""
    n, wide, long = len(prompts), max(prompts), max(completions)
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(2, vocabulary, (n, wide + long), generator=draw)
    before = torch.tensor([[int(i >= wide - p) for i in range(wide)] for p in prompts])
    after = torch.tensor([[int(i < c) for i in range(long)] for c in completions])
    return Rollout(ids[:, :wide], before, ids[:, wide:], after, after.sum(1) > 0, ["x"] * n)


def test_passes_hold_each_sequence_once_and_their_budget() -> None:
    rollout = rollout_with([3, 9, 4, 4, 2, 7], [5, 1, 8, 2, 2, 9])
    for tokens in (1, 17, 40, 10_000):
        for most in (None, 1, 4):
            parts = list(passes(rollout, tokens, most))
            assert sorted(torch.cat(parts).tolist()) == [0, 1, 2, 3, 4, 5]
            for part in parts:
                cut = trimmed(rows_of(rollout, part))
                wide = cut.prompt_ids.size(1) + cut.completion_ids.size(1)
                assert len(part) == 1 or (len(part) * wide <= tokens and len(part) <= (most or 6))
    assert len(list(passes(rollout, 10_000))) == 1
    assert len(list(passes(rollout, 40))) == 3


def test_passes_are_cut_where_padding_costs_more_than_a_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two of 100 tokens and six of 20: 800 in one pass, 320 in two; against all ways to cut."""
    rollout = rollout_with([50, 10, 50, 10, 10, 10, 10, 10], [50, 10, 50, 10, 10, 10, 10, 10])
    for each, lengths in ((64, [2, 6]), (600, [8]), (0, [2, 6])):
        monkeypatch.setitem(scoring.EACH, "cpu", each)
        assert [len(part) for part in passes(rollout)] == lengths
    odd = rollout_with([3, 9, 4, 4, 2, 7], [5, 1, 8, 2, 2, 9])

    def cost(parts: list[Any], each: int) -> int:
        cut = [trimmed(rows_of(odd, part)) for part in parts]
        return sum(
            each + len(one.texts) * (one.prompt_ids.size(1) + one.completion_ids.size(1))
            for one in cut
        )

    order = torch.cat(list(passes(odd)))
    for each in (0, 3, 10, 30):
        monkeypatch.setitem(scoring.EACH, "cpu", each)
        ways = [
            [order[a:b] for a, b in itertools.pairwise((0, *inner, 6))]
            for count in range(6)
            for inner in itertools.combinations(range(1, 6), count)
        ]
        assert cost(list(passes(odd)), each) == min(cost(way, each) for way in ways)


def test_what_all_sequences_pad_is_cut_off() -> None:
    rollout = rollout_with([3, 9, 2], [5, 1, 4])
    part = trimmed(rows_of(rollout, torch.tensor([0, 2])))
    assert part.prompt_ids.tolist() == rollout.prompt_ids[[0, 2], -3:].tolist()
    assert part.completion_ids.tolist() == rollout.completion_ids[[0, 2], :5].tolist()
    assert part.sampled_ids() == [rollout.sampled_ids()[i] for i in (0, 2)]


def capped(cap: float | None) -> Any:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    return Gemma2ForCausalLM(
        Gemma2Config(
            vocab_size=50,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            final_logit_softcapping=cap,
            initializer_range=0.5,
        )
    ).eval()


@pytest.mark.parametrize("cap", [None, 2.0])
def test_a_model_that_caps_its_logits_is_scored_as_it_speaks(cap: float | None) -> None:
    """The linear layer alone would give other log-probabilities."""
    model, rollout = capped(cap), rollout_with([3, 4], [4, 2])
    logprobs, entropy = score_rollout(model, rollout, 0.7)
    for row, sampled in enumerate(rollout.sampled_ids()):
        prompt = rollout.prompt_ids[row][rollout.prompt_mask[row] == 1]
        ids = torch.cat([prompt, torch.tensor(sampled)])[None]
        with torch.no_grad():
            wanted = (model(input_ids=ids).logits[0] / 0.7).log_softmax(-1)
        at = wanted[len(prompt) - 1 : -1]
        places = torch.arange(len(sampled))
        torch.testing.assert_close(logprobs[row, : len(sampled)], at[places, sampled])
        nats = -(at.exp() * at).sum(-1)
        torch.testing.assert_close(entropy[row, : len(sampled)], nats)
    with torch.no_grad():
        bare = model.get_output_embeddings()(model.base_model(input_ids=ids).last_hidden_state)
        assert torch.allclose(bare, model(input_ids=ids).logits) == (cap is None)


def qwen(lora: bool) -> Any:
    """The vocabulary of Qwen2.5 on a small body."""
    model = wide_model(tie_word_embeddings=False).eval()
    model.base_model.requires_grad_(True)
    model.lm_head.requires_grad_(not lora)
    return model


@pytest.mark.parametrize("lora", [False, True])
def test_the_vocabulary_takes_half_of_one_copy_at_most(lora: bool) -> None:
    """Forward and backward; logits of all tokens and their gradients take four to five copies."""
    model = qwen(lora)
    peaks = {}
    for n in (2, 4):
        rollout = rollout_with([4] * n, [48] * n, QWEN)
        with Watch(QWEN) as watch:
            score_rollout(model, rollout, 1.0)
        scoring = watch.peak
        with Watch(QWEN) as watch:
            found = scores(model, rollout, 1.0, loss_of=_sum)
            assert found.loss is not None
            found.loss.backward()
        peaks[n] = scoring, watch.peak
        assert min(peaks[n]) > 0
        copy = n * 48 * QWEN * 4
        assert max(peaks[n]) <= (0.5 if n == 4 else 1.0) * copy
    assert peaks[2] == peaks[4]  # whatever the size of the rollout


def test_a_lora_policy_is_scored_through_its_adapter(lora_path: Path, policy_path: Path) -> None:
    tokenizer, model = load_tokenizer(lora_path), load_policy(lora_path)
    rollout = rollout_of(model, tokenizer, ["1+1=", "23+45="], [[5, 6, 7], [8, 9]])
    adapted, _ = score_rollout(model, rollout, 1.0)
    with model.disable_adapter():
        bare, _ = score_rollout(model, rollout, 1.0)
    base, _ = score_rollout(load_policy(policy_path), rollout, 1.0)
    torch.testing.assert_close(bare, base)
    assert (adapted - bare).abs().max() > 0.01


@pytest.mark.parametrize("model_name", ["policy_path", "gpt2_path", "lora_path", "opt"])
def test_recomputed_layers_have_the_same_gradients_and_no_dropout(
    model_name: str, request: pytest.FixtureRequest
) -> None:
    """GPT-2 and OPT drop much, the latter in the layer itself; what is kept becomes less."""
    from transformers import OPTConfig, OPTForCausalLM

    from harness.policy.stillness import recompute_layers

    if model_name == "opt":
        torch.manual_seed(0)
        sizes = {"hidden_size": 16, "ffn_dim": 16, "num_attention_heads": 2, "dropout": 0.5}
        model = OPTForCausalLM(
            OPTConfig(
                vocab_size=50,
                word_embed_proj_dim=16,
                num_hidden_layers=2,
                **sizes,  # type: ignore[arg-type]
            )
        ).eval()
    else:
        model = load_policy(request.getfixturevalue(model_name))
    rollout = rollout_with([3, 5], [6, 4])
    found = []
    for on in (False, True):
        recompute_layers(model, on)
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t, kept=kept: (kept.append(t.numel()), t)[1], lambda t: t
        ):
            said = scores(model, rollout, 0.9, loss_of=_sum)
        model.zero_grad()
        assert said.loss is not None
        said.loss.backward()
        recompute_layers(model, False)
        grads = [
            p.grad.clone() for p in model.parameters() if p.requires_grad and p.grad is not None
        ]
        found.append((said.logprobs, grads, sum(kept)))
    torch.testing.assert_close(found[0][:2], found[1][:2])
    assert len(found[0][1]) > 3
    assert found[1][2] < found[0][2] / 2
