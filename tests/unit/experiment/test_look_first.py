"""Every source is asked a few requests before the long work; one that gives nothing stops it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hanging_verifier import hangs
from typer.testing import CliRunner

from harness.cli.main import app, register
from harness.experiment.stages.look import FEW, spread
from harness.nouns.errors import HarnessError
from harness.nouns.schema import Judgment
from harness.registry import registry

if TYPE_CHECKING:
    from conftest import World

LATER = ("train", "step", "jobs")
"""What is noted of the long work."""


def replies(world: World, source: str, said: Any) -> None:
    """Let every reply of a source be the same; None says nothing at all."""
    path = world.folder / f"{source}.json"
    says = json.loads(path.read_text())
    changed = {
        annotator: {} if said is None else dict.fromkeys(script, said)
        for annotator, script in says.items()
    }
    path.write_text(json.dumps(changed))


def dies(world: World, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the judge called jury raise, whatever it is asked."""
    from harness.experiment.config import read_config
    from harness.experiment.sources import build_sources

    kind = type(build_sources(read_config(world.write())[0], world.file)["jury"].source)
    annotate = kind.annotate  # type: ignore[attr-defined]

    async def raising(self: Any, *args: Any, **options: Any) -> AsyncIterator[Judgment]:
        if self.info.name == "jury":
            raise error
        async for judgment in annotate(self, *args, **options):
            yield judgment

    monkeypatch.setattr(kind, "annotate", raising)


WAYS: list[tuple[Any, str, str]] = [
    # what the source says of everything, how it is told, and the way out
    ("!error 401: no such key", "12 error", "a key, a model's name"),
    ("!timeout no reply in 60 s", "12 timeout", "make it faster"),
    ("!refused I cannot judge", "12 refused", "take another model"),
    ("!unparseable no verdict: Well...", "12 unparseable", "harness show-prompt"),
    (None, "4 missing", "harness judge asks it alone"),
    ("C", "12 error", "harness judge asks it alone"),  # off its scale
    (7.5, "12 error", "harness judge asks it alone"),
]


@pytest.fixture
def told(whole: World) -> Callable[..., str]:
    """Run to the stop before the long work, and return its message."""

    def call(**changes: Any) -> str:
        with pytest.raises(HarnessError) as stopped:
            whole.run(**changes)
        assert stopped.value.exit_code == 1
        assert not any(whole.happened(what) for what in LATER)
        return str(stopped.value)

    return call


@pytest.mark.parametrize(("said", "counts", "way_out"), WAYS)
def test_a_judge_that_fails_in_any_way_stops_the_run_with_reasons_example_and_way_out(
    whole: World, told: Callable[..., str], said: Any, counts: str, way_out: str
) -> None:
    replies(whole, "jury", said)
    text = told()
    assert text.startswith(
        "the run stops before its long work, since no verdict came from: jury\n"
        "source jury (scripted, pairwise): "
    )
    assert (counts in text and f"hint: {way_out}" in text) or way_out in text
    if isinstance(said, str) and said.startswith("!"):
        assert f"12 times: {said.partition(' ')[2]}" in text
    assert "for example item t0: 'Q t0'" in text
    assert "response base.0.t0.0: 't0a'" in text and "response base.0.t0.1: 't0b'" in text
    # It was not asked more than a few, and people were not asked for anything.
    assert {row[3] for row in whole.happened("ask", "jury")} <= {f"t{n}a|t{n}b" for n in range(4)}
    assert whole.happened("ask", "people") == []


