"""Pictures of what lies where on every face, drawn once on the mean head: folds, hairs, spots, regions.

The face is unrolled onto a cylinder about a vertical axis in the middle of the head: across runs the angle, down the
height. A place on any person's head has the same place here as on the mean head, so one drawing serves all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

SIDE = 768  # pixels of the finest maps, each way; about half a millimetre
_AXIS = -0.06  # metres behind the eyes
_ANGLE = 1.5  # radians to either side
_TOP, _BOTTOM = 0.12, -0.19  # metres above the eyes
_MOLES = 12  # as many as a person has at the most
FOLDS = ("AU1", "AU2", "AU4", "AU6", "AU9", "AU12", "AU15", "AU17", "AU20", "age")
"""What folds the skin: units by name, and age at rest."""


def unroll(places: np.ndarray) -> np.ndarray:
    """Map coordinates (N, 2), right and down in [0, 1], of places (N, 3) on the mean head; beyond 1 on the neck."""
    angle = np.arctan2(places[:, 0], places[:, 2] - _AXIS)
    return np.stack([angle / (2 * _ANGLE) + 0.5, (_TOP - places[:, 1]) / (_TOP - _BOTTOM)], 1).astype(np.float32)


def look_up(picture: np.ndarray, spots: np.ndarray) -> np.ndarray:
    """Channels (N, C) of a picture (S, S, C) at coordinates (N, 2) in [0, 1], bilinearly, mirrored beyond its edges."""
    side, width = len(picture), 16384  # OpenCV wants a picture, no wider than this, and not empty
    rows = max(-(-len(spots) // width), 1)
    padded = np.zeros((rows * width, 2), np.float32)
    padded[: len(spots)] = spots * side - 0.5
    x, y = (np.ascontiguousarray(padded[:, i]).reshape(rows, width) for i in (0, 1))
    found = [
        cv2.remap(np.ascontiguousarray(picture[..., c : c + 4]), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        for c in range(0, picture.shape[2], 4)
    ]
    return np.concatenate([piece.reshape(rows * width, -1) for piece in found], 1)[: len(spots)]


def noise(rng: np.random.Generator, cell: float, side: int = SIDE) -> np.ndarray:
    """Smooth noise (side, side) of mean 0 and deviation 1, whose blobs measure about `cell` pixels."""
    coarse = rng.standard_normal((max(int(side / cell), 2) + 3,) * 2).astype(np.float32)
    fine = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return (fine - fine.mean()) / fine.std()


class Canvas:
    """Draws on the unrolled face in millimetres of the mean head: x to the right, y up, from between the eyes."""

    def __init__(self, depth: float = 0.02) -> None:
        self.depth = depth  # metres in front of the eyes' centres where lines are drawn unless they say otherwise
        self.picture = np.zeros((SIDE, SIDE), np.float32)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Pixels (N, 2) of points (N, 2) or (N, 3) in millimetres."""
        places = np.zeros((len(points), 3), np.float32)
        places[:, : points.shape[1]] = points / 1000
        if points.shape[1] == 2:
            places[:, 2] = self.depth
        return unroll(places) * SIDE

    def line(self, points: list[tuple[float, ...]], width: float, strength: float = 1.0, taper: bool = True) -> None:
        """A curve through the points, `width` millimetres wide, that fades towards its ends; darkest wins."""
        controls = np.array(points, np.float32)
        t = np.linspace(0, len(controls) - 1, 40)
        curve = np.stack([np.interp(t, np.arange(len(controls)), column) for column in controls.T], 1)
        curve = cv2.GaussianBlur(curve, (1, 9), 2, borderType=cv2.BORDER_REPLICATE)
        pixels = self.pixels(curve)
        fade = np.sin(np.linspace(0.1, np.pi - 0.1, 39)) ** 0.7 if taper else np.ones(39)
        layer = np.zeros_like(self.picture)
        for a, b, amount in zip(pixels[:-1], pixels[1:], fade):
            start, end = (tuple(int(v) for v in np.rint(p * 16)) for p in (a, b))
            cv2.line(layer, start, end, float(strength * amount), max(int(width / 0.45), 1), cv2.LINE_AA, 4)
        self.picture = np.maximum(self.picture, cv2.GaussianBlur(layer, (0, 0), max(width * 0.9, 0.6)))

    def area(self, points: list[tuple[float, float]], soft: float) -> None:
        """A filled outline and its mirror image, with an edge `soft` millimetres wide."""
        layer = np.zeros_like(self.picture)
        for outline in both(points):
            pixels = np.rint(self.pixels(np.array(outline, np.float32)) * 16).astype(np.int32)
            cv2.fillPoly(layer, [pixels], 1.0, cv2.LINE_AA, 4)
        self.picture = np.maximum(self.picture, cv2.GaussianBlur(layer, (0, 0), max(soft / 0.9, 0.5)))


