"""``harness label``: a local web page on which people give labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import Seed, checked_way, filled, one_object
from harness.nouns.counted import counted
from harness.nouns.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.label_page.serving import OpenPage


@dataclass(frozen=True)
class Options:
    """What ``harness label`` is given.

    Args:
        items: Items to label (JSONL).
        responses: Their responses (JSONL).
        store: SQLite file of the labels; the page goes on where it stopped.
        people: Who labels, as ann,bob; needed beyond this machine.
        way: pairwise (A, B or tie) or pointwise (rate each response).
        rubric: Rubric (name or YAML file) whose criteria are asked, one by one.
        question: Question to ask, in place of a rubric.
        scale: Labels of a rating in their order, in place of a rubric.
        judgments: Judgments of harness judge: what judges are unsure of is first.
        people_per_task: Stop asking when so many labelled a task.
        limit: Only the first tasks.
        seed: Decides order and sides, for each person.
        host: Address to listen on; beyond loopback every person has a token.
        port: 0 takes any free one.
        tokens: Tokens on loopback, too.
        origin: Public address behind a proxy, as https://labels.example.org.
        title: Heading of the pages.
        export: Write the labels of --store to this CSV file, and stop.
        raw_cells: Cells that begin like formulas stay as they are; not for spreadsheets.
        export_corrections: Write the better answers as responses, and stop.
    """

    items: Path | None = None
    responses: Path | None = None
    store: Path = Path("labels.sqlite")
    people: str = ""
    way: str = "pairwise"
    rubric: str = ""
    question: str = ""
    scale: str = "1,2,3,4,5"
    judgments: list[Path] | None = None
    people_per_task: Annotated[int | None, typer.Option(min=1)] = None
    limit: Annotated[int | None, typer.Option(min=1)] = None
    seed: Seed = 0
    host: str = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8017
    tokens: bool = False
    origin: str = ""
    title: str = "Labels"
    export: Path | None = None
    raw_cells: bool = False
    export_corrections: Path | None = None


@one_object
def command(options: Options) -> None:
    """Let people label responses on a web page of this machine.

    Blind and in an order of its own for each person, with the keyboard if wanted. Every click is
    on the disk before the next task shows; stop and start as you like.

        harness label --items items.jsonl --responses responses.jsonl --people ann,bob
    """
    from harness.cli.screen import console
    from harness.label_page.exporting import export
    from harness.label_page.queue import judge_uncertainty
    from harness.label_page.serving import PageSettings, open_page
    from harness.label_page.tasks import Questions, judgments_on, read_tasks

    screen = console()
    if options.export or options.export_corrections:
        files = (options.store, options.export, options.export_corrections)
        for line in export(*files, raw_cells=options.raw_cells):
            screen.print(line, markup=False)
        return
    if not options.items or not options.responses:
        raise ConfigError("--items and --responses say what to label; or give --export")
    questions = Questions(checked_way(options.way), options.rubric, options.question, options.scale)
    people = tuple(dict.fromkeys(filter(None, map(str.strip, options.people.split(",")))))
    settings = filled(PageSettings, options, people=people)
    requests = read_tasks(options.items, options.responses, questions)[: options.limit]
    unsure = judge_uncertainty(judgments_on(requests, options.judgments or []))
    with open_page(requests, unsure, settings) as page:
        _greet(screen, page, settings.unencrypted)
        page.serve()


def _greet(screen: Console, opened: OpenPage, unencrypted: bool) -> None:
    from rich.markup import escape

    from harness.label_page.access import OWNER
    from harness.label_page.serving import links

    page, queue = opened.page, opened.page.queue
    screen.print(
        f"{counted(len(queue.requests), 'task')}, {counted(len(queue.entries()), 'label')}"
        f" in {page.store.path}"
    )
    for name, link in links(opened.address, page.access).items():
        who = "progress and agreement, for you" if name == OWNER else name
        # One line each, however narrow the terminal: a link must stay whole.
        screen.print(f"  [bold]{escape(who)}[/bold]  {escape(link)}", soft_wrap=True)
    if page.access.tokens:
        screen.print("A link is a password: give each to its person only.")
    if unencrypted:
        screen.print(
            "[yellow]The page can be reached from other machines, unencrypted: for TLS put a proxy "
            "before it and give --origin.[/yellow]"
        )
    screen.print("Ctrl-C stops; nothing is lost.")
