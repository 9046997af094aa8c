"""The blocks of code in a text that a model wrote.

CommonMark's fences, and what models write that CommonMark does not read as they mean it: code that
stands further left than its fence in a list, text on the line of a fence, a fence that is only
closed, marks of other kinds. Reading takes one pass over the lines.
"""

from __future__ import annotations

import ast
import html
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from harness.nouns.plain_text import has_long_marks

LONGEST = 100_000
"""Characters of a text whose code is parsed to find out what it is."""

_DEEPEST = 3
_MARK = re.compile(r"[`~\[<]|'''|\"\"\"")
_TAB = 4
_SHORTEST = 3  # characters of a fence
# What stands before a fence: marks of quotes and of lists.
_FENCE = re.compile(
    r"(?P<before>[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t>]++)*+)"
    r"(?P<fence>`{3,}+|~{3,}+)[ \t]*+(?P<info>[^`]*+)"
)
_LATE = re.compile(
    r"(?P<before>(?:[^`]|`(?!``))*+)(?P<fence>`{3,}+)[ \t]*+(?P<info>[\w+#.-]*+)[ \t]*+"
)
_ONE_LINE = re.compile(r"[ \t]*+(?P<fence>`{3,}+)(?P<code>[^`\n]++)(?P=fence)[ \t]*+")
_LABEL = re.compile(r"\{?[ \t]*+\.?([\w+#-]*+)")
_FILE = re.compile(r"[\w./-]++(?<=\.py)(?!\S)")
_STARTS = re.compile(r"(?:async[ \t]+def|def|class|import|from|@\w)\b")
_NAMED = re.compile(r"\s*+(?:python3?|py)[ \t]*+:?(?:[ \t]*+copy code)?\n(?:copy code\n)?", re.I)
_MARKS = {"[BEGIN]": "[DONE]", "[PYTHON]": "[/PYTHON]", "[CODE]": "[/CODE]"}
_CODE_TAG = re.compile(r"<(pre|code)\b[^<>]*+>", re.IGNORECASE)
_INNER_TAG = re.compile(r"</?code\b[^<>]*+>", re.IGNORECASE)
_QUOTED_MARKS = frozenset({"'''python", '"""python'})
_QUOTED = re.compile(r"[ \t]*+>[ ]?")
_STRINGS = re.compile(
    r"#[^\n]*+|\'\'\'|\"\"\"|'(?:[^'\\\n]|\\.)*+(?:'|\n|\Z)|\"(?:[^\"\\\n]|\\.)*+(?:\"|\n|\Z)",
    re.DOTALL,
)
_WORDS = re.compile(
    r"(?:[^\w\s]*+[^\W\d_][\w'\u2019-]*+[^\w\s]*+(?:[ \t]++|\Z)){3,}"
    r"|[^\w\s]*+[A-Z][\w' -]*+[^\w\s]*+\Z"
    r"|[A-Z][\w'\u2019-]*+(?:[,:.!?][^\w\s]*+(?:\s|\Z)|[ \t]++[\w'\u2019\"`])|[^\x00-\x7f]"
)
_GOES_ON = re.compile(r"(?:except|elif|case)\b[^\n]*+(?<=:)[ \t]*+")
_MARKUP = re.compile(
    r"[*_]{2}|`|\\[a-z]|\.\.[ \t]|</?[a-zA-Z|]|[-*\u2022][ \t]++[^\W\d_]|\d++[.)][ \t]|---|===|> "
)
PYTHON = frozenset({"python", "python3", "python2", "py", "py3", "pycon", "ipython", "pyi"})


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Code in a text.

    Args:
        code: Its lines, without the marks and the indentation around them.
        label: The language that its fence names, in small letters, or an empty text.
        marked: Whether marks surround it; otherwise it stands in the open.
    """

    code: str
    label: str = ""
    marked: bool = True


def plain_lines(text: str) -> str:
    """Return a text without a byte order mark, with line feeds at all ends of lines."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def marked_blocks(text: str) -> list[CodeBlock]:
    """Return the blocks with marks around them, in order; blank ones are left out.

    Marks are fences of three or more backticks or tildes, ``<pre>``, ``[BEGIN]`` and ``[DONE]``,
    ``[PYTHON]`` and ``[/PYTHON]``. A block without its end goes to the end of the text, one without
    its beginning begins with the text, if that is a program.
    """
    return _Reader(plain_lines(text)).read(0)


def open_blocks(text: str) -> list[CodeBlock]:
    """Return the runs of lines outside of marks that are no prose, in order."""
    reader = _Reader(plain_lines(text))
    reader.read(0)
    return [CodeBlock(code, marked=False) for code in _runs(reader.outside) if code.strip()]


