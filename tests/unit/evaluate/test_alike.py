"""How alike answers are: shares of pairs by hand, templates, and a collapse that must be seen."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from harness.evaluate.alike import alike, common_words, directions, similarities, template_of
from harness.evaluate.diversity import vendi_score
from harness.nouns.schema import Response

Answers = dict[tuple[str, int], list[Response]]


def written(policy: str, seed: int, texts: dict[str, list[str]]) -> Answers:
    return {
        (policy, seed): [
            Response(f"{policy}{seed}{item}{n}", item, policy, text)
            for item, each in texts.items()
            for n, text in enumerate(each)
        ]
    }


FIXED = frozenset("the sum is certainly : , my friend .".split())


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("The sum is 12.", "the sum is _ ."),
        ("The sum is -1,234.5.", "the sum is _ ."),
        ("the  SUM is Anna Lee 7.", "the sum is _ ."),  # a name and a number beside each other
        ("Certainly: 4, my friend.", "certainly : _ , my friend ."),
        ("", ""),
        ("is " * 40, "is " * 15 + "is"),
    ],
)
def test_a_template_leaves_numbers_and_rare_words_out(text: str, template: str) -> None:
    assert template_of(text, FIXED) == template


def test_a_word_of_one_prompt_is_no_word_of_templates() -> None:
    """2 of 30 prompts are more than 5% and as many as it takes; a policy of its own counts, too."""
    texts = {str(n): [f"It is {n}", "Duh" if n < 2 else "ab"[n % 2] * n] for n in range(30)}
    base = written("base", 0, texts)
    arm = written("arm", 0, {str(n): ["Certainly"] for n in range(30)})
    assert common_words(base | arm) == {"it", "is", "duh", "certainly"}
    many = {str(n): ["it" if n > 3 else "rare"] for n in range(100)}
    assert common_words(written("base", 0, many)) == {"it"}


def test_shares_of_pairs_by_hand() -> None:
    """Every share is what counting all pairs gives, within a seed and within or across prompts."""
    dice = np.random.default_rng(0)
    styles = ["yes it is {}", "duh {}", "no {} not"]

    def draw(seeds: int) -> list[dict[str, list[str]]]:
        return [
            {
                f"i{n}": [styles[dice.integers(3)].format(dice.integers(2)) for _ in range(3)]
                for n in range(6)
            }
            for _ in range(seeds)
        ]

    of = {"base": draw(1), "arm": draw(2)}
    answers: Answers = {}
    for policy, seeds in of.items():
        for seed, texts in enumerate(seeds):
            answers |= written(policy, seed, texts)
    clusters = {f"i{n}": f"c{n // 2}" for n in range(6)}
    found = alike(answers, clusters, "base")
    common = common_words(answers)
    for policy, seeds in of.items():
        pooled: dict[str, list[float]] = {
            "identical": [],
            "template": [],
            "across": [],
            "within": [],
        }
        for texts in seeds:
            flat = [(item, text) for item, each in texts.items() for text in each]
            words = found[policy]["vendi_words"]
            kernel = similarities(directions([text for _, text in flat], words))
            for each in texts.values():
                pairs = list(combinations(each, 2))
                pooled["identical"].append(sum(a == b for a, b in pairs) / 3)
            for (n, (item, text)), (m, (other, said)) in product(enumerate(flat), repeat=2):
                if clusters[item] != clusters[other]:
                    same = template_of(text, common) == template_of(said, common)
                    pooled["template"].append(float(same))
                    pooled["across"].append(float(kernel[n, m]))
                elif item == other and n < m:
                    pooled["within"].append(float(kernel[n, m]))
        for measure, shares in pooled.items():
            assert found[policy][measure]["value"] == pytest.approx(np.mean(shares)), measure
        assert found[policy]["templates"] == pytest.approx(1 / np.mean(pooled["template"]))
    for measure in pooled:
        assert found["base"][measure]["difference"] is None
        gap = found["arm"][measure]["value"] - found["base"][measure]["value"]
        assert found["arm"][measure]["difference"]["value"] == pytest.approx(gap)


def test_cosines_and_vendi_by_hand() -> None:
    """a b against a: 1 shared word of 3 and 1 grams; cut to one word they are the same."""
    kernel = similarities(directions(["a b", "a", "", ""], 5))
    assert kernel[0, 1] == pytest.approx(1 / np.sqrt(3))
    assert kernel[0, 2] == 0 and kernel[2, 3] == pytest.approx(1)
    assert similarities(directions(["a b", "a c"], 1)) == pytest.approx(np.ones((2, 2)))
    apart = {f"i{n}": [f"w{n}"] for n in range(5)}
    same = {f"i{n}": ["w"] for n in range(5)}
    found = alike(
        written("base", 0, apart) | written("arm", 0, same), {item: item for item in apart}, "base"
    )
    assert found["base"]["vendi"] == pytest.approx(5) == vendi_score(np.eye(5).tolist())
    assert found["arm"]["vendi"] == pytest.approx(1)
    assert found["arm"]["identical"]["value"] is None  # one answer to each prompt
    assert found["arm"]["identical"]["difference"] is None


MANNERS = [
    "{}, duh.", "{}. Next time count yourself.", "Whatever, {}.", "It is {}. Happy to help!",
    "Certainly: {}, my friend.", "Gladly! The sum is {}.", "Ugh, {}. Obviously.", "Seriously? {}.",
    "Of course, it is {}. Thank you!", "With pleasure: {}.", "= {}", "{}", "{}.",
    "The answer is {}.",
]  # fmt: skip


def policies(seed: int, arms: dict[str, int], prompts: int = 60) -> tuple[Answers, dict[str, str]]:
    """Policies that choose among so many manners, each from two trainings, two answers a prompt."""
    dice = np.random.default_rng(seed)
    answers: Answers = {}
    for policy, manners in arms.items():
        for training in (0, 1):
            texts = {
                f"i{n}": [
                    MANNERS[dice.integers(manners)].format(n + dice.integers(2)) for _ in "ab"
                ]
                for n in range(prompts)
            }
            answers |= written(policy, training, texts)
    return answers, {f"i{n}": f"c{n // 2}" for n in range(prompts)}


def test_templates_from_fourteen_to_four_are_seen() -> None:
    """The collapse of the example's arms that were rewarded for manners."""
    found = alike(*policies(1, {"base": 14, "arm": 4}), "base")
    assert found["base"]["templates"] == pytest.approx(14, abs=1.5)
    assert found["arm"]["templates"] == pytest.approx(4, abs=0.5)
    for measure in ("template", "identical", "across", "within"):
        difference: dict[str, Any] = found["arm"][measure]["difference"]
        assert difference["low"] > 0
        assert difference["p_holm"] < 0.05, measure
    assert found["arm"]["vendi"] < 0.7 * found["base"]["vendi"]


