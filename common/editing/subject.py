"""Subject: everything about one photo that its edits share, computed once; and what editors cache of subjects."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from PIL import Image

from ..core.errors import InputError
from ..diffusion.attention import Identity
from ..faces import Crop, Face
from ..occlusion import look
from ..parsing import Parser
from ..provenance.recipe import fingerprint
from ..warp.fitted_face import warp_warnings
from ..warp.warp import Warp

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Subject:
    """What `Editor.encode` makes of a photo; a value, good for any number of edits.

    Attributes:
        photo: the whole photo, upright, RGB or RGBA.
        face: the chosen face in photo pixels; None for an aligned crop.
        crop: how the square crop lies in the photo.
        source: (S, S, 3) uint8, the crop as the network sees it.
        labels: (S, S) uint8, its parts in the 19 CelebAMask classes; None for an aligned crop.
        background: (S, S, 3) uint8, the conditioning image: the crop with the face blackened and the pose hint drawn,
            or as it is.
        mask: (S, S) bool, what an edit may change.
        identity: keys and values of the person, batch 1.
        conditioning_images: encoded conditioning images of all edits, (1, 4, s, s) each.
        warnings: warnings about the photo, see `common.editing.photo_checks`.
        record: how it was made: photo and face that were asked for, detector, parser, region, seconds.
        prepared: conditions that were prepared elsewhere with the crop, for an editor that takes such.
    """

    photo: Image.Image
    face: Face | None = field(repr=False)
    crop: Crop
    source: np.ndarray = field(repr=False)
    labels: np.ndarray | None = field(repr=False)
    background: np.ndarray = field(repr=False)
    mask: np.ndarray = field(repr=False)
    identity: Identity = field(repr=False)
    conditioning_images: tuple[torch.Tensor, ...] = field(repr=False)
    warnings: tuple[str, ...] = ()
    record: dict[str, object] = field(default_factory=dict[str, object])
    prepared: object = field(default=None, repr=False)

    @cached_property
    def pixels(self) -> np.ndarray:
        """(H, W, 3 or 4) uint8, the photo; read only."""
        return np.asarray(self.photo)

    @cached_property
    def fingerprint(self) -> str:
        """Of the photo's pixels, see `common.provenance.recipe.fingerprint`."""
        return fingerprint(self.photo, self.pixels)


Made = TypeVar("Made")


class SubjectCache(Generic[Made]):
    """What an editor computes of subjects, such as their fitted heads; threads that ask at once compute it once.

    A subject that is no longer referenced is dropped; of the others, the `most` newest results are kept.
    """

    def __init__(self, make: Callable[[Subject], Made], most: int = 16) -> None:
        self.make = make
        self.most = most
        self._lock = threading.RLock()
        self._made: WeakKeyDictionary[Subject, Made] = WeakKeyDictionary()

    def __call__(self, subject: Subject) -> Made:
        """What is computed of the subject."""
        with self._lock:
            made = self._made.pop(subject) if subject in self._made else self.make(subject)
            self._made[subject] = made  # as the newest
            while len(self._made) > self.most:
                del self._made[next(iter(self._made))]
            return made

    def __len__(self) -> int:
        return len(self._made)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.make, self.most)  # copies compute it themselves


def fit_head(subject: Subject, parser: Parser | None = None) -> Warp:
    """The photo with the head that is fitted to it, ready to be moved; parts are labelled where there is a parser.

    Raises:
        InputError: an aligned crop, of whose face nothing is known.
    """
    if subject.face is None:
        raise InputError("An aligned crop cannot be warped; encode the photo itself.", code="conflict")
    warp = Warp.of(subject.pixels, subject.face)
    for warning in warp_warnings(subject.face, warp.fit):
        log.warning("warp warning: %s", warning)
    warp = warp.veiled(look(warp.opaque, subject.face).veil(warp.crop))
    if parser is None:
        return warp
    inside = subject.face.mapped(warp.crop.matrix)
    labels = parser.parse(warp.window, outline=inside.outline, landmarks=inside.landmarks)
    return warp.among(labels, warp.crop)


def check_subject(subject: Any, size: int) -> Subject:
    """The subject as it came; raises an InputError where it is not one, or was encoded at another size."""
    if not isinstance(subject, Subject):
        hint = "write: editor.edit(editor.encode(photo), request)"
        raise InputError("edit() takes what encode() returned.", code="type", actual=type(subject).__name__, hint=hint)
    if subject.crop.size != size:
        message = "The subject was encoded at another size (pixels) than this editor's."
        raise InputError(message, code="size", expected=size, actual=subject.crop.size)
    return subject


def shared_conditioning_images(subjects: Sequence[Subject]) -> tuple[torch.Tensor, ...]:
    """The subjects' own conditioning images, one row each; a single row where all are the same subject."""
    if all(subject is subjects[0] for subject in subjects):
        return subjects[0].conditioning_images
    return tuple(torch.cat(rows) for rows in zip(*(subject.conditioning_images for subject in subjects)))
