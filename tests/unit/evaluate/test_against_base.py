"""Judges of pairs and lists as evaluators of policies: what order, length and failures do."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from harness.evaluate import EvaluatorInfo
from harness.evaluate.against_base import pairings
from harness.experiment.config import SourceConfig
from harness.experiment.context import Asking, no_bar
from harness.experiment.sources import NamedSource, check_evaluator
from harness.experiment.stages.evaluate import compared, judge_policies
from harness.experiment.stages.same_rule import Teacher, same_rules
from harness.feedback.contract import RunContext
from harness.feedback.judge import JudgeSource, judge
from harness.nouns.errors import ConfigError, InputError
from harness.nouns.outcomes import Status
from harness.nouns.scale import UNIT
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo, Verdict
from harness.registry import Origin
from harness.statistics.intervals import t_quantile

Texts = Mapping[tuple[str, int], Sequence[str]]
ORIGIN = Origin("taste", "m", "tests", "1")


def named(source: Any) -> NamedSource:
    return NamedSource("taste", SourceConfig(use="taste"), source, ORIGIN)


def judging(prefers: Callable[[str, str], str | None], lists: bool = False) -> NamedSource:
    """A judge of what it is shown: "A", "B", "TIE", or None for a refusal."""

    async def taste(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        texts = [response.text for response in request.responses]
        said = prefers(texts[0], texts[1])
        return Verdict(Status.REFUSED, rationale="no") if said is None else Verdict(Status.OK, said)

    return named(judge(name="taste", version="1", takes=("pairwise",))(taste).build())


@dataclass
class Plain:
    """A source that shows what it is given once, as it is given."""

    says: Callable[[list[str]], list[int]]
    takes: tuple[Any, ...] = ("pairwise",)
    cost: float = 0.0
    asked: list[list[str]] = field(default_factory=list)

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("taste", "1", "judge", takes=self.takes)

    def check(self, ctx: RunContext) -> None:
        pass

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        for request in requests:
            texts = [response.text for response in request.responses]
            self.asked.append(texts)
            order = self.says(texts)
            value: Any = tuple(request.responses[n].id for n in order)
            if len(texts) == 2:
                value = "AB"[order[0]]
            yield Judgment(
                request.id, "taste", "1", "taste", Verdict(Status.OK, value), cost_usd=self.cost
            )


def evaluated(source: NamedSource, texts: Texts, way: Any = "pairwise", **info: Any) -> Any:
    """Return the comparison of policies whose response to item n is the n-th of their texts."""
    most = max(map(len, texts.values()))
    items = [Item(f"e{n}", f"{n}?") for n in range(most)]
    responses = {
        (name, seed): [
            Response(f"{name}{seed}.{n}", f"e{n}", name, text, {"log_ratio": seed / 10})
            for n, text in enumerate(found)
        ]
        for (name, seed), found in texts.items()
    }  # trainings that write alike with other probabilities are no copies
    asking = Asking(None, processes=1)
    judged, pairs = judge_policies({"taste": (source, way)}, items, responses, asking, no_bar)
    who = EvaluatorInfo("taste", "judge", way=way, **info)
    return compared(items, responses, judged, [who], pairs)


def score(table: Any, policy: str = "rlhf") -> Any:
    return next(row for row in table["scores"] if row["policy"] == policy)


def trained(*seeds: Sequence[str], base: Sequence[str]) -> Texts:
    """Three trainings and the base, sampled as often."""
    return {
        **{("base", n): base for n in range(len(seeds))},
        **{("rlhf", n): t for n, t in enumerate(seeds)},
    }


ARM = [f"arm {n}" for n in range(30)]
BASE = [f"base {n}" for n in range(30)]


@pytest.mark.parametrize("margin", [None, 0.2])
def test_who_prefers_what_stands_first_shows_nothing_of_any_policy(margin: float | None) -> None:
    """Neither a gain, nor that there is none: each pair is a tie because the orders disagree."""
    texts = trained(ARM, ARM, ARM, base=BASE)
    for source in (judging(lambda a, b: "A"), named(Plain(lambda texts: [0, 1]))):
        table = evaluated(source, texts, margin=margin)
        (row,) = table["against_base"]
        assert (row["value"], row["n"], row["inconsistent"]) == (0.5, 90, 90)
        assert (row["wins"], row["ties"], row["losses"]) == (0, 90, 0)
        assert (row["turned"]["value"], row["turned"]["n"]) == (1.0, 90)
        difference = score(table)["difference"]
        assert (difference["verdict"], difference["trainings"]["verdict"]) == ("unclear", "unclear")
        assert (difference["value"], difference["from"], difference["to"]) == (0.0, 0.5, 0.5)
        assert difference["mdd"] is difference["trainings"]["mdd"] is None
        assert score(table, "base")["value"] == 0.5


def test_equal_policies_are_about_equal_to_a_judge_that_sees_that() -> None:
    """Wins and losses of one in five each, and ties; where these are inconsistent, not."""

    def sees(otherwise: str) -> NamedSource:
        def prefers(a: str, b: str) -> str:
            wins = {0: "arm", 1: "base"}.get(int(a.split()[1]) % 5)
            return otherwise if wins is None else "A" if a.startswith(wins) else "B"

        return judging(prefers)

    texts = trained(ARM, ARM, ARM, base=BASE)
    table = evaluated(sees("TIE"), texts, margin=0.3)
    assert score(table)["difference"]["verdict"] == "unchanged"
    assert 0 < score(table)["difference"]["mdd"] < 0.5
    table = evaluated(sees("A"), texts, margin=0.3)
    (row,) = table["against_base"]
    assert (row["wins"], row["ties"], row["losses"], row["inconsistent"]) == (18, 54, 18, 54)
    assert score(table)["difference"]["verdict"] == "unclear"


def test_who_prefers_the_longer_one_is_shown_for_what_it_is() -> None:
    """Raised as it stands; at equal length there is no gain, or nobody knows."""
    longer = judging(lambda a, b: "A" if len(a) > len(b) else "B" if len(b) > len(a) else "TIE")
    base = ["x" * (20 + n % 7) for n in range(60)]
    mostly = [
        text + "y" * (1 + n % 5) if n % 6 else text[: -(1 + n % 5)] for n, text in enumerate(base)
    ]
    table = evaluated(longer, trained(mostly, mostly, mostly, base=base))
    (row,) = table["against_base"]
    assert score(table)["difference"]["verdict"] == "raised"
    assert row["value"] == pytest.approx(5 / 6) and row["longer"]["value"] == 1.0
    even = row["length_controlled"]
    assert even["value"] is None and even["reason"]
    always = [text + "yy" for text in base]
    (row,) = evaluated(longer, trained(always, always, always, base=base))["against_base"]
    assert row["value"] == 1.0 and row["length_controlled"]["value"] is None


def test_length_that_decides_in_part_is_taken_out() -> None:
    """The longer one wins three times in four whoever wrote it, and the arm is mostly longer."""
    base = ["x" * 30 for _ in range(80)]
    arm = ["x" * (40 if n % 5 else 20) for n in range(80)]
    place = dict[str, bool]()

    def prefers(a: str, b: str) -> str:
        return "A" if (len(a) > len(b)) != place["odd"] else "B"

    async def taste(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        n = int(request.item.id[1:])
        place["odd"] = n % 4 == 3
        texts = [response.text for response in request.responses]
        return Verdict(Status.OK, prefers(texts[0], texts[1]))

    source = named(judge(name="taste", version="1", takes=("pairwise",))(taste).build())
    (row,) = evaluated(source, trained(arm, arm, arm, base=base))["against_base"]
    # of 80 items 64 are longer in the arm; it wins 48 of these and 4 of the other 16
    assert (row["wins"], row["losses"]) == (3 * 52, 3 * 28)
    assert row["longer"]["value"] == pytest.approx(0.75)
    even = row["length_controlled"]
    assert even["value"] == pytest.approx(0.5, abs=1e-6) and even["low"] < 0.5 < even["high"]


def test_failures_on_bad_answers_raise_nobody() -> None:
    """The arm is bad half of the time, and of these the judge says nothing: not decidable."""
    arm = [f"good {n}" if n % 2 else f"bad {n}" for n in range(30)]

    def prefers(a: str, b: str) -> str | None:
        if "bad" in a + b:
            return None
        return "A" if "good" in a else "B"

    table = evaluated(judging(prefers), trained(arm, arm, arm, base=BASE))
    found, (row,) = score(table)["difference"], table["against_base"]
    assert row["value"] == 1.0 and row["losses"] == 0
    assert found["verdict"] == "undecidable"
    assert found["failures"]["rates"] == {"policy": 0.5, "base": 0.0}
    low, high = found["failures"]["bounds"]["values"]
    assert (low, high) == (pytest.approx(0.0), pytest.approx(0.5))
    assert (row["failures"], row["n"], row["pairs"]) == ({"refused": 45}, 45, 90)
    assert score(table)["failures"] == {"refused": 45} and score(table)["coverage"] == 0.5
    assert any("neither ties nor losses" in line for line in table["warnings"])


def test_one_failed_order_is_no_verdict() -> None:
    found = evaluated(
        judging(lambda a, b: "A" if "arm" in a else None), trained(ARM, ARM, ARM, base=BASE)
    )
    (row,) = found["against_base"]
    assert (row["n"], row["failures"], row["value"]) == (0, {"refused": 90}, None)
    assert score(found)["difference"]["verdict"] == "unknown"


def test_probabilities_do_not_settle_what_the_orders_dispute() -> None:
    """A at .9, then B at .4: the mean is .65, and the pair is a tie all the same."""

    async def taste(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        first = 0.9 if "arm" in request.responses[0].text else 0.6
        return Verdict(Status.OK, "A", first)

    source = named(judge(name="taste", version="1", takes=("pairwise",))(taste).build())
    (row,) = evaluated(source, trained(ARM, ARM, ARM, base=BASE))["against_base"]
    assert (row["value"], row["inconsistent"]) == (0.5, 90)


def test_one_order_alone_is_no_verdict() -> None:
    """One that says in which order it looked, and looked once, is not asked again."""

    class Once(Plain):
        async def annotate(
            self, requests: Sequence[JudgmentRequest], ctx: RunContext
        ) -> AsyncIterator[Judgment]:
            async for one in Plain.annotate(self, requests, ctx):
                yield replace(one, order="AB")

    texts = trained(ARM, ARM, ARM, base=BASE)
    (row,) = evaluated(named(Once(lambda texts: [0, 1])), texts)["against_base"]
    assert (row["n"], row["failures"]) == (0, {"missing": 90})


def test_the_numbers_by_hand() -> None:
    """Six prompts: three wins, a loss, an inconsistent pair, one text from both."""
    said = {"w0": "A", "w1": "A", "w2": "A", "l": "B", "i": "first"}

    def prefers(a: str, b: str) -> str:
        key = a if a in said else b
        if said[key] == "first":
            return "A"
        return said[key] if key == a else {"A": "B", "B": "A"}[said[key]]

    source = judging(prefers)
    arm, base = ["w0", "w1", "w2", "l", "i", "same"], ["b0", "b1", "b2", "b3", "b4", "same"]
    table = evaluated(source, {("base", 0): base, ("rlhf", 0): arm})
    (row,) = table["against_base"]
    # (3 + 2 halves) / 6 = 2/3; deviations 1/3 (3x), -2/3, -1/6 (2x): squares sum to 5/6
    half = t_quantile(5) * math.sqrt(6 / 5 * (5 / 6) / 36)
    assert row["value"] == pytest.approx(2 / 3)
    assert row["low"] == pytest.approx(2 / 3 - half) and row["high"] == 1.0
    assert [row[key] for key in ("wins", "ties", "losses", "alike", "inconsistent")] == [
        3, 2, 1, 1, 1,
    ]  # fmt: skip
    assert (row["turned"]["value"], row["turned"]["n"], row["judgments"]) == (0.2, 5, 10)
    found = score(table)["difference"]
    assert found["value"] == pytest.approx(1 / 6)
    assert found["low"] == pytest.approx(1 / 6 - half) and found["high"] == 0.5
    assert (found["n"], found["items"], found["clusters"], found["seeds"]) == (6, 6, 6, 1)


def test_a_response_meets_base_of_the_same_seed_and_number() -> None:
    items = [Item("e0", "0?"), Item("e1", "1?")]

    def two(name: str, seed: int, each: int) -> list[Response]:
        return [
            Response(f"{name}{seed}{i.id}{k}", i.id, name, "") for i in items for k in range(each)
        ]

    responses = {
        **{("base", seed): two("base", seed, 2) for seed in (0, 1)},
        **{("rlhf", seed): two("rlhf", seed, 2) for seed in (0, 1, 7)},
        ("wordy", 1): [*two("wordy", 1, 3)[:3]],
    }
    found = pairings(items, responses, "base")
    met = {
        (one.mine.id if one.mine else "none", one.theirs.id if one.theirs else "none")
        for one in found
    }
    assert {pair for pair in met if pair[0].startswith("rlhf")} == {
        (f"rlhf{seed}e{i}{k}", f"base{base}e{i}{k}")
        for seed, base in ((0, 0), (1, 1), (7, 0))
        for i in (0, 1)
        for k in (0, 1)
    }
    assert {pair for pair in met if not pair[0].startswith("rlhf")} == {
        ("wordy1e00", "base1e00"), ("wordy1e01", "base1e01"), ("wordy1e02", "base1e00"),
        ("none", "base1e10"),
    }  # fmt: skip


def test_an_item_without_a_response_is_lost_to_the_arm() -> None:
    texts = {**trained(ARM, ARM, ARM, base=BASE), ("rlhf", 2): ARM[:20]}
    (row,) = evaluated(judging(lambda a, b: "A" if "arm" in a else "B"), texts)["against_base"]
    assert (row["pairs"], row["n"], row["unanswered"]) == (90, 80, 10)


def test_a_source_without_orders_is_asked_both_ways() -> None:
    source = Plain(lambda texts: [0, 1] if "arm" in texts[0] else [1, 0])
    (row,) = evaluated(named(source), trained(ARM, ARM, ARM, base=BASE))["against_base"]
    assert (row["value"], row["inconsistent"]) == (1.0, 0)
    assert ["arm 3", "base 3"] in source.asked and ["base 3", "arm 3"] in source.asked
    assert len(source.asked) == 60  # three trainings say the same: 30 questions, both ways


def two_arms() -> Texts:
    return {
        ("base", 0): BASE,
        ("rlhf", 0): ARM,
        ("dpo", 0): [f"dpo {n}" for n in range(29)] + ["base 29"],
    }


def test_a_list_of_all_arms_is_read_as_pairs_in_both_orders() -> None:
    """By what stands there arm, base, dpo; what dpo says as base says is a tie."""
    rank = ["arm", "base", "dpo"]

    def best(texts: list[str]) -> list[int]:
        return sorted(range(len(texts)), key=lambda n: rank.index(texts[n].split()[0]))

    source = Plain(best, ("pairwise", "listwise"), cost=0.5)
    table = evaluated(named(source), two_arms(), "listwise")
    rows = {row["policy"]: row for row in table["against_base"]}
    assert rows["rlhf"]["value"] == 1.0 and rows["dpo"]["losses"] == 29
    assert (rows["dpo"]["alike"], rows["dpo"]["value"]) == (1, pytest.approx(0.5 / 30))
    assert {row["inconsistent"] for row in rows.values()} == {0}
    assert source.asked[0] == ["base 0", "arm 0", "dpo 0"]
    assert ["dpo 0", "arm 0", "base 0"] in source.asked
    assert ["arm 29", "base 29"] in source.asked and ["base 29", "arm 29"] in source.asked
    assert len(source.asked) == 60
    assert rows["rlhf"]["cost_usd"] == pytest.approx(29 * 0.5 + 1.0)
    assert rows["dpo"]["cost_usd"] == pytest.approx(29 * 0.5)  # half of each list


def test_a_ranking_by_place_is_inconsistent_and_a_list_of_two_is_no_list() -> None:
    source = Plain(lambda texts: list(range(len(texts))), ("listwise",))
    rows = {
        row["policy"]: row
        for row in evaluated(named(source), two_arms(), "listwise")["against_base"]
    }
    assert (rows["rlhf"]["value"], rows["rlhf"]["inconsistent"]) == (0.5, 29)
    assert (rows["rlhf"]["failures"], rows["rlhf"]["n"]) == ({"missing": 1}, 29)
    table = evaluated(named(source), two_arms(), "listwise")
    assert any("no third text" in line for line in table["warnings"])


def test_responses_that_are_called_alike_are_told_apart_in_a_list() -> None:
    items = [Item("e0", "?")]
    responses = {
        (name, 0): [Response("r", "e0", name, text)]
        for name, text in (("base", "b"), ("one", "a"), ("two", "c"))
    }
    source = named(Plain(lambda texts: sorted(range(3), key=texts.__getitem__), ("listwise",)))
    asking = Asking(None, processes=1)
    _, pairs = judge_policies({"t": (source, "listwise")}, items, responses, asking, no_bar)
    assert [(m.pairing.policy, m.value) for m in pairs["t"].met] == [("one", 1.0), ("two", 0.0)]


def test_no_name_in_a_list_can_be_made_of_others() -> None:
    """The arm is always better, and its own id is what base's would be called beside another's."""
    items = [Item(f"e{n}", f"{n}?") for n in range(20)]
    texts = (("base", "arm/r", "b"), ("arm", "r", "a"), ("arm2", "r", "c"))
    responses = {
        (name, 0): [Response(f"{own}{n}", f"e{n}", name, f"{text}{n}") for n in range(20)]
        for name, own, text in texts
    }
    source = named(Plain(lambda texts: sorted(range(3), key=texts.__getitem__), ("listwise",)))
    asking = Asking(None, processes=1)
    _, pairs = judge_policies({"t": (source, "listwise")}, items, responses, asking, no_bar)
    won = {(m.pairing.policy, m.value) for m in pairs["t"].met}
    assert won == {("arm", 1.0), ("arm2", 0.0)}


def test_a_majority_that_those_without_a_verdict_could_undo_is_none() -> None:
    """One of two hears no difference, the other refuses bad answers: nobody is raised by that."""
    arm = [f"good {n}" if n % 2 else f"bad {n}" for n in range(30)]

    @dataclass
    class Jury(Plain):
        async def annotate(
            self, requests: Sequence[JudgmentRequest], ctx: RunContext
        ) -> AsyncIterator[Judgment]:
            for request in requests:
                texts = [response.text for response in request.responses]
                for order, shown in (("AB", texts), ("BA", texts[::-1])):
                    bad = any("bad" in text for text in shown)
                    honest = Verdict(Status.OK, "A" if "good" in texts[0] else "B")
                    says = {
                        "honest": Verdict(Status.REFUSED, rationale="no") if bad else honest,
                        "neutral": Verdict(Status.OK, "TIE"),
                    }
                    for who, verdict in says.items():
                        yield Judgment(
                            request.id,
                            "taste",
                            "1",
                            who,
                            verdict,
                            order,  # type: ignore[arg-type]
                        )

    table = evaluated(named(Jury(lambda texts: [0])), trained(arm, arm, arm, base=BASE))
    (row,) = table["against_base"]
    assert (row["n"], row["wins"], row["failures"]) == (45, 45, {"refused": 45})
    assert score(table)["difference"]["verdict"] == "undecidable"


@pytest.mark.parametrize(("by_place", "wins", "inconsistent"), [(2, 0, 90), (1, 90, 0)])
def test_members_that_go_by_the_place_leave_no_majority_to_one(
    by_place: int, wins: int, inconsistent: int
) -> None:
    """Of three members two take the first: what the third says decides nothing; of one they do."""

    class Jury(Plain):
        async def annotate(
            self, requests: Sequence[JudgmentRequest], ctx: RunContext
        ) -> AsyncIterator[Judgment]:
            for request in requests:
                arm_first = "arm" in request.responses[0].text
                for order in ("AB", "BA"):
                    for who in range(3):
                        arm = arm_first if order == "AB" else True
                        said = "AB"[order == "BA"] if who < by_place else "AB"[not arm]
                        yield Judgment(
                            request.id,
                            "taste",
                            "1",
                            f"m{who}",
                            Verdict(Status.OK, said),
                            order,  # type: ignore[arg-type]
                        )

    texts = trained(ARM, ARM, ARM, base=BASE)
    (row,) = evaluated(named(Jury(lambda texts: [0])), texts)["against_base"]
    assert (row["wins"], row["inconsistent"], row["ties"]) == (wins, inconsistent, inconsistent)


def test_a_majority_that_nobody_could_undo_counts() -> None:
    """Two of three prefer the arm: what the third would have said changes nothing."""

    class Three(Plain):
        async def annotate(
            self, requests: Sequence[JudgmentRequest], ctx: RunContext
        ) -> AsyncIterator[Judgment]:
            for request in requests:
                for order in ("AB", "BA"):
                    for who in ("a", "b", "c"):
                        said = Verdict(Status.OK, "A") if who < "c" else Verdict(Status.TIMEOUT)
                        yield Judgment(
                            request.id,
                            "taste",
                            "1",
                            who,
                            said,
                            order,  # type: ignore[arg-type]
                        )

    texts = trained(ARM, ARM, ARM, base=BASE)
    (row,) = evaluated(named(Three(lambda texts: [0])), texts)["against_base"]
    assert (row["wins"], row["failures"]) == (90, {})


def test_a_judge_of_pairs_with_the_rule_of_a_training_is_found_out() -> None:
    """The verifier is asked about the held-out responses, and its scores against the choices."""
    numbers = [
        [str((7 * n + 13 * k + seed) % 23) for n in range(60)] for k, seed in ((1, 0), (2, 5))
    ]
    items = [Item(f"e{n}", f"{n}?") for n in range(60)]
    responses = {
        (name, 0): [Response(f"{name}{n}", f"e{n}", name, t) for n, t in enumerate(texts)]
        for name, texts in (("base", numbers[0]), ("rlvr", numbers[1]))
    }
    larger = judging(lambda a, b: "A" if int(a) > int(b) else "B" if int(b) > int(a) else "TIE")
    asking = Asking(None, processes=1)
    _, pairs = judge_policies({"taste": (larger, "pairwise")}, items, responses, asking, no_bar)
    size = NamedSource("size", SourceConfig(use="size"), Sized(lambda texts: [0]), ORIGIN)
    held_out = [(items[int(one.item_id[1:])], one) for both in responses.values() for one in both]
    teacher = Teacher(size.info, [], [], size)
    rules = same_rules({"taste": pairs["taste"].pairs}, {"size": teacher}, held_out, asking, no_bar)
    (found,) = rules["taste"]
    assert found.on == "pairs" and found.same and found.kappa.n > 50


class Sized(Plain):
    """A verifier that nobody pays for: the number that a response is."""

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("size", "1", "verifier", UNIT)

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        for one in requests:
            value = int(one.responses[0].text) / 23
            yield Judgment(one.id, "size", "1", "size", Verdict(Status.OK, value))


async def _nobody(*_: Any) -> Verdict:
    return Verdict(Status.MISSING)


def test_who_cannot_compare_is_refused_before_anything_is_paid_for() -> None:
    one_order = JudgeSource(
        SourceInfo("taste", "1", "judge", takes=("pairwise",)),
        _nobody,
        both_orders=False,
    )
    people = Plain(lambda texts: [0, 1])
    for source, way, says in (
        (one_order, None, "one order only"),
        (Plain(lambda t: [0]), "pointwise", "cannot judge pointwise"),
        (Plain(lambda t: [0]), "listwise", "cannot judge listwise"),
        (Plain(lambda t: [0], ("listwise",)), None, "rank one policy"),
    ):
        with pytest.raises(ConfigError, match=says):
            check_evaluator(named(source), way, 1)  # type: ignore[arg-type]
    check_evaluator(named(people), None, 1, 0.49)
    with pytest.raises(InputError, match=r"no win rate is further than 0\.5 from even"):
        check_evaluator(named(people), None, 1, 0.5)
    with pytest.raises(InputError, match="no number above 0 and below 1"):
        check_evaluator(named(people), None, 1, math.nan)
    info = replace(people.info, kind="human")

    class People(Plain):
        @property
        def info(self) -> SourceInfo:
            return info

    with pytest.raises(ConfigError, match="people are not asked each pair twice"):
        check_evaluator(named(People(lambda t: [0])), None, 1)
