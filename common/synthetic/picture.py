"""A scene as a camera sees it, with all that is known of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..face3d.anny_head import default_head
from ..face3d.camera import Perspective, rotation_matrix, to_pixels
from ..face3d.head import PARTS
from ..face3d.lighting import ambient, directional
from ..face3d.render import most_frequent, rasterize, render, visible
from . import eyes, maps, shade, skin
from .background import background
from .body import Body, lit, openness, pose, skull
from .capture import capture
from .factors import Scene

_FACE = [PARTS.index(name) for name in ("skin", "nose", "u_lip", "l_lip", "neck", "l_ear", "r_ear")]
_EYES = {"l_eye": 0, "r_eye": 1}
GREY = 127  # what the released editors paint over the person in their background guide


@dataclass(frozen=True)
class Picture:
    """A finished picture and its truth.

    Attributes:
        image: (S, S, 3) uint8 sRGB.
        parts: (S, S) uint8, face-parsing classes in the order of `face3d.head.PARTS`.
        alpha: (S, S) float32 in [0, 1], the person against the background.
        depth: (S, S) float32 metres from the camera, infinite in the background.
        normals: (S, S, 3) float32 unit normals in the camera's axes, 0 in the background.
        background: (S, S, 3) uint8, what the camera sees without the person.
        masked_background: (S, S, 3) uint8, the image with the person painted grey.
        render: (S, S, 3) uint8, the bare head under the same light, of one colour and without fine detail, on black.
        landmarks: (68, 2) float32 pixels, iBUG order, (0, 0) the centre of the first pixel.
        landmarks_visible: (68,) bool, inside the picture and hidden by nothing.
        light: (9, 3) float32, the lamps as spherical harmonics, as metered.
        camera: the numbers of `face3d.camera.Perspective`.
    """

    image: np.ndarray
    parts: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    background: np.ndarray
    masked_background: np.ndarray
    render: np.ndarray
    landmarks: np.ndarray
    landmarks_visible: np.ndarray
    light: np.ndarray
    camera: dict[str, float | tuple[float, float]]


def make(scene: Scene, size: int, samples: int = 2) -> Picture:
    """Take the picture of a scene.

    Args:
        scene: every factor.
        size: pixels of the square picture.
        samples: samples a pixel and direction.

    Returns:
        The same bytes for the same scene and size.
    """
    fine = size * samples
    body = pose(scene, detail_for(size))
    camera, shift = frame(scene)
    points = _project(body.positions, camera, fine)
    fragments = rasterize(points, torch.from_numpy(body.triangles), fine, fine)
    seen = fragments.seen.numpy()
    exposure = metering(scene)
    light = np.zeros((fine, fine, 3), np.float32)
    normals = np.zeros((fine, fine, 3), np.float32)
    light[seen], normals[seen], part = _shade(scene, body, fragments, seen, camera, fine)
    light *= exposure
    labels = np.zeros((fine, fine), np.int64)
    labels[seen] = part

    behind = background(scene.background, size)
    alpha = cv2.resize(seen.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    light = cv2.resize(light, (size, size), interpolation=cv2.INTER_AREA)  # premultiplied by coverage
    depth = np.where(seen, fragments.depth.numpy(), 0)
    depth = cv2.resize(depth, (size, size), interpolation=cv2.INTER_AREA)
    normals = cv2.resize(normals, (size, size), interpolation=cv2.INTER_AREA)
    image = capture(light + behind * (1 - alpha[..., None]), scene.capture)
    parts = most_frequent(torch.from_numpy(labels), samples).numpy().astype(np.uint8)

    head = default_head()
    landmarks = head.landmarks(torch.from_numpy(body.positions[None, : len(head.mean)]))[0].numpy()
    landmarks = _project(landmarks, camera, size)
    masked = image.copy()
    masked[parts != 0] = GREY
    harmonics = lamps_as_harmonics(scene) * exposure
    return Picture(
        image=image,
        parts=parts,
        alpha=alpha,
        depth=np.where(alpha > 0, depth / np.maximum(alpha, 1e-6), np.inf).astype(np.float32),
        normals=normals / (np.linalg.norm(normals, axis=2, keepdims=True) + 1e-9),
        background=capture(behind, scene.capture),
        masked_background=masked,
        render=crude(scene, body, camera, harmonics, size),
        landmarks=landmarks[:, :2].numpy(),
        landmarks_visible=visible(_project_up(landmarks, samples), fragments).numpy(),
        light=harmonics[0].numpy(),
        camera={"focal": float(camera.focal), "distance": float(camera.distance), "shift": shift},
    )


def detail_for(size: int) -> float:
    """How finely hair is drawn for a picture of this size."""
    return float(np.clip(size / 512, 0.2, 1))


def frame(scene: Scene) -> tuple[Perspective, tuple[float, float]]:
    """Place the camera by the neutral face, so that an expression does not move it.

    Returns:
        The camera, and its shift in half pictures.
    """
    bones = skull(scene.person)
    chin, brows = bones.landmarks[8], bones.landmarks[17:27].mean(0)
    middle = torch.from_numpy((chin + brows) / 2)[None, None]
    head = default_head()
    rotation = rotation_matrix(torch.tensor(np.radians([scene.angles]), dtype=torch.float32))
    middle = ((middle - head.pivot) @ rotation.mT + head.pivot)[0, 0]
    focal = 1 / np.tan(np.radians(scene.shot.view) / 2)
    distance = focal * (brows[1] - chin[1]) / (2 * scene.shot.face_height) + float(middle[2])
    depth = distance - float(middle[2])
    shift = tuple(float(2 * s - focal * m / depth) for s, m in zip(scene.shot.shift, middle[:2].tolist()))
    camera = Perspective(torch.tensor([focal]).float(), torch.tensor([distance]).float(), torch.tensor([shift]).float())
    return camera, shift  # type: ignore[return-value]


def metering(scene: Scene) -> float:
    """Exposure that a camera would choose: bright skin comes out bright and dark skin dark, but less than in proportion."""
    albedo = float(skin.colour(scene.person.skin.melanin, scene.person.skin.haemoglobin) @ [0.2126, 0.7152, 0.0722])
    return 0.56 / shade.irradiance(scene.lamps) * albedo**-0.42


def lamps_as_harmonics(scene: Scene) -> torch.Tensor:
    """The lamps in spherical harmonics (1, 9, 3), by the best fit to their light on a sphere, shadows left out."""
    lamps = scene.lamps
    around = torch.tensor([lamps.fill_colour]) * (0.75 * lamps.fill) + 0.5 * lamps.bounce * torch.tensor([[1, 0.85, 0.7]])
    key = torch.from_numpy(shade.direction(lamps.azimuth, lamps.elevation))[None]
    rim = torch.from_numpy(shade.direction(lamps.rim_azimuth, 15))[None]
    return (
        ambient(around)
        + directional(key, lamps.key * torch.tensor([lamps.key_colour]))
        + directional(rim, torch.full((1, 3), lamps.rim))
    )


def crude(scene: Scene, body: Body, camera: Perspective, harmonics: torch.Tensor, size: int) -> np.ndarray:
    """The bare head under the light, RigFace's guide: one colour of skin, no detail, no hair, black around, (S, S, 3) uint8."""
    head = default_head()
    vertices = torch.from_numpy(body.positions[None, : len(head.mean)])
    albedo = torch.from_numpy(skin.colour(scene.person.skin.melanin, scene.person.skin.haemoglobin))
    drawn = render(head, vertices, camera, harmonics, size=size, albedo=albedo, samples=1)
    bare = torch.isin(drawn.parts, torch.tensor([*_FACE, *(PARTS.index(name) for name in _EYES), PARTS.index("mouth")]))
    colour = (drawn.colour * bare).movedim(0, 2).numpy()
    from .capture import to_srgb

    return np.rint(to_srgb(colour) * 255).astype(np.uint8)


