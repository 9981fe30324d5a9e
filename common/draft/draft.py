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
EDGE, NEAR, FAR = 0.02, 0.12, 0.5
"""Of the head's height: over how much light and motion fade out in the surroundings, and both in hair."""
_SOFT = 0.7  # pixels of blur at the edges of what is hidden
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
    def of(cls, photo: np.ndarray, face: Face, *, fitted: Fit | None = None, person: np.ndarray | None = None) -> Draft:
        """See one face of a photo.

        Args:
            photo: (H, W, 3) uint8, RGB.
            face: in its pixels.
            fitted: the head, where it has been fitted already.
            person: (H, W) bool, where the person is, hair and clothes with them, if that is known.
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
            None if person is None else cv2.GaussianBlur(
                crop.apply(np.repeat(255 * person.astype(np.uint8)[..., None], 3, 2))[..., 0].astype(np.float32) / 255,
                (0, 0), 1.5,
            ),
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
        return self._composed(drawn)

    def _composed(self, drawn: Surface) -> np.ndarray:
        """The photo with the drawn head in it, and around it what moves along."""
        result, crop = self.photo.copy(), self.crop
        layers = self._layers(drawn)
        x0, y0, x1, y1 = crop.rectangle
        before = result[y0:y1, x0:x1]

        def back(values: np.ndarray) -> np.ndarray:
            patch, _ = crop.warp_back(np.ascontiguousarray(values), mask=True)
            return patch

        def carried(shift: np.ndarray, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            moved = back(shift) @ np.linalg.inv(crop.matrix[:, :2]).T.astype(np.float32)
            x, y = np.meshgrid(np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32))
            looked = cv2.remap(
                self.photo, x + moved[..., 0], y + moved[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
            )
            brighter = back(gain - 1) + 1
            return looked * brighter, moved, brighter

        own, moved, brighter = carried(layers.shift, layers.gain)
        hidden = back(layers.hidden)[..., None]
        after = own
        if (hidden > _STILL).any():
            other, _, _ = carried(layers.twin_shift, layers.twin_gain)
            share = back(layers.twin_hidden)[..., None]
            after = own + hidden * ((1 - share) * other + share * 255 * back(layers.fill) - own)
        same = (np.abs(moved).max(2) < _STILL) & (np.abs(brighter - 1).max(2) < _STILL) & (hidden[..., 0] < _STILL)
        before[:] = np.where(same[..., None], before, np.rint(after.clip(0, 255)))
        return result

    def _layers(self, drawn: Surface) -> Layers:
        """All that is drawn, as pictures of the window; motion and light fade out around the head."""
        side, seen = self.crop.size, drawn.seen
        rows, columns = np.nonzero(seen)
        here = np.stack([columns, rows], 1).astype(np.float32)

        def picture(values: np.ndarray, rest: float = 0.0) -> np.ndarray:
            whole = np.full((side, side, *values.shape[1:]), rest, np.float32)
            whole[seen] = values
            return whole

        tall = float(np.ptp(self.before.points[:, 1].numpy()))
        person = np.zeros((side, side), np.float32) if self.person is None else self.person
        shift = spread(picture(drawn.source - here), seen, tall * (NEAR + (FAR - NEAR) * person))
        trusted = seen & (picture(drawn.hidden) < 0.5)
        gain = spread(picture(drawn.gain**_GAMMA - 1), trusted, tall * (EDGE + (FAR - EDGE) * person)) + 1
        return Layers(
            shift, np.where(seen[..., None], picture(drawn.gain**_GAMMA, 1), gain),
            cv2.GaussianBlur(picture(drawn.hidden), (0, 0), _SOFT), picture(drawn.twin - here),
            picture(drawn.twin_gain**_GAMMA, 1), picture(drawn.twin_hidden, 1), picture(to_srgb(drawn.fill)),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Layers:
    """A surface as pictures of the window, S x S; gains and colours are of display values.

    Attributes:
        shift: (S, S, 2), from each pixel to its source, and `gain`: (S, S, 3).
        hidden: (S, S), where the source does not show what is drawn.
        twin_shift: (S, S, 2), the same of the mirrored place, `twin_gain`: (S, S, 3), and `twin_hidden`: (S, S).
        fill: (S, S, 3) what is shown where both are hidden.
    """

    shift: np.ndarray
    gain: np.ndarray
    hidden: np.ndarray
    twin_shift: np.ndarray
    twin_gain: np.ndarray
    twin_hidden: np.ndarray
    fill: np.ndarray


def light_of(found: Fit) -> torch.Tensor:
    """See `Draft.light`."""
    return ambient(torch.ones(1, 3))[0] if found.light is None else found.light[0].float().cpu()
