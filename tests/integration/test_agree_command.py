"""``harness agree`` on plain tables: PandaLM, LLMBar, and what is wrong with a file."""

import json
import re
import subprocess
import sys

import pytest
from in_process import harness

PANDALM = ["--human-columns", "annotator1,annotator2,annotator3"]


def agree(*arguments, cwd=None):
    """Run ``harness agree`` in this process."""
    return harness("agree", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def tables(repo_root, shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    for name in ("pandalm", "llmbar"):
        script = repo_root / "examples" / "pandalm_table.py"
        command = [sys.executable, script, shared_data / name, folder / f"{name}.csv"]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def test_pandalm_gives_the_published_figures(tables):
    done = agree(
        tables / "pandalm.csv", *PANDALM, "--judge-columns", "gpt35,pandalm7b", "--failures-as",
        "0", "--cluster-column", "prompt", "--tie-label", "0", "--json", tables / "agree.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for shown in ("0.8520", "0.8789", "0.8617", "71.07%", "57.55%", "66.77%", "57.43%"):
        assert shown in done.stdout
    assert re.search(r"gpt35 +judge +974 +25 +0 +974/999 97.5% +25 garbage", done.stdout)
    rows = json.loads((tables / "agree.json").read_text())["rows"]
    found = {(r["name"], r["annotators"]): r for r in rows}
    judged = found["accuracy", "gpt35"]
    assert (judged["n"], judged["clusters"]) == (974, 169)
    published = found["accuracy", "gpt35, failures scored as 0"]
    assert published["n"] == 999
    assert published["low"] < published["value"] < published["high"]
    macro = {"gpt35": (58.79, 57.36, 57.55), "pandalm7b": (57.38, 57.50, 57.43)}
    for judge, values in macro.items():
        name = f"{judge}, failures scored as 0"
        name = name if ("macro_f1", name) in found else judge  # one without failures
        for average, value in zip(("precision", "recall", "f1"), values, strict=True):
            row = found[f"macro_{average}", name]
            assert round(100 * row["value"], 2) == value
            assert row["low"] < row["value"] < row["high"]


def test_without_failures_as_garbage_is_never_a_label(tables):
    done = agree(tables / "pandalm.csv", *PANDALM, "--judge-columns", "gpt35")
    assert "71.07%" not in done.stdout
    assert "71.56%" in done.stdout


@pytest.mark.parametrize(
    ("part", "accuracy", "positional"),
    [("Natural", "93.50%", "97.00%"), ("Neighbor", "64.18%", "89.55%"),
     ("GPTInst", "76.63%", "90.22%"), ("GPTOut", "76.60%", "87.23%"),
     ("Manual", "75.00%", "89.13%")],
)  # fmt: skip
def test_llmbar_gives_the_published_figures(tables, part, accuracy, positional):
    done = agree(
        tables / "llmbar.csv", "--gold-column", "gold", "--categories", "1,2",
        "--where", f"set={part}", "--failure-values", "empty",
        "--orders", "GPT-4=GPT-4.Vanilla_NoRules.ab:GPT-4.Vanilla_NoRules.ba",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(rf"accuracy over both orders +GPT-4 +{accuracy}", done.stdout)
    assert re.search(rf"positional agreement +GPT-4 +{positional}", done.stdout)


WIDE = """item,prompt,ann,bob,judge
1,p1,good,good,good
2,p1,bad,good,bad
3,p2,good,good,timeout
4,p2,bad,bad,
5,p3,good,bad,good
"""
LONG = """id,who,label
1,ann,a
1,bob,a
1,gpt,b
2,ann,b
2,bob,b
2,gpt,b
3,ann,a
3,gpt,refused
"""


def test_long_and_wide_tables_agree(tmp_path):
    (tmp_path / "wide.csv").write_text(WIDE)
    long = ["item,who,label"]
    header, *rows = [line.split(",") for line in WIDE.strip().split("\n")]
    for cells in rows:
        for name, cell in zip(header[2:], cells[2:], strict=True):
            if cell:
                long.append(f"{cells[0]},{name},{cell}")
    (tmp_path / "long.csv").write_text("\n".join(long))
    wide = agree("wide.csv", "--people", "ann,bob", "--judges", "judge", "--json", "w.json",
                 cwd=tmp_path)  # fmt: skip
    tall = agree(
        "long.csv", "--people", "ann,bob", "--judges", "judge", "--item-column", "item",
        "--annotator-column", "who", "--label-column", "label", "--json", "l.json", cwd=tmp_path,
    )  # fmt: skip
    assert wide.returncode == tall.returncode == 0, wide.stderr + tall.stderr
    first, second = (json.loads((tmp_path / f).read_text()) for f in ("w.json", "l.json"))
    assert first["rows"] == second["rows"]
    assert first["audit"]["coverage"][2]["failures"] == {"timeout": 1}
    assert "have no majority" in wide.stdout


@pytest.mark.parametrize(
    ("text", "arguments", "messages"),
    [
        (
            WIDE,
            ["--people", "ann,bbo"],
            ["'bbo' for labels", "did you mean bob?", "columns: item, prompt"],
        ),
        (WIDE, [], ["nobody to compare"]),
        (WIDE, ["--people", "ann", "--scale", "likert"], ["--scale must be one of"]),
        (WIDE, ["--people", "ann,bob", "--scale", "ordinal"], ["order of the ordinal labels"]),
        (
            WIDE,
            ["--people", "ann,bob", "--scale", "interval"],
            ["5 of 5 rows", "row 2, column ann; row 2, column bob; row 3, column bob"],
        ),
        (
            WIDE,
            ["--people", "ann,judge", "--categories", "good,bad"],
            ["row 4, column judge: label 'timeout'"],
        ),
        (WIDE, ["--people", "ann", "--item-column", "prompt"], ["row 3: item 'p1' stands already"]),
        (WIDE, ["--people", "ann", "--judges", "ann"], ["both people and judges"]),
        (WIDE, ["--judges", "judge", "--orders", "judge"], ["--orders 'judge' is not key=value"]),
        (WIDE, ["--judges", "judge", "--orders", "judge=ann"], ["as first:second"]),
        (WIDE, ["--people", "ann", "--drift", "ann:zoe"], ["--drift names zoe"]),
        (WIDE, ["--judges", "judge", "--stated", "judge=item"], ["row 3: item is 2, no prob"]),
        (
            WIDE,
            ["--people", "ann", "--length-column", "bob"],
            ["rows 2, 3, 4: bob is 'good', no number"],
        ),
        (WIDE, ["--people", "ann", "--where", "prompt=p9"], ["no row has prompt=p9"]),
        (
            WIDE,
            ["--people", "ann", "--where", "prompt=p1", "--where", "prompt=p2"],
            ["--where prompt is given twice"],
        ),
        (WIDE, ["--people", "ann", "--annotator-column", "who"], ["a long table needs"]),
        ("", ["--people", "ann"], ["the file is empty"]),
        ("ann,bob\n", ["--people", "ann"], ["no rows"]),
    ],
)
def test_wrong_input_gives_one_clear_error(tmp_path, text, arguments, messages):
    (tmp_path / "t.csv").write_text(text)
    done = agree("t.csv", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for message in messages:
        assert message in done.stderr


def test_contradictions_in_a_long_table_are_all_named(tmp_path):
    (tmp_path / "t.csv").write_text(LONG + "1,ann,b\n2,bob,b\n")
    done = agree(
        "t.csv", "--item-column", "id", "--annotator-column", "who", "--label-column", "label",
        "--people", "ann,bob", "--judges", "gpt", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    for line in (
        "row 10: ann labelled item '1' already in row 2 as A, here as B (a contradiction)",
        "row 11: bob labelled item '2' already in row 6 with the same label (a duplicate row)",
    ):
        assert line in done.stderr


def test_simulated_people_are_called_simulated(tmp_path):
    (tmp_path / "t.csv").write_text(WIDE)
    done = agree("t.csv", "--people", "ann,bob", "--simulated", "ann,bob", "--judges", "judge",
                 "--html", "page.html", cwd=tmp_path)  # fmt: skip
    assert re.search(r"ann \(simulated\) +human", done.stdout)
    assert "Simulated by a program, not people: ann, bob" in done.stdout
    page = (tmp_path / "page.html").read_text()
    assert "ann (simulated) - bob (simulated)" in page
    assert "majority of people (simulated)" in page
    read = " ".join(re.sub(r"<[^>]*>", " ", page).split())  # a title of a plot may be in two lines
    assert not re.search(r"majority of people(?! \(simulated\))", read)
    assert "ann (simulated) - bob (simulated)" in " ".join(done.stdout.split())


def test_a_word_that_people_use_is_a_label_not_a_failure(tmp_path):
    (tmp_path / "t.csv").write_text("ann,judge\nerror,error\nfine,fine\nfine,timeout\n")
    done = agree("t.csv", "--people", "ann", "--judges", "judge", cwd=tmp_path)
    assert re.search(r"judge +judge +2 +1 +0 +2/3 66.7% +1 timeout", done.stdout)


def test_names_with_brackets_are_shown_as_they_are(tmp_path):
    (tmp_path / "[red]t.csv").write_text("[bold]ann,j[0]\n[x],[x]\n[y],[y]\n[x],[/y]\n")
    done = agree("[red]t.csv", "--people", "[bold]ann", "--judges", "j[0]", "--failures-as", "[x]",
                 cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    for text in ("[red]t.csv", "[bold]ann", "j[0]", "[/y] "):
        assert text in done.stdout


def test_an_export_of_a_tool_is_read_as_it_is(tmp_path):
    def said(who, value):
        result = [{"from_name": "pw", "type": "pairwise", "value": {"selected": value}}]
        return {"completed_by": who, "result": result}

    tasks = [
        {
            "id": i,
            "data": {"prompt": "?", "text1": "Four", "text2": "Five"},
            "annotations": [said("ann", "left"), said("bob", other)],
        }
        for i, other in enumerate(("left", "right", "left"))
    ]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    done = agree("export.json", "--people", "ann,bob", "--json", "a.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "a.json").read_text())
    rows = document["rows"]
    [same] = [row for row in rows if row["name"] == "percent_agreement"]
    assert (same["annotators"], same["value"], same["n"]) == ("ann - bob", 2 / 3, 3)
    assert document["audit"]["prevalence"] == pytest.approx({"A": 5 / 6, "TIE": 0, "B": 1 / 6})


def test_any_table_is_read_as_human_csv_reads_it(tmp_path):
    (tmp_path / "t.csv").write_text(
        "q,a,b,who,pick\n1,m,n,ann,A\n1,n,m,gpt,B\n2,m,n,ann,tie\n2,m,n,gpt,TIMEOUT\n"
    )
    done = agree(
        "t.csv", "--people", "ann", "--judges", "gpt", "--set", "item=q", "--set", "response_a=a",
        "--set", "response_b=b", "--set", "annotator=who", "--set", "label=pick",
        "--json", "a.json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    audit = json.loads((tmp_path / "a.json").read_text())["audit"]
    assert audit["prevalence"] == {"A": 0.5, "TIE": 0.5, "B": 0.0}
    [gpt] = [entry for entry in audit["coverage"] if entry["annotator"] == "gpt"]
    assert (gpt["labels"], gpt["failures"]) == (1, {"timeout": 1})
    done = agree("t.csv", "--people", "ann", "--set", "response_a=a", cwd=tmp_path)
    assert done.returncode == 2 and "pairs need response_a and response_b" in done.stderr


@pytest.mark.parametrize(("column", "more"), [("slice", []), ("set", ["--slice-column", "set"])])
def test_gates_of_a_table_are_of_a_slice(tmp_path, column, more):
    """The judge is right on easy items only."""
    rows = [f"{n},{'hard' if n % 2 else 'easy'},{'AB'[n // 2 % 2]}," for n in range(80)]
    said = [row + ("A" if "hard" in row else row[-2]) for row in rows]
    (tmp_path / "t.csv").write_text("\n".join([f"item,{column},ann,gpt", *said]))
    run = ["t.csv", "--people", "ann", "--judges", "gpt", *more, "--replicates", "100", "--gate"]
    done = agree(*run, "gpt=0.4:drop,slice=easy", "--gate", "gpt=0.4:drop,slice=hard", "--out",
                 "a.json", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    gates = json.loads((tmp_path / "a.json").read_text())["gates"]
    assert [(g["slice"], g["outcome"], g["n"]) for g in gates] == [
        ("easy", "pass", 40), ("hard", "fail", 40)
    ]  # fmt: skip
    done = agree(*run, "gpt=0.4:drop,slice=esay", cwd=tmp_path)
    assert done.returncode == 2 and "no item is of slice esay (did you mean easy?)" in done.stderr
    assert "known: easy, hard" in done.stderr


def test_a_table_without_slices_says_how_to_name_them(tmp_path):
    (tmp_path / "t.csv").write_text(WIDE)
    done = agree("t.csv", "--people", "ann,bob", "--judges", "judge", "--gate",
                 "judge=0.4:drop,slice=easy", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 2 and "no item has a slice" in done.stderr
    assert "--slice-column COLUMN" in done.stderr
