"""Numbers, steps and names as people and models write them: read whole, or not at all."""

# ruff: noqa: RUF001

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness_plugins.arithmetic_steps import arithmetic_steps
from harness_plugins.exact_match import exact_match
from harness_plugins.keywords import keywords
from harness_plugins.knowledge_base import knowledge_base
from harness_plugins.last_number import last_number

from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Response

T, F = True, False

LAST = [
    ("-3", "x = −3", True),
    ("3", "x = −3", False),
    (".5", "it is .5", True),
    ("5", "it is .5", False),
    ("0.5", "it is .5", True),
    ("-3", "-$3", True),
    ("3", "-$3", False),
    ("-3", "$-3", True),
    ("-3", "−$3", True),
    ("-3", r"-\$3", True),
    ("2", "2.0", True),
    ("2.0", "2", True),
    ("1,000", "1000", True),
    ("1000", "1,000", True),
    ("1000000", "1,000,000.00", True),
    ("1000", "1 000", False),
    ("1000", "1'000", True),
    ("10080", "10{,}080", True),
    ("10080", r"10,\!080", True),
    ("80", r"10,\!080", False),
    ("0.5", "1/2", True),
    ("2", "1/2", False),
    ("1/2", "0.5", True),
    ("1.5", "1 1/2", True),
    ("0.5", "½", True),
    ("2.5", "2½", True),
    ("0.5", r"\frac{1}{2}", True),
    ("2", r"\frac{1}{2}", False),
    ("-0.5", r"-\frac{1}{2}", True),
    ("1500", "1.5e3", True),
    ("3", "1.5e3", False),
    ("1e3", "1000", True),
    ("6.02e23", r"6.02 \times 10^{23}", True),
    ("23", "6.02 × 10^23", False),
    ("0.001", "10⁻³", False),
    ("0.005", "5 × 10⁻³", True),
    ("30", "12:30", False),
    ("12", "12:30", False),
    ("15", "2024-01-15", False),
    ("10", "2^10", False),
    ("2", "x^2", False),
    ("1024", "2^{10} = 1024", True),
    ("2", r"\sqrt{2}", False),
    ("2", "√2", False),
    ("3", r"3\pi", False),
    ("3", r"2\sqrt{3}", False),
    ("90", r"90^\circ", True),
    ("90", "90°", True),
    ("50", "50%", True),
    ("50%", "50", True),
    ("50", r"50\%", True),
    ("42", "**42**", True),
    ("42", "42.", True),
    ("42", "#### 42", True),
    ("42", r"\boxed{42}", True),
    ("2", "H2O", False),
    ("42", "42 of H2O", True),
    ("5", "3,5", False),
    ("3.5", "3,5", False),
    ("5", "3, 5", True),
    ("5", "(3, 5)", True),
    ("-5", "-5", True),
    ("-5", "– 5", False),
    ("-5", "x = - 5", True),
    ("5", "- 5", True),
    ("-5", "–5", True),
    ("5", "3–5", False),
    ("5", "3-5", False),
    ("٤٢", "42", True),
    ("42", "４２", True),
    ("42", "the answer is ４２。", True),
    ("-42", "－４２", True),
    ("1234.5", "1.234,50", True),
    ("1234567", "1.234.567", True),
    ("1000.5", "1 000,5", False),
    ("1000.5", "1\u00a0000,5", True),
    ("1000", "1\u202f000", True),
    ("5", "5km", True),
    ("3", "3rd", True),
    ("7", "+7", True),
    ("7", "7!", None),
    ("$1,000", "1000", True),
    ("3 apples", "3", None),
    ("12:30", "30", None),
    ("three", "3", None),
    ("", "3", None),
    (True, "1", None),
    ("5", "$5$", True),
    ("-5", "$-5$", True),
    ("-5", "$x=-5$", True),
    ("1e400", "3", None),
    ("3", "9" * 5000, False),
    ("0", "-0", True),
    ("0.1", ".1", True),
    ("0.1", "0,1", False),
    ("5", "x_5", False),
    ("100", "R$100", True),
    ("100", "Rs.100", True),
    ("20", "20/1", True),
    ("1.0", "1", True),
    ("18", "共18个", True),
    ("18", "答案是18元。", True),
    ("-3", "等于-3", True),
    ("3", "10^{-3}", False),
    ("3", "x^{-3}", False),
    ("6", "5-6", False),
    ("6", "5 / 6", False),
    ("5/6", "5 / 6", True),
    ("-5", "-(5)", True),
    ("5", "-(5)", False),
    ("5", "(5)", True),
    ("3", "3 million", False),
    ("3000000", "3 million", True),
    ("3.2 million", "3,200,000", True),
    ("36", "3 dozen", True),
    ("30000", "3万", True),
    ("0.5", r"\dfrac12", True),
    ("2", r"\frac12", False),
    ("4", "GPT-4", True),
]