def both(points: Sequence[tuple[float, ...]]) -> list[list[tuple[float, ...]]]:
    """The points, and their mirror image."""
    return [list(points), [(-p[0], *p[1:]) for p in points]]


@cache
def regions(side: int) -> dict[str, np.ndarray]:
    """Soft regions (side, side) in [0, 1] by name."""
    outlines: dict[str, tuple[list[tuple[float, float]], float, float]] = {  # outline, softness, depth
        "cheek": ([(26, -22), (58, -20), (64, -40), (50, -58), (32, -50)], 9, 0.01),
        "under_eye": ([(14, -9), (28, -13), (42, -10), (38, -17), (26, -20), (16, -15)], 3.5, 0.016),
        "eyelid": ([(14, -2), (20, 5), (30, 9), (42, 6), (49, 1), (42, 1), (28, 2)], 2.5, 0.018),
        "liner": ([(16, -3.6), (22, 1.2), (30, 3.6), (40, 2.6), (48, -1.2), (40, 1.4), (29, 2.2), (21, 0)], 0.8, 0.018),
        "jaw_beard": (
            [
                *((60, -45), (66, -30), (72, -8), (76, -12), (74, -60), (62, -95), (40, -125)),
                *((0, -140), (0, -92), (14, -94), (26, -88), (34, -76), (38, -62), (50, -56)),
            ],
            8,
            0.0,
        ),
        "chin_beard": ([(0, -140), (24, -122), (27, -100), (23, -84), (13, -90), (0, -91)], 6, 0.022),
        "moustache": (
            [(0, -56), (12, -57), (24, -64), (31, -75), (31, -90), (26, -88), (26, -76), (15, -64.5), (0, -63)],
            3,
            0.03,
        ),
        "nose_tip": ([(0, -28), (8, -32), (13, -40), (16, -47), (6, -49), (0, -50)], 4, 0.035),
        "forehead": ([(0, 30), (30, 32), (48, 36), (44, 62), (0, 68)], 9, 0.015),
        "lips": ([(0, -66), (5, -64.3), (14, -66), (25, -71.5), (15, -80.5), (7, -84), (0, -84.5)], 0.9, 0.032),
    }
    found = {}
    for name, (outline, soft, depth) in outlines.items():
        canvas = Canvas(depth)
        canvas.area(outline, soft)
        found[name] = _at(np.clip(canvas.picture, 0, 1), side)
    return found


