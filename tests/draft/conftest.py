"""The astronaut's draft, made once."""

from __future__ import annotations

import pytest
from skimage.data import astronaut as picture

from common.faces import choose_face, get_finder
from common.warp.warp import Draft


@pytest.fixture(scope="package")
def photo():
    """(512, 512, 3) uint8."""
    return picture()


@pytest.fixture(scope="package")
def face(photo):
    """Hers."""
    return choose_face(get_finder("mediapipe").find(photo))


@pytest.fixture(scope="package")
def draft(photo, face):
    """Hers."""
    return Draft.of(photo, face)
