"""A training as it is shown: a table within 80 columns, or lines where there is no terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from harness.cli import screen
from harness.cli.training_table import TrainingTable

PPO = {
    "reward": -123.456, "coverage": 1.0, "kl_sequence": 0.0512, "kl_token": 0.003, "length": 14.25,
    "entropy": 0.251, "distinct_2": 0.512, "eos_rate": 0.996, "explained_variance": -0.31,
    "clip_fraction": 0.0061, "zero_std_groups": 0.125, "loss": 0.1,
}  # fmt: skip
LOOK = {"held_out/gold/correctness": 0.484, "held_out/gold_se/correctness": 0.06}


def console(width: int = 80, terminal: bool = True) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, width=width, force_terminal=terminal, color_system=None), stream


def clock(*times: float) -> Any:
    ticks: Iterator[float] = iter(times)
    return lambda: next(ticks)


def drawn(table: TrainingTable) -> list[str]:
    to, stream = console(table.screen.width)
    to.print(table)
    return [line.rstrip() for line in stream.getvalue().splitlines() if line.strip()]


def test_a_single_training_shows_its_latest_rows_and_how_long_it_takes() -> None:
    times = [10.0, *(10.0 + 0.5 * step for step in range(1, 21))]
    table = TrainingTable(console()[0], single=True, clock=clock(*times))
    for step in range(21):
        look = LOOK if step % 10 == 0 else {}
        row = PPO if step else {}
        table.add("ppo", {"step": step, "total_steps": 100, **row, **look})
    title, heads, _, *rows = drawn(table)
    assert title == "ppo 20/100  2.0/s  0:00:40 left"
    assert heads.split() == (
        "step reward gold KL length entropy dist-2 EOS critic clipped equal".split()
    )
    assert [row.split()[0] for row in rows] == [str(step) for step in range(13, 21)]
    assert rows[-1].split() == ("20 -123.5 0.48 0.05 14.2 0.25 0.51 100% -0.31 0.6% 12.5%".split())
    assert rows[-2].split()[2] == "0.05"  # gold is shown where it was looked at
    assert max(map(len, [title, heads, *rows])) <= 80


@pytest.mark.parametrize(
    ("width", "single"), [(30, True), *((w, s) for w in (48, 60, 80, 120) for s in (True, False))]
)
def test_what_does_not_fit_is_left_out(width: int, single: bool) -> None:
    times = (float(n) for n in range(9))
    table = TrainingTable(console(width)[0], single=single, clock=clock(*times))
    for name in ("rlhf 0", "hybrid 1", "rlaif 12"):
        table.add(name, {"step": 0, "total_steps": 12_345})
        table.add(name, {"step": 12_000, "total_steps": 12_345, **PPO, **LOOK})
    lines = drawn(table)
    assert max(map(len, lines)) <= width
    text = " ".join(lines)
    for cell in ("12000", "0:00:01"):
        assert cell in text
    assert ("clipped" in text) == (width == 120 or (width == 80 and single))


def test_the_title_is_one_line_above_the_narrowest_table() -> None:
    table = TrainingTable(console()[0], single=True, clock=clock(0, 1, 2, 3))
    for step, title in enumerate(
        [
            "kto 0/3",
            "kto 1/3  1.0/s  0:00:02 left",
            "kto 2/3  1.0/s  0:00:01 left",
            "kto 3/3  1.0/s",
        ]
    ):
        table.add("kto", {"step": step, "total_steps": 3, "loss": 0.5})
        assert drawn(table)[0] == title


TIMES: list[tuple[list[float], str]] = [
    ([0.5, 1.0, 1.5, 2.0], "2.0/s"),
    ([0.5, 0.5, 0.5, 0.5], ""),
    ([10.0, 40.0, 70.0, 100.0], "30.0 s each"),
    ([1.0, 2.0, 1.0, 2.0], "1.0/s"),  # the second member of an ensemble has a clock of its own
]


@pytest.mark.parametrize(("times", "rate"), TIMES)
@pytest.mark.parametrize("single", [True, False])
def test_the_rate_is_that_of_the_training_and_not_of_the_rows_arrival(
    times: list[float], rate: str, single: bool
) -> None:
    table = TrainingTable(console()[0], single=single, clock=lambda: 0.0)
    for step, seconds in enumerate(times):
        table.add("bon 0", {"step": step, "total_steps": 9, "seconds": seconds, "loss": 0.5})
    assert table.pace("bon 0", {"step": 3, "total_steps": 9})[0] == rate


def test_what_is_measured_after_a_step_stands_in_its_row() -> None:
    table = TrainingTable(console()[0], single=True, clock=clock(*range(9)))
    for step in (1, 2, 3):
        row = {"step": step, "total_steps": 3, "reward_margin": step / 10, "reward_accuracy": 0.5}
        table.add("reward_model", row)
    table.add("reward_model", {"step": 3, "held_out/accuracy": 0.75, "held_out/n_train": 9})
    title, heads, _, *rows = drawn(table)
    assert title.startswith("reward_model 3/3")
    assert heads.split() == ["step", "margin", "accuracy", "held", "out"]
    assert [row.split() for row in rows] == [
        ["1", "0.10", "0.50"], ["2", "0.20", "0.50"], ["3", "0.30", "0.50", "0.75"],
    ]  # fmt: skip


def test_of_several_trainings_the_last_that_is_known_of_each() -> None:
    table = TrainingTable(console()[0], single=False, clock=clock(0, 0, 1, 3, 3))
    table.add("rlhf 0", {"step": 10, "total_steps": 25, **PPO, **LOOK})
    table.add("rlaif 0", {"step": 1, "total_steps": 77, "loss": 0.69, "reward_margin": None})
    table.add("rlhf 0", {"step": 11, "total_steps": 25, **PPO, "kl_sequence": None, "reward": 2})
    table.add("rlaif 0", {"step": 4, "total_steps": 77, "loss": 0.5, "reward_margin": 1.25})
    heads, _, first, second = drawn(table)
    assert heads.split()[:8] == "training step rate left reward margin gold KL".split()
    # One step in a second after the first row: what an earlier try did does not count.
    assert first.split()[:7] == ["rlhf", "0", "11/25", "1.0/s", "0:00:14", "2.00", "0.48"]
    assert second.split()[:6] == ["rlaif", "0", "4/77", "1.0/s", "0:01:13", "1.25"]


def test_without_a_terminal_a_line_for_each_tenth() -> None:
    to, stream = console(terminal=False)
    table = TrainingTable(to, single=True, clock=clock(*range(0, 300, 10)))
    for step in range(26):
        table.add("ppo", {"step": step, "total_steps": 25, **(PPO if step else LOOK)})
    lines = stream.getvalue().splitlines()
    assert [re.search(r"step (\d+)/25", line)[1] for line in lines] == (  # type: ignore[index]
        "0 3 5 8 10 13 15 18 20 23 25".split()
    )
    assert lines[0] == "ppo: step 0/25, gold 0.48"
    assert lines[2].startswith("ppo: step 5/25, reward -123.5, KL 0.05, length 14.2, entropy 0.25")
    assert lines[2].endswith("equal 12.5%, 10.0 s each, 0:03:20 left")


def test_a_training_that_does_not_say_how_long_it_is() -> None:
    to, stream = console(terminal=False)
    table = TrainingTable(to, single=True, clock=clock(*range(31)))
    for step in range(31):
        table.add("sft", {"step": step, "loss": 1.0, "held_out/kl_sequence": -0.001})
    lines = stream.getvalue().splitlines()
    assert lines[0] == "sft: step 0, KL 0.00, loss 1.00"
    assert lines[-1] == "sft: step 30, KL 0.00, loss 1.00, 1.0/s" and len(lines) == 4


@pytest.mark.parametrize("terminal", [True, False])
def test_an_alarm_is_said_at_once(terminal: bool) -> None:
    to, stream = console(terminal=terminal)
    table = TrainingTable(to, single=True)
    table.add("ppo", {"step": 7, "total_steps": 9, "alarms": {"kl_runaway": "KL [has] run away"}})
    assert stream.getvalue().splitlines()[0] == "warning: ppo, step 7: KL [has] run away"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_reward_that_fails_is_told_once_with_its_reason(terminal: bool) -> None:
    to, stream = console(terminal=terminal)
    table = TrainingTable(to, single=True)
    for step in (1, 2):
        table.add("ppo", {"step": step, "failure/right": "ValueError: [boom] (mine.py:12)"})
    lines = [line for line in stream.getvalue().splitlines() if "boom" in line]
    assert lines == ["warning: ppo, step 1: reward right failed: ValueError: [boom] (mine.py:12)"]


def test_several_rewards_have_a_column_each() -> None:
    """Beside their sum, within 80 columns; names are cut, and none is taken for another column."""
    rewards = {"reward/right": 1.0, "reward/length": 0.25, "reward/a_very_long_name": 0.5}
    row = {"step": 3, "total_steps": 25, "reward": 1.75, **rewards, "kl_sequence": 0.5,
           "length": 12.0, "entropy": 1.5, "distinct_2": 0.5, "eos_rate": 1.0}  # fmt: skip
    to, stream = console(width=80)
    table = TrainingTable(to, single=True)
    table.add("ppo", row)
    to.print(table)
    shown = stream.getvalue()
    heads = next(line for line in shown.splitlines() if line.split()[:1] == ["step"]).split()
    assert heads[:5] == ["step", "reward", "right", "reward/length", "a_very_long…"]
    assert heads[5:] == ["KL", "length", "entropy", "dist-2", "EOS"]
    assert max(map(len, shown.splitlines())) <= 80
    to, stream = console(terminal=False)
    TrainingTable(to, single=True).add("ppo", row)
    assert "reward 1.75, right 1.00, reward/length 0.25, a_very_long… 0.50, KL" in stream.getvalue()


@pytest.mark.parametrize("single", [True, False])
def test_an_alarm_is_said_once(single: bool) -> None:
    to, stream = console()
    table = TrainingTable(to, single=single)
    table.add("ppo", {"step": 7, "total_steps": 9, "alarms": {"kl_runaway": "far"}})
    for step in (7, 8, 9):
        table.add("ppo", {"step": step, "total_steps": 9, "reward": 1.0})
    assert stream.getvalue().count("far") == 1


def test_bars_have_the_table_below_them(monkeypatch: pytest.MonkeyPatch) -> None:
    to, stream = console()
    monkeypatch.setattr(screen, "_console", lambda **_: to)
    with screen.bars() as start:
        move = start("training", 2)
        start.row("rlhf 0", {"step": 3, "total_steps": 25, "reward": 0.5})
        move(1)
    text = stream.getvalue()
    assert text.rindex("training") > text.rindex("1/2") and "rlhf 0   3/25" in text


def test_a_single_training_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    to, stream = console()
    monkeypatch.setattr(screen, "_console", lambda **_: to)
    with screen.training("ppo") as table:
        table.add("ppo", {"step": 3, "total_steps": 25, "reward": 0.5})
    assert "ppo 3/25" in stream.getvalue() and "reward" in stream.getvalue()


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with screen.bars(quiet=True) as start:
        start("training", 2)
        start.row("rlhf 0", {"step": 3, "alarms": {"kl_runaway": "far"}})
    with screen.training("ppo", quiet=True):
        pass
    assert capsys.readouterr() == ("", "")
