"""What a three-dimensional head is to the rest of the toolkit: numbers in, vertices out, and what lies where on it.

Its arguments are zero where none is given, checked at the door, and all of one batch.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

from ...core.errors import InputError, ShapeError


@runtime_checkable
class Head(Protocol):
    """A parametric head: batched, differentiable, in metres.

    Axes of every head: x to the right of the picture (the person's left), y up, z towards the viewer; the origin lies
    between the eyeballs' centres of the head without identity, so that a rotation turns the head about its eyes.

    Attributes:
        identity_size: number of identity parameters, I.
        expression_shape: shape of one expression, E; what its numbers mean is the head's own matter.
        triangles: (T, 3) int64 vertex numbers, anticlockwise seen from outside.
        uv: (U, 2) float32 texture coordinates in [0, 1], v up.
        uv_triangles: (T, 3) int64 rows of `uv`: seams have several texture coordinates a vertex.
        parts: (T,) int64 face-parsing class of each triangle, in the order of `PARTS`.
    """

    identity_size: int
    expression_shape: tuple[int, ...]
    triangles: torch.Tensor
    uv: torch.Tensor
    uv_triangles: torch.Tensor
    parts: torch.Tensor

    def __call__(
        self,
        identity: torch.Tensor | None = None,
        expression: torch.Tensor | None = None,
        *,
        jaw: torch.Tensor | None = None,
        gaze: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Compute the vertices.

        Args:
            identity: (B, I), whose zero is the mean head; None is zero.
            expression: (B, *E), whose zero is neutral; None is zero.
            jaw: (B, 3) radians: the jaw's rotation vector about x (positive opens), y and z; None is closed.
            gaze: (B, 2, 2) radians: for the person's left, then right eye, yaw (positive looks to the picture's right)
                and pitch (positive looks up); None looks straight ahead.

        Returns:
            (B, V, 3) vertices in metres. A batch of one stretches to the others'.

        Raises:
            ShapeError: an argument has another shape, or batches differ.
        """
        ...

    def landmarks(self, vertices: torch.Tensor) -> torch.Tensor:
        """Find the landmarks of the iBUG 68-point scheme, (B, 68, 3), on vertices (B, V, 3) of this head."""
        ...


def triangle_normals(vertices: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Normals of the triangles, (B, T, 3), as long as twice their area, for vertices (B, V, 3)."""
    a, b, c = vertices[:, triangles].unbind(2)  # each (B, T, 3)
    return torch.linalg.cross(b - a, c - a)


def vertex_normals(vertices: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Unit normals of the vertices, (B, V, 3): the mean of the triangles around, weighted by area.

    Args:
        vertices: (B, V, 3).
        triangles: (T, 3), anticlockwise seen from outside.
    """
    count, batch = vertices.shape[1], len(vertices)
    # Rows are what index_add is quick with: (T, B 3), each triangle's normal once for each corner.
    rows = triangle_normals(vertices, triangles).movedim(0, 1).flatten(1)
    total = rows.new_zeros(count, 3 * batch).index_add(0, triangles.T.flatten(), rows.repeat(3, 1))
    return torch.nn.functional.normalize(total.unflatten(1, (batch, 3)).movedim(1, 0), dim=2, eps=1e-20)


def stretch(like: torch.Tensor, **arguments: tuple[torch.Tensor | None, tuple[int, ...]]) -> tuple[torch.Tensor, ...]:
    """Arguments by name, (B, *shape) or None for zero, and their shapes without the batch: all as (B, *shape), in their
    order, with the device and dtype of `like`; a batch of one stretches to the others'.

    Raises InputError for what is no tensor, ShapeError for other shapes or batches that differ.
    """
    batch = batch_of(*(given for given, _ in arguments.values()))
    return tuple(
        (like.new_zeros(1, *shape) if given is None else checked(like, name, given, shape, batch)).expand(batch, *shape)
        for name, (given, shape) in arguments.items()
    )


def batch_of(*arguments: torch.Tensor | None) -> int:
    """The largest batch among those that are tensors, 1 if none is."""
    return max((len(given) for given in arguments if isinstance(given, torch.Tensor) and given.ndim), default=1)


def checked(like: torch.Tensor, name: str, given: torch.Tensor, shape: tuple[int, ...], batch: int) -> torch.Tensor:
    """One argument (1 or batch, *shape) with the device and dtype of `like`; raises as `stretch` does."""
    if not isinstance(given, torch.Tensor):
        raise InputError(
            f"{name} cannot be used.\n  expected: a torch tensor\n  got:      {type(given).__name__}\n"
            "  turn it into one: torch.as_tensor(...)"
        )
    if given.ndim == 0 or tuple(given.shape[1:]) != shape or len(given) not in (1, batch):
        raise ShapeError(name, f"(1 or {batch}, {', '.join(map(str, shape))})", given.shape)
    return given.to(like)


def check_points(vertices: torch.Tensor, count: int) -> None:
    """Raise a ShapeError unless vertices are (B, count, 3)."""
    if vertices.ndim != 3 or vertices.shape[1:] != (count, 3):
        raise ShapeError("vertices", f"(B, {count}, 3)", vertices.shape)
