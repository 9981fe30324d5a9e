"""Where the 68 landmarks lie on FLAME (DECA's `landmark_embedding.npy`): fixed to the skin, or seen in a picture."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from .arrays import check_indices, check_shapes, read_arrays

SOURCE = "data/landmark_embedding.npy of DECA (https://github.com/yfeng95/DECA)"
TURNS = 39  # degrees of yaw to either side that have a contour of their own
_SHAPES: dict[str, tuple[int | str, ...]] = {"full": (1, 68), "static": (51,), "dynamic": (2 * TURNS + 1, 17)}


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
        keys = {name: (f"{name}_lmk_faces_idx", f"{name}_lmk_bary_coords") for name in _SHAPES}
        arrays = read_arrays(
            path, "FLAME's landmark embedding", SOURCE, [key for pair in keys.values() for key in pair]
        )
        for name, (faces, weights) in keys.items():
            check_shapes(arrays, {faces: _SHAPES[name], weights: (*_SHAPES[name], 3)}, path)
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
