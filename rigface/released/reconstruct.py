"""From photos to what the released RigFace reads: a background, a drawn head, and 64 numbers of expression."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor

from common.core.errors import CheckpointError, InputError, ShapeError
from common.face3d.camera import rotation_from_vector
from common.face3d.heads.flame import Flame
from common.faces import Crop, Face
from common.parsing import foreground
from common.parsing.labels import check_crop

from ..conditioning import Conditions
from ..request import ATTRIBUTES, RigEdit
from .d3dfr import EXPRESSION, D3dfr
from .deca import Codes, Deca, Window, window
from .files import Files
from .render import draw_codes, place

GREY = 127


def grey_background(picture: np.ndarray, labels: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """Paint the person out of the source's crop.

    The picture is the source, (S, S, 3) uint8, RGB, `labels` (S, S) uint8 its face-parsing classes, of which 1 to 18
    are the person. `others`, (S, S) bool each, say where the person will be instead, when the pose is edited.

    Returns:
        (S, S, 3) uint8.

    Raises:
        InputError: the picture is not uint8.
        ShapeError: labels or another mask have not the picture's size.
    """
    check_crop(picture)
    background = picture.copy()
    for name, mask in (("labels", labels), *(("the other person", other) for other in others)):
        if mask.shape != picture.shape[:2]:
            raise ShapeError(name, f"{picture.shape[:2]}, the crop's height and width", mask.shape)
        background[mask if mask.dtype == bool else foreground(mask)] = GREY
    return background


def mix(source: Codes, target: Codes, copy: Collection[str]) -> Codes:
    """The source's codes with those of the target that belong to the copied attributes."""
    changed: dict[str, Tensor] = {}
    if "pose" in copy:
        changed |= {"rotation": target.rotation, "camera": target.camera}
    if "expression" in copy:
        changed |= {"expression": target.expression, "jaw": target.jaw}
    # The released script has the test of the light upside down where the pose is not copied: it takes the target's
    # light unless light is edited. Here, as in the paper, light is copied where light is named, and only there.
    if "light" in copy:
        changed["light"] = target.light
    return replace(source, **changed)


def by_numbers(codes: Codes, request: RigEdit) -> Codes:
    """The codes of one face with the numbers of a request on them. Raises InputError: an expression by numbers."""
    if request.expression is not None:
        raise InputError(
            "The released RigFace has no expression by numbers: it is not known how action units become codes of\n"
            "FLAME and of the Basel face model, which are what its networks read.\n"
            '  take the small model inside the package, which reads action units: model="embedded"\n'
            "  or copy the expression of a target photo"
        )
    if request.pose is not None:
        turned = request.pose.matrix(rotation_from_vector(codes.rotation.cpu().double())[0])
        vector, _ = cv2.Rodrigues(turned.numpy())
        codes = replace(codes, rotation=codes.rotation.new_tensor(vector.T))
    if request.light is not None:
        codes = replace(codes, light=request.light.harmonics(codes.light[0])[None])
    return codes


PLAIN = "the head is drawn in plain grey: there is no FLAME texture"


@dataclass(frozen=True, eq=False)
class Seen:
    """What the networks say of one face.

    Attributes:
        photo: (H, W, 3) uint8, RGB.
        face: in photo pixels.
        window: (2, 3) float64, from the photo to the crop that DECA looked at.
        codes: DECA's, B = 1.
        coefficients: (261,) D3DFR's, see `common.face3d.heads.bfm`.
    """

    photo: np.ndarray = field(repr=False)
    face: Face = field(repr=False)
    window: np.ndarray
    codes: Codes = field(repr=False)
    coefficients: Tensor = field(repr=False)

    @property
    def landmarks(self) -> np.ndarray:
        """(68, 2) in photo pixels, as found."""
        return self.face.landmarks


