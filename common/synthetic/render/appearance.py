"""What every sample of a picture of a body looks like: skin, eyes, mouth, hair and cloth, each by its own rules.

What is seen through, lashes and lenses, is laid over a picture that is already lit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch

from ...core.face_labels import PARTS
from ...face3d.appearance import eyes, maps, skin
from ...face3d.camera import rotation_matrix
from ...face3d.heads.anny import default_head
from ...face3d.rendering.render import Fragments, rasterize
from ..scene.factors import Lamps, Person, Scene
from ..wear.layers import Layer
from . import shade
from .body import Body
from .shade import lit, openness

_BIAS = 0.001  # metres: lashes start on the lid

BARE = tuple(PARTS.index(name) for name in ("skin", "nose", "u_lip", "l_lip", "neck", "l_ear", "r_ear"))
EYES = tuple(PARTS.index(name) for name in ("l_eye", "r_eye"))
MOUTH, CLOTH, HAIR = (PARTS.index(name) for name in ("mouth", "cloth", "hair"))
_GROOVE = 11.0  # tenths of a millimetre, the deepest fold
_HAIR_OPEN = 0.9  # how much of the surroundings hair and clothes see


@dataclass(frozen=True)
class Samples:
    """Every sample that sees something of a body, in the order of its fragments."""

    points: shade.Points
    positions: np.ndarray  # (N, 3) metres in the camera's axes
    parts: np.ndarray  # (N,) face-parsing classes
    on_head: np.ndarray  # (N,) bool, on the head's own triangles
    places: np.ndarray  # (N, 3) on the mean head, 0 off the head
    triangles: np.ndarray  # (N,) numbers of the triangles
    corners: np.ndarray  # (N, 3) numbers of their vertices
    weights: np.ndarray  # (N, 3) of these

    def mix(self, values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Values (V, C) of the corners, mixed for the chosen (N,) samples."""
        return _mix(values, self.corners[chosen], self.weights[chosen])


def collect(scene: Scene, body: Body, fragments: Fragments, distance: float) -> Samples:
    """Gather what is known of the samples; `distance` is the camera's, metres from the origin."""
    head, seen = default_head(), fragments.seen.numpy()
    triangles, weights = fragments.triangle.numpy()[seen], fragments.weights.numpy()[seen]
    corners = body.triangles[triangles]
    on_head = triangles < body.head_triangles
    both = _mix(np.concatenate([body.positions, body.normals], 1), corners, weights)
    positions, normals = both[:, :3], shade.unit(both[:, 3:])
    views = shade.unit(np.array([0, 0, distance], np.float32) - positions)
    normals[((normals * views).sum(1) < 0) & ~on_head] *= -1  # hair and cloth have two sides, the head is closed
    side = int(np.clip(len(fragments.triangle), 160, 512))
    lamp = shade.direction(scene.lamps.azimuth, scene.lamps.elevation)
    blur = round(side * (0.004 + 0.02 * scene.lamps.softness))
    reached = lit(positions + 0.002 * normals, body.positions, body.triangles, lamp, side, 0.005, blur)
    seen_sky = np.concatenate([openness(), np.full(len(body.positions) - len(head.mean), _HAIR_OPEN, np.float32)])
    places = np.zeros_like(positions)
    places[on_head] = _mix(head.mean.numpy(), corners[on_head], weights[on_head])
    points = shade.Points(normals, views, reached, _mix(seen_sky[:, None], corners, weights)[:, 0])
    return Samples(points, positions, body.parts[triangles], on_head, places, triangles, corners, weights)


def light(scene: Scene, body: Body, samples: Samples, side: int) -> np.ndarray:
    """Light (N, 3) that leaves the samples towards the camera; `side` are the pixels of the picture they belong to."""
    out = np.zeros_like(samples.positions)
    head, on_head, parts = default_head(), samples.on_head, samples.parts
    bare = np.isin(parts, BARE) & on_head
    out[bare] = _skin(scene, samples, bare, _map_side(side))
    for eye, part in zip(head.eyes.numpy(), EYES):
        if (chosen := on_head & (parts == part)).any():
            out[chosen] = _eye(scene, body, samples, chosen, eye)
    if (chosen := on_head & (parts == MOUTH)).any():
        out[chosen] = _mouth(scene, samples, chosen, body.teeth[samples.triangles[chosen]])
    if (chosen := on_head & (parts == CLOTH)).any():
        tone = skin.colour(scene.person.skin.melanin, scene.person.skin.haemoglobin)
        out[chosen] = shade.matt(samples.points[chosen], np.broadcast_to(tone, (chosen.sum(), 3)), scene.lamps)
    hair = ~on_head & (parts == HAIR)
    if hair.any():
        detail = samples.mix(np.concatenate([body.colours, body.tangents], 1), hair)
        out[hair] = shade.strands(samples.points[hair], shade.unit(detail[:, 3:]), detail[:, :3], scene.lamps)
    if (chosen := ~on_head & ~hair).any():
        detail = samples.mix(np.concatenate([body.colours, body.gloss[:, None]], 1), chosen)
        out[chosen] = shade.matt(samples.points[chosen], detail[:, :3], scene.lamps, detail[:, 3])
    return out


