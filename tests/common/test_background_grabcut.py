import logging
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from refusals import refused

from common.core.errors import InputError, ShapeError
from common.faces import choose_face, get_detector
from common.parsing import foreground, get_parser

PORTRAITS = Path(__file__).resolve().parents[3] / "shared" / "portraits"
SKIN, NECK, CLOTH, HAIR = 1, 14, 16, 17

needs_portraits = pytest.mark.skipif(not PORTRAITS.is_dir(), reason=f"the authors' examples are not at {PORTRAITS}")


def read(name):
    return np.array(Image.open(PORTRAITS / f"{name}.png").convert("RGB"))


def points(name):
    face = choose_face(get_detector("mediapipe").find(read(name)))
    return face.outline, face.landmarks


@cache
def parse(name):
    outline, landmarks = points(name)
    return get_parser("grabcut").parse(read(name), outline=outline, landmarks=landmarks)


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def drawn_face(size=256, shift=(0, 0)):
    """A flat-coloured person on a flat background, with outline and landmarks."""
    unit = size / 256
    crop = np.full((size, size, 3), (90, 140, 200), np.uint8)

    def disc(centre, axes, colour):
        centre = tuple(round(c * unit + s) for c, s in zip(centre, shift, strict=True))
        cv2.ellipse(crop, centre, tuple(round(a * unit) for a in axes), 0, 0, 360, colour, -1)

    disc((128, 290), (120, 80), (40, 60, 40))
    disc((128, 100), (66, 75), (60, 40, 20))
    disc((128, 200), (25, 40), (200, 150, 120))
    disc((128, 120), (50, 68), (220, 170, 140))
    around = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    outline = np.stack([128 + 50 * np.cos(around), 120 + 68 * np.sin(around)], axis=1)
    landmarks = np.tile([128.0, 120.0], (68, 1))
    jaw = np.linspace(np.pi, 0, 17)
    landmarks[:17] = np.stack([128 + 50 * np.cos(jaw), 120 + 68 * np.sin(jaw)], axis=1)
    landmarks[36:48, 1] = 100
    return crop, outline * unit + shift, landmarks * unit + shift


@needs_portraits
@pytest.mark.parametrize(("name", "least"), [("00025", 0.985), ("00381", 0.975)])
def test_person_is_the_authors(name, least):
    picture, example = read(f"magicface/{name}"), read(f"magicface/{name}_bg")
    # Over the background the dots differ from the picture as well; opening takes them away.
    person = (example != picture).any(-1) | (example == 0).all(-1)
    person = cv2.morphologyEx(person.astype(np.uint8), cv2.MORPH_OPEN, np.ones((13, 13), np.uint8)) > 0
    assert overlap(foreground(parse(f"magicface/{name}")), person) > least


@needs_portraits
def test_union_of_two_poses_is_the_authors():
    person = (read("rigface/id1/bg_pose+exp") == 127).all(-1)
    ours = foreground(parse("rigface/id1/sor")) | foreground(parse("rigface/id1/tar"))
    assert overlap(ours, person) > 0.98


@needs_portraits
def test_parts_lie_where_they_should():
    labels = parse("magicface/00025")
    assert labels[260, 256] == SKIN
    assert labels[60, 256] == HAIR
    assert labels[470, 256] == NECK
    assert labels[500, 60] == CLOTH
    assert labels[100, 30] == 0
    assert foreground(labels, "face").sum() < 0.6 * foreground(labels).sum()


@needs_portraits
def test_same_crop_gives_same_labels():
    outline, landmarks = points("magicface/00025")
    first = get_parser("grabcut").parse(read("magicface/00025"), outline=outline, landmarks=landmarks)
    cv2.setRNGSeed(99)
    again = get_parser("grabcut").parse(read("magicface/00025"), outline=outline, landmarks=landmarks)
    assert np.array_equal(first, again)


