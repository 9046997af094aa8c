"""The labels that align a judge: half of the prompts choose, the others prove, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from harness.agreement.accuracy import majority
from harness.agreement.halves import Mask, chooses
from harness.experiment.stages.align_candidates import prompt_of
from harness.experiment.stages.people import Said
from harness.experiment.stages.recorded import asked_keys, plain_prompt
from harness.experiment.stages.spent import CHOICES
from harness.judging.presentation import shown_prompt
from harness.nouns.counted import counted
from harness.nouns.errors import DataError
from harness.nouns.rubric import Rubric
from harness.nouns.schema import JudgmentRequest
from harness.ratings.judgments import tables_from_judgments
from harness.records.label_uses import Deed, LabelUse, add_use, read_uses
from harness.statistics.arrays import IntArray

FEWEST = 10
"""Prompts that each half needs."""

COMMAND = "harness align-judge"


@dataclass(frozen=True)
class AlignLabels:
    """Labelled pairs, which of them choose, and which are left to prove.

    Args:
        pairs: What can be judged.
        said: What people said of them.
        files: Where they said it.
        seed: Of the halves.
        share: Of the prompts that choose.
        uses: What labels were used for: where it stands.
    """

    pairs: Sequence[JudgmentRequest]
    said: Said
    files: Sequence[Path]
    seed: int
    share: float
    uses: Sequence[Path]

    @cached_property
    def truth(self) -> IntArray:
        """(n,) what most people say of each pair."""
        if not self.said.says_anything:
            raise DataError(
                "no label is of a pair of these items",
                where=", ".join(map(str, self.files)),
                hint="give the items and responses that people labelled",
            )
        infos = {self.said.info.name: self.said.info}
        (found,) = tables_from_judgments(self.pairs, self.said.judgments, infos)
        table = found.table
        return majority(table.label_counts(list(table.humans)))

    @cached_property
    def prompts(self) -> list[str]:
        """The prompt of each pair; the same text under several names is one prompt."""
        return one_name([(prompt_of(pair), plain_prompt(pair.item.prompt)) for pair in self.pairs])

    def shown_by(self, *rubrics: Rubric) -> Mask:
        """Return (n,) the pairs of prompts that a worked example shows with its verdict."""
        texts = {plain_prompt(one.prompt) for rubric in rubrics for one in rubric.examples}
        gone = {
            prompt for prompt, pair in zip(self.prompts, self.pairs, strict=True)
            if plain_prompt(shown_prompt(pair.item)) in texts
        }  # fmt: skip
        return np.array([one in gone for one in self.prompts], dtype=bool)

    @cached_property
    def clusters(self) -> IntArray:
        """(n,) the same as numbers."""
        return np.unique(np.array(self.prompts), return_inverse=True)[1].astype(np.int64)

    @cached_property
    def choosing(self) -> Mask:
        """(n,) which labels choose."""
        return chooses(self.prompts, self.seed, self.share) & (self.truth >= 0)

    @cached_property
    def proving(self) -> Mask:
        """(n,) which labels are of the other half, whatever they were used for before."""
        return ~self.choosing & (self.truth >= 0)

    @cached_property
    def annotators(self) -> tuple[str, ...]:
        """Whose labels they are."""
        return tuple(sorted({one.annotator for one in self.said.judgments}))

    def keys(self, mask: Mask) -> tuple[str, ...]:
        """Return the keys of some pairs, and of their answers."""
        some = (pair for pair, one in zip(self.pairs, mask, strict=True) if one)
        return tuple(dict.fromkeys(key for pair in some for key in asked_keys(pair)))

    def held_back(self, tags: Sequence[str], subject: str, *rubrics: Rubric) -> Mask:
        """Return (n,) the labels that prove: of the other half, and never used for this judge.

        None is of a prompt that a rubric shows with its verdict as a worked example. A proof that
        was made before of the same two judges on the same labels is made again.
        """
        earlier = [use for use in read_uses(self.uses) if use.is_about(tags)]
        spent = {k for u in earlier if u.deed == "chose" and u.what in CHOICES for k in u.items}
        left = self._without(self.proving & ~self.shown_by(*rubrics), spent)
        for use in earlier:
            if use.deed == "certified" and use.what == "gain":
                if use.result == subject and use.items == self.keys(left):
                    return left
                left = self._without(left, set(use.items))
        return left

    def note(self, deed: Deed, what: str, result: str, tags: tuple[str, ...], mask: Mask) -> None:
        """Record what labels are used for, before anything that comes of it is told."""
        use = LabelUse(deed, what, result, tags, self.keys(mask), self.annotators, COMMAND)
        for path in self.uses:
            add_use(path, use)

    def _without(self, mask: Mask, used: set[str]) -> Mask:
        gone = {
            prompt for prompt, pair in zip(self.prompts, self.pairs, strict=True)
            if not used.isdisjoint(asked_keys(pair))
        }  # fmt: skip
        return np.asarray(mask & np.array([one not in gone for one in self.prompts], dtype=bool))

    def some(self, mask: Mask) -> list[JudgmentRequest]:
        """Return the pairs of a mask."""
        return [pair for pair, one in zip(self.pairs, mask, strict=True) if one]

    def counts(self, mask: Mask) -> tuple[int, int]:
        """Return labels and prompts of a mask."""
        return int(mask.sum()), int(np.unique(self.clusters[mask]).size)

    def need(self, mask: Mask, what: str, why: str = "") -> None:
        """Refuse a half with too few prompts.

        Raises:
            DataError: It has.
        """
        labels, prompts = self.counts(mask)
        if prompts < FEWEST:
            raise DataError(
                f"{counted(labels, 'label')} of {counted(prompts, 'prompt')} {what}, needs"
                f" {FEWEST} prompts{why}",
                where=", ".join(map(str, self.files)),
                hint="label more pairs: half of the prompts choose, the others prove",
            )


def one_name(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return a name for each (group, text), one for all that groups and texts join."""
    of_group: dict[str, str] = {}
    of_text: dict[str, str] = {}
    while True:  # the least name goes from groups to texts and back, until it stays
        before = dict(of_group)
        for group, text in pairs:
            least = min(of_group.get(group, group), of_text.get(text, group))
            of_group[group] = of_text[text] = least
        if before == of_group:
            return [of_group[group] for group, _ in pairs]
