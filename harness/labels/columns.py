"""The declared meaning of the columns of a label table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.labels.values import PAIR_TARGETS, said_text
from harness.nouns.errors import ScaleError
from harness.nouns.scale import Level, Scale

Task = Literal["pairs", "scores", "ranking", "best_worst", "labels"]


class ScaleOptions(BaseModel):
    """A scale as it is written in options.

    Attributes:
        level: nominal, ordinal, interval or ratio.
        labels: Labels in their order, for nominal and ordinal.
        low: Smallest legal number, for interval and ratio.
        high: Largest legal number.
    """

    model_config = ConfigDict(extra="forbid")

    level: Level
    labels: list[str] = []
    low: float | None = None
    high: float | None = None

    @field_validator("labels", mode="before")
    @classmethod
    def _texts(cls, labels: object) -> object:
        return [str(label) for label in labels] if isinstance(labels, list) else labels

    @model_validator(mode="after")
    def _legal(self) -> ScaleOptions:
        self.build()
        return self

    def build(self) -> Scale:
        """Return the scale.

        Raises:
            ValueError: Labels or bounds do not fit the level.
        """
        try:
            return Scale(self.level, tuple(self.labels), self.low, self.high)
        except ScaleError as error:
            raise ValueError(error.what) from error


class LabelColumns(BaseModel):
    """Which column of a label table means what.

    A long table has one row per label (``label``), a wide one several labels in a row
    (``labels``), whose columns stand for people, criteria or responses (``by``).

    Attributes:
        item: Column with the id of the item; empty to name items by their rows.
        response: Pointwise: column with the id, or the system, of the response.
        response_a: Pairs: column with the id, or the system, of response A.
        response_b: Pairs: column with the id, or the system, of response B.
        systems: In place of those columns, when all rows have the same: one system, or A and B.
        annotator: Column with the person.
        annotator_name: In place of that column, when all labels are of one person.
        label: Long table: column with the label.
        labels: Wide table: columns with labels.
        by: What the columns of ``labels`` stand for: each is a person (annotator), a criterion,
            a response (its name being the response or system), or a place in a ranking (rank).
        criterion: Column with the id of the criterion.
        comment: Column with the person's reason.
        shown: Pairs: column with the order on the screen, AB or BA.
        task: pairs, scores, ranking, best_worst, or labels of the items themselves; by default
            pairs when there are two responses, else scores.
        best: best_worst: column with the best response.
        worst: best_worst: column with the worst response.
        choices: best_worst: columns with the responses that were shown.
        values: What a text in a label column means: A, B, TIE or SKIP for pairs; a value of the
            scale, or SKIP, for scores. A, B, tie, skip and the names of the two responses are
            understood without it, and so is what other tools call them, such as model_a.
        scale: Scale of the scores. Without it a score must fit the criterion that asks for it.
        people: Annotators who are people: what they say is a label, even a word of failure.
        failure_values: Words that stand for failures, in place of the usual ones; "empty" is an
            empty cell.
        duplicates: A person who labels the same thing twice is an error; or the last label counts;
            or both count, as repeats (test and retest).
        prompt: Column with the prompt; only for writing items.
        text: Column with the text of the response; only for writing responses.
        text_a: Column with the text of response A; only for writing responses.
        text_b: Column with the text of response B; only for writing responses.
        plain: Read the table as it is, also where it looks like the export of a tool.
    """

    model_config = ConfigDict(extra="forbid")

    item: str = "item"
    response: str | None = None
    response_a: str | None = None
    response_b: str | None = None
    systems: list[str] = Field(default=[], max_length=2)
    annotator: str | None = None
    annotator_name: str | None = None
    label: str | None = None
    labels: list[str] = []
    by: Literal["annotator", "criterion", "response", "rank"] = "annotator"
    criterion: str | None = None
    comment: str | None = None
    shown: str | None = None
    task: Task | None = None
    best: str | None = None
    worst: str | None = None
    choices: list[str] = []
    values: dict[str, str] = {}
    scale: ScaleOptions | None = None
    people: list[str] = []
    failure_values: list[str] = []
    duplicates: Literal["error", "last", "repeat"] = "error"
    prompt: str | None = None
    text: str | None = None
    text_a: str | None = None
    text_b: str | None = None
    plain: bool = False

    @field_validator("values", mode="before")
    @classmethod
    def _texts(cls, values: object) -> object:
        # YAML reads 1: A with a number for its key, and 1: 4 with a number for its value.
        if isinstance(values, Mapping):
            return {said_text(str(key)): said_text(str(value)) for key, value in values.items()}
        return values

    @field_validator("failure_values")
    @classmethod
    def _words(cls, words: list[str]) -> list[str]:
        return list(map(said_text, words))

    @property
    def kind(self) -> Task:
        """The task, declared or by the columns."""
        if self.task is not None:
            return self.task
        if self.best or self.worst:
            return "best_worst"
        pair = self.response_a or self.response_b or len(self.systems) == 2
        return "pairs" if pair else "scores"

    @model_validator(mode="after")
    def _complete(self) -> LabelColumns:
        problems = [*self._label_problems(), *self._response_problems(), *self._person_problems()]
        if self.kind == "pairs":
            wrong = sorted({v for v in self.values.values() if v.upper() not in PAIR_TARGETS})
            if wrong:
                problems.append(
                    f"values: {', '.join(map(repr, wrong))} is not one of {', '.join(PAIR_TARGETS)}"
                )
            self.values = {key: value.upper() for key, value in self.values.items()}
            if self.scale is not None:
                problems.append("scale: pairs have none; it is for scores")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _label_problems(self) -> list[str]:
        if self.kind == "best_worst":
            if not (self.best and self.worst) or len(self.choices) < 3:
                return ["best_worst needs best, worst and at least three columns in choices"]
            return ["label: best_worst has best and worst instead"] if self._label_columns else []
        if bool(self.label) == bool(self.labels):
            return ["give either label (a long table) or labels (a wide table)"]
        if self.by in ("rank", "response") and self.labels:
            if self.kind in ("pairs", "labels"):
                return [f"by: {self.by} does not go with {self.kind}"]
            if self.by == "rank" and self.kind != "ranking":
                return ["by: rank is for task: ranking"]
        elif self.labels and self.kind == "ranking":
            return ["a wide ranking has by: response (cells are ranks) or by: rank (names)"]
        return []

    @property
    def _label_columns(self) -> list[str]:
        return [self.label] if self.label else list(self.labels)

    def _response_problems(self) -> list[str]:
        has_pair = [bool(self.response_a), bool(self.response_b)]
        if self.kind == "pairs":
            if self.systems:
                if any(has_pair) or len(self.systems) != 2 or self.systems[0] == self.systems[1]:
                    return ["systems: give two different names, and no response_a and response_b"]
                return []
            return [] if all(has_pair) else ["pairs need response_a and response_b, or systems"]
        if any(has_pair):
            return [f"response_a and response_b are for pairs, not for {self.kind}"]
        named = [bool(self.response), bool(self.systems), self.by == "response" and self.labels]
        if self.kind == "scores" and sum(map(bool, named)) != 1:
            return ["scores need one of response (a column), systems (one name) or by: response"]
        if self.kind == "labels" and any(named):
            return ["labels of items have no response, systems or by: response"]
        if self.kind == "scores" and len(self.systems) > 1:
            return ["systems: one name for scores"]
        return []

    def _person_problems(self) -> list[str]:
        by_person = self.by == "annotator" and bool(self.labels)
        if sum(map(bool, (self.annotator, self.annotator_name, by_person))) != 1:
            return [
                "say who labelled: annotator (a column), annotator_name, or labels by annotator"
            ]
        if self.by == "criterion" and self.labels and self.criterion:
            return ["criterion: the columns of labels are the criteria already"]
        return []

    def columns(self) -> dict[str, str]:
        """Return {column: what it means} for every column that must be in the table."""
        single = {
            name: getattr(self, name)
            for name in (
                "item", "response", "response_a", "response_b", "annotator", "label", "criterion",
                "comment", "shown", "best", "worst", "prompt", "text", "text_a", "text_b",
            )
        }  # fmt: skip
        found = {column: meaning for meaning, column in single.items() if column}
        found.update({column: f"labels (by {self.by})" for column in self.labels})
        found.update({column: "choices" for column in self.choices})
        return found


def named_columns(said: Mapping[str, Any]) -> list[str]:
    """Return every text of some options that may name a column."""
    parts = (value if isinstance(value, list) else [value] for value in said.values())
    return [part for several in parts for part in several if isinstance(part, str) and part]


def is_plain(said: Mapping[str, Any]) -> bool:
    """Tell whether options say that a table is to be read as it is."""
    return str(said.get("plain", "")).lower() in ("true", "yes", "1", "on")
