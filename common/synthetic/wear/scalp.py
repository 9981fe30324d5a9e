"""Where hair grows: the outside of the mean head, the hairline on it, and how points near one head move to another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ...core.face_labels import PARTS
from ...face3d.heads.anny import default_head
from ...face3d.heads.head import vertex_normals
from .layers import Bound, Patch, Skull, smooth, tessellate, unit

CENTRE = np.array([0.0, 0.02, -0.075], np.float32)  # of the mean skull, metres
_OUTSIDE = ("skin", "neck", "cloth", "l_ear", "r_ear")  # what hair lies on
_CHUNK = 4096

# The hairline of the mean head: degrees about the vertical at CENTRE, 0 in front, 180 behind, and height in metres.
_ANGLES = (0, 12, 26, 36, 44, 52, 58, 64, 68, 72, 76, 80, 86, 100, 108, 116, 126, 140, 160, 180)
_HEIGHTS = (
    *(0.0585, 0.0600, 0.0650, 0.0625, 0.0480, 0.0300, 0.0200, 0.0080, -0.0080, -0.0180),
    *(-0.0160, 0.0060, 0.0130, 0.0130, 0.0020, -0.0240, -0.0480, -0.0620, -0.0640, -0.0660),
)
_LINE = np.array([_ANGLES, _HEIGHTS], np.float32).T


@dataclass(frozen=True)
class Surface:
    """The outside of the mean head and shoulders, without eyes, nose and mouth."""

    vertices: np.ndarray  # (V, 3) float32, all of the mean head's
    normals: np.ndarray  # (V, 3) float32 unit normals, calmed
    ears: np.ndarray  # (V,) bool, vertices of the ears
    triangles: np.ndarray  # (T, 3) int32, the outside only
    parts: np.ndarray  # (T,) int64 their face-parsing classes
    used: np.ndarray  # (U,) int32 vertices of these triangles
    around: np.ndarray  # (U, K) int32 triangles around each used vertex, the first repeated as padding
    head_weight: np.ndarray  # (V,) float32, how much of the head's turn each vertex takes

    def bind(self, points: np.ndarray) -> Bound:
        """Tie points (N, 3) to the nearest places of the surface."""
        corners = np.empty((len(points), 3), np.int32)
        weights = np.empty((len(points), 3), np.float32)
        sites = self.vertices[self.used]
        square = (sites**2).sum(1) / 2
        for start in range(0, len(points), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            part = np.ascontiguousarray(points[chunk], np.float32)
            near = self.around[(square - part @ sites.T).argmin(1)]  # (n, K)
            found, mixture = _closest(part, self.vertices[self.triangles[near]])
            corners[chunk] = self.triangles[np.take_along_axis(near, found[:, None], 1)[:, 0]]
            weights[chunk] = mixture
        return Bound(corners, weights)

    def calm(self, normals: np.ndarray) -> np.ndarray:
        """Normals (V, 3) of a head whose ears face aside as a whole: hair slides over them and not into their folds."""
        return _calm(normals, self.vertices, self.ears)


@cache
def surface() -> Surface:
    """The outside of the mean head, made once a process."""
    head = default_head()
    triangles, parts = head.triangles.numpy(), head.parts.numpy()
    chosen = np.isin(parts, [PARTS.index(name) for name in _OUTSIDE])
    outside = triangles[chosen].astype(np.int32)
    used, local = np.unique(outside, return_inverse=True)
    local = local.reshape(-1, 3)
    around: list[list[int]] = [[] for _ in used]
    for number, corners in enumerate(local.tolist()):
        for corner in corners:
            around[corner].append(number)
    most = max(map(len, around))
    table = np.array([(row + row[:1] * most)[:most] for row in around], np.int32)
    normals = vertex_normals(head.mean[None], head.triangles)[0].numpy()
    mean = head.mean.numpy()
    ears = np.zeros(len(mean), bool)
    ears[triangles[np.isin(parts, [PARTS.index("l_ear"), PARTS.index("r_ear")])]] = True
    normals = _calm(normals, mean, ears)
    return Surface(mean, normals, ears, outside, parts[chosen], used.astype(np.int32), table, head.head_weight.numpy())


def _calm(normals: np.ndarray, mean: np.ndarray, ears: np.ndarray) -> np.ndarray:
    aside = np.stack([np.sign(mean[:, 0]), np.full(len(mean), 0.1), np.full(len(mean), 0.1)], 1)
    return np.where(ears[:, None], unit(aside + 0.3 * normals), normals).astype(np.float32)


@cache
def scalp(levels: int) -> Patch:
    """The skin on which hair may grow, with a margin of a centimetre below the hairline, cut finely."""
    head = surface()
    inside = hairline(head.vertices[head.triangles].reshape(-1, 3)).reshape(-1, 3)
    heads = head.head_weight[head.triangles].min(1) > 0.6
    heads &= ~head.ears[head.triangles].all(1)
    return tessellate(head.triangles[(inside.max(1) > -0.012) & heads], levels)


def hairline(points: np.ndarray) -> np.ndarray:
    """How far points (N, 3) near the mean head lie inside the hairline, about metres; negative outside."""
    angle = np.degrees(np.arctan2(np.abs(points[:, 0]), points[:, 2] - CENTRE[2]))
    steps = np.linspace(0, 180, 361)
    line = np.interp(steps, _LINE[:, 0], _LINE[:, 1])
    line = np.convolve(np.pad(line, 6, mode="reflect"), np.full(13, 1 / 13), "valid")
    slope = np.gradient(line, np.radians(steps) * 0.075)
    # the slope that counts is that of a neighbourhood: a steep line has points of other heights next to it
    slope = np.convolve(np.pad(np.abs(slope), 6, mode="reflect"), np.full(13, 1 / 13), "valid")
    rise = points[:, 1] - np.interp(angle, steps, line)
    return (rise / np.sqrt(1 + np.interp(angle, steps, slope) ** 2)).astype(np.float32)


def temples(points: np.ndarray) -> np.ndarray:
    """Where hair goes first with age, 0 to 1, for points (N, 3) near the mean head: both temples, then the forehead."""
    x, y, z = points.T
    corner = np.exp(-(((np.abs(x) - 0.042) / 0.022) ** 2) - ((z + 0.005) / 0.04) ** 2)
    front = 0.45 * np.exp(-(((z - 0.02) / 0.03) ** 2))
    return (np.maximum(corner, front) * smooth(y, 0.035, 0.055)).astype(np.float32)


def scale_of(skull: Skull) -> float:
    """Size of a person's skull relative to the mean one, by the width between the ears."""
    wide = skull.landmarks[16, 0] - skull.landmarks[0, 0]
    return float(wide / 0.1502)


def _closest(points: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of K triangles (N, K, 3, 3) is nearest to each point (N, 3), and the weights (N, 3) of the place there."""
    a, ab, ac = corners[:, :, 0], corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    ap = points[:, None] - a
    dot = "nki,nki->nk"
    bb, cc, bc = np.einsum(dot, ab, ab), np.einsum(dot, ac, ac), np.einsum(dot, ab, ac)
    pb, pc = np.einsum(dot, ap, ab), np.einsum(dot, ap, ac)
    area = np.maximum(bb * cc - bc * bc, 1e-20)
    weights = np.stack([np.zeros_like(bb), (cc * pb - bc * pc) / area, (bb * pc - bc * pb) / area], -1)
    weights[..., 0] = 1 - weights[..., 1] - weights[..., 2]
    weights = np.maximum(weights, 0)  # nearly the nearest place when the foot of the perpendicular lies outside
    weights /= weights.sum(-1, keepdims=True)
    places = np.einsum("nkc,nkci->nki", weights, corners)
    found = ((places - points[:, None]) ** 2).sum(-1).argmin(1)
    return found, np.take_along_axis(weights, found[:, None, None], 1)[:, 0].astype(np.float32)
