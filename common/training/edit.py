"""Trains an editor's twin UNets from its config, its data and a few words about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from ..defaults import Defaults
from ..errors import InputError
from .edit_config import EditConfig
from .edit_networks import Kind, Writer, begin
from .edit_validation import Pair, Validation
from .loop import train
from .manifest import Manifest
from .pairs import twin_task
from .people import hold_out
from .sheet import judged
from .twin import TwinUNet


def train_editor(
    config: EditConfig,
    kind: Kind,
    defaults: Defaults,
    data: Callable[[int], tuple[Dataset[Pair], Dataset[Pair] | None, str]],
    notes: Callable[[int, int], str],
    *,
    named: Callable[[list[float]], str],
) -> None:
    """Train, and leave a model in the config's `output`.

    Args:
        config: of the training.
        kind: which editor's.
        defaults: how the model is to be used.
        data: side of the pictures -> pairs to train on, those held out, and what the model card says of both.
        notes: (number of pairs, side of the pictures) -> what the model card says before the table.
        named: what a vector asks for, in words.

    Raises:
        InputError: networks, data and options that do not go together.
    """
    pipeline = begin(config, kind)
    size = config.size or pipeline.sample_size
    if size % pipeline.vae_scale_factor:
        raise InputError(f"size must divide by {pipeline.vae_scale_factor}; got {size}.")
    pairs, held_out, told = data(size)
    count: Any = pairs
    task = twin_task(
        config,
        TwinUNet(pipeline.unet, pipeline.id_encoder, train_id_encoder=config.train_id_encoder),
        pipeline.vae,
        pipeline.prompt_embeds,  # pyright: ignore[reportArgumentType] - begin() has seen to it
        betas=dict(pipeline.scheduler.config),
        data=pairs,
        write_model=Writer(pipeline, kind.release, defaults, half=config.half),
        validate=None if held_out is None else Validation(config, pipeline, held_out, named),
        title=f"A {kind.name} model",
        notes=notes(len(count), size) + measured(config, told),
        judge=judged,
    )
    train(config, task)


def listed(config: EditConfig, read: Callable[[str], Manifest]) -> tuple[Dataset[Pair], Dataset[Pair] | None, str]:
    """The pairs of a config's manifest to train on, those of held-out people, and what the model card says of both."""
    held_out = read(config.validation_manifest) if config.validation_manifest else None
    share = config.held_out if config.validation_count else 0.0
    data, apart, told = hold_out(read(config.manifest), held_out, share, config.seed, "validation_manifest")
    return data, apart, f"`{Path(config.manifest).name}`: {told}"


def synthetic_told(config: EditConfig) -> str:
    """What the model card says of synthetic pairs."""
    apart = f"; validated on {config.validation_count} pairs of other people" if config.validation_count else ""
    return (
        f"{config.synthetic_count} pairs of synthetic people (`common.synthetic`, seed {config.synthetic_seed}){apart}."
    )


def measured(config: EditConfig, told: str) -> str:
    """What the model card says of the data: how many people, and who measured them."""
    by = config.measurer or "not stated (set measurer in the config)"
    who = f"measured by: {by}" if config.manifest else "known exactly: the people are synthetic"
    return f"\n\n## Data\n\n{told} Action units and other conditions are {who}."
