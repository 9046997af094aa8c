"""No text makes a reader slow: time grows with its length alone, and there is a greatest length."""

from __future__ import annotations

import ast
import gc
import random
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import harness_plugins
import pytest
from readers import CRITERIA, FIVE, JUDGES, LETTERS, READERS, TOKENS, texts

import harness
from harness.judging import verdicts
from harness.judging.reply import LONGEST
from harness.nouns.outcomes import Status

SIZE = 20_000
SCREENED = 2_000
"""Characters of texts of which the slow test takes the worst."""
SHARE = 0.02
"""Of all texts, those that the slow test tries, chosen by a seed."""
WORST = 3
MOST = 160
"""Time that reading may take, as a multiple of counting to a million: about two seconds."""

PATTERNS = {
    "harness/chat/choice_places.py": (4, "choices"),
    "harness/chat/failures.py": (1, "headers of servers, of at most 40 characters"),
    "harness/chat/fitting.py": (5, "names of models; errors of servers, of at most 300 letters"),
    "harness/chat/local_weights.py": (1, "names of models; one class of letters"),
    "harness/chat/settings.py": (1, "names of headers in options; one class of letters"),
    "harness/cli/evaluate.py": (1, "options of the command line"),
    "harness/cli/main.py": (1, "docstrings of the harness"),
    "harness/cli/options.py": (1, "docstrings of the harness"),
    "harness/evaluate/alike.py": (1, "templates"),
    "harness/evaluate/diversity.py": (1, "diversity"),
    "harness/evaluate/style.py": (5, "style"),
    "harness/experiment/wording.py": (1, "criteria of rubrics; words with one space between"),
    "harness/feedback/named_files.py": (1, "options in experiment files"),
    "harness/judging/presentation.py": (4, "untrusted, messages"),
    "harness/judging/probe_texts.py": (4, "probe"),
    "harness/judging/clauses.py": (5, "those of judges"),
    "harness/judging/repeats.py": (6, "those of judges"),
    "harness/judging/sections.py": (10, "those of judges"),
    "harness/judging/ranking_order.py": (1, "those of judges, of one sentence"),
    "harness/judging/reply.py": (3, "those of judges"),
    "harness/judging/pair_verdict.py": (1, "those of judges, with prompts"),
    "harness/judging/ranking_lists.py": (2, "those of judges"),
    "harness/judging/score_decision.py": (8, "those of judges"),
    "harness/judging/score_lines.py": (26, "those of judges"),
    "harness/judging/score_limits.py": (1, "those of judges"),
    "harness/judging/score_polarity.py": (4, "those of judges"),
    "harness/judging/score_range.py": (23, "those of judges"),
    "harness/judging/score_deserved.py": (7, "those of judges"),
    "harness/judging/score_signs.py": (2, "those of judges"),
    "harness/judging/score_words.py": (5, "those of judges"),
    "harness/judging/score_names.py": (1, "those of judges"),
    "harness/judging/score_numbers.py": (11, "those of judges"),
    "harness/judging/score_reasons.py": (15, "those of judges"),
    "harness/judging/score_statement.py": (12, "those of judges"),
    "harness/judging/score_changes.py": (2, "those of judges"),
    "harness/judging/score_sense.py": (5, "those of judges"),
    "harness/judging/score_several.py": (5, "those of judges"),
    "harness/judging/score_value.py": (8, "those of judges"),
    "harness/judging/score_found.py": (11, "those of judges"),
    "harness/judging/score_notes.py": (1, "those of judges"),
    "harness/judging/score_verdict.py": (1, "those of judges"),
    "harness/judging/chinese.py": (4, "those of judges"),
    "harness/judging/frames.py": (20, "those of judges"),
    "harness/judging/wrappings.py": (4, "those of judges"),
    "harness/judging/taken_back.py": (6, "those of judges, with JSON"),
    "harness/judging/tasks.py": (5, "those of judges"),
    "harness/judging/stated.py": (1, "those of judges"),
    "harness/labels/formulas.py": (1, "cell"),
    "harness/labels/guess.py": (2, "names of columns"),
    "harness/labels/values.py": (1, "label, label on a scale"),
    "harness/nouns/code_blocks.py": (15, "blocks, python_code"),
    "harness/nouns/end_tokens.py": (1, "python_code, knowledge_base, math_verify"),
    "harness/nouns/plain_text.py": (4, "composed; one letter, or one escape, at a time"),
    "harness/nouns/redaction.py": (3, "secrets, redacted"),
    "harness/nouns/spellings.py": (5, "spelled"),
    "harness/nouns/thoughts.py": (10, "thoughts"),
    "harness/report/html.py": (1, "headings of tables; one class of letters"),
    "harness/report/agreement_terminal.py": (1, "names of annotators, as they are; no repetition"),
    "harness/report/exports.py": (2, "titles of tables and headings; one class of letters"),
    "harness/report/svg.py": (2, "plots that the report drew, once each"),
    "harness/report/markdown.py": (4, "escaped, fenced, code span"),
    "harness/report/wording.py": (4, "names, prose"),
    "harness/records/writes.py": (2, "errors of libraries that save weights"),
    "harness/scale_out/local.py": (1, "names of devices"),
    "harness/train/quiet.py": (1, "what transformers logs"),
    "harness/sandbox/compare.py": (3, "printed"),
    "harness/sandbox/printed_output.py": (1, "program"),
    "harness/sandbox/definitions.py": (5, "python_code"),
    "harness/sandbox/open_code.py": (6, "python_code"),
    "harness/sandbox/programs.py": (3, "python_code"),
    "plugins/harness_plugins/arithmetic_runs.py": (19, "arithmetic_steps"),
    "plugins/harness_plugins/command.py": (2, "the user's own pattern, in a worker"),
    "plugins/harness_plugins/json_schema.py": (3, "the schema's own pattern, in a worker"),
    "plugins/harness_plugins/keywords.py": (2, "keywords"),
    "plugins/harness_plugins/knowledge_answers.py": (21, "knowledge_base"),
    "plugins/harness_plugins/knowledge_names.py": (6, "knowledge_base"),
    "plugins/harness_plugins/math_answers.py": (27, "math_verify"),
    "plugins/harness_plugins/math_context.py": (23, "math_verify"),
    "plugins/harness_plugins/math_vectors.py": (9, "math_verify"),
    "plugins/harness_plugins/math_words.py": (7, "math_verify"),
    "plugins/harness_plugins/math_chains.py": (7, "math_verify: of at most 4,000 letters"),
    "plugins/harness_plugins/math_choices.py": (8, "math_verify"),
    "plugins/harness_plugins/math_parts.py": (17, "math_verify"),
    "plugins/harness_plugins/math_measures.py": (10, "math_verify"),
    "plugins/harness_plugins/math_replies.py": (6, "math_verify"),
    "plugins/harness_plugins/math_twice.py": (5, "math_verify: of at most 4,000 letters"),
    "plugins/harness_plugins/math_boxes.py": (28, "math_verify"),
    "plugins/harness_plugins/math_names.py": (7, "math_verify: of at most 4,000 letters"),
    "plugins/harness_plugins/math_roundings.py": (4, "math_verify"),
    "plugins/harness_plugins/math_sets.py": (1, "math_verify: of at most 4,000 letters"),
    "plugins/harness_plugins/math_runs.py": (8, "math_verify"),
    "plugins/harness_plugins/math_equations.py": (16, "math_verify: of at most 4,000 letters"),
    "plugins/harness_plugins/math_formulas.py": (32, "math_verify: of at most 4,000 letters"),
    "plugins/harness_plugins/math_letters.py": (12, "math_verify: of at most 4,000 letters"),
    "plugins/harness_plugins/math_numerals.py": (24, "math_verify: of at most 4,000 letters"),
    "plugins/harness_plugins/math_reading.py": (27, "math_verify: of at most 4,000 letters"),
    "plugins/harness_plugins/math_signs.py": (20, "math_verify"),
    "plugins/harness_plugins/math_equality.py": (8, "math_verify"),
    "plugins/harness_plugins/math_spelling.py": (44, "math_verify"),
    "plugins/harness_plugins/math_tags.py": (6, "math_verify"),
    "plugins/harness_plugins/math_units.py": (14, "math_verify"),
    "plugins/harness_plugins/math_value.py": (2, "math_verify: of at most 4,000 letters"),
    "plugins/harness_plugins/math_verify.py": (6, "math_verify"),
    "plugins/harness_plugins/python_code.py": (1, "python_code"),
    "plugins/harness_plugins/regex_format.py": (
        2,
        "the user's own pattern, in a worker with a limit",
    ),
    "plugins/harness_plugins/simulated_people.py": (2, "simulated_people"),
    "plugins/harness_plugins/last_number.py": (1, "one sign"),
    "plugins/harness_plugins/number_words.py": (9, "last_number"),
    "plugins/harness_plugins/written_numbers.py": (16, "last_number, arithmetic_steps"),
}
"""Uses of ``re`` in each file, and which readers of the table run them, or why none has to."""


