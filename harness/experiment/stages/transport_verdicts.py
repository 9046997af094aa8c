"""What people and a source say of the same pairs, as an arm uses the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from harness.agreement.accuracy import majority
from harness.agreement.transport import Agreed
from harness.experiment.config import ArmConfig
from harness.experiment.stages.pooled import ways_of, with_pools
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo
from harness.ratings.judgments import JudgmentTable, tables_from_judgments
from harness.ratings.table import MISSING
from harness.statistics.arrays import IntArray


@dataclass(frozen=True)
class Verdicts:
    """What people and sources said of the same pairs.

    Args:
        requests: Pairs, and the single responses that sources scored.
        judgments: What came back.
        infos: Name of each source -> who it is.
    """

    requests: Sequence[JudgmentRequest]
    judgments: Sequence[Judgment]
    infos: Mapping[str, SourceInfo]

    @cached_property
    def _found(self) -> JudgmentTable:
        (found,) = tables_from_judgments(
            self.requests, self.judgments, self.infos, scores_as_pairs=True
        )
        return found

    @cached_property
    def _clusters(self) -> dict[str, str]:
        return {one.id: str(one.item.metadata.get("cluster", one.item.id)) for one in self.requests}

    def agreed(
        self, source: str, people: str, arm: ArmConfig, among: Set[str] | None = None
    ) -> tuple[Agreed, int]:
        """Return where source and the majority of people decide, and how many pairs people decide.

        Ties decide nothing: a verifier of correctness is held against people on what it tells.

        Args:
            source: As the arm uses it: several voices are one verdict.
            people: The source of people.
            arm: The arm.
            among: Ids of the pairs that count; None for all.
        """
        table = self._found.table
        truth, said = self._truth(people), self._one_verdict(source, people, arm)
        mine = np.array([among is None or name in among for name in table.items])
        told = np.isin(truth, self._sides) & mine
        both = told & np.isin(said, self._sides)
        clusters = [self._clusters[table.items[row]] for row in np.flatnonzero(both)]
        return Agreed((truth == said)[both].tolist(), clusters), int(told.sum())

    def decided(self, people: str) -> set[str]:
        """Return the ids of the pairs of which most people prefer one side."""
        table = self._found.table
        rows = np.flatnonzero(np.isin(self._truth(people), self._sides))
        return {table.items[row] for row in rows}

    @cached_property
    def _sides(self) -> list[int]:
        return [self._found.table.categories.index(side) for side in ("A", "B")]

    def _truth(self, people: str) -> IntArray:
        """Return (n,) codes of what most people say."""
        table = self._found.table
        theirs = table.codes[:, np.array(table.source_names) == people]
        counts = np.stack([(theirs == c).sum(axis=1) for c in range(table.n_categories)], axis=1)
        return majority(counts)

    def _one_verdict(self, source: str, people: str, arm: ArmConfig) -> IntArray:
        """Return (n,) codes of what a source says, its voices made one as the arm makes them."""
        heard = {one.request_id for one in self.judgments if one.source == source}
        points = any(one.way == "pointwise" for one in self.requests if one.id in heard)
        ways = ways_of([arm], [source] if points else [])
        found = self._found
        voices = {name: of for name, of in found.evidence.voices.items() if name == source}
        alone = replace(found, evidence=replace(found.evidence, voices=voices))
        pools = with_pools(alone, self.requests, self.judgments, ways, people).pools
        if source in pools:
            return pools[source][0].codes
        table = self._found.table
        if source not in table.source_names:
            return np.full(len(table.items), MISSING, dtype=np.int64)
        return table.codes[:, table.source_names.index(source)]
