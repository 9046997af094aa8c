"""llm_judge and constitution with a fake model: orders, juries, samples, soft labels, failures."""

import asyncio
import math
from collections import Counter
from dataclasses import replace

import pytest

from harness.feedback.annotate import annotate
from harness.feedback.criteria import combine
from harness.nouns.chat_messages import ChatReply
from harness.nouns.errors import ChatError, PluginError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Verdict
from harness.ratings.both_orders import combine_orders
from harness.registry import find_rubric, registry
from harness.testing import FakeChat, check_source, fake_context, sample_requests


def build(name="llm_judge", **options):
    return registry().source(name).build({"model": "openai/fake", **options}, "judge")


def judge(source, chat, way="pairwise", seed=0, requests=None):
    requests = requests or sample_requests(way)
    return asyncio.run(annotate(source, requests, fake_context(chat, seed=seed)))


def shown_first(request):
    """The text that the fake model was shown first."""
    return request.messages[-1]["content"].split("<response A>\n")[1].split("\n</response A>")[0]


@pytest.mark.parametrize("name", ["llm_judge", "constitution"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chain_of_thought": True},
        {"chain_of_thought": "steps", "samples": 2},
        {"structured": True},
        {"templates": ["standard", "question"]},
        {"model": ["openai/a", "openai/b"]},
        {"both_orders": False},
    ],
)
def test_conforms_to_the_contract(name, options):
    def answer(request):
        if request.response_format:
            return '{"verdict": "A", "task": "3", "accuracy": "3", "clarity": "3",' + (
                ' "ranking": ["A", "B", "C"]}'
            )
        return "Verdict: A\ntask: 4\naccuracy: 4\nclarity: 4\nRanking: A > B > C"

    factory = registry().source(name)
    rows = check_source(
        factory, {"model": "openai/fake", **options}, ctx=fake_context(FakeChat(answer))
    )
    assert rows and all(row.verdict.status is Status.OK for row in rows)


def test_a_judge_of_places_is_seen_as_one():
    """A model that always says A flips with the order; both rows say so."""
    rows = judge(build(), FakeChat("Verdict: A"))
    votes = combine_orders(rows)
    assert all(v.choice == "TIE" and v.flipped for v in votes)
    assert Counter(r.verdict.value for r in rows) == {"A": 3, "B": 3}


def test_a_judge_of_texts_gives_the_same_verdict_in_both_orders():
    rows = judge(
        build(),
        FakeChat(lambda r: f"Verdict: {'A' if 'Happy' in shown_first(r) else 'B'}"),
        requests=sample_requests("pairwise")[:1],
    )
    assert {(r.order, r.verdict.value) for r in rows} == {("AB", "A"), ("BA", "A")}
    (vote,) = combine_orders(rows)
    assert vote.choice == "A" and vote.flipped is False


def test_one_order_is_seeded_and_stored():
    def orders(seed):
        rows = judge(build(both_orders=False), FakeChat(), seed=seed)
        return {r.request_id: r.order for r in rows}

    assert orders(1) == orders(1)
    assert len({tuple(sorted(orders(seed).items())) for seed in range(8)}) > 1


def test_samples_are_separate_calls_and_separate_rows():
    chat = FakeChat(["Verdict: A", "Verdict: B", "Verdict: TIE"])
    rows = judge(build(samples=3), chat, requests=sample_requests("pairwise")[:1])
    assert len(rows) == 6 == len(chat.requests)
    assert {r.repeat for r in rows} == {0, 1, 2}
    assert {r.repeat for r in chat.requests} == {0, 1, 2}
    assert all(r.temperature == 1.0 for r in chat.requests)


def test_a_jury_keeps_every_member_apart():
    chat = FakeChat(lambda r: "Verdict: A" if r.model == "openai/a" else "Verdict: B")
    rows = judge(
        build(model=["openai/a", "openai/b"], samples=2, both_orders=False),
        chat,
        requests=sample_requests("pairwise")[:1],
    )
    assert Counter(r.annotator for r in rows) == {"openai/a": 2, "openai/b": 2}
    by_member = {(r.annotator, r.order): r.verdict.value for r in rows}
    for (member, order), value in by_member.items():
        said = "A" if member == "openai/a" else "B"
        assert value == (said if order == "AB" else {"A": "B", "B": "A"}[said])


def test_templates_are_pooled_as_repeats():
    chat = FakeChat()
    rows = judge(build(templates=["standard", "question"]), chat)
    assert len({r.template_sha256 for r in chat.requests}) == 2
    assert {r.repeat for r in rows} == {0, 1}


