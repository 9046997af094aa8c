"""A reward function is another one when its source, or what that depends on, is another."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.nouns.errors import InputError
from harness.train.function_identity import function_identity
from harness.train.result import TrainingFolder
from harness.train.reward_function import WeightedRewards

NUMBER = 0


def module_of(tmp_path: Path, source: str) -> Any:
    """Return a module of a source, as another process would load it."""
    global NUMBER
    NUMBER += 1
    path = tmp_path / f"rewards_{NUMBER}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("rewards", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


START = '''
import re
from functools import cache, partial, wraps

WORDS = ["please", "thanks"]
FORM = re.compile("[0-9]+")
SEEN = []
COUNTS = {}

class Rule:
    weight = 2
    def __init__(self, most):
        self.most, self.calls, self.texts = most, 0, []
    def __call__(self, completions, **columns):
        self.calls += 1
        self.texts.append(completions)
        return [min(self.most, self.weight * len(text)) for text in completions]
    def method(self, completions, **columns):
        return [self.most for text in completions]

def length(text):
    return len(text) + OFFSET

OFFSET = 1

def make(factor):
    notes = []
    def reward(completions, **columns):
        """A docstring."""
        notes.append(completions)
        SEEN.extend(completions)
        COUNTS.setdefault("n", []).append(1)
        return [factor * length(text) for text in completions]
    return reward

@cache
def cached(text):
    return 3

async def waits(completions, **columns):
    return [float(FORM.search(text) is not None) for text in completions]

def words(completions, bonus=1, **columns):
    return [sum(word in text for word in WORDS) * bonus + cached(text) for text in completions]

def decorated(function):
    @wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner

wrapped = decorated(words)
closed = make(1.0)
rule = Rule(5)
method = rule.method
part = partial(words, bonus=2)
two = [lambda completions, **_: [1.0], lambda completions, **_: [2.0]]
short = two[0]
'''
NAMES = "closed words waits wrapped rule method part short".split()

OTHERS = {
    "a literal": ("return 3", "return 4", "words wrapped part"),
    "a helper's constant": ("OFFSET = 1", "OFFSET = 2", "closed"),
    "a helper": ("len(text) + OFFSET", "len(text) - OFFSET", "closed"),
    "what is closed over": ("closed = make(1.0)", "closed = make(2.0)", "closed"),
    "a list of the module": ('"thanks"]', '"thank you"]', "words wrapped part"),
    "a pattern": ("[0-9]+", "[0-9]*", "waits"),
    "a default": ("bonus=1", "bonus=3", "words wrapped part"),
    "an argument of a partial": ("bonus=2", "bonus=4", "part"),
    "a field": ("Rule(5)", "Rule(6)", "rule method"),
    "a field of the class": ("weight = 2", "weight = 3", "rule method"),
    "a method": ("self.weight * len", "self.weight + len", "rule method"),
    "a decorator": (
        "return function(*args, **kwargs)",
        "return [*function(*args, **kwargs)]",
        "wrapped",
    ),
    "the other lambda": ("short = two[0]", "short = two[1]", "short"),
}
SAME = {
    "nothing": ("import re", "import re"),
    "a comment": ("return 3", "return 3  # three"),
    "spaces": ("factor * length(text)", "factor*length( text )"),
    "what stands before": ("import re", "import re\nUNUSED = 3"),
    "a list that it appends to": ("SEEN = []", "SEEN = ['earlier']"),
    "a table that it fills": ("COUNTS = {}", "COUNTS = {'n': [3]}"),
}


def identities(module: Any) -> dict[str, str]:
    return {name: function_identity(getattr(module, name)) for name in NAMES}


@pytest.mark.parametrize("what", OTHERS)
def test_another_function_is_another(what: str, tmp_path: Path) -> None:
    old, new, moved = OTHERS[what]
    assert START.count(old) == 1
    before = identities(module_of(tmp_path, START))
    after = identities(module_of(tmp_path, START.replace(old, new)))
    assert {name for name in NAMES if before[name] != after[name]} == set(moved.split())


@pytest.mark.parametrize("what", SAME)
def test_the_same_function_is_the_same(what: str, tmp_path: Path) -> None:
    old, new = SAME[what]
    assert old in START
    before = module_of(tmp_path, START)
    assert identities(before) == identities(module_of(tmp_path, START.replace(old, new)))


def test_calls_change_no_function(tmp_path: Path) -> None:
    module = module_of(tmp_path, START)
    before = identities(module)
    for name in ("closed", "words", "wrapped", "rule", "method", "part", "short"):
        getattr(module, name)(completions=["one"])
    assert identities(module) == before


def test_weights_that_are_closed_over_count() -> None:
    import torch

    def make(model: Any) -> Callable[..., Any]:
        return lambda completions, **_: [float(model.weight.sum())] * len(completions)

    one, other = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    other.load_state_dict(one.state_dict())
    assert function_identity(make(one)) == function_identity(make(other))
    other.weight.data[0, 0] += 1
    assert function_identity(make(one)) != function_identity(make(other))
    half = one.weight.detach().bfloat16()
    assert function_identity(lambda **_: half) == function_identity(lambda **_: half)


def test_a_file_beside_a_library_is_a_persons_own() -> None:
    from harness.train import function_identity as module

    def made(file: Path, value: int) -> Any:
        found: dict[str, Any] = {"__name__": "rewards"}
        exec(compile(f"def f(**_): return {value}", file, "exec"), found)
        return found["f"]

    library = Path(module.__file__).parents[1]  # .../harness
    for file, own in ((library.with_name("harness_rewards.py"), True), (library / "a.py", False)):
        one, other = (function_identity(made(file, value)) for value in (1, 2))
        assert (one != other) is own


def test_what_cannot_be_read_is_its_type() -> None:
    endless: list[Any] = []
    endless.append(endless)
    lock = __import__("threading").Lock()
    for odd in (endless, lock, print, len, re.compile, functools.reduce, object()):
        assert function_identity(lambda odd=odd, **_: odd) == function_identity(
            lambda odd=odd, **_: odd
        )


def test_a_folder_belongs_to_the_function_that_trained_there(tmp_path: Path) -> None:
    def rewards(factor: float) -> Any:
        def reward(completions: Any, **_: Any) -> list[float]:
            return [factor * len(text) for text in completions]

        return {"rewards": WeightedRewards({"r": reward}).fingerprint()}

    TrainingFolder(tmp_path, rewards(1.0), None)
    TrainingFolder(tmp_path, rewards(1.0), None)
    with pytest.raises(InputError, match="rewards"):
        TrainingFolder(tmp_path, rewards(2.0), None)
