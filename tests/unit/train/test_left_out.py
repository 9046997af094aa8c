"""Rows that a training does not learn from: counted, named, told, and refused when all are."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.experiment.stages.train_files import train as stage
from harness.nouns.errors import DataError, InputError
from harness.policy.models import context_length, load_tokenizer
from harness.records.rows import read_rows
from harness.train.left_out import CUT, EMPTY, FILE, NO_END, TOO_LONG, TOOLS, LeftOut, Nothing, told
from harness.train.log import as_logged, of_step
from harness.train.result import TrainResult
from harness.train.table import TRAINERS
from harness.train.trl_training import TrlTraining

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

SHORT = {
    "prompt": "2+3?",
    "reference": "5",
    "completion": "5.",
    "chosen": "5.",
    "rejected": "5, duh.",
}
LONG = {**SHORT, "prompt": "2+3?" * 20}
ONLINE = ("grpo", "rloo", "ppo", "online_dpo", "best_of_n")
SMALL: dict[str, dict[str, Any]] = {
    "sft": {},
    "dpo": {},
    "reward_model": {"held_out_share": 0.0},
    "kto": {},
    "grpo": {"group_size": 2, "steps": 2, "max_new_tokens": 2},
    "rloo": {"group_size": 2, "steps": 2, "max_new_tokens": 2},
    "ppo": {"rollout_size": 2, "steps": 1, "epochs": 1, "max_new_tokens": 2},
    "online_dpo": {"rollout_size": 2, "steps": 1, "max_new_tokens": 2},
    "best_of_n": {"n": 2, "max_new_tokens": 2},
}


def reward(prompts: Any, **_: Any) -> list[float]:
    return [float(place % 2) for place, _ in enumerate(prompts)]


def none(prompts: Any, **_: Any) -> list[None]:
    return [None] * len(prompts)


def trained(
    trainer: str,
    model: Path,
    rows: Sequence[Any],
    out: Path,
    function: Any = reward,
    **settings: Any,
) -> TrainResult:
    given = {"batch_size": 2, "max_length": 40, "learning_rate": 1e-3, "warmup_steps": 0}
    rewards = {"r": function} if trainer in ONLINE else None
    return trained_by(trainer, model, rows, given | SMALL[trainer] | settings, out, rewards)


DISTINCT = [name for name in TRAINERS if name not in ("rloo", "online_dpo")]
"""Trainers but for those that take rows in as another one does."""


@pytest.fixture
def only_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trainings through TRL end when it would begin."""

    def work(training: TrlTraining) -> int:
        training.build()
        training.folder.final.mkdir()
        return 100

    monkeypatch.setattr(TrlTraining, "trl", lambda *_, **__: None)
    monkeypatch.setattr(TrlTraining, "work", work)


def named(result: TrainResult) -> list[tuple[int, str]]:
    path = result.log_path.with_name(FILE)
    return [(row["row"], row["reason"]) for _, row in read_rows(path)] if path.exists() else []


def weights(result: TrainResult) -> bytes:
    (file,) = result.checkpoint.glob("*.safetensors")
    return file.read_bytes()


@pytest.mark.parametrize("trainer", ["sft", "dpo", "reward_model"])
def test_a_response_that_says_nothing_loses_its_row_only(
    trainer: str, policy_path: Path, tmp_path: Path
) -> None:
    """A policy may end at once: a whole training was refused for one such pair."""
    keys = ["completion"] if trainer == "sft" else ["chosen", "rejected"]
    empty = [{**SHORT, key: nothing} for key in keys for nothing in ("", " \n")]
    rows = [SHORT, *empty, SHORT]
    result = trained(trainer, policy_path, rows, tmp_path / "some")
    assert named(result) == [(n, EMPTY) for n in range(2, len(rows))]
    assert result.left_out == {EMPTY: len(empty)}
    assert weights(result) == weights(trained(trainer, policy_path, [SHORT] * 2, tmp_path / "all"))
    with pytest.raises(DataError, match=f"none of {len(empty)} .*{len(empty)} {EMPTY}"):
        trained(trainer, policy_path, empty, tmp_path / "none")


