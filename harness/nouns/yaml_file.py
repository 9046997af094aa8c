"""YAML as experiments and rubrics are written: no key twice, and a date is text."""

from __future__ import annotations

from typing import Any

import yaml

_MERGE = "tag:yaml.org,2002:merge"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """Refuses repeated keys, of which YAML keeps the last in silence."""

    # A version such as 2024-01-01 is wanted as it is written.
    yaml_implicit_resolvers = {  # noqa: RUF012 (the base class declares it so)
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise ValueError(
                    f"key {key.value!r} stands twice, in lines {lines[key.value]} and {line}"
                )
            lines[key.value] = line
        return node


def parse_yaml(text: str) -> Any:
    """Return the content of a YAML document.

    Raises:
        ValueError: It is not YAML, or a key stands twice in one mapping; the message names lines.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {' '.join(str(error).split())}") from error
