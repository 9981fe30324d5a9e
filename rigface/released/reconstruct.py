"""From photos to what the released RigFace reads: a background, a drawn head, and 64 numbers of expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor

from common.core.errors import CheckpointError, InputError, ShapeError
from common.face3d.camera import rotation_from_vector
from common.face3d.heads.flame import Flame
from common.faces import Face
from common.parsing import foreground
from common.parsing.labels import check_crop

from ..conditioning import GREY, Conditions
from ..reconstruct import View
from ..request import RigEdit
from .d3dfr import EXPRESSION, D3dfr
from .deca import Codes, Deca, window
from .render import draw_codes, place


def grey_background(picture: np.ndarray, labels: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """The crop (S, S, 3) uint8, RGB, with the person painted grey.

    `labels` (S, S) uint8 are its face-parsing classes, of which 1 to 18 are the person. `others`, (S, S) bool each, are
    where the person will be, when the pose is edited.

    Returns:
        (S, S, 3) uint8.

    Raises:
        ShapeError: labels or another mask have not the picture's size.
    """
    background = picture.copy()
    for name, mask in (("labels", labels), *(("mask", other) for other in others)):
        if mask.shape != picture.shape[:2]:
            raise ShapeError(name, f"{picture.shape[:2]}, the crop's height and width", mask.shape)
        background[mask if mask.dtype == bool else foreground(mask)] = GREY
    return background


def changed(codes: Codes, request: RigEdit) -> Codes:
    """The codes of one face (B = 1) after a request, whose target, if it copies, is a `View` with a `Seen`.

    Raises:
        InputError: an expression by numbers.
    """
    if request.expression is not None:
        raise InputError(
            "The released RigFace has no expression by numbers: no published mapping takes action units to the codes "
            "of FLAME and of the Basel face model, which its networks read.",
            code="unsupported",
            actual=str(request.expression),
            hint='use the small model inside the package, model="embedded", or copy the expression of a target photo',
        )
    # The released script has the test of the light upside down where the pose is not copied: it takes the target's
    # light unless light is edited. Here, as in the paper, light is copied where light is named, and only there.
    taken = [name for attribute in request.copy for name in _CODES[attribute]]
    codes = replace(codes, **{name: getattr(request.target.seen.codes, name) for name in taken})
    if request.pose is not None:
        turned = request.pose.matrix(rotation_from_vector(codes.rotation.cpu().double())[0])
        vector, _ = cv2.Rodrigues(turned.numpy())
        codes = replace(codes, rotation=codes.rotation.new_tensor(vector.T))
    if request.light is not None:
        codes = replace(codes, light=request.light.harmonics(codes.light[0])[None])
    return codes


_CODES = {"pose": ("rotation", "camera"), "expression": ("expression", "jaw"), "light": ("light",)}
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


class Released:
    """The authors' preparation; FLAME comes with landmarks, and with a texture where there is one."""

    warps: ClassVar[bool] = False

    def __init__(self, flame: Flame, deca: Deca, d3dfr: D3dfr) -> None:
        if flame.embedding is None:
            raise InputError("FLAME has no landmarks.", code="missing", hint="Flame.from_file(landmarks=)")
        self.flame = flame
        self.deca = deca
        self.d3dfr = d3dfr

    @classmethod
    def from_files(cls, files: Mapping[str, Path], device: str | torch.device = "cpu") -> Released:
        """The networks and models of the files of `find_files`.

        Raises:
            CheckpointError: a file is damaged, refused or does not fit.
            MissingCheckpointError: a file is not there any more.
        """
        texture, template = files.get("texture"), files.get("template")
        flame = Flame.from_file(
            files["flame"], landmarks=files["landmarks"], texture=texture, template=template, device=device
        )
        if flame.albedo is not None and flame.albedo.uv is None and template is None:
            raise CheckpointError(
                f"{texture} has no texture coordinates.",
                code="keys",
                hint="put DECA's head_template.obj beside it, or remove the texture: the head is plain grey then",
            )
        return cls(flame, Deca.from_file(files["deca"], device), D3dfr.from_file(files["d3dfr"], device))

    def look(self, photo: np.ndarray, face: Face) -> Seen:
        """What the networks say of one face of a photo, (H, W, 3) uint8, RGB.

        Raises:
            InputError: the photo is not uint8, or the face has no size.
            ShapeError: the photo has another shape.
        """
        check_crop(photo)
        matrix = window(face)
        return Seen(photo, face, matrix, self.deca.read(photo, matrix), self.d3dfr.read(photo, face.points))

    @torch.no_grad()
    def conditions(self, source: View, request: RigEdit) -> Conditions:
        """See `Reconstructor.conditions`.

        A copied pose brings the target's camera and place in its crop along, as in the release; unlike there, shape
        and texture stay the source's, so that the target may be another person. A copied expression brings the jaw.

        Raises:
            InputError: an expression by numbers, or crops of different sizes.
            ShapeError: crop, labels and photo do not fit each other.
        """
        size = source.crop.size
        posed: View = request.target if "pose" in request.copy else source
        if posed.crop.size != size:
            raise InputError(
                "The crops of source and target differ in size, in pixels.",
                code="size",
                expected=size,
                actual=posed.crop.size,
            )
        where = place(self.flame, posed.seen.codes, posed.seen.window, posed.crop.matrix, size)
        render, covered = draw_codes(self.flame, changed(source.seen.codes, request), where)
        others = []
        if posed is not source:
            others = [foreground(posed.labels)]
        elif request.pose is not None:
            others = [covered]  # all that is known of where the head will be
        speaker: View = request.target if "expression" in request.copy else source
        return Conditions(
            background=grey_background(source.crop.apply(source.seen.photo), source.labels, *others),
            render=render,
            coefficients=speaker.seen.coefficients[EXPRESSION].float().cpu().numpy(),
            notes=() if self.flame.albedo is not None else (PLAIN,),
        )
