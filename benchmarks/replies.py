"""How judges' replies are read: right, wrong and lost verdicts over the golden corpus, by format.

    python benchmarks/replies.py [--by kind] [--show wrong|lost|unsure [N]] [--json]
        [--cuts] [--recorded] [FOLDER ...]

The corpus is in tests/golden/replies: hand-written replies, and formats and sentences from which
tests/support/reply_generator.py makes the others. --cuts adds replies that end at every place, and
--recorded what two real judges wrote on PandaLM's test set, where ../shared/data has it. "wrong" is
a verdict other than the right one, or one where there is none; "lost" is a failure where the
verdict is plain; "unsure" is a failure where a reader may say so. Exits 1 unless nothing is wrong
and at most 3% are lost in each format.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from recorded_replies import recorded
from reply_corpus import FOLDERS, Reply, Tally, tallies
from reply_generator import cut_everywhere, whole_corpus


def main() -> int:
    """Read the corpus and print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, default=FOLDERS)
    parser.add_argument("--by", choices=("format", "kind", "way"), default="format")
    parser.add_argument(
        "--show", nargs="+", metavar="WHAT", help="wrong, lost or unsure, and how many"
    )
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    parser.add_argument("--cuts", action="store_true", help="replies cut at every place as well")
    parser.add_argument("--recorded", action="store_true", help="real judges' replies as well")
    given = parser.parse_args()
    replies = whole_corpus(*given.folders)
    if given.cuts:
        replies += cut_everywhere(replies)
    if given.recorded:
        replies += recorded()
    if given.show:
        what, number = given.show[0], int((*given.show, "20")[1])
        show([reply for reply in replies if reply.outcome() == what][:number])
        return 0
    rows = tallies(replies, given.by)
    by_format = rows if given.by == "format" else tallies(replies, "format")
    good = all(tally.good for tally in by_format.values())
    if given.json:
        print(
            json.dumps({"good": good, given.by: {n: t.counts for n, t in rows.items()}}, indent=1)
        )
    else:
        table(rows, given.by)
    return 0 if good else 1


def table(rows: dict[str, Tally], by: str) -> None:
    """Print a line for each format, the sums below."""
    total = sum(rows.values(), Tally())
    print(f"{by:24}{'replies':>8}{'right':>8}{'wrong':>8}{'lost':>8}{'lost %':>8}{'unsure':>8}")
    for name, tally in [*rows.items(), ("all", total)]:
        print(
            f"{name[:23]:24}{tally.replies:8}{tally.right:8}{tally.wrong:8}{tally.lost:8}"
            f"{100 * tally.share_lost:8.1f}{tally.unsure:8}"
        )


def show(replies: list[Reply]) -> None:
    """Print replies with what they say and what was read."""
    for reply in replies:
        verdict = reply.read()
        more = (", cut" if reply.cut else "") + (", with a prompt" if reply.prompt else "")
        print(f"{reply.format} / {reply.kind} ({reply.way}{more})")
        print(f"  reply: {reply.text!r}")
        print(f"  right: {reply.right}{' or a failure' if reply.may_fail else ''}")
        print(f"  read:  {verdict.value if verdict.value is not None else verdict.rationale}\n")


if __name__ == "__main__":
    sys.exit(main())
