"""How the skin folds when the face moves, beyond what the mesh shows: light and colour of the folds, before and after.

The folds are those of `common.synthetic.skin`, laid out on the unrolled face.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..action_units import ACTION_UNITS
from ..face3d.fit import Fit
from ..synthetic import skin
from ..synthetic.factors import Skin
from .change import Change
from .heads import intensities

SIDE = 256
_CHIN = tuple(ACTION_UNITS).index("AU17")
_SOFT = 2.5  # pixels of the map
_ADULT = Skin(melanin=0.5, haemoglobin=0.3, wrinkles=0.4)
DEPTH = 7.0  # tenths of a millimetre that a full fold is deep
_SHADE = 0.38 * np.array([0.7, 1, 1.05], np.float32)  # by how much a full fold is darker, by colour


def folds(fit: Fit, change: Change) -> np.ndarray | None:
    """Folds on the unrolled face, before and after: (S, S, 6) float32, depth and two slopes of each; None if alike."""
    before, after = (units[0].clamp(0, 5).numpy() for units in intensities(fit, change))
    if np.array_equal(before, after):
        return None
    depths = [_groove(units.astype(np.float32)) for units in (before, after)]
    return np.dstack([np.dstack([depth, skin.slopes(-DEPTH * depth)]) for depth in depths])


def _groove(units: np.ndarray) -> np.ndarray:
    """Depth (S, S) under an expression (2, 12); a puckered chin's pattern is nobody's own, and drawn softly."""
    chin = np.zeros_like(units)
    chin[:, _CHIN] = units[:, _CHIN]
    return skin.groove(units - chin, _ADULT, SIDE) + cv2.GaussianBlur(skin.groove(chin, _ADULT, SIDE), (0, 0), _SOFT)


def colour(depth: np.ndarray) -> np.ndarray:
    """How much darker folds of a depth (N,) are, (N, 3)."""
    return 1 - _SHADE * np.clip(depth, 0, 1)[:, None]
