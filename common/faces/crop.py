"""The square round a face that the editors work on: from the photo to the crop and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from ..core.errors import InputError, ShapeError
from .affine import bounds, invert, quarter_turn, sample, transform

# The released scripts meant the longer side of the box but wrote its width twice. The released weights were trained
# on such crops, so the height stays unused here as well.
SQUARE_IN_BOX_WIDTHS = 1.5
CORNERS_IN_512 = (80, 432)  # where the square's edges lie in a crop of 512 pixels; the rest is surroundings


@dataclass(frozen=True, eq=False)
class Crop:
    """A square window on a photo.

    Coordinates are pixels, (x, y), with integers at pixel centres.

    Attributes:
        matrix: (2, 3) float64, photo to crop.
        size: Side of the crop, pixels.
        photo_size: Width and height of the photo, pixels.
    """

    matrix: np.ndarray
    size: int
    photo_size: tuple[int, int]

    @classmethod
    def around(
        cls, face_box: np.ndarray, photo_size: tuple[int, int], size: int = 512, *, zoom: float = 1.0, turns: int = 0
    ) -> Crop:
        """The crop of the released editors: the square of 1.5 box widths round the box's centre fills its middle.

        Args:
            face_box: (4,) x0 y0 x1 y1, photo pixels; it may reach beyond the photo.
            photo_size: Width and height of the photo, pixels.
            size: Side of the crop, pixels. Others than 512 show the same surroundings.
            zoom: How much closer than the released editors' crop, for models that were trained so.
            turns: Quarter turns anticlockwise from the photo to the crop, `Face.turns` for an upright face in the crop.

        Raises:
            ShapeError: `face_box` is not (4,).
            InputError: The box has no width, or a size or the zoom is not positive.
        """
        box = np.asarray(face_box, np.float64)
        if box.shape != (4,):
            raise ShapeError("face_box", "(4,) as x0 y0 x1 y1", box.shape)
        if not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
            raise InputError(f"face_box must be x0 y0 x1 y1 with x0 < x1 and y0 < y1; got {box.tolist()}.")
        if size < 1 or min(photo_size) < 1:
            raise InputError(f"sizes must be at least 1 pixel; got crop {size}, photo {tuple(photo_size)}.")
        if not 0 < zoom < math.inf:
            raise InputError(f"zoom must be a number above 0; got {zoom}.")
        low, high = ((corner + 0.5) * size / 512 - 0.5 for corner in CORNERS_IN_512)
        across = turns % 2  # the side of the box that is its width once the face is upright
        scale = zoom * (high - low) / (SQUARE_IN_BOX_WIDTHS * (box[2 + across] - box[across]))
        turn = scale * quarter_turn(turns)[:, :2]
        shift = (low + high) / 2 - turn @ (box[:2] + box[2:]) / 2
        return cls(np.column_stack([turn, shift]), size, (int(photo_size[0]), int(photo_size[1])))

    def apply(self, photo: np.ndarray) -> np.ndarray:
        """The crop's pixels (size, size, 3) of a photo (H, W, 3) uint8, bilinear, black outside the photo as in the
        release.

        Where the photo is shrunk by more than 2 it is averaged first, which the release does not do: its bilinear
        sampling skips pixels there and hair turns into noise. Down to half size both give the same. Raises ShapeError
        for a photo of another size than the crop was made for.
        """
        width, height = self.photo_size
        if photo.shape[:2] != (height, width) or photo.ndim != 3:
            raise ShapeError("photo", f"({height}, {width}, 3)", photo.shape, "The crop was made for such a photo.")
        return sample(photo, self.matrix, (self.size, self.size))

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the photo in the crop."""
        return transform(points, self.matrix)

    def to_photo(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the crop in the photo."""
        return transform(points, invert(self.matrix))

    @property
    def rectangle(self) -> tuple[int, int, int, int]:
        """Pixels x0 y0 x1 y1 of the photo that the crop covers, the last two exclusive; x0 = x1 or y0 = y1 if none."""
        x0, y0, x1, y1 = bounds((self.size, self.size), invert(self.matrix))
        width, height = self.photo_size
        left, top = (min(max(math.ceil(v), 0), limit) for v, limit in ((x0, width), (y0, height)))
        right, bottom = (min(math.floor(v) + 1, limit) for v, limit in ((x1, width), (y1, height)))
        return left, top, max(left, right), max(top, bottom)

    def warp_back(self, image: np.ndarray, *, mask: bool = False) -> tuple[np.ndarray, tuple[int, int, int, int]]:
        """A crop-sized picture as it lies in the photo, computed only where it lies.

        Args:
            image: (size, size) or (size, size, C), uint8 or float32, C at most 4.
            mask: False for colours: bicubic, and beyond the crop's border the border's colour goes on. True for masks:
                bilinear, which stays within the values' range, and zero beyond the border.

        Returns:
            The patch (h, w) or (h, w, C) of the same dtype, and its place in the photo x0 y0 x1 y1, the last two
            exclusive: `photo[y0:y1, x0:x1]` has the patch's shape. Float colours may overshoot their range slightly.

        Raises:
            ShapeError: The picture is not of the crop's size or has more than 4 channels.
            InputError: It is neither uint8 nor float32.
        """
        if image.shape[:2] != (self.size, self.size) or image.ndim not in (2, 3) or image[0, 0].size > 4:
            raise ShapeError("image", f"({self.size}, {self.size}) or ({self.size}, {self.size}, 1..4)", image.shape)
        if image.dtype not in (np.uint8, np.float32):
            raise InputError(f"image must be uint8 or float32; got {image.dtype}.")
        x0, y0, x1, y1 = self.rectangle
        matrix = invert(self.matrix)
        matrix[:, 2] -= (x0, y0)
        patch = sample(
            image,
            matrix,
            (x1 - x0, y1 - y0),
            interpolation=cv2.INTER_LINEAR if mask else cv2.INTER_CUBIC,
            border=cv2.BORDER_CONSTANT if mask else cv2.BORDER_REPLICATE,
        )
        return patch, (x0, y0, x1, y1)
