"""Two pictures of one caption, without and with the request: what they and true pictures show; and the suite."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache, partial
from typing import Any

import numpy as np

from common.core.errors import FaceNotFoundError
from common.editing.defaults import Defaults
from common.evaluation.metrics import (
    COMBINED,
    IDENTITY,
    OFF_TARGET,
    STRONG_UNITS,
    Found,
    Metric,
    mean,
    pool_of,
    strong_units,
)
from common.evaluation.run import Suite, networks_of
from common.evaluation.trial import Record, Setting, Trial, described
from common.imaging.tensors import to_pixels, to_tensor
from common.measure import measure
from common.measure.traits import TRAITS, TraitReader
from common.synthetic.data.simplified import close_up
from common.synthetic.render import picture
from common.synthetic.scene.factors import Scene

from . import SEED
from .items import FACE_HEIGHT, CaptionItem, draw_item

_LOOKS = ("units", "identity", "background", "seen")


def draw_pair(item: CaptionItem, setting: Setting) -> Trial:
    """Draws the item's two pictures with the model's own settings, and measures them and the true ones.

    The record has "seconds" for each of two pictures drawn at once, and for "edit" and "truth" what `look` gives; None
    where no face is found in one of the two.
    """
    editor = setting.editor
    started = time.perf_counter()
    made = editor.generate([item.caption] * 2, [item.before, item.request], seed=item.index, progress=False)
    seconds = (time.perf_counter() - started) / 2
    pictures = {
        "edit": [np.array(image) for image in made],
        "truth": [true_picture(scene, editor.size) for scene in (item.source, item.target)],
    }
    looks = {of: look(before, after, item, setting) for of, (before, after) in pictures.items()}
    record = described(item) | {"seconds": {"edit": seconds}, "traits": dict(item.traits)}
    record |= {name: {of: found and found[name] for of, found in looks.items()} for name in _LOOKS}
    return Trial(record, (*pictures["edit"], *pictures["truth"]))


def true_picture(scene: Scene, size: int) -> np.ndarray:
    """A scene as the captions describe it, (size, size, 3) uint8."""
    return to_pixels(close_up(to_tensor(picture.make(scene, size).image), scene.shot, FACE_HEIGHT))


def look(before: np.ndarray, after: np.ndarray, item: CaptionItem, setting: Setting) -> Record | None:
    """What two pictures (S, S, 3) uint8 show that differ in the request alone; None where one shows no face.

    It has "units", the measured change (12,); "identity" of the two, None without a network; "background", PSNR in dB
    behind the person; "seen", traits read from the picture without the request.
    """
    try:
        report = measure(before, after, requested=item.units, estimator=setting.estimator)
        seen = _trait_reader()(before)
    except FaceNotFoundError:
        return None
    same = report.identity
    return {
        "units": (report.units_after - report.units_before).tolist(),
        "identity": same and {"measure": same.measure, "value": same.value, "same": same.same},
        "background": report.background_psnr,
        "seen": seen,
    }


@cache
def _trait_reader() -> TraitReader:
    return TraitReader()


def facts(editor: Any, settings: Defaults, size: int) -> dict[str, Any]:
    """What decides the figures, except items and estimator."""
    used = asdict(settings)
    return {
        "networks": networks_of(editor, editor.networks.adapter),
        "settings": {name: used[name] for name in ("steps", "guidance")},
    }


def asked(records: Sequence[Record], trait: str) -> list[Record]:
    """Records whose caption states a trait, and whose pictures show a face."""
    return [r for r in records if r["traits"][trait] is not None and r["seen"]["edit"] and r["seen"]["truth"]]


def fraction(records: Sequence[Record], of: str, trait: str, value: str | None = None) -> Found:
    """Fraction of the pictures that show what the caption says, of one value of the trait or all."""
    own = [r for r in asked(records, trait) if value is None or r["traits"][trait] == value]
    shown = [r["seen"][of][trait] == r["traits"][trait] for r in own]
    return Found(mean(shown) if shown else None, len(own), len(own))


def mean_fraction(records: Sequence[Record], of: str, trait: str) -> Found:
    """Mean of `fraction` over the values of a trait that captions state."""
    found = [each.value for value in TRAITS[trait] if (each := fraction(records, of, trait, value)).value is not None]
    return Found(mean(found) if found else None, len(found), len(found))


def chance(records: Sequence[Record], of: str, trait: str) -> Found:
    """`fraction` of pictures that were drawn for other captions."""
    own = asked(records, trait)
    stated = Counter(r["traits"][trait] for r in own)
    seen = Counter(r["seen"][of][trait] for r in own)
    expected = sum(stated[value] * seen[value] for value in stated) / len(own) ** 2 if own else None
    return Found(expected, len(own), len(own))


def trait_metrics(trait: str) -> list[Metric]:
    """What the pictures show of a trait, by its values."""
    return [
        *(
            Metric(f"{trait}: {value}", f"{trait}: {value}", "", "higher", partial(fraction, trait=trait, value=value))
            for value in TRAITS[trait]
        ),
        Metric(f"{trait}: mean", f"{trait}: mean of these", "", "higher", partial(mean_fraction, trait=trait)),
        Metric(f"{trait}: all", f"{trait}: all", "", "higher", partial(fraction, trait=trait)),
        Metric(f"{trait}: chance", f"{trait}: all, by chance", "", None, partial(chance, trait=trait), ("edit",)),
    ]


def faces(records: Sequence[Record], of: str) -> Found:
    """Number of pairs in which both faces are found."""
    found = sum(record["units"][of] is not None for record in records)
    return Found(found, found, len(records))


BACKGROUND = pool_of(lambda record, of: record["background"][of])
SUITE = Suite(
    draw=draw_item,
    attempt=draw_pair,
    metrics=(
        Metric("faces", "pairs whose faces are found", "", "higher", faces),
        replace(STRONG_UNITS, pool=partial(strong_units, others=True)),
        OFF_TARGET,
        COMBINED,
        *(metric for trait in TRAITS for metric in trait_metrics(trait)),
        replace(IDENTITY, title="identity of the two pictures, mean"),
        Metric("background", "PSNR of their backgrounds", "dB", "higher", BACKGROUND, ("edit",)),
        Metric("seconds", "time of a picture", "s", "lower", pool_of(lambda r, of: r["seconds"]["edit"]), ("edit",)),
    ),
    columns=("edit, before", "edit, request", "truth, before", "truth, request"),
    title="pairs of pictures of synthetic captions",
    note=(
        "Each caption is drawn twice from the same noise, without and with the request. Fractions of pictures that "
        "show what the caption says are stated by trait; intensities also where a unit was not asked for."
    ),
    seed=SEED,
    others=True,
    facts=facts,
)
