"""What a photo shows of the head that was fitted to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property

import cv2
import numpy as np
import torch

from ..core.face_labels import PARTS
from ..face3d.fitting.fit import Fit, fit
from ..face3d.fitting.light import to_linear
from ..face3d.heads.anny import AnnyHead
from ..face3d.rendering.lighting import ambient, physical, shade
from ..face3d.rendering.render import rasterize, visible
from ..faces import Crop, Face
from .extrapolate import at
from .eyes import MESH, Eye
from .lips import Lips, bite, opening
from .placement import Placed, misses, place

DIM = 0.12
"""Least brightness that a place was lit with: what is darker shows nothing of its colour."""
_TOOTH, _ENAMEL = 0.9, 0.8  # quantile of an open mouth's light that comes from a tooth, and that tooth's brightness
_BESIDE = 0.15  # of a mouth's width: skin and lips whose grain is measured
_NO_TOOTH = 0.6  # of how bright eyes say that white is
_OPEN = 30  # pixels of a window that a mouth must show for that
_ROUNDS = 60  # of taking the neighbours' mean; vertices farther than this from all that is seen get the mean colour
_SCLERA = 0.5  # linear brightness of the white of an eye under a light of 1
_EXPOSURE = (0.5, 1.5)
_TINT = (0.7, 1.3)  # of a colour, of the mean: what is redder is a lid

LARGEST, FINER = 512, 2
"""Pixels of the window's side in which motion is computed, and by how much it may be finer than the photo, which makes
edges smooth; what is carried has the photo's own."""
NECK = 0.3
"""Of the head's weight: where there is less, it does not turn along."""
_WHITEST, _TINTED = 3.5, 12.0
"""Times the brightness of skin in the same light that a white surface has at most: of all channels, and of one, which
in brown skin may be far below the others."""
_BRIGHT = 180  # bytes that the brightest tenth of a window has, before the lips in it are looked for
TINY, ASIDE, POOR = 40, 40.0, 0.025
"""Pixels of a face's width, degrees of its turn, and the fit's error over its width, from which a warning is due."""
_FACING = (0.25, 0.55)  # cosines to the viewer between which a place's colour can be read


@dataclass(frozen=True, eq=False, repr=False)
class Seen:
    """A head in a photo, and what is known of it from there; a value."""

    fit: Fit  # the head
    crop: Crop  # the window in which motion is computed, S pixels wide
    before: Placed  # the head in it, as it is
    depth: np.ndarray  # (S, S) metres, how deep the photo sees in it
    lips: Lips  # the edges of the lips
    bite: np.ndarray  # (COLUMNS,) where the upper teeth end, see `lips.bite`
    open: np.ndarray  # (S, S) float32 in [0, 1], where it shows the inside of the mouth
    colours: torch.Tensor  # (V, 3) linear, of every vertex in the photo's light, whether seen or not
    white: np.ndarray  # (3,) how bright the photo shows a white surface
    grain: float  # mean absolute Laplacian round the mouth, display values: what is painted there has as much
    # the person's left eye and right one, None for one too small to be seen; empty where no landmarks tell of irises
    eyes: tuple[Eye | None, ...] = ()
    # (V,) in [0, 1], how far vertices follow an expression: 0 where something hides them; None: all do
    free: torch.Tensor | None = None

    @classmethod
    def of(cls, photo: np.ndarray, face: Face) -> Seen:
        """Fit a head to one face, in the pixels of a photo (H, W, 3) uint8 RGB, and look at it."""
        found = fit(face.landmarks if face.mesh is None else face.mesh, image=photo)
        crop = _window(photo, face)
        before = place(found, found.vertices(), found.camera, crop, misses(found))
        depth, reliable = shown(found.head, before, crop.size)
        picture = crop.apply(photo)
        linear = to_linear(picture.astype(np.float32) / 255)
        x, y = (np.ascontiguousarray(before.points[:, i : i + 1].numpy()) for i in (0, 1))
        looked = torch.from_numpy(cv2.remap(linear, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0])
        lit = shade(before.normals[None], light_of(found)[None])[0].clamp_min(DIM)
        known = (reliable > 0.5) & ~inner_mouth(found.head)[0]
        clear = _cleared(picture)
        lips = Lips.of(clear, face, crop)
        open_ = opening(*lips.edges(), crop)
        white = exposure(found.head, looked / lit, known)
        shown_teeth = enamel(linear, open_, float(lit[known].mean()))
        if shown_teeth is not None:  # far darker than eyes say, it is no tooth that is seen, but lies in the same light
            lift = max(1.0, _NO_TOOTH * float(white.mean()) / max(float(shown_teeth.mean()), 1e-6))
            white = shown_teeth * lift if lift == 1 else _NO_TOOTH * (white + shown_teeth * lift / _NO_TOOTH) / 2
        if bool(known.any()):
            # Dark or coloured light falls on teeth too: nothing there is whiter than this skin allows.
            skin = looked[known].quantile(0.9, 0).numpy()
            white = white * min(1.0, _WHITEST * float(skin.mean()) / max(float(white.mean()), 1e-6))
            white = np.minimum(white, _TINTED * skin)
        colours = complete(found.head, looked, known, lit)
        eyes = eyes_of(picture, found, crop)
        return cls(
            found, crop, before, depth, lips, bite(clear, lips), open_, colours, white, _grain(picture, lips), eyes
        )

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


