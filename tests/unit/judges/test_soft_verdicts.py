"""A soft verdict is read at the token of the verdict: hard replies, token by token."""

from __future__ import annotations

import math
import re

import pytest

from harness.chat.keys import from_body, to_body
from harness.chat.openai_format import reply_of
from harness.judging.model_judge import choices_for, read
from harness.nouns.chat_messages import ChatRequest
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Item, JudgmentRequest, Response


def ordinal(*labels):
    return Scale("ordinal", labels)


FIVE = ordinal("1", "2", "3", "4", "5")
TEN = ordinal(*map(str, range(1, 11)))
WORDS = ordinal("harmful", "harmless", "very good")
GRADES = ordinal("D", "C", "B", "A", "A+")
CHINESE = ordinal("差", "好", "很好")
NUMBERS = Scale("interval", low=0, high=9)
FAIL = Status.UNPARSEABLE
E = -20.0


def share(*logs):
    """The share of the first of some log-probabilities."""
    return math.exp(logs[0]) / math.fsum(map(math.exp, logs))


# Scale (None for a pair), tokens, what could have stood in place of some of them, value or failure,
# probability. A token is its text, or text and log-probability (else -0.01).
CASES = {
    # The verdict's token, not the last one that looks like a choice.
    "out of": (
        FIVE,
        ["Rating", " :", " ", ("2", -0.2), " /", " ", "5"],
        {3: {"3": -1.8}, 6: {"5": 0.0}},
        "2",
        share(-0.2, -1.8),
    ),
    "out of the same": (FIVE, ["Rating: ", ("5", -0.3), "/", "5"], {1: {"4": -1.4}}, "5", 0.75),
    "a later sentence": (
        None,
        ["Verdict", ":", (" A", -0.5), "\n", "Not", " B", ",", " as", " A", " is", " right", "."],
        {2: {" B": -1.0}, 5: {" A": -5.0}, 8: {" B": -9.0}},
        "A",
        share(-0.5, -1.0),
    ),
    "an earlier list": (
        None,
        ["A", " or", " B", "?", "\n", "Verdict:", (" B", -0.1), "."],
        {0: {"B": -0.1}, 6: {" A": -2.3}},
        "B",
        1 - share(-0.1, -2.3),
    ),
    "reasons about both": (
        None,
        ["Response", " B", " is", " longer", ".", "\n\n", "Verdict", ":", (" A", -0.4)],
        {1: {" A": -0.1}, 8: {" B": -1.1}},
        "A",
        share(-0.4, -1.1),
    ),
    "a score in the reasons": (
        FIVE,
        ["A ", "5", " needs", " sources", ".", "\n", "Rating", ":", " ", ("4", -0.3), "\n"],
        {1: {"4": -0.1}, 9: {"5": -1.4}},
        "4",
        0.75,
    ),
    "the same twice": (
        None,
        ["I say A.", "\n", "Verdict:", (" A", -0.2)],
        {0: {"B": -0.1}, 3: {" B": -1.7}},
        "A",
        share(-0.2, -1.7),
    ),
    # Tokens of other forms.
    "with a space": (None, [("A", -0.3)], {0: {" A": -3.0, "B": -1.5}}, "A", None),
    "merged with markup": (
        None,
        ["Verdict:", ("**A", -0.3), "**"],
        {1: {"**B": -1.4, " B": -9.0}},
        "A",
        0.75,
    ),
    "merged with a bracket": (None, ["[[", ("B", -0.1), "]]"], {1: {"A": -2.3}}, "B", 0.1),
    "merged with a stop": (None, ["Verdict:", (" A.", -0.3)], {1: {" B.": -1.4}}, "A", 0.75),
    "merged with a line's end": (None, ["Verdict:", (" A\n", -0.3)], {1: {" B": -1.4}}, "A", 0.75),
    "merged with a colon": (None, ["Verdict", (":A", -0.3)], {1: {":B": -1.4}}, "A", 0.75),
    "another form than its own": (
        None,
        ["Verdict:", (" A", -0.3)],
        {1: {"B.": -2.0, " B\n": -2.0, "*B": -3.0, " neither": -9.0, " Beyond": -1.0}},
        "A",
        share(-0.3, -2.0, -2.0, -3.0),
    ),
    "a word that begins so": (
        None,
        ["Verdict:", (" A", -0.2)],
        {1: {" Answer": -1.8, " B": -6.0}},
        "A",
        share(-0.2, -6.0),
    ),
    "a tie is half": (
        None,
        ["Verdict:", (" T", -0.7), "IE"],
        {1: {" A": -0.8, " B": -3.0}, 2: {"WO": -5.0}},
        "TIE",
        None,
    ),
    "binary in capitals": (BINARY, ["Rating:", (" True", -0.3)], {1: {" false": -1.4}}, True, 0.75),
    # Several tokens for a label, labels that begin alike.
    "ten is one and nought": (
        TEN,
        ["Rating", ":", " ", ("1", -0.1), ("0", -0.2)],
        {3: {"9": -2.3}, 4: {"\n": -1.8}},
        "10",
        math.exp(-0.3) / (math.exp(-0.3) + math.exp(-2.3) + math.exp(-1.9)),
    ),
    "one, and not ten": (
        TEN,
        ["Rating", ":", " ", ("1", -0.1), ("\n", -0.1), "Done."],
        {3: {"2": -2.3}, 4: {"0": -2.4}},
        "1",
        math.exp(-0.2) / (math.exp(-0.2) + math.exp(-2.3) + math.exp(-2.5)),
    ),
    "one, at the end of a turn that is reported": (
        TEN,
        ["Rating: ", ("1", -0.1), ("<|im_end|>", -0.2)],
        {1: {"2": -2.3}, 2: {"0": -1.8}},
        "1",
        math.exp(-0.3) / (math.exp(-0.3) + math.exp(-2.3) + math.exp(-1.9)),
    ),
    "one, where ten is a token": (
        TEN,
        ["Rating: ", ("1", -0.3)],
        {1: {"10": -1.4}},
        "1",
        share(-0.3, -1.4),
    ),
    "one or ten, and no more": (TEN, ["Rating: ", ("1", -0.1)], {1: {"2": -2.3}}, FAIL, None),
    "nine, and what may be one or ten": (
        TEN,
        ["Rating: ", ("9", -0.2), "\n"],
        {1: {"1": -1.8}},
        FAIL,
        None,
    ),
    "nine, and next to nothing that may be one or ten": (
        TEN,
        ["Rating: ", ("9", -0.2), "\n"],
        {1: {"8": -1.8, "1": -8.0}},
        "9",
        share(-0.2, -1.8),
    ),
    "labels that begin alike": (
        WORDS,
        ["Rating:", (" harm", -0.1), ("less", -0.4)],
        {1: {" very": -2.4}, 2: {"ful": -1.1}},
        "harmless",
        math.exp(-0.5) / (math.exp(-0.5) + math.exp(-2.4) + math.exp(-1.2)),
    ),
    "a label of two words": (
        WORDS,
        ["Rating: ", ("very", -0.3), " good"],
        {1: {"harmless": -1.4}},
        "very good",
        share(-0.31, -1.4),
    ),
    "a label that cannot be told from another": (
        WORDS,
        ["Rating: ", ("very", -0.5), " good"],
        {1: {"harm": -1.0}},
        FAIL,
        None,
    ),
    "Chinese labels": (
        CHINESE,
        ["Rating:", (" 很", -0.2), "好"],
        {1: {"好": -1.9, "差": -4.0}},
        "很好",
        share(-0.21, -1.9, -4.0),
    ),
    "an expectation": (NUMBERS, ["Rating: ", ("4", -0.7)], {1: {"6": -0.7}}, 5.0, None),
    # What is not known is no verdict.
    "no alternatives": (None, ["Verdict:", (" A", -0.7)], {}, FAIL, None),
    "too few alternatives": (FIVE, ["Rating: ", ("4", -0.9)], {1: {"5": -1.6}}, FAIL, None),
    "the others are next to nothing": (FIVE, ["Rating: ", ("4", -0.01)], {1: {"x": -6}}, "4", 1.0),
    "read from a word": (None, ["Verdict:", " neither"], {1: {" A": -1.0}}, FAIL, None),
    "no verdict": (None, ["It", " depends", "."], {}, FAIL, None),
}  # fmt: skip


