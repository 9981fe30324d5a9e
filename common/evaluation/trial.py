"""One item: an edit of its photo, and measurements of the edit and of the truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
import torch

from ..core.errors import FaceNotFoundError, InputError
from ..editing.compositing import paste, paste_mask
from ..editing.editor import Editor
from ..editing.subject import Subject
from ..faces import Face
from ..imaging.images import ImageLike, to_uint8
from ..imaging.tensors import to_tensor
from ..measure import AUEstimator, identity
from ..measure.compare import psnr
from ..synthetic.render import picture
from ..training.latents import changed_region
from ..weights.vae import decode
from .items import Item

Name = TypeVar("Name")
Record = dict[str, Any]
"""Measurements of an item: plain values, fit for JSON. Pairs have the keys "edit" and "truth"."""


@dataclass(frozen=True)
class Trial:
    """What was measured of an item, with its "index", and photos (S, S, 3) uint8 to look at."""

    record: Record
    photos: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Setting:
    """The setting of all trials of an evaluation.

    Attributes:
        size: side of the photos in pixels.
        options: of `Editor.edit`, where they differ from the model's own.
        paste: how crops are pasted back, "replace" or "detail".
    """

    editor: Any
    estimator: AUEstimator
    size: int
    options: Mapping[str, Any]
    paste: str

    def edit(self, subject: Subject, request: Any, paste_back: str | bool) -> np.ndarray:
        """The edit of the networks, (H, W, 3) uint8."""
        made = self.editor.edit(
            subject, request, paste_back=paste_back, engine="diffusion", progress=False, **self.options
        )
        return np.array(made)


@dataclass(frozen=True, eq=False)
class PhotoTrial:
    """An edited photo with its truth.

    Attributes:
        before: the source's picture.
        truth: the target's picture.
        subject: the encoded photo.
        edit: (S, S, 3) uint8, the photo after the edit.
    """

    item: Item
    setting: Setting
    before: picture.Picture
    truth: picture.Picture
    subject: Subject
    edit: np.ndarray

    @property
    def photos(self) -> dict[str, np.ndarray]:
        """Edit and truth, both (S, S, 3) uint8."""
        return {"edit": self.edit, "truth": self.truth.image}

    @property
    def face(self) -> Face:
        """The face in the photo before the edit."""
        assert self.subject.face is not None
        return self.subject.face

    @cached_property
    def rebuilt(self) -> np.ndarray:
        """The source's crop after encoding and decoding, float32 in [0, 1]."""
        return through_vae(self.setting.editor, self.subject.source)


Measure = Callable[[PhotoTrial], Record]


def edit_photo(
    item: Item,
    setting: Setting,
    measures: Sequence[Measure],
    conditioning: Callable[[PhotoTrial], np.ndarray] | None = None,
) -> Trial:
    """Edits the item's photo; each measure adds its values to the record.

    `conditioning` gives the conditioning image of the request (S, S, 3) uint8, which is shown with the photos.

    Returns:
        The record has "failed" where the photo has no face or the request is refused; else "seconds" of `encode` and
        `edit`, and the measures' values. Photos: source, conditioning image if any, edit, truth.
    """
    before, truth = (picture.make(scene, setting.size) for scene in (item.source, item.target))
    record = described(item)
    try:
        started = time.perf_counter()
        subject = setting.editor.encode(before.image)
        encoded = time.perf_counter()
        edit = setting.edit(subject, item.request, setting.paste)
        finished = time.perf_counter()
    except (FaceNotFoundError, InputError) as error:
        blank = [np.zeros_like(before.image)] * (1 if conditioning is None else 2)
        return Trial({**record, "failed": str(error)}, (before.image, *blank, truth.image))
    trial = PhotoTrial(item, setting, before, truth, subject, edit)
    record["seconds"] = {"encode": encoded - started, "edit": finished - encoded}
    for measure in measures:
        record |= measure(trial)
    shown = () if conditioning is None else (conditioning(trial),)
    return Trial(record, (before.image, *shown, edit, truth.image))


def described(item: Item) -> Record:
    """The fields of an item in the record of its trial."""
    return {"index": item.index, "kind": item.kind, "unit": item.unit, "label": item.label, "asked": list(item.units)}


def error_to_truth(trial: PhotoTrial) -> Record:
    """Sums of squared errors, see `errors`: "photo" after paste-back, "crop" as generated."""
    subject = trial.subject
    raw = trial.setting.edit(subject, trial.item.request, False)
    true_crop = subject.crop.apply(trial.truth.image)
    decoded = through_vae(trial.setting.editor, true_crop)
    neutral = trial.rebuilt if trial.setting.paste == "detail" else None
    whole = np.array(paste(subject.photo, subject.crop, decoded, paste_mask(subject.mask), neutral))
    return {
        "photo": errors(trial.before.image, trial.edit, trial.truth.image, whole),
        "crop": errors(subject.source, raw, true_crop, to_uint8(decoded)),
    }


