"""How numbers and names are written: the same way in tables, figures and sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NONE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
LONGEST = 4000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PEOPLE = re.compile(r"(?<!simulated )\b(people|persons?)\b(?!/| \(simulated\))")


def number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """Return a number with a fixed count of decimals and a true minus sign."""
    if value is None:
        return NONE
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    if float(text) == 0:
        text = f"{0:.{digits}f}"
    return text.replace("-", MINUS)


def interval(row: Mapping[str, Any] | None, digits: int = 2, sign: bool = False) -> str:
    """Return "low to high" of a row, empty when it has no interval."""
    if row is None or row.get("low") is None or row.get("high") is None:
        return ""
    return f"{number(row['low'], digits, sign)} to {number(row['high'], digits, sign)}"


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


class Names:
    """Writes the names of sources and people; whoever is simulated is called so at each mention."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        sources = data.get("sources", ())
        self._sources = [source["name"] for source in sources]
        evaluators = (data.get("evaluation") or {}).get("evaluators", ())
        self._simulated = {s["name"] for s in (*sources, *evaluators) if s.get("simulated")}
        self._titles = {e["name"]: e.get("title") or e["name"] for e in evaluators}
        agreement = data.get("agreement") or {}
        self._simulated |= {
            row["annotator"]
            for table in agreement.get("tables", ())
            for row in (table.get("audit") or {}).get("coverage", ())
            if row.get("simulated")
        }
        people = [s for s in sources if "agreement reference" in s.get("roles", ())]
        people = people or [s for s in sources if s.get("kind") == "human"]
        self.people_are_simulated = bool(people) and all(s.get("simulated") for s in people)

    def source(self, name: str) -> str:
        """Return the name of a source, evaluator or annotator."""
        shown = self._titles.get(name, name)
        if name not in self._simulated or "simulated" in shown.lower():
            return str(shown)
        return f"{shown} (simulated)"

    def sentence(self, text: str) -> str:
        """Return a sentence from elsewhere, with everyone who is simulated called so."""
        return self.prose(self.mentions(text))

    def mentions(self, text: str) -> str:
        """Return a text in which every simulated source or annotator it names is called so."""
        for name in sorted(self._simulated, key=len, reverse=True):
            if "simulated" not in name.lower():
                text = re.sub(
                    rf"(?<![\w-]){re.escape(name)}(?![\w/-]| \(simulated\))",
                    lambda found: f"{found[0]} (simulated)",
                    text,
                )
        return text

    def short(self, text: str) -> str:
        """Return a sentence like :meth:`sentence`, annotators without the name of their source."""
        text = self.sentence(text)
        for name in self._sources:
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
