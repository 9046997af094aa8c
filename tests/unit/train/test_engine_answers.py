"""What is said of a server whose answers are no completions."""

from __future__ import annotations

from typing import Any

import pytest

from harness.nouns.errors import EngineError
from harness.policy.completions_api import CompletionsServer
from harness.policy.sampling import Sampling


class Answers(CompletionsServer):
    """A server that gives one answer."""

    def __init__(self, answer: Any) -> None:
        self.url, self.answer = "http://server", answer

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.answer


def answer(**changes: Any) -> dict[str, Any]:
    choice = {
        "index": 0,
        "token_ids": [5, 6, 2],
        "prompt_token_ids": [1, 4],
        "logprobs": {"token_logprobs": [-0.5, -1, -0.1]},
        "finish_reason": "stop",
    }
    return {"model": "m", "choices": [choice | changes]}


LONG = {"token_logprobs": [-0.5] * 6}
WRONG: list[tuple[Any, str]] = [
    (None, "1 completions were asked for"),
    ([], "1 completions were asked for"),
    ({"choices": []}, "1 completions were asked for"),
    ({"choices": [answer()["choices"][0]] * 2}, "1 completions were asked for"),
    (answer() | {"model": "older"}, "m was asked, and 'older' answered"),
    ({"model": "m", "choices": [{}]}, "'index' is missing"),
    (answer(token_ids=None), "without token ids.*\n.*return_token_ids"),
    (answer(token_ids=[]), "without token ids"),
    (answer(token_ids=["5", "6", "2"]), "without token ids"),
    (answer(token_ids=[5, 6.0, 2]), "without token ids"),
    (answer(prompt_token_ids=[1, 1, 4]), "another prompt"),
    (answer(logprobs=None), "without a log-probability per token"),
    (answer(logprobs={}), "without a log-probability per token"),
    (answer(logprobs={"token_logprobs": [-0.5, -1]}), "without a log-probability per token"),
    (answer(logprobs={"token_logprobs": [-0.5, -1, None]}), "log-probability is none"),
    (answer(logprobs={"token_logprobs": [-0.5, -1, float("nan")]}), "log-probability is none"),
    (answer(logprobs={"token_logprobs": [-0.5, -1, float("-inf")]}), "log-probability is none"),
    (answer(logprobs={"token_logprobs": [-0.5, -1, 0.5]}), "log-probability is none"),
    (answer(token_ids=[5, 6, 7]), "without an end token after 3 of 4 tokens; .* is 'stop'$"),
    (answer(token_ids=[5, 6, 7], finish_reason="length"), "--max-model-len"),
    (answer(token_ids=[5, 6, 7], finish_reason="abort"), "'abort'"),
    (answer(token_ids=[5, 2, 7]), "of 3 tokens goes on after its end token, which is token 2;"),
    (answer(token_ids=[5, 2, 2]), "goes on after its end token, which is token 2;"),
    (answer(token_ids=[5, 2, 7, 8, 9, 2], logprobs=LONG), "goes on after its end token"),
    (answer(token_ids=[5, 6, 7, 8, 9, 2], logprobs=LONG), "has 6 tokens, and may have 4;"),
    (answer(token_ids=[5, 6, 7, 8, 9, 9], logprobs=LONG), "has 6 tokens, and may have 4;"),
    (answer(index=1), r"completions are numbered \[1\]"),
    (answer(index="0"), "completions are numbered"),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_an_answer_that_is_no_completion_is_refused(given: Any, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        Answers(given).complete("m", [[1, 4]], Sampling(1.0, 4, seed=0), [2], "w")


def test_one_completion_told_twice_is_refused() -> None:
    twice = {"model": "m", "choices": answer()["choices"] * 2}
    with pytest.raises(EngineError, match=r"its 2 completions are numbered \[0, 0\]"):
        Answers(twice).complete("m", [[1, 4]], Sampling(1.0, 4, seed=0, per_item=2), [2], "w")


def test_a_sound_answer_is_taken() -> None:
    sound = [answer(), answer(prompt_token_ids=None), {"choices": answer()["choices"]}]
    sound.append(answer(token_ids=[5, 6, 7, 2], logprobs={"token_logprobs": [0, -1, -2, -3]}))
    sound.append(answer(token_ids=[5, 6, 7, 8], logprobs={"token_logprobs": [0, -1, -2, -3]}))
    for given in sound:
        (drawn,) = Answers(given).complete("m", [[1, 4]], Sampling(1.0, 4, seed=0), [2], "w")
        assert len(drawn.ids) == len(drawn.logprobs) >= 3


@pytest.mark.parametrize("given", [{}, answer(), answer(prompt_logprobs=[None, {"9": {}}])])
def test_a_server_that_scores_no_prompt_is_refused(given: Any) -> None:
    with pytest.raises(EngineError, match="no log-probabilities of a prompt"):
        Answers(given).score("m", [[1, 4]], "w")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9",
        "http://name.invalid:8000",
    ],
)
def test_an_address_without_a_server(url: str) -> None:
    with pytest.raises(EngineError, match=r"ConnectError.*\n.*start the server"):
        CompletionsServer(url, 1.0).model()
