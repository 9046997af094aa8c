"""Prices and estimates, by hand arithmetic and against litellm's own file."""

import asyncio
import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.chat import Client
from harness.chat.prices import Price, known_model, price_of
from harness.nouns.chat_messages import ChatRequest, Tokens
from harness.records.journal import Journal
from harness.testing import StubServer

MODEL = "hosted_vllm/judge"
PRICES = {"input_cost_per_token": 2e-3, "output_cost_per_token": 1e-2}


def user(*texts, **fields):
    messages = tuple({"role": "user", "content": text} for text in texts)
    return ChatRequest(fields.pop("model", MODEL), messages, **fields)


LISTED = {
    "gpt-4o": {"input_cost_per_token": 2.5, "output_cost_per_token": 10, "litellm_provider": "a"},
    "a/free": {"input_cost_per_token": 0.0, "output_cost_per_token": None},
    "a/embed": {"input_cost_per_token": 0.5, "litellm_provider": "a"},
    "a/clip": {"input_cost_per_second": 0.1, "output_cost_per_token": 1.0},
    "z/é": {"input_cost_per_token": 4.0, "output_cost_per_token": 8.0},
}


def fresh(monkeypatch, found):
    """Return the module that reads the list anew, with litellm where the test says."""
    name = price_of.__module__
    spec = importlib.util.find_spec(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda x, *more: found if x == "litellm" else real(x, *more)
    )
    return module


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o", (2.5, 10.0)),
        ("a/gpt-4o", (2.5, 10.0)),  # of the same provider
        ("b/gpt-4o", None),
        ("a/free", (0.0, 0.0)),
        ("a/embed", (0.5, 0.0)),
        ("a/a/embed", (0.5, 0.0)),
        ("a/clip", None),  # its input is not paid by the token
        ("z/é", (4.0, 8.0)),
        ("none", None),
        ("a/none", None),
        ("local/gpt-4o", (0.0, 0.0)),
    ],
)
def test_a_price_is_that_of_the_list_and_none_where_nobody_knows_it(
    tmp_path, monkeypatch, model, expected
):
    file = tmp_path / "model_prices_and_context_window_backup.json"
    file.write_text(json.dumps(LISTED, ensure_ascii=False), encoding="utf-8")
    module = fresh(monkeypatch, SimpleNamespace(submodule_search_locations=[str(tmp_path)]))
    price = module.price_of(model, {})
    assert (None if price is None else (price.input, price.output)) == expected
    known = LISTED.get(model) or (LISTED["gpt-4o"] if model == "a/gpt-4o" else None)
    if model not in ("a/a/embed", "local/gpt-4o"):
        assert module.known_model(model) == known


@pytest.mark.parametrize("places", [None, [], ["/no/such/folder"]])
def test_without_a_list_no_price_is_known(monkeypatch, places):
    found = None if places is None else SimpleNamespace(submodule_search_locations=places)
    module = fresh(monkeypatch, found)
    assert module.price_of("openai/gpt-4o", {}) is None
    assert module.price_of("openai/gpt-4o", PRICES) == module.Price(2e-3, 1e-2)


def test_prices_are_those_of_litellms_own_file():
    folder = Path(importlib.util.find_spec("litellm").submodule_search_locations[0])
    table = json.loads((folder / "model_prices_and_context_window_backup.json").read_bytes())
    wrong = []
    for name, entry in table.items():
        if name.startswith("local/"):
            continue
        made = (entry.get("input_cost_per_token"), entry.get("output_cost_per_token") or 0.0)
        if price_of(name, {}) != (None if made[0] is None else Price(*made)):
            wrong.append(name)
    assert (wrong, len(table) > 1000) == ([], True)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (PRICES, Price(2e-3, 1e-2)),
        ({"input_cost_per_token": "0.5"}, Price(0.5, 0.0)),
        ({"output_cost_per_token": 3}, Price(0.0, 3.0)),
        ({"input_cost_per_token": 0, "output_cost_per_token": 0}, Price(0.0, 0.0)),
    ],
)
def test_prices_of_the_request_go_before_the_list(extra, expected):
    assert price_of("openai/gpt-4o", extra) == expected


def test_the_price_of_a_call_by_hand():
    price = Price(1.0, 10.0)
    assert price.cost(Tokens(3, 2)) == 23.0
    # "abc" has 3 bytes and "é€" has 2 + 3; 16 tokens for each message: 3 + 5 + 32 = 40.
    request = user("abc", "é€", max_tokens=7)
    assert price.at_most(request) == 40 + 70
    # A schema is part of the prompt: {"type": "json_object"} has 23 bytes.
    shaped = replace(request, response_format={"type": "json_object"})
    assert price.at_most(shaped) == 63 + 70
    # Four bytes for a token, and 4 tokens for each message: 3/4 + 5/4 + 8 = 10.
    assert price.expected(request) == 10 + 70


def test_prices_of_a_known_model_need_no_option():
    price = Client(None, budget_usd=1.0).ledger.price("openai/gpt-4o", {})
    entry = known_model("openai/gpt-4o")
    assert price == Price(entry["input_cost_per_token"], entry["output_cost_per_token"])


def test_an_estimate_by_hand(tmp_path):
    prices = {"input_cost_per_token": 1.0, "output_cost_per_token": 10.0}

    def ask(text, prices, **fields):
        return user(text, extra={"api_base": server.base_url, **prices}, **fields)

    with StubServer() as server, Journal(tmp_path / "j.sqlite") as journal:
        kept = ask("kept", prices)
        asyncio.run(Client(journal).complete(kept))
        wanted = [
            kept, ask("abc", prices, max_tokens=2), ask("abc", {}), kept,
            ask("abcdefgh", prices, max_tokens=3),
            ask("abc", prices, max_tokens=2),  # a twin
            user("x", model="z/unknown"), user("x", model="b/unknown"),
            user("y", model="z/unknown"), user("abc", model="local/any"),
        ]  # fmt: skip
        client = Client(journal, budget_usd=1.0)  # an estimate may pass the budget
        estimate = client.estimate(wanted)
        assert len(server.bodies) == 1
    # abc: 3/4 + 4 = 4.75 and 20 of the answer; abcdefgh: 8/4 + 4 = 6 and 30.
    assert estimate.expected_usd == 4.75 + 20 + 6 + 30
    # abc: 3 + 16 and 20; abcdefgh: 8 + 16 and 30.
    assert estimate.at_most_usd == 39 + 54
    assert (estimate.calls, estimate.cached) == (7, 3)
    assert estimate.unknown == ("b/unknown", MODEL, "z/unknown")
    assert client.estimate([]) == replace(
        estimate, calls=0, cached=0, expected_usd=0.0, at_most_usd=0.0, unknown=()
    )
