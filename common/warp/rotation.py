"""A head that turns a little, with all that is around it stretched along, so that nothing tears.

A turning head hardly changes its outline: what faces the viewer slides over it. So the face moves as the fitted head
does, the outline stays where it is but for the roll, and hair, ears and edges, of which a fitted head knows little, lie
between the two.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..core.face_labels import PARTS
from ..face3d.fitting.light import to_srgb
from .extrapolate import at, extend, smoothstep
from .fitted_face import Seen
from .layers import EDGE, FAR, GAMMA, Layers, gained, picture_of
from .surface import Surface
from .surroundings import Surroundings

BESIDE, ROLLED = 0.25, 0.35
"""Of the head's height: how far beyond the head its surroundings are stretched by what slides, and by a roll."""
_HIDDEN, _ASLANT = 0.5, 0.3  # fractions above which the photo shows too little of a place to move it by itself
_SLIDES = 0.5  # pixels sideways, least motion of a head that looks aside
_AGAINST = 0.9  # of what most of a face slides: what slides farther the other way is not a part of it
_SMOOTH = 1 / 128  # of the window's side
_NO_FACE = [
    PARTS.index(name) for name in ("background", "hair", "hat", "neck", "neck_l", "cloth", "l_ear", "r_ear", "ear_r")
]


def turned(drawn: Surface, before: Seen, around: Surroundings | None) -> Layers:
    """Lay out a drawn head that has turned; where its surroundings are not known, the drawn head is all that turns."""
    seen = drawn.seen
    side, (rows, columns) = len(seen), np.nonzero(seen)
    here = np.stack([columns, rows], 1).astype(np.float32)
    tall = float(np.ptp(before.before.points[:, 1].numpy()))
    none = np.zeros((side, side), np.float32)
    head, body = (seen.astype(np.float32), none) if around is None else (around.head, around.body)
    known = (drawn.covered < _HIDDEN) & (drawn.aslant < _ASLANT) & ~drawn.wet
    if around is not None:
        known &= ~np.isin(at(around.labels, drawn.source), _NO_FACE)
    face = cv2.erode(picture_of(known.astype(np.float32), seen), np.ones((3, 3))) > 0
    moved = picture_of(drawn.source - here, seen)
    spun = rolled(moved, face)
    face = _front(moved - spun, face)
    slid = extend(moved - spun, face)[0]
    outward = _distance(head > 0.5) - _distance(head <= 0.5)  # pixels inside the head, below 0 outside
    left = (outward + BESIDE * tall).clip(0, None)  # pixels until nothing slides
    away = _distance(~face)
    slides = smoothstep(left / (left + away + 1e-3))[..., None].astype(np.float32)
    shift = slides * slid + smoothstep(outward / (ROLLED * tall) + 1)[..., None].astype(np.float32) * spun
    shift = np.where(face[..., None], shift, cv2.GaussianBlur(shift, (0, 0), max(1.0, _SMOOTH * side)))
    own = picture_of(drawn.gain**GAMMA, seen, 1)
    person = None if around is None else _carried(np.maximum(head, body), shift)
    gain = gained(own, face, face, tall * (EDGE + (FAR - EDGE) * np.maximum(head, body)), person)
    return Layers(
        shift=shift.astype(np.float32),
        gain=gain,
        hidden=none,
        twin_shift=np.zeros((side, side, 2), np.float32),
        twin_gain=np.ones((side, side, 3), np.float32),
        twin_hidden=none + 1,
        fill=picture_of(to_srgb(drawn.fill), seen),
    )


def rolled(moved: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The part (S, S, 2) of a motion (S, S, 2) that turns the face, (S, S) bool, in the picture's plane."""
    places = np.argwhere(face)[:, ::-1].astype(np.float64)
    centre = places.mean(0)
    old, shift = places - centre, moved[face].astype(np.float64)
    old, new = (each @ [1, 1j] for each in (old, old + shift - shift.mean(0)))
    turn = (new * old.conj()).sum()
    x, y = np.meshgrid(*(np.arange(len(face)) - each for each in centre))
    away = (x + 1j * y) * (turn / abs(turn) - 1)
    return np.stack([away.real, away.imag], 2).astype(np.float32)


def _front(slid: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The one part (S, S) bool of a face that slides (S, S, 2) with most of it.

    An ear lies behind the axis of a turn and slides against the cheek, or apart from it: where both meet, a picture
    that is stretched would show the same place twice.
    """
    if not face.any():
        return face
    main = np.median(slid[face], 0)
    if abs(main[0]) > max(_SLIDES, abs(main[1])):
        face = face & (slid @ main > -_AGAINST * (main @ main))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(face.astype(np.uint8), connectivity=4)
    return labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if count > 1 else face


def _carried(mask: np.ndarray, shift: np.ndarray) -> np.ndarray:
    x, y = np.meshgrid(np.arange(len(mask)), np.arange(len(mask)))
    x = (x + shift[..., 0]).astype(np.float32)
    y = (y + shift[..., 1]).astype(np.float32)
    return cv2.remap(mask, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _distance(mask: np.ndarray) -> np.ndarray:
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
