"""Measures by py-feat's networks (Cheong et al., Affective Science 2023), an optional package.

This adapter is written to py-feat's documentation and tested against a stand-in only: it has not been run with the
package itself or its weights, which py-feat downloads at first use. Compare a few pictures by eye before trusting it.

This is the only file that imports feat, and only when the estimator is made.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..core.errors import FaceNotFoundError, MissingDependencyError
from ..facs.action_units import ACTION_UNITS
from ..imaging.images import ImageLike, read_image, rgb, save_image
from .estimators import Measurement

INSTALL = "pip install py-feat"
_COLUMNS = [f"AU{int(name[2:]):02d}" for name in ACTION_UNITS]  # py-feat writes AU01
_POSE = ("Yaw", "Pitch", "Roll")
_STRONGEST = 5.0  # py-feat gives probabilities; FACS's E stands for a certain one


class PyFeat:
    """py-feat's detector with its default networks; no light.

    Its action units are probabilities in [0, 1], times 5 here: ranks are comparable with intensities, sizes are not.

    Raises:
        MissingDependencyError: py-feat is not installed.
    """

    name = "py-feat"

    def __init__(self) -> None:
        try:
            import feat  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise MissingDependencyError("py-feat", "The estimator py-feat", INSTALL) from error
        self._detector: Any = feat.Detector()

    def __call__(self, image: ImageLike) -> Measurement:
        """See `AUEstimator`."""
        photo = Image.fromarray(rgb(read_image(image)))
        with tempfile.TemporaryDirectory() as folder:  # py-feat reads files
            path = save_image(photo, Path(folder) / "photo.png")
            found = self._detector.detect_image(str(path))
        units, angles = (np.asarray(found[list(names)], float) for names in (_COLUMNS, _POSE))
        area = np.asarray(found["FaceRectWidth"], float) * np.asarray(found["FaceRectHeight"], float)
        area[~np.isfinite(np.column_stack([units, angles])).all(1)] = np.nan  # found, but not read
        if not np.isfinite(area).any():
            raise FaceNotFoundError("py-feat found no face in the picture, or none that it can read.")
        largest = int(np.nanargmax(area))
        return Measurement(units=_STRONGEST * units[largest], angles=angles[largest])
