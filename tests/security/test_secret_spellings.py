"""What is a secret is found in a text in every spelling, and nothing else is hidden."""

import html
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secret_spellings import CANARY, ECHOES, forget, leaks, spellings

from harness.nouns import redaction
from harness.nouns import spellings as spellings_of
from harness.nouns.outcomes import Status
from harness.nouns.redaction import HIDDEN, is_secret_name, redact, redact_deep
from harness.nouns.schema import Judgment, Verdict
from harness.records.journal import Journal
from harness.records.writes import write_json, write_jsonl, write_text


@pytest.fixture(autouse=True)
def own_secrets(monkeypatch):
    """Each test learns its own secrets."""
    forget(monkeypatch)


def test_the_journal_takes_secrets_out_of_whatever_it_is_given(tmp_path):
    redaction.keep_secret(CANARY)
    verdict = Verdict(Status.OK, 1.0, rationale=f"it is {CANARY}")
    said = Judgment("r", "s", "1", "s", verdict, raw=CANARY)
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put_reply("k", {"text": CANARY})
        journal.put_judgment(said)
        assert journal.get_reply("k") is None or HIDDEN in journal.get_reply("k")["text"]
    assert leaks(CANARY, tmp_path) == []


@pytest.mark.parametrize("name", ["report.html", "report.md", "report.json"])
def test_whatever_is_written_all_or_nothing_is_without_secrets(name, tmp_path):
    redaction.keep_secret(CANARY)
    for how in ECHOES.values():
        form = how(CANARY)
        write_text(tmp_path / name, f"<p>{form}</p>")
        assert leaks(CANARY, tmp_path) == [], form
    write_json(tmp_path / "x.json", {"a": [CANARY]})
    write_jsonl(tmp_path / "x.jsonl", [{"a": CANARY}])
    assert leaks(CANARY, tmp_path) == []


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("api_key", True), ("apiKey", True), ("APIKEY", True), ("X-Api-Key", True),
        ("OPENAI_API_KEY", True), ("HF_TOKEN", True), ("Authorization", True), ("Cookie", True),
        ("client_secret", True), ("aws_access_key_id", True), ("password", True),
        ("Ocp-Apim-Subscription-Key", True), ("max_tokens", False), ("bos_token", False),
        ("input_cost_per_token", False), ("stop_token_ids", False), ("key", False),
        ("tokenizer", False), ("author", False), ("PATH", False), ("monkey", False),
        ("TOKENIZERS_PARALLELISM", False),
    ],
)  # fmt: skip
def test_names_of_secrets(name, secret):
    assert is_secret_name(name) is secret


def test_texts_without_secrets_stay_as_they_are(monkeypatch):
    text = "Bearer of bad news: the key is under the mat, token by token"
    assert redact(text) == text
    redaction.keep_secret("mat")  # too short to be told from words
    assert redact(text) == text
    redaction.keep_secret(CANARY)
    assert redact(text) == text and redact(f"<{CANARY}>") == f"<{HIDDEN}>"


@pytest.mark.parametrize("how", ECHOES)
def test_what_stands_around_a_secret_in_whatever_spelling_stays(how):
    redaction.keep_secret(CANARY)
    for rest in ("", "%20", "\\n", "&amp;", "\\\\"):
        text = f"before{rest}<{ECHOES[how](CANARY)}>{rest}after"
        found = redact(text)
        assert found.startswith(f"before{rest}<") and found.endswith(f">{rest}after")
        assert HIDDEN in found and leaks(CANARY, Path("/nowhere"), found) == []
        for deep in (json.dumps([text]), json.dumps([json.dumps([text])])):
            assert HIDDEN in redact(deep)
            told = json.loads(redact(deep))
            told = told if deep == json.dumps([text]) else json.loads(told[0])
            assert told[0].endswith(f">{rest}after"), "what is JSON stays JSON"


