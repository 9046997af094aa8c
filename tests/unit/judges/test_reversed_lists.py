"""A list that is asked in the reversed order, too, is shown in the reverse of its seeded order."""

from __future__ import annotations

from harness.feedback.requests import as_first_asked, reversed_request
from harness.judging.model_judge import ModelJudgeSource
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, JudgmentRequest, Response
from harness.registry import registry


def test_a_list_is_shown_in_the_reverse_of_its_order() -> None:
    source = registry().source("llm_judge").build({"model": "openai/m", "rubric": "helpfulness"})
    assert isinstance(source, ModelJudgeSource)
    responses = tuple(Response(f"r{n}", "i", "", str(n)) for n in range(6))
    orders = set()
    for n in range(5):
        criterion = Criterion("overall", "?", BINARY)
        asked = JudgmentRequest(f"list {n}", Item("i", "?"), responses, criterion)
        turned = reversed_request(asked)
        assert turned.id != asked.id and as_first_asked(turned) == asked
        one, other = (source.judge.shown(request, 7, 0).responses for request in (asked, turned))
        assert one == other[::-1]
        orders.add(tuple(response.id for response in one))
    assert len(orders) > 1