@pytest.mark.parametrize(("reference", "text", "value"), LAST)
def test_the_last_number_is_read_whole(reference: Any, text: str, value: bool | None) -> None:
    assert last_number(Item("i", "?", reference), Response("r", "i", "s", text)) is value


STEPS: list[tuple[str, list[bool]]] = [
    (r"6 \times 7 = 42", [T]),
    (r"84 \div 2 = 42", [T]),
    ("5 − 3 = 2", [T]),
    ("3 · 4 = 12", [T]),
    ("√9 = 3", [T]),
    (r"\sqrt{16} + 1 = 5", [T]),
    ("½ + ½ = 1", [T]),
    ("2½ × 2 = 5", [T]),
    ("3 X 4 = 12", [T]),
    ("3x4=12", [T]),
    ("3 times 4 = 12", [T]),
    ("3 times 4 is 12", [T]),
    ("3 plus 4 equals 8", [F]),
    (r"2 \times 3 + 4 = 10", [T]),
    (r"$2 \cdot 3 = 7$", [F]),
    ("2^3 = 8", [T]),
    (r"2^{3} = 8", [T]),
    ("2**3 = 8", [T]),
    ("3² + 4² = 25", [T]),
    ("10^{-2} = 0.01", [T]),
    ("16 - 3 = 13 eggs, then 13 x 2 = $26", [T, T]),
    ("16 - 3 = <<16-3=12>>12", [F]),
    ("150,000 + 80,000 = 230,000. 10/3=3.33", [T, T]),
    ("2+2=5 and (1 + 2) * 3 = 9", [F, T]),
    ("B - 10 = 45, 3 / 2 = 1 1/2", [True]),
    ("3 / 6 = 50%", [T]),
    ("x = 5, no sums here", []),
    ("1" * 50000 + " + 1 1 " * 5000, []),
    ("2 + 3 + 4 = 5 + 4 = 9", [T, T]),
    ("2 + 3 = 5 + 4 = 9", [T]),
    ("1. 3 + 4 = 7\n2) 5 + 5 = 11", [T, F]),
    ("- 3 + 4 = 7", [T]),
    ("**3 + 4 = 7**", [T]),
    ("*3 + 4 = 7*", [T]),
    ("`3 + 4 = 7`", [T]),
    ("(3 + 4 = 7)", [T]),
    ("2x + 3 = 7", []),
    ("f(2) = 3 + 4", []),
    ("f(2) = 3 + 4 = 7", [T]),
    ("x - 3 + 4 = 10", []),
    ("y = 3 + 4 = 7", [T]),
    ("twice 3 + 4 = 10", []),
    ("17 ÷ 5 = 3 R 2", []),
    ("17 / 5 = 3 remainder 2", []),
    ("2 × 500 = 1 thousand", []),
    ("5! = 120", [True]),
    ("20% of 50 = 10", [T]),
    ("20% × 50 = 10", [T]),
    ("0.2 × 50 = 10", [T]),
    (".5 + .5 = 1", [T]),
    (r"\frac{6}{3} = 2", [T]),
    (r"\frac{1}{2} + \frac{1}{3} = \frac{5}{6}", [T]),
    (r"\left(2+3\right) \times 4 = 20", [T]),
    (r"3 \times 4 = \boxed{12}", [T]),
    ("3(4) = 12", [T]),
    ("(1+2)(3+4) = 21", [T]),
    ("10/3 ≈ 3.33", [T]),
    ("√2 ≈ 1.414", [T]),
    ("√2 = 1.5", [F]),
    ("5 km × 2 = 10 km", []),
    ("$5 × 3 = $15", [T]),
    ("3 * 4 = 12 cm", [T]),
    ("3*4=12cm", [T]),
    ("60/2 = 30 km/h", [T]),
    ("7 - 10 = -3", [T]),
    ("7 − 10 = −3", [T]),
    ("−2 × 3 = −6", [T]),
    ("8 - 2 = 6 - 1 = 5", [T]),
    ("45 + 21 +28 = 94%", [T]),
    ("2/5 is equal to 12.8", []),
    ("50=2*x", []),
    ("5+(4x-13)=4x-8", []),
    ("x+4x-13+4x-8=339", []),
    ("3 + 4 = 7.", [T]),
    ("3 + 4 = 7, so", [T]),
    ("3 + 4 = 7x", []),
    ("10:30 + 2 = 12", []),
    ("2,5 + 1 = 3,5", []),
    ("1,000 + 1 = 1,001", [T]),
    ("100 + 20 = 120.0", [T]),
    ("5 - -3 = 8", [T]),
    ("2 + 2 = 4 + 0 = 4 × 1 = 4", [T, T, T]),
    ("3 + 4 = 8 (since 3 + 4 = 7)", [F, T]),
    ("Total: 48 + 24 = 72 clips", [T]),
    ("She has 2*3=6 apples and 5 + 1 = 6 pears", [T, T]),
    ("48/2 = <<48/2=24>>24 clips", [T]),
    ("(20 + 30) / 2 = 25", [T]),
    ("[3 + 4] × 2 = 14", [T]),
    ("2 to the power 3 + 1 = 9", []),
    ("50 * 20% = 100", [F]),
    ("3 + 4 = 7\n50 * 20% = 100", [T, F]),
    ("50 * 20% = 10", [T]),
    ("10% of 50 = 5", [T]),
    ("10% of 50 = 6", [F]),
    ("one of 50 = 50", []),
    ("sqrt(16) = 4", [T]),
    ("60 ÷ 5 = 12 km/h", [T]),
    ("60 ÷ 5 = 12a/b", []),
]