def seconds(read: Callable[[str], Any], text: str) -> float:
    """The processor time of reading a text, without the collector's looks at all else."""
    gc.disable()
    try:
        began = time.process_time()
        read(text)
        return time.process_time() - began
    finally:
        gc.enable()


def million() -> float:
    """The processor time of counting to a million: what this machine takes now for plain work."""
    began = time.process_time()
    for _ in range(1_000_000):
        pass
    return time.process_time() - began


def is_short(read: Callable[[str], Any], text: str) -> bool:
    """Whether a text is read in ``MOST`` millions, in one of three tries."""
    return any(seconds(read, text) < MOST * million() for _ in range(3))


def is_linear(read: Callable[[str], Any], text: str) -> bool:
    """Whether twice the text takes twice the time, in one of five tries, or tiny ones."""
    for _ in range(5):
        once = seconds(read, text)
        if once < 4 * million() or seconds(read, text + text) < 3 * once:
            return True
    return False


def hold(name: str, cases: Iterable[tuple[str, str]]) -> None:
    read, little = READERS[name], 4 * million()
    for token, shape in cases:
        text = dict(texts(token, SIZE))[shape]
        if seconds(read, text) < little:  # short, and too little to grow visibly
            continue
        assert is_linear(read, text), f"{name}: {token!r} {shape}: doubled takes more than twice"
        assert is_short(read, text), f"{name}: {token!r} {shape}: {seconds(read, text):.3f} s"


