"""Readings of real faces: blendshapes as MediaPipe's runtime gives them, action units with sides, reasons and N/A."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from runs import ROOT

from common.core.errors import InputError
from common.faces import choose_face, get_detector
from common.faces.blendshapes import NAMES
from common.faces.pose import HeadPose, head_pose, straightened
from common.measure import get_estimator, read_blendshapes, read_units
from common.measure.blendshapes import blendshapes_of
from common.measure.readings import au_maps, calmest, units_of

FILM = ROOT.parent / "shared" / "film" / "pairs"
REFERENCE = json.loads(Path(__file__).with_name("mediapipe_reference.json").read_text())


@pytest.fixture(scope="module")
def face(astronaut):
    return choose_face(get_detector("mediapipe").find(astronaut))


def turned(face, yaw: float):
    """The same face turned by its points."""
    pose = head_pose(face.mesh)
    ahead = straightened(face.mesh, pose)
    return replace(face, mesh=straightened(ahead, HeadPose(-yaw, 0.0, 0.0)))


@pytest.mark.parametrize("name", list(REFERENCE))
def test_scores_are_those_of_mediapipes_runtime(name):
    """Numbers of MediaPipe 1.2.3's own Face Landmarker on two frames of film."""
    if not (FILM / name).is_file():
        pytest.skip(f"the film's frames are not beside the checkout ({FILM})")
    reading = read_blendshapes(FILM / name)
    apart = np.abs(reading.vector() - REFERENCE[name]["scores"])
    assert np.median(apart) < 0.02
    assert np.percentile(apart, 95) < 0.05
    known = REFERENCE[name]["points"]
    points = reading.face.mesh[[int(row) for row in known], :2]
    eyes = np.linalg.norm(points[1] - points[4])
    assert np.linalg.norm(points - np.array(list(known.values())), axis=1).max() < 0.03 * eyes


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_photos_that_are_turned_read_the_same(astronaut, face, turns):
    reading = read_blendshapes(np.ascontiguousarray(np.rot90(astronaut, turns)))
    assert reading.reason is None
    assert np.abs(reading.vector() - blendshapes_of(face).vector()).max() < 0.1
    assert abs((reading.pose.roll - head_pose(face.mesh).roll - 90 * turns + 180) % 360 - 180) < 3


def test_a_smile_has_sides_and_faint_units_are_hardly_believed(astronaut):
    reading = read_units(astronaut)
    assert reading.reason is None
    assert reading.reliable
    smile = reading["AU12"]
    assert min(smile.left, smile.right) > 2
    assert smile.both == pytest.approx((smile.left + smile.right) / 2)
    assert smile.reliability > reading["AU15"].reliability
    for name in ("AU6", "AU9"):  # scores are blind to them, and the network alone reads them
        assert reading[name].both is not None
        assert reading[name].reliability < 0.5
    assert len(reading) == 24
    json.dumps(reading.to_json(), allow_nan=False)
    with pytest.raises(InputError, match="AU99"):
        reading["AU99"]


def test_against_itself_nothing_changes(astronaut, face):
    reading = read_units(astronaut, against=astronaut)
    assert reading.relative
    assert all(unit.both == pytest.approx(0, abs=1e-5) for unit in reading.values())
    change = units_of(turned(face, 15), against=face)
    assert all(abs(unit.both) < 0.5 for unit in change.values() if unit.both is not None)


def test_far_sides_and_profiles_are_not_read(face):
    half = units_of(turned(face, 45))
    assert half["AU12"].left is None
    assert half["AU12"].right is not None
    assert "left side is turned away" in half["AU12"].reason
    assert half["AU12"].reliability < units_of(face)["AU12"].reliability
    assert units_of(turned(face, -45))["AU12"].right is None
    profile = units_of(turned(face, 70))
    assert "turned aside by 70 degrees" in profile.reason
    assert not profile.reliable
    assert all(unit.both is None and unit.reason for unit in profile.values())
    assert profile.gaze is None
    assert np.isnan(blendshapes_of(turned(face, 70)).vector()).all()


def test_faces_without_irises_or_mesh_are_not_read(face):
    assert "not sure" in units_of(replace(face, mesh=face.mesh[:468])).reason
    assert "gives no mesh" in units_of(replace(face, mesh=None)).reason


def test_the_calmest_face_is_found(face):
    assert calmest([turned(face, 70), face]) is face


def test_maps_are_monotone():
    for name, entry in au_maps().items():
        assert bool(entry["terms"]) == (entry["points"] < 1), name
        assert 0 < entry["points"] <= 1
        assert 0 <= entry["reliability"] <= 1
        for term in entry["terms"]:
            knots = np.array(term["knots"])
            assert (np.diff(knots, axis=0) > 0).all()
            assert all(score in NAMES or f"{score}Left" in NAMES for score in term["scores"])


def test_the_estimator_measures_as_the_others(astronaut):
    measured = get_estimator("landmarker")(astronaut)
    assert measured.units.shape == (12,)
    assert measured.units[6] > 2
    assert measured.face is not None
