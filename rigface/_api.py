"""The front door: edit(), rig() and the other verbs over a cached editor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from common.core.errors import InputError
from common.editing.options import check_keywords, documented
from common.editing.verbs import Verbs
from common.imaging.images import as_list, check_exists

from .conditioning import Conditions, read_conditions
from .editor import RigFace
from .options import RigEditOptions, RigFaceOptions, RigModelOptions
from .request import RigEdit, make_requests

if TYPE_CHECKING:
    from PIL.Image import Image
    from typing_extensions import Unpack

    from common.facs.action_units import AULike
    from common.imaging.images import ImageLike

    from .options import OneEdit, RigKeywords, SeveralEdits
    from .reconstruct import View
    from .request import LightLike, PoseLike


@overload
def edit(  # pyright: ignore[reportOverlappingOverload] - a single value is a case of both, and the first counts
    img: ImageLike, *, progress: bool = ..., **options: Unpack[OneEdit]
) -> Image: ...
@overload
def edit(
    img: ImageLike | Sequence[ImageLike], *, progress: bool = ..., **options: Unpack[SeveralEdits]
) -> list[Image]: ...
@documented(RigFaceOptions, RigModelOptions, RigEditOptions)
def edit(
    img: ImageLike | Sequence[ImageLike],
    *,
    light: LightLike | Sequence[LightLike] | None = None,
    pose: PoseLike | Sequence[PoseLike] | None = None,
    expression: AULike | Sequence[AULike] | None = None,
    target: ImageLike | View | Sequence[ImageLike | View] | None = None,
    copy: str | list[str] | None = None,
    progress: bool = True,
    **options: Unpack[RigKeywords],
) -> Image | list[Image]:
    """Changes the light on a face, where it looks, its expression: `edit("photo.jpg", light="azimuth=60")`.

    A model's own options are what its folder's `editor.json` says, else what the published scripts take: region "head",
    50 steps, paste_back "replace", start "noise". Same seed and device, same picture.

    Args:
        img: a path, a PIL image, a numpy array (H, W, 3), a torch tensor (3, H, W), or a list of such
            (`common.imaging.images.read_image`). Any size; EXIF orientation is honoured.
        light: the light that falls on the face after the edit: a `Light`, "azimuth=60,elevation=20", a dict of the same
            names, or a list of such.
        pose: how far the head turns from where it looks now: a `Pose`, "yaw=15", a dict, or a list of such;
            "yaw=0,absolute" is where it looks after the edit.
        expression: how much each action unit changes, as in `magicface.edit`, or a list of such.
        target: a photo to copy from, what `RigFace.look` made of one, or a list of such.
        copy: what to copy: "light", "pose", "expression", several as "light+pose" or as a list of names. No attribute
            is requested both by numbers and from the target. Without any request, the null edit reconstructs the face
            unchanged.
        progress: show progress bars.
        {options}

    Returns:
        The edited photo as PIL image; a list of them where `img` or one of the requests is a list. Lists pair up.

    Raises:
        MissingCheckpointError: the weights, or what sees faces in 3D, are not on this machine.
        ImageError, ShapeError, ActionUnitError, InputError: an argument cannot be used.
        FaceNotFoundError: no face in a photo. In a list one bad photo ends the call; the command line continues.
    """
    requests = make_requests(light=light, pose=pose, expression=expression, target=target, copy=copy)
    _check(RigFaceOptions.of(options), img, requests)
    return verbs.edit(img, requests, progress=progress, **options)


@overload
def rig(  # pyright: ignore[reportOverlappingOverload] - as of edit
    img: ImageLike, **options: Unpack[OneEdit]
) -> Conditions: ...
@overload
def rig(img: ImageLike, **options: Unpack[SeveralEdits]) -> list[Conditions]: ...
@documented(RigFaceOptions, RigModelOptions)
def rig(
    img: ImageLike,
    *,
    light: LightLike | Sequence[LightLike] | None = None,
    pose: PoseLike | Sequence[PoseLike] | None = None,
    expression: AULike | Sequence[AULike] | None = None,
    target: ImageLike | View | Sequence[ImageLike | View] | None = None,
    copy: str | list[str] | None = None,
    **options: Unpack[RigKeywords],
) -> Conditions | list[Conditions]:
    """What the network will see of an edit, for looking: `rig("photo.jpg", light="azimuth=60").render`.

    Nothing is sampled. Requests and errors are those of `edit`.

    Args:
        img: one photo.
        light: see `edit`.
        pose: see `edit`.
        expression: see `edit`.
        target: see `edit`.
        copy: see `edit`.
        {options}

    Returns:
        The conditions; a list of them where one of the requests is a list.
    """
    check_keywords("rig", options, RigFaceOptions, RigModelOptions)
    face = RigFaceOptions.of(options)
    model = RigModelOptions.of(options)
    requests = make_requests(light=light, pose=pose, expression=expression, target=target, copy=copy)
    if as_list(img) is not None:
        raise InputError("rig() takes one photo, not a list.", code="count", expected=1)
    model.check_device()
    check_exists(img)
    _check(face, img, requests)
    editor = verbs.editors.editor(model)
    return editor.rig(editor.encode(img, **vars(face)), requests)


def _check(face: RigFaceOptions, img: ImageLike | Sequence[ImageLike], requests: RigEdit | list[RigEdit]) -> None:
    """Raises the errors of RigFace's own arguments, before a model loads."""
    if face.background is not None and face.render is not None:
        if as_list(img) is not None:
            raise InputError("Prepared conditions go with one aligned crop, not a list.", code="count", expected=1)
        read_conditions(face.background, face.render, face.coefficients)
    for request in requests if isinstance(requests, list) else [requests]:
        check_exists(request.target)


verbs = Verbs(RigFace)
sweep = verbs.sweep
grid = verbs.grid
animate = verbs.animate
neutralize = verbs.neutralize
transfer = verbs.transfer
