"""Eyes that move: their lids' edges as the photo shows them go where the fitted head's lids go, irises turn between
them, and what the lids hid is filled from the eye's own white.

The fitted head's lids hardly ever lie to a pixel where the photo's do: a motion that was read off the head alone would
take strips of the eye onto the lids. As for mouths, the head says by how much edges move, and the photo where they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..faces.affine import invert, transform
from .extrapolate import extend, smoothstep
from .eyes import COLUMNS, Eye, curve
from .fitted_face import Seen
from .layers import Layers
from .lips import opening, smoothed
from .placement import Placed

_STILL = 0.03  # pixels: an eye that moves less is left alone
_CLOSED, _SLIT = 0.12, 0.04  # of an eye's width: a gap that shows hardly any of the eye; how far such may be opened
_LOWER = 0.4  # of an eye's width under the lower lid, over which its own motion goes over into the face's
_BESIDE = 0.25  # the same beside the corners
_LASHES = 0.12  # of an eye's width above the edge that moves as one piece with it
_MARGIN = 1.0  # pixels beside an edge that may show what is on its other side
_SHADE, _DARK = 0.05, 0.4  # of an eye's width, over which a lid shades the eye; by how much
_FACING = 0.6  # of its width in the photo: an eye that a turn makes narrower is left to the head
_RIM, _SPREAD = 1.15, 1.8  # of an iris' radius that turns as one piece; times a look's length, over which that ends
_FOLLOWED = 0.25  # of a look up or down, by which an upper lid follows it more than the head's
_WET = 0.035  # of an eye's width, the rim of the lower lid
_DRAWN_OUT = (1.15, 1.8)  # times; between these, a lid's skin that is drawn out goes over into its even colour
_THICK = 0.09  # of an eye's width, between the landmarks of closed lids
_EVEN = 0.05  # of an eye's width, over which the face's motion there is evened
_LET_GO = 0.2  # of the distances above, over which what is near an eye ends
_WIDEST = 0.13  # of an eye's width, by which lids part more at most
_BLEND = 1.4  # of the distances above: between them and so much farther the face's motion is smoothed
_JUMP = 0.6  # pixels a pixel by which a motion that is a face's does not change
_SEAM = 1.0  # pixels beside the line in which closed lids meet that show lashes
_FOLLOWS = 0.55  # how far a catch-light goes along with its iris


@dataclass(frozen=True, eq=False)
class Opened:
    """An eye after a change, in the axes of `Eye`."""

    x: np.ndarray  # (COLUMNS,) increasing, from corner to corner
    upper: np.ndarray  # (COLUMNS,) y
    lower: np.ndarray  # (COLUMNS,) y, nowhere less
    sources: np.ndarray  # (2, COLUMNS, 2), where the upper and the lower edge were in the window
    look: np.ndarray  # (2,) by how much the iris has moved
    above: float  # y, where what lay between lid and brow goes


def with_eyes(drawn: Layers, seen: Seen, after: Placed, rest: Placed, light: np.ndarray, *, exact: bool) -> Layers:
    """The layers with the motion of both eyes as the photo has them; `rest` is the head after its turn alone, and
    `light` (3,) is how many times as bright eyes get, in display values. The head's lids are `exact` where landmarks
    say how they move; otherwise its known faults are corrected.
    """
    if not seen.eyes:
        return drawn
    marks = [_marks(seen, placed) for placed in (seen.before, rest, after)]
    fitted = seen.crop.to_crop((seen.fit.points[:468, :2] + seen.fit.residuals[:468]).double().numpy())
    for side, eye in enumerate(seen.eyes):
        if eye is not None:
            pupil = _pupil(seen, side)
            irises = [placed.points[pupil, :2].double().numpy() for placed in (seen.before, rest, after)]
            drawn = _with_eye(drawn, seen, eye, marks, fitted, irises, light, exact)
    return drawn


def _with_eye(
    drawn: Layers,
    seen: Seen,
    eye: Eye,
    marks: list[np.ndarray],
    fitted: np.ndarray,
    irises: list[np.ndarray],
    light: np.ndarray,
    exact: bool,
) -> Layers:
    """The layers with one eye's motion: `marks` are the mesh landmarks (468, 2) of the head before, after the turn, and
    after all of the change, `irises` (2,) the same of its iris, and `fitted` (468, 2) the landmarks without their miss.
    """
    before, rest, after = marks
    skull = _skull(eye, before, rest)
    back = invert(skull)
    if np.linalg.norm(back[:, :2] @ eye.axes[0]) < _FACING:
        return drawn
    steps = (after - rest) @ skull[:, :2].T
    look = (transform(irises[2], skull) - irises[0]) @ eye.axes.T
    own = np.concatenate(eye.marks)
    x0, y0, x1, y1 = _rectangle(eye, back, seen.crop.size)
    shift = drawn.shift[y0:y1, x0:x1]
    if max(np.abs(steps[own]).max(), np.abs(look).max(), np.abs(shift).max()) < _STILL:
        return drawn
    opened = _opened(eye, steps, fitted, look, exact)
    columns, rows = np.meshgrid(np.arange(x0, x1, dtype=np.float64), np.arange(y0, y1, dtype=np.float64))
    here = np.stack([columns, rows], 2)
    places = eye.local(transform(here, skull))
    moved, gain, near = _skin(eye, opened, shift, drawn.gain[y0:y1, x0:x1], here, places, back)
    upper, lower = (transform(eye.window(np.stack([opened.x, y], 1)), back) for y in (opened.upper, opened.lower))
    mask = opening(upper, lower, seen.crop)[y0:y1, x0:x1]
    sources, painted, paint, shade = _ball(eye, opened, places)
    lowered = 1 - float((opened.lower - opened.upper).max()) / max(float((eye.lower - eye.upper).max()), 1e-6)
    even = _drawn_out(moved @ eye.axes[1]) * near * (mask <= 0) * smoothstep(np.array(2 * lowered))
    seam = _seam(eye, opened, places)
    lashes = eye.look_up(eye.lashes, _lashes(eye, opened, places))
    painted = np.maximum(painted, seam)
    paint = paint + seam[..., None] * (lashes - paint)
    mask = np.maximum(mask, seam)
    lit = light * (shade + seam * (1 - shade))[..., None]
    part = np.s_[y0:y1, x0:x1]
    inside = mask > 0
    fraction = inside[..., None]
    skin = (eye.look_up(eye.skin, here + moved) + eye.look_up(eye.grain, _below(eye, opened, places))) * gain
    hidden = np.maximum(drawn.hidden[part] * (1 - near), np.maximum(mask, even))
    twin_hidden = np.where(inside, painted, np.where(even > 0, 1, drawn.twin_hidden[part]))
    fill = np.where(fraction, paint * lit, np.where(even[..., None] > 0, skin, drawn.fill[part]))

    def pasted(whole: np.ndarray, values: np.ndarray) -> np.ndarray:
        result = whole.copy()
        result[part] = values
        return result

    return replace(
        drawn,
        shift=pasted(drawn.shift, moved),
        gain=pasted(drawn.gain, gain),
        hidden=pasted(drawn.hidden, hidden),
        twin_shift=pasted(drawn.twin_shift, np.where(fraction, eye.window(sources) - here, drawn.twin_shift[part])),
        twin_gain=pasted(drawn.twin_gain, np.where(fraction, lit, drawn.twin_gain[part])),
        twin_hidden=pasted(drawn.twin_hidden, twin_hidden),
        fill=pasted(drawn.fill, fill),
    )


def _marks(seen: Seen, placed: Placed) -> np.ndarray:
    """The mesh landmarks (468, 2) of a head in the window."""
    return seen.fit.head.embedding.points(placed.points[None], "mesh468")[0, :, :2].double().numpy()


def _pupil(seen: Seen, side: int) -> int:
    """The vertex of an eyeball that lies farthest in front."""
    ball = seen.fit.head.eyes[side]
    return int(ball[seen.fit.head.mean[ball, 2].argmax()])


def _skull(eye: Eye, before: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """The affine (2, 3) of the window that takes an eye on a head that has turned to where it was."""
    own = np.concatenate(eye.marks)
    now, then = rest[own], before[own]
    if np.abs(now - then).max() < _STILL:
        return np.eye(2, 3)
    return np.linalg.lstsq(np.column_stack([now, np.ones(len(now))]), then, rcond=None)[0].T


def _rectangle(eye: Eye, back: np.ndarray, side: int) -> tuple[int, int, int, int]:
    """The part of the window in which an eye moves: x0 y0 x1 y1, the last two exclusive."""
    width = eye.width
    left, right = -(0.5 + 2 * _BESIDE) * width, (0.5 + 2 * _BESIDE) * width
    top, bottom = min(eye.above, eye.upper.min() - 0.2 * width) - 0.2 * width, eye.lower.max() + 2 * _LOWER * width
    corners = np.array([(left, top), (right, top), (left, bottom), (right, bottom)])
    points = transform(eye.window(corners), back)
    x0, y0 = np.floor(points.min(0)).astype(int).clip(0, side - 2).tolist()
    x1, y1 = np.ceil(points.max(0)).astype(int).clip(2, side).tolist()
    return x0, y0, max(x1, x0 + 2), max(y1, y0 + 2)


def _opened(eye: Eye, steps: np.ndarray, fitted: np.ndarray, look: np.ndarray, exact: bool) -> Opened:
    """Where the edges go, by the steps (468, 2) of the landmarks in window pixels."""
    upper, lower = (steps[rows] @ eye.axes.T for rows in eye.marks)
    if not exact:
        # The head's lids follow a look less than those of people, and its corners follow the lids more.
        upper[1:-1, 1] += _FOLLOWED * look[1]
        for corner, beside in ((0, 1), (-1, -2)):
            calm = min(upper[beside, 1], lower[beside, 1], upper[corner, 1], key=abs)
            upper[corner, 1] = lower[corner, 1] = calm
    between = (np.subtract(*(fitted[rows] @ eye.axes.T for rows in eye.marks[::-1])))[:, 1]
    (up_x, up_y), (low_x, low_y) = (
        [curve(eye.x, spot, step[:, axis]) for axis in (0, 1)] for spot, step in zip(eye.spots, (upper, lower))
    )
    gap, head = eye.lower - eye.upper, curve(eye.x, eye.spots[0], between)
    grown = low_y - up_y
    left = (1 + grown / np.maximum(head, gap / 2).clip(0.5)).clip(0, 1)
    wider = _WIDEST * eye.width * np.tanh(grown.clip(0) / (_WIDEST * eye.width))
    closer = (gap + grown).clip(0) if exact else gap * left
    if exact:
        closer = closer * _thin(float(closer.max()) / eye.width)
    wanted = np.where(grown < 0, closer, gap + wider)
    height = float(gap.max())
    most = height + max(2 * height, _SLIT * eye.width) if height > _CLOSED * eye.width else height + _SLIT * eye.width
    wanted = wanted * min(1.0, most / max(float(wanted.max()), 1e-6)) if wanted.max() > most else wanted
    rest = gap + grown - wanted
    share = np.abs(up_y) / (np.abs(up_y) + np.abs(low_y)).clip(1e-6)
    new_upper, new_lower = eye.upper + up_y + share * rest, eye.lower + low_y - (1 - share) * rest
    new_upper, new_lower = _met(
        eye.x, new_upper, new_lower, 1 - float((new_lower - new_upper).max()) / max(height, 1e-6)
    )
    above = eye.above + float((steps[eye.brow] @ eye.axes[1]).mean())
    before = np.stack(eye.edges())
    ends = eye.x[[0, -1]] + (up_x + low_x)[[0, -1]] / 2
    x = np.linspace(ends[0], max(ends[1], ends[0] + 1), COLUMNS)
    heights, sources = [], []
    for edge, across, down in zip(before, (up_x, low_x), (new_upper, new_lower)):
        along = np.maximum.accumulate(eye.x + across) + 1e-6 * np.arange(COLUMNS)
        heights.append(np.interp(x, along, down))
        sources.append(np.stack([np.interp(x, along, edge[:, axis]) for axis in (0, 1)], 1))
    # Closed lids hide their own wet rims.
    closed = smoothstep(1 - (heights[1] - heights[0]) / np.maximum(np.interp(x, eye.x, gap), 1))
    wet = _WET * eye.width * closed * smoothstep(np.interp(x, eye.x, gap) / (2 * _WET * eye.width))
    sources[1] = sources[1] + wet[:, None] * eye.axes[1]
    return Opened(x, heights[0], np.maximum(*heights), np.stack(sources), look, above)


def _thin(gap: float) -> float:
    """What is left of a gap between landmarks, of an eye's width: those of closed lids are as far apart as these are
    thick.
    """
    thick = _THICK * float(smoothstep(np.array((3 * _THICK - gap) / (1.5 * _THICK))))
    return max(gap - thick, 0.0) / max(gap, 1e-6)


def _met(x: np.ndarray, upper: np.ndarray, lower: np.ndarray, closed: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges (COLUMNS,) of lids that meet in a line without waves, as far as they are `closed`, 0 to 1."""
    middle, half = (upper + lower) / 2, (lower - upper).clip(0) / 2
    line = np.polynomial.Polynomial.fit(x, middle, 4)(x)
    middle = middle + float(smoothstep(np.array(2 * closed - 1))) * (line - middle)
    return middle - half, middle + half


