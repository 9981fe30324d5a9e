"""Our own small network that reads a face from where its 478 landmarks lie: action units of both sides, without pixels.

It was trained by `examples/train_points.py` on the landmarks that the detector finds in 12,800 pictures of 800
synthetic people whose action units are known, of whom it saw 640. Landmarks cross from renders to photographs where
pixels do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional as F

from ...core.errors import CheckpointError, InputError, ShapeError
from ...weights.state_dict import frozen
from ..camera import angles_of

WEIGHTS = Path(__file__).with_name("points.safetensors")
COUNT = 478
# Landmarks that no expression moves far, by which the pose is removed: the bridge of the nose, the corners of the
# eyes, the temples, the forehead, and the sides of the face above the jaw.
STILL = (168, 6, 197, 195, 33, 133, 362, 263, 10, 151, 9, 109, 338, 67, 297, 21, 251, 127, 356, 234, 454)
EYES = (33, 263)  # outer corners, at the image's left and right
UNIT_SCALE, GAZE_SCALE = 1.5, 10.0  # the network answers in these, so that all its numbers are of one size
_HIDDEN, _SEEN, _COMPARED = 192, 128, 128


class PointNetwork(nn.Module):
    """Reads posed-out landmarks, see `upright`.

    Args:
        sides: how many values it reads on each side of the face.
        middle: how many it reads of the whole face.

    Attributes:
        mean: (478, 3) landmarks of the mean calm face, what `upright` aligns to.
        spread: (478, 3) their standard deviation.
    """

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, sides: int, middle: int = 0) -> None:
        super().__init__()
        self.sides, self.middle = sides, middle
        self.register_buffer("mean", torch.zeros(COUNT, 3))
        self.register_buffer("spread", torch.ones(COUNT, 3))
        self.first = nn.Linear(3 * COUNT + 3, _HIDDEN)
        self.second = nn.Linear(_HIDDEN, _SEEN)
        self.last = nn.Linear(_SEEN, 2 * sides + middle)
        self.difference = nn.Linear(3 * COUNT, _COMPARED)
        self.context = nn.Linear(_SEEN, _COMPARED)
        self.compared = nn.Linear(_COMPARED, _COMPARED)
        self.change_last = nn.Linear(_COMPARED, 2 * sides + middle)

    def forward(self, points: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
        """Values (B, 2 sides + middle) over UNIT_SCALE of upright landmarks (B, 478, 3) and the removed turn (B, 3)."""
        return self.last(F.gelu(self.features(points, turn)))

    def features(self, points: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
        """-> (B, 128), from which the values follow."""
        flat = ((points - self.mean) / self.spread).flatten(1)
        return self.second(F.gelu(self.first(torch.cat([flat, turn], 1))))

    def change(
        self, before: tuple[torch.Tensor, torch.Tensor], after: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """By how much the values of one person's two pictures differ, (B, 2 sides + middle) over UNIT_SCALE.

        Read in both directions: nothing changed is zero, and backwards is the opposite.
        """
        step = ((after[0] - before[0]) / self.spread).flatten(1)
        seen = self.features(*before) + self.features(*after)
        context = self.context(F.gelu(seen))

        def there(step: torch.Tensor) -> torch.Tensor:
            return self.change_last(F.gelu(self.compared(F.gelu(self.difference(step) + context))))

        return (there(step) - there(-step)) / 2


def upright(points: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks as if the head looked straight ahead, as large as the mean face and in its place.

    The similarity in three dimensions that brings the landmarks of `STILL` onto the mean's (Umeyama 1991, IEEE TPAMI
    13(4)) is applied to all.

    Args:
        points: (N, 478, 3) landmarks: x right and y down in pixels, z in the same unit, smaller is nearer.
        mean: (478, 3).

    Returns:
        (N, 478, 3), and the turn that was removed, (N, 3): yaw, pitch, roll in radians, as `camera.rotation_matrix`
        counts them.

    Raises:
        ShapeError: other shapes.
        InputError: landmarks are not finite.
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 3 or points.shape[1:] != (COUNT, 3):
        raise ShapeError("points", f"(N, {COUNT}, 3)", points.shape)
    if not np.isfinite(points).all():
        raise InputError("The landmarks cannot be read.", expected="finite numbers", actual="NaN or infinity")
    still, goal = points[:, STILL], np.asarray(mean, np.float64)[list(STILL)]
    centre, middle = still.mean(1, keepdims=True), goal.mean(0)
    covariance = np.einsum("ki,nkj->nij", goal - middle, still - centre)
    left, values, right = np.linalg.svd(covariance)
    sign = np.ones((len(points), 3))
    sign[:, 2] = np.sign(np.linalg.det(left @ right))
    rotation = (left * sign[:, None]) @ right
    scale = (values * sign).sum(1) / np.square(still - centre).sum((1, 2)).clip(1e-12)
    moved = scale[:, None, None] * (points - centre) @ rotation.transpose(0, 2, 1) + middle
    flip = np.array([1.0, -1.0, -1.0])  # to the camera's axes: y up, z towards it
    turns = angles_of(torch.from_numpy(rotation.transpose(0, 2, 1) * flip[:, None] * flip))
    return moved.astype(np.float32), turns.numpy().astype(np.float32)


@dataclass(frozen=True, eq=False)
class PointValues:
    """What landmarks say of a face, or of the change between two.

    Attributes:
        units: unit -> intensity, or its change, on the person's left and right.
        gaze: yaw and pitch of both eyes in degrees, from the head; positive to the picture's right, and up.
    """

    units: dict[str, tuple[float, float]]
    gaze: tuple[float, float]


class PointReader:
    """Reads action units from landmarks by the network that comes with this package; threads may share it.

    Args:
        weights: a file that `examples/train_points.py` wrote; None is the package's.
    """

    def __init__(self, weights: str | Path | None = None) -> None:
        self.weights = Path(weights or WEIGHTS)
        with safe_open(self.weights, "pt") as file:
            facts = file.metadata() or {}
        if "units" not in facts:
            raise CheckpointError(f"{self.weights} does not name the units that it reads.", code="keys")
        self.units = tuple(facts["units"].split())
        self.network = frozen(PointNetwork(len(self.units), 2), self.weights)
        self._mean = self.network.mean.numpy()

    def read(self, points: np.ndarray) -> PointValues:
        """Of landmarks (478, 3) as in `Face.mesh`. Raises as `upright`."""
        return self._values(self.network(*self._seen(points)))

    def change(self, before: np.ndarray, after: np.ndarray) -> PointValues:
        """From the landmarks (478, 3) of one picture to those of another of the same person. Raises as `upright`."""
        return self._values(self.network.change(self._seen(before), self._seen(after)))

    def _seen(self, points: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        moved, turn = upright(points[None], self._mean)
        return torch.from_numpy(moved), torch.from_numpy(turn)

    def _values(self, answer: torch.Tensor) -> PointValues:
        values, count = answer[0].tolist(), len(self.units)
        left, right = values[:count], values[count : 2 * count]
        sides = {unit: (UNIT_SCALE * left[i], UNIT_SCALE * right[i]) for i, unit in enumerate(self.units)}
        yaw, pitch = (GAZE_SCALE * value for value in values[2 * count :])
        return PointValues(sides, (yaw, pitch))


@lru_cache(maxsize=1)
def default_points() -> PointReader:
    """The package's reader, loaded once a process."""
    return PointReader()
