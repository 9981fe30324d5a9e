"""A detector on the library face-alignment: its S3FD detector and 68 landmarks by FAN
(https://arxiv.org/abs/1703.07332).

This is the only file that imports face_alignment, and only when a detector is first used.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import cv2
import numpy as np

from ..core.errors import MissingDependencyError
from .face import SMALLEST, Face, check_photo, left_to_right
from .landmarks import five_points
from .packs import Pack

FILES = ("s3fd-619a316812.pth", "2DFAN4-11f355bf06.pth.tar")
SOURCE = "https://www.adrianbulat.com/downloads/python-fan"
LICENCE = "code BSD-3-Clause; the weights come without a word on commercial use, ask their author"
INSTALL = "pip install face-alignment"
DETECTOR_SIDES = (128, 1024)  # pixels: S3FD reads pictures of any size, but halves them six times and needs memory


def pack_on_disk() -> Pack:
    """Where face-alignment's weights are, or should be: torch's hub folder."""
    return Pack("face-alignment", _hub() / "checkpoints", FILES, LICENCE, SOURCE)


class FaceAlignmentDetector:
    """Finds faces by face-alignment; loaded at first use and may be shared by threads.

    Args:
        device: Torch device that runs the networks, such as "cpu" or "cuda".
        fetch: Download the weights now if they are missing. Otherwise the network is never touched.

    Raises:
        MissingDependencyError: face-alignment is not installed, and `fetch` needs it.
        MissingCheckpointError: The weights are not on disk, and `fetch` is not asked for or failed.
    """

    name = "face-alignment"

    def __init__(self, device: str = "cpu", fetch: bool = False) -> None:
        self.device = device
        self._lock = threading.Lock()
        self._aligner: Any = None
        pack = pack_on_disk()
        if fetch:
            pack.fetch(lambda: _load(device))
        if not pack.complete():
            raise pack.missing()

    def find(self, image: np.ndarray) -> list[Face]:
        """See `FaceDetector.find`. Also raises MissingDependencyError without face-alignment, CheckpointError for
        weights that cannot be read.
        """
        if min(check_photo(image).shape[:2]) < SMALLEST:
            return []
        with self._lock:
            if self._aligner is None:
                try:
                    self._aligner = _load(self.device)
                except (RuntimeError, UnpicklingError, EOFError) as error:
                    raise pack_on_disk().unreadable(error) from error
            boxes = self._detect(image)
            if not len(boxes):
                return []
            landmarks = self._aligner.get_landmarks_from_image(image, detected_faces=boxes)
        return left_to_right(
            [
                Face(box[:4], float(box[4]), five_points(points), points, self.name)
                for box, points in zip(boxes, landmarks, strict=True)
            ]
        )

    def _detect(self, image: np.ndarray) -> np.ndarray:
        """Boxes and scores (N, 5) in photo pixels."""
        least, most = DETECTOR_SIDES
        scale = min(1.0, most / max(image.shape[:2]))
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        lack = [max(0, least - side) for side in image.shape[:2]]
        padded = np.pad(image, ((0, lack[0]), (0, lack[1]), (0, 0)))
        # float64, because the library writes the numbers into tensors one by one, which float32 scalars do not allow.
        found = np.asarray(self._aligner.face_detector.detect_from_image(padded), np.float64).reshape(-1, 5)
        found[:, :4] = (found[:, :4] + 0.5) / scale - 0.5
        return found


def _load(device: str) -> Any:
    try:
        import face_alignment
    except ImportError as error:
        raise MissingDependencyError("face-alignment", "The face detector face-alignment", INSTALL) from error
    kind = face_alignment.LandmarksType.TWO_D
    return face_alignment.FaceAlignment(kind, device=device, face_detector="sfd", compile=False)


def _hub() -> Path:
    """Torch's hub folder, by torch's own rule; asked of torch only where it is loaded already, as loading is slow."""
    if torch := sys.modules.get("torch"):
        return Path(torch.hub.get_dir())
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("TORCH_HOME") or f"{cache}/torch").expanduser() / "hub"
