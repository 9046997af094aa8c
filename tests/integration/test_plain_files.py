"""The commands one after the other on plain files give the tables of ``harness run``.

Compared byte for byte, on the default experiment with few items and steps:

    responses/train.jsonl, responses/evaluation-*.jsonl   sampled with the same seeds
    agreement.json, preferences/, rewards/, evaluation.json   computed
    weights of every policy and reward model   trained on a CPU with the same seeds
    judgments/   all but ``latency_s``, the time that each took

Not compared: log.jsonl of the trainings, since only a run watches held-out items meanwhile, and
names its reward functions after the experiment's sources; and the report, which tells besides who
ran what when: of its data evaluation and agreement are those tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_process import harness

from harness.records.rows import read_rows
from harness.scale_out import local
from harness.testing import StubServer

pytestmark = pytest.mark.slow

PEOPLE = "[happy to help, certainly, gladly, of course, thank you, pleasure, my friend]"
RUDE = "[duh, ugh, obviously, seriously, next time, whatever]"
SENTENCE = r"[A-Z][^0-9]*\b(is|sum|answer)\b[^0-9]*[0-9]+[^0-9]*[.!]"
ITEMS, HELD_OUT = 24, 8
# More than few items can show, so that weights are not 1.
GATES = [
    {"source": "judge", "minimum_coverage": 1.0, "action": "down_weight"},
    {"source": "verifier", "minimum_right": 1.0, "action": "down_weight"},
]
ONLINE = {"learning_rate": 1e-3, "steps": 2, "batch_size": 8, "max_new_tokens": 40}
PPO = {**ONLINE, "rollout_size": 16, "unproven_rewards": True}  # of two held-out pairs
DPO = {"learning_rate": 5e-4, "epochs": 1, "sft_weight": 1.0}
SFT = {"learning_rate": 5e-4, "epochs": 1}
LEARNER = {"learning_rate": 1e-3, "epochs": 3}


def friendlier(body: dict[str, Any]) -> str:
    """The reply of a judge that hears manners and nothing else."""
    question = body["messages"][-1]["content"]
    shown = re.findall(r"<response ([AB])>\n(.*?)\n</response", question, re.DOTALL)
    manners = {
        name: sum(text.lower().count(word) for word in PEOPLE[1:-1].split(", "))
        - sum(text.lower().count(word) for word in RUDE[1:-1].split(", "))
        for name, text in shown
    }
    return f"Verdict: {'A' if manners['A'] >= manners['B'] else 'B'}"


@pytest.fixture(scope="module")
def judge() -> Iterator[str]:
    """The address of a judge, for which a model would take longer than for all the rest."""
    with StubServer(friendlier) as server:
        yield server.base_url


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """The last bits of sums depend on threads: there is one, here and in the run's processes."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "cores", lambda: 1)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def by_run(tmp_path_factory: pytest.TempPathFactory, repo_root: Path, judge: str) -> Path:
    """The folder of a run of the default experiment, made small, with an arm of each trainer."""
    folder = tmp_path_factory.mktemp("run")
    content = yaml.safe_load((repo_root / "examples" / "arithmetic.yaml").read_text())
    for part, limit in (("train", ITEMS), ("evaluation", HELD_OUT)):
        lines = (repo_root / "examples" / content["data"][part]["file"]).read_text().splitlines()
        step = len(lines) // limit
        (folder / f"{part}.jsonl").write_text("\n".join(lines[::step][:limit]) + "\n")
        content["data"][part] = {"file": f"{part}.jsonl"}
    content["policy"]["model"] = policy(repo_root)
    content["seeds"], content["parallel"] = [1], 1
    content["sources"]["judge"]["limit"] = 20
    options = {"model": "hosted_vllm/m", "api_base": judge, "soft": False}
    content["sources"]["judge"]["options"] |= options
    content["agreement"]["gates"] = GATES
    # Not the one with the verifier's rule, which a run finds out: files of judgments hold no texts.
    content["evaluation"] |= {"evaluators": ["near", "sentence"], "monitor": "near"}
    del content["evaluation"]["primary"]  # what was said before the training, a run alone knows
    for name in ("people_on_correctness", "people_on_style"):
        del content["sources"][name]
    arms = content["arms"]
    for name, settings in (("rlhf", PPO), ("rlaif", DPO), ("rlvr", ONLINE), ("hybrid", PPO)):
        arms[name] = {**arms[name], "settings": settings}
    for name in ("rlhf", "hybrid"):
        arms[name]["reward_model"] = LEARNER
    arms["offline"] = {"sources": ["people", "verifier"], "trainer": "sft", "settings": SFT}
    (folder / "small.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    done("run", "small.yaml", "--out", "run", "--quiet", cwd=folder)
    return folder / "run"


@pytest.fixture(scope="module")
def by_hand(
    by_run: Path, tmp_path_factory: pytest.TempPathFactory, repo_root: Path, judge: str
) -> Path:
    """The folder in which the commands were given one after the other."""
    folder = tmp_path_factory.mktemp("hand")
    for part in ("train", "evaluation"):
        (folder / f"{part}.jsonl").write_bytes((by_run.parent / f"{part}.jsonl").read_bytes())
    way = PlainWay(folder, policy(repo_root))
    way.judge(judge)
    way.aggregate()
    way.train()
    way.evaluate()
    return folder


class PlainWay:
    """The default experiment by commands."""

    def __init__(self, folder: Path, model: str, seed: int = 1) -> None:
        self.folder, self.model, self.seed = folder, model, seed
        for name in ("responses", "judgments", "preferences", "rewards", "policies"):
            (folder / name).mkdir()

    def __call__(self, command: str, *options: Any) -> None:
        done(command, *options, cwd=self.folder)

    def respond(self, items: str, model: str, system: str, out: str, *more: str) -> None:
        self(
            "respond", "--items", items, "--model", model, "--system", system, "--out", out,
            "--per-item", 2, "--temperature", 1.0, "--max-new-tokens", 40, "--seed", self.seed,
            "--quiet", *more,
        )  # fmt: skip

    def judge(self, address: str) -> None:
        """Respond, and put the responses to people, judge and verifier."""
        self.respond("train.jsonl", self.model, "base", "responses/train.jsonl")
        sources = {
            "people": (
                "simulated_people", "--option", "people=3", "--option", "correctness=3.0",
                "--option", "style=1.5", "--option", f"liked={PEOPLE}",
                "--option", f"disliked={RUDE}",
            ),
            "judge": (
                "llm_judge", "--option", "model=hosted_vllm/m",
                "--option", f"api_base={address}", "--option", "soft=false",
                "--option", "rubric=friendliness", "--limit", 20,
            ),
            "verifier": ("math_verify",),
        }  # fmt: skip
        for name, source in sources.items():
            self(
                "judge", "--name", name, "--source", *source, *self.answers,
                "--out", f"judgments/{name}.jsonl", "--seed", self.seed, "--quiet",
            )  # fmt: skip

    answers = ("--items", "train.jsonl", "--responses", "responses/train.jsonl")

    def aggregate(self) -> None:
        """Measure agreement, and make of the judgments what each arm learns from."""
        people, judge, verifier = (f"judgments/{n}.jsonl" for n in ("people", "judge", "verifier"))
        self(
            "agree", people, "--also", judge, "--also", verifier, *self.answers,
            "--gate", "judge=minimum_coverage:1:down_weight",
            "--gate", "verifier=minimum_right:1:down_weight",
            "--out", "agreement.json",
        )  # fmt: skip

        def aggregated(method: str, out: str, *files: str) -> None:
            also = [option for file in files[1:] for option in ("--also", file)]
            self(
                "aggregate", files[0], *also, "--method", method, *self.answers,
                "--agreement", "agreement.json", f"--{out.partition('/')[0]}", out,
            )  # fmt: skip

        aggregated("majority", "preferences/rlhf.jsonl", people)
        aggregated("mean", "preferences/rlaif.jsonl", judge)
        aggregated("majority", "rewards/rlvr.jsonl", verifier)
        # An online trainer asks the verifier itself, so that its pairs are the others' only.
        aggregated("agreement_weighted", "preferences/hybrid.jsonl", people, judge)
        aggregated("agreement_weighted", "rewards/hybrid.jsonl", verifier)
        aggregated("majority", "preferences/offline.jsonl", people, verifier)
        aggregated("majority", "rewards/offline.jsonl", verifier)

    def train(self) -> None:
        """Train every arm."""
        weights = self.weights()

        def trained(trainer: str, out: str, data: str, values: Any, *rewards: str) -> None:
            settings = [o for key, v in values.items() for o in ("--set", f"{key}={v}")]
            given = [option for reward in rewards for option in ("--reward", reward)]
            self(
                "train", "--trainer", trainer, "--model", self.model, "--data", data,
                "--out", f"policies/{out}", *settings, *given, "--seed", self.seed, "--quiet",
            )  # fmt: skip

        for arm in ("rlhf", "hybrid"):
            model = f"{arm}-seed1-reward-model"
            trained("reward_model", model, f"preferences/{arm}.jsonl", LEARNER)
        learned = "policies/{}-seed1-reward-model/final={}"
        trained("ppo", "rlhf-seed1", "train.jsonl", PPO, learned.format("rlhf", 1.0))
        trained("dpo", "rlaif-seed1", "preferences/rlaif.jsonl", DPO)
        trained("grpo", "rlvr-seed1", "train.jsonl", ONLINE, f"math_verify={weights['rlvr']}")
        trained(
            "ppo", "hybrid-seed1", "train.jsonl", PPO, f"math_verify={weights['hybrid'][0]}",
            learned.format("hybrid", weights["hybrid"][1]),
        )  # fmt: skip
        trained("sft", "offline-seed1", "preferences/offline.jsonl", SFT)

    def weights(self) -> dict[str, Any]:
        """Read off agreement.json what each reward weighs."""
        content = json.loads((self.folder / "agreement.json").read_text())
        left = {gate["source"]: gate["weight"] for gate in content["gates"]}
        kappas = {name: round(max(0.0, kappa), 6) for name, kappa in content["kappas"].items()}
        return {
            "rlvr": round(left["verifier"], 6),
            "hybrid": (kappas["verifier"], kappas["people"] + kappas["judge"]),
        }

    def evaluate(self) -> None:
        """Let every policy answer the held-out items, and compare the answers."""
        arms = ("rlhf", "rlaif", "rlvr", "hybrid", "offline")
        models = {"base": self.model} | {arm: f"policies/{arm}-seed1/final" for arm in arms}
        for name, model in models.items():
            out = f"responses/evaluation-{name}-seed1.jsonl"
            self.respond("evaluation.jsonl", model, name, out, "--base", self.model)
        taught = {
            "rlhf": ["people"], "rlaif": ["judge"], "rlvr": ["verifier"],
            "hybrid": ["verifier", "people", "judge"], "offline": ["people", "verifier"],
        }  # fmt: skip
        self(
            "evaluate", "--items", "evaluation.jsonl", "--seed", self.seed, "--quiet",
            *[o for name in models for o in
              ("--responses", f"{name}@1=responses/evaluation-{name}-seed1.jsonl")],
            "--evaluator", "near=near_number", "--evaluator", "sentence=regex_format",
            "--option", "near.within=2", "--option", f"sentence.pattern='{SENTENCE}'",
            *[o for arm, names in taught.items() for name in names
              for o in ("--trained-on", f"{arm}=judgments/{name}.jsonl")],
            "--out", "evaluation.json",
        )  # fmt: skip


def policy(repo_root: Path) -> str:
    """Return the folder of the policy of the default experiment."""
    return str(repo_root / "examples" / "arithmetic_policy")


def done(*arguments: Any, cwd: Path) -> None:
    """Give a command, which must succeed."""
    outcome = harness(*arguments, cwd=cwd)
    assert outcome.returncode == 0, f"{arguments}\n{outcome.stdout}\n{outcome.stderr}"


TABLES = ("responses", "preferences", "rewards", "agreement.json", "evaluation.json")


def files_of(folder: Path, table: str) -> list[str]:
    """Return the names of the files of a table."""
    path = folder / table
    found = [path] if path.is_file() else path.iterdir()
    return sorted(file.relative_to(folder).as_posix() for file in found)


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_are_the_same_byte_for_byte(by_run: Path, by_hand: Path, table: str) -> None:
    names = files_of(by_run, table)
    if table == "preferences":  # a source of single responses alone gives an online arm no pair
        assert (by_run / "preferences" / "rlvr.jsonl").read_bytes() == b""
        names.remove("preferences/rlvr.jsonl")
    assert names == files_of(by_hand, table)
    for name in names:
        mine, theirs = (without_rules(folder / name) for folder in (by_hand, by_run))
        assert mine == theirs, name


def without_rules(file: Path) -> bytes:
    """Return a file; of an evaluation without what only a run can know, which has both texts."""
    if file.name != "evaluation.json":
        return file.read_bytes()
    table = json.loads(file.read_text())
    assert [bool(one.pop("compared_with")) for one in table["evaluators"]] in (
        [True] * 2,
        [False] * 2,
    )
    table["policies"][0]["kl"].pop("seeds")  # files do not say that the base was not trained
    table["warnings"] = [one for one in table["warnings"] if "same rule" not in one]
    return json.dumps(table).encode()


def test_judgments_are_the_same_but_for_the_time_that_they_took(
    by_run: Path, by_hand: Path
) -> None:
    for name in ("people", "judge", "verifier"):
        tables = []
        for folder in (by_run, by_hand):
            rows = [row for _, row in read_rows(folder / "judgments" / f"{name}.jsonl")]
            assert all(row.pop("latency_s") >= 0 for row in rows)
            tables.append(rows)
        assert tables[0] == tables[1]
        assert tables[0]


def test_gates_have_weighed_the_sources(by_run: Path) -> None:
    """Else the comparison would say nothing of weights."""
    gates = json.loads((by_run / "agreement.json").read_text())["gates"]
    assert all(0.1 < gate["weight"] < 0.9 for gate in gates)


def test_the_weights_of_every_policy_are_the_same(by_run: Path, by_hand: Path) -> None:
    found = sorted((by_run / "policies").glob("*/final/model.safetensors"))
    assert len(found) == 7  # five arms and two reward models
    for file in found:
        assert (by_hand / file.relative_to(by_run)).read_bytes() == file.read_bytes(), file
