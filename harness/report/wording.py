"""How numbers and names are written: the same way in tables, figures and sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.nouns.counted import counted

if TYPE_CHECKING:
    from harness.agreement.audit import Audit

NONE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
LONGEST = 4000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PEOPLE = re.compile(r"(?<!simulated )\b(people|persons?)\b(?!/| \(simulated\))")


def without_response(items: Mapping[str, Any]) -> str:
    """Return a clause on the prompts for training that had no response; empty where each had."""
    lost = items.get("unanswered")
    if not lost:
        return ""
    return f" ({count(lost)} more {'has' if lost == 1 else 'have'} no response)"


def prompts(number: int | None, noun: str = "prompt") -> str:
    """Return how many prompts there are, also where nobody knows."""
    return f"{NONE} {noun}s" if number is None else counted(number, noun)


def number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """Return a number with a fixed count of decimals and a true minus sign."""
    if value is None:
        return NONE
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    if float(text) == 0:
        text = f"{0:.{digits}f}"
    return text.replace("-", MINUS)


def apart(value: float, limit: float) -> str:
    """Return a number with two decimals, or as many as tell it from a limit; four at most."""
    digits = next((n for n in (2, 3) if number(value, n) != number(limit, n)), 4)
    return number(value) if value == limit else number(value, digits)


def count(value: float | None) -> str:
    """Return a whole number with thousands marked."""
    return NONE if value is None else f"{value:,.0f}"


def percent(value: float | None, digits: int = 0) -> str:
    """Return a share in percent; 100% and 0% only for exactly all and none."""
    if value is None:
        return NONE
    ends = 10.0 ** -(digits or 1)  # whole percents get a decimal near both ends
    for places in (digits, digits or 1):
        text = number(100 * value, places)
        if not 0 < value < 1 or float(text) not in (0, 100):
            return f"{text}%"
    return f"<{ends:g}%" if value < 0.5 else f">{100 - ends:g}%"


def p_value(value: float | None) -> str:
    """Return a p-value, never as 0."""
    if value is None:
        return NONE
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def seconds(value: float | None) -> str:
    """Return a duration in the two largest units that it has."""
    if value is None:
        return NONE
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def dollars(value: float | None) -> str:
    """Return an amount in US dollars; small ones with enough digits to be told from nothing."""
    if value is None:
        return NONE
    if value == 0:
        return "$0"
    return f"${value:,.2f}" if value >= 0.1 else f"${value:.2g}"


def join(words: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def plain(text: str) -> str:
    """Return an untrusted text cut to a readable length, its control characters made visible."""
    kept = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    if len(kept) <= LONGEST:
        return kept
    return f"{kept[:LONGEST]} … ({len(kept) - LONGEST:,} more characters)"


def reasons(failures: Mapping[str, int]) -> str:
    """Return "3 timeout, 1 refused"; empty without a failure."""
    return ", ".join(f"{n:,} {reason}" for reason, n in failures.items())


@dataclass(frozen=True)
class Names:
    """Writes the names of sources and people; whoever is simulated is called so at each mention.

    Args:
        simulated: Sources and annotators that a program made up.
        people_are_simulated: Whether all of the people are.
        sources: Names of the sources; their annotators are called ``source/annotator``.
        titles: Source -> how it is called on the page.
    """

    simulated: frozenset[str] = frozenset()
    people_are_simulated: bool = False
    sources: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_run(cls, data: Mapping[str, Any]) -> Names:
        """Return the names of a run from what its report is made of."""
        sources = data.get("sources", ())
        evaluators = (data.get("evaluation") or {}).get("evaluators", ())
        annotators = [
            {"name": row["annotator"], "simulated": row["simulated"]}
            for table in (data.get("agreement") or {}).get("tables", ())
            for row in (table.get("audit") or {}).get("coverage", ())
        ]
        people = [s for s in sources if "agreement reference" in s.get("roles", ())]
        people = people or [s for s in sources if s.get("kind") == "human"]
        everybody = (*sources, *evaluators, *annotators)
        return cls(
            frozenset(each["name"] for each in everybody if each.get("simulated")),
            bool(people) and all(s.get("simulated") for s in people),
            tuple(source["name"] for source in sources),
            {e["name"]: e.get("title") or e["name"] for e in evaluators},
        )

    @classmethod
    def of_labels(cls, audit: Audit) -> Names:
        """Return the names of a table of labels."""
        people = [entry for entry in audit.coverage if entry.kind == "human"]
        made_up = {entry.annotator for entry in audit.coverage if entry.simulated}
        others = {entry.annotator.split("/")[0] for entry in audit.coverage} - made_up
        real = {one.annotator.split("/")[0] for one in audit.coverage if not one.simulated}
        return cls(
            frozenset(made_up | (others - real)),  # a source all of whose people are made up, too
            bool(people) and all(entry.simulated for entry in people),
        )

    def source(self, name: str) -> str:
        """Return the name of a source, evaluator or annotator."""
        shown = self.titles.get(name, name)
        if name not in self.simulated or "simulated" in shown.lower():
            return str(shown)
        return f"{shown} (simulated)"

    def sentence(self, text: str) -> str:
        """Return a sentence from elsewhere, with everyone who is simulated called so."""
        return self.prose(self.mentions(text))

    def mentions(self, text: str) -> str:
        """Return a text in which every simulated source or annotator it names is called so."""
        unmarked = (name for name in self.simulated if "simulated" not in name.lower())
        names = "|".join(re.escape(name) for name in sorted(unmarked, key=len, reverse=True))
        if not names:
            return text
        marked = rf"(?<![\w-])(?:{names})(?![\w/-]| \(simulated\))"
        return re.sub(marked, lambda found: f"{found[0]} (simulated)", text)

    def short(self, text: str) -> str:
        """Return a sentence like :meth:`sentence`, annotators without the name of their source."""
        text = self.sentence(text)
        for name in self.sources:
            text = re.sub(rf"(?<![\w-]){re.escape(name)}/", "", text)
        return text

    @property
    def people(self) -> str:
        """The people of this run."""
        return "people (simulated)" if self.people_are_simulated else "people"

    def prose(self, text: str) -> str:
        """Return a sentence from elsewhere, in which people that are simulated are called so."""
        if not self.people_are_simulated:
            return text
        return _PEOPLE.sub(r"\1 (simulated)", text)