def eyes_of(picture: np.ndarray, found: Fit, crop: Crop) -> tuple[Eye | None, ...]:
    """See `Seen.eyes`."""
    if len(found.points) != MESH:
        return ()
    points = crop.to_crop(found.points[:, :2].numpy())
    return tuple(Eye.of(picture, points, side) for side in (0, 1))


def _cleared(picture: np.ndarray) -> np.ndarray:
    """A dark picture (S, S, 3) uint8 as bright as most are, so that lips and teeth can be seen; others as they are."""
    bright = max(float(np.quantile(picture.max(2), 0.9)), 1.0)
    return picture if bright >= _BRIGHT else cv2.convertScaleAbs(picture, alpha=_BRIGHT / bright)


def _grain(picture: np.ndarray, lips: Lips) -> float:
    """See `Seen.grain`; of a picture (S, S, 3) uint8."""
    points = np.concatenate(lips.edges())
    low, high = points.min(0) - _BESIDE * lips.width, points.max(0) + _BESIDE * lips.width
    x0, y0 = np.floor(low).astype(int).clip(0, None)
    x1, y1 = np.ceil(high).astype(int) + 1
    part = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[y0:y1, x0:x1].astype(np.float32) / 255
    return float(np.abs(cv2.Laplacian(part, cv2.CV_32F)).mean()) if part.size else 0.0


def light_of(found: Fit) -> torch.Tensor:
    """See `Seen.light`."""
    return ambient(torch.ones(1, 3))[0] if found.light is None else physical(found.light[0].float().cpu())


def shown(head: AnnyHead, before: Placed, side: int) -> tuple[np.ndarray, torch.Tensor]:
    """How deep the photo sees, (S, S) metres, infinite beside the head; how reliably it shows a vertex' colour, (V,).

    At edges the farther side counts, since they are not known to a pixel.
    """
    fragments = rasterize(before.points, head.triangles, side, side)
    facing = ((before.normals[:, 2] - _FACING[0]) / (_FACING[1] - _FACING[0])).clamp(0, 1)
    reliable = visible(before.points, fragments) * facing
    return cv2.dilate(fragments.depth.numpy(), np.ones((3, 3))), reliable


def _window(photo: np.ndarray, face: Face) -> Crop:
    height, width = photo.shape[:2]
    whole = Crop.around(face.box, (width, height), LARGEST)
    side = FINER * LARGEST / whole.matrix[0, 0]
    return Crop.around(face.box, (width, height), int(np.clip(round(side), 96, LARGEST)))


