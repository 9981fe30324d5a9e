"""The light on a fitted face, from its skin's pixels: robust least squares on spherical harmonics."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ...core.face_labels import PARTS
from ..camera import Camera, to_pixels
from ..heads.anny import AnnyHead
from ..heads.head import vertex_normals
from ..rendering.lighting import CONSTANTS, basis, physical
from ..rendering.render import rasterize

_WIDTH = 96  # of the picture that the light is read from: light varies slowly
_FEWEST = 60  # pixels of skin that nine coefficients need
_DARK, _BRIGHT = 0.02, 0.98  # beyond these, a camera has cut
_NOT_SKIN = (range(17, 22), range(22, 27), range(36, 42), range(42, 48), range(48, 60))  # iBUG brows, eyes, lips
# Share of its colour that is believed: what varies over a face in colour is the skin, more than the light.
_COLOUR = 0.25
# How strongly a light is thought to come evenly from everywhere: half a face shows no more than half the normals.
_RIDGE = (1e-6, *3 * (0.003,), *5 * (0.01,))


def fit_light(
    image: np.ndarray, head: AnnyHead, vertices: torch.Tensor, camera: Camera
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Solve colour = albedo * shade(normal, light) for one albedo, over the skin that a photo (H, W, 3) sRGB, uint8 or
    float in [0, 1], shows of a fitted face, turned, (1, V, 3).

    Only the product is seen. We say that the light shines with 1 on the seen skin in the mean, in each colour: the
    skin's mean brightness and tint, be they the lamp's, go to the albedo, and all that varies goes to the light.

    Returns light (1, 9, 3), which no normal that faces the viewer sees negative, and the mean albedo (3,), linear; None
    if the photo shows too little skin.
    """
    height, width = image.shape[:2]
    pixels = to_pixels(camera.project(vertices), width, height)[0]
    oval = head.embedding.points(pixels[None], "mesh468")[0, :, :2]
    low = oval.amin(0).floor().long().clamp_min(0).tolist()
    high = torch.minimum(oval.amax(0).ceil().long(), torch.tensor([width, height], device=oval.device)).tolist()
    crop = image[low[1] : high[1], low[0] : high[0]]
    if min(crop.shape[:2]) < 8:
        return None
    scale = min(1.0, _WIDTH / max(crop.shape[:2]))
    crop = cv2.resize(as_floats(crop), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    corner = pixels.new_tensor([*low, 0]) - 0.5
    local = (pixels - corner) * pixels.new_tensor([scale, scale, 1]) - pixels.new_tensor([0.5, 0.5, 0])

    fragments = rasterize(local, head.triangles, crop.shape[1], crop.shape[0])
    parts = head.parts[fragments.triangle.clamp_min(0)]
    skin = (parts == PARTS.index("skin")) | (parts == PARTS.index("nose"))
    usable = torch.from_numpy(_face_mask(head, local, crop) & _exposed(crop)).to(skin.device)
    chosen = skin & usable & fragments.seen
    if int(chosen.sum()) < _FEWEST:
        return None
    normals = fragments.interpolate(vertex_normals(vertices, head.triangles)[0], head.triangles)[chosen[fragments.seen]]
    normals = torch.nn.functional.normalize(normals, dim=1).double()
    colours = torch.from_numpy(to_linear(crop)).to(normals)[chosen]
    rows = basis(normals) * normals.new_tensor(CONSTANTS)  # (N, 9)
    product, weight = _robust(rows, colours)
    albedo = (weight @ (rows @ product) / weight.sum()).clamp_min(1e-4)
    light = product / albedo
    even = light.mean(1, keepdim=True)
    return physical(even + _COLOUR * (light - even))[None].float(), albedo.float()


def as_floats(picture: np.ndarray) -> np.ndarray:
    """A picture, uint8 or float in [0, 1], as float32 in [0, 1]."""
    return picture.astype(np.float32) / (255 if picture.dtype == np.uint8 else 1)


def to_linear(colour: np.ndarray) -> np.ndarray:
    """Undo the curve of sRGB (IEC 61966-2-1), both sides in [0, 1]."""
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(colour: np.ndarray) -> np.ndarray:
    """Apply the curve of sRGB, both sides in [0, 1]; what lies beyond is cut."""
    colour = colour.clip(0, 1)
    return np.where(colour <= 0.0031308, colour * 12.92, 1.055 * colour ** (1 / 2.4) - 0.055).astype(np.float32)


def _face_mask(head: AnnyHead, pixels: torch.Tensor, crop: np.ndarray) -> np.ndarray:
    """The face without brows, eyes and lips, (h, w) bool."""

    def polygon(points: torch.Tensor) -> np.ndarray:
        return cv2.convexHull(points[:, :2].detach().cpu().numpy().round().astype(np.int32))

    mask = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, polygon(head.embedding.points(pixels[None], "mesh468")[0]), 1)
    features, landmarks = np.zeros_like(mask), head.embedding.points(pixels[None], "ibug68")[0]
    for group in _NOT_SKIN:
        cv2.fillConvexPoly(features, polygon(landmarks[list(group)]), 1)
    brim = np.ones(2 * [1 + 2 * max(1, round(min(mask.shape) / 40))], np.uint8)
    return (cv2.erode(mask, brim) > 0) & (cv2.dilate(features, brim) == 0)


def _exposed(crop: np.ndarray) -> np.ndarray:
    return (crop.max(2) < _BRIGHT) & (crop.max(2) > _DARK)


def _robust(rows: torch.Tensor, colours: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Coefficients (9, 3) with rows @ coefficients = colours (N, 3), and the weights (N,) of the last round.

    Iteratively reweighted least squares with Geman and McClure's weights.
    """
    middle = colours.median(0).values.clamp_min(1e-4)
    target = colours / middle
    found, weight = target.new_zeros(rows.shape[1], 3), torch.ones_like(target[:, 0])
    for _ in range(8):
        weighted = weight[:, None] * rows
        ridge = weight.sum() * rows.new_tensor(_RIDGE).diag()
        found = torch.linalg.solve(weighted.T @ rows + ridge, weighted.T @ target)
        miss = (rows @ found - target).norm(dim=1)
        spread = 2 * miss.median().clamp_min(0.01)
        weight = (1 + (miss / spread) ** 2) ** -2
    return found * middle, weight
