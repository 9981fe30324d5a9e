"""One dressed person as triangles: the head with what grows on it and what it wears, in any expression and pose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import torch

from ..face3d.anny_head import default_head
from ..face3d.camera import Orthographic, to_pixels
from ..face3d.head import vertex_normals
from ..face3d.render import rasterize
from .factors import Person, Scene, Wear
from .layers import Layer, Skull

_RAYS, _RAY_SIDE = 48, 192


@dataclass(frozen=True)
class Body:
    """Triangles of everything opaque, posed, in the camera's axes.

    Attributes:
        positions: (V, 3) metres.
        normals: (V, 3) unit.
        tangents: (V, 3) unit along strands, 0 elsewhere.
        colours: (V, 3) albedo of layers, 0 on the head.
        gloss: (V,) of layers.
        triangles: (T, 3) int64, those of the head first.
        parts: (T,) face-parsing classes.
        head_triangles: how many are the head's.
        layers: the translucent layers, posed alike.
    """

    positions: np.ndarray
    normals: np.ndarray
    tangents: np.ndarray
    colours: np.ndarray
    gloss: np.ndarray
    triangles: np.ndarray
    parts: np.ndarray
    head_triangles: int
    lenses: tuple[Layer, ...]


@lru_cache(maxsize=16)
def skull(person: Person) -> Skull:
    """The person's neutral head."""
    head = default_head()
    vertices = head(torch.tensor([person.identity], dtype=torch.float32))
    return Skull(
        vertices=vertices[0].numpy(),
        normals=vertex_normals(vertices, head.triangles)[0].numpy(),
        mean=head.mean.numpy(),
        triangles=head.triangles.numpy(),
        parts=head.parts.numpy(),
        landmarks=head.landmarks(vertices)[0].numpy(),
        head_weight=head.head_weight.numpy(),
    )


@lru_cache(maxsize=16)
def layers(person: Person, wear: Wear, detail: float) -> tuple[Layer, ...]:
    """Hair, clothes, hat and glasses of a person, fitted to the neutral head."""
    from .clothes import clothes
    from .glasses import glasses
    from .hair import hair
    from .hats import hat

    bones = skull(person)

    def rng(purpose: int, pattern: int) -> np.random.Generator:
        return np.random.default_rng([person.number, purpose, pattern])

    found: list[Layer | None] = [
        clothes(wear.clothes, bones, rng(1, wear.pattern), colour=wear.clothes_colour, pattern=wear.clothes_pattern),
        hair(
            person.hair.style,
            bones,
            rng(2, person.hair.pattern),
            colour=person.hair.colour,
            length=person.hair.length,
            detail=detail,

        ),
        hat(wear.hat, bones, rng(3, wear.pattern), colour=wear.hat_colour),
        *glasses(wear.glasses, bones, rng(4, wear.pattern), colour=wear.glasses_colour),
    ]
    return tuple(layer for layer in found if layer is not None)


@cache
def openness() -> np.ndarray:
    """How much of the surroundings each vertex of the mean head sees, (V,) in [0, 1]: ambient occlusion, from depth pictures."""
    head = default_head()
    vertices, normals = head.mean, vertex_normals(head.mean[None], head.triangles)[0]
    seen, total = torch.zeros(len(vertices)), torch.zeros(len(vertices))
    index = torch.arange(_RAYS) + 0.5
    z, turn = 1 - 2 * index / _RAYS, index * (np.pi * (3 - 5**0.5))
    for direction in torch.stack([(1 - z * z).sqrt() * turn.cos(), z, (1 - z * z).sqrt() * turn.sin()], 1):
        facing = (normals @ direction).clamp_min(0)
        visible = lit(vertices.numpy(), vertices.numpy(), head.triangles.numpy(), direction.numpy(), _RAY_SIDE, 0.004)
        seen, total = seen + facing * torch.from_numpy(visible), total + facing
    return (seen / total.clamp_min(1e-6)).numpy()


