"""One verdict in one format of judges, and the sentences around it.

In a sentence, @v is the verdict as the format writes it, @w and @l are the better and the worse
response, @o is another value than the verdict's, @reasons is what is said for it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Any

from reply_corpus import FAILURE, SCALES, Reply, asked_of


@dataclass
class Maker:
    """One verdict in one format, and what can be said around it."""

    rng: random.Random
    words: dict[str, Any]
    fmt: dict[str, Any]

    @cached_property
    def way(self) -> str:
        return self.fmt["way"]

    @cached_property
    def value(self) -> Any:
        """The right verdict."""
        return self.rng.choice(self.values)

    @cached_property
    def other(self) -> Any:
        """Another verdict: the opposite one of a pair."""
        if self.way == "pair" and self.value != "TIE":
            return "B" if self.value == "A" else "A"
        return self.rng.choice([value for value in self.values if value != self.value])

    @cached_property
    def values(self) -> list[Any]:
        asked = asked_of(self.fmt)
        if self.way == "pair":
            return [v for v in ("A", "B", "A", "B", "TIE") if v in self.fmt.get("say", "A B TIE")]
        if self.way == "ranking":
            return [list(order) for order in permutations(asked)]
        if self.way == "score":
            return _on(asked)
        draws = [{n: self.rng.choice(_on(scale)) for n, scale in asked} for _ in range(9)]
        return [draw for n, draw in enumerate(draws) if draw not in draws[:n]]

    def spelt(self, value: Any) -> str:
        """Return a verdict as the format writes it."""
        say = self.fmt.get("say", {})
        if self.way == "ranking":
            return self.fmt.get("joint", " > ").join(say.get(letter, letter) for letter in value)
        if isinstance(value, bool):
            value = str(value).lower()
        options = say.get(value, value)
        return str(self.rng.choice(options) if isinstance(options, list) else options)

    def end(self, value: Any) -> str:
        """Return the words that give a verdict."""
        ends = self.fmt.get("ties") if value == "TIE" else None
        return self._filled(self.rng.choice(ends or self.fmt["ends"]), value)

    def line(self, value: Any) -> str:
        """Return the words that give a verdict, without reasons, in one line."""
        ends = (self.fmt.get("ties") if value == "TIE" else None) or self.fmt["ends"]
        short = [end for end in ends if "@reasons" not in end] or [ends[0].partition("@reasons")[0]]
        return self._filled(self.rng.choice(short), value).replace("\n", " ").strip()

    def _filled(self, text: str, value: Any) -> str:
        if self.way == "scores":
            for name, mark in value.items():
                text = text.replace(f"@{name}", self.spelt(mark))
        return self.fill(text, value)

    def reasons(self, value: Any, number: int | None = None) -> str:
        """Return sentences that speak for a verdict and give none."""
        group = "tie" if value == "TIE" else self.fmt.get("reasons", self.way)
        sentences = self.words["reasons"][group]
        few = self.rng.sample(sentences, min(number or self.rng.randint(2, 3), len(sentences)))
        return self.fill(" ".join(few), value)

    def fill(self, text: str, value: Any) -> str:
        """Put a verdict into a sentence."""
        if "@reasons" in text:
            text = text.replace("@reasons", self.reasons(value))
        better = value if value in ("A", "B") else "A"
        names = self.fmt.get("names", {})
        noun = self.fmt.get("noun", "Response")
        for mark, letter in (("@w", better), ("@l", "B" if better == "A" else "A")):
            name = f"{noun} {names.get(letter, letter)}"
            text = text.replace(mark, name if self.way == "pair" else "the response")
        text = text.replace("@o", self._off(value)).replace("@x", self.rng.choice("23"))
        return text.replace("@v", self.spelt(value)) if "@v" in text else text

    def _off(self, value: Any) -> str:
        if self.way != "score":
            return "5"
        return self.spelt(self.rng.choice([v for v in self.values if v != value]))

    def pick(self, group: str) -> str:
        return self.rng.choice(self.words[group])

    @cached_property
    def topic(self) -> str:
        """Which sentences fit this verdict."""
        return "tie" if self.value == "TIE" else str(self.fmt.get("reasons", self.way))

    @cached_property
    def shown(self) -> str:
        """What the judge was shown, the form of its answer at the end, at times line by line."""
        form = self.fmt["prompt"]
        if self.rng.random() < 0.5:
            lines = dict.fromkeys(self.line(v) for v in self.values for _ in range(4))
            form = "\n".join([form, "", "Answer in one of these forms:", "", *lines])
        return f"{self.pick('material' if self.way == 'pair' else 'alone')}\n\n{form}"

    @property
    def maybe_shown(self) -> str:
        return self.shown if self.rng.random() < 0.5 else ""

    def traps(self) -> str:
        """Return sentences that speak of verdicts and give none."""
        sentences = self.words["traps"][self.topic]
        few = [self.fill(trap, self.value) for trap in self.rng.sample(sentences, 2)]
        return " ".join(trap[:1].upper() + trap[1:] for trap in few)

    def reply(self, text: str, right: Any = None, **more: Any) -> Reply:
        """Return a reply with this verdict, or with another right value."""
        right = self.value if right is None else right
        unsure = self.fmt.get("may_fail", ())
        may = more.pop("may_fail", False) or unsure is True or (bool(unsure) and right in unsure)
        return Reply(
            format=self.fmt["name"],
            kind="",
            way=self.way,
            text=text,
            right=right,
            may_fail=may and right != FAILURE,
            asked=asked_of(self.fmt),
            **more,
        )

    def whole(self, value: Any = None) -> str:
        """Return reasons and verdict."""
        value = self.value if value is None else value
        end = self.end(value)
        return end if self.fmt.get("shape") == "json" else f"{self.reasons(value)}\n\n{end}"


def _on(scale: str) -> list[Any]:
    """Return values of a scale to draw from."""
    if scale == "binary":
        return [True, False]
    asked = SCALES[scale]
    if not asked.is_numeric:
        return list(asked.labels)
    return {
        "unit": [0.1, 0.35, 0.5, 0.85, 1],
        "hundred": [0, 1, 10, 35, 72, 85, 90, 100],
        "signed": [-3, -2, -1, 0, 1, 2, 3],
        "count": [0, 12, 450, 1000, 2500],
    }.get(scale) or list(range(int(asked.low or 0), int(asked.high or 0) + 1))
