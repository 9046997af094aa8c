"""A key never leaves: not in files, not on the terminal, however it came in or was sent back."""

import json
import os
import stat
import subprocess
import sys
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from in_process import harness
from scripted_server import ScriptedServer, completion, http
from secret_spellings import CANARY, ECHOES, HEADER, forget, leaks
from tiny_experiment import config

from harness.experiment.run import Run
from harness.experiment.stages.report import source_row
from harness.nouns import redaction
from harness.nouns.redaction import HIDDEN, redact_deep
from harness.records.journal import Journal
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_jsonl, write_text

SOURCES = {name: source.model_dump() for name, source in config().sources.items()}

GOOD = "task: 4\naccuracy: 4\nclarity: 4"


@pytest.fixture(autouse=True)
def own_secrets(monkeypatch):
    """Each test learns its own secrets."""
    forget(monkeypatch)


@pytest.fixture
def tables(tmp_path):
    """Two items with one response each, in a folder that is not looked through."""
    folder = tmp_path / "tables"
    folder.mkdir()
    items = [{"id": f"i{n}", "prompt": f"What is {n}+4?"} for n in range(2)]
    texts = [{"id": f"r{n}", "item_id": f"i{n}", "system": "s", "text": f"{n}"} for n in range(2)]
    for name, rows in (("items", items), ("responses", texts)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def judge(tables, out, *options, model="hosted_vllm/m"):
    return harness(
        "judge", "--source", "llm_judge", "--items", tables / "items.jsonl",
        "--responses", tables / "responses.jsonl", "--out", out / "judgments.jsonl",
        "--way", "pointwise", "--option", "rubric=helpfulness", "--option", f"model={model}",
        *(word for option in options for word in ("--option", option)),
    )  # fmt: skip


def header_of(server, name):
    lines = server.heads[-1].split("\r\n")
    return next((ln.split(": ", 1)[1] for ln in lines if ln.lower().startswith(name + ":")), "")


def echoing(how, name="authorization"):
    """Answer with a header of the request in every place of an answer."""

    async def script(server, writer):
        value = header_of(server, name).removeprefix("Bearer ")
        text = how(value)
        fields = {"model": text, "system_fingerprint": text}
        body = completion(message={"content": f"{GOOD}\n{text}"}, choice={"finish_reason": text})
        await server.send(writer, http({**body, **fields}))

    return script


ROUTES = {
    "a header for authorization": (
        [f"provider={{extra_headers: {{Authorization: 'Bearer {HEADER}'}}}}"], {}, "authorization"
    ),
    "another header": ([f"provider={{extra_headers: {{X-My-Key: '{HEADER}'}}}}"], {}, "x-my-key"),
    "the environment": ([], {"HOSTED_VLLM_API_KEY": HEADER}, "authorization"),
    "a parameter of the body": ([f"provider={{extra_body: {{auth_token: '{HEADER}'}}}}"], {}, ""),
}  # fmt: skip


@pytest.mark.parametrize("how", ECHOES)
def test_a_server_that_sends_the_key_back_brings_it_nowhere(how, tables, tmp_path, monkeypatch):
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", HEADER)
    out = tmp_path / "out"
    with ScriptedServer(echoing(ECHOES[how])) as server:
        done = judge(tables, out, f"api_base={server.base_url}")
        assert header_of(server, "authorization") == f"Bearer {HEADER}"
    assert done.returncode == 0 and "ok" in done.stdout
    assert (out / "judgments.jsonl").read_text().count(HIDDEN) >= 2
    assert leaks(HEADER, out, done.stdout, done.stderr) == []


def name_is_taken(route):
    return ROUTES[route][2] == "authorization" and not ROUTES[route][1]


@pytest.mark.parametrize("model", ["hosted_vllm/m", "openai/m"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_key_that_came_by_any_route_is_hidden(route, model, tables, tmp_path, monkeypatch):
    if model == "openai/m" and name_is_taken(route):
        pytest.skip("litellm puts the provider's own key there")
    options, environment, name = ROUTES[route]
    environment = {key.replace("HOSTED_VLLM", model.split("/")[0].upper()): value
                   for key, value in environment.items()}  # fmt: skip
    monkeypatch.delenv("HOSTED_VLLM_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another-one")
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    out = tmp_path / "out"

    async def script(server, writer):
        seen = header_of(server, name) if name else server.bodies[-1].decode()
        assert HEADER in seen
        await server.send(writer, http(completion(message={"content": f"{GOOD}\n{seen}"})))

    with ScriptedServer(script) as server:
        done = judge(tables, out, f"api_base={server.base_url}", *options, model=model)
    assert done.returncode == 0, done.stderr
    assert leaks(HEADER, out, done.stdout, done.stderr) == []
    assert HIDDEN in (out / "judgments.jsonl").read_text()


@pytest.mark.parametrize("status", ["400 No", "401 No", "403 No", "500 No", "307 Moved", "200 OK"])
@pytest.mark.parametrize("shape", ["json", "text", "far"])
def test_an_error_that_quotes_the_key_is_told_without_it(
    status, shape, tables, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", HEADER)
    monkeypatch.setattr("harness.chat.failures.FIRST_WAIT_S", 0.001)
    out = tmp_path / "out"
    before = {"json": "key ", "text": "key ", "far": "x" * 285}[shape]

    async def script(server, writer):
        text = f"{before}{header_of(server, 'authorization')} is wrong"
        body = text.encode() if shape != "json" else {"error": {"message": text}}
        headers = {"location": f"http://evil.example/{HEADER}", "retry-after-ms": "1"}
        await server.send(writer, http(body, status=status, headers=headers))

    with ScriptedServer(script) as server:
        done = judge(tables, out, f"api_base={server.base_url}")
    assert leaks(HEADER, out, done.stdout, done.stderr) == []
    assert HEADER[:12] not in done.stderr + done.stdout  # nor a part of it, cut off
    assert all(HEADER[:12] not in p.read_text(errors="replace") for p in out.glob("*"))


ADDRESSES = [
    "http://user:{}@127.0.0.1:{}/v1", "http://{}@127.0.0.1:{}/v1",
    "http://127.0.0.1:{1}/v1?key={0}", "http://127.0.0.1:{1}/v1?api_key={0}&x=1",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_secret_in_an_address_is_hidden(address, tables, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.chat.failures.FIRST_WAIT_S", 0.001)
    out = tmp_path / "out"
    with ScriptedServer(http({"error": {"message": "no"}}, status="400 No")) as server:
        place = address.format(quote(HEADER, safe=""), server.port)
        done = judge(tables, out, f"api_base={place}")
    dead = judge(tables, tmp_path / "dead", f"api_base={address.format(quote(HEADER, safe=''), 1)}")
    assert leaks(HEADER, out, done.stdout, done.stderr, dead.stdout, dead.stderr) == []
    assert leaks(HEADER, tmp_path / "dead") == []


REFUSED = {
    "api_key in provider": "provider={{api_key: \"{}\"}}",
    "api_key as an option": "api_key={}",
    "apiKey as an option": "apiKey={}",
    "a short one": "secret={}",
    "headers that are text": "provider={{extra_headers: {{Authorization: \"Bearer {}\"",
    "provider that is text": "provider=\"Authorization: Bearer {} {{\"",
    "an option of another kind": "samples={{password: \"{}\"}}",
}  # fmt: skip


@pytest.mark.parametrize("value", [CANARY, "ab12"])
@pytest.mark.parametrize("case", REFUSED)
def test_an_option_that_is_refused_is_told_without_its_secret(case, value, tables, tmp_path):
    if len(value) < redaction.SHORTEST and "text" in case:
        pytest.skip("no name stands before it")
    done = judge(tables, tmp_path / "out", REFUSED[case].format(value), "api_base=http://x/v1")
    assert done.returncode == 2 and "error" in done.stderr
    assert value not in done.stderr + done.stdout
    assert leaks(value, tmp_path / "out", done.stderr) == [] or value == "ab12"


YAML = """
name: x
sources:
  judge:
    use: llm_judge
    options: {{model: m, provider: {{extra_headers: {{Authorization: "Bearer {}{} }}}}}}
"""


@pytest.mark.parametrize("end", ["", '"'])
def test_an_experiment_file_that_is_wrong_is_told_without_its_key(end, tmp_path):
    path = tmp_path / "experiment.yaml"
    path.write_text(YAML.format(HEADER, end))
    done = harness("run", path, "--out", tmp_path / "out")
    assert done.returncode == 2 and "error" in done.stderr
    assert leaks(HEADER, tmp_path / "out", done.stdout, done.stderr) == []


def test_respond_and_the_seeded_files_hold_no_key(tables, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", HEADER)
    out = tmp_path / "out"
    with ScriptedServer(echoing(str)) as server:
        for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL"):
            monkeypatch.setenv(name, server.base_url)
        done = harness(
            "respond", "--chat", "--model", "openai/m", "--items", tables / "items.jsonl",
            "--out", out / "responses.jsonl",
        )  # fmt: skip
        assert HEADER in header_of(server, "authorization")
    assert done.returncode == 0, done.stderr
    assert HIDDEN in (out / "responses.jsonl").read_text()
    assert leaks(HEADER, out, done.stdout, done.stderr) == []


def test_the_manifest_hides_secrets_by_name_however_short():
    options = {
        "model": "m", "api_base": "http://u:pw@host/v1?key=k1", "max_tokens": 5, "bos_token": "<s>",
        "provider": {
            "extra_headers": {"X-Team": "blue", "Authorization": "Bearer z", "x-key": "y"},
            "aws_secret_access_key": "q", "user": "me", "top_p": 0.5,
        },
    }  # fmt: skip
    assert redact_deep(options, names=True) == {
        "model": "m", "api_base": f"http://u:{HIDDEN}@host/v1?key={HIDDEN}", "max_tokens": 5,
        "bos_token": "<s>",
        "provider": {
            "extra_headers": {"X-Team": "blue", "Authorization": HIDDEN, "x-key": HIDDEN},
            "aws_secret_access_key": HIDDEN, "user": "me", "top_p": 0.5,
        },
    }  # fmt: skip


def test_a_run_writes_its_manifest_and_its_row_of_a_source_without_secrets(tmp_path, monkeypatch):
    options = {"model": "m", "provider": {"extra_headers": {"Authorization": "Bearer z"}}}
    written = config(sources={**SOURCES, "judge": {"use": "llm_judge", "options": options}})
    monkeypatch.setattr("harness.experiment.run.check", lambda *_: None)
    monkeypatch.setattr("harness.experiment.run.wording", lambda *_: [])
    read = SimpleNamespace(config=written, sha256="x", fingerprint="f", sources={})
    with Journal(tmp_path / "j.sqlite") as journal:
        Run(read, RunDirectory(tmp_path), journal).begin()
    assert "Bearer z" not in (tmp_path / "manifest.json").read_text()
    info = SimpleNamespace(kind="judge", version="1", simulated=False, models=())
    origin = SimpleNamespace(distribution="d", version="1")
    named = SimpleNamespace(
        name="judge", config=written.sources["judge"], info=info, origin=origin, way="pointwise"
    )
    assert "Bearer z" not in json.dumps(source_row(named, written, None, None))


@pytest.mark.parametrize("place", ["extra_headers", "extra_body", "headers"])
@pytest.mark.parametrize("name", ["api_key", "X-Api-Key", "Authorization"])
def test_a_number_for_a_key_is_told_nowhere(name, place, tables, tmp_path):
    out = tmp_path / "out"

    async def script(server, writer):
        await server.send(writer, http({"error": {"message": "no 74839201847362519"}}, "400 No"))

    with ScriptedServer(script) as server:
        option = f"provider={{{place}: {{{name}: 74839201847362519}}}}"
        done = judge(tables, out, f"api_base={server.base_url}", option)
    assert "74839201" not in done.stdout + done.stderr
    for path in out.rglob("*"):
        assert b"74839201" not in path.read_bytes(), path


@pytest.mark.parametrize("value", [HEADER, "ab12"])
@pytest.mark.parametrize("pair", ["api_key:{}", "api_key: {}", "provider.api_key:{}"])
def test_an_option_without_an_equals_sign_is_told_without_its_secret(pair, value, tables, tmp_path):
    done = judge(tables, tmp_path / "out", pair.format(value))
    assert done.returncode == 2 and "is not key=value" in done.stderr and "api_key" in done.stderr
    assert value not in done.stderr + done.stdout


WORDS = [
    "--option api_key {}", "--option x=1 api_key={}", "--option Authorization: Bearer {}",
    "--api-key {}", "--api-key={}", "--option=api_key:{}", "--option api_key=[{}", "api_key={}",
    "--option x=1 --token={}", "--option provider={{api_key:{}", "secret {}",
]  # fmt: skip


@pytest.mark.parametrize("value", [HEADER, "ab12", HEADER * 9])
@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("start", [("judge", "--source", "keywords"), ()])
def test_a_command_line_that_is_wrong_is_told_without_its_secret(start, words, value):
    done = harness(*start, *words.format(value).split())
    told = "".join((done.stdout + done.stderr).replace("│", "").split())
    assert done.returncode == 2 and told
    assert value not in told


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_journal_and_judgments_are_their_owners_only(umask, tables, tmp_path, monkeypatch):
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", HEADER)
    out = tmp_path / "out"
    before = os.umask(umask)
    try:
        with ScriptedServer(echoing(lambda value: "")) as server:
            assert judge(tables, out, f"api_base={server.base_url}").returncode == 0
            assert judge(tables, out, f"api_base={server.base_url}").returncode == 0  # replaced
        wide = tmp_path / "wide.sqlite"
        wide.touch(0o666)
        with Journal(wide) as journal:
            journal.put_reply("k", {"text": "x"})
            journal.flush()
            files = [*out.iterdir(), *tmp_path.glob("wide.sqlite*")]
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files}
    finally:
        os.umask(before)
    assert {"judgments.jsonl", "judgments.jsonl.journal.sqlite", "wide.sqlite"} <= set(modes)
    assert set(modes.values()) == {0o600}, modes
    write_text(tmp_path / "plain.txt", "x")
    assert (tmp_path / "plain.txt").stat().st_mode & 0o044  # what is no secret stays readable


def test_what_nobody_caught_is_told_without_the_key(tmp_path):
    program = (
        "import os, sys; import harness.cli.main as m\n"
        "def fail(): raise KeyError(os.environ['MY_API_KEY'])\n"
        "m.register = fail\n"
        "sys.argv = ['harness', 'judge']\n"
        "m.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env={**os.environ, "MY_API_KEY": HEADER},
    )  # fmt: skip
    assert "KeyError" in done.stderr and HIDDEN in done.stderr and HEADER not in done.stderr


def test_an_anchor_file_holds_no_secret_and_its_hash_fits(tmp_path):
    items, responses, anchors = (tmp_path / name for name in ("i.jsonl", "r.jsonl", "a.json"))
    write_jsonl(items, [{"id": "a", "prompt": "p"}])
    write_jsonl(
        responses,
        [{"id": f"r{n}", "item_id": "a", "system": "s", "text": f"t{n}"} for n in (1, 2)],
    )
    with ScriptedServer(http(completion(message={"content": "Verdict: A"}))) as server:
        address = server.base_url.replace("://", "://user:hunter2-canary@")
        options = ("--option", "model=hosted_vllm/m", "--option", f"api_base={address}")
        files = ("--items", items, "--responses", responses)
        pinned = harness("drift", anchors, "--pin", *options, *files, "--quiet")
        assert pinned.returncode == 0, pinned.stderr
        assert stat.S_IMODE(anchors.stat().st_mode) == 0o600
        assert b"hunter2" not in anchors.read_bytes() and HIDDEN in anchors.read_text()
        again = harness("drift", anchors, *options, "--quiet")
        assert again.returncode == 0 and "no drift" in again.stdout, again.stderr
        without = harness("drift", anchors, "--quiet")
    assert without.returncode == 2
    assert "option api_base of llm_judge held a secret" in without.stderr
    assert "--option api_base=..." in without.stderr
