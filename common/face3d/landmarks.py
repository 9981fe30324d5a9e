"""Points of known schemes on the default head: each three vertices of MakeHuman's base mesh and their weights.

The table was made by finding the 468 mesh points and the 68 points on pictures of the head and casting rays through
them (`tests/golden/landmark_table.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file

from ..errors import CheckpointError

Scheme = Literal["ibug68", "mesh468"]


@dataclass(frozen=True)
class Embedding:
    """Where landmarks lie on a mesh.

    Attributes:
        vertices: (N, 3) int64 vertex numbers, by scheme.
        weights: (N, 3) float32, by scheme.
    """

    vertices: dict[str, torch.Tensor]
    weights: dict[str, torch.Tensor]

    @classmethod
    def load(cls, base_vertices: torch.Tensor) -> Embedding:
        """Read the table for a mesh whose vertex i is number `base_vertices[i]` (V,) of the base mesh."""
        path = Path(__file__).with_name("landmarks.safetensors")
        if not path.is_file():
            return cls({}, {})
        table = load_file(path, device=str(base_vertices.device))
        names = [name.removesuffix(".vertices") for name in table if name.endswith(".vertices")]
        return cls(
            {name: torch.searchsorted(base_vertices, table[f"{name}.vertices"]) for name in names},
            {name: table[f"{name}.weights"] for name in names},
        )

    def points(self, vertices: torch.Tensor, scheme: Scheme) -> torch.Tensor:
        """The points (B, N, 3) on vertices (B, V, 3).

        Raises:
            CheckpointError: the package was installed without its table.
        """
        if scheme not in self.vertices:
            raise CheckpointError("The package lacks face3d/landmarks.safetensors; install it again.")
        return (vertices[:, self.vertices[scheme]] * self.weights[scheme][..., None]).sum(2)
