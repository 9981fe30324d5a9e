"""FLAME (Li et al. 2017, "Learning a model of facial shape and expression from 4D scans"), from users' files.

Its model files need a registration at https://flame.is.tue.mpg.de, so none is shipped. The released RigFace draws FLAME
heads from the codes of DECA (Feng et al. 2021, "Learning an animatable detailed 3D face model from in-the-wild
images").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...core.errors import CheckpointError, InputError
from ...core.face_labels import PARTS
from ..camera import rotation_from_vector, rotation_matrix
from ..files.arrays import check_indices, check_names, check_shapes, read_arrays
from ..files.uv import cylindrical_uv, read_obj_uv
from .flame_files import FlameLandmarks, FlameTexture, read_parts
from .head import check_points, stretch

SOURCE = "FLAME 2020 or 2023 (https://flame.is.tue.mpg.de), generic_model.pkl"
IDENTITY, EXPRESSION = 100, 50  # what DECA uses of FLAME's 300 and 100
ALL_IDENTITY = 300
JAW = 2  # among the joints: root, neck, jaw, left eye, right eye
_SHAPES: dict[str, tuple[int | str, ...]] = {
    "v_template": ("V", 3),
    "f": ("T", 3),
    "shapedirs": ("V", 3, ALL_IDENTITY + 100),
    "posedirs": ("V", 3, 36),
    "J_regressor": (5, "V"),
    "kintree_table": (2, 5),
    "weights": ("V", 5),
}


class Flame(nn.Module):
    """FLAME's head, neck and eyeballs; see `Head`.

    Vertices are in FLAME's own frame: metres, with the axes of `Head`, and its own origin, which lies inside the head
    and not between the eyes. Identity and expression beyond DECA's 100 and 50 numbers are left at zero.

    Attributes:
        identity_size: 100; 1 is a standard deviation.
        expression_shape: (50,); 1 is a standard deviation.
        triangles: (T, 3) int64.
        uv, uv_triangles: from the template, else from the texture, else a cylinder's.
        parts: (T,) int64; skin everywhere where no masks are given.
    """

    identity_size = IDENTITY
    expression_shape: tuple[int, ...] = (EXPRESSION,)
    triangles: Tensor
    uv: Tensor
    uv_triangles: Tensor
    parts: Tensor
    mean: Tensor
    directions: Tensor
    correctives: Tensor
    regressor: Tensor
    weights: Tensor

    def __init__(self, model: Mapping[str, np.ndarray], what: object = "the FLAME model") -> None:
        """Take FLAME's arrays under their own names; `from_file` reads them.

        Args:
            model: v_template (V, 3), f (T, 3), shapedirs (V, 3, 400), posedirs (V, 3, 36), J_regressor (5, V),
                kintree_table (2, 5), weights (V, 5).
            what: what the errors call it.

        Raises:
            CheckpointError: an array is missing, or does not fit.
        """
        super().__init__()
        check_names(model, _SHAPES, what)
        check_shapes(model, _SHAPES, what)
        check_indices(model["f"], len(model["v_template"]), "f", what)
        # The root's parent is -1, which the official file stores in unsigned numbers.
        self.parents = [-1, *model["kintree_table"][0, 1:].astype(np.int64).tolist()]
        if any(not 0 <= parent < joint for joint, parent in enumerate(self.parents) if joint):
            raise CheckpointError(f"kintree_table of {what} must name each joint's parent before it: {self.parents}")
        used = [*range(IDENTITY), *range(ALL_IDENTITY, ALL_IDENTITY + EXPRESSION)]
        floats = {
            "mean": model["v_template"],
            "directions": model["shapedirs"][:, :, used],
            "correctives": model["posedirs"],
            "regressor": model["J_regressor"],
            "weights": model["weights"],
        }
        for name, array in floats.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array, np.float32)))
        self.register_buffer("triangles", torch.from_numpy(model["f"].astype(np.int64)))
        self.register_buffer("uv", cylindrical_uv(self.mean))
        self.register_buffer("uv_triangles", self.triangles)
        self.register_buffer("parts", torch.full((len(self.triangles),), PARTS.index("skin")))
        self.embedding: FlameLandmarks | None = None
        self.albedo: FlameTexture | None = None

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        landmarks: str | Path | None = None,
        texture: str | Path | None = None,
        template: str | Path | None = None,
        masks: str | Path | None = None,
        device: str | torch.device = "cpu",
    ) -> Flame:
        """Read FLAME. No file is run: pickles are read for their arrays alone (`arrays.convert` writes them once).

        Args:
            path: the official `generic_model.pkl` or `flame2023.pkl`, or its arrays as .npz or .safetensors.
            landmarks: DECA's `landmark_embedding.npy`; without it there are no landmarks.
            texture: `FLAME_texture.npz` or `FLAME_albedo_from_BFM.npz`; without it there is no texture.
            template: DECA's `head_template.obj`, for texture coordinates.
            masks: `FLAME_masks.pkl`, for parts.
            device: where the head is computed.

        Raises:
            CheckpointError: a file is damaged or refused, or does not fit.
            MissingCheckpointError: there is no such file.
        """
        flame = cls(read_arrays(path, "The FLAME model", SOURCE, _SHAPES), path)
        if landmarks is not None:
            flame.embedding = FlameLandmarks(landmarks, flame.triangles)
        if texture is not None:
            flame.albedo = FlameTexture(texture)
            if template is None and flame.albedo.uv is not None and flame.albedo.uv_triangles is not None:
                flame._set_uv(flame.albedo.uv, flame.albedo.uv_triangles, texture)
        if template is not None:
            uv, rows = read_obj_uv(template, flame.triangles.numpy())
            flame._set_uv(torch.from_numpy(uv), torch.from_numpy(rows), template)
        if masks is not None:
            parts = read_parts(masks, flame.triangles.numpy(), flame.weights[:, JAW].numpy() > 0.5)
            flame.parts = torch.from_numpy(parts)
        return flame.to(device)

    def forward(
        self,
        identity: Tensor | None = None,
        expression: Tensor | None = None,
        *,
        jaw: Tensor | None = None,
        gaze: Tensor | None = None,
        rotation: Tensor | None = None,
        neck: Tensor | None = None,
    ) -> Tensor:
        """Compute the vertices; see `Head.__call__`.

        Args:
            identity: (B, 100).
            expression: (B, 50).
            jaw: (B, 3) radians, a rotation vector; the last three of DECA's six pose numbers.
            gaze: (B, 2, 2) radians: left, then right eye, each yaw and pitch.
            rotation: (B, 3) radians: the whole head's rotation vector, about FLAME's root joint; the first three of
                DECA's pose.
            neck: (B, 3) radians: the rotation vector of the head on its neck, which DECA leaves at zero.

        Returns:
            (B, V, 3) metres.

        Raises:
            InputError: an argument is no tensor.
            ShapeError: an argument has another shape, or batches differ.
        """
        identity, expression, rotation, neck, jaw, gaze = stretch(
            self.mean,
            identity=(identity, (IDENTITY,)),
            expression=(expression, (EXPRESSION,)),
            rotation=(rotation, (3,)),
            neck=(neck, (3,)),
            jaw=(jaw, (3,)),
            gaze=(gaze, (2, 2)),
        )
        codes = torch.cat([identity, expression], 1)
        shaped = self.mean + torch.einsum("bn,vcn->bvc", codes, self.directions)
        joints = self.regressor @ shaped  # (B, 5, 3)
        vectors = rotation_from_vector(torch.stack([rotation, neck, jaw], 1))
        eyes = rotation_matrix(torch.nn.functional.pad(gaze, (0, 1)).flatten(0, 1)).unflatten(0, (-1, 2))
        rotations = torch.cat([vectors, eyes], 1)  # (B, 5, 3, 3)
        change = rotations[:, 1:] - torch.eye(3).to(rotations)
        posed = shaped + torch.einsum("bn,vcn->bvc", change.flatten(1), self.correctives)
        return skin(posed, self.weights, joints, rotations, self.parents)

    def landmarks(self, vertices: Tensor) -> Tensor:
        """The landmarks of the iBUG 68-point scheme, fixed to the skin, (B, 68, 3), on vertices (B, V, 3).

        Raises InputError without a landmark embedding, ShapeError for other shapes.
        """
        check_points(vertices, len(self.mean))
        return self._embedding().fixed(vertices)

    def landmarks2d(self, vertices: Tensor, rotation: Tensor | None = None, neck: Tensor | None = None) -> Tensor:
        """The landmarks (B, 68, 3) that a picture shows, where the jaw line follows the silhouette of a turned head:
        DECA's 2D landmarks before the camera, still in space.

        `vertices` are (B, V, 3); `rotation` and `neck`, (B, 3), as they were for the vertices. Raises as `landmarks`
        does.
        """
        check_points(vertices, len(self.mean))
        vertices, rotation, neck = stretch(
            self.mean, vertices=(vertices, (len(self.mean), 3)), rotation=(rotation, (3,)), neck=(neck, (3,))
        )
        return self._embedding().sliding(vertices, rotation_from_vector(rotation) @ rotation_from_vector(neck))

    def texture(self, codes: Tensor) -> Tensor:
        """The albedo (B, 3, 256, 256) RGB, row 0 at v = 1, of codes (B, 50), zero the mean: about [0, 1], which strong
        codes leave.

        Raises InputError without a texture, ShapeError for other codes.
        """
        if self.albedo is None:
            raise InputError(
                "This FLAME has no texture.", hint="give one: Flame.from_file(..., texture='FLAME_texture.npz')"
            )
        return self.albedo(codes)

    def _embedding(self) -> FlameLandmarks:
        if self.embedding is None:
            raise InputError(
                "This FLAME has no landmarks.",
                hint="give them: Flame.from_file(..., landmarks='landmark_embedding.npy')",
            )
        return self.embedding

    def _set_uv(self, uv: Tensor, triangles: Tensor, what: object) -> None:
        if len(triangles) != len(self.triangles):
            raise CheckpointError(
                f"The texture coordinates of {what} belong to another mesh.",
                code="shape",
                expected=f"{len(self.triangles)} triangles",
                actual=len(triangles),
            )
        self.uv, self.uv_triangles = uv, triangles


def skin(vertices: Tensor, weights: Tensor, joints: Tensor, rotations: Tensor, parents: Sequence[int]) -> Tensor:
    """Move vertices (B, V, 3) with their joints: linear blend skinning (Loper et al. 2015, "SMPL", equations 2 to 4).

    `weights` (V, J) say how much each vertex follows each joint, rows adding up to 1; `joints` (B, J, 3) are at rest;
    `rotations` (B, J, 3, 3) each joint's against its parent, whose number in `parents` comes before its own (the first
    is not read).
    """
    turns, places = [rotations[:, 0]], [joints[:, 0]]
    for joint, parent in enumerate(parents[1:], 1):
        offset = (turns[parent] @ (joints[:, joint] - joints[:, parent])[..., None])[..., 0]
        turns.append(turns[parent] @ rotations[:, joint])
        places.append(places[parent] + offset)
    turn, place = torch.stack(turns, 1), torch.stack(places, 1)  # (B, J, 3, 3), (B, J, 3)
    shift = place - (turn @ joints[..., None])[..., 0]
    blended = torch.einsum("vj,bjrc->bvrc", weights, turn)
    return (blended @ vertices[..., None])[..., 0] + weights @ shift
