"""The pages: one task at a time for people, progress and agreement for the owner."""

from __future__ import annotations

import csv
import io
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from harness.label_page.access import OWNER, Access, Guard
from harness.label_page.choices import choice_of, choices_of, value_of
from harness.label_page.exporting import better_answers, label_rows
from harness.label_page.owner import measure, person_rows, ratings_by_criterion
from harness.label_page.queue import Queue
from harness.label_page.rendering import render_markdown
from harness.label_page.store import Entry, LabelStore
from harness.labels.files import sqlite_table
from harness.nouns.schema import JudgmentRequest
from harness.statistics.estimate import Estimate

if TYPE_CHECKING:
    from jinja2 import Environment
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response as Reply

    Endpoint = Callable[[Request], Awaitable[Reply]]

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
        title: Heading of the pages.
        changes: Number that moves with every label.
    """

    queue: Queue
    store: LabelStore
    access: Access
    title: str = "Labels"
    _since: dict[tuple[str, str], float] = field(default_factory=dict, init=False)
    _agreement: tuple[int, list[tuple[str, list[Estimate]]]] = field(default=(-1, []), init=False)
    changes: int = field(default=0, init=False)

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

    def view(self, person: str, task: str) -> dict[str, Any]:
        """Return what the page of a task shows; nothing in it says which system wrote what."""
        request = self.queue.by_id[task]
        order = self.queue.side(person, task)
        responses = request.responses[::-1] if order == "BA" else request.responses
        letters = ("A", "B") if len(responses) == 2 else ("",)
        before = self.queue.undone(person, task)
        self._since[person, task] = time.monotonic()
        return {
            "task": task,
            **_question(request),
            "messages": _messages(request),
            "responses": [
                {"letter": letter, "html": render_markdown(r.text), "raw": r.text}
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
        """
        task, key = form.get("task", ""), form.get("key", "")
        if task not in self.queue.by_id or task not in self.queue.shown_to(person):
            raise ValueError("this task is not on your list any more; reload the page")
        if not 8 <= len(key) <= 64:
            raise ValueError("the form has no key; reload the page")
        comment, correction = (form.get(n, "").strip() for n in ("comment", "correction"))
        if max(len(comment), len(correction)) > MOST_CHARACTERS:
            raise ValueError(f"a text is longer than {MOST_CHARACTERS:,} characters")
        request = self.queue.by_id[task]
        choice = form.get("choice") or form.get("number", "")
        value = value_of(request, choice, self.queue.side(person, task))
        since = self._since.pop((person, task), None)
        seconds = None if since is None else round(time.monotonic() - since, 3)
        entry = Entry(person, task, value, comment, correction.replace("\r\n", "\n"), seconds)
        if self.store.record(entry, f"{person}/{key}"):
            self.queue.note(entry)
            self.changes += 1

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
    """Return (role, HTML) of the prompt; one user message for a prompt that is text."""
    prompt = request.item.prompt
    if isinstance(prompt, str):
        return [("", render_markdown(prompt))]
    return [(m.get("role", ""), render_markdown(m.get("content", ""))) for m in prompt]


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def create_app(page: LabelPage) -> Starlette:
    """Return the web application of a label page."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    access = page.access

    def who(request: Request) -> str | None:
        return access.person_of_session(request.cookies.get(access.cookie, ""))

    def fetched(request: Request) -> bool:
        return request.headers.get("x-requested-with") == "fetch"

    def refuse(request: Request, status: int, text: str, template: str = "message.html") -> Reply:
        if fetched(request):
            return JSONResponse({"error": text}, status)
        person = None if template == "enter.html" else who(request)
        return HTMLResponse(page.render(template, person, text=text), status)

    def done(request: Request) -> Reply:
        return JSONResponse({"next": "/"}) if fetched(request) else RedirectResponse("/", 303)

    async def home(request: Request) -> Reply:
        person = who(request)
        if person is None:
            return RedirectResponse("/enter", 303)
        if person == OWNER:
            return RedirectResponse("/owner", 303)
        task = page.task_for(person)
        if task is None:
            return HTMLResponse(page.render("done.html", person, **page.moves(person)))
        return HTMLResponse(page.render("task.html", person, **page.view(person, task)))

    async def enter(request: Request) -> Reply:
        if request.method == "GET":
            return HTMLResponse(page.render("enter.html", None, text=""))
        form = await _form(request)
        person = access.person_of_token(form["token"].strip()) if form.get("token") else None
        name = form.get("name", "").strip()
        if person is None and access.may_enter(name):
            person = name
        if person is None:
            name_wanted = "Give a name of at most 80 characters."
            text = "That is no valid token." if access.tokens else name_wanted
            return refuse(request, 403, text, "enter.html")
        reply = done(request)
        reply.set_cookie(
            access.cookie,
            access.session(person),
            max_age=90 * 24 * 3600,
            httponly=True,
            samesite="strict",
            secure=access.origin.startswith("https://"),
        )
        return reply

    async def leave(request: Request) -> Reply:
        reply = RedirectResponse("/enter", 303)
        reply.delete_cookie(access.cookie, httponly=True, samesite="strict")
        return reply

    def change(act: Callable[[str, dict[str, str]], None]) -> Endpoint:
        async def endpoint(request: Request) -> Reply:
            person = who(request)
            if person is None or person == OWNER:
                return refuse(request, 403, "Please say who you are first.")
            form = await _form(request)
            if not access.is_csrf(person, form.get("csrf", "")):
                return refuse(request, 403, "This form is not from this page. Reload it.")
            try:
                act(person, form)
            except ValueError as error:
                return refuse(request, 422, str(error))
            return done(request)

        return endpoint

    def owner_only(endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Reply:
            if access.tokens and who(request) != OWNER:
                return refuse(request, 403, "This page is for the owner's token.")
            return await endpoint(request)

        return guarded

    async def owner(request: Request) -> Reply:
        found, rows = await page.agreement(), person_rows(page.queue)
        return HTMLResponse(page.render("owner.html", who(request), rows=rows, agreement=found))

    async def state(request: Request) -> Reply:
        return JSONResponse({"changes": page.changes})

    async def labels_csv(request: Request) -> Reply:
        columns, rows = label_rows(sqlite_table(page.store.path))
        out = io.StringIO()
        writer = csv.DictWriter(out, columns)
        writer.writeheader()
        writer.writerows(rows)
        return _download(out.getvalue(), "labels.csv")

    async def corrections(request: Request) -> Reply:
        rows = better_answers(sqlite_table(page.store.path))
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return _download(lines, "corrections.jsonl")

    def _download(text: str, name: str) -> Reply:
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return PlainTextResponse(text, headers=headers)

    return Starlette(
        routes=[
            Route("/", home),
            Route("/enter", enter, methods=["GET", "POST"]),
            Route("/leave", leave, methods=["POST"]),
            Route("/label", change(page.record), methods=["POST"]),
            Route("/undo", change(lambda p, f: page.undo(p, f.get("key", ""))), methods=["POST"]),
            Route("/owner", owner_only(owner)),
            Route("/owner/state", owner_only(state)),
            Route("/owner/labels.csv", owner_only(labels_csv)),
            Route("/owner/corrections.jsonl", owner_only(corrections)),
            Mount("/static", StaticFiles(packages=[("harness.label_page", "static")])),
        ],
        middleware=[Middleware(Guard, access=access)],
    )