def entry(token, logprob, raw=None):
    data = list(token.encode()) if raw is None else raw
    return {"token": token, "logprob": logprob, "bytes": data}


def body(tokens, others, text=None):
    steps = []
    for number, token in enumerate(tokens):
        said, logprob = token if isinstance(token, tuple) else (token, -0.01)
        own = entry(said, logprob)
        more = [entry(t, p) for t, p in others.get(number, {}).items()]
        steps.append({**own, "top_logprobs": [own, *more]})
    said = "".join(step["token"] for step in steps).removesuffix("<|im_end|>")
    choice = {"message": {"content": said if text is None else text}, "finish_reason": "stop"}
    return {"choices": [choice | {"logprobs": {"content": steps}}]}


def judged(scale, found):
    way = "pairwise" if scale is None else "pointwise"
    responses = [Response(str(n), "i", "s", "x") for n in range(2 if scale is None else 1)]
    criterion = Criterion("c", "Good?", scale or FIVE)
    request = JudgmentRequest("r", Item("i", "p"), tuple(responses), criterion)
    choices = choices_for((criterion,), way, ties=True)
    call = ChatRequest("openai/m", ({"role": "user", "content": "?"},), choices=choices)
    reply = reply_of(found, call)
    kept = from_body(to_body(reply, "openai/m"))
    assert kept.choice_places == reply.choice_places
    return read(kept, call, (criterion,), request)