@pytest.mark.parametrize("size", [64, 256, 700])
def test_drawn_person_is_found_at_any_size(size):
    crop, outline, landmarks = drawn_face(size)
    before = crop.copy()
    labels = get_parser("grabcut").parse(crop, outline=outline, landmarks=landmarks)
    assert labels.shape == (size, size)
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, SKIN, NECK, CLOTH, HAIR}
    assert overlap(foreground(labels), (crop != (90, 140, 200)).any(-1)) > (0.9 if size == 64 else 0.95)
    assert np.array_equal(crop, before)


@pytest.mark.parametrize("shape", [(2000, 2), (2, 2000)])
def test_sliver_gives_labels(shape):
    _, outline, landmarks = drawn_face()
    labels = get_parser("grabcut").parse(np.zeros((*shape, 3), np.uint8), outline=outline, landmarks=landmarks)
    assert labels.shape == shape


def test_crop_need_not_be_square():
    crop, outline, landmarks = drawn_face()
    labels = get_parser("grabcut").parse(crop[:, 20:240], outline=outline - (20, 0), landmarks=landmarks - (20, 0))
    assert labels.shape == (256, 220)


@pytest.mark.parametrize("shift", [(-110, 0), (120, 20), (0, -150), (0, 150)])
def test_face_may_leave_the_crop(shift):
    crop, outline, landmarks = drawn_face(shift=shift)
    labels = get_parser("grabcut").parse(crop, outline=outline, landmarks=landmarks)
    assert labels.shape == (256, 256)
    assert foreground(labels).any()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_crop_of_one_colour_gives_labels(value):
    crop, outline, landmarks = drawn_face()
    labels = get_parser("grabcut").parse(np.full_like(crop, value), outline=outline, landmarks=landmarks)
    assert (labels[90:160, 100:156] == SKIN).all()


@pytest.mark.parametrize("size", [1, 2, 7, 16])
def test_tiny_crop_gives_labels(size):
    crop, outline, landmarks = drawn_face(size)
    assert get_parser("grabcut").parse(crop, outline=outline, landmarks=landmarks).shape == (size, size)


@pytest.mark.parametrize("times", [9, 1e3, 1e12])
def test_face_that_fills_the_crop_is_all_person(times):
    crop, outline, landmarks = drawn_face()
    outline, landmarks = (outline - 128) * times + 128, (landmarks - 128) * times + 128
    assert foreground(get_parser("grabcut").parse(crop, outline=outline, landmarks=landmarks)).all()


@pytest.mark.parametrize(
    "outline",
    [
        np.full((36, 2), 128.0),
        np.stack([np.linspace(50, 200, 36)] * 2, axis=1),
        np.zeros((0, 2)),
        np.array([[50.0, 50.0], [200.0, 200.0]]),
        drawn_face()[1] + 5000,
        drawn_face()[1] * 1e12,
    ],
)
def test_outline_without_area_gives_background_and_a_warning(outline, caplog):
    crop, _, landmarks = drawn_face()
    with caplog.at_level(logging.WARNING, logger="common.parsing"):
        labels = get_parser("grabcut").parse(crop, outline=outline, landmarks=landmarks)
    assert not labels.any()
    assert "outline" in caplog.text


def test_landmarks_that_fall_together_give_background():
    crop, outline, _ = drawn_face()
    assert not get_parser("grabcut").parse(crop, outline=outline, landmarks=np.full((68, 2), 128.0)).any()


def test_arguments_are_checked():
    parser = get_parser("grabcut")
    crop, outline, landmarks = drawn_face()
    with refused(ShapeError, name="crop"):
        parser.parse(crop[0], outline=outline, landmarks=landmarks)
    with refused(ShapeError, name="outline"):
        parser.parse(crop, outline=outline[0], landmarks=landmarks)
    with refused(ShapeError, name="landmarks"):
        parser.parse(crop, outline=outline, landmarks=landmarks[:17])
    with refused(InputError, "values"):
        parser.parse(crop, outline=outline * np.nan, landmarks=landmarks)
