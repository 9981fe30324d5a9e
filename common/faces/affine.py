"""Resampling a picture through a 2x3 affine matrix, without aliasing and without touching pixels that are not needed.

Convention: coordinates are pixels, (x, y), with integers at pixel centres, as in OpenCV.
"""

from __future__ import annotations

import math

import cv2
import numpy as np


def transform(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Maps points (..., 2) through a (2, 3) affine matrix; returns the dtype of the points, float32 for integers."""
    points = np.asarray(points)
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return mapped.astype(points.dtype if np.issubdtype(points.dtype, np.floating) else np.float32)


def invert(matrix: np.ndarray) -> np.ndarray:
    """Inverse (2, 3) of an affine matrix (2, 3), float64."""
    inverse = np.linalg.inv(np.vstack([np.asarray(matrix, np.float64), (0.0, 0.0, 1.0)]))
    return inverse[:2]


def quarter_turn(turns: int, size: tuple[int, int] = (1, 1)) -> np.ndarray:
    """Matrix (2, 3) from a picture to the same picture turned anticlockwise, as `np.rot90` turns it.

    Args:
        turns: number of quarter turns, any integer.
        size: width and height of the picture, pixels.
    """
    width, height = size
    matrices = (
        [[1, 0, 0], [0, 1, 0]],
        [[0, 1, 0], [-1, 0, width - 1]],
        [[-1, 0, width - 1], [0, -1, height - 1]],
        [[0, -1, height - 1], [1, 0, 0]],
    )
    return np.array(matrices[turns % 4], np.float64)


def quarters_of(matrix: np.ndarray) -> int:
    """Quarter turns, 0 to 3 anticlockwise, that an affine matrix (2, 3) without mirroring comes closest to."""
    return round(-math.atan2(matrix[1, 0], matrix[0, 0]) / (math.pi / 2)) % 4


def scale_of(matrix: np.ndarray) -> float:
    """Linear magnification of an affine matrix: the square root of its determinant's size."""
    return math.sqrt(abs(np.linalg.det(np.asarray(matrix, np.float64)[:, :2])))


def bounds(size: tuple[int, int], matrix: np.ndarray) -> np.ndarray:
    """Box (4,) x0 y0 x1 y1 in which a picture of `size` (w, h) lies after the matrix, pixel edges included."""
    width, height = size
    corners = np.array([(x, y) for x in (-0.5, width - 0.5) for y in (-0.5, height - 0.5)])
    mapped = transform(corners, matrix)
    return np.concatenate([mapped.min(axis=0), mapped.max(axis=0)])


def sample(
    image: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    *,
    interpolation: int = cv2.INTER_LINEAR,
    border: int = cv2.BORDER_CONSTANT,
) -> np.ndarray:
    """Picture of `size` (w, h) whose pixel p shows the source at matrix^-1 p.

    Where the matrix shrinks by more than 2, the source is first averaged over blocks of whole pixels: an
    interpolation looks at a few neighbours only and would turn fine texture into noise.

    Args:
        image: Source (H, W) or (H, W, C), uint8 or float32, C at most 4.
        matrix: Source to result (2, 3), invertible.
        size: Width and height of the result, pixels.
        interpolation: OpenCV's interpolation flag.
        border: What lies outside the source: `cv2.BORDER_CONSTANT` (zeros) or `cv2.BORDER_REPLICATE`.

    Returns:
        Array (h, w) or (h, w, C) of the source's dtype.
    """
    width, height = size
    result_shape = (height, width, *image.shape[2:])
    inverse = invert(matrix)
    block = max(1, math.floor(1 / scale_of(matrix) + 1e-9)) if scale_of(matrix) < 0.5 else 1
    # Only the part under the result is read; the margin covers the widest kernel (Lanczos, 4 pixels each side).
    x0, y0, x1, y1 = bounds(size, inverse) + np.array([-1, -1, 1, 1]) * (4 * block + 1)
    if border == cv2.BORDER_REPLICATE:
        x0, x1 = min(x0, image.shape[1] - 1), max(x1, 1)
        y0, y1 = min(y0, image.shape[0] - 1), max(y1, 1)
    x0, y0 = max(0, math.floor(x0)), max(0, math.floor(y0))
    x1, y1 = min(image.shape[1], math.ceil(x1)), min(image.shape[0], math.ceil(y1))
    if x1 <= x0 or y1 <= y0 or width == 0 or height == 0:
        return np.zeros(result_shape, image.dtype)
    part = image[y0:y1, x0:x1]
    step = np.ones(2)
    if block > 1:
        reduced = (math.ceil((x1 - x0) / block), math.ceil((y1 - y0) / block))
        step = np.array([x1 - x0, y1 - y0]) / reduced
        part = cv2.resize(part, reduced, interpolation=cv2.INTER_AREA)
    # Reduced pixel r covers source pixels [step r, step (r + 1)) of the part, so its centre is step (r + 1/2) - 1/2.
    to_source = np.array([[step[0], 0, x0 + (step[0] - 1) / 2], [0, step[1], y0 + (step[1] - 1) / 2]])
    to_part = compose(invert(to_source), inverse)
    warped = cv2.warpAffine(part, to_part, size, flags=interpolation | cv2.WARP_INVERSE_MAP, borderMode=border)
    return warped.reshape(result_shape)


def compose(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Affine matrix (2, 3) that applies `inner` first and `outer` second."""
    return np.column_stack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]])
