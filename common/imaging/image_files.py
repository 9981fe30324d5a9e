"""Encoded pictures: where their bytes come from (paths, bytes, open files), and which formats can be read."""

from __future__ import annotations

import hashlib
import os
import re
from functools import cache
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeGuard

from PIL import Image, UnidentifiedImageError

from ..core.errors import ImageError, InputError, MissingDependencyError
from ..core.files import expanded
from ..core.jsonio import check_regular

Encoded = str | Path | bytes | BinaryIO
"""A path, the bytes of a file, or the file itself, open in binary mode; see `content_of`."""
HEIC_COMMAND = 'pip install "face-rig[heic]"'
HEIC_SUFFIXES = frozenset({".heic", ".heics", ".heif", ".heifs", ".hif"})
_HEIC_BRANDS = re.compile(rb"hei[cmsx]|hev[cmsx]|mif1|msf1")
_HEAD = 64
"""Bytes in which the format's marks stand."""
_NO_PICTURES = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "PDF", "WMF"})
"""Formats that Pillow lists and does not decode here: it needs another program, or only knows the header."""


def is_path(image: Any) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a picture is given by the path of its file."""
    return isinstance(image, (str, os.PathLike))


def is_encoded(image: Any) -> bool:
    """Whether a picture is given as the contents of a file: bytes, an open file, or something with `read_bytes`."""
    return isinstance(image, (bytes, bytearray, memoryview)) or hasattr(image, "read") or hasattr(image, "read_bytes")


def name_of(image: Any) -> str:
    """What messages call a picture: its path, the name of its open file, or its type."""
    if is_path(image):
        return os.fsdecode(image)
    name = getattr(image, "name", None)
    return name if isinstance(name, str) else f"the {type(image).__name__}"


def content_of(image: Any) -> bytes:
    """The bytes of an encoded picture.

    It is a path (`~` is the home folder); bytes, bytearray or memoryview; an object with `read_bytes`, such as a
    `zipfile.Path`; or a file open in binary mode. A file that can seek is read from its start.

    Raises:
        ImageError: nothing there (code "missing"), not a regular file in binary mode, or unreadable.
    """
    if is_path(image):
        path = expanded(os.fsdecode(image))
        if not os.path.exists(path):
            raise absent(image)
        try:
            check_regular(path)
            return path.read_bytes()
        except (OSError, ValueError) as error:
            raise ImageError(f"Cannot read {path}: {error}", code="unreadable") from error
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    try:
        if not hasattr(image, "read"):
            found = image.read_bytes()
        else:
            if getattr(image, "seekable", bool)():
                image.seek(0)
            found = image.read()
    except Exception as error:  # closed, text that is not UTF-8, a lost connection: each library has errors of its own
        what = f"Cannot read a picture from {name_of(image)}: {error}"
        raise ImageError(what, code="unreadable", hint=_BINARY) from error
    if not isinstance(found, (bytes, bytearray, memoryview)):
        kind = type(found).__name__
        what = f"Cannot read a picture from {name_of(image)}."
        raise ImageError(what, code="type", expected="bytes", actual=kind, hint=_BINARY)
    return bytes(found)


_BINARY = 'open picture files in binary mode: open("photo.jpg", "rb")'


def opened(file: IO[bytes]) -> Image.Image:
    """A picture whose header is read and whose pixels are not decoded yet.

    The file is at its start, and stays open as long as the pixels are wanted. Raises MissingDependencyError: HEIC, and
    pillow-heif is not installed; Exception: whatever the decoder raises; see `reason`.
    """
    head = file.read(_HEAD)
    file.seek(0)
    if is_heic(head):
        try:
            from pillow_heif import HeifImageFile
        except ImportError as error:
            raise MissingDependencyError("pillow-heif", "Reading HEIC pictures", HEIC_COMMAND) from error
        image = HeifImageFile(file)
        if image.width * image.height > 2 * (Image.MAX_IMAGE_PIXELS or image.width * image.height):
            raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels")
        return image
    image = Image.open(file)
    if image.format == "EPS":
        raise OSError("EPS is a program, which another program would run; save it as .png")
    return image


def is_heic(head: bytes) -> bool:
    """Whether a file that begins with these bytes is HEIC or another HEIF that Pillow does not read by itself."""
    brands = head[8 : min(int.from_bytes(head[:4], "big"), len(head))]
    return head[4:8] == b"ftyp" and bool(_HEIC_BRANDS.match(brands)) and b"avif" not in brands


def reason(error: BaseException) -> str:
    """Why a picture cannot be read, of an error of its decoder."""
    if isinstance(error, UnidentifiedImageError):
        return "it is damaged, or in no format that Pillow knows"
    return str(error) or type(error).__name__


def absent(image: Any) -> ImageError:
    """The error for a path where there is nothing."""
    hint = "download it first" if re.match(r"https?:/", name_of(image)) else None
    return ImageError(f"There is no file {name_of(image)}.", code="missing", hint=hint)


@cache
def suffixes() -> frozenset[str]:
    """Suffixes, in lower case, of the files that are read as pictures."""
    Image.init()
    known = {suffix for suffix, kind in Image.EXTENSION.items() if kind in Image.OPEN and kind not in _NO_PICTURES}
    return frozenset(known) | HEIC_SUFFIXES


def identified(listed: Any, found: Path | Image.Image) -> tuple[Any, ...]:
    """What tells a picture from another one, of the same name even; no folder, which may be named in several ways."""
    if isinstance(found, Image.Image):
        return found.size, hashlib.sha256(found.tobytes()).hexdigest()
    status = found.stat()
    return str(listed), status.st_size, status.st_mtime_ns


def picture_size(picture: Path | Image.Image) -> tuple[int, int]:
    """Width and height, of a file from its head alone. Raises InputError: no picture; MissingDependencyError: HEIC, and
    pillow-heif is not installed.
    """
    if isinstance(picture, Image.Image):
        return picture.size
    try:
        check_regular(picture)
        with open(picture, "rb") as file, opened(file) as image:
            return image.size
    except MissingDependencyError:
        raise
    except Exception as error:  # decoders raise whatever they meet in a damaged file
        raise InputError(f"{picture} is not a picture: {reason(error)}", code="unreadable") from error
