"""Results in the format of Every Eval Ever (schema 0.3.0), one file for each policy.

https://github.com/evaleval/every_eval_ever, ``eval.schema.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.records.writes import make_folder, write_json
from harness.report.against_base import COMPARES, compares

Data = Mapping[str, Any]

VERSION = "0.3.0"
"""Of the schema that is written."""

NOT_STATED = "not stated"
"""What stands where the format asks for something that a report does not know."""


def write_every_eval_ever(data: Data, folder: Path) -> list[Path]:
    """Write ``POLICY.json`` for each policy that has a score."""
    make_folder(folder)
    made = []
    for policy in data["evaluation"]["policies"]:
        record = record_of(data, policy)
        if record["evaluation_results"]:
            made.append(folder / f"{policy['name']}.json")
            write_json(made[-1], record)
    return made


def record_of(data: Data, policy: Data) -> dict[str, Any]:
    """Return the record of a policy; a score that is not known is left out, never a 0.

    So is that of base by a judge of pairs, whom nobody compared with itself.
    """
    run, name = data["run"], str(policy["name"])
    created = str(run.get("created") or "")
    stamp = _seconds(created)
    experiment = (data.get("manifest") or {}).get("experiment") or {}
    arm = next((a for a in data.get("arms", ()) if a["name"] == name), None)
    told = {
        "trainer": str(arm["trainer"]) if arm else "",
        "feedback": ", ".join(arm["sources"]) if arm else "",
        "base_model": str((experiment.get("policy") or {}).get("model") or ""),
        "seeds": ", ".join(str(seed) for seed in policy["seeds"]),
    }
    return {
        "schema_version": VERSION,
        "evaluation_id": f"{run['name']}/{name}/{stamp}",
        "retrieved_timestamp": stamp,
        **({"evaluation_timestamp": created} if created else {}),
        "source_metadata": {
            "source_name": f"report of {run['name']}",
            "source_type": "evaluation_run",
            "source_organization_name": NOT_STATED,
            "evaluator_relationship": "first_party",
        },
        "eval_library": {
            "name": "feedback-harness",
            "version": str(run.get("harness_version") or "unknown"),
        },
        "model_info": {
            "name": name,
            "id": f"{run['name']}/{name}",
            "additional_details": {
                "deployment_type": "self_deployed",
                "model_availability": "unknown",
                **{key: value for key, value in told.items() if value},
            },
        },
        "evaluation_results": [
            _result(data, row, experiment)
            for row in data["evaluation"]["scores"]
            if row["policy"] == name and row["value"] is not None and row["coverage"] is not None
        ],
    }


def _result(data: Data, row: Data, experiment: Data) -> dict[str, Any]:
    evaluation = data["evaluation"]
    evaluator = next(e for e in evaluation["evaluators"] if e["name"] == row["evaluator"])
    file = ((experiment.get("data") or {}).get("evaluation") or {}).get("file")
    held = {True: "yes", False: "no", None: "unknown"}[row["held_out"]]
    uncertainty: dict[str, Any] = {"num_samples": row["n"]}
    if row["low"] is not None and row["high"] is not None:
        uncertainty["confidence_interval"] = {
            "lower": row["low"],
            "upper": row["high"],
            "confidence_level": evaluation["confidence"],
            "method": f"over {row['interval_over']}",
        }
    return {
        "evaluation_result_id": f"{row['evaluator']}/{row['policy']}",
        "evaluation_name": str(evaluator["title"]),
        "source_data": {
            "dataset_name": Path(str(file)).stem if file else str(data["run"]["name"]),
            "source_type": "other",
            "additional_details": {"items": str(evaluation["items"])},
        },
        "metric_config": {
            "metric_name": str(evaluator["title"]),
            "lower_is_better": evaluator.get("direction") == "lower",
            "score_type": "continuous",
            "min_score": 0,
            "max_score": 1,
            "additional_details": {
                "kind": str(evaluator["kind"]),
                **({"measures": COMPARES} if compares(evaluator) else {}),
                "simulated_people": "yes" if evaluator["simulated"] else "no",
                "held_out_from_training": held,
            },
        },
        "score_details": {
            "score": row["value"],
            "details": {
                "coverage": repr(row["coverage"]),
                "failures": ", ".join(f"{n} {why}" for why, n in row["failures"].items()) or "0",
                "clusters": str(row["clusters"]),
            },
            "uncertainty": uncertainty,
        },
    }


def _seconds(created: str) -> str:
    """Return a time in Unix seconds, as the format asks; the record is as old as the run."""
    try:
        return str(int(datetime.fromisoformat(created).timestamp()))
    except ValueError:
        return "0"
