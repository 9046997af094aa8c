"""What `math_verify` can be told."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class MathOptions(BaseModel):
    r"""Options of ``math_verify``.

    Args:
        answer: Where the answer may stand: anywhere (in the last box, after an answer phrase, or
            the last expression of the text), or only in ``\boxed{}``.
        precision: Decimal places that must agree, and twice the significant digits.
        strict: Whether names of variables matter and sets differ from tuples.
        set_relations: Whether ``1 < x < 2`` and ``(1, 2)`` are equal.
        percent: ``either``: 50 % equals both 50 and 0.5; ``exact``: the sign must be there exactly
            when the reference has it.
        units: ``ignore`` them, or ``require`` the unit of the reference after the number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: Literal["any", "boxed"] = "any"
    precision: int = Field(default=6, ge=0, le=15)
    strict: bool = True
    set_relations: bool = False
    percent: Literal["either", "exact"] = "either"
    units: Literal["ignore", "require"] = "ignore"
