"""Which program a response offers: the part of its text that defines what the tests need.

The rule is written in docs/verifiers.md. It looks at what blocks define and use, never at what they
do: no block is run to find out whether it is right.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import textwrap
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from harness.nouns.code_blocks import (
    LONGEST,
    PYTHON,
    CodeBlock,
    marked_blocks,
    open_blocks,
    parsed,
    plain_lines,
    python_of,
)
from harness.nouns.end_tokens import without_end_tokens
from harness.sandbox.definitions import (
    How,
    begun,
    definitions,
    definitions_but_for_a_body,
    ends_with_head,
    wraps,
)
from harness.sandbox.guest.test_checks import Checks
from harness.sandbox.guest.test_names import taken
from harness.sandbox.open_code import sections, spans, without_tags

_READS = frozenset({"input", "stdin", "fileinput", "read", "open"})
_FILES = frozenset({"read", "open"})
_PRINTS = frozenset({"print", "stdout", "write", "writelines"})
_READING = re.compile(r"\b(?:input[ \t]{0,9}\(|stdin\b|fileinput\b)")
_STARTS = re.compile(r"(?:import|from|def|class|async|for|while|if|try|with)\b|@|#|\w[\w, ]{0,80}=")
_CALLS = re.compile(r"[\w.]++\(|'''|\"\"\"")
_MOST = 64  # blocks that are looked at, from the end
_KNOWN = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}


def program_defining(
    text: str,
    names: Collection[str],
    *,
    before: str = "",
    continues: Callable[[str], bool] | None = None,
) -> str:
    """Return the program of a response whose tests take names from it.

    Args:
        text: The response.
        names: What the tests take from the program.
        before: Code that will stand before the program, whose names it may use.
        continues: Whether code that defines none of the names makes a program all the same.
    """
    text = without_end_tokens(text)
    if len(text) > LONGEST:
        return _longest_way(text)
    given = definitions(tree.body) if (tree := parsed(before)) else {}
    marked = _parts(marked_blocks(text))
    for parts in (marked, *_open_parts(text, marked)):
        homes = {home for name in names if (home := _home(parts, name)) is not None}
        sure = any(parts[home].defining(name) >= How.STUB for home in homes for name in names)
        body = "" if sure or continues is None else _body(parts, continues)
        if body:
            return body
        if homes:
            return _joined(parts, homes | _wrapping(parts, names, homes), given)
    return _any(marked, text)


def program_reading(text: str, reads: bool = True) -> str:
    """Return the program of a response that is run as a script.

    Args:
        text: The response.
        reads: Whether it must read an input.
    """
    text = without_end_tokens(text)
    if len(text) > LONGEST:
        return _longest_way(text)
    marked = _parts(marked_blocks(text))
    for parts in (marked, *_open_parts(text, marked)):
        order = sorted(range(len(parts)), key=lambda p: (parts[p].is_python, p), reverse=True)
        for wanted in _SCRIPTS if reads else _SCRIPTS[-1:]:
            for place in order:
                if wanted(parts, place):
                    return _joined(parts, {place}, ())
    return _any(marked, text)


@lru_cache(maxsize=256)
def names_tested(parts: tuple[str, ...], context: str = "", module: str = "") -> frozenset[str]:
    """Return the names that test code takes from the program.

    Args:
        parts: Pieces of test code.
        context: Code that runs before them.
        module: Name under which they import the program; by default they do not.
    """
    trees = [parsed(source) for source in (context, *parts)]
    if None in trees:
        return frozenset()  # the sandbox will say so
    if not module:
        around = trees[0]
        known = definitions(around.body) if around else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return taken(parts, known, context=context).names
    found: set[str] = set()
    nodes = [node for tree in trees if tree for node in ast.walk(tree)]
    aliases: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == module:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            aliases |= {a.asname or a.name for a in node.names if a.name == module}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {node.attr} if node.value.id in aliases else set()
    return names_tested(parts) if "*" in found else frozenset(found)


@lru_cache(maxsize=256)
def tests_decide(
    parts: tuple[str, ...], names: frozenset[str], context: str = "", module: str = ""
) -> bool:
    """Tell whether test code can fail because of the program; what does not compile may.

    Args:
        parts: Pieces of test code.
        names: What they take from the program.
        context: Code that runs before them.
        module: Name under which they import the program; by default they do not.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Checks((context, *parts), names, module).any()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


