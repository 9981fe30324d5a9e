"""Finds the head in a photo: who, with which expression, turned how, under which light, from landmarks and pixels.

result = fit(face.mesh, image=photo)
result.angles, result.expression, result.light
Image.fromarray(overlay(photo, result)).show()
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
import torch

from ...core.errors import InputError, ShapeError
from ...imaging.images import to_uint8
from ..camera import Perspective, rotation_matrix, to_pixels
from ..heads.anny import MAX_INTENSITY, AnnyHead, Scheme, default_head
from ..heads.head import vertex_normals
from ..heads.head_units import HEAD_UNITS, UNITS
from ..rendering.lighting import ambient, directional, shade
from ..rendering.render import rasterize
from .light import as_floats, fit_light, to_srgb
from .points import default_points
from .problem import Problem, solve_in_box

_SCHEMES: dict[int, Scheme] = {68: "ibug68", 468: "mesh468", 478: "mesh468"}
# Closed eyes are AU43, an open jaw AU26, looks the gaze.
_NOT_EXPLAINED = ("AU27", "AU45", "AU46", "AU61", "AU62", "AU63", "AU64")
# Weight of how much the editors' units and others explain with, over what they leave unexplained.
_LITTLE, _LITTLE_OTHERS = 0.03, 0.1
_IRISES = (473, 468)  # centres in MediaPipe's mesh with irises: the person's left, then right eye


@dataclass(frozen=True, eq=False)
class Fit:
    """A head that explains a photo.

    Attributes:
        identity: (1, I) parameters of the head.
        actions: (1, 52) facial actions of the head, 0 to 1, without those of the gaze.
        gaze: (1, 2, 2) radians as `Head` counts them; 0 unless the landmarks hold irises.
        angles: (1, 3) radians: yaw, pitch, roll as `camera.rotation_matrix` counts them.
        camera: what the photo was taken with.
        light: (1, 9, 3) spherical harmonics that shine with 1 on the seen skin in the mean, see `fit_light`; None
            without a photo, or where it shows too little skin.
        albedo: (3,) mean linear colour of the skin under such a light; None where the light is.
        error_px: root mean square of the residuals' lengths, in pixels.
        points: (N, 2) or (N, 3), the given landmarks in pixels.
        residuals: (N, 2) pixels from the given landmarks to the fitted ones, right and down.
        size: (height, width) of the photo.
        head: what the numbers are of.
    """

    identity: torch.Tensor
    actions: torch.Tensor
    gaze: torch.Tensor
    angles: torch.Tensor
    camera: Perspective
    light: torch.Tensor | None
    albedo: torch.Tensor | None
    error_px: float
    points: torch.Tensor
    residuals: torch.Tensor
    size: tuple[int, int]
    head: AnnyHead = field(repr=False)

    def vertices(self) -> torch.Tensor:
        """The fitted head, turned: (1, V, 3) metres."""
        vertices = self.head(self.identity, actions=self.actions, gaze=self.gaze)
        return self.head.turn(vertices, self.angles)

    @cached_property
    def units(self) -> torch.Tensor:
        """(1, 2, U) intensities, 0 to 5, of all action units that the head knows (`HEAD_UNITS`) on the person's left,
        then right side: those that together explain the actions best.
        """
        return units_of(self.head, self.actions)

    @property
    def expression(self) -> torch.Tensor:
        """(1, 2, 12), the editors' action units among them."""
        return self.units[..., : len(UNITS)]