@pytest.mark.parametrize(("text", "steps"), STEPS)
def test_steps_in_all_notations_hold_or_are_none(text: str, steps: list[bool]) -> None:
    assert arithmetic_steps(Item("i", "?"), Response("r", "i", "s", text)) == steps


def known(
    folder: Path, rows: list[tuple[str, str]], key: str, text: str, **options: Any
) -> bool | str:
    """What the verifier says of a text by a base of these keys and answers."""
    file = folder / "facts.csv"
    lines = [f'"{key}","{answer}",' for key, answer in rows]
    file.write_text("\n".join(["key,answer,aliases", *lines]), encoding="utf-8")
    found = knowledge_base(
        Item("i", "?", key),
        Response("r", "i", "s", text),
        knowledge_base.options(file=str(file), **options),
    )
    return bool(found.value) if found.status is Status.OK else found.status.value


ANSWERS = [
    ("A", "A", T),
    ("A", "Answer: A", T),
    ("A", "a", T),
    ("A", "B", F),
    ("A", "the A", T),
    ("The", "the", T),
    ("C++", "C++", T),
    ("C++", "C", F),
    ("C", "C++", F),
    ("C#", "C++", F),
    ("C#", "c#", T),
    (".NET", "NET", F),
    (".NET", ".net", T),
    ("-5", "5", F),
    ("5", "-5", F),
    ("-5", "−5", T),
    ("-5", "Answer: -5.", T),
    ("<0.01", ">0.01", F),
    ("<0.01", "< 0.01", T),
    ("0.01", "<0.01", F),
    ("1.5", "1 5", F),
    ("1.5", "1.50", T),
    ("1.5", "1,5", F),
    (".5", "0.5", T),
    ("1000", "1,000", T),
    ("50%", "50", F),
    ("50%", "50 %", T),
    ("$5", "€5", F),
    ("12:30", "12:30", T),
    ("12:30", "30", F),
    ("Paris", "Answer: Paris (12:30)", T),
    ("30", "Answer: Paris (12:30)", F),
    ("Paris", "Answer: Paris (or London)", F),
    ("Paris", "Answer: Paris (not London)", F),
    ("Star Trek: Picard", "Answer: Star Trek: Picard", T),
    ("Paris", "**Answer:** **Paris**", T),
    ("Paris", "答案：Paris", T),
    ("Paris", "Answer: Paris: a city", F),
    ("Paris", r"\boxed{Paris}", T),
    ("Paris", r"So it is $\boxed{\text{Paris}}$.", T),
    ("Paris", "1. Paris", T),
    ("Paris", "The answer is Paris.", T),
    ("Paris", "Thus, the final answer is **Paris**.", T),
    ("Paris", "The answer is not Paris.", F),
    ("Paris", "<answer>Paris</answer>", T),
    ("Paris", "<answer>Paris or London</answer>", F),
    ("Paris", "Question: which capital? Answer: Paris", T),
    ("USA", "U.S.A.", T),
    ("U.S.", "US", T),
    ("J. R. R. Tolkien", "JRR Tolkien", F),
    ("O'Brien", "O’Brien", T),
    ("New York", "New-York", T),
    ("AT&T", "AT & T", T),
    ("R&D", "R and D", T),
    ("Vitamin A", "vitamin", F),
    ("Vitamin A", "Vitamin A", T),
    ("The Beatles", "Beatles", T),
    ("Lord of the Rings", "the lord of rings", T),
    ("x ≠ 5", "x = 5", F),
    ("10²", "102", F),
    ("½", "1/2", T),
    ("2½", "21/2", F),
    ("2½", "2 1/2", T),
    ("5", "+5", T),
    ("2024-01-15", "2024 01 15", F),
    ("Yahoo!", "yahoo", T),
    ("São Tomé", "sao tome", T),
    ("AC/DC", "AC DC", T),
    ("1/2", "1 2", F),
    ("A+", "A", F),
    ("A", "A+", F),
    ("A", "A-", F),
    ("A-", "A-", T),
    ("A-", "A", F),
    ("A", "Answer: A-", F),
    ("A-", "Answer: A-.", T),
    ("90°", "90", F),
    ("3-5", "3 5", F),
    ("St. Louis", "St Louis", T),
    ("≤ 5", "≥ 5", F),
    ("± 5", "5", F),
    ("~5", "5", F),
]


