"""CSV, LaTeX, cards, Every Eval Ever and the JSON schema: the same numbers in other forms."""

from __future__ import annotations

import copy
import csv
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.main import app, register
from harness.experiment.stages.report import export
from harness.nouns.errors import InputError
from harness.report import build, load
from harness.report.build import page_of
from harness.report.differences import ends_of
from harness.report.exports import escaped_latex, latex, plain_rows, tables_of
from harness.report.schema import PARTS, schema, unknown
from harness.report.tables import Cell, Column, Table, shown
from tests.support.shown_numbers import tables_of as tables_of_html

Data = dict[str, Any]
ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(ROOT.glob("reports/example-*"))
SCHEMA = ROOT / "docs" / "report.schema.json"
SPECIAL = r"50% of \cmd{x} & $y$ # _a_ ^ ~ <b> | " + '"q" \N{MINUS SIGN}1 \N{SQUARE ROOT}KL'


@pytest.fixture(scope="module")
def run(made_up: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(made_up, tmp_path_factory.mktemp("run")).parent


def test_the_published_schema_is_made_of_the_description() -> None:
    told = "python docs/make_report_schema.py"
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == schema(), told


def documents(run: Path) -> list[Data]:
    return [load(run), *(load(path) for path in EXAMPLES)]


def test_every_report_keeps_to_the_schema(run: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for data in documents(run):
        assert unknown(data) == [], "name these keys in harness/report/schema.py"
        jsonschema.validate(data, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_a_misspelt_key_is_refused_at_both_levels(run: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    data = load(run)
    places = [("", data)]
    for key, part in PARTS.items():
        if part.shape in ("object", "rows") and data.get(key):
            places.append((f"{key}.", data[key] if part.shape == "object" else data[key][0]))
    assert len(places) >= 8
    for before, place in places:
        place["nmae"] = 1
        assert unknown(data) == [f"{before}nmae"]
        with pytest.raises(jsonschema.ValidationError, match="nmae"):
            jsonschema.validate(data, schema())
        del place["nmae"]
    for key in ("run", "evaluation", "findings"):
        with pytest.raises(jsonschema.ValidationError, match=key):
            jsonschema.validate({name: data[name] for name in data if name != key}, schema())


def test_csv_has_every_table_with_its_numbers_as_stored(run: Path, tmp_path: Path) -> None:
    files = export(run, "csv", tmp_path)
    html = tables_of_html((run / "report.html").read_text(encoding="utf-8"))
    page = page_of(load(run), (), run)[1]
    tables = dict(tables_of(page))
    assert len(files) == len(tables) == len(html) > 12
    for path, (name, table) in zip(files, tables.items(), strict=True):
        assert path.stem == name
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(table.rows)
    score = next(path for path in files if path.stem.startswith("results-scores-of-every"))
    with score.open(encoding="utf-8", newline="") as file:
        found = {row["policy"]: row for row in csv.DictReader(file)}
    for row in load(run)["evaluation"]["scores"]:
        if row["evaluator"] == "correctness":
            mine = found[row["policy"]]
            assert float(mine["correctness"]) == row["value"]
            ends = ends_of(row)
            own = [float(mine[f"correctness, {side}"]) for side in ("low", "high")]
            assert own == [ends["low"], ends["high"]]
            assert shown(ends["low"], "score") not in mine.get("correctness, note", "")
            if row["difference"]:
                assert float(mine["change from base"]) == row["difference"]["value"]
                assert float(mine["change from base, low"]) == ends_of(row["difference"])["low"]


def test_csv_has_both_ends_of_an_interval_in_the_unit_of_their_number(run: Path) -> None:
    tables = dict(tables_of(page_of(load(run), (), run)[1]))
    found = 0
    for name, table in tables.items():
        heads, rows = plain_rows(table)
        for head in heads:
            if f"{head}, low" not in heads:
                continue
            for row in rows:
                value, low, high = (row[f"{head}{end}"] for end in ("", ", low", ", high"))
                if value and low:
                    found += 1
                    assert float(low) - 1e-9 <= float(value) <= float(high) + 1e-9, (name, row)
            notes = [row.get(f"{head}, note", "") for row in rows]
            assert not [
                one
                for one in notes
                if re.match(r"[-+\N{MINUS SIGN}\d.]+ to [-+\N{MINUS SIGN}\d.]+( ·|$)", one)
            ], name
    assert found > 40
    points = next(one for name, one in tables.items() if "each-point" in name)
    (_, gained) = plain_rows(points)
    assert all(abs(float(row["points gained"])) < 1 for row in gained if row["points gained"])


def test_csv_columns_have_names_of_their_own_and_run_no_formula(tmp_path: Path) -> None:
    evil = "=cmd|'/C calc'!A0"
    columns = ["a", Column("x", "score"), Column("x", "score"), Column("95%", "score")]
    table = Table("t", columns, [[evil, Cell(0.123456, "n"), None, (0.1, 0.25)]])
    heads, rows = plain_rows(table)
    assert heads == ["a", "x", "x, note", "x 2", "95%, low", "95%, high"]
    assert rows == [dict(zip(heads, [evil, "0.123456", "n", "", "0.1", "0.25"], strict=True))]
    from harness.labels.writing import csv_text

    assert f'"{evil}' not in csv_text(heads, rows) and f"'{evil}" in csv_text(heads, rows)


def cells_of(line: str) -> list[str]:
    return re.split(r"(?<!\\)&", line.removesuffix(r" \\"))


def check_latex(text: str) -> None:
    """A reader of LaTeX: environments nest, braces close, rows have the columns, signs are ours."""
    opened: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    depth = 0
    for sign in re.sub(r"\\[{}]", "", text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    width = len(re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)[1])  # type: ignore[index]
    body = text.partition(r"\toprule")[2].partition(r"\bottomrule")[0]
    rows = [line for line in body.splitlines() if line.endswith(r" \\")]
    assert rows and {len(cells_of(row)) for row in rows} == {width}
    allowed = (
        r"textbackslash|textasciicircum|textasciitilde|textless|textgreater|textbar|ensuremath|"
        r"times|surd|cdot|ldots|pm|to|alpha|beta|textbf|footnotesize|par|begin|end|centering|caption|toprule|"
        r"midrule|bottomrule"
    )
    assert not re.sub(rf"\\(?:{allowed})\b", "", text).replace("\\\\", "").count("\\cmd")
    assert set(re.findall(r"\\([a-zA-Z]+)", text)) <= set(allowed.split("|"))
    assert not re.search(r"(?<!\\)[$#%_^~]", text)


def test_latex_tables_are_whole_and_nothing_in_them_is_a_command(run: Path, tmp_path: Path) -> None:
    files = export(run, "latex", tmp_path)
    assert len(files) > 12
    for path in files:
        check_latex(path.read_text(encoding="utf-8"))
    hostile = Table(SPECIAL, [SPECIAL, Column(SPECIAL, "score")], [[SPECIAL, Cell("[x", SPECIAL)]])
    check_latex(latex(hostile))
    assert escaped_latex(r"\input{/etc/passwd}") == r"\textbackslash{}input\{/etc/passwd\}"


def test_latex_knows_every_sign_of_the_committed_examples() -> None:
    for name in ("example-arithmetic", "example-overoptimisation"):
        folder = Path(__file__).parents[3] / "reports" / name
        for place, table in tables_of(page_of(load(folder), (), folder)[1]):
            assert latex(table).isascii(), place


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_latex_tables_compile(run: Path, tmp_path: Path) -> None:
    names = [path.stem for path in export(run, "latex", tmp_path)]
    inputs = "\n".join(rf"\input{{{name}}}\clearpage" for name in names)
    head = r"\documentclass{article}\usepackage{booktabs}\begin{document}"
    (tmp_path / "all.tex").write_text(f"{head}\n{inputs}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=batchmode", "all"]
    assert subprocess.run(command, cwd=tmp_path, timeout=120).returncode == 0


def header_of(text: str) -> Data:
    head = re.match(r"---\n(.*?)---\n", text, re.S)
    assert head is not None
    found: Data = yaml.safe_load(head[1])
    return found


def test_model_cards_hold_the_scores_and_claim_nothing_else(run: Path, tmp_path: Path) -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in export(run, "cards", tmp_path)}
    data = load(run)
    assert list(files) == [arm["name"] for arm in data["arms"]] + ["dataset"]
    for name, text in files.items():
        head = header_of(text)
        assert "license" not in head and "language" not in head
        if name == "dataset":
            assert head["size_categories"] == ["n<1K"]
            continue
        (index,) = head["model-index"]
        stored = {
            (row["evaluator"], row["value"])
            for row in data["evaluation"]["scores"]
            if row["policy"] == name and row["value"] is not None
        }
        (result,) = index["results"]
        assert {(one["type"], one["value"]) for one in result["metrics"]} == stored
    assert "correctness (trained on it)" in files["rlvr"]
    assert "simulated" in files["dataset"]


def test_hugging_face_reads_the_model_cards(run: Path, tmp_path: Path) -> None:
    cards = pytest.importorskip("huggingface_hub.repocard_data")
    for path in export(run, "cards", tmp_path):
        head = header_of(path.read_text(encoding="utf-8"))
        if path.stem != "dataset":
            _, results = cards.model_index_to_eval_results(head["model-index"])
            assert len(results) == len(head["model-index"][0]["results"][0]["metrics"])


def test_a_card_cannot_be_given_another_header(made_up: Data, tmp_path: Path) -> None:
    data = copy.deepcopy(made_up)
    data["run"]["description"] = "x\n---\nlicense: mit\n---\n<script>y</script>"
    data["run"]["name"] = "a\nlicense: mit"
    data["evaluation"]["evaluators"][0]["title"] = "c: [d]\nlicense: mit"
    build(data, tmp_path)
    for path in export(tmp_path, "cards", tmp_path / "cards"):
        text = path.read_text(encoding="utf-8")
        assert "license" not in header_of(text)
        assert "<script>" not in text


def test_every_eval_ever_has_what_its_schema_asks_for(run: Path, tmp_path: Path) -> None:
    """The required keys and words of eval.schema.json 0.3.0."""
    data = load(run)
    files = export(run, "every_eval_ever", tmp_path)
    assert [path.stem for path in files] == [p["name"] for p in data["evaluation"]["policies"]]
    for path in files:
        record = json.loads(path.read_text(encoding="utf-8"))
        assert {
            "schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata",
            "model_info", "eval_library", "evaluation_results",
        } <= set(record)  # fmt: skip
        assert record["source_metadata"]["source_type"] == "evaluation_run"
        details = record["model_info"]["additional_details"]
        assert {"deployment_type", "model_availability"} <= set(details)
        assert all(isinstance(value, str) for value in details.values())
        for result in record["evaluation_results"]:
            assert result["metric_config"]["lower_is_better"] is False
            assert result["source_data"]["source_type"] == "other"
            found = result["score_details"]
            stored = next(
                row
                for row in data["evaluation"]["scores"]
                if f"{row['evaluator']}/{row['policy']}" == result["evaluation_result_id"]
            )
            assert found["score"] == stored["value"]
            ends = found["uncertainty"]["confidence_interval"]
            assert (ends["lower"], ends["upper"]) == (stored["low"], stored["high"])
            assert all(isinstance(value, str) for value in found["details"].values())


def test_a_score_that_is_not_known_is_exported_nowhere(made_up: Data, tmp_path: Path) -> None:
    data = copy.deepcopy(made_up)
    for row in data["evaluation"]["scores"]:
        if row["evaluator"] == "style" and row["policy"] == "rlhf":
            row |= {"value": None, "low": None, "high": None, "difference": None}
    build(data, tmp_path)
    export(tmp_path, "every_eval_ever", tmp_path / "eee")
    record = json.loads((tmp_path / "eee" / "rlhf.json").read_text(encoding="utf-8"))
    assert [one["evaluation_result_id"] for one in record["evaluation_results"]] == [
        "correctness/rlhf"
    ]


def test_a_form_that_is_not_there_is_one_error(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no form 'pdf'"):
        export(run, "pdf", tmp_path)


def test_the_command_writes_all_forms(run: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    register()
    forms = [f"--{form}={tmp_path / form}" for form in ("csv", "latex", "cards", "every-eval-ever")]
    done = CliRunner().invoke(app, ["report", str(run), f"--out={tmp_path / 'o'}", *forms])
    assert done.exit_code == 0, done.output
    assert all(list((tmp_path / form.split("=")[0][2:]).iterdir()) for form in forms)
