"""What lies where on FLAME: the regions of `FLAME_masks.pkl` as face-parsing classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..parts import PARTS
from .arrays import check_indices, read_arrays

SOURCE = "FLAME vertex masks (https://flame.is.tue.mpg.de)"
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


def read_parts(path: str | Path, triangles: np.ndarray, follows_jaw: np.ndarray) -> np.ndarray:
    """Read the class of each triangle.

    Args:
        path: a dictionary of vertex numbers by region.
        triangles: (T, 3) vertex numbers.
        follows_jaw: (V,) whether a vertex moves mostly with the jaw; it divides the lips into upper and lower.

    Returns:
        (T,) int64 in the order of `PARTS`: what two corners agree on. What is in no region is skin.

    Raises:
        CheckpointError: the file is damaged, has none of the regions or belongs to another mesh.
        MissingCheckpointError: there is no such file.
    """
    regions = read_arrays(path, "FLAME's vertex masks", SOURCE, ["face", LIPS], _REGIONS)
    labels = np.full(len(follows_jaw), PARTS.index("skin"))
    for region, part in _REGIONS.items():
        if region in regions and regions[region].size:
            check_indices(regions[region], len(labels), region, path)
            vertices = regions[region].astype(np.int64).ravel()
            labels[vertices] = PARTS.index(part)
            if region == LIPS:
                labels[vertices[follows_jaw[vertices]]] = PARTS.index("l_lip")
    return np.median(labels[triangles], axis=1).astype(np.int64)  # of three, the middle one has any majority
