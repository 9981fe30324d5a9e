"""Laws of eyes that move: lids cover irises, irises turn between them, and nothing else moves."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from common.faces import choose_face, get_detector
from common.facs.action_units import AUDelta
from common.warp.eyes import Eye
from common.warp.warp import Warp

GREEN = (20, 200, 40)
RIGHT, LEFT = 468, 473  # the middles of the person's irises


@pytest.fixture(scope="module")
def drawn(photo):
    """Her four times as large with green discs for irises, and where these are, the person's right one first."""
    large = cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    face = choose_face(get_detector("mediapipe").find(large))
    assert face.mesh is not None
    middles = face.mesh[[RIGHT, LEFT], :2]
    radius = np.linalg.norm(face.mesh[RIGHT + 1, :2] - middles[0])
    for x, y in np.rint(middles).astype(int).tolist():
        cv2.circle(large, (x, y), round(0.7 * radius), GREEN, cv2.FILLED, cv2.LINE_AA)
    return Warp.of(large, face), middles, float(radius)


def asked(warp: Warp, text: str) -> np.ndarray:
    return warp(warp.change(AUDelta.parse(text)))


def green(picture: np.ndarray, middle: np.ndarray, radius: float) -> np.ndarray:
    """The green pixels (N, 2) around an iris."""
    values = picture.astype(int)
    rows, columns = np.nonzero((values[..., 1] > 110) & (values[..., 1] > values[..., [0, 2]].max(2) + 50))
    places = np.stack([columns, rows], 1)
    return places[np.linalg.norm(places - middle, axis=1) < 3 * radius]


def test_no_change_leaves_the_photo(drawn):
    warp, _, _ = drawn
    assert np.array_equal(asked(warp, "AU43=0"), warp.photo)


def test_a_closed_lid_covers_the_iris(drawn):
    warp, middles, radius = drawn
    half, closed = asked(warp, "AU43=2"), asked(warp, "AU43=5")
    for middle in middles:
        seen = [len(green(each, middle, radius)) for each in (warp.photo, half, closed)]
        assert seen[0] > 100
        assert 0.1 * seen[0] < seen[1] < 0.95 * seen[0]
        assert seen[2] < 0.01 * seen[0]


@pytest.mark.parametrize(("unit", "closed"), [("AU46R", 0), ("AU46L", 1)])
def test_left_and_right_are_the_persons(drawn, unit, closed):
    warp, middles, radius = drawn
    after = asked(warp, f"{unit}=5")
    left = [len(green(after, middle, radius)) / len(green(warp.photo, middle, radius)) for middle in middles]
    assert left[closed] < 0.01
    assert left[1 - closed] > 0.9


@pytest.mark.parametrize(("name", "axis", "sign"), [("gaze_yaw", 0, 1), ("gaze_pitch", 1, -1)])
def test_irises_move_in_proportion_to_the_look(drawn, name, axis, sign):
    warp, middles, radius = drawn
    for middle in middles:
        before = green(warp.photo, middle, radius).mean(0)
        steps = [green(asked(warp, f"{name}={angle}"), middle, radius).mean(0) - before for angle in (4, 8, -8)]
        along = [float(sign * step[axis]) for step in steps]
        assert along[0] > 0.05 * radius
        assert along[1] == pytest.approx(2 * along[0], rel=0.3)
        assert along[2] == pytest.approx(-along[1], rel=0.4)


def test_a_catch_light_moves_less_than_its_iris(drawn):
    warp, middles, radius = drawn
    lit = warp.photo.copy()
    spots = np.rint(middles).astype(int)
    for x, y in spots.tolist():
        cv2.circle(lit, (x, y), round(0.15 * radius), (255, 255, 255), cv2.FILLED, cv2.LINE_AA)
    shining = Warp.of(lit, choose_face(get_detector("mediapipe").find(lit)))
    after = asked(shining, "gaze_yaw=8")
    for middle, (x, y) in zip(middles, spots.tolist()):
        part = after[y - 30 : y + 30, x - 40 : x + 40].min(2) > 200
        near = np.stack(np.nonzero(part)[::-1], 1) - (40, 30)
        near = near[np.linalg.norm(near, axis=1) < 0.5 * radius]
        iris = green(after, middle, radius).mean(0)[0] - green(lit, middle, radius).mean(0)[0]
        assert 0 <= near[:, 0].mean() < 0.85 * iris


def test_only_the_surroundings_of_eyes_close(drawn):
    warp, middles, radius = drawn
    differs = (asked(warp, "AU43=5") != warp.photo).any(2)
    far = round(7 * radius)
    lips = warp.crop.to_photo(np.concatenate(warp.seen.lips.edges()))  # these have laws of their own
    (x0, y0), (x1, y1) = np.floor(lips.min(0) - 10).astype(int), np.ceil(lips.max(0) + 10).astype(int)
    differs[y0:y1, x0:x1] = False
    for x, y in np.rint(middles).astype(int).tolist():
        assert differs[y - far : y + far, x - far : x + far].any()
        differs[y - far : y + far, x - far : x + far] = False
    assert not differs.any()


def test_a_widened_eye_shows_white_above_an_iris_that_stays(drawn):
    warp, middles, radius = drawn
    after = asked(warp, "AU5=4")
    for middle in middles:
        old, new = (green(each, middle, radius) for each in (warp.photo, after))
        assert np.abs(new.mean(0) - old.mean(0)).max() < 0.15 * radius
        assert 0.9 < len(new) / len(old) < 1.3
        x, y = np.rint(middle).astype(int).tolist()
        above = np.s_[y - round(1.6 * radius) : y - round(0.8 * radius), x - 3 : x + 4]
        white = [
            int(((each[above].min(2) > 120) & (np.ptp(each[above], 2) < 30)).sum()) for each in (warp.photo, after)
        ]
        assert white[1] > white[0] + 10


def test_an_eye_that_is_too_small_is_left_alone(warp):
    points = np.zeros((478, 2))
    assert Eye.of(warp.window, points, 0) is None


def test_faces_without_irises_have_no_eyes_of_their_own(photo, face):
    bare = Warp.of(photo, replace(face, mesh=None))
    assert bare.seen.eyes == ()
    assert asked(bare, "AU43=4").shape == photo.shape
