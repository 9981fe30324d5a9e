"""The toolkit's own reconstructor: its head fitted to landmarks and pixels, which moves the photo's own.

Nothing need be fetched or registered for. What the network sees differs from the published one's conditions: the
conditioning images are the photo itself, with nothing hidden, and its warp, moved and lit as requested
(`common.warp`); the vector is the change in 24 numbers of ours (`common.warp.delta`), zero where nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import cv2
import numpy as np
import torch

from common.core.errors import InputError
from common.face3d.camera import angles_of, rotation_matrix
from common.face3d.fitting.fit import units_of
from common.face3d.rendering.lighting import ambient, brightness
from common.faces import Face
from common.facs.action_units import AUDelta
from common.imaging.images import on_white
from common.warp.delta import Change
from common.warp.placement import actions_after
from common.warp.reference import difference
from common.warp.warp import Warp

from .conditioning import Conditions
from .reconstruct import View
from .request import RigEdit

LIMITS = {"yaw": 50.0, "pitch": 25.0, "roll": 20.0}
"""Degrees to either side that a head may look after the edit: what the embedded model has seen."""
_AROUND = 0.8
"""Mean brightness of a light over all directions, over that on what faces the camera. A photo shows no more: what a
fitted light says of the others is a guess, which makes a new lamp too bright, too dim, or coloured."""
REACH = 0.04
"""How far from person and drawn head an edit may change the picture, over the crop's side: hair that turns along."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A face in 3D.

    Attributes:
        warp: of the photo: the head that explains it, and the photo ready to be moved.
        face: in the photo's pixels.
    """

    warp: Warp = field(repr=False)
    face: Face = field(repr=False)

    @property
    def photo(self) -> np.ndarray:
        """(H, W, 3) uint8, RGB; a cut-out's before white."""
        return self.warp.opaque

    @property
    def rotation(self) -> torch.Tensor:
        """(3, 3) how the head is turned."""
        return rotation_matrix(self.warp.fit.angles)[0]

    @property
    def light(self) -> torch.Tensor:
        """(9, 3) the light on it; from everywhere where the photo shows too little skin."""
        return self.warp.light


class Rendered:
    """See `rigface.reconstruct.Reconstructor`; works on the CPU."""

    warps: ClassVar[bool] = True

    def look(self, photo: np.ndarray, face: Face) -> Seen:
        """The head fitted to a face of a photo (H, W, 3) uint8, RGB."""
        return Seen(Warp.of(photo, face), face)

    def conditions(self, source: View, request: RigEdit) -> Conditions:
        """See `Reconstructor.conditions`.

        Raises:
            InputError: a pose beyond `LIMITS`.
        """
        seen: Seen = source.seen
        change = self.change(seen, request)
        if request.pose is not None or "pose" in request.copy:
            check_angles(
                torch.rad2deg(angles_of((change.turn @ seen.rotation)[None])[0]).tolist(),
                LIMITS,
                "The embedded networks cannot turn a head so far from the camera",
                "ask for fewer degrees, or fetch the published networks: rigface download",
            )
        return self.drawn(source, change)

    def change(self, source: Seen, request: RigEdit) -> Change:
        """A request in numbers; what is copied, as the difference between the faces."""
        expression = request.expression or AUDelta()
        turn = torch.eye(3)
        light = source.light
        if request.pose is not None:
            turn = request.pose.matrix(source.rotation) @ source.rotation.T
        if request.light is not None:
            light = request.light.harmonics(ambient(_AROUND * brightness(source.light)[None])[0])
        if "expression" in request.copy:
            expression = difference(source.warp.fit, request.target.seen.warp.fit)
        if "pose" in request.copy:
            turn = request.target.seen.rotation @ source.rotation.T
        if "light" in request.copy:
            light = request.target.seen.light
        return source.warp.change(expression, turn, light)

    def drawn(self, source: View, change: Change) -> Conditions:
        """The conditions of a change."""
        crop = source.crop
        photo = crop.apply(source.seen.photo)
        turns = not torch.equal(change.turn, torch.eye(3))
        moved = warp_of(source)(change, bare=True)
        render = crop.apply(on_white(moved))
        mask = source.labels > 0
        if turns:
            width = 2 * max(1, round(REACH * crop.size)) + 1
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
            mask = cv2.dilate((mask | (render != photo).any(2)).astype(np.uint8), disc) > 0
        return Conditions(photo, render, self.coefficients(source, change), mask=mask, warp=moved)

    def coefficients(self, source: View, change: Change) -> np.ndarray:
        """The change as the vector (24,) of the network, which knows facial actions by the units that they make up."""
        fit = source.seen.warp.fit
        if change.actions is not None:
            made = units_of(fit.head, actions_after(fit, change)) - fit.units
            change = replace(change, units=change.units + made[0])
        return change.vector().numpy()


def check_angles(angles: Sequence[float], limits: Mapping[str, float], what: str, hint: str) -> None:
    """Raises an InputError where one of the angles in degrees is beyond its limit; `what` begins the message."""
    for (name, limit), angle in zip(limits.items(), angles):
        if abs(angle) > limit + 1e-3:
            raise InputError(
                f"{what}: {name}, in degrees.", code="range", expected=(-limit, limit), actual=round(angle), hint=hint
            )


def warp_of(source: View) -> Warp:
    """The warp of a view, with the parts of its face; of a change it makes the whole photo (H, W, 3 or 4) uint8."""
    warp: Warp = source.seen.warp
    return warp if warp.around is not None else warp.among(source.labels, source.crop)
