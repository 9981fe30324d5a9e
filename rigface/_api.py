# pyright: strict
"""The front door: edit() and rig() over a cached editor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.cache import EditorCache
from common.edit_options import check_keywords, documented
from common.errors import InputError
from common.images import as_list, check_exists
from common.request import pair_up

from .conditions import Conditions, read_conditions
from .editor import RigFace
from .options import RigEditOptions, RigFaceOptions, RigModelOptions
from .request import RigEdit, make_requests

if TYPE_CHECKING:
    from PIL.Image import Image
    from typing_extensions import Unpack

    from common.action_units import AULike
    from common.images import ImageLike

    from .editor import Target
    from .options import RigKeywords
    from .request import LightLike, PoseLike

__all__ = ["RigFace", "edit", "rig"]


@documented(RigFaceOptions, RigModelOptions, RigEditOptions)
def edit(
    img: ImageLike | list[ImageLike],
    *,
    light: LightLike | list[LightLike] | None = None,
    pose: PoseLike | list[PoseLike] | None = None,
    expression: AULike | list[AULike] | None = None,
    target: ImageLike | Target | list[ImageLike | Target] | None = None,
    copy: str | list[str] | None = None,
    progress: bool = True,
    **options: Unpack[RigKeywords],
) -> Any:
    """Changes the light on a face, where it looks, its expression: `edit("photo.jpg", light="azimuth=60")`.

    A model's own options are what its folder's `editor.json` says, else what the published scripts take: extent "head",
    50 steps, paste_back "replace", start "noise". Same seed and device, same picture.

    Args:
        img: a path, a PIL image, a numpy array (H, W, 3), a torch tensor (3, H, W), or a list of such
            (`common.images.read_image`). Any size; EXIF orientation is honoured.
        light: the light that shall fall on the face: a `Light`, "azimuth=60,elevation=20", a dict of the same names, or
            a list of such.
        pose: how far the head turns from where it looks now: a `Pose`, "yaw=15", a dict, or a list of such;
            "yaw=0,absolute" is where it shall look.
        expression: how much each action unit changes, as in `magicface.edit`, or a list of such.
        target: a photo to copy from, or a list of such; what `RigFace.look` made of one will do.
        copy: what to copy: "light", "pose", "expression", several as "light+pose" or as a list of names. Nothing may
            be asked for by numbers and from the target both. Nothing at all is the null edit: it reconstructs the face
            unchanged.
        progress: show progress bars.
        {options}

    Returns:
        The edited photo as PIL image; a list of them where `img` or one of the requests is a list. Lists pair up.

    Raises:
        MissingCheckpointError: the weights, or what sees faces in 3D, are not on this machine; the message says what.
        ImageError, ShapeError, ActionUnitError, InputError: an argument cannot be used.
        FaceNotFoundError: no face in a photo. In a list one bad photo ends the call; the command line goes on.
    """
    check_keywords("edit", options, RigEditOptions, RigFaceOptions, RigModelOptions)
    asked, face, model = RigEditOptions.of(options), RigFaceOptions.of(options), RigModelOptions.of(options)
    requests = make_requests(light=light, pose=pose, expression=expression, target=target, copy=copy)
    pairs, single = _checked(img, requests, face, model)
    results: list[Image] = list(_editors.run(pairs, asked, face, model, progress=progress))
    return results[0] if single else results


@documented(RigFaceOptions, RigModelOptions)
def rig(
    img: ImageLike,
    *,
    light: LightLike | list[LightLike] | None = None,
    pose: PoseLike | list[PoseLike] | None = None,
    expression: AULike | list[AULike] | None = None,
    target: ImageLike | Target | list[ImageLike | Target] | None = None,
    copy: str | list[str] | None = None,
    **options: Unpack[RigKeywords],
) -> Conditions | list[Conditions]:
    """What the network will see of an edit, for looking: `rig("photo.jpg", light="azimuth=60").render`.

    Nothing is sampled.

    Args:
        img: one photo, as in `edit`; so are the requests.
        light: see `edit`.
        pose: see `edit`.
        expression: see `edit`.
        target: see `edit`.
        copy: see `edit`.
        {options}

    Returns:
        The conditions; a list of them where one of the requests is a list.

    Raises:
        As `edit`.
    """
    check_keywords("rig", options, RigFaceOptions, RigModelOptions)
    face, model = RigFaceOptions.of(options), RigModelOptions.of(options)
    requests = make_requests(light=light, pose=pose, expression=expression, target=target, copy=copy)
    if as_list(img) is not None:
        raise InputError("rig() takes one photo; got a list of them.")
    _checked(img, requests, face, model)
    editor = _editors.editor(model)
    return editor.rig(editor.encode(img, **vars(face)), requests)


def _checked(
    img: ImageLike | list[ImageLike],
    requests: RigEdit | list[RigEdit],
    face: RigFaceOptions,
    model: RigModelOptions,
) -> tuple[list[tuple[Any, RigEdit]], bool]:
    """Photos paired with requests, and whether neither is a list; what is wrong should not cost a model's loading."""
    model.check_device()
    pairs, single = pair_up(img, requests, RigEdit)
    if face.background is not None and face.render is not None:
        if as_list(img) is not None:
            raise InputError("Prepared conditions go with one prepared crop; got a list of pictures.")
        read_conditions(face.background, face.render, face.coefficients)
    for image, request in pairs:
        check_exists(image)
        check_exists(request.target)
    return pairs, single


_editors = EditorCache(RigFace)