@pytest.mark.parametrize("name", CASES)
def test_the_log_probabilities_are_those_of_the_verdict(name):
    scale, tokens, others, value, probability = CASES[name]
    verdict = judged(scale, body(tokens, others))
    if value is FAIL:
        assert verdict.status is FAIL and verdict.rationale
        return
    assert (verdict.status, verdict.value) == (Status.OK, value), verdict
    if probability is not None:
        assert verdict.probability == pytest.approx(probability, abs=0.003)


TURNED = """Verdict: {A} is worse
Verdict: {A} loses to B
Verdict: {A} is not as good as B
Verdict: {A} is the worse response.
Verdict: {A} is the weaker one
Loser: {A}
The loser is {A}.
Worse response: {A}
The worse response is {A}.
Response {A} is worse.
Response {A} is worse than Response B.
Response {B} is worse than Response A.
{B} is worse than A
{A} loses
{A} is beaten by B
{A} is inferior to B.
{A} is weaker
Of the two, {A} is the worse.
Between A and B, {A} is weaker.
I lean {A}.\\nResponse {B} is worse.
{"loser": "{A}"}
{A} < B
[[{A}<B]]
[[{A}<<B]]
Verdict: {A} and {B} are equal
Verdict: {A} tie"""
"""Verdicts that are not what is written at their place, or of which no single place decides."""

DIRECT = """Verdict: {A}, not B
Verdict: {A}, not B.
Verdict: {A} (not B)
Verdict: {A}, not B\\n\\nBoth are short.
**Verdict: {A}, not B**
Verdict: {A}, not B\\n\\nResponse B is short.
Verdict: {A}, not B\\n\\nB is long, A is short.
Verdict: {B}, not A
Verdict: {A} rather than B
Verdict: {A} over B
Verdict: {A} > B
{A} > B
Verdict: {A} because B is wrong
Verdict: {A} because B is worse
Verdict: {A} because B is worse than A
Verdict: {A}, since B is longer
Verdict: {A} (B is worse)
Verdict: {A}\\n\\nB is worse.
B is worse.\\n\\nVerdict: {A}
B is worse than A.\\n\\nVerdict: {A}
A is worse than B.\\n\\nVerdict: {B}
Response {A} is better.
Response {A} is better than Response B.
Verdict: Response {A} is better than Response B
{A} is better than B
{A} beats B
{B} wins
I prefer {A}.
I prefer {A} over B.
The better response is {B}.
The better response is {A}, not B.
Winner: {A}
My choice is {A}.
{"verdict": "{A}"}
{"reasoning": "B is wrong", "verdict": "{A}"}
{"verdict": "{A}", "reasoning": "B is worse"}
[[{A}]]
Verdict: {TIE}, neither A nor B
Verdict: {A} wins; B loses
Verdict: B\\n\\nWait, that is wrong.\\n\\nVerdict: {A}
I think B is worse, so {A}."""
"""Verdicts that are what is written at their place."""


def spelled(text):
    """Return a completion in which the choice in braces is said at 0.7, others nearly for sure."""
    tokens, others = [], {}
    for part in re.findall(r"{(?:A|B|TIE)}|[A-Za-z]+|[^A-Za-z]", text.replace("\\n", "\n")):
        said = part.strip("{}") or part
        if said in ("A", "B", "TIE"):
            doubted = said != part
            tokens.append((said, math.log(0.7 if doubted else 0.98)))
            rest = math.log(0.14 if doubted else 0.01)
            others[len(tokens) - 1] = {n: rest for n in ("A", "B", "TIE") if n != said}
        else:
            tokens.append(part)
    return body(tokens, others)


@pytest.mark.parametrize("text", TURNED.splitlines())
def test_how_likely_a_choice_is_tells_nothing_where_it_stands_for_another(text):
    verdict = judged(None, spelled(text))
    assert verdict.status is FAIL and "without a log-probability" in verdict.rationale, verdict


