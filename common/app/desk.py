"""The state and the editors behind a tab: a visitor's photo, and previews and edits of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from PIL import Image

from ..core.errors import ImageError, InputError
from ..core.files import EMBEDDED
from ..editing.options import EditOptions
from ..editing.subject import Subject
from ..faces.face import left_to_right
from ..facs.action_units import ACTION_UNITS
from ..imaging.contact_sheet import fitted
from ..imaging.images import around, flat, read_image, rgb
from ..warp.delta import Change, both_sides

Kind = TypeVar("Kind")

PIXELS = 40_000_000
"""Max pixels of a photo."""
SMALL_SIDE = 192
"""Max side in pixels of a preview."""
MARGIN = 0.7
"""Margin around a face, in its widths, where it is shown alone."""
BATCH = 4
THUMB = 96
"""Longer side in pixels of the small pictures from which a face is chosen."""
WARP, NETWORKS, SMALL = "warp", "networks", "small networks"
ENGINES = {
    WARP: "moves the photo by a 3D head fitted to the face; sharp, for photographs; runs no networks",
    NETWORKS: "the diffusion model that this app was started with",
    SMALL: "show the whole diffusion path; trained on rendered faces of 128 px, so photographs come out blurred",
}
"""Engine by its name on the page -> its purpose."""


class Stopped(Exception):
    """The visitor has stopped this edit, or wants another one."""


@dataclass(eq=False)
class Visit:
    """One visitor with one photo, or with none yet, for as long as their page is open.

    Attributes:
        subject: the photo, encoded once for all edits by the page's first engine.
        small: the surroundings of its face, small enough that a preview is there before a hand leaves the slider.
        thumbs: small pictures of all faces that were found, from left to right.
        picked: the face that was chosen, see `common.faces.choose_face`.
        others: engine -> the photo, encoded for it when it is first asked for.
        wanted: the page's present values; edits for other values end.
        asked: when the page asked for them, in its own milliseconds.
        touched: the visitor has changed a value.
        shown: the values of the picture on the page; None where they have changed since.
        latest: the edit on the page.
        close: the face is shown close up, not the whole photo.
        stopped: the visitor has pressed stop.
        left: the photo has been replaced by another; its edits end and are not shown.
    """

    subject: Subject | None = None
    small: Subject | None = None
    thumbs: tuple[Image.Image, ...] = ()
    picked: str | int = "largest"
    others: dict[str, Subject] = field(default_factory=dict)
    wanted: Any = None
    asked: float = 0.0
    touched: bool = False
    shown: Any = None
    latest: Edit | None = None
    close: bool = False
    stopped: bool = False
    left: bool = False

    def photo(self) -> Subject:
        """The photo; raises an InputError where there is none yet."""
        if self.subject is None:
            raise InputError("Upload or take a photo first.", code="missing")
        return self.subject

    def box(self) -> np.ndarray:
        """Of the photo's face (4,)."""
        face = self.photo().face
        assert face is not None  # a page's photos have one
        return face.box


@dataclass(frozen=True, eq=False)
class Edit:
    """One finished edit.

    Attributes:
        before: the photo; None without one.
        after: the edited or generated picture.
        engine: "diffusion" or "warp".
        by: the engine's name on the page, one of `ENGINES`.
        settings: seed, steps and model.
    """

    request: Any
    before: Image.Image | None
    after: Image.Image
    engine: str
    by: str
    seconds: float
    settings: dict[str, Any]


@dataclass(frozen=True)
class Sampling:
    """Seed and steps as options, and one of `ENGINES`; None is the page's first."""

    options: EditOptions = field(default_factory=lambda: EditOptions(batch_size=BATCH))
    engine: str | None = None

    @classmethod
    def of(cls, seed: float | None, steps: float | None, engine: str | None) -> Sampling:
        """From values of components; an empty seed is the default one."""
        asked = {"steps": int(steps) if steps else None, "batch_size": BATCH}
        return cls(EditOptions.of(asked if seed is None else {**asked, "seed": int(seed)}), engine)


