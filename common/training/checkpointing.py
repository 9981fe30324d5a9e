"""Checkpoints of a training: written whole, found, thinned out.

output/checkpoints/step-00001000/
training.json   the step, and what the order of samples depends on
model/          the networks in the published layout, averaged and merged: what an editor loads
state/          what accelerate needs to resume
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from ..core.errors import CheckpointError, InputError
from ..core.jsonio import read_config
from ..weights.state_dict import check_keys, read_weights

FACTS, TRAINED = "training.json", "trained.safetensors"


def place(output: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return output / "checkpoints" / f"step-{step:08d}"


def unfinished(final: Path) -> Path:
    """Where a checkpoint is written before it gets its name."""
    return final.with_name(f".{final.name}.part")


def finish(final: Path) -> None:
    """Gives a checkpoint that has been written its name; one that was there before goes."""
    shutil.rmtree(final, ignore_errors=True)
    unfinished(final).replace(final)


def complete(output: Path) -> list[Path]:
    """The complete checkpoints, oldest first."""
    found = (output / "checkpoints").glob("step-*")
    return sorted(folder for folder in found if (folder / FACTS).is_file())


def thin_out(output: Path, keep: int) -> None:
    """Deletes all checkpoints but the newest `keep` (0: none), and what a killed training left half written."""
    for folder in complete(output)[:-keep] if keep else []:
        # without its facts a folder is not a checkpoint, however far its deletion gets
        (folder / FACTS).unlink()
        shutil.rmtree(folder)
    for folder in (output / "checkpoints").glob(".step-*.part"):
        shutil.rmtree(folder)


def read_facts(folder: Path, expected: dict[str, Any]) -> int:
    """The step of a checkpoint.

    `expected` is what must be as it was, so that the training continues as it would have. Raises InputError: something
    is not; CheckpointError: the file is damaged.
    """
    facts = read_config(folder / FACTS)
    for name, value in expected.items():
        if facts.get(name) != value:
            message = f"The config has another {name} than the training in {folder.parent.parent}."
            hint = "resume with the old value, or name another output"
            raise InputError(message, code="conflict", expected=facts.get(name), actual=value, hint=hint)
    if not isinstance(facts.get("step"), int):
        raise CheckpointError(f"{folder / FACTS} names no step.", code="unreadable", hint=f"delete {folder}")
    return facts["step"]


def copy_model(folder: Path, target: Path) -> None:
    """The networks of a checkpoint under another name, whole or not there; linked, where the disk can."""
    part = unfinished(target)
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(folder / "model", part, copy_function=_link)
    finish(target)


def keep_trained_only(accelerator: Any) -> None:
    """Lets an accelerator's checkpoints hold only those parameters of its module that are trained.

    The others must be what they were when a training resumes: the module is made again before its state is read.
    """

    def trained(module: Any) -> dict[str, Any]:
        plain = accelerator.unwrap_model(module)
        return {name: parameter for name, parameter in plain.named_parameters() if parameter.requires_grad}

    def save(modules: list[Any], weights: list[Any], folder: str) -> None:
        if accelerator.is_main_process and weights:  # DeepSpeed has written its own
            tensors = {name: value.detach().cpu().contiguous() for name, value in trained(modules[0]).items()}
            save_file(tensors, Path(folder) / TRAINED)
        weights.clear()

    def load(modules: list[Any], folder: str) -> None:
        if (path := Path(folder) / TRAINED).is_file():
            kept = read_weights(path)
            check_keys(trained(modules[0]), kept, str(path))
            accelerator.unwrap_model(modules[0]).load_state_dict(kept, strict=False)
            modules.clear()  # done

    accelerator.register_save_state_pre_hook(save)
    accelerator.register_load_state_pre_hook(load)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
