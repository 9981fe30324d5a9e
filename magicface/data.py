"""Pairs to train on: two pictures of one person, and the difference of each action unit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from common.core.errors import FaceNotFoundError, InputError
from common.editing.prepare import Prepared, prepare
from common.faces import get_detector
from common.faces.landmarks import five_points
from common.imaging.tensors import to_pixels, to_tensor
from common.parsing import Region, get_parser, masked_background
from common.synthetic.data.dataset import SyntheticFaces
from common.synthetic.data.plan import VERSION
from common.training.manifest import Manifest, Pair, intensities
from common.warp import VERSION as WARPS
from common.warp.delta import Change, both_sides
from common.warp.warp import Warp

COLUMNS = ("source", "target", "au_source", "au_target", "background")


class SyntheticPairs(Dataset[Pair]):
    """Pairs of synthetic faces.

    Args:
        faces: with `pairs="expression"`.
        conditioning_image: "source": the background of the source photo, as in use; "target": of the target, as
            in the paper; "photo": the source photo itself, see `common.editing.prepare.prepare`.
        region: region that the conditioning image hides, see `common.parsing.foreground`.
        found: pass the source through face detector, crop and parser, as a photo that is edited, and cut the target out
            as the source; where no face is detected, and without this, the whole picture is the crop and its truth the
            parts.
        zoom: of the crops of faces that are detected, see `Crop.around`.
        warp_every: so many pairs apart, the target is the warp of the source (`common.warp`) instead of the true
            picture, as photographs give such pairs; 0 is never.

    Raises:
        InputError: other pairs, or options that do not go together.
    """

    def __init__(
        self,
        faces: SyntheticFaces,
        *,
        conditioning_image: Literal["source", "target", "photo"] = "source",
        region: Region = "face",
        found: bool = False,
        zoom: float = 1.0,
        warp_every: int = 0,
    ) -> None:
        if faces.plan.pairs != "expression":
            raise InputError(
                "The faces come with pairs of another kind.",
                code="type",
                expected="expression",
                actual=faces.plan.pairs,
            )
        if found and conditioning_image == "target":
            raise InputError(
                'found goes with conditioning_image="source" or "photo".', code="conflict", actual=conditioning_image
            )
        if warp_every and not found:
            raise InputError("warp_every goes with found.", code="conflict", actual=warp_every)
        self.faces = faces
        self.conditioning_image: Literal["source", "target", "photo"] = conditioning_image
        self.region: Region = region
        self.found = found
        self.zoom = zoom
        self.warp_every = warp_every
        self.fingerprint = (
            f"v{VERSION} {faces.plan} conditioning_image={conditioning_image} region={region} found={found} zoom={zoom}"
            + (f" warps={WARPS} every={warp_every}" if warp_every else "")
        )

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> Pair:
        item = self.faces[index]
        source = item["source"]["image"]
        target = item["target"]["image"]
        made = self._prepared(to_pixels(source)) if self.found else None
        if made is None:
            image = (
                source
                if self.conditioning_image == "photo"
                else conditioning_image(item[self.conditioning_image], self.region)
            )
        else:
            whole = to_pixels(target)
            if self.warp_every and index % self.warp_every == self.warp_every - 1:
                warp = Warp.of(to_pixels(source), made.face)
                whole = warp(Change(both_sides(item["delta"]), torch.eye(3), warp.light, warp.light))
            source = to_tensor(made.source)
            image = to_tensor(made.background)
            target = to_tensor(made.crop.apply(whole))
        return {"source": source, "target": target, "conditioning_images": image[None], "vector": item["delta"].float()}

    def _prepared(self, pixels: np.ndarray) -> Prepared | None:
        """The source as an editor prepares it, with bundled networks; None where no face is detected."""
        detector = get_detector("mediapipe")
        parser = get_parser("embedded")
        shown = "photo" if self.conditioning_image == "photo" else "background"
        try:
            return prepare(
                pixels, detector, parser, size=len(pixels), region=self.region, zoom=self.zoom, conditioning_image=shown
            )
        except FaceNotFoundError:
            return None


def conditioning_image(picture: Mapping[str, Any], region: Region) -> torch.Tensor:
    """The conditioning image (3, S, S) of a synthetic picture, as of an editor whose parser makes no mistake."""
    pixels = to_pixels(picture["image"])
    landmarks = picture["landmarks"].numpy()
    labels = picture["parts"].numpy().astype(np.uint8)
    return to_tensor(masked_background(pixels, labels, landmarks, five_points(landmarks), region))


class ManifestPairs(Manifest):
    """The user's pairs, see `Manifest`.

    Columns: `source`, `target` (aligned square crops), `au_source`, `au_target` (intensities 0..5, as a mapping, a text
    such as "AU12=3,AU6=2" or 12 numbers), `background` (the conditioning image, as `Editor.encode(photo).background`
    has it).

    Args:
        path, size: see `Manifest`.
        photo: the source is the conditioning image, and `background` is not needed, as for networks whose defaults say
            conditioning_image = "photo".
    """

    conditioning_images = ("background",)
    numbers = ("au_source", "au_target")

    def __init__(self, path: str | Path, size: int, *, photo: bool = False) -> None:
        if photo:
            self.conditioning_images, self.unused = ("source",), ("background",)
        super().__init__(path, size)

    def vector(self, row: Mapping[str, Any]) -> list[float]:
        """The differences of the twelve intensities."""
        before, after = (intensities(name, row[name]) for name in self.numbers)
        return [b - a for a, b in zip(before, after)]
