"""The detector of the released editors: insightface's SCRFD detector with 68 landmarks and an identity vector.

This is the only file that imports insightface, and only when a detector is first used.
"""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import InputError, MissingDependencyError
from .face import SMALLEST, Face, check_photo, left_to_right
from .packs import Pack

PACKS = {
    "antelopev2": ("scrfd_10g_bnkps.onnx", "1k3d68.onnx", "glintr100.onnx"),
    "buffalo_l": ("det_10g.onnx", "1k3d68.onnx", "w600k_r50.onnx"),
}
DETECTOR_SIDE = 640  # as released
LICENCE = "non-commercial research only (https://github.com/deepinsight/insightface#license)"
RELEASES = "https://github.com/deepinsight/insightface/releases/download/model-zoo"
INSTALL = "pip install insightface"


def pack_on_disk(name: str, root: str | Path | None = None) -> Pack:
    """Where a model pack, "antelopev2" or "buffalo_l", is or should be: `models/<name>` in insightface's folder,
    `~/.insightface` by default. Raises InputError for other names.
    """
    if name not in PACKS:
        raise InputError(f"pack must be one of {', '.join(PACKS)}; got {name!r}.")
    folder = Path(root or "~/.insightface").expanduser() / "models" / name
    packs = [
        Pack(f"insightface/{name}", place, PACKS[name], LICENCE, f"{RELEASES}/{name}.zip")
        # antelopev2's archive holds a folder of its own name, which insightface unpacks into one more.
        for place in (folder, folder / name)
    ]
    return next((pack for pack in packs if pack.complete()), packs[0])


class InsightFaceDetector:
    """Finds faces by an insightface model pack; loaded at first use and may be shared by threads.

    Args:
        pack: "antelopev2", as released, or "buffalo_l".
        root: insightface's folder; default `~/.insightface`.
        fetch: Download the pack now if it is missing. Otherwise the network is never touched.

    Raises:
        InputError: There is no pack of this name.
        MissingDependencyError: insightface is not installed, and `fetch` needs it.
        MissingCheckpointError: The pack is not on disk, and `fetch` is not asked for or failed.
    """

    def __init__(self, pack: str = "antelopev2", root: str | Path | None = None, fetch: bool = False) -> None:
        found = pack_on_disk(pack, root)
        if fetch and not found.complete():
            _fetch(found, pack, root)
            found = pack_on_disk(pack, root)
        if not found.complete():
            raise found.missing()
        self.name, self.pack = found.detector, found
        self._lock = threading.Lock()
        self._analysis: Any = None

    def find(self, image: np.ndarray) -> list[Face]:
        """See `FaceDetector.find`; each face has an embedding. Also raises MissingDependencyError without insightface,
        CheckpointError for files that cannot be read.
        """
        height, width = check_photo(image).shape[:2]
        # The detector sees the photo fitted into its square; a strip would be left with no pixel at all.
        if min(height, width) < SMALLEST or min(height, width) * DETECTOR_SIDE < 2 * max(height, width):
            return []
        with self._lock:
            if self._analysis is None:
                self._analysis = _load(self.pack)
            with warnings.catch_warnings():
                # insightface 2.1 aligns faces by a method that scikit-image is about to remove.
                warnings.filterwarnings("ignore", "`estimate` is deprecated", FutureWarning)
                found = self._analysis.get(np.ascontiguousarray(image[..., ::-1]))  # insightface wants BGR
        return left_to_right([self._face(one) for one in found])

    def _face(self, found: Any) -> Face:
        embedding = found.embedding / max(float(np.linalg.norm(found.embedding)), 1e-12)
        landmarks = found.landmark_3d_68[:, :2]
        return Face(found.bbox, float(found.det_score), found.kps, landmarks, self.name, embedding=embedding)


def _load(pack: Pack) -> Any:
    library = _library()
    modules = ["detection", "landmark_3d_68", "recognition"]
    try:
        # Given a folder rather than a pack's name, insightface has nothing to download.
        analysis = library.app.FaceAnalysis(name=str(pack.folder), allowed_modules=modules)
    except Exception as error:  # the runtime's errors have no base of their own; the message keeps the cause
        raise pack.unreadable(error) from error
    analysis.prepare(ctx_id=0, det_size=(DETECTOR_SIDE, DETECTOR_SIDE))
    return analysis


def _fetch(pack: Pack, name: str, root: str | Path | None) -> None:
    def download() -> None:
        storage = _library().utils.storage
        # Forced, because a folder left by an interrupted download would otherwise pass for a pack.
        folder = storage.download("models", name, force=True, root=str(Path(root or "~/.insightface").expanduser()))
        nested = Path(folder) / name
        for file in nested.glob("*.onnx"):
            file.replace(Path(folder) / file.name)

    pack.fetch(download)


def _library() -> Any:
    try:
        import insightface
    except ImportError as error:
        raise MissingDependencyError("insightface", "The face detector insightface", INSTALL) from error
    return insightface
