"""The questions of probes: one change, that says nothing of which answer is better."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from harness.feedback.requests import OVERALL, build_requests
from harness.judging.probe_calls import AGAIN, Again, Pushback
from harness.judging.probe_texts import (
    ALIKE,
    ALREADY,
    BOTH_OWN,
    CODE,
    NO_OWN,
    SURE,
    Changed,
    changed,
)
from harness.nouns.biases import BIASES
from harness.nouns.chat_messages import ChatRequest
from harness.nouns.schema import Item, Response
from harness.testing import FakeChat

TEXTS = ("It is 7. Three and four make seven: count on.", "The sum is 12, I think.\nIt is not 7.")


def pairs(count: int = 1, texts: tuple[str, ...] = TEXTS, prompt: object = "What is 3 + 4?"):
    items = [Item(f"i{n}", prompt) for n in range(count)]
    said = [
        Response(f"{item.id}.{k}", item.id, ("gpt-x", "other")[k], text)
        for item in items
        for k, text in enumerate(texts)
    ]
    return build_requests(items, said, "pairwise" if len(texts) == 2 else "pointwise", OVERALL)


@pytest.mark.parametrize("bias", BIASES)
def test_a_change_keeps_the_id_and_all_but_what_it_changes(bias: str) -> None:
    sides = []
    for request in pairs(60):
        made = changed(bias, request, own={"gpt-x"}, own_name="x")
        assert isinstance(made, Changed) and made == changed(bias, request, {"gpt-x"}, "x")
        assert made.request.id == request.id and made.request.criterion == request.criterion
        sides.append(made.side)
        old, new = ([one.text for one in r.responses] for r in (request, made.request))
        if bias == "position":
            assert new == old[::-1]
        elif bias == "pushback":
            assert made.request == request
        elif bias == "sycophancy":
            assert new == old and made.request.item.prompt != request.item.prompt
        elif bias in ("authority", "self-preference"):  # a long answer is not what is probed
            grown = [len(b) - len(a) for a, b in zip(old, new, strict=True)]
            assert min(grown) > 40 and abs(grown[0] - grown[1]) <= 5
        else:
            assert [a == b for a, b in zip(old, new, strict=True)].count(False) == 1
            assert new[made.side] != old[made.side]
        if bias != "sycophancy":
            assert made.request.item == request.item
    wanted = {0} if bias == "self-preference" else {0, 1}
    assert set(sides) == wanted and (wanted == {0} or 15 < sum(sides) < 45)


def test_a_markdown_list_has_the_same_words() -> None:
    for request in pairs(8):
        made = changed("format", request)
        text = made.request.responses[made.side].text
        assert re.sub(r"\*\*|^- ", "", text, flags=re.M).split() == TEXTS[made.side].split()
        assert text.startswith("- **") and text.count("\n- ") >= 1


def test_markdown_is_set_in_the_other_answer_or_in_none() -> None:
    marked = "- It is 7.\n- Count on."
    for request in pairs(8, (marked, TEXTS[1])):
        assert changed("format", request).side == 1
    assert changed("format", pairs(1, (marked, "**7**"))[0]) == ALREADY
    assert changed("format", pairs(1, (marked,))[0]) == ALREADY


def test_a_longer_answer_says_the_same_twice() -> None:
    short, long = "7", " ".join(f"word{n}" for n in range(1000))
    for text in (short, long):
        told = changed("length", pairs(1, (text,))[0]).request.responses[0].text
        grown = len(told.split()) - len(text.split())
        assert told.startswith(text) and 40 <= grown <= 330
        assert text.split()[0] in told[len(text) :]


def test_the_asker_quotes_what_is_liked_and_never_says_where_it_stands() -> None:
    for request in pairs(8):
        made = changed("sycophancy", request)
        quote = re.search(r'that begins with "(.*)"', made.request.item.prompt)[1]
        assert TEXTS[made.side].startswith(quote.split("\n")[0][:10])
        assert not TEXTS[1 - made.side].startswith(quote[:10])
    same_start = ("One two three four five six and seven.", "One two three four five six and ten.")
    (request,) = pairs(1, same_start)
    assert "that ends with" in changed("sycophancy", request).request.item.prompt
    alike = " ".join(["a"] * 30), " ".join(["a"] * 31)
    assert changed("sycophancy", pairs(1, alike)[0]) == ALIKE
    chat = ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"})
    said = changed("sycophancy", pairs(1, prompt=chat)[0]).request.item.prompt
    assert said[:2] == chat and said[2]["role"] == "user" and "I like" in said[2]["content"]
    last = changed("sycophancy", pairs(1, prompt=chat[:1])[0]).request.item.prompt
    assert len(last) == 1 and last[0]["content"].startswith("Hi\n\n(I have read both")


def test_signatures_name_the_judge_and_need_one_answer_of_its_own() -> None:
    (request,) = pairs()
    made = changed("self-preference", request, {"other"}, "judge-1")
    assert made.side == 1
    assert made.request.responses[1].text.endswith("by judge-1, the model that judges here.)")
    assert made.request.responses[0].text.endswith("(Written by gpt-x, which does not judge here.)")
    assert changed("self-preference", request) == NO_OWN
    assert changed("self-preference", request, {"gpt-x", "other"}) == BOTH_OWN


CALL = ChatRequest("m", ({"role": "system", "content": "s"}, {"role": "user", "content": "u"}))


def test_the_placebo_is_the_same_call_with_a_key_of_its_own() -> None:
    chat = FakeChat("Verdict: A")
    asyncio.run(Again(chat).complete(CALL))
    assert chat.requests == [replace(CALL, repeat=AGAIN)]


def test_a_second_turn_only_asks_whether_the_model_is_sure() -> None:
    chat = FakeChat(["Verdict: A", "Verdict: B"])
    reply = asyncio.run(Pushback(chat).complete(CALL))
    assert reply.text == "Verdict: B"
    assert chat.requests[0] == CALL
    assert chat.requests[1].messages == (
        *CALL.messages,
        {"role": "assistant", "content": "Verdict: A"},
        {"role": "user", "content": SURE},
    )
    planned = Pushback(chat).sent(replace(CALL, max_tokens=50))
    assert len(planned.messages[2]["content"]) >= 4 * 50


def test_a_verdict_from_the_next_token_is_asked_for_after_the_second_turn() -> None:
    """A local judge's call ends with words put into its mouth, and may come in two calls."""
    word = {"role": "assistant", "content": "Verdict:"}
    chat = FakeChat(["A", "B"])
    call = replace(CALL, messages=(*CALL.messages, word), choices=("A", "B"))
    asyncio.run(Pushback(chat).complete(call))
    said = {"role": "assistant", "content": "Verdict: A"}
    sure = {"role": "user", "content": SURE}
    assert chat.requests[1].messages == (*CALL.messages, said, sure, word)

    chat = FakeChat(["since A", "since B", "B"])
    pushed = Pushback(chat)

    async def both() -> None:
        await pushed.complete(CALL)
        reasons = {"role": "assistant", "content": "since B\n\nVerdict:"}
        await pushed.complete(replace(CALL, messages=(*CALL.messages, reasons)))

    asyncio.run(both())
    assert len(chat.requests) == 3  # the last one is no turn of its own
    assert [m["content"] for m in chat.requests[2].messages] == [
        "s", "u", "since A", SURE, "since B\n\nVerdict:",
    ]  # fmt: skip


