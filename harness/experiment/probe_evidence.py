"""probes.json, which ``harness probe-judge`` writes: what gates and reports read of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.agreement.probes import with_plan
from harness.nouns.biases import BIASES
from harness.nouns.errors import DataError
from harness.nouns.scale import is_number
from harness.nouns.schema import SourceInfo
from harness.ratings.evidence import Turned
from harness.records.rows import read_json
from harness.statistics.one_sided import Bounds

_NUMBERS = ("excess", "low", "high", "lower", "upper", "error")


def read_probes(
    paths: Iterable[str | Path], infos: Mapping[str, SourceInfo] | None = None
) -> dict[str, dict[str, Turned]]:
    """Return source -> bias -> what was found, of files of ``harness probe-judge``.

    What was found of another version of a source says nothing of this one: it is undefined, with
    the reason.

    Args:
        paths: The files, one for each source.
        infos: Who the sources are, where that is known.

    Raises:
        DataError: A file is missing, is none of probe-judge, or two are of one source.
    """
    found: dict[str, dict[str, Turned]] = {}
    for path in map(Path, paths):
        content = read_json(path)
        try:
            source, version = str(content["source"]), str(content["version"])
            rows = {str(row["bias"]): _turned(row) for row in content["probes"]}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"not what harness probe-judge --out writes: {error!r}", where=str(path)
            ) from error
        if source in found:
            raise DataError(f"there are probes of {source} in another file, too", where=str(path))
        info = (infos or {}).get(source)
        if info is not None and info.version != version:
            told = f"{path.name} is of version {version}, and the judge is {info.version} now"
            none = Bounds(None, reason=f"{told}; probe it again with harness probe-judge")
            rows = dict.fromkeys(rows, Turned(none))
        found[source] = rows
    return found


def _turned(row: Mapping[str, Any]) -> Turned:
    if row["bias"] not in BIASES:
        raise ValueError(f"no bias is called {row['bias']!r:.60}")
    values = {key: row[key] for key in _NUMBERS}
    for key, value in values.items():
        if value is not None and not (is_number(value) and abs(value) <= 1):
            raise ValueError(f"{key} of {row['bias']} is {value!r:.40}, no share")
    if values["excess"] is not None and None in (values["lower"], values["upper"]):
        raise ValueError(f"{row['bias']} has no bounds")
    bounds = Bounds(
        values["excess"], values["lower"], values["upper"], values["error"] or 0.0,
        int(row["n"]), int(row["clusters"]), str(row["reason"]),
    )  # fmt: skip
    bounds = with_plan(row["bias"], bounds, int(row.get("silent") or 0))
    return Turned(bounds, values["low"], values["high"], row["found"] is True)
