"""Reward functions: TRL's calling convention over feedback sources and any other callable.

A reward function is called as ``f(prompts=..., completions=..., completion_ids=..., **columns)``
and returns one float or None for each completion; it may be a coroutine function. None means that
nobody could judge the completion: the row is masked and moves nothing.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from harness.nouns.errors import ConfigError, InputError
from harness.train.function_identity import function_identity
from harness.train.reward_arguments import Notes, completion_rows
from harness.train.reward_calls import RewardCalls
from harness.train.rows import completion_text

if TYPE_CHECKING:
    from harness.feedback.contract import FeedbackSource, RunContext
    from harness.nouns.rubric import Criterion
    from harness.nouns.schema import Item, Verdict
    from harness.policy.answers import Answers

RewardFunction = Callable[..., Any]


@runtime_checkable
class Identified(Protocol):
    """A reward function that says what makes it another one: source and options, or weights."""

    @property
    def identity(self) -> Any:
        """Plain JSON that moves whenever the same completion may get another reward."""


@runtime_checkable
class HoldsWeights(Protocol):
    """A reward function with a model of its own, in the memory that training takes, too."""

    @property
    def held_bytes(self) -> int:
        """Bytes of its weights."""


@runtime_checkable
class ReadsTokens(Protocol):
    """A reward function that reads the sampled token ids, and must know whose they are."""

    def reads_of(self, policy: Answers, prompts: Sequence[Any]) -> None:
        """Learn whose completions of which prompts come.

        Raises:
            InputError: It cannot read them.
        """


@dataclass
class WeightedRewards:
    """Several reward functions as one: the weighted sum, or None where any of them has no verdict.

    A sum over whichever sources answered would compare completions on different scales, which is
    the same mistake as counting a failure as 0; hence None.

    Args:
        functions: By the name shown in logs.
        weights: By name; 1 where a name is absent.
        timeout_s: Seconds that an async function has for a batch; late ones, and those that raise,
            have no verdict on it.
        keep_completions: Whether completions and rewards are kept until ``take_completions``.

    Raises:
        InputError: No function, a weight for an unknown one, or weights that `check_weights`
            refuses.
    """

    functions: Mapping[str, RewardFunction]
    weights: Mapping[str, float] = field(default_factory=dict)
    __name__: str = "reward"
    timeout_s: float = 600.0
    keep_completions: bool = False

    def __post_init__(self) -> None:
        """Check the names."""
        unknown = sorted(set(self.weights) - set(self.functions))
        if not self.functions or unknown:
            raise InputError(
                f"weights for unknown reward functions: {', '.join(unknown)}"
                if unknown
                else "there is no reward function",
                hint=f"reward functions: {', '.join(self.functions) or 'none'}",
            )
        check_weights({name: self.weights.get(name, 1.0) for name in self.functions})
        self._calls, self._notes = (
            RewardCalls(self.functions, self.timeout_s, self.weights),
            Notes(),
        )
        self._seen: dict[str, list[float | None]] = {}
        self._table: list[dict[str, Any]] = []

    def __call__(self, prompts: Sequence[Any], **columns: Any) -> list[float | None]:
        """Return one reward or None for each completion.

        Functions may note numbers and columns by ``log_metric`` and ``log_extra``, as in TRL.
        """
        totals: list[float | None] = [0.0] * len(prompts)
        notes = {"log_metric": self._notes.log_metric, "log_extra": self._notes.log_extra}
        each: dict[str, list[float | None]] = {}
        for name, values in self._calls({"prompts": prompts, **columns, **notes}).items():
            each[name] = values
            self._seen.setdefault(name, []).extend(values)
            if weight := self.weights.get(name, 1.0):
                totals = [
                    None if value is None or before is None else before + weight * value
                    for before, value in zip(totals, values, strict=True)
                ]
        extras = self._notes.take_extras()
        if self.keep_completions:
            self._table += completion_rows(prompts, columns["completions"], totals, each, extras)
        return totals

    def take_completions(self) -> list[dict[str, Any]]:
        """Return what was scored since the last call, if ``keep_completions``: a row for each."""
        taken, self._table = self._table, []
        return taken

    def fingerprint(self) -> dict[str, Any]:
        """Return what the rewards are, by name: weight and identity of each function.

        A function that does not say what it is goes by `function_identity`.
        """
        return {
            name: [
                self.weights.get(name, 1.0),
                function.identity
                if isinstance(function, Identified)
                else function_identity(function),
            ]
            for name, function in self.functions.items()
        }

    def reads_of(self, policy: Answers, prompts: Sequence[Any]) -> None:
        """Tell the functions that read token ids whose they are.

        Raises:
            InputError: One of them cannot read them.
        """
        for function in self.functions.values():
            if isinstance(function, ReadsTokens):
                function.reads_of(policy, prompts)

    @property
    def held_bytes(self) -> int:
        """Bytes of the models among the functions."""
        return sum(
            function.held_bytes if isinstance(function, HoldsWeights) else 0
            for function in self.functions.values()
        )

    def take_stats(
        self, of_all: Callable[[Any], list[Any]] = lambda mine: [mine]
    ) -> dict[str, Any]:
        """Return mean reward and coverage of each source since the last call, for the log.

        And under ``failure/NAME`` why a function failed, if it did; under ``metric/NAME`` the mean
        of what functions gave ``log_metric``.

        Args:
            of_all: Returns what each rank has; by default there is one.
        """
        parts = of_all((self._seen, self._calls.take_reasons()))
        self._seen, row = {}, dict[str, Any]()
        for name in dict.fromkeys(name for seen, _ in parts for name in seen):
            values = [value for seen, _ in parts for value in seen.get(name, [])]
            known = [value for value in values if value is not None]
            row[f"reward/{name}"] = sum(known) / len(known) if known else math.nan
            row[f"coverage/{name}"] = len(known) / len(values) if values else math.nan
        row |= self._notes.take_metrics(of_all)
        reasons = [reasons for _, reasons in parts]
        return row | {f"failure/{name}": why for some in reasons for name, why in some.items()}


def check_weights(weights: Mapping[str, float]) -> None:
    """Refuse weights of rewards that are no finite numbers of at least 0, or all 0.

    Raises:
        ConfigError: It names the reward and its weight.
    """
    for name, weight in weights.items():
        is_real = issubclass(type(weight), Real) and type(weight) is not bool
        if not (is_real and 0 <= weight <= sys.float_info.max):
            raise ConfigError(
                f"the weight of reward {name} is {weight!r}, no finite number of at least 0",
                hint="what is to be little is returned as a negative number" if is_real else "",
            )
    if not any(weights.values()):
        raise ConfigError(f"no reward has a weight above 0: {', '.join(weights)}")


class SourceReward:
    """A feedback source as a reward function: the mean of its verdicts, on [0, 1].

    It sees the item of each completion whole, and the completion as plain text; no chat template
    changes either. So a request has the id that judging the same response has.

    Args:
        source: Any pointwise source.
        ctx: What the source may use.
        criterion: What it is asked.
    """

    def __init__(
        self, source: FeedbackSource, ctx: RunContext, criterion: Criterion | None = None
    ) -> None:
        from harness.feedback.requests import criterion_for

        self.source, self.ctx = source, ctx
        self.criterion = criterion or criterion_for(source.info)
        self.__name__ = source.info.name
        self.identity = [source.info.identity, source.info.version]
        self._known: dict[str, float] = {}
        self._why = ""

    def take_reason(self) -> str:
        """Return why a completion of the calls since the last one has no verdict, "" if all do."""
        taken, self._why = self._why, ""
        return taken

    async def __call__(
        self, completions: Sequence[Any], item: Sequence[Item], **columns: Any
    ) -> list[float | None]:
        """Return the mean of the OK verdicts on each completion, None where there is none.

        Equal completions of one item are judged once in a call; and once for all calls if the
        source is deterministic and had a verdict.
        """
        from harness.feedback.annotate import annotate
        from harness.feedback.requests import request_id
        from harness.nouns.outcomes import Status
        from harness.nouns.schema import JudgmentRequest, Response

        names, requests = [], {}
        for asked, completion in zip(item, completions, strict=True):
            text = completion_text(completion)
            digest = hashlib.sha256(text.encode()).hexdigest()[:12]
            response = Response(f"policy.{asked.id}.{digest}", asked.id, "policy", text)
            name = request_id(asked, (response,), self.criterion)
            names.append(name)
            if name not in self._known:
                requests[name] = JudgmentRequest(name, asked, (response,), self.criterion)
        found: dict[str, list[float]] = {}
        for judgment in await annotate(self.source, list(requests.values()), self.ctx):
            if judgment.verdict.status is Status.OK:
                value = self.criterion.scale.to_unit(judgment.verdict.value)
                found.setdefault(judgment.request_id, []).append(value)
            else:
                asked_for = requests[judgment.request_id].item
                self._why = self._why or _without(judgment.verdict, asked_for)
        means = {name: sum(values) / len(values) for name, values in found.items()}
        rewards = [self._known.get(name, means.get(name)) for name in names]
        if self.source.info.deterministic:
            self._known |= means
        return rewards


def _without(verdict: Verdict, item: Item) -> str:
    """Return why a verdict is none, in words."""
    why = verdict.rationale or verdict.status.value
    if verdict.status.value != "abstained" or item.reference is not None:
        return why
    return f"{why:.160} (item {item.id:.40} has no reference)"
