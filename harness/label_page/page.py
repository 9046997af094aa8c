"""What stands behind the pages: the tasks of a person, clicks, and agreement so far."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.label_page.access import OWNER, Access
from harness.label_page.choices import choice_of, choices_of, value_of
from harness.label_page.formatting import Formatter
from harness.label_page.owner import measure, ratings_by_criterion
from harness.label_page.queue import Queue
from harness.label_page.store import Entry, LabelStore
from harness.nouns.schema import JudgmentRequest
from harness.statistics.estimate import Estimate

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_CHARACTERS = 100_000
"""Longest correction or comment."""


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("harness.label_page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@dataclass(slots=True)
class LabelPage:
    """Everything behind the pages; used from the server's one event loop only.

    A click waits for the disk, and others wait with it: that is milliseconds, and it keeps what is
    in memory and what is on disk the same.

    Args:
        queue: What is to be labelled; filled from the store.
        store: Where clicks go.
        access: Who may do what.
        formatter: Makes HTML of texts.
        title: Heading of the pages.
        changes: Number that moves with every label.
        trouble: What the owner was last told is wrong with the store; empty when it works.
    """

    queue: Queue
    store: LabelStore
    access: Access
    formatter: Formatter
    title: str = "Labels"
    _since: dict[tuple[str, str], float] = field(default_factory=dict, init=False)
    _agreement: tuple[int, list[tuple[str, list[Estimate]]]] = field(default=(-1, []), init=False)
    changes: int = field(default=0, init=False)
    trouble: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Take over what the store holds."""
        self.store.add_tasks(self.queue.requests)
        for shown in self.store.shown():
            self.queue.note_shown(shown)
        for entry in self.store.entries():
            self.queue.note(entry)

    def render(self, template: str, person: str | None, **values: Any) -> str:
        """Return a page as HTML."""
        csrf = self.access.csrf(person) if person else ""
        page = _templates().get_template(template)
        return page.render(page=self, person=person, csrf=csrf, owner=OWNER, **values)

    def task_for(self, person: str) -> str | None:
        """Return the person's next task, and note on disk that it is on the screen."""
        task = self.queue.next_for(person)
        if task is not None and task not in self.queue.shown_to(person):
            self.queue.note_shown(self.store.show(person, task, self.queue.side(person, task)))
        return task

    async def view(self, person: str, task: str) -> dict[str, Any]:
        """Return what the page of a task shows; nothing in it says which system wrote what."""
        request = self.queue.by_id[task]
        order = self.queue.side(person, task)
        responses = request.responses[::-1] if order == "BA" else request.responses
        messages = _messages(request)
        texts = [*(text for _, text in messages), *(response.text for response in responses)]
        formatted = await self.formatter.format(texts)
        html = iter(formatted.html)
        letters = ("A", "B") if len(responses) == 2 else ("",)
        before = self.queue.undone(person, task)
        self._since[person, task] = time.monotonic()
        return {
            "task": task,
            **_question(request),
            "note": formatted.note,
            "messages": [(role, next(html)) for role, _ in messages],
            "responses": [
                {"letter": letter, "html": next(html), "raw": r.text}
                for letter, r in zip(letters, responses, strict=True)
            ],
            "choices": choices_of(request),
            "scale": request.criterion.scale,
            "chosen": choice_of(request, before.value, order) if before else "",
            "comment": before.comment if before else "",
            "correction": before.correction if before else "",
            **self.moves(person),
        }

    def moves(self, person: str) -> dict[str, Any]:
        """Return what every page of a person shows: how far, and whether there is a way back."""
        return {
            "key": uuid.uuid4().hex,
            "progress": self.queue.progress(person),
            "can_undo": self.queue.last_of(person) is not None,
        }

    def record(self, person: str, form: Mapping[str, str]) -> None:
        """Keep a click; it is on the disk when this returns.

        Raises:
            ValueError: The task was not shown to the person, or the choice is none of its choices.
            StoreError: It cannot be kept now; the same click may be sent again.
        """
        task, key = form.get("task", ""), form.get("key", "")
        if task not in self.queue.by_id or task not in self.queue.shown_to(person):
            raise ValueError("this task is not on your list any more; reload the page")
        if not 8 <= len(key) <= 64:
            raise ValueError("the form has no key; reload the page")
        comment, correction = (
            form.get(name, "").replace("\0", "").strip() for name in ("comment", "correction")
        )
        if max(len(comment), len(correction)) > MOST_CHARACTERS:
            raise ValueError(f"a text is longer than {MOST_CHARACTERS:,} characters")
        request = self.queue.by_id[task]
        choice = form.get("choice") or form.get("number", "")
        value = value_of(request, choice, self.queue.side(person, task))
        since = self._since.get((person, task))
        seconds = None if since is None else round(time.monotonic() - since, 3)
        entry = Entry(person, task, value, comment, correction.replace("\r\n", "\n"), seconds)
        if self.store.record(entry, f"{person}/{key}"):
            self.queue.note(entry)
            self.changes += 1
        self._since.pop((person, task), None)

    def undo(self, person: str, key: str) -> None:
        """Take back the person's last label; its task comes next again."""
        task = self.queue.last_of(person)
        if task is not None and self.store.undo(person, task, f"{person}/{key}"):
            self.queue.forget(person, task)
            self.changes += 1

    async def agreement(self) -> list[tuple[str, list[Estimate]]]:
        """Return (criterion, lines) of the labels so far; computed once for each new label."""
        from starlette.concurrency import run_in_threadpool

        if self._agreement[0] != self.changes:
            changes = self.changes
            found = [
                (criterion.text, await run_in_threadpool(measure, ratings))
                for criterion, ratings in ratings_by_criterion(self.queue)
            ]
            self._agreement = (changes, found)
        return self._agreement[1]


def _question(request: JudgmentRequest) -> dict[str, str]:
    """Return the heading of a task, and the criterion below it where it is no question itself."""
    text = request.criterion.text
    if text.rstrip().endswith("?") or len(request.responses) == 1:
        return {"question": text, "criterion": ""}
    return {"question": "Which response is better?", "criterion": text}


def _messages(request: JudgmentRequest) -> list[tuple[str, str]]:
    """Return (role, text) of the prompt; one user message for a prompt that is text."""
    prompt = request.item.prompt
    if isinstance(prompt, str):
        return [("", prompt)]
    return [(m.get("role", ""), m.get("content", "")) for m in prompt]