def python_of(code: str) -> str:
    """Return code without what shows that it is Python: its name above it, and ``>>>``."""
    code = _NAMED.sub("", code, count=1) if _NAMED.match(code) else code
    lines = code.split("\n")
    if next((line for line in lines if line.strip()), "").lstrip().startswith(">>>"):
        prompts = [line.lstrip() for line in lines]
        lines = [line[4:] for line in prompts if line[:4].rstrip() in (">>>", "...")]
        return "\n".join(lines) + "\n"
    return code


def parsed(code: str) -> ast.Module | None:
    """Return the tree of a program, or nothing if it does not compile or is too long to try."""
    if len(code) > LONGEST or has_long_marks(code):
        return None  # the compiler composes names
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass(slots=True)
class _Open:
    """A block that is being read."""

    line: int
    closes: str
    label: str = ""
    indent: int = 0
    quotes: int = 0
    head: str = ""


class _Reader:
    """One pass over the lines of a text; ``outside`` are those that belong to no block."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.outside: list[str] = []
        self.found: list[CodeBlock] = []
        self.begun = False

    def read(self, depth: int) -> list[CodeBlock]:
        """Return the blocks."""
        place = 0
        while place < len(self.lines):
            place = self._from(place)
        if depth < _DEEPEST:
            self.found = [inner for block in self.found for inner in _inside(block, depth)]
        return [block for block in self.found if block.code.strip()]

    def _from(self, place: int) -> int:
        """Read one line outside of blocks, or the block that begins there; return what follows."""
        line = self.lines[place]
        if not _MARK.search(line):
            self.outside.append(line)
            return place + 1
        one = _ONE_LINE.fullmatch(line)
        if one:
            code = one["code"].strip()
            first, _, rest = code.partition(" ")
            label = first.lower() if first.lower() in {"json", *PYTHON} else ""
            self.found.append(CodeBlock(rest if label else code, label))
            self.outside.append("")
            return place + 1
        tag = _CODE_TAG.match(line.lstrip())
        if tag:
            return self._html(place, f"</{tag[1].lower()}>")
        opened = self._opened(place)
        if opened is None:
            self.outside.append(line)
            return place + 1
        if not opened.closes:  # it is only the end of what began with the text
            self.outside.append("")
            return place + 1
        self.outside.append("")
        return self._block(opened)

    def _opened(self, place: int) -> _Open | None:
        line = self.lines[place]
        mark = line.strip()
        if mark in _MARKS:
            return _Open(place, _MARKS[mark], "python")
        if mark in _QUOTED_MARKS:
            return _Open(place, mark[:3], "python")
        if mark in _MARKS.values():
            return self._ended(place, "")
        fence = _FENCE.fullmatch(line)
        late = None if fence else _LATE.fullmatch(line)
        found = fence or late
        if found is None:
            return None
        info = found["info"].strip()
        if not info:
            ended = self._ended(place, "" if fence else found["before"])
            if ended:
                return ended
        if late and not (info or is_prose(found["before"].strip())):
            return None
        label, head = _label(info)
        before = found["before"] if fence else ""
        outer = before.rpartition(">")[2]
        return _Open(place, found["fence"], label, _width(outer), before.count(">"), head)

    def _ended(self, place: int, last: str) -> _Open | None:
        """Tell whether a mark ends a block that began with the text; if so, that is a block."""
        if self.begun or self.found or len(self.outside) != place:
            return None
        self.begun = True
        code = "\n".join([*self.outside, last]).rstrip("\n") + "\n"
        if not _is_program(python_of(code)):
            return None
        self.found.append(CodeBlock(code))
        self.outside = [""] * place
        return _Open(place, "")

    def _html(self, place: int, closes: str) -> int:
        """Read what a tag holds, and return the place of the line after it."""
        end = place
        while end < len(self.lines) - 1 and closes not in self.lines[end].lower():
            end += 1
        inner = "\n".join(self.lines[place : end + 1])
        inner = inner[inner.find(">") + 1 :]
        close = inner.lower().find(closes)
        inner = _INNER_TAG.sub("", inner if close < 0 else inner[:close])
        self.outside.append("")
        return self._keep("", [html.unescape(inner)], "closed", end)

    def _block(self, opened: _Open) -> int:
        """Read a block to its end and return the place of the line after it."""
        lines = [opened.head] if opened.head else []
        scan = _Scan(opened.label in PYTHON or not opened.label)
        scan.feed(opened.head)
        early: tuple[list[str], str, int] | None = None
        blank = not lines
        for place in range(opened.line + 1, len(self.lines)):
            line = _unquoted(self.lines[place], opened.quotes)
            if blank and line.strip():  # code may stand further left than its fence
                opened.indent = min(opened.indent, _width(line[: -len(line.lstrip())]))
                blank = False
            line = _cut(line, opened.indent)
            ends, text = _ends(line, opened.closes)
            if ends and not scan.inside:
                if early and parsed("\n".join([*lines, text])) is None:
                    break  # the text in quotes was none
                return self._keep(opened.label, [*lines, text], ends, place)
            if ends and not early:
                early = [*lines, text], ends, place
            lines.append(line)
            scan.feed(line + "\n")
        if not early and len(opened.closes) > _SHORTEST and opened.closes[0] in "`~":
            opened.closes = opened.closes[:_SHORTEST]  # a shorter fence is all that is left
            return self._block(opened)
        return self._keep(opened.label, *(early or (lines, "next", len(self.lines))))

    def _keep(self, label: str, lines: Sequence[str], ends: str, place: int) -> int:
        """Keep a block; one that has no end of its own may have words after it."""
        runs = ["\n".join(lines)] if ends == "closed" else _runs(lines)
        self.found += [CodeBlock(run.rstrip("\n") + "\n", label) for run in runs]
        return place + (ends == "closed")


class _Scan:
    """Whether a program that is read line by line stands within three quotes."""

    def __init__(self, looks: bool = True) -> None:
        self.looks = looks
        self.inside = ""

    def feed(self, line: str) -> None:
        """Read one more line."""
        place = 0
        while self.looks and place < len(line):
            if self.inside:
                end = line.find(self.inside, place)
                if end < 0:
                    return
                place, self.inside = end + 3, ""
                continue
            found = _STRINGS.search(line, place)
            if found is None:
                return
            place = found.end()
            if found[0] in ("'''", '"""'):
                self.inside = found[0]


