"""A scene as a camera sees it, with all that is known of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ...core.parallel import one_thread
from ...face3d.appearance import skin
from ...face3d.camera import Perspective, rotation_matrix, to_pixels
from ...face3d.heads.anny import default_head
from ...face3d.rendering.lighting import ambient, directional
from ...face3d.rendering.render import Fragments, check_size, most_frequent, rasterize, render, visible
from ...imaging.images import to_uint8
from ..backgrounds.background import background
from ..scene.capture import capture, to_srgb
from ..scene.check import check_scene
from ..scene.factors import Scene
from . import appearance, shade
from .appearance import overlay
from .body import Body, pose, skull

GREY = 127  # what the released editors paint over the person in their conditioning image


@dataclass(frozen=True)
class Picture:
    """A finished picture and its truth."""

    image: np.ndarray  # (S, S, 3) uint8 sRGB
    parts: np.ndarray  # (S, S) uint8, face-parsing classes in the order of `face3d.head.PARTS`
    alpha: np.ndarray  # (S, S) float32 in [0, 1], the person against the background; lenses count by their opacity
    depth: np.ndarray  # (S, S) float32 metres from the camera, infinite in the background; lenses and lashes have none
    # (S, S, 3) float32 unit normals in the camera's axes, 0 in the background; of the same as the depth
    normals: np.ndarray
    background: np.ndarray  # (S, S, 3) uint8, what the camera sees without the person
    masked_background: np.ndarray  # (S, S, 3) uint8, the image with the person painted grey
    # (S, S, 3) uint8, the bare head under the same light, of one colour and without fine detail, on black
    render: np.ndarray
    landmarks: np.ndarray  # (68, 2) float32 pixels, iBUG order, (0, 0) the centre of the first pixel
    landmarks_visible: np.ndarray  # (68,) bool, inside the picture and hidden by nothing
    light: np.ndarray  # (9, 3) float32, the lamps as spherical harmonics, as metered
    camera: dict[str, float | tuple[float, float]]  # the numbers of `face3d.camera.Perspective`


@one_thread()
def make(scene: Scene, size: int, samples: int = 2) -> Picture:
    """Take the picture of a scene, `size` pixels square, 8 to 4096, by 1 to 4 samples a pixel and direction; the same
    bytes for the same scene and size.

    Raises InputError for a factor, size or samples out of range, or a point behind the camera.
    """
    check_scene(scene)
    check_size(size, samples)
    body = pose(scene, detail_for(size))
    camera, shift = frame(scene)
    seen = _expose(scene, body, camera, size * samples)
    exposure = metering(scene)

    def shrunk(picture: np.ndarray) -> np.ndarray:
        return cv2.resize(picture.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)

    behind, alpha, solid = background(scene.background, size), shrunk(seen.cover), shrunk(seen.fragments.seen.numpy())
    image = capture(exposure * shrunk(seen.light) + behind * (1 - alpha[..., None]), scene.capture)
    depth = shrunk(np.where(seen.fragments.seen, seen.fragments.depth, 0)) / np.maximum(solid, 1e-6)
    parts = most_frequent(torch.from_numpy(seen.labels), samples).numpy().astype(np.uint8)
    landmarks = _landmarks(body, camera, size * samples)
    harmonics = lamps_as_harmonics(scene) * exposure
    return Picture(
        image=image,
        parts=parts,
        alpha=alpha,
        depth=np.where(solid > 0, depth, np.inf).astype(np.float32),
        normals=shade.unit(shrunk(seen.normals)),
        background=capture(behind, scene.capture),
        masked_background=np.where(parts[..., None] > 0, np.uint8(GREY), image),
        render=crude(scene, body, camera, harmonics, size),
        landmarks=((landmarks[:, :2] + 0.5) / samples - 0.5).numpy(),
        landmarks_visible=_visible(landmarks, seen),
        light=harmonics[0].numpy(),
        camera={"focal": float(camera.focal), "distance": float(camera.distance), "shift": shift},
    )


@dataclass(frozen=True)
class _Exposure:
    """A body through a camera, sample by sample, (H, W, ...): before metering, and without a background."""

    light: np.ndarray
    cover: np.ndarray
    labels: np.ndarray
    dark: np.ndarray  # behind a lens that hides more than half
    normals: np.ndarray
    fragments: Fragments


def _expose(scene: Scene, body: Body, camera: Perspective, side: int) -> _Exposure:
    fragments = rasterize(_project(body.positions, camera, side), torch.from_numpy(body.triangles), side, side)
    seen, distance = fragments.seen.numpy(), float(camera.distance)
    samples = appearance.collect(scene, body, fragments, distance)
    light, normals = np.zeros((side, side, 3), np.float32), np.zeros((side, side, 3), np.float32)
    cover, labels, dark = seen.astype(np.float32), np.zeros((side, side), np.int64), np.zeros((side, side), bool)
    light[seen] = appearance.light(scene, body, samples, side)
    labels[seen] = appearance.label(scene, samples, side)
    normals[seen] = samples.points.normals
    for layer in body.glass:
        before = labels.copy()
        overlay(light, cover, labels, fragments, layer, _project(layer.vertices, camera, side), scene.lamps, distance)
        dark |= (labels != before) & (layer.opacity > 0.5)
    return _Exposure(light, cover, labels, dark, normals, fragments)


def _landmarks(body: Body, camera: Perspective, side: int) -> torch.Tensor:
    """The 68 landmarks (68, 3) in the pixels of a picture of that side, with depth."""
    head = default_head()
    places = head.landmarks(torch.from_numpy(body.positions[None, : len(head.mean)]))[0]
    return _project(places.numpy(), camera, side)


def _visible(landmarks: torch.Tensor, seen: _Exposure) -> np.ndarray:
    """Which landmarks (68, 3) are in the picture, behind nothing and behind no dark lens."""
    found = visible(landmarks, seen.fragments).numpy()
    column, row = landmarks[:, :2].round().long().clamp(0, len(seen.dark) - 1).numpy().T
    return found & ~seen.dark[row, column]


def detail_for(size: int) -> float:
    """How finely hair is drawn for a picture of this size."""
    return float(np.clip(size / 512, 0.2, 1))


def frame(scene: Scene) -> tuple[Perspective, tuple[float, float]]:
    """Place the camera by the neutral face, so that an expression does not move it: the camera, and its shift in half
    pictures.
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
    """Exposure that a camera would choose: bright skin comes out bright, dark skin dark, less than in proportion."""
    albedo = float(skin.colour(scene.person.skin.melanin, scene.person.skin.haemoglobin) @ [0.2126, 0.7152, 0.0722])
    return 0.56 / shade.irradiance(scene.lamps) * albedo**-0.42


