"""Records at the edges: JSONL files of items, responses and judgments, read with row numbers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast, get_args

from harness.nouns.alike import alike
from harness.nouns.chat_messages import Message, Tokens
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.plain_text import file_bytes, how_to_utf8, lines_of, opened, parsed_json
from harness.nouns.scale import is_number
from harness.nouns.schema import Item, Judgment, Order, Response, Value, Verdict

T = TypeVar("T")
Named = TypeVar("Named", Item, Response)

ItemsOrFile: TypeAlias = "Sequence[Item] | str | Path"
ResponsesOrFile: TypeAlias = "Sequence[Response] | str | Path"

_MOST = 20
"""Different problems of one file that are shown."""


def to_dict(record: Any) -> dict[str, Any]:
    """Return a dataclass of the schema as plain JSON values."""
    return dataclasses.asdict(record)


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (place, row) for each line of a JSONL file.

    Raises:
        DataError: The file is missing, or a line is not UTF-8 or not a JSON object.
    """
    with opened(path) as file:
        for number, content in enumerate(lines_of(file, path), 1):
            where = f"{path}:{number}"
            try:
                # Files put one after the other have a byte order mark in the middle.
                line = content.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"not UTF-8: {error.reason} at byte {error.start + 1} of the line",
                    where=where,
                    hint=how_to_utf8(content),
                ) from error
            if not line.strip():
                continue
            try:
                row = parsed_json(line)
            except json.JSONDecodeError as error:
                raise DataError(f"not JSON: {error.msg}", where=where) from error
            except ValueError as error:
                raise DataError(str(error), where=where) from error
            if not isinstance(row, dict):
                raise DataError(
                    f"a line must be a JSON object, got {line.strip():.60}", where=where
                )
            yield where, row


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file that the harness wrote.

    Raises:
        DataError: The file is missing, empty or damaged.
    """
    try:
        content = parsed_json(file_bytes(path))
    except json.JSONDecodeError as error:
        raise damaged(path, f"not JSON: {error}") from error
    except ValueError as error:
        raise damaged(path, str(error)) from error
    if not isinstance(content, dict):
        raise damaged(path, f"not a JSON object: {content!r:.60}")
    return content


def damaged(path: Path, reason: str) -> DataError:
    """Return what is wrong with a file that the harness wrote."""
    return DataError(
        f"the file is damaged: {reason}",
        where=str(path),
        hint="put a copy of it back, or delete it: what it told is then made again",
    )


def read_items(path: Path) -> list[Item]:
    """Read items; ids must be unique.

    Raises:
        DataError: One error for everything that is wrong in the file, or there is none in it.
    """
    items = _read(path, item_from, lambda item: item.id)
    if not items:
        raise DataError("there is no item in the file", where=str(path))
    return items


def read_responses(path: Path, items: Iterable[Item] | None = None) -> list[Response]:
    """Read responses; ids must be unique, and their items known where items are given.

    Raises:
        DataError: One error for everything that is wrong in the file.
    """
    known = None if items is None else {item.id for item in items}

    def build(row: Mapping[str, Any]) -> Response:
        response = response_from(row)
        if known is not None and response.item_id not in known:
            raise ValueError(f"unknown item {response.item_id!r}")
        return response

    return _read(path, build, lambda response: response.id)


def items_of(given: ItemsOrFile) -> Sequence[Item]:
    """Return items, read where a JSONL file of them is given.

    Raises:
        DataError: Something is wrong in the file, two items have one id, or one is no item.
    """
    return read_items(Path(given)) if isinstance(given, str | Path) else _unique(given, Item)


def responses_of(given: ResponsesOrFile, items: Iterable[Item]) -> Sequence[Response]:
    """Return responses to items, read where a JSONL file of them is given.

    Raises:
        DataError: Something is wrong in the file, two responses have one id, or one is no response.
    """
    if isinstance(given, str | Path):
        return read_responses(Path(given), items)
    return _unique(given, Response)


def _unique(given: object, kind: type[Named]) -> list[Named]:
    """Refuse what is not of a kind, and an id that stands twice, as the readers of files do."""
    name, what = kind.__name__, f"{kind.__name__.lower()}s"
    hint = f"give {name} objects of harness.plugin, or the path of a JSONL file"
    if not isinstance(given, Iterable):
        raise DataError(f"{what} cannot be read from {given!r:.60}", hint=hint)
    records: list[Named] = list(given)
    for index, one in enumerate(records):
        if not isinstance(one, kind):
            raise DataError(f"{what}[{index}] is no {name}, got {one!r:.60}", hint=hint)
    seen: dict[str, int] = {}
    problems = [
        (f"{what}[{index}]", f"id {one.id!r} stands already in {what}[{seen[one.id]}]")
        for index, one in enumerate(records)
        if seen.setdefault(one.id, index) != index
    ]
    if problems:
        raise DataError(f"{what} have ids that are not unique", details=alike(problems, _MOST))
    return records


def _read(path: Path, build: Callable[[Mapping[str, Any]], T], key: Callable[[T], str]) -> list[T]:
    records: list[T] = []
    problems: list[tuple[str, str]] = []
    seen: dict[str, str] = {}
    for where, row in read_rows(path):
        line = where.rpartition(":")[2]
        try:
            record = build(row)
        except (ValueError, TypeError) as error:
            problems.append((f"line {line}", str(error)))
            continue
        name = key(record)
        if name in seen:
            problems.append((f"line {line}", f"id {name!r} stands already in line {seen[name]}"))
        seen.setdefault(name, line)
        records.append(record)
    if problems:
        what = f"{len(problems)} of its lines are wrong"
        raise DataError(what, where=str(path), details=alike(problems, _MOST))
    return records


def _fields(row: Mapping[str, Any], needed: tuple[str, ...], optional: tuple[str, ...]) -> None:
    missing = [name for name in needed if row.get(name) is None]
    extra = sorted(set(row) - set(needed) - set(optional))
    if missing:
        has = f"; it has unknown key {', '.join(extra):.100}" if extra else ""
        raise ValueError(f"misses {', '.join(missing)}{has}")
    if extra:
        raise ValueError(
            f"unknown key {', '.join(extra)}; known: {', '.join((*needed, *optional))}"
            " (anything else goes under metadata)"
        )


def prompt_from(value: Any) -> str | tuple[Message, ...]:
    """Return a prompt: a text, or chat messages, of whose contents parts of text are one text.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list | tuple):
        raise ValueError(f"a prompt is text or a list of messages, got {value!r:.40}")
    if not value:
        raise ValueError("the prompt has no messages")
    return tuple(_message(one) for one in value)


