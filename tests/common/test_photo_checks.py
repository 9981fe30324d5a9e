"""What is doubtful about a photo is told, and nothing of a good one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image
from refusals import refused

from common.core.errors import InputError
from common.editing.photo_checks import (
    STRANGE,
    UNSURE,
    black_borders,
    close_up_score,
    heed,
    photo_warnings,
    sharpness,
    turn,
)
from common.faces import get_detector
from common.synthetic.data.draw import draw_scene
from common.synthetic.render import picture


def told(pixels: np.ndarray, which: int = 0, chosen: bool = False) -> list[str]:
    detector = get_detector("mediapipe")
    faces = sorted(detector.find(pixels), key=lambda face: -face.area)
    return photo_warnings(pixels, faces, faces[which], detector, chosen)


@pytest.fixture(scope="module")
def face(astronaut):
    return get_detector("mediapipe").find(astronaut)[0]


def test_a_good_photo_gets_no_word(astronaut):
    assert told(astronaut) == []


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_black_borders_are_measured(astronaut, side):
    before = (side == "top", side == "left"), (side == "bottom", side == "right")
    around = [(30 * int(first), 30 * int(last)) for first, last in zip(*before)]
    framed = np.pad(astronaut[20:-20, 20:-20], [*around, (0, 0)])
    assert black_borders(framed) == {side: 30}
    assert any(f"{side} 30 px" in line for line in told(framed))


def test_dark_pictures_have_no_borders(astronaut):
    assert black_borders(np.zeros((40, 40, 3), np.uint8)) == {}
    ramp = np.repeat(np.linspace(0, 255, 80).astype(np.uint8)[:, None], 80, 1)
    assert black_borders(np.dstack([ramp] * 3)) == {}
    assert black_borders(astronaut) == {}


def test_small_and_large_faces_are_told(astronaut, face):
    small = cv2.resize(astronaut, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    assert any("pixels wide" in line for line in told(small))
    x0, y0, x1, y1 = face.box.astype(int)
    close = astronaut[y0 - 12 : y1 + 12, x0 - 12 : x1 + 12]
    assert any("fills the picture" in line for line in told(cv2.resize(close, None, fx=3, fy=3)))


def test_several_faces_are_told_unless_one_was_chosen(astronaut):
    both = np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)
    assert any("2 faces" in line for line in told(both))
    assert not any("faces" in line for line in told(both, chosen=True))
    small = cv2.resize(astronaut, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    beside = np.concatenate([astronaut, np.pad(small, [(0, 512 - len(small)), (0, 0), (0, 0)], mode="edge")], axis=1)
    assert not any("faces" in line for line in told(beside)), "somebody in the distance is no doubt"


def test_blur_is_told_whatever_the_contrast(astronaut, face):
    wide = float(face.box[2] - face.box[0])
    blurs = [cv2.GaussianBlur(astronaut, (0, 0), share * wide) for share in (0.005, 0.01, 0.02)]
    values = [sharpness(each, face) for each in (astronaut, *blurs)]
    assert values == sorted(values, reverse=True)
    assert any("blurred" in line for line in told(blurs[-1]))
    pale = (128 + 0.4 * (astronaut.astype(np.float32) - 128)).astype(np.uint8)
    assert sharpness(pale, face) == pytest.approx(values[0], abs=0.05)


def test_profiles_are_told():
    from dataclasses import replace

    turns = []
    for yaw in (-45.0, 0.0, 45.0):
        pixels = np.asarray(picture.make(replace(draw_scene(301, 1), angles=(yaw, 0.0, 0.0)), 192).image)
        turns.append(turn(get_detector("mediapipe").find(pixels)[0]))
        assert any("from the side" in line for line in told(pixels)) == bool(yaw)
    assert turns[0] < -0.5 < turns[1] < 0.5 < turns[2]


def test_something_before_the_mouth_is_told(astronaut, face):
    hidden = astronaut.copy()
    (x, y), reach = face.landmarks[48:68].mean(0).astype(int), round(0.3 * float(face.box[2] - face.box[0]))
    cv2.rectangle(hidden, (int(x) - reach, int(y) - reach), (int(x) + reach, int(y) + reach), (90, 100, 110), -1)
    found = get_detector("mediapipe").find(hidden)[0]
    assert found.score < face.score - 0.05
    assert any(
        "the mouth" in line and "hidden" in line
        for line in photo_warnings(hidden, [found], found, get_detector("mediapipe"))
    )


def test_doubts_are_errors_where_it_is_strict(caplog):
    heed(["the face is blurred: take a sharper photo"], strict=False)
    assert "blurred" in caplog.text
    heed([], strict=True)
    with refused(InputError, "warning"):
        heed(["the face is blurred: take a sharper photo"], strict=True)


def test_editors_heed(editor, astronaut):
    framed = np.pad(astronaut, [(0, 0), (40, 40), (0, 0)])
    assert any("black borders" in line for line in editor.encode(framed).warnings)
    with refused(InputError, "warning"):
        editor.encode(Image.fromarray(framed), strict=True)
    assert editor.encode(astronaut, strict=True).warnings == ()


def test_a_face_that_is_small_in_a_large_photo_is_a_human_face(astronaut):
    """The detector doubts faces that are small in its input; a second look at the close-up does not."""
    photo = np.full((4000, 6000, 3), 120, np.uint8)
    photo[1500:2012, 2500:3012] = astronaut
    detector = get_detector("mediapipe")
    (face,) = detector.find(photo)
    assert face.score < UNSURE["mediapipe"] < close_up_score(photo, face, detector)
    assert STRANGE not in photo_warnings(photo, [face], face, detector)
