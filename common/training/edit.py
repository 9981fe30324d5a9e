"""Trains an editor's twin UNets from its config, its data and a few words about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils.data import Dataset

from ..defaults import Defaults
from ..errors import InputError
from .edit_config import EditConfig
from .edit_networks import Kind, Writer, begin
from .edit_validation import Pair, Validation
from .loop import train
from .pairs import twin_task
from .twin import TwinUNet


def train_editor(
    config: EditConfig,
    kind: Kind,
    defaults: Defaults,
    data: Callable[[int], tuple[Dataset[Pair], Dataset[Pair] | None]],
    notes: Callable[[int, int], str],
    *,
    named: Callable[[list[float]], str],
) -> None:
    """Train, and leave a model in the config's `output`.

    Args:
        config: of the training.
        kind: which editor's.
        defaults: how the model is to be used.
        data: side of the pictures -> pairs to train on, and those held out.
        notes: (number of pairs, side of the pictures) -> what the model card says before the table.
        named: what a vector asks for, in words.

    Raises:
        InputError: networks, data and options that do not go together.
    """
    pipeline = begin(config, kind)
    size = config.size or pipeline.sample_size
    if size % pipeline.vae_scale_factor:
        raise InputError(f"size must divide by {pipeline.vae_scale_factor}; got {size}.")
    pairs, held_out = data(size)
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
        notes=notes(len(count), size),
    )
    train(config, task)
