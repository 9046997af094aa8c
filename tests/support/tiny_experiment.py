"""The smallest experiment: a verifier trains, another evaluates, people are simulated."""

from __future__ import annotations

from typing import Any

from harness.experiment.config import RunConfig


def config(**changes: Any) -> RunConfig:
    content: dict[str, Any] = {
        "name": "x",
        "data": {"train": {"file": "t"}, "evaluation": {"file": "e"}},
        "policy": {"model": "m"},
        "sources": {
            "verifier": {"use": "last_number"},
            "style": {"use": "keywords", "options": {"any_of": ["please"]}},
            "people": {"use": "simulated_people"},
        },
        "arms": {"rlvr": {"sources": ["verifier"], "trainer": "grpo"}},
        "evaluation": {"evaluators": ["style"]},
        **changes,
    }
    return RunConfig.model_validate(content)
