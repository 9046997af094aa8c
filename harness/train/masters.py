"""AdamW on float32 copies of weights that stand in bfloat16.

A bfloat16 number has 8 bits: a step of a learning rate of 1e-6 is far below the last of them, and
would be lost each time. Here it is added to a float32 copy, and the weight is that, rounded.

Imports torch at its top, because it subclasses its Optimizer; import it only inside functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class MasterAdamW(torch.optim.Optimizer):  # type: ignore[misc]
    """AdamW; float32 weights (of an adapter, of a value head) have no copy.

    Args:
        params: As of any optimizer.
        lr: Learning rate.
        weight_decay: Share of a weight that is taken at a learning rate of 1.
        options: Of `torch.optim.AdamW`.
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, weight_decay: float = 0.0, **options: Any
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.options = {"fused": True, **options}
        self.inner: Any = None

    def _pairs(self) -> list[tuple[Any, Any]]:
        """Return the weights, each with what is moved for it."""
        groups = zip(self.param_groups, self.inner.param_groups, strict=True)
        return [
            pair
            for group, copies in groups
            for pair in zip(group["params"], copies["params"], strict=True)
        ]

    def _copy(self) -> None:
        """Make the copies, when the weights are where they are trained."""

        def copy(weight: Tensor) -> Tensor:
            return weight if weight.dtype == torch.float32 else weight.detach().float()

        groups = [{**g, "params": [copy(p) for p in g["params"]]} for g in self.param_groups]
        self.inner = torch.optim.AdamW(groups, **self.options)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if self.inner is None:
            self._copy()
        for group, copies in zip(self.param_groups, self.inner.param_groups, strict=True):
            copies |= {name: value for name, value in group.items() if name != "params"}
        for weight, moved in self._pairs():
            if moved is not weight:
                moved.grad = None if weight.grad is None else weight.grad.float()
        self.inner.step()
        for weight, moved in self._pairs():
            if moved is not weight:
                weight.copy_(moved)
                moved.grad = None
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the copies and AdamW's state; none before the first step."""
        if self.inner is None:
            return {"copies": None, "inner": None, **super().state_dict()}
        copies = [None if moved is weight else moved for weight, moved in self._pairs()]
        return {"copies": copies, "inner": self.inner.state_dict(), **super().state_dict()}

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        rest = dict(state_dict)
        copies, inner = rest.pop("copies"), rest.pop("inner")
        super().load_state_dict(rest)
        if inner is None:
            return
        self._copy()
        self.inner.load_state_dict(inner)
        for (weight, moved), copy in zip(self._pairs(), copies, strict=True):
            if moved is not weight:
                moved.copy_(copy)
