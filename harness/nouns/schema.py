"""The nouns of the harness: frozen, slotted dataclasses without behaviour beyond their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.nouns.chat_messages import Message, Tokens
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale

Order = Literal["", "AB", "BA"]
"""Presentation order of a pair; empty for pointwise and for sources without an order."""

SourceKind = Literal["judge", "verifier", "human", "reward_model"]
Way = Literal["pointwise", "pairwise", "listwise"]
Value = str | float | bool | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt with an optional reference.

    Args:
        id: Unique name.
        prompt: Text, or chat messages.
        reference: Gold answer, or tests; any JSON value.
        metadata: Anything else; "cluster" groups items that are not independent.
    """

    id: str
    prompt: str | tuple[Message, ...]
    reference: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prompt_text(self) -> str:
        """The prompt as one text; the contents of chat messages joined by blank lines."""
        if isinstance(self.prompt, str):
            return self.prompt
        return "\n\n".join(message["content"] for message in self.prompt)


@dataclass(frozen=True, slots=True)
class Response:
    """A system's answer under evaluation; ``system`` says which policy wrote it."""

    id: str
    item_id: str
    system: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JudgmentRequest:
    """One question to a feedback source.

    One response makes it pointwise, two pairwise, more listwise.
    """

    id: str
    item: Item
    responses: tuple[Response, ...]
    criterion: Criterion

    @property
    def way(self) -> Way:
        """Pointwise, pairwise or listwise, by the number of responses."""
        return {1: "pointwise", 2: "pairwise"}.get(len(self.responses), "listwise")  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a source says of one request.

    Args:
        status: OK, or the reason why there is no value.
        value: On the criterion's scale if pointwise; "A", "B" or "TIE" if pairwise; the response
            ids from best to worst if listwise. None unless status is OK.
        probability: Pairwise: probability that A is preferred. Otherwise: probability of the value.
        rationale: Why, in words; for a failure its reason.
    """

    status: Status
    value: Value = None
    probability: float | None = None
    rationale: str = ""

    def __post_init__(self) -> None:
        """Refuse a value without OK and OK without a value."""
        if (self.value is None) == (self.status is Status.OK):
            raise ValueError(f"a verdict has a value if and only if it is OK, got {self!r}")
        if self.probability is not None and not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability must be between 0 and 1, got {self.probability}")


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with what its judgment keeps beside it.

    Args:
        verdict: What the verifier says.
        metadata: Goes on the judgment.
        latency_s: Seconds that it took; by default measured around the function, waiting included.
    """

    verdict: Verdict
    metadata: Mapping[str, Any] = field(default_factory=dict)
    latency_s: float | None = None


def no_verdict(value: object) -> str:
    """Return the words for what a verifier may not return, such as a NumPy bool."""
    return f"a verifier returns bool, float or None, got {value!r:.80}"


def off_scale(value: object, scale: Scale | None, responses: Sequence[str]) -> str:
    """Return why a request cannot get a value; empty where it can.

    Args:
        value: Of a verdict.
        scale: Of a single response; None where it is not known.
        responses: Ids of the request's responses.
    """
    if len(responses) == 1:
        if scale is None or scale.contains(value):
            return ""
        share = scale.is_binary and isinstance(value, int | float) and 0 <= value <= 1
        more = "; a source of numbers from 0 to 1 declares scale=UNIT" if share else ""
        return f"value {value!r:.60} is not on the scale {scale.describe()}{more}"
    if len(responses) == 2:
        fits, legal = value in ("A", "B", "TIE"), "A, B or TIE, as that of a pair"
    else:
        fits = isinstance(value, tuple) and sorted(map(str, value)) == sorted(responses)
        legal = f"a tuple of all ids of the list, {', '.join(responses)}, best first"
    return "" if fits else f"value {value!r:.60} is not {legal}"


@dataclass(frozen=True, slots=True)
class Judgment:
    """One recorded verdict on one request.

    A pairwise value is always in the request's own order (A is ``responses[0]``), whatever order
    the judge saw; ``order`` keeps what it saw.
    """

    request_id: str
    source: str
    source_version: str
    annotator: str
    verdict: Verdict
    order: Order = ""
    repeat: int = 0
    cost_usd: float = 0.0
    latency_s: float = 0.0
    tokens: Tokens = field(default_factory=Tokens)
    raw: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reward:
    """The scalar for one response; ``value`` is None when nobody could judge it, never a silent 0.

    ``components`` holds the value of each source that took part, ``stderr`` the standard error over
    judgments, None with fewer than two.
    """

    item_id: str
    response_id: str
    value: float | None
    stderr: float | None = None
    n_judgments: int = 0
    components: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preference:
    """Chosen and rejected of one pair, with the probability that the choice is right."""

    item_id: str
    chosen_id: str
    rejected_id: str
    probability: float
    n_judgments: int


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Who a feedback source is.

    Args:
        name: Name inside the experiment.
        version: Moves whenever the same request may get another verdict.
        kind: judge, verifier, human or reward_model.
        scale: Scale of its pointwise values, None when it takes that of the criterion.
        deterministic: Whether the same request always gets the same verdict.
        takes: The ways of judging it can do.
        simulated: Whether its people are made up by a program; shown wherever its name is.
        identity: What makes two sources the same whatever their names: a hash of plugin and
            options. Empty until ``SourceFactory.build`` sets it.
        models: The language models that it asks, as ``ChatRequest.model`` names them.
        files: (path, SHA-256 of the content) of each file that its options name, as it was when the
            source was built; none of people's, whose tables may grow. Set with the identity.
    """

    name: str
    version: str
    kind: SourceKind
    scale: Scale | None = None
    deterministic: bool = True
    takes: tuple[Way, ...] = ("pointwise",)
    simulated: bool = False
    identity: str = ""
    models: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