SHAPES = [shape for shape, _ in texts("a", 100)]


@pytest.mark.parametrize("name", READERS)
def test_time_grows_with_the_length_alone(name: str) -> None:
    draw = random.Random(name)
    hold(name, [(token, draw.choice(SHAPES)) for token in draw.sample(TOKENS, 12)])


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_time_grows_with_the_length_alone_whatever_stands_there(name: str) -> None:
    draw = random.Random(name)
    costs = [
        (seconds(READERS[name], text), token, shape)
        for token in TOKENS
        for shape, text in texts(token, SCREENED)
        if draw.random() < SHARE
    ]
    assert len(costs) > 200
    hold(name, [(token, shape) for _, token, shape in sorted(costs)[-WORST:]])


HARD = {
    "the known one": "verdict" + "*" * 1000,
    "stars": "verdict" + "*" * 90_000,
    "spaces": "verdict" + " " * 90_000,
    "lines": "verdict" + "\n" * 90_000,
    "quotes": "verdict" + '"' * 90_000,
    "brackets": "verdict" + "[" * 90_000,
    "braces": "{" * 90_000,
    "objects": '{"a":' * 18_000,
    "lists": '{"verdict":' + "[" * 89_000,
    "texts": '{"' * 45_000,
    "unfinished": '{"verdict":[1,' * 6_400,
    "joins": "verdict" + " is" * 30_000,
    "letters": "A > " * 22_000,
    "the judge": "Verdict: A\n\n" + "I " * 45_000,
    "the judge now": "Verdict: A\n\n" + "now I have " * 8_000,
    "ratings": "rating: 1-" * 9_000,
    "praise": "Verdict: true\n\n" + "correct and " * 7_000,
    "places": "1st: A, " * 11_000,
    "commas": "A is best" + " ," * 40_000,
    "ands": "and " * 22_000,
    "scores of responses": "Ranking: A > B\n" + "A: 2, B: 5\n" * 2_000,
    "in a line": "5 for accuracy, " * 5_600,
    "reported": "It says verdict: A\n" * 4_700,
}


