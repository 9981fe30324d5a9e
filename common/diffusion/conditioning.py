"""The contract between a request and the UNet: a Rig is what the network sees of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..core.errors import ShapeError


@dataclass(frozen=True)
class Rig:
    """The conditions of one batch of edits.

    Attributes:
        vector: (B, V), enters through `class_labels`, next to the timestep.
        conditioning_images: concatenated to the noisy latents in the order of the network's channels; each
            (1 or B, 3, H, W) in [0, 1], or already encoded as (1 or B, 4, h, w) latents
            (`FaceEditPipeline.encode_image`), so that one image for many edits passes the VAE once; so do equal rows of
            pictures.
        masks: for each row what the edit may change, (H, W) bool, where it is more than the subject's own `mask`:
            a head that turns comes to lie elsewhere. None: the subject's own.
        warps: for each row the whole photo (H, W, 3 or 4) uint8 as it was moved already, without any network; None
            where there is no such thing. None: nowhere.
    """

    vector: torch.Tensor
    conditioning_images: tuple[torch.Tensor, ...] = ()
    masks: tuple[np.ndarray, ...] | None = None
    warps: tuple[np.ndarray | None, ...] | None = None

    def __post_init__(self) -> None:
        if self.vector.ndim != 2 or not len(self.vector):
            raise ShapeError("Rig.vector", "(B, V) with at least one row", self.vector.shape)
        for image in self.conditioning_images:
            if image.ndim != 4 or len(image) not in (1, len(self)):
                raise ShapeError("Rig.conditioning_images", f"(1 or {len(self)}, channels, height, width)", image.shape)
        for name in ("masks", "warps"):
            rows = getattr(self, name)
            if rows is not None and len(rows) != len(self):
                raise ShapeError(f"Rig.{name}", f"{len(self)}, one for each row", (len(rows),))

    def __len__(self) -> int:
        return len(self.vector)

    def mask(self, row: int, own: np.ndarray) -> np.ndarray:
        """What a row's edit may change, (H, W) bool; the subject's `own` mask where the edit moves nothing."""
        return own if self.masks is None else self.masks[row]

    def warp(self, row: int) -> np.ndarray | None:
        """The warp of a row, if it has one."""
        return None if self.warps is None else self.warps[row]