@pytest.mark.slow
@pytest.mark.parametrize("trainer", DISTINCT)
def test_rows_too_long_are_counted_and_named_and_move_nothing(
    trainer: str, policy_path: Path, tmp_path: Path
) -> None:
    """The training is that of the other rows, bit for bit."""
    result = trained(trainer, policy_path, [SHORT, LONG, SHORT], tmp_path / "some")
    assert (result.rows, result.used, result.left_out) == (3, 2, {TOO_LONG: 1})
    assert (result.too_long, named(result)) == (1, [(2, TOO_LONG)])
    assert result.told() == [
        "learnt from 2 of 3 rows: 1 too long for max_length; left_out.jsonl says which"
    ]
    other = trained(trainer, policy_path, [SHORT, SHORT], tmp_path / "short")
    assert (other.rows, other.used, other.left_out, other.told()) == (2, 2, {}, [])
    assert named(other) == []
    assert weights(result) == weights(other)
    again = trained(trainer, policy_path, [SHORT, LONG, SHORT], tmp_path / "some")
    assert again == result


@pytest.mark.slow
@pytest.mark.parametrize("trainer", DISTINCT)
def test_a_training_on_nothing_is_refused(trainer: str, policy_path: Path, tmp_path: Path) -> None:
    """It names the rows and the limit that they need, which may then be given in that folder."""
    path, out = tmp_path / "rows.jsonl", tmp_path / "out"
    path.write_text(f"{json.dumps(LONG)}\n\n{json.dumps(LONG)}\n", encoding="utf-8")
    given: dict[str, Any] = {"batch_size": 2, "max_length": 40, **SMALL[trainer]}
    rewards = {"last_number": 1.0} if trainer in ONLINE else {}
    with pytest.raises(DataError) as wrong:
        stage(trainer, str(policy_path), path, out, {"values": given, "rewards": rewards})
    what = {"sft": "completions"} | dict.fromkeys(("dpo", "kto", "reward_model"), "preferences")
    assert wrong.value.what == (
        f"none of 2 {what.get(trainer, 'prompts')} can be learnt from: 2 too long for max_length 40"
    )
    (both,) = wrong.value.details
    tokens = int(both.removeprefix("lines 1, 3: too long, ").removesuffix(" tokens"))
    assert 80 < tokens < 92
    assert f"set max_length to {tokens} or more" in wrong.value.hint
    assert not list(out.iterdir())
    longer = {"values": given | {"max_length": tokens}, "rewards": rewards}
    assert stage(trainer, str(policy_path), path, out, longer).used == 2


