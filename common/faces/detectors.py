"""The detectors by name, and the best one that is at hand."""

from __future__ import annotations

import importlib.util
import inspect
import logging
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from ..core.errors import InputError, MissingDependencyError
from . import face_alignment, insightface, landmarker, mediapipe, tflite
from .face import FaceDetector
from .upright import UprightDetector

log = logging.getLogger(__name__)

DETECTORS: dict[str, Callable[..., FaceDetector]] = {
    "insightface/antelopev2": partial(insightface.InsightFaceDetector, "antelopev2"),
    "insightface/buffalo_l": partial(insightface.InsightFaceDetector, "buffalo_l"),
    "face-alignment": face_alignment.FaceAlignmentDetector,
    "mediapipe": mediapipe.MediaPipeDetector,
}
"""Every detector, best first."""


def get_detector(name: str | FaceDetector = "auto", **options: Any) -> FaceDetector:
    """A detector of faces, upright or turned (`common.faces.upright`); asked again with the same arguments, the same
    one, since networks load slowly.

    Args:
        name: "auto" for the best one that `available_detectors` lists, or one of DETECTORS. "insightface" is short for
            "insightface/antelopev2". A detector itself is returned as it is.
        options: Arguments of the detector's class, for a named detector only: `root` and `fetch` (insightface),
            `device` and `fetch` (face-alignment), `min_score` (mediapipe).

    Raises:
        InputError: There is no such detector, or it has no such option.
        MissingDependencyError: Its package is not installed.
        MissingCheckpointError: Its weights are not on this machine.
    """
    if not isinstance(name, str):
        return name
    if name == "auto":
        if options:
            raise InputError(f"Options belong to a named detector, not to 'auto'; got {', '.join(options)}.")
        name = next(iter(available_detectors()), "mediapipe")  # which then says what to install
        log.info("finding faces with %s", name)
    if name == "insightface":
        name = "insightface/antelopev2"
    check_detector(name)
    known = inspect.signature(DETECTORS[name]).parameters
    if unknown := [option for option in options if option not in known]:
        raise InputError(f"The face detector {name} has no option {', '.join(unknown)}; it has {', '.join(known)}.")
    return _build(name, **options)


def check_detector(name: str) -> None:
    """Raises an InputError for the name of no detector."""
    if name not in ("auto", "insightface", *DETECTORS):
        raise InputError(f"There is no face detector {name!r}; choose from auto, {', '.join(DETECTORS)}.")


@lru_cache(maxsize=8)
def _build(name: str, **options: Any) -> FaceDetector:
    return UprightDetector(DETECTORS[name](**options))


def available_detectors() -> list[str]:
    """Names of the detectors that could work now, best first: package installed, weights on disk. Loads none of
    them.
    """
    ready = {
        "insightface/antelopev2": _installed("insightface") and insightface.pack_on_disk("antelopev2").complete(),
        "insightface/buffalo_l": _installed("insightface") and insightface.pack_on_disk("buffalo_l").complete(),
        "face-alignment": _installed("face_alignment") and face_alignment.pack_on_disk().complete(),
        "mediapipe": _installed("ai_edge_litert") and _has_mediapipe_weights(),
    }
    return [name for name in DETECTORS if ready[name]]


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _has_mediapipe_weights() -> bool:
    try:
        files = (tflite.weights(mediapipe.DETECTOR), tflite.weights(mediapipe.MESH), landmarker.task_file())
        return all(file.is_file() for file in files)
    except MissingDependencyError:
        return False