def _message(given: Any) -> Message:
    if isinstance(given, Mapping):
        content = given.get("content")
        if isinstance(content, list | tuple) and content:
            return _message({**given, "content": _one_text(content)})
        if all(isinstance(given.get(key), str) for key in ("role", "content")):
            found: Message = given
            return found
    raise ValueError(f"a message has a role and a content, both text, got {given!r:.60}")


def _one_text(parts: Sequence[Any]) -> str:
    """Return the text of a content that is a list of parts: {"type": "text", "text": ...}."""
    texts = []
    for part in parts:
        text = part.get("text") if isinstance(part, Mapping) else None
        if not isinstance(text, str) or part.get("type") != "text":
            raise ValueError(f"a part of a content that is no text is not shown, got {part!r:.60}")
        texts.append(text)
    return "".join(texts)


def item_from(row: Mapping[str, Any]) -> Item:
    """Build an item from a JSON object.

    Raises:
        ValueError: A key is missing, unknown or of the wrong type.
    """
    _fields(row, ("id", "prompt"), ("reference", "metadata"))
    return Item(str(row["id"]), prompt_from(row["prompt"]), row.get("reference"), _metadata(row))


def _metadata(row: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = row.get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise ValueError(f"metadata must be an object, got {metadata!r:.40}")
    return metadata


def response_from(row: Mapping[str, Any]) -> Response:
    """Build a response from a JSON object.

    Raises:
        ValueError: A key is missing, unknown or of the wrong type.
    """
    _fields(row, ("id", "item_id", "text"), ("system", "metadata"))
    if not isinstance(row["text"], str):
        raise ValueError(f"text must be a string, got {row['text']!r:.40}")
    system = str(row.get("system") or "")
    return Response(str(row["id"]), str(row["item_id"]), system, row["text"], _metadata(row))


def verdict_from(row: Mapping[str, Any]) -> Verdict:
    """Build a verdict from what ``to_dict`` made of it.

    Raises:
        ValueError: A field is missing or of the wrong type.
    """
    value, chance = row.get("value"), row.get("probability")
    value = tuple(value) if isinstance(value, list) else value
    texts = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    if not (value is None or texts or isinstance(value, str | bool) or is_number(value)):
        raise ValueError(f"a verdict's value is text, a finite number or a ranking, got {value!r}")
    if not (chance is None or is_number(chance)):
        raise ValueError(f"a probability is a number, got {chance!r:.60}")
    rationale = _need(row, "rationale", str, "")
    return Verdict(Status(_need(row, "status", str)), cast(Value, value), chance, rationale)


def judgment_from(row: Mapping[str, Any]) -> Judgment:
    """Build a judgment from what ``to_dict`` made of it.

    Raises:
        ValueError: A field is missing, unknown or of the wrong type.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"a judgment is an object, got {row!r:.60}")
    unknown = row.keys() - _JUDGMENT
    if unknown:
        raise ValueError(f"unknown key {', '.join(sorted(unknown)):.100}")
    order = _need(row, "order", str, "")
    if order not in get_args(Order):
        raise ValueError(f"order is {order!r:.60}, not AB, BA or empty")
    numbers = {key: row.get(key, 0.0) for key in ("cost_usd", "latency_s")}
    if wrong := [key for key, value in numbers.items() if not is_number(value)]:
        raise ValueError(f"{wrong[0]} must be a number, got {numbers[wrong[0]]!r:.60}")
    tokens = _need(row, "tokens", dict, {})
    return Judgment(
        _need(row, "request_id", str),
        _need(row, "source", str),
        _need(row, "source_version", str),
        _need(row, "annotator", str),
        verdict_from(_need(row, "verdict", dict)),
        cast(Order, order),
        _need(row, "repeat", int, 0),
        **numbers,
        tokens=Tokens(_need(tokens, "prompt", int, 0), _need(tokens, "completion", int, 0)),
        raw=_need(row, "raw", str, ""),
        metadata=_need(row, "metadata", dict, {}),
    )


_JUDGMENT = frozenset(field.name for field in dataclasses.fields(Judgment))


def _need(row: Mapping[str, Any], key: str, kind: type[T], default: T | None = None) -> T:
    value = row.get(key, default)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{key} must be {_WORDS[kind]}, got {value!r:.60}")
    return value


_WORDS: Mapping[type, str] = {str: "text", int: "a whole number", dict: "an object"}
