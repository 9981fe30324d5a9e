import logging
import subprocess
import sys

import numpy as np
import pytest
from refusals import refused

import common.parsing as background
from common.core.errors import InputError, MissingCheckpointError, ShapeError
from common.parsing import PARSERS, PARTS, foreground, get_parser, jaw_hint, masked_background
from common.parsing.conditioning import FIVE_POINTS

KEPT_BY_FACE = {0, 7, 8, 9, 14, 16, 17, 18}


@pytest.fixture
def crop():
    return np.random.default_rng(0).integers(1, 256, (256, 256, 3), np.uint8)


@pytest.fixture
def labels():
    return np.random.default_rng(1).integers(0, 19, (256, 256), np.uint8)


@pytest.fixture
def landmarks():
    points = np.zeros((68, 2))
    points[:17] = np.stack([np.linspace(50, 205, 17), np.linspace(120, 220, 17)], axis=1)
    return points


def test_public_names_are_all_there():
    assert all(hasattr(background, name) for name in background.__all__)


def test_importing_the_package_is_light():
    code = "import sys, common.parsing; print([m for m in ('torch', 'transformers', 'diffusers') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_making_the_offline_parser_is_light():
    code = "import sys; from common.parsing import get_parser; get_parser('grabcut'); print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


@pytest.mark.parametrize(("region", "kept"), [("head", {0}), ("face", KEPT_BY_FACE)])
def test_extents(region, kept):
    labels = np.arange(19, dtype=np.uint8)[None]
    assert set(np.flatnonzero(~foreground(labels, region)[0])) == kept


def test_each_part_on_the_left_stands_before_its_like_on_the_right():
    assert len(set(PARTS)) == len(PARTS) == 19
    pairs = [
        (PARTS.index(name), PARTS.index("r" + name[1:]))
        for name in PARTS
        if name.startswith("l_") and "lip" not in name
    ]
    assert len(pairs) == 3
    assert all(right == left + 1 for left, right in pairs)


def test_unknown_extent_lists_the_choices(labels):
    with refused(InputError, "unknown", expected=("head", "face"), actual="neck"):
        foreground(labels, "neck")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("region", ["head", "face"])
def test_background_keeps_its_pixels_and_the_person_is_painted_over(crop, labels, landmarks, region):
    before = crop.copy()
    result = masked_background(crop, labels, landmarks, FIVE_POINTS, region, hint=False)
    person = foreground(labels, region)
    assert np.array_equal(result[~person], crop[~person])
    assert not result[person].any()
    assert np.array_equal(crop, before)


def test_fill_is_the_grey_of_the_person(crop, labels, landmarks):
    result = masked_background(crop, labels, landmarks, FIVE_POINTS, hint=False, fill=127)
    assert (result[labels > 0] == 127).all()


def test_hint_is_added_and_clamped(crop, labels, landmarks):
    plain = masked_background(crop, labels, landmarks, FIVE_POINTS, hint=False)
    hint = jaw_hint(landmarks, FIVE_POINTS, 256)
    result = masked_background(crop, labels, landmarks, FIVE_POINTS)
    assert np.array_equal(result, np.minimum(plain.astype(int) + hint, 255))
    assert (plain.astype(int) + hint).max() > 255
    assert np.array_equal(result[~hint.any(-1)], plain[~hint.any(-1)])


def test_shapes_are_checked(crop, labels, landmarks):
    with refused(ShapeError, name="labels"):
        masked_background(crop, labels[1:], landmarks, FIVE_POINTS)
    with refused(ShapeError, name="labels"):
        foreground(labels[None])
    with refused(InputError, "type", actual=np.float64):
        masked_background(crop / 255, labels, landmarks, FIVE_POINTS)


def test_unknown_parser_lists_the_choices():
    with refused(InputError, "unknown", expected=PARSERS, actual="magic"):
        get_parser("magic")


def test_auto_says_which_parser_it_took(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="common.parsing"):
        parser = get_parser(segformer=tmp_path)
    assert parser.name == "embedded"
    assert "embedded" in caplog.text


def test_auto_warns_of_weights_that_are_not_there(tmp_path, caplog):
    assert get_parser(bisenet=tmp_path / "none.pth", segformer=tmp_path).name == "embedded"
    assert "none.pth" in caplog.text


def test_bisenet_by_name_needs_weights(tmp_path):
    with pytest.raises(MissingCheckpointError, match=r"79999_iter\.pth"):
        get_parser("bisenet")
    with pytest.raises(MissingCheckpointError, match=r"none\.pth"):
        get_parser("bisenet", bisenet=tmp_path / "none.pth")
