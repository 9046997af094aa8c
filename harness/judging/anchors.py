"""Anchor sets: requests with pinned verdicts, frozen and hashed, to tell when a judge has moved."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.nouns.errors import ConfigError, DataError
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import Status
from harness.nouns.plain_text import file_text, parsed_json
from harness.nouns.redaction import HIDDEN, redacted_json
from harness.nouns.rubric import Criterion
from harness.nouns.scale import Scale
from harness.nouns.schema import Judgment, JudgmentRequest, Verdict
from harness.ratings.both_orders import WORTH
from harness.records.rows import item_from, judgment_from, response_from, to_dict
from harness.records.writes import write_json


@dataclass(frozen=True, slots=True)
class Anchors:
    """What a judge was asked once, and what it said.

    Args:
        use: The plugin's source.
        version: Version of the source when the verdicts were pinned.
        options: Options of the source.
        seed: Of the run; it decides orders and principles.
        requests: What was asked.
        passes: What was said, and said again: the second pass measures the judge's own noise.
    """

    use: str
    version: str
    options: dict[str, Any]
    seed: int
    requests: tuple[JudgmentRequest, ...]
    passes: tuple[tuple[Judgment, ...], ...]

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain JSON values, without secrets, as it is written."""
        plain: dict[str, Any] = json.loads(redacted_json(to_dict(self)))
        return plain

    @property
    def sha256(self) -> str:
        """Hash of the source, its requests and its verdicts."""
        return content_hash(self.as_row())

    @property
    def noise(self) -> Movement:
        """How the judge's two passes differ when they were pinned."""
        return compare(self.passes[0], self.passes[1])


def write_anchors(path: Path, anchors: Anchors) -> None:
    """Freeze requests and verdicts in a file of its owner, hashed; secrets are left out."""
    write_json(path, {"sha256": anchors.sha256, **anchors.as_row()}, private=True)


def refuse_old(path: Path) -> None:
    """Refuse to pin where something is: anchors that were replaced cannot be compared with.

    Raises:
        ConfigError: It is.
    """
    if os.path.lexists(path):
        raise ConfigError(
            "there is something of that name, and anchors are never replaced",
            where=str(path),
            hint="leave out --pin to ask these anchors again; pin new ones under another name",
        )


