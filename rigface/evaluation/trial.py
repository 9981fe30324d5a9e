"""One item through the editor as a user would call it, and what came out beside the truth."""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy as np

from common.errors import FaceNotFoundError, InputError
from common.evaluation.items import Trial
from common.evaluation.pictures import errors, identity_of, pasted, squared, through_vae, way_of
from common.evaluation.reading import read_units
from common.images import to_uint8
from common.measure.regressor import Regressor
from common.synthetic import picture
from common.synthetic.shade import direction

from ..editor import RigFace
from .items import Item
from .reading import between, read_face, read_light

Record = dict[str, Any]
"""Plain values, fit for JSON."""

OF = ("edit", "truth")


def attempt(item: Item, editor: RigFace, regressor: Regressor, size: int) -> Trial:
    """Edits the item's photo of that size with the model's own settings, and measures.

    The record has `failed` where no face was found in the photo or the wish was refused, else:

        photo       squared errors against the truth after paste-back, see `common.evaluation.pictures.errors`
        crop        the same of the crop as generated, against the photo's: what lies beyond the crop is left out
        background  squared error and count of the values that lie behind the person before and after
        light       degrees between the light read from the edit and from the truth, and between the truth's and the
                    lamp's; None where too little skin is seen
        kept_light  degrees between the light read from the photo before and from the truth
        angles      yaw, pitch, roll read from edit and truth, over those that are known; None where no face is seen
        units       12 changes of the intensities, of edit and truth; only of heads that have not moved
        identity    distance or likeness to the photo before, of edit and truth; None without a network
        seconds     of `encode` and of `edit`
    """
    before, truth = (picture.make(scene, size) for scene in (item.source, item.target))
    record: Record = {"index": item.index, "kind": item.kind, "unit": item.unit, "units_asked": list(item.units)}
    try:
        started = time.perf_counter()
        subject = editor.encode(before.image)
        encoded = time.perf_counter()
        edited = np.array(editor.edit(subject, item.wish, engine="diffusion", progress=False))
        finished = time.perf_counter()
    except (FaceNotFoundError, InputError) as error:
        blank = np.zeros_like(before.image)
        return Trial({**record, "failed": str(error)}, (before.image, blank, blank, truth.image))
    raw = np.array(editor.edit(subject, item.wish, paste_back=False, engine="diffusion", progress=False))
    conditions: Any = editor.rig(subject, item.wish)
    photos = {"edit": edited, "truth": truth.image}
    faces = {name: read_face(photo, editor.finder, regressor) for name, photo in photos.items()}
    behind = (before.alpha == 0) & (truth.alpha == 0)
    true_crop = subject.crop.apply(truth.image)
    decoded, rebuilt = (through_vae(editor, crop) for crop in (true_crop, subject.source))
    whole = pasted(subject, decoded, rebuilt if way_of(editor) == "detail" else None)
    assert subject.face is not None
    record |= {
        "photo": errors(before.image, edited, truth.image, whole),
        "crop": errors(subject.source, raw, true_crop, to_uint8(decoded)),
        "background": {"error": squared(before.image, edited, behind), "count": 3 * int(behind.sum())},
        **_lights(item, before.image, photos),
        "angles": {
            name: None if found is None else np.subtract(found[1], item.target.angles).tolist()
            for name, found in faces.items()
        },
        "units": _units(item, before.image, photos, subject.face, regressor),
        "identity": {
            name: None if found is None else identity_of(before.image, photos[name], (subject.face, found[0]))
            for name, found in faces.items()
        },
        "seconds": {"encode": encoded - started, "edit": finished - encoded},
    }
    return Trial(record, (before.image, _inside(conditions.render, size), edited, truth.image))


def _lights(item: Item, before: np.ndarray, photos: dict[str, np.ndarray]) -> Record:
    lamp = direction(item.target.lamps.azimuth, item.target.lamps.elevation)
    edit, truth = (read_light(photos[name], item.target) for name in OF)
    return {
        "light": {"edit": between(edit, truth), "truth": between(truth, lamp)},
        "kept_light": between(read_light(before, item.source), truth),
    }


def _units(item: Item, before: np.ndarray, photos: dict[str, np.ndarray], face: Any, regressor: Regressor) -> Any:
    if item.source.angles != item.target.angles:
        return None
    read = read_units(regressor, {"before": before, **photos}, face)
    return {name: np.subtract(read[name], read["before"]).tolist() for name in OF}  # type: ignore[arg-type]


def _inside(picture: np.ndarray, size: int) -> np.ndarray:
    """A picture of any size as one of `size` pixels, to stand beside others."""
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
