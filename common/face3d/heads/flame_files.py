"""FLAME's files beside the model: albedo and landmarks as DECA has them, and regions as face-parsing classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...core.errors import CheckpointError
from ...core.face_labels import PARTS
from ..files.arrays import check_indices, check_shapes, read_arrays
from .head import stretch

MASKS_SOURCE = "FLAME vertex masks (https://flame.is.tue.mpg.de)"
LIPS = "lips"
# Later regions paint over earlier ones. FLAME has no hair: its scalp counts as the hair that would grow there.
_REGIONS = {
    "scalp": "hair",
    "neck": "neck",
    "boundary": "neck",
    "face": "skin",
    "forehead": "skin",
    "eye_region": "skin",
    "right_eye_region": "skin",
    "left_eye_region": "skin",
    "right_ear": "r_ear",
    "left_ear": "l_ear",
    "nose": "nose",
    LIPS: "u_lip",
    "right_eyeball": "r_eye",
    "left_eyeball": "l_eye",
}

LANDMARKS_SOURCE = "data/landmark_embedding.npy of DECA (https://github.com/yfeng95/DECA)"
TURNS = 39  # degrees of yaw to either side that have a contour of their own
_LANDMARKS: dict[str, tuple[int | str, ...]] = {"full": (1, 68), "static": (51,), "dynamic": (2 * TURNS + 1, 17)}

CODES = 50
SIDE = 256
TEXTURE_SOURCE = (
    "FLAME_texture.npz (https://flame.is.tue.mpg.de) or FLAME_albedo_from_BFM.npz (TimoBolkart/BFM_to_FLAME)"
)
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
        arrays = read_arrays(path, "FLAME's texture", TEXTURE_SOURCE, optional=keys)
        known = [names for names in _NAMES if {*names[:2]} <= arrays.keys()]
        if not known:
            raise CheckpointError(
                f"{path} is no texture of FLAME.",
                code="keys",
                expected="mean and tex_dir, or MU and PC",
                actual=", ".join(sorted(arrays)) or "none of these",
                hint=f"get it: {TEXTURE_SOURCE}",
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


class FlameLandmarks(nn.Module):
    """Landmarks as points on triangles.

    Attributes:
        full: (68, 3) vertex numbers, `full_weights` (68, 3): the landmarks fixed to the skin.
        static: (51, 3) and `static_weights`: the inner ones of these, without the jaw line.
        contour: (79, 17, 3) and `contour_weights`: the jaw line as seen at a yaw of 0, 1 .. 39, -1 .. -39 degrees.
    """

    full: Tensor
    full_weights: Tensor
    static: Tensor
    static_weights: Tensor
    contour: Tensor
    contour_weights: Tensor

    def __init__(self, path: str | Path, triangles: Tensor) -> None:
        """Read DECA's file for a head with the triangles (T, 3).

        Raises:
            CheckpointError: the file is damaged or belongs to another mesh.
            MissingCheckpointError: there is no such file.
        """
        super().__init__()
        keys = {name: (f"{name}_lmk_faces_idx", f"{name}_lmk_bary_coords") for name in _LANDMARKS}
        arrays = read_arrays(
            path, "FLAME's landmark embedding", LANDMARKS_SOURCE, [key for pair in keys.values() for key in pair]
        )
        for name, (faces, weights) in keys.items():
            check_shapes(arrays, {faces: _LANDMARKS[name], weights: (*_LANDMARKS[name], 3)}, path)
            check_indices(arrays[faces], len(triangles), faces, path)
            corners = triangles[torch.from_numpy(arrays[faces]).long()]  # (..., 3)
            target = "contour" if name == "dynamic" else name
            lead = 1 if name == "full" else 0  # the file has a batch of one there
            self.register_buffer(target, corners[0] if lead else corners)
            barycentric = torch.from_numpy(arrays[weights]).to(torch.float32)
            self.register_buffer(f"{target}_weights", barycentric[0] if lead else barycentric)

    def fixed(self, vertices: Tensor) -> Tensor:
        """All 68 where they are on the skin, (B, 68, 3)."""
        return _points(vertices, self.full, self.full_weights)

    def sliding(self, vertices: Tensor, turn: Tensor) -> Tensor:
        """Those that a picture shows, (B, 68, 3), for heads turned by rotations (B, 3, 3).

        The jaw line of a turned head is where its silhouette is, so it comes from the row of its yaw in whole
        degrees.
        """
        yaw = torch.atan2(-turn[:, 2, 0], turn[:, :2, 0].norm(dim=1))  # of R = Rz Ry Rx
        degrees = yaw.detach().rad2deg().clamp(-TURNS, TURNS).round().long()
        rows = torch.where(degrees < 0, TURNS - degrees, degrees)
        jaw_line = _points(vertices, self.contour[rows], self.contour_weights[rows])
        return torch.cat([jaw_line, _points(vertices, self.static, self.static_weights)], 1)


def _points(vertices: Tensor, corners: Tensor, weights: Tensor) -> Tensor:
    """Points (B, N, 3) at corners (N, 3) or (B, N, 3) with their weights."""
    batch = torch.arange(len(vertices), device=vertices.device)[:, None, None]
    return (vertices[batch, corners] * weights[..., None]).sum(2)


def read_parts(path: str | Path, triangles: np.ndarray, follows_jaw: np.ndarray) -> np.ndarray:
    """The face-parsing class of each of the triangles (T, 3), (T,) int64, from a file of vertex numbers by region.

    A class is what two corners agree on, and skin what is in no region; `follows_jaw` (V,), whether a vertex moves
    mostly with the jaw, divides the lips. Raises CheckpointError for a file that is damaged, of another mesh or without
    regions, MissingCheckpointError where there is none.
    """
    regions = read_arrays(path, "FLAME's vertex masks", MASKS_SOURCE, ["face", LIPS], _REGIONS)
    labels = np.full(len(follows_jaw), PARTS.index("skin"))
    for region, part in _REGIONS.items():
        if region in regions and regions[region].size:
            check_indices(regions[region], len(labels), region, path)
            vertices = regions[region].astype(np.int64).ravel()
            labels[vertices] = PARTS.index(part)
            if region == LIPS:
                labels[vertices[follows_jaw[vertices]]] = PARTS.index("l_lip")
    return np.median(labels[triangles], axis=1).astype(np.int64)  # of three, the middle one has any majority
