"""The front door: FineFace, and generate() and edit() over a cached editor."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

import torch

from common.action_units import AUWish, as_list, to_vector
from common.background import Extent, check_name
from common.cache import KEPT
from common.defaults import Defaults
from common.devices import choose_device
from common.edit_options import Engine
from common.images import ImageLike, check_exists
from common.models import EMBEDDED_NOTE, WARP_NOTE, missing_networks

from .checkpoints import Networks, load_networks
from .editor import FineFace
from .noise import drawn
from .options import HIGH, LOW, PUBLISHED, Options, check_engine, pair_up
from .text import check_prompt
from .variants import EMBEDDED_FOLDER, STEPS_IN, keeper, locate, warps

log = logging.getLogger(__name__)
__all__ = ["FineFace", "edit", "generate"]


def generate(
    prompt: str | Sequence[str],
    aus: AUWish | Sequence[AUWish],
    *,
    # the person
    face: Any = None,
    # sampling
    au_scale: float = 1.0,
    face_scale: float = 0.9,
    steps: int | None = None,
    guidance: float | None = None,
    negative_prompt: str | None = None,
    seed: int | None = None,
    size: int | tuple[int, int] | None = None,
    batch_size: int = 4,
    progress: bool = True,
    # the model
    base: str | Path | None = None,
    adapter: str | Path | None = None,
    variant: str | None = None,
    dtype: torch.dtype | str | None = None,
    device: str | None = None,
) -> Any:
    """Makes a picture of a face: `generate("a close-up of a woman", {"AU6": 3, "AU12": 4})`.

    All pictures of a call start from the same noise: a list of wishes with one prompt is a sweep in which nothing else
    changes. What is made does not depend on the batch size.

    Args:
        prompt: what the picture shows, or a list of such. Beyond 77 tokens it is cut, and a logged warning names what.
        aus: absolute intensities on the FACS scale 0..5: `{"AU12": 3}`, `"AU12=3,AU6=2"`, 12 numbers in the order of
            `ACTION_UNITS`, or a list of such. What is not named is 0; `{}` is a neutral face. Values in [-5, 10] are
            taken: a little below 0 and above 5 the released model goes on in the same direction.
        face: who it is, for the variant "sd15-faceid": a photo, several photos of one person, or embeddings (n, 512)
            by insightface's buffalo_l. It goes with every prompt.
        au_scale: how strongly the AU branch counts; 0 is the base model.
        face_scale: how strongly the person counts; 0.9 is the release's.
        steps: denoising steps, 1 to 1000; default: the model's own, which is 50 of the released ones.
        guidance: s in eps = eps_0 + s (eps_wish - eps_0), eps_0 with the negative prompt, a neutral face and nobody.
            1 is no guidance, and saves a pass a step. Default: the model's own, which is 7.5 of the released ones.
        negative_prompt: what the picture must not show.
        seed: of the noise; None draws one, which is logged. Same seed and device, same picture.
        size: side in pixels, or (width, height); default: what the network was made for: 512 of the released ones, 128
            of the embedded one.
        batch_size: pictures that run through the networks at once.
        progress: show progress bars.
        base: a folder of Stable Diffusion in diffusers' layout, or a hub repository that was fetched.
        adapter: a folder with the adapter's files, a hub repository that was fetched, or "embedded", the small
            model inside the package, trained on synthetic faces only. Default: the published one; where it was never
            fetched and no `face` is asked for, the embedded one, which is logged in one line.
        variant: "sd21", on SD 2.1-base with a LoRA; "sd15-faceid", on SD 1.5, which takes faces; or "whole", adapter
            and base in one folder. Default: "whole" in such a folder, else "sd15-faceid" where there is a `face`, else
            "sd21".
        dtype: default: float16 on CUDA and MPS, else float32.
        device: default: CUDA, then MPS, then the CPU.

    Returns:
        A PIL image; a list of them where `prompt` or `aus` is a list. Two lists pair up.

    Raises:
        MissingCheckpointError: weights are not on this machine; the message has the command that fetches them.
        CheckpointError: an adapter for another base; the message says which it fits.
        MissingDependencyError: `face` is a photo, and insightface is not installed.
        FaceNotFoundError: a photo given as `face` shows none.
        ActionUnitError, ShapeError, ImageError, InputError: an argument cannot be used.
    """
    asked = PUBLISHED.asked(steps=steps, guidance=guidance)
    Options(asked.steps, asked.guidance, au_scale, face_scale, negative_prompt, seed, batch_size)
    choose_device(device, dtype)
    for text, wish in pair_up(prompt, aus, as_list, "prompts")[0]:  # what is wrong should not cost a model's loading
        check_prompt("prompt", text)
        to_vector(wish, low=LOW, high=HIGH)
    places = locate(adapter, base, variant, face=face is not None)
    alone = warps(adapter, base, variant) and places[0] == EMBEDDED_FOLDER
    editor = _editor(places, alone, dtype, device, None, "auto", "auto")
    return editor.generate(
        prompt, aus, face=face, au_scale=au_scale, face_scale=face_scale, steps=steps, guidance=guidance,
        negative_prompt=negative_prompt, seed=seed, size=size, batch_size=batch_size, progress=progress,
    )  # fmt: skip


def edit(
    img: ImageLike | list[ImageLike],
    aus: AUWish | list[AUWish],
    prompt: str | None = None,
    *,
    # the face
    face: str | int | tuple[float, float] = "largest",
    extent: Extent | None = None,
    finder: str = "auto",
    parser: str = "auto",
    strict: bool = False,
    # sampling
    au_scale: float = 1.0,
    face_scale: float = 0.9,
    engine: Engine | None = None,
    start: Literal["photo", "draft"] = "photo",
    strength: float | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    negative_prompt: str | None = None,
    seed: int | None = None,
    batch_size: int = 4,
    # the result
    size: int | None = None,
    paste_back: bool | str = True,
    progress: bool = True,
    # the model
    base: str | Path | None = None,
    adapter: str | Path | None = None,
    variant: str | None = None,
    dtype: torch.dtype | str | None = None,
    device: str | None = None,
) -> Any:
    """Gives the face in a photo these AUs: `edit("photo.jpg", {"AU12": 4})`.

    Without published weights and without a named model, the photo is warped. Networks inpaint the face's region;
    outside its feathered mask not one byte changes. The person is kept by FaceID, in
    the variant "sd15-faceid", where insightface and its pack buffalo_l are at hand; else somebody else takes their
    place, more so the higher `strength` is. A model that is told how an expression changes keeps more: see
    `magicface.edit`.

    Args:
        img: a path, a PIL image, a numpy array (H, W, 3), a torch tensor (3, H, W), or a list of such
            (`common.images.read_image`). Any size; EXIF orientation is honoured.
        aus: absolute intensities, not changes; see `generate`.
        prompt: what the face looks like; default: "A close up of a person."
        face: which one: "largest", an index counted from left to right, or a point (x, y) in the photo.
        extent: what is made anew: "face" (hair, ears, neck and clothes stay) or "head"; default: the model's own, which
            is "face".
        finder: which face finder; "auto" takes the best at hand.
        parser: which face parser; "auto" takes the best at hand.
        strict: what is doubtful about a photo, such as black borders or a profile, is an error; else it is logged.
        au_scale: see `generate`.
        face_scale: see `generate`.
        engine: "diffusion" for the networks; "draft" for the photo warped by its own fitted head, without any
            (`common.draft`). Default: the networks where a model is named or the published one is on this machine,
            else "draft", which is logged in one line.
        start: what is noised first: the "photo", or its "draft", whose face its own fitted head has moved to these
            intensities (`common.draft`).
        strength: how much is made anew, above 0 to 1: 1 starts from pure noise; lower starts with less noise, keeps
            more of the photo or the draft, and takes fewer steps. Default: 1, or 0.5 from a draft; with 0 a draft is
            left as it is.
        steps: see `generate`.
        guidance: see `generate`.
        negative_prompt: see `generate`.
        seed: see `generate`.
        batch_size: pictures that run through the networks at once.
        size: side of the crop in pixels; default: what the network was made for.
        paste_back: True, or False for the crop alone.
        progress: show progress bars.
        base: see `generate`.
        adapter: see `generate`.
        variant: see `generate`; default: "sd15-faceid" where its weights are at hand, else as there.
        dtype: see `generate`.
        device: see `generate`.

    Returns:
        The edited photo as PIL image; a list of them where `img` or `aus` is a list. Two lists pair up.

    Raises:
        MissingCheckpointError, CheckpointError: see `generate`.
        ImageError, ShapeError, ActionUnitError, InputError: an argument cannot be used.
        FaceNotFoundError: no such face in the photo.
    """
    asked = PUBLISHED.asked(steps=steps, guidance=guidance)
    Options(
        asked.steps, asked.guidance, au_scale, face_scale, negative_prompt, seed, batch_size, strength=strength,
        paste_back=paste_back, start=start,
    )  # fmt: skip
    choose_device(device, dtype)
    pairs, single = pair_up(img, aus, as_list)
    for image, wish in pairs:
        check_exists(image)
        to_vector(wish, low=LOW, high=HIGH)
    wanted = check_engine(engine, start if start == "draft" else None, strength)
    alone = warps(adapter, base, variant)
    if alone and wanted == "diffusion":
        raise missing_networks("fineface", "adapter")
    if alone and wanted is None:
        _note_warp()
    if alone or wanted == "draft":
        editor = _drafting(size, finder, parser)
    else:
        places = locate(adapter, base, variant or keeper(base, adapter))
        editor = _editor(places, False, dtype, device, size, finder, parser)
        seed = drawn(seed)  # one noise for all batches
    results: list[Any] = []
    known, subject = None, None
    for first in range(0, len(pairs), batch_size):  # so that a long list needs no more memory than a short one
        batch = pairs[first : first + batch_size]
        subjects = []
        for image, _ in batch:
            if subject is None or image is not known:
                known, subject = image, editor.encode(image, face=face, extent=extent, strict=strict)
            subjects.append(subject)
        results += editor.edit(
            subjects,
            [wish for _, wish in batch],
            prompt,
            au_scale=au_scale,
            face_scale=face_scale,
            engine=engine,
            start=start,
            strength=strength,
            steps=steps,
            guidance=guidance,
            negative_prompt=negative_prompt,
            seed=seed,
            paste_back=paste_back,
            batch_size=batch_size,
            progress=progress,
        )
    return results[0] if single else results


_lock = threading.Lock()
_loaded: dict[str, tuple[Networks, Defaults]] = {}
_editors: dict[str, FineFace] = {}


@lru_cache(maxsize=1)
def _drafting(size: int | None, finder: str, parser: str) -> FineFace:
    """An editor without networks."""
    return FineFace.drafting(size=size, finder=finder, parser=parser)


@cache
def _note_warp() -> None:
    """Says once that photos are warped for want of weights."""
    log.warning(WARP_NOTE, "fineface")


def _editor(places, alone, dtype, device, size, finder, parser) -> FineFace:
    """An editor over the networks loaded last: a second call costs no loading, and never are there two models."""
    networks, surroundings = repr((places, dtype, device)), repr((size, finder, parser))
    with _lock:
        if networks not in _loaded or surroundings not in _editors:
            check_name(parser)
            if networks not in _loaded:
                _editors.clear()  # before the next one is loaded: two models may not fit
                _loaded.clear()
                _loaded[networks] = load_networks(*places, dtype=dtype, device=device)
                if alone:
                    log.warning(STEPS_IN)
                elif places[0] == EMBEDDED_FOLDER:
                    log.warning(EMBEDDED_NOTE)
            loaded, defaults = _loaded[networks]
            _editors[surroundings] = FineFace(loaded, size=size, finder=finder, parser=parser, defaults=defaults)
            while len(_editors) > KEPT:
                del _editors[next(iter(_editors))]  # the oldest
        return _editors[surroundings]
