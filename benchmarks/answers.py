"""Which answers `math_verify` accepts, refuses and abstains from, by the form of the reference.

    python benchmarks/answers.py [--each] [--file answers.jsonl]

Every answer of tests/golden/answers is tried bare, in dollar signs, in a box, in a sentence, and in
a sentence with dollar signs: what equals the reference is to be accepted, and what is near it
refused. Exits 1 on a wrong verdict. An abstention from a wrong answer is no wrong verdict, but is
counted; one from a right answer is lost. With `--file`, the `answer` of each row of a JSONL file is
also held against itself; it is only counted, since files hold what is no one answer.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness_plugins.math_verify import MathOptions, math_verify

from harness.nouns.schema import Item, Response

FORMS = Path(__file__).parents[1] / "tests" / "golden" / "answers" / "forms.toml"
WAYS: Mapping[str, Callable[[str], str]] = {
    "bare": lambda answer: answer,
    "dollars": lambda answer: f"${answer}$",
    "box": lambda answer: f"We add them up.\n\nSo it is $\\boxed{{{answer}}}$.",
    "sentence": lambda answer: f"We add 2 and 7 first.\nThe answer is {answer}.",
    "both": lambda answer: f"Step 1: look.\n\n**Final Answer**: ${answer}$",
}


def tries() -> Iterator[tuple[str, str, str, str, bool]]:
    """Yield form, reference, way, reply and whether it is right."""
    for form in tomllib.loads(FORMS.read_text(encoding="utf-8"))["form"]:
        for right, key in ((True, "equal"), (False, "wrong")):
            for answer in form[key]:
                for way, said in WAYS.items():
                    if "$" in answer.replace("\\$", "") and way in ("dollars", "box", "both"):
                        continue
                    yield form["form"], form["reference"], way, said(answer), right


def verdict(reference: str, reply: str, **options: Any) -> Any:
    """Return what the verifier says: True, False, or None."""
    said = math_verify(
        Item("i", "", reference), Response("r", "i", "s", reply), MathOptions(**options)
    )
    return said.value


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", action="store_true", help="print every wrong or lost one")
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    names = {True: "accepted", False: "refused", None: "abstained"}
    table: dict[str, Counter[str]] = {}
    wrong = lost = 0
    for form, reference, way, reply, right in tries():
        found = verdict(reference, reply)
        counts = table.setdefault(form, Counter())
        counts[("equal " if right else "near ") + names[found]] += 1
        wrong += found is not None and found is not right
        lost += found is None and right
        if options.each and found is not right:
            print(f"{names[found]}: {way}: {reply!r} for {reference!r}")
    columns = [f"{kind} {name}" for kind in ("equal", "near") for name in names.values()]
    print(f"{'form':30}" + "".join(f"{column:>17}" for column in columns))
    for form, counts in table.items():
        print(f"{form:30}" + "".join(f"{counts[column]:17}" for column in columns))
    total = sum(sum(counts.values()) for counts in table.values())
    print(f"{len(table)} forms, {total} answers: {wrong} wrong, {lost} right ones lost")
    if options.file is not None:
        counts = Counter()
        for line in options.file.read_text(encoding="utf-8").splitlines():
            answer = str(json.loads(line)["answer"])
            bare = answer.removeprefix("$").removesuffix("$")
            counts[names[verdict(answer, f"\\boxed{{{bare}}}")]] += 1
        print(f"{options.file.name}: identical answers {dict(counts)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
