"""Weights in bfloat16: no step is lost, and a training goes on where it was."""

from __future__ import annotations

import io
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")


def moved(weights: Any, gradients: list[Any], kind: Any, **options: Any) -> Any:
    weight = torch.nn.Parameter(weights.clone())
    optimizer = kind([{"params": [weight]}], weight_decay=0.1, **options)
    for gradient in gradients:
        weight.grad = gradient.to(weight.dtype)
        optimizer.step()
        optimizer.zero_grad()
    return weight.detach()


def test_many_small_steps_are_those_of_float32() -> None:
    """In bfloat16 alone 1 - 1e-4 is 1, however often it is said."""
    from harness.train.masters import MasterAdamW

    weights, gradients = torch.tensor([1.0, -2.0, 0.5]), [torch.tensor([1.0, 2.0, -4.0])] * 200
    wanted = moved(weights, gradients, torch.optim.AdamW, lr=1e-4)
    found = moved(weights.bfloat16(), gradients, MasterAdamW, lr=1e-4)
    assert torch.equal(found, wanted.bfloat16())
    assert not torch.equal(found, weights.bfloat16())
    bare = moved(weights.bfloat16(), gradients, torch.optim.AdamW, lr=1e-4)
    assert torch.equal(bare[:2], weights.bfloat16()[:2])


def test_float32_weights_are_moved_as_by_adamw() -> None:
    """Those of an adapter and of a value head; there is no copy of them."""
    from harness.train.masters import MasterAdamW

    weights, gradients = torch.tensor([1.0, -2.0]), [torch.tensor([0.3, 2.0])] * 5
    wanted = moved(weights, gradients, torch.optim.AdamW, lr=1e-2)
    assert torch.equal(moved(weights, gradients, MasterAdamW, lr=1e-2), wanted)


def test_a_state_is_all_that_goes_on() -> None:
    """Also the copies, which the weights only round; and the rate of each step counts."""
    from harness.train.masters import MasterAdamW

    gradients = [torch.tensor([1.0, -0.3]) * n for n in range(1, 7)]

    def trained(stop: int) -> list[Any]:
        weight, head = (
            torch.nn.Parameter(torch.tensor([1.0, -2.0]).to(kind))
            for kind in (torch.bfloat16, torch.float32)
        )
        optimizer = MasterAdamW([{"params": [weight]}, {"params": [head]}], lr=0.0)
        for step, gradient in enumerate(gradients):
            if step == stop:
                file = io.BytesIO()
                torch.save([optimizer.state_dict(), weight.data, head.data], file)
                file.seek(0)
                state, *kept = torch.load(file, weights_only=True)
                weight, head = (torch.nn.Parameter(one) for one in kept)
                optimizer = MasterAdamW([{"params": [weight]}, {"params": [head]}])
                optimizer.load_state_dict(state)
            for group in optimizer.param_groups:
                group["lr"] = 1e-3 * (step + 1)
            weight.grad, head.grad = gradient.bfloat16(), gradient.clone()
            optimizer.step()
            optimizer.zero_grad()
        return [weight.data, head.data]

    wanted = trained(99)
    assert wanted[0].tolist() != [1.0, -2.0]
    for stop in (0, 1, 4):
        assert all(map(torch.equal, trained(stop), wanted))
