"""Model cards of the arms and a card of the data, with the header that Hugging Face reads.

They say what the report says and nothing else: a licence, a language or a use that nobody stated is
left out, for the owner to fill in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.nouns.counted import counted
from harness.records.writes import make_folder, write_text
from harness.report.criteria import titled, why_not_held_out
from harness.report.differences import ends_of, those
from harness.report.markdown import escaped
from harness.report.tables import interval, shown
from harness.report.verdict import outcome
from harness.report.wording import Names, join, number, prompts

Data = Mapping[str, Any]


def write_cards(data: Data, folder: Path) -> list[Path]:
    """Write a model card for each arm that was evaluated, and a card of the data.

    Returns:
        The files: ``ARM.md``, and ``dataset.md``.
    """
    make_folder(folder)
    trained = {policy["name"] for policy in data["evaluation"]["policies"]}
    made = {
        folder / f"{arm['name']}.md": model_card(data, arm)
        for arm in data.get("arms", ())
        if arm["name"] in trained
    }
    made[folder / "dataset.md"] = dataset_card(data)
    for path, text in made.items():
        write_text(path, text)
    return list(made)


def model_card(data: Data, arm: Data) -> str:
    """Return the model card of an arm as Markdown with a YAML header."""
    names, name = Names.of_run(data), str(arm["name"])
    scores = [row for row in data["evaluation"]["scores"] if row["policy"] == name]
    held = _held_out(data)
    metrics = [
        {
            "type": row["evaluator"],
            "value": row["value"],
            "name": names.source(row["evaluator"])
            + (f" ({why})" if (why := why_not_held_out(row)) else ""),
        }
        for row in scores
        if row["value"] is not None
    ]
    found = {
        "task": {"type": "text-generation", "name": "Text generation"},
        "dataset": {"type": held, "name": f"{held}, held out"},
        "metrics": metrics,
    }
    base = ((data.get("manifest") or {}).get("experiment") or {}).get("policy", {}).get("model")
    head = {
        **({"base_model": str(base)} if base else {}),
        "pipeline_tag": "text-generation",
        "tags": ["feedback-harness", str(arm["trainer"])],
        "model-index": [{"name": name, "results": [found] if metrics else []}],
    }
    said, _ = outcome(name, data["evaluation"], names)
    rows = [
        f"| {escaped(titled(row['evaluator'], data, names))} | {shown(row['value'], 'score')}"
        f" | {interval(ends_of(row))} | {_change(row)} | {row['n']:,} | {_held(row)} |"
        for row in scores
    ]
    seeds = [str(seed["seed"]) for seed in arm["seeds"]]
    sources = [names.source(source) for source in arm["sources"]]
    lines = [
        f"# {escaped(name)}",
        escaped(str(arm.get("title") or "")),
        f"Trained by {escaped(arm['trainer'])} on feedback of {escaped(join(sources))}, with"
        f" {'seed' if len(seeds) == 1 else 'seeds'} {escaped(join(seeds))}, from"
        f" {prompts((data['run'].get('items') or {}).get('train'))}, in the experiment"
        f" {escaped(str(data['run']['name']))} ({escaped(str(data['run'].get('created') or ''))}).",
        f"Against base: {escaped(_where(said, scores))}.",
        "## Results on held-out prompts",
        "\n".join(
            [
                "| evaluator | score | 95% interval | change from base | responses | held out |",
                "|---|---:|---:|---:|---:|---|",
                *rows,
            ]
        ),
        _few(scores),
        "## Limits",
        "\n".join(f"- {escaped(line)}" for line in data["limitations"]) or "None was found.",
        "## Not stated",
        "The report of the experiment does not say for which use, language or licence this model is"
        " meant.",
    ]
    return _with_header(head, lines)


def dataset_card(data: Data) -> str:
    """Return the card of the feedback and the prompts as Markdown with a YAML header."""
    run, names = data["run"], Names.of_run(data)
    items = run.get("items") or {}
    rows = [
        f"| {escaped(names.source(source['name']))} | {escaped(source['kind'])}"
        f" | {'yes' if source.get('simulated') else 'no'} | {source['judgments']:,}"
        f" | {source['ok']:,} | {escaped(', '.join(source.get('models') or ()) or 'none')} |"
        for source in data.get("sources", ())
    ]
    lines = [
        f"# Feedback of {escaped(str(run['name']))}",
        escaped(str(run.get("description") or "")),
        f"{prompts(items.get('train'))} for training and {counted(items.get('eval') or 0, 'more')}"
        f" held out, with the judgments of {counted(len(rows), 'source')}.",
        "## Who gave feedback",
        "\n".join(
            [
                "| source | kind | simulated | judgments | verdicts | models |",
                "|---|---|---|---:|---:|---|",
                *rows,
            ]
        ),
        "A judgment without a verdict is a failure; it is kept with its reason and is never a score"
        " of 0.",
        "## Not stated",
        "The report of the experiment does not say whence the prompts are, in which language, or"
        " under which licence.",
    ]
    head = {
        "pretty_name": f"Feedback of {run['name']}",
        "tags": ["feedback-harness", "preferences"],
        "size_categories": [_size((items.get("train") or 0) + (items.get("eval") or 0))],
    }
    return _with_header(head, lines)


def _held_out(data: Data) -> str:
    """Return the name of the held-out items, without their ending."""
    experiment = (data.get("manifest") or {}).get("experiment") or {}
    file = ((experiment.get("data") or {}).get("evaluation") or {}).get("file")
    return Path(str(file)).stem if file else str(data["run"]["name"])


def _change(row: Data) -> str:
    found = row["difference"]
    if not found or found["value"] is None:
        return ""
    return f"{number(found['value'], sign=True)} ({interval(ends_of(found), 'change')})"


def _few(scores: Sequence[Data]) -> str:
    where = next((told for row in scores if (told := those(row))), "")
    return f"Intervals are over prompts, {where}; another training may differ." if where else ""


def _held(row: Data) -> str:
    if why := why_not_held_out(row):
        return f"no: {why}"
    return "yes" if row["held_out"] else "not known"


def _where(said: str, scores: Sequence[Data]) -> str:
    """Return a verdict, and of which trainings alone it is where they are few."""
    few = next((told for row in scores if (told := those(row["difference"]))), "")
    return f"{said}, {few}" if few else said


def _size(items: int) -> str:
    """Return the class of sizes that Hugging Face has for a data set."""
    ends = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
    return next((name for end, name in ends if items < end), "n>100K")


def _with_header(head: Data, lines: list[str]) -> str:
    import yaml

    top = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    return "---\n" + top + "---\n\n" + "\n\n".join(line for line in lines if line) + "\n"