@dataclass(frozen=True)
class _Part:
    """One block, as Python.

    Args:
        code: The program.
        label: The language that it is said to be.
        tree: Its tree, unless it is no Python.
        defines: What it binds at its top, and how well; see ``definitions``.
    """

    code: str
    label: str
    tree: ast.Module | None = None
    defines: dict[str, How] = field(default_factory=dict)

    @property
    def is_python(self) -> bool:
        """Whether it may be Python, by what it is said to be."""
        return not self.label or self.label in PYTHON

    @cached_property
    def uses(self) -> frozenset[str]:
        """Names that must come from elsewhere."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                top = symtable.symtable(self.code, "solution.py", "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return frozenset()
        found = {
            symbol.get_name()
            for scope in _scopes(top)
            for symbol in scope.get_symbols()
            if symbol.is_referenced() and (symbol.is_global() or scope is top)
        }
        return frozenset(found - _KNOWN - self.defines.keys())

    @cached_property
    def words(self) -> frozenset[str]:
        """Names and attributes anywhere in it."""
        if self.tree is None:
            return frozenset({"input", "print"}) if self._reads_broken() else frozenset()
        found: set[str] = set()
        opened = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "open":
                opened.append(_is_file(node))
        # What reads nothing but files does not read its input.
        return frozenset(found - _FILES if opened and all(opened) else found)

    @cached_property
    def acts(self) -> bool:
        """Whether it does something when it is run."""
        if self.tree is None:
            return self._reads_broken()
        return any(_acts(node) for node in self.tree.body)

    def _reads_broken(self) -> bool:
        """Tell whether it is a program that reads but for a fault in it."""
        if self.defines or ends_with_head(self.code):
            return False
        starts = (_STARTS, _CALLS) if self.label else (_STARTS,)
        meant = self.is_python and any(start.match(self.code.lstrip()) for start in starts)
        return bool(meant and _READING.search(self.code))

    def defining(self, name: str) -> How:
        """Return how well it defines a name, 0 for not at all."""
        if self.tree is not None or self.defines or not self.is_python:
            return self.defines.get(name, How.NOT)
        return begun(self.code, name, said=bool(self.label))


def _parts(blocks: Sequence[CodeBlock]) -> list[_Part]:
    return [_part(block) for block in blocks[-_MOST:]]


def _part(block: CodeBlock) -> _Part:
    code = python_of(block.code)
    tree = parsed(code)
    if tree is None and code.lstrip("\n")[:1] in (" ", "\t"):
        flush = textwrap.dedent(code)
        tree = parsed(flush)
        # A body at the left is no program; what stands in a function's place keeps its place.
        if tree is not None and any(map(_defined, tree.body)):
            return _Part(flush, block.label, tree, definitions(tree.body, block.label))
        tree = None
    if tree is None:
        return _Part(code, block.label, None, definitions_but_for_a_body(code, block.label))
    return _Part(code, block.label, tree, definitions(tree.body, block.label))


def _open_parts(text: str, marked: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Yield the whole text, if nothing in it is marked, what of it is no prose, and code spans."""
    text = without_tags(plain_lines(text))
    if not marked:
        whole = _part(CodeBlock(text))
        if whole.code[:1] in (" ", "\t") or (whole.tree and len(sections(whole.code)) == 1):
            yield [whole]
    blocks = open_blocks(text)
    yield _parts([CodeBlock(part) for block in blocks for part in sections(block.code)])
    yield _parts(spans(text))


