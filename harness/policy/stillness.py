"""Models without chance: no dropout of any kind, also where a library sets its training mode.

Dropout is a module in some models, and in others a function that reads an attribute or the
configuration; experts have noise of their own, and some models leave out whole layers. What all of
these have in common is that they look at the training mode of the module that they are in.
"""

from __future__ import annotations

from functools import partial
from typing import Any

WANTED = ".lora_dropout.default"
"""End of the names of the modules whose chance is asked for: dropout of the adapter that is
trained. A frozen one beside it, the reference, has none.
"""


def keep_still(model: Any) -> Any:
    """Return a model of transformers whose inside stays in evaluation mode, whatever it is told.

    What a library tells it is seen on the model itself, where TRL looks, and by what somebody asked
    for: dropout of a new adapter, noise on embeddings (NEFTune), layers to be recomputed.
    """
    model.train = partial(_told, model)
    return model.eval()


def recompute_layers(module: Any, on: bool) -> None:
    """Let the layers of a model throw their activations away and make them again, or not.

    transformers does so in training mode only, which the layers alone are set to.
    """
    from torch.utils.checkpoint import checkpoint
    from transformers import GradientCheckpointingLayer

    for layer in module.modules():
        if isinstance(layer, GradientCheckpointingLayer):
            layer.gradient_checkpointing = layer.training = on
            layer._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)
            _still_inside(layer)


def _told(model: Any, mode: bool = True) -> Any:
    from transformers import GradientCheckpointingLayer

    for name, module in model.named_modules():
        recomputes = isinstance(module, GradientCheckpointingLayer) and (
            module.gradient_checkpointing
        )
        if recomputes:
            _still_inside(module)
        asked = name.endswith(WANTED) or hasattr(module, "neftune_noise_alpha")
        module.training = mode and bool(module is model or recomputes or asked)
    return model


def _still_inside(layer: Any) -> None:
    """Let a layer that is recomputed in training mode compute in evaluation mode all the same."""
    given = layer._gradient_checkpointing_func
    if getattr(given, "func", None) is not _recomputed:
        layer._gradient_checkpointing_func = partial(_recomputed, layer, given)


def _recomputed(layer: Any, checkpoint: Any, run: Any, *arguments: Any) -> Any:
    def still(*arguments: Any) -> Any:
        layer.training = False
        try:
            return run(*arguments)
        finally:
            layer.training = True

    return checkpoint(still, *arguments)
