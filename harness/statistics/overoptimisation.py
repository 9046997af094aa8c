"""Gold over the distance from the policy that a training began with: Gao et al.'s two forms.

Gao, Schulman & Hilton 2023, "Scaling Laws for Reward Model Overoptimization", section 3.1: with d
the square root of the KL divergence, the gain of gold is d (alpha - beta ln d) in reinforcement
learning and d (alpha - beta d) in best-of-n. Both are linear in alpha and beta, so each prompt has
its own least-squares coefficients, whose mean is the fit and whose spread over prompts its error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.statistics.estimate import Estimate

FEWEST_LOOKS = 5
"""Looks besides those at the start that a curve of two coefficients is fitted to, at the least."""

FEWEST_PROMPTS = 10

APART = 4.0
"""One form fits better than the other where the difference of their squares, in units of the
looks' variance, is above this (a difference of 4 in AIC: Burnham & Anderson 2002)."""

FORMS: Mapping[str, Callable[[float], float]] = {"rl": math.log, "best_of_n": lambda d: d}
"""What beta multiplies, besides d."""


@dataclass(frozen=True, slots=True)
class Point:
    """One look: its distance, and the gain of each prompt since the first look of its training."""

    distance: float
    gains: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Form:
    """One form, fitted.

    Args:
        alpha: What gold gains at first.
        beta: How it bends.
        misfit: Squares of what the looks are off, over their variance; about the number of looks
            less two where the form is right.
        peak: Distance at which gold is highest, where beta is clearly above 0.
    """

    alpha: Estimate
    beta: Estimate
    misfit: float
    peak: Estimate

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        named = {"alpha": self.alpha, "beta": self.beta, "peak": self.peak}
        return {name: one.numbers() for name, one in named.items()} | {"misfit": self.misfit}


@dataclass(frozen=True, slots=True)
class Fit:
    """Both forms.

    Args:
        forms: By name; empty where nothing could be fitted.
        fits: The form that fits better, ``either`` or ``neither``; empty where nobody can tell.
        furthest: The largest distance that was looked at.
        looks: That were fitted to.
        prompts: Independent ones.
        reason: Why nothing was fitted.
    """

    forms: Mapping[str, Form]
    fits: str
    furthest: float = 0.0
    looks: int = 0
    prompts: int = 0
    reason: str = ""

    @property
    def peak(self) -> Estimate | None:
        """The peak by the form that fits, where its whole interval was looked at."""
        form = self.forms.get(self.fits)
        if form is None or form.peak.low is None or form.peak.high is None:
            return None
        return form.peak if 0 < form.peak.low and form.peak.high < self.furthest else None

    def as_row(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        peak = self.peak
        return {
            "fits": self.fits,
            "furthest": self.furthest,
            "looks": self.looks,
            "prompts": self.prompts,
            "reason": self.reason,
            "forms": {name: form.as_row() for name, form in self.forms.items()},
            "peak": peak.numbers() if peak else None,
        }


def fit_forms(points: Sequence[Point], clusters: Mapping[str, Hashable]) -> Fit:
    """Fit both forms to the looks of one or several trainings of an arm.

    Over the prompts that every look has. The distances are taken as known.

    Args:
        points: Looks after the first of each training; those at distance 0 are left out.
        clusters: What belongs together, by prompt; each prompt stands alone where it is not named.
    """
    import numpy as np
    from scipy.special import chdtri

    kept = [point for point in points if point.distance > 0]
    shared = sorted(set.intersection(*(set(p.gains) for p in kept))) if kept else []
    groups = {name: n for n, name in enumerate({clusters.get(p, p): None for p in shared})}
    looks, prompts = len(kept), len(groups)
    if looks < FEWEST_LOOKS or prompts < FEWEST_PROMPTS:
        reason = f"{looks} of the {FEWEST_LOOKS} looks that it takes"
        if looks >= FEWEST_LOOKS:
            reason = f"{prompts} of the {FEWEST_PROMPTS} independent prompts that it takes"
        return Fit({}, "", 0.0, looks, prompts, reason)
    d = np.array([point.distance for point in kept])
    if np.unique(d).size < 3:
        return Fit({}, "", float(d.max()), looks, prompts, "the looks stand at one distance")
    gains = np.array([[point.gains[prompt] for prompt in shared] for point in kept])
    place = np.array([groups[clusters.get(prompt, prompt)] for prompt in shared])
    mean = gains.mean(1)
    off = np.zeros((prompts, looks))
    np.add.at(off, place, (gains - mean[:, None]).T / len(shared))
    scale = prompts / (prompts - 1)
    noise = scale * (off**2).sum(0)
    forms = {}
    for name, bend in FORMS.items():
        design = np.column_stack([d, [-x * bend(x) for x in d]])
        solve = np.linalg.pinv(design)
        alpha, beta = solve @ mean
        pull = off @ solve.T
        errors = np.sqrt(scale * (pull**2).sum(0))
        left = mean - design @ (alpha, beta)
        misfit = float((left**2).sum() / max(float(noise.mean()), 1e-12))
        made = [_estimate(v, e, prompts) for v, e in zip((alpha, beta), errors, strict=True)]
        forms[name] = Form(made[0], made[1], misfit, _peak(name, made, pull, scale, prompts))
    (first, one), (second, other) = forms.items()
    limit = float(chdtri(looks - 2, 0.05))
    best = first if one.misfit <= other.misfit else second
    if forms[best].misfit > limit:
        fits = "neither"
    else:
        fits = best if abs(one.misfit - other.misfit) > APART else "either"
    return Fit(forms, fits, float(d.max()), looks, prompts)


def _estimate(value: float, error: float, prompts: int) -> Estimate:
    from harness.statistics.intervals import t_quantile

    half = t_quantile(prompts - 1) * float(error)
    return Estimate(float(value), float(value) - half, float(value) + half, clusters=prompts)


def _peak(name: str, made: Sequence[Estimate], pull: Any, scale: float, prompts: int) -> Estimate:
    """Return where the form is highest, by the delta method; none unless it clearly bends down."""
    alpha, beta = (one.value or 0.0 for one in made)
    low = made[1].low
    if low is None or low <= 0 or alpha <= 0 or (name == "rl" and alpha / beta > 50):
        return Estimate(None, reason="it does not clearly bend down after a gain")
    place = math.exp(alpha / beta - 1) if name == "rl" else alpha / (2 * beta)
    by_alpha = place / beta if name == "rl" else 1 / (2 * beta)
    moved = pull[:, 0] * by_alpha - pull[:, 1] * by_alpha * alpha / beta
    return _estimate(place, math.sqrt(scale * float((moved**2).sum())), prompts)
