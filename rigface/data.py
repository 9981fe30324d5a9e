"""Pairs to train on: two pictures of one person that differ in light, pose or expression, with what RigFace sees."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from common.core.errors import FaceNotFoundError, InputError
from common.editing.prepare import Prepared, prepare
from common.face3d.camera import rotation_matrix
from common.face3d.heads.head import vertex_normals
from common.face3d.rendering.lighting import shade
from common.faces import get_detector
from common.imaging.tensors import to_pixels, to_tensor
from common.parsing import get_parser
from common.synthetic.data.dataset import SyntheticFaces
from common.synthetic.data.plan import VERSION
from common.training.manifest import Manifest, Pair, parsed
from common.warp import VERSION as WARPS
from common.warp.delta import Change, both_sides

from .conditioning import CONDITIONING_IMAGES, read_coefficients
from .reconstruct import View
from .rendered import Rendered, Seen

STILL_EVERY = 20
_WHOLE = 0.9  # of the head's weight: no neck
_FACING = 0.35  # cosine to the viewer from which skin is seen well


class SyntheticRigs(Dataset[Pair]):
    """Pairs of synthetic faces, whose sources are detected, cut out and fitted as photos that are edited.

    The true change is known exactly and drawn on the fitted head, with the errors of fitting, as in use. A source
    without a detected face is replaced by the next one. Every twentieth pair is a photo that stays as it is, for the
    null edit. `zoom` is of the crops, see `Crop.around`.
    """

    def __init__(self, faces: SyntheticFaces, *, zoom: float = 1.0) -> None:
        self.faces = faces
        self.zoom = zoom
        self.fingerprint = f"v{VERSION} {faces.plan} warps={WARPS} zoom={zoom} still={STILL_EVERY}"

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> Pair:
        """One pair. Raises FaceNotFoundError: no face is found in any of the sources."""
        detector = get_detector("mediapipe")  # this and the parser are bundled
        parser = get_parser("embedded")
        for number in (*range(index, len(self)), *range(index)):
            item = self.faces[number]
            photo = to_pixels(item["source"]["image"])
            try:
                made = prepare(photo, detector, parser, size=len(photo), zoom=self.zoom, conditioning_image="photo")
            except FaceNotFoundError:
                continue
            return self._pair(item, photo, made, still=index % STILL_EVERY == STILL_EVERY - 1)
        raise FaceNotFoundError(
            f"No face was found in any of {len(self)} pictures of {self.faces.plan.size} px; make larger ones."
        )

    def _pair(self, item: dict[str, Any], photo: np.ndarray, made: Prepared, *, still: bool) -> Pair:
        rendered = Rendered()
        seen = rendered.look(photo, made.face)
        if still:
            change = Change(both_sides(torch.zeros(12)), torch.eye(3), seen.light, seen.light)
            target = photo
        else:
            change = true_change(item, seen)
            target = to_pixels(item["target"]["image"])
        conditions = rendered.drawn(View.of(rendered, seen, made), change)
        return {
            "source": to_tensor(made.source),
            "target": to_tensor(made.crop.apply(target)),
            "conditioning_images": torch.stack([to_tensor(conditions.background), to_tensor(conditions.render)]),
            "vector": torch.from_numpy(conditions.coefficients),
        }


def true_change(item: dict[str, Any], seen: Seen) -> Change:
    """By how much source and target of a synthetic pair differ, in the measure of what was seen of the source."""
    source = item["source"]
    target = item["target"]
    before, after = (rotation_matrix(torch.deg2rad(each["angles"].double())[None])[0] for each in (source, target))
    light = seen.light
    if not torch.equal(source["light"], target["light"]):
        # A fitted light shines with 1 on the seen skin in the mean: so measured, the lamps' true light comes after it.
        head = seen.warp.fit.head
        normals = vertex_normals(seen.warp.fit.vertices(), head.triangles)[0]
        skin = normals[(head.head_weight > _WHOLE) & (normals[:, 2] > _FACING)]  # as `fit_light` reads it, but for hair
        mean = shade(skin[None], source["light"][None].float())[0].mean(0)
        light = target["light"].float() / mean.clamp_min(1e-3)
    return Change(both_sides(item["delta"]), (after @ before.T).float(), seen.light, light)


class ManifestRigs(Manifest):
    """The user's pairs as `rigface prepare-pairs` lists them, see `Manifest`.

    Columns: `source`, `target`, `background`, `render` (square pictures), and `coefficients`: V numbers, or the path of
    a .npy file that holds them. Raises InputError: the list cannot be used, or not all its coefficients are as many;
    the message names the lines; MissingDependencyError: a folder, and `datasets` is not installed.
    """

    conditioning_images = CONDITIONING_IMAGES
    numbers = ("coefficients",)

    def __init__(self, path: str | Path, size: int) -> None:
        super().__init__(path, size)
        if len(lengths := {len(vector) for vector in self.vectors}) > 1:
            raise InputError(
                f"{self.path} has coefficients of different lengths.", code="shape", actual=sorted(lengths)
            )

    def vector(self, row: Mapping[str, Any]) -> list[float]:
        """The coefficients."""
        value = parsed("coefficients", row["coefficients"])
        found = read_coefficients(self.path.parent / value if isinstance(value, str) else value)
        if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
            raise InputError("coefficients must be finite numbers, (V,).", code="shape", actual=found.shape)
        return found.tolist()
