"""One item through the editor as a user would call it, and what came out beside the truth."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from common.arguments import check_options
from common.errors import FaceNotFoundError
from common.evaluation.items import Trial
from common.faces import Face
from common.measure import Measurer, identity
from common.measure.compare import psnr
from common.paste import paste, paste_mask
from common.subject import Subject
from common.synthetic import picture
from common.tensors import to_tensor
from common.training.latents import changed_region

from .._api import MagicFace
from .items import Item
from .reading import read_units

Record = dict[str, Any]
"""Plain values, fit for JSON."""


def attempt(item: Item, editor: MagicFace, measurer: Measurer, size: int) -> Trial:
    """Edits the item's photo of that size with the model's own settings, and measures.

    The record has `failed` where no face was found in the photo, else:

        photo, crop     squared errors against the truth, see `_errors`: after paste-back, and of the crop as generated
        zero            PSNR of a wish of zero and of the autoencoder alone, both of the crop against the photo's
        background      squared error and count of the values that lie behind the person before and after
        units           12 intensities of the photo before, edited and true; None where no face was seen
        identity        distance or likeness to the photo before, of the edit and of the truth; None without a network
        seconds         of `encode` and of `edit`
    """
    before, truth = (picture.make(scene, size) for scene in (item.source, item.target))
    record: Record = {"index": item.index, "unit": item.unit, "wish": list(item.wish)}
    try:
        started = time.perf_counter()
        subject = editor.encode(before.image)
    except FaceNotFoundError as error:
        return Trial({**record, "failed": str(error)}, (before.image, before.image, truth.image))
    encoded = time.perf_counter()
    way = _way(editor)
    edited = np.array(editor.edit(subject, item.wish, paste_back=way, progress=False))
    finished = time.perf_counter()
    raw, neutral = map(np.array, editor.edit(subject, [item.wish, {}], paste_back=False, progress=False))

    true_crop = subject.crop.apply(truth.image)
    decoded, rebuilt = _through_vae(editor, true_crop), _through_vae(editor, subject.source)
    pasted = _pasted(subject, decoded, rebuilt if way == "detail" else None)
    everywhere = np.ones(subject.source.shape[:2], bool)
    behind = (before.alpha == 0) & (truth.alpha == 0)
    photos, face = {"before": before.image, "edit": edited, "truth": truth.image}, subject.face
    assert face is not None
    record |= {
        "photo": _errors(before.image, edited, truth.image, pasted),
        "crop": _errors(subject.source, raw, true_crop, _bytes(decoded)),
        "zero": {
            "edit": psnr(subject.source, neutral, everywhere),
            "vae": psnr(subject.source, _bytes(rebuilt), everywhere),
        },
        "background": {"error": _squared(before.image, edited, behind), "count": 3 * int(behind.sum())},
        "units": read_units(measurer, photos, face),
        "identity": {name: _identity(before.image, photos[name], face) for name in ("edit", "truth")},
        "seconds": {"encode": encoded - started, "edit": finished - encoded},
    }
    return Trial(record, (before.image, edited, truth.image))


def _way(editor: MagicFace) -> str:
    """How this editor pastes back; a model that gives the crop alone is asked to replace."""
    own = editor.defaults
    return check_options(own.steps, 1, own.guidance, 0, own.paste_back) or "replace"


def _errors(before: np.ndarray, edit: np.ndarray, truth: np.ndarray, vae: np.ndarray) -> dict[str, float]:
    """Sums of squared errors against the truth in [0, 1], over the `count` values of the region that has changed.

    Args:
        before: (H, W, 3) uint8, the `nothing` in the result: an editor that does nothing.
        edit: (H, W, 3) uint8.
        truth: (H, W, 3) uint8.
        vae: (H, W, 3) uint8, the truth after encoding and decoding: as near as the networks could come.
    """
    region = changed_region(to_tensor(before)[None], to_tensor(truth)[None])[0, 0].numpy() > 0
    named = {"edit": edit, "nothing": before, "vae": vae}
    errors = {name: _squared(other, truth, region) / 255**2 for name, other in named.items()}
    return {**errors, "count": 3 * int(region.sum())}


def _squared(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    return float(np.square(one[where].astype(np.float64) - other[where]).sum())


@torch.no_grad()
def _through_vae(editor: MagicFace, crop: np.ndarray) -> np.ndarray:
    """A crop (S, S, 3) uint8, encoded and decoded: float32 in [0, 1]."""
    vae = editor.pipeline.vae
    decoded = vae.decode(editor.pipeline.encode_image(to_tensor(crop)[None]).to(vae.dtype)).sample
    return (decoded[0].float().cpu() / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy()


def _pasted(subject: Subject, crop: np.ndarray, neutral: np.ndarray | None) -> np.ndarray:
    return np.array(paste(subject.photo, subject.crop, crop, paste_mask(subject.region), neutral))


def _bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(image * 255).astype(np.uint8)


def _identity(before: np.ndarray, after: np.ndarray, face: Face) -> dict[str, Any] | None:
    found = identity(before, after, faces=(face, face))
    return found and {"measure": found.measure, "value": found.value, "same": found.same}
