"""Synthetic faces for training: pictures made as they are asked for, or read from where they were kept."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info
from tqdm import tqdm

from ...core.errors import FaceEditError, InputError
from ...core.files import replace_file
from ...core.numbers import whole_number
from ...core.parallel import each, single_threaded
from ...face3d.heads.anny import default_head
from ...imaging.images import to_uint8
from ..render import picture
from ..scene.captions import caption
from ..scene.factors import Scene
from .plan import VERSION, plan

_COLOUR = ("image", "background", "masked_background", "render")
_GREY = ("parts", "mask")
_NUMBERS = ("landmarks", "landmarks_visible", "units_sides", "identity", "person", "angles", "light", "camera")
NAMES = (*_COLOUR, *_GREY, *_NUMBERS, "caption")
"""What an item is made of."""


class SyntheticFaces(Dataset[dict[str, Any]]):
    """Pictures of people who do not exist, with all that is known of them; a map-style data set.

    An item is a dictionary, the same bytes for the same arguments:

        image               (3, S, S) float32 sRGB in [0, 1]
        background          (3, S, S) the same without the person
        masked_background   (3, S, S) the same with the person painted grey
        render              (3, S, S) the bare head under the same light, for RigFace
        parts               (S, S) int64 face-parsing classes, see `face3d.head.PARTS`
        mask                (1, S, S) float32 in [0, 1], the person
        landmarks           (68, 2) float32 pixels; landmarks_visible (68,) bool
        units               (12,) float32, mean of both sides; units_sides (2, 12), the person's left, then right
        identity            (148,) float32; person, its number
        angles              (3,) float32 degrees: yaw, pitch, roll
        light               (9, 3) float32 spherical harmonics
        camera              (4,) float32: focal, distance, shift right and up, see `face3d.camera.Perspective`
        caption             a sentence
        index               the item's number

    With pairs it is {"source": such a dictionary, "target": another, "delta": (12,) units of the target minus the
    source's, "index": number}.

    Args:
        count: how many pictures or pairs.
        size: S, of the pictures in pixels.
        seed: another seed, other people and pictures.
        pairs: "expression", "pose", "light" or "mixed": what differs between source and target.
        people: how many people take turns; None gives each about four pictures.
        cache: folder where finished items are kept, each written once, whole; several processes may share it, and sets
            with other arguments keep apart in it.
        names: which of the above an item has in addition to its units and index: from a cache it is read faster; None
            is all.

    Raises:
        InputError: an argument cannot be used.
    """

    def __init__(
        self,
        count: int,
        *,
        size: int = 128,
        seed: int = 0,
        pairs: str | None = None,
        people: int | None = None,
        cache: str | Path | None = None,
        names: Collection[str] | None = None,
    ) -> None:
        if unknown := sorted({*(names or ())} - {*NAMES}):
            raise InputError("An item has no such names.", code="unknown", expected=NAMES, actual=unknown)
        self.names = None if names is None else {*names, "units_sides"}
        self.plan = plan(count, size, seed, pairs, people)
        self.cache: Path | None = None
        if cache is not None:
            root = Path(cache).expanduser()
            if root.exists() and not root.is_dir():
                raise InputError("The cache is a file.", code="type", expected="a folder", actual=root)
            p = self.plan
            self.cache = root / f"v{VERSION}-size{p.size}-seed{p.seed}-people{p.people}-{p.pairs or 'single'}"

    def __len__(self) -> int:
        return self.plan.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Make or read an item, from 0; negative numbers count from the end. Raises IndexError beyond the last,
        InputError for what is not a whole number.
        """
        number = whole_number("index", index, -(2**63), 2**63)
        if not -len(self) <= number < len(self):
            raise IndexError(f"There are {len(self)} items; there is no item {number}.")
        number %= len(self)
        if get_worker_info() is not None:
            single_threaded()
        arrays = self._kept(number)
        if arrays is None:
            arrays = {name: value for name, value in self._make(number).items() if self._wanted(name)}
        return _item(arrays, number)

    def warm(self, workers: int = 2, *, progress: bool = True) -> int:
        """Fill the cache, and return how many items were made; may be stopped and called again, what is there is kept.

        With several `workers`, processes, a script must guard its start by `if __name__ == "__main__":`. Raises
        InputError where the set has no cache.
        """
        whole_number("workers", workers, 1, 1024)
        if self.cache is None:
            raise InputError("There is no cache.", code="missing", hint='give one: SyntheticFaces(..., cache="folder")')
        missing = [number for number in range(len(self)) if not self._file(number).is_file()]
        if missing and workers > 1:
            default_head()  # whose first preparation takes a minute: not in every worker at once
        bar = tqdm(total=len(missing), desc="Making faces", unit="face", disable=not progress)
        with bar, closing(each(self._keep, missing, workers)) as results:
            for _ in results:
                bar.update()
        return len(missing)

    def _wanted(self, name: str) -> bool:
        return self.names is None or name.partition(".")[2] in self.names

    def _file(self, number: int) -> Path:
        assert self.cache is not None
        return self.cache / f"{number // 1000:05d}" / f"{number:08d}.npz"

    def _kept(self, number: int) -> dict[str, np.ndarray] | None:
        """An item from the cache; None if it is not there, or if the file was damaged."""
        if self.cache is None:
            return None
        try:
            with open(self._file(number), "rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {name: _unpack(name, arrays[name]) for name in arrays.files if self._wanted(name)}
        except Exception:  # damaged files fail in many ways, and are made again
            return None

    def _make(self, number: int) -> dict[str, np.ndarray]:
        arrays = {}
        for role, scene in self.plan.scenes(number).items():
            found = picture.make(scene, self.plan.size)
            arrays |= {f"{role}.{name}": value for name, value in _arrays(scene, found).items()}
        if self.cache is not None:
            packed = {name: _pack(name, value) for name, value in arrays.items()}
            try:
                replace_file(self._file(number), lambda path: np.savez(path, **packed))  # type: ignore[arg-type]
            except OSError as error:
                raise FaceEditError(f"Cannot write to the cache {self.cache}: {error}", code="unwritable") from error
        return arrays

    def _keep(self, number: int) -> None:
        self._make(number)


def _arrays(scene: Scene, found: picture.Picture) -> dict[str, np.ndarray]:
    """What is kept of a picture; images as uint8."""
    images = {name: getattr(found, name) for name in (*_COLOUR, "parts")}
    shift = found.camera["shift"]
    return {
        **images,
        "mask": to_uint8(found.alpha),
        "landmarks": np.float32(found.landmarks),
        "landmarks_visible": np.asarray(found.landmarks_visible, bool),
        "units_sides": np.array(scene.units, np.float32),
        "identity": np.array(scene.person.identity, np.float32),
        "person": np.array(scene.person.number),
        "angles": np.array(scene.angles, np.float32),
        "light": np.float32(found.light),
        "camera": np.array([found.camera["focal"], found.camera["distance"], *shift], np.float32),  # type: ignore[misc]
        "caption": np.array(caption(scene)),
    }


def _item(arrays: dict[str, np.ndarray], number: int) -> dict[str, Any]:
    roles: dict[str, dict[str, np.ndarray]] = {}
    for name, value in arrays.items():
        role, _, key = name.partition(".")
        roles.setdefault(role, {})[key] = value
    items = {role: _tensors(values) for role, values in roles.items()}
    if "source" not in items:
        return {**items["image"], "index": number}
    return {**items, "delta": items["target"]["units"] - items["source"]["units"], "index": number}


def _tensors(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in arrays.items():
        if name == "caption":
            found[name] = str(value)
        elif name == "person":
            found[name] = int(value)
        elif name in _COLOUR:
            found[name] = torch.from_numpy(value).permute(2, 0, 1).float() / 255
        elif name == "mask":
            found[name] = torch.from_numpy(value)[None].float() / 255
        else:
            found[name] = torch.from_numpy(value.astype(np.int64) if name == "parts" else value)
    found["units"] = found["units_sides"].mean(0)
    return found


def _is_image(name: str) -> bool:
    return name.partition(".")[2] in (*_COLOUR, *_GREY)


def _pack(name: str, value: np.ndarray) -> np.ndarray:
    """Images as PNG, red and blue exchanged as OpenCV has them; the rest as it is."""
    return cv2.imencode(".png", value[..., ::-1] if value.ndim == 3 else value)[1] if _is_image(name) else value


def _unpack(name: str, value: np.ndarray) -> np.ndarray:
    if not _is_image(name):
        return value
    image = cv2.imdecode(value, cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("not a picture")
    return np.ascontiguousarray(image[..., ::-1]) if image.ndim == 3 else image
