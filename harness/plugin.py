"""The only module that a plugin author imports.

A whole plugin::

    from harness.plugin import Item, Response, hookimpl, verifier

    @verifier(name="exact_match", version="1")
    def exact_match(item: Item, response: Response) -> bool | None:
        if item.reference is None:
            return None  # abstain: never score what cannot be checked
        return response.text.strip() == item.reference.strip()

    @hookimpl
    def harness_feedback_sources():
        return [exact_match]
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.feedback.contract import (
    ChatClient,
    FeedbackSource,
    Limits,
    Plans,
    Prefetches,
    Presents,
    RunContext,
    Shown,
    SourceFactory,
    Workers,
)
from harness.feedback.human import human_labels
from harness.feedback.judge import JudgeSource, judge
from harness.feedback.verifier import verifier
from harness.hookspecs import (
    AggregatorFactory,
    AgreementStatistic,
    ReportData,
    ReportSection,
    hookimpl,
)
from harness.judging.model_judge import ModelJudge
from harness.judging.model_judge import Policy as JudgePolicy
from harness.judging.options import JudgeOptions
from harness.judging.verdicts import read_pair, read_ranking, read_score
from harness.labels.columns import LabelColumns
from harness.labels.exports import read_label_table
from harness.labels.human_label import HumanLabel
from harness.labels.read_labels import Known, read_labels
from harness.nouns.chat_messages import ChatReply, ChatRequest, ChoicePlace, Message, Tokens
from harness.nouns.code_blocks import CodeBlock, marked_blocks
from harness.nouns.end_tokens import without_end_tokens
from harness.nouns.errors import (
    ChatError,
    ConfigError,
    DataError,
    InputError,
    MissingExtraError,
    PluginError,
    RubricError,
)
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import Status, WorkOutcome
from harness.nouns.plain_text import composed, file_text, parsed_json
from harness.nouns.rubric import Constitution, Criterion, Principle, Rubric, load_rubric
from harness.nouns.scale import BINARY, PREFERENCE, UNIT, Scale
from harness.nouns.schema import (
    Finding,
    Item,
    Judgment,
    JudgmentRequest,
    Order,
    Response,
    SourceInfo,
    SourceKind,
    Value,
    Verdict,
    Way,
)
from harness.nouns.thoughts import Parted, parted
from harness.records.rows import read_items, read_responses
from harness.registry import find_rubric
from harness.sandbox.guest.program import die_with_parent
from harness.sandbox.pool import Isolation
from harness.sandbox.programs import (
    names_tested,
    program_defining,
    program_reading,
    tests_decide,
)
from harness.sandbox.result import Integrity, Outcome, RunLimits, SandboxResult
from harness.sandbox.sandbox import Sandbox
from harness.statistics.estimate import Estimate

if TYPE_CHECKING:
    from harness.ratings.posterior import Aggregate, Posterior
    from harness.ratings.table import RatingTable

__all__ = [
    "BINARY",
    "PREFERENCE",
    "UNIT",
    "Aggregate",
    "AggregatorFactory",
    "AgreementStatistic",
    "ChatClient",
    "ChatError",
    "ChatReply",
    "ChatRequest",
    "ChoicePlace",
    "CodeBlock",
    "ConfigError",
    "Constitution",
    "Criterion",
    "DataError",
    "Estimate",
    "FeedbackSource",
    "Finding",
    "HumanLabel",
    "InputError",
    "Integrity",
    "Isolation",
    "Item",
    "JudgeOptions",
    "JudgePolicy",
    "JudgeSource",
    "Judgment",
    "JudgmentRequest",
    "Known",
    "LabelColumns",
    "Limits",
    "Message",
    "MissingExtraError",
    "ModelJudge",
    "Order",
    "Outcome",
    "Parted",
    "Plans",
    "PluginError",
    "Posterior",
    "Prefetches",
    "Presents",
    "Principle",
    "RatingTable",
    "ReportData",
    "ReportSection",
    "Response",
    "Rubric",
    "RubricError",
    "RunContext",
    "RunLimits",
    "Sandbox",
    "SandboxResult",
    "Scale",
    "Shown",
    "SourceFactory",
    "SourceInfo",
    "SourceKind",
    "Status",
    "Tokens",
    "Value",
    "Verdict",
    "Way",
    "WorkOutcome",
    "Workers",
    "composed",
    "content_hash",
    "die_with_parent",
    "file_text",
    "find_rubric",
    "hookimpl",
    "human_labels",
    "judge",
    "load_rubric",
    "marked_blocks",
    "names_tested",
    "parsed_json",
    "parted",
    "program_defining",
    "program_reading",
    "read_items",
    "read_label_table",
    "read_labels",
    "read_pair",
    "read_ranking",
    "read_responses",
    "read_score",
    "tests_decide",
    "verifier",
    "without_end_tokens",
]

_NEEDS_NUMPY = {
    "Aggregate": "harness.ratings.posterior",
    "Posterior": "harness.ratings.posterior",
    "RatingTable": "harness.ratings.table",
}


def __getattr__(name: str) -> Any:
    """Return what needs numpy, which a plugin without statistics should not wait for."""
    if name not in _NEEDS_NUMPY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_NEEDS_NUMPY[name]), name)
