"""Write docs/trainers.md: every trainer, its settings and their ranges, as the code has them."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

HEAD = """# Trainers and their settings

Made from the code by `python docs/make_trainers.py`. In an experiment file settings stand under an
arm's `settings:`, for `harness train` after `--set`. A name that is not here, or a value out of its
range, is refused before anything is loaded.
"""


def meanings(kind: type) -> dict[str, str]:
    """Return what each setting means, from the docstrings of its class and of what it extends."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        text = (inspect.getdoc(base) or "").partition("Attributes:\n")[2]
        for name, meaning in re.findall(r"^    (\w+): (.*(?:\n {6,}.*)*)", text, re.M):
            found[name] = " ".join(meaning.split())
    return found


def names() -> str:
    """Return the section on what TRL and peft call settings, and what cannot be set."""
    from harness.train.table import TRAINERS
    from harness.train.trainers import trainer_class
    from harness.train.trl_fields import KEPT, OTHER_NAMES, SETTINGS, own_name

    by_name: dict[str, dict[str, list[str]]] = {}
    for trainer in TRAINERS:
        settings = trainer_class(trainer).Settings.model_fields
        for name in (*SETTINGS, *OTHER_NAMES):
            if name not in settings and (own := own_name(name, settings)):
                by_name.setdefault(name, {}).setdefault(own, []).append(trainer)
    lines = []
    for name, found in by_name.items():
        of = {own: "" if len(found) == 1 else f" ({', '.join(t)})" for own, t in found.items()}
        told = "; ".join(f"`{own}`{trainers}" for own, trainers in of.items())
        per = ", over all processes together" if name.startswith("per_device") else ""
        lines.append(f"| `{name}` | {told}{per} |")
    reasons: dict[str, list[str]] = {}
    for name, reason in KEPT.items():
        reasons.setdefault(reason, []).append(f"`{name}`")
    kept = [f"| {', '.join(found)} | {reason} |" for reason, found in reasons.items()]
    return "\n".join(
        [
            "## TRL's and peft's names",
            "",
            "What has another name here; names that are not listed are the same. Other fields of"
            " TRL's configurations stand under `trl`.",
            "",
            "| TRL, peft | setting |",
            "|---|---|",
            *lines,
            "",
            "Fields of TRL that cannot be set:",
            "",
            "| field | why |",
            "|---|---|",
            *kept,
            "",
        ]
    )


def page() -> str:
    """Return the whole page."""
    from harness.train.settings import allowed
    from harness.train.table import TRAINERS
    from harness.train.trainers import trainer_class

    parts = [HEAD]
    for name in TRAINERS:
        trainer = trainer_class(name)
        meaning = meanings(trainer.Settings)
        rows = [
            f"| `{setting}` | {'' if field.default is None else repr(field.default)} |"
            f" {allowed(field)} | {meaning[setting]} |"
            for setting, field in trainer.Settings.model_fields.items()
        ]
        about = " ".join((inspect.getdoc(trainer) or "").split("\n\n")[0].split())
        table = "\n".join(["| setting | default | allowed | meaning |", "|---|---|---|---|", *rows])
        parts.append(f"## {name}\n\n{about} Learns from {trainer.needs}.\n\n{table}\n")
    return "\n".join([*parts, names()])


def main() -> None:
    """Print the page, or write it beside this file."""
    if "--print" in sys.argv:
        sys.stdout.write(page())
    else:
        Path(__file__).with_name("trainers.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