def lit(
    points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray, direction: np.ndarray, side: int, bias: float,
    blur: int = 0,
) -> np.ndarray:  # fmt: skip
    """Say how much of a distant lamp reaches points: shadow mapping.

    Args:
        points: (N, 3) metres.
        vertices: (V, 3) of what casts shadows.
        triangles: (T, 3).
        direction: (3,) unit, towards the lamp.
        side: pixels of the shadow map.
        bias: metres that a point must lie behind the nearest surface to be in its shadow.
        blur: pixels by which the shadow's edge is softened.

    Returns:
        (N,) float32 in [0, 1], 1 in full light.
    """
    up = np.array([0, 1, 0], np.float32) if abs(direction[1]) < 0.9 else np.array([0, 0, 1], np.float32)
    right = np.cross(up, direction)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(direction, right), direction]).astype(np.float32)
    # The head matters, not the far ends of the shoulders.
    centre, radius = np.array([0, -0.05, -0.06], np.float32), 0.26
    camera = Orthographic(torch.tensor([1 / radius]), torch.zeros(1, 2))
    projected = camera.project(torch.from_numpy((vertices - centre) @ axes.T)[None])
    depth = rasterize(to_pixels(projected, side, side)[0], torch.from_numpy(triangles), side, side).depth.numpy()
    place = to_pixels(camera.project(torch.from_numpy((points - centre) @ axes.T)[None]), side, side)[0].numpy()
    x, y = place[:, 0], place[:, 1]
    total = np.zeros(len(points), np.float32)
    offsets = [0.0] if not blur else np.linspace(-blur, blur, 3)
    for dx in offsets:
        for dy in offsets:
            column, row = np.rint(x + dx).astype(int), np.rint(y + dy).astype(int)
            outside = (column < 0) | (row < 0) | (column >= side) | (row >= side)
            nearest = depth[row.clip(0, side - 1), column.clip(0, side - 1)]
            total += outside | (place[:, 2] < nearest + bias)
    return total / len(offsets) ** 2


def pose(scene: Scene, detail: float, turn: bool = True) -> Body:
    """Give a scene's person the scene's expression and pose.

    Args:
        scene: who, in what, how.
        detail: of the hair, 0.2 (for small pictures) to 1.
        turn: false leaves the head straight, for framing.
    """
    head, bones = default_head(), skull(scene.person)
    blink = head.actions_named({"eyeBlinkLeft": scene.blink[0], "eyeBlinkRight": scene.blink[1]})
    gaze = torch.tensor(np.radians([[scene.gaze, scene.gaze]]), dtype=torch.float32)
    vertices = head.express(
        torch.from_numpy(bones.vertices)[None], torch.tensor([scene.units], dtype=torch.float32), gaze=gaze, actions=blink
    )
    angles = torch.tensor(np.radians([scene.angles]), dtype=torch.float32)
    grown = layers(scene.person, scene.wear, detail)
    opaque = [layer for layer in grown if layer.opacity == 1]
    hidden = np.zeros(len(head.triangles), bool)
    hidden |= head.lashes.numpy()
    head_triangles = head.triangles.numpy()[~hidden]
    posed = [_follow(layer, angles) for layer in opaque]
    vertices = head.turn(vertices, angles)
    normals = vertex_normals(vertices, head.triangles)
    count = len(bones.vertices)
    starts = np.cumsum([count, *(len(layer.vertices) for layer in posed)])
    zeros = np.zeros((count, 3), np.float32)
    from ..face3d.head import PARTS

    return Body(
        positions=np.concatenate([vertices[0].numpy(), *(layer.vertices for layer in posed)]),
        normals=np.concatenate([normals[0].numpy(), *(_normals(layer) for layer in posed)]),
        tangents=np.concatenate(
            [zeros, *(np.zeros_like(layer.vertices) if layer.tangents is None else layer.tangents for layer in posed)]
        ),
        colours=np.concatenate([zeros, *(layer.colour for layer in posed)]),
        gloss=np.concatenate([zeros[:, 0], *(np.full(len(layer.vertices), layer.gloss, np.float32) for layer in posed)]),
        triangles=np.concatenate([head_triangles, *(layer.triangles + start for layer, start in zip(posed, starts))]),
        parts=np.concatenate(
            [head.parts.numpy()[~hidden], *(np.full(len(layer.triangles), PARTS.index(layer.part)) for layer in posed)]
        ),
        head_triangles=len(head_triangles),
        lenses=tuple(_follow(layer, angles) for layer in grown if layer.opacity < 1),
    )


def _follow(layer: Layer, angles: torch.Tensor) -> Layer:
    """The layer, turned with the head as far as each vertex follows it."""
    from dataclasses import replace

    from ..face3d.camera import rotation_matrix

    rotation, pivot = rotation_matrix(angles)[0].numpy(), default_head().pivot.numpy()
    turned = (layer.vertices - pivot) @ rotation.T + pivot
    return replace(
        layer,
        vertices=layer.vertices + layer.follow[:, None] * (turned - layer.vertices),
        normals=_normals(layer) @ rotation.T,
        tangents=None if layer.tangents is None else layer.tangents @ rotation.T,
    )


def _normals(layer: Layer) -> np.ndarray:
    if layer.normals is not None:
        return layer.normals
    return vertex_normals(torch.from_numpy(layer.vertices)[None], torch.from_numpy(layer.triangles).long())[0].numpy()