@pytest.mark.parametrize("hard", HARD)
@pytest.mark.parametrize("name", JUDGES)
def test_a_hard_reply_is_read_at_once(name: str, hard: str) -> None:
    assert is_short(JUDGES[name], HARD[hard])


LINES = ("", "for x", "if x:", "return x", "<a", "<p>", "class x ", "let x ", "- x", "**", "x;  ")


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("end", ["x", ":", "."])
def test_what_looks_like_code_or_markdown_is_told_at_once(line: str, end: str) -> None:
    assert is_short(READERS["probe"], f"{line}\n" * (90_000 // (len(line) + 1)) + end)


@pytest.mark.parametrize("size", [LONGEST + 1, 10 * LONGEST])
@pytest.mark.parametrize("character", ["A", "*", "[", '{"a":', "\n."])
def test_an_answer_that_is_too_long_is_no_verdict(size: int, character: str) -> None:
    reply = character * (size // len(character) + 1) + "\nVerdict: A\nRating: 4\nRanking: A > B"
    for verdict in (
        verdicts.read_pair(reply),
        verdicts.read_score(reply, FIVE),
        verdicts.read_scores(reply, CRITERIA),
        verdicts.read_ranking(reply, LETTERS),
    ):
        assert verdict.status is Status.UNPARSEABLE
        assert "100,000 that are read" in verdict.rationale
    assert verdicts.rationale_of(reply)


@pytest.mark.parametrize("opening", ["[", '{"verdict":', '{"a":[', '{"verdict": "A", "b":'])
@pytest.mark.parametrize("closing", ["", "]", "}"])
def test_deep_json_is_a_typed_failure(opening: str, closing: str) -> None:
    deep = opening * 9_000 + closing * 9_000
    for verdict in (
        verdicts.read_pair(deep),
        verdicts.read_score(deep, FIVE),
        verdicts.read_scores(deep, CRITERIA),
        verdicts.read_ranking(deep, LETTERS),
    ):
        assert verdict.status is Status.UNPARSEABLE and verdict.rationale


@pytest.mark.parametrize(
    "value",
    ["9" * 5000, "1e999", "NaN", "-Infinity", "1" * 400, "[" * 5000, "{}", "null"],
)
def test_hostile_values_in_json_are_no_score(value: str) -> None:
    verdict = verdicts.read_score(f'{{"rating": {value}}}', FIVE)
    assert verdict.status is Status.UNPARSEABLE and len(verdict.rationale) < 1000
    assert verdicts.read_scores(f'{{"accuracy": {value}, "tone": 3}}', CRITERIA).value is None


def patterns() -> Iterator[str]:
    """The file of each use of ``re`` in the harness and its plugins."""
    for root in (Path(harness.__path__[0]), Path(harness_plugins.__path__[0])):
        for path in sorted(root.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
                    if called.value.id == "re" and called.attr != "escape":
                        base = root.parent if root.name == "harness" else root.parent.parent
                        yield path.relative_to(base).as_posix()


def test_each_pattern_has_readers_in_the_table() -> None:
    used = list(patterns())
    found = {file: used.count(file) for file in used}
    wanted = {file: count for file, (count, _) in PATTERNS.items()}
    assert found == wanted, (
        "judge each new pattern: what text is slow? see tests/support/readers.py"
    )