def test_soft_labels_carry_the_probability_and_both_orders_are_averaged():
    def reply(request):
        return ChatReply("A", choice_logprobs={"A": math.log(0.9), "B": math.log(0.1)})

    chat = FakeChat(reply)
    rows = judge(build(soft=True), chat, requests=sample_requests("pairwise")[:1])
    assert {r.order: round(r.verdict.probability, 6) for r in rows} == {"AB": 0.9, "BA": 0.1}
    (vote,) = combine_orders(rows)
    assert vote.probability == pytest.approx(0.5) and vote.flipped
    assert all(r.choices == ("A", "B", "TIE") for r in chat.requests)


def test_soft_without_log_probabilities_reads_the_words():
    rows = judge(build(soft=True), FakeChat("Verdict: B"))
    assert all(r.verdict.probability is None for r in rows)
    assert {r.verdict.status for r in rows} == {Status.OK}


def test_pointwise_takes_the_scale_of_the_criterion_and_several_become_one():
    rows = judge(build(criterion="task"), FakeChat("Rating: 4"), "pointwise")
    assert {r.verdict.value for r in rows} == {"4"}
    text = "task: 5\naccuracy: 3\nclarity: 1"
    rows = judge(build(), FakeChat(text), "pointwise")
    assert all(r.verdict.value == pytest.approx((3 * 1.0 + 3 * 0.5 + 0) / 7) for r in rows)


def test_criteria_one_by_one_are_weighed():
    def answer(request):
        return (
            "Verdict: A"
            if "does what the prompt asks" in request.messages[-1]["content"]
            else "Verdict: B"
        )

    chat = FakeChat(answer)
    rows = judge(
        build(criteria="one_by_one", both_orders=False, few_shot=False),
        chat,
        requests=sample_requests("pairwise")[:1],
    )
    assert len(chat.requests) == 3
    # The first of the weights 3, 3, 1 goes to what was shown first: 3/7 of the whole.
    (row,) = rows
    shown_second = "B" if row.order == "AB" else "A"
    assert (row.verdict.value, row.verdict.probability) == (shown_second, None)  # none was stated


def test_a_missing_criterion_is_no_score():
    rows = judge(build(), FakeChat("task: 5\naccuracy: 3"), "pointwise")
    assert {r.verdict.status for r in rows} == {Status.UNPARSEABLE}


def test_a_list_is_shuffled_by_seed_and_comes_back_as_ids():
    chat = FakeChat("Ranking: A > B > C")
    requests = sample_requests("listwise")
    rows = judge(build(samples=4), chat, requests=requests)
    for request in requests:
        ids = sorted(r.id for r in request.responses)
        mine = [r.verdict.value for r in rows if r.request_id == request.id]
        assert all(sorted(value) == ids for value in mine)
        assert len(set(mine)) > 1, "the first place must not go to the same response every time"


def test_failures_stay_typed_rows():
    for status in (Status.TIMEOUT, Status.REFUSED, Status.ERROR):
        rows = judge(build(), FakeChat(ChatError(status, "because")))
        assert {(r.verdict.status, r.verdict.value) for r in rows} == {(status, None)}
    rows = judge(build(), FakeChat("It depends."))
    assert {r.verdict.status for r in rows} == {Status.UNPARSEABLE}
    rows = judge(build(), FakeChat("I'm sorry, but I can't compare these."))
    assert {r.verdict.status for r in rows} == {Status.REFUSED}


def test_a_provider_without_schemas_is_asked_in_words():
    def answer(request):
        if request.response_format:
            return ChatError(Status.ERROR, "400 response_format is not supported")
        return "Verdict: B"

    chat = FakeChat(answer)
    rows = judge(build(structured=True), chat)
    assert {r.verdict.status for r in rows} == {Status.OK}
    assert len(rows) == 6
    asked = [(bool(r.response_format), "JSON" in r.messages[-1]["content"]) for r in chat.requests]
    assert asked.count((False, False)) == 6  # each in words at last
    assert set(asked) == {(True, True), (False, False)}


def test_the_version_moves_with_words_and_options_but_not_with_the_mode():
    versions = {
        build().info.version,
        build(temperature=0.3).info.version,
        build(rubric="honesty").info.version,
        build(templates=["question"]).info.version,
        build(model="openai/other").info.version,
    }
    assert len(versions) == 5
    assert build(mode="batch").info.version == build().info.version


