"""The Basel face model in the cut of Deep3DFaceRecon (Deng et al. 2019, arXiv 1903.08527), from users' files.

The model needs a registration at https://faces.dmi.unibas.ch, so none is shipped. The released RigFace takes its 64
expression coefficients; what else the network says of a photo is told by `coefficients`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...core.errors import CheckpointError, InputError, MissingDependencyError, ShapeError
from ...core.face_labels import PARTS
from ..camera import rotation_matrix
from ..files.arrays import as_array, check_indices, check_names, check_shapes, reading
from ..files.uv import cylindrical_uv
from .head import check_points, stretch

IDENTITY, EXPRESSION, TEXTURE = 80, 64, 80
_SIZES = (IDENTITY, EXPRESSION, TEXTURE, 3, 27, 3, 4)

SOURCE = "utils/checkpoints/third_party/BFM_model_front.mat of the hub repository mengtingwei/magicface"
METRES = 0.1  # the file counts in decimetres: its camera stands at a distance of 10
_SHAPES: dict[str, tuple[int | str, ...]] = {
    "meanshape": (1, "3V"),
    "idBase": ("3V", IDENTITY),
    "exBase": ("3V", EXPRESSION),
    "meantex": (1, "3V"),
    "texBase": ("3V", TEXTURE),
    "tri": ("T", 3),
    "keypoints": (1, 68),
}


class Bfm(nn.Module):
    """The front of the Basel face model; see `Head`.

    Vertices are recentred as Deep3DFaceRecon does, on the mean vertex of the mean face rather than between the eyes,
    and turned from its decimetres into metres. The jaw moves with the expression alone, and there are no eyeballs.

    Attributes:
        identity_size: 80; 1 is a standard deviation.
        expression_shape: (64,); 1 is a standard deviation.
        triangles: (T, 3) int64 in the file's order.
        uv, uv_triangles: a cylinder's, since the file has none.
        parts: (T,) int64, skin everywhere.
        keypoints: (68,) int64 vertex numbers of the landmarks.
    """

    identity_size = IDENTITY
    expression_shape: tuple[int, ...] = (EXPRESSION,)
    triangles: Tensor
    uv: Tensor
    uv_triangles: Tensor
    parts: Tensor
    keypoints: Tensor
    mean: Tensor
    identities: Tensor
    expressions: Tensor
    mean_albedo: Tensor
    albedos: Tensor

    def __init__(self, model: dict[str, np.ndarray], what: object = "the BFM model") -> None:
        """Take the arrays of Deep3DFaceRecon's file under their own names; `from_file` reads them.

        Args:
            model: meanshape (1, 3V), idBase (3V, 80), exBase (3V, 64), meantex (1, 3V) and texBase (3V, 80) in
                [0, 255], tri (T, 3) and keypoints (1, 68) counted from 1.
            what: what the errors call it.

        Raises:
            CheckpointError: an array is missing, or does not fit.
        """
        super().__init__()
        check_names(model, _SHAPES, what, SOURCE)
        check_shapes(model, _SHAPES, what)
        numbers = model["meanshape"].size
        if numbers % 3:
            raise CheckpointError(
                f"meanshape of {what} must hold x, y and z of every vertex; it holds {numbers} numbers."
            )
        indices = {key: model[key].astype(np.float64) - 1 for key in ("tri", "keypoints")}  # MATLAB counts from 1
        for key, array in indices.items():
            check_indices(array, numbers // 3, f"{key} (less 1)", what)
        mean = model["meanshape"].astype(np.float64).reshape(-1, 3)
        floats = {
            "mean": (mean - mean.mean(0)) * METRES,
            "identities": model["idBase"].reshape(-1, 3, IDENTITY) * METRES,
            "expressions": model["exBase"].reshape(-1, 3, EXPRESSION) * METRES,
            "mean_albedo": model["meantex"].reshape(-1, 3) / 255,
            "albedos": model["texBase"].reshape(-1, 3, TEXTURE) / 255,
        }
        for name, array in floats.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array, np.float32)))
        self.register_buffer("triangles", torch.from_numpy(indices["tri"].astype(np.int64)))
        self.register_buffer("keypoints", torch.from_numpy(indices["keypoints"][0].astype(np.int64)))
        self.register_buffer("uv", cylindrical_uv(self.mean))
        self.register_buffer("uv_triangles", self.triangles)
        self.register_buffer("parts", torch.full((len(self.triangles),), PARTS.index("skin")))

    @classmethod
    def from_file(cls, path: str | Path, *, device: str | torch.device = "cpu") -> Bfm:
        """Read `BFM_model_front.mat`, a MATLAB file of version 7 or older.

        Raises CheckpointError for a damaged file or one that does not fit, MissingCheckpointError where there is none,
        MissingDependencyError without scipy.
        """
        return cls(_read_mat(Path(path).expanduser()), path).to(device)

    def forward(
        self,
        identity: Tensor | None = None,
        expression: Tensor | None = None,
        *,
        jaw: Tensor | None = None,
        gaze: Tensor | None = None,
    ) -> Tensor:
        """Vertices (B, V, 3), in metres, of identity (B, 80) and expression (B, 64); this head has no jaw of its own
        and no eyeballs, so `jaw` and `gaze` are None.

        Raises InputError where they are not, or an argument is no tensor; ShapeError where shapes or batches differ.
        """
        if jaw is not None or gaze is not None:
            raise InputError("The Basel face model has no jaw and no eyeballs.", expected="jaw=None, gaze=None")
        identity, expression = stretch(
            self.mean, identity=(identity, (IDENTITY,)), expression=(expression, (EXPRESSION,))
        )
        moved = torch.einsum("bn,vcn->bvc", expression, self.expressions)
        return self.mean + torch.einsum("bn,vcn->bvc", identity, self.identities) + moved

    def landmarks(self, vertices: Tensor) -> Tensor:
        """The landmarks of the iBUG 68-point scheme, (B, 68, 3), on vertices (B, V, 3)."""
        check_points(vertices, len(self.mean))
        return vertices[:, self.keypoints]

    def albedo(self, texture: Tensor | None = None) -> Tensor:
        """The colour (B, V, 3) RGB of each vertex under white light for texture coefficients (B, 80), None for the
        mean: about [0, 1], which strong coefficients leave.
        """
        (texture,) = stretch(self.mean, texture=(texture, (TEXTURE,)))
        return self.mean_albedo + torch.einsum("bn,vcn->bvc", texture, self.albedos)


def _read_mat(path: Path) -> dict[str, np.ndarray]:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise MissingDependencyError("scipy", "Reading the Basel face model", "pip install scipy") from error
    with reading(path, "The BFM model", SOURCE):
        try:
            model = loadmat(path, appendmat=False, variable_names=list(_SHAPES))
        except NotImplementedError as error:
            raise CheckpointError(
                f"{path} is a MATLAB file of version 7.3.",
                code="unreadable",
                expected="version 7 or older",
                hint="save it again in MATLAB: save(file, '-v7')",
            ) from error
        return {key: as_array(value, f"{key} of {path}") for key, value in model.items() if key in _SHAPES}


class Coefficients(NamedTuple):
    """What Deep3DFaceRecon's network says of a face, split from one vector.

    Attributes:
        identity: (B, 80).
        expression: (B, 64).
        texture: (B, 80).
        angles: (B, 3) radians, for `rotation`.
        lighting: (B, 27): red, green, blue, each nine coefficients of spherical harmonics.
        translation: (B, 3) in the units of the model's file, decimetres.
        gaze: (B, 4): left x and y, right x and y; None in vectors of 257.
    """

    identity: Tensor
    expression: Tensor
    texture: Tensor
    angles: Tensor
    lighting: Tensor
    translation: Tensor
    gaze: Tensor | None = None


def split_coefficients(coefficients: Tensor) -> Coefficients:
    """Split the network's vectors, (B, 257), or (B, 261) with gaze."""
    whole = sum(_SIZES)
    if coefficients.ndim != 2 or coefficients.shape[1] not in (whole, whole - _SIZES[-1]):
        raise ShapeError("coefficients", f"(B, {whole - _SIZES[-1]}), or (B, {whole}) with gaze", coefficients.shape)
    sizes = _SIZES if coefficients.shape[1] == whole else _SIZES[:-1]
    return Coefficients(*coefficients.split(sizes, 1))


def rotation(angles: Tensor) -> Tensor:
    """Rotations (B, 3, 3) of Deep3DFaceRecon's angles (B, 3), radians about x, y and z: the transpose of Rz Ry Rx, for
    points in rows, `vertices @ rotation(angles)`.
    """
    if angles.ndim != 2 or angles.shape[1] != 3:
        raise ShapeError("angles", "(B, 3): about x, y, z", angles.shape)
    x, y, z = angles.unbind(1)
    return rotation_matrix(torch.stack([y, -x, z], 1)).mT