@cache
def folds(side: int) -> dict[str, np.ndarray]:
    """Depth (side, side) of the grooves that each of FOLDS makes at its most, about 0 to 1."""
    rng = np.random.default_rng(3)
    canvases = {name: Canvas() for name in FOLDS}

    def lines(name: str, points: list[tuple[float, ...]], width: float, strength: float = 1.0) -> None:
        for mirrored in both(points):
            canvases[name].line(mirrored, width, strength)

    for row, height in enumerate((36, 44.5, 52)):  # frontalis: across the forehead, the middle part and the sides
        wave = rng.normal(0, 0.8, 6)
        lines(
            "AU1",
            [(0, height), (8, height + 1.2 + wave[0]), (16, height + 1.5 + wave[1]), (24, height)],
            1.2,
            1 - 0.2 * row,
        )
        lines(
            "AU2",
            [(20, height), (30, height + 2 + wave[2]), (40, height + 1.5 + wave[3]), (50, height - 3)],
            1.2,
            1 - 0.2 * row,
        )
    lines("AU4", [(6.5, 8), (7.2, 14), (6.2, 20), (8.5, 27)], 1.5)
    lines("AU4", [(2.2, 11), (2.6, 17), (1.8, 22)], 1.1, 0.5)
    lines("AU4", [(0, 3.5), (6, 4.2), (11, 3)], 1.2, 0.6)
    for start, end in (((51, 3), (66, 13)), ((52, -1), (69, 3)), ((51.5, -5), (67, -8)), ((49, -9), (62, -18))):
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 - 0.8, 0.002)
        lines("AU6", [(*start, 0.007), middle, (*end, -0.008)], 1.0)
    lines("AU6", [(16, -12), (26, -16.5), (38, -14.5), (47, -9)], 1.6, 0.8)
    # Nasalis gathers the sides of the nose; procerus folds its root across; the cheek is pushed up under the eye.
    for height, outer, strength in ((-2, 12.5, 1.2), (-7.5, 13, 1.5), (-13, 11.5, 1.3), (-19, 10.5, 0.8)):
        lines("AU9", [(outer, height + 2.5, 21), (8.5, height + 0.8, 28), (4, height - 3, 33)], 1.4, strength)
    for height, strength in ((4.5, 1.0), (0, 1.4)):
        lines("AU9", [(0, height - 0.6, 27), (5, height, 26), (9.5, height + 2, 23)], 1.4, strength)
    lines("AU9", [(14, -11, 17), (22, -14.5, 17), (33, -15.5, 16)], 1.5, 0.7)
    nasolabial = [(18, -42, 26), (23, -50, 26), (28.5, -60, 24), (32.5, -71, 20), (33.5, -79, 16)]
    lines("AU12", nasolabial, 2.0)
    lines("AU12", [(31, -66, 20), (34.5, -72, 18), (35, -78, 16)], 1.4, 0.6)
    lines("AU9", [(16.5, -38, 25), *nasolabial[:4]], 2.0, 1.15)
    lines("AU15", [(26, -73, 22), (29, -79, 20), (30, -86, 17)], 1.6)
    lines("AU20", [(32, -64, 20), (36, -72, 17), (37, -82, 13)], 1.6, 0.9)
    dimples = np.clip(noise(rng, 9) - 0.3, 0, 1.5)
    chin = Canvas(0.022)
    chin.area([(-14, -91), (14, -91), (17, -103), (8, -110), (-8, -110), (-17, -103)], 3)
    canvases["AU17"].picture = dimples * chin.picture * 0.7
    lines("AU17", [(0, -88.5), (8, -88.2), (15, -90)], 1.6, 0.9)

    lines("age", nasolabial, 2.2, 0.75)
    lines("age", [(15, -9, 15), (24, -14.5, 15), (34, -14.5, 14)], 1.5, 0.5)
    lines("age", [(17, -14, 16), (27, -20.5, 15), (37, -19.5, 12)], 2.2, 0.45)
    lines("age", [(27, -75, 22), (30, -83, 19), (32, -93, 14)], 1.8, 0.45)
    for height in (37, 46, 54):
        lines("age", [(0, height), (14, height + 1.8), (30, height + 2.2), (45, height - 1)], 1.1, 0.35)
    for end in ((66, 9), (68, 1), (65, -9)):
        lines("age", [(51, end[1] * 0.4, 7), (*end, -8)], 0.9, 0.4)
    return {name: _at(canvas.picture, side) for name, canvas in canvases.items()}


