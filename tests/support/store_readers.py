"""Readers of SQLite files and of replies, as something that takes a path, with what they read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from readers import FIVE, ITEM, JUDGES, SHOWN, VERIFIERS
from scripted_server import completion

from harness.chat.failures import CallError
from harness.chat.keys import from_body, to_body
from harness.chat.openai_format import reply_of
from harness.chat.wire import parsed
from harness.label_page.store import Entry, LabelStore
from harness.nouns.chat_messages import ChatReply, ChatRequest, Tokens
from harness.nouns.errors import HarnessError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.schema import Judgment, JudgmentRequest, Response, Verdict
from harness.records.journal import Journal
from harness.records.recovery import recover

_PAIR = tuple(Response(f"i.{s}", "i", s, f"{s} 7") for s in "ab")
_REQUEST = JudgmentRequest("q", ITEM, _PAIR, Criterion("overall", "Which?", FIVE))


def _made(write: Callable[[Path], None]) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "f.sqlite"
        write(path)
        return path.read_bytes()


def _write_journal(path: Path) -> None:
    with Journal(path) as journal:
        for number in range(4):
            verdict = Verdict(Status.OK, "A", 0.7, "because")
            journal.put_judgment(Judgment(f"q{number}", "s", "1", "s", verdict, "AB"))
            reply = ChatReply("Verdict: A", cost_usd=0.01, tokens=Tokens(5, 2))
            journal.put_reply(f"k{number}", to_body(reply, "m"))
        journal.marks.begin("k9", "c", 0.5)


def _write_damaged(path: Path) -> None:
    _write_journal(path)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE judgments SET body = '{' WHERE request_id = 'q1'")


def read_journal(path: Path) -> object:
    """Read all that a resumed run reads of a journal."""
    with Journal(path) as journal:
        journal.put_reply("new", to_body(ChatReply("x", cost_usd=0.1), "m"))
        replies = [from_body(journal.get_reply(key) or {}) for key in journal.reply_keys()]
        spent = journal.spent_usd(), journal.left_usd(), journal.marks.left().cost_usd
        return replies, spent, journal.judgments()


def read_damaged(path: Path) -> object:
    """Recover a journal, and read what is kept."""
    try:
        found = recover(path)
        return found, read_journal(path)
    finally:
        for other in path.parent.glob(f"{path.name}?*"):
            other.unlink()


def _write_labels(path: Path) -> None:
    store = LabelStore(path, "pairwise")
    store.add_tasks([_REQUEST])
    for person in ("ann", "bob"):
        store.show(person, "q", "AB")
        store.record(Entry(person, "q", "A", "good", "better", 2.5), f"{person}-1")
    store.undo("bob", "q", "bob-2")
    store.close()


def read_labels(path: Path) -> object:
    """Read a label store, and go on with it."""
    store = LabelStore(path, "pairwise")
    try:
        store.add_tasks([_REQUEST])
        store.show("eve", "q", "BA")
        store.record(Entry("eve", "q", None), "eve-1")
        return store.shown(), store.entries()
    finally:
        store.close()


def read_reply(path: Path) -> object:
    """Read a reply in each way in which judges are read, and as a response."""
    text = path.read_bytes().decode("utf-8", "replace")
    return [read(text) for read in (*JUDGES.values(), *SHOWN.values(), *VERIFIERS.values())]


def read_answer(path: Path) -> object:
    """Read what a server answered, and keep it as a journal does."""
    request = ChatRequest("m", ({"role": "user", "content": "Hi"},), max_tokens=16, choices=("A",))
    try:
        reply = reply_of(parsed(path.read_bytes()), request)
    except CallError as error:
        raise HarnessError(str(error)) from error
    return from_body(json.loads(json.dumps(to_body(reply, "m"))))


JOURNAL = _made(_write_journal)
DAMAGED = _made(_write_damaged)
LABELS = _made(_write_labels)
REPLIES = [
    b"**Verdict:** A\n\nBecause *response A* is better than B.",
    b'```json\n{"verdict": "A", "accuracy": 4, "tone": 7.5, "reason": "x"}\n```',
    b"<think>A? B?</think>\nRating: 4/5\naccuracy: 4\ntone: 7 out of 10\n[[4]]",
    b"Ranking: A > B = C > D\n1. A\n2. B\nE is the worst.",
    b"So 3 + 4 = 7, and 7 * 2 = 14.\n```python\ndef f(x):\n    return x\n```\n\\boxed{\\frac12}",
]
ANSWERS = [
    json.dumps(completion()).encode(),
    json.dumps(
        completion(
            message={"content": [{"type": "text", "text": "A"}], "refusal": None},
            usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 9},
            choice={"logprobs": {"content": [
                {"token": "A", "logprob": -0.1, "top_logprobs": [{"token": "A", "logprob": -0.1}]}
            ]}},
        )
    ).encode(),
]  # fmt: skip
