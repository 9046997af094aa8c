"""The one rule by which scores become pairs: whose vote, what chance, and what is missing."""

import pytest

from harness.nouns.errors import ScaleError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, UNIT, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo, Verdict
from harness.ratings.judgments import tables_from_judgments
from harness.ratings.pairs import chance_above, votes_from_scores

RIGHT = Criterion("right", "?", BINARY)
DEPTH = Criterion("depth", "?", UNIT, 3.0)
ITEM = Item("x", "q")
PAIRS = {"p": ("x", "a", "b"), "q": ("x", "c", "d")}


def asked(response, criterion=RIGHT):
    one = (Response(response, "x", "base", response),)
    return JudgmentRequest(f"{criterion.id}-{response}", ITEM, one, criterion)


REQUESTS = [asked(response, criterion) for response in "abcd" for criterion in (RIGHT, DEPTH)]


def say(response, who, value, repeat=0, criterion=RIGHT):
    source, _, annotator = who.partition("/")
    verdict = Verdict(value) if isinstance(value, Status) else Verdict(Status.OK, value)
    request = asked(response, criterion).id
    return Judgment(request, source, "1", annotator or source, verdict, "", repeat)


def votes(*said, apart=False):
    found = votes_from_scores(PAIRS, REQUESTS, said, samples_apart=apart)
    return [
        (vote.request_id, vote.annotator, vote.repeat, vote.choice, vote.probability, vote.failure)
        for vote in found
    ]


@pytest.mark.parametrize(
    ("first", "second", "chance"),
    [([1], [0], 1.0), ([0], [0], 0.5), ([2, 4], [4, 8], 1 / 8), ([3], [1, 3, 5, 3], 0.5)],
)
def test_chance_above(first, second, chance):
    assert chance_above(first, second) == chance


def test_every_annotator_has_a_vote_on_each_pair_that_it_scored():
    said = [say("a", "j/ann", True), say("b", "j/ann", False), say("a", "j/ben", True)]
    said += [say("b", "j/ben", True), say("c", "j/ann", False), say("d", "j/ann", True)]
    assert votes(*said) == [
        ("p", "ann", 0, "A", 1.0, ""),
        ("p", "ben", 0, "TIE", 0.5, ""),
        ("q", "ann", 0, "B", 0.0, ""),
    ]


def test_samples_are_compared_together_or_each_with_its_own():
    said = [say("a", "j", True), say("a", "j", False, 1), say("b", "j", False)]
    said += [say("b", "j", False, 1)]
    assert votes(*said) == [("p", "j", 0, "A", 0.75, "")]
    assert votes(*said, apart=True) == [("p", "j", 0, "A", 1.0, ""), ("p", "j", 1, "TIE", 0.5, "")]


def test_criteria_count_by_their_weight_where_both_responses_have_them():
    said = [say("a", "j", False), say("b", "j", True), say("a", "j", 0.9, criterion=DEPTH)]
    assert votes(*said) == [("p", "j", 0, "B", 0.0, "")]
    said.append(say("b", "j", 0.2, criterion=DEPTH))
    assert votes(*said) == [("p", "j", 0, "A", 0.75, "")]


def test_whoever_scored_one_response_only_is_missing_and_never_dropped():
    said = [say("a", "j/ann", True), say("a", "j/ben", True), say("b", "j/ben", Status.TIMEOUT)]
    said += [say("c", "j/ben", Status.REFUSED), say("d", "j/ben", Status.TIMEOUT)]
    assert votes(*said) == [
        ("p", "ann", 0, None, None, "missing"),
        ("p", "ben", 0, None, None, "timeout"),
        ("q", "ben", 0, None, None, "refused"),
    ]


def test_a_nominal_label_cannot_be_compared():
    colour = Criterion("colour", "?", Scale("nominal", ("red", "green")))
    requests = [asked(response, colour) for response in "ab"]
    said = [say(response, "j", "red", criterion=colour) for response in "ab"]
    with pytest.raises(ScaleError, match="no order"):
        votes_from_scores(PAIRS, requests, said)


def test_agreement_and_aggregation_read_the_same_votes():
    pair = JudgmentRequest(
        "pair", ITEM, tuple(Response(name, "x", "base", name) for name in "ab"), RIGHT
    )
    said = [say("a", "j/ann", True), say("b", "j/ann", False), say("a", "j/ben", True)]
    said += [Judgment("pair", "people", "1", "cy", Verdict(Status.OK, "A"))]
    infos = {
        "j": SourceInfo("j", "1", "judge", BINARY),
        "people": SourceInfo("people", "1", "human", takes=("pairwise",)),
    }
    (found,) = tables_from_judgments([pair, *REQUESTS], said, infos, scores_as_pairs=True)
    table = found.table
    assert (table.annotators, table.source_names) == (
        ("j/ann", "j/ben", "people/cy"), ("j", "j", "people"),
    )  # fmt: skip
    assert [table.categories[code] if code >= 0 else None for code in table.codes[0]] == [
        "A", None, "A",
    ]  # fmt: skip
    assert table.reasons[table.failures[0, 1] - 1] == "missing"
