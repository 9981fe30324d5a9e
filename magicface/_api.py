"""The front door: MagicFace, and edit() over a cached editor."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from common.action_units import AUWish, to_vector
from common.arguments import SEED, Engine, Start, check_engine, check_options, pair_up
from common.background import Extent
from common.checkpoints import MAGICFACE
from common.defaults import Defaults
from common.editor import Editor
from common.errors import InputError
from common.explain import cautions
from common.front import Front
from common.images import ImageLike, as_list, check_exists

from .rigger import ActionUnitRigger

log = logging.getLogger(__name__)


class MagicFace(Editor[AUWish]):
    """Changes a face's expression by action-unit variations; person, pose and background stay.

        editor = MagicFace.from_pretrained()
        subject = editor.encode("photo.jpg")
        for intensity in (1, 2, 3):
            editor.edit(subject, {"AU12": intensity}).save(f"smile{intensity}.png")

    After MagicFace: Wei et al., "MagicFace: High-Fidelity Facial Expression Editing with Action-Unit Control",
    arXiv 2501.02260.
    """

    release = MAGICFACE
    embedded = Path(__file__).with_name("embedded")
    rigger = ActionUnitRigger()


def edit(
    img: ImageLike | list[ImageLike],
    au_delta: AUWish | list[AUWish],
    *,
    # the model
    model: str | Path | None = None,
    base: str | Path | None = None,
    dtype: torch.dtype | str | None = None,
    device: str | None = None,
    # the face
    face: str | int | tuple[float, float] = "largest",
    extent: Extent | None = None,
    background: ImageLike | None = None,
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
    """Edits the expression of a face in a photo: `edit("photo.jpg", {"AU12": 3})`.

    Where extent, steps, guidance, paste_back, start or strength is None, the model's own is taken: what its folder's
    `editor.json` says, else what the published scripts take ("head", 50, 1.5, True; "noise").

    Args:
        img: a path, a PIL image, a numpy array (H, W, 3), a torch tensor (3, H, W), or a list of such
            (`common.images.read_image`). Any size; EXIF orientation is honoured.
        au_delta: how much each action unit changes, wanted minus present intensity on the FACS scale 0..5, within
            [-10, 10]: `{"AU12": 3}`, `"AU12=3,AU6=2"`, words (`"happy"`, `"angry:0.7,AU5=1"`), 12 numbers in
            the order of `ACTION_UNITS`, or a list of such; what is known to go wrong is logged (`common.explain`).
            Nothing (`{}`) re-generates the face as it is.
        model: a folder, a hub repository fetched before, or "embedded", the small networks inside the package, trained
            on synthetic faces. Default: the published one; where it was never fetched, every picture is warped, without
            networks, which is logged in one line.
        base: a folder of Stable Diffusion 1.5, for what the model's folder lacks.
        dtype: default: float16 on CUDA and MPS, else float32.
        device: default: CUDA, then MPS, then the CPU.
        face: "largest", an index counted from left to right, or a point (x, y) in the photo.
        extent: "head" or "face", see `Editor.encode`.
        background: a background made before, of the prepared crop `img`.
        finder: which face finder; "auto" takes the best at hand.
        parser: which face parser; "auto" takes the best at hand.
        strict: what is doubtful about a photo, such as black borders or a profile, is an error; else it is logged.
        steps: denoising steps.
        guidance: how strongly the AUs pull. 1.5 is the release's; the paper's own table has the lowest AU error at 3.0
            (0.261 against 0.333). The embedded model was made for 1.
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
        The edited photo as PIL image; a list of them where `img` or `au_delta` is a list or a batched array. Two lists
        pair up.

    Raises:
        MissingCheckpointError: the weights are not on this machine; the message has the command that fetches them.
        ImageError, ShapeError, ActionUnitError, InputError: an argument cannot be used.
        FaceNotFoundError: no face in the photo. In a list one bad photo ends the call; the command line goes on.
    """
    # what is wrong should not cost the loading of a model
    way = {"steps": steps, "guidance": guidance, "paste_back": paste_back, "start": start, "strength": strength}
    asked = Defaults().asked(extent=extent, **way)
    check_options(asked.steps, batch_size, asked.guidance, seed, asked.paste_back)
    check_engine(engine, start)
    pairs, single = pair_up(img, au_delta, MagicFace.rigger.as_list)
    if background is not None and as_list(img) is not None:
        raise InputError("background goes with one prepared crop; got a list of pictures.")
    for image, _ in pairs:
        check_exists(image)
    told = [to_vector(wish) for _, wish in pairs]
    for caution in dict.fromkeys(caution for vector in told for caution in cautions(vector)):
        log.warning(caution)
    results = _front.run(
        pairs,
        {"model": model, "base": base, "dtype": dtype, "device": device},
        {"size": size, "finder": finder, "parser": parser},
        {"face": face, "extent": extent, "background": background, "strict": strict},
        {"seed": seed, "engine": engine, "progress": progress, **way},
        batch_size=batch_size,
    )
    return results[0] if single else results


_front = Front(MagicFace)
