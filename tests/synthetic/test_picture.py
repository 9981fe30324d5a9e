"""Finished pictures: the truth that comes with them is true."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from common.core.face_labels import PARTS
from common.synthetic.data.draw import draw_scene
from common.synthetic.render.picture import GREY, make
from common.synthetic.scene.factors import Background, Capture, Lamps, Scene, Wear

SIZE = 96


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Someone without hat and glasses, straight on, in even light, through a perfect camera."""
    drawn = draw_scene(0, 3)
    return replace(
        drawn, wear=Wear(), angles=(0.0, 0.0, 0.0), gaze=(0.0, 0.0), blink=(0.0, 0.0), capture=Capture(),
        units=((0.0,) * 12,) * 2, lamps=Lamps(azimuth=20, elevation=30, softness=0.7),
        person=replace(drawn.person, hair=replace(drawn.person.hair, style="none")),
    )  # fmt: skip


@pytest.fixture(scope="module")
def picture(scene):
    return make(scene, SIZE)


def part(picture, *names: str) -> np.ndarray:
    return np.isin(picture.parts, [PARTS.index(name) for name in names])


def test_everything_has_its_shape(picture):
    assert picture.image.shape == picture.background.shape == picture.render.shape == (SIZE, SIZE, 3)
    assert picture.image.dtype == picture.parts.dtype == np.uint8
    assert picture.parts.shape == picture.alpha.shape == picture.depth.shape == (SIZE, SIZE)
    assert picture.landmarks.shape == (68, 2)
    assert picture.light.shape == (9, 3)


def test_mask_depth_normals_and_parts_agree(picture):
    assert (np.isfinite(picture.depth) == (picture.alpha > 0)).all()
    whole = picture.alpha == 1
    assert (picture.parts[whole] > 0).all()
    assert not picture.parts[picture.alpha == 0].any()
    assert np.allclose(np.linalg.norm(picture.normals[whole], axis=1), 1, atol=1e-4)
    assert not picture.normals[picture.alpha == 0].any()


def test_background_is_what_is_seen_around_the_person(picture):
    around = picture.alpha == 0
    assert (picture.image[around] == picture.background[around]).all()
    assert (picture.masked_background[picture.parts > 0] == GREY).all()
    assert (picture.masked_background[picture.parts == 0] == picture.image[picture.parts == 0]).all()


def test_every_part_is_there(picture):
    assert {PARTS[i] for i in np.unique(picture.parts)} >= {
        "skin", "l_brow", "r_brow", "l_eye", "r_eye", "nose", "u_lip", "l_lip", "neck", "cloth", "l_ear", "r_ear",
    }  # fmt: skip


def test_landmarks_lie_on_their_parts(picture):
    groups = {"nose": range(27, 36), "u_lip": (50, 51, 52), "l_lip": (56, 57, 58), "l_eye": range(42, 48)}
    groups |= {"r_eye": range(36, 42), "l_brow": (23, 24, 25), "r_brow": (18, 19, 20)}
    for name, points in groups.items():
        rows, columns = np.nonzero(part(picture, name))
        for x, y in picture.landmarks[list(points)]:
            assert np.hypot(columns - x, rows - y).min() < 3.5, name


def test_left_is_the_persons_left(picture):
    columns = np.arange(SIZE)[None].repeat(SIZE, 0)
    for left, right in (("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear")):
        assert columns[part(picture, left)].mean() > columns[part(picture, right)].mean()


def test_an_expression_changes_the_face_and_nothing_else(scene, picture):
    smile = [0.0] * 12
    smile[6] = 5.0
    after = make(replace(scene, units=(tuple(smile),) * 2), SIZE)
    change = np.abs(after.image.astype(int) - picture.image).max(2)
    mouth = picture.landmarks[48:68]
    x0, y0, x1, y1 = (*mouth.min(0).astype(int), *mouth.max(0).astype(int))
    assert change[y0 : y1 + 1, x0 : x1 + 1].mean() > 8
    assert not change[(picture.alpha == 0) & (after.alpha == 0)].any()
    assert change[part(picture, "cloth")].mean() < 0.5
    assert after.camera == picture.camera
    assert np.array_equal(after.light, picture.light)
    assert np.array_equal(after.background, picture.background)


def test_a_turn_keeps_the_face_in_the_middle(scene, picture):
    turned = make(replace(scene, angles=(30.0, 0.0, 0.0)), SIZE)
    middle = lambda p: (p.landmarks[8] + p.landmarks[17:27].mean(0)) / 2  # noqa: E731
    assert np.abs(middle(turned) - middle(picture)).max() < 0.12 * SIZE
    assert turned.landmarks[30, 0] - middle(turned)[0] > 2  # positive yaw looks to the picture's right
    assert turned.landmarks_visible.sum() < picture.landmarks_visible.sum()


