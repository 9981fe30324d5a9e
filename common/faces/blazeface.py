"""BlazeFace: MediaPipe's face detector, run on one square picture; https://arxiv.org/abs/1907.05047.

Every anchor answers with a score, a box, and six points: the eyes, the nose tip, the mouth, and the two ears.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .warp import transform

SIDE = 256  # input pixels, each way
EYES = slice(0, 2)  # rows of the six points: the eye at the image's left, the one at its right


def anchor_centres() -> np.ndarray:
    """Centres (896, 2) of the anchors in input pixels: two per cell of a 16-pixel grid, six per cell of a 32-pixel one.

    The network's scales have strides 16, 32, 32, 32, two anchors each; scales of equal stride share their cells.
    """
    grids = []
    for stride, per_cell in ((16, 2), (32, 6)):
        y, x = np.mgrid[0 : SIDE // stride, 0 : SIDE // stride]
        cells = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * stride
        grids.append(np.repeat(cells, per_cell, axis=0))
    return np.concatenate(grids).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Detections:
    """Candidates of one or several views: boxes (N, 4) x0 y0 x1 y1, points (N, 6, 2), scores (N,) in [0, 1]."""

    boxes: np.ndarray
    points: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: np.ndarray) -> Detections:
        return Detections(self.boxes[chosen], self.points[chosen], self.scores[chosen])

    def rows(self) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
        """One box (4,), its points (6, 2) and its score at a time."""
        return zip(self.boxes, self.points, self.scores.tolist(), strict=True)

    def mapped(self, matrix: np.ndarray) -> Detections:
        """The same detections after an affine matrix (2, 3) that does not turn."""
        boxes = transform(self.boxes.reshape(-1, 2, 2), matrix).reshape(-1, 4)
        return Detections(boxes, transform(self.points, matrix), self.scores)

    @classmethod
    def joined(cls, parts: list[Detections]) -> Detections:
        """All candidates of a list of detections; the empty list gives none."""
        empty = cls(np.zeros((0, 4), np.float32), np.zeros((0, 6, 2), np.float32), np.zeros(0, np.float32))
        parts = [empty, *parts]
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("boxes", "points", "scores")))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Logistic function; beyond 80 float32 would overflow, and nothing changes any more."""
    return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))


def decode(regressors: np.ndarray, logits: np.ndarray, min_score: float) -> Detections:
    """Turns the network's two outputs into detections in input pixels.

    Args:
        regressors: Offsets (896, 16) in pixels from the anchor: centre, width and height, then six points.
        logits: Scores (896,) before the sigmoid.
        min_score: Candidates below it are dropped.

    Returns:
        The candidates left, overlapping ones not yet merged. Coordinates have integers at pixel centres.
    """
    scores = sigmoid(logits)
    kept = scores >= min_score
    pairs = regressors[kept].reshape(-1, 8, 2)
    centres = anchor_centres()[kept] - 0.5  # the network counts from the corner of the first pixel
    centre, half = pairs[:, 0] + centres, np.abs(pairs[:, 1]) / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return Detections(boxes, pairs[:, 2:] + centres[:, None], scores[kept])


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union (N,) of one box (4,) with boxes (N, 4)."""
    inside = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.clip(inside, 0, None).prod(axis=1)
    area = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return shared / np.maximum(area - shared, 1e-9)


def merge(found: Detections, min_overlap: float = 0.3) -> Detections:
    """One detection per face: the best candidate stands for those that overlap it, at their mean weighted by score."""
    merged = []
    rest = found[np.argsort(-found.scores, kind="stable")]
    while len(rest):
        same = overlap(rest.boxes[0], rest.boxes) >= min_overlap
        same[0] = True
        weights = rest.scores[same] / rest.scores[same].sum()
        box = np.tensordot(weights, rest.boxes[same], 1)
        points = np.tensordot(weights, rest.points[same], 1)
        merged.append(Detections(box[None], points[None], rest.scores[:1]))
        rest = rest[~same]
    return Detections.joined(merged)