def _ends(line: str, mark: str) -> tuple[str, str]:
    """Tell whether a line is ``closed`` or ``next``, a block's first; and what code it has."""
    if mark[0] not in "`~":
        return ("closed", "") if line.strip() == mark else ("", "")
    bare = line.strip()
    if bare.startswith(mark):
        rest = bare.lstrip(mark[0])
        if not rest or not (rest[0].isalnum() or rest[0] in "{ \t"):
            return "closed", ""
        if rest[0] in " \t" and " " in rest.strip():
            return "closed", ""
        return ("next", "") if "`" not in rest else ("", "")
    if mark[0] == "`" and bare.endswith(mark):
        code = line.rstrip().rstrip("`")
        return ("closed", code) if "`" not in code and "#" not in code else ("", "")
    return "", ""


def _unquoted(line: str, quotes: int) -> str:
    for _ in range(quotes):
        found = _QUOTED.match(line)
        line = line[found.end() :] if found else line
    return line


def _cut(line: str, indent: int) -> str:
    """Return a line with so many columns less of white space, or all that it has."""
    column = place = 0
    while column < indent and place < len(line) and line[place] in " \t":
        column += 1 if line[place] == " " else _TAB - column % _TAB
        place += 1
    return " " * (column - indent) + line[place:]


def _width(before: str) -> int:
    return len(before.expandtabs(_TAB))


def _label(info: str) -> tuple[str, str]:
    """Return the language that a fence names, and what of the code stands on its line."""
    if _STARTS.match(info):
        return "", info
    if _FILE.match(info):
        return "python", ""
    found = _LABEL.match(info)
    label = found[1].lower() if found else ""
    rest = info[found.end() :].strip() if found else ""
    return label, rest if _STARTS.match(rest) else ""


def _inside(block: CodeBlock, depth: int) -> list[CodeBlock]:
    """Return the blocks within a block that is a text itself, or the block."""
    if not ("```" in block.code or "~~~" in block.code):
        return [block]
    if parsed(block.code) is not None:
        return [block]
    return _Reader(block.code).read(depth + 1) or [block]


def _is_program(code: str) -> bool:
    """Tell whether a text is a program, the body of a function or JSON, and not a few words."""
    tree = parsed(code)
    if tree is None and code.lstrip("\n")[:1] in (" ", "\t"):
        tree = parsed("def f():\n" + code)
        return tree is not None
    return tree is not None and any(
        not isinstance(node, ast.Expr | ast.AnnAssign)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Dict | ast.List))
        for node in tree.body
    )


def _runs(lines: Sequence[str]) -> list[str]:
    """Split lines where one is prose."""
    runs: list[list[str]] = [[]]
    scan = _Scan()
    for line in lines:
        quoted = scan.inside
        if not quoted and is_prose(line):
            runs.append([])
            continue
        scan.feed(line + "\n")
        runs[-1].append(line)
    return ["\n".join(run) + "\n" for run in runs]


def is_prose(line: str) -> bool:
    """Tell whether a line is words between the lines of programs."""
    if not line.strip() or line[0] in " \t":
        return False
    if _MARKUP.match(line):
        return True
    return _WORDS.match(line) is not None and not _is_code(line)


def _is_code(line: str) -> bool:
    """Tell whether a line begins a statement that says more than a name, or goes on with one."""
    if line.rstrip()[-1] in "\\([{" or _GOES_ON.fullmatch(line):
        return True
    tree = parsed(line) or parsed(f"{line}\n pass")
    (node,) = tree.body[:1] if tree and tree.body else (None,)
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Name)
    return node is not None and not (isinstance(node, ast.AnnAssign) and node.value is None)
