"""The queue of the label page: what is next, on which side, and how far a person is."""

from collections import Counter

import pytest

from harness.label_page.owner import PersonRow, person_rows, ratings_by_criterion
from harness.label_page.queue import Queue, disagreement, judge_uncertainty
from harness.label_page.store import Entry, Shown
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict
from harness.ratings.table import MISSING

OVERALL = Criterion("overall", "Which response is better?", BINARY)


def requests(n, criteria=(OVERALL,)):
    return [
        JudgmentRequest(
            f"{criterion.id}-{i}",
            Item(f"q{i}", "?"),
            tuple(Response(f"q{i}-{s}", f"q{i}", s, s) for s in ("x", "y")),
            criterion,
        )
        for criterion in criteria
        for i in range(n)
    ]


def walk(queue, person, choose=lambda task: "A"):
    """Label everything and return the tasks in their order."""
    order = []
    while (task := queue.next_for(person)) is not None:
        queue.note_shown(Shown(person, task, len(order) + 1, queue.side(person, task)))
        queue.note(Entry(person, task, choose(task)))
        order.append(task)
    return order


def test_order_is_random_per_person_and_seeded():
    ann, bob = walk(Queue(requests(30)), "ann"), walk(Queue(requests(30)), "bob")
    assert sorted(ann) == sorted(bob) == sorted(r.id for r in requests(30))
    assert ann != bob
    assert ann == walk(Queue(requests(30)), "ann")
    assert ann != walk(Queue(requests(30), seed=1), "ann")


def test_sides_are_balanced_and_the_same_after_a_restart():
    queue = Queue(requests(400))
    sides = [queue.side("ann", request.id) for request in queue.requests]
    assert 160 < Counter(sides)["AB"] < 240
    again = Queue(requests(400))
    assert sides == [again.side("ann", request.id) for request in again.requests]
    assert sides != [again.side("bob", request.id) for request in again.requests]
    # Another seed draws anew: half of 400 sides are alike by chance, give or take 4 times 10.
    other = Queue(requests(400), seed=1)
    alike = [other.side("ann", r.id) == side for r, side in zip(other.requests, sides, strict=True)]
    assert 160 < sum(alike) < 240


def test_a_task_on_the_screen_stays_until_it_is_labelled():
    queue = Queue(requests(5))
    task = queue.next_for("ann")
    queue.note_shown(Shown("ann", task, 1, "BA"))
    hard = next(r.id for r in queue.requests if r.id != task)
    queue.note(Entry("bob", hard, "A"))
    queue.note(Entry("cyd", hard, "B"))  # now the most urgent one
    assert queue.next_for("ann") == task
    assert queue.side("ann", task) == "BA"  # what was shown counts, not what would be drawn
    queue.note(Entry("ann", task, "A"))
    assert queue.next_for("ann") == hard


def test_disagreement_comes_first():
    queue = Queue(requests(10))
    for person, value in (("bob", "A"), ("cyd", "B")):
        queue.note(Entry(person, "overall-7", value))
    for person in ("bob", "cyd"):
        queue.note(Entry(person, "overall-3", "A"))
    assert queue.next_for("ann") == "overall-7"


def test_a_label_that_is_taken_back_no_longer_disagrees():
    queue = Queue(requests(10), {"overall-4": 0.5})
    queue.note(Entry("bob", "overall-7", "A"))
    queue.note(Entry("cyd", "overall-7", "B"))
    assert queue.next_for("ann") == "overall-7"  # priority 1
    queue.forget("cyd", "overall-7")
    assert queue.next_for("ann") == "overall-4"  # .5 against 0
    queue.note(Entry("cyd", "overall-7", "B"))
    assert queue.next_for("ann") == "overall-7"


def test_judges_that_are_unsure_come_first():
    queue = Queue(requests(10), {"overall-4": 1.0, "overall-2": 0.6})
    assert walk(queue, "ann")[:2] == ["overall-4", "overall-2"]


