"""Sampling by a server beside the training, with the weights of this step.

A server that did not take new weights answers as well as one that did. So it is asked, after each
update, for the log-probabilities of a few completions of the last rollout, and must be as near to
the new policy as its own rounding allows.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.nouns.stop_ids import stop_ids
from harness.policy.completions_api import CompletionsServer
from harness.policy.prompts import Prompt, asked_ids
from harness.policy.sampling import Rollout, Sampling, rollout_of_ids, rows_of
from harness.policy.scoring import score_rollout
from harness.records.writes import saving, write_text

if TYPE_CHECKING:
    from torch import Tensor

PROBED = 8
"""Completions of a rollout that the server is asked about after the next update."""

SURE = 4.0
"""Standard deviations of the server's rounding from which on its weights are the older ones."""


@dataclass(frozen=True)
class Probe:
    """Completions, and what the policy that sampled them says of each token."""

    rollout: Rollout
    before: Tensor


class ServerEngine:
    """A server that speaks OpenAI's completions as vLLM does.

    Args:
        server: Its client.
        folder: Where weights are written for it; both machines see it under this path.
        main: Whether this process gives it the weights.
        wait: Returns when all ranks have called it.
    """

    same = False

    def __init__(
        self, server: CompletionsServer, folder: Path, main: bool, wait: Callable[[], None]
    ) -> None:
        self.server, self.folder, self.main, self.wait = server, folder.absolute(), main, wait
        self._base = ""
        self._adapter = ""
        self._salt = ""
        self._probe: Probe | None = None

    def update(self, policy: Any) -> None:
        """Write the weights, let the server load them, and see that it did."""
        self._base = self._base or self.server.model()
        adapted = bool(getattr(policy, "peft_config", None))
        told = self.folder / "newest"
        if self.main:
            name = f"harness-{uuid4().hex}"
            self._give(policy, name, adapted)
            write_text(told, name)
        self.wait()
        self._salt = told.read_text(encoding="utf-8")
        self._adapter = self._salt if adapted else ""
        if self.main and self._probe is not None:
            self._check_taken(policy, self._probe)

    @property
    def _name(self) -> str:
        return self._adapter or self._base

    def _give(self, policy: Any, name: str, adapted: bool) -> None:
        path = self.folder / name
        with saving(path):
            policy.save_pretrained(path, **({"selected_adapters": ["default"]} if adapted else {}))
        if adapted:
            self.server.load_adapter(name, str(path), self._adapter)
        else:
            self.server.load_weights(str(path))
        self._delete(path)

    def _delete(self, but: Path | None = None) -> None:
        for old in self.folder.glob("harness-*"):
            if old != but:
                shutil.rmtree(old, ignore_errors=True)

    def close(self, *, together: bool = True) -> None:
        """Delete the weights that were written; the server keeps what it loaded."""
        self.server.close()
        if together:
            self.wait()  # until all know what the newest were
        if not self.main:
            return
        self._delete()
        (self.folder / "newest").unlink(missing_ok=True)
        with suppress(OSError):  # somebody's folder may hold more
            self.folder.rmdir()

    def _check_taken(self, policy: Any, probe: Probe) -> None:
        rollout, mask = probe.rollout, probe.rollout.completion_mask.bool()
        told = self._told(rollout)[mask]
        after = score_rollout(policy, rollout, 1.0)[0][mask]
        before = probe.before[mask]
        if not nearer(told, before, after):
            return
        raise self.server.error(
            "the server still has older weights: after the update its log-probabilities are"
            f" {(told - before).abs().mean():.2g} nats a token from the policy of before, and"
            f" {(told - after).abs().mean():.2g} from that of now",
            "see its log; every replica behind the address must load them",
        )

    def _told(self, rollout: Rollout) -> Tensor:
        """Return what the server says of a rollout's tokens, (n, C)."""
        import torch

        sizes = rollout.prompt_mask.sum(1).tolist()
        prompts = [
            row[len(row) - n :] for row, n in zip(rollout.prompt_ids.tolist(), sizes, strict=True)
        ]
        texts = [a + b for a, b in zip(prompts, rollout.sampled_ids(), strict=True)]
        told = torch.zeros(rollout.completion_ids.shape)
        found = self.server.score(self._name, texts, self._salt)
        for number, (row, size) in enumerate(zip(found, sizes, strict=True)):
            told[number, : len(row) - size + 1] = torch.tensor(row[size - 1 :])
        return told.to(rollout.completion_ids.device)

    def sample(
        self, policy: Any, tokenizer: Any, prompts: Sequence[Prompt], sampling: Sampling
    ) -> Rollout:
        """Let the server complete the prompts."""
        stops = stop_ids(policy, tokenizer)
        encoded = [asked_ids(tokenizer, prompt) for prompt in prompts]
        drawn = self.server.complete(self._name, encoded, sampling, stops, self._salt)
        known = policy.get_input_embeddings().num_embeddings
        if any(not 0 <= one < known for row in drawn for one in row.ids):
            raise self.server.error(
                f"it sampled a token that is none of the policy's {known:,}",
                "serve the model that is trained",
            )
        repeated = [ids for ids in encoded for _ in range(sampling.per_item)]
        rollout = rollout_of_ids(
            policy, tokenizer, repeated, [d.ids for d in drawn], [d.logprobs for d in drawn]
        )
        if self.main:
            some = rows_of(rollout, slice(PROBED))
            before = self._check_drawn(policy, some, sampling.temperature)
            self._probe = Probe(some, before)
        return rollout

    def _check_drawn(self, policy: Any, rollout: Rollout, temperature: float) -> Tensor:
        """Return what the policy says of some completions at temperature 1.

        Raises:
            EngineError: The server says that, and not what it drew them with.
        """
        mask = rollout.completion_mask.bool()
        plain, _ = score_rollout(policy, rollout, 1.0)
        heated = plain
        if temperature not in (0.0, 1.0):
            heated, _ = score_rollout(policy, rollout, temperature)
        assert rollout.drawn is not None
        drawn = rollout.drawn[mask]
        if nearer(drawn, plain[mask], heated[mask]):
            raise self.server.error(
                "its log-probabilities are those before the temperature",
                "start vLLM with --logprobs-mode processed_logprobs",
            )
        return plain


def nearer(told: Tensor, wrong: Tensor, right: Tensor) -> bool:
    """Tell whether log-probabilities are the wrong ones of two, by a test of their distances.

    Of a sound server they are the right ones plus its rounding, of which the spread is estimated
    from the nearer of the two. The difference of the squared distances is then a normal variable.
    Where the two differ by less than the rounding, it cannot be told, and does no harm.

    Args:
        told: (tokens,) of the server.
        wrong: (tokens,) such as those of the policy before an update.
        right: (tokens,) such as those of the policy after it.
    """
    far, near = ((told - right) ** 2).double(), ((told - wrong) ** 2).double()
    spread = math.sqrt(min(float(far.mean()), float(near.mean())))
    moved = math.sqrt(float(((right - wrong) ** 2).double().sum()))
    if moved == 0:
        return False
    found = float((far - near).sum()) / (2 * moved * max(spread, 1e-7))
    return found > SURE
