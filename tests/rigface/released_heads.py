"""A FLAME of the golden numbers, and faces that no network has seen: for tests of what is made of codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from folders import GOLDEN
from safetensors.numpy import load_file, save_file

from common.face3d.heads.flame import Flame
from common.faces import Crop, Face
from rigface.reconstruct import View
from rigface.released.deca import Codes, window
from rigface.released.reconstruct import Seen

MODEL = GOLDEN / "preparation" / "flame_model.pkl"


def write_landmarks(path: Path) -> Path:
    """The made-up landmark embedding of the golden FLAME, as .safetensors."""
    arrays = load_file(GOLDEN / "preparation" / "flame.safetensors")
    save_file({key.removeprefix("flame_"): value for key, value in arrays.items() if "_lmk_" in key}, path)
    return path


def write_texture(path: Path) -> Path:
    """A texture of the Basel form, varied in its first codes, with coordinates for the golden FLAME."""
    generator = np.random.default_rng(0)
    faces = Flame.from_file(MODEL).triangles.numpy()
    directions = np.zeros((256, 256, 3, 50), np.float32)
    directions[..., :3] = 0.05
    arrays = {"MU": generator.random((256, 256, 3), np.float32), "PC": directions}
    np.savez(path, vt=generator.random((80, 2), np.float32), ft=faces, **arrays)
    return path


def face_at(x: float, y: float, side: float = 100) -> Face:
    """A face with a box of `side` pixels round (x, y); its points lie about as a face's do."""
    generator = np.random.default_rng(7)
    landmarks = np.array([x, y]) + side * (generator.random((68, 2)) - 0.5)
    points = np.array([(-0.2, -0.15), (0.2, -0.15), (0, 0.05), (-0.15, 0.25), (0.15, 0.25)]) * side + (x, y)
    return Face(np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2]), 1.0, points, landmarks, "made up")


def codes(seed: int, **changes: torch.Tensor) -> Codes:
    """Random codes of a head that DECA's crop holds."""
    vector = 0.3 * torch.randn(1, 236, generator=torch.Generator().manual_seed(seed))
    made = Codes.split(vector)
    made.camera[:] = torch.tensor([[1.2 + 0.2 * seed, 0.02 * seed, -0.03 * seed]])
    made.light[:, 0] = 3 + 0.1 * seed
    for name, value in changes.items():
        getattr(made, name)[:] = value
    return made


def seen(seed: int, x: float = 128, y: float = 120, **changes: torch.Tensor) -> Seen:
    """A face in a photo of 256 x 240 pixels, and made-up codes and coefficients."""
    photo = np.random.default_rng(seed).integers(0, 256, (240, 256, 3), np.uint8)
    face = face_at(x, y)
    coefficients = torch.randn(261, generator=torch.Generator().manual_seed(100 + seed))
    return Seen(photo, face, window(face), codes(seed, **changes), coefficients)


def same(a: Codes, b: Codes, names: Iterable[str] | None = None) -> bool:
    """Whether two faces have the same codes; all of them where none are named."""
    every = [field.name for field in fields(Codes)]
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in (every if names is None else names))


def view(found: Seen, labels: np.ndarray, crop: Crop | None = None) -> View:
    """A seen face in the editor's crop."""
    return View(None, found, crop or crop_of(found), labels)  # pyright: ignore[reportArgumentType]


def crop_of(found: Seen, size: int = 128) -> Crop:
    """The editor's crop of a seen face."""
    return Crop.around(found.face.box, (256, 240), size)


def person(size: int, left: int, right: int) -> np.ndarray:
    """Labels of a crop whose columns `left` to `right` hold a person."""
    labels = np.zeros((size, size), np.uint8)
    labels[size // 4 :, left:right] = 17
    labels[size // 2 :, left:right] = 1
    return labels