@torch.no_grad()
def fit(
    points: np.ndarray | torch.Tensor,
    *,
    size: int | tuple[int, int] | None = None,
    image: np.ndarray | None = None,
    distance: float = 1.0,
    head: AnnyHead | None = None,
) -> Fit:
    """Fit the default head to one face.

    Weighs the landmarks' misses against how unusual a person and an expression are. Landmarks turned away from the
    camera count little, since detectors let them slide along the outline. It always returns; a large `error_px` (above
    a twentieth of the distance between the eyes, say) tells that no such head exists, or that the landmarks are wrong.

    One photo does not tell how far away its camera was, and so not how strong its perspective is: `distance` is
    believed and the focal length found. Nor does it tell a wide mouth from a stretched one: the likelier one is taken.

    Args:
        points: landmarks in pixels, (0, 0) the centre of the first one, x right and y down: (68, 2) in the iBUG order,
            (468, 2 or 3) of MediaPipe's mesh, or (478, 2 or 3) of the same with irises. Of 478 with depths, in pixels
            too and smaller nearer, a network first reads the expression (`points`), from which the fit departs little.
        size: of the photo, (height, width), or one number for a square; None takes the image's.
        image: (H, W, 3) RGB, uint8 or float in [0, 1], from which light and albedo are read; None leaves them out.
        distance: metres from the camera to the eyes.
        head: default head; None is the one on the CPU.

    Raises:
        ShapeError: the points or the image have another shape, or the image another size.
        InputError: positions are not finite, all landmarks are one point, the image's values cannot be colours, neither
            size nor image is given, or the distance is not between 0.2 and 100.
    """
    head = head or default_head()
    found, given = _check_points(points), np.asarray(torch.as_tensor(points).detach().cpu())
    picture = None if image is None else _check_image(image)
    height, width = _check_size(size, None if picture is None else picture.shape[:2])
    if not 0.2 <= distance <= 100:
        raise InputError(f"The distance is out of range.\n  expected: 0.2 to 100 metres\n  got:      {distance}")

    scheme, half = _SCHEMES[len(found)], min(height, width) / 2
    plane = torch.stack([found[:, 0] + 0.5 - width / 2, height / 2 - 0.5 - found[:, 1]], 1) / half
    landmarks = plane[: 68 if scheme == "ibug68" else 468]
    expected = expected_actions(head, given) if given.shape == (478, 3) else None
    problem = Problem(head, scheme, landmarks, distance, expected)
    values = problem.solve()
    solution = problem.solution(values)
    gaze = torch.zeros(1, 2, 2, device=head.device)
    if len(found) > 468:
        irises = plane[list(_IRISES)].float().to(head.device)
        gaze = _gaze(head, head(solution.identity), solution.angles, solution.camera, irises)
        lids = head.embedding.points(head(gaze=gaze) - head.mean, scheme)[0].double().cpu()
        problem = Problem(head, scheme, landmarks, distance, expected, lids)
        solution = problem.solution(problem.solve(values))
    angles, camera = solution.angles, solution.camera
    vertices = head.turn(head(solution.identity, actions=solution.actions, gaze=gaze), angles)
    seen = head.embedding.points(vertices, scheme)
    seen = seen + head.embedding.response(solution.actions, scheme) @ rotation_matrix(angles).mT
    projected = to_pixels(camera.project(seen), width, height)[0, :, :2]
    residuals = projected - found[: len(projected)].float().to(head.device)
    lit = None if picture is None else fit_light(picture, head, vertices, camera)
    return Fit(
        identity=solution.identity,
        actions=solution.actions,
        gaze=gaze,
        angles=angles,
        camera=camera,
        light=None if lit is None else lit[0],
        albedo=None if lit is None else lit[1],
        error_px=float(residuals.square().sum(1).mean().sqrt()),
        points=torch.from_numpy(np.array(given, np.float64)),
        residuals=residuals,
        size=(height, width),
        head=head,
    )


