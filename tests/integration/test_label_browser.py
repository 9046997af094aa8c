"""The label page in a real Chromium: no click is lost, nothing runs, everyone can use it."""

import importlib.util
import json
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

BROWSER = Path(__file__).parents[1] / "browser"
VALUES = {"1": "left", "a": "left", "ArrowLeft": "left", "2": "right", "b": "right"}
VALUES |= {"ArrowRight": "right", "0": "TIE", "t": "TIE", "s": "SKIP"}
SIDES = {("left", "AB"): "A", ("left", "BA"): "B", ("right", "AB"): "B", ("right", "BA"): "A"}
EVIL = (
    "<script>window.pwned = 1</script>\n\n<img src=https://evil.example/x onerror='window.pwned=1'>"
    "\n\n[a link](javascript:window.pwned=1) ![a picture](https://evil.example/y.png)\n\n"
    "<svg onload='window.pwned=1'></svg> <iframe src='https://evil.example'></iframe>"
)
CODE = "\n\n```python\nprint(1)  # " + "long " * 40 + "\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"


@pytest.fixture(scope="module")
def tools():
    spec = importlib.util.spec_from_file_location("browser_tools", BROWSER / "tools.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.browser_tools()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="module")
def story(tools, tmp_path_factory):
    """What happened in the browser, and what is in the store afterwards."""
    node, chromium = tools
    folder = tmp_path_factory.mktemp("label")
    items = [{"id": f"q{i}", "prompt": f"What is {i} + {i}?"} for i in range(20)]
    responses = [
        {
            "id": f"q{i}-{s}",
            "item_id": f"q{i}",
            "system": s,
            "text": f"It is {i + i}.{CODE * (s > 'x')}",
        }
        for i in range(20)
        for s in ("x", "y")
    ]
    responses[0]["text"] = EVIL
    for name, rows in (("items", items), ("responses", responses)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    server = [sys.executable, "-m", "harness", "label", "--people", "ann,bob"]
    server += ["--items", "items.jsonl", "--responses", "responses.jsonl"]
    done = subprocess.run(
        [node, str(BROWSER / "label.mjs"), chromium, port, *server],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with closing(sqlite3.connect(folder / "labels.sqlite")) as file:
        rows = file.execute("SELECT annotator, task, label, shown, comment FROM labels").fetchall()
    return json.loads(done.stdout), rows


@pytest.mark.slow
def test_no_click_is_lost(story):
    report, rows = story
    assert len(rows) == 40
    stored = {(person, task): (label, comment) for person, task, label, _, comment in rows}
    sides = {(person, task): shown for person, task, _, shown, _ in rows}
    for click in report["clicks"]:  # a task that was undone stands twice: the last click counts
        key = (click["person"], click["task"])
        choice = VALUES[click["key"]]
        click["expected"] = SIDES.get((choice, sides[key]), choice)
    expected = {
        (c["person"], c["task"]): (c["expected"], c.get("comment", "")) for c in report["clicks"]
    }
    assert stored == expected
    assert len(report["clicks"]) == 41
    assert "Not saved yet" in report["notSaved"]
    assert "locked by another program" in report["locked"]["status"]
    assert "Your choice is kept and sent again" in report["locked"]["status"]
    assert "Sending again" in report["locked"]["button"]
    assert report["undone"] is True
    assert "last one" in report["done"]


@pytest.mark.slow
def test_responses_are_inert(story):
    report, _ = story
    assert report["inert"] == {
        "pwned": "undefined",
        "scripts": 0,
        "links": ["http:", "https:"],  # the skip link of the page, and the picture as a link
        "pictures": 0,
        "shown": True,
    }
    assert report["outside"] == []
    assert report["messages"] == []


@pytest.mark.slow
def test_everyone_can_use_it(story):
    report, _ = story
    serious = [v for v in report["violations"] if v["impact"] in ("serious", "critical")]
    assert serious == []
    assert report["wide"] is False


@pytest.mark.slow
def test_the_owner_sees_both(story):
    owner = story[0]["owner"]
    assert "20 of 20" in owner and "ann, bob" in owner and "Cohen's kappa" in owner


@pytest.mark.slow
def test_a_token_lets_in_and_leaves_the_address(story):
    report, _ = story
    assert report["withoutToken"] == "/enter"
    assert report["withToken"]["person"] == "ann"
    assert report["withToken"]["url"].endswith("/") and "#" not in report["withToken"]["url"]


@pytest.mark.slow
def test_the_page_works_without_scripts(story):
    assert story[0]["plain"] == "1 of 20"  # two labels, and one of them taken back
