"""A picture that costs nothing, for what does not depend on how pictures are made."""

from __future__ import annotations

import numpy as np

from common.synthetic.render.picture import Picture
from common.synthetic.scene.factors import Scene


def make(scene: Scene, size: int) -> Picture:
    """Noise that follows from the scene alone."""
    rng = np.random.default_rng(
        [scene.capture.pattern, int(1e3 * np.sum(scene.units)), int(1e6 + 1e3 * scene.angles[0])]
    )

    def image() -> np.ndarray:
        return rng.integers(0, 256, (size, size, 3), np.uint8)

    return Picture(
        image=image(),
        parts=rng.integers(0, 19, (size, size), np.uint8),
        alpha=rng.random((size, size), np.float32),
        depth=rng.random((size, size), np.float32),
        normals=rng.random((size, size, 3), np.float32),
        background=image(),
        masked_background=image(),
        render=image(),
        landmarks=rng.random((68, 2), np.float32) * size,
        landmarks_visible=rng.random(68) < 0.7,
        light=rng.random((9, 3), np.float32),
        camera={"focal": 5.0, "distance": 2.5, "shift": (0.01, -0.02)},
    )
