"""RigFace: a photo in, a Subject; a Subject and requests of light, pose and expression in, photos."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from common.editing.subject import Subject, SubjectCache, shared_guides
from common.face3d.heads.au_scale import to_scale
from common.faces import Crop, Face
from common.facs.action_units import ACTION_UNITS
from common.imaging.image_files import name_of
from common.imaging.images import ImageLike, read_image, rgb
from common.imaging.tensors import to_tensor
from common.warp.delta import TURN_SCALE

from .conditioning import GREY, Conditions, read_conditions
from .options import RigEditOptions, RigFaceOptions, RigModelOptions, no_guidance
from .reconstruct import Given, Look, Reconstructor, check_name, get_reconstructor
from .request import RigEdit

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from common.editing.options import FaceChoice
    from common.editing.request import OneRequest, RequestLike, Requests
    from common.parsing import Region

    from .options import RigFaceKeywords

log = logging.getLogger(__name__)

GUIDES = 2
TURNS = {"yaw": 15.0, "pitch": 12.0, "roll": 15.0}
"""Degrees by which a warp turns a head at most: beyond, it would show too much that the photo does not."""


@dataclass(frozen=True, eq=False)
class Target:
    """A photo to copy from; a value, good for any number of edits. A `Subject` will do as well.

    Attributes:
        name: of the photo, where it has one.
        face: the chosen face, in photo pixels.
        crop: how the crop round it lies in the photo.
        labels: (S, S) uint8, its parts in the 19 CelebAMask classes.
        mask: (S, S) bool, where the person is.
        seen: the face as the reconstructor saw it.
    """

    name: str
    face: Face = field(repr=False)
    crop: Crop = field(repr=False)
    labels: np.ndarray = field(repr=False)
    mask: np.ndarray = field(repr=False)
    seen: Look = field(repr=False)


class RigFace(Editor[RigEdit]):
    """Changes light, pose and expression of a face; person and background stay.

        editor = RigFace.from_pretrained()
        subject = editor.encode("photo.jpg")
        for azimuth in (-60, 0, 60):
            editor.edit(subject, RigEdit(light=Light(azimuth=azimuth))).save(f"light{azimuth}.png")

    After RigFace: Wei et al., "Towards Consistent and Controllable Image Synthesis for Face Editing", arXiv 2502.02465.

    Args:
        pipeline: the networks, made for two guides.
        reconstructor: "auto", "released", "embedded" (`rigface.reconstruct.get_reconstructor`), or one itself. It is
            got when the first photo needs it.
        options: of `Editor`.

    Attributes:
        looks: what the reconstructor sees of a subject, computed when it is first asked for.

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
        if isinstance(reconstructor, str):
            check_name(reconstructor)
        if pipeline.guides != GUIDES:
            raise CheckpointError(
                f"RigFace takes networks with {GUIDES} guides, background and render; these have {pipeline.guides}.\n"
                "  a model with one guide is magicface's"
            )
        super().__init__(pipeline, **options)
        if self.defaults.guidance != 1:
            raise CheckpointError(f"The model's editor.json asks for guidance. {no_guidance(self.defaults.guidance)}")
        self._asked = reconstructor
        self.looks: SubjectCache[Look] = SubjectCache(self._look)

    @cached_property
    def reconstructor(self) -> Reconstructor:
        """Who sees faces in 3D. Raises MissingCheckpointError: nothing on this machine; the message says what is
        missing.
        """
        return (
            get_reconstructor(self._asked, vector_size=self.pipeline.vector_size, device=str(self.pipeline.device))
            if isinstance(self._asked, str)
            else self._asked
        )

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
            _ = self.reconstructor  # what is missing should not cost the encoding
            subject = super().encode(image, face=asked.face, region=asked.region, strict=asked.strict)
            self.looks(subject)
            return subject
        assert asked.render is not None  # see `RigFaceOptions`
        given = read_conditions(asked.background, asked.render, asked.coefficients)
        if len(given.coefficients) != self.pipeline.vector_size:
            raise ShapeError("coefficients", f"({self.pipeline.vector_size},)", given.coefficients.shape)
        subject = super().encode(image, background=given.background)
        if len(given.render) != self.size:
            raise InputError(f"A prepared render must be {self.size} x {self.size} pixels; got {len(given.render)}.")
        return replace(subject, prepared=given)

    def look(self, image: ImageLike, *, face: FaceChoice = "largest", region: Region | None = None) -> Target:
        """What there is to copy from a photo; for many edits it need be looked at only once.

        Args:
            image: the photo.
            face: see `Editor.encode`.
            region: see `Editor.encode`.

        Raises:
            MissingCheckpointError, ImageError, ShapeError, FaceNotFoundError, InputError: see `encode`.
        """
        reconstructor, photo = self.reconstructor, rgb(read_image(image))
        made = self.prepare(photo, face, region or self.defaults.region)
        name = name_of(image)
        seen = Look(reconstructor, reconstructor.look(photo, made.face))
        return Target(name, made.face, made.crop, made.labels, made.mask, seen)

    def ready(self, requests: Sequence[RigEdit]) -> list[RigEdit]:
        """The requests with their targets looked at, each photo once. Raises InputError: as `look`."""
        looked: list[tuple[Any, Target]] = []  # pictures can be compared, but have no hash

        def one(request: RigEdit) -> RigEdit:
            target = request.target
            if target is None or isinstance(target, (Target, Subject)):
                return request
            made = next((made for photo, made in looked if photo == target), None)
            if made is None:
                made = self.look(target)
                looked.append((target, made))
            return replace(request, target=made)

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
        (background,) = shared_guides(subjects) if own else (_pictures([row.background for row in rows]),)
        masks = tuple(
            subject.mask | (row.background != subject.background).any(2) if row.mask is None else row.mask
            for row, subject in zip(rows, subjects)
        )
        guides = background, _pictures([row.render for row in rows])
        return Rig(vector, guides, masks, tuple(row.warp for row in rows))

    def warp(self, subject: Subject, request: RigEdit) -> np.ndarray:
        """The photo moved and lit by the head that was fitted to it, see `common.warp`. Raises InputError: an aligned
        crop, a turn beyond `TURNS`, or a request to copy where another reconstructor has looked at the target.
        """
        from .rendered.reconstruct import Rendered, Seen  # another reconstructor alone would not need it

        asked = request.asked
        look = self.looks(subject)
        if not isinstance(look.reconstructor, Rendered):
            if asked.copy:
                raise InputError(
                    "A warp copies what the toolkit's own head saw of a target; another reconstructor has looked.\n"
                    '  make the editor with reconstructor="embedded", or by warping()'
                )
            photo = self.fitted(subject)  # an error for an aligned crop
            assert subject.face is not None
            look = Look(Rendered(), Seen(photo, subject.face))
        own = look.reconstructor
        assert isinstance(own, Rendered)
        target = self._target(look, asked)
        change = own.change(look.seen, target and target.seen, asked.copy, asked)
        for (name, limit), angle in zip(TURNS.items(), (change.vector()[12:15].numpy() * TURN_SCALE).tolist()):
            if abs(angle) > limit + 1e-3:
                raise InputError(
                    "Without networks, a photo cannot be turned so far: it does not show what would come to light.\n"
                    f"  expected: at most {limit:g} degrees of {name} from the photo's own\n"
                    f"  got:      {angle:.0f} degrees\n"
                    "  ask for fewer degrees, or take networks: rigface download fetches the published ones"
                )
        return own.warp(look.seen, change, subject.crop, _labels(subject))

    def null(self, subject: Subject, request: RigEdit) -> RigEdit:
        """The request's warp as it is; nothing at all where the reconstructor does not warp."""
        return RigEdit(still=request) if self.looks(subject).reconstructor.warps else super().null(subject, request)

    def _conditions(self, subject: Subject, request: RigEdit) -> Conditions:
        look, made = self.looks(subject), request.target
        target = self._target(look, request)
        return look.reconstructor.conditions(
            look.seen,
            target and target.seen,
            request.copy,
            subject.crop,
            _labels(subject),
            None if target is None else _labels(made),
            request,
            target_crop=None if target is None else made.crop,
        )

    def _target(self, look: Look, request: RigEdit) -> Look | None:
        if not request.copy:
            return None
        made = request.target
        target = self.looks(made) if isinstance(made, Subject) else made.seen
        if target.reconstructor is not look.reconstructor:
            raise InputError(
                "Subject and target were seen by different reconstructors; look at both with one editor, and give a "
                "photo, not an aligned crop, to copy from or onto."
            )
        return target

    def _look(self, subject: Subject) -> Look:
        """A subject as the reconstructor sees it; our own head looks at its warp, which knows the photo's parts too."""
        if isinstance(subject.prepared, Conditions):
            return Look(Given(subject.prepared))
        if subject.face is None:
            raise InputError(
                "The subject is an aligned crop without conditions, and cannot be seen in 3D.\n"
                "  encode it with background, render and coefficients, or encode the photo itself"
            )
        reconstructor = self.reconstructor
        if reconstructor.warps:
            from .rendered.reconstruct import Rendered, Seen  # the other reconstructor alone would not need it

            if isinstance(reconstructor, Rendered):
                return Look(reconstructor, Seen(self.fitted(subject), subject.face))
        return Look(reconstructor, reconstructor.look(rgb(subject.photo), subject.face))


def _labels(made: Subject | Target) -> Any:
    """(S, S) uint8, 0 where the region keeps the photo; None for an aligned crop, whose parts are not known."""
    return None if made.labels is None else np.where(made.mask, made.labels, 0).astype(np.uint8)


def _pictures(rows: list[np.ndarray]) -> torch.Tensor:
    """(B, 3, S, S) float32 in [0, 1]; (1, ...) where all are the same array."""
    same = all(row is rows[0] for row in rows)
    return torch.stack([to_tensor(row) for row in (rows[:1] if same else rows)])