@torch.no_grad()
def overlay(image: np.ndarray, fit: Fit, *, opacity: float = 0.6) -> np.ndarray:
    """Draw a fitted head over its photo (H, W, 3) RGB, uint8 or float in [0, 1], to look at: shaded, at an opacity of 0
    to 1, with the given landmarks green and the fitted ones red; (H, W, 3) uint8.

    Raises ShapeError for a photo of another size, InputError for values that cannot be colours.
    """
    picture = as_floats(_check_image(image))
    height, width = _check_size(fit.size, picture.shape[:2])
    head, vertices = fit.head, fit.vertices()
    pixels = to_pixels(fit.camera.project(vertices), width, height)[0]
    triangles = head.triangles[(head.head_weight[head.triangles] > 0.9).all(1)]  # no shoulders
    fragments = rasterize(pixels, triangles, width, height)
    normals = fragments.interpolate(vertex_normals(vertices, head.triangles)[0], triangles)
    lamp = directional(normals.new_tensor([[-1.0, 1.0, 2.0]]), normals.new_tensor([[0.8, 0.8, 0.8]]))
    light = ambient(normals.new_tensor([[0.25, 0.25, 0.25]])) + lamp if fit.light is None else fit.light
    albedo = normals.new_tensor([0.5, 0.5, 0.5]) if fit.albedo is None else fit.albedo
    colour = shade(torch.nn.functional.normalize(normals, dim=1)[None], light)[0] * albedo
    seen = fragments.seen.cpu().numpy()
    drawn = picture.copy()
    drawn[seen] = (1 - opacity) * picture[seen] + opacity * to_srgb(colour.cpu().numpy())
    drawn = np.ascontiguousarray(to_uint8(drawn))
    scheme = _SCHEMES[len(fit.residuals)]
    fitted = head.embedding.points(pixels[None], scheme)[0, :, :2]
    radius = max(1, round(min(height, width) / 400))
    for points, mark in ((fitted - fit.residuals, (0, 255, 0)), (fitted, (255, 0, 0))):
        for x, y in points.round().int().tolist():
            cv2.circle(drawn, (x, y), radius, mark, -1)
    return drawn


def units_of(head: AnnyHead, actions: torch.Tensor) -> torch.Tensor:
    """Intensities (B, 2, U) in [0, 5], in the order of `HEAD_UNITS`, that explain actions (B, 52) best, with as little
    of them as need be. Of several units that do the same, the first has it: closed eyes are AU43, an open jaw AU26.
    """
    names = [unit for unit in HEAD_UNITS if unit not in _NOT_EXPLAINED]
    little = torch.tensor([_LITTLE if unit in UNITS else _LITTLE_OTHERS for unit in names]).double().square().diag()
    found = torch.zeros(len(actions), 2, len(HEAD_UNITS), dtype=torch.float64)
    columns = [unit not in _NOT_EXPLAINED for unit in HEAD_UNITS]
    low, high = torch.zeros(len(names)).double(), torch.full((len(names),), math.inf).double()
    for side, other in enumerate(("Right", "Left")):
        rows = [i for i, name in enumerate(head.action_names) if not name.startswith("eyeLook") and other not in name]
        plain = [head.action_names[i].removesuffix("Left").removesuffix("Right") for i in rows]
        mixtures = torch.tensor([[HEAD_UNITS[unit].positive.get(name, 0.0) for unit in names] for name in plain])
        mixtures = mixtures.double()
        for row, values in enumerate(actions.double().cpu()):
            explained = solve_in_box(mixtures.T @ mixtures + little, -mixtures.T @ values[rows], low, high)
            found[row, side, columns] = (MAX_INTENSITY * explained).clamp(0, MAX_INTENSITY)
    return found.to(actions)


def expected_actions(head: AnnyHead, points: np.ndarray) -> torch.Tensor:
    """The facial actions (1, 52) that the network of landmarks reads from them, (478, 3)."""
    read = default_points().read(points)
    units = torch.zeros(1, 2, len(HEAD_UNITS))
    for column, unit in enumerate(HEAD_UNITS):
        if unit in read.units:
            units[0, :, column] = torch.tensor(read.units[unit])
    return head.actions_of(units.clamp(0, MAX_INTENSITY).to(head.device))


