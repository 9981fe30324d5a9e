"""Behind every edit() function: the editor that was used last, and photos that pass through it in batches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from .arguments import Engine, check_engine
from .background import check_name
from .editor import WARP_NOTE, Editor
from .faces import get_finder
from .models import missing_networks
from .pipeline import FaceEditPipeline

log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=Editor[Any])


class Front(Generic[Kind]):
    """Editors over the networks loaded last: a second call costs no loading, and never are there two models.

    Args:
        kind: the class of the editors.
    """

    def __init__(self, kind: type[Kind]) -> None:
        self.kind = kind
        self._lock = threading.Lock()
        self._loaded: dict[str, FaceEditPipeline] = {}
        self._editors: dict[str, Kind] = {}
        self._drafting: dict[str, Kind] = {}

    def editor(self, networks: dict[str, Any], surroundings: dict[str, Any], engine: Engine | None = None) -> Kind:
        """The editor for these options.

        Args:
            networks: model, base, dtype and device of `Editor.load_pipeline`.
            surroundings: the other options of `Editor`, with the finder's name.
            engine: that the edits ask for, see `common.arguments.check_engine`; without networks none is loaded.

        Raises:
            InputError, CheckpointError: see `Editor.from_pretrained`.
        """
        warps = engine is None and self.kind.warps(networks["model"], networks["base"])
        if engine == "draft" or warps:
            around = repr((surroundings, warps))
            with self._lock:
                if around not in self._drafting:
                    if warps:
                        log.warning(WARP_NOTE, self.kind.release.name)
                    self._drafting = {around: self.kind.drafting(**surroundings)}
                return self._drafting[around]
        folder = self.kind.locate(networks["model"])
        model, around = repr({**networks, "model": str(folder)}), repr(surroundings)
        with self._lock:
            if model not in self._loaded or around not in self._editors:
                check_name(surroundings["parser"])
                found = get_finder(surroundings["finder"])
                if model not in self._loaded:
                    self._editors.clear()  # before the next one is loaded: two models may not fit
                    self._loaded.clear()
                    self._loaded[model] = self.kind.load_pipeline(**networks)
                options = {**surroundings, "finder": found, "folder": folder}
                self._editors[around] = self.kind(self._loaded[model], **options)
            return self._editors[around]

    def run(
        self,
        pairs: Sequence[tuple[Any, Any]],
        networks: dict[str, Any],
        surroundings: dict[str, Any],
        encode: dict[str, Any],
        edit: dict[str, Any],
        *,
        batch_size: int,
    ) -> list[Any]:
        """The edited picture of each photo and wish; a photo that comes several times in a row is encoded once.

        Args:
            pairs: photos and wishes.
            networks: see `editor`.
            surroundings: see `editor`.
            encode: options of `Editor.encode`.
            edit: options of `Editor.edit`.
            batch_size: so many photos are in memory at once, however long the list.
        """
        asked = check_engine(edit.get("engine"), edit.get("start"), edit.get("strength"))
        if asked == "diffusion" and self.kind.warps(networks["model"], networks["base"]):
            raise missing_networks(self.kind.release.name)
        editor = self.editor(networks, surroundings, asked)
        wishes = editor.ready([wish for _, wish in pairs])
        results: list[Any] = []
        image, subject = None, None
        for start in range(0, len(pairs), batch_size):
            subjects = []
            for photo, _ in pairs[start : start + batch_size]:
                if subject is None or photo is not image:
                    image, subject = photo, editor.encode(photo, **encode)
                subjects.append(subject)
            results += editor.edit(subjects, wishes[start : start + batch_size], batch_size=batch_size, **edit)
        return results
