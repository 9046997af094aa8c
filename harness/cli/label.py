"""``harness label``: a local web page on which people give labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.nouns.errors import ConfigError, DataError, MissingExtraError

if TYPE_CHECKING:
    from harness.label_page.owner import Agreement, Ratings
    from harness.nouns.rubric import Criterion
    from harness.nouns.schema import Judgment, JudgmentRequest

MOST_PAIRS_OF_PEOPLE = 15


def command(
    items: Annotated[Path | None, typer.Option(help="Items to label (JSONL).")] = None,
    responses: Annotated[Path | None, typer.Option(help="Their responses (JSONL).")] = None,
    store: Annotated[
        Path, typer.Option(help="SQLite file of the labels; the page goes on where it stopped.")
    ] = Path("labels.sqlite"),
    people: Annotated[
        str, typer.Option(help="Who labels, as ann,bob; needed beyond this machine.")
    ] = "",
    way: Annotated[
        str, typer.Option(help="pairwise (A, B or tie) or pointwise (rate each response).")
    ] = "pairwise",
    rubric: Annotated[
        str, typer.Option(help="Rubric (name or YAML file) whose criteria are asked, one by one.")
    ] = "",
    question: Annotated[str, typer.Option(help="Question to ask, in place of a rubric.")] = "",
    scale: Annotated[
        str, typer.Option(help="Labels of a rating in their order, in place of a rubric.")
    ] = "1,2,3,4,5",
    judgments: Annotated[
        list[Path] | None,
        typer.Option(
            help="Judgments (JSONL of harness judge): what judges are unsure of is first."
        ),
    ] = None,
    people_per_task: Annotated[
        int | None, typer.Option(min=1, help="Stop asking when so many labelled a task.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first tasks.")] = None,
    seed: Annotated[int, typer.Option(help="Decides order and sides, for each person.")] = 0,
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond loopback every person has a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8017,
    tokens: Annotated[bool, typer.Option("--tokens", help="Tokens on loopback, too.")] = False,
    origin: Annotated[
        str, typer.Option(help="Public address behind a proxy, as https://labels.example.org.")
    ] = "",
    title: Annotated[str, typer.Option(help="Heading of the pages.")] = "Labels",
    export: Annotated[
        Path | None, typer.Option(help="Write the labels of --store to this CSV file, and stop.")
    ] = None,
    export_corrections: Annotated[
        Path | None, typer.Option(help="Write the better answers as responses, and stop.")
    ] = None,
) -> None:
    """Let people label responses on a web page of this machine.

    Blind and in an order of its own for each person, with the keyboard if wanted. Every click is
    on the disk before the next task shows; stop and start as you like.

        harness label --items items.jsonl --responses responses.jsonl --people ann,bob
    """
    if export or export_corrections:
        _export(store, export, export_corrections)
        return
    if not items or not responses:
        raise ConfigError("--items and --responses say what to label; or give --export")
    if way not in ("pairwise", "pointwise"):
        raise ConfigError(f"--way is {way!r}", hint="use pairwise or pointwise")
    if rubric and question:
        raise ConfigError("--rubric has its own questions; give it or --question")
    names = tuple(dict.fromkeys(name.strip() for name in people.split(",") if name.strip()))
    try:
        import starlette  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("starlette", "label") from error

    from harness.label_page.access import OWNER, Access, is_loopback
    from harness.label_page.pages import LabelPage, create_app
    from harness.label_page.queue import Queue, judge_uncertainty
    from harness.label_page.serving import address_of, bind, links, serve
    from harness.label_page.store import LabelStore

    if OWNER in names:
        raise ConfigError(f"{OWNER} is no name of a person")
    # A proxy makes a page on loopback reachable from elsewhere.
    tokens = tokens or bool(origin) or not is_loopback(host)
    if tokens and not names:
        raise ConfigError(
            "beyond this machine, and with --tokens, --people is needed: each person gets a token"
        )
    if origin and not origin.startswith(("http://", "https://")):
        raise ConfigError(f"--origin is {origin!r}", hint="give it as https://labels.example.org")
    requests = _requests(items, responses, way, rubric, question, scale)[:limit]
    unsure = judge_uncertainty(_judgments_on(requests, judgments or []))
    listener = bind(host, port)
    page_store = LabelStore(store, "pairwise" if way == "pairwise" else "pointwise")
    access = Access(page_store.secret, names, host, tokens, origin)
    queue = Queue(requests, unsure, seed, people_per_task)
    page = LabelPage(queue, page_store, access, _measure, title)
    address = address_of(listener, access)
    _greet(links(address, access), access.tokens, is_loopback(host) or bool(origin), page)
    try:
        serve(create_app(page), listener)
    finally:
        page_store.close()


def _requests(
    items: Path, responses: Path, way: str, rubric: str, question: str, scale: str
) -> list[JudgmentRequest]:
    from harness.feedback.requests import build_requests
    from harness.records.rows import read_items, read_responses

    read = read_items(items)
    answers = read_responses(responses, read)
    criteria = _criteria(way, rubric, question, scale)
    found = [
        request
        for criterion in criteria
        for request in build_requests(read, answers, way, criterion)  # type: ignore[arg-type]
    ]
    if not found:
        need = "two different responses of an item" if way == "pairwise" else "responses"
        raise DataError(f"nothing to label: a task needs {need}", where=str(responses))
    return found


def _criteria(way: str, rubric: str, question: str, scale: str) -> Sequence[Criterion]:
    from harness.feedback.requests import OVERALL
    from harness.nouns.rubric import Criterion, Rubric
    from harness.nouns.scale import Scale
    from harness.registry import find_rubric

    if rubric:
        found = find_rubric(rubric)
        if not isinstance(found, Rubric):
            raise ConfigError(f"{rubric} is a constitution; people need a rubric")
        return found.criteria
    if way == "pairwise":
        return [Criterion(OVERALL.id, question or OVERALL.text, OVERALL.scale)]
    labels = tuple(label.strip() for label in scale.split(",") if label.strip())
    text = question or "How good is this response?"
    return [Criterion("overall", text, Scale("ordinal", labels))]


def _judgments_on(requests: Sequence[JudgmentRequest], files: Sequence[Path]) -> list[Judgment]:
    """Read judgments, and name them after the tasks that show the same responses."""
    from dataclasses import fields, replace

    from harness.nouns.schema import Judgment
    from harness.records.rows import judgment_from, read_rows

    tasks: dict[tuple[str, frozenset[str]], list[JudgmentRequest]] = {}
    for request in requests:
        key = (request.item.id, frozenset(response.id for response in request.responses))
        tasks.setdefault(key, []).append(request)
    known = {field.name for field in fields(Judgment)}
    found: list[Judgment] = []
    for file in files:
        before = len(found)
        for where, row in read_rows(file):
            try:
                judgment = judgment_from({k: v for k, v in row.items() if k in known})
                names = tuple(row["response_ids"])
                key = (row["item_id"], frozenset(names))
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(f"not a judgment: {error!r}", where=where) from error
            for request in tasks.get(key, ()):
                flipped = names != tuple(response.id for response in request.responses)
                verdict = _flipped(judgment.verdict) if flipped else judgment.verdict
                found.append(replace(judgment, request_id=request.id, verdict=verdict))
        if len(found) == before:
            raise DataError("none of its judgments is about a task of this page", where=str(file))
    return found


def _flipped(verdict: Any) -> Any:
    from dataclasses import replace

    value = {"A": "B", "B": "A"}.get(verdict.value, verdict.value)
    chance = None if verdict.probability is None else 1 - verdict.probability
    return replace(verdict, value=value, probability=chance)


def _measure(ratings: Ratings) -> list[Agreement]:
    """Compute the owner's agreement: alpha of all people, then each pair of people."""
    from itertools import combinations

    from harness.agreement import cohen_kappa, krippendorff_alpha, pairs_of
    from harness.agreement.kappa import percent_agreement
    from harness.ratings.table import from_labels

    if not any(label for column in ratings.labels.values() for label in column):
        return []
    table = from_labels(
        ratings.labels,
        humans=list(ratings.labels),
        level=ratings.level,
        categories=ratings.categories,
        clusters=ratings.clusters,
    )
    everyone = "all people"
    alpha = krippendorff_alpha(
        table.label_counts(), table.level, everyone, values=table.values, clusters=table.clusters
    )
    found = [(f"Krippendorff's alpha ({table.level})", alpha)]
    pairs = list(combinations(range(len(table.annotators)), 2))
    for a, b in pairs[:MOST_PAIRS_OF_PEOPLE]:
        names = f"{table.annotators[a]}, {table.annotators[b]}"
        both = pairs_of(table.codes[:, a], table.codes[:, b], table.clusters, table.n_categories)
        found.append(("Cohen's kappa", cohen_kappa(both, names)))
        found.append(("Same label", percent_agreement(both, names)))
    lines = [_line(name, statistic) for name, statistic in found]
    return lines


