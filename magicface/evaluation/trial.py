"""One item through the editor as a user would call it, and what came out beside the truth."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from common.errors import FaceNotFoundError
from common.evaluation.items import Trial
from common.evaluation.pictures import errors, identity_of, pasted, squared, through_vae, way_of
from common.evaluation.reading import read_units
from common.images import to_uint8
from common.measure import Measurer
from common.measure.compare import psnr
from common.synthetic import picture

from .._api import MagicFace
from .items import Item

Record = dict[str, Any]
"""Plain values, fit for JSON."""


def attempt(item: Item, editor: MagicFace, measurer: Measurer, size: int) -> Trial:
    """Edits the item's photo of that size with the model's own settings, and measures.

    The record has `failed` where no face was found in the photo, else:

        photo, crop     squared errors to the truth, see `pictures.errors`: after paste-back, of the crop as generated
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
    way = way_of(editor)
    networks: dict[str, Any] = {"engine": "diffusion", "progress": False}
    edited = np.array(editor.edit(subject, item.wish, paste_back=way, **networks))
    finished = time.perf_counter()
    raw, neutral = map(
        np.array, editor.edit(subject, [item.wish, {}], paste_back=False, engine="diffusion", progress=False)
    )

    true_crop = subject.crop.apply(truth.image)
    decoded, rebuilt = through_vae(editor, true_crop), through_vae(editor, subject.source)
    whole = pasted(subject, decoded, rebuilt if way == "detail" else None)
    everywhere = np.ones(subject.source.shape[:2], bool)
    behind = (before.alpha == 0) & (truth.alpha == 0)
    photos, face = {"before": before.image, "edit": edited, "truth": truth.image}, subject.face
    assert face is not None
    record |= {
        "photo": errors(before.image, edited, truth.image, whole),
        "crop": errors(subject.source, raw, true_crop, to_uint8(decoded)),
        "zero": {
            "edit": psnr(subject.source, neutral, everywhere),
            "vae": psnr(subject.source, to_uint8(rebuilt), everywhere),
        },
        "background": {"error": squared(before.image, edited, behind), "count": 3 * int(behind.sum())},
        "units": read_units(measurer, photos, face),
        "identity": {name: identity_of(before.image, photos[name], (face, face)) for name in ("edit", "truth")},
        "seconds": {"encode": encoded - started, "edit": finished - encoded},
    }
    return Trial(record, (before.image, edited, truth.image))
