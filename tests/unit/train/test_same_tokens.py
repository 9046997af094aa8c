"""One tokenization in the house: what is sampled, taught, preferred and scored has the same ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_tokenizers import (
    BARE,
    CHATML,
    SPACED,
    checkpoint_of,
    tokenizer_of,
    tokens,
    tokens_of,
    training_of,
)

from harness.nouns.errors import DataError, InputError
from harness.policy.prompts import Continued, Ended, asked_ids, prompt_ids
from harness.train.kto import of_others

CHAT = [{"role": "user", "content": "q"}]
BEGUN = [*CHAT, {"role": "assistant", "content": "y"}]
MERGED = {"merges": ["ab", "y "]}
BOTH = {"first": "<s>", "last": "</s>"}
TURNS = {"template": CHATML, "first": "<s>"}

# tokenizer, ids that end a completion, prompt, answer, prompt's tokens, answer's tokens
CASES: list[tuple[dict[str, Any], list[int], Any, str, str, str]] = [
    (MERGED, [2], "xa", "bye", "x a", "b y e </s>"),
    (MERGED, [2], "xy", " no", "x y", "␣ n o </s>"),
    (MERGED, [2], "q ab", "ab", "q ␣ ab", "ab </s>"),
    (MERGED, [2], "a ", "b", "a ␣", "b </s>"),
    (BOTH, [2], "xa", "bye", "<s> x a", "b y e </s>"),
    ({"last": "</s>"}, [2], "xa", "bye", "x a", "b y e </s>"),
    ({"last": "<end>"}, [2], "xa", "bye", "x a", "b y e </s>"),
    ({"first": "<s>"}, [2], "<s>xa", "bye", "<s> x a", "b y e </s>"),
    (BOTH, [2], "<s>xa", "bye", "<s> x a", "b y e </s>"),
    (BOTH, [2], "a</s>", "b", "<s> a </s>", "b </s>"),
    ({}, [2], "a", "yes</s>", "a", "y e s </s>"),
    ({}, [2], "a", "yes</s></s>", "a", "y e s </s>"),
    ({}, [2], "a", "n</s>o", "a", "n </s>"),
    ({}, [2], "a", "n</s> ", "a", "n </s>"),
    ({}, [2], "a", "</s>no", "a", "</s>"),
    ({}, [2, 4], "a", "n<end>o</s>", "a", "n </s>"),
    ({}, [2, 4], "a", "n<end>\n", "a", "n </s>"),
    ({}, [2, 4], "a", "n<other>o", "a", "n <other> o </s>"),
    ({}, [2], "a", "n<pad>o<s>p<unk>q", "a", "n <pad> o <s> p <unk> q </s>"),
    (TURNS, [2, 4], CHAT, "n<end>\n<u>o", "<s> < u > q <end> \n < a >", "n <end>"),
    (TURNS, [2], CHAT, "n<end>o", "<s> < u > q <end> \n < a >", "n <end> o </s>"),
    (TURNS, [2, 4], Continued("q"), "n<end>o", "<s> q", "n </s>"),
    ({}, [2], "a", "</s>", "a", "</s>"),
    ({}, [2, 4], "a", "yes<end>", "a", "y e s </s>"),
    ({}, [2], "a", "yes<end>", "a", "y e s <end> </s>"),
    (TURNS, [2, 4], "q", "yes", "<s> < u > q <end> \n < a >", "y e s <end>"),
    (TURNS, [2, 4], CHAT, " no ", "<s> < u > q <end> \n < a >", "␣ n o ␣ <end>"),
    (TURNS, [2, 4], CHAT, "yes<end>", "<s> < u > q <end> \n < a >", "y e s <end>"),
    (TURNS, [2, 4], CHAT, "yes</s>", "<s> < u > q <end> \n < a >", "y e s <end>"),
    (TURNS, [2], CHAT, "yes", "<s> < u > q <end> \n < a >", "y e s </s>"),
    (TURNS | BOTH, [4], CHAT, "yes", "<s> < u > q <end> \n < a >", "y e s <end>"),
    (TURNS, [2, 4], Continued("q"), "yes", "<s> q", "y e s </s>"),
    (TURNS, [2, 4], BEGUN, "es", "<s> < u > q <end> \n < a > y", "e s <end>"),
    (TURNS, [2, 4], Ended(BEGUN), "es", "<s> < u > q <end> \n < a > y <end> \n < a >", "e s <end>"),
    ({"template": BARE}, [2, 4], BEGUN, "es", "< u > q < a > y", "e s </s>"),
    ({"template": BARE}, [2, 4], CHAT, " no", "< u > q < a >", "␣ n o </s>"),
    ({"template": SPACED}, [2, 4], CHAT, "no", "[ q ]", "n o </s>"),
    ({"words": True, "merges": ["▁b"]}, [2], "q", "be", "▁ q", "b e </s>"),
    ({"words": True, "merges": ["▁b"]}, [2], "q", "a be", "▁ q", "a ▁b e </s>"),
    ({"strip": True}, [2], " q ", "be", "q", "b e </s>"),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_all_trainers_have_the_tokens_of_the_policy(number: int, tmp_path: Path) -> None:
    made, ends, prompt, answer, asked, said = CASES[number]
    folder = checkpoint_of(tokenizer_of(**made), tmp_path / "model", ends)
    pair = {"prompt": prompt, "chosen": answer, "rejected": "other"}
    sft = training_of("sft", folder, [{"prompt": prompt, "completion": answer}])
    assert tokens(sft, prompt_ids(sft.tokenizer, sft.rows[0]["prompt"])) == asked
    (row,) = sft.examples()
    size = row["labels"].count(-100)
    assert (tokens(sft, row["input_ids"][:size]), tokens(sft, row["labels"][size:])) == (
        asked,
        said,
    )
    dpo = training_of("dpo", folder, [pair])
    (row,) = dpo.examples()
    assert (tokens(dpo, row["prompt_ids"]), tokens(dpo, row["chosen_ids"])) == (asked, said)
    kto = training_of("kto", folder, [pair])
    rows = kto.examples()
    assert {tokens(kto, one["prompt_ids"]) for one in rows} == {asked}
    (wanted,) = [one["completion_ids"] for one in rows if one["label"]]
    assert tokens(kto, wanted) == said
    learnt = training_of("reward_model", folder, [pair], held_out_share=0.0)
    learnt.divide()
    assert tokens(learnt, learnt.parts[0][0]["chosen_ids"]) == f"{asked} {said}"


@pytest.mark.parametrize("content", ["<think>a</think>b", "a </think> b"])
def test_a_message_that_cannot_be_gone_on_from_is_refused(content: str) -> None:
    """The template writes another one."""
    cut = (
        "{% for m in messages %}<{{ m.role[0] }}>{{ m.content.split('</think>')[-1] }}{% endfor %}"
    )
    tokenizer = tokenizer_of(template=cut)
    for end in (content, content + "c "):
        chat = [*CHAT, {"role": "assistant", "content": end}]
        with pytest.raises(InputError, match="so that no answer can go on from it"):
            prompt_ids(tokenizer, chat)
    assert tokens_of(tokenizer, prompt_ids(tokenizer, BEGUN)) == "< u > q < a > y"


@pytest.mark.parametrize("trainer", ["ppo", "grpo", "rloo", "online_dpo", "best_of_n"])
def test_what_is_sampled_goes_on_from_the_assistants_message(trainer: str, tmp_path: Path) -> None:
    folder = checkpoint_of(tokenizer_of(**TURNS), tmp_path / "model")
    values = {"batch_size": 8} if trainer in ("grpo", "rloo") else {}
    rows = [{"prompt": BEGUN}, {"prompt": "q", "system": "s"}, {"messages": [*BEGUN, BEGUN[1]]}]
    training = training_of(trainer, folder, rows, **values)
    found = [prompt_ids(training.tokenizer, row["prompt"]) for row in training.rows]
    begun = "<s> < u > q <end> \n < a > y"
    asked = "<s> <s> s <end> \n < u > q <end> \n < a >"
    assert [tokens(training, ids) for ids in found] == [begun, asked, begun]


def test_keys_that_a_table_gives_all_messages_are_not_shown(tmp_path: Path) -> None:
    calls = (
        "{% for m in messages %}{{ m.content }}{% if 'tool_calls' in m %}!{% endif %}{% endfor %}"
    )
    tokenizer = tokenizer_of(template=calls)
    chat = [{"role": "user", "content": "q", "tool_calls": None}]
    assert tokens_of(tokenizer, prompt_ids(tokenizer, chat)) == "q"


PAIR = {"prompt": "q", "chosen": "ab</s>cd", "rejected": "ef"}
SAME = {"prompt": "q", "chosen": "ab</s>cd", "rejected": "ab</s>ef"}
ENDED, TWICE = "cut after an end token", "with the same text twice"


@pytest.mark.parametrize(
    ("trainer", "row", "counts", "used"),
    [
        ("sft", {"prompt": "q", "completion": "ab</s>cd"}, {ENDED: 1}, 2),
        ("sft", {"prompt": "q", "completion": "ab</s> \n"}, {}, 2),
        ("sft", {"text": "ab</s>cd</s>"}, {}, 2),
        ("kto", {"prompt": "q", "completion": "ab</s>cd", "label": True}, {ENDED: 1}, 2),
        *((one, PAIR, {ENDED: 1}, 2) for one in ("dpo", "kto", "reward_model")),
        *((one, SAME, {ENDED: 1, TWICE: 1}, 1) for one in ("dpo", "kto", "reward_model")),
        *((one, PAIR | {"rejected": "ab"}, {ENDED: 1, TWICE: 1}, 1) for one in ("dpo", "kto")),
        *((one, PAIR | {"chosen": "ef</s>"}, {TWICE: 1}, 1) for one in ("kto", "reward_model")),
    ],
)
def test_what_an_answer_says_after_its_end_is_not_learnt_and_counted(
    trainer: str, row: dict[str, Any], counts: dict[str, int], used: int, tmp_path: Path
) -> None:
    """Two answers that differ only there are one answer."""
    folder = checkpoint_of(tokenizer_of(), tmp_path / "model")
    other = {key: "x" if key == "rejected" else False if key == "label" else "y" for key in row}
    values = {"held_out_share": 0.0} if trainer == "reward_model" else {}
    training = training_of(trainer, folder, [row, other], **values)
    getattr(training, "divide" if trainer == "reward_model" else "examples")()
    assert (training.left_out.counts(), training.left_out.used) == (counts, used)
    assert all(one.row == 1 for one in training.left_out.lost)


def test_a_text_that_is_learnt_whole_keeps_the_ends_of_its_turns(tmp_path: Path) -> None:
    folder = checkpoint_of(tokenizer_of(template=CHATML), tmp_path / "model", [2, 4])
    training = training_of("sft", folder, [{"text": "q<end>\nn<end>"}])
    (row,) = training.examples()
    assert tokens(training, row["input_ids"]) == "q <end> \n n </s>"


def test_a_reward_model_reads_all_that_an_answer_says(tmp_path: Path) -> None:
    """Else a policy could hide from it what it writes after the letters of an end."""
    folder = checkpoint_of(tokenizer_of(), tmp_path / "model")
    training = training_of("sft", folder, [{"prompt": "q", "completion": "a"}])
    assert tokens(training, training.answers.read("q", "a</s>b</s>")) == "a </s> b </s>"


UNASKED = [
    ("sft", {"completion": "yes"}),
    ("dpo", {"chosen": "yes", "rejected": "no"}),
    ("kto", {"chosen": "yes", "rejected": "no"}),
    ("kto", {"completion": "yes", "label": True}),
    ("reward_model", {"chosen": "yes", "rejected": "no"}),
    ("grpo", {}),
    ("rloo", {}),
    ("ppo", {}),
    ("online_dpo", {}),
    ("best_of_n", {}),
]


@pytest.mark.parametrize(("trainer", "row"), UNASKED)
def test_a_prompt_of_no_tokens_is_left_out_with_its_row(
    trainer: str, row: dict[str, Any], tmp_path: Path
) -> None:
    """A policy cannot go on from nothing, and beside others it went on from padding."""
    folder = checkpoint_of(tokenizer_of(strip=True), tmp_path / "model")
    rows = [row | {"prompt": one} for one in ("a", "  ", "b")]
    values = {"batch_size": 8} if trainer in ("grpo", "rloo") else {}
    training = training_of(trainer, folder, rows, **values)
    made = {"sft": "examples", "dpo": "examples", "kto": "examples", "reward_model": "divide"}
    getattr(training, made.get(trainer, "readable"))()
    assert training.left_out.counts() == {"with a prompt of no tokens": 1}
    assert training.left_out.lost[0].row == 2
    alone = training_of(trainer, folder, rows[1:2], **values)
    with pytest.raises(DataError, match="with a prompt of no tokens"):
        getattr(alone, made.get(trainer, "readable"))()


def test_a_first_token_or_a_whole_text_is_enough(tmp_path: Path) -> None:
    folder = checkpoint_of(tokenizer_of(strip=True, first="<s>"), tmp_path / "begins")
    assert len(training_of("ppo", folder, [{"prompt": " "}]).readable()) == 1
    folder = checkpoint_of(tokenizer_of(strip=True), tmp_path / "model")
    (row,) = training_of("sft", folder, [{"text": "abc"}]).examples()
    assert -100 not in row["labels"]


def test_nothing_is_sampled_from_nothing(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(strip=True)
    with pytest.raises(InputError, match="the prompt '  ' comes to no token"):
        asked_ids(tokenizer, "  ")
    assert asked_ids(tokenizer, " a ") == prompt_ids(tokenizer, "a")


# prompts, rows of a batch, whose completion each prompt is given, too
OTHERS = [
    ("abcd", 2, [1, 0, 3, 2]),
    ("abcd", 4, [3, 0, 1, 2]),
    ("abc", 2, [1, 0, 1]),
    ("abcde", 4, [3, 0, 1, 2, 3]),
    ("aabb", 2, [3, 3, 1, 1]),
    ("aabb", 4, [3, 3, 1, 1]),
    ("abba", 4, [2, 0, 0, 2]),
    ("abab", 2, [1, 0, 3, 2]),
    ("aaab", 4, [3, 3, 3, 2]),
    ("aba", 2, [1, 0, 1]),
    ("ab", 32, [1, 0]),
    ("aaa", 2, [2, 0, 1]),
    ("a", 2, [0]),
]


@pytest.mark.parametrize(("prompts", "size", "wanted"), OTHERS)
def test_the_reference_point_of_kto_is_on_completions_of_other_prompts(
    prompts: str, size: int, wanted: list[int]
) -> None:
    """Also in a last batch of one row, and where both responses of a pair are a batch."""
    found = of_others([[ord(one)] for one in prompts], size)
    assert found == wanted
    if len(set(prompts)) > 1:
        assert all(prompts[n] != prompts[other] for n, other in enumerate(found))


@pytest.mark.slow
def test_trl_samples_from_the_prompts_of_the_house() -> None:
    from harness.train.own_tokens import TokensGrpoTrainer, TokensRlooTrainer

    for made, prompts, wanted in [
        (BOTH, ["xa", "b"], ["<s> x a", "<s> b"]),
        (MERGED, ["ab"], ["ab"]),
        (TURNS, ["q"], ["<s> q"]),
        (TURNS, [[{**CHAT[0], "name": None}]], ["<s> < u > q <end> \n < a >"]),
    ]:
        for kind in (TokensGrpoTrainer, TokensRlooTrainer):
            trainer = kind.__new__(kind)
            trainer.processing_class = trainer.tokenizer = tokenizer_of(**made)
            group = [prompt for prompt in prompts for _ in range(2)]
            ids, *others = trainer._tokenize_prompts(group)
            assert [tokens(trainer, one) for one in ids[::2]] == wanted and others == [None, {}]
            assert ids[::2] == ids[1::2] and len({id(one) for one in ids}) == len(group)
