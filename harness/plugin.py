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

from harness.adapters.human import HumanLabel, human_labels
from harness.adapters.judge import JudgeSource, judge
from harness.adapters.verifier import verifier
from harness.contract import (
    AggregatorFactory,
    AgreementStatistic,
    ChatClient,
    FeedbackSource,
    Limits,
    ReportSection,
    RunContext,
    SourceFactory,
)
from harness.errors import (
    ChatError,
    ConfigError,
    DataError,
    InputError,
    MissingExtraError,
    PluginError,
    RubricError,
)
from harness.hookspecs import hookimpl
from harness.imports.columns import LabelColumns
from harness.imports.exports import read_label_table
from harness.imports.labels import Known, read_labels
from harness.judging.model_judge import ModelJudge
from harness.judging.model_judge import Policy as JudgePolicy
from harness.judging.options import JudgeOptions
from harness.judging.verdicts import read_pair, read_ranking, read_score
from harness.records import read_items, read_responses
from harness.registry import find_rubric
from harness.rubric import Constitution, Criterion, Principle, Rubric, content_hash, load_rubric
from harness.scale import BINARY, PREFERENCE, UNIT, Scale
from harness.schema import (
    ChatReply,
    ChatRequest,
    Item,
    Judgment,
    JudgmentRequest,
    Message,
    Order,
    Response,
    SourceInfo,
    Status,
    Tokens,
    Verdict,
    Way,
)

__all__ = [
    "BINARY",
    "PREFERENCE",
    "UNIT",
    "AggregatorFactory",
    "AgreementStatistic",
    "ChatClient",
    "ChatError",
    "ChatReply",
    "ChatRequest",
    "ConfigError",
    "Constitution",
    "Criterion",
    "DataError",
    "FeedbackSource",
    "HumanLabel",
    "InputError",
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
    "PluginError",
    "Principle",
    "ReportSection",
    "Response",
    "Rubric",
    "RubricError",
    "RunContext",
    "Scale",
    "SourceFactory",
    "SourceInfo",
    "Status",
    "Tokens",
    "Verdict",
    "Way",
    "content_hash",
    "find_rubric",
    "hookimpl",
    "human_labels",
    "judge",
    "load_rubric",
    "read_items",
    "read_label_table",
    "read_labels",
    "read_pair",
    "read_ranking",
    "read_responses",
    "read_score",
    "verifier",
]