class Released:
    """The authors' preparation.

    FLAME comes with landmarks, and a texture where there is one; `look_by` says where DECA looks, see `deca.window`.
    """

    warps: ClassVar[bool] = False

    def __init__(self, flame: Flame, deca: Deca, d3dfr: D3dfr, look_by: Window = "landmarks") -> None:
        if flame.embedding is None:
            raise InputError("Released needs a FLAME with landmarks: Flame.from_file(..., landmarks=...)")
        self.flame, self.deca, self.d3dfr = flame, deca, d3dfr
        self.look_by: Window = look_by

    @classmethod
    def from_files(cls, files: Files, device: str | torch.device = "cpu", look_by: Window = "landmarks") -> Released:
        """Read everything; `look_by` is where DECA looks, see `deca.window`. Raises CheckpointError: a file is damaged,
        refused or does not fit; MissingCheckpointError: a file has gone.
        """
        flame = Flame.from_file(
            files.flame, landmarks=files.landmarks, texture=files.texture, template=files.template, device=device
        )
        if flame.albedo is not None and flame.albedo.uv is None and files.template is None:
            raise CheckpointError(
                f"{files.texture} does not say where it lies on the head.\n"
                "  put DECA's head_template.obj beside it, or take the texture away: the head is plain grey then"
            )
        return cls(flame, Deca.from_file(files.deca, device), D3dfr.from_file(files.d3dfr, device), look_by)

    def look(self, photo: np.ndarray, face: Face) -> Seen:
        """See one face of a photo.

        The photo is (H, W, 3) uint8, RGB. Raises InputError: the photo is not uint8, or the face has no size;
        ShapeError: the photo has another shape.
        """
        check_crop(photo)
        matrix = window(face, self.look_by)
        codes = self.deca.read(photo, matrix)
        return Seen(photo, face, matrix, codes, self.d3dfr.read(photo, face.points))

    def codes(self, source: Seen, target: Seen | None, copy: Collection[str], request: RigEdit | None = None) -> Codes:
        """What will be drawn; see `conditions`."""
        asked: Any = copy
        several = isinstance(copy, (set, frozenset, list, tuple))  # a string would be taken letter by letter
        names = sorted(asked, key=str) if several else [asked]
        if not several or any(name not in ATTRIBUTES for name in names):
            got = ", ".join(map(repr, names))
            raise InputError(f"copy names attributes.\n  expected: a set of {', '.join(ATTRIBUTES)}\n  got:      {got}")
        if copy and target is None:
            raise InputError(f"Copying {' and '.join(names)} needs a target photo; none is given.")
        mixed = source.codes if target is None else mix(source.codes, target.codes, copy)
        return mixed if request is None else by_numbers(mixed, request)

    @torch.no_grad()
    def conditions(
        self,
        source: Seen,
        target: Seen | None,
        copy: Collection[str],
        crop: Crop,
        labels_source: np.ndarray,
        labels_target: np.ndarray | None = None,
        request: RigEdit | None = None,
        *,
        target_crop: Crop | None = None,
    ) -> Conditions:
        """Make the conditions of one edit.

        A copied pose brings the target's camera and place in its crop along, as in the release; unlike there, shape
        and texture stay the source's, so that the target may be somebody else. A copied expression brings the jaw.

        Arguments are those of `rigface.reconstruct.Reconstructor.conditions`; `labels_target` and `target_crop`, as
        large as `crop`, are needed where the pose is copied. Raises InputError: an attribute is unknown or copied from
        nobody, or an expression is asked for by numbers; ShapeError: crop, labels and photos do not fit each other.
        """
        codes = self.codes(source, target, copy, request)
        seen, around = source, crop
        if target is not None and "pose" in copy:
            if labels_target is None or target_crop is None:
                raise InputError(
                    "Copying the pose needs labels_target and target_crop: where the target is, the source will be."
                )
            seen, around = target, target_crop
        if around.size != crop.size:
            raise InputError(f"target_crop must be as large as crop, {crop.size} pixels; it has {around.size}.")
        where = place(self.flame, seen.codes, seen.window, around.matrix, crop.size)
        picture, covered = draw_codes(self.flame, codes, where)
        others = []
        if "pose" in copy and labels_target is not None:
            others = [foreground(labels_target)]
        elif request is not None and request.pose is not None:
            others = [covered]  # all that is known of where the head will be
        giver = target if target is not None and "expression" in copy else source
        return Conditions(
            background=grey_background(crop.apply(source.photo), labels_source, *others),
            render=picture,
            coefficients=giver.coefficients[EXPRESSION].float().cpu().numpy(),
            notes=() if self.flame.albedo is not None else (PLAIN,),
        )
