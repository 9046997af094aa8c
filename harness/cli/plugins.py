"""``harness plugins``: what is installed, from where, with which options, and what is broken."""

from __future__ import annotations

from typing import Annotated, Any

import typer

NONE = "no description: its function has no docstring"


def command(
    name: Annotated[
        str | None, typer.Argument(help="Show one source with its options in full.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every source with its distribution, version, options and any load error."""
    import json

    from rich.markup import escape
    from rich.padding import Padding

    from harness.cli.screen import console
    from harness.registry import registry

    found = registry()
    rows: list[dict[str, Any]] = []
    for source, factory in sorted(found.sources.items()):
        origin = found.origins[source]
        schema = factory.options.model_json_schema() if factory.options else {}
        rows.append(
            {
                "name": source,
                "kind": factory.kind,
                "version": factory.version,
                "distribution": f"{origin.distribution} {origin.version}",
                "module": origin.module,
                "options": {
                    key: _option(key, value, schema) for key, value in _fields(schema).items()
                }
                | ({"reads": "answer or whole, default 'answer'"} if factory.reads else {}),
                "summary": factory.summary,
            }
        )
    others = {
        "aggregations": {name: one.summary for name, one in sorted(found.aggregators.items())},
        "statistics": {name: one.summary for name, one in sorted(found.statistics.items())},
    }
    broken = [{"plugin": str(plugin.origin), "error": plugin.reason} for plugin in found.broken]
    out = console()
    if name is not None:
        found.source(name)  # raises for an unknown or broken one
        rows, broken = [row for row in rows if row["name"] == name], []
    if as_json:
        out.print_json(json.dumps({"sources": rows, **others, "broken": broken}))
        return
    if name is not None:
        _print_one(out, rows[0])
        return
    for row in rows:
        out.print(
            f"[bold]{escape(row['name'])}[/bold]  {row['kind']}  version {escape(row['version'])}"
            f"  [dim]{escape(row['distribution'])}[/dim]"
        )
        out.print(Padding(escape(row["summary"] or NONE), (0, 0, 0, 4)))
        if row["options"]:
            out.print(Padding(f"[dim]options: {', '.join(row['options'])}[/dim]", (0, 0, 0, 4)))
    for kind, summaries in others.items():
        for each, summary in summaries.items():
            out.print(f"[bold]{escape(each)}[/bold]  {kind[:-1]}")
            out.print(Padding(escape(summary), (0, 0, 0, 4)))
    for plugin in broken:
        out.print("\n[red]broken[/red]", escape(plugin["plugin"]))
        out.print(f"  {plugin['error']}", markup=False)


def _fields(schema: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = schema.get("properties", {})
    return fields


def _option(key: str, value: dict[str, Any], schema: dict[str, Any]) -> str:
    kinds = "/".join(map(_kind, value.get("anyOf", [value])))
    if key in schema.get("required", []):
        return f"{kinds}, required"
    return f"{kinds}, default {value.get('default')!r}"


def _kind(value: dict[str, Any]) -> str:
    """Return the choices of an option, or the type of its values."""
    if choices := value.get("enum", [value["const"]] if "const" in value else []):
        return " or ".join(map(str, choices))
    return str(value.get("type", value.get("$ref", "").rpartition("/")[2]))


def _print_one(out: Any, row: dict[str, Any]) -> None:
    out.print(f"{row['name']} ({row['kind']}, version {row['version']})", markup=False)
    out.print(row["summary"] or NONE, markup=False)
    out.print(f"from {row['distribution']}, {row['module']}\n", markup=False)
    for key, text in row["options"].items():
        out.print(f"  {key}: {text}", markup=False)
    if not row["options"]:
        out.print("  no options")
