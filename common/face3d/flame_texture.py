"""FLAME's albedo as DECA has it: a mean picture and directions in which it varies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import CheckpointError
from .arrays import check_indices, check_shapes, read_arrays
from .batches import stretch

CODES = 50
SIDE = 256
SOURCE = "FLAME_texture.npz (https://flame.is.tue.mpg.de) or FLAME_albedo_from_BFM.npz (TimoBolkart/BFM_to_FLAME)"
_NAMES = (("mean", "tex_dir", 255.0), ("MU", "PC", 1.0))  # and what is white


class FlameTexture(nn.Module):
    """Albedo from texture codes (DECA, Feng et al. 2021).

    Two files are known. In FLAME's own, `mean` and `tex_dir` are taken to lie in [0, 255]; in the one made from the
    Basel face model, `MU` and `PC` are taken to lie in [0, 1]. The channels of both are taken to be blue, green, red,
    as OpenCV writes them, since DECA turns them around. DECA shrinks its pictures to 256 x 256 by taking the nearest
    pixel, so pixels that it would drop are not even kept.

    Attributes:
        mean: (3, 256, 256), RGB.
        directions: (50, 3, 256, 256).
        uv, uv_triangles: texture coordinates (U, 2), v up, and their triangles (T, 3); None where the file has none.
    """

    mean: Tensor
    directions: Tensor
    uv: Tensor | None
    uv_triangles: Tensor | None

    def __init__(self, path: str | Path) -> None:
        """Read either file.

        Raises:
            CheckpointError: the file is damaged, or is neither.
            MissingCheckpointError: there is no such file.
        """
        super().__init__()
        keys = ("mean", "tex_dir", "MU", "PC", "vt", "ft")
        arrays = read_arrays(path, "FLAME's texture", SOURCE, optional=keys)
        known = [names for names in _NAMES if {*names[:2]} <= arrays.keys()]
        if not known:
            raise CheckpointError(
                f"{path} is no texture of FLAME.",
                code="keys",
                expected="mean and tex_dir, or MU and PC",
                actual=", ".join(sorted(arrays)) or "none of these",
                hint=f"get it: {SOURCE}",
            )
        mean, directions, scale = known[0]
        side = round((arrays[mean].size / 3) ** 0.5)
        count = arrays[directions].size // max(arrays[mean].size, 1)
        if (
            side * side * 3 != arrays[mean].size
            or arrays[directions].size != arrays[mean].size * count
            or count < CODES
        ):
            raise CheckpointError(
                f"The texture of {path} has the wrong shape.",
                code="shape",
                expected=f"{mean} of 512 x 512 x 3 numbers, {directions} of as many times at least {CODES}",
                actual=f"{mean} {arrays[mean].shape}, {directions} {arrays[directions].shape}",
            )
        nearest = np.arange(SIDE) * side // SIDE
        picked = arrays[mean].reshape(side, side, 3)[nearest][:, nearest, ::-1]
        self.register_buffer("mean", torch.from_numpy(picked.astype(np.float32) / scale).permute(2, 0, 1).contiguous())
        picked = arrays[directions].reshape(side, side, 3, count)[nearest][:, nearest, ::-1, :CODES]
        self.register_buffer("directions", torch.from_numpy(picked.astype(np.float32) / scale).permute(3, 2, 0, 1))
        self._read_uv(arrays, path)

    def _read_uv(self, arrays: dict[str, np.ndarray], path: str | Path) -> None:
        uv, triangles = None, None
        if {"vt", "ft"} <= arrays.keys():
            check_shapes(arrays, {"vt": ("U", 2), "ft": ("T", 3)}, path)
            check_indices(arrays["ft"], len(arrays["vt"]), "ft", path)
            uv, triangles = torch.from_numpy(arrays["vt"]).to(torch.float32), torch.from_numpy(arrays["ft"]).long()
        self.register_buffer("uv", uv)
        self.register_buffer("uv_triangles", triangles)

    def forward(self, codes: Tensor) -> Tensor:
        """Albedo (B, 3, 256, 256), RGB, row 0 at v = 1, for codes (B, 50); see `Flame.texture`."""
        (codes,) = stretch(self.mean, codes=(codes, (CODES,)))
        return self.mean + torch.einsum("bn,nchw->bchw", codes, self.directions)
