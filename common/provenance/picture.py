"""Pictures that know how they were made."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from ..imaging.carried import KEY
from .recipe import Provenance, Recipe, saved_with, version


class Picture(Image.Image):
    """A PIL image of an edit; every file that it is saved to says that it is synthetic, and how it was made.

    Pictures made from it, by `resize` or `crop`, are plain PIL images; `common.imaging.images.save_image` saves those
    as this one saves itself.
    """

    def save(
        self,
        fp: Any,
        format: str | None = None,
        *,
        watermark: bool = True,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
        **params: Any,
    ) -> None:
        """Writes a PNG, JPEG or WebP file, whole or not at all; into an open file, what PIL itself writes.

        Args:
            fp: a path, or an open file.
            format: PIL's name of it; default: that of the path's suffix.
            watermark: False for pixels without the invisible mark.
            certificate: with `key`, PEM files that sign the picture, see `common.provenance.credentials`.
            key: see `certificate`.
            params: of PIL's `save`.

        Raises:
            ImageError: another format, or a place that cannot be written.
            InputError: a certificate without a key, or one that cannot be used.
            MissingDependencyError: what marks or signs is not installed.
        """
        if not isinstance(fp, (str, os.PathLike)):
            super().save(fp, format, **params)
            return
        from ..imaging.images import save_image  # which asks this module what pictures know

        signed = {"certificate": certificate and Path(certificate), "key": key and Path(key)}
        save_image(saved_with(self.copy(), watermark=watermark, **signed), Path(fp), format, **params)


def carry(image: Image.Image, recipe: Recipe, places: Sequence[Path] = ()) -> Picture:
    """The picture, which knows how it was made from now on.

    `places` are the folders of the model that made it; none for warps.
    """
    known = Provenance(replace(recipe, version=recipe.version or version()), places=tuple(places))
    return knowing(image, known)


def knowing(image: Image.Image, known: Provenance) -> Picture:
    """A copy of the picture with what is known of it."""
    copied = image.copy()
    made = Picture()
    # As PIL's own plugins fill a subclass; pixels that travel as bytes would cost large photos a tenth of a second.
    made.im, made._mode, made._size = copied.im, copied.mode, copied.size
    made.info = {**image.info, KEY: known}
    return made