def _skin(
    eye: Eye,
    opened: Opened,
    shift: np.ndarray,
    gain: np.ndarray,
    here: np.ndarray,
    places: np.ndarray,
    back: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Motion (h, w, 2) and gain (h, w, 3) of the skin around an eye, and how near it is, (h, w) in [0, 1].

    Above the eye, the face's motion is read between lid and brow: from there, the lid's skin is drawn out or pushed
    together up to its lashes, which keep their form.
    """
    width = eye.width
    x = places[..., 0].clip(opened.x[0], opened.x[-1])
    beside = places[..., 0] - x
    upper, lower = (np.interp(x, opened.x, y) for y in (opened.upper, opened.lower))
    above = places[..., 1] < (upper + lower) / 2
    aside = _BESIDE * width
    torn = _torn(shift)
    mended = cv2.GaussianBlur(torn.astype(np.float32), (0, 0), 1.5)
    # Beside the corners both sides go over into each other.
    down = (upper + lower) / 2 - places[..., 1]
    part = smoothstep(0.5 + down / (2 * np.abs(beside).clip(1e-3)))
    moved, bright, near = np.zeros_like(shift), np.zeros_like(gain), np.zeros(shift.shape[:2])
    for share, own, edge, heights, sign, sources in (
        (part, above, upper, opened.upper, -1, opened.sources[0]),
        (1 - part, ~above, lower, opened.lower, 1, opened.sources[1]),
    ):
        away = (sign * (places[..., 1] - edge)).clip(0)
        reach = (edge - opened.above).clip(0.15 * width) if sign < 0 else np.full_like(edge, _LOWER * width)
        far = np.hypot(away / reach, beside / aside)
        known = far > _BLEND
        known = known & own & ~torn
        face, lit = (_continued(values, known, _EVEN * width) for values in (shift, gain))
        if sign < 0:
            line = transform(eye.window(np.stack([opened.x, np.full(COLUMNS, opened.above)], 1)), back)
            there = smoothed(_between(shift, line - here[0, 0]), COLUMNS / 16)
            face = np.stack([np.interp(x, opened.x, there[:, axis]) for axis in (0, 1)], 2).astype(np.float32)
        spots = transform(eye.window(np.stack([opened.x, heights], 1)), back)
        on_edge = smoothed(sources - spots - (0 if sign < 0 else _between(face, spots - here[0, 0])), 1.0)
        on_edge = np.stack([np.interp(x, opened.x, on_edge[:, axis]) for axis in (0, 1)], 2)
        if sign < 0:
            # Beside the corners the edge's motion stays, so that a raised brow does not lift them.
            held = _LASHES * width / reach
            weight = _profile(((away / reach - held) / (1 - held)).clip(0, 1))[..., None]
            skin = weight * on_edge + (1 - weight) * face
        else:
            skin = face + _profile(far.clip(0, 1))[..., None] * on_edge
        smooth = smoothstep((_BLEND - far) / (_BLEND - 1))
        smooth = np.maximum(smooth, mended if sign > 0 else 0)[..., None]
        moved = moved + share[..., None] * (shift + smooth * (skin - shift))
        bright = bright + share[..., None] * (gain + smooth * (lit - gain))
        near = near + share * smoothstep((1 - far) / _LET_GO)
    return moved.astype(np.float32), bright.astype(np.float32), near.astype(np.float32)


def _seam(eye: Eye, opened: Opened, places: np.ndarray) -> np.ndarray:
    """Where lids meet that were apart, at places (h, w, 2): (h, w) in [0, 1].

    There the photo's places jump from one lid to the other, and what lay between them would show.
    """
    x = places[..., 0]
    line, gap = (np.interp(x, opened.x, y) for y in (opened.upper, opened.lower - opened.upper))
    apart = np.linalg.norm(opened.sources[1] - opened.sources[0], axis=1)
    met = smoothstep(np.interp(x, opened.x, apart, 0, 0) - gap - 1) * smoothstep(2 - gap)
    return met * smoothstep(1.5 * (1 - np.abs(places[..., 1] - line) / (2 * _SEAM)))


def _lashes(eye: Eye, opened: Opened, places: np.ndarray) -> np.ndarray:
    """Where the window shows the lashes of the upper lid that come to lie at places (h, w, 2): (h, w, 2)."""
    x = places[..., 0].clip(opened.x[0], opened.x[-1])
    line = np.stack([np.interp(x, opened.x, opened.sources[0][:, axis]) for axis in (0, 1)], 2)
    down = places[..., 1] - np.interp(x, opened.x, opened.upper)
    return line + (down.clip(-2 * _SEAM, 0) - 0.5)[..., None] * eye.axes[1]


def _continued(values: np.ndarray, known: np.ndarray, even: float) -> np.ndarray:
    """Values (h, w, C) continued from where they are known, (h, w) bool, without rays; all of them if nowhere."""
    if not known.any():
        return values
    soft = cv2.GaussianBlur(extend(values, known)[0], (0, 0), even)
    return np.where(known[..., None], values, soft)


def _torn(shift: np.ndarray) -> np.ndarray:
    """Where a motion (h, w, 2) jumps, as beside a fold of the drawn head's lid: (h, w) bool."""
    jumps = np.zeros(shift.shape[:2], np.uint8)
    for axis in (0, 1):
        jumps |= (np.abs(np.gradient(shift, axis=axis)).max(2) > _JUMP).astype(np.uint8)
    return cv2.dilate(jumps, np.ones((5, 5))) > 0


def _below(eye: Eye, opened: Opened, places: np.ndarray) -> np.ndarray:
    """Window points (h, w, 2) of skin under the eye, for places (h, w, 2) on the upper lid."""
    x = places[..., 0].clip(opened.x[0], opened.x[-1])
    lid = np.interp(x, opened.x, opened.upper) - places[..., 1]
    return eye.window(np.stack([places[..., 0], np.interp(x, eye.x, eye.lower) + lid], 2))


def _drawn_out(down: np.ndarray) -> np.ndarray:
    """How far skin whose source lies `down` (h, w) pixels away is drawn out too much to show its grain: (h, w)."""
    times = 1 / (1 + np.gradient(down, axis=0)).clip(0.1)
    much = smoothstep((times - _DRAWN_OUT[0]) / (_DRAWN_OUT[1] - _DRAWN_OUT[0]))
    return cv2.GaussianBlur(much.astype(np.float32), (0, 0), 1.0)


def _between(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The pixels (N, C) of a picture (h, w, C) at places (N, 2) between them."""
    x, y = (places[:, axis : axis + 1].astype(np.float32) for axis in (0, 1))
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]


def _profile(far: np.ndarray) -> np.ndarray:
    """1 at a distance of 0, 0 at 1: halfway between a straight line and a smooth step."""
    return 1 - (far + smoothstep(far)) / 2


def _ball(eye: Eye, opened: Opened, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What is seen between the lids at places (h, w, 2): where the photo shows it (h, w, 2), where it does not (h, w)
    in [0, 1], what is painted there (h, w, 3), and how much brighter it gets (h, w), all in the eye's axes.
    """
    width, look = eye.width, opened.look
    centre = eye.iris + look
    away = np.linalg.norm(places - centre, axis=2)
    rim = _RIM * eye.radius
    reach = max(_SPREAD * float(np.linalg.norm(look)), 0.6 * eye.radius)
    turned = smoothstep(1 - (away - rim) / reach)
    if eye.glint is not None:
        spot = eye.glint + _FOLLOWS * look
        size = eye.glare
        soft = max(0.4 * eye.radius, 1.6 * (1 - _FOLLOWS) * float(np.linalg.norm(look)))
        held = smoothstep(1 - (np.linalg.norm(places - spot, axis=2) - size) / soft)
        turned = turned * (1 - (1 - _FOLLOWS) * held)
    sources = places - turned[..., None] * look
    x = places[..., 0].clip(opened.x[0], opened.x[-1])
    new = [np.interp(x, opened.x, y) for y in (opened.upper, opened.lower)]
    old_x = sources[..., 0].clip(eye.x[0], eye.x[-1])
    old = [np.interp(old_x, eye.x, y) for y in (eye.upper, eye.lower)]
    depth = (places[..., 1] - new[0]).clip(0), (new[1] - places[..., 1]).clip(0)
    was = sources[..., 1] - old[0], old[1] - sources[..., 1]
    # What lay in a lid's shade or under it is not what is seen at a distance from it.
    margin = max(1.5, 2 * _SHADE * width), max(1.0, 0.5 * _SHADE * width)
    painted = np.zeros(places.shape[:2])
    for now, then, most in zip(depth, was, margin):
        painted = np.maximum(painted, smoothstep((np.minimum(now, most) - then) / (0.6 * most)))
    outside = np.abs(sources[..., 0] - old_x)
    painted = np.maximum(painted, smoothstep(outside / 2))
    iris = smoothstep((1.04 * eye.radius - away) / max(0.14 * eye.radius, 1.0))[..., None]
    round_ = eye.look_up(eye.round, eye.window(places - look))
    round_ = round_ + eye.look_up(eye.shine, eye.window(places - _FOLLOWS * look))
    paint = eye.look_up(eye.white, eye.window(places)) * (1 - iris) + round_ * iris
    dark = [1 - _DARK * np.exp(-each.clip(0) / (_SHADE * width)) for each in (depth[0], was[0])]
    paint = paint * dark[0][..., None]
    shade = (dark[0] / dark[1]).clip(0.6, 1.0)
    return sources, painted, paint, shade