def test_a_task_that_enough_people_labelled_leaves_the_queue():
    queue = Queue(requests(3), people_per_task=2)
    walk(queue, "ann")
    walk(queue, "bob", lambda task: None if task == "overall-1" else "A")
    assert walk(queue, "cyd") == ["overall-1"]  # a skip is no label
    assert queue.progress("dan").total == 0


def test_all_criteria_of_the_same_responses_stay_together():
    other = Criterion("honest", "Is it honest?", BINARY)
    order = walk(Queue(requests(6, (OVERALL, other))), "ann")
    assert [task.split("-")[1] for task in order[::2]] == [t.split("-")[1] for t in order[1::2]]


def test_progress_undo_and_second_thoughts():
    queue = Queue(requests(3))
    first, *_ = walk(queue, "ann")
    assert (queue.progress("ann").done, queue.progress("ann").total) == (3, 3)
    queue.note(Entry("ann", first, None))  # labelled again, now as a skip
    progress = queue.progress("ann")
    assert (progress.done, progress.total, progress.skipped) == (3, 3, 1)
    assert queue.last_of("ann") == first
    queue.forget("ann", first)
    assert queue.progress("ann").done == 2
    assert queue.next_for("ann") == first
    assert queue.undone("ann", first).value is None


def test_the_owner_sees_what_each_person_chose_and_how_fast():
    queue = Queue(requests(3))
    for person, value, times in (("ann", "A", (2.0, 3.0, 10.0)), ("bob", "B", (40.0, 50.0, None))):
        for task, seconds in zip(queue.by_id, times, strict=True):
            queue.note_shown(Shown(person, task, 1, "AB"))
            queue.note(Entry(person, task, value, seconds=seconds))
    assert person_rows(queue) == [
        PersonRow("ann", 3, 3, 0, 3.0, (("A", 3),)),
        PersonRow("bob", 3, 3, 0, 45.0, (("B", 3),)),
    ]


def test_tasks_of_one_item_are_one_cluster_of_the_owners_agreement():
    item = Item("q", "?")
    responses = [Response(f"q-{s}", "q", s, s) for s in "xyz"]
    pairs = [
        JudgmentRequest(f"t{i}", item, (responses[a], responses[b]), OVERALL)
        for i, (a, b) in enumerate([(0, 1), (0, 2), (1, 2)])
    ]
    queue = Queue([*pairs, *requests(2)])
    for task in ("t0", "t2", "overall-1"):
        queue.note(Entry("ann", task, "A"))
    queue.note(Entry("bob", "t2", None))
    ((criterion, ratings),) = ratings_by_criterion(queue)
    assert criterion == OVERALL
    assert list(ratings.clusters) == [0, 0, 1]
    assert ratings.annotators == ("ann", "bob")
    assert ratings.codes.tolist() == [[ratings.categories.index("A"), MISSING]] * 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], 0),
        (["A"], 0),
        (["A", "A"], 0),
        (["A", "B"], 1),
        (["A", "B", "TIE"], 1),
        ([None, "A"], 1),
    ],
)
def test_disagreement(values, expected):
    assert disagreement(values) == pytest.approx(expected)


def verdict(value, probability=None, request="r"):
    ok = Verdict(Status.OK, value, probability)
    return Judgment(request, "judge", "1", "judge", ok)


def test_judge_uncertainty():
    assert judge_uncertainty([verdict("A", 1.0)])["r"] == 0
    assert judge_uncertainty([verdict("A", 0.5)])["r"] == 1
    # Sure in both orders, but of whatever stands first: as unsure as can be.
    assert judge_uncertainty([verdict("A"), verdict("B")])["r"] == 1
    assert 0.8 < judge_uncertainty([verdict("A", 0.7)])["r"] < 0.9
    assert judge_uncertainty([verdict(4.0), verdict(4.0)])["r"] == 0
    failed = Judgment("r", "judge", "1", "judge", Verdict(Status.ERROR))
    assert judge_uncertainty([failed]) == {"r": 1.0}
    assert judge_uncertainty([failed, verdict("A", 1.0)]) == {"r": 0.0}
