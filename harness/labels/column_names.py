"""What tables and tools call the columns of labels."""

from __future__ import annotations

from collections.abc import Container

NAMES: dict[str, tuple[str, ...]] = {
    "item": (
        "item", "item_id", "question_id", "prompt_id", "task_id", "example_id", "instance_id",
        "query_id", "data.item_id", "data.id", "metadata.item_id", "meta.id", "id", "idx", "index",
        "uid", "qid", "hitid", "q", "question", "prompt",
    ),
    "annotator": (
        "annotator", "annotator_id", "rater", "rater_id", "labeler", "labeller", "labeler_id",
        "worker", "worker_id", "user", "user_id", "person", "judge", "evaluator", "who",
        "username", "completed_by", "workerid", "participant", "participant_id",
    ),
    "response_a": (
        "response_a", "response_a_id", "model_a", "system_a", "a", "left", "response_1",
        "response1", "response1_id", "response_1_id", "model_1", "model1", "system_1", "output_a",
        "first", "first_response",
    ),
    "response_b": (
        "response_b", "response_b_id", "model_b", "system_b", "b", "right", "response_2",
        "response2", "response2_id", "response_2_id", "model_2", "model2", "system_2", "output_b",
        "second", "second_response",
    ),
    "response": (
        "response", "response_id", "model", "system", "output_id", "candidate", "data.model",
        "metadata.model", "data.system",
    ),
    "label": (
        "label", "preference", "overall_preference", "winner", "choice", "vote", "verdict", "pick",
        "preferred", "rating", "score", "judgment", "judgement", "stars", "likert", "grade",
        "overall", "value", "rank", "ranking",
    ),
    "criterion": ("criterion", "criteria", "dimension", "aspect", "attribute", "metric"),
    "comment": (
        "comment", "comments", "reason", "rationale", "explanation", "justification", "notes",
    ),
    "shown": ("shown",),
    "best": ("best", "best_response", "most"),
    "worst": ("worst", "worst_response", "least"),
    "prompt": (
        "prompt", "question", "instruction", "query", "input", "data.prompt", "data.question",
        "fields.prompt", "fields.instruction", "input.prompt", "input.question",
    ),
    "text_a": (
        "text_a", "response_a_text", "answer_a", "output_1", "answer1", "completion_a",
        "data.response_a", "data.text1", "data.answer1", "fields.response_a", "fields.response1",
        "fields.response-1", "input.response_a", "input.response1", "response_a",
        "response1", "response_1", "output_a",
    ),
    "text_b": (
        "text_b", "response_b_text", "answer_b", "output_2", "answer2", "completion_b",
        "data.response_b", "data.text2", "data.answer2", "fields.response_b", "fields.response2",
        "fields.response-2", "input.response_b", "input.response2", "response_b",
        "response2", "response_2", "output_b",
    ),
    "text": (
        "text", "response_text", "output", "answer", "completion", "data.text", "data.response",
        "fields.response", "fields.text", "response",
    ),
}  # fmt: skip
"""Names under which tables keep each meaning, the likeliest first."""

ITEM, ITEM_ID = "item", "item_id"


def item_column(columns: Container[str]) -> str:
    """Return the column with the item of a table in the house's own form.

    That is "item", as tables of labels have it, or "item_id", as judgments and responses do.
    """
    return ITEM_ID if ITEM not in columns and ITEM_ID in columns else ITEM
