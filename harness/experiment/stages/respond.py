"""Respond: the base policy answers the training items."""

from __future__ import annotations

from harness.experiment.context import StartBar
from harness.experiment.experiment import Experiment
from harness.nouns.schema import Response
from harness.records.rows import read_responses, to_dict
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_jsonl


def respond(experiment: Experiment, directory: RunDirectory, bar: StartBar) -> list[Response]:
    """Sample the base policy on the training items, or read what an earlier try sampled."""
    from harness.policy.respond import sample_policy
    from harness.policy.sampling import Sampling

    config, items, model = experiment.config, experiment.train, experiment.model
    policy = config.policy
    path = directory.path / "responses" / "train.jsonl"
    inputs = {
        "policy": [policy.model_dump(), experiment.weights],
        "items": [to_dict(item) for item in items],
        "seed": config.seeds[0],
    }
    if directory.is_done("respond", inputs) and path.is_file():
        return read_responses(path, items)
    move = bar("sampling the base policy", len(items) * policy.responses_per_item)
    sampling = Sampling(
        policy.temperature, policy.max_new_tokens, config.seeds[0], policy.responses_per_item
    )
    responses = sample_policy(model, items, sampling, system="base", on_batch=move)
    write_jsonl(path, responses)
    directory.mark_done("respond", inputs)
    return responses
