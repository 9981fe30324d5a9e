"""Photos in, photos out: whatever a person has becomes an upright 8-bit RGB or RGBA picture, or a clear error."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np
from PIL import Image, ImageOps

from ..core.errors import FaceEditError, ImageError, ShapeError
from ..core.files import expanded, replace_file
from .carried import carried_by
from .image_files import absent, content_of, is_encoded, is_path, name_of, opened, reason

if TYPE_CHECKING:
    import torch

ImageLike: TypeAlias = "str | Path | Image.Image | np.ndarray | torch.Tensor | bytes | BinaryIO"
"""A path; a PIL image; a numpy array (H, W) or (H, W, 1|3|4); a torch tensor (1|3|4, H, W); or the bytes of a picture
file, or the file itself, open in binary mode."""


_STRAIGHT = {"La": "LA", "RGBa": "RGBA"}  # PIL's modes with premultiplied colours
_ORIENTATION = 0x0112  # of EXIF


def read_image(image: ImageLike) -> Image.Image:
    """Any picture as PIL "RGB", or "RGBA" where some of it is transparent; upright (EXIF), 8 bits a channel.

    Args:
        image: a path; bytes, or a file open in binary mode (`common.imaging.image_files.content_of`), in any format
            that Pillow reads, or HEIC; a PIL image of any mode; a numpy array (H, W), (H, W, 1), (H, W, 3) or (H, W,
            4), or what converts itself to one; a torch tensor (C, H, W) with 1, 3 or 4 channels. Arrays are uint8,
            uint16, or floats in [0, 1].

    Raises:
        ImageError: not readable, truncated, empty, of another dtype or range, or with NaN.
        ShapeError: an array that is not a single picture.
        MissingDependencyError: HEIC, and pillow-heif is not installed.
    """
    if isinstance(image, Image.Image):
        return _upright(image)
    if is_path(image) or is_encoded(image):
        return _upright(open_picture(image))
    if hasattr(image, "detach"):  # a torch tensor; torch itself need not be imported here
        return _from_array(_channels_last(image))
    if isinstance(image, np.ndarray) or hasattr(image, "__array__"):
        return _from_array(np.asarray(image))
    expected = "a path, bytes, a file open in binary mode, a PIL image, an array (H, W, 3) or a tensor (3, H, W)"
    hint = "list them first: list(pictures)" if isinstance(image, Iterator) else None
    raise ImageError(
        "Cannot read a picture from this object.",
        code="type",
        expected=expected,
        actual=type(image).__name__,
        hint=hint,
    )


def as_list(images: Any) -> list[Any] | None:
    """The pictures of a list, a tuple, a batched array (B, H, W, C) or tensor (B, C, H, W), or of a one-dimensional
    array or Series of objects such as paths; None for a single one.
    """
    dimensions, kind = getattr(images, "ndim", 0), getattr(getattr(images, "dtype", None), "kind", "")
    if isinstance(images, (list, tuple)) or dimensions == 4 or (dimensions == 1 and kind in ("O", "U")):
        return list(images)
    return None


def rgb(image: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8, writable; transparent parts stand before white, as a page would show them."""
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def flat(image: Image.Image) -> Image.Image:
    """The picture as "RGB", transparent parts before white; what travels in its `info` stays."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    plain = Image.fromarray(rgb(image))
    plain.info = dict(image.info)
    return plain


def on_white(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3 or 4) uint8 as (H, W, 3); what has no alpha is the same array."""
    return pixels if pixels.shape[2] == 3 else rgb(Image.fromarray(pixels))


