"""Things that a head grows or wears: triangles with a colour of their own, drawn together with the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layer:
    """One thing on a head, in the space of the neutral, unturned head (`AnnyHead(identity)`).

    Attributes:
        part: its face-parsing class by name: "hair", "hat", "eye_g", "cloth", "neck_l", "ear_r".
        vertices: (N, 3) float32 metres.
        triangles: (M, 3) int32; both sides are seen.
        colour: (N, 3) float32 albedo in linear light, in [0, 1].
        follow: (N,) float32, how much of the head's turn a vertex takes: 1 on the head, 0 on the shoulders.
        normals: (N, 3) float32 unit normals; None computes them from the triangles.
        tangents: (N, 3) float32 unit directions along the strand, for hair, whose highlight runs across it; None for
            what is no hair.
        gloss: strength of the highlight, 0 (wool) to 1 (glass).
        opacity: 1 hides what is behind; lenses are nearly 0.
    """

    part: str
    vertices: np.ndarray
    triangles: np.ndarray
    colour: np.ndarray
    follow: np.ndarray
    normals: np.ndarray | None = None
    tangents: np.ndarray | None = None
    gloss: float = 0.1
    opacity: float = 1.0


@dataclass(frozen=True)
class Skull:
    """The head that layers are fitted to: one person's neutral head and shoulders.

    Attributes:
        vertices: (V, 3) float32 metres, as `AnnyHead` gives them for this person.
        normals: (V, 3) float32 unit normals.
        mean: (V, 3) float32, the mean person's vertices: the same places on every head.
        triangles: (T, 3) int64.
        parts: (T,) int64 face-parsing classes.
        landmarks: (68, 3) float32, iBUG order.
        head_weight: (V,) float32, how much of the head's turn each vertex takes.
    """

    vertices: np.ndarray
    normals: np.ndarray
    mean: np.ndarray
    triangles: np.ndarray
    parts: np.ndarray
    landmarks: np.ndarray
    head_weight: np.ndarray
