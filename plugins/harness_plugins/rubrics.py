"""Offers the rubrics and constitutions that come with the harness."""

from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

from harness.plugin import hookimpl


@hookimpl
def harness_rubric_dirs() -> Sequence[Traversable]:
    """Offer the folder of ``harness_rubrics``."""
    return [files("harness_rubrics")]
