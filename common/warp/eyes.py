"""The eyes of a photo: the edges of their lids, their irises, and the colours that the lids hide.

The mesh's landmarks follow lids and irises to about a pixel, so that they are taken as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .extrapolate import smoothstep
from .lips import smoothed

COLUMNS = 48
"""Places along an eye at which its edges are known."""
MESH = 478
"""Landmarks of the mesh with irises, which alone know eyes."""
# By the head's order, the person's left eye first; each from the corner at the image's left to that at its right.
_UPPER = (
    np.array([362, 398, 384, 385, 386, 387, 388, 466, 263]),
    np.array([33, 246, 161, 160, 159, 158, 157, 173, 133]),
)
_LOWER = (
    np.array([362, 382, 381, 380, 374, 373, 390, 249, 263]),
    np.array([33, 7, 163, 144, 145, 153, 154, 155, 133]),
)
_ABOVE = (np.array([441, 442, 443, 444, 445]), np.array([225, 224, 223, 222, 221]))  # between a lid and its brow
_IRIS = (slice(473, 478), slice(468, 473))  # the centre, then the ring
_LEAST = 6.0  # pixels of a window that an eye is wide, or it is left alone
_AROUND = 0.3  # of an eye's width, looked at around it
_EDGE = 0.03  # of an eye's width along its edges that is lashes and shade
_LIMBUS = 1.12  # of an iris' radius: what is farther away is white
_WHITES = 12  # pixels of white that must be seen
_SHADED = 0.6  # of the brightest near it: what is darker is not white
_FAR = 0.12  # of an eye's width, over which what is white is smooth
_EVEN, _BARE = 0.05, 0.08  # of an eye's width, over which a lid's skin is evened; how far from its edges it starts
_GRAIN = 0.05  # display values by which skin is uneven at most
_GLINT = 45.0  # bytes by which a catch-light is brighter than its iris
_GLINTS = 0.12  # of an iris: larger ones are reflections that turn along


@dataclass(frozen=True, eq=False, repr=False)
class Eye:
    """One eye in a window, in its own axes: x from corner to corner, y towards the cheek, from the corners' middle."""

    middle: np.ndarray  # (2,) window pixels, between the corners
    axes: np.ndarray  # (2, 2) unit vectors of the window, of x and of y
    x: np.ndarray  # (COLUMNS,) window pixels from the middle
    upper: np.ndarray  # (COLUMNS,) y of the upper lid's edge
    lower: np.ndarray  # (COLUMNS,) y of the lower lid's edge, nowhere less
    marks: tuple[np.ndarray, np.ndarray]  # mesh landmarks (9,) on the upper edge and on the lower one
    spots: tuple[np.ndarray, np.ndarray]  # x (9,) of these landmarks, increasing
    above: float  # y, between the upper lid and its brow
    brow: np.ndarray  # mesh landmarks (5,) there
    iris: np.ndarray  # (2,) its middle
    radius: float  # of the iris
    glint: np.ndarray | None  # (2,) the middle of its catch-light; None where there is none
    glare: float  # radius of that
    white: np.ndarray  # (h, w, 3) display values, what is white in and around the eye as if no iris and lid hid it
    round: np.ndarray  # (h, w, 3) display values, the iris as if no lid hid it
    shine: np.ndarray  # (h, w, 3) display values, by which catch-lights are brighter than that
    lashes: np.ndarray  # (h, w, 3) display values, the darkest near a place
    skin: np.ndarray  # (h, w, 3) display values, even skin as if there were neither eye nor lashes
    grain: np.ndarray  # (h, w, 3) display values, by which the photo differs from even skin
    corner: np.ndarray  # (2,) window pixels of the first of these pictures' pixels

    @classmethod
    def of(cls, picture: np.ndarray, points: np.ndarray, side: int) -> Eye | None:
        """Look at the person's left eye (`side` 0) or right one (1), in a window (S, S, 3) uint8 with landmarks (478,
        2); None where it is too small to be seen.
        """
        edges = [points[rows[side]].astype(np.float64) for rows in (_UPPER, _LOWER)]
        left, right = edges[0][0], edges[0][-1]
        middle, width = (left + right) / 2, float(np.linalg.norm(right - left))
        if width < _LEAST:
            return None
        along = (right - left) / width
        axes = np.stack([along, [-along[1], along[0]]])
        x = np.linspace(-width / 2, width / 2, COLUMNS)
        local = [(each - middle) @ axes.T for each in edges]
        spots = tuple(np.maximum.accumulate(each[:, 0]) + 1e-3 * np.arange(len(each)) for each in local)
        upper, lower = (curve(x, spot, each[:, 1]) for spot, each in zip(spots, local))
        above = float(((points[_ABOVE[side]] - middle) @ axes.T)[:, 1].mean())
        centre, *ring = (points[_IRIS[side]] - middle) @ axes.T
        radius = float(np.linalg.norm(np.array(ring) - centre, axis=1).mean())
        place = np.array([middle[0] - (0.5 + _AROUND) * width, middle[1] - 0.5 * width])
        x0, y0 = np.floor(place).astype(int).clip(0, len(picture) - 2).tolist()
        size = int(np.ceil((1 + 2 * _AROUND) * width))
        patch = picture[y0 : y0 + size, x0 : x0 + size]
        lower = np.maximum(upper, lower)
        seen = _seen(patch, middle - (x0, y0), axes, x, upper, lower)
        colours = patch.astype(np.float32) / 255
        places = _places(patch, middle - (x0, y0), axes)
        away = np.linalg.norm(places - centre, axis=2)
        iris = seen & (away < _LIMBUS * radius)
        glint, glare = _glint(patch, places, seen & (away < 0.9 * radius))
        round_ = _round(colours, iris, away / max(radius, 1e-6))
        shine = cv2.GaussianBlur((seen & (away < radius)).astype(np.float32), (0, 0), 0.7)[..., None]
        shine = shine * ((colours - round_) - 0.5 * _GLINT / 255).clip(0)
        return cls(
            middle,
            axes,
            x,
            upper,
            lower,
            (_UPPER[side], _LOWER[side]),
            spots,  # pyright: ignore[reportArgumentType]
            above,
            _ABOVE[side],
            centre,
            radius,
            glint,
            glare,
            _white(colours, seen & (away > _LIMBUS * radius), _FAR * width),
            round_,
            shine,
            cv2.erode(colours, np.ones((3, 3))),
            _skin(colours, places, x, upper, lower),
            (colours - cv2.GaussianBlur(colours, (0, 0), _EVEN * width)).clip(-_GRAIN, _GRAIN),
            np.array([x0, y0]),
        )

    @property
    def width(self) -> float:
        """From corner to corner, window pixels."""
        return float(self.x[-1] - self.x[0])

    def local(self, points: np.ndarray) -> np.ndarray:
        """Window points (..., 2) in the eye's axes."""
        return (points - self.middle) @ self.axes.T

    def window(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the eye's axes in the window."""
        return points @ self.axes + self.middle

    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """The upper and the lower edge, (COLUMNS, 2) window pixels each."""
        upper, lower = (self.window(np.stack([self.x, y], 1)) for y in (self.upper, self.lower))
        return upper, lower

    def look_up(self, picture: np.ndarray, points: np.ndarray) -> np.ndarray:
        """One of these pictures at window points (h, w, 2): (h, w, 3)."""
        x, y = np.moveaxis((points - self.corner).astype(np.float32), 2, 0)
        return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def curve(x: np.ndarray, spots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (9,) at spots (9,) as a smooth line at x (COLUMNS,), whose ends stay."""
    straight = np.interp(x, spots, values)
    ends = np.interp(x, spots[[0, -1]], values[[0, -1]])
    bent = straight - ends
    soft = smoothed(np.concatenate([-bent[::-1], bent, -bent[::-1]]), COLUMNS / 20)[len(x) : -len(x)]
    return ends + soft


def _places(patch: np.ndarray, middle: np.ndarray, axes: np.ndarray) -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(patch.shape[1]), np.arange(patch.shape[0]))
    return (np.stack([columns, rows], 2) - middle) @ axes.T


def _seen(
    patch: np.ndarray, middle: np.ndarray, axes: np.ndarray, x: np.ndarray, upper: np.ndarray, lower: np.ndarray
) -> np.ndarray:
    """Where a patch (h, w, 3) shows the eyeball, lashes and their shade aside: (h, w) bool."""
    places = _places(patch, middle, axes)
    margin = max(1.0, _EDGE * (x[-1] - x[0]))
    along, down = places[..., 0], places[..., 1]
    inside = (along > x[0] + 3 * margin) & (along < x[-1] - 3 * margin)
    return inside & (down > np.interp(along, x, upper) + 2 * margin) & (down < np.interp(along, x, lower) - margin)


def _glint(patch: np.ndarray, places: np.ndarray, iris: np.ndarray) -> tuple[np.ndarray | None, float]:
    """The middle (2,) of the brightest spot on an iris, (h, w) bool, in the eye's axes, and its radius."""
    if iris.sum() < _WHITES:
        return None, 0.0
    light = patch.max(2).astype(np.float32)
    bright = iris & (light > np.median(light[iris]) + _GLINT) & (light > 0.6 * light[iris].max())
    if not bright.any() or bright.sum() > _GLINTS * iris.sum():
        return None, 0.0
    weight = light[bright] - np.median(light[iris])
    middle = (places[bright] * weight[:, None]).sum(0) / weight.sum()
    nearest = np.linalg.norm(places - middle, axis=2).argmin()
    if not bright.flat[nearest]:  # a ring, or several
        return None, 0.0
    return middle, 1 + float(np.linalg.norm(places[bright] - middle, axis=1).mean())


def _white(colours: np.ndarray, seen: np.ndarray, far: float) -> np.ndarray:
    """The white of an eye (h, w, 3) from where it is seen, (h, w) bool."""
    if seen.sum() < _WHITES:
        bright = colours[seen] if seen.any() else colours[colours.shape[0] // 3 :: 3].reshape(-1, 3)
        return np.broadcast_to(np.quantile(bright, 0.8, axis=0).astype(np.float32), colours.shape).copy()
    light = colours.mean(2)
    # Lashes and the rim of the iris are darker than white next to them: they count little.
    size = 2 * round(far) + 3
    around = cv2.dilate(np.where(seen, light, 0), np.ones((size, size)))
    weight = seen * smoothstep((light / around.clip(1e-3) - _SHADED) / (1 - _SHADED))
    return _spread(colours, weight.astype(np.float32), far)


def _skin(colours: np.ndarray, places: np.ndarray, x: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """The skin around an eye (h, w, 3) without its lashes, also where the eye is."""
    width = x[-1] - x[0]
    along = places[..., 0].clip(x[0], x[-1])
    outside = np.maximum(np.interp(along, x, upper) - places[..., 1], places[..., 1] - np.interp(along, x, lower))
    outside = np.hypot(outside.clip(0), places[..., 0] - along)
    size = 2 * round(_BARE * width / 2) + 3
    bare = cv2.morphologyEx(colours, cv2.MORPH_CLOSE, np.ones((3, size)))
    weight = smoothstep((outside - _BARE * width) / (_BARE * width) + 0.5)
    near, broad = (_spread(bare, weight.astype(np.float32), far * width) for far in (_EVEN, 5 * _EVEN))
    return np.maximum(near, (near + broad) / 2)  # a lid that comes to light is not in its fold's shade


def _round(colours: np.ndarray, seen: np.ndarray, away: np.ndarray) -> np.ndarray:
    """An iris (h, w, 3) by its mean colour at each distance from its middle, (h, w) of its radius."""
    ring = np.rint(away.clip(0, 2) * 8).astype(int)
    if not seen.any():
        return np.full_like(colours, 0.1)
    rings = np.stack(
        [
            np.median(colours[seen & (ring == i)], 0) if (seen & (ring == i)).sum() > 2 else np.full(3, np.nan)
            for i in range(17)
        ]
    )
    known = np.isfinite(rings[:, 0])
    if not known.any():
        return np.full_like(colours, 0.1)
    steps = away.clip(0, 2) * 8
    return np.stack([np.interp(steps, np.nonzero(known)[0], rings[known, channel]) for channel in range(3)], 2).astype(
        np.float32
    )


def _spread(colours: np.ndarray, weight: np.ndarray, far: float) -> np.ndarray:
    """Colours (h, w, 3), smooth, from where their weight (h, w) is above 0."""
    total = np.zeros_like(colours)
    sure = np.zeros_like(weight)
    for times in (4.0, 2.0, 1.0):  # what is near counts, where there is any
        size = (0, 0), far * times
        near = cv2.GaussianBlur(weight, *size, borderType=cv2.BORDER_CONSTANT) + 1e-6
        found = cv2.GaussianBlur(colours * weight[..., None], *size, borderType=cv2.BORDER_CONSTANT) / near[..., None]
        trust = (near / 0.05).clip(0, 1) if times < 4 else np.ones_like(near)
        total, sure = total + trust[..., None] * (found - total), np.maximum(sure, trust)
    return total
