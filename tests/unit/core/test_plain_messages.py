"""Messages without the words of a library, and with the way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.cli.plugins import _kind, _option
from harness.experiment.stages.agree import agree
from harness.feedback.contract import SourceFactory
from harness.labels.files import read_table
from harness.nouns.errors import DataError, PluginError
from harness.registry import registry


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    low: int = Field(default=1, ge=0)
    high: int | None = 2
    kind: Literal["a", "b"] = "a"

    @field_validator("high")
    @classmethod
    def _even(cls, value: int | None) -> int | None:
        if value is not None and value % 2:
            raise AssertionError("must be even")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Whole:
        if self.high is not None and self.low > self.high:
            raise ValueError("low is above high; swap them")
        if self.low == 7:
            raise AssertionError("seven is taken")
        return self


class Early(BaseModel):
    name: str = ""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if not given.get("name"):
            raise ValueError("a name is needed")
        return given


def problems(model: type[BaseModel], options: dict[str, Any]) -> tuple[str, ...]:
    factory = SourceFactory("x", "1", "verifier", lambda name, given: None, model)  # type: ignore[arg-type,return-value]
    with pytest.raises(PluginError) as found:
        factory.build(options)
    return found.value.details


@pytest.mark.parametrize(
    ("model", "options", "told"),
    [
        (Whole, {"low": 5, "high": 4}, "low is above high; swap them"),
        (Whole, {"low": 7, "high": 8}, "seven is taken"),
        (Whole, {"high": 3}, "high: must be even, got 3"),
        (Whole, {"low": -1}, "low: Input should be greater than or equal to 0, got -1"),
        (Whole, {"low": None}, "low: Input should be a valid integer, got None"),
        (Whole, {"kind": "c"}, "kind: Input should be 'a' or 'b', got 'c'"),
        (Early, {}, "a name is needed"),
    ],
)
def test_what_is_wrong_with_all_options_is_the_authors_sentence_alone(
    model: type[BaseModel], options: dict[str, Any], told: str
) -> None:
    assert problems(model, options) == (told,)


@pytest.mark.parametrize(
    ("source", "options", "beginning"),
    [
        ("llm_judge", {"model": ["a/b"], "soft": True, "structured": True}, "soft: log-prob"),
        ("human_csv", {"file": "f.csv", "label": "x"}, "scores need one of"),
    ],
)
def test_the_harness_own_sources_say_it_so(
    source: str, options: dict[str, Any], beginning: str
) -> None:
    with pytest.raises(PluginError) as found:
        registry().source(source).build(options)
    (line,) = found.value.details
    assert line.startswith(beginning) and ", got" not in line and "(all)" not in line


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('"question,left,right"\n1,a,b\n2,c,d\n', 3),
        ('"question,left,right"\n"1,a,b"\n"2,c,d"\n', 3),
        ('"item;label"\n1;A\n', 2),
        ('"item\tlabel"\n1\tA\n', 2),
        ('\ufeff"item,label"\n1,A\n', 2),
        ('"item,label"\n', 2),
        # One column with a comma in its name, one name, quoted cells: tables.
        ('"Why, in words"\nbecause, you know\nno\n', 0),
        ('"item"\nx\n', 0),
        ('"item","label"\n1,A\n', 0),
        ("item\nx\n", 0),
        ('"item,"\nx\n', 0),
    ],
)
def test_a_header_of_one_quoted_cell_is_told(tmp_path: Path, text: str, names: int) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    if not names:
        assert len(read_table(path).columns) in (1, 2)
        return
    with pytest.raises(DataError) as found:
        read_table(path)
    assert f"the header is one quoted cell with the names of {names} columns" in found.value.what
    assert "take them away" in (found.value.hint or "")


def rows(path: Path, source: str, scale: dict[str, Any], *values: Any) -> Path:
    """Write judgments of single responses, as harness judge does."""
    from harness.nouns.outcomes import Status
    from harness.nouns.rubric import Criterion
    from harness.nouns.scale import Scale
    from harness.nouns.schema import (
        Item,
        Judgment,
        JudgmentRequest,
        Response,
        SourceInfo,
        Verdict,
    )
    from harness.records.judgments import write_judgments

    criterion = Criterion("overall", "How good?", Scale(**scale))
    asked = [
        JudgmentRequest(f"{source}{n}", Item(f"i{n}", "?"), (Response(f"r{n}", f"i{n}", "s", "t"),),
                        criterion)
        for n in range(len(values))
    ]  # fmt: skip
    said = [
        Judgment(request.id, source, "1", source, Verdict(Status.OK, value))
        for request, value in zip(asked, values, strict=True)
    ]
    write_judgments(path, asked, said, {source: SourceInfo(source, "1", "judge")})
    return path


STARS = {"level": "ordinal", "labels": ("1", "2", "3")}
UNIT = {"level": "interval", "low": 0.0, "high": 1.0}
PASS = {"level": "nominal", "labels": ("false", "true")}


@pytest.mark.parametrize(
    ("first", "second"),
    [((STARS, "1", "3"), (UNIT, 0.5, 0.25)), ((UNIT, 0.5, 0.25), (STARS, "1", "3")),
     ((PASS, True, False), (UNIT, 0.5, 0.25)), ((STARS, "1", "3"), (PASS, True, False))],
)  # fmt: skip
def test_scores_on_different_scales_name_their_sources_and_the_way_out(
    tmp_path: Path, first: tuple[Any, ...], second: tuple[Any, ...]
) -> None:
    files = [rows(tmp_path / "a.jsonl", "people", *first), rows(tmp_path / "b.jsonl", "j", *second)]
    with pytest.raises(DataError) as found:
        agree(files)
    text = str(found.value)
    assert "different scales" in text and "--items and --responses" in text
    assert "people: " in text and "j: " in text and "declared" not in text


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"enum": ["a", "b"], "default": "a"}, "a or b, default 'a'"),
        ({"const": "only"}, "only, default None"),
        ({"enum": [1, True]}, "1 or True, default None"),
        ({"anyOf": [{"enum": ["x", "y"]}, {"type": "null"}], "default": None},
         "x or y/null, default None"),
        ({"type": "integer", "default": 3}, "integer, default 3"),
        ({"$ref": "#/$defs/Colour"}, "Colour, default None"),
    ],
)  # fmt: skip
def test_choices_of_an_option_are_listed(schema: dict[str, Any], told: str) -> None:
    assert _option("k", schema, {}) == told
    assert _option("k", schema, {"required": ["k"]}) == f"{told.partition(', ')[0]}, required"
    assert _kind(schema.get("anyOf", [schema])[0]) in told


def test_choices_stand_in_the_listing(capsys: pytest.CaptureFixture[str]) -> None:
    from harness.cli import plugins

    plugins.command(None, True)
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)["sources"]}
    assert listed["math_verify"]["options"]["units"] == "ignore or require, default 'ignore'"
