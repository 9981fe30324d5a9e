"""One photo that can be moved: `Draft.of(photo, face)`, then `draft(change)` for any number of changes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
import torch

from ..face3d.fit import Fit
from ..faces import Crop, Face
from ..faces.warp import sample
from .change import Change
from .layers import GAMMA, Layers, layers
from .lip_motion import with_lips
from .seen import Seen
from .surface import surface
from .surroundings import Surroundings
from .turned import turned

_BORDER = 0.06  # of the window's side, over which all that changes fades out at its edges
_STILL = 1e-3  # pixels, or share


@dataclass(frozen=True, eq=False)
class Draft:
    """A photo, and what it shows of the head that was fitted to it; a value.

    Attributes:
        photo: (H, W, 3) uint8, RGB.
        seen: the head in it.
        around: hair, body and background in the window; None where nobody has told them apart.
    """

    photo: np.ndarray = field(repr=False)
    seen: Seen
    around: Surroundings | None = field(default=None, repr=False)

    @classmethod
    def of(cls, photo: np.ndarray, face: Face) -> Draft:
        """See one face of a photo.

        Args:
            photo: (H, W, 3) uint8, RGB.
            face: in its pixels.
        """
        return cls(photo, Seen.of(photo, face))

    def among(self, labels: np.ndarray, at: Crop) -> Draft:
        """The same with its surroundings told apart, so that hair turns along with a head and glasses stay.

        Args:
            labels: (T, T) uint8, face-parsing classes.
            at: how these lie in the photo.
        """
        return replace(self, around=Surroundings.of(self.window, self.crop, labels, at))

    @property
    def window(self) -> np.ndarray:
        """(S, S, 3) uint8, what motion is computed in; beyond the photo its edge goes on."""
        side = self.crop.size
        return sample(self.photo, self.crop.matrix, (side, side), border=cv2.BORDER_REPLICATE)

    @property
    def fit(self) -> Fit:
        """The head."""
        return self.seen.fit

    @property
    def crop(self) -> Crop:
        """The window in which motion is computed."""
        return self.seen.crop

    @property
    def present(self) -> torch.Tensor:
        """(12,) intensities of the action units that the head shows, 0 to 5, mean of both sides."""
        return self.fit.expression[0].mean(0).clamp(0, 5)

    @property
    def light(self) -> torch.Tensor:
        """(9, 3) the light on the face, see `Seen.light`."""
        return self.seen.light

    def __call__(self, change: Change, bare: bool = False) -> np.ndarray:
        """The photo after a change; where nothing moves it stays as it is, byte for byte.

        Args:
            change: what shall be.
            bare: lay bare what a head that turns uncovers, and guess it: nearer to the truth for networks that mend
                the guess. Otherwise what is around the head is stretched, which looks better as it is.

        Returns:
            (H, W, 3) uint8.
        """
        if not bool(change.vector().any()):
            return self.photo.copy()
        drawn = surface(self.seen, change)
        turns = not torch.equal(change.turn, torch.eye(3))
        laid = turned(drawn, self.seen, self.around) if turns and not bare else None
        laid = laid or layers(drawn, self.seen, self.around, turns)
        laid = with_lips(laid, self.seen, drawn.after, drawn.rest, drawn.light**GAMMA)
        return self._composed(laid, None if turns else self._worn)

    @cached_property
    def _worn(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Glasses: where they hide the face in the crop's rectangle, (h, w, 1), and the photo without them."""
        if self.around is None or self.around.worn is None:
            return None
        x0, y0, x1, y1 = self.crop.rectangle
        worn, under = self._back(self.around.worn), self.crop.warp_back(self.around.unworn)[0]
        bare = self.photo.copy()
        bare[y0:y1, x0:x1] = np.where(worn > _STILL, under, bare[y0:y1, x0:x1])
        return worn, bare

    @cached_property
    def _border(self) -> np.ndarray:
        """(h, w, 1) over the crop's rectangle: 1, falling to 0 at those of its edges that are not the photo's."""
        x0, y0, x1, y1 = self.crop.rectangle
        height, width = self.photo.shape[:2]
        far = _BORDER * max(x1 - x0, y1 - y0) + 1

        def along(first: int, last: int, end: int) -> np.ndarray:
            places = np.arange(first, last, dtype=np.float32)
            low, high = (places - first) / far if first else 1, (last - 1 - places) / far if last < end else 1
            return np.minimum(np.minimum(low, high), np.ones_like(places))

        return (along(y0, y1, height)[:, None] * along(x0, x1, width))[..., None]

    def _back(self, values: np.ndarray) -> np.ndarray:
        """A picture of the window, as it lies in the photo: (h, w, C)."""
        patch, _ = self.crop.warp_back(np.ascontiguousarray(values, np.float32), mask=True)
        return patch if patch.ndim == 3 else patch[..., None]

    def _composed(self, drawn: Layers, worn: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
        """The photo with all layers on it, at its own resolution; what is worn stays where it was."""
        result, crop, back = self.photo.copy(), self.crop, self._back
        x0, y0, x1, y1 = crop.rectangle
        target = result[y0:y1, x0:x1]
        source = self.photo if worn is None else worn[1]
        inverse = np.linalg.inv(crop.matrix[:, :2]).T.astype(np.float32)
        x, y = np.meshgrid(np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32))

        def carried(shift: np.ndarray, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            """The photo's pixels from elsewhere, and where they are not simply those of the place itself."""
            moved, brighter = back(shift) @ inverse, back(gain - 1)
            looked = cv2.remap(
                source, x + moved[..., 0], y + moved[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
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
        if worn is not None:
            after = after + worn[0] * (target * back(drawn.gain) - after)
        after = target + self._border * (after - target)
        target[:] = np.where(changed[..., None], np.rint(after.clip(0, 255)), target)
        return result
