"""Sampling by transformers' continuous batching, on the weights of the policy itself.

Keys and values stand in pages, and a sequence that has ended makes room for the next. It computes
in a thread of its own, without the autocast of whoever calls it, so it draws in the type of the
weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.nouns.errors import EngineError
from harness.nouns.stop_ids import stop_ids
from harness.policy.prompts import Prompt, asked_ids
from harness.policy.sampling import Rollout, Sampling, rollout_of_ids, wrong_end

AT_ONCE = 256
"""Sequences that there is room for at once; the others wait."""

PASS_TOKENS = 2048
"""Tokens of one pass; its mask has this many rows."""

PAGE = 256
"""Tokens of a page of keys and values of a layer."""


class ContinuousBatching:
    """transformers' engine; one process only."""

    same = False

    def update(self, policy: Any) -> None:
        """Nothing: it samples with the policy's own weights."""

    def close(self, *, together: bool = True) -> None:
        """Nothing: its memory is freed after each rollout."""

    def sample(
        self, policy: Any, tokenizer: Any, prompts: Sequence[Prompt], sampling: Sampling
    ) -> Rollout:
        """Let transformers complete the prompts, with the same completions for the same seed."""
        import torch
        from transformers import GenerationConfig
        from transformers.generation import ContinuousBatchingConfig

        inner = policy.get_base_model() if hasattr(policy, "get_base_model") else policy
        stops = stop_ids(policy, tokenizer)
        encoded = [ids for p in prompts for ids in [asked_ids(tokenizer, p)] * sampling.per_item]
        longest = max(map(len, encoded)) + sampling.max_new_tokens
        pages = -(-longest // PAGE) + 1
        config = ContinuousBatchingConfig(
            return_logprobs=True,
            page_size=PAGE,
            num_blocks=min(AT_ONCE, len(encoded)) * pages,
            max_batch_tokens=min(PASS_TOKENS, sum(map(len, encoded))),
            max_requests_per_batch=min(AT_ONCE, len(encoded)),
            seed=sampling.seed,
            auto_switch_to_flash=False,  # which the policy's weights are too wide for
        )
        # An empty config but for these: the checkpoint's would bend the distribution.
        wanted = GenerationConfig(
            do_sample=sampling.temperature > 0,
            temperature=sampling.temperature or 1.0,
            top_k=0,
            top_p=1.0,
            max_new_tokens=sampling.max_new_tokens,
            eos_token_id=stops,
            pad_token_id=tokenizer.pad_token_id,
        )
        was_training = policy.training
        policy.eval()
        devices = [policy.device] if policy.device.type == "cuda" else []
        # It seeds the global random state.
        with torch.random.fork_rng(devices), torch.no_grad():
            made = _made(inner, wanted, config, encoded)
        policy.train(was_training)
        for one in made:
            if wrong := wrong_end(one.generated_tokens, stops, sampling.max_new_tokens):
                raise _refused(wrong)
        return rollout_of_ids(
            policy,
            tokenizer,
            encoded,
            [one.generated_tokens for one in made],
            [one.logprobs for one in made],
        )


def _made(inner: Any, wanted: Any, config: Any, encoded: Sequence[list[int]]) -> list[Any]:
    """Return what was made of each prompt, in their order."""
    try:
        manager = inner.init_continuous_batching(
            generation_config=wanted, continuous_batching_config=config
        )
        # All wait before it starts, so that chance decides nothing about who is in a pass.
        names = manager.add_requests(inputs=encoded, max_new_tokens=wanted.max_new_tokens)
        manager.start()
        made: dict[str, Any] = {}
        try:
            while len(made) < len(names):
                one = manager.get_result(timeout=1)
                if one is not None and one.is_finished():
                    made[one.request_id] = one
                elif one is None and not manager.is_running():
                    break
        finally:
            manager.stop(block=True)
            manager.destroy()
    except (ValueError, MemoryError, NotImplementedError) as error:
        raise _refused(repr(error)) from error
    wrong = [one.error for one in made.values() if one.error] or ["it stopped"]
    if len(made) < len(names) or wrong != ["it stopped"]:
        raise _refused(str(wrong[0]))
    return [made[name] for name in names]


def _refused(reason: str) -> EngineError:
    return EngineError(
        f"transformers' continuous batching cannot sample from this model here: {reason:.300}",
        hint="engine: in_process samples from every model",
    )