def _line(name: str, statistic: Any) -> Agreement:
    from harness.label_page.owner import Agreement

    return Agreement(
        name,
        statistic.annotators,
        statistic.value,
        statistic.low,
        statistic.high,
        statistic.n,
        statistic.reason,
    )


def _greet(shown: dict[str, str], tokens: bool, loopback: bool, page: Any) -> None:
    from rich.markup import escape

    from harness.cli.screen import console
    from harness.label_page.access import OWNER

    screen = console()
    done = len(page.queue.entries())
    screen.print(f"{len(page.queue.requests)} tasks, {done} labels in {page.store.path}")
    for name, link in shown.items():
        who = "progress and agreement, for you" if name == OWNER else name
        # One line each, however narrow the terminal: a link must stay whole.
        screen.print(f"  [bold]{escape(who)}[/bold]  {escape(link)}", soft_wrap=True)
    if tokens:
        screen.print("A link is a password: give each to its person only.")
    if not loopback:
        screen.print(
            "[yellow]The page can be reached from other machines, unencrypted: for TLS put a proxy "
            "before it and give --origin.[/yellow]"
        )
    screen.print("Ctrl-C stops; nothing is lost.")


def _export(store: Path, labels: Path | None, corrections: Path | None) -> None:
    from harness.cli.screen import console
    from harness.labels.files import read_table
    from harness.labels.values import SKIP, cell_text
    from harness.labels.writing import write_csv
    from harness.records.writes import write_jsonl

    table = read_table(store)
    rows = [{k: cell_text(v) for k, v in row.cells.items()} for row in table.rows]
    for row in rows:  # an empty label is no category of any statistic
        row["label"] = "" if row["label"] == SKIP else row["label"]
    if labels:
        used = [c for c in table.columns if c != "scale" and any(row[c] for row in rows)]
        write_csv(labels, used, ({c: row[c] for c in used} for row in rows))
        console().print(f"{len(rows)} labels in {labels}", markup=False)
    if corrections:
        answers = [
            {
                "id": f"{row['item']}/person:{row['annotator']}/{row['task']}",
                "item_id": row["item"],
                "system": f"person:{row['annotator']}",
                "text": row["correction"],
            }
            for row in rows
            if row["correction"]
        ]
        write_jsonl(corrections, answers)
        console().print(f"{len(answers)} better answers in {corrections}", markup=False)
