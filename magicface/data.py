"""Pairs to train on: two pictures of one person, and by how much each action unit differs.

SyntheticPairs    people who do not exist, whose action units are known exactly
ManifestPairs     the user's own pairs, listed in a CSV or JSONL file or in a Hugging Face data set's folder
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from common.action_units import to_vector
from common.background import Extent, get_parser, masked_background
from common.draft import VERSION as DRAFTS
from common.draft.change import Change
from common.draft.draft import Draft
from common.errors import ActionUnitError, FaceNotFoundError, InputError, ShapeError
from common.faces import get_finder
from common.faces.landmarks import five_points
from common.jsonio import parse_json
from common.prepare import Prepared, prepare
from common.synthetic.dataset import SyntheticFaces
from common.synthetic.plan import VERSION
from common.tensors import to_pixels, to_tensor
from common.training.edit_validation import Pair
from common.training.manifest import Manifest

COLUMNS = ("source", "target", "au_source", "au_target", "background")


class SyntheticPairs(Dataset[Pair]):
    """Pairs of synthetic faces.

    Args:
        faces: with `pairs="expression"`.
        guide: "source": the background of the source photo, as in use; "target": of the target, as in the paper;
            "photo": the source photo itself, see `common.prepare.prepare`.
        extent: what the guide hides, see `common.background.foreground`.
        found: pass the source through face finder, crop and parser, as a photo that is edited, and cut the target out
            as the source; where no face is found, and without this, the whole picture is the crop and its truth the
            parts.
        zoom: of the crops of faces that are found, see `Crop.around`.
        draft_every: so many pairs apart, the target is the source's draft (`common.draft`) instead of the true picture,
            as photographs give such pairs; 0 is never.
    """

    def __init__(
        self,
        faces: SyntheticFaces,
        *,
        guide: Literal["source", "target", "photo"] = "source",
        extent: Extent = "face",
        found: bool = False,
        zoom: float = 1.0,
        draft_every: int = 0,
    ) -> None:
        if faces.plan.pairs != "expression":
            raise InputError(f'The faces must come with pairs="expression"; they have {faces.plan.pairs!r}.')
        if found and guide == "target":
            raise InputError('A face that is found is that of the source; found goes with guide "source" or "photo".')
        self.faces, self.guide, self.found, self.zoom = faces, guide, found, zoom
        self.extent: Extent = extent
        if draft_every and not found:
            raise InputError("Drafts are of faces that are found: draft_every goes with found.")
        self.draft_every = draft_every
        self.fingerprint = f"v{VERSION} {faces.plan} guide={guide} extent={extent} found={found} zoom={zoom}" + (
            f" drafts={DRAFTS} every={draft_every}" if draft_every else ""
        )

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> Pair:
        """One pair."""
        item = self.faces[index]
        source, target = item["source"]["image"], item["target"]["image"]
        made = self._found(to_pixels(source)) if self.found else None
        if made is None:
            guide = source if self.guide == "photo" else guide_of(item[self.guide], self.extent)
        else:
            whole = to_pixels(target)
            if self.draft_every and index % self.draft_every == self.draft_every - 1:
                draft = Draft.of(to_pixels(source), made.face)
                whole = draft(Change(item["delta"].float(), torch.eye(3), draft.light, draft.light))
            source, guide = to_tensor(made.source), to_tensor(made.background)
            target = to_tensor(made.crop.apply(whole))
        return {"source": source, "target": target, "guides": guide[None], "vector": item["delta"].float()}

    def _found(self, pixels: np.ndarray) -> Prepared | None:
        finder, parser = get_finder("mediapipe"), get_parser("embedded")  # which are at hand everywhere
        try:
            return prepare(
                pixels, finder, parser, size=len(pixels), extent=self.extent, zoom=self.zoom,
                guide="photo" if self.guide == "photo" else "background",
            )  # fmt: skip
        except FaceNotFoundError:
            return None


def guide_of(picture: Mapping[str, Any], extent: Extent) -> torch.Tensor:
    """The guide (3, S, S) of a synthetic picture: what the editor would make of it, had its parser made no mistake."""
    pixels = to_pixels(picture["image"])
    landmarks = picture["landmarks"].numpy()
    labels = picture["parts"].numpy().astype(np.uint8)
    return to_tensor(masked_background(pixels, labels, landmarks, five_points(landmarks), extent))


class ManifestPairs(Manifest):
    """The user's pairs, see `Manifest`.

    Columns: `source`, `target` (prepared square crops), `au_source`, `au_target` (intensities 0..5, as a mapping, a
    text such as "AU12=3,AU6=2" or 12 numbers), `background` (the guide, as `Editor.encode(photo).background` has it).

    Args:
        path: .jsonl, .csv, or a folder that `datasets.Dataset.save_to_disk` wrote, whose pictures may be in it.
        size: S, to which pictures are resized.
        photo: the source guides, and `background` is not needed, as for networks whose defaults say guide = "photo".

    Raises:
        InputError: the list cannot be used; the message names the lines.
        MissingDependencyError: a folder, and `datasets` is not installed.
    """

    def __init__(self, path: str | Path, size: int, *, photo: bool = False) -> None:
        guides, unused = (("source",), ("background",)) if photo else (("background",), ())
        super().__init__(path, size, guides=guides, numbers=("au_source", "au_target"), vector=_change, unused=unused)


def _change(row: Mapping[str, Any], folder: Path) -> list[float]:
    before, after = (_intensities(name, row[name]) for name in ("au_source", "au_target"))
    return [b - a for a, b in zip(before, after)]


def _intensities(name: str, value: Any) -> list[float]:
    if isinstance(value, Mapping):  # a Hugging Face data set gives all rows the same keys
        value = {key: number for key, number in value.items() if number is not None}
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise InputError(f"{name}: {value!r} is no JSON: {error}") from error
    try:
        return to_vector(value, low=0, high=5)
    except (ActionUnitError, ShapeError) as error:
        raise InputError(f"{name}: {error}") from error
