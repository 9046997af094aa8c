"""Proximal policy optimization, on the public APIs of transformers and accelerate.

One step: sample completions, score them, compute advantages, and update policy and critic a few
times on them. Everything random in a step is drawn from (seed, step), so a training that was
killed goes on exactly where it was.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from harness.nouns.errors import ConfigError
from harness.policy.answers import reads_tokens
from harness.policy.embedded import embedded
from harness.policy.engines import closing
from harness.policy.models import (
    Reference,
    has_bfloat16,
    is_adapter,
    load_policy,
    load_tokenizer,
    reference_of,
    save_final,
)
from harness.policy.sampling import AT_ONCE, Rollout, Sampling, rows_of
from harness.policy.scoring import passes, score_rollout, trimmed
from harness.policy.weights import check_apart, weights_hash
from harness.train.engines import check_drawn, make_engine
from harness.train.experience import Experience, Scored, experience_of
from harness.train.log import of_step, read_log
from harness.train.losses import adapted_beta
from harness.train.memory import Use, head_chunk
from harness.train.monitor import kl_statistics, rollout_statistics
from harness.train.ppo_settings import PpoSettings, draw_seed, prompt_order, schedule_factor
from harness.train.ppo_state import STATE, read_state, state_path, write_state
from harness.train.ppo_updates import Updates
from harness.train.ranks import joined, of_all, part, ranks, whole_rollout
from harness.train.sampling_training import SamplingTraining

if TYPE_CHECKING:
    from torch import Tensor


class Ppo(SamplingTraining):
    """A policy trained on rewards, with a learned critic as the baseline.

    The state of the training is its module (policy and critic), its optimizer and its KL
    coefficient.
    """

    name = "ppo"
    Settings: ClassVar[type[PpoSettings]] = PpoSettings
    settings: PpoSettings

    def inputs(self) -> dict[str, Any]:
        """Return everything that the result depends on, also what the critic starts from."""
        found, start = super().inputs(), self.settings.critic_from
        if not start:
            return found
        from harness.train.reward_model import read_statistics

        check_apart(self.out, start)
        read_statistics(start)  # before anything is loaded: it must be a reward model
        return found | {"critic": weights_hash(start)}

    def work(self) -> int:
        """Make the steps that are not done yet."""
        self.build()
        with closing(self.engine):
            self._make_steps()
        if self.folder.writes:
            save_final(self.policy, self.tokenizer, self.folder.final)
        self.accelerator.wait_for_everyone()
        return self.settings.steps

    def _make_steps(self) -> None:
        self.check_model()
        settings, folder = self.settings, self.folder
        first = self.resume()
        folder.rewind(first)
        self.accelerator.wait_for_everyone()  # until the log is as long as the state is old
        if first:
            self.history = [of_step(row) for row in read_log(folder.log_path) if row["step"]]
        folder.total_steps = settings.steps
        if first == 0 and folder.writes and (look := self.look(self.policy, 0, 0)):
            folder.log({"step": 0, **look})
        for step in range(first + 1, settings.steps + 1):
            row = self.step(step)
            self.history.append(of_step(row))
            if not folder.writes:
                continue
            folder.log(row | self.look(self.policy, step, settings.steps))
            if step % settings.checkpoint_every == 0 and step < settings.steps:
                self.save_state(step)

    @property
    def critic(self) -> str:
        """The kind of critic: with LoRA it shares the policy's body unless it is said otherwise."""
        adapted = bool(self.settings.lora_rank) or is_adapter(self.model)
        return self.settings.critic_kind(adapted)

    def reached(self, steps: int) -> int:
        """Return how many prompts so many steps asked."""
        each = self.settings.rollout_size // self.settings.completions_each
        return min(self.left_out.used, steps * each)

    def use(self, settings: Any) -> Use:
        """Return the use of passes by tokens, of a rollout, and of reference and critic."""
        found = super().use(settings)
        most = min(settings.batch_size * found.longest, settings.pass_tokens)
        tokens = max(found.longest, most)
        bent = self.shape.bent
        return replace(
            found,
            tokens=tokens,
            copies=0 if found.lora else 1,
            critic=settings.critic_kind(bool(found.lora)) == "separate",
            chunk=0 if bent else min(head_chunk(), 4 * most * self.shape.vocabulary),
            whole=tokens * self.new_tokens // found.longest if bent else 0,
            sampled=0
            if settings.engine == "server"
            else min(AT_ONCE, settings.rollout_size // ranks()),
        )

    def build(self) -> None:
        """Load policy, reference and critic, and prepare them for the ranks.

        Raises:
            ConfigError: A rollout or an optimizer step cannot be shared by the ranks.
        """
        import torch
        from accelerate import Accelerator
        from accelerate.utils import GradientAccumulationPlugin

        from harness.train.masters import MasterAdamW
        from harness.train.ppo_model import make_critic

        settings = self.settings
        self.accelerator: Any = Accelerator(
            mixed_precision="bf16" if has_bfloat16() else "no",
            # By default it would divide losses by what the environment says.
            gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        )
        each, made = settings.completions_each, settings.batch_size * settings.accumulation
        if settings.rollout_size // each % ranks() or made % ranks():
            raise ConfigError(
                f"rollout_size {settings.rollout_size} and batch_size * accumulation {made} must"
                f" be multiples of {ranks()} ranks"
                + (f", the first in whole groups of {each}" if each > 1 else "")
            )
        self._check_critic()
        self.known = list(self.readable().values())
        self.beta = settings.beta
        self.policy = load_policy(self.model, precision=self.precision)
        self.reference = reference_of(self.policy, self.model, self.precision)
        if settings.lora_rank:
            self._add_adapter()
        start = settings.critic_from
        module = make_critic(self.policy, self.model, self.critic, start, self.precision)
        module.eval()  # no dropout, in sampling, scoring and updates alike
        critic = [p for n, p in module.named_parameters() if not n.startswith("policy.")]
        policy = [p for p in self.policy.parameters() if p.requires_grad]
        self.rates = (self.rate(), settings.critic_learning_rate or self.rate())
        # Every step sets the rates.
        kind = MasterAdamW if settings.dtype == "bfloat16" else torch.optim.AdamW
        optimizer = kind(
            [{"params": policy}, {"params": critic}],
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.module, self.optimizer = self.accelerator.prepare(module, optimizer)
        self.reference.model.to(self.accelerator.device)
        one = self.accelerator
        self.engine = make_engine(settings, self.out, one.is_main_process, one.wait_for_everyone)

    def _check_critic(self) -> None:
        """Refuse a critic that reads other tokens than the policy writes.

        Raises:
            ConfigError: Its reward model has another vocabulary, or embeddings for less of it.
        """
        start = self.settings.critic_from
        if start and not reads_tokens(load_tokenizer(start), self.tokenizer):
            raise ConfigError(
                f"critic_from: the reward model {start} has other tokens than the policy, which a"
                " critic reads one by one",
                hint="train a reward model on the policy, or leave critic_from out: as a reward it"
                " reads texts",
            )
        size, own = embedded(start) if start else None, self.answers.embedded
        if size is not None and own is not None and size < own:
            raise ConfigError(
                f"critic_from: the reward model {start} has embeddings for {size:,} tokens, and the"
                f" policy can sample {own:,}",
                hint="train a reward model on the policy, or leave critic_from out",
            )

    def _add_adapter(self) -> None:
        import torch
        from peft import get_peft_model

        with torch.random.fork_rng():
            torch.manual_seed(draw_seed(self.seed, 0))
            self.policy = get_peft_model(self.policy, self.lora_config()).eval()
        # A new adapter changes nothing at first, so the base without it is the reference.
        self.reference = Reference(self.policy, "")

    def step(self, step: int) -> dict[str, Any]:
        """Sample, score, update; return the row of the log."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * schedule_factor(self.settings, step)
        experience, row = self.collect(step)
        row |= self.update(experience, step)
        return {"step": step, **row, "learning_rate": self.optimizer.param_groups[0]["lr"]}

    def collect(self, step: int) -> tuple[Experience, dict[str, Any]]:
        """Sample and score one rollout: each rank a part, and then all know the whole."""
        settings, accelerator = self.settings, self.accelerator
        each = settings.completions_each
        order = prompt_order(len(self.known), settings.rollout_size // each, step, self.seed)
        asked, mine = [self.known[i] for i in order], part(len(order))
        rows = [row for row in asked[mine] for _ in range(each)]
        prompts = [row["prompt"] for row in asked[mine]]
        seed = draw_seed(self.seed, step)
        sampling = Sampling(settings.temperature, self.new_tokens, seed, each, first=mine.start)
        self.engine.update(self.policy)
        with accelerator.autocast():
            rollout = self.engine.sample(self.policy, self.tokenizer, prompts, sampling)
        logprobs, entropy, values = self._score(rollout)
        if not self.engine.same:
            check_drawn(settings, rollout, logprobs, each)  # before anybody is paid for rewards
        with self.reference.active(), accelerator.autocast():
            reference, _ = score_rollout(
                self.reference.model, rollout, settings.temperature, settings.pass_tokens, False
            )
        raw = joined(self.scored(rows, rollout, step, settings.steps, len(self.known)))
        pad = self.tokenizer.pad_token_id
        rollout, logprobs, entropy, reference, values = whole_rollout(
            accelerator, rollout, pad, logprobs, entropy, reference, values
        )
        row = rollout_statistics(rollout, entropy)
        row |= kl_statistics(logprobs, reference, rollout.completion_mask)
        if rollout.drawn is not None:
            row["engine_gap"] = float(
                ((rollout.drawn - logprobs) * rollout.completion_mask).abs().max()
            )
        row |= self.rewards.take_stats(of_all)
        scored = Scored(rollout, raw, logprobs, reference, values)
        experience, found = experience_of(scored, settings, self.beta, self.engine.same)
        if settings.target_kl:
            kl = row["kl_sequence"]
            self.beta = adapted_beta(
                self.beta, kl, settings.target_kl, settings.rollout_size, settings.kl_horizon
            )
        return experience, row | found

    def update(self, experience: Experience, step: int) -> dict[str, Any]:
        """Update policy and critic on one rollout; return what happened."""
        updates = Updates(self.settings, self.accelerator, self.module, self.optimizer, self.seed)
        return updates.made_on(experience, step)

    def _score(self, rollout: Rollout) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return old log-probabilities, entropies and values, from the module that is trained."""
        import torch

        from harness.train.ppo_model import forward

        mask, settings = rollout.completion_mask, self.settings
        logprobs, entropy, values = (mask.new_zeros(mask.shape, dtype=torch.float32) for _ in "123")
        with torch.no_grad():
            for index in passes(rollout, settings.pass_tokens):
                part = trimmed(rows_of(rollout, index))
                width = part.completion_ids.size(1)
                found, of_critic = forward(self.module, part, settings.temperature)
                for all_rows, some in (
                    (logprobs, found.logprobs),
                    (entropy, found.entropy),
                    (values, of_critic),
                ):
                    if some is not None:
                        all_rows[index, :width] = some
        return logprobs, entropy, None if self.critic == "none" else values

    def _trained(self) -> dict[str, Tensor]:
        module = self.accelerator.unwrap_model(self.module)
        return {name: p.data for name, p in module.named_parameters() if p.requires_grad}

    def save_state(self, step: int) -> None:
        """Write the state after a step, all or nothing; older states are deleted."""
        state = {
            "step": step,
            "weights": self._trained(),
            "optimizer": self.optimizer.state_dict(),
            "beta": self.beta,
        }
        write_state(self.folder.resume_dir, step, state)

    def resume(self) -> int:
        """Load the newest whole state if there is one; return the number of steps that are done."""
        trained = self._trained()
        read = partial(read_state, trained, self.optimizer)
        step = self.steps_done(STATE, lambda path, number: read(path, number) and None)
        if step:
            state = read(state_path(self.folder.resume_dir, step), step)
            self.optimizer.load_state_dict(state["optimizer"])
            for name, weights in state["weights"].items():
                trained[name].copy_(weights)
            self.beta = float(state["beta"])
        return step