def test_principles_are_drawn_by_weight_and_are_the_same_in_both_orders():
    chat = FakeChat()
    requests = sample_requests("pairwise")
    rows = judge(build("constitution"), chat, requests=requests)
    for request in requests:
        words = {r.verdict.rationale.split("\n")[0] for r in rows if r.request_id == request.id}
        assert len(words) == 1
    drawn = Counter(
        r.verdict.rationale.split("\n")[0]
        for seed in range(60)
        for r in judge(build("constitution", both_orders=False), FakeChat(), seed=seed)
    )
    weights = {p.text: p.weight for p in find_rubric("house").principles}
    assert set(drawn) == set(weights) and drawn.total() == 180
    # Pearson's chi-square of 7 cells with 6 degrees of freedom is above 22.5 once in a thousand.
    fair = {text: 180 * weight / sum(weights.values()) for text, weight in weights.items()}
    assert sum((drawn[text] - n) ** 2 / n for text, n in fair.items()) < 22.5


def principle_of(row):
    return row.verdict.rationale.split("\n")[0]


def test_each_sample_draws_its_own_principles_and_all_members_of_a_jury_see_them():
    options = {"model": ["openai/a", "openai/b"], "samples": 2}
    drawn = []
    for seed in range(40):
        rows = judge(build("constitution", **options), FakeChat(), seed=seed)
        for request in sample_requests("pairwise"):
            mine = [r for r in rows if r.request_id == request.id]
            seen = {
                (member, order): [
                    principle_of(r)
                    for r in sorted(mine, key=lambda r: r.repeat)
                    if (r.annotator, r.order) == (member, order)
                ]
                for member in ("openai/a", "openai/b")
                for order in ("AB", "BA")
            }
            both = seen["openai/a", "AB"]
            assert len(both) == 2 and all(other == both for other in seen.values())
            drawn.append(both)
    # Two independent draws are alike with the sum of the squared shares.
    weights = [p.weight for p in find_rubric("house").principles]
    alike = sum((w / sum(weights)) ** 2 for w in weights)
    n = len(drawn)
    assert n == 120
    found = sum(first == second for first, second in drawn)
    assert abs(found - n * alike) < 3.3 * math.sqrt(n * alike * (1 - alike))  # once in a thousand


def test_the_examples_of_a_rubric_are_earlier_turns_with_their_verdicts():
    examples = [e for e in find_rubric("helpfulness").examples if len(e.responses) == 2]
    assert len(examples) == 2
    for few_shot, shown in ((True, examples), (False, ())):
        chat = FakeChat()
        judge(build(few_shot=few_shot), chat, requests=sample_requests("pairwise")[:1])
        assert len(chat.requests) == 2
        for request in chat.requests:
            turns = [m for m in request.messages if m["role"] != "system"]
            assert [m["role"] for m in turns] == ["user", "assistant"] * len(shown) + ["user"]
            for example, question, answer in zip(shown, turns[::2], turns[1::2], strict=False):
                assert example.prompt in question["content"]
                assert all(text in question["content"] for text in example.responses)
                assert f"Verdict: {example.verdict}" in answer["content"]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("llm_judge", {"rubric": "house"}, "is a constitution"),
        ("llm_judge", {"rubric": "helpfulness", "criterion": "tone"}, "no criterion 'tone'"),
        ("llm_judge", {"samples": 3, "temperature": 0}, "several samples at temperature 0"),
        ("llm_judge", {"templates": ["fancy"]}, "unknown 'fancy'"),
        ("llm_judge", {"modle": "x"}, "modle"),
        ("llm_judge", {"provider": {"api_key": "sk-1"}}, "environment"),
        ("llm_judge", {"model": ["openai/a", "openai/a"]}, "named twice"),
        ("constitution", {"constitution": "helpfulness"}, "is a rubric"),
        ("constitution", {"principle": "x"}, "no principle"),
    ],
)
def test_wrong_options_are_one_clear_error(name, options, words):
    with pytest.raises(PluginError, match="(?s)" + words):
        build(name, **options)


def test_criteria_asked_one_by_one_state_a_probability_only_where_one_was_stated() -> None:
    criteria = find_rubric("helpfulness").criteria[:2]
    plain = [Verdict(Status.OK, "A"), Verdict(Status.OK, "TIE")]
    assert combine(plain, criteria, "pairwise") == Verdict(
        Status.OK, "A", None, f"{criteria[0].id}: A; {criteria[1].id}: TIE"
    )
    one = [Verdict(Status.OK, "A", 0.6), Verdict(Status.OK, "B")]
    found = combine(one, [replace(c, weight=1.0) for c in criteria], "pairwise")
    assert (found.value, found.probability) == ("B", 0.3)
