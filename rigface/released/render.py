"""DECA's head as the released RigFace shows it to its denoiser: FLAME, lit and textured, in the editor's crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from common.face3d.camera import Orthographic
from common.face3d.heads.flame import Flame
from common.face3d.heads.head import Head
from common.face3d.rendering.render import render
from common.faces.affine import compose, invert
from common.imaging.tensors import to_pixels

from .deca import SIDE, Codes

GREY = 0.7  # the albedo of a head without texture
_LEFT_EYE, _RIGHT_EYE, _MOUTH_CORNERS = slice(36, 42), slice(42, 48), (48, 54)
_TO_MOUTH = 0.1


@dataclass(frozen=True, eq=False)
class Place:
    """Where a head is seen in the editor's crop; a camera for `common.face3d.rendering.render`.

    Attributes:
        camera: (1, 3) DECA's scale and shift, see `Codes.camera`.
        matrix: (2, 3) float64 from the pixels of DECA's crop to those of the editor's.
        centre: (3,) FLAME's metres: where the centre of a drawn head is brought to, see `centre`.
        size: S, side of the editor's crop.
    """

    camera: Tensor
    matrix: np.ndarray
    centre: Tensor
    size: int

    def pixels(self, points: Tensor) -> Tensor:
        """Points (1, N, 3) of FLAME's frame to pixels (1, N, 2) of the editor's crop, (0, 0) the first one's centre."""
        seen = Orthographic(self.camera[:, 0], self.camera[:, 1:]).project(points)
        # DECA counts its crop's pixels from -1 to 1 as [0, 224], y down.
        crop = (seen[..., :2] * seen.new_tensor([1, -1]) + 1) * (SIDE / 2)
        matrix = torch.from_numpy(self.matrix).to(crop)
        return crop @ matrix[:, :2].T + matrix[:, 2]

    def project(self, points: Tensor) -> Tensor:
        """Points (1, N, 3) projected as `common.face3d.camera.Camera` does: [-1, 1] over the crop, y up, and depth."""
        plane = (self.pixels(points) + 0.5) * (2 / self.size) - 1
        return torch.cat([plane * plane.new_tensor([1, -1]), -points[..., 2:]], -1)


def place(flame: Flame, codes: Codes, window: np.ndarray, crop: np.ndarray, size: int) -> Place:
    """Where the head of codes is seen; `window` (2, 3) goes from a photo to DECA's crop, `crop` (2, 3) from the same to
    the editor's, `size` pixels wide.
    """
    return Place(codes.camera, compose(crop, invert(window)), centre(flame, vertices(flame, codes), codes), size)


def vertices(flame: Flame, codes: Codes) -> Tensor:
    """The head's vertices (1, V, 3) in metres."""
    return flame(codes.shape, codes.expression, jaw=codes.jaw, rotation=codes.rotation)


def centre(flame: Flame, vertices: Tensor, codes: Codes) -> Tensor:
    """The centre by which FFHQ aligns faces (Karras et al. 2019, arXiv 1812.04948, appendix A), (3,) metres.

    It lies between the eyes' centres, a tenth of the way from there to the middle between the mouth's corners.
    """
    landmarks = flame.landmarks2d(vertices, codes.rotation)[0]
    eyes = (landmarks[_LEFT_EYE].mean(0) + landmarks[_RIGHT_EYE].mean(0)) / 2
    mouth = landmarks[list(_MOUTH_CORNERS)].mean(0)
    return eyes + _TO_MOUTH * (mouth - eyes)


def draw_codes(flame: Flame, codes: Codes, place: Place) -> tuple[np.ndarray, np.ndarray]:
    """The head of one face's codes, drawn so that its centre is the place's; without texture it is plain grey.

    Returns:
        The picture (S, S, 3) uint8, RGB, black beside the head; and (S, S) bool, True on the head.

    Raises:
        InputError: the codes hold numbers that are not finite.
    """
    head = vertices(flame, codes)
    head = head + (place.centre - centre(flame, head, codes))
    return draw(flame, head, place, codes.light, None if flame.albedo is None else flame.texture(codes.texture)[0])


def draw(
    head: Head, vertices: Tensor, place: Place, light: Tensor, texture: Tensor | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (1, V, 3) drawn under a light (1, 9, 3) with a texture (3, h, w), or in grey; see `draw_codes`.

    One sample a pixel and both sides of the triangles, as in the released pictures: edges are hard, and an open mouth
    shows the bright inside of the head's back.
    """
    grey = None if texture is not None else vertices.new_full((3,), GREY)
    colour, seen = render(head, vertices, place, light, size=place.size, albedo=grey, texture=texture)
    return to_pixels(colour), seen.cpu().numpy()
