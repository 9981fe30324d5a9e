"""Photo warnings: what may go wrong with an edit of a photo, a sentence each, with what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from ..core.errors import InputError
from ..faces import Face, FaceDetector
from ..occlusion import Look, look

log = logging.getLogger(__name__)

SMALL = 48
"""Pixels of a face's width below which there is a warning."""
LARGE = 0.7
"""Fraction of the picture's shorter side that a face's width may have without a warning."""
SEVERAL = 0.5
"""Of the chosen face's width: another face from this on may be the one that was meant."""
ASIDE = 0.5
"""How far the tip of the nose stands from the middle of the jaw, in jaw widths: a turn of 37 degrees."""
BLURRED = 0.17
"""Of `sharpness`: about what a blur of 2 % of the face's width leaves."""
UNSURE = {"mediapipe": 0.84}
"""Scores of the detectors below which a face may not be a person's. BlazeFace's is 0.92 and more in photographs of free
faces, and in 38 of 40 pictures of synthetic ones above this; with the mouth covered it is 0.77 to 0.90, and in drawings
and puppets 0.77 to 0.86."""
STRANGE = (
    "this does not look like a human face (an animal, a statue, a drawing?), or hardly any of it is seen: it is edited "
    "as a human face, and the result may look wrong"
)
_BLACK = 10  # bytes of a border
_EDGE = 24  # bytes of what follows it
_LEAST = 0.01  # as a fraction of the picture's side
_AT_ONCE = 16  # rows
_FACE = 96  # pixels of a face's width, at which sharpness is measured


def photo_warnings(
    pixels: np.ndarray, faces: Sequence[Face], face: Face, detector: FaceDetector, chosen: bool = False
) -> list[str]:
    """Sentences on a photo (H, W, 3) uint8 and the one of its faces that is to be edited.

    Another face of the same size is no reason for a warning where the user has `chosen` this one.
    """
    height, width = pixels.shape[:2]
    wide = float(face.box[2] - face.box[0])
    found: list[str] = []
    if sides := black_borders(pixels):
        borders = ", ".join(f"{name} {count} px" for name, count in sides.items())
        found.append(f"the photo has black borders ({borders}), which networks take for what is behind: cut them off")
    if wide < SMALL:
        found.append(f"the face is small, {wide:.0f} pixels wide: take a larger picture of it")
    if wide > LARGE * min(height, width):
        found.append("the face fills the picture: take one with more around it, or edit with the region 'face'")
    others = [each for each in faces if each is not face and each.box[2] - each.box[0] > SEVERAL * wide]
    if others and not chosen:
        found.append(f"{len(others) + 1} faces are as large: say which, as an index from the left or a point in it")
    aside = abs(turn(face)) > ASIDE
    blurred = sharpness(pixels, face) < BLURRED
    if aside:
        found.append("the face is seen from the side: take a photo that shows both its halves")
    if blurred:
        found.append("the face is blurred: take a sharper photo")
    limit = UNSURE.get(face.backend, 0.0)
    unsure = face.score < limit and close_up_score(pixels, face, detector) < limit
    seen = look(pixels, face)
    found += [_beyond(side, seen) for side in seen.beyond]
    covered = [name for name in seen.hidden if name not in seen.outside]
    if not seen.any_organ or (unsure and not (seen.hidden or seen.beyond or aside or blurred or wide < SMALL)):
        found.append(STRANGE)
    elif covered:
        found.append(_hidden(covered))
    return found


def close_up_score(pixels: np.ndarray, face: Face, detector: FaceDetector) -> float:
    """The detector's score of a face that fills a third of the picture: faces that are small in theirs score less."""
    x0, y0, x1, y1 = face.box
    reach = max(x1 - x0, y1 - y0)
    left, top = (max(int(low - reach), 0) for low in (x0, y0))
    part = np.ascontiguousarray(pixels[top : int(y1 + reach), left : int(x1 + reach)])
    return max((each.score for each in detector.find(part)), default=0.0)


