"""What the network sees of one edit: two pictures and the expression's coefficients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from common.core.errors import ImageError, InputError, ShapeError
from common.core.files import expanded
from common.core.jsonio import check_regular
from common.imaging.images import ImageLike, read_image, rgb

CONDITIONING_IMAGES = ("background", "render")
"""The conditioning images, in the order of the network's channels."""
GREY = 127
"""Value of a background (0 to 255) where the person was, as the published network was trained."""


@dataclass(frozen=True, eq=False)
class Conditions:
    """The conditions of one picture, in the frame of the crop.

    Attributes:
        background: (S, S, 3) uint8, RGB: the source with the person painted grey, where they were and, for a new pose,
            where they will be; for the embedded network the source as it is.
        render: (S, S, 3) uint8, RGB: the target 3D face under the target light, in its place, on black; for the
            embedded network its warp, in the photo.
        coefficients: (V,) float32, the target expression, 64 of the BFM basis for the published network; for the
            embedded one the change in 24 numbers (`common.warp.delta`).
        notes: what the user should know of how these were made; an edit logs them.
        mask: (S, S) bool, what the edit may change; None: what the subject says, and wherever the background is not
            the subject's.
        warp: (H, W, 3 or 4) uint8, the whole photo as it was moved and lit without any network; None where there is
            none.

    Raises:
        ShapeError: shapes that do not fit one another.
        InputError: pictures that are not uint8, or coefficients that are not finite.
    """

    background: np.ndarray
    render: np.ndarray
    coefficients: np.ndarray
    notes: tuple[str, ...] = ()
    mask: np.ndarray | None = None
    warp: np.ndarray | None = None

    def __post_init__(self) -> None:
        side = len(self.background)
        for name in ("background", "render"):
            picture = getattr(self, name)
            if picture.shape != (side, side, 3):
                raise ShapeError(f"Conditions.{name}", f"({side}, {side}, 3), a square", picture.shape)
            if picture.dtype != np.uint8:
                raise InputError(
                    f"Conditions.{name} has the wrong dtype.", code="type", expected="uint8", actual=str(picture.dtype)
                )
        if self.mask is not None and self.mask.shape != (side, side):
            raise ShapeError("Conditions.mask", f"({side}, {side})", self.mask.shape)
        vector = np.asarray(self.coefficients, np.float32)
        if vector.ndim != 1 or not len(vector):
            raise ShapeError("Conditions.coefficients", "(V,)", vector.shape)
        if not np.isfinite(vector).all():
            raise InputError("Conditions.coefficients must be finite; some are NaN or infinite.", code="finite")
        object.__setattr__(self, "coefficients", vector)

    def still(self) -> Conditions:
        """Of an edit that leaves the warp as it is."""
        return replace(self, background=self.render, coefficients=np.zeros_like(self.coefficients))

    def __repr__(self) -> str:
        side, count = len(self.background), len(self.coefficients)
        return f"Conditions(background {side} x {side}, render {side} x {side}, {count} coefficients)"


def read_conditions(background: ImageLike, render: ImageLike, coefficients: Any) -> Conditions:
    """Conditions that were prepared before, such as the authors' own pictures.

    Args:
        background: a square picture, see `Conditions` (`common.imaging.images.read_image`).
        render: a picture of the same size.
        coefficients: V numbers, or (1, V), as list, array, tensor, or the path of a .npy file.

    Raises:
        ImageError, ShapeError, InputError: one of them cannot be read or used.
    """
    return Conditions(rgb(read_image(background)), rgb(read_image(render)), read_coefficients(coefficients))


def read_coefficients(values: Any) -> np.ndarray:
    """V numbers as (V,) float32, see `read_conditions`."""
    if isinstance(values, (str, Path)):
        path = expanded(values)
        try:
            check_regular(path)
            values = np.lib.format.open_memmap(path, mode="r")  # takes no memory, whatever size the file states
        except Exception as error:  # damaged files fail in many ways
            raise ImageError(f"Cannot read coefficients from {path}: {error}", code="unreadable") from error
    with np.errstate(over="ignore"):  # numbers beyond float32 become infinite, and are refused
        array = floats_of("Coefficients", values).astype(np.float32)
    return array[0] if array.ndim == 2 and len(array) == 1 else array


def floats_of(what: str, values: Any) -> np.ndarray:
    """The numbers of a list, array or tensor, float64 of any shape. Raises InputError: they are not numbers."""
    try:
        array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
        if np.iscomplexobj(array):
            raise TypeError("complex numbers")
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # RuntimeError: a tensor without data
        raise InputError(f"{what} must be numbers.", code="type", actual=str(error)) from error