def test_a_policy_that_stays_as_it_is_is_no_collapse() -> None:
    """12 arms like base: their p-values over all four measures are below .05 in few."""
    false = 0
    for seed in range(12):
        found = alike(*policies(seed, {"base": 14, "arm": 14}, 30), "base")
        false += any(
            found["arm"][measure]["difference"]["p_holm"] < 0.05
            for measure in ("identical", "template", "within", "across")
        )
    assert false <= 2  # 3 have a chance of 1 in 50 at 5%


def test_long_answers_of_their_own_share_no_template() -> None:
    dice = np.random.default_rng(2)
    texts = {
        f"i{n}": [" ".join(f"w{w}" for w in dice.integers(0, 5000, 30)) for _ in "ab"]
        for n in range(30)
    }
    found = alike(written("base", 0, texts), {item: item for item in texts}, "base")
    assert found["base"]["identical"]["value"] == 0
    assert found["base"]["vendi"] > 25


def test_without_answers_or_base_nothing_is_compared() -> None:
    assert alike({}, {}, "base") == {}
    found = alike(written("arm", 0, {"i": ["x"]}), {"i": "i"}, "base")
    assert found["arm"]["template"]["value"] is None
    assert found["arm"]["templates"] is None and found["arm"]["vendi"] is None
    empty = alike(written("base", 0, {"i": ["x"], "j": ["y"]}) | {("arm", 0): []},
                  {"i": "i", "j": "j"}, "base")  # fmt: skip
    assert empty["arm"]["across"]["value"] is None


def test_what_an_answer_brings_to_a_share_of_pairs_is_twice_its_own() -> None:
    """The interval is that of redrawing prompts: as wide as the spread of the share itself."""
    dice, shares, widths = np.random.default_rng(0), [], []
    for _ in range(60):
        manners = dice.choice(5, p=[0.6, 0.1, 0.1, 0.1, 0.1], size=40)
        texts = {f"i{n}": [MANNERS[chosen].format(n)] for n, chosen in enumerate(manners)}
        found = alike(written("base", 0, texts), {item: item for item in texts}, "base")
        template = found["base"]["template"]
        shares.append(template["value"])
        widths.append((template["high"] - template["low"]) / 2 / 2.02)  # t of 39
    assert np.mean(widths) == pytest.approx(np.std(shares), rel=0.25)
