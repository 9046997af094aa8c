"""Gates that are about nobody, or held against nobody, are refused before anything is measured."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from harness.agreement.gate_evidence import GOLD, PEOPLE
from harness.experiment.stages.recorded import files_of, infos_of
from harness.labels.ratings import Reading
from harness.nouns.errors import InputError
from harness.nouns.gate import Action, Gate
from harness.nouns.nearest import did_you_mean


def as_gates(gates: Sequence[Gate] | Mapping[str, tuple[float, Action]] | None) -> list[Gate]:
    """Return gates, also where they are written as source -> (smallest kappa, action)."""
    if isinstance(gates, Mapping):
        return [Gate(name, minimum, action) for name, (minimum, action) in gates.items()]
    return list(gates or ())


def check_gates(
    gates: Sequence[Gate] | Mapping[str, tuple[float, Action]],
    labels: str | Path | Sequence[Path],
    reading: Reading | None = None,
) -> None:
    """Refuse gates that ``gated`` would refuse, before anything is measured.

    Raises:
        InputError: A gate is about a source from which there is no judgment, or nobody is people.
    """
    gates = as_gates(gates)
    if not gates:
        return
    paths, judged = files_of(labels)
    if judged:
        infos = infos_of(paths, reading)
        people = [name for name, info in infos.items() if info.kind == "human"]
        refuse_strange(gates, infos, people, [n for n, i in infos.items() if i.kind == "judge"])
        return
    said = reading or Reading()
    known = [*said.humans, *said.judges, *said.orders, *([GOLD] if said.gold_column else [])]
    refuse_strange(gates, known, [PEOPLE] if said.humans else [], said.judges)


def nobody() -> InputError:
    """Return the error of gates without people."""
    return InputError(
        "gates need judgments, and one source of people among them",
        hint="say who they are: --people NAME, or against=NAME in the gate",
    )


def refuse_strange(
    gates: Iterable[Gate],
    known: Collection[str],
    people: Collection[str],
    judges: Collection[str] = (),
) -> None:
    """Refuse gates of nobody, or that are held against nobody, one of several, or a judge."""
    for gate in gates:
        if gate.measure.needs_people and not gate.against and len(people) != 1:
            raise nobody()
        if gate.against == gate.source and gate.source not in people:
            raise InputError(
                f"the gate of {gate.source} is held against {gate.source} itself, which is no"
                " people",
                hint="say who is right: against=NAME of people, or of a gold column against=gold",
            )
        if gate.against in judges and gate.against not in people:
            raise InputError(
                f"the gate of {gate.source} is held against {gate.against}, which is a judge: that"
                " two judges agree does not show that either is right",
                hint="against=NAME of people, or of a gold column against=gold; if they are people,"
                f" say --people {gate.against}",
            )
        for name in (gate.source, gate.against):
            if name and name not in known:
                near = did_you_mean(name, known, " (", ")")
                raise InputError(f"no judgment is from {name}{near}")


def refuse_strange_slices(gates: Iterable[Gate], slices: Collection[str]) -> None:
    """Refuse gates of a slice that nobody named: there is nothing to be measured on it."""
    known = sorted({*slices} - {""})
    for gate in gates:
        if gate.slice and gate.slice not in known:
            if not known:
                raise InputError(
                    f"the gate of {gate.source} is of slice {gate.slice}, and no item has a slice",
                    hint="tables: --slice-column COLUMN; judgments: --items ITEMS.jsonl with"
                    " metadata.slice",
                )
            raise InputError(
                f"no item is of slice {gate.slice}{did_you_mean(gate.slice, known, ' (', ')')}",
                hint=f"known: {', '.join(known)}",
            )
