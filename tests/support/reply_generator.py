"""Makes replies of judges: formats x verdicts x what surrounds a verdict, the same every time.

What formats and sentences there are stands in ``tests/golden/replies/parts/*.toml``; what surrounds
a verdict, in ``reply_kinds``.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from reply_corpus import FAILURE, FOLDERS, Reply, once, written
from reply_kinds import KINDS
from reply_maker import Maker


def whole_corpus(*folders: Path) -> list[Reply]:
    """Return all replies of some folders, or of all, hand-written and made."""
    replies: list[Reply] = []
    for folder in folders or FOLDERS:
        replies += written(folder)
        for path in sorted((folder / "parts").glob("*.toml")):
            replies += generated(path)
    return once(replies)


def generated(path: Path) -> Iterator[Reply]:
    """Yield the replies that a file of formats and sentences makes."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for fmt in table["format"]:
        yield from _tailed(table, fmt)
        for draw in range(table["draws"]):
            for kind, make in KINDS[fmt.get("shape", "line")].items():
                # Seeded by what it makes: a further kind or format leaves the others as they are.
                rng = random.Random(f"{table['seed']} {fmt['name']} {kind} {draw}")
                reply = make(Maker(rng, table["words"], fmt))
                if reply is not None:
                    unsure = kind in fmt.get("may_fail_kinds", ()) and reply.right != FAILURE
                    yield replace(reply, kind=kind, may_fail=reply.may_fail or unsure)


def _tailed(table: dict[str, Any], fmt: dict[str, Any]) -> Iterator[Reply]:
    """Yield a verdict's line with words after it that leave it as it is, or leave none."""
    for effect in ("keep", "spoil") if "tails" in fmt else ():
        for tail in table["words"]["tails"][f"{fmt['tails']}-{effect}"]:
            m = Maker(random.Random(f"{table['seed']} {fmt['name']} {tail}"), table["words"], fmt)
            end = m.line(m.value)
            if end.endswith(m.spelt(m.value)) and m.value != "TIE":
                text = f"{end}{m.fill(tail, m.value)}"
                kept = effect == "keep"
                reply = m.reply(text, None if kept else FAILURE, prompt=m.maybe_shown)
                yield replace(reply, kind="tailed" if kept else "spoiled")


def cut_everywhere(replies: Iterable[Reply]) -> Iterator[Reply]:
    """Yield a reply of each format, cut at every place: the verdict or a failure."""
    seen: set[str] = set()
    for reply in replies:
        if reply.kind == "trapped" and reply.format not in seen:
            seen.add(reply.format)
            for end in range(len(reply.text)):
                text = reply.text[:end]
                yield replace(reply, kind="cut-everywhere", text=text, cut=True, may_fail=True)
