"""Faces in photos that are turned by quarters are found, edited in place, and said to be turned once."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from breadth import breadth

from common.faces import Crop, choose_face, get_detector
from common.faces.affine import quarter_turn, quarters_of, transform
from common.faces.mediapipe import MediaPipeDetector
from common.faces.upright import UprightDetector
from common.measure.estimators import HeadFit
from common.measure.regressor import Regressor
from magicface import MagicFace
from magicface.videos.choose import Settings, screen
from microexpression.clips import cut_face
from rigface import Light, Pose, RigEdit, RigFace

TURNS = (1, 2, 3)


def turned(pixels: np.ndarray, turns: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(pixels, turns))


class Counting:
    """A detector that counts how often it is asked."""

    name = "mediapipe"

    def __init__(self):
        self.plain, self.asked = MediaPipeDetector(), 0

    def find(self, image):
        self.asked += 1
        return self.plain.find(image)


@pytest.fixture(scope="module")
def detector():
    return get_detector("mediapipe")


@pytest.fixture(scope="module")
def face(detector, astronaut):
    return choose_face(detector.find(astronaut))


@pytest.mark.parametrize("turns", [-1, 0, 1, 2, 3])
def test_a_quarter_turn_is_numpys(turns):
    picture = np.arange(12).reshape(3, 4)
    matrix = quarter_turn(turns, (4, 3))
    after = np.rot90(picture, turns)
    for y, x in np.ndindex(picture.shape):
        column, row = transform(np.array([x, y], float), matrix).astype(int)
        assert after[row, column] == picture[y, x]
    assert quarters_of(3.3 * matrix) == turns % 4


@pytest.mark.parametrize("turns", TURNS)
def test_turned_portraits_are_found_upright(detector, astronaut, face, turns):
    found = choose_face(detector.find(turned(astronaut, turns)))
    assert found.turns == -turns % 4
    there = face.mapped(quarter_turn(turns, (512, 512)))
    assert there.turns == found.turns
    width = float(face.box[2] - face.box[0])
    assert np.linalg.norm(found.landmarks - there.landmarks, axis=1).mean() < 0.02 * width
    crop = Crop.around(found.box, (512, 512), 128, turns=found.turns)
    assert abs(found.mapped(crop.matrix).roll - face.roll) < 2
    assert found.mapped(crop.matrix).turns == 0
    upright = Crop.around(there.box, (512, 512), 128, turns=there.turns).apply(turned(astronaut, turns))
    assert np.abs(upright.astype(int) - Crop.around(face.box, (512, 512), 128).apply(astronaut)).mean() < 0.5


@pytest.mark.parametrize("angle", [-45, -30, 30, 45])
def test_tilted_heads_stay_as_they_are(detector, astronaut, angle):
    matrix = cv2.getRotationMatrix2D((225, 120), angle, 1)
    tilted = cv2.warpAffine(astronaut, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    (found,), (plain,) = detector.find(tilted), MediaPipeDetector().find(tilted)
    assert found.turns == 0
    assert abs(found.roll + angle) < 8
    assert np.array_equal(found.landmarks, plain.landmarks)


def test_only_doubtful_photos_are_searched_again(astronaut):
    counting = Counting()
    upright = UprightDetector(counting)
    upright.find(astronaut)
    assert counting.asked == 1
    assert upright.find(np.full((300, 300, 3), 90, np.uint8)) == []
    assert counting.asked == 5
    assert upright.name == "mediapipe"


def test_upright_people_win(detector, astronaut):
    small = cv2.resize(astronaut, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    small = np.pad(small, [(0, 512 - len(small)), (0, 0), (0, 0)], mode="edge")
    both = np.concatenate([small, turned(astronaut, 2)], 1)
    assert choose_face(detector.find(both)).turns == 0


def test_mistakes_are_no_turned_faces(detector):
    from skimage import data

    assert detector.find(data.coffee()) == []
    assert all(face.turns == 0 for face in detector.find(data.chelsea()))


@pytest.mark.parametrize(
    ("package", "turns"), breadth([("magicface", 1), ("magicface", 2), ("rigface", 3), ("fineface", 2)])
)
def test_edits_stay_in_place(astronaut, text_editor, package, turns, caplog):
    around: dict[str, Any] = {"size": 128, "detector": "mediapipe", "parser": "embedded"}
    editor, request, way = {
        "magicface": (MagicFace.warping(**around), {"AU12": 3, "AU25": 3}, {"engine": "warp"}),
        "rigface": (RigFace.warping(**around), RigEdit(Light(azimuth=-60), Pose(yaw=12)), {"engine": "warp"}),
        "fineface": (text_editor, {"AU12": 4}, {"start": "warp", "strength": 0}),
    }[package]
    straight, alone = (
        np.asarray(editor.edit(editor.encode(astronaut), request, **way, paste_back=paste_back, progress=False)).astype(
            int
        )
        for paste_back in (True, False)
    )
    caplog.clear()
    with caplog.at_level(logging.INFO):
        subject = editor.encode(turned(astronaut, turns))
        made = np.asarray(editor.edit(subject, request, **way, progress=False))
    assert sum("upright" in record.message for record in caplog.records) == 1
    assert subject.warnings == ()
    assert np.abs(turned(made, -turns) - straight).mean() < 0.05 * np.abs(straight - astronaut).mean()
    crop = np.asarray(editor.edit(subject, request, **way, paste_back=False, progress=False))
    assert np.abs(crop - alone).mean() < 2


@pytest.mark.parametrize("turns", breadth(TURNS))
def test_measures_are_the_same(detector, astronaut, turns):
    for estimator in (HeadFit(detector), Regressor(detector)):
        straight, found = estimator(astronaut), estimator(turned(astronaut, turns))
        np.testing.assert_allclose(found.units, straight.units, atol=0.3)
        np.testing.assert_allclose(found.angles[:2], straight.angles[:2], atol=3)
        assert abs((found.angles[2] - straight.angles[2] - 90 * turns + 180) % 360 - 180) < 3
        assert found.light is not None
        assert straight.light is not None
        np.testing.assert_allclose(found.light[0], straight.light[0], atol=0.05)
        # The light that came from the photo's right now comes from where the photo's right has gone.
        right, up = straight.light[1].mean(), straight.light[2].mean()
        for _ in range(turns):
            right, up = -up, right
        np.testing.assert_allclose([found.light[1].mean(), found.light[2].mean()], [right, up], atol=0.05)


def test_clips_are_cut_upright(detector, astronaut, caplog):
    straight = cut_face(astronaut[None], detector)
    for turns in TURNS:
        found = cut_face(turned(astronaut, turns)[None], detector, "the clip")
        assert abs(len(found[0]) - len(straight[0])) <= 2
        side = min(len(found[0]), len(straight[0])) - 4
        difference = np.abs(found[0, :side, :side].astype(int) - straight[0, :side, :side]).mean()
        assert difference < 12
    assert caplog.text.count("the face of the clip is found") == 3


def test_films_are_cut_upright(detector, astronaut, caplog):
    film = turned(astronaut, 1)
    screened = screen([(number, film) for number in range(3)], detector, replace(Settings(), min_face=40, size=128))
    assert len(screened.faces) == 3
    assert screened.crop is not None
    assert abs(choose_face(detector.find(screened.crop.apply(film))).roll) < 10
    assert caplog.text.count("is found") == 1
