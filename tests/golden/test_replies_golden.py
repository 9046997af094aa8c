"""The golden corpus of judges' replies: none may be read wrongly, and few may be lost.

``python benchmarks/replies.py --show wrong`` prints them.
"""

from collections import Counter

import pytest
from recorded_replies import real_texts, recorded
from reply_corpus import FAILURE, FOLDERS, Reply, tallies, written
from reply_generator import cut_everywhere, whole_corpus

from harness.nouns.schema import Status

LOST = 0.03
"""Share of the plain verdicts of a format that may be lost."""
LOST_OF_ALL = 0.005
"""Share of all plain verdicts that may be lost."""


@pytest.fixture(scope="module")
def corpus():
    return whole_corpus()


@pytest.fixture(scope="module")
def by_format(corpus):
    return tallies(corpus)


def test_no_reply_is_read_wrongly(by_format):
    assert sum(tally.wrong for tally in by_format.values()) == 0


def test_no_cut_reply_is_read_wrongly(corpus):
    counts = tallies(cut_everywhere(corpus))
    assert sum(tally.wrong for tally in counts.values()) == 0, counts


def test_few_verdicts_are_lost(by_format):
    assert {name for name, tally in by_format.items() if tally.lost > LOST * tally.plain} == set()
    lost = sum(tally.lost for tally in by_format.values())
    assert lost <= LOST_OF_ALL * sum(tally.plain for tally in by_format.values())


def test_what_real_judges_wrote_is_read(shared_data):
    counts = tallies(recorded(shared_data / "pandalm"), "kind")
    assert all(tally.good for tally in counts.values()), counts
    assert min(counts["prompted"].right, counts["listed"].right) > 1850
    assert counts["reason-alone"].right > 750


@pytest.mark.parametrize(
    ("way", "asked", "most"),
    [("pair", None, 5), ("ranking", "ABC", 2), ("score", "ten", 12), ("score", "five", 8)],
)
def test_texts_that_judge_nothing_are_no_verdicts(shared_data, way, asked, most):
    texts = real_texts(shared_data)
    replies = [Reply("texts", "real", way, text, FAILURE, asked=asked) for text in texts]
    assert len(replies) > 4000
    # Some do rate something ("a sentiment score of 9 / 10").
    assert tallies(replies)["texts"].wrong <= most


def test_the_corpus_is_large_and_has_every_way_of_judging(corpus, by_format):
    assert len(corpus) >= 9000 and len(by_format) >= 60
    assert len([r for folder in FOLDERS for r in written(folder)]) >= 1500
    assert Counter(r.way for r in corpus).keys() == {"pair", "score", "scores", "ranking"}
    assert sum(r.right == FAILURE for r in corpus) > len(corpus) / 10
    assert sum(r.may_fail for r in corpus) < len(corpus) / 4


def test_the_corpus_is_the_same_every_time(corpus):
    assert whole_corpus() == corpus


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_is_read(folder):
    names = {path.stem.rpartition("_")[2] for path in folder.glob("*.toml")}
    assert names == {reply.format for reply in written(folder)}


@pytest.mark.parametrize(
    ("text", "right", "may_fail", "outcome"),
    [
        ("Verdict: A", "A", False, "right"),
        ("Verdict: A", "B", False, "wrong"),
        ("Verdict: A", "B", True, "wrong"),
        ("Verdict: A", FAILURE, False, "wrong"),
        ("It rains.", FAILURE, False, "right"),
        ("It rains.", "A", False, "lost"),
        ("It rains.", "A", True, "unsure"),
    ],
)
def test_outcomes(text, right, may_fail, outcome):
    reply = Reply("f", "k", "pair", text, right, may_fail)
    assert reply.outcome() == outcome
    assert tallies([reply])["f"].good == (outcome in ("right", "unsure"))


def test_a_value_is_compared_with_its_type():
    for scale, right in (("five", "4"), ("ten", 4.0)):
        reply = Reply("f", "k", "score", "Rating: 4", 4, asked=scale)
        assert reply.read().status is Status.OK
        assert reply.expected == right and reply.outcome() == "right"
    assert Reply("f", "k", "score", "Rating: 4", 3, asked="ten").outcome() == "wrong"
