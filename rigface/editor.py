"""RigFace: a photo in, a Subject; a Subject and requests of light, pose and expression in, photos."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, overload

import numpy as np
import torch

from common.core.errors import CheckpointError, InputError, ShapeError
from common.core.files import EMBEDDED
from common.diffusion.conditioning import Rig
from common.diffusion.loading import RIGFACE
from common.diffusion.pipeline import FaceEditPipeline
from common.editing.defaults import Defaults
from common.editing.editor import Editor
from common.editing.options import documented
from common.editing.request import NULL, parse_all
from common.editing.subject import Subject, SubjectCache, shared_conditioning_images
from common.face3d.heads.au_scale import to_scale
from common.facs.action_units import ACTION_UNITS
from common.imaging.image_files import name_of
from common.imaging.images import ImageLike, read_image, rgb
from common.imaging.tensors import to_tensor
from common.warp.delta import TURN_SCALE

from .conditioning import CONDITIONING_IMAGES, GREY, Conditions, read_conditions
from .options import NO_GUIDANCE, RigEditOptions, RigFaceOptions, RigModelOptions
from .reconstruct import Reconstructor, View, check_name, get_reconstructor
from .rendered import Rendered, Seen, check_angles, warp_of
from .request import RigEdit

if TYPE_CHECKING:
    from PIL.Image import Image
    from typing_extensions import Unpack

    from common.editing.options import FaceChoice
    from common.editing.request import OneRequest, RequestLike, Requests
    from common.parsing import Region

    from .options import RigFaceKeywords

log = logging.getLogger(__name__)

LOOKED = 16  # photos to copy from that an editor keeps
TURNS = {"yaw": 15.0, "pitch": 12.0, "roll": 15.0}
"""Degrees by which a warp turns a head at most: beyond, it would show too much that the photo does not."""


class RigFace(Editor[RigEdit]):
    """Changes light, pose and expression of a face; person and background stay.

        editor = RigFace.from_pretrained()
        subject = editor.encode("photo.jpg")
        for azimuth in (-60, 0, 60):
            editor.edit(subject, RigEdit(light=Light(azimuth=azimuth))).save(f"light{azimuth}.png")

    After RigFace: Wei et al., "Towards Consistent and Controllable Image Synthesis for Face Editing", arXiv 2502.02465.

    Args:
        pipeline: the networks, made for two conditioning images.
        reconstructor: "auto", "released", "embedded" (`rigface.reconstruct.get_reconstructor`), or an object. It loads
            when the first photo needs it.
        options: of `Editor`.

    Attributes:
        views: what the reconstructor sees of a subject, computed when it is first asked for.

    Raises:
        CheckpointError: networks for another editor, or defaults that ask for guidance.
        InputError: see `Editor`; an unknown reconstructor.
    """

    release = RIGFACE
    embedded = Path(__file__).with_name(EMBEDDED)
    request = RigEdit
    edit_options = RigEditOptions
    face_options = RigFaceOptions
    model_options = RigModelOptions
    published: ClassVar[Defaults] = Defaults(guidance=1.0)
    fill = GREY
    hint = False

    def __init__(
        self, pipeline: FaceEditPipeline, *, reconstructor: str | Reconstructor = "auto", **options: Any
    ) -> None:
        check_name("reconstructor", reconstructor)
        if pipeline.conditioning_images != len(CONDITIONING_IMAGES):
            raise CheckpointError(
                "RigFace needs networks with two conditioning images, background and render; a model with one is "
                "magicface's.",
                code="count",
                expected=len(CONDITIONING_IMAGES),
                actual=pipeline.conditioning_images,
            )
        super().__init__(pipeline, **options)
        if self.defaults.guidance != 1:
            raise CheckpointError(
                f"The model's editor.json names a guidance scale. {NO_GUIDANCE}",
                code="conflict",
                expected=1,
                actual=self.defaults.guidance,
            )
        self._asked = reconstructor
        self._looked: list[tuple[Image, View]] = []  # pictures can be compared, but have no hash
        self.views: SubjectCache[View] = SubjectCache(self._view)

    @cached_property
    def reconstructor(self) -> Reconstructor:
        """The reconstructor of all faces; errors of its files as of `get_reconstructor`."""
        if isinstance(self._asked, str):
            device = str(self.pipeline.device)
            return get_reconstructor(self._asked, vector_size=self.pipeline.vector_size, device=device)
        return self._asked

    @documented(RigFaceOptions)
    def encode(  # pyright: ignore[reportIncompatibleMethodOverride] - with more options
        self, image: ImageLike, **options: Unpack[RigFaceKeywords]
    ) -> Subject:
        """Everything about one photo that its edits share: face, crop, parts, background, identity, its 3D face.

        Args:
            image: the photo (`common.imaging.images.read_image`).
            {options}

        Raises:
            MissingCheckpointError: nothing on this machine sees faces in 3D.
            InputError: one of the prepared three is missing; else as `Editor.encode`.
        """
        asked = RigFaceOptions(**options)
        if asked.background is None:
            _ = self.reconstructor  # missing files are reported before the encoding
            subject = super().encode(image, face=asked.face, region=asked.region, strict=asked.strict)
            self.views(subject)
            return subject
        assert asked.render is not None  # checked by `RigFaceOptions`
        given = read_conditions(asked.background, asked.render, asked.coefficients)
        if len(given.coefficients) != self.pipeline.vector_size:
            raise ShapeError("coefficients", f"({self.pipeline.vector_size},)", given.coefficients.shape)
        subject = super().encode(image, background=given.background)
        if len(given.render) != self.size:
            raise InputError(
                "The prepared render has another size than the crop, in pixels.",
                code="size",
                expected=self.size,
                actual=len(given.render),
            )
        return replace(subject, prepared=given)

    def look(self, image: ImageLike, *, face: FaceChoice = "largest", region: Region | None = None) -> View:
        """What there is to copy from a photo: a target of any number of requests.

        Args:
            image: the photo.
            face: see `Editor.encode`.
            region: see `Editor.encode`.

        Raises:
            MissingCheckpointError, ImageError, ShapeError, FaceNotFoundError, InputError: see `encode`.
        """
        reconstructor = self.reconstructor
        photo = rgb(read_image(image))
        made = self.prepare(photo, face, region or self.defaults.region)
        return View.of(reconstructor, reconstructor.look(photo, made.face), made, name_of(image))

    def ready(self, requests: Sequence[RigEdit]) -> list[RigEdit]:
        """The requests with views of their targets, of which the last ones are kept. Raises the errors of `look`."""

        def one(request: RigEdit) -> RigEdit:
            if request.target is None or isinstance(request.target, (View, Subject)):
                return request
            photo = read_image(request.target)
            view = next((view for seen, view in self._looked if seen == photo), None)
            if view is None:
                view = self.look(photo)
                self._looked = [*self._looked, (photo, view)][-LOOKED:]
            return replace(request, target=replace(view, name=name_of(request.target)))

        return [one(request) for request in requests]

    @overload
    def rig(self, subject: Subject, request: OneRequest = ...) -> Conditions: ...

    @overload
    def rig(self, subject: Subject, request: Sequence[RequestLike]) -> list[Conditions]: ...

    @overload
    def rig(self, subject: Subject, request: Requests) -> Conditions | list[Conditions]: ...

    def rig(self, subject: Subject, request: Requests = NULL) -> Conditions | list[Conditions]:
        """What the network will see of a request, for looking; a list for a list of requests."""
        requests, single = parse_all(request, RigEdit)
        made = [self._conditions(subject, each) for each in self.ready(requests)]
        return made[0] if single else made

    def conditions(self, subjects: Sequence[Subject], requests: Sequence[RigEdit]) -> Rig:
        """Coefficients as the vector (B, V); background and render as conditioning images, in the order of the
        network's channels. Raises InputError: a request, subject or target that cannot be used.
        """
        made: dict[tuple[int, int], Conditions] = {}  # a request and its null edit share their warp

        def row(subject: Subject, request: RigEdit) -> Conditions:
            key = id(subject), id(request.asked)
            if key not in made:
                made[key] = self._conditions(subject, request.asked)
            return made[key].still() if request.still else made[key]

        rows = [row(subject, request) for subject, request in zip(subjects, requests)]
        for note in dict.fromkeys(note for row in rows for note in row.notes):
            log.info(note)
        vector = torch.from_numpy(np.stack([row.coefficients for row in rows]))
        if self.defaults.au_scale is not None:  # then it starts with action units
            units, others = vector.split([len(ACTION_UNITS), vector.shape[1] - len(ACTION_UNITS)], 1)
            vector = torch.cat([to_scale(units, self.defaults.au_scale), others], 1)
        own = all(np.array_equal(row.background, subject.background) for row, subject in zip(rows, subjects))
        # A new pose alone changes the background: without one, it was encoded with the photo.
        (background,) = shared_conditioning_images(subjects) if own else (_pictures([row.background for row in rows]),)
        masks = tuple(
            subject.mask | (row.background != subject.background).any(2) if row.mask is None else row.mask
            for row, subject in zip(rows, subjects)
        )
        conditioning_images = background, _pictures([row.render for row in rows])
        return Rig(vector, conditioning_images, masks, tuple(row.warp for row in rows))

    def warp(self, subject: Subject, request: RigEdit) -> np.ndarray:
        """The photo moved and lit by the head that was fitted to it, see `common.warp`.

        Raises:
            InputError: an aligned crop, a turn beyond `TURNS`, or a request to copy where another reconstructor has
                looked at the target.
        """
        asked = request.asked
        fitted = self.fitted(subject)  # an error for an aligned crop
        assert subject.face is not None
        own = self.reconstructor
        if isinstance(own, Rendered):
            view = self.views(subject)
        elif asked.copy:
            raise InputError(
                "A warp copies what the toolkit's own head saw of a target; another reconstructor has looked.",
                code="conflict",
                hint='make the editor with reconstructor="embedded", or by warping()',
            )
        else:
            own = Rendered()
            view = View.of(own, Seen(fitted, subject.face), subject)
        change = own.change(view.seen, self._viewed(asked))
        check_angles(
            (change.vector()[12:15].numpy() * TURN_SCALE).tolist(),
            TURNS,
            "Without networks, a head cannot turn so far from where it looks",
            "ask for fewer degrees, or use networks: rigface download fetches the published ones",
        )
        return warp_of(view)(change)

    def null(self, subject: Subject, request: RigEdit) -> RigEdit:
        """The request's warp as it is; the null edit where the reconstructor does not warp."""
        warps = subject.prepared is None and self.reconstructor.warps
        return RigEdit(still=request) if warps else super().null(subject, request)

    def _conditions(self, subject: Subject, request: RigEdit) -> Conditions:
        if isinstance(subject.prepared, Conditions):
            if request != RigEdit():
                raise InputError(
                    "Prepared pictures already show the edit; nothing else can be requested.",
                    code="conflict",
                    actual=str(request),
                    hint="pass the pictures without a request, or the photo itself with one",
                )
            return subject.prepared
        source = self.views(subject)
        return self.reconstructor.conditions(source, self._viewed(request))

    def _viewed(self, request: RigEdit) -> RigEdit:
        """The request with a view in place of a subject to copy from."""
        if not request.copy:
            return request
        target = self.views(request.target) if isinstance(request.target, Subject) else request.target
        if target.reconstructor is not self.reconstructor:
            raise InputError(
                "Subject and target were seen by different reconstructors; look at both with one editor.",
                code="conflict",
            )
        return replace(request, target=target)

    def _view(self, subject: Subject) -> View:
        """A subject as the reconstructor sees it; our own head looks at its warp, which knows the photo's parts too."""
        if subject.face is None:
            raise InputError(
                "The subject is an aligned crop, and cannot be seen in 3D.",
                code="missing",
                hint="encode it with background, render and coefficients, or encode the photo itself",
            )
        reconstructor = self.reconstructor
        if isinstance(reconstructor, Rendered):
            seen: Any = Seen(self.fitted(subject), subject.face)
        else:
            seen = reconstructor.look(rgb(subject.photo), subject.face)
        return View.of(reconstructor, seen, subject)


def _pictures(rows: list[np.ndarray]) -> torch.Tensor:
    """(B, 3, S, S) float32 in [0, 1]; (1, ...) where all are the same array."""
    same = all(row is rows[0] for row in rows)
    return torch.stack([to_tensor(row) for row in (rows[:1] if same else rows)])
