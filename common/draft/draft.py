"""One photo that can be moved: `Draft.of(photo, face)`, then `draft(change)` for any number of changes."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch

from ..face3d.fit import Fit, fit
from ..face3d.fit_light import to_linear, to_srgb
from ..face3d.lighting import ambient, shade
from ..faces import Crop, Face
from .change import Change
from .colours import DIM, complete, exposure, inner_mouth
from .field import spread
from .heads import Placed, misses, place
from .surface import Surface, shown, surface

LARGEST = 512  # pixels of the window's side in which motion is computed
NEAR, FAR = 0.12, 0.5  # of the face's height: over how much motion fades out in surroundings, and in hair
_GAMMA = 1 / 2.2  # gains of light become gains of display values
_STILL = 1e-3  # pixels


@dataclass(frozen=True, eq=False)
class Draft:
    """A photo, the head that was fitted to it, and what that head shows of it; a value.

    Attributes:
        photo: (H, W, 3) uint8, RGB.
        fit: the head.
        crop: the window in which motion is computed.
        before: the head in it, as it is.
        seen: (V,) in [0, 1], what the photo shows of the head.
        colours: (V, 3) linear, of every vertex under a light of 1, whether seen or not.
        white: how bright the photo shows a white surface.
        person: (S, S) float32 in [0, 1], where the person is, if that is known.
    """

    photo: np.ndarray = field(repr=False)
    fit: Fit = field(repr=False)
    crop: Crop = field(repr=False)
    before: Placed = field(repr=False)
    seen: torch.Tensor = field(repr=False)
    colours: torch.Tensor = field(repr=False)
    white: float
    person: np.ndarray | None = field(default=None, repr=False)

    @classmethod
    def of(cls, photo: np.ndarray, face: Face, *, fitted: Fit | None = None) -> Draft:
        """See one face of a photo.

        Args:
            photo: (H, W, 3) uint8, RGB.
            face: in its pixels.
            fitted: the head, where it has been fitted already.
        """
        found = fitted or fit(face.landmarks if face.mesh is None else face.mesh, image=photo)
        height, width = photo.shape[:2]
        whole = Crop.around(face.box, (width, height), LARGEST)
        side = int(np.clip(round(LARGEST / whole.matrix[0, 0]), 96, LARGEST))
        crop = Crop.around(face.box, (width, height), side)
        before = place(found, found.vertices(), found.camera, crop, misses(found))
        seen = shown(found.head, before, side)
        picture = to_linear(crop.apply(photo).astype(np.float32) / 255)
        mouth, _ = inner_mouth(found.head)
        x, y = (np.ascontiguousarray(before.points[:, i].numpy()) for i in (0, 1))
        looked = torch.from_numpy(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0])
        lit = shade(before.normals[None], light_of(found)[None])[0].clamp_min(DIM)
        known = (seen > 0.5) & ~mouth
        colours = looked / lit
        return cls(
            photo, found, crop, before, seen, complete(found.head, colours, known),
            exposure(found.head, colours, known),
        )  # fmt: skip

    @property
    def light(self) -> torch.Tensor:
        """(9, 3) the light on the face, see `fit_light`; from everywhere where the photo shows too little skin."""
        return light_of(self.fit)

    def __call__(self, change: Change) -> np.ndarray:
        """The photo (H, W, 3) uint8 after a change; where nothing moves it stays as it is, byte for byte."""
        if not bool(change.vector().any()):
            return self.photo.copy()
        drawn = surface(self.fit, change, self.crop, self.before, self.seen, self.colours, self.white)
        return self._composed(*self._fields(drawn))

    def _fields(self, drawn: Surface) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shift (S, S, 2) in crop pixels, gain (S, S, 3) of display values, fill (S, S, 4) with its weight last."""
        side, seen = self.crop.size, drawn.seen
        rows, columns = np.nonzero(seen)
        shift, gain = np.zeros((side, side, 2), np.float32), np.ones((side, side, 3), np.float32)
        fill = np.zeros((side, side, 4), np.float32)
        shift[seen] = drawn.source - np.stack([columns, rows], 1)
        gain[seen] = drawn.gain**_GAMMA
        fill[seen] = np.concatenate([to_srgb(drawn.fill), drawn.hidden[:, None]], 1)
        trusted = seen & (fill[..., 3] < 0.5)
        if not trusted.any():
            return shift, gain, fill
        tall = float(np.ptp(self.before.points[:, 1].numpy()))
        reach = np.full((side, side), NEAR * tall, np.float32)
        if self.person is not None:
            reach += (FAR - NEAR) * tall * self.person
        both = spread(np.concatenate([shift, gain[..., :2] - 1], 2), trusted, reach)
        blue = spread(gain[..., 2:] - 1, trusted, reach)
        inner = seen[..., None] & ~trusted[..., None]
        shift = np.where(inner, both[..., :2], np.where(trusted[..., None], shift, both[..., :2]))
        gain = 1 + np.concatenate([both[..., 2:], blue], 2)
        soft = cv2.GaussianBlur(fill, (0, 0), 0.7)
        return shift, gain, np.where(seen[..., None], soft, 0)

    def _composed(self, shift: np.ndarray, gain: np.ndarray, fill: np.ndarray) -> np.ndarray:
        result, crop = self.photo.copy(), self.crop
        moved, (x0, y0, x1, y1) = crop.warp_back(shift, mask=True)
        moved = moved @ np.linalg.inv(crop.matrix[:, :2]).T.astype(np.float32)
        brighter = crop.warp_back(gain - 1, mask=True)[0] + 1
        filled = crop.warp_back(fill, mask=True)[0]
        x, y = np.meshgrid(np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32))
        carried = cv2.remap(
            self.photo, x + moved[..., 0], y + moved[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        weight = filled[..., 3:]
        after = (1 - weight) * carried * brighter + 255 * weight * filled[..., :3]
        same = (np.abs(moved).max(2) < _STILL) & (np.abs(brighter - 1).max(2) < _STILL) & (weight[..., 0] < _STILL)
        result[y0:y1, x0:x1] = np.where(same[..., None], result[y0:y1, x0:x1], np.rint(after.clip(0, 255)))
        return result


def light_of(found: Fit) -> torch.Tensor:
    """See `Draft.light`."""
    return ambient(torch.ones(1, 3))[0] if found.light is None else found.light[0].float().cpu()
