"""The forms that rows of training come in: plain texts, and chats that hold prompt and answer.

A ``completion``, ``chosen`` or ``rejected`` may be a chat: its last message is the text, and what
stands before it the prompt, or a longer chat in which the prompt is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from harness.nouns.chat_messages import Message
from harness.policy.prompts import Continued, Ended
from harness.records.rows import prompt_from
from harness.train.left_out import EMPTY, NO_END, TOOLS, Nothing
from harness.train.other_forms import is_empty, read_form, read_numbers, with_system

Row = Mapping[str, Any]


def plain(row: Row, columns: Sequence[str], problems: list[str]) -> list[Row]:
    """Return a row as the plain rows that it is; what is wrong in it is added to the problems.

    Args:
        row: A row without a ``completion`` that needs one is a preference, whose better response is
            imitated, or a chat of ``messages``, with one row for each answer in it, or a ``text``
            that is learnt whole.
        columns: A prompt, and texts.
        problems: Of all rows.
    """
    row = read_form(row, problems)
    if len(columns) > 1:  # of answers; what reward functions read stays as it is
        row = read_numbers(row)
    if "completion" in columns and "completion" in row and row.get("label") is False:
        problems.append("label is false: a completion that is not wanted would be imitated")
    found = _plain(row, columns, problems)
    if problems:
        return found
    return [with_system(one, row.get("system"), problems) for one in found]


def _plain(row: Row, columns: Sequence[str], problems: list[str]) -> list[Row]:
    if "completion" in columns and "completion" not in row:
        if "chosen" in row:
            return [_preferred(row, problems)]
        if "messages" in row:
            return _answers(row, problems)
        if "text" in row and is_empty(row.get("prompt")):
            return [_whole(row, "text", problems)]
    return [_texts(row, columns, problems)]


def _texts(row: Row, columns: Sequence[str], problems: list[str]) -> Row:
    """Return a row with the texts that its chats end with, and its prompt."""
    found, chats = dict(row), []
    for column in columns:
        if column == "prompt":
            continue
        try:
            found[column], chat = _text_of(row, column)
            chats.append(chat)
        except ValueError as error:
            problems.append(str(error))
    if "rejected" in columns and _implicit(row, found):
        chats = [()]
    elif not chats:
        given = (_asked(row, name) for name in ("messages", "chosen") if "prompt" not in row)
        chats = [chat for chat in given if chat]
    try:
        found["prompt"] = _prompt(found, chats)
        if len(columns) == 1 and isinstance(found["prompt"], Ended):  # it is sampled from
            found["prompt"] = list(found["prompt"])
    except ValueError as error:
        problems.insert(0, str(error))
    if "chosen" in columns and not is_share(chance := row.get("probability", 1.0)):
        problems.append(f"probability must be a number from 0 to 1, got {chance!r:.40}")
    return found


def _preferred(row: Row, problems: list[str]) -> Row:
    """Return what is to be imitated of a preference: its rejected response where that is likelier.

    A tie gives the chosen one, which is as good.
    """
    chance = row.get("probability", 1.0)
    better = "rejected" if is_share(chance) and chance < 0.5 else "chosen"
    if not is_share(chance):
        problems.append(f"probability must be a number from 0 to 1, got {chance!r:.40}")
    if is_empty(row.get("prompt")) and isinstance(row.get(better), str):
        return _whole(row, better, problems)
    asked = {key: row[key] for key in ("prompt", better) if key in row}
    found = dict(_texts(asked, ("prompt", better), problems))
    return found | {"completion": found.pop(better, "")}


def _whole(row: Row, column: str, problems: list[str]) -> Row:
    """Return a row that is learnt from its first token on: TRL's language modelling."""
    text = row[column]
    if not isinstance(text, str) or not text:
        problems.append(f"column {column!r} must be a text, got {text!r:.40}")
    if not is_empty(row.get("system")):
        problems.append("column 'system' belongs to a prompt, and the row has none")
    kept = {key: value for key, value in row.items() if key != column}
    return kept | {"prompt": Continued(), "completion": text}


def common_start(first: str, second: str) -> str:
    """Return what two texts begin with, up to a space before the first word that differs.

    None of the texts ends within it.
    """
    both = list(zip(first, second, strict=False))
    end = next((n for n, (one, other) in enumerate(both) if one != other), len(both))
    end = min(end, len(both) - 1)
    while end > 0 and not (first[end].isspace() and second[end].isspace()):
        end -= 1
    return first[: max(end, 0)]


def _implicit(row: Row, found: dict[str, Any]) -> bool:
    """Take the prompt out of texts that both begin with it; tell whether that is done."""
    chosen, rejected = row.get("chosen"), row.get("rejected")
    if not (is_empty(row.get("prompt")) and isinstance(chosen, str) and isinstance(rejected, str)):
        return False
    start = common_start(chosen, rejected)
    if not start.strip() and chosen != rejected:
        return False
    found |= {
        "prompt": Continued(start),
        "chosen": chosen[len(start) :],
        "rejected": rejected[len(start) :],
    }
    return True


