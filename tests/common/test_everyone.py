"""All faces of one photo, edited in one call."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from common.core.errors import FaceNotFoundError, InputError
from common.provenance.recipe import carried
from magicface import edit
from magicface.__main__ import main


@pytest.fixture(scope="module")
def two(astronaut):
    """The same person twice: the right one is mirrored."""
    half = astronaut[:256, 100:356]
    return Image.fromarray(np.concatenate([half, half[:, ::-1]], 1))


def changed(made, photo):
    """Pixels that differ in the left and in the right half."""
    differ = (np.asarray(made) != np.asarray(photo)).any(2)
    return int(differ[:, :256].sum()), int(differ[:, 256:].sum())


def test_everyone_is_edited_by_one_request(two):
    made = edit(two, "AU12=3", face="all", engine="warp", progress=False)
    left, right = changed(made, two)
    assert min(left, right) > 1000
    assert len(carried(made).parts) == 2


def test_each_has_a_request_from_left_to_right(two):
    made = edit(two, ["neutral", "AU26=4"], face="all", engine="warp", progress=False)
    left, right = changed(made, two)
    assert left == 0
    assert right > 1000
    alone = edit(two, "AU26=4", face=1, engine="warp", progress=False)
    assert np.array_equal(np.asarray(alone), np.asarray(made))


def test_what_does_not_fit_is_refused(two):
    with refused(InputError, "count", expected=2, actual=3):
        edit(two, ["AU12=1", "AU12=2", "AU12=3"], face="all", engine="warp")
    with refused(InputError, "conflict"):
        edit([two, two], "AU12=1", face="all", engine="warp")
    with refused(InputError, "conflict"):
        edit(two, "AU12=1", face="all", engine="warp", paste_back=False)
    with pytest.raises(FaceNotFoundError):
        edit(Image.new("RGB", (128, 128)), "AU12=1", face="all", engine="warp")


def test_the_command(two, tmp_path):
    two.save(tmp_path / "two.png")
    arguments = ["AU12=3", "--face", "all", "--engine", "warp", "-q", "-o", str(tmp_path / "made.png")]
    assert main([str(tmp_path / "two.png"), *arguments]) == 0
    with Image.open(tmp_path / "made.png") as made:
        assert min(changed(made.convert("RGB"), two)) > 1000
