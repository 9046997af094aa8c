"""Length and diversity worked by hand, and distinct-n against every possible draw."""

from __future__ import annotations

from itertools import combinations

import pytest
from scipy import stats

from harness.evaluate import evaluate
from harness.evaluate.diversity import distinct, ngrams, tokens_of
from harness.nouns.schema import Item, Response


def test_tokens_are_words_and_marks_in_lower_case() -> None:
    assert tokens_of("It's OK, isn't it?  3.5%") == [
        "it", "'", "s", "ok", ",", "isn", "'", "t", "it", "?", "3", ".", "5", "%",
    ]  # fmt: skip


def test_ngrams_stay_inside_their_text() -> None:
    assert ngrams(["a b a b", "b", "a b"], 2) == {("a", "b"): 3, ("b", "a"): 1}
    assert ngrams(["a b A", ""], 1) == {("a",): 2, ("b",): 1}
    assert ngrams(["a b c d", "b c d"], 3) == {("a", "b", "c"): 1, ("b", "c", "d"): 2}
    assert ngrams(["a b"], 3) == {}


@pytest.mark.parametrize("text", ["a a a a b b c", "a b c d", "a a a", "a a b b c c"])
def test_distinct_n_is_the_mean_over_every_possible_draw(text: str) -> None:
    words = text.split()
    counts = ngrams([text], 1)
    for sample in range(1, len(words) + 1):
        draws = [len(set(draw)) / sample for draw in combinations(words, sample)]
        assert distinct(counts, sample) == pytest.approx(sum(draws) / len(draws))
    assert distinct(counts, len(words) + 1) is None
    assert distinct(counts, 0) is None
    assert distinct(counts, -1) is None


def described(texts: dict[tuple[str, int], list[str]]) -> dict[str, dict]:
    items = [Item(f"i{n}", f"prompt {n}", metadata={"cluster": n // 2}) for n in range(4)]
    responses = {
        (policy, seed): [
            Response(f"{policy}-{seed}-{n}", f"i{n}", policy, text) for n, text in enumerate(given)
        ]
        for (policy, seed), given in texts.items()
    }
    result = evaluate(items, responses, [], [], [])
    return {row["name"]: row for row in result["policies"]}


def test_seeds_are_averaged_at_the_size_of_the_smallest() -> None:
    rows = described(
        {
            ("base", 0): ["a a a b", "c c"],  # 1-grams 3 1 2, 2-grams aa aa ab cc
            ("arm", 0): ["a b", "c d"],  # four words, two pairs: the fewest
            ("arm", 1): ["a a", "a b c"],  # 1-grams 3 1 1, 2-grams aa ab bc
        }
    )
    base, arm = rows["base"], rows["arm"]
    assert (base["distinct_1_sample"], base["distinct_2_sample"]) == (4, 2)
    assert (arm["distinct_1_sample"], arm["distinct_2_sample"]) == (4, 2)
    # Of aaabcc four of C(6, 4) = 15: a is always there (15), b in C(5, 3) = 10, c in 14.
    assert base["distinct_1"] == pytest.approx((15 + 10 + 14) / 15 / 4)
    # Of aa aa ab cc two: 1 pair of 6 is alike.
    assert base["distinct_2"] == pytest.approx((1 + 5 * 2) / 6 / 2)
    # Of aaabc four: a always, b and c in 4 of 5 each; the other seed has four different ones.
    assert arm["distinct_1"] == pytest.approx((1.0 + (5 + 4 + 4) / 5 / 4) / 2)
    assert arm["distinct_2"] == pytest.approx(1.0)


def test_texts_without_words_have_no_diversity() -> None:
    rows = described({("base", 0): ["a b", "c"], ("arm", 0): ["", " \n"], ("arm", 1): ["x", ""]})
    for name, empty in (("base", 0), ("arm", 3)):
        assert (rows[name]["distinct_1"], rows[name]["distinct_1_sample"]) == (None, 0)
        assert (rows[name]["distinct_2"], rows[name]["distinct_2_sample"]) == (None, 0)
        assert rows[name]["empty"] == empty


def test_the_length_has_an_interval_over_clusters_without_bounds() -> None:
    rows = described({("base", 0): ["aaaa", "aa", "aaaaaa", "aaaa"]})
    # Lengths 4, 2 and 6, 4 in two clusters: mean 4, Var = 2 * (4 + 4) / 16 = 1, t(1).
    half = stats.t.ppf(0.975, 1)
    length = rows["base"]["characters"]
    ends = length["value"], length["low"], length["high"]
    assert ends == pytest.approx((4.0, 4 - half, 4 + half))
    assert (length["clusters"], length["interval_over"]) == (2, "prompts")
