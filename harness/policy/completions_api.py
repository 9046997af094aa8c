"""A server that completes token ids: OpenAI's completions with what vLLM adds to them.

Prompts go as token ids, and completions come as token ids with the log-probability of each. Weights
are loaded from a folder that both machines see.
"""

from __future__ import annotations

import json
import math
import os
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from harness.nouns.errors import EngineError
from harness.nouns.hashing import seed_of
from harness.policy.sampling import Sampling, wrong_end

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
R = TypeVar("R")

PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further try, when the server cannot be reached or fails."""

AT_ONCE = 256
"""Requests in flight; the server batches what is there at once."""

KEY = "VLLM_API_KEY"
"""Environment variable of the key that the server asks for, if it does."""

WHOLE: dict[str, Any] = {
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
"""What keeps the server from bending the distribution as the checkpoint would have it."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One completion: token ids, and what each was drawn with, in nats."""

    ids: list[int]
    logprobs: list[float]


class CompletionsServer:
    """The client of one server.

    Args:
        url: Where it listens, with or without /v1.
        timeout_s: For one answer.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        import httpx

        self.url = url.rstrip("/").removesuffix("/v1")
        key = os.environ.get(KEY)
        self._client: httpx.Client = httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=10.0),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=AT_ONCE),
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )
        weakref.finalize(self, self._client.close)  # whatever ends the training

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def error(self, what: str, hint: str = "") -> EngineError:
        """Return an error of this server."""
        return EngineError(what, where=self.url, hint=hint)

    def model(self) -> str:
        """Return the name of the model that it serves."""
        answer = self.ask("GET", "/v1/models")
        try:
            return str(answer["data"][0]["id"])
        except (KeyError, IndexError, TypeError):
            raise self.error(f"it names no model: {answer!r:.120}") from None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of an answer, after some tries.

        Raises:
            EngineError: It cannot be reached, or refuses.
        """
        import httpx

        for pause in (*PAUSES, None):
            try:
                response = self._client.request(method, self.url + path, json=body)
            except httpx.TransportError as error:
                reason = f"{type(error).__name__} at {path}: {error!s:.200}"
                if isinstance(error, httpx.ReadTimeout):
                    raise self.error(reason, "raise server_timeout") from error
            else:
                if response.is_success and not response.content:
                    return None  # what only does something may say nothing
                if response.is_success:
                    try:
                        return response.json()
                    except ValueError:
                        reason = f"no JSON at {path}: {response.text[:80]!r}"
                else:
                    reason = f"{response.status_code} at {path}: {response.text[:300]!r}"
                    if response.status_code < 500 and response.status_code != 429:
                        raise self.error(reason)
            if pause is not None:
                time.sleep(pause)
        raise self.error(
            reason, "start the server, and make the same call again: the training goes on"
        )

    def all(self, make: Callable[[T], R], jobs: Sequence[T]) -> list[R]:
        """Return what is made of each job, many at once."""
        with ThreadPoolExecutor(min(AT_ONCE, len(jobs))) as pool:
            return list(pool.map(make, jobs))

    def complete(
        self,
        model: str,
        prompts: Sequence[Sequence[int]],
        sampling: Sampling,
        stops: Sequence[int],
        salt: str,
    ) -> list[Drawn]:
        """Return completions of each prompt, next to each other.

        Args:
            model: Name of the model, or of an adapter, at the server.
            prompts: Token ids.
            sampling: Every prompt is drawn with a seed of its own that is made of its seed.
            stops: Ids that end a completion.
            salt: What the weights are called, so that no keys and values of older ones are used.

        Raises:
            EngineError: An answer lacks something, or is no completion of the prompt.
        """
        body = {
            **WHOLE,
            "model": model,
            "n": sampling.per_item,
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "stop_token_ids": list(stops),
            "logprobs": 0,
            "return_token_ids": True,
            "skip_special_tokens": False,
            "cache_salt": salt,
        }
        seed = os.urandom(8).hex() if sampling.seed is None else sampling.seed

        def one(number: int) -> list[Drawn]:
            prompt = list(prompts[number])
            own = {"prompt": prompt, "seed": seed_of(f"{seed} {sampling.first + number}", 31)}
            answer = self.ask("POST", "/v1/completions", body | own)
            return self._drawn(answer, prompt, body, stops)

        return [drawn for some in self.all(one, range(len(prompts))) for drawn in some]

    def _drawn(
        self, answer: Any, prompt: list[int], body: dict[str, Any], stops: Sequence[int]
    ) -> list[Drawn]:
        choices = answer.get("choices") if isinstance(answer, dict) else None
        if not isinstance(choices, list) or len(choices) != body["n"]:
            raise self.error(f"{body['n']} completions were asked for: {_start(answer)}")
        if answer.get("model", body["model"]) != body["model"]:
            raise self.error(f"{body['model']} was asked, and {answer['model']!r:.80} answered")
        try:
            ordered = sorted(choices, key=lambda choice: choice["index"])
            if (named := [one["index"] for one in ordered]) != list(range(len(named))):
                raise self.error(f"its {len(named)} completions are numbered {named!r:.80}")
            return [self._one(choice, prompt, body["max_tokens"], stops) for choice in ordered]
        except (KeyError, TypeError) as error:
            raise self.error(
                f"no completion, {error!s:.80} is missing: {_start(answer)}"
            ) from error

    def _one(
        self, choice: dict[str, Any], prompt: list[int], most: int, stops: Sequence[int]
    ) -> Drawn:
        ids = choice.get("token_ids")
        if not isinstance(ids, list) or not ids or any(type(one) is not int for one in ids):
            raise self.error(
                f"a completion without token ids: {_start(choice)}",
                "it must know return_token_ids, as newer versions of vLLM do",
            )
        if choice.get("prompt_token_ids") not in (None, prompt):
            raise self.error("it completed another prompt than it was sent")
        logprobs = (choice["logprobs"] or {}).get("token_logprobs")
        if not isinstance(logprobs, list) or len(logprobs) != len(ids):
            raise self.error(f"a completion without a log-probability per token: {_start(choice)}")
        if not all(isinstance(one, float | int) and -math.inf < one < 1e-3 for one in logprobs):
            raise self.error(f"a log-probability is none: {logprobs!r:.120}")
        if wrong := wrong_end(ids, stops, most):
            reason = choice["finish_reason"]
            short = len(ids) < most and ids[-1] not in stops and reason != "stop"
            hint = "give it more positions: vLLM's --max-model-len" if short else ""
            raise self.error(f"{wrong}; its finish_reason is {reason!r:.40}", hint)
        return Drawn(ids, [float(one) for one in logprobs])

    def score(self, model: str, texts: Sequence[Sequence[int]], salt: str) -> list[list[float]]:
        """Return the log-probability of every token but the first, at temperature 1, in nats.

        Args:
            model: Name of the model, or of an adapter, at the server.
            texts: Token ids.
            salt: As in ``complete``.

        Raises:
            EngineError: An answer lacks some.
        """

        def one(ids: Sequence[int]) -> list[float]:
            body = {"model": model, "prompt": list(ids), "max_tokens": 1, "prompt_logprobs": 0}
            answer = self.ask("POST", "/v1/completions", body | {"cache_salt": salt})
            try:
                found = answer["choices"][0]["prompt_logprobs"]
                pairs = zip(ids[1:], found[1:], strict=True)
                return [float(row[str(token)]["logprob"]) for token, row in pairs]
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise self.error(
                    f"no log-probabilities of a prompt ({error!r:.80}): {_start(answer)}"
                ) from error

        return self.all(one, texts)

    def load_weights(self, folder: str) -> None:
        """Let it load all weights from the folder of a checkpoint."""
        body = {"method": "reload_weights", "kwargs": {"weights_path": folder}}
        try:
            self.ask("POST", "/collective_rpc", body)
        except EngineError as error:
            raise self.error(
                f"it does not load weights: {error}",
                "start vLLM with VLLM_SERVER_DEV_MODE=1; it must see the folder weights_folder",
            ) from error

    def load_adapter(self, name: str, folder: str, last: str) -> None:
        """Let it load a LoRA adapter from a folder, in place of the last one that it was given."""
        try:
            self.ask("POST", "/v1/load_lora_adapter", {"lora_name": name, "lora_path": folder})
            if last:
                self.ask("POST", "/v1/unload_lora_adapter", {"lora_name": last})
        except EngineError as error:
            raise self.error(
                f"it does not load an adapter: {error}",
                "start vLLM with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, --enable-lora, --max-loras"
                " 2 and --max-lora-rank; it must see the folder weights_folder",
            ) from error


def _start(answer: Any) -> str:
    return f"{json.dumps(answer, default=repr):.160}"
