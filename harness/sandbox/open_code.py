"""Code that stands in the open of a response: under headings, between tags, in code spans."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from harness.nouns.code_blocks import CodeBlock, is_prose, parsed

_HEADING = re.compile(r"#{1,6}[ \t]++\S")
_NAME = r"(?:final_?)?(?:answer|solution|program|code|python|response|output|result)"
_OPENING = re.compile(rf"(?m:^)[\w ,.:*-]{{0,60}}<{_NAME}>(?=[^\n])", re.IGNORECASE)
_CLOSING = re.compile(
    rf"(?<=[^\s>])[ \t]{{0,9}}((?:</{_NAME}>[ \t.]{{0,9}}){{1,4}})(?m:$)", re.IGNORECASE
)
_SPAN = re.compile(
    r"(?m:^)[ \t>*-]{0,9}(?:[^\W\d_][\w ,*'-]{0,80}(?::|(?<= is)|(?<= be))[ \t*]{0,9})?"
    r"(`{1,2})(?!`)([^`\n]{1,2000})\1(?!`)[ \t*.]{0,9}(?m:$)"
)
_STATEMENT = re.compile(
    r"(?:async|def|class|import|from|for|while|if|elif|else|try|except|finally|with|match|case|return"
    r"|raise|yield|print|assert|del|global|nonlocal|lambda|pass|break|continue)\b|[@)\]}'\"]"
)
_READING = re.compile(r"\b(?:input[ \t]{0,9}\(|stdin\b)")
_KNOWN = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}


def without_tags(text: str) -> str:
    """Return a text in which the tags of an answer stand on lines of their own."""
    if _OPENING.search(text) is None or parsed(text) is not None:
        return text
    return _CLOSING.sub(r"\n\1", _OPENING.sub("\\g<0>\n", text))


def spans(text: str) -> list[CodeBlock]:
    """Return the programs in code spans that are all of a line, but for what introduces them."""
    found = [match[2].strip() for match in _SPAN.finditer(text)]
    return [CodeBlock(code + "\n", marked=False) for code in found if _is_program(code)]


def _is_program(code: str) -> bool:
    tree = parsed(code)
    if tree is None:
        return False
    defines = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return _READING.search(code) is not None or any(
        isinstance(node, defines)
        or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda))
        for node in tree.body
    )


def sections(code: str) -> list[str]:
    """Split code at headings under which something is said that is no code.

    Nothing is said there that could run: it is no Python, or only expressions with names that
    nothing binds, such as ``O(1)``.
    """
    lines = code.split("\n")
    starts = _starts(code, lines)
    if not starts:
        return [code]
    edges = [*sorted({0, *starts}), len(lines)]
    cut = [lines[edge:end] for edge, end in pairwise(edges)]
    trees = [parsed("\n".join(section)) for section in cut]
    bound = {name for tree in trees if tree for name in _bound(tree.body)}
    said = [_is_said(section, tree, bound) for section, tree in zip(cut, trees, strict=True)]
    if not any(said) or "*" in bound:
        return [code]
    parts: list[list[str]] = []
    for number, section in enumerate(cut):
        if not number or said[number] or said[number - 1]:
            parts.append([])
        parts[-1] += section
    return ["\n".join(part) + "\n" for part in parts]


def _starts(code: str, lines: Sequence[str]) -> set[int]:
    """Return where sections begin: headings, and a line of prose that happens to be Python."""
    starts = {place for place, line in enumerate(lines) if _HEADING.match(line)}
    tree = parsed(code)
    if tree is None:
        for mark in ('"""', "'''"):
            inside = False
            for place, line in enumerate(lines):
                starts -= {place} if inside else set()
                inside ^= line.count(mark) % 2 == 1
        return starts
    for node in tree.body:
        end = node.end_lineno or node.lineno
        starts -= set(range(node.lineno - 1, end))
        if _is_bare(node) and is_prose(lines[node.lineno - 1]):  # Time: O(1)
            starts |= {node.lineno - 1, end}
    return starts


def _is_said(section: Sequence[str], tree: ast.Module | None, bound: set[str]) -> bool:
    """Tell whether a section says something that is no part of a program."""
    if tree is None:
        first = next((line for line in section if line.strip() and not _HEADING.match(line)), " ")
        pairs = ("()", "[]", "{}")
        return not (
            first[0].isspace()
            or _STATEMENT.match(first)
            or first.rstrip()[-1] in "\\,"
            or "=" in first
            or any(first.count(pair[0]) != first.count(pair[1]) for pair in pairs)
            or parsed(first)
            or parsed(f"{first}\n pass")
        )
    if not tree.body or not all(isinstance(n, ast.Expr) or _is_bare(n) for n in tree.body):
        return False
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return bool(names - bound - _KNOWN)


def _is_bare(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and node.value is None


def _bound(body: Iterable[ast.AST]) -> Iterable[str]:
    """Yield the names that statements bind where they stand, and those called global."""
    todo = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            todo += [inner for inner in ast.walk(node) if isinstance(inner, ast.Global)]
            continue
        if isinstance(node, ast.Global):
            yield from node.names
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        if not isinstance(node, ast.Lambda) and not (isinstance(node, ast.stmt) and _is_bare(node)):
            todo += ast.iter_child_nodes(node)
