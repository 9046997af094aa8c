"""KTO: completions that are wanted or not, from rows with a label or from preferences."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.nouns.errors import DataError
from harness.train.kto import Kto, KtoSettings, unlike
from harness.train.log import read_log
from harness.train.result import TrainingFolder
from harness.train.rows import plain_rows
from harness.train.training import TrainOptions

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

GOOD = [{"prompt": f"{n}+3?", "completion": f"It is {n + 3}.", "label": True} for n in range(8)]
BAD = [{**row, "completion": "No idea, dude!", "label": 0} for row in GOOD]
CHAT = [{"role": "user", "content": "2+3?"}]


def test_rows_with_a_label_keep_it() -> None:
    chat = {"prompt": CHAT, "completion": [{"role": "assistant", "content": "5."}], "label": False}
    found = [row for _, row in Kto.plain_rows([GOOD[0], BAD[0], chat])]
    assert [row["label"] for row in found] == [True, False, False]
    assert found[2]["completion"] == "5." and found[2]["prompt"] == CHAT
    assert Kto.columns(GOOD) == ("prompt", "completion", "label")
    assert Kto.columns([{"prompt": "a", "chosen": "b"}]) == ("prompt", "chosen", "rejected")


@pytest.mark.parametrize(("size", "world", "fits"), [(1, 1, 0), (2, 1, 1), (2, 2, 0), (4, 2, 1)])
def test_a_completion_has_another_prompt_beside_it_on_every_process(
    size: int, world: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(world))
    with nullcontext() if fits else pytest.raises(ValueError, match="leaves KTO no other prompt"):
        KtoSettings(batch_size=size)


SAID = [(True, True), (False, False), (1, True), (0, False), ("true", True), ("false", False),
        ("True", True), ("FALSE", False), (" true ", True), ("1", True), ("0", False)]  # fmt: skip


def test_a_label_in_words_is_what_it_says() -> None:
    found = Kto.plain_rows([{**GOOD[0], "label": label} for label, _ in SAID])
    assert [row["label"] for _, row in found] == [wanted for _, wanted in SAID]


def test_a_column_called_wanted_is_no_label() -> None:
    (row,) = [row for _, row in Kto.plain_rows([{**GOOD[0], "wanted": False}])]
    assert (row["label"], row["wanted"]) == (True, False)


WRONG: list[tuple[list[Any], str]] = [
    ([GOOD[0], {**GOOD[1], "label": "yes"}], "row 2: label must be true or false, got 'yes'"),
    ([GOOD[0], {**GOOD[1], "label": "2"}], "row 2: label must be true or false, got '2'"),
    ([{**GOOD[1], "label": None}], "row 1: label must be true or false, got None"),
    ([{**GOOD[1], "label": 0.5}], "row 1: label must be true or false, got 0.5"),
    ([GOOD[0], {"prompt": "a", "completion": "b"}], "row 2: label must be true or false, got None"),
    ([GOOD[0], {"prompt": "a", "label": True}], "row 2: column 'completion' is missing"),
    ([{"prompt": "a", "chosen": "b"}], "row 1: column 'rejected' is missing"),
    ([GOOD[0], 7], "row 2: is no object of columns, got 7"),
]


@pytest.mark.parametrize(("rows", "line"), WRONG)
def test_a_wrong_label_is_named_with_its_row(rows: list[Any], line: str) -> None:
    with pytest.raises(DataError) as wrong:
        Kto.plain_rows(rows)
    assert line in wrong.value.details


def test_a_label_is_in_the_way_of_those_only_who_imitate() -> None:
    """Rewards are given to what is sampled; pairs are told who takes such rows."""
    (prompt,) = plain_rows([BAD[0] | {"label": False}], ("prompt",), "prompts")
    assert prompt[1]["prompt"] == BAD[0]["prompt"]
    with pytest.raises(DataError, match="label is false: a completion that is not wanted"):
        plain_rows([BAD[0] | {"label": False}], ("prompt", "completion"), "completions")
    for label in ("false", "False", "0"):
        with pytest.raises(DataError, match="label is false: a completion that is not wanted"):
            plain_rows([BAD[0] | {"label": label}], ("prompt", "completion"), "completions")
    with pytest.raises(DataError, match="kto learns from rows of prompt, completion and label"):
        plain_rows(BAD, ("prompt", "chosen", "rejected"), "preferences")


# wanted, not wanted, their weights, the range that is told
WEIGHTS = [
    (4, 4, 1.0, 1.0, ""),
    (4, 4, 3.0, 1.0, ""),
    (2, 8, 1.0, 1.0, "4 to 5.33"),
    (2, 8, 4.0, 1.0, ""),
    (2, 8, 5.3, 1.0, ""),
    (2, 8, 5.4, 1.0, "4 to 5.33"),
    (8, 2, 1.0, 1.0, "0.25 to 0.333"),
    (8, 2, 1.0, 4.0, ""),
    (8, 2, 0.0, 1.0, ""),
    (3, 1, 0.1, 0.3, ""),
]


@pytest.mark.parametrize(("wanted", "others", "more", "less", "told"), WEIGHTS)
def test_kinds_that_do_not_weigh_alike_are_told(
    wanted: int, others: int, more: float, less: float, told: str
) -> None:
    line = unlike([True] * wanted + [False] * others, more, less)
    assert (f"from {told} lets" in line) if told else not line


@pytest.mark.parametrize(("label", "kind"), [(True, "wanted"), (False, "not wanted")])
def test_completions_of_one_kind_are_told(label: bool, kind: str) -> None:
    assert f"all 3 completions are {kind}," in unlike([label] * 3, 1.0, 1.0)
    assert not unlike([], 1.0, 1.0)


def built(rows: list[Any], policy: Path, out: Path) -> Any:
    from harness.policy.models import load_tokenizer

    training = Kto(policy, rows, KtoSettings(batch_size=4), out, TrainOptions(seed=2))
    training.folder = TrainingFolder(out, {}, None)
    training.tokenizer = load_tokenizer(policy)
    return training.build(), training.left_out.counts()


@pytest.mark.slow
def test_preferences_are_two_examples_each_in_an_order_of_the_seed(
    policy_path: Path, tmp_path: Path
) -> None:
    """TRL keeps the order, in which the two responses of a prompt would stand beside each other."""
    rows = [
        {"prompt": good["prompt"], "chosen": good["completion"], "rejected": bad["completion"],
         "probability": chance}
        for good, bad, chance in zip(GOOD, BAD, [1, 0.8, 0.2, 0.5] * 2, strict=True)
    ]  # fmt: skip
    trainer, left = built(rows, policy_path, tmp_path)
    tokenizer = trainer._tokenizer
    made = [
        (tokenizer.decode(row["prompt_ids"]), tokenizer.decode(row["completion_ids"]), row["label"])
        for row in trainer.train_dataset
    ]
    assert left == {"tied": 2} and len(made) == 12
    wanted = {(prompt, text.startswith("It is")) for prompt, text, label in made if label}
    assert all(text.endswith(tokenizer.eos_token) for _, text, _ in made)
    turned = {"<bos>2+3?", "<bos>6+3?"}
    assert wanted == {(prompt, prompt not in turned) for prompt, *_ in made}
    prompts = [prompt for prompt, *_ in made]
    assert prompts != sorted(prompts)


@pytest.mark.slow
def test_it_learns_what_is_wanted(policy_path: Path, tmp_path: Path) -> None:
    settings = {"batch_size": 8, "learning_rate": 3e-3, "epochs": 5, "warmup_steps": 0}
    result = trained_by("kto", policy_path, [*GOOD, *BAD], settings, tmp_path)
    log = read_log(result.log_path)
    assert (result.used, result.steps) == (16, 10)
    assert log[0]["reward_margin"] == pytest.approx(0, abs=1e-3)
    assert log[-1]["reward_margin"] > 0.3
    assert {"kto_kl", "reward/chosen", "reward/rejected", "entropy"} <= log[-1].keys()
