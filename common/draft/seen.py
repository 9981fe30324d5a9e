"""What a photo shows of the head that was fitted to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
import torch

from ..face3d.anny_head import AnnyHead
from ..face3d.fit import Fit, fit
from ..face3d.fit_light import to_linear
from ..face3d.lighting import ambient, physical, shade
from ..face3d.render import rasterize, visible
from ..faces import Crop, Face
from .colours import DIM, complete, exposure
from .heads import Placed, misses, place
from .inside import bite
from .lips import Lips, opening
from .mouth import at, enamel, inner_mouth

LARGEST, FINER = 512, 2
"""Pixels of the window's side in which motion is computed, and by how much it may be finer than the photo, which makes
edges smooth; what is carried has the photo's own."""
NECK = 0.3
"""Of the head's weight: where there is less, it does not turn along."""
_WHITEST, _TINTED = 3.5, 12.0
"""Times the brightness of skin in the same light that a white surface has at most: of all channels, and of one, which
in brown skin may be far below the others."""
_BRIGHT = 180  # bytes that the brightest tenth of a window has, before the lips in it are looked for
_FACING = (0.25, 0.55)  # cosines to the viewer between which a place's colour can be told


@dataclass(frozen=True, eq=False)
class Seen:
    """A head in a photo, and what is known of it from there; a value.

    Attributes:
        fit: the head.
        crop: the window in which motion is computed, S pixels wide.
        before: the head in it, as it is.
        depth: (S, S) metres, how deep the photo sees in it.
        lips: the edges of the lips.
        bite: (COLUMNS,) where the upper teeth end, see `common.draft.inside.bite`.
        open: (S, S) float32 in [0, 1], where it shows the inside of the mouth.
        colours: (V, 3) linear, of every vertex in the photo's light, whether seen or not.
        white: (3,) how bright the photo shows a white surface.
        free: (V,) in [0, 1], how far vertices follow an expression: 0 where something hides them; None: all do.
    """

    fit: Fit = field(repr=False)
    crop: Crop = field(repr=False)
    before: Placed = field(repr=False)
    depth: np.ndarray = field(repr=False)
    lips: Lips = field(repr=False)
    bite: np.ndarray = field(repr=False)
    open: np.ndarray = field(repr=False)
    colours: torch.Tensor = field(repr=False)
    white: np.ndarray = field(repr=False)
    free: torch.Tensor | None = field(default=None, repr=False)

    @classmethod
    def of(cls, photo: np.ndarray, face: Face) -> Seen:
        """Fit a head to one face of a photo and look at it.

        Args:
            photo: (H, W, 3) uint8, RGB.
            face: in its pixels.
        """
        found = fit(face.landmarks if face.mesh is None else face.mesh, image=photo)
        crop = _window(photo, face)
        before = place(found, found.vertices(), found.camera, crop, misses(found))
        depth, told = shown(found.head, before, crop.size)
        picture = crop.apply(photo)
        linear = to_linear(picture.astype(np.float32) / 255)
        x, y = (np.ascontiguousarray(before.points[:, i : i + 1].numpy()) for i in (0, 1))
        looked = torch.from_numpy(cv2.remap(linear, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0])
        lit = shade(before.normals[None], light_of(found)[None])[0].clamp_min(DIM)
        known = (told > 0.5) & ~inner_mouth(found.head)[0]
        clear = _cleared(picture)
        lips = Lips.of(clear, face, crop)
        open_ = opening(*lips.edges(), crop)
        white = enamel(linear, open_, float(lit[known].mean()))
        if white is None:
            white = exposure(found.head, looked / lit, known)
        if bool(known.any()):
            # Dark or coloured light falls on teeth too: nothing there is whiter than this skin allows.
            skin = looked[known].quantile(0.9, 0).numpy()
            white = white * min(1.0, _WHITEST * float(skin.mean()) / max(float(white.mean()), 1e-6))
            white = np.minimum(white, _TINTED * skin)
        colours = complete(found.head, looked, known, lit)
        return cls(found, crop, before, depth, lips, bite(clear, lips), open_, colours, white)

    def veiled(self, veil: np.ndarray) -> Seen:
        """The same with the vertices under a veil (S, S) in [0, 1] kept from any expression."""
        return replace(self, free=1 - torch.from_numpy(at(veil, self.before.points[:, :2].numpy())).float())

    @cached_property
    def neck(self) -> np.ndarray:
        """(S, S) float32, the neck in the window, under the chin too; soft."""
        head, side = self.fit.head, self.crop.size
        triangles = head.triangles[(head.head_weight[head.triangles] <= NECK).all(1)]
        drawn = rasterize(self.before.points, triangles, side, side).seen.numpy().astype(np.float32)
        return cv2.GaussianBlur(drawn, (0, 0), 1.5)

    @property
    def light(self) -> torch.Tensor:
        """(9, 3) the light on the face, see `fit_light`; from everywhere where the photo shows too little skin."""
        return light_of(self.fit)


def _cleared(picture: np.ndarray) -> np.ndarray:
    """A dark picture (S, S, 3) uint8 as bright as most are, so that lips and teeth can be told; others as they are."""
    bright = max(float(np.quantile(picture.max(2), 0.9)), 1.0)
    return picture if bright >= _BRIGHT else cv2.convertScaleAbs(picture, alpha=_BRIGHT / bright)


def light_of(found: Fit) -> torch.Tensor:
    """See `Seen.light`."""
    return ambient(torch.ones(1, 3))[0] if found.light is None else physical(found.light[0].float().cpu())


def shown(head: AnnyHead, before: Placed, side: int) -> tuple[np.ndarray, torch.Tensor]:
    """How deep the photo sees, (S, S) metres, infinite beside the head; how surely it tells each vertex' colour, (V,).

    At edges the farther side counts, since nobody knows them to a pixel.
    """
    fragments = rasterize(before.points, head.triangles, side, side)
    facing = ((before.normals[:, 2] - _FACING[0]) / (_FACING[1] - _FACING[0])).clamp(0, 1)
    told = visible(before.points, fragments) * facing
    return cv2.dilate(fragments.depth.numpy(), np.ones((3, 3))), told


def _window(photo: np.ndarray, face: Face) -> Crop:
    height, width = photo.shape[:2]
    whole = Crop.around(face.box, (width, height), LARGEST)
    side = FINER * LARGEST / whole.matrix[0, 0]
    return Crop.around(face.box, (width, height), int(np.clip(round(side), 96, LARGEST)))
