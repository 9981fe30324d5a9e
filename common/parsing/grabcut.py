"""Face parsing without weights: GrabCut (Rother et al. 2004), seeded by the face.

The face's outline and landmarks say where head, neck and shoulders must be, where they may be, and where the
background is; GrabCut learns the colours of both sides and cuts between them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import cv2
import numpy as np

from .labels import BACKGROUND, CLOTH, HAIR, NECK, SKIN, check_crop, check_points

log = logging.getLogger(__name__)

CHIN, EYES, JAW_CORNERS, LOWER_LIP = 8, slice(36, 48), (4, 12), 57

# Half-profiles of the body, (x, y) from the chin in widths of the face, y downwards; mirrored at the chin.
BODY_SURE = ((0.2, -0.1), (0.22, 0.2), (0.45, 0.3), (0.7, 0.42), (0.8, 0.6), (0.9, 1.4))
BODY_LIKELY = ((0.45, -0.2), (0.6, 0.0), (1.0, 0.15), (1.5, 0.35), (1.5, 20.0))
NECK_BELOW_JAW = 0.3
# Outlines run along the bone; the skin continues over the chin's edge.
RIM_OF_FACE = 0.05
# The hair's ellipse: its centre above the chin, its width and height.
HEAD_CENTRE, HEAD_WIDTH, HEAD_HEIGHT = 0.75, 1.5, 1.9
# No person reaches further to the side of the face's centre than this.
REACH = 1.9
# Above the lower lip, a rim of the crop is background where it is further than this from the face's centre.
RIM_SIDE, RIM_TOP = 0.8, 0.9


@dataclass(frozen=True)
class GrabCutParser:
    """Face parsing by colour, seeded by the face; the same crop always gives the same labels.

    Skin, hair, neck and cloth are distinguished by place alone: `foreground` is what this parser is for.

    Args:
        side: the longer side, in pixels, of the reduced picture that is cut. Larger gains little, and a picture whose
            two sides look alike would take seconds.
        rounds: how often colours are learned and the cut is made.
        softness: standard deviation of the edge's smoothing, as a fraction of the crop's longer side.
        threshold: fraction of person from which a smoothed pixel counts as one. Below a half the edge lies slightly
            outside, as in the authors' masks: a rim of hair left in the background would be kept by the editor.
    """

    name = "grabcut"

    side: int = 192
    rounds: int = 5
    softness: float = 0.006
    threshold: float = 0.35

    def parse(self, crop: np.ndarray, *, outline: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """See `Parser.parse`: skin, hair, neck, cloth and background. All background, with a warning in the log, if the
        outline has no area inside the crop.

        Raises InputError for a crop that is not uint8 or a coordinate that is not finite, ShapeError for shapes that do
        not fit.
        """
        check_crop(crop)
        outline, landmarks = check_points("outline", outline), check_points("landmarks", landmarks, 68)
        height, width = crop.shape[:2]
        longer = max(height, width)
        # What lies far outside changes nothing, but would overflow OpenCV's fixed-point coordinates.
        outline, landmarks = (points.clip(-9 * longer, 10 * longer) for points in (outline, landmarks))
        shrink = min(1.0, self.side / longer)
        reduced = (max(1, round(shrink * width)), max(1, round(shrink * height)))
        small = cv2.resize(crop, reduced, interpolation=cv2.INTER_AREA)
        # Pixel centres lie on integers, so scaling keeps the corner at -1/2 in place.
        face = Face((outline + 0.5) * shrink - 0.5, (landmarks + 0.5) * shrink - 0.5)
        sure = _polygon(face.outline, small.shape[:2])
        if not sure.any() or face.width < 2 or face.height < 2:
            log.warning("the face's outline has no area inside the crop: everything is taken as background")
            return np.full((height, width), BACKGROUND, np.uint8)
        person = _solid(_cut(small, _seeds(small.shape[:2], face, sure), self.rounds), sure)
        person = cv2.resize(person.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        person = cv2.GaussianBlur(person, (0, 0), self.softness * longer) > self.threshold
        return _label(person, outline, landmarks)


@dataclass(frozen=True)
class Face:
    """Where a face is: its outline (N, 2) and its 68 landmarks (68, 2), and what follows from them."""

    outline: np.ndarray
    landmarks: np.ndarray

    @property
    def width(self) -> float:
        """The unit of the body's proportions."""
        return float(np.ptp(self.outline[:, 0]))

    @property
    def height(self) -> float:
        """From the chin to between the eyes."""
        return float(np.linalg.norm(self._axis))

    @property
    def chin(self) -> np.ndarray:
        """Where the neck begins, (2,)."""
        return self.landmarks[CHIN]

    @property
    def up(self) -> np.ndarray:
        """The head's own upward direction, (2,), of length 1."""
        return self._axis / self.height

    @property
    def _axis(self) -> np.ndarray:
        return self.landmarks[EYES].mean(axis=0) - self.chin

    def body(self, profile: tuple[tuple[float, float], ...]) -> np.ndarray:
        """Place a half-profile and its mirror image under the chin, (2 N, 2). Heads tilt; shoulders stay level."""
        half = np.array(profile)
        return self.chin + self.width * np.concatenate([half, half[::-1] * (-1, 1)])


