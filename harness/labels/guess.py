"""A guess at what the columns of a label table mean, always to be shown and confirmed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.labels.column_names import NAMES
from harness.labels.columns import named_columns
from harness.labels.failures import FAILURE_WORDS, NO_LABEL, SKIP
from harness.labels.files import Table
from harness.labels.values import guess_pair_values, number_of, pair_value
from harness.labels.wide import alike, labels_in, mostly, says_scores, says_sides, sides_of

_SAMPLE = 2_000
"""Rows that a guess looks at."""

_FEW = 12
"""A column with at most so many different texts can hold labels."""

_SIBLINGS = (("a", "b"), ("1", "2"), ("left", "right"), ("first", "second"), ("one", "two"))
"""How the names of two columns end that hold the two answers of a pair."""

_NEVER = frozenset(("annotation_id", "lead_time", "created_at", "updated_at", "timestamp", "date"))
"""Columns that tools write beside the labels."""

_IDS = ("item", "annotator", "response_a", "response_b", "response", "best", "worst")
_TEXTS = ("prompt", "text_a", "text_b", "text")
_PERSON = re.compile(
    r"(annotator|rater|human|labell?er|worker|judge|person|user|expert|crowd|ann)[ _-]?\w{1,3}",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"(choice|option|candidate|response|item)[ _-]?\w{1,2}", re.IGNORECASE)


_COLUMN, _SIDE = "COLUMN", "A|B|TIE|SKIP"
"""What stands in an example for something that nobody can guess."""


@dataclass(slots=True)
class Guess:
    """What the columns probably mean.

    Args:
        options: As they are written for ``human_csv`` and LabelColumns.
        reasons: {option: why}.
        candidates: Columns that could be the labels that are asked for.
        open: What could not be guessed and must be said.
        examples: {what is open: how it is said}.
    """

    options: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    candidates: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)

    def say(self, option: str, value: Any, reason: str) -> None:
        """Set an option and its reason."""
        self.options[option] = value
        self.reasons[option] = reason

    def ask(self, question: str, example: str) -> None:
        """Leave something open; the example is an option as the command line takes it."""
        self.open.append(question)
        self.examples[question] = f"--set {shlex.quote(example)}"

    def hint(self, questions: Iterable[str]) -> str:
        """Return what to add so that some of what is open is said."""
        added = " ".join(self.examples.get(question, "") for question in questions)
        open_ = [word for word in (_COLUMN, _SIDE) if word in added]
        named = f"; put what is meant in place of {' and '.join(open_)}" if open_ else ""
        return f"add {added}{named}"


def guess_columns(table: Table, said: Mapping[str, Any] | None = None) -> Guess:
    """Guess from the names of the columns, and from what stands in them.

    The guess is not applied anywhere by itself: ``harness import-labels`` shows it, and the person
    confirms or corrects it. What is ``said`` already is not guessed, and no column that it names
    is taken for anything else.
    """
    return _Guesser(table, said or {}).guess()


@dataclass(slots=True)
class _Guesser:
    table: Table
    said: Mapping[str, Any]
    found: Guess = field(default_factory=Guess)
    texts: dict[str, list[str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def guess(self) -> Guess:
        sample = self.table.rows[:_SAMPLE]
        for column in self.table.columns:
            self.texts[column] = [row.text(column) for row in sample]
        self.found.options |= {k: v for k, v in self.said.items() if v not in ("", None)}
        self.used.update({*self.texts} & {*named_columns(self.found.options)})
        for meaning in NAMES:
            if meaning not in ("label", "text"):
                self._by_name(meaning)
        self._responses()
        self._labels()
        self._people()
        if "item" not in self.found.options:
            self.found.ask("item: which column has the id of the item?", f"item={self._an_item()}")
        for option in [name for name in self.said if name in self.found.options]:
            self.found.options[option] = self.found.options.pop(option)  # after the guesses
        return self.found

    def _an_item(self) -> str:
        """Return a column that tells the items apart, if there is none of their ids: the prompt."""
        free = [c for c in self.table.columns if c not in self.used and self._distinct(c)]
        texts = [c for c in free if c.casefold() in ("context", "conversation", "messages", "text")]
        return str(self.found.options.get("prompt") or next(iter(texts), _COLUMN))

    def _by_name(self, meaning: str) -> None:
        if meaning in self.said:
            return
        for name, column in self._named(NAMES[meaning]):
            if meaning in _IDS and self._is_text(column):
                continue
            if meaning == "item" and name in ("question", "prompt") and self._has_words(column):
                continue
            if meaning in _TEXTS and not self._may_be_text(column, name):
                continue
            return self._take(meaning, column, "its name")

    def _named(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield (name, column) of unused columns with one of these names, the likeliest first."""
        for name in names:
            for column in self.table.columns:
                if column.casefold() == name and column not in self.used:
                    yield name, column

    def _take(self, option: str, column: str, reason: str) -> None:
        self.found.say(option, column, reason)
        self.used.add(column)

    def _is_text(self, column: str) -> bool:
        """Tell whether cells are prose rather than names: long, or mostly of several words."""
        cells = [text for text in self.texts[column] if text]
        if not cells:
            return False
        words = sum(" " in text or "\n" in text for text in cells) / len(cells)
        return sum(map(len, cells)) / len(cells) > 40 or (words > 0.6 and len(set(cells)) > _FEW)

    def _has_words(self, column: str) -> bool:
        """Tell whether some cell has more than one word, as prompts have and ids have not."""
        return any(len(text.split()) > 1 for text in self._distinct(column))

    def _may_be_text(self, column: str, name: str) -> bool:
        """Believe a name that says so, unless numbers stand there; else look at the cells."""
        sure = ("text", "answer", "completion")
        if any(word in name for word in sure) or name.endswith(
            ("prompt", "question", "instruction", "query")
        ):
            return any(number_of(text) is None for text in self._distinct(column))
        return self._is_text(column)

    def _distinct(self, column: str) -> set[str]:
        return {text for text in self.texts[column] if text}

    def _responses(self) -> None:
        options = self.found.options
        if "best" in options and "worst" in options:
            if "choices" in self.said:
                return
            columns = [c for c in self.table.columns if c not in self.used and _CHOICE.fullmatch(c)]
            self.found.say("choices", columns, "their names")
            self.used.update(columns)
            for option in ("response_a", "response_b", "response", "text_a", "text_b"):
                if options.get(option) in columns:
                    del options[option]
            return
        if ("response_a" in options) != ("response_b" in options):
            half = "response_a" if "response_a" in options else "response_b"
            self._give_back(half)
        if "response_a" in options and "response" in options:
            self._give_back("response")
        if self.table.tool == "Label Studio" and not {"response_a", "text_a"} & options.keys():
            self._siblings()
        if (
            "systems" not in self.said
            and "response_a" not in options
            and "text_a" in options
            and "text_b" in options
        ):
            names = [options[side].rpartition(".")[2] for side in ("text_a", "text_b")]
            self.found.say("systems", names, "no column names the responses, so their texts' do")

    def _give_back(self, option: str) -> None:
        if option not in self.said:
            self.used.discard(self.found.options.pop(option))

    def _siblings(self) -> None:
        """Take the only two columns whose names differ as those of two answers do, for texts."""
        names = {column.casefold(): column for column in self.table.columns}
        found = [
            (column, names[name.removesuffix(end) + other])
            for name, column in names.items()
            for end, other in _SIBLINGS
            if name.endswith(end) and name.removesuffix(end) + other in names
        ]
        if len(found) == 1 and not self.used & {*found[0]}:
            for option, column in zip(("text_a", "text_b"), found[0], strict=True):
                self._take(option, column, "the names of the two")

    def _labels(self) -> None:
        options = self.found.options
        if "best" in options and "worst" in options:
            return
        pairs = "response_a" in options or len(options.get("systems", ())) == 2
        about = pairs or bool({"response", "systems"} & options.keys())
        about = about or options.get("by") == "response" or "task" in self.said
        if not {"label", "labels"} & options.keys():
            wide = [] if {"annotator", "annotator_name"} & options.keys() else self._wide()
            if wide:
                self.found.say("labels", wide, "they look like labels: one column per person")
                self.used.update(wide)
            elif about:
                self._long_label(pairs)
            else:
                about = self._ranking()
                if not about:
                    self._long_label(pairs=False)
        if not about:
            self._ask_about()
        if pairs and "values" not in self.said:
            self._pair_values()
        empty = "label" in options and not all(self.table.texts(options["label"]))
        if empty and "values" not in self.said:
            values = {**options.get("values", {}), "": SKIP}
            self.found.say("values", values, "an empty label is taken for a skip")

    def _ask_about(self) -> None:
        options = self.found.options
        columns = options.get("labels") or [options.get("label", "")]
        if all(column in self.texts and self._says_sides(column) for column in columns):
            self.found.ask(
                "response_a and response_b, or systems: which two were compared?",
                "systems=NAME_OF_A,NAME_OF_B",
            )
            return
        self.found.ask(
            "response, or response_a and response_b, or systems: what was labelled?",
            "systems=NAME",
        )

    def _wide(self) -> list[str]:
        """Return columns that are each the labels of one person, by name or by what they say."""
        columns = [c for c in self.table.columns if c not in self.used and c not in _NEVER]
        free = {c: said for c in columns if (said := labels_in(self.texts[c]))}
        few = [c for c, said in free.items() if len(said) <= _FEW]
        named = [column for column in few if _PERSON.fullmatch(column)]
        if len(named) >= 2:
            common = {text for column in named for text in free[column]}
            asked = {c: said for c, said in free.items() if _PERSON.fullmatch(c)}
            return [c for c, said in asked.items() if c in named or mostly(said, common)]
        if sides := sides_of(free):
            return sides
        worded = {c: n for c, n in free.items() if not self._is_text(c) and not says_scores(n)}
        return alike(worded, [column for column in few if column in worded])

    def _long_label(self, pairs: bool) -> None:
        for name, column in self._named(NAMES["label"]):
            self._take("label", column, "its name")
            if name in ("rank", "ranking"):
                self.found.say("task", "ranking", "its name")
            return
        rest = [
            column
            for column in self.table.columns
            if column not in self.used and column not in _NEVER and not self._is_text(column)
        ]
        fits = self._says_preference if pairs else self._says_score
        fitting = [column for column in rest if fits(column)]
        if fitting and not pairs:  # one unknown word is no reason to drop a column
            said = {column: labels_in(self.texts[column]) for column in rest}
            common = {text for column in fitting for text in said[column]}
            fitting = [c for c in rest if c in fitting or mostly(said[c], common)]
        sides = [column for column in rest if self._says_sides(column)]
        if len(fitting) == 1 or (not fitting and len(sides) == 1):
            self._take("label", (fitting or sides)[0], "its texts look like labels")
        elif fitting and not pairs:
            self.found.say("labels", fitting, "their texts look like scores")
            self.found.say("by", "criterion", "several columns of scores")
            self.used.update(fitting)
        else:
            could = fitting or [c for c in rest if 1 < len(self._words(c)) <= _FEW]
            nested = [c for c in self.table.columns if self._is_nested(c)]
            more = f" ({', '.join(could)} could be)" if could else ""
            if not could and nested:
                more = f" ({', '.join(nested)} holds lists: make a row of each entry first)"
            self.found.candidates = could
            likely = [c for c in could if {*_parts(c)} & {*NAMES["label"]}] or could
            example = likely[0] if len(likely) == 1 else _COLUMN
            self.found.ask(f"label: which column has the label?{more}", f"label={example}")

    def _is_nested(self, column: str) -> bool:
        """Tell whether the cells of a column are lists of objects."""
        cells = [row.cells.get(column) for row in self.table.rows[:8]]
        return any(isinstance(c, list) and c and isinstance(c[0], Mapping) for c in cells)

    def _words(self, column: str) -> set[str]:
        """Return the different labels of a column, words of failure left out."""
        return {*labels_in(self.texts[column])}

    def _says_sides(self, column: str) -> bool:
        return says_sides(self._words(column))

    def _says_preference(self, column: str) -> bool:
        found = self._words(column)
        if not found or len(found) > _FEW:
            return False
        known = all(pair_value(text, {}) for text in found)
        return known or guess_pair_values(found) is not None or self._names_winner(column)

    def _names_winner(self, column: str) -> bool:
        options = self.found.options
        if "response_a" not in options:
            return False
        a, b = self.texts[options["response_a"]], self.texts[options["response_b"]]
        rows = zip(self.texts[column], a, b, strict=True)
        return all(not said or pair_value(said, {}, (x, y)) for said, x, y in rows)

    def _says_score(self, column: str) -> bool:
        found = self._words(column)
        return len(found) <= _FEW and says_scores(found)

    def _pair_values(self) -> None:
        options = self.found.options
        columns: Sequence[str] = options.get("labels") or [options.get("label", "")]
        nothing = NO_LABEL | FAILURE_WORDS.keys()
        every = {text for column in columns for text in self.table.texts(column)}
        found = {t for t in every if t and t.lower() not in nothing and not pair_value(t, {})}
        if not found or (options.get("label") and self._names_winner(options["label"])):
            return
        if values := guess_pair_values(found):
            self.found.say("values", values, "a usual coding")
        else:
            shown = ", ".join(map(repr, sorted(found)[:8]))
            meant = json.dumps(dict.fromkeys(sorted(found), _SIDE), ensure_ascii=False)
            self.found.ask(
                f"values: what do the labels {shown} mean? Each is A, B, TIE or SKIP",
                f"values={meant}" if len(found) <= _FEW else f"label={_COLUMN}",
            )

    def _ranking(self) -> bool:
        for _, column in self._named(("ranking", "rank", "order")):
            self._take("label", column, "its name")
            self.found.say("task", "ranking", "its name")
            return True
        return False

    def _people(self) -> None:
        options = self.found.options
        by_person = "labels" in options and options.get("by", "annotator") == "annotator"
        if not {"annotator", "annotator_name"} & options.keys() and not by_person:
            self.found.ask(
                "annotator (a column) or annotator_name: who labelled?", "annotator_name=NAME"
            )


def _parts(column: str) -> list[str]:
    """Return the words of a column's name."""
    return "".join(c if c.isalnum() else " " for c in column.casefold()).split()