def label(scene: Scene, samples: Samples, side: int) -> np.ndarray:
    """Face-parsing classes (N,) of the samples: those of the triangles, and brows where their hairs are drawn."""
    parts, skinned = samples.parts.copy(), samples.on_head & (samples.parts == PARTS.index("skin"))
    shown = skin.brow_cover(scene.person.features, _map_side(side))
    cover = maps.look_up(
        cv2.GaussianBlur(shown, (0, 0), len(shown) / 400)[..., None], maps.unroll(samples.places[skinned])
    )
    left = samples.places[skinned, 0] > 0
    brow = np.where(left, PARTS.index("l_brow"), PARTS.index("r_brow"))
    parts[skinned] = np.where(cover[:, 0] > 0.25, brow, parts[skinned])
    return parts


def _map_side(side: int) -> int:
    """Pixels of the maps that a picture of `side` samples needs."""
    return 768 if side > 700 else 384 if side > 300 else 256


@lru_cache(maxsize=8)
def _painted(person: Person, side: int) -> skin.SkinMaps:
    return skin.paint(person.skin, person.features, side)


def _skin(scene: Scene, samples: Samples, bare: np.ndarray, side: int) -> np.ndarray:
    painted = _painted(scene.person, side)
    units = np.array(scene.units, np.float32)
    if np.any(scene.others):
        units = skin.folding(units, np.array(scene.others, np.float32))
    groove = skin.groove(units, scene.person.skin, side)
    slope = skin.slopes(painted.relief - _GROOVE * groove)
    found = maps.look_up(np.dstack([painted.albedo, painted.gloss, slope, groove]), maps.unroll(samples.places[bare]))
    albedo, gloss, slope, groove = found[:, :3], found[:, 3], found[:, 4:6], found[:, 6:]
    albedo = albedo * (1 - 0.38 * np.clip(groove, 0, 1) * np.array([0.7, 1, 1.05], np.float32))
    points = samples.points[bare]
    turn = rotation_matrix(torch.tensor(np.radians([scene.angles]), dtype=torch.float32))[0].numpy()
    across = shade.unit(np.cross(turn[:, 1], points.normals))
    upward = np.cross(points.normals, across)
    bumped = shade.unit(points.normals - slope[:, :1] * across - slope[:, 1:] * upward)
    fine = shade.Points(bumped, points.views, points.lit, points.open)
    return shade.skin(fine, points.normals, albedo, gloss, scene.lamps)


def _eye(scene: Scene, body: Body, samples: Samples, chosen: np.ndarray, eye: np.ndarray) -> np.ndarray:
    axis = shade.unit(samples.places[chosen] - default_head().mean.numpy()[eye].mean(0))
    albedo, cornea = eyes.eyeball(axis, scene.person.features, scene.person.number)
    # The mesh of an eyeball is coarse, but a sphere is known exactly.
    ball = shade.unit(samples.positions[chosen] - body.positions[eye].mean(0))
    points = samples.points[chosen]
    wet = shade.Points(ball, points.views, points.lit, points.open)
    return shade.matt(wet, albedo, scene.lamps) + shade.mirror(wet, scene.lamps, cornea)


def _mouth(scene: Scene, samples: Samples, chosen: np.ndarray, teeth: np.ndarray) -> np.ndarray:
    points = samples.points[chosen]
    # The closed mouth of the mean head says nothing of how open this one is; depth inside it darkens instead.
    wet = shade.Points(points.normals, points.views, np.maximum(points.lit, 0.3), np.full_like(points.open, 0.8))
    return shade.matt(wet, eyes.mouth(samples.places[chosen], teeth), scene.lamps, 0.25 * teeth)


def _mix(values: np.ndarray, corners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.einsum("nkc,nk->nc", values[corners], weights)


def overlay(
    light: np.ndarray,
    cover: np.ndarray,
    parts: np.ndarray,
    fragments: Fragments,
    layer: Layer,
    pixels: torch.Tensor,
    lamps: Lamps,
    distance: float,
) -> None:
    """Lay one translucent layer, posed in the camera's axes, over the light (H, W, 3), the cover in [0, 1] and the
    parts (H, W), in place.

    `light` reaches the camera without the layer and the background; `cover` says how much of the background is hidden;
    a lens makes what is behind it "eye_g", lashes change nothing; `fragments` are what is seen without the layer,
    `pixels` (N, 3) its vertices in the picture, with depth; `distance` is the camera's, metres from the origin.
    """
    height, width = parts.shape
    found = rasterize(pixels, torch.from_numpy(layer.triangles).long(), width, height)
    front = (found.seen & (found.depth < fragments.depth + _BIAS)).numpy()
    if not front.any():
        return
    corners = layer.triangles[found.triangle.numpy()[front]]
    weights = found.weights.numpy()[front]
    values = np.concatenate([layer.vertices, layer.normals, layer.colour], 1)
    mixed = np.einsum("nkc,nk->nc", values[corners], weights)
    positions, normals, colour = mixed[:, :3], shade.unit(mixed[:, 3:6]), mixed[:, 6:]
    views = shade.unit(np.array([0, 0, distance], np.float32) - positions)
    normals[(normals * views).sum(1) < 0] *= -1
    ones = np.ones(len(positions), np.float32)
    points = shade.Points(normals, views, ones, ones)
    own = shade.matt(points, colour * (1 - 0.9 * layer.gloss), lamps)  # what is polished has little colour of its own
    if layer.gloss > 0.5:
        own = own + 0.3 * layer.gloss * shade.mirror(points, lamps, ones)
        parts[front] = PARTS.index(layer.part)
    cover[front] = 1 - (1 - cover[front]) * (1 - layer.opacity)
    light[front] = light[front] * (1 - layer.opacity) + own * max(layer.opacity, 0.08 * layer.gloss)