@pytest.mark.parametrize("text", DIRECT.splitlines())
def test_a_choice_that_cannot_stand_there_keeps_its_probability(text):
    said = re.search(r"{(A|B|TIE)}", text)[1]
    verdict = judged(None, spelled(text))
    chance = {"A": 0.77 / 0.98, "B": 0.21 / 0.98, "TIE": 0.5}[said]
    assert (verdict.status, verdict.value) == (Status.OK, said), verdict
    assert verdict.probability == pytest.approx(chance)


def test_a_number_that_is_a_part_of_another_is_not_the_verdict():
    others = {1: {"4": -0.1, "2": -3.0}, 3: {"4": -0.1}}
    verdict = judged(NUMBERS, body(["Rating: ", ("3", -2.0), ".", ("5", -2.0)], others))
    assert verdict.status is FAIL


NULLS = [
    ({"logprob": None}, {}),
    ({}, {"logprob": None}),
    ({"logprob": None}, {"logprob": None}),
]


@pytest.mark.parametrize(("said", "other"), NULLS)
def test_a_log_probability_that_is_null_is_not_known(said, other):
    found = body(["Verdict:", (" A", -0.1)], {1: {" B": -2.4}})
    step = found["choices"][0]["logprobs"]["content"][1]
    step |= said
    step["top_logprobs"][0] |= said
    step["top_logprobs"][1] |= other
    verdict = judged(None, found)
    assert verdict.status is FAIL and "null" in verdict.rationale


def test_a_null_at_another_token_does_not_matter():
    found = body(["Verdict:", (" A", -0.1)], {1: {" B": -2.4}})
    found["choices"][0]["logprobs"]["content"][0]["logprob"] = None
    assert judged(None, found).probability == pytest.approx(share(-0.1, -2.4))


def test_half_of_a_tie_goes_to_each_side():
    verdict = judged(None, body(*CASES["a tie is half"][1:3]))
    chances = [math.exp(-0.8), math.exp(-3.0), math.exp(-0.7)]
    assert verdict.probability == pytest.approx((chances[0] + chances[2] / 2) / sum(chances))


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["<think>", "A", " or", " B", "</think>", "\n", "B"], "B"),  # thoughts taken away
        (["Verdict", ":", "B"], "Verdict: B"),  # a tokenizer that shows no spaces
        (["\u2581Verdict", ":", "\u2581B"], "Verdict: B"),
        (["\u0120Verdict", ":", "\u0120B", "\u010a"], " Verdict: B"),
        (["Verdict", ":", " B", "<|eot_id|>", "<|end|>"], "Verdict: B"),
        (["Verdict", ":", " B", "\n\n", "User", ":"], "Verdict: B"),  # cut by a stop sequence
    ],
)
def test_tokens_are_aligned_with_the_text(tokens, text):
    place = max(number for number, token in enumerate(tokens) if "B" in token)
    others = {n: {"A": -0.1} for n in range(len(tokens))} | {place: {" A": -4.0}}
    tokens[place] = (tokens[place], -0.1)
    verdict = judged(None, body(tokens, others, text))
    assert verdict.value == "B"
    assert verdict.probability == pytest.approx(share(-4.0, -0.1))


def test_bytes_of_letters_that_tokens_divide():
    raw = "很好".encode()
    found = body(["Rating: "], {}, "Rating: 很好")
    for part, others in ((raw[:1], {}), (raw[1:3], {}), (raw[3:], {})):
        own = entry("\ufffd", -0.05, list(part))
        top = [own, *(entry(t, p) for t, p in others.items())]
        found["choices"][0]["logprobs"]["content"].append({**own, "top_logprobs": top})
    steps = found["choices"][0]["logprobs"]["content"]
    # All three labels begin with the same byte.
    steps[2]["top_logprobs"] += [entry("\ufffd", -3.0, list("好".encode()[1:]))]
    verdict = judged(CHINESE, found)
    assert verdict.value == "很好" and verdict.probability == pytest.approx(
        share(-0.10, -3.05), abs=0.001
    )
    llama = [{"token": f"<0x{b:02X}>", "logprob": -0.05} for b in raw]
    found["choices"][0]["logprobs"]["content"] = [entry("Rating: ", -0.01), *llama]
    llama[0]["top_logprobs"] = [entry("差", -3.0), entry("好", -9.0)]
    assert judged(CHINESE, found).value == "很好"


def test_log_probabilities_of_another_text_are_none_of_it():
    verdict = judged(None, body(["Verdict:", " B"], {1: {" A": -0.1}}, "Verdict: A"))
    assert verdict.status is FAIL and "none of its tokens" in verdict.rationale


def test_where_no_log_probabilities_come_the_words_count():
    found = body(["Verdict:", " B"], {})
    found["choices"][0]["logprobs"] = None
    verdict = judged(None, found)
    assert (verdict.value, verdict.probability) == ("B", None)
