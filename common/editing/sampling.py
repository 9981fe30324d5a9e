"""Requests through the networks: rows from one noise, and beside them what the networks make without the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor  # pyright: ignore[reportUnknownVariableType] - untyped

from ..diffusion.conditioning import Rig
from ..diffusion.identity import join
from ..imaging.images import on_white
from ..imaging.tensors import to_tensor
from .options import ResolvedOptions
from .subject import Subject

if TYPE_CHECKING:
    from .editor import Editor


def sample(
    editor: Editor[Any],
    pairs: Sequence[tuple[Subject, Any]],
    how: ResolvedOptions,
    *,
    with_null: bool,
    **options: Any,
) -> tuple[np.ndarray, Sequence[np.ndarray | None], Rig]:
    """Make a batch of edits.

    Args:
        editor: whose networks.
        pairs: B subjects of one size, each with its request.
        how: to sample; all rows share the noise of its seed.
        with_null: make each row's null edit too, see `Editor.null`.
        options: progress and callback_on_step_end of `FaceEditPipeline.__call__`.

    Returns:
        Crops (B, S, S, 3) in [0, 1], for each its null edit or None, and the rig whose first B rows they show.
    """
    pipeline = editor.pipeline
    count = len(pairs)
    subjects = [subject for subject, _ in pairs]
    one = all(subject is subjects[0] for subject in subjects)
    nulls = [editor.null(*pair) for pair in pairs] if with_null else []  # rows of the same batch
    shared = one and all(null is nulls[0] for null in nulls)
    nulls = nulls[:1] if shared else nulls
    rows = [*pairs, *zip(subjects, nulls)]
    rig = editor.conditions([subject for subject, _ in rows], [request for _, request in rows])
    identity = subjects[0].identity if one else join([subject.identity for subject, _ in rows])
    device = pipeline._execution_device  # pyright: ignore[reportPrivateUsage] - the host's only name for it
    side = subjects[0].crop.size // pipeline.vae_scale_factor
    # A generator for each row: a scheduler that draws noise of its own gives every row the same.
    generators = [torch.Generator(device).manual_seed(how.seed) for _ in rows]
    shape = (1, pipeline.unet.config.out_channels, side, side)
    noise = torch.cat([randn_tensor(shape, generator, torch.device(device)) for generator in generators])
    if how.start == "warp":
        options |= {"start": _warps(editor, rows, rig), "strength": how.strength}
    images: Any = pipeline(
        identity,
        rig,
        num_inference_steps=how.steps,
        guidance_scale=how.guidance,
        generator=generators,
        latents=noise,
        output_type="np",
        return_dict=False,
        **options,
    )[0]
    if not with_null:
        return images, [None] * count, rig
    return images[:count], [images[count]] * count if shared else images[count:], rig


def _warps(editor: Editor[Any], rows: Sequence[tuple[Subject, Any]], rig: Rig) -> torch.Tensor:
    """Latents of the rows' warps, those that the rig has not made too, one at a time, which saves memory."""
    latents: list[torch.Tensor] = []
    for row, (subject, request) in enumerate(rows):
        made = rig.warp(row)
        crop = subject.crop.apply(on_white(editor.warp(subject, request) if made is None else made))
        latents.append(editor.pipeline.encode_image(to_tensor(crop)[None]))
    return torch.cat(latents)