def read_anchors(path: Path) -> Anchors:
    """Read an anchor file.

    Raises:
        DataError: It is missing, is no anchor file, or was changed since it was written.
    """
    if not os.path.lexists(path):
        raise DataError("no such anchor file", where=str(path), hint="make one with --pin")
    if not (text := file_text(path)).strip():
        raise DataError("the file is empty", where=str(path), hint="make one with --pin")
    try:
        content = parsed_json(text)
        sha256 = content.pop("sha256")
        requests = tuple(_request(row) for row in content["requests"])
        passes = tuple(tuple(judgment_from(j) for j in rows) for rows in content["passes"])
        fields = (content["use"], content["version"], content["options"], content["seed"])
        if len(passes) != 2 or not requests:
            told = f"two passes are pinned over some requests, got {len(passes)} over"
            raise ValueError(f"{told} {len(requests)}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"not an anchor file: {error!r}", where=str(path)) from error
    if content_hash(content) != sha256:
        raise DataError(
            "the anchor file was changed since it was pinned: its hash does not fit",
            where=str(path),
            hint="restore it, or pin a new one",
        )
    return Anchors(*fields, requests, passes)


def with_secrets(anchors: Anchors, given: Mapping[str, Any]) -> Anchors:
    """Return anchors whose options have the secrets that their file does not hold.

    Raises:
        ConfigError: One of them is not given, or another option is that was not pinned so.
    """
    hidden = [name for name, value in anchors.options.items() if HIDDEN in json.dumps(value)]
    missing = [name for name in hidden if name not in given]
    if missing:
        raise ConfigError(
            f"option {', '.join(missing)} of {anchors.use} held a secret, which is not in the"
            " anchor file",
            hint=f"give it again: --option {missing[0]}=...",
        )
    for name, value in given.items():
        if name not in hidden and anchors.options.get(name) != value:
            was = anchors.options.get(name)
            raise ConfigError(
                f"option {name} is {value!r:.60}, and the anchors were pinned with"
                f" {'no such option' if was is None else f'{was!r:.60}'}",
                hint="leave it out, or pin other anchors of such a judge",
            )
    return replace(anchors, options={**anchors.options, **{n: given[n] for n in hidden}})


def _request(row: dict[str, Any]) -> JudgmentRequest:
    raw = dict(row["criterion"])
    scale = raw.pop("scale")
    criterion = Criterion(**raw, scale=Scale(**{**scale, "labels": tuple(scale["labels"])}))
    responses = tuple(response_from(response) for response in row["responses"])
    return JudgmentRequest(row["id"], item_from(row["item"]), responses, criterion)


def _by_presentation(judgments: Iterable[Judgment]) -> dict[tuple[str, str, str, int], Judgment]:
    return {(j.request_id, j.annotator, j.order, j.repeat): j for j in judgments}


@dataclass(frozen=True, slots=True)
class Movement:
    """How two passes over the same presentations differ.

    Args:
        compared: Presentations with a verdict in both.
        changed: Those whose verdict is another one.
        lost: Verdicts of the first pass that are failures, or not there, in the second.
        gained: Verdicts of the second pass that are failures, or not there, in the first.
        without: Presentations without a verdict in either.
        failures: How often the lost ones failed, by status.
        moves: How often which verdict became which.
        shift: Mean change of the probability or score (second minus first), where both state one.
    """

    compared: int
    changed: int
    lost: int
    gained: int
    without: int
    failures: dict[str, int]
    moves: dict[str, int]
    shift: float | None

    @property
    def presentations(self) -> int:
        """All that were asked in either pass."""
        return self.compared + self.lost + self.gained + self.without

    @property
    def share(self) -> float:
        """Share of the compared verdicts that changed."""
        return self.changed / self.compared if self.compared else 0.0


def compare(first: Iterable[Judgment], second: Iterable[Judgment]) -> Movement:
    """Compare two passes of a judge over the same requests."""
    before, after = _by_presentation(first), _by_presentation(second)
    moves: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    compared = gained = without = 0
    shifts = []
    for key in before | after:
        old, new = (_verdict(rows.get(key)) for rows in (before, after))
        if old.status is not Status.OK or new.status is not Status.OK:
            if old.status is Status.OK:
                failures[new.status.value] += 1
            elif new.status is Status.OK:
                gained += 1
            else:
                without += 1
            continue
        compared += 1
        if old.value != new.value:
            moves[f"{old.value} -> {new.value}"] += 1
        if old.probability is not None and new.probability is not None:
            shifts.append(new.probability - old.probability)
    shift = sum(shifts) / len(shifts) if shifts else None
    lost = failures.total()
    return Movement(
        compared, moves.total(), lost, gained, without, dict(failures), dict(moves), shift
    )


def _verdict(judgment: Judgment | None) -> Verdict:
    return Verdict(Status.MISSING) if judgment is None else judgment.verdict


def first_wins(
    judgments: Iterable[Judgment], among: Collection[str] | None = None
) -> tuple[float | None, int]:
    """Return the share of pairs won by the first response, ties half, and of how many verdicts.

    None without a verdict. ``among`` are the requests that count, all by default.
    """
    values = [
        j.verdict.value
        for j in judgments
        if j.verdict.status is Status.OK and (among is None or j.request_id in among)
    ]
    wins = [WORTH[value] for value in values]
    return (sum(wins) / len(wins) if wins else None), len(wins)


def chance_of_change(noise: Movement, now: Movement) -> float:
    """Return the one-sided p-value that the judge changed no more than it does by itself.

    Fisher's exact tests of now against the two passes made at pinning time: of the share of
    verdicts that changed, and of that of presentations that lost or gained one; the smaller p
    counts twice.
    """
    from scipy.stats import fisher_exact

    counts = [
        [(one.changed, one.compared) for one in (now, noise)],
        [(one.lost + one.gained, one.presentations) for one in (now, noise)],
    ]
    tables = [[[some, of - some] for some, of in rows] for rows in counts]
    found = [float(fisher_exact(table, alternative="greater").pvalue) for table in tables]
    return min(1.0, 2.0 * min(found))