def complete(head: AnnyHead, colours: torch.Tensor, known: torch.Tensor, lit: torch.Tensor) -> torch.Tensor:
    """Colours (V, 3) of all vertices from the known ones (V,) bool, under the light `lit` (V, 3), above 0, on each.

    Unknown ones take the mirrored vertex's where that is known, in the light here; else what diffuses from the
    neighbours, which show the shadows too.
    """
    mean = colours[known].mean(0) if bool(known.any()) else colours.new_full((3,), 0.4)
    twin = known[head.mirrored] & ~known
    found = torch.where(known[:, None], colours, torch.where(twin[:, None], (colours / lit)[head.mirrored] * lit, mean))
    fixed, reached = known | twin, (known | twin).float()
    first, second = _edges(head)
    for _ in range(_ROUNDS):
        # Places that nothing has reached yet do not count in their neighbours' mean.
        total = torch.zeros_like(found).index_add_(0, first, found[second] * reached[second, None])
        weight = torch.zeros_like(reached).index_add_(0, first, reached[second])
        open_ = ~fixed & (weight > 0)
        found[open_] = total[open_] / weight[open_, None]
        reached[open_] = 1
    return found


def exposure(head: AnnyHead, colours: torch.Tensor, known: torch.Tensor) -> np.ndarray:
    """How bright the photo shows what is white (3,), by the whites of the eyes; 1 where none is seen.

    `colours` (V, 3) are linear, without light; `known` (V,) bool says which of them are seen.
    """
    eyes = head.eyes.flatten()
    seen = eyes[known[eyes]]
    if not len(seen):
        return np.ones(3, np.float32)
    bright = colours[seen].mean(1)
    white = colours[seen][bright >= torch.quantile(bright, 0.8)].mean(0).numpy()
    tint = np.clip(white / white.mean(), *_TINT) if white.mean() > 0 else np.ones(3, np.float32)
    return np.clip(white.mean() / _SCLERA, *_EXPOSURE) * tint


@cache
def _edges(head: AnnyHead) -> tuple[torch.Tensor, torch.Tensor]:
    """Both ends of all edges, each in both directions."""
    a, b, c = head.triangles.unbind(1)
    pairs = torch.cat([torch.stack(ends, 1) for ends in ((a, b), (b, c), (c, a), (b, a), (c, b), (a, c))])
    return tuple(torch.unique(pairs, dim=0).T)  # pyright: ignore[reportReturnType]


def inner_mouth(head: AnnyHead) -> tuple[torch.Tensor, torch.Tensor]:
    """Which vertices lie in the mouth, and which of them are teeth: (V,) bool each."""

    def inside(chosen: torch.Tensor) -> torch.Tensor:
        found, other = torch.zeros(2, len(head.mean), dtype=torch.bool)
        found[head.triangles[chosen].flatten()] = True
        other[head.triangles[~chosen].flatten()] = True
        return found & ~other

    return inside(head.parts == PARTS.index("mouth")), inside(head.teeth)


def enamel(picture: np.ndarray, open_: np.ndarray, light: float) -> np.ndarray | None:
    """How bright a photo (S, S, 3), linear, shows a white surface (3,), by its teeth; None where none are seen.

    `open_` is where the lips are open, see `lips.opening`; `light` is the brightness on the face.
    """
    seen = picture[open_ > 0.9]
    if len(seen) < _OPEN:
        return None
    bright = seen.mean(1)
    return seen[bright >= np.quantile(bright, _TOOTH)].mean(0) / (_ENAMEL * max(light, 0.1))


def warp_warnings(face: Face, fit: Fit) -> list[str]:
    """A sentence on each reason why a warp will hardly move a face well, of the fit of a head to it."""
    width = float(face.box[2] - face.box[0])
    yaw = float(torch.rad2deg(fit.angles)[0, 0])
    found = []
    if width < TINY:
        found.append(f"the face is {width:.0f} pixels wide, which shows too little of it: take a larger picture")
    if abs(yaw) > ASIDE:
        found.append(f"the face looks {abs(yaw):.0f} degrees aside: the far half of its edit is guessed")
    if fit.error_px > POOR * width:
        off = 100 * fit.error_px / width
        found.append(
            f"the fitted head misses the landmarks by {off:.1f} % of the face's width: a hand before the face, or a "
            "face that is not human, may be the reason"
        )
    return found
