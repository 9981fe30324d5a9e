"""Requests beyond the twelve action units: their spellings, limits and arithmetic, and who grants them."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from refusals import refused

from common.core.errors import ActionUnitError, InputError
from common.editing.request import check_granted
from common.face3d.heads.anny import default_head
from common.face3d.heads.head_units import HEAD_UNITS
from common.facs import landmark_motion
from common.facs.action_units import ACTION_UNITS, AUDelta, AUIntensity, to_vector
from common.facs.controls import ACTIONS, OTHER_UNITS
from common.facs.expressions import EXPRESSIONS


def test_controls_are_those_of_the_head():
    assert [*ACTION_UNITS, *OTHER_UNITS] == list(HEAD_UNITS)
    assert set(ACTIONS) == set(default_head().action_names)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("AU12L", "AU12L"),
        ("left 12", "AU12L"),
        ("au_46_right", "AU46R"),
        ("43", "AU43"),
        ("AU07", "AU7"),
        ("mouthPucker", "mouthPucker"),
        ("mouth_smile_left", "mouthSmileLeft"),
        ("Gaze-Yaw", "gaze_yaw"),
    ],
)
def test_spellings(written, name):
    assert AUDelta.parse({written: 0.5}).others == ((name, 0.5),)
    assert AUDelta.axis(written) == name


@pytest.mark.parametrize("request_", ["AU12L=3,AU43=5,mouthPucker=0.8,gaze_yaw=10,AU6=2", "contemptuous", "angry:0.5"])
def test_a_request_is_read_from_what_it_writes(request_):
    asked = AUDelta.parse(request_)
    assert asked.others
    assert AUDelta.parse(str(asked)) == asked
    assert AUDelta.parse(asked.to_json()) == asked
    assert AUDelta.parse(str(asked.known)) == asked.known
    assert asked.plus(asked.scaled(-1)).null
    assert asked.blend(AUDelta(), 1).null
    assert not asked.null


def test_gaze_is_a_value_of_its_own():
    assert AUDelta.parse({"gaze": "yaw=10,pitch=-5"}) == AUDelta.parse("gaze_yaw=10,gaze_pitch=-5")
    with pytest.raises(ActionUnitError):
        AUDelta.parse({"gaze": "left"})


@pytest.mark.parametrize(
    "asked",
    ["AU44=3", "AU12L=3,AU12L=2", "gaze_yaw=100", "mouthPucker=2", "mouthPucka=0.5", "AU12L=11", "AU12U=1"],
)
def test_what_does_not_exist_is_refused(asked):
    with pytest.raises(ActionUnitError):
        AUDelta.parse(asked)


def test_vectors_have_the_twelve_alone():
    with pytest.raises(ActionUnitError):
        to_vector("AU43=3")
    assert to_vector("angry") == to_vector(EXPRESSIONS["angry"].units)


def test_words_have_all_their_units():
    assert dict(AUDelta.parse("contemptuous").others) == EXPRESSIONS["contemptuous"].others


def test_intensities_of_actions_end_where_a_face_does():
    assert AUIntensity.parse("mouthPucker=1").others == (("mouthPucker", 1.0),)
    with pytest.raises(ActionUnitError):
        AUIntensity.parse("mouthPucker=-0.5")
    assert AUDelta.parse("mouthPucker=0.8").plus(AUDelta.parse("mouthPucker=0.8")).others == (("mouthPucker", 1.0),)


def test_motion_is_a_text_that_is_read_back():
    motion = np.random.default_rng(0).normal(0, 0.01, (478, 3))
    text = landmark_motion.encode(motion)
    np.testing.assert_allclose(landmark_motion.decode(text), motion, atol=0.6e-5)
    assert landmark_motion.encode(np.zeros((478, 3))) == ""
    half = AUDelta(motion=text).scaled(0.5)
    np.testing.assert_allclose(landmark_motion.decode(half.motion), motion / 2, atol=1.1e-5)
    assert AUDelta.parse(AUDelta(motion=text).to_json()) == AUDelta(motion=text)
    assert "motion" not in str(half)


@pytest.mark.parametrize("text", ["%", "AAAA", "eJwDAAAAAAE="])
def test_motion_that_is_none_is_refused(text):
    with pytest.raises(InputError):
        landmark_motion.decode(text)


def test_networks_say_what_they_leave_out(caplog):
    with refused(InputError, "unsupported", actual="AU43"):
        check_granted([AUDelta.parse("AU43=5")], warped=False)
    with caplog.at_level(logging.WARNING):
        check_granted([AUDelta.parse("AU12=3,AU43=5")], warped=False)
    assert "AU43" in caplog.text
    caplog.clear()
    check_granted([AUDelta.parse("AU43=5")], warped=True)
    check_granted([AUDelta.parse("AU12=3")], warped=False)
    assert not caplog.text
