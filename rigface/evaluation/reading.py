"""What a picture of a known synthetic head shows: where the light comes from, and how the head is turned."""

from __future__ import annotations

import numpy as np
import torch

from common.errors import FaceNotFoundError
from common.face3d.anny_head import default_head
from common.face3d.fit_light import fit_light
from common.faces import Face, FaceFinder, choose_face
from common.measure.regressor import Regressor
from common.synthetic.body import pose
from common.synthetic.factors import Scene
from common.synthetic.picture import detail_for, frame


def read_light(image: np.ndarray, scene: Scene) -> np.ndarray | None:
    """Where the light on a face comes from, read off the skin with the head's true shape and place.

    Args:
        image: (S, S, 3) uint8.
        scene: whose head it shows.

    Returns:
        (3,) unit vector, x to the picture's right, y up, z to the viewer; None where too little skin is seen.
    """
    head = default_head()
    vertices = torch.from_numpy(pose(scene, detail_for(len(image))).positions[None, : len(head.mean)])
    found = fit_light(image.astype(np.float32) / 255, head, vertices, frame(scene)[0])
    if found is None:
        return None
    direction = found[0][0, 1:4].mean(1).double().cpu().numpy()
    return direction / max(1e-9, float(np.linalg.norm(direction)))


def between(one: np.ndarray | None, other: np.ndarray | None) -> float | None:
    """Degrees between two directions; None where one is not known."""
    if one is None or other is None:
        return None
    return float(np.degrees(np.arccos(np.clip(one @ other, -1, 1))))


def read_face(image: np.ndarray, finder: FaceFinder, regressor: Regressor) -> tuple[Face, np.ndarray] | None:
    """The face, and yaw, pitch and roll (3,) in degrees; None where no face is seen."""
    try:
        face = choose_face(finder.find(image))
    except FaceNotFoundError:
        return None
    return face, regressor.many([image], faces=[face])[0].angles