def _gaze(
    head: AnnyHead, neutral: torch.Tensor, angles: torch.Tensor, camera: Perspective, irises: torch.Tensor
) -> torch.Tensor:
    """Where eyes look, (1, 2, 2), whose irises' centres (2, 2) in half pictures are given: turns spheres to them."""
    rotation = rotation_matrix(angles)[0]
    eyes = neutral[0, head.eyes]  # (2, 72, 3)
    centres = eyes.mean(1)
    radius = (eyes - centres[:, None]).norm(dim=2).amax(1)
    turned = head.turn(neutral, angles)[0, head.eyes].mean(1)
    at = camera.project(turned[None])[0]
    scale = camera.focal / (at[:, 2] - radius)  # half pictures a metre, where the irises are
    centre = turned[:, :2] * (scale[:, None]) + camera.shift
    aside = (irises - centre) / scale[:, None]
    limit = (0.8 * radius[:, None] / aside.norm(dim=1, keepdim=True).clamp_min(1e-9)).clamp_max(1)
    aside = aside * limit
    forward = (radius**2 - aside.square().sum(1)).sqrt()
    x, y, z = (torch.cat([aside, forward[:, None]], 1) @ rotation).unbind(1)  # rows @ R: R^T applied to each
    return torch.stack([torch.atan2(x, z), torch.asin((y / radius).clamp(-1, 1))], 1)[None]


def _check_points(points: np.ndarray | torch.Tensor) -> torch.Tensor:
    values = torch.as_tensor(points).detach().cpu().double()
    if (
        values.ndim != 2
        or len(values) not in _SCHEMES
        or values.shape[1] not in ((2,) if len(values) == 68 else (2, 3))
    ):
        raise ShapeError(
            "points",
            "(68, 2) iBUG landmarks, or (468 or 478, 2 or 3) of MediaPipe's mesh",
            values.shape,
            "Give one face's landmarks in pixels.",
        )
    values = values[:, :2]
    if not values.isfinite().all():
        raise InputError(
            f"Landmarks must be finite.\n  expected: numbers\n  got:      NaN or infinity in "
            f"{int((~values.isfinite()).any(1).sum())} of {len(values)} points"
        )
    if (values.amax(0) - values.amin(0)).min() < 2:
        raise InputError(
            f"Landmarks lie in one point or line.\n  expected: a face of some pixels\n  got:      an extent of "
            f"{(values.amax(0) - values.amin(0)).tolist()}; are they in pixels, not in [0, 1]?"
        )
    return values


def _check_image(image: np.ndarray) -> np.ndarray:
    """The photo as it came, uint8 or float: of a large one only the face's rectangle is ever converted."""
    picture = np.asarray(image)
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ShapeError("image", "(H, W, 3), RGB, neither side 0", picture.shape)
    if picture.dtype == np.uint8:
        return picture
    if not np.issubdtype(picture.dtype, np.floating) or not (picture.min() >= 0 and picture.max() <= 1):
        raise InputError(
            "The image's values cannot be colours.\n  expected: uint8, or float in [0, 1]\n"
            f"  got:      {picture.dtype} in [{picture.min()}, {picture.max()}]"
        )
    return picture


def _check_size(size: int | tuple[int, int] | None, seen: tuple[int, ...] | None) -> tuple[int, int]:
    """(height, width), from the argument or the image."""
    if size is None and seen is None:
        raise InputError("How large is the photo? Give `size` (height, width), or the image.")
    pair = seen if size is None else tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if pair is None or len(pair) != 2 or not all(isinstance(side, (int, np.integer)) for side in pair):
        raise InputError(f"The photo's size cannot be used.\n  expected: (height, width), or one\n  got:      {size!r}")
    height, width = pair
    if min(height, width) < 8:
        raise InputError(f"The photo is too small.\n  expected: 8 pixels or more\n  got:      {height} x {width}")
    if seen is not None and tuple(seen) != (height, width):
        raise ShapeError("image", f"({height}, {width}, 3), as `size` says", (*seen, 3))
    return int(height), int(width)
