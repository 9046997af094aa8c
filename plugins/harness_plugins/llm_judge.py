"""LLM judge: a language model that follows a rubric, on pairs, single responses or lists."""

from collections.abc import Sequence
from typing import Literal

from harness.plugin import (
    Constitution,
    FeedbackSource,
    JudgeOptions,
    JudgePolicy,
    ModelJudge,
    PluginError,
    SourceFactory,
    find_rubric,
    hookimpl,
)

VERSION = "1"


class Options(JudgeOptions):
    """Options of ``llm_judge``, besides those of every language-model judge.

    Attributes:
        rubric: Id of a rubric or path of its file; null follows each request's own criterion.
        criterion: Judge by this one of its criteria only.
        criteria: Weigh several criteria "together" in one call, or "one_by_one" in a call each.
    """

    rubric: str | None = "helpfulness"
    criterion: str | None = None
    criteria: Literal["together", "one_by_one"] = "together"


def policy_of(options: Options) -> JudgePolicy:
    """Return what the options say the judge judges by.

    Raises:
        PluginError: The rubric is a constitution, or has no such criterion.
    """
    if options.rubric is None:
        return JudgePolicy()
    rubric = find_rubric(options.rubric, "rubric")
    if isinstance(rubric, Constitution):
        raise PluginError(
            f"{options.rubric} is a constitution, not a rubric", hint="use: constitution"
        )
    chosen, examples = rubric.criteria, rubric.examples
    if options.criterion is not None:
        chosen = tuple(c for c in chosen if c.id == options.criterion)
        if not chosen:
            names = ", ".join(c.id for c in rubric.criteria)
            raise PluginError(
                f"rubric {rubric.id} has no criterion {options.criterion!r}", hint=f"known: {names}"
            )
        if len(rubric.criteria) > 1:  # an example of the whole rubric says nothing of this one
            own = (example.on(options.criterion) for example in examples)
            examples = tuple(example for example in own if example is not None)
    together = options.criteria == "together"
    return JudgePolicy(
        chosen, together, examples, None, rubric.sha256, rubric.id, judging=rubric.judging
    )


def build(name: str, options: Options) -> FeedbackSource:
    """Build the judge."""
    judge = ModelJudge(options, policy_of(options))
    return judge.source(name, VERSION, ("pointwise", "pairwise", "listwise"))


LLM_JUDGE = SourceFactory(
    "llm_judge", VERSION, "judge", build, Options, (__doc__ or "").split("\n")[0]
)


@hookimpl
def harness_feedback_sources() -> Sequence[SourceFactory]:
    """Offer the judge."""
    return [LLM_JUDGE]
