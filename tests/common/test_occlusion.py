"""Hidden parts of a face are told by name and stay still; free faces get no word, and drawings are told from people."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from breadth import breadth

from common.core.errors import InputError
from common.editing.photo_checks import STRANGE
from common.faces import choose_face, get_detector
from common.occlusion import look
from magicface import MagicFace
from rigface import Pose, RigEdit, RigFace

COLOURS = {"blue": (150, 195, 225), "black": (22, 22, 24), "white": (235, 235, 232), "green": (60, 140, 110)}


def axes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    across = points[42:48].mean(0) - points[36:42].mean(0)
    return across, np.array([-across[1], across[0]])


def filled(photo: np.ndarray, polygon: np.ndarray, colour: Any) -> np.ndarray:
    mask = np.zeros(photo.shape[:2], np.float32)
    cv2.fillPoly(mask, [np.rint(polygon * 16).astype(np.int32)], 1.0, cv2.LINE_AA, shift=4)
    mask = cv2.GaussianBlur(mask, (0, 0), 1.0)[..., None]
    return np.rint(photo * (1 - mask) + np.asarray(colour, np.float32) * mask).astype(np.uint8)


def masked(photo: np.ndarray, points: np.ndarray, colour: Any) -> np.ndarray:
    return filled(photo, np.concatenate([[points[1], points[28], points[15]], points[14:1:-1]]), colour)


def shaded(photo: np.ndarray, points: np.ndarray, colour: Any = (20, 20, 25)) -> np.ndarray:
    x, y = axes(points)
    angle = np.linspace(0, 2 * np.pi, 40)[:, None]
    for eye in (points[36:42].mean(0), points[42:48].mean(0)):
        photo = filled(photo, eye + 0.38 * np.cos(angle) * x + (0.28 * np.sin(angle) + 0.05) * y, colour)
    return photo


def fingered(photo: np.ndarray, points: np.ndarray, eye: slice) -> np.ndarray:
    x, y = axes(points)
    skin = np.median(photo[np.rint(points[27:31, 1]).astype(int), np.rint(points[27:31, 0]).astype(int)], 0)
    centre = points[eye].mean(0)
    for place in (-0.3, -0.1, 0.1, 0.3):
        for wide, share in ((0.12, 0.75), (0.09, 1.0)):
            corners = [(place - wide, 1.0), (place - wide, -0.5), (place + wide, -0.5), (place + wide, 1.0)]
            photo = filled(photo, centre + np.array([a * x + b * y for a, b in corners]), share * skin)
    return photo


@pytest.fixture(scope="module")
def detector():
    return get_detector("mediapipe")


@pytest.fixture(scope="module")
def points(detector, astronaut):
    return choose_face(detector.find(astronaut)).landmarks


@pytest.fixture(scope="module")
def editor():
    return MagicFace.warping(size=128, detector="mediapipe", parser="embedded")


def hidden(detector, photo: np.ndarray) -> set[str]:
    return set(look(photo, choose_face(detector.find(photo))).hidden)


def told(editor, photo: np.ndarray) -> str:
    return "\n".join(editor.encode(photo).warnings)


def test_free_faces_get_no_word(detector, editor, astronaut):
    assert hidden(detector, astronaut) == set()
    assert editor.encode(astronaut, strict=True).warnings == ()
    for photo in (astronaut[:, ::-1], np.rint(0.4 * astronaut), np.repeat(astronaut.mean(2, keepdims=True), 3, 2)):
        assert hidden(detector, np.ascontiguousarray(photo, np.uint8)) == set()


def test_free_photos_get_no_word(detector, portraits):
    from PIL import Image

    paths = sorted((portraits.parent / "photos").glob("*.jpg"))
    assert paths
    for path in paths:
        photo = np.array(Image.open(path).convert("RGB"))
        found = look(photo, choose_face(detector.find(photo)))
        assert (found.hidden, found.beyond) == ((), {}), path.name


@pytest.mark.parametrize("colour", breadth(COLOURS))
def test_masks_hide_nose_and_mouth(detector, editor, astronaut, points, colour):
    photo = masked(astronaut, points, COLOURS[colour])
    assert hidden(detector, photo) - {"chin"} == {"nose", "mouth"}
    assert "the nose" in told(editor, photo)
    assert "the mouth" in told(editor, photo)
    with pytest.raises(InputError, match="the mouth"):
        editor.encode(photo, strict=True)


@pytest.mark.parametrize("colour", [(20, 20, 25), (70, 45, 30), (60, 80, 140)])
def test_dark_glasses_hide_both_eyes(detector, editor, astronaut, points, colour):
    photo = shaded(astronaut, points, colour)
    assert hidden(detector, photo) == {"right eye", "left eye"}
    assert "both eyes are hidden" in told(editor, photo)


@pytest.mark.parametrize(("eye", "name"), [(slice(36, 42), "right eye"), (slice(42, 48), "left eye")])
def test_hands_hide_the_eye_of_the_persons_side(detector, editor, astronaut, points, eye, name):
    photo = fingered(astronaut, points, eye)
    assert hidden(detector, photo) == {name}
    assert f"the person's {name} is hidden" in told(editor, photo)


def test_borders_hide_what_lies_beyond(detector, editor, astronaut, points):
    cut = np.ascontiguousarray(astronaut[: int(points[33, 1])])
    found = look(cut, choose_face(detector.find(cut)))
    assert set(found.beyond) == {"bottom"}
    assert {"mouth", "chin"} <= set(found.hidden)
    assert "beyond the photo's bottom border" in told(editor, cut)
    half = np.ascontiguousarray(astronaut[:, int(points[27, 0]) :])
    found = look(half, choose_face(detector.find(half)))
    assert set(found.beyond) == {"left"}
    assert found.half


def test_hidden_parts_stay_and_the_others_move(editor, astronaut, points):
    photo = masked(astronaut, points, COLOURS["blue"])
    subject = editor.encode(photo)
    free = np.asarray(editor.edit(subject, {"AU25": 4, "AU26": 3}, engine="warp", progress=False)).astype(int)
    lips = np.zeros(photo.shape[:2], np.uint8)
    cv2.fillConvexPoly(lips, cv2.convexHull(np.rint(points[48:60]).astype(np.int32)), 1)
    assert np.array_equal(free[lips > 0], photo[lips > 0])
    brows = np.asarray(editor.edit(subject, {"AU2": 4, "AU25": 4}, engine="warp", progress=False)).astype(int)
    changed = np.abs(brows - photo).max(2)
    top = int(points[17:27, 1].min()) - 8
    assert changed[top : int(points[36:48, 1].min())].max() > 20
    assert np.array_equal(brows[lips > 0], photo[lips > 0])
    plain = np.asarray(editor.edit(editor.encode(astronaut), {"AU25": 4}, engine="warp", progress=False)).astype(int)
    assert np.abs(plain - astronaut)[lips > 0].max() > 20, "lips that are seen move"


def test_eyes_behind_dark_glasses_stay(editor, astronaut, points):
    photo = shaded(astronaut, points)
    made = np.asarray(editor.edit(editor.encode(photo), {"AU5": 4, "AU12": 3}, engine="warp", progress=False))
    changed = np.abs(made.astype(int) - photo).max(2)
    for eye in (points[36:42], points[42:48]):
        x, y = np.rint(eye.mean(0)).astype(int)
        assert changed[y - 3 : y + 4, x - 6 : x + 7].max() == 0
    x, y = np.rint(points[54]).astype(int)
    assert changed[y - 6 : y + 7, x - 6 : x + 7].max() > 10


def test_a_mask_turns_along_and_stays_shut(astronaut, points):
    editor = RigFace.warping(size=128, detector="mediapipe", parser="embedded")
    subject = editor.encode(masked(astronaut, points, COLOURS["blue"]))
    turned, opened = (
        np.asarray(editor.edit(subject, request, engine="warp", progress=False)).astype(int)
        for request in (RigEdit(pose=Pose(yaw=12)), RigEdit(pose=Pose(yaw=12), expression={"AU25": 4, "AU26": 4}))
    )
    x, y = np.rint(points[48:68].mean(0)).astype(int)
    assert np.abs(turned - opened)[y - 8 : y + 9, x - 10 : x + 11].mean() < 4
    assert np.abs(turned - subject.photo).max() > 50


def test_masked_faces_are_found_upside_down_too(detector, astronaut, points):
    photo = np.ascontiguousarray(np.rot90(masked(astronaut, points, COLOURS["blue"]), 2))
    assert choose_face(detector.find(photo)).turns == 2
    assert hidden(detector, photo) - {"chin"} == {"nose", "mouth"}


def test_drawings_are_said_to_be_no_person(editor):
    photo = np.full((400, 400, 3), (200, 220, 235), np.uint8)
    grey, dark = (190, 190, 185), (140, 140, 137)
    cv2.ellipse(photo, (200, 200), (110, 135), 0, 0, 360, grey, -1, cv2.LINE_AA)
    for x in (155, 245):
        cv2.ellipse(photo, (x, 170), (24, 16), 0, 0, 360, (250, 250, 250), -1, cv2.LINE_AA)
        cv2.circle(photo, (x, 170), 12, (40, 30, 20), -1, cv2.LINE_AA)
    cv2.ellipse(photo, (200, 225), (16, 10), 0, 0, 360, dark, -1, cv2.LINE_AA)
    cv2.ellipse(photo, (200, 265), (45, 18), 0, 0, 180, (150, 50, 50), 5, cv2.LINE_AA)
    subject = editor.encode(photo)
    assert STRANGE in subject.warnings
    assert "hidden" not in " ".join(subject.warnings)
    assert editor.edit(subject, {"AU12": 3}, engine="warp", progress=False).size == (400, 400)


@pytest.mark.parametrize("share", [0.35, 0.6])
def test_a_mouth_that_the_border_cuts_is_named_and_lies_still(astronaut, share):
    """Half a mouth cannot be opened: nothing in it moves, and above it the face does."""
    face = get_detector("mediapipe").find(astronaut)[0]
    mouth = face.landmarks[48:68]
    top, bottom = mouth[:, 1].min(), mouth[:, 1].max()
    photo = np.ascontiguousarray(astronaut[: round(top + share * (bottom - top))])
    editor = MagicFace.warping(detector="mediapipe")
    subject = editor.encode(photo)
    assert any("border" in line and "the mouth" in line for line in subject.warnings)
    after = np.asarray(editor.edit(subject, "AU1=4,AU2=4,AU25=4,AU26=4"))
    x0, x1 = np.rint(mouth[:, 0].min()).astype(int), np.rint(mouth[:, 0].max()).astype(int)
    change = np.abs(after.astype(int) - photo)[round(top) + 2 :, x0:x1]
    assert change.mean() < 1  # the soft edge of what lies still; a mouth that opens changes by tens of levels
    assert (after[: round(top) - 30] != photo[: round(top) - 30]).any()