def background(trial: PhotoTrial) -> Record:
    """Squared error and count of the values of the background, outside the person before and after."""
    behind = (trial.before.alpha == 0) & (trial.truth.alpha == 0)
    error = squared(trial.before.image, trial.edit, behind)
    return {"background": {"error": error, "count": 3 * int(behind.sum())}}


def null_edit(trial: PhotoTrial) -> Record:
    """PSNR in dB of the null edit's crop; of the autoencoder alone, under "truth"."""
    source = trial.subject.source
    null = trial.setting.edit(trial.subject, trial.setting.editor.request(), False)
    everywhere = np.ones(source.shape[:2], bool)
    rebuilt = to_uint8(trial.rebuilt)
    return {"null": {"edit": psnr(source, null, everywhere), "truth": psnr(source, rebuilt, everywhere)}}


def unit_changes(trial: PhotoTrial) -> Record:
    """(12,) measured changes of the action units; None where no face is seen, or where the head has turned."""
    if trial.item.source.angles != trial.item.target.angles:
        return {"units": {"edit": None, "truth": None}}
    read = read_units(trial.setting.estimator, {"before": trial.before.image, **trial.photos}, trial.face)
    before = read["before"]
    changes = {
        name: None if before is None or (units := read[name]) is None else np.subtract(units, before).tolist()
        for name in trial.photos
    }
    return {"units": changes}


def same_person(trial: PhotoTrial) -> Record:
    """Likeness of edit and truth to the photo before; None without a network. The head has not moved."""
    before = trial.before.image
    return {"identity": {name: likeness(before, photo, trial.face) for name, photo in trial.photos.items()}}


MEASURES: tuple[Measure, ...] = (error_to_truth, background, null_edit, unit_changes, same_person)


def errors(before: np.ndarray, edit: np.ndarray, truth: np.ndarray, vae: np.ndarray) -> dict[str, float]:
    """Sums of squared errors to the truth in [0, 1], over the `count` values of the region that has changed.

    All are (H, W, 3) uint8. The unedited input `before` is `nothing` in the result; `vae` is the truth after encoding
    and decoding, the autoencoder's own limit.
    """
    region = changed_region(to_tensor(before)[None], to_tensor(truth)[None])[0, 0].numpy() > 0
    named = {"edit": edit, "nothing": before, "vae": vae}
    found = {name: squared(other, truth, region) / 255**2 for name, other in named.items()}
    return {**found, "count": 3 * int(region.sum())}


def squared(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """Sum of squared differences of bytes where a mask says so."""
    return float(np.square(one[where].astype(np.float64) - other[where]).sum())


@torch.no_grad()
def through_vae(editor: Editor[Any], crop: np.ndarray) -> np.ndarray:
    """A crop (S, S, 3) uint8, encoded and decoded: float32 in [0, 1]."""
    decoded = decode(editor.pipeline.vae, editor.pipeline.encode_image(to_tensor(crop)[None]))
    return (decoded[0].cpu() / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy()


def likeness(before: np.ndarray, after: np.ndarray, face: Face, other: Face | None = None) -> Record | None:
    """Likeness of two pictures of a person, see `common.measure.identity`; `other` is the face in the second one."""
    found = identity(before, after, faces=(face, other or face))
    return found and {"measure": found.measure, "value": found.value, "same": found.same}


def read_units(estimator: AUEstimator, photos: Mapping[Name, ImageLike], face: Face) -> dict[Name, list[float] | None]:
    """The 12 intensities of each photo; None where the estimator sees no face.

    The photos have the same size, and the face at the same place; the first is the one before its edits. An estimator
    that measures changes between pictures (`common.measure.Regressor.change`) adds them to the units of the first.
    """
    many, change = (cast(Any, getattr(estimator, name, None)) for name in ("many", "change"))
    if many is None or change is None:
        return {name: _alone(estimator, photo) for name, photo in photos.items()}
    first, *others = photos.values()
    before = many([first], faces=[face])[0].units
    units = [before, *(before + change(first, others, face))]
    return {name: each.tolist() for name, each in zip(photos, units)}


def _alone(estimator: AUEstimator, photo: ImageLike) -> list[float] | None:
    try:
        return estimator(photo).units.tolist()
    except FaceNotFoundError:
        return None
