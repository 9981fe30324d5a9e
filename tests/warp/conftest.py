"""The astronaut's warp, made once."""

from __future__ import annotations

import pytest
from skimage.data import astronaut as picture

from common.faces import choose_face, get_detector
from common.warp.warp import Warp


@pytest.fixture(scope="package")
def photo():
    """(512, 512, 3) uint8."""
    return picture()


@pytest.fixture(scope="package")
def face(photo):
    """Hers."""
    return choose_face(get_detector("mediapipe").find(photo))


@pytest.fixture(scope="package")
def warp(photo, face):
    """Hers."""
    return Warp.of(photo, face)
