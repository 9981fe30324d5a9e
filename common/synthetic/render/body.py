"""One dressed person as triangles: the head with what grows on it and what it wears, in any expression and pose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from ...core.face_labels import PARTS
from ...face3d.camera import rotation_matrix
from ...face3d.heads.anny import default_head
from ...face3d.heads.head import vertex_normals
from ..hair.hair import hair
from ..scene.factors import Person, Scene, Wear
from ..wear.clothes import clothes
from ..wear.glasses import glasses
from ..wear.hats import hat
from ..wear.layers import Layer, Skull


@dataclass(frozen=True)
class Body:
    """Triangles of everything opaque, posed, in the camera's axes."""

    positions: np.ndarray  # (V, 3) metres, the head's vertices first
    normals: np.ndarray  # (V, 3) unit
    tangents: np.ndarray  # (V, 3) unit along strands, 0 elsewhere
    colours: np.ndarray  # (V, 3) albedo of layers, 0 on the head
    gloss: np.ndarray  # (V,) of layers
    triangles: np.ndarray  # (T, 3) int64, the head's first
    parts: np.ndarray  # (T,) face-parsing classes
    teeth: np.ndarray  # (T,) bool
    head_triangles: int  # how many are the head's
    glass: tuple[Layer, ...]  # what is translucent, posed alike: lashes and lenses


@lru_cache(maxsize=16)
def skull(person: Person) -> Skull:
    """The person's neutral head."""
    head = default_head()
    vertices = head(torch.tensor([person.identity], dtype=torch.float32))
    return Skull(
        vertices=vertices[0].numpy(),
        normals=vertex_normals(vertices, head.triangles)[0].numpy(),
        triangles=head.triangles.numpy(),
        landmarks=head.landmarks(vertices)[0].numpy(),
        head_weight=head.head_weight.numpy(),
    )


@lru_cache(maxsize=16)
def layers(person: Person, wear: Wear, detail: float) -> tuple[Layer, ...]:
    """Hair, clothes, hat and glasses of a person, fitted to the neutral head."""
    bones = skull(person)

    def rng(purpose: int, pattern: int) -> np.random.Generator:
        return np.random.default_rng([person.number, purpose, pattern])

    found: list[Layer | None] = [
        clothes(
            wear.clothes,
            bones,
            rng(1, wear.pattern),
            colour=np.array(wear.clothes_colour),
            pattern=wear.clothes_pattern,
            detail=detail,
        ),
        hair(
            person.hair.style,
            bones,
            rng(2, person.hair.pattern),
            colour=np.array(person.hair.colour),
            length=person.hair.length,
            detail=detail,
            under_hat=wear.hat,
        ),
        hat(wear.hat, bones, rng(3, wear.pattern), colour=np.array(wear.hat_colour)),
        *glasses(wear.glasses, bones, rng(4, wear.pattern), colour=np.array(wear.glasses_colour)),
    ]
    return tuple(layer for layer in found if layer is not None)


def pose(scene: Scene, detail: float) -> Body:
    """Give a scene's person the scene's expression and pose; `detail` of the hair is 0.2 (for small pictures) to 1."""
    head = default_head()
    blink = head.actions_named({"eyeBlinkLeft": scene.blink[0], "eyeBlinkRight": scene.blink[1]})
    gaze = torch.tensor(np.radians([[scene.gaze, scene.gaze]]), dtype=torch.float32)
    neutral, units = torch.from_numpy(skull(scene.person).vertices)[None], torch.tensor([scene.units]).float()
    if np.any(scene.others):
        units = torch.cat([units, torch.tensor([scene.others]).float()], 2)
    angles = torch.tensor(np.radians([scene.angles]), dtype=torch.float32)
    vertices = head.turn(head.express(neutral, units, gaze=gaze, actions=blink), angles)
    normals = vertex_normals(vertices, head.triangles)[0].numpy()
    positions, lashes = vertices[0].numpy(), head.lashes.numpy()

    worn = [_follow(layer, angles) for layer in layers(scene.person, scene.wear, detail)]
    opaque = [layer for layer in worn if layer.opacity == 1]
    count = len(positions)
    starts = np.cumsum([count, *(len(layer.vertices) for layer in opaque)])
    bare = np.zeros((count, 3), np.float32)
    head_triangles = head.triangles.numpy()[~lashes]
    dark = np.full((count, 3), 0.01, np.float32)
    opacity = 0.75 * scene.person.features.lashes
    fringe = Layer("skin", positions, head.triangles.numpy()[lashes], dark, bare[:, 0], normals, None, 0.0, opacity)
    return Body(
        positions=np.concatenate([positions, *(layer.vertices for layer in opaque)]),
        normals=np.concatenate([normals, *(layer.normals for layer in opaque)]),
        tangents=np.concatenate(
            [bare, *(np.zeros_like(layer.vertices) if layer.tangents is None else layer.tangents for layer in opaque)]
        ),
        colours=np.concatenate([bare, *(layer.colour for layer in opaque)]),
        gloss=np.concatenate(
            [bare[:, 0], *(np.full(len(layer.vertices), layer.gloss, np.float32) for layer in opaque)]
        ),
        triangles=np.concatenate([head_triangles, *(layer.triangles + start for layer, start in zip(opaque, starts))]),
        parts=np.concatenate(
            [head.parts.numpy()[~lashes], *(np.full(len(layer.triangles), PARTS.index(layer.part)) for layer in opaque)]
        ),
        teeth=head.teeth.numpy()[~lashes],
        head_triangles=len(head_triangles),
        glass=(fringe, *(layer for layer in worn if layer.opacity < 1)),
    )


def _follow(layer: Layer, angles: torch.Tensor) -> Layer:
    """The layer, turned with the head as far as each vertex follows it."""
    rotation, pivot = rotation_matrix(angles)[0].numpy(), default_head().pivot.numpy()
    turned = (layer.vertices - pivot) @ rotation.T + pivot
    return replace(
        layer,
        vertices=layer.vertices + layer.follow[:, None] * (turned - layer.vertices),
        normals=layer.normals @ rotation.T,
        tangents=None if layer.tangents is None else layer.tangents @ rotation.T,
    )
