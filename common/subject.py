"""Subject: everything about one photo that every edit of it needs, computed once."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image

from .background import Parser
from .draft.doubts import doubts
from .draft.draft import Draft
from .errors import InputError
from .faces import Crop, Face
from .hooks import Identity
from .occlusion import look
from .provenance.recipe import fingerprint

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Subject:
    """What `Editor.encode` makes of a photo; a value, good for any number of edits.

    Attributes:
        photo: the whole photo, upright, RGB or RGBA.
        face: the chosen face in photo pixels; None for a prepared crop.
        crop: how the square crop lies in the photo.
        source: (S, S, 3) uint8, the crop as the network sees it.
        labels: (S, S) uint8, its parts in the 19 CelebAMask classes; None for a prepared crop.
        background: (S, S, 3) uint8, what guides: the crop with the face blackened and the pose hint drawn, or as it is.
        region: (S, S) bool, what an edit may change.
        identity: keys and values of the person, batch 1.
        guides: encoded guides that all edits share, (1, 4, s, s) each.
        advice: what is doubtful about the photo, see `common.advice`.
        seen: what the editor's rigger knows of the face besides, such as its 3D reconstruction; None for those that
            need nothing.
        parser: tells the parts of the draft; without one they are not told apart.
        record: how it was made: photo and face that were asked for, finder, parser, extent, seconds.
    """

    photo: Image.Image
    face: Face | None = field(repr=False)
    crop: Crop
    source: np.ndarray = field(repr=False)
    labels: np.ndarray | None = field(repr=False)
    background: np.ndarray = field(repr=False)
    region: np.ndarray = field(repr=False)
    identity: Identity = field(repr=False)
    guides: tuple[torch.Tensor, ...] = field(repr=False)
    advice: tuple[str, ...] = ()
    record: dict[str, object] = field(default_factory=dict)
    seen: Any = field(default=None, repr=False)
    parser: Parser | None = field(default=None, repr=False)

    @cached_property
    def pixels(self) -> np.ndarray:
        """(H, W, 3 or 4) uint8, the photo; read only."""
        return np.asarray(self.photo)

    @cached_property
    def fingerprint(self) -> str:
        """Of the photo's pixels, see `common.provenance.recipe.fingerprint`."""
        return fingerprint(self.photo, self.pixels)

    @cached_property
    def draft(self) -> Draft:
        """The photo with the head that was fitted to it, and its own parts, however small the crop is; made when asked
        for.

        Raises:
            InputError: a prepared crop, of whose face nothing is known.
        """
        if self.face is None:
            raise InputError("A prepared crop cannot be drafted: nobody looked for its face. Encode the photo itself.")
        draft = Draft.of(self.pixels, self.face)
        for doubt in doubts(self.face, draft.fit):
            log.warning("a doubtful draft: %s", doubt)
        draft = draft.veiled(look(draft.opaque, self.face).veil(draft.crop))
        if self.parser is None:
            return draft
        inside = self.face.mapped(draft.crop.matrix)
        labels = self.parser.parse(draft.window, outline=inside.outline, landmarks=inside.landmarks)
        return draft.among(labels, draft.crop)


def check_subject(subject: Any, size: int) -> Subject:
    """The subject as it came.

    Raises:
        InputError: it is none, or was encoded at another size than `size` pixels.
    """
    if not isinstance(subject, Subject):
        raise InputError(
            f"edit() takes what encode() returned; got {type(subject).__name__}.\n"
            "  write: editor.edit(editor.encode(photo), wish)"
        )
    if subject.crop.size != size:
        raise InputError(f"The subject was encoded at {subject.crop.size} pixels, this editor works at {size}.")
    return subject