def _home(parts: Sequence[_Part], name: str) -> int | None:
    """Return the last of the blocks that define a name best."""
    best = max((part.defining(name) for part in parts), default=0)
    places = [place for place, part in enumerate(parts) if best and part.defining(name) == best]
    return places[-1] if places else None


def _body(parts: Sequence[_Part], continues: Callable[[str], bool]) -> str:
    """Return the last block that goes on from what stands before the program."""
    for part in reversed(parts):
        begins = part.code.lstrip("\n")[:1] in (" ", "\t")
        if begins and part.is_python and continues(part.code):
            return part.code
    return ""


def _wrapping(parts: Sequence[_Part], names: Collection[str], homes: set[int]) -> set[int]:
    """Return the blocks after those of definitions that put ``f = cache(f)`` in their place."""
    return {
        place
        for place, part in enumerate(parts)
        if part.tree is not None and part.is_python and place > max(homes)
        if any(wraps(part.tree.body, name) for name in names)
    }


def _joined(parts: Sequence[_Part], chosen: set[int], given: Collection[str]) -> str:
    """Return blocks, with those before them that define what they use."""
    return "\n".join(parts[place].code for place in sorted(_whole(parts, chosen, given)))


def _whole(parts: Sequence[_Part], chosen: set[int], given: Collection[str] = ()) -> set[int]:
    """Return blocks with all on which they rest: for each name the nearest before, or after."""
    found = set(chosen)
    todo = list(chosen)
    while todo:
        place = todo.pop()
        held = set(given).union(*(parts[other].defines for other in found))
        for name in sorted(parts[place].uses - held):
            others = {p: part.defining(name) for p, part in enumerate(parts) if p != place}
            places = [p for p, how in others.items() if how and how == max(others.values())]
            places = [p for p in places if p < place][-1:] or places[:1]
            todo += [p for p in places if p not in found]
            found |= set(places)
    return found


def _alone(parts: Sequence[_Part], place: int) -> bool:
    part = parts[place]
    return _reading(parts, {place}) and part.acts and _whole(parts, {place}) == {place}


def _with_helpers(parts: Sequence[_Part], place: int) -> bool:
    return bool(parts[place].words & _READS) and _called(parts, place)


def _called(parts: Sequence[_Part], place: int) -> bool:
    return parts[place].acts and _reading(parts, _whole(parts, {place}))


def _printing(parts: Sequence[_Part], place: int) -> bool:
    whole = _whole(parts, {place})
    return parts[place].acts and any(parts[p].words & _PRINTS for p in whole)


_SCRIPTS = (_alone, _with_helpers, _called, _printing)
"""Kinds of scripts, the surest first."""


def _reading(parts: Sequence[_Part], places: Collection[int]) -> bool:
    words = frozenset().union(*(parts[place].words for place in places))
    return bool(words & _READS and words & _PRINTS)


def _acts(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return any(isinstance(inner, ast.Call) for inner in ast.walk(node))
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant | ast.Name)
    return not isinstance(node, _DEFINITIONS)


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def _defined(node: ast.stmt) -> bool:
    return isinstance(node, _DEFINITIONS)


def _is_file(opening: ast.Call) -> bool:
    """Tell whether a call of ``open`` names a file, which standard input is not."""
    given = opening.args[0] if opening.args else None
    name = given.value if isinstance(given, ast.Constant) else None
    return isinstance(name, str) and not name.startswith(("/dev/", "/proc/"))


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    todo = [table]
    while todo:
        scope = todo.pop()
        yield scope
        todo += scope.get_children()


def _any(marked: Sequence[_Part], text: str) -> str:
    """Return the last block that may be Python, of all if none compiles, or else the text."""
    python = [part for part in marked if part.is_python] or marked
    good = [part for part in python if part.tree is not None] or python
    return good[-1].code if good else plain_lines(text)


def _longest_way(text: str) -> str:
    """Return the last block of a text that is too long to be looked through."""
    blocks = marked_blocks(text)
    return blocks[-1].code if blocks else text