CUTS: list[tuple[str, str, dict[str, Any], dict[str, int]]] = [
    # trainer, what happens, the row, how many rows of each reason
    ("sft", "the completion is cut", {"completion": "5." * 40}, {CUT: 1}),
    ("sft", "the EOS is cut", {"completion": "5" * 35}, {CUT: 1}),
    ("sft", "all is left", {"completion": "5" * 34}, {}),
    ("sft", "one token is left", {"prompt": "5" * 38}, {CUT: 1}),
    ("sft", "no token is left", {"prompt": "5" * 39}, {TOO_LONG: 1}),
    ("dpo", "one response is cut", {"rejected": "6" * 60}, {CUT: 1}),
    ("dpo", "both are cut", {"chosen": "5" * 60, "rejected": "6" * 60}, {CUT: 1}),
    ("dpo", "no token is left", {"prompt": "5" * 39}, {TOO_LONG: 1}),
    ("dpo", "they differ where they are cut", {"chosen": "5" * 60, "rejected": "5" * 60 + "6"},
     {"alike once cut": 1}),
    ("kto", "they differ where they are cut", {"chosen": "5" * 60, "rejected": "5" * 60 + "6"},
     {"alike once cut": 1}),
    ("dpo", "one text twice", {"rejected": "5."}, {"with the same text twice": 1}),
    ("dpo", "a tie", {"probability": 0.5}, {"less certain than minimum_probability": 1}),
    ("dpo", "no certain one", {"probability": 0.6}, {"less certain than minimum_probability": 1}),
    ("reward_model", "one response is too long", {"rejected": "6" * 60}, {TOO_LONG: 1}),
    ("reward_model", "one text twice, a model", {"rejected": "5."},
     {"with the same text twice": 1}),
    ("reward_model", "a tie says that they are equals", {"probability": 0.5}, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("trainer", "row", "right"),
    [
        pytest.param(trainer, row, right, id=name, marks=pytest.mark.slow if CUT in right else ())
        for trainer, name, row, right in CUTS
    ],
)
def test_a_row_is_cut_where_something_is_left_of_it(
    trainer: str, row: dict[str, Any], right: dict[str, int], policy_path: Path, tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    """TRL is given what is left."""
    if CUT not in right:
        request.getfixturevalue("only_built")
    settings = {"minimum_probability": 0.7} if trainer == "dpo" else {}
    result = trained(trainer, policy_path, [SHORT, {**SHORT, **row}], tmp_path, **settings)
    cut = right.get(CUT, 0)
    assert (result.left_out, result.too_long) == (
        {reason: n for reason, n in right.items() if reason != CUT},
        cut + right.get(TOO_LONG, 0),
    )
    assert named(result) == [(2, reason) for reason in right]
    if cut:
        assert result.told() == ["1 row was cut to max_length; left_out.jsonl says which"]


@pytest.mark.usefixtures("only_built")
def test_a_model_s_positions_are_a_limit_too(
    gpt2_path: Path, lora_path: Path, tmp_path: Path
) -> None:
    """GPT-2 has no position 97, whatever max_length says."""
    assert (context_length(gpt2_path), context_length(lora_path)) == (96, 128)
    for trainer in ("sft", "dpo", "reward_model"):
        rows = [SHORT, {**SHORT, "prompt": "5" * 200}]
        result = trained(trainer, gpt2_path, rows, tmp_path / trainer, max_length=1024)
        assert named(result) == [(2, TOO_LONG)]
        with pytest.raises(DataError, match="too long for the 96 positions of the model"):
            trained(trainer, gpt2_path, rows[1:], tmp_path / f"{trainer}1", max_length=1024)


@pytest.mark.slow
def test_a_chat_for_a_model_without_chats_is_refused_and_leaves_the_folder_free(
    policy_path: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="has no chat template"):
        trained("sft", policy_path, [CHATS[3]], tmp_path)
    assert trained("sft", policy_path, [SHORT], tmp_path).used == 1


@pytest.mark.usefixtures("only_built")
def test_what_is_held_out_is_not_learnt_from(policy_path: Path, tmp_path: Path) -> None:
    rows = [{**SHORT, "prompt": f"{place}+3?"} for place in range(4)]
    result = trained("reward_model", policy_path, rows, tmp_path, held_out_share=0.5)
    assert (result.rows, result.used, result.left_out) == (4, 2, {"held out": 2})


@pytest.mark.usefixtures("only_built")
def test_hard_labels_leave_ties_out(policy_path: Path, tmp_path: Path) -> None:
    tie = {**SHORT, "probability": 0.5}
    result = trained("reward_model", policy_path, [tie, SHORT], tmp_path / "1", soft_labels=False)
    assert (result.used, named(result)) == (1, [(1, "tied")])
    with pytest.raises(
        DataError, match="none of 2 preferences can be learnt from: 2 tied"
    ) as wrong:
        trained("dpo", policy_path, [tie, tie], tmp_path / "2", soft_labels=False)
    assert wrong.value.details == ("rows 1, 2: tied",)
    assert "minimum_probability" in wrong.value.hint


@pytest.mark.parametrize("trainer", ["dpo", "reward_model"])
def test_pairs_of_one_text_alone_are_refused(
    trainer: str, policy_path: Path, tmp_path: Path
) -> None:
    same = {**SHORT, "rejected": SHORT["chosen"]}
    with pytest.raises(DataError, match="2 with the same text twice"):
        trained(trainer, policy_path, [same, same], tmp_path)


@pytest.mark.slow
def test_prompts_without_any_reward_are_counted(policy_path: Path, tmp_path: Path) -> None:
    def some(prompts: Sequence[Any], **_: Any) -> list[float | None]:
        return [None if "4" in str(prompt) else 1.0 for prompt in prompts]

    rows = [SHORT, {**SHORT, "prompt": "4+3?"}, SHORT]
    result = trained("best_of_n", policy_path, rows, tmp_path, some)
    assert (result.used, named(result)) == (2, [(2, "without a reward")])


CHATML = (
    "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
CHAT = [{"role": "user", "content": "2+3?"}]
CHATS: list[dict[str, Any]] = [
    {"prompt": CHAT, "completion": [{"role": "assistant", "content": "5."}]},
    {"prompt": CHAT, "chosen": [{"role": "assistant", "content": "5."}],
     "rejected": [{"role": "assistant", "content": "5, duh."}]},
    {"chosen": [*CHAT, {"role": "assistant", "content": "5."}],
     "rejected": [*CHAT, {"role": "assistant", "content": "5, duh."}]},
    {"messages": [*CHAT, {"role": "assistant", "content": "5."}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def chat_path(policy_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The policy with a chat template."""
    folder = tmp_path_factory.mktemp("model") / "chat"
    shutil.copytree(policy_path, folder)
    tokenizer: Any = load_tokenizer(folder)
    tokenizer.chat_template = CHATML
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trainer", "place"),
    [("sft", 3), ("dpo", 2), ("reward_model", 1), ("grpo", 0), ("ppo", 2), ("best_of_n", 3)],
)
def test_a_chat_trains_as_the_plain_row_that_it_is(
    trainer: str, place: int, chat_path: Path, tmp_path: Path
) -> None:
    first = trained(trainer, chat_path, [CHATS[place]] * 2, tmp_path / "chat", max_length=90)
    other = trained(trainer, chat_path, [SHORT] * 2, tmp_path / "plain", max_length=90)
    assert (first.used, first.steps) == (2, other.steps)
    assert weights(first) == weights(other)


def test_the_account_says_how_many_and_why() -> None:
    account = LeftOut([f"line {number}" for number in range(1, 16)], 10, "max_length 10")
    kept: list[Callable[[], bool]] = [
        lambda: account.fits(0, 10, 10),
        lambda: account.fits(1, 3, 11),
    ]
    assert [one() for one in kept] == [True, True]
    assert (account.used, account.counts()) == (15, {CUT: 1})
    account.refuse_nothing("rows")
    for number in range(15):
        assert not account.fits(number, 11, 12 + number)
    with pytest.raises(DataError) as wrong:
        account.refuse_nothing("rows")
    assert wrong.value.details[0] == "line 1: too long, 12 tokens"
    assert wrong.value.details[-1] == "and 5 more"
    assert "set max_length to 26 or more" in wrong.value.hint
    assert told({TOO_LONG: 1200, "tied": 2}) == "1,200 too long for max_length, 2 tied"


@pytest.mark.parametrize("text", ["", " ", Nothing(NO_END), Nothing(TOOLS)])
def test_rows_without_a_response_are_refused_with_what_helps(text: str) -> None:
    account = LeftOut(["line 1"], 9, "max_length 9")
    assert not account.says(0, text)
    with pytest.raises(DataError) as wrong:
        account.refuse_nothing("completions")
    assert wrong.value.hint == "give rows with a prompt and a response to it, both with a text"


@pytest.mark.parametrize("rate", [3.333333333e-7, 1e-6, 2e-7, 1.5e-12, 2e-5])
def test_a_rate_is_logged_with_its_digits(rate: float) -> None:
    row = {"learning_rate": rate, "loss": 0.12345678, "kl": math.nan, "step": 3}
    right = {"learning_rate": rate, "loss": 0.123457, "kl": None, "step": 3}
    assert as_logged(row) == of_step(row) == right | {"learning_rate": float(f"{rate:.6g}")}


REACHED: list[tuple[str, dict[str, Any], int]] = [
    # trainer, settings, rows of six that its steps learn from
    ("sft", {"max_steps": 1}, 2),
    ("sft", {"epochs": 2.0}, 6),
    ("grpo", {"steps": 2, "group_size": 2}, 2),
    ("ppo", {"steps": 1, "rollout_size": 4}, 4),
    ("best_of_n", {"max_steps": 2}, 4),
]


@pytest.mark.slow
@pytest.mark.parametrize(("trainer", "settings", "used"), REACHED)
def test_rows_that_no_step_reached_are_not_used(
    trainer: str, settings: dict[str, Any], used: int, policy_path: Path, tmp_path: Path
) -> None:
    rows = [{**SHORT, "prompt": f"{place}+3?"} for place in range(6)]
    result = trained(trainer, policy_path, rows, tmp_path, **settings)
    left = {"not reached by the steps": 6 - used} if used < 6 else {}
    assert (result.rows, result.used, result.left_out) == (6, used, left)
    told = f"learnt from {used} of 6 rows: {6 - used} not reached by the steps"
    assert result.told() == ([told] if used < 6 else [])


@pytest.mark.usefixtures("only_built")
def test_the_rows_that_kto_reached_are_those_of_its_order(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{**SHORT, "prompt": f"{place}+3?"} for place in range(6)]
    work = TrlTraining.work

    def two(training: Any) -> int:
        work(training)
        assert sorted(training._order) == sorted([*range(6), *range(6)])
        training._order[:4] = [1, 4, 1, 2]
        return 2

    monkeypatch.setattr(TrlTraining, "work", two)
    assert trained("kto", policy_path, rows, tmp_path).used == 3
