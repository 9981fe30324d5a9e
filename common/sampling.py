"""Wishes through the networks: rows from one noise, and beside them what the networks make without the wish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor

from .identity import join
from .images import on_white
from .pipeline import FaceEditPipeline
from .rig import Rig, Rigger
from .subject import Subject
from .tensors import to_tensor


def sample(
    pipeline: FaceEditPipeline,
    rigger: Rigger[Any],
    pairs: Sequence[tuple[Subject, Any]],
    *,
    with_neutral: bool,
    seed: int,
    strength: float | None = None,
    **options: Any,
) -> tuple[np.ndarray, Sequence[np.ndarray | None], Rig]:
    """Make a batch of edits.

    Args:
        pipeline: the networks.
        rigger: from wishes to what they see.
        pairs: B subjects of one size, each with its wish.
        with_neutral: make each row's twin too, see `Rigger.twin`.
        seed: of the noise, which all rows share.
        strength: begin with the rows' drafts, noised so far; None begins with the noise.
        options: of `FaceEditPipeline.__call__`.

    Returns:
        Crops (B, S, S, 3) in [0, 1], for each its twin or None, and the rig whose first B rows they show.
    """
    count, subjects, wishes = len(pairs), [subject for subject, _ in pairs], [wish for _, wish in pairs]
    one = all(subject is subjects[0] for subject in subjects)
    twins = [rigger.twin(*pair) for pair in pairs] if with_neutral else []  # rows of the same batch
    shared = one and all(twin is twins[0] for twin in twins)
    twins = twins[:1] if shared else twins
    rows = [*zip([*subjects, *subjects[: len(twins)]], [*wishes, *twins])]
    rig = rigger([subject for subject, _ in rows], [wish for _, wish in rows])
    identity = subjects[0].identity if one else join([subject.identity for subject, _ in rows])
    device, side = pipeline._execution_device, subjects[0].crop.size // pipeline.vae_scale_factor
    # A generator for each row: a scheduler that draws noise of its own gives every row the same.
    generators = [torch.Generator(device).manual_seed(seed) for _ in rows]
    shape = (1, pipeline.unet.config.out_channels, side, side)
    noise = torch.cat([randn_tensor(shape, generator, torch.device(device)) for generator in generators])
    if strength is not None:
        options |= {"start": _drafts(pipeline, rigger, rows, rig), "strength": strength}
    images: Any = pipeline(
        identity, rig, generator=generators, latents=noise, output_type="np", return_dict=False, **options
    )[0]
    if not with_neutral:
        return images, [None] * count, rig
    return images[:count], [images[count]] * count if shared else images[count:], rig


def _drafts(
    pipeline: FaceEditPipeline, rigger: Rigger[Any], rows: Sequence[tuple[Subject, Any]], rig: Rig
) -> torch.Tensor:
    """Latents of the rows' drafts, those that the rig has not made too, one at a time, which saves memory."""
    latents = []
    for row, (subject, wish) in enumerate(rows):
        made = rig.draft(row)
        crop = subject.crop.apply(on_white(rigger.draft(subject, wish) if made is None else made))
        latents.append(pipeline.encode_image(to_tensor(crop)[None]))
    return torch.cat(latents)
