"""An edited picture beside its truth: errors, the autoencoder's share in them, and the person."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..autoencoders import decode
from ..compositing import paste, paste_mask
from ..edit_options import EditOptions
from ..editor import Editor
from ..faces import Face
from ..measure import identity
from ..subject import Subject
from ..tensors import to_tensor
from ..training.latents import changed_region


def way_of(editor: Editor[Any]) -> str:
    """How this editor pastes back; a model that gives the crop alone is asked to replace."""
    return EditOptions().resolve(editor.defaults).paste_back or "replace"


def errors(before: np.ndarray, edit: np.ndarray, truth: np.ndarray, vae: np.ndarray) -> dict[str, float]:
    """Sums of squared errors against the truth in [0, 1], over the `count` values of the region that has changed.

    Args:
        before: (H, W, 3) uint8, the `nothing` in the result: an editor that does nothing.
        edit: (H, W, 3) uint8.
        truth: (H, W, 3) uint8.
        vae: (H, W, 3) uint8, the truth after encoding and decoding: as near as the networks could come.
    """
    region = changed_region(to_tensor(before)[None], to_tensor(truth)[None])[0, 0].numpy() > 0
    named = {"edit": edit, "nothing": before, "vae": vae}
    found = {name: squared(other, truth, region) / 255**2 for name, other in named.items()}
    return {**found, "count": 3 * int(region.sum())}


def squared(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """Sum of squared differences of bytes where a mask says so."""
    return float(np.square(one[where].astype(np.float64) - other[where]).sum())


@torch.no_grad()
def through_vae(editor: Editor[Any], crop: np.ndarray) -> np.ndarray:
    """A crop (S, S, 3) uint8, encoded and decoded: float32 in [0, 1]."""
    decoded = decode(editor.pipeline.vae, editor.pipeline.encode_image(to_tensor(crop)[None]))
    return (decoded[0].cpu() / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy()


def pasted(subject: Subject, crop: np.ndarray, neutral: np.ndarray | None) -> np.ndarray:
    """The photo with a crop in it, see `common.paste`."""
    return np.array(paste(subject.photo, subject.crop, crop, paste_mask(subject.region), neutral))


def identity_of(before: np.ndarray, after: np.ndarray, faces: tuple[Face, Face]) -> dict[str, Any] | None:
    """How alike two pictures of a person are, see `common.measure.identity`; None without a network."""
    found = identity(before, after, faces=faces)
    return found and {"measure": found.measure, "value": found.value, "same": found.same}