def lamps_as_harmonics(scene: Scene) -> torch.Tensor:
    """The lamps in spherical harmonics (1, 9, 3): the best fit to their light on a sphere, shadows left out."""
    lamps = scene.lamps
    around = torch.tensor([lamps.fill_colour]) * (0.75 * lamps.fill) + 0.5 * lamps.bounce * torch.tensor(
        [[1, 0.85, 0.7]]
    )
    key = torch.from_numpy(shade.direction(lamps.azimuth, lamps.elevation))[None]
    rim = torch.from_numpy(shade.direction(lamps.rim_azimuth, 15))[None]
    return (
        ambient(around)
        + directional(key, lamps.key * torch.tensor([lamps.key_colour]))
        + directional(rim, torch.full((1, 3), lamps.rim))
    )


def crude(scene: Scene, body: Body, camera: Perspective, harmonics: torch.Tensor, size: int) -> np.ndarray:
    """The bare head under the light, (S, S, 3) uint8: RigFace's conditioning image, of one colour, bald, on black."""
    head = default_head()
    vertices = torch.from_numpy(body.positions[None, : len(head.mean)])
    tone = torch.from_numpy(skin.colour(scene.person.skin.melanin, scene.person.skin.haemoglobin))
    # The neck fades out where the shoulders begin, more smoothly than its triangles end.
    albedo = tone * ((head.head_weight - 0.1) / 0.15).clamp(0, 1)[:, None]
    colour, _ = render(head, vertices, camera, harmonics, size=size, albedo=albedo)
    return to_uint8(to_srgb(colour.movedim(0, 2).numpy()))


def _project(points: np.ndarray, camera: Perspective, size: int) -> torch.Tensor:
    return to_pixels(camera.project(torch.from_numpy(points)[None]), size, size)[0]
