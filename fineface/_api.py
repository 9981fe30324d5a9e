"""The front door: generate() and edit() over a cached editor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, overload

from common.editing.options import FaceOptions, check_keywords, documented
from common.editing.verbs import Verbs
from common.facs.action_units import AULike, AURequest
from common.imaging.images import ImageLike

from .editor import FineFace
from .request import FineFaceModel, FineFaceOptions, TextKeywords, drawn_seed, pair_texts
from .variants import locate

if TYPE_CHECKING:
    from PIL.Image import Image
    from typing_extensions import Unpack

    from .request import GenerateKeywords, Keywords, People, PhotoKeywords

__all__ = ["FineFace", "edit", "generate"]


@overload
def generate(  # pyright: ignore[reportOverlappingOverload] - a text is not a list of requests
    prompt: str, aus: AURequest, **options: Unpack[GenerateKeywords]
) -> Image: ...
@overload
def generate(prompt: list[str], aus: AULike | Sequence[AULike], **options: Unpack[GenerateKeywords]) -> list[Image]: ...
@overload
def generate(prompt: str, aus: Sequence[AULike], **options: Unpack[GenerateKeywords]) -> list[Image]: ...
@overload
def generate(prompt: str, aus: AULike, **options: Unpack[GenerateKeywords]) -> Image | list[Image]: ...
@documented(FineFaceOptions, FineFaceModel, names=TextKeywords.__optional_keys__)
def generate(
    prompt: str | list[str],
    aus: AULike | Sequence[AULike],
    *,
    identity: People | None = None,
    seed: int | None = None,
    size: int | tuple[int, int] | None = None,
    progress: bool = True,
    **options: Unpack[TextKeywords],
) -> Image | list[Image]:
    """Makes a picture of a face: `generate("a close-up of a woman", {"AU6": 3, "AU12": 4})`.

    All pictures of a call start from the same noise: a list of requests with one prompt is a sweep in which nothing
    else changes. Pictures do not depend on the batch size. A model's own options are those of its folder's
    `editor.json`, else of the published scripts: 50 steps, guidance 7.5.

    Args:
        prompt: text about the picture, or a list of such. Beyond 77 tokens it is cut, which is logged.
        aus: absolute intensities on the FACS scale 0..5: `{"AU12": 3}`, `"AU12=3,AU6=2"`, 12 numbers in the order of
            `ACTION_UNITS`, an `AUIntensity`, or a list of such. Other units are 0; `{}` is a neutral face. Values may
            lie in [-5, 10]: a little below 0 and above 5 the released model extrapolates.
        identity: the person of all prompts, for the variant "sd15-faceid": a photo, several photos of one person, or
            embeddings (n, 512) by insightface's buffalo_l.
        seed: random seed for the initial noise; None draws one, which is logged. Same seed and device, same picture.
        size: side in pixels, or (width, height); default: the denoiser's own, 512 as released, 128 embedded.
        progress: show progress bars.
        {options}

    Returns:
        A PIL image; a list of them where `prompt` or `aus` is a list. Two lists pair up.

    Raises:
        MissingCheckpointError: weights are not on this machine; the message has the command that fetches them.
        CheckpointError: an adapter for another base; the message says which it fits.
        MissingDependencyError, FaceNotFoundError: `identity` is a photo, without insightface or without a face.
        ActionUnitError, ShapeError, ImageError, InputError: an argument cannot be used.
    """
    # what is wrong should not cost the loading of a model
    check_keywords("generate", options, FineFaceOptions, FineFaceModel, names=TextKeywords.__optional_keys__)
    model = FineFaceModel.of(options)
    model.check_device()
    pairs, single = pair_texts(prompt, aus)
    asked = replace(FineFaceOptions.of(options), seed=drawn_seed(seed))
    if identity is not None:
        model = replace(model, variant=locate(model.model, model.base, model.variant, identity=True)[2].name)
    results = verbs.editors.loaded(model).draw(pairs, asked, identity=identity, size=size, progress=progress)
    return results[0] if single else list(results)


@overload
def edit(  # pyright: ignore[reportOverlappingOverload] - as of generate
    img: ImageLike, aus: AURequest, **options: Unpack[Keywords]
) -> Image: ...
@overload
def edit(img: Sequence[ImageLike], aus: AULike | Sequence[AULike], **options: Unpack[Keywords]) -> list[Image]: ...
@overload
def edit(img: ImageLike, aus: Sequence[AULike], **options: Unpack[Keywords]) -> list[Image]: ...
@overload
def edit(img: ImageLike, aus: AULike, **options: Unpack[Keywords]) -> Image | list[Image]: ...
@documented(FaceOptions, FineFaceModel, FineFaceOptions)
def edit(
    img: ImageLike | Sequence[ImageLike],
    aus: AULike | Sequence[AULike],
    *,
    progress: bool = True,
    **options: Unpack[PhotoKeywords],
) -> Image | list[Image]:
    """Gives the face in a photo these action units: `edit("photo.jpg", {"AU12": 4})`.

    Without published weights and without a named model, the photo is warped. Networks inpaint the face's region;
    outside its feathered mask not one byte changes. The person is kept by FaceID, in the variant "sd15-faceid", where
    insightface and its pack buffalo_l are at hand; otherwise the person changes, the more the higher `strength` is. A
    model conditioned on changes of an expression keeps more: see `magicface.edit`.

    A model's own options are those of its folder's `editor.json`, else of the published scripts: region "face", 50
    steps, guidance 7.5, paste_back "replace".

    Args:
        img: a path, a PIL image, a numpy array (H, W, 3), a torch tensor (3, H, W), or a list of such
            (`common.imaging.images.read_image`). Any size; EXIF orientation is honoured.
        aus: absolute intensities, not changes; see `generate`.
        progress: show progress bars.
        {options}

    Returns:
        The edited photo as PIL image; a list of them where `img` or `aus` is a list. Two lists pair up.

    Raises:
        MissingCheckpointError, CheckpointError: see `generate`.
        ImageError, ShapeError, ActionUnitError, InputError: an argument cannot be used.
        FaceNotFoundError: no such face in the photo.
    """
    return verbs.edit(img, aus, progress=progress, **options)


verbs = Verbs(FineFace)
sweep = verbs.sweep
grid = verbs.grid
animate = verbs.animate
neutralize = verbs.neutralize
transfer = verbs.transfer
