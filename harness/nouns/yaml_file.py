"""YAML as experiments, rubrics and options are written: no key twice, and a date is text."""

from __future__ import annotations

from typing import Any

import yaml

from harness.nouns.plain_text import MAX_DEPTH, MAX_DIGITS, whole_characters

MOST_NODES = 100_000
"""Values of a document with what its aliases stand for; a few lines can stand for billions."""

_MERGE = "tag:yaml.org,2002:merge"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_PLAIN = ("bool", "float", "int", "map", "merge", "null", "seq", "str")
_QUOTES = 'a text with : or #, and inside {} or [] also with , or ?, stands in "quotes"'
_KNOWN = "text, numbers, true, false, null, lists and mappings"


class _Loader(yaml.SafeLoader):
    """Refuses repeated keys, of which YAML keeps the last in silence, and what grows or nests."""

    # A version such as 2024-01-01 is wanted as it is written.
    yaml_implicit_resolvers = {  # noqa: RUF012 (the base class declares it so)
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        self._depth += 1
        if self._depth > MAX_DEPTH + 1:
            raise ValueError(f"nested more than {MAX_DEPTH} deep in line {line}")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(event, yaml.AliasEvent) and id(node) not in self._sizes:
            raise ValueError(f"alias {event.anchor!r:.60} in line {line} stands for what it is in")
        if node is not None and id(node) not in self._sizes:
            size = 1 + sum(self._sizes[id(part)] for part in _parts(node))
            if size > MOST_NODES:
                raise ValueError(f"more than {MOST_NODES} values in what begins in line {line}")
            self._sizes[id(node)] = size
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise ValueError(
                    f"key {key.value!r:.60} stands twice, in lines {lines[key.value]} and {line}"
                )
            lines[key.value] = line
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        kind, line = node.tag.removeprefix("tag:yaml.org,2002:"), node.start_mark.line + 1
        if kind not in _PLAIN:
            raise ValueError(f"a value of the kind {kind!r:.60} in line {line}; known: {_KNOWN}")
        if kind in ("int", "float") and len(node.value) > MAX_DIGITS:
            raise ValueError(f"the number in line {line} is too long")
        try:
            found = super().construct_object(node, deep)
        except (ArithmeticError, LookupError, ValueError) as error:
            raise ValueError(f"{node.value!r:.60} in line {line} is no {kind}") from error
        if isinstance(found, str):
            return whole_characters(found)
        # A decimal digit takes more than three bits.
        if type(found) is int and found.bit_length() > MAX_DIGITS * 3:
            raise ValueError(f"the number in line {line} is too long")
        return found


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def parse_yaml(text: str) -> Any:
    """Return the content of a YAML document, whose texts are ``whole_characters``.

    Raises:
        ValueError: It is not YAML, a key stands twice in one mapping, or it is nested, or grows by
            its aliases, beyond all use; the message names lines.
    """
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        told = " ".join(f"{error.context or ''} {error.problem or ''}".split())
        raise ValueError(f"not YAML{where}: {told:.200}; {_QUOTES}") from error
    except (yaml.YAMLError, OverflowError, RecursionError) as error:
        raise ValueError(f"not YAML: {' '.join(str(error).split()):.300}") from error
