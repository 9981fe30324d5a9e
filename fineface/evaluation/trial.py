"""One item through the editor as a user would call it, and what came out beside the truth."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from common.errors import FaceNotFoundError
from common.evaluation.items import Trial
from common.measure import Measurer, measure
from common.measure.traits import TraitReader
from common.synthetic import picture
from common.synthetic.factors import Scene
from common.synthetic.simplified import close_up
from common.tensors import to_pixels, to_tensor

from ..editor import FineFace
from .items import FACE_HEIGHT, Item

Record = dict[str, Any]
"""Plain values, fit for JSON."""


def attempt(item: Item, editor: FineFace, measurer: Measurer, reader: TraitReader) -> Trial:
    """Makes the item's pictures with the model's own settings, and measures.

    The record has, for "made" and "truth", what `_look` gives, and "seconds", for each of two pictures made at once.
    """
    started = time.perf_counter()
    made = editor.generate([item.caption] * 2, [item.before, item.wish], seed=item.index, progress=False)
    seconds = (time.perf_counter() - started) / 2
    pictures = {
        "made": [np.array(image) for image in made],
        "truth": [true_picture(scene, editor.size) for scene in (item.source, item.target)],
    }
    record: Record = {
        "index": item.index, "caption": item.caption, "unit": item.unit, "before": list(item.before),
        "wish": list(item.wish), "change": list(item.change), "traits": dict(item.traits), "seconds": seconds,
    }  # fmt: skip
    record |= {name: _look(before, after, item, measurer, reader) for name, (before, after) in pictures.items()}
    return Trial(record, (*pictures["made"], *pictures["truth"]))


def true_picture(scene: Scene, size: int) -> np.ndarray:
    """A scene as the captions tell it, (size, size, 3) uint8."""
    image = close_up(to_tensor(picture.make(scene, size).image), scene.shot, FACE_HEIGHT)
    return to_pixels(image)


def _look(
    before: np.ndarray, after: np.ndarray, item: Item, measurer: Measurer, reader: TraitReader
) -> dict[str, Any] | None:
    """What two pictures show that differ in the wish alone; None where no face is found in one of them.

    change          (12,) measured change of the action units
    identity        distance or likeness of the two; None without a network
    background      PSNR in dB behind the person
    traits          as read from the picture without the wish
    """
    try:
        report = measure(before, after, requested=item.change, measurer=measurer)
        traits = reader(before)
    except FaceNotFoundError:
        return None
    same = report.identity
    return {
        "change": (report.units_after - report.units_before).tolist(),
        "identity": same and {"measure": same.measure, "value": same.value, "same": same.same},
        "background": report.background_psnr,
        "traits": traits,
    }
