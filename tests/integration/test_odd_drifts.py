"""harness drift as somebody may call it who knows only the docs."""

import contextlib
import io
import json
from pathlib import Path

import pytest

from harness.cli.drift import command
from harness.nouns.errors import HarnessError, InputError
from harness.records.writes import write_json
from harness.testing import StubServer

N = 12
FILES = {
    "items": [{"id": f"i{n}", "prompt": "p", "reference": str(n)} for n in range(N)],
    "bare": [{"id": f"i{n}", "prompt": "p"} for n in range(N)],
    "responses": [
        {"id": f"i{n}.{k}", "item_id": f"i{n}", "system": "s", "text": f"answer {n + k}"}
        for n in range(N)
        for k in (0, 1)
    ],
    "later": [
        {"id": f"new.{n}.{k}", "item_id": f"i{n}", "system": "t", "text": f"answer {n + k}"}
        for n in range(3)
        for k in (0, 1)
    ],
    "single": [{"id": "new", "item_id": "i0", "system": "t", "text": "answer"}],
    "same": [{"id": f"s{k}", "item_id": "i0", "system": "t", "text": "answer"} for k in (0, 1)],
    "others": [{"id": "new", "item_id": "z", "system": "t", "text": "answer"}],
    "none": [],
}


def write_files(folder):
    for name, rows in FILES.items():
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    return tmp_path


PATHS = ("items", "responses", "policy")


def drift(**options):
    """Call the command without its command line: what it ended with, and said."""
    printed, code = io.StringIO(), 0
    with contextlib.redirect_stdout(printed):
        try:
            command(
                anchors=Path("a.json"),
                quiet=True,
                **{k: Path(v) if k in PATHS and v else v for k, v in options.items()},
            )
        except HarnessError as error:
            code = error.exit_code
            printed.write(f"{error}")
        except Exception as stop:  # typer's own
            code = getattr(stop, "exit_code", None)
    return code, " ".join(printed.getvalue().split())


PIN = {
    "pin": True,
    "source": "last_number",
    "way": "pointwise",
    "items": "items",
    "responses": "responses",
}
PAIRS = {"source": "llm_judge", "way": "pairwise", "option": ["model=openai/m"]}

# what is asked for -> what the error says
NOT_PINNED = {
    "no items": ({"items": None}, ["--pin needs --items and --responses"]),
    "no responses": ({"responses": None}, ["--pin needs --items and --responses"]),
    "an empty file": ({"responses": "none"}, ["there is nothing to pin: no response"]),
    "nothing to compare with": ({"items": "bare"}, ["it abstained on all 24 judgments"]),
    "pairs of one response": (
        {**PAIRS, "responses": "single"},
        ["no pair of responses of one item that differ"]),
    "pairs of equal texts": (
        {**PAIRS, "responses": "same"},
        ["no pair of responses of one item that differ"]),
    "pairs of a verifier": ({"way": "pairwise"}, ["last_number cannot judge pairwise"]),
    "lists": ({"way": "listwise"}, ["--way is 'listwise'", "pointwise or pairwise"]),
    "an unknown source": ({"source": "last_numbr"}, ["unknown source", "last_number"]),
    "an unknown option": ({"option": ["scale=5"]}, ["scale"]),
    "responses of other items": ({"responses": "others"}, ["'z'"]),
    "no file": ({"items": "nosuch"}, ["nosuch"]),
    "a later policy": ({"policy": "later"}, ["leave out --pin"]),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_PINNED)
def test_what_cannot_be_pinned_is_one_clear_error(folder, case):
    options, words = NOT_PINNED[case]
    code, said = drift(**{**PIN, **options})
    assert code == 2 and not (folder / "a.json").exists()
    for word in words:
        assert word in said


@pytest.fixture(scope="module")
def anchors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pinned")
    with contextlib.chdir(folder):
        write_files(folder)
        code, said = drift(**PIN, seed=3)
    assert code == 0 and "of 24 verdicts 0 changed" in said
    return (folder / "a.json").read_text()


@pytest.fixture
def pinned(folder, anchors):
    path = folder / "a.json"
    path.write_text(anchors)
    return path


def test_anchors_are_never_replaced(pinned):
    before = pinned.read_bytes()
    code, said = drift(**{**PIN, "responses": "later"})
    assert code == 2 and "anchors are never replaced" in said and "leave out --pin" in said
    assert pinned.read_bytes() == before


# Asked again, anchors are asked as they were pinned: what would not be used is an error.
NOT_USED = {
    "another source": ({"source": "exact_match"}, ["--source is exact_match", "with last_number"]),
    "another seed": ({"seed": 5}, ["--seed is 5", "pinned with 3"]),
    "an option": ({"option": ["reads=answer"]}, ["option reads is 'answer'", "no such option"]),
    "items": ({"items": "items"}, ["--items and --responses are for --pin"]),
    "responses": ({"responses": "responses"}, ["--policy takes the responses of a later policy"]),
    "a later policy of single responses": ({"policy": "later"}, ["needs an anchor set of pairs"]),
}


@pytest.mark.parametrize("case", NOT_USED)
def test_what_would_not_be_used_is_an_error(pinned, case):
    options, words = NOT_USED[case]
    code, said = drift(**options)
    assert code == 2, said
    for word in words:
        assert word in said


def test_what_is_said_again_as_it_was_pinned_is_taken(pinned):
    assert drift(source="last_number", way="pointwise", seed=3)[0] == 0


def test_no_requests_are_no_anchors(pinned):
    content = json.loads(pinned.read_text())
    for wrong in ({"requests": []}, {"passes": content["passes"][:1]}):
        pinned.write_text(json.dumps({**content, **wrong}))
        code, said = drift()
        assert code == 2 and "not an anchor file" in said


@pytest.mark.slow
def test_a_later_policy_is_compared_on_the_items_that_it_answered(folder):
    with StubServer("Verdict: A") as server:
        options = ["model=hosted_vllm/m", f"api_base={server.base_url}"]
        asked = {"items": "items", "responses": "responses", "option": options}
        assert drift(pin=True, **asked)[0] == 0
        code, said = drift(option=["model=hosted_vllm/other"])
        assert code == 2 and "pinned with 'hosted_vllm/m'" in said
        for policy in ("single", "same", "none"):
            code, said = drift(policy=policy)
            assert code == 2 and "no pair of responses to an item of the anchors" in said
        code, said = drift(policy="others")
        assert code == 2 and "'z'" in said
        sent = len(server.bodies)
        code, said = drift(policy="later", option=options)
        assert code == 0 and "50.0% pinned" in said and "6 verdicts" in said
        # 12 pairs in both orders, and three of the later policy.
        assert len(server.bodies) - sent == 2 * (12 + 3)


def test_a_folder_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (".", "..", "/"):
        with pytest.raises(InputError):
            write_json(Path(name), {})
