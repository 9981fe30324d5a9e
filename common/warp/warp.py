"""One photo that can be moved: `Warp.of(photo, face)`, then `warp(change)` for any number of changes.

What moves in a cut-out moves in premultiplied colours, so that no rim appears.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import torch

from ..face3d.fitting.fit import Fit, fit
from ..face3d.heads.head_units import HEAD_UNITS
from ..faces import Crop, Face
from ..faces.affine import compose, quarter_turn, sample
from ..facs.action_units import ActionUnitValues, AUDelta, AUIntensity
from ..facs.controls import GAZE
from ..imaging.images import on_white, to_uint8
from .delta import Change, expressed
from .fitted_face import Seen
from .layers import GAMMA, Layers, layers
from .lids import with_eyes
from .mouth import with_lips
from .rotation import turned
from .surface import surface
from .surroundings import Surroundings

_BORDER = 0.06  # of the window's side, over which all that changes fades out at its edges
_STILL = 1e-3  # pixels, or fraction
_GREY = 1  # bytes by which channels differ in a photo without colour
_KERNEL = 4  # pixels round a place that its cubic sample looks at, and one more


def fit_to(photo: np.ndarray, face: Face) -> Fit:
    """The head that explains one face, as `Warp.of` finds it."""
    upright, turned = _upright(photo, face)
    return fit(turned.landmarks if turned.mesh is None else turned.mesh, image=upright)


def _upright(photo: np.ndarray, face: Face) -> tuple[np.ndarray, Face]:
    """A photo on white, turned until the head in it is upright, and the face in that."""
    return on_white(_quartered(photo, face.turns)), face.mapped(quarter_turn(face.turns, photo.shape[1::-1]))


@dataclass(frozen=True, eq=False, repr=False)
class Warp:
    """A photo, and what it shows of the head that was fitted to it; a value."""

    photo: np.ndarray  # (H, W, 3) uint8, RGB, or (H, W, 4) with alpha, which moves along
    seen: Seen  # the head in it, as the photo shows it after `turns`
    around: Surroundings | None = None  # hair, body and background in the window; None where they are not known
    turns: int = 0  # quarter turns of the photo, anticlockwise, after which the head is upright
    # (S, S) float32 in [0, 1], where something hides the face in the window; None where nothing does
    veil: np.ndarray | None = None

    @classmethod
    def of(cls, photo: np.ndarray, face: Face) -> Warp:
        """See one face, in the pixels of a photo (H, W, 3) uint8 RGB, or (H, W, 4) with alpha, laid on white."""
        return cls(photo, Seen.of(*_upright(photo, face)), turns=face.turns)

    def among(self, labels: np.ndarray, at: Crop) -> Warp:
        """The same with its surroundings from face-parsing classes (T, T) uint8 that lie in the photo as `at`
        says, so that hair turns along with a head and glasses stay.
        """
        return replace(self, around=Surroundings.of(self.window, self.crop, labels, at))

    def veiled(self, veil: np.ndarray | None) -> Warp:
        """The same with what hides the face kept still; see `common.occlusion.Look.veil`."""
        if veil is None:
            return self
        return replace(self, veil=veil, seen=self.seen.veiled(veil))

    @cached_property
    def opaque(self) -> np.ndarray:
        """(H, W, 3) uint8, the photo before white."""
        return on_white(self.photo)

    @cached_property
    def upright(self) -> np.ndarray:
        """The photo, turned so that the head is upright."""
        return _quartered(self.photo, self.turns)

    @property
    def window(self) -> np.ndarray:
        """(S, S, 3) uint8, what motion is computed in; beyond the photo its edge continues."""
        side = self.crop.size
        return sample(on_white(self.upright), self.seen.crop.matrix, (side, side), border=cv2.BORDER_REPLICATE)

    @property
    def fit(self) -> Fit:
        """The head."""
        return self.seen.fit

    @property
    def crop(self) -> Crop:
        """The window in which motion is computed, in the photo's pixels."""
        if not self.turns:
            return self.seen.crop
        height, width = self.photo.shape[:2]
        matrix = compose(self.seen.crop.matrix, quarter_turn(self.turns, (width, height)))
        return Crop(matrix, self.seen.crop.size, (width, height))

    @property
    def present(self) -> torch.Tensor:
        """(12,) intensities of the action units that the head shows, 0 to 5, mean of both sides."""
        return self.fit.expression[0].mean(0).clamp(0, 5)

    @property
    def light(self) -> torch.Tensor:
        """(9, 3) the light on the face, see `Seen.light`."""
        return self.seen.light

    def shown(self) -> AUIntensity:
        """What the head shows: the editors' action units, both sides' mean, all facial actions, and gaze."""
        actions = zip(self.fit.head.action_names, self.fit.actions[0].clamp(0, 1).tolist())
        gaze = zip(GAZE, torch.rad2deg(self.fit.gaze.mean((0, 1))).tolist())
        return AUIntensity(tuple(self.present.tolist()), (*actions, *gaze))

    def change(
        self,
        values: ActionUnitValues,
        turn: torch.Tensor | None = None,
        light: torch.Tensor | None = None,
    ) -> Change:
        """The change that a request asks for: action units and controls, a turn (3, 3) about the picture's axes, and
        another light (9, 3); None leaves pose and light. Absolute intensities count from what the head shows.
        """
        parts = expressed(self.fit.head, self._relative(values) if values.absolute else values)
        turned = torch.eye(3) if turn is None else turn
        return Change(**parts, turn=turned, before=self.light, light=self.light if light is None else light)

    def _relative(self, values: ActionUnitValues) -> AUDelta:
        """What is missing of absolute intensities."""
        present, actions = self.fit.units[0], dict(zip(self.fit.head.action_names, self.fit.actions[0].tolist()))
        gaze = dict(zip(GAZE, torch.rad2deg(self.fit.gaze.mean((0, 1))).tolist()))
        others = {}
        for name, value in values.others:
            unit = name if name in HEAD_UNITS else name[:-1]
            if name in gaze or name in actions:
                there = gaze.get(name, actions.get(name, 0.0))
            else:
                sides = {"L": present[:1], "R": present[1:]}.get(name[len(unit) :], present)
                there = float(sides[:, list(HEAD_UNITS).index(unit)].mean())
            others[name] = value - there
        wanted = (min(max(value, 0.0), 5.0) for value in values)
        missing = (goal - now for goal, now in zip(wanted, self.present.tolist()))
        return AUDelta(tuple(missing), tuple(others.items()), values.motion)

    def __call__(self, change: Change, bare: bool = False) -> np.ndarray:
        """The photo after a change; where nothing moves it stays as it is, byte for byte, alpha and hidden colours too.

        Args:
            change: the requested change.
            bare: uncover what is behind a head that turns, and guess it: nearer to the truth for networks that mend
                the guess. Otherwise what is around the head is stretched, which looks better as it is.

        Returns:
            (H, W, 3 or 4) uint8, as the photo.
        """
        if change.still:
            return self.photo.copy()
        drawn = surface(self.seen, change)
        turns = not torch.equal(change.turn, torch.eye(3))
        laid = turned(drawn, self.seen, self.around) if turns and not bare else None
        laid = laid or layers(drawn, self.seen, self.around, turns)
        laid = with_lips(laid, self.seen, drawn.after, drawn.rest, drawn.light**GAMMA)
        exact = change.motion is not None
        laid = with_eyes(laid, self.seen, drawn.after, drawn.rest, drawn.light**GAMMA, exact=exact)
        if self.veil is not None and not turns:  # with a head that turns, what is before it turns along
            laid = laid.still(self.veil, lit=not torch.equal(change.before, change.light))
        return _quartered(self._composed(laid, None if turns else self._worn), -self.turns)

    @cached_property
    def _worn(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Glasses: where they hide the face in the crop's rectangle, (h, w, 1), and the photo there without them."""
        if self.around is None or self.around.worn is None:
            return None
        x0, y0, x1, y1 = self.seen.crop.rectangle
        worn, under = self._back(self.around.worn), self.seen.crop.warp_back(self.around.unworn)[0]
        bare = self.upright[y0:y1, x0:x1].copy()
        bare[..., :3] = np.where(worn > _STILL, under, bare[..., :3])
        return worn, bare

    @cached_property
    def _border(self) -> np.ndarray:
        """(h, w, 1) over the crop's rectangle: 1, falling to 0 at those of its edges that are not the photo's."""
        x0, y0, x1, y1 = self.seen.crop.rectangle
        height, width = self.upright.shape[:2]
        far = _BORDER * max(x1 - x0, y1 - y0) + 1

        def along(first: int, last: int, end: int) -> np.ndarray:
            places = np.arange(first, last, dtype=np.float32)
            low, high = (places - first) / far if first else 1, (last - 1 - places) / far if last < end else 1
            return np.minimum(np.minimum(low, high), np.ones_like(places))

        return (along(y0, y1, height)[:, None] * along(x0, x1, width))[..., None]

    def _back(self, values: np.ndarray) -> np.ndarray:
        """A picture of the window, as it lies in the photo: (h, w, C)."""
        patch, _ = self.seen.crop.warp_back(np.ascontiguousarray(values, np.float32), mask=True)
        return patch if patch.ndim == 3 else patch[..., None]

    def _looked(self, moved: np.ndarray, bare: np.ndarray | None) -> np.ndarray:
        """The photo's premultiplied colours at places away by `moved` (h, w, 2) pixels from those of the crop's
        rectangle, (h, w, 3 or 4); `bare` (h, w, 3 or 4) uint8 is what the rectangle shows in place of the photo, if
        anything.
        """
        x0, y0, x1, y1 = self.seen.crop.rectangle
        height, width = self.upright.shape[:2]
        far = np.abs(moved).max((0, 1))  # no more of a large photo is looked at
        left, top = (max(int(low - most) - _KERNEL, 0) for low, most in zip((x0, y0), far))
        right, bottom = (
            min(int(high + most) + _KERNEL, end) for high, most, end in zip((x1, y1), far, (width, height))
        )
        part = self.upright[top:bottom, left:right]
        if bare is not None:
            part = part.copy()
            part[y0 - top : y1 - top, x0 - left : x1 - left] = bare
        x, y = np.meshgrid(
            np.arange(x0 - left, x1 - left, dtype=np.float32), np.arange(y0 - top, y1 - top, dtype=np.float32)
        )
        where = x + moved[..., 0], y + moved[..., 1]
        return cv2.remap(premultiplied(part), *where, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)

    def _composed(self, drawn: Layers, worn: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
        """The photo with all layers on it, at its own resolution; what is worn stays where it was."""
        result, back = self.upright.copy(), self._back
        x0, y0, x1, y1 = self.seen.crop.rectangle
        target = result[y0:y1, x0:x1]
        before = premultiplied(target)
        inverse = np.linalg.inv(self.seen.crop.matrix[:, :2]).T.astype(np.float32)

        def carried(shift: np.ndarray, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            """The photo's pixels from elsewhere, and where they are not simply those of the place itself."""
            moved, brighter = back(shift) @ inverse, back(gain - 1)
            looked = self._looked(moved, None if worn is None else worn[1])
            return brightened(looked, brighter + 1), np.abs(np.concatenate([moved, brighter], 2)).max(2) > _STILL

        after, changed = carried(drawn.shift, drawn.gain)
        hidden = back(drawn.hidden)
        if (hidden > _STILL).any():
            other, _ = carried(drawn.twin_shift, drawn.twin_gain)
            fraction = back(drawn.twin_hidden)
            after = after + hidden * (
                (1 - fraction) * other + fraction * painted(255 * back(drawn.fill), before) - after
            )
        if drawn.plate is not None and drawn.bare is not None:
            bare = back(drawn.bare)
            after = after + bare * (painted(255 * back(drawn.plate), before) - after)
            changed |= bare[..., 0] > _STILL
        changed |= hidden[..., 0] > _STILL
        if worn is not None:
            after = after + worn[0] * (brightened(before, back(drawn.gain)) - after)
        after = before + self._border * (after - before)
        if np.ptp(target[..., :3], 2).max() <= _GREY:
            after[..., :3] = after[..., :3].mean(2, keepdims=True)  # a black and white photo gets no colour
        target[:] = np.where(changed[..., None], straight(after, target), target)
        return result


def _quartered(photo: np.ndarray, turns: int) -> np.ndarray:
    """A picture (H, W, C) after quarter turns anticlockwise; as it came where there are none."""
    return np.ascontiguousarray(np.rot90(photo, turns)) if turns else photo


def premultiplied(pixels: np.ndarray) -> np.ndarray:
    """Pixels (H, W, 4) uint8 with straight alpha as they can be moved and mixed: float32 in bytes, colours times alpha;
    (H, W, 3) as they come.
    """
    if pixels.shape[2] == 3:
        return pixels
    values = pixels.astype(np.float32)
    values[..., :3] *= values[..., 3:] / 255
    return values


def straight(values: np.ndarray, own: np.ndarray) -> np.ndarray:
    """What `premultiplied` was made of, (H, W, 3 or 4) uint8; fully transparent pixels keep their `own` colours."""
    if values.shape[2] == 3:
        return to_uint8(values, 255)
    alpha = values[..., 3:].clip(0, 255)
    made = to_uint8(np.concatenate([values[..., :3] * (255 / alpha.clip(0.5, None)), alpha], 2), 255)
    made[..., :3] = np.where(made[..., 3:] > 0, made[..., :3], own[..., :3])
    return made


def brightened(values: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Colours of premultiplied values (H, W, 3 or 4) after a gain (H, W, 3) of light; alpha stays.

    More light fills what is left to white, as film does, 1 - (1 - v)^gain, so that pale skin and white cloth do not
    burn out; dark values are multiplied all the same.
    """
    colours = values[..., :3].astype(np.float32)
    white = np.float32(255) if values.shape[2] == 3 else values[..., 3:].clip(1e-3, None)
    free = (1 - colours / white).clip(0, 1)
    lit = np.where(gain > 1, white * (1 - free ** gain.clip(1, None)), colours * gain)
    return lit if values.shape[2] == 3 else np.concatenate([lit, values[..., 3:]], 2)


def painted(colours: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) in bytes as premultiplied values with the alpha of others (H, W, 3 or 4), if they have one."""
    if values.shape[2] == 3:
        return colours
    return np.concatenate([colours * (values[..., 3:] / 255), values[..., 3:]], 2)
