"""What a new user stumbled over: each is understood, or the error says the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.experiment.sources import source_by_name
from harness.experiment.stages.recorded import files_of
from harness.labels.files import Row, Table
from harness.labels.guess import guess_columns
from harness.labels.ratings import Reading, read_ratings
from harness.nouns.errors import HarnessError, InputError, PluginError
from harness.nouns.rubric import load_rubric
from harness.nouns.yaml_file import parse_yaml

WRITTEN = (
    "item,response_a,response_b,annotator,label,criterion,comment,shown,task\n"
    "q1,a,b,ann,A,,,,q1 | a | b\n"
    "q1,a,b,ben,TIE,,,,q1 | a | b\n"
    "q2,c,d,ann,B,,,,q2 | c | d\n"
)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(WRITTEN)
    return path


@pytest.mark.parametrize(
    ("said", "people", "judges"),
    [
        (Reading(), ["ann", "ben"], []),
        (Reading(judges=("ben",)), ["ann"], ["ben"]),
        (Reading(humans=("ben",)), ["ben"], []),
    ],
)
def test_a_table_of_import_labels_is_known_without_options(labels, said, people, judges):
    table, _ = read_ratings(labels, said)
    kinds = dict(zip(table.annotators, table.kinds, strict=True))
    assert [name for name in kinds if kinds[name] == "human"] == people
    assert [name for name in kinds if kinds[name] == "judge"] == judges
    assert len(table.codes) == 2


def test_human_csv_knows_the_columns_that_import_labels_writes(labels):
    named = source_by_name("human_csv", {"file": str(labels)}, name="people")
    assert named.info.kind == "human"
    with pytest.raises(HarnessError, match="label"):  # whoever names one column names all
        source_by_name("human_csv", {"file": str(labels), "item": "item"}, name="people")


def test_labels_among_judgments_say_how_they_become_some(labels):
    with pytest.raises(InputError, match=r"source human_csv .*labels\.csv"):
        files_of([labels, labels])


def test_a_plugin_that_is_not_installed_says_so():
    with pytest.raises(PluginError, match="one of your own has to be installed"):
        source_by_name("calm")


@pytest.mark.parametrize(
    "text",
    [
        "- {text: Is it polite?}",
        "text: Note: be kind",
        "{text: [a, b}",
    ],
)
def test_yaml_that_needs_quotes_says_so_with_its_line(text):
    with pytest.raises(ValueError, match=r"not YAML in line 1, column \d+: .*\"quotes\""):
        parse_yaml(text)


def test_a_comma_in_a_criterion_says_what_to_do(tmp_path):
    path = tmp_path / "kind.yaml"
    path.write_text(
        "id: kind\nkind: rubric\nversion: 1\ncriteria:\n  - {id: k, text: kind, and short}\n"
    )
    with pytest.raises(HarnessError, match=r"unknown key and short .*\n.*in quotes"):
        load_rubric(path)


@pytest.mark.parametrize(
    ("prompt", "meaning"), [("q1", "item"), ("What is it?", "prompt"), ("7", "item")]
)
def test_ids_under_the_name_of_prompts_are_ids(prompt, meaning):
    names = ("question", "first", "second", "rater", "winner")
    rows = [Row("row 2", dict(zip(names, (prompt, "r1", "r2", "ann", "A"), strict=True)))]
    found = guess_columns(Table(Path("votes.csv"), names, rows)).options
    assert found[meaning] == "question"
    assert (found["response_a"], found["response_b"]) == ("first", "second")
