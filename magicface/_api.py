"""The front door: edit() and the other verbs over a cached editor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from common.editing.options import EditOptions, FaceOptions, ModelOptions, documented
from common.editing.verbs import Verbs
from common.facs.action_units import AULike, AURequest
from common.imaging.images import ImageLike

from .editor import MagicFace

if TYPE_CHECKING:
    from PIL.Image import Image
    from typing_extensions import Unpack

    from common.editing.options import Keywords


@overload
def edit(  # pyright: ignore[reportOverlappingOverload] - a text is not a list of requests
    img: ImageLike, au_delta: AURequest, *, progress: bool = ..., **options: Unpack[Keywords]
) -> Image: ...
@overload
def edit(
    img: Sequence[ImageLike], au_delta: AULike | Sequence[AULike], *, progress: bool = ..., **options: Unpack[Keywords]
) -> list[Image]: ...
@overload
def edit(
    img: ImageLike, au_delta: Sequence[AULike], *, progress: bool = ..., **options: Unpack[Keywords]
) -> list[Image]: ...
@overload
def edit(
    img: ImageLike, au_delta: AULike, *, progress: bool = ..., **options: Unpack[Keywords]
) -> Image | list[Image]: ...
@documented(FaceOptions, ModelOptions, EditOptions)
def edit(
    img: ImageLike | Sequence[ImageLike],
    au_delta: AULike | Sequence[AULike],
    *,
    progress: bool = True,
    **options: Unpack[Keywords],
) -> Image | list[Image]:
    """Edits the expression of a face in a photo: `edit("photo.jpg", {"AU12": 3})`.

    A model's own options are what its folder's `editor.json` says, else what the published scripts take: region "head",
    50 steps, guidance 1.5, paste_back "replace", start "noise". Of guidance, the paper's own table has the lowest AU
    error at 3.0 (0.261 against 0.333); the embedded model was made for 1. Same seed and device, same picture.

    Args:
        img: a path, a PIL image, a numpy array (H, W, 3), a torch tensor (3, H, W), or a list of such
            (`common.imaging.images.read_image`). Any size; EXIF orientation is honoured.
        au_delta: how much each action unit changes, target minus present intensity on the FACS scale 0..5, within
            [-10, 10]: `{"AU12": 3}`, `"AU12=3,AU6=2"`, expressions (`"happy"`, `"angry:0.7,AU5=1"`), 12 numbers in
            the order of `ACTION_UNITS`, an `AUDelta`, or a list of such; what is known to go wrong is logged
            (`common.editing.explain`). `{}` is the null edit: it reconstructs the face unchanged.
        progress: show progress bars.
        {options}

    Returns:
        The edited photo as PIL image; a list of them where `img` or `au_delta` is a list or a batched array. Two lists
        pair up.

    Raises:
        MissingCheckpointError: the weights are not on this machine; the message has the command that fetches them.
        ImageError, ShapeError, ActionUnitError, InputError: an argument cannot be used.
        FaceNotFoundError: no face in the photo. In a list one bad photo ends the call; the command line continues.
    """
    return verbs.edit(img, au_delta, progress=progress, **options)


verbs = Verbs(MagicFace)
sweep = verbs.sweep
grid = verbs.grid
animate = verbs.animate
neutralize = verbs.neutralize
transfer = verbs.transfer
