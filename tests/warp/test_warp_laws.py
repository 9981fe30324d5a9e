"""Laws of warps: nothing asked is nothing changed, what is asked happens, and the rest of the photo stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from common.core.face_labels import PARTS
from common.editing.prepare import prepare
from common.face3d.camera import angles_of, rotation_matrix
from common.face3d.fitting.fit import fit
from common.faces import choose_face, get_detector
from common.facs.action_units import ACTION_UNITS
from common.parsing import get_parser
from common.warp.delta import Change, both_sides
from common.warp.placement import changed, place
from common.warp.rotation import rolled
from common.warp.warp import Warp


def change_of(warp: Warp, *, turn: tuple[float, float, float] = (0, 0, 0), light=None, **units: float) -> Change:
    values = torch.tensor([float(units.get(name, 0)) for name in ACTION_UNITS])
    turned = rotation_matrix(torch.deg2rad(torch.tensor([turn], dtype=torch.float32)))[0]
    return Change(
        both_sides(values), turned if any(turn) else torch.eye(3), warp.light, warp.light if light is None else light
    )


def test_nothing_asked_is_the_photo_itself(warp, photo):
    same = warp(change_of(warp))
    assert np.array_equal(same, photo)
    assert same is not photo


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_every_unit_changes_the_face_and_nothing_far_from_it(warp, photo, face, unit):
    after = warp(change_of(warp, **{unit: 3}))
    differs = (after != photo).any(2)
    x0, y0, x1, y1 = face.box.round().astype(int)
    assert differs[y0:y1, x0:x1].mean() > 0.02
    width = x1 - x0
    differs[max(0, y0 - width // 2) : y1 + width // 2, max(0, x0 - width // 2) : x1 + width // 2] = False
    assert not differs.any()


@pytest.mark.parametrize(("unit", "upper", "lower"), [("AU26", 13, 14), ("AU25", 13, 14)])
def test_lips_part_as_far_as_the_head_says(warp, unit, upper, lower):
    asked = change_of(warp, **{unit: 4})
    after = choose_face(get_detector("mediapipe").find(warp(asked))).mesh
    before = choose_face(get_detector("mediapipe").find(warp.photo)).mesh
    assert after is not None
    assert before is not None
    grown = np.linalg.norm(after[upper] - after[lower]) - np.linalg.norm(before[upper] - before[lower])
    head = warp.fit.head
    placed = [
        place(warp.fit, vertices, camera, warp.crop).points[:, :2]
        for vertices, camera in ((warp.fit.vertices(), warp.fit.camera), changed(warp.fit, asked))
    ]
    spots = [head.embedding.points(points[None], "mesh468")[0] for points in placed]
    gaps = [float((each[upper] - each[lower]).norm()) / warp.crop.matrix[0, 0] for each in spots]
    assert grown == pytest.approx(gaps[1] - gaps[0], rel=0.5)


def test_opposite_units_move_it_opposite_ways(warp):
    detector = get_detector("mediapipe")
    corners = []
    for units in ({"AU12": 3}, {"AU15": 3}):
        mesh = choose_face(detector.find(warp(change_of(warp, **units)))).mesh
        assert mesh is not None
        corners.append(mesh[[61, 291], 1].mean() - mesh[[33, 263], 1].mean())
    assert corners[0] < corners[1] - 2  # nearer to the eyes


def test_light_from_nowhere_is_darker_and_keeps_the_surroundings(warp, photo, face):
    after = warp(change_of(warp, light=0.5 * warp.light))
    x0, y0, x1, y1 = face.box.round().astype(int)
    assert after[y0:y1, x0:x1].mean() < 0.85 * photo[y0:y1, x0:x1].mean()
    assert np.array_equal(after[:10], photo[:10])


@pytest.fixture(scope="module")
def together(warp, photo):
    """Hers, told apart from what is around her."""
    made = prepare(photo, get_detector("mediapipe"), get_parser("grabcut"), size=128, conditioning_image="photo")
    return warp.among(made.labels, made.crop), made


def test_a_head_laid_bare_takes_its_hair_along(warp, together):
    parted, made = together
    turned = change_of(warp, turn=(15, 0, 0))
    hair = made.labels == PARTS.index("hair")
    shares = [(made.crop.apply(each(turned, bare=True)) != made.source).any(2)[hair].mean() for each in (warp, parted)]
    assert shares[1] > max(shares[0], 0.97)


@pytest.mark.parametrize("turn", [(10, 0, 0), (-10, 0, 0), (0, 10, 0), (0, -10, 0), (0, 0, 12)])
def test_a_head_turns_as_asked_and_no_other_way(together, turn):
    parted, _ = together
    after = parted(change_of(parted, turn=turn))
    found = fit(choose_face(get_detector("mediapipe").find(after)).mesh, image=after)
    turned = rotation_matrix(found.angles) @ rotation_matrix(parted.fit.angles).mT
    degrees, asked = torch.rad2deg(angles_of(turned))[0].numpy(), np.array(turn)
    # Landmarks of one picture tell depth, and with it a turn, only in part: those of a smaller turn will do.
    assert 0.3 < degrees @ asked / (asked @ asked) < 1.2
    assert np.abs(degrees[asked == 0]).max() < 2.5


def test_what_is_far_from_a_turned_head_stays(together, photo):
    parted, _ = together
    after = parted(change_of(parted, turn=(12, 0, 0)))
    differs = (after != photo).any(2)
    x0, y0, x1, y1 = parted.crop.rectangle
    differs[y0:y1, x0:x1] = False
    assert not differs.any()


def test_a_roll_alone_turns_the_picture_of_the_face():
    angle, face = np.deg2rad(7), np.zeros((64, 64), bool)
    face[20:50, 18:40] = True
    centre = np.argwhere(face)[:, ::-1].mean(0)
    x, y = np.meshgrid(np.arange(64) - centre[0], np.arange(64) - centre[1])
    spun = np.stack([np.cos(angle) * x - np.sin(angle) * y - x, np.sin(angle) * x + np.cos(angle) * y - y], 2)
    assert np.allclose(rolled(spun + np.array([3, -2]), face), spun, atol=1e-4)


def test_a_larger_photo_moves_alike(warp, photo, face):
    twice = np.kron(photo, np.ones((2, 2, 1), np.uint8))
    larger = replace(face, landmarks=face.landmarks * 2 + 0.5, box=face.box * 2 + 0.5, mesh=face.mesh * 2 + 0.5)
    made = Warp.of(twice, larger)
    asked = {"AU26": 4, "AU2": 3}
    big, small = made(change_of(made, **asked)), warp(change_of(warp, **asked))
    halved = big.reshape(512, 2, 512, 2, 3).mean((1, 3))
    moved = np.abs(small.astype(float) - photo).mean()
    assert np.abs(halved - small).mean() < 0.35 * moved