def _seeds(shape: tuple[int, int], face: Face, sure: np.ndarray) -> np.ndarray:
    """GrabCut's map of certain and likely person and background, (h, w) uint8."""
    height, width = shape
    seeds = np.full(shape, cv2.GC_PR_BGD, np.uint8)
    centre = face.chin + HEAD_CENTRE * face.width * face.up
    angle = np.degrees(np.arctan2(face.up[0], -face.up[1]))
    head = (centre.tolist(), (HEAD_WIDTH * face.width, HEAD_HEIGHT * face.width), float(angle))
    cv2.ellipse(seeds, head, cv2.GC_PR_FGD, cv2.FILLED)
    seeds[_polygon(face.body(BODY_LIKELY), shape)] = cv2.GC_PR_FGD
    rows, columns = np.mgrid[:height, :width]
    rim = max(2, round(0.02 * max(shape)))
    aside = np.abs(columns - face.outline[:, 0].mean()) / face.width
    side = ((columns < rim) | (columns >= width - rim)) & (aside > RIM_SIDE) & (rows < face.landmarks[LOWER_LIP, 1])
    seeds[side | ((rows < rim) & (aside > RIM_TOP)) | (aside > REACH)] = cv2.GC_BGD
    seeds[sure | _polygon(face.body(BODY_SURE), shape)] = cv2.GC_FGD
    return seeds


def _cut(picture: np.ndarray, seeds: np.ndarray, rounds: int) -> np.ndarray:
    """Run GrabCut; true (h, w) where the person is."""
    person = (seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)
    # GrabCut's colour models have five components each and cannot be started on fewer pixels; and without colours there
    # is nothing to learn, but much time to lose.
    if min(person.sum(), (~person).sum()) < 5 or picture.std(axis=(0, 1)).max() < 1:
        return person
    cv2.setRNGSeed(0)
    models = np.zeros((2, 1, 65))  # filled by the call, but OpenCV wants to be given their memory
    cv2.grabCut(picture, seeds, (0, 0, 0, 0), models[0], models[1], rounds, cv2.GC_INIT_WITH_MASK)
    return (seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)


def _solid(person: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Keep the piece that holds the face, without holes."""
    _, pieces = cv2.connectedComponents(person.astype(np.uint8))
    person = pieces == np.bincount(pieces[sure & person], minlength=1).argmax()
    _, gaps = cv2.connectedComponents((~person).astype(np.uint8))
    outside = np.unique(np.concatenate([gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]]))
    return person | ~np.isin(gaps, outside)


def _label(person: np.ndarray, outline: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Name the parts of the person by where they are, (H, W) uint8."""
    face = Face(outline, landmarks)
    left, right = landmarks[list(JAW_CORNERS)]
    bottom = face.chin[1] + NECK_BELOW_JAW * face.width
    neck = np.array([left, right, (right[0], bottom), (left[0], bottom)])
    rows = np.arange(len(person))[:, None]
    labels = np.where(rows < face.chin[1], HAIR, CLOTH).astype(np.uint8)
    labels = np.broadcast_to(labels, person.shape).copy()
    labels[_polygon(neck, person.shape)] = NECK
    rim = 2 * round(RIM_OF_FACE * min(face.width, max(person.shape))) + 1
    inside = _polygon(outline, person.shape).astype(np.uint8)
    labels[cv2.dilate(inside, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim))) > 0] = SKIN
    labels[~person] = BACKGROUND
    return labels


def _polygon(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """True (h, w) inside a closed polygon, its border left out so that an outline drawn a pixel wide stays inside."""
    canvas = np.zeros(shape, np.uint8)
    if len(points) < 3:
        return canvas.astype(bool)
    cv2.fillPoly(canvas, [np.rint(points).astype(np.int32)], 1)
    return cv2.erode(canvas, np.ones((3, 3), np.uint8)).astype(bool)
