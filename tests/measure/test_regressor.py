"""Laws of the regressor, on synthetic faces whose truth is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from safetensors import safe_open

from common.core.errors import FaceNotFoundError, InputError, ShapeError
from common.face3d.heads.au_scale import from_scale
from common.face3d.heads.head_units import AU_SCALE
from common.faces import choose_face, get_detector
from common.faces.affine import transform
from common.facs.action_units import ACTION_UNITS
from common.measure import get_estimator, measure
from common.measure.compare import light_turn
from common.measure.regressor import SIDE, WEIGHTS, Network, Regressor, level, square, turn_of
from common.synthetic.data.dataset import SyntheticFaces

ROLES = ("source", "target")
PAIRS = 12
UNIT_ERROR, CHANGE, DEGREES, TURN = 0.45, 0.75, (4, 4, 2), 25


@pytest.fixture(scope="module")
def regressor():
    return get_estimator("regressor")


@pytest.fixture(scope="module")
def pairs():
    faces = SyntheticFaces(PAIRS, size=128, seed=2, pairs="expression", people=PAIRS)
    return [faces[index] for index in range(PAIRS)]


@pytest.fixture(scope="module")
def photos(pairs):
    pictures = [pair[role]["image"].permute(1, 2, 0).numpy() for pair in pairs for role in ROLES]
    return [np.rint(picture * 255).astype(np.uint8) for picture in pictures]


@pytest.fixture(scope="module")
def faces(photos):
    detector = get_detector("mediapipe")
    return [choose_face(detector.find(photo)) for photo in photos]


@pytest.fixture(scope="module")
def found(regressor, photos, faces):
    return regressor.many(photos, faces=faces)


def known(pairs, name):
    return np.array([pair[role][name].numpy() for pair in pairs for role in ROLES])


def test_the_file_is_small():
    assert WEIGHTS.stat().st_size <= 5e6
    with safe_open(WEIGHTS, "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} <= {torch.float16, torch.int64}  # noqa: SIM118
    assert 0.5e6 < sum(p.numel() for p in Network().parameters()) < 2.5e6


def test_units_are_near_the_truth(pairs, found):
    truth, units = known(pairs, "units"), np.array([one.units for one in found])
    assert np.abs(units - truth).mean() < UNIT_ERROR
    changes, seen = (np.subtract(values[1::2], values[::2]).ravel() for values in (truth, units))
    assert np.corrcoef(changes, seen)[0, 1] > CHANGE


def test_the_change_of_a_pair_is_nearer(regressor, pairs, photos, faces, found):
    """Seen together, two pictures show by how much every unit differs, faint ones too."""
    units = known(pairs, "units")
    truth = units[1::2] - units[::2]
    apart = np.subtract([one.units for one in found[1::2]], [one.units for one in found[::2]])
    changes = np.array([change(regressor, photos, faces, first) for first in range(0, len(photos), 2)])
    assert np.corrcoef(changes.ravel(), truth.ravel())[0, 1] > 0.9
    share = 0.8 if regressor._scale == AU_SCALE else 1.0  # a converted network ends before the head does
    assert np.abs(changes - truth).mean() < share * np.abs(apart - truth).mean()


def test_nothing_changed_is_zero_and_backwards_the_opposite(regressor, photos, faces):
    assert not change(regressor, photos, faces, 0, 0).any()
    there, back = (regressor.change(photos[one], [photos[other]], faces[0])[0] for one, other in ((0, 1), (1, 0)))
    assert np.abs(there).max() > 0.5
    assert there == pytest.approx(-back, abs=1e-4)
    several = regressor.change(photos[0], [photos[0], photos[1]], faces[0])
    assert several.shape == (2, 12)
    assert several[1] == pytest.approx(there, abs=1e-4)
    with pytest.raises(ShapeError, match="after"):
        regressor.change(photos[0], [photos[1][:64]], faces[0])


def test_a_report_shows_the_change_of_a_head_that_has_not_moved(regressor, photos, faces, found):
    still = measure(photos[0], photos[1], estimator=regressor)
    expected = regressor.change(photos[0], [photos[1]], regressor(photos[0]).face)[0]
    assert still.units_after - still.units_before == pytest.approx(expected, abs=1e-3)
    turned = cv2.warpAffine(photos[1], cv2.getRotationMatrix2D((63.5, 63.5), 15, 1), (128, 128))
    moved = measure(photos[0], turned, estimator=regressor)
    assert moved.units_after == pytest.approx(regressor(turned).units, abs=1e-3)


@pytest.mark.parametrize("motion", [[[1, 0, 0], [0, 1, 1]], [[1, 0, 0], [0, 1, 3]], [[1.03, 0, -2], [0, 1.03, -2]]])
def test_a_picture_that_was_moved_is_read_alone(regressor, photos, motion):
    """Even by a pixel: seen upon each other, the two would show a change that there is not."""
    elsewhere = cv2.warpAffine(photos[0], np.float32(motion), (128, 128), borderMode=cv2.BORDER_REPLICATE)
    report = measure(photos[0], elsewhere, estimator=regressor)
    assert report.units_after == pytest.approx(regressor(elsewhere).units, abs=1e-3)


def change(regressor, photos, faces, first, second=None):
    return regressor.change(photos[first], [photos[first + 1 if second is None else second]], faces[first])[0]


def test_pose_is_near_the_truth(pairs, found):
    error = np.abs(known(pairs, "angles") - [one.angles for one in found]).mean(0)
    assert (error < DEGREES).all()


def test_light_comes_from_where_it_came(pairs, found):
    turns = [light_turn(truth, one.light) for truth, one in zip(known(pairs, "light"), found)]
    assert np.median([turn for turn in turns if turn is not None]) < TURN


def test_many_are_as_one_by_one_in_any_order(regressor, photos, faces, found):
    backwards = regressor.many(photos[::-1], faces=faces[::-1])[::-1]
    for one, other in zip(found, backwards):
        assert np.allclose(one.units, other.units, atol=1e-3)
    alone = regressor(photos[3])
    assert np.allclose(alone.units, found[3].units, atol=1e-3)
    assert np.allclose(alone.light, found[3].light, atol=1e-3)
    assert regressor.many([]) == []


def test_pictures_of_any_sizes_go_together(regressor, photos, found):
    large = cv2.resize(photos[0], (384, 384), interpolation=cv2.INTER_CUBIC)
    mixed = regressor.many([large, photos[1]])
    assert np.allclose(mixed[1].units, found[1].units, atol=1e-3)
    assert np.abs(mixed[0].units - found[0].units).mean() < 0.4


def test_a_picture_turned_in_its_plane_turns_roll_and_light(regressor, photos, faces, found):
    matrix = cv2.getRotationMatrix2D((63.5, 63.5), 20, 1)  # anticlockwise as seen
    turned = cv2.warpAffine(photos[0], matrix, (128, 128), borderMode=cv2.BORDER_REPLICATE)
    after = regressor.many([turned], faces=[faces[0].mapped(matrix)])[0]
    assert after.angles - found[0].angles == pytest.approx([0, 0, 20], abs=1.5)
    assert np.abs(after.units - found[0].units).max() < 0.5
    x, y = found[0].light[1:3].mean(1)
    turn = np.radians(20)
    expected = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    assert after.light[1:3].mean(1) == pytest.approx(expected, abs=0.1)


def test_a_mirrored_picture_has_the_same_units(regressor, photos, found):
    mirrored = regressor.many([photo[:, ::-1] for photo in photos])
    units = np.array([[one.units, other.units] for one, other in zip(found, mirrored)])
    assert np.abs(units[:, 0] - units[:, 1]).mean() < 0.3
    yaws = np.array([[one.angles[0], -other.angles[0]] for one, other in zip(found, mirrored)])
    assert np.abs(yaws[:, 0] - yaws[:, 1]).mean() < 2.5


def test_the_square_follows_the_face():
    rng = np.random.default_rng(0)
    landmarks = rng.normal(0, 10, (68, 2)) + 64
    landmarks[36:42] += (-30, 0)
    landmarks[42:48] += (30, 0)
    plain = level(landmarks)
    moved = np.column_stack([3 * cv2.getRotationMatrix2D((0, 0), 25, 1)[:, :2], (17, -5)])
    again = level(transform(landmarks, moved))
    assert transform(landmarks, plain) == pytest.approx(transform(transform(landmarks, moved), again), abs=1e-6)
    assert turn_of(again) - turn_of(plain) == pytest.approx(25)
    eyes = transform(np.stack([landmarks[36:42].mean(0), landmarks[42:48].mean(0)]), plain)
    assert eyes[0, 1] == pytest.approx(eyes[1, 1])
    with pytest.raises(ShapeError, match="landmarks"):
        level(landmarks[:5])


def test_the_square_shows_the_photo():
    ramp = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 200, 0).repeat(3, 2)
    matrix = np.array([[1.0, 0, -20], [0, 1, -30]])
    shown = square(ramp, matrix)
    assert shown.shape == (SIDE, SIDE, 3)
    assert np.abs(shown[5, :, 0].astype(int) - np.arange(20, 20 + SIDE)).max() <= 1


def test_what_cannot_be_measured_is_refused(regressor, photos, faces):
    with pytest.raises(FaceNotFoundError):
        regressor(np.full((128, 128, 3), 90, np.uint8))
    with pytest.raises(InputError, match="one face for each"):
        regressor.many(photos[:2], faces=faces[:1])


def test_every_unit_is_answered(found):
    assert found[0].units.shape == (len(ACTION_UNITS),)
    assert found[0].face is not None


def test_readings_are_on_the_heads_scale(found, photos, faces):
    plain = Regressor()
    assert plain._scale < AU_SCALE, "the network was trained before; this test ends with the next one"
    scale, plain._scale = plain._scale, AU_SCALE
    raw = plain.many(photos[:2], faces=faces[:2])
    for one, other in zip(found, raw):
        assert np.allclose(one.units, from_scale(torch.from_numpy(other.units), scale).numpy(), atol=1e-5)
