"""The inner edges of the lips in a photo: what lies between them is the inside of the mouth.

Landmarks miss these edges by up to a third of a mouth's width where a mouth is wide open. So the landmarks say where to
look, and the colour of the lips says where they end.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..faces import Crop, Face

COLUMNS = 96
"""Places along a mouth at which its edges are known."""
_ROWS = 128
_UPPER = np.array([78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308])  # MediaPipe's mesh, inner lips, corners included
_LOWER = np.array([78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308])
_OUTER_UPPER = np.array([61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291])
_OUTER_LOWER = np.array([61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291])
LIPS = np.concatenate([_UPPER, _LOWER[1:-1], _OUTER_UPPER, _OUTER_LOWER[1:-1]])
"""The mesh landmarks of the lips."""
_IBUG = ([60, 61, 62, 63, 64], [60, 67, 66, 65, 64], [48, 49, 51, 53, 54], [48, 59, 57, 55, 54])
_IBUG_ON_MESH = (np.array([78, 81, 13, 311, 308]), np.array([78, 178, 14, 402, 308]))
_CLOSED = 0.06  # of a mouth's width: landmarks nearer to each other than this are closed lips
_ABOVE, _BELOW = 0.08, 0.3  # of a mouth's width, looked at beyond the outer edges
_BAND = (0.1, 0.6)  # from the outer edge of a lip to its inner one: there it has the lip's own colour
_SPREAD = np.array([8, 4, 4], np.float32)  # least spread of a lip's colours, CIELAB in bytes
_CAVITY = 0.65  # of the upper lip's lightness: what is darker is not a lower lip
_UNLIKE = 1.5  # spreads away from a lip's colour, at least, is what is not lip
_WINDOW = 0.1  # of a mouth's width, the lip beside its edge
_PRIOR, _STRAY = 0.35, 0.15  # cost of straying from the landmarks by that fraction of a mouth's width
_CLEAR, _SURE = 2.0, (0.2, 1.5)  # times as unlike a lip as the lip's own spread: that is sure; bounds of sureness
_STEEP, _STEPS = 0.4, 4  # cost of a row up or down from column to column, and most rows
_SEAM = 0.06  # of a mouth's width, in which the dark line between closed lips is looked for
_WIDE = 0.3  # of the widest gap between lips: between narrower ones little is seen
_FAR_OFF, _OFF_COST = 0.35, 30.0  # of a mouth's width, landmarks of closed lips may be off; bytes it must pay for
_BITE_ROWS = 32
_GAP = 0.45  # of the brightness of teeth: what is darker is between the rows
_MIDDLE = 0.1  # of the same: a gap in the middle is likelier by so much
_RIM = 0.015  # of a mouth's width above the lower lip's edge, which is not known better: it stays with that lip
_LIP = 0.12  # of a mouth's width: so far from its edges there is lip or skin
_SHOWN = 0.04  # of a mouth's width: a mouth that is open less shows nothing of its inside
_TAPER = 0.06  # of a mouth's width, over which an opening ends at its corners


@dataclass(frozen=True, eq=False, repr=False)
class Lips:
    """The inner edges of the lips in a window, in the mouth's own axes: x from corner to corner, y towards the chin."""

    middle: np.ndarray  # (2,) window pixels, between the corners
    axes: np.ndarray  # (2, 2) unit vectors of the window, of x and of y
    x: np.ndarray  # (COLUMNS,) window pixels from the middle
    upper: np.ndarray  # (COLUMNS,) y of the upper lip's edge
    lower: np.ndarray  # (COLUMNS,) y of the lower lip's edge, nowhere less
    # mesh landmarks (N,) on the upper edge and on the lower one, from corner to corner
    marks: tuple[np.ndarray, np.ndarray]
    spots: tuple[np.ndarray, np.ndarray]  # x (N,) of these landmarks, increasing

    @classmethod
    def of(cls, picture: np.ndarray, face: Face, crop: Crop) -> Lips:
        """Find the lips of a face, in photo pixels, in a window (S, S, 3) uint8 that lies there as `crop` says."""
        if face.mesh is None:
            known, marks = [face.landmarks[rows] for rows in _IBUG], _IBUG_ON_MESH
        else:
            known = [face.mesh[rows, :2] for rows in (_UPPER, _LOWER, _OUTER_UPPER, _OUTER_LOWER)]
            marks = (_UPPER, _LOWER)
        known = [crop.to_crop(each.astype(np.float64)) for each in known]
        left, right = known[0][0], known[0][-1]
        middle, width = (left + right) / 2, max(float(np.linalg.norm(right - left)), 4.0)
        along = (right - left) / width
        axes = np.stack([along, [-along[1], along[0]]])
        local = [(each - middle) @ axes.T for each in known]
        x = np.linspace(-width / 2, width / 2, COLUMNS)
        spots = tuple(np.maximum.accumulate(each[:, 0]) + 1e-3 * np.arange(len(each)) for each in local[:2])
        edges = [np.interp(x, np.maximum.accumulate(each[:, 0]), each[:, 1]) for each in local]
        upper, lower = _edges(picture, middle, axes, x, edges)
        return cls(middle, axes, x, upper, lower, marks, spots)  # pyright: ignore[reportArgumentType]

    @property
    def shown(self) -> tuple[float, float]:
        """Between which x the photo shows the inside of the mouth; all of it where it shows none."""
        gap = self.lower - self.upper
        open_ = self.x[gap > _WIDE * gap.max()]
        return (float(open_[0]), float(open_[-1])) if len(open_) else (float(self.x[0]), float(self.x[-1]))

    @property
    def width(self) -> float:
        """From corner to corner, window pixels."""
        return float(self.x[-1] - self.x[0])

    def local(self, points: np.ndarray) -> np.ndarray:
        """Window points (..., 2) in the mouth's axes."""
        return (points - self.middle) @ self.axes.T

    def window(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the mouth's axes in the window."""
        return points @ self.axes + self.middle

    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """The upper and the lower edge, (COLUMNS, 2) window pixels each."""
        upper, lower = (self.window(np.stack([self.x, y], 1)) for y in (self.upper, self.lower))
        return upper, lower


@dataclass(frozen=True, eq=False)
class Parted:
    """The edges of the lips after a change, in the axes of `Lips`, at the same places x."""

    x: np.ndarray  # (COLUMNS,) increasing, from corner to corner
    upper: np.ndarray  # (COLUMNS,) y
    lower: np.ndarray  # (COLUMNS,) y, nowhere less
    sources: np.ndarray  # (2, COLUMNS, 2), where the upper and the lower edge were


def opening(upper: np.ndarray, lower: np.ndarray, crop: Crop) -> np.ndarray:
    """Where a window shows what is between two edges (N, 2): (S, S) float32 in [0, 1], as soft as photos."""
    mask = np.zeros((crop.size, crop.size), np.float32)
    outline = np.concatenate([upper, lower[::-1]])
    cv2.fillPoly(mask, [np.rint(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, shift=4)
    # A filled outline counts its own border, so that even closed lips would have an inside.
    thin = float(np.linalg.norm(upper - lower, axis=1).max())
    return cv2.GaussianBlur(mask * min(1.0, thin), (0, 0), max(0.7, crop.matrix[0, 0] / 2))


def _edges(
    picture: np.ndarray, middle: np.ndarray, axes: np.ndarray, x: np.ndarray, edges: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The inner edges (N,) from what landmarks say of the upper and lower inner, then of the outer ones."""
    upper, lower, top, bottom = edges
    width = x[-1] - x[0]
    rows = np.linspace(top.min() - _ABOVE * width, bottom.max() + _BELOW * width, _ROWS)
    places = np.stack(np.meshgrid(x, rows), 2) @ axes + middle
    across, down = np.moveaxis(places.astype(np.float32), 2, 0)
    strip = cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    colours = cv2.cvtColor(cv2.GaussianBlur(strip, (0, 0), 1.0), cv2.COLOR_RGB2LAB).astype(np.float32)
    heights = np.repeat(rows[:, None], len(x), 1)
    mid = (upper + lower) / 2
    if (lower - upper).mean() < _CLOSED * width:
        mid = mid + _offset(colours[..., 0], rows, mid, width)
        off = (heights - mid) / (_SEAM * width)
        seam = np.where(np.abs(off) > 1, 1e4, colours[..., 0] / colours[..., 0].mean() + _PRIOR * off**2)
        line = rows[least_path(4 * seam, _STEEP, _STEPS)]
        line = smoothed(line, 3.0)
        return line, line
    above, below = (_between(heights, *each) for each in ((top, upper), (bottom, lower)))
    inside = _between(heights, upper, lower, (0.15, 0.85))
    unlike = _unlike(colours, above)
    dark = np.median(colours[below][:, 0]) < _CAVITY * np.median(colours[above][:, 0])
    # Where a mouth is open so far that the landmarks' lower lip lies in it, the upper one alone shows a lip's colour.
    other = unlike if dark else np.minimum(unlike, _unlike(colours, below))
    step = rows[1] - rows[0]
    reach = max(1, round(_WINDOW * width / step))
    start = np.rint((mid - rows[0]) / step).astype(int)[None].clip(0, _ROWS)
    index = np.arange(_ROWS)[:, None]

    def total(sums: np.ndarray, until: np.ndarray) -> np.ndarray:
        return np.take_along_axis(sums, np.broadcast_to(until.clip(0, _ROWS), (until.shape[0], len(x))), 0)

    def strayed(edge: np.ndarray, sure: float) -> np.ndarray:
        return _PRIOR / sure * ((heights - edge) / (_STRAY * width)) ** 2

    first, sure = _lipness(unlike, above, inside)
    second, surely = _lipness(other, above if dark else below, inside)
    here, centre = total(first, index), total(first, start)
    up = (centre - 2 * here + total(first, index - reach)) / reach + strayed(upper, sure)
    here, centre = total(second, index), total(second, start)
    down = (2 * here - centre - total(second, index + reach)) / reach + strayed(lower, surely)
    # The corners' landmarks may lie above or below all of an opening that is smaller than the lips.
    up = np.where((index > start + reach) | (heights < top), 1e4, up)
    down = np.where(index < start - reach, 1e4, down)
    upper, lower = (smoothed(rows[least_path(cost, _STEEP, _STEPS)], 2.5) for cost in (up, down))
    mid, half = (upper + lower) / 2, (lower - upper).clip(0) / 2
    fraction = ((width / 2 - np.abs(x)) / (_TAPER * width)).clip(0, 1)
    half = half * np.sqrt(fraction)
    return mid - half, mid + half


def _offset(light: np.ndarray, rows: np.ndarray, line: np.ndarray, width: float) -> float:
    """By how much a line (N,) lies above a dark one that runs through all of the mouth, pixels.

    `light` (R, N) is lightness in bytes, `rows` (R,) where its rows lie, `line` where landmarks say that closed lips
    meet.
    """
    offsets = np.linspace(-_FAR_OFF, _FAR_OFF, 41)
    columns = np.arange(len(line))

    def at(heights: np.ndarray) -> np.ndarray:
        index = np.rint((heights - rows[0]) / (rows[1] - rows[0])).astype(int).clip(0, len(rows) - 1)
        return light[index, columns]

    beside = 0.08 * width
    found = []
    for offset in offsets:
        heights = line + offset * width
        darker = (at(heights - beside) + at(heights + beside)) / 2 - at(heights)
        found.append(min(each.mean() for each in np.array_split(darker, 3)) - _OFF_COST * abs(offset))
    return float(offsets[int(np.argmax(found))]) * width


def _between(
    heights: np.ndarray, start: np.ndarray, end: np.ndarray, fractions: tuple[float, float] = _BAND
) -> np.ndarray:
    """Which heights (R, N) lie at fractions of the way from a start (N,) to an end (N,)."""
    way = end - start
    fraction = (heights - start) / np.where(np.abs(way) < 1e-3, 1e-3, way)
    found = (fraction > fractions[0]) & (fraction < fractions[1])
    return found if found.any() else np.abs(heights - (start + end) / 2) <= heights[1, 0] - heights[0, 0]


def _unlike(colours: np.ndarray, lip: np.ndarray) -> np.ndarray:
    """How many spreads colours (R, N, 3) lie from those of a lip, (R, N) bool."""
    own = colours[lip]
    centre = np.median(own, 0)
    spread = np.maximum(1.4826 * np.median(np.abs(own - centre), 0), _SPREAD)
    return np.sqrt((((colours - centre) / spread) ** 2).sum(2) / 1.5)


def _lipness(unlike: np.ndarray, lip: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, float]:
    """Sums (R + 1, N) over the rows before each, of 1 for a lip's colour to -1 for others', and how sure that is."""
    own = float(np.quantile(unlike[lip], 0.8))
    other = max(own, float(np.median(unlike[inside])))
    bound = max(_UNLIKE, (own + other) / 2)
    like = ((bound - unlike) / (bound / 2)).clip(-1, 1)
    return np.pad(np.cumsum(like, 0), ((1, 0), (0, 0))), float(np.clip(other / (_CLEAR * max(own, 1e-3)), *_SURE))


def least_path(cost: np.ndarray, steep: float, steps: int) -> np.ndarray:
    """The rows (N,) of the path of least cost (R, N) through columns, no more than `steps` rows up or down from one to
    the next; each of them costs `steep`.
    """
    count, columns = cost.shape
    total, origin = cost[:, 0], np.zeros((count, columns), int)
    moves = np.arange(-steps, steps + 1)
    toll = steep * np.abs(moves)[:, None]
    from_row = (np.arange(count) + moves[:, None]).clip(0, count - 1)
    for column in range(1, columns):
        ways = total[from_row] + toll
        best = ways.argmin(0)
        origin[:, column] = from_row[best, np.arange(count)]
        total = ways.min(0) + cost[:, column]
    path = np.zeros(columns, int)
    path[-1] = total.argmin()
    for column in range(columns - 1, 0, -1):
        path[column - 1] = origin[path[column], column]
    return path


def smoothed(values: np.ndarray, sigma: float) -> np.ndarray:
    """Values (N,) or (N, C) along a line, smoothed; the ends continue."""
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    soft = cv2.GaussianBlur(flat, (1, 31), sigmaX=1e-6, sigmaY=sigma, borderType=cv2.BORDER_REPLICATE)
    return soft.reshape(np.shape(values))


def bite(picture: np.ndarray, lips: Lips) -> np.ndarray:
    """The line under the upper row of teeth in a window, y (COLUMNS,) in the mouth's axes; the lower lip's edge where
    no gap between the rows is seen.
    """
    heights = lips.upper + np.linspace(0, 1, _BITE_ROWS)[:, None] * (lips.lower - lips.upper)
    if not shows(lips):
        return lips.lower
    places = lips.window(np.stack([np.broadcast_to(lips.x, heights.shape), heights], 2)).astype(np.float32)
    bright = cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_LINEAR).astype(np.float32).mean(2)
    beside = np.stack([lips.upper - _LIP * lips.width, lips.lower + _LIP * lips.width])
    beside = lips.window(np.stack([np.broadcast_to(lips.x, beside.shape), beside], 2)).astype(np.float32)
    lit = float(cv2.remap(picture, beside[..., 0], beside[..., 1], cv2.INTER_LINEAR).mean())
    fraction = np.linspace(-1, 1, _BITE_ROWS)[:, None]
    cost = bright / max(float(np.quantile(bright, 0.9)), lit, 1.0) + _MIDDLE * fraction**2
    cost[-1] = np.where(bright.mean() > _GAP * lit, _GAP, 1)
    line = heights[least_path(cost, 0.05, 2), np.arange(COLUMNS)]
    line = np.minimum(smoothed(line, 2.0), lips.lower - _RIM * lips.width)
    return np.maximum(line, lips.upper)


def shows(lips: Lips) -> bool:
    """Whether lips are open so far that a photo shows what is between them."""
    return bool((lips.lower - lips.upper).mean() > _SHOWN * lips.width)
