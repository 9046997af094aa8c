"""Write the table of architectures in docs/training.md, from the list that the tests try."""

from __future__ import annotations

import re
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests" / "support"

PLACE = re.compile(r"(<!-- architectures -->\n).*?(<!-- /architectures -->\n)", re.S)


def page(text: str) -> str:
    """Return docs/training.md with the table of now."""
    sys.path.insert(0, str(TESTS))
    from architectures import table

    return PLACE.sub(lambda found: found[1] + table() + found[2], text)


def main() -> None:
    """Print the page, or write it."""
    path = Path(__file__).with_name("training.md")
    made = page(path.read_text(encoding="utf-8"))
    if "--print" in sys.argv:
        sys.stdout.write(made)
    else:
        path.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
