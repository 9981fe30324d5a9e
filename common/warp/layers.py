"""A drawn surface as pictures of the window, with what is around it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..face3d.fitting.light import to_srgb
from .extrapolate import extend, fade, smoothstep
from .fitted_face import Seen
from .surface import Surface
from .surroundings import Surroundings

EDGE, NEAR, FAR = 0.02, 0.12, 0.5
"""Of the head's height: over how much light fades out in the surroundings, over how much motion does at most, and both
in hair that turns along."""
_FOLDLESS = 3.0  # times a motion's length: over less, what it fades out in would be folded
_SOFT = 0.7  # pixels of blur at the edges of what is hidden
STIRRED = (0.3, 1.5)
"""Pixels of the window between which skin goes from lying where it lay, which the photo shows however it is turned, to
having moved."""
_EVEN, _PERSON, _ENDS = 0.05, 0.012, 0.15
"""Of the window's side: over what light on hair and clothes is evened, the blur of the edges of what is lit, since no
parser knows them to a pixel, and over what all new light ends at the window's edges."""
_BESIDE = (-0.4, 0.3)  # by how much new light may change hair and clothes, whose shape is not known
GAMMA = 1 / 2.2  # gains of light become gains of display values


@dataclass(frozen=True, eq=False)
class Layers:
    """Pictures of the window, S x S; gains and colours are of display values."""

    shift: np.ndarray  # (S, S, 2), from each pixel to its source
    gain: np.ndarray  # (S, S, 3), how many times as bright that is
    hidden: np.ndarray  # (S, S), where the source does not show what is drawn
    twin_shift: np.ndarray  # (S, S, 2), the same of the mirrored place
    twin_gain: np.ndarray  # (S, S, 3)
    twin_hidden: np.ndarray  # (S, S)
    fill: np.ndarray  # (S, S, 3), what is shown where both are hidden
    plate: np.ndarray | None = None  # (S, S, 3), what is behind the head; None where it is not looked at
    bare: np.ndarray | None = None  # (S, S), where it is seen

    def still(self, veil: np.ndarray, *, lit: bool) -> Layers:
        """The same with nothing moved or painted under a veil (S, S) in [0, 1]; new light, where it is `lit`, stays."""
        free = (1 - veil)[..., None]
        gain = self.gain if lit else 1 + free * (self.gain - 1)
        return replace(self, shift=free * self.shift, gain=gain, hidden=free[..., 0] * self.hidden)


def layers(drawn: Surface, before: Seen, around: Surroundings | None, turns: bool) -> Layers:
    """Lay out what is drawn, and move what is around it.

    Around a face that moves, surroundings are stretched a little, and so is skin that comes to light, under a chin or
    on a lid: only the inside of a mouth is painted. A head that turns takes its hair along, if that is known, and
    leaves neck and background bare; see `turned` for another way.
    """
    seen = drawn.seen
    side, (rows, columns) = len(seen), np.nonzero(seen)
    here = np.stack([columns, rows], 1).astype(np.float32)

    def picture(values: np.ndarray, rest: float = 0.0) -> np.ndarray:
        return picture_of(values, seen, rest)

    tall = float(np.ptp(before.before.points[:, 1].numpy()))
    none = np.zeros((side, side), np.float32)
    hair, body = (none, none) if around is None else (around.head, around.body)
    # The drawn mouth's inside moves by itself, see `common.warp.mouth`: lips continue over it.
    skin = picture_of(~drawn.wet, seen) > 0.5
    moved, _ = extend(picture(drawn.source - here), skin)
    far = extend(moved, seen)[1]
    hidden, twin_hidden = np.zeros_like(drawn.covered), drawn.twin_hidden
    if turns:
        stirred = (np.linalg.norm(drawn.source - here, axis=1) - STIRRED[0]) / (STIRRED[1] - STIRRED[0])
        hidden = np.maximum(drawn.covered, drawn.aslant * stirred.clip(0, 1))
        if around is not None:  # the head's edges are not known to a pixel
            hidden = np.maximum(hidden, around.beside(drawn.source) * stirred.clip(0, 1))
            twin_hidden = np.maximum(twin_hidden, around.beside(drawn.twin))
    hidden = picture(hidden)
    length = _FOLDLESS * np.linalg.norm(moved, axis=2) + 1
    reach = np.where(hair > 0.5, FAR * tall, length.clip(0, NEAR * tall)) if turns else length.clip(0, NEAR * tall)
    shift = moved * np.where(seen[..., None], 1, fade(far, reach))
    own = picture(drawn.gain**GAMMA, 1)
    there, plate, bare = hair, None, None
    if turns and around is not None:
        x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
        there = cv2.remap(hair, x + moved[..., 0], y + moved[..., 1], cv2.INTER_LINEAR)
        there = np.maximum(there, seen)  # where the head is afterwards, hair and all
        shift = there[..., None] * moved + (body * (1 - there))[..., None] * shift
        plate, bare = around.plate(before.neck), around.left * (1 - there)
    lit = tall * (EDGE + (FAR - EDGE) * np.maximum(hair, body))
    gain = gained(own, seen & (hidden < 0.5), seen, lit, None if around is None else np.maximum(there, body))
    return Layers(
        shift=shift.astype(np.float32),
        gain=gain,
        hidden=cv2.GaussianBlur(hidden, (0, 0), _SOFT),
        twin_shift=picture(drawn.twin - here),
        twin_gain=picture(drawn.twin_gain**GAMMA, 1),
        twin_hidden=picture(twin_hidden, 1),
        fill=picture(to_srgb(drawn.fill)),
        plate=plate,
        bare=bare,
    )


def picture_of(values: np.ndarray, seen: np.ndarray, rest: float = 0.0) -> np.ndarray:
    """Values (N, ...) of the pixels that are seen, (S, S) bool, as a picture (S, S, ...), the others at rest."""
    whole = np.full((*seen.shape, *values.shape[1:]), rest, np.float32)
    whole[seen] = values
    return whole


def gained(
    own: np.ndarray, lit_skin: np.ndarray, seen: np.ndarray, reach: np.ndarray, person: np.ndarray | None
) -> np.ndarray:
    """How many times as bright each pixel gets, (S, S, 3) float32, around a head too.

    `own` (S, S, 3) is the same of the head's own pixels, of which those of `lit_skin` (S, S) bool show it of what is
    around them, and those of `seen` are left as they are; light fades out over `reach` (S, S) pixels. What is behind a
    `person` (S, S) in [0, 1] is not lit by the lamp before them; None where it is not known.
    """
    side = len(seen)
    brighter, away = extend(own - 1, lit_skin)
    # The nearest skin's light alone would draw rays over hair and clothes.
    smooth = cv2.GaussianBlur(brighter, (0, 0), _EVEN * side)
    brighter = brighter + (away / np.maximum(reach, 1)).clip(0, 1)[..., None] * (smooth - brighter)
    change = np.where(seen[..., None], own - 1, brighter.clip(*_BESIDE) * fade(away, reach))
    if person is not None:
        change = cv2.GaussianBlur(person, (0, 0), _PERSON * side)[..., None] * change
    return (1 + change * _inside(side)).astype(np.float32)


def _inside(side: int) -> np.ndarray:
    """1 in the window (S, S, 1), falling to 0 at its edges: the light on a body ends nowhere at a line."""
    far = np.minimum(np.arange(side) + 0.5, side - 0.5 - np.arange(side)) / (_ENDS * side)
    ramp = smoothstep(far)
    return (ramp[:, None] * ramp[None, :])[..., None].astype(np.float32)
