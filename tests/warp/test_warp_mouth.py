"""Laws of mouths that move: teeth stay one piece, lips have one edge, nothing is smeared."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from common.face3d.camera import rotation_matrix
from common.faces import choose_face, get_detector
from common.facs.action_units import ACTION_UNITS
from common.warp.delta import Change, both_sides
from common.warp.lips import Lips, least_path, shows
from common.warp.rotation import _front
from common.warp.warp import Warp

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

LIPS, TEETH, DARK = (190, 90, 90), (245, 245, 245), (40, 12, 12)
WHITE = 215  # of blue: more than any skin of hers has


def moved(warp: Warp, turn: tuple[float, float, float] = (0, 0, 0), **units: float) -> np.ndarray:
    values = torch.tensor([float(units.get(name, 0)) for name in ACTION_UNITS])
    turned = rotation_matrix(torch.deg2rad(torch.tensor([turn], dtype=torch.float32)))[0] if any(turn) else torch.eye(3)
    return warp(Change(both_sides(values), turned, warp.light, warp.light))


def open_mouth(photo: np.ndarray, face, gap: bool) -> tuple[np.ndarray, np.ndarray]:
    """Her with a drawn mouth: flat lips, a flat row of teeth, and a gap under it or none; and its edges (2, N, 2)."""
    picture = photo.copy()
    left, right = face.landmarks[[60, 64]]
    width = float(np.linalg.norm(right - left))
    x = np.linspace(left[0], right[0], 41)
    middle = (
        np.interp(x, face.landmarks[60:65, 0], face.landmarks[60:65, 1])
        + np.interp(x, face.landmarks[[60, 67, 66, 65, 64], 0], face.landmarks[[60, 67, 66, 65, 64], 1])
    ) / 2
    half = 0.1 * width * (1 - np.linspace(-1, 1, 41) ** 2)
    edges = np.stack([np.stack([x, middle + sign * half], 1) for sign in (-1, 1)])

    def fill(outline: np.ndarray, colour: tuple[int, int, int]) -> None:
        cv2.fillPoly(picture, [np.rint(outline * 16).astype(np.int32)], colour, cv2.LINE_AA, shift=4)

    outer = face.landmarks[48:60]
    fill(outer.mean(0) + 1.15 * (outer - outer.mean(0)), LIPS)
    fill(np.concatenate([edges[0], edges[1][::-1]]), TEETH)
    if gap:
        level = np.stack([x, middle + 0.2 * half], 1)
        fill(np.concatenate([level, edges[1][::-1]]), DARK)
    return cv2.GaussianBlur(picture, (0, 0), 0.7), edges


@pytest.fixture(scope="module")
def drawn(photo):
    """Her four times as large with drawn teeth from lip to lip, and the warp of it."""
    large = cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    face = choose_face(get_detector("mediapipe").find(large))
    picture, edges = open_mouth(large, face, gap=False)
    return Warp.of(picture, face), edges


@pytest.mark.parametrize("units", [{"AU6": 3, "AU12": 4, "AU25": 2}, {"AU12": 5}, {"AU20": 5}, {"AU15": 5}])
def test_a_moved_mouth_has_one_edge_of_each_lip_and_no_line_through_its_teeth(drawn, units):
    """Teeth of one colour stay of one colour: from lip to lip there is one way in and one way out."""
    warp, edges = drawn
    after = moved(warp, **units).astype(float)
    middle = edges.mean((0, 1))
    width = float(np.ptp(edges[0, :, 0]))
    for share in (-0.2, 0, 0.2):
        x = round(middle[0] + share * width)
        rows = np.arange(round(middle[1] - 0.3 * width), round(middle[1] + 0.3 * width))
        column = after[rows, x - 1 : x + 2].mean(1)
        inside = np.nonzero(column[:, 2] > WHITE)[0]
        assert len(inside) > 0.05 * width
        assert np.ptp(inside) + 1 == len(inside)  # one run of teeth
        bar = column[inside[0] - round(0.08 * width) : inside[0]].mean(1)
        assert bar.min() > 0.7 * np.mean(LIPS)  # nothing dark between them and the upper lip


def test_the_edges_of_lips_are_found_where_they_are(drawn):
    warp, edges = drawn
    lips = warp.seen.lips
    for found, true in zip(lips.edges(), edges):
        spots = warp.crop.to_photo(found)
        y = np.interp(true[5:-5, 0], spots[:, 0], spots[:, 1])
        assert np.abs(y - true[5:-5, 1]).max() < 0.05 * np.ptp(true[:, 0])


def test_a_row_of_teeth_stays_with_the_skull_when_the_jaw_drops(photo):
    large = cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    face = choose_face(get_detector("mediapipe").find(large))
    picture, edges = open_mouth(large, face, gap=True)
    warp = Warp.of(picture, face)
    assert shows(warp.seen.lips)
    after = moved(warp, AU26=4)
    x = round(edges[:, :, 0].mean())
    rows = slice(round(edges[..., 1].min()), round(edges[..., 1].max()))
    tips = [np.nonzero(each[rows, x, 2] > WHITE)[0].max() for each in (picture, after)]
    assert abs(int(tips[0]) - int(tips[1])) <= 4
    below = slice(rows.start, rows.stop + 40)
    dark = [int((each[below, x].mean(-1) < 60).sum()) for each in (picture, after)]
    assert dark[1] > dark[0] + 5


def test_a_turned_mouth_neither_opens_nor_closes(drawn):
    warp, edges = drawn
    x = round(edges[:, :, 0].mean())
    rows = slice(round(edges[..., 1].min()) - 60, round(edges[..., 1].max()) + 60)
    white = [int((each[rows, x, 2] > WHITE).sum()) for each in (warp.photo, moved(warp, (0, -10, 0)))]
    assert abs(white[1] - white[0]) < 0.15 * white[0]


def test_the_least_path_follows_a_dark_line():
    cost = np.ones((40, 30))
    line = np.rint(20 + 6 * np.sin(np.arange(30) / 5)).astype(int)
    cost[line, np.arange(30)] = 0
    assert np.array_equal(least_path(cost, 0.01, 3), line)


def test_an_ear_that_slides_against_the_face_is_no_part_of_it():
    face = np.zeros((32, 32), bool)
    face[4:28, 4:20] = True
    face[10:16, 24:28] = True
    slid = np.zeros((32, 32, 2), np.float32)
    slid[..., 0] = 3
    slid[:, 16:20, 0] = -4
    front = _front(slid, face)
    assert front[10, 10]
    assert not front[:, 16:].any()


def test_faces_without_a_mesh_have_lips_too(photo, face):
    warp = Warp.of(photo, face)
    found = Lips.of(warp.window, replace(face, mesh=None), warp.crop)
    assert np.abs(found.upper - warp.seen.lips.upper).mean() < 0.06 * found.width
    assert (found.lower >= found.upper).all()


def test_an_edited_mouth_is_as_sharp_as_the_photo(astronaut):
    mouth_sharpness = pytest.importorskip("mouth_sharpness")
    from magicface import MagicFace

    editor = MagicFace.warping(detector="mediapipe", parser="grabcut")
    assert mouth_sharpness.measure(editor, astronaut) >= 0.85
    blurred = cv2.GaussianBlur(astronaut, (0, 0), 2)
    box = np.array([[180.0, 140.0], [260.0, 180.0]])
    assert mouth_sharpness.sharpness(astronaut, blurred, box) < 0.7


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="no photos: ../shared is absent")
def test_edited_mouths_of_photos_are_as_sharp_as_they():
    import mouth_sharpness

    from magicface import MagicFace

    editor = MagicFace.warping(detector="mediapipe", parser="grabcut")
    for path in sorted(PHOTOS.glob("*.jpg")):
        with Image.open(path) as image:
            assert mouth_sharpness.measure(editor, image.convert("RGB")) >= 0.85, path.name
