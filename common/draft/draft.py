"""One photo that can be moved: `Draft.of(photo, face)`, then `draft(change)` for any number of changes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch

from ..face3d.fit import Fit, fit
from ..face3d.fit_light import to_linear
from ..face3d.lighting import ambient, shade
from ..faces import Crop, Face
from .change import Change
from .colours import DIM, complete, exposure, inner_mouth
from .heads import Placed, misses, place
from .layers import Layers, layers
from .surface import shown, surface
from .surroundings import Surroundings

LARGEST = 512
"""Pixels of the window's side in which motion is computed; what is carried has the photo's own."""
_STILL = 1e-3  # pixels, or share


@dataclass(frozen=True, eq=False)
class Draft:
    """A photo, the head that was fitted to it, and what that head shows of it; a value.

    Attributes:
        photo: (H, W, 3) uint8, RGB.
        fit: the head.
        crop: the window in which motion is computed.
        before: the head in it, as it is.
        depth: (S, S) metres, how deep the photo sees in it.
        colours: (V, 3) linear, of every vertex in the photo's light, whether seen or not.
        white: how bright the photo shows a white surface.
        around: hair, body and background in the window; None where nobody has told them apart.
    """

    photo: np.ndarray = field(repr=False)
    fit: Fit = field(repr=False)
    crop: Crop = field(repr=False)
    before: Placed = field(repr=False)
    depth: np.ndarray = field(repr=False)
    colours: torch.Tensor = field(repr=False)
    white: float
    around: Surroundings | None = field(default=None, repr=False)

    @classmethod
    def of(cls, photo: np.ndarray, face: Face) -> Draft:
        """See one face of a photo.

        Args:
            photo: (H, W, 3) uint8, RGB.
            face: in its pixels.
        """
        found = fit(face.landmarks if face.mesh is None else face.mesh, image=photo)
        height, width = photo.shape[:2]
        whole = Crop.around(face.box, (width, height), LARGEST)
        crop = Crop.around(face.box, (width, height), int(np.clip(round(LARGEST / whole.matrix[0, 0]), 96, LARGEST)))
        before = place(found, found.vertices(), found.camera, crop, misses(found))
        depth, told = shown(found.head, before, crop.size)
        picture = crop.apply(photo)
        linear = to_linear(picture.astype(np.float32) / 255)
        x, y = (np.ascontiguousarray(before.points[:, i : i + 1].numpy()) for i in (0, 1))
        looked = torch.from_numpy(cv2.remap(linear, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0])
        lit = shade(before.normals[None], light_of(found)[None])[0].clamp_min(DIM)
        known = (told > 0.5) & ~inner_mouth(found.head)[0]
        return cls(
            photo, found, crop, before, depth, complete(found.head, looked, known, lit),
            exposure(found.head, looked / lit, known),
        )  # fmt: skip

    def among(self, labels: np.ndarray, at: Crop) -> Draft:
        """The same with its surroundings told apart, so that hair turns along with a head.

        Args:
            labels: (T, T) uint8, face-parsing classes.
            at: how these lie in the photo.
        """
        return replace(self, around=Surroundings.of(self.crop.apply(self.photo), self.crop, labels, at))

    @property
    def light(self) -> torch.Tensor:
        """(9, 3) the light on the face, see `fit_light`; from everywhere where the photo shows too little skin."""
        return light_of(self.fit)

    def __call__(self, change: Change) -> np.ndarray:
        """The photo (H, W, 3) uint8 after a change; where nothing moves it stays as it is, byte for byte."""
        if not bool(change.vector().any()):
            return self.photo.copy()
        drawn = surface(self.fit, change, self.crop, self.before, self.depth, self.colours, self.white)
        turns = not torch.equal(change.turn, torch.eye(3))
        return self._composed(layers(drawn, self.before, self.around, turns))

    def _composed(self, drawn: Layers) -> np.ndarray:
        """The photo with all layers on it, at its own resolution."""
        result, crop = self.photo.copy(), self.crop
        x0, y0, x1, y1 = crop.rectangle
        target = result[y0:y1, x0:x1]
        inverse = np.linalg.inv(crop.matrix[:, :2]).T.astype(np.float32)
        x, y = np.meshgrid(np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32))

        def back(values: np.ndarray) -> np.ndarray:
            patch, _ = crop.warp_back(np.ascontiguousarray(values, np.float32), mask=True)
            return patch if patch.ndim == 3 else patch[..., None]

        def carried(shift: np.ndarray, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            """The photo's pixels from elsewhere, and where they are not simply those of the place itself."""
            moved, brighter = back(shift) @ inverse, back(gain - 1)
            looked = cv2.remap(
                self.photo, x + moved[..., 0], y + moved[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
            )
            return looked * (brighter + 1), np.abs(np.concatenate([moved, brighter], 2)).max(2) > _STILL

        after, changed = carried(drawn.shift, drawn.gain)
        hidden = back(drawn.hidden)
        if (hidden > _STILL).any():
            other, _ = carried(drawn.twin_shift, drawn.twin_gain)
            share = back(drawn.twin_hidden)
            after = after + hidden * ((1 - share) * other + share * 255 * back(drawn.fill) - after)
        if drawn.plate is not None and drawn.bare is not None:
            bare = back(drawn.bare)
            after = after + bare * (255 * back(drawn.plate) - after)
            changed |= bare[..., 0] > _STILL
        changed |= hidden[..., 0] > _STILL
        target[:] = np.where(changed[..., None], np.rint(after.clip(0, 255)), target)
        return result


def light_of(found: Fit) -> torch.Tensor:
    """See `Draft.light`."""
    return ambient(torch.ones(1, 3))[0] if found.light is None else found.light[0].float().cpu()
