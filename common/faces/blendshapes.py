"""The 52 blendshape scores of a face, in the names of ARKit, by MediaPipe's network from the face's points.

Left and right are the person's. Two scores are blind: `cheekSquint` and `noseSneer` stay near 0 whatever a face does;
`mouthFrown`, `mouthStretch` and `eyeWide` answer weakly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

import numpy as np

from ..core.errors import InputError, ShapeError
from .landmarker import BLENDSHAPES, COUNT, part
from .tflite import Network

# The points that the network reads, as MediaPipe's face_blendshapes_graph.cc lists them.
# fmt: off
POINTS = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70,
    78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149,
    150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195,
    197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300,
    308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375,
    377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454,
    466,
    *range(468, 478),
)
# fmt: on


@dataclass(frozen=True)
class Blendshapes:
    """52 scores, 0 to 1, each under its name in Python's spelling: `mouth_smile_left` is ARKit's `mouthSmileLeft`.

    By ARKit's name: `scores["mouthSmileLeft"]`, and for both sides `scores.sides("mouthSmile")`. `neutral` is what
    MediaPipe calls `_neutral`. Where a face cannot be read, all are NaN.
    """

    neutral: float
    brow_down_left: float
    brow_down_right: float
    brow_inner_up: float
    brow_outer_up_left: float
    brow_outer_up_right: float
    cheek_puff: float
    cheek_squint_left: float
    cheek_squint_right: float
    eye_blink_left: float
    eye_blink_right: float
    eye_look_down_left: float
    eye_look_down_right: float
    eye_look_in_left: float
    eye_look_in_right: float
    eye_look_out_left: float
    eye_look_out_right: float
    eye_look_up_left: float
    eye_look_up_right: float
    eye_squint_left: float
    eye_squint_right: float
    eye_wide_left: float
    eye_wide_right: float
    jaw_forward: float
    jaw_left: float
    jaw_open: float
    jaw_right: float
    mouth_close: float
    mouth_dimple_left: float
    mouth_dimple_right: float
    mouth_frown_left: float
    mouth_frown_right: float
    mouth_funnel: float
    mouth_left: float
    mouth_lower_down_left: float
    mouth_lower_down_right: float
    mouth_press_left: float
    mouth_press_right: float
    mouth_pucker: float
    mouth_right: float
    mouth_roll_lower: float
    mouth_roll_upper: float
    mouth_shrug_lower: float
    mouth_shrug_upper: float
    mouth_smile_left: float
    mouth_smile_right: float
    mouth_stretch_left: float
    mouth_stretch_right: float
    mouth_upper_up_left: float
    mouth_upper_up_right: float
    nose_sneer_left: float
    nose_sneer_right: float

    @classmethod
    def of(cls, values: np.ndarray) -> Blendshapes:
        """The scores of an array (52,) in the network's order. Raises ShapeError for another shape."""
        if np.shape(values) != (len(NAMES),):
            raise ShapeError("values", f"({len(NAMES)},)", np.shape(values))
        return cls(*np.asarray(values, np.float64).tolist())

    @classmethod
    def unknown(cls) -> Blendshapes:
        """All scores NaN: a face that cannot be read."""
        return cls.of(np.full(len(NAMES), np.nan))

    def __getitem__(self, name: str) -> float:
        """A score by ARKit's name. Raises InputError for an unknown one."""
        if name not in NAMES:
            raise InputError(f"There is no blendshape {name!r}; choose from {', '.join(NAMES)}.")
        return float(getattr(self, _attribute(name)))

    def sides(self, name: str) -> tuple[float, float]:
        """The person's left and right score of a name without its side; twice the same for one without sides."""
        if f"{name}Left" in NAMES and f"{name}Right" in NAMES:
            return self[f"{name}Left"], self[f"{name}Right"]
        return self[name], self[name]

    def vector(self) -> np.ndarray:
        """(52,) float32 in the network's order, that of `NAMES`."""
        return np.array([getattr(self, _attribute(name)) for name in NAMES], np.float32)

    def to_json(self) -> dict[str, float | None]:
        """ARKit's names and scores rounded to four digits; None for NaN."""
        return {name: None if np.isnan(self[name]) else round(self[name], 4) for name in NAMES}


def _arkit(attribute: str) -> str:
    """ARKit's name of an attribute."""
    return re.sub(r"_(.)", lambda found: found[1].upper(), attribute)


def _attribute(name: str) -> str:
    """The attribute of ARKit's name."""
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)


NAMES: tuple[str, ...] = tuple(_arkit(each.name) for each in fields(Blendshapes))
"""ARKit's names in the network's order; the first, `neutral`, is MediaPipe's `_neutral`."""


class BlendshapeNetwork:
    """Reads scores from points; loaded at first use and may be shared by threads.

    Args:
        threads: CPU threads of a call; None is up to four.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._network = Network(BLENDSHAPES, part, threads)

    def __call__(self, points: np.ndarray) -> Blendshapes:
        """The scores of a face's points (478, 2 or 3), pixels, in an upright picture or a tilted one.

        Raises:
            ShapeError: the points have another shape, as those of detectors without irises.
            MissingDependencyError: LiteRT or the Face Landmarker's file is not on this machine.
        """
        if points.ndim != 2 or len(points) != COUNT or points.shape[1] not in (2, 3):
            raise ShapeError("points", f"({COUNT}, 2) or ({COUNT}, 3)", points.shape)
        (scores,) = self._network(np.ascontiguousarray(points[list(POINTS), :2], np.float32))
        return Blendshapes.of(scores.ravel())
