"""harness cascade: confident verdicts stand, the rest is queued."""

import json
import random

from judge_commands import invoke, write

from harness.records.rows import read_items, read_responses


def test_a_cascade_accepts_with_a_guarantee_and_queues_the_rest(tmp_path):
    """Confident verdicts of this judge are right, unsure ones are coin flips."""
    items, responses = write(tmp_path, 201)
    rng = random.Random(1)
    rows, labels = [], ["item_id,label"]
    for n in range(200):
        sure, label = n % 2 == 0, rng.choice("AB")
        says = label if sure else rng.choice("AB")
        p = 0.95 if sure else 0.6
        labels.append(f"i{n},{label}") if n < 150 else None
        rows.append(
            {
                "request_id": f"r{n}",
                "source": "cheap",
                "source_version": "1",
                "annotator": "cheap",
                "item_id": f"i{n}",
                "response_ids": [f"i{n}.0", f"i{n}.1"],
                "source_info": {
                    "kind": "judge",
                    "simulated": False,
                    "identity": "",
                    "models": [],
                    "scale": None,
                },
                "verdict": {
                    "status": "ok",
                    "value": says,
                    "probability": p if says == "A" else 1 - p,
                    "rationale": "",
                },
            }
        )
    rows.append(
        {
            **rows[0],
            "request_id": "r-failed",
            "item_id": "i200",
            "response_ids": ["i200.0", "i200.1"],
            "verdict": {"status": "timeout", "value": None, "probability": None, "rationale": "x"},
        }
    )
    (tmp_path / "judgments.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    (tmp_path / "labels.csv").write_text("\n".join(labels))
    out = tmp_path / "left"
    command = (
        "cascade", tmp_path / "judgments.jsonl", "--labels", tmp_path / "labels.csv",
        "--items", items, "--responses", responses, "--out", out, "--risk",
    )  # fmt: skip
    result = invoke(*command, 0.05)
    assert result.exit_code == 0, result.output
    assert "100 of 201" in result.output
    accepted = [json.loads(line) for line in (out / "accepted.jsonl").read_text().splitlines()]
    assert len(accepted) == 100 and {int(r["item_id"][1:]) % 2 for r in accepted} == {0}
    left = read_items(out / "items.jsonl")
    assert len(left) == 101, "unsure pairs, and the one whose judge failed"
    assert len(read_responses(out / "responses.jsonl", left)) == 202
    hopeless = invoke(*command, 0.001)
    assert "no threshold" in hopeless.output
