"""Options that all judges made of a language model share."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.judging.templates import TEMPLATES


class JudgeOptions(BaseModel):
    """How a language model judges.

    Attributes:
        model: As litellm writes it ("openai/gpt-4o-mini"), or "local/<name>"; several make a jury
            whose members are annotators of their own.
        templates: Prompt templates; the verdicts of several are pooled. By default "brief" for
            local models and "standard" for others.
        samples: Independent samples of each presentation.
        both_orders: Show pairs as AB and as BA.
        chain_of_thought: Whether the judge gives reasons before its verdict; "steps" asks for a
            requirement list, a check and a comparison.
        soft: Take the verdict from the log-probabilities of the possible answers; by default for
            local models only, where the scale has few. Several criteria on a single response are
            then asked about one by one; lists are ranked in words.
        structured: Ask for a JSON object that fits a schema; the text parser reads what comes.
        reference: Show the item's reference to the judge.
        few_shot: Show the rubric's worked examples.
        temperature: Of the sampling; 0 is greedy, and the default for one sample (else 1).
        max_tokens: Limit of an answer; by default what the longest verdict needs that is asked
            for, twice, and 1024 more for reasons.
        seed: Sent to providers that take one.
        api_base: Address of an OpenAI-compatible server, such as http://localhost:8000/v1.
        input_cost_per_token: Dollars, where litellm does not know the model's price.
        output_cost_per_token: Dollars.
        provider: Further parameters of the provider (extra_body, top_p, ...).
        mode: "live", or "batch" for the provider's batch interface (cheaper, within a day).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | list[str]
    templates: list[str] = []
    samples: int = Field(default=1, ge=1)
    both_orders: bool = True
    chain_of_thought: bool | Literal["steps"] = False
    soft: bool | None = None
    structured: bool = False
    reference: bool = False
    few_shot: bool = True
    temperature: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = None
    api_base: str | None = None
    input_cost_per_token: float | None = Field(default=None, ge=0)
    output_cost_per_token: float | None = Field(default=None, ge=0)
    provider: dict[str, Any] = {}
    mode: Literal["live", "batch"] = "live"

    @model_validator(mode="after")
    def _fits(self) -> JudgeOptions:
        if not self.models or not all(self.models):
            raise ValueError("model: name at least one")
        repeated = sorted({name for name in self.models if self.models.count(name) > 1})
        if repeated:
            raise ValueError(f"model: {', '.join(repeated)} is named twice")
        for name in self.templates:
            if name not in TEMPLATES:
                raise ValueError(f"templates: unknown {name!r}; known: {', '.join(TEMPLATES)}")
            if TEMPLATES[name].plain and self.chain_of_thought:
                raise ValueError(
                    f"templates: {name!r} asks for nothing but the verdict, so chain_of_thought"
                    " needs another one, such as standard"
                )
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("samples: several samples at temperature 0 are one sample")
        if self.soft and self.structured:
            raise ValueError(
                "soft: log-probabilities of a verdict cannot be read from JSON; leave soft or"
                " structured out"
            )
        if "api_key" in self.provider:
            raise ValueError("provider: a key belongs in the environment, not in a file")
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """The jury; one model in most cases."""
        return (self.model,) if isinstance(self.model, str) else tuple(self.model)

    @property
    def extra(self) -> dict[str, Any]:
        """Parameters of the provider as in ``ChatRequest.extra``."""
        named = {
            "api_base": self.api_base,
            "input_cost_per_token": self.input_cost_per_token,
            "output_cost_per_token": self.output_cost_per_token,
        }
        return {**self.provider, **{k: v for k, v in named.items() if v is not None}}
