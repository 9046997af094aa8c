"""``harness align-judge``: choose by half of people's labels, prove on the other, pay once."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from in_process import harness

from harness.agreement import Settings
from harness.agreement.halves import chooses
from harness.experiment.stages.agree import agree, gated
from harness.nouns.gate import Gate
from harness.nouns.rubric import Rubric, load_rubric
from harness.records.label_uses import read_uses
from harness.testing import StubServer

PAIRS = 120
OF_PROMPT = [f"c{n // 2}" for n in range(PAIRS)]
"""Two pairs have one prompt."""


def is_first_kind(n: int) -> bool:
    """Whether people prefer the first response of a pair."""
    return zlib.crc32(f"side {n}".encode()) % 2 == 0


def answering(right: Callable[[str], float]) -> Callable[[dict[str, Any]], str]:
    """Return a judge that is right as often as its prompt deserves, the same in both orders."""

    def reply(body: dict[str, Any]) -> str:
        system, *_, asked = (message["content"] for message in body["messages"])
        words = system + json.dumps([m["content"] for m in body["messages"][:-1]]) + asked
        number = int(re.findall(r"case (\d+)", asked)[0])
        first = asked.index(f"kind {number}") < asked.index(f"curt {number}")
        draw = zlib.crc32(f"draw {number}".encode()) % 1000 / 1000
        return "Verdict: A" if first == (draw < right(words)) else "Verdict: B"

    return reply


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Items, responses, labels of three people, and a rubric with another wording."""
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["item", "response_a", "response_b", "annotator", "label"])
        for n in range(PAIRS):
            for who in ("ann", "bob", "cy"):
                says = is_first_kind(n) != (zlib.crc32(f"{who} {n}".encode()) % 12 == 0)
                table.writerow([f"i{n}", f"i{n}.0", f"i{n}.1", who, "A" if says else "B"])
    items, responses = [], []
    for n, prompt in enumerate(OF_PROMPT):
        items.append({"id": f"i{n}", "prompt": f"case {n}", "metadata": {"cluster": prompt}})
        texts = [f"kind {n}", f"curt {n}"]
        for k, text in enumerate(texts if is_first_kind(n) else texts[::-1]):
            responses.append({"id": f"i{n}.{k}", "item_id": f"i{n}", "system": "s", "text": text})
    for name, rows in (("items", items), ("responses", responses)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "kinder.yaml").write_text(
        "id: kinder\nkind: rubric\nversion: 1\ncriteria:\n  - {id: kind, text: Answer KINDLY.}\n"
    )
    return tmp_path


@pytest.fixture
def server() -> Iterator[StubServer]:
    """A judge that is right in 60% of pairs, and in 95% where it is asked for kindness."""
    with StubServer(answering(lambda words: 0.95 if "KINDLY" in words else 0.6)) as stub:
        yield stub


def words(files: Path, server: StubServer, *more: object) -> list[object]:
    """Return the command line."""
    options = ["model=hosted_vllm/m", f"api_base={server.base_url}", "rubric=friendliness",
               "both_orders=false", "input_cost_per_token=0.00001",
               "output_cost_per_token=0.00001"]  # fmt: skip
    return [
        "align-judge", "--items", files / "items.jsonl", "--responses", files / "responses.jsonl",
        "--labels", files / "labels.csv", "--out", files / "aligned.yaml", "--quiet",
        "--examples", "0", *(word for one in options for word in ("--option", one)), *more,
    ]  # fmt: skip


def asked_about(bodies: Sequence[dict[str, Any]]) -> set[int]:
    """Return the numbers of the pairs that calls were about."""
    return {int(re.findall(r"case (\d+)", body["messages"][-1]["content"])[0]) for body in bodies}


def of_half(choosing: bool) -> set[int]:
    """Return the numbers of the pairs of a half."""
    return {n for n, one in enumerate(chooses(OF_PROMPT)) if one == choosing}