def to_uint8(pixels: np.ndarray, white: float = 1.0) -> np.ndarray:
    """Float pixels, 0 to `white`, as uint8 of the same shape, clipped and rounded to nearest.

    Every picture that is computed passes through here, so that no NaN can become a colour.

    Raises:
        ImageError: NaN or infinite pixels (code "values").
    """
    pixels = np.asarray(pixels)
    finite = np.isfinite(pixels)
    if not finite.all():
        bad = pixels.size - int(np.count_nonzero(finite))
        what = f"The computed picture has {bad} of {pixels.size} values that are NaN or infinite; nothing is saved."
        raise ImageError(what, code="values", hint="a network that overflows in float16 may need dtype='float32'")
    return np.rint(pixels.clip(0, white) * (255 / white)).astype(np.uint8)


def around(picture: Image.Image, box: np.ndarray, margin: float) -> tuple[Image.Image, np.ndarray]:
    """The square round a face with a margin, in its widths, as far as the photo goes; and its upper left corner."""
    reach = (0.5 + margin) * float(max(box[2] - box[0], box[3] - box[1]))
    x, y = (box[:2] + box[2:]) / 2
    corners = np.array([x - reach, y - reach, x + reach, y + reach])
    x0, y0 = corners[:2].clip(0).astype(int)
    x1, y1 = min(int(corners[2]), picture.width), min(int(corners[3]), picture.height)
    return picture.crop((int(x0), int(y0), x1, y1)), np.array([x0, y0], np.float32)


def save_image(image: Image.Image, path: str | Path, format: str | None = None, **options: object) -> Path:
    """Writes a picture, RGB or RGBA, whole or not at all, and returns the path.

    The format, by PIL's name, is by default that of the suffix; `options` are those of PIL's `save`. A picture that an
    editor made, or that was made from such, says so in the file, see `common.provenance`.

    Raises:
        ImageError: an unknown suffix, a format that cannot say that a picture is synthetic, or a place that cannot be
            written.
        InputError, MissingDependencyError: see `common.provenance.picture.write`.
    """
    path = Path(path).expanduser()
    known = carried_by(image)
    profile = image.info.get("icc_profile")
    kind = format.upper() if format else picture_format(path)
    if kind == "JPEG" and image.mode == "RGBA":
        image = Image.fromarray(rgb(image))
    own = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"exact": True}}  # exact: colours that alpha hides stay
    options = {**own.get(kind, {}), **options}
    if profile:
        options.setdefault("icc_profile", profile)
    try:
        if known is None:
            replace_file(path, lambda file: image.save(file, format=kind, **options))
        else:
            replace_file(path, lambda file: known.write(image, file, kind, options))
    except FaceEditError:
        raise
    except (OSError, ValueError, KeyError) as error:
        raise ImageError(f"Cannot write {path}: {error}", code="unwritable") from error
    return path


def picture_format(path: Path) -> str:
    """PIL's name of the format that a file's suffix stands for; raises an ImageError where it stands for none."""
    Image.init()
    kind = Image.EXTENSION.get(path.suffix.lower())
    if kind not in Image.SAVE:
        raise ImageError(f"Cannot write {path.name!r}; use .png or .jpg.", code="format", actual=path.suffix)
    return kind


def check_exists(image: Any) -> None:
    """Raises an ImageError for a path where there is nothing; anything else passes."""
    if is_path(image) and not os.path.exists(expanded(os.fsdecode(image))):
        raise absent(image)


def open_picture(image: Any) -> Image.Image:
    """A picture as its file (see `content_of`) has it, decoded, with its metadata; raises as `read_image`."""
    content = content_of(image)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large photos are welcome up to the bomb; damaged metadata do not matter
            found = opened(io.BytesIO(content))  # of bytes: no file stays open, whatever the decoder does
            found.load()
            return found
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name_of(image)} is too large: {error}", code="size") from error
    except FaceEditError:
        raise
    except Exception as error:  # decoders raise whatever they meet in a damaged file
        raise ImageError(f"Cannot read {name_of(image)} as a picture: {reason(error)}", code="unreadable") from error


