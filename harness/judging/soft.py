"""Soft verdicts: from the log-probabilities of answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.nouns.chat_messages import ChatReply, ChoicePlace
from harness.nouns.outcomes import Status
from harness.nouns.scale import Scale
from harness.nouns.schema import Verdict
from harness.ratings.both_orders import likelier

Read = Callable[[str], Verdict]
Make = Callable[[Mapping[str, float]], Verdict]


def verdict_of(reply: ChatReply, choices: Sequence[str], read: Read, make: Make) -> Verdict:
    """Return the verdict of a reply by the log-probabilities of what it could have been.

    Args:
        reply: A reply with log-probabilities, or without: then its words count.
        choices: What could be answered.
        read: Returns the verdict of words.
        make: Returns the verdict of log-probabilities.
    """
    if reply.choice_logprobs and reply.text.strip() in choices:
        return make(reply.choice_logprobs)
    verdict = read(reply.text)
    if verdict.status is not Status.OK or reply.choice_places is None:
        return verdict
    own = {choice: make({choice: 0.0}).value for choice in choices}
    place, problem = _place_of(verdict, reply, own, read)
    problem = problem or (place.problem if place else "")
    if place is None or problem:
        return Verdict(
            Status.UNPARSEABLE, rationale=f"{verdict.value} without a log-probability: {problem}"
        )
    return make(place.logprobs)


def _place_of(
    verdict: Verdict, reply: ChatReply, own: Mapping[str, Any], read: Read
) -> tuple[ChoicePlace | None, str]:
    """Return the place from which a verdict was read, or why there is none.

    There each choice, put in place of the one that is said, gives the verdict that it stands for,
    or none, since what follows speaks of the one that is said ("A, not B"). Where it gives another
    choice's ("A is worse"), nobody knows how likely the verdict was.

    Args:
        verdict: What the words say.
        reply: The reply.
        own: The verdict that each choice stands for.
        read: Returns the verdict of words.
    """
    text, turned = reply.text, False
    for place in reversed(reply.choice_places or ()):
        if not text.startswith(place.said, place.start):
            continue
        said = next(name for name in own if name.lower() == place.said.lower())
        said = place.said if place.said in own else said
        head, tail = text[: place.start], text[place.start + len(place.said) :]
        others = [name for name in own if name != said]
        found: list[bool] = []
        for name in others:
            changed = read(head + name + tail)
            if changed.status is Status.OK:
                if changed.value == verdict.value:  # whatever stands here, it is the verdict
                    break
                found.append(changed.value == own[name])
        else:
            if own[said] != verdict.value or not all(found):
                turned = turned or bool(found)
            elif found or (not turned and _is_said(head, said, own, read)):
                return place, ""
    if turned:
        return None, "the choice that it was read from stands for another verdict"
    return None, "none of its tokens is what the verdict was read from"


def _is_said(head: str, said: str, own: Mapping[str, Any], read: Read) -> bool:
    """Tell whether a text that ends with a choice gives the verdict of it, whichever it is."""
    ended = {name: read(f"{head}{name}\n") for name in own}
    known = [name for name, found in ended.items() if found.status is Status.OK]
    return said in known and len(known) > 1 and all(ended[n].value == own[n] for n in known)


def normalised(logprobs: Mapping[str, float], choices: Sequence[str]) -> dict[str, float]:
    """Return probabilities of the choices, adding up to 1; a choice not reported gets 0.

    Raises:
        ValueError: None of the choices is reported.
    """
    known = {choice: logprobs[choice] for choice in choices if choice in logprobs}
    if not known:
        raise ValueError("none of the choices has a log-probability")
    high = max(known.values())
    mass = {choice: math.exp(value - high) for choice, value in known.items()}
    total = sum(mass.values())
    return {choice: mass.get(choice, 0.0) / total for choice in choices}


def pair_from_logprobs(logprobs: Mapping[str, float]) -> Verdict:
    """Return the verdict on a pair from the log-probabilities of "A" and "B" (Lee et al. 2023).

    The probability is P(A) / (P(A) + P(B)); the value is the likelier answer of this order. Where
    a tie can be answered too, half of its probability goes to each side.
    """
    chances = normalised(logprobs, ("A", "B", "TIE"))
    p = chances["A"] + 0.5 * chances["TIE"]
    best = max(chances, key=lambda choice: chances[choice])
    if likelier(p) == "TIE":
        best = "TIE"
    return Verdict(Status.OK, best, p, f"log-probabilities, {_shown(logprobs)}")


def score_from_logprobs(logprobs: Mapping[str, float], scale: Scale) -> Verdict:
    """Return the likeliest label, with its probability and, in the rationale, all of them.

    Labels of an ordinal scale are not averaged: the mean of ranks is no label.
    """
    labels = scale.labels
    chances = normalised(logprobs, labels)
    best = max(labels, key=lambda label: chances[label])
    value = (best == labels[-1]) if scale.is_binary else best
    return Verdict(Status.OK, value, chances[best], f"log-probabilities, {_shown(logprobs)}")


def expected_value(logprobs: Mapping[str, float], numbers: Sequence[str]) -> float:
    """Return the expectation over numeric answers (G-Eval, Liu et al. 2023, section 3)."""
    chances = normalised(logprobs, numbers)
    return sum(float(number) * chance for number, chance in chances.items())


def _shown(logprobs: Mapping[str, float]) -> str:
    return ", ".join(f"{name}: {value:.3f}" for name, value in sorted(logprobs.items()))
