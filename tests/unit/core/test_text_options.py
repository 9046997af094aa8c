"""An option that is a text, and that YAML reads as something else, is told to be quoted."""

from __future__ import annotations

import pytest
from harness_plugins.command import CommandOptions
from harness_plugins.knowledge_base import KnowledgeBaseOptions
from harness_plugins.regex_format import RegexOptions
from pydantic import BaseModel, ValidationError

from harness.cli.options import key_values
from harness.feedback.option_problems import option_problem

TEXTS = [
    (RegexOptions, r"pattern=Answer: \d+"),
    (RegexOptions, "pattern=42"),
    (RegexOptions, "pattern=[a]"),
    (RegexOptions, "pattern=true"),
    (KnowledgeBaseOptions, "file=1.5"),
    (KnowledgeBaseOptions, "key=2024"),
    (KnowledgeBaseOptions, "separator={a: b}"),
    (CommandOptions, "file=7"),
]


@pytest.mark.parametrize(("options", "pair"), TEXTS)
def test_a_text_that_yaml_reads_otherwise_is_told_to_be_quoted(
    options: type[BaseModel], pair: str
) -> None:
    with pytest.raises(ValidationError) as told:
        options.model_validate(key_values([pair]))
    name, _, value = pair.partition("=")
    lines = [option_problem(e) for e in told.value.errors() if e["loc"][0] == name]
    assert len(lines) == 1 and lines[0].endswith("put a text between single quotes")
    assert key_values([f"{name}='{value}'"]) == {name: value}


def test_what_is_no_text_is_not_told_so() -> None:
    with pytest.raises(ValidationError) as told:
        CommandOptions.model_validate({"timeout_s": "soon"})
    assert not any("quotes" in option_problem(e) for e in told.value.errors()
                   if e["loc"][0] == "timeout_s")  # fmt: skip
