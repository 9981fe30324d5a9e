"""RigFace: a photo in, a Subject; a Subject and wishes of light, pose and expression in, photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from common.background import Extent
from common.checkpoints import RIGFACE
from common.defaults import Defaults
from common.editor import Editor
from common.errors import CheckpointError, InputError, ShapeError
from common.files import EMBEDDED
from common.image_files import name_of
from common.images import ImageLike, read_image, rgb
from common.pipeline import FaceEditPipeline
from common.subject import Subject

from .checks import check_guidance, check_prepared, no_guidance
from .conditions import GREY, Conditions, read_conditions
from .reconstruct import Given, Look, Reconstructor, check_name, get_reconstructor
from .rigger import ConditionsRigger, Still, Target, conditions_of
from .wish import NEUTRAL, RigWish, as_list, to_wish

GUIDES = 2


class RigFace(Editor[RigWish]):
    """Changes light, pose and expression of a face; person and background stay.

        editor = RigFace.from_pretrained()
        subject = editor.encode("photo.jpg")
        for azimuth in (-60, 0, 60):
            editor.edit(subject, RigWish(light=Light(azimuth=azimuth))).save(f"light{azimuth}.png")

    After RigFace: Wei et al., "Towards Consistent and Controllable Image Synthesis for Face Editing", arXiv 2502.02465.

    Args:
        pipeline: the networks, made for two guides.
        reconstructor: "auto", "released", "embedded" (`rigface.reconstruct.get_reconstructor`), or one itself. It is
            got when the first photo needs it.
        options: of `Editor`.

    Raises:
        CheckpointError: networks for another editor, or defaults that ask for guidance.
        InputError: see `Editor`; an unknown reconstructor.
    """

    release = RIGFACE
    embedded = Path(__file__).with_name(EMBEDDED)
    rigger = ConditionsRigger()
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

    @classmethod
    def from_pretrained(
        cls, model: str | Path | None = None, *, reconstructor: str | Reconstructor = "auto", **options: Any
    ) -> RigFace:
        """An editor with the weights of a folder, see `Editor.from_pretrained`; `reconstructor` as in `RigFace`."""
        if isinstance(reconstructor, str):
            check_name(reconstructor)
        editor = super().from_pretrained(model, **options)
        editor._asked = reconstructor
        return editor

    @cached_property
    def reconstructor(self) -> Reconstructor:
        """Who sees faces in 3D.

        Raises:
            MissingCheckpointError: nobody on this machine; the message says what is missing.
        """
        return (
            get_reconstructor(self._asked, vector_size=self.pipeline.vector_size, device=str(self.pipeline.device))
            if isinstance(self._asked, str)
            else self._asked
        )

    def encode(
        self,
        image: ImageLike,
        *,
        face: str | int | tuple[float, float] = "largest",
        extent: Extent | None = None,
        background: ImageLike | None = None,
        render: ImageLike | None = None,
        coefficients: Any = None,
        strict: bool = False,
    ) -> Subject:
        """Everything about one photo that its edits share: face, crop, parts, background, identity, its 3D face.

        Args:
            image: the photo (`common.images.read_image`).
            face: see `Editor.encode`.
            extent: see `Editor.encode`.
            background: with `render` and `coefficients`, conditions prepared before, such as the authors' pairs; they
                are the edit, whose wish is then `RigWish()`, and `image` is the prepared square crop itself.
            render: see `background`.
            coefficients: (V,) or the path of a .npy file; see `background`.
            strict: see `Editor.encode`.

        Raises:
            MissingCheckpointError: nothing on this machine sees faces in 3D.
            InputError: one of the prepared three is missing; else as `Editor.encode`.
        """
        check_prepared(background, render, coefficients)
        if background is None:
            reconstructor = self.reconstructor  # what is missing should not cost the encoding
            subject = super().encode(image, face=face, extent=extent, strict=strict)
            return replace(subject, seen=Look(reconstructor, _seen(reconstructor, subject)))
        given = read_conditions(background, render, coefficients)
        if len(given.coefficients) != self.pipeline.vector_size:
            raise ShapeError("coefficients", f"({self.pipeline.vector_size},)", given.coefficients.shape)
        subject = super().encode(image, background=given.background)
        if len(given.render) != self.size:
            raise InputError(f"A prepared render must be {self.size} x {self.size} pixels; got {len(given.render)}.")
        return replace(subject, seen=Look(Given(given)))

    def look(
        self, image: ImageLike, *, face: str | int | tuple[float, float] = "largest", extent: Extent | None = None
    ) -> Target:
        """What there is to copy from a photo; for many edits it need be looked at only once.

        Args:
            image: the photo.
            face: see `Editor.encode`.
            extent: see `Editor.encode`.

        Raises:
            MissingCheckpointError, ImageError, ShapeError, FaceNotFoundError, InputError: see `encode`.
        """
        reconstructor, photo = self.reconstructor, rgb(read_image(image))
        made = self.prepare(photo, face, self.defaults.asked(extent=extent).extent)
        name = name_of(image)
        seen = Look(reconstructor, reconstructor.look(photo, made.face))
        return Target(name, made.face, made.crop, made.labels, made.region, seen)

    def ready(self, wish: Any) -> Any:
        """The wish, or the list of them, with their targets looked at, each photo once.

        Raises:
            InputError: not a wish; else as `look`.
        """
        looked: list[tuple[Any, Target]] = []  # pictures can be compared, but have no hash

        def one(wish: Any) -> RigWish | Still:
            if isinstance(wish, Still) or (target := to_wish(wish).target) is None or hasattr(target, "seen"):
                return wish
            made = next((made for photo, made in looked if photo == target), None)
            if made is None:
                made = self.look(target)
                looked.append((target, made))
            return replace(wish, target=made)

        wishes = as_list(wish)
        return one(wish) if wishes is None else [one(each) for each in wishes]

    def edit(
        self, subject: Subject | Sequence[Subject], wish: Any = NEUTRAL, *, guidance: float | None = None,
        **options: Any,
    ) -> Any:  # fmt: skip
        """The edited photo, or a list of them for a list of wishes or subjects; see `Editor.edit`.

        Args:
            subject: from `encode`; one for all wishes, or one for each.
            wish: a `RigWish`, or a list of them; nothing makes the face anew as it is.
            guidance: None or 1, see `check_guidance`.
            options: steps, seed, paste_back, batch_size, progress and callback_on_step_end of `Editor.edit`.

        Raises:
            InputError, ShapeError: an argument cannot be used.
            FaceNotFoundError: no face in a photo to copy from.
        """
        check_guidance(guidance)
        return super().edit(subject, self.ready(wish), **options)

    def rig(self, subject: Subject, wish: Any = NEUTRAL) -> Conditions | list[Conditions]:
        """What the network will see of a wish, for looking; a list for a list of wishes."""
        ready = self.ready(wish)
        wishes = as_list(ready)
        return conditions_of(subject, ready) if wishes is None else [conditions_of(subject, each) for each in wishes]


def _seen(reconstructor: Reconstructor, subject: Subject) -> Any:
    """What a reconstructor sees of a subject; our own head looks at the draft, which knows the photo's parts too."""
    assert subject.face is not None
    if getattr(reconstructor, "drafts", False):
        from .rendered.reconstruct import Rendered, Seen  # the other reconstructor alone would not need it

        if isinstance(reconstructor, Rendered):
            return Seen(subject.draft, subject.face)
    return reconstructor.look(rgb(subject.photo), subject.face)