def test_a_better_wording_is_chosen_proven_and_written(files: Path, server: StubServer) -> None:
    done = harness(*words(files, server, "--rubric", files / "kinder.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    assert re.search(r"kinder says what people say more often: \+[\d.]+ points \(\+", told)
    aligned = load_rubric(files / "aligned.yaml")
    assert isinstance(aligned, Rubric)
    assert (aligned.id, aligned.criteria[0].text) == ("kinder-aligned", "Answer KINDLY.")
    first = of_half(True)
    assert asked_about(server.bodies[: 2 * len(first)]) == first
    assert asked_about(server.bodies[2 * len(first) :]) == of_half(False)
    assert len(server.bodies) == 2 * PAIRS  # two judges, each pair once
    costs = re.search(r"(\d+) labels choose, (\d+) prove; ([\d,]+) calls at most", done.stderr)
    assert costs is not None
    assert [int(one) for one in costs.groups()] == [len(first), PAIRS - len(first), 2 * PAIRS]
    assert "at most $" in done.stderr
    chose, proved = read_uses([files / "label-uses.jsonl"])
    assert (chose.deed, chose.result, proved.deed, proved.what) == (
        "chose", "kinder-aligned", "certified", "gain",
    )  # fmt: skip
    assert chose.annotators == ("ann", "bob", "cy")
    assert set(chose.items).isdisjoint(proved.items)
    again = harness(*words(files, server, "--rubric", files / "kinder.yaml"))
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert len(server.bodies) == 2 * PAIRS  # nothing is paid for twice
    assert "0 calls at most" in again.stderr


def test_gates_read_only_the_labels_that_did_not_choose_the_rubric(
    files: Path, server: StubServer
) -> None:
    assert harness(*words(files, server, "--rubric", files / "kinder.yaml")).returncode == 0
    about = ("--items", files / "items.jsonl", "--responses", files / "responses.jsonl", "--quiet")
    option = ["model=hosted_vllm/m", f"api_base={server.base_url}",
              f"rubric={files / 'aligned.yaml'}"]  # fmt: skip
    said = (word for one in option for word in ("--option", one))
    judge = harness("judge", "--source", "llm_judge", "--out", files / "judge.jsonl", *about, *said)
    assert judge.returncode == 0, judge.stderr
    people = ("--source", "human_csv", "--name", "people", "--option", f"file={files}/labels.csv")
    assert harness("judge", *people, "--out", files / "people.jsonl", *about).returncode == 0
    found = [files / "judge.jsonl", files / "people.jsonl"]
    report = agree(found, None, Settings(replicates=100))
    (gate,) = gated(report, [Gate("llm_judge", 0.4, "drop")]).gates
    assert (gate.n, gate.spent) == (len(of_half(False)), len(of_half(True)))
    assert gate.outcome == "pass"


def test_where_nothing_is_better_the_other_half_is_not_touched(
    files: Path, server: StubServer
) -> None:
    server.reply = answering(lambda words: 0.7)
    done = harness(*words(files, server, "--rubric", files / "kinder.yaml"))
    assert done.returncode == 1
    assert "nothing was better than the judge as it is" in " ".join(done.stdout.split())
    assert not (files / "aligned.yaml").exists()
    assert asked_about(server.bodies) == of_half(True)
    assert [use.deed for use in read_uses([files / "label-uses.jsonl"])] == ["chose"]


def test_what_is_not_proven_is_not_written_and_its_labels_prove_nothing_more(
    files: Path, server: StubServer
) -> None:
    server.reply = answering(lambda words: 0.72 if "KINDLY" in words else 0.7)
    first = harness(*words(files, server, "--rubric", files / "kinder.yaml"))
    told = " ".join(first.stdout.split())
    assert first.returncode == 1, first.stdout
    assert re.search(
        r"kinder is not shown to be better, .* the interval holds 0, so no rubric", told
    )
    assert not (files / "aligned.yaml").exists()
    assert harness(*words(files, server, "--rubric", files / "kinder.yaml")).stdout == first.stdout
    other = (files / "kinder.yaml").read_text().replace("KINDLY", "Be NICE")
    (files / "other.yaml").write_text(other)
    server.reply = answering(lambda words: 0.99 if "NICE" in words else 0.7)
    before = len(server.bodies)
    more = harness(*words(files, server, "--rubric", files / "other.yaml"))
    assert more.returncode == 2
    assert "0 labels of 0 prompts are left to prove, needs 10 prompts" in more.stderr
    assert f"{len(of_half(False))} labels of that half chose or proved before" in " ".join(
        more.stderr.split()
    )
    assert asked_about(server.bodies[before:]) == of_half(True)
    assert not (files / "aligned.yaml").exists()


def test_examples_are_pairs_on_which_judge_and_people_disagree(
    files: Path, server: StubServer
) -> None:
    def reply(body: dict[str, Any]) -> str:
        return answering(lambda _: 0.95 if len(body["messages"]) > 2 else 0.6)(body)

    server.reply = reply
    done = harness(*words(files, server, "--examples", "2"))
    assert done.returncode == 0, done.stdout + done.stderr
    aligned = load_rubric(files / "aligned.yaml")
    assert isinstance(aligned, Rubric)
    assert len(aligned.examples) == 2
    for one in aligned.examples:
        number = int(one.prompt.removeprefix("case "))
        assert number in of_half(True)
        assert one.responses["AB".index(one.verdict)] == f"kind {number}"
        draw = zlib.crc32(f"draw {number}".encode()) % 1000 / 1000
        assert draw >= 0.6  # the judge was wrong there
    assert {one.verdict for one in aligned.examples} == {"A", "B"}
    shown = {one.prompt for one in aligned.examples}
    (row,) = [line for line in done.stdout.splitlines() if "+ 2 examples" in line][:1]
    prompts = {OF_PROMPT[int(one.removeprefix("case "))] for one in shown}
    left = [n for n in of_half(True) if OF_PROMPT[n] not in prompts]
    assert row.split()[-1] == str(len(left))  # whose answer it was shown chooses nothing


def test_the_budget_stops_it_and_more_of_it_goes_on(files: Path, server: StubServer) -> None:
    more = ("--rubric", files / "kinder.yaml", "--concurrency", "1")
    stopped = harness(*words(files, server, *more, "--budget", "0.08"))
    assert stopped.returncode == 1
    assert "budget" in stopped.stderr
    paid = len(server.bodies)
    assert 0 < paid < 2 * PAIRS
    assert harness(*words(files, server, *more)).returncode == 0
    assert len(server.bodies) == 2 * PAIRS


def test_too_few_labels_are_refused_before_anything_is_paid_for(
    files: Path, server: StubServer
) -> None:
    lines = (files / "labels.csv").read_text().splitlines()
    (files / "labels.csv").write_text("\n".join(lines[:31]) + "\n")
    done = harness(*words(files, server, "--rubric", files / "kinder.yaml"))
    assert done.returncode == 2
    assert re.search(r"labels? of \d prompts? choose, needs 10 prompts", done.stderr)
    assert not server.bodies


@pytest.mark.slow
def test_kill_9_and_the_same_command_again_pay_once(files: Path, server: StubServer) -> None:
    command = [sys.executable, "-m", "harness", *words(files, server, "--rubric",
               files / "kinder.yaml", "--concurrency", "4")]  # fmt: skip
    for stop_at in (30, 150):
        running = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
        judge = answering(lambda words: 0.95 if "KINDLY" in words else 0.6)

        def reply(
            body: dict[str, Any], last: int = stop_at,
            running: subprocess.Popen[bytes] = running,
            judge: Callable[[dict[str, Any]], str] = judge,
        ) -> str:  # fmt: skip
            if len(server.bodies) >= last:  # two threads may have counted at once
                running.kill()
            return judge(body)

        server.reply = reply
        assert running.wait() == -signal.SIGKILL
    server.reply = answering(lambda words: 0.95 if "KINDLY" in words else 0.6)
    done = harness(*words(files, server, "--rubric", files / "kinder.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(server.bodies) <= 2 * PAIRS + 2 * 4  # those in flight at each kill
    assert [use.deed for use in read_uses([files / "label-uses.jsonl"])] == ["chose", "certified"]
