"""How hair is cut, and the directions in which it is combed over the mean head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .scalp import floats, smooth, unit

_CROWN = floats([0.008, 0.108, -0.125])  # where the whorl is
KNOTS = {"bun": floats([0.0, 0.062, -0.187]), "ponytail": floats([0.0, 0.058, -0.192])}


@dataclass(frozen=True)
class Style:
    """How hair is cut and combed; lengths in metres.

    Attributes:
        comb: direction that it is combed in: a key of `COMBS`.
        length: of the strands on top.
        sides: of the strands above the ears and in the neck.
        volume: thickness of the layer that it forms.
        lift: how steeply strands leave the skin, 0 flat to 1 upright.
        fall: weight of gravity beside the comb.
        cling: how strongly strands are pressed into their layer, 0 to 1.
        curl: radius of the curls.
        turn: length of one curl along the strand; 0 has none.
        clump: share of the way that tips move to the middle of their lock, 0 to 1.
        lock: strands in a lock.
        loose: random change of direction at each step.
        width: of a ribbon.
        strands: number of ribbons at full detail.
        segments: quads along each.
        shell: height of the dark layer beneath, as a share of the volume.
        blunt: width of a ribbon's tip, as a share of its width.
        knot: where hair is tied: a key of `KNOTS`, or "".
        part: distance of the parting from the middle.
        loss: how far the temples are bald.
    """

    comb: str
    length: float
    sides: float
    volume: float = 0.008
    lift: float = 0.3
    fall: float = 0.3
    cling: float = 0.3
    curl: float = 0.0
    turn: float = 0.0
    clump: float = 0.35
    lock: int = 9
    loose: float = 0.12
    width: float = 0.0022
    strands: int = 3000
    segments: int = 8
    shell: float = 0.1
    blunt: float = 0.12
    knot: str = ""
    part: float = 0.03
    loss: float = 0.0


def top(points: np.ndarray) -> np.ndarray:
    """1 on top of the head, 0 at the sides and in the neck."""
    return smooth(points[:, 1] + 0.12 * (points[:, 2] + 0.075), 0.045, 0.082)


def _flat(vectors: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Unit vectors along the surface."""
    return unit(vectors - normals * np.einsum("ni,ni->n", vectors, normals)[:, None])


def _whorl(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    away = points - _CROWN
    forward = floats([0, 0, 1]) * smooth(roots[:, 1], 0.07, 0.1)[:, None]
    return _flat(unit(away) + forward * 0.3, normals)


def _parted(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    side = np.where(roots[:, 0] > style.part, 1.0, -1.0)
    behind = smooth(-roots[:, 2], 0.1, 0.14)
    across = np.stack([side * (1 - behind), -0.25 - behind, -0.55 + 0.2 * behind], 1)
    down = floats([0, -1, -0.25])
    upper = top(points)[:, None]
    return _flat(across * upper + down * (1 - upper), normals)


def _swept(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    low = smooth(-roots[:, 2], 0.1, 0.16)[:, None]
    return _flat(floats([0, -0.15, -1]) * (1 - low) + floats([0, -1, -0.1]) * low, normals)


def _forward(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    fore = smooth(roots[:, 2], -0.09, -0.05)[:, None] * smooth(roots[:, 1], 0.03, 0.06)[:, None]
    away = unit(points - _CROWN)
    ahead = np.stack([points[:, 0] * 2, np.full(len(points), -0.4), np.ones(len(points))], 1)
    return _flat(ahead * fore + away * (1 - fore), normals)


def _tie(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    return _flat(KNOTS[style.knot] - points, normals)


def _outward(style: Style, roots: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    return normals


COMBS: dict[str, Callable[[Style, np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "whorl": _whorl,
    "part": _parted,
    "back": _swept,
    "forward": _forward,
    "tie": _tie,
    "out": _outward,
}