OTHER_KEYS = {
    "digits": "7483920184736251",
    "a quote": 'pass"word\\7 x',
    "beyond ASCII": "\xfcnl\xf6sbar7",
    "beyond the first plane": "key-\U0001f511-7x9",
    "a percent sign": "a%41b&#x41;c\\u0041",
    "of hex": "3f786850e387550f",
    "of one letter": "xxxxxxxxxxxx",
    "capitals and digits": "AB12CD34EF56",
}


@pytest.mark.parametrize("how", ECHOES)
@pytest.mark.parametrize("name", OTHER_KEYS)
def test_a_secret_of_any_letters_is_found_in_every_spelling(how, name):
    key = OTHER_KEYS[name]
    try:
        text = f"<{ECHOES[how](key)}>"
    except UnicodeEncodeError:
        pytest.skip("Latin-1 has no such letter")
    redaction.keep_secret(key)
    assert HIDDEN in redact(text), text
    assert not any(form in redact(text) for form in spellings(key))


AGAIN = {
    "URLs": lambda text: "".join(f"%{b:02X}" for b in text.encode()),
    "URLs' own": lambda text: text.replace("%", "%25"),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "HTML": html.escape,
    "HTML by number": lambda text: "".join(f"&#{ord(c)};" for c in text),
}


@pytest.mark.parametrize("times", range(spellings_of.ROUNDS))
@pytest.mark.parametrize("how", AGAIN)
def test_what_is_spelled_again_is_found_five_times_over(how, times):
    text = ECHOES["each letter for an address"](CANARY)
    for _ in range(min(times, 2) if how in ("URLs", "HTML by number") else times):
        text = AGAIN[how](text)
    redaction.keep_secret(CANARY)
    assert redact(f"<{text}>") == f"<{HIDDEN}>"


@given(st.text(max_size=60), st.text("%41&#;\\\\u0x:/ab\"' ", max_size=60))
def test_texts_spelled_in_any_way_stay_as_they_are_without_a_secret(plain, spelled):
    redaction.keep_secret(CANARY)
    for text in (plain, spelled, json.dumps([plain, spelled])):
        assert redact(text) == text


NESTED = {
    "a number": {"extra_body": {"api_key": 74839201847362519}},
    "a value inside": {"extra_body": {"opts": {"credentials": {"value": "74839201847362519"}}}},
    "a list": {"extra_body": {"auth_tokens": [["74839201847362519"]]}},
    "a number inside": {"secrets": {"a": [{"b": 74839201847362519}]}},
}


@pytest.mark.parametrize("name", NESTED)
def test_numbers_and_what_stands_inside_a_secret_are_hidden(name):
    assert "7483920" not in str(redact_deep(NESTED[name], names=True))
    redaction.keep_secrets_of(NESTED[name])
    assert redact("it is 74839201847362519.") == f"it is {HIDDEN}."
    assert "7483920" not in redaction.shown(NESTED[name])


NUMBER = 74839201847362519
ROWS = {
    "a number": {"a": NUMBER},
    "in a list": {"a": [1, NUMBER, 2.5]},
    "a part of a number": {"a": [NUMBER * 1000, 0.5]},
    "a name": {str(NUMBER): 1},
    "letters as numbers": {"a": list(str(NUMBER).encode())},
    "a number and a text": {"a": NUMBER, "b": f"it is {NUMBER}."},
}


@pytest.mark.parametrize("row", ROWS)
def test_json_stays_json_where_a_secret_is_a_number(row, tmp_path):
    redaction.keep_secret(str(NUMBER))
    write_json(tmp_path / "x.json", ROWS[row])
    write_jsonl(tmp_path / "x.jsonl", [ROWS[row], {"b": 1}])
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put_reply("k", {**ROWS[row], "text": "x"})
        journal.flush()
        assert journal.get_reply("k")["text"] == "x"
    assert HIDDEN in json.dumps(json.loads((tmp_path / "x.json").read_text()))
    first, second = map(json.loads, (tmp_path / "x.jsonl").read_text().splitlines())
    assert HIDDEN in json.dumps(first) and second == {"b": 1}
    for path in tmp_path.iterdir():
        assert b"7483920184736" not in path.read_bytes()