def _answers(row: Row, problems: list[str]) -> list[Row]:
    """Return a row for each answer in a chat, with all that stands before it as the prompt.

    Also for what should be one and says nothing, with the reason: its row is left out and counted.
    """
    others = {key: row[key] for key in row if key not in ("messages", "prompt")}
    try:
        chat = _messages(row["messages"], "messages")
        if (last := chat[-1]["role"]) not in ("assistant", "user", "tool"):
            raise ValueError(f"column 'messages' ends with a message of {last!r:.20}")
        if len(chat) == 1 and last == "assistant":
            return [others | {"prompt": _prompt(row, ()), "completion": chat[0]["content"]}]
    except ValueError as error:
        problems.append(str(error))
        return []
    found: list[Row] = [
        others | {"prompt": Ended(chat[:place]), "completion": _said(message)}
        for place, message in enumerate(chat)
        if place and message["role"] == "assistant"
    ]
    if last != "assistant":
        found.append(others | {"prompt": Ended(chat), "completion": Nothing(NO_END)})
    return found


def _said(message: Message) -> str:
    """Return the text of an assistant's message, with the reason where it has none."""
    return message["content"] or Nothing(TOOLS if message.get("tool_calls") else EMPTY)


def _text_of(row: Row, column: str) -> tuple[str, Sequence[Message]]:
    """Return the text of a column, and the messages before it where it is a chat.

    Raises:
        ValueError: It is neither.
    """
    value = row.get(column)
    if column not in row:
        raise ValueError(f"column {column!r} is missing")
    if value is None or (isinstance(value, list | tuple) and not value):
        raise ValueError(f"column {column!r} is empty")
    if isinstance(value, str):  # a policy may have said nothing: its row is left out and counted
        return value, ()
    if not isinstance(value, list | tuple):
        raise ValueError(f"column {column!r} must be a text or a chat, got {value!r:.40}")
    *before, last = _messages(value, column)
    if last["role"] != "assistant":
        raise ValueError(f"column {column!r} ends with a message of {last['role']!r:.20}")
    if not last["content"]:
        raise ValueError(f"column {column!r} ends with an empty message")
    return last["content"], before


def _messages(value: Any, column: str) -> Sequence[Message]:
    if value is None or value in ([], (), ""):
        raise ValueError(f"column {column!r} is empty")
    try:
        found = prompt_from(_with_contents(value))
    except ValueError as error:
        raise ValueError(f"column {column!r}: {error}") from None
    if isinstance(found, str):
        raise ValueError(f"column {column!r} must be a chat, got {found!r:.40}")
    return [dict(message) for message in found]


def _with_contents(value: Any) -> Any:
    """Return messages of which one that calls tools, and says nothing besides, says ""."""
    if not isinstance(value, list | tuple) or not any(map(_only_calls, value)):
        return value
    return [{**one, "content": ""} if _only_calls(one) else one for one in value]


def _only_calls(message: Any) -> bool:
    if not isinstance(message, Mapping) or message.get("content") is not None:
        return False
    return bool(message.get("tool_calls"))


def _prompt(row: Row, chats: Sequence[Sequence[Message]]) -> Any:
    """Return the prompt of a row, which may stand in the chats before its answers only.

    Raises:
        ValueError: There is none, or the chats are about something else.
    """
    given, first = row.get("prompt"), next(iter(chats), ())
    if any(_turns(chat) != _turns(first) for chat in chats):
        raise ValueError("chosen and rejected do not answer the same chat")
    if given is None and first:
        return Ended(first)
    if "prompt" not in row:
        raise ValueError("column 'prompt' is missing")
    if given is None or (isinstance(given, str | list | tuple) and not given):
        raise ValueError("column 'prompt' is empty")
    try:
        given = _with_contents(given)
        read = prompt_from(given)
    except ValueError as error:
        raise ValueError(f"column 'prompt': {error}") from None
    if not isinstance(read, str) and any(a is not b for a, b in zip(read, given, strict=True)):
        given = list(read)
    if not first:
        return given
    first = Ended(first)
    whole = _turns(first)
    asked = _turns([{"role": "user", "content": given}] if isinstance(given, str) else given)
    if whole == asked:
        return given
    if any(whole[start : start + len(asked)] == asked for start in range(len(whole))):
        return first
    raise ValueError("the chat before the answer does not have the prompt")


def _turns(chat: Sequence[Message]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"].strip()) for message in chat]


def _asked(row: Row, column: str) -> Sequence[Message]:
    """Return the messages of a column without the answer at their end; none if it is no chat."""
    if not isinstance(row.get(column), list | tuple):
        return ()
    try:
        found = _messages(row[column], column)
    except ValueError:
        return ()
    return found[:-1] if found[-1]["role"] == "assistant" else found


def is_share(value: Any) -> bool:
    """Return whether a value is a number from 0 to 1."""
    return issubclass(type(value), Real) and type(value) is not bool and bool(0 <= value <= 1)