def _upright(image: Image.Image) -> Image.Image:
    if 0 in image.size:
        raise ImageError("The picture is empty.", code="empty", actual=image.size)
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    try:
        if image.getexif().get(_ORIENTATION, 1) != 1:  # else it would be copied all the same
            image = ImageOps.exif_transpose(image)
        if image.mode in ("I", "I;16", "I;16B", "I;16L", "I;16N"):  # all of them hold 16-bit files
            grey = np.asarray(image).clip(0, 65535).astype(np.uint16)
            if isinstance(clear := image.info.get("transparency"), int):  # the grey that a PNG says is transparent
                grey = np.stack([grey, grey, grey, np.where(grey == clear, 0, 65535).astype(np.uint16)], 2)
            return _from_array(grey)
        if image.mode == "F":
            return _from_array(np.asarray(image))
        if image.mode in _STRAIGHT:
            image = image.convert(_STRAIGHT[image.mode])
        if image.mode == "LAB":  # PIL's own conversion takes its bytes for others
            from PIL import ImageCms

            way = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
            made = ImageCms.applyTransform(image, way)
            assert made is not None  # None where it is done in place
            image = made
        transparent = "A" in image.getbands() or "transparency" in image.info
        image = image.convert("RGBA" if transparent else "RGB")  # a copy in any case
    except ImageError:
        raise
    except Exception as error:  # damaged metadata fail in many ways
        raise ImageError(f"Cannot read the picture: {error}", code="unreadable") from error
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    # What the bytes mean travels with them; other metadata, such as where a photo was taken, do not.
    image.info = {"icc_profile": profile} if profile else {}
    return image


def _channels_last(tensor: Any) -> np.ndarray:
    if tensor.ndim == 3 and tensor.shape[0] not in (1, 3, 4) and tensor.shape[-1] in (1, 3, 4):
        raise ShapeError("tensor", "(3, H, W)", tensor.shape, "it looks like (H, W, C): use tensor.permute(2, 0, 1)")
    try:
        array = tensor.detach().cpu()
        array = (array.float() if array.is_floating_point() else array).numpy()  # numpy has no bfloat16
    except (TypeError, RuntimeError) as error:  # sparse, quantised, on the meta device
        raise ImageError(f"Cannot read pixels from this tensor: {error}", code="unreadable") from error
    return np.moveaxis(array, 0, -1) if array.ndim == 3 else array


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ShapeError("picture", "(H, W), (H, W, 1), (H, W, 3) or (H, W, 4)", array.shape)
    if 0 in array.shape:
        raise ImageError("The picture is empty.", code="empty", actual=array.shape)
    if array.shape[0] * array.shape[1] > (most := 2 * (Image.MAX_IMAGE_PIXELS or sys.maxsize)):  # PIL's, of files
        raise ImageError("The picture is too large.", code="size", expected=f"{most} pixels", actual=array.shape)
    array = _bytes(array)
    if array.shape[2] == 1:
        array = array.repeat(3, axis=2)
    return _upright(Image.fromarray(np.ascontiguousarray(array)))


def _bytes(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype.kind in "ui":
        top = 65535 if array.dtype == np.uint16 else 255
        if array.min() < 0 or array.max() > top:
            found = [int(array.min()), int(array.max())]
            hint = "16-bit pictures: x.astype(np.uint16)"
            raise ImageError("Pixels are out of range.", code="range", expected=[0, top], actual=found, hint=hint)
        return np.rint(array * (255 / top)).astype(np.uint8)
    if array.dtype.kind != "f":
        raise ImageError("Pixels have another dtype.", code="type", expected="uint8 or floats", actual=str(array.dtype))
    if not np.isfinite(array).all():
        raise ImageError("The picture has NaN or infinite pixels.", code="values")
    low, high = float(array.min()), float(array.max())
    if low < -1e-3 or high > 1 + 1e-3:
        hint = "from [-1, 1]: (x + 1) / 2; from 0..255: x.astype(np.uint8)"
        raise ImageError("Pixels are out of range.", code="range", expected=[0, 1], actual=[low, high], hint=hint)
    return to_uint8(array)
