"""What happens behind a tab, without its looks: a visitor's photo, and drafts and edits of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from PIL import Image

from ..action_units import ACTION_UNITS
from ..arguments import SEED
from ..draft.change import Change
from ..errors import ImageError, InputError
from ..faces.face import left_to_right
from ..images import around, read_image, rgb
from ..subject import Subject

Kind = TypeVar("Kind")

PIXELS = 40_000_000
"""Of a photo at most."""
SMALL = 192
"""Side in pixels of what drafts show of a photo while a slider moves."""
MARGIN = 0.7
"""Round a face, in its widths, where it is shown alone."""
BATCH = 4


class Stopped(Exception):
    """The visitor does not want this edit any longer."""


@dataclass(eq=False)
class Visit:
    """One visitor with one photo, or with none yet, for as long as their page is open.

    Attributes:
        subject: the photo, encoded once for all edits.
        small: the surroundings of its face, small enough that a draft is there before a hand leaves the slider.
        thumbs: of all faces that were found, from left to right.
        wanted: what the sliders say now; edits for other values end.
        stopped: the visitor has said stop.
    """

    subject: Subject | None = None
    small: Subject | None = None
    thumbs: tuple[Image.Image, ...] = ()
    wanted: Any = None
    stopped: bool = False

    def photo(self) -> Subject:
        """The photo.

        Raises:
            InputError: there is none yet.
        """
        if self.subject is None:
            raise InputError("Give a photo first: upload one, or take one.")
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
        wish: what was asked for.
        before: the photo; None where there was none.
        after: the picture that was made.
        engine: "diffusion" or "draft".
        seconds: that it took.
        settings: seed, steps and the like.
    """

    wish: Any
    before: Image.Image | None
    after: Image.Image
    engine: str
    seconds: float
    settings: dict[str, Any]


@dataclass(frozen=True)
class Sampling:
    """What a visitor may choose besides the wish; None is the model's own."""

    seed: int = SEED
    steps: int | None = None
    engine: Any = None

    @classmethod
    def of(cls, seed: float | None, steps: float | None, engine: str | None) -> Sampling:
        """From what components of a page hold."""
        return cls(int(seed or 0), int(steps) if steps else None, engine if engine in ("diffusion", "draft") else None)


class Desk(Generic[Kind]):
    """An editor and what a page asks of it; many visitors share one.

    Args:
        kind: the class of the editor.
        options: of `Editor.from_pretrained`; the networks are loaded when the first photo comes.
    """

    def __init__(self, kind: type[Kind], **options: Any) -> None:
        self.kind, self.options = kind, options
        self._lock, self._editor = threading.Lock(), None

    @property
    def editor(self) -> Any:
        """With networks; visitors who come at once load them once."""
        with self._lock:
            if self._editor is None:
                self._editor = self.kind.from_pretrained(**self.options)  # type: ignore[attr-defined]
            return self._editor

    @cached_property
    def drafter(self) -> Any:
        """Without."""
        return self.kind.drafting(size=256)  # type: ignore[attr-defined]

    def open(self, photo: Any, face: str | int = "largest") -> Visit:
        """Encodes a photo.

        Raises:
            ImageError: no picture, or one of more than `PIXELS`.
            FaceNotFoundError: nobody is on it.
        """
        picture = read_image(photo)
        if picture.width * picture.height > PIXELS:
            raise ImageError(
                f"The photo has {picture.width} x {picture.height} pixels, more than {PIXELS / 1e6:.0f} million: make "
                "it smaller."
            )
        subject = self.encode(picture, face)
        assert subject.face is not None  # an error, were none found
        found = left_to_right(self.finder.find(rgb(picture)))
        thumbs = tuple(around(picture, each.box, 0.3)[0].resize((96, 96)) for each in found)
        part, shift = around(picture, subject.face.box, MARGIN)
        scale = min(SMALL / max(part.size), 1.0)
        part = part.convert("RGB").resize((round(scale * part.width), round(scale * part.height)))
        centre = scale * (subject.face.centre - shift)
        small = self.drafter.encode(part, face=(float(centre[0]), float(centre[1])))
        moved = small.draft  # the head is fitted now, not when a slider moves, and what drafts load is loaded
        moved(Change(torch.ones(len(ACTION_UNITS)), torch.eye(3), moved.light, moved.light))
        if self.drafts(subject):
            _ = subject.draft
        return Visit(subject, small, thumbs)

    @property
    def finder(self) -> Any:
        """Of faces."""
        return self.editor.finder

    def encode(self, picture: Image.Image, face: str | int) -> Subject:
        """See `Editor.encode`."""
        return self.editor.encode(picture, face=face)

    def draft(self, visit: Visit, wish: Any) -> Image.Image:
        """The surroundings of the face as a draft, in a fraction of a second."""
        visit.photo()
        # a plain picture, for the page alone: a sketch of a fraction of a second is not marked as edits are
        return self.drafter.edit(visit.small, wish, engine="draft", progress=False).copy()

    def edit(
        self, visit: Visit, wishes: Sequence[Any], sampling: Sampling, tell: Callable[[float], None], values: Any = None
    ) -> list[Edit]:
        """Edits of the whole photo.

        Args:
            visit: whose.
            wishes: one or more.
            sampling: how.
            tell: takes the share that is done, 0 to 1.
            values: what the sliders said; when they say something else, the edits end. None: only stop ends them.

        Raises:
            InputError: there is no photo, and the editor needs one; else as the editor.
            Stopped: the visitor has said stop, or moved a slider.
        """
        visit.stopped = False
        done, total = 0, ceil(len(wishes) / BATCH) * (sampling.steps or self.steps)

        def step(pipeline: Any, index: int, timestep: Any, state: dict[str, Any]) -> dict[str, Any]:
            nonlocal done
            if visit.stopped or (values is not None and visit.wanted not in (None, values)):
                raise Stopped
            done += 1
            tell(min(done / total, 1.0))
            return state

        started = time.perf_counter()
        engine, pictures = self.run(visit, list(wishes), sampling, step)
        seconds = (time.perf_counter() - started) / len(wishes)
        settings = {"seed": sampling.seed, "steps": (sampling.steps or self.steps) if engine == "diffusion" else None}
        before = None if visit.subject is None else visit.subject.photo
        return [Edit(wish, before, picture, engine, seconds, settings) for wish, picture in zip(wishes, pictures)]

    def drafts(self, subject: Subject) -> bool:
        """Whether the photo is one of those that are drafted where nobody says."""
        return self.editor.engine_for() == "draft"

    def shown(self, visit: Visit, picture: Image.Image) -> Image.Image:
        """Of an edited photo, what a gallery shows."""
        return around(picture, visit.box(), MARGIN)[0].convert("RGB")

    @property
    def steps(self) -> int:
        """That the model itself takes."""
        return int(self.editor.defaults.steps)

    def run(
        self, visit: Visit, wishes: list[Any], sampling: Sampling, step: Callable[..., Any]
    ) -> tuple[str, list[Image.Image]]:
        """The engine that was taken, and the pictures."""
        subject = visit.photo()
        engine = self.editor.engine_for(sampling.engine)
        pictures = self.editor.edit(
            subject, wishes, seed=sampling.seed, steps=sampling.steps, engine=engine, batch_size=BATCH, progress=False,
            callback_on_step_end=step,
        )  # fmt: skip
        return engine, pictures