def test_light_from_the_left_brightens_the_left(scene):
    def balance(azimuth: float) -> float:
        taken = make(replace(scene, lamps=Lamps(azimuth=azimuth, elevation=10, softness=0.2, fill=0.15)), SIZE)
        skin = part(taken, "skin", "nose")
        halves = [taken.image[..., 1][skin & side].mean() for side in (np.arange(SIZE)[None] < c for c in (SIZE / 2,))]
        return halves[0] / taken.image[..., 1][skin & (np.arange(SIZE)[None] >= SIZE / 2)].mean()

    assert balance(-60) > 1.15
    assert balance(60) < 1 / 1.15


def test_the_face_is_as_large_as_asked(scene):
    for height in (0.3, 0.5):
        taken = make(replace(scene, shot=replace(scene.shot, face_height=height, shift=(0.0, 0.0))), SIZE)
        chin, brows = taken.landmarks[8], taken.landmarks[17:27].mean(0)
        assert (chin[1] - brows[1]) / SIZE == pytest.approx(height, rel=0.06)


def test_exposure_keeps_skin_in_range():
    means = []
    for index in range(12):
        taken = make(replace(draw_scene(3, index), capture=Capture()), 64)
        skin = part(taken, "skin", "nose")
        means.append(taken.image[skin].mean())
    assert min(means) > 35
    assert max(means) < 225


def test_glasses_and_hats_are_parts(scene):
    taken = make(replace(scene, wear=Wear(glasses="round", hat="beanie")), SIZE)
    assert part(taken, "eye_g").sum() > 20
    assert part(taken, "hat").sum() > 100


def test_larger_pictures_show_the_same(scene, picture):
    large = make(scene, 2 * SIZE)
    small = large.image.reshape(SIZE, 2, SIZE, 2, 3).mean((1, 3))
    assert np.abs(small - picture.image).mean() < 8
    assert np.abs((large.landmarks + 0.5) / 2 - 0.5 - picture.landmarks).max() < 0.01


def test_the_crude_render_shows_the_same_face(picture):
    skin = part(picture, "skin", "nose", "u_lip", "l_lip")
    assert (picture.render[skin].max(1) > 0).mean() > 0.97
    assert not picture.render[picture.alpha == 0].any()


def test_the_same_bytes_in_two_processes():
    code = (
        "import hashlib\nfrom common.synthetic.data.draw import draw_scene\n"
        "from common.synthetic.render.picture import make\n"
        "p = make(draw_scene(2, 7), 64)\n"
        "print(hashlib.sha256(p.image.tobytes() + p.landmarks.tobytes() + p.depth.tobytes()).hexdigest())"
    )
    mine = make(draw_scene(2, 7), 64)
    expected = hashlib.sha256(mine.image.tobytes() + mine.landmarks.tobytes() + mine.depth.tobytes()).hexdigest()
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == expected
    assert make(draw_scene(9, 7), 64).image.tobytes() != mine.image.tobytes()


@pytest.mark.parametrize("detector", ["mediapipe"])
def test_the_toolkit_takes_them_for_faces(detector):
    from common.faces import get_detector

    errors = []
    for index in range(6):
        taken = make(replace(draw_scene(0, index), wear=Wear(), angles=(0.0, 0.0, 0.0)), 256)
        faces = get_detector(detector).find(taken.image)
        assert len(faces) >= 1
        inner = slice(27, 68)
        distance = np.linalg.norm(faces[0].landmarks[inner] - taken.landmarks[inner], axis=1).mean()
        errors.append(distance / np.linalg.norm(taken.landmarks[36] - taken.landmarks[45]))
    assert np.median(errors) < 0.06  # of the distance between the outer corners of the eyes


def test_lenses_darken_the_background_too(scene):
    aside = replace(scene, angles=(38.0, 0.0, 0.0), background=Background("wall", (0.8, 0.8, 0.8)))
    bare, sun = (make(replace(aside, wear=Wear(glasses=glasses)), 128) for glasses in ("none", "sun"))
    beyond = (bare.alpha == 0) & (sun.alpha > 0) & ~np.isfinite(sun.depth)  # of the face, through a lens
    assert beyond.sum() > 20
    assert (sun.parts[beyond] == PARTS.index("eye_g")).mean() > 0.8
    assert np.median(sun.image[beyond]) < 0.8 * np.median(bare.image[beyond])
    assert not sun.parts[sun.alpha == 0].any()


def test_dark_lenses_hide_the_eyes(scene):
    dark = make(replace(scene, wear=Wear(glasses="sun")), SIZE).landmarks_visible
    clear = make(replace(scene, wear=Wear(glasses="round")), SIZE).landmarks_visible
    assert dark[36:48].sum() < 3
    assert clear[36:48].sum() > 6
