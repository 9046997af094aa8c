"""What the weights of a model are, whatever it is called: the fingerprint of a checkpoint."""

from __future__ import annotations

from pathlib import Path

from harness.chat import hub
from harness.chat.local_weights import located
from harness.nouns.errors import InputError
from harness.policy.models import base_of, is_adapter
from harness.records.file_hash import file_hash


def weights_hash(model: str | Path) -> str:
    """Return what moves when the weights of a model do.

    Of a folder it is the hash of its files; a LoRA adapter's is that of its base as well. Of a hub
    id it is the revision that would be loaded now: the newest one, or without a network the one
    that was loaded last.

    Raises:
        InputError: It is neither a folder nor a hub id that can be looked up.
    """
    folder = Path(model)
    if not folder.is_dir():
        found = hub.revision(str(model))
        if found is None:
            located(model)  # tells what is wrong with it
            raise InputError("the model cannot be looked up", where=str(model))
        return found
    found = file_hash(folder)
    if is_adapter(folder):
        found += "+" + weights_hash(base_of(folder))
    return found


def check_apart(out: Path, *models: str | Path) -> None:
    """Refuse a folder of results that would change a model that is trained from.

    A model is known by all that is in its folder, so nothing is written into it; what a training
    leaves in ``final`` and ``resume`` overwrites what stood there.

    Raises:
        InputError: The folder lies in that of a model or of its base, or a model in one of these.
    """
    written = out.resolve()
    for model in models:
        if not Path(model).is_dir():
            continue
        folder = Path(model).resolve()
        hint = "name an output folder beside the model's"
        if written.is_relative_to(folder):
            raise InputError(
                f"the output folder lies in the model's, {model}", where=str(out), hint=hint
            )
        if any(folder.is_relative_to(written / part) for part in ("final", "resume")):
            raise InputError(
                f"the training would overwrite the model {model}", where=str(out), hint=hint
            )
        if is_adapter(model):
            check_apart(out, base_of(model))


def check_weights(model: str | Path, expected: str) -> None:
    """Refuse a model that is no longer what it was; call it when the model has been loaded.

    Args:
        model: Folder of a checkpoint, or a hub id.
        expected: Its ``weights_hash`` when the work began.

    Raises:
        InputError: The weights are other ones.
    """
    if weights_hash(model) != expected:
        raise InputError(
            "the model was edited while it was in use; nothing of the edited one was kept",
            where=str(model),
            hint="run again with the model that is meant",
        )
