"""Named points of a face: the 68 iBUG landmarks, the five that alignments use, and its outline.

The 68 (https://ibug.doc.ic.ac.uk/resources/300-W), all counted from the image's left to its right: 0..16 jaw line,
17..26 brows, 27..30 bridge and 31..35 base of the nose, 36..47 eyes, 48..59 outer and 60..67 inner lips.
The 468 are those of MediaPipe's face mesh (https://arxiv.org/abs/1907.06724); with ten more of the irises, 478.
"""

from __future__ import annotations

import cv2
import numpy as np

# fmt: off
OVAL = (
    127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152,  # jaw, from the image's left to the chin
    377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356,  # on to its right
    389, 251, 284, 332, 297, 338, 10, 109, 67, 103, 54, 21, 162,  # and back over the forehead
)
CHIN, JAW_END, FOREHEAD = 11, 22, 29  # places in OVAL
BROW_EDGES = (
    (70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # upper
    (46, 53, 52, 65, 55, 285, 295, 282, 283, 276),  # lower
)
INNER_FACE = (
    168, 197, 5, 4,  # bridge of the nose
    98, 97, 2, 326, 327,  # base of the nose
    33, 160, 158, 133, 153, 144,  # eye at the left
    362, 385, 387, 263, 373, 380,  # eye at the right
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # outer lips
    78, 81, 13, 311, 308, 402, 14, 178,  # inner lips
)
# fmt: on
EYE_CORNERS = (33, 263)  # outer corners in the mesh, at the image's left and right
HAIRLINE = 0.1  # the mesh ends in mid-forehead; the hairline lies about this part of its height further up
BROW_LIFT = 0.34  # from the brows to the hairline, in heights from the chin to the bridge of the nose


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """Eye centres, nose tip and mouth corners (5, 2) from landmarks (68, 2), each pair left to right in the image."""
    eyes = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    return np.stack([*eyes, landmarks[30], landmarks[48], landmarks[54]]).astype(np.float32)


def landmarks_of_mesh(mesh: np.ndarray) -> np.ndarray:
    """The 68 landmarks (68, 2) of a mesh (468 or 478, 2 or 3).

    iBUG spaces its jaw points evenly from each ear to the chin; the mesh does not, so they are interpolated. Its brow
    points run along the middle of the brow, the mesh has both edges.
    """
    oval = mesh[list(OVAL), :2]
    left, right = _evenly(oval[: CHIN + 1], 9), _evenly(oval[CHIN : JAW_END + 1], 9)
    brows = mesh[np.array(BROW_EDGES), :2].mean(axis=0)
    return np.concatenate([left, right[1:], brows, mesh[list(INNER_FACE), :2]]).astype(np.float32)


def outline_of_mesh(mesh: np.ndarray) -> np.ndarray:
    """Closed polygon (36, 2) round the face in a mesh (468 or 478, 2 or 3): jaw line, temples, hairline."""
    outline = mesh[list(OVAL), :2].astype(np.float32)
    up = outline[FOREHEAD] - outline[CHIN]
    forehead = outline[JAW_END + 1 :]
    from_temple = (forehead - (outline[0] + outline[JAW_END]) / 2) @ up
    lift = np.clip(from_temple / max(from_temple.max(), 1e-9), 0, 1)
    outline[JAW_END + 1 :] += HAIRLINE * lift[:, None] * up
    return outline


def outline_of_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """Closed convex polygon (N, 2) round the face of landmarks (68, 2): jaw line, and brows lifted to the hairline."""
    up = landmarks[27] - landmarks[8]
    arch = 0.6 + 0.4 * np.sin(np.linspace(0, np.pi, 10))  # the hairline falls towards the temples
    hairline = landmarks[17:27] + BROW_LIFT * arch[:, None] * up
    return cv2.convexHull(np.concatenate([landmarks[:17], hairline]).astype(np.float32))[:, 0]


def _evenly(line: np.ndarray, count: int) -> np.ndarray:
    """`count` points (count, 2) at equal distances along a polyline (N, 2), ends included."""
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    stops = np.linspace(0, along[-1], count)
    return np.stack([np.interp(stops, along, line[:, axis]) for axis in (0, 1)], axis=1)