def _shade(scene: Scene, body: Body, fragments, seen: np.ndarray, camera: Perspective, fine: int):
    """Light, normals and part of every sample that sees something, in the order of `seen`."""
    head, lamps, person = default_head(), scene.lamps, scene.person
    triangle = fragments.triangle.numpy()[seen]
    weights = fragments.weights.numpy()[seen].astype(np.float32)
    corners = body.triangles[triangle]
    count = len(head.mean)

    def mix(values: np.ndarray, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        return np.einsum("nkc,nk->nc", values[corners[chosen]], weights[chosen])

    where = mix(np.concatenate([body.positions, body.normals], 1))
    position, normal = where[:, :3], _unit(where[:, 3:])
    view = _unit(np.array([0, 0, float(camera.distance)], np.float32) - position)
    towards = shade.direction(lamps.azimuth, lamps.elevation)
    # Hair and the back of cloth are seen from both sides; the head is closed.
    on_head = triangle < body.head_triangles
    flip = ((normal * view).sum(1) < 0) & ~on_head
    normal[flip] *= -1
    side = int(np.clip(fine, 160, 512))
    reached = lit(
        position + 0.002 * normal, body.positions, body.triangles, towards, side, 0.005,
        blur=round(side * (0.004 + 0.02 * lamps.softness)),
    )  # fmt: skip
    open_vertices = np.concatenate([openness(), np.full(len(body.positions) - count, 0.9, np.float32)])
    points = shade.Points(normal, view, reached.astype(np.float32), mix(open_vertices[:, None])[:, 0])

    part = body.parts[triangle]
    light = np.zeros((len(triangle), 3), np.float32)
    out_normal = normal.copy()

    bare = np.isin(part, _FACE) & on_head
    place = np.zeros_like(position)
    place[on_head] = mix(np.concatenate([head.mean.numpy(), np.zeros((1, 3), np.float32)]), on_head)
    face_side = 768 if fine > 700 else 384 if fine > 300 else 256
    painted = skin.paint(person, face_side)
    units = np.array(scene.units, np.float32)
    groove = skin.groove(units, person.skin, face_side)
    slope = skin.slopes(painted.relief - 11 * groove)
    spots = maps.unroll(place[bare])
    sampled = _look_up(np.dstack([painted.albedo, painted.gloss, slope, groove]), spots)
    albedo = sampled[:, :3] * (1 - 0.38 * np.clip(sampled[:, 6:], 0, 1) * np.array([0.7, 1, 1.05], np.float32))
    rotation = rotation_matrix(torch.tensor(np.radians([scene.angles]), dtype=torch.float32))[0].numpy()
    across = _unit(np.cross(rotation[:, 1], normal[bare]))
    upward = np.cross(normal[bare], across)
    bumped = _unit(normal[bare] - sampled[:, 4:5] * across - sampled[:, 5:6] * upward)
    some = points[bare]
    light[bare] = shade.skin(
        shade.Points(bumped, some.views, some.lit, some.open), normal[bare], albedo, sampled[:, 3], lamps
    )

    for name, index in _EYES.items():
        chosen = (part == PARTS.index(name)) & on_head
        if chosen.any():
            ball = head.eyes[index].numpy()
            axis = _unit(place[chosen] - head.mean.numpy()[ball].mean(0))
            colour, cornea = eyes.eyeball(axis, person.features, person.number)
            # The mesh of an eyeball is coarse; a sphere is known exactly.
            round_ = _unit(position[chosen] - body.positions[ball].mean(0))
            wet = shade.Points(round_, view[chosen], points.lit[chosen], points.open[chosen])
            light[chosen] = shade.matt(wet, colour, lamps) + shade.mirror(wet, lamps, cornea)
    inside = (part == PARTS.index("mouth")) & on_head
    if inside.any():
        teeth = head.teeth.numpy()[~head.lashes.numpy()][triangle[inside]]
        # The closed mouth of the mean head says nothing of how open this one is; depth inside it darkens instead.
        wet = points[inside]
        wet = shade.Points(wet.normals, wet.views, np.maximum(wet.lit, 0.3), np.full_like(wet.open, 0.8))
        light[inside] = shade.matt(wet, eyes.mouth(place[inside], teeth), lamps, 0.25 * teeth)
    torso = (part == PARTS.index("cloth")) & on_head
    if torso.any():
        light[torso] = shade.matt(points[torso], np.broadcast_to(skin.colour(person.skin.melanin, 0.25), (torso.sum(), 3)), lamps)
    strands = (part == PARTS.index("hair")) & ~on_head
    if strands.any():
        detail = mix(np.concatenate([body.colours, body.tangents], 1), strands)
        light[strands] = shade.strands(points[strands], _unit(detail[:, 3:]), detail[:, :3], lamps)
    worn = ~on_head & ~strands
    if worn.any():
        detail = mix(np.concatenate([body.colours, body.gloss[:, None]], 1), worn)
        light[worn] = shade.matt(points[worn], detail[:, :3], lamps, detail[:, 3])
    return light, out_normal, part


def _look_up(picture: np.ndarray, spots: np.ndarray) -> np.ndarray:
    """Channels (N, C) of a picture (S, S, C) at coordinates (N, 2) in [0, 1], bilinearly, mirrored beyond its edges."""
    side = len(picture)
    x, y = (spots[:, i].reshape(1, -1) * side - 0.5 for i in (0, 1))
    rows = -(-x.shape[1] // 16384)
    pad = rows * 16384 - x.shape[1]
    x, y = (np.pad(v, ((0, 0), (0, pad))).reshape(rows, 16384) for v in (x, y))
    found = [
        cv2.remap(np.ascontiguousarray(picture[..., c : c + 4]), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        for c in range(0, picture.shape[2], 4)
    ]
    return np.concatenate([f.reshape(rows * 16384, -1) for f in found], 1)[: rows * 16384 - pad]


def _project(points: np.ndarray, camera: Perspective, size: int) -> torch.Tensor:
    return to_pixels(camera.project(torch.from_numpy(points)[None]), size, size)[0]


def _project_up(points: torch.Tensor, samples: int) -> torch.Tensor:
    """Points in the pixels of the finer picture."""
    return torch.cat([(points[:, :2] + 0.5) * samples - 0.5, points[:, 2:]], 1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)
