"""Draw docs/images/floors.svg: the floors of the house and who imports whom, as the code has it."""

from __future__ import annotations

import ast
import sys
from configparser import ConfigParser
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "floors.svg"
ROW, CELL, TEXT, HEAD = 22, 13, 600, 92

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.name { font: 600 12px ui-monospace, monospace }
.floor { fill: #f3f5f8 } .cell { fill: #e4e8ee } .import { fill: #2f6fbf }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .floor { fill: #161b22 } .cell { fill: #222a35 } .import { fill: #6cb0ff }
}
"""


def floors() -> list[str]:
    """Return the floors, the highest first, as the import rules have them."""
    rules = ConfigParser()
    rules.read(ROOT / ".importlinter", encoding="utf-8")
    return rules["importlinter:contract:floors"]["layers"].split()


def files_of(floor: str) -> list[Path]:
    """Return the Python files of a floor: a folder's, or the one."""
    folder = ROOT / "harness" / floor
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def summary_of(floor: str) -> str:
    """Return the first sentence of a floor's docstring."""
    folder = ROOT / "harness" / floor
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(doc.split("\n\n")[0].split()).split(". ")[0].rstrip(".").replace("`", "")


def imports_of(floor: str) -> set[str]:
    """Return the floors that a floor imports, also late and for types only."""
    found = set()
    for file in files_of(floor):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module == "harness":
                names = [f"harness.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            found |= {name.split(".")[1] for name in names if name.startswith("harness.")}
    return found - {floor}


def picture() -> str:
    """Return the SVG."""
    names = floors()
    width, height = TEXT + CELL * len(names) + 56, HEAD + ROW * len(names) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' aria-labelledby="title"><title id="title">The floors of harness, the highest first, and'
        f" which floors each imports: only lower ones.</title><style>{STYLE}</style>"
    ]
    for column, name in enumerate(names):
        x = TEXT + column * CELL + CELL / 2 + 4
        parts.append(f'<text class="name" transform="translate({x},{HEAD - 8}) rotate(-60)">'
                     f"{escape(name)}</text>")  # fmt: skip
    for row, name in enumerate(names):
        y = HEAD + row * ROW
        parts.append(f'<rect class="floor" x="4" y="{y}" width="{TEXT - 8}" height="{ROW - 3}"/>')
        parts.append(f'<text class="name" x="12" y="{y + 14}">{escape(name)}</text>')
        parts.append(f'<text x="104" y="{y + 14}">{escape(summary_of(name))}</text>')
        imported = imports_of(name)
        for column, other in enumerate(names):
            kind = "import" if other in imported else "cell"
            x = TEXT + column * CELL
            if column <= row and kind == "cell":
                continue  # a floor below in the list is all that may be imported
            title = f"<title>{name} imports {other}</title>" if kind == "import" else ""
            parts.append(f'<rect class="{kind}" x="{x}" y="{y + 3}" width="{CELL - 2}"'
                         f' height="{CELL - 2}">{title}</rect>')  # fmt: skip
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Print the picture, or write it to its place."""
    if "--print" in sys.argv:
        sys.stdout.write(picture())
    else:
        PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
