"""``harness label``: a local web page on which people give labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import checked_way, filled, one_object
from harness.nouns.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.label_page.serving import OpenPage


@dataclass(frozen=True)
class Options:
    """What ``harness label`` is given."""

    items: Annotated[Path | None, typer.Option(help="Items to label (JSONL).")] = None
    responses: Annotated[Path | None, typer.Option(help="Their responses (JSONL).")] = None
    store: Annotated[
        Path, typer.Option(help="SQLite file of the labels; the page goes on where it stopped.")
    ] = Path("labels.sqlite")
    people: Annotated[
        str, typer.Option(help="Who labels, as ann,bob; needed beyond this machine.")
    ] = ""
    way: Annotated[
        str, typer.Option(help="pairwise (A, B or tie) or pointwise (rate each response).")
    ] = "pairwise"
    rubric: Annotated[
        str, typer.Option(help="Rubric (name or YAML file) whose criteria are asked, one by one.")
    ] = ""
    question: Annotated[str, typer.Option(help="Question to ask, in place of a rubric.")] = ""
    scale: Annotated[
        str, typer.Option(help="Labels of a rating in their order, in place of a rubric.")
    ] = "1,2,3,4,5"
    judgments: Annotated[
        list[Path] | None,
        typer.Option(help="Judgments of harness judge: what judges are unsure of is first."),
    ] = None
    people_per_task: Annotated[
        int | None, typer.Option(min=1, help="Stop asking when so many labelled a task.")
    ] = None
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first tasks.")] = None
    seed: Annotated[int, typer.Option(help="Decides order and sides, for each person.")] = 0
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond loopback every person has a token.")
    ] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8017
    tokens: Annotated[bool, typer.Option("--tokens", help="Tokens on loopback, too.")] = False
    origin: Annotated[
        str, typer.Option(help="Public address behind a proxy, as https://labels.example.org.")
    ] = ""
    title: Annotated[str, typer.Option(help="Heading of the pages.")] = "Labels"
    export: Annotated[
        Path | None, typer.Option(help="Write the labels of --store to this CSV file, and stop.")
    ] = None
    export_corrections: Annotated[
        Path | None, typer.Option(help="Write the better answers as responses, and stop.")
    ] = None


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
        for line in export(options.store, options.export, options.export_corrections):
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

    page, queue = opened.page, opened.page.queue
    screen.print(f"{len(queue.requests)} tasks, {len(queue.entries())} labels in {page.store.path}")
    for name, link in opened.links().items():
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