@cache
def brows(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Hairs of both brows: how dark (side, side) in [0, 1], and how far from the middle line in half-widths."""
    rng = np.random.default_rng(7)
    middle = np.array([(12, 14.5), (20, 17.2), (30, 20), (41, 20.8), (50, 18.3), (58, 12.5)], np.float32)
    depths = np.array([27, 26.5, 25, 20, 13, 3], np.float32)
    half = np.array([3.6, 4.0, 3.8, 3.2, 2.3, 0.8], np.float32)
    dark, across = np.zeros((SIDE, SIDE), np.float32), np.full((SIDE, SIDE), 9, np.float32)
    canvas = Canvas()
    count = 950
    for t in np.sort(rng.uniform(0, 5, count)):
        offset = rng.uniform(-1.5, 1.5)
        x, y, z, h = (np.interp(t, range(6), column) for column in (middle[:, 0], middle[:, 1], depths, half))
        # Hairs stand up at the inner end, lie outwards along the brow, and come together at its ridge.
        angle = np.interp(t, [0, 1, 2.5, 5], [1.35, 0.85, 0.35, -0.45]) - 0.35 * offset + rng.normal(0, 0.15)
        length = np.interp(t, [0, 1, 4, 5], [5, 6.5, 6, 4]) * rng.uniform(0.6, 1.1)
        start = np.array([x, y + offset * h - 0.6, z])
        end = start + length * np.array([np.cos(angle), np.sin(angle), -0.35 * (x > 35)])
        bend = (start + end) / 2 + [0, 0.5, 0]
        for sign in (1, -1):
            pixels = canvas.pixels(np.array([start, bend, end], np.float32) * [sign, 1, 1])
            points = [np.rint(pixels * 16).astype(np.int32)]
            layer = np.zeros_like(dark)
            x0, y0 = np.floor(pixels.min(0)).astype(int) - 3
            x1, y1 = np.ceil(pixels.max(0)).astype(int) + 4
            cv2.polylines(layer[y0:y1, x0:x1], [points[0] - [x0 * 16, y0 * 16]], False, 1.0, 1, cv2.LINE_AA, 4)
            piece = layer[y0:y1, x0:x1]
            dark[y0:y1, x0:x1] = 1 - (1 - dark[y0:y1, x0:x1]) * (1 - 0.75 * piece)
            np.minimum(across[y0:y1, x0:x1], np.where(piece > 0.05, abs(offset), 9), out=across[y0:y1, x0:x1])
    return _at(dark, side), cv2.resize(across, (side, side), interpolation=cv2.INTER_NEAREST)


@cache
def spots(side: int, pattern: int) -> tuple[np.ndarray, np.ndarray]:
    """Freckles and moles: each pixel's amount, 0 to 1, from which a freckle shows (2: never), and the mole's number."""
    rng = np.random.default_rng([11, pattern])
    freckles, moles = np.full((SIDE, SIDE), 2, np.float32), np.full((SIDE, SIDE), 99, np.float32)
    for _ in range(700):
        x, y = rng.normal(0, 30), rng.normal(-22, 24)
        pixel = Canvas(0.015).pixels(np.array([[x, y]], np.float32))[0]
        centre = tuple(int(v) for v in np.rint(pixel * 16))
        cv2.circle(freckles, centre, int(16 * rng.uniform(0.7, 2.0)), float(rng.uniform(0.05, 1)), -1, cv2.LINE_8, 4)
    for number in range(_MOLES):
        pixel = Canvas(0.01).pixels(np.array([[rng.uniform(-60, 60), rng.uniform(-105, 60)]], np.float32))[0]
        centre = tuple(int(v) for v in np.rint(pixel * 16))
        cv2.circle(moles, centre, int(16 * rng.uniform(1.3, 3)), float(number), -1, cv2.LINE_8, 4)
    shape = (side, side)
    return tuple(cv2.resize(m, shape, interpolation=cv2.INTER_NEAREST) for m in (freckles, moles))  # type: ignore[return-value]


@cache
def noises(side: int, pattern: int) -> dict[str, np.ndarray]:
    """Noise patterns (side, side) of deviation about 1: wide blotches, veins, pores' relief, stubble's dots."""
    rng = np.random.default_rng([5, pattern])
    blotch = 0.6 * noise(rng, 110) + 0.4 * noise(rng, 40) + 0.25 * noise(rng, 14)
    tan = noise(rng, 160) + 0.5 * noise(rng, 60)
    grain = noise(rng, 2.5)
    pores = -np.clip(noise(rng, 4) - 0.6, 0, 3) + 0.35 * noise(rng, 7) + 0.15 * grain
    dots = np.clip(noise(rng, 2.2) - 0.35, 0, 2) ** 0.8
    return {
        name: _at(value, side)
        for name, value in {"blotch": blotch, "tan": tan, "pores": pores, "dots": dots, "grain": grain}.items()
    }


def _at(picture: np.ndarray, side: int) -> np.ndarray:
    return picture if side == SIDE else cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
