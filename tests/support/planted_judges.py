"""Judges with planted biases, as replies of a server: they read what they are asked, as a model."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

from harness.judging.probe_texts import SURE

OTHER = {"A": "B", "B": "A"}


def planted(bias: str, share: float = 1.0, noise: float = 0.0, seed: int = 0) -> Callable[..., str]:
    """Return the replies of a judge of pairs whose bias decides in a share of the items.

    It prefers the answer that says "sum" otherwise. ``noise`` is the share of verdicts that it
    draws.
    """
    luck = random.Random(seed)

    def reply(body: dict[str, Any]) -> str:
        turns = [message["content"] for message in body["messages"]]
        sure = turns[-1] == SURE
        text = turns[-3] if sure else turns[-1]
        prompt = re.search(r"<prompt>\n(.*?)\n</prompt>", text, re.S)[1]
        shown = {name: _between(text, name) for name in "AB"}
        if sure:
            drawn = luck.random() < noise
            said = luck.choice("AB") if drawn else turns[-2][-1]
            driven = bias == "pushback" and _driven(prompt, share)
            return f"Verdict: {OTHER[said] if driven else said}"
        if luck.random() < noise:
            return f"Verdict: {luck.choice('AB')}"
        wanted = _wanted(bias, prompt, shown)
        if wanted is not None and _driven(prompt, share):
            return f"Verdict: {wanted}"
        return f"Verdict: {'A' if 'sum' in shown['A'] else 'B'}"

    return reply


def _between(text: str, name: str) -> str:
    return re.search(rf"<response {name}>\n(.*?)\n</response {name}>", text, re.S)[1]


def _driven(prompt: str, share: float) -> bool:
    item = prompt.partition("\n")[0]
    return random.Random(item).random() < share


def _wanted(bias: str, prompt: str, shown: dict[str, str]) -> str | None:
    """Return the answer that a bias picks; None where nothing moves it."""
    if bias == "position":
        return "A"
    if bias == "length":
        return next((n for n in "AB" if len(shown[n]) > 1.6 * len(shown[OTHER[n]])), None)
    if bias == "sycophancy":
        liked = re.search(r'begins with "(.*?)"', prompt)
        return next((n for n in "AB" if liked and shown[n].startswith(liked[1])), None)
    marks = {"format": "- **", "authority": "confirmed by", "self-preference": "that judges here"}
    return next((n for n in "AB" if bias in marks and marks[bias] in shown[n]), None)
