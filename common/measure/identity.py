"""Whether two pictures show the same person: distance of face embeddings, by whichever network is at hand.

This is the only file that imports dlib, and only when faces are compared.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import InputError, MissingDependencyError
from ..faces import Face, available_detectors, choose_face, get_detector
from ..faces.affine import sample, transform
from ..imaging.images import ImageLike, read_image, rgb
from ..weights.state_dict import building

INSTALL = "pip install dlib-bin face-recognition-models"
DLIB_SAME = 0.6  # http://dlib.net/face_recognition.py.html: below it, the same person (99.38 % on LFW)
ARCFACE_SAME = 0.28  # insightface's own example of comparing two faces: from it on, the same person
_NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
_FIVE = (45, 42, 36, 39, 33)  # dlib's order: eye corners at the picture's right, at its left, base of the nose
_EYES, _VIEW = 150, 480  # pixels between the eyes' outer corners and of the view, twice what dlib needs
_lock = threading.Lock()  # dlib's networks keep their activations


@dataclass(frozen=True)
class Similarity:
    """How alike two faces are.

    Attributes:
        measure: "dlib L2", smaller is more alike, or "ArcFace cosine", larger is more alike.
        value: 0 to about 1.4, or -1 to 1.
        threshold: at which one person becomes another, as the network's authors say.
        same: whether the value lies on the same person's side.
    """

    measure: str
    value: float
    threshold: float
    same: bool


def identity(
    before: ImageLike, after: ImageLike, *, faces: tuple[Face, Face] | None = None, network: str = "auto"
) -> Similarity | None:
    """Compare the largest faces of two pictures.

    On real portraits dlib's distance was 0.23 for a person with the head turned and another expression, 0.73 to 0.97
    for different persons; shrinking a portrait of 512 px to 128 px alone costs 0.11 to 0.16.

    Args:
        before: anything that `read_image` reads.
        after: another, or the same.
        faces: where they are, if that is known.
        network: "dlib"; "arcface", of insightface; "auto" for the first of them at hand.

    Returns:
        The similarity; None if "auto" finds no network.

    Raises:
        ImageError: a picture cannot be read.
        FaceNotFoundError: a picture shows no face.
        InputError: there is no such network.
        MissingDependencyError: a named network is not installed.
        MissingCheckpointError: its weights are not on this machine.
        CheckpointError: they are damaged.
    """
    if network not in ("auto", "dlib", "arcface"):
        raise InputError(f"There is no identity network {network!r}; choose from auto, dlib, arcface.")
    if network == "auto":
        network = next((name for name, ready in _READY.items() if ready()), "none")
    if network == "none":
        return None
    photos = rgb(read_image(before)), rgb(read_image(after))
    if network == "arcface":
        detector = get_detector(_arcface() or "insightface")
        first, second = (np.asarray(choose_face(detector.find(photo)).embedding) for photo in photos)
        value = float(first @ second)
        return Similarity("ArcFace cosine", value, ARCFACE_SAME, value >= ARCFACE_SAME)
    _dlib()  # which says what to install before any face is looked for
    if faces is None:
        first_face, second_face = (choose_face(get_detector().find(photo)) for photo in photos)
        faces = first_face, second_face
    first, second = (_describe(photo, face) for photo, face in zip(photos, faces))
    value = float(np.linalg.norm(first - second))
    return Similarity("dlib L2", value, DLIB_SAME, value < DLIB_SAME)


def _describe(photo: np.ndarray, face: Face) -> np.ndarray:
    """A descriptor (128,) by dlib.

    Its network saw faces placed by five points. These are taken from our landmarks: dlib's own detector of them goes
    astray where the face's rectangle is not that of dlib's detector. They must be whole pixels, hence the large view.
    """
    library, network = _dlib()
    points = face.landmarks[list(_FIVE)].astype(np.float64)
    scale = _EYES / max(float(np.linalg.norm(points[0] - points[2])), 1e-6)
    shift = (_VIEW - 1) / 2 - scale * points.mean(0)
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    view = sample(photo, matrix, (_VIEW, _VIEW))
    corners = [library.point(x, y) for x, y in np.rint(transform(points, matrix)).astype(int).tolist()]
    placed = library.full_object_detection(library.rectangle(0, 0, _VIEW - 1, _VIEW - 1), corners)
    with _lock:
        return np.array(network.compute_face_descriptor(view, placed))


@lru_cache(maxsize=1)
def _dlib() -> tuple[Any, Any]:
    """The library and its network."""
    folder = _models()
    try:
        import dlib  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingDependencyError("dlib-bin", "The identity network dlib", INSTALL) from error
    if folder is None:
        raise MissingDependencyError("face-recognition-models", "The identity network dlib", INSTALL)
    library: Any = dlib  # a compiled module, whose names are known at run time only
    with building(folder / _NETWORK):
        return library, library.face_recognition_model_v1(str(folder / _NETWORK))


def _models() -> Path | None:
    """The folder of dlib's weights; found without importing their package, which needs an old setuptools."""
    spec = importlib.util.find_spec("face_recognition_models")
    folders = [Path(place) / "models" for place in (spec.submodule_search_locations or ())] if spec else []
    return next((folder for folder in folders if (folder / _NETWORK).is_file()), None)


def _arcface() -> str | None:
    """The best detector with an embedding that could work now."""
    return next((name for name in available_detectors() if name.startswith("insightface")), None)


_READY: dict[str, Callable[[], object]] = {
    "dlib": lambda: importlib.util.find_spec("dlib") and _models(),
    "arcface": _arcface,
}
