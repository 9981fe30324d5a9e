"""Vertices that follow joints, and rotations from the vectors that turn them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def skin(vertices: Tensor, weights: Tensor, joints: Tensor, rotations: Tensor, parents: Sequence[int]) -> Tensor:
    """Move vertices with their joints: linear blend skinning (Loper et al. 2015, "SMPL", equations 2 to 4).

    Args:
        vertices: (B, V, 3) at rest.
        weights: (V, J), how much each vertex follows each joint; rows add up to 1.
        joints: (B, J, 3) at rest.
        rotations: (B, J, 3, 3), each joint's against its parent.
        parents: the number of each joint's parent, which comes before it; the first joint has none, and is not read.

    Returns:
        (B, V, 3).
    """
    turns, places = [rotations[:, 0]], [joints[:, 0]]
    for joint, parent in enumerate(parents[1:], 1):
        offset = (turns[parent] @ (joints[:, joint] - joints[:, parent])[..., None])[..., 0]
        turns.append(turns[parent] @ rotations[:, joint])
        places.append(places[parent] + offset)
    turn, place = torch.stack(turns, 1), torch.stack(places, 1)  # (B, J, 3, 3), (B, J, 3)
    shift = place - (turn @ joints[..., None])[..., 0]
    blended = torch.einsum("vj,bjrc->bvrc", weights, turn)
    return (blended @ vertices[..., None])[..., 0] + weights @ shift


def rotation_from_vector(vectors: Tensor) -> Tensor:
    """Turn rotation vectors (..., 3), radians about their own axis, into rotations (..., 3, 3): Rodrigues' formula.

    Smooth everywhere, zero included.
    """
    # 1e-12 is below what float32 sees beside 1 and keeps the root's gradient finite.
    angle = (vectors.square().sum(-1) + 1e-12).sqrt()[..., None, None]
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    first, half = torch.sinc(angle / torch.pi), torch.sinc(angle / (2 * torch.pi))
    return torch.eye(3).to(vectors) + first * cross + half.square() / 2 * cross @ cross