@pytest.mark.parametrize("error", [RuntimeError("no GPU"), SystemExit("bye"), MemoryError()])
def test_a_judge_that_dies_is_told_like_one_that_fails(
    whole: World,
    told: Callable[..., str],
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dies(whole, monkeypatch, error)
    text = told()
    assert "no verdict came from: jury" in text and "4 error" in text
    assert type(error).__name__ in text


def test_all_sources_that_give_nothing_are_told_at_once(
    whole: World, told: Callable[..., str]
) -> None:
    for name, said in (("critic", "!refused no"), ("verifier", "!error ImportError: numpy")):
        replies(whole, name, said)
    for name in ("exam", "twin"):
        replies(whole, name, "!error 404")
    text = told()
    assert "no verdict came from: critic, verifier, exam, twin\n" in text
    assert "4 times: ImportError: numpy" in text
    for item in ("e0", "e3"):  # the examples are of what the evaluators will be asked
        assert [row for row in whole.happened("ask", "exam") if row[3].startswith(f"base0{item}")]


def test_a_verifier_that_hangs_has_less_time_than_in_the_run(
    whole: World, told: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = registry()
    monkeypatch.setitem(cast(dict[str, Any], found.sources), "hangs", hangs)
    monkeypatch.setitem(cast(dict[str, Any], found.origins), "hangs", found.origins["command"])
    monkeypatch.setattr("harness.experiment.run.LOOK_S", 0.3)
    text = told(sources={**whole.experiment["sources"], "verifier": {"use": "hangs"}})
    assert "no verdict came from: verifier" in text and "4 timeout" in text
    assert "4 times: took longer than 0.3 s" in text
    assert "hint: make it faster, or say timeout: SECONDS in the experiment file" in text


def test_a_source_that_abstains_from_everything_stops_before_training(
    whole: World, told: Callable[..., str]
) -> None:
    replies(whole, "verifier", "!abstained no reference")
    text = told()
    assert "source verifier (scripted, pointwise): 18 judgments: 18 abstained" in text
    assert "18 times: no reference" in text and "such as a reference" in text
    assert len(whole.happened("ask", "verifier")) == 18  # all of it: the few may be no sample


def test_a_source_that_abstains_from_the_few_only_is_no_fault(whole: World) -> None:
    path = whole.folder / "verifier.json"
    says = json.loads(path.read_text())
    for key in ("t0a", "t1b", "t2c", "t4a"):
        says["verifier"][key] = "!abstained no reference"
    path.write_text(json.dumps(says))
    arms = {"rlvr": whole.experiment["arms"]["rlvr"]}
    whole.run(arms=arms, agreement=None, seeds=[0])
    assert [row[3] for row in whole.happened("ask", "verifier")][:4] == ["t0a", "t1b", "t2c", "t4a"]


def test_an_evaluator_that_abstains_is_asked_more_before_training(
    whole: World, told: Callable[..., str]
) -> None:
    path = whole.folder / "exam.json"
    first = json.loads(path.read_text())
    replies(whole, "exam", "!abstained no reference")
    arms = {"rlhf": whole.experiment["arms"]["rlhf"]}
    text = told(arms=arms, agreement=None, seeds=[0])
    assert "source exam (scripted, pointwise): 8 judgments: 8 abstained" in text
    few = dict.fromkeys((f"base0e{n}a" for n in range(4)), "!abstained no reference")
    path.write_text(json.dumps({"exam": {**first["exam"], **few}}))
    whole.run(arms=arms, agreement=None, seeds=[0])


def test_people_of_whom_no_label_fits_stop_the_run(whole: World, told: Callable[..., str]) -> None:
    replies(whole, "people", None)
    text = told()
    assert "source people (scripted, pairwise): 5 judgments: 5 missing" in text
    assert "the ids of items and responses in the labels must be those of the run" in text


def test_after_the_mend_the_same_call_goes_on_and_asks_no_verdict_twice(
    whole: World, told: Callable[..., str]
) -> None:
    path = whole.folder / "jury.json"
    right = path.read_text()
    replies(whole, "jury", "!error 503")
    told()
    asked = {(row[1], row[3]) for row in whole.happened("ask") if row[1] in ("exam", "critic")}
    path.write_text(right)
    before = len(whole.happened("ask"))
    whole.run()
    again = {(row[1], row[3]) for row in whole.happened("ask")[before:]}
    assert asked and not asked & again


def test_where_sampling_takes_long_the_look_comes_before_it(
    whole: World, told: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.policy.respond.BATCH", 4)
    sampled: list[int] = []
    sample = whole.sample

    def counted(model: Any, items: Any, *args: Any, **options: Any) -> Any:
        sampled.append(len(items))
        return sample(model, items, *args, **options)

    monkeypatch.setattr("harness.policy.respond.sample_policy", counted)
    replies(whole, "jury", "!error 503")
    told()
    assert sampled == [FEW, FEW]
    assert not (whole.out / "responses").exists()
    replies(whole, "jury", ["A", "B"])
    with pytest.raises(HarnessError):
        whole.run(arms={"rlhf": {"sources": ["jury"], "trainer": "dpo"}}, agreement=None)
    assert max(sampled) == 6


def test_a_few_are_spread_over_all() -> None:
    assert spread(range(100)) == [0, 25, 50, 75]
    assert spread(range(3)) == [0, 1, 2]
    assert spread(range(5)) == [0, 1, 2, 3]
    assert spread([]) == []


@pytest.mark.parametrize(
    ("references", "code", "words"),
    [
        ([None, None], 1, "source last_number (last_number, pointwise): 2 judgments: 2 abstained"),
        (["1", None], 0, "2 requests, 2 judgments"),
    ],
)
def test_harness_judge_exits_with_1_when_no_verdict_came(
    tmp_path: Path, references: list[str | None], code: int, words: str
) -> None:
    if not app.registered_commands:
        register()
    items = [{"id": f"i{n}", "prompt": "Q?", "reference": r} for n, r in enumerate(references)]
    responses = [{"id": f"r{n}", "item_id": f"i{n}", "system": "s", "text": "1"} for n in (0, 1)]
    for name, rows in (("items", items), ("responses", responses)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text)
    done = CliRunner().invoke(
        app,
        ["judge", "--quiet", "--source", "last_number", "--items", str(tmp_path / "items.jsonl"),
         "--responses", str(tmp_path / "responses.jsonl"), "--out", str(tmp_path / "j.jsonl")],
    )  # fmt: skip
    assert done.exit_code == code
    assert words in (done.output if code == 0 else str(done.exception))
    assert (tmp_path / "j.jsonl").is_file()
