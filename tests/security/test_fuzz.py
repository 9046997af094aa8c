"""Readers of files under inputs made worse: a HarnessError or nothing, soon; and what broke them.

``benchmarks/fuzz.py`` does the same with hundreds of thousands of inputs.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from file_readers import ITEMS, LONG, READERS, RESPONSES, ROOT, WIDE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import mutated

from harness.experiment.config import read_config
from harness.labels.exports import read_label_table
from harness.labels.files import read_table
from harness.labels.guess import guess_columns
from harness.nouns.errors import DataError, HarnessError, InputError
from harness.nouns.hashing import content_hash, seed_of
from harness.nouns.nearest import did_you_mean
from harness.nouns.plain_text import MAX_DEPTH, file_text, parsed_json, whole_characters
from harness.nouns.scale import Scale, ScaleError
from harness.nouns.yaml_file import parse_yaml
from harness.records.rows import judgment_from, read_items
from harness.sandbox.compare import same
from harness.sandbox.guest.codec import from_tree, to_tree

SOON = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
LENT = [sample for one in READERS.values() for sample in one.samples]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", READERS)
def test_what_a_reader_reads_it_reads(name: str, tmp_path: Path) -> None:
    for sample in READERS[name].samples:
        path = tmp_path / READERS[name].name
        path.write_bytes(sample)
        READERS[name].read(path)


@pytest.mark.parametrize("name", READERS)
@SOON
@given(seed=st.integers(0, 2**32))
def test_a_reader_raises_nothing_but_harness_errors(name: str, seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    path = tmp_path / READERS[name].name
    path.write_bytes(mutated(rng, rng.choice(READERS[name].samples), LENT))
    try:
        READERS[name].read(path)
    except HarnessError as error:
        str(error).encode()


@SOON
@given(st.dictionaries(st.sampled_from("id item_id prompt text system metadata".split()), JSON))
def test_rows_of_any_values(tmp_path: Path, row: dict[str, object]) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text(json.dumps(row))
    for name in ("items", "responses", "judgments"):
        try:
            READERS[name].read(path)
        except HarnessError as error:
            str(error).encode()


@SOON
@given(JSON)
def test_a_judgment_of_any_values_is_one_or_a_value_error(value: object) -> None:
    whole = json.loads(READERS["judgments"].samples[0].splitlines()[0])
    for key in whole:
        row = {k: v for k, v in whole.items() if not k.startswith(("source_i", "item", "resp"))}
        row[key] = value
        try:
            judgment_from(row)
        except ValueError:
            pass


@SOON
@given(JSON, JSON)
def test_claims_of_any_values_are_compared(expected: object, claim: object) -> None:
    tree = to_tree(expected)
    assert from_tree(json.loads(json.dumps(tree))) == expected or "nan" in str(expected)
    assert same(expected, tree, 0.0)
    same(expected, claim, 1e-6)


LONG_INTEGER = "1" * 5000
YAML_REFUSED = {
    "['": "not YAML",
    "[" * 100_000: f"nested more than {MAX_DEPTH} deep in line 1",
    "- " * 50_000: "nested more than",
    "a: " + LONG_INTEGER: "the number in line 1 is too long",
    "a: 0x" + "f" * 4000: "too long",
    "a: 1" + ":10" * 50_000: "too long",
    "a: !!int ''": "'' in line 1 is no int",
    "a: !!bool x": "is no bool",
    "a: !!float x": "is no float",
    "a: !!timestamp x": "kind 'timestamp' in line 1; known: text",
    "a: !!binary aGk=": "kind 'binary'",
    "a: !!set {b, c}": "kind 'set'",
    "a: !!omap [b: 1]": "kind 'omap'",
    "a: !!python/name:os.system": "kind 'python/name:os.system'",
    '"\\U99999999"': "not YAML",
    "&a [*a]": "alias 'a' in line 1 stands for what it is in",
    "&a {b: *a}": "alias 'a'",
    "x: *y": "undefined alias",
    "a: 1\na: 2": "key 'a' stands twice, in lines 1 and 2",
    "a: &a {x: 1}\n" + "".join(
        f"k{i}: &{chr(98 + i)} {{<<: [{', '.join(['*' + chr(97 + i)] * 9)}]}}\n" for i in range(20)
    ): "more than 100000 values",
    "a: &a [x]\n" + "".join(
        f"k{i}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)
    ): "more than 100000 values",
}  # fmt: skip


@pytest.mark.parametrize("text", YAML_REFUSED)
def test_yaml_that_grows_nests_or_is_no_plain_data_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as wrong:
        parse_yaml(text)
    assert YAML_REFUSED[text] in str(wrong.value)
    assert len(str(wrong.value)) < 500


def test_yaml_as_people_write_it_is_taken() -> None:
    text = "a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: 2024-01-01\nd: 1:30\ne: [.inf, 0x1f, ~, yes]\n"
    assert parse_yaml(text) == {
        "a": {"x": 1},
        "b": {"x": 1, "y": 2},
        "c": "2024-01-01",
        "d": 90,
        "e": [float("inf"), 31, None, True],
    }
    assert parse_yaml('"\\ud83d\\ude00 \\ud83d"') == "\N{GRINNING FACE} \ufffd"


JSON_REFUSED = {
    "[" * 100_000: "nested more than",
    '{"a":' * 100_000: "nested more than",
    "[" * 150 + "]" * 150: "nested more than",
    LONG_INTEGER: "a whole number has more than 4300 digits",
    '{"a": 1, "a": 2}': "key 'a' stands twice",
    '{"\\ud800": 1, "\\ud801": 2}': "stands twice",
}


@pytest.mark.parametrize("text", JSON_REFUSED)
def test_json_that_nests_repeats_or_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=JSON_REFUSED[text]):
        parsed_json(text)


def test_json_is_read_as_it_is() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert json.dumps(parsed_json(deep)) == deep
    assert parsed_json(b'\xef\xbb\xbf{"a": "\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}
    assert parsed_json('["\\ud800x", {"\\udc00": 1}]') == ["\ufffdx", {"\ufffd": 1}]
    assert whole_characters("plain \u00e9") == "plain \u00e9"


def test_half_a_character_has_a_hash() -> None:
    assert content_hash("\ud800") != content_hash("\ud801")
    assert seed_of("\ud800", 32) == seed_of("\ud800", 32)


def seconds(call: object, *arguments: object) -> float:
    began = time.process_time()
    call(*arguments)  # type: ignore[operator]
    return time.process_time() - began


@pytest.mark.parametrize("cell", ["x", "x{}"], ids=["alike", "all different"])
def test_a_table_of_very_many_columns_is_read_in_linear_time(tmp_path: Path, cell: str) -> None:
    def read(columns: int) -> None:
        path = tmp_path / "t.csv"
        head = ",".join(f"column{number}" for number in range(columns))
        row = ",".join(cell.format(number) for number in range(columns))
        path.write_text(f"{head}\n{row}\n")
        guess_columns(read_table(path))

    read(100)
    assert seconds(read, 20_000) < 30 * max(seconds(read, 2_000), 0.01)


def test_unknown_items_are_looked_up_for_as_many_as_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"j{n},a,b,x,A\n" for n in range(2000))
    path.write_text(f"item,response_a,response_b,annotator,label\n{rows}")
    items = tmp_path / "items.jsonl"
    items.write_text("".join(f'{{"id": "i{n}", "prompt": "p"}}\n' for n in range(2000)))
    from harness.labels.mapping import ColumnMapping, ImportFiles, import_labels, known_answers

    mapping, known = ColumnMapping.of_file(path, {}), known_answers(items, None)
    with pytest.raises(DataError, match="2000 of 2000 rows"):
        import_labels(mapping, ImportFiles(), known)
    assert did_you_mean("abc" * 10_000, ["abd" * 10_000]) == ""


@pytest.mark.parametrize("option", ["rot13", "idna", "a\0b", "nothing", "hex"])
def test_an_encoding_that_is_none_is_named(tmp_path: Path, option: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(LONG + b"\xff")
    with pytest.raises(DataError, match=r"unknown encoding|not IDNA"):
        read_table(path, encoding=option)


@pytest.mark.parametrize("delimiter", [",,", '"', "\n", "ab"])
def test_a_delimiter_is_one_character(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(WIDE)
    with pytest.raises(DataError, match="a delimiter is one character"):
        read_table(path, delimiter=delimiter)


def test_a_book_that_unpacks_to_anything_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openpyxl")
    monkeypatch.setattr("harness.labels.files._LARGEST_BOOK", 2 << 20)
    path = tmp_path / "t.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(3):
                sheet.write(b" " * (1 << 20))
    with pytest.raises(DataError, match="it unpacks to 3 MiB"):
        read_table(path)


@SOON
@given(seed=st.integers(0, 2**32))
@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_packed_tables_made_worse_are_refused(kind: str, seed: int, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / f"t.{kind}"
    if not (tmp_path / "whole").exists():
        table = pandas.DataFrame({"item": ["a", "b"], "label": ["A", "B"], "n": [1, 2]})
        table.to_excel(path, index=False) if kind == "xlsx" else table.to_parquet(path)
        (tmp_path / "whole").write_bytes(path.read_bytes())
    path.write_bytes(mutated(Random(seed), (tmp_path / "whole").read_bytes(), LENT))
    try:
        read_label_table(path)
    except HarnessError as error:
        str(error).encode("utf-8", "replace")


def test_the_first_line_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + ITEMS)
    assert [item.id for item in read_items(path)] == ["i1", "i2", "i3"]
    path.write_bytes(RESPONSES.decode().encode("utf-16"))
    with pytest.raises(DataError, match=r"i\.jsonl:1: not UTF-8"):
        read_items(path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "absent"])
def test_a_name_that_no_file_has_is_one_error(name: str) -> None:
    with pytest.raises(InputError):
        file_text(Path(name))


def test_an_example_experiment_is_read_again() -> None:
    assert sys.get_int_max_str_digits() == 4300
    assert read_config(ROOT / "examples" / "arithmetic.yaml")[0].name == "arithmetic"


@pytest.mark.parametrize("passes", [[], [[]], [[], [], []]])
def test_anchors_without_their_two_passes_are_refused(tmp_path: Path, passes: list[object]) -> None:
    path = tmp_path / "f.json"
    content = json.loads(READERS["anchors"].samples[0]) | {"passes": passes}
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="two passes are pinned"):
        READERS["anchors"].read(path)


def test_one_request_is_about_one_thing_in_all_files(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    sample = READERS["judgments"].samples[0].splitlines()
    other = json.loads(sample[0]) | {"response_ids": ["i1.b", "i1.a"]}
    path.write_bytes(sample[0] + b"\n" + json.dumps(other).encode())
    with pytest.raises(DataError, match=r"f\.jsonl:2: request 'q1' is about i1\.b, i1\.a of i1"):
        READERS["judgments"].read(path)


@pytest.mark.parametrize("number", [10**400, -(10**400), float("inf"), float("nan"), True, "1"])
def test_what_no_float_can_hold_is_no_bound_of_a_scale(number: Any) -> None:
    with pytest.raises(ScaleError, match="finite number"):
        Scale("interval", low=number)


BAD_STORES = {
    "a mark without an owner": ("journal", "UPDATE in_flight SET owner = 'x'"),
    "a mark of another kind": ("journal", "UPDATE in_flight SET cost_usd = 'much'"),
    "a reply that is not whole": ("journal", "UPDATE replies SET body = '{}'"),
    "a store without its secret": ("label store", "UPDATE meta SET value = 'x'"),
}


@pytest.mark.parametrize("name", BAD_STORES)
def test_a_store_whose_rows_are_damaged_is_one_clear_error(name: str, tmp_path: Path) -> None:
    reader, damage = BAD_STORES[name]
    path = tmp_path / "f.sqlite"
    path.write_bytes(READERS[reader].samples[0])
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(damage)
    with pytest.raises(HarnessError):
        READERS[reader].read(path)
