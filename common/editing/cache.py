"""Behind every edit() function: the editor that was used last, and photos that pass through it in batches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from ..diffusion.pipeline import FaceEditPipeline
from ..faces import get_detector
from ..imaging.images import ImageLike
from ..provenance.picture import Picture
from .editor import Editor
from .models import WARP_NOTE, missing_networks
from .options import EditOptions, Engine, FaceOptions, ModelOptions
from .subject import Subject

log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=Editor[Any])

KEPT = 4
"""Editors over the same networks that are kept at most, such as for several sizes or detectors."""


class EditorCache(Generic[Kind]):
    """Editors of one class over the networks loaded last: a second call costs no loading, and never are there two."""

    def __init__(self, kind: type[Kind]) -> None:
        self.kind = kind
        self._lock = threading.Lock()
        self._loaded: dict[str, FaceEditPipeline] = {}
        self._editors: dict[str, Kind] = {}
        self._warping: dict[str, Kind] = {}
        self._noted = False  # that photos are warped for want of weights is said once

    def editor(self, model: ModelOptions, engine: Engine | None = None) -> Kind:
        """The editor for these options; nothing is loaded where the edits ask for the engine "warp".

        Raises:
            MissingCheckpointError: networks are asked for, and there are none.
            InputError, CheckpointError: see `Editor.from_pretrained`.
        """
        warps = self.kind.warps(**model.networks)
        if warps and engine == "diffusion":
            raise missing_networks(self.kind.release.name)
        if not warps and engine != "warp":
            return self.loaded(model)
        around = repr(model.surroundings)
        with self._lock:
            if engine is None and not self._noted:
                log.warning(WARP_NOTE, self.kind.release.name)
                self._noted = True
            if around not in self._warping:
                self._warping = {around: self.kind.warping(**model.surroundings)}
            return self._warping[around]

    def loaded(self, model: ModelOptions) -> Kind:
        """The editor with networks for these options; see `editor`."""
        surroundings = model.surroundings
        networks = model.networks
        around = repr(surroundings)
        folder = self.kind.locate(**networks)
        loaded = repr({**networks, "model": str(folder)})
        with self._lock:
            if loaded not in self._loaded or around not in self._editors:
                found = get_detector(model.detector)
                if loaded not in self._loaded:
                    self._editors.clear()  # before the next one is loaded: two models may not fit
                    self._loaded.clear()
                    self._loaded[loaded] = self.kind.load_pipeline(**networks)
                options: dict[str, Any] = {**surroundings, "detector": found, "folder": folder}
                self._editors[around] = self.kind(self._loaded[loaded], **options)
                while len(self._editors) > KEPT:
                    del self._editors[next(iter(self._editors))]  # the oldest
            return self._editors[around]

    def run(
        self,
        pairs: Sequence[tuple[ImageLike, Any]],
        options: EditOptions,
        face: FaceOptions,
        model: ModelOptions,
        *,
        progress: bool = True,
    ) -> list[Picture]:
        """The edited picture of each photo and parsed request; a photo several times in a row is encoded once.

        As many photos as the `batch_size` are in memory at once, however long the list.
        """
        editor = self.editor(model, options.wanted)
        requests = editor.ready([request for _, request in pairs])
        results: list[Picture] = []
        image: ImageLike | None = None
        subject: Subject | None = None
        for first in range(0, len(pairs), options.batch_size):
            batch: list[tuple[Subject, Any]] = []
            for (photo, _), request in list(zip(pairs, requests))[first : first + options.batch_size]:
                if subject is None or photo is not image:
                    image = photo
                    subject = editor.encode(photo, **vars(face))
                batch.append((subject, request))
            results += editor.run(batch, options, progress=progress)
        return results