class Desk(Generic[Kind]):
    """The editors behind a tab, for many visitors.

    `options` are those of `Editor.from_pretrained`; networks are loaded when a visitor first needs them.
    """

    def __init__(self, kind: type[Kind], **options: Any) -> None:
        self.kind, self.options = kind, options
        self._lock = threading.Lock()
        self._editors: dict[str, Any] = {}

    @cached_property
    def engines(self) -> tuple[str, ...]:
        """Names of the engines on offer, the default one first.

        Without published weights and without a named model photos are warped. The small networks run only where they
        are chosen by name, here or when the app is started.
        """
        if self.options.get("model") == EMBEDDED:
            return SMALL, WARP
        return (WARP, SMALL) if self.warps() else (NETWORKS, WARP, SMALL)

    def about(self) -> str:
        """The engines on offer and their purposes, a line each."""
        return "\n".join(f"{name}: {ENGINES[name]}" for name in self.engines)

    def warps(self) -> bool:
        """Whether there are no published weights and no named model."""
        return self.kind.warps(**self.options)  # type: ignore[attr-defined]

    def editor_for(self, engine: str) -> Any:
        """The editor behind an engine; visitors who come at once load its networks once.

        Raises:
            InputError: no such engine.
            MissingCheckpointError, CheckpointError: its networks cannot be loaded.
        """
        if engine not in self.engines:
            raise InputError("There is no such engine.", code="unknown", expected=self.engines, actual=engine)
        if engine == WARP:
            return self.warper
        with self._lock:
            if engine not in self._editors:
                options = self.options
                if engine == SMALL:  # with a base and a variant of its own
                    own = {name: value for name, value in options.items() if name not in ("base", "variant")}
                    options = {**own, "model": EMBEDDED}
                self._editors[engine] = self.kind.from_pretrained(**options)  # type: ignore[attr-defined]
            return self._editors[engine]

    @property
    def editor(self) -> Any:
        """The editor behind the engine that is taken by default."""
        return self.editor_for(self.engines[0])

    @cached_property
    def warper(self) -> Any:
        """The editor without networks."""
        return self.kind.warping(size=256)  # type: ignore[attr-defined]

    def open(self, photo: Any, face: str | int = "largest") -> Visit:
        """Encodes a photo.

        Raises:
            ImageError: no picture, or one of more than `PIXELS`.
            FaceNotFoundError: no face is on it.
        """
        picture = read_image(photo)
        if picture.width * picture.height > PIXELS:
            expected = f"at most {PIXELS:,} pixels"
            raise ImageError("The photo is too large.", code="range", expected=expected, actual=picture.size)
        subject = self.editor.encode(picture, face=face)
        assert subject.face is not None  # an error, were none found
        found = left_to_right(self.editor.detector.find(rgb(picture)))
        thumbs = tuple(fitted(around(picture, each.box, 0.3)[0], THUMB) for each in found)
        part, shift = around(picture, subject.face.box, MARGIN)
        scale = min(SMALL_SIDE / max(part.size), 1.0)
        part = flat(part).resize((round(scale * part.width), round(scale * part.height)))
        centre = scale * (subject.face.centre - shift)
        small = self.warper.encode(part, face=(float(centre[0]), float(centre[1])))
        # the head is fitted and models are loaded now, not when a slider moves
        moved = self.warper.fitted(small)
        moved(Change(both_sides(torch.ones(len(ACTION_UNITS))), torch.eye(3), moved.light, moved.light))
        if self.engines[0] == WARP:
            self.editor.fitted(subject)
        return Visit(subject, small, thumbs, face, {self.engines[0]: subject})

    def subject(self, visit: Visit, engine: str) -> Subject:
        """The visitor's photo, encoded for an engine; raises an InputError where there is none yet."""
        photo = visit.photo().photo
        if engine not in visit.others:
            visit.others[engine] = self.editor_for(engine).encode(photo, face=visit.picked)
        return visit.others[engine]

    def warp(self, visit: Visit, request: Any) -> Image.Image:
        """The surroundings of the face as a warp, in a fraction of a second."""
        visit.photo()
        # a preview for the page alone is not marked as edits are
        return self.warper.edit(visit.small, request, engine="warp", progress=False).copy()

    def edit(
        self,
        visit: Visit,
        requests: Sequence[Any],
        sampling: Sampling,
        report: Callable[[float], None],
        values: Any = None,
    ) -> list[Edit]:
        """Edits of the whole photo.

        Args:
            visit: of the photo.
            requests: one or more.
            sampling: options.
            report: is called with the fraction that is done, 0 to 1.
            values: the page's values; when they change, the edits end. None: only stop ends them.

        Raises:
            InputError: there is no photo, and the editor needs one; else as the editor.
            Stopped: the visitor has pressed stop, or moved a slider.
        """
        visit.stopped = False
        engine = self.engine_of(visit, sampling)
        steps = None if engine == WARP else sampling.options.steps or int(self.editor_for(engine).defaults.steps)
        done, total = 0, ceil(len(requests) / BATCH) * (steps or 1)

        def check() -> None:
            if visit.stopped or visit.left or (values is not None and visit.wanted not in (None, values)):
                raise Stopped

        def step(pipeline: Any, index: int, timestep: Any, state: dict[str, Any]) -> dict[str, Any]:
            nonlocal done
            check()
            done += 1
            report(min(done / total, 1.0))
            return state

        started = time.perf_counter()
        pictures = self.run(visit, list(requests), sampling, engine, step)
        check()
        seconds = (time.perf_counter() - started) / len(requests)
        settings = {"seed": sampling.options.seed, "steps": steps, "model": self._model(engine)}
        before = None if visit.subject is None else visit.subject.photo
        name = "warp" if engine == WARP else "diffusion"
        return [
            Edit(request, before, made, name, engine, seconds, settings) for request, made in zip(requests, pictures)
        ]

    def engine_of(self, visit: Visit, sampling: Sampling) -> str:
        """The engine of a visitor's pictures."""
        return sampling.engine or self.engines[0]

    def shown(self, visit: Visit, picture: Image.Image) -> Image.Image:
        """The part of an edited photo that a gallery shows."""
        return flat(around(picture, visit.box(), MARGIN)[0])

    def pair(self, visit: Visit, edit: Edit) -> tuple[tuple[Image.Image, Image.Image], float]:
        """Before and after as the page compares them, and the place of the line between them, left of the face.

        The place is in percent of the pictures' width.
        """
        assert edit.before is not None
        box, pictures = visit.box(), (edit.before, edit.after)
        left = 0.0
        if visit.close:
            left = float(around(edit.before, box, MARGIN)[1][0])
            pictures = tuple(around(each, box, MARGIN)[0] for each in pictures)
        before, after = (flat(each) for each in pictures)
        margin = 0.2 * float(box[2] - box[0])
        return (before, after), float(np.clip(100 * (box[0] - margin - left) / before.width, 4, 96))

    def run(
        self, visit: Visit, requests: list[Any], sampling: Sampling, engine: str, step: Callable[..., Any]
    ) -> list[Image.Image]:
        """The pictures; `step` is called after each denoising step, see `FaceEditPipeline.__call__`."""
        editor, subject = self.editor_for(engine), self.subject(visit, engine)
        options = {**vars(sampling.options), "engine": "warp" if engine == WARP else "diffusion"}
        return editor.edit(subject, requests, progress=False, callback_on_step_end=step, **options)

    def _model(self, engine: str) -> str | None:
        """The model of an engine, as `model=` of a package's functions names it."""
        named = self.options.get("model")
        return {WARP: None, SMALL: EMBEDDED}.get(engine, None if named is None else str(named))