def _beyond(side: str, seen: Look) -> str:
    parts = f" ({_named(seen.outside)})" if seen.outside else ""
    amount = "about half" if seen.half else "part"
    return f"{amount} of the face lies beyond the photo's {side} border{parts}: take a photo that shows all of it"


def _hidden(parts: Sequence[str]) -> str:
    # An animal's mouth is as unlike a person's as a covered one, and no measurement here separates the two.
    by = "glasses, hair, a hand" if any(name.endswith("eye") for name in parts) else "a mask, a hand, a cup"
    are = "are" if len(parts) > 1 else "is"
    return f"{_named(parts)} {are} hidden or unlike a person's ({by}?) and will not move: take a photo that shows more"


def _named(parts: Sequence[str]) -> str:
    """Parts of a face in words, left and right as the person has them."""
    eyes = [name for name in parts if name.endswith("eye")]
    names = ["both eyes"] if len(eyes) == 2 else [f"the person's {name}" for name in eyes]
    names += [f"the {name}" for name in parts if name not in eyes]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def heed(warnings: Iterable[str], strict: bool) -> None:
    """Logs photo warnings; where `strict`, raises an InputError for any."""
    lines = list(warnings)
    if lines and strict:
        raise InputError("The photo has warnings:\n" + "\n".join(f"  {line}" for line in lines), code="warning")
    for line in lines:
        log.warning("%s", line)


def black_borders(pixels: np.ndarray) -> dict[str, int]:
    """Widths in pixels of the black borders that a photo has, by side; dark pictures have none.

    A border is black from end to end, and ends at once along most of its length.
    """
    across = np.swapaxes(pixels, 0, 1)
    views = {"left": across, "top": pixels, "right": across[::-1], "bottom": pixels[::-1]}
    found: dict[str, int] = {}
    for name, rows in views.items():
        count = _dark_rows(rows)
        if _LEAST * len(rows) <= count < len(rows) and np.median(rows[count : count + 3].max((0, 2))) >= _EDGE:
            found[name] = count
    return {name: found[name] for name in ("left", "right", "top", "bottom") if name in found}


def _dark_rows(rows: np.ndarray) -> int:
    """How many of the first rows of a picture (H, W, 3) are black; reads no more of it than those and a few."""
    for first in range(0, len(rows), _AT_ONCE):
        bright = rows[first : first + _AT_ONCE].max((1, 2)) > _BLACK
        if bright.any():
            return first + int(np.argmax(bright))
    return len(rows)


def turn(face: Face) -> float:
    """How far the tip of the nose stands from the middle of the jaw's ends, in widths of the jaw; 0 in a front view."""
    across = face.landmarks[16] - face.landmarks[0]
    return float((face.landmarks[30] - face.landmarks[0]) @ across / max(float(across @ across), 1e-6)) - 0.5


def sharpness(pixels: np.ndarray, face: Face) -> float:
    """Fraction of a face's detail that one more blur takes away, 0 to 1, once its width is brought to 96 pixels.

    A picture that is blurred already loses little; contrast plays no part. After Crete et al., "The blur effect:
    perception and estimation with a new no-reference perceptual blur metric", 2007.
    """
    x0, y0 = np.floor(face.box[:2]).astype(int).clip(0)
    x1, y1 = np.ceil(face.box[2:]).astype(int)
    patch = pixels[y0:y1, x0:x1]
    if min(patch.shape[:2]) < 2:
        return 0.0
    scale = _FACE / patch.shape[1]
    size = _FACE, max(round(scale * patch.shape[0]), 2)
    seen = cv2.resize(patch, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    grey = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail, left = (_steps(each) for each in (grey, cv2.GaussianBlur(grey, (0, 0), 1.5)))
    return 1 - left / detail if detail else 0.0


def _steps(grey: np.ndarray) -> float:
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())