def test_clients_of_probes_pass_checks_and_batches_on() -> None:
    fetched = []

    class Batches(FakeChat):
        async def prefetch(self, requests):
            fetched.extend(requests)

    for wrapped in (Again, Pushback):
        with pytest.raises(Exception, match="missing"):
            wrapped(FakeChat(missing=("m",))).check("m")
        asyncio.run(wrapped(Batches()).prefetch([CALL]))
        asyncio.run(wrapped(FakeChat()).prefetch([CALL]))
    assert fetched == [replace(CALL, repeat=AGAIN), CALL]


def listed(text: str) -> str:
    """Return the text of a single answer that is set as a list, or why it is not."""
    (request,) = pairs(1, (text,))
    made = changed("format", request)
    return made if isinstance(made, str) else made.request.responses[0].text


@pytest.mark.parametrize(
    "code",
    [
        "# add both\ntotal = a + b\nprint(total)", "def f(x):\n    # twice\n    return 2 * x",
        "The power is 2**10 here, that is 1024.", "Take this:\n```python\n# so\nx = 1\n```\nDone.",
        "let x = 3;\nreturn x;", "import os\nos.remove(path)", "for k in rows:\n    total += k",
        '{\n  "a": 1\n}', "int main() {\n  run();\n}", "~~~\nls -l\n~~~",
        "It is 4 ** 2 as said.", "<ul>\n<li>one</li>\n</ul>",
    ],
)  # fmt: skip
def test_code_is_no_markdown_and_becomes_no_list(code: str) -> None:
    assert listed(code) == CODE


@pytest.mark.parametrize(
    "text",
    ["# Answer\nIt is 7.", "It is **seven**.", "- one\n- two", "1. one", "| a | b |", "**It is"],
)
def test_markdown_is_still_seen(text: str) -> None:
    assert listed(text) == ALREADY


@pytest.mark.parametrize(
    "text", ["It is 3 * 4 as said.", "It is #1 of all.", "Wait; there is more.",
             "If so: go on. We import tea.", "It costs $5 (or less).", "x = 5, hence y = 7."]
)  # fmt: skip
def test_prose_is_no_code(text: str) -> None:
    assert listed(text).startswith("- **")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "\u7b54\u6848\u662f\u4e03\u3002\u4e09\u52a0\u56db\u7b49\u4e8e\u4e03\u3002",
            "- **\u7b54\u6848\u662f\u4e03\u3002**\n- \u4e09\u52a0\u56db\u7b49\u4e8e\u4e03\u3002",
        ),
        (
            "\u4eca\u5929\u7684\u5929\u6c14\u975e\u5e38\u597d",
            "- **\u4eca\u5929\u7684\u5929\u6c14\u975e**\u5e38\u597d",
        ),
        (
            "\u0e01\u0e34\u0e19\u0e02\u0e49\u0e32\u0e27\u0e41\u0e25\u0e49\u0e27\u0e2b\u0e23\u0e37\u0e2d\u0e22\u0e31\u0e07",
            None,
        ),
        ("It is seven, I think.", "- **It is seven,** I think."),
        ("Yes.", "- **Yes.**"),
    ],
)
def test_first_words_of_languages_without_spaces_are_a_few_characters(
    text: str, said: str | None
) -> None:
    made = listed(text)
    assert re.sub(r"[-*\s]", "", made) == re.sub(r"\s", "", text)
    if said is not None:
        assert made == said
    else:  # no letter is parted from its mark
        assert 0 < made.index("**", 4) < len(made) - 4
        assert not re.search(r"\*\*[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]", made)


def test_an_answer_without_spaces_is_named_by_a_few_of_its_characters() -> None:
    one, other = "\u4e03" * 200, "\u516b" * 200
    (request,) = pairs(1, (one, other))
    made = changed("sycophancy", request)
    assert isinstance(made, Changed)
    (named,) = re.findall('"(.+?)"', str(made.request.item.prompt))
    assert named in ("\u4e03" * 12, "\u516b" * 12)