def test_a_key_without_an_answer_abstains(tmp_path: Path) -> None:
    assert known(tmp_path, [("k", "")], "k", "x") == "abstained"


@pytest.mark.parametrize(("answer", "text", "value"), ANSWERS)
def test_what_changes_the_sense_of_an_answer_counts(
    tmp_path: Path, answer: str, text: str, value: bool
) -> None:
    assert known(tmp_path, [("k", answer)], "k", text) is value


@pytest.mark.parametrize(
    ("key", "year"),
    [("C", "1972"), ("c", "1972"), ("C++", "1985"), ("c++", "1985"), ("C#", "2000")],
)
def test_keys_that_differ_in_a_sign_are_different_keys(tmp_path: Path, key: str, year: str) -> None:
    rows = [("C", "1972"), ("C++", "1985"), ("C#", "2000")]
    for other in ("1972", "1985", "2000"):
        assert known(tmp_path, rows, key, other) is (other == year)


def test_a_key_that_could_be_several_is_itself_or_nothing(tmp_path: Path) -> None:
    rows = [("The Who", "a band"), ("Who", "a doctor"), ("WHO", "a health agency")]
    assert known(tmp_path, rows, "WHO", "health agency") is True
    assert known(tmp_path, rows, "The Who", "health agency") is False
    assert known(tmp_path, rows, "the who", "health agency") == "abstained"


@pytest.mark.parametrize(
    ("answer", "text", "value"),
    [("A", "it is a city", "abstained"), ("5", "it is -5", F), ("5", "it is 5.", T),
     ("0.01", "it is <0.01", F), ("C", "use C++", F), ("C++", "use C++, not C", T)],
)  # fmt: skip
def test_a_mention_is_one_of_the_whole_answer(
    tmp_path: Path, answer: str, text: str, value: bool | str
) -> None:
    assert known(tmp_path, [("k", answer)], "k", text, match="mentions") == value


@pytest.mark.parametrize(
    ("word", "text", "value"),
    [("你好", "你好吗", T), ("café", "un cafe\u0301 noir", T), ("cafe", "cafeteria", F),
     ("ขอบคุณ", "ขอบคุณครับ", T)],
)  # fmt: skip
def test_words_are_whole_where_a_script_has_ends_of_words(
    word: str, text: str, value: bool
) -> None:
    options = keywords.options(any_of=[word])
    assert keywords(Item("i", "?"), Response("r", "i", "s", text), options) is value


@pytest.mark.parametrize("reference", [None, "", "  ", ["a"], {"a": 1}, True])
def test_what_is_no_text_is_matched_by_nothing(reference: Any) -> None:
    for text in ("", "['a']", "{'a': 1}"):
        found = exact_match(Item("i", "?", reference), Response("r", "i", "s", text))
        assert found is (None if reference is not True else False)


@pytest.mark.parametrize("text", ["I\u2019m sorry", "I'm  sorry", "i\u02bcm\nsorry"])
def test_words_are_found_with_any_apostrophe_and_blank(text: str) -> None:
    options = keywords.options(any_of=["I'm sorry"])
    assert keywords(Item("i", "?"), Response("r", "i", "s", text), options) is True
