"""Every reader of a text that a model, a judge or a server wrote, and texts that could slow it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness_plugins import (
    arithmetic_steps,
    json_schema,
    keywords,
    knowledge_answers,
    last_number,
    math_answers,
    math_boxes,
    math_context,
    math_measures,
    math_numerals,
    math_replies,
    math_roundings,
    math_signs,
    math_spelling,
    math_tags,
    math_vectors,
    math_verify,
    math_words,
    python_code,
    simulated_people,
)

from harness.chat.choice_places import choice_places
from harness.evaluate import alike, diversity, style
from harness.judging import presentation, verdicts
from harness.judging.probe_texts import changed
from harness.judging.templates import STANDARD, Asking, messages_for
from harness.labels import formulas, values
from harness.nouns import code_blocks, plain_text, redaction, spellings, thoughts
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, Scale
from harness.nouns.schema import Item, JudgmentRequest, Response
from harness.report import markdown, wording
from harness.sandbox import compare, printed_output
from harness.sandbox.programs import program_defining, program_reading

FIVE = Scale("ordinal", ("1", "2", "3", "4", "5"))
TEN = Scale("interval", low=1, high=10)
GRADES = Scale("ordinal", ("F", "D", "C", "B", "A"))
WORDS = Scale("ordinal", ("bad", "fair", "very good"))
CRITERIA = (Criterion("accuracy", "is right", FIVE), Criterion("tone", "is kind", TEN))
FIRST = CRITERIA[0]
LETTERS = tuple("ABCDE")
ITEM = Item("i", "How many?", "7")
SEVEN = math_numerals.Answer("7", "number", 7)


def _response(text: str) -> Response:
    return Response("r", "i", "s", text)


def _shown(text: str) -> Any:
    request = JudgmentRequest("r", ITEM, (_response(text), _response("7")), FIRST)
    return messages_for(STANDARD, request, Asking(CRITERIA[:1]))


def _mathematics(text: str) -> Any:
    text = math_signs.plain(text)
    return (
        math_boxes.in_box(text),
        math_answers.in_text(text),
        math_verify._with_rest(SEVEN, text),
        math_tags.marked(text),
        math_replies.rewritten(text),
        math_measures.upright(text),
        math_context.without_asides(text),
        math_context.is_bound(text, 0, 0),
        math_roundings.without_rounding(text),
        math_roundings.beside(text),
        math_words.said_word(text),
        math_vectors.vector(text),
        math_spelling.spelled(text),
        math_spelling.tidy(text),
    )


JUDGES: Mapping[str, Callable[[str], Any]] = {
    "pair": verdicts.read_pair,
    "pair, with its prompt": lambda text: verdicts.read_pair(text, text),
    "pair, cut": lambda text: verdicts.read_pair(text, "", True),
    "score of five": lambda text: verdicts.read_score(text, FIVE),
    "score of ten": lambda text: verdicts.read_score(text, TEN),
    "grade": lambda text: verdicts.read_score(text, GRADES),
    "label of words": lambda text: verdicts.read_score(text, WORDS),
    "yes or no": lambda text: verdicts.read_score(text, BINARY),
    "scores": lambda text: verdicts.read_scores(text, CRITERIA),
    "ranking": lambda text: verdicts.read_ranking(text, LETTERS),
    "rationale": verdicts.rationale_of,
}
"""What reads the reply of a judge."""


def _places(text: str) -> Any:
    whole = {"token": text, "logprob": -0.1}
    return choice_places({"content": [whole]}, text, FIVE.labels)


SHOWN: Mapping[str, Callable[[str], Any]] = {
    "untrusted": presentation.untrusted,
    "messages": _shown,
    "probe": lambda text: changed("format", JudgmentRequest("r", ITEM, (_response(text),), FIRST)),
}
"""What puts a response before a judge."""

VERIFIERS: Mapping[str, Callable[[str], Any]] = {
    "last_number": lambda text: last_number.last_number(ITEM, _response(text)),
    "arithmetic_steps": lambda text: arithmetic_steps.arithmetic_steps(ITEM, _response(text)),
    "keywords": lambda text: keywords._occurs(["a b", "verdict"], text),
    "knowledge_base": lambda text: list(knowledge_answers.answers_in(text, "last_line")),
    "python_code": lambda text: program_defining(text, {"f"}),
    "python_code, script": program_reading,
    "python_code, completed": lambda text: python_code.completed("def f():\n", text, "f"),
    "blocks": code_blocks.marked_blocks,
    "json_schema": json_schema._document,
    "math_verify": _mathematics,
    "simulated_people": lambda text: simulated_people._occurs(["a b"], text),
}
"""What verifiers read in a response."""

OTHERS: Mapping[str, Callable[[str], Any]] = {
    "thoughts": thoughts.parted,
    "choices": _places,
    "diversity": diversity.tokens_of,
    "style": style.style_of,
    "templates": lambda text: alike.template_of(text, frozenset({"the", "answer"})),
    "label": values.said_text,
    "label, on a scale": lambda text: values.on_scale(text, FIVE),
    "composed": plain_text.composed,
    "escaped": markdown.escaped,
    "fenced": markdown.fenced,
    "code span": markdown.code_span,
    "names": wording.Names().mentions,
    "prose": wording.Names(people_are_simulated=True).prose,
    "secrets": lambda text: list(redaction._NAMED.finditer(text)),
    "redacted": redaction.redact,
    "spelled": lambda text: [len(path) for path in spellings.views(text, True)],
    "cell": formulas.is_formula,
    "program": printed_output._EXACT.search,
    "printed": lambda text: compare.same_output(text + "1", text + "2", 0.1),
}
"""What else meets texts of models, people and servers."""

READERS = {**JUDGES, **SHOWN, **VERIFIERS, **OTHERS}

TOKENS = (
    "verdict", "final ", "final verdict ", "Verdict: A", "better ", "better response ",
    "answer is ", "is ", ":", "=", "- ", ">", "<", "*", "_", "`", '"', "'", " ", "\n", "\r\n",
    "\t", "(", ")", "[", "]", "[[", "{", "}", '{"', '{"a":', '{"verdict":', '{"verdict": "A"',
    '["', "A", "B ", "a ", "a)", "A or ", "A, ", "A > ", "B\n2. ", "tie ", "response ",
    "response A ", "response A is ", "response A wins ", "prefer ", "prefer the response ",
    "not ", "not A ", "the ", "rating", "rating: ", "rating is ", "rating: 4 ", "rating: 1",
    "score of ", "score a ", "1", "1 ", "1,", "1,111", "1.", ".5", "-", "--", "1-", "1 + ",
    "1=", "(1", "/", "|", "out of ", "4 out of 4 ", "accuracy", "accuracy ", "accuracy: ",
    "[result]", "very ", "very good ", "yes ", "true or ", "i ", "i'", "as an ai ", "<think>",
    "</think>", "[THINK]", "<reasoning>", "x <think>", "\n<think>\n",
    "<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "< ", "</", "<|", "<|a",
    "<\uff5c", "<s", "<start_of_turn", "< / ", "[INST",
    "<<SYS", "</response ", "<!--", "-->", "> ", "\n> ", "\n>", "```", "```\n", "\n```\n",
    "\n ```", "~~~\n", "``", "\u201c", "\u201d", "\u200b", "<\u200b", "\u0301\u0316", "\xe9 ",
    "\ufb01", "\ud800", "\x00", "\u2028", "\uff21", "\\", '\\"', "\\text{", "$", "%", "{%", "7",
    "7 ", "7{", "7$", "def ", "async ", "async\n", "def f", "open( ", "human:", "\nresponse b:",
    "\nuser :", "[user]\n", "person ", "1s", "says ", 'says "', "\u2018", "it's ", "#", "\n#",
    "user: ", "response b: ", "[[A]] ", "<b>", "7.\n", "# ", "verdict a ", "\xe9", "is a ",
    "password", "password ", "bearer ", 'secret"', "%41", "%25", "\\u0041", "\\x41", "\\103",
    "&#65;", "&amp;", "41:", "0x41, ", "65, ", "65,\n  ", "65,\\n", "%u0041", "\\n",
    "```\nf = 1\n```\n", "```\nf\n```\n", "'''\n",
    "```python\n", "<pre>", "[BEGIN]\n", "[DONE]\n", ">>> ", "- ```\n", "> ```\n", "A word of it\n",
    "```\ndef g1(): f\n```\n", "```\nprint(input())\n```\n", "x```\n", "````\n```\n", "import f\n",
    "I would rate it a ", "I give this response ", "the response deserves ", "\u2605", "\u2606",
    "1 111 ", "one ", "| ", "| 4 ", "<score>", "<score>4", "\\boxed{", "(1-5)", "1/2", "\u00bd",
    "on a scale of 1 to 5 ", "Rating: 4, ", "accuracy: 4 ", "no, ", "actually 3 ", "1+", ". ",
    "1 (best) to ", "1 = best, ", "max ", "scale ", "(max 1) ", "\u2b50 ", "5-point ", "\U0001f3af",
    "the very ", "lower is better ", "\u6ee1\u5206 ", "[1, ", "<p>", "So, the ",
    "maximum score ",
    "yes, ", "good, ", "(good) ", "a score of 4 is fair ", "the score is ", "true, ",
)  # fmt: skip
"""Parts of what the patterns of readers look for, and marks that surround it."""


PARTS = (
    *("verdict", "Rating: ", "password", '{"verdict":', "Response A ", "7", "<", "```\n", "A"),
    *("\nVerdict: A", "!", '"', "</think>", "}", " ", "\n", "*", "a", "\u0301"),
)
"""What is put before, after and between tokens."""


def texts(token: str, size: int) -> Iterator[tuple[str, str]]:
    """Yield (shape, text) of about a size, made of one token: the shapes that slow a pattern."""
    many = token * (size // len(token))
    yield "alone", many
    yield "mirrored", many[: size // 2] + token[::-1] * (size // 2 // len(token))
    for part in PARTS:
        yield f"after {part!r}", part + many
        yield f"before {part!r}", many + part
        yield f"with {part!r}", (token + part) * (size // len(token + part))
