"""The front door: RigFace, and edit() and rig() over a cached editor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from common.arguments import SEED, Engine, Start, check_engine, check_options, pair_up
from common.background import Extent
from common.defaults import Defaults
from common.errors import InputError
from common.front import Front
from common.images import ImageLike, as_list, check_exists

from .conditions import Conditions, read_conditions
from .editor import RigFace, check_guidance, check_prepared
from .reconstruct import Reconstructor, check_name
from .wish import RigWish, make_wishes
from .wish import as_list as wishes_of

__all__ = ["RigFace", "edit", "rig"]


def edit(
    img: ImageLike | list[ImageLike],
    *,
    # what changes, by numbers
    light: Any = None,
    pose: Any = None,
    expression: Any = None,
    # what changes, from another photo
    target: Any = None,
    copy: str | list[str] | None = None,
    # conditions prepared before
    background: ImageLike | None = None,
    render: ImageLike | None = None,
    coefficients: Any = None,
    # the model
    model: str | Path | None = None,
    base: str | Path | None = None,
    dtype: torch.dtype | str | None = None,
    device: str | None = None,
    reconstructor: str | Reconstructor = "auto",
    # the face
    face: str | int | tuple[float, float] = "largest",
    extent: Extent | None = None,
    finder: str = "auto",
    parser: str = "auto",
    strict: bool = False,
    # sampling
    steps: int | None = None,
    guidance: float | None = None,
    seed: int = SEED,
    engine: Engine | None = None,
    start: Start | None = None,
    strength: float | None = None,
    batch_size: int = 4,
    # the result
    size: int | None = None,
    paste_back: bool | str | None = None,
    progress: bool = True,
) -> Any:
    """Changes the light on a face, where it looks, its expression: `edit("photo.jpg", light="azimuth=60")`.

    Where extent, steps, paste_back, start or strength is None, the model's own is taken: what its folder's
    `editor.json` says, else what the published scripts take ("head", 50, True, "noise").

    Args:
        img: a path, a PIL image, a numpy array (H, W, 3), a torch tensor (3, H, W), or a list of such
            (`common.images.read_image`). Any size; EXIF orientation is honoured.
        light: a `Light`, "azimuth=60,elevation=20", a dict of the same names, or a list of such: the light that shall
            fall on the face.
        pose: a `Pose`, "yaw=15", a dict, or a list of such: how far the head turns from where it looks now;
            "yaw=0,absolute" is where it shall look.
        expression: how much each action unit changes, as in `magicface.edit`, or a list of such.
        target: a photo to copy from, or a list of such; what `RigFace.look` made of one will do.
        copy: what to copy: "light", "pose", "expression", several as "light+pose" or as a list of names. Nothing may
            be asked for by numbers and from the target both. Asked for nothing at all, the face is made anew as it is.
        background: with `render` and `coefficients`, conditions prepared before, such as the authors' own pairs, for
            the prepared crop `img`: they are the edit, and nothing can be asked for besides.
        render: see `background`.
        coefficients: (V,), 64 for the published model, or the path of a .npy file; see `background`.
        model: a folder, a hub repository fetched before, or "embedded", the small networks inside the package, trained
            on synthetic faces. Default: the published one; where it was never fetched, every picture is warped, without
            networks, which is logged in one line.
        base: a folder of Stable Diffusion 1.5, for what the model's folder lacks.
        dtype: default: float16 on CUDA and MPS, else float32.
        device: default: CUDA, then MPS, then the CPU.
        reconstructor: who sees faces in 3D: "released", "embedded", one itself, or "auto" for the first at hand.
        face: "largest", an index counted from left to right, or a point (x, y) in the photo.
        extent: "head" or "face", see `Editor.encode`.
        finder: which face finder; "auto" takes the best at hand.
        parser: which face parser; "auto" takes the best at hand.
        strict: what is doubtful about a photo, such as black borders or a profile, is an error; else it is logged.
        steps: denoising steps.
        guidance: None or 1: the published pipeline's two guidance halves are the same, so that it has none.
        seed: of the noise; 424 is the release's. Same seed and device, same picture.
        engine: "diffusion" for the networks; "draft" for the photo warped by its own fitted head, in a fraction of a
            second and without any (`common.draft`). Default: the networks where a model is named or the published one
            is on this machine, else "draft". What the picture shows plays no part.
        start: "draft" for networks that begin with the draft, noised, and run only the last of the steps; "noise".
        strength: share of the steps that are run from a draft; 0 is the draft itself, 1 the edit without it.
        batch_size: pictures that run through the networks at once.
        size: side of the crop in pixels; default: what the network was made for.
        paste_back: True or "replace", "detail", or False for the crop alone; see `Editor.edit`.
        progress: show progress bars.

    Returns:
        The edited photo as PIL image; a list of them where `img` or one of the wishes is a list. Lists pair up.

    Raises:
        MissingCheckpointError: the weights, or what sees faces in 3D, are not on this machine; the message says what.
        ImageError, ShapeError, ActionUnitError, InputError: an argument cannot be used.
        FaceNotFoundError: no face in a photo. In a list one bad photo ends the call; the command line goes on.
    """
    way = {"steps": steps, "paste_back": paste_back, "start": start, "strength": strength}
    asked = Defaults().asked(extent=extent, **way)
    check_options(asked.steps, batch_size, 1.0, seed, asked.paste_back)
    check_engine(engine, start)
    check_guidance(guidance)
    wish = make_wishes(light=light, pose=pose, expression=expression, target=target, copy=copy)
    prepared = {"background": background, "render": render, "coefficients": coefficients}
    pairs, single = _check(img, wish, prepared, reconstructor)
    results = _front.run(
        pairs,
        {"model": model, "base": base, "dtype": dtype, "device": device},
        {"size": size, "finder": finder, "parser": parser, "reconstructor": reconstructor},
        {"face": face, "extent": extent, "strict": strict, **prepared},
        {"seed": seed, "engine": engine, "progress": progress, **way},
        batch_size=batch_size,
    )
    return results[0] if single else results


def rig(
    img: ImageLike,
    *,
    light: Any = None,
    pose: Any = None,
    expression: Any = None,
    target: Any = None,
    copy: str | list[str] | None = None,
    model: str | Path | None = None,
    base: str | Path | None = None,
    dtype: torch.dtype | str | None = None,
    device: str | None = None,
    reconstructor: str | Reconstructor = "auto",
    face: str | int | tuple[float, float] = "largest",
    extent: Extent | None = None,
    finder: str = "auto",
    parser: str = "auto",
    size: int | None = None,
) -> Conditions | list[Conditions]:
    """What the network will see of an edit, for looking: `rig("photo.jpg", light="azimuth=60").render`.

    Nothing is sampled. The options are those of `edit`.

    Returns:
        The conditions; a list of them where one of the wishes is a list.

    Raises:
        As `edit`.
    """
    wish = make_wishes(light=light, pose=pose, expression=expression, target=target, copy=copy)
    if as_list(img) is not None:
        raise InputError("rig() takes one photo; got a list of them.")
    _check(img, wish, {}, reconstructor)
    editor = _front.editor(
        {"model": model, "base": base, "dtype": dtype, "device": device},
        {"size": size, "finder": finder, "parser": parser, "reconstructor": reconstructor},
    )
    return editor.rig(editor.encode(img, face=face, extent=extent), wish)


def _check(
    img: Any, wish: RigWish | list[RigWish], prepared: dict[str, Any], reconstructor: Any
) -> tuple[list[tuple[Any, RigWish]], bool]:
    """Photos paired with wishes, and whether neither is a list; what is wrong should not cost a model's loading."""
    pairs, single = pair_up(img, wish, wishes_of)
    if isinstance(reconstructor, str):
        check_name(reconstructor)
    if prepared:
        check_prepared(**prepared)
    if prepared.get("background") is not None:
        if as_list(img) is not None:
            raise InputError("Prepared conditions go with one prepared crop; got a list of pictures.")
        read_conditions(**prepared)
    for image, each in pairs:
        check_exists(image)
        check_exists(each.target)
    return pairs, single


_front = Front(RigFace)
