"""The pages: one task at a time for people, progress and agreement for the owner."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from harness.label_page.access import OWNER, Guard
from harness.label_page.exporting import better_answers, label_rows
from harness.label_page.owner import person_rows
from harness.label_page.page import LabelPage
from harness.labels.files import sqlite_table
from harness.labels.writing import csv_text
from harness.nouns.errors import HarnessError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response as Reply

    Endpoint = Callable[[Request], Awaitable[Reply]]

_MOST_FIELDS = 20


class _NoFormError(Exception):
    """The body of a request is no form of this page."""


_log = logging.getLogger(__name__)


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        _NoFormError: It has more fields than any form of this page.
    """
    body = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise _NoFormError from error
    return {name: values[-1] for name, values in fields.items()}


def create_app(page: LabelPage) -> Guard:
    """Return the web application of a label page."""
    from starlette.applications import Starlette
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
        again = request.url.path if request.method == "GET" else "/"
        return HTMLResponse(page.render(template, person, text=text, again=again), status)

    def not_saved(request: Request, error: HarnessError, form: Mapping[str, str]) -> Reply:
        """Say that a click is not on the disk, and hand it back to be sent again."""
        text = trouble(error)
        if fetched(request):
            return JSONResponse({"error": text}, 503)
        values = {"text": text, "form": form, "action": request.url.path}
        return HTMLResponse(page.render("not_saved.html", who(request), **values), 503)

    def trouble(error: HarnessError) -> str:
        """Tell the owner in the terminal, once; return what people are told."""
        if str(error) != page.trouble:
            _log.warning("%s", error)
        page.trouble = str(error)
        what, hint = getattr(error, "what", str(error)), getattr(error, "hint", "")
        return f"{what[:1].upper()}{what[1:]}.{hint and f' What helps: {hint}.'}"

    async def in_trouble(request: Request, error: Exception) -> Reply:
        assert isinstance(error, HarnessError)
        return refuse(request, 503, trouble(error), "trouble.html")

    async def broken(request: Request, error: Exception) -> Reply:
        text = "The server made a mistake; what it is stands in the terminal of its owner."
        return refuse(request, 500, text, "trouble.html")

    async def unreadable(request: Request, error: Exception) -> Reply:
        return refuse(request, 400, "This is no form of this page.")

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
        return HTMLResponse(page.render("task.html", person, **await page.view(person, task)))

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
            except HarnessError as error:
                return not_saved(request, error, form)
            page.trouble = ""
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
        text = csv_text(*label_rows(sqlite_table(page.store.path)))
        return _download(text, "labels.csv")

    async def corrections(request: Request) -> Reply:
        rows = better_answers(sqlite_table(page.store.path))
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return _download(lines, "corrections.jsonl")

    def _download(text: str, name: str) -> Reply:
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return PlainTextResponse(text.encode("utf-8", "backslashreplace"), headers=headers)

    app = Starlette(
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
        exception_handlers={
            HarnessError: in_trouble,
            _NoFormError: unreadable,
            Exception: broken,
        },
    )
    return Guard(app, access)  # outermost: the pages of mistakes are guarded, too
