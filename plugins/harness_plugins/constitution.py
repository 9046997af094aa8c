"""Constitution: a language model that prefers by principles drawn from a constitution."""

import hashlib
import random
from collections.abc import Sequence

from pydantic import Field

from harness.plugin import (
    BINARY,
    Constitution,
    Criterion,
    FeedbackSource,
    JudgeOptions,
    JudgePolicy,
    JudgmentRequest,
    ModelJudge,
    PluginError,
    SourceFactory,
    find_rubric,
    hookimpl,
)

VERSION = "1"


class Options(JudgeOptions):
    """Options of ``constitution``, besides those of every language-model judge.

    Attributes:
        constitution: Id of a constitution, or path of its file.
        principles: Principles drawn for each pair (by weight, without replacement); both orders
            of a pair and all members of a jury see the same ones, each sample draws its own.
        principle: Always this one instead of drawing.
    """

    constitution: str = "house"
    principles: int = Field(default=1, ge=1)
    principle: str | None = None


def draw(
    constitution: Constitution, count: int, request_id: str, sample: int, seed: int
) -> list[str]:
    """Draw principles by weight (Bai et al. 2022, section 4.1), the same for the same pair.

    Returns:
        Their texts, at most as many as the constitution has.
    """
    key = f"{seed}\0{constitution.sha256}\0{request_id}\0{sample}".encode()
    rng = random.Random(hashlib.sha256(key).digest())
    # Keys u^(1/w), largest first, draw without replacement by weight (Efraimidis and Spirakis
    # 2006, algorithm A).
    keyed = [(rng.random() ** (1 / p.weight), p.text) for p in constitution.principles]
    return [text for _, text in sorted(keyed, reverse=True)[:count]]


def build(name: str, options: Options) -> FeedbackSource:
    """Build the judge.

    Raises:
        PluginError: The name is a rubric's, or the constitution has no such principle.
    """
    constitution = find_rubric(options.constitution, "constitution")
    if not isinstance(constitution, Constitution):
        raise PluginError(
            f"{options.constitution} is a rubric, not a constitution", hint="use: llm_judge"
        )
    texts = {principle.id: principle.text for principle in constitution.principles}
    if options.principle is not None and options.principle not in texts:
        raise PluginError(
            f"constitution {constitution.id} has no principle {options.principle!r}",
            hint=f"known: {', '.join(texts)}",
        )

    def guidance(request: JudgmentRequest, repeat: int, seed: int) -> str:
        if options.principle is not None:
            return texts[options.principle]
        sample = judge.members[repeat].sample
        return " ".join(draw(constitution, options.principles, request.id, sample, seed))

    better = Criterion("constitution", "Which response is better by this?", BINARY)
    policy = JudgePolicy((better,), True, (), guidance, constitution.sha256, constitution.id)
    judge = ModelJudge(options, policy)
    return judge.source(name, VERSION, ("pairwise",))


CONSTITUTION = SourceFactory(
    "constitution", VERSION, "judge", build, Options, (__doc__ or "").split("\n")[0]
)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the judge."""
    return [CONSTITUTION]
