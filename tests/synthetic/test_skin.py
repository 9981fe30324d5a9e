"""Skin: human colours only, folds where the muscles pull, nothing at rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.face3d.appearance import maps, skin
from common.face3d.appearance.skin import Skin
from common.face3d.heads.head_units import HEAD_UNITS, UNITS
from common.synthetic.data.draw import draw_scene
from common.synthetic.scene.factors import Person

SIDE = 256


def painted(person: Person) -> skin.SkinMaps:
    return skin.paint(person.skin, person.features, SIDE)


def lab(linear: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of linear sRGB (..., 3)."""
    from skimage.color import rgb2lab

    return rgb2lab(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


def typology(linear: np.ndarray) -> np.ndarray:
    """Individual typology angle in degrees (Chardon et al. 1991)."""
    values = lab(linear)
    return np.degrees(np.arctan2(values[..., 0] - 50, values[..., 2]))


def drawn(count: int = 300) -> list[Skin]:
    return [draw_scene(5, index).person.skin for index in range(count)]


def test_the_colours_are_those_of_people():
    values = lab(np.stack([skin.colour(s.melanin, s.haemoglobin) for s in drawn()]))
    assert values[:, 0].min() > 22
    assert values[:, 0].max() < 88
    assert values[:, 1].min() > 2
    assert values[:, 1].max() < 24
    assert values[:, 2].min() > 8
    assert values[:, 2].max() < 26


def test_all_six_classes_of_the_typology_angle_occur():
    angles = typology(np.stack([skin.colour(s.melanin, s.haemoglobin) for s in drawn()]))
    counts, _ = np.histogram(
        angles, [-90, -30, 10, 28, 41, 55, 90]
    )  # dark, brown, tan, intermediate, light, very light
    assert counts.sum() == len(angles)
    assert (counts >= 0.04 * len(angles)).all(), counts


def test_more_melanin_is_darker_and_more_blood_is_redder():
    melanin = np.linspace(0.05, 2.4, 20)
    assert (np.diff(lab(skin.colour(melanin, 0.3))[:, 0]) < 0).all()
    blood = np.linspace(0.12, 0.45, 20)
    assert (np.diff(lab(skin.colour(0.3, blood))[:, 1]) > 0).all()


def test_a_face_at_rest_has_no_grooves():
    assert not skin.groove(np.zeros((2, 12), np.float32), Skin(0.3, 0.3), SIDE).any()


# Where each fold lies: a box in millimetres on the mean head, (x0, x1, y0, y1), of the person's left half.
FOLDS = {
    "AU4": (0, 14, 0, 30), "AU6": (12, 72, -25, 18), "AU9": (0, 26, -55, 6), "AU12": (14, 40, -90, -35),
    "AU17": (0, 22, -115, -84),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FOLDS))
def test_skin_folds_where_the_muscle_pulls(name):
    units = np.zeros((2, 12), np.float32)
    units[0, UNITS.index(name)] = 5
    depth = skin.groove(units, Skin(0.3, 0.3), SIDE)
    x0, x1, y0, y1 = FOLDS[name]
    corners = np.array([[x0 - 4, y1 + 3, 20], [x1 + 4, y0 - 3, -10]], np.float32) / 1000
    (left, top), (right, bottom) = np.clip(maps.unroll(corners) * SIDE, 0, SIDE).astype(int)
    inside = depth[top : bottom + 1, left : right + 1].sum()
    assert depth.max() > 0.3
    assert inside > 0.75 * depth.sum()


@pytest.mark.parametrize("name", sorted(FOLDS))
def test_folds_deepen_with_intensity_and_age(name):
    def total(intensity: float, wrinkles: float) -> float:
        units = np.zeros((2, 12), np.float32)
        units[:, UNITS.index(name)] = intensity
        return float(skin.groove(units, Skin(0.3, 0.3, wrinkles=wrinkles), SIDE).sum())

    assert 0 < total(1, 0.2) < total(3, 0.2) < total(5, 0.2) < total(5, 1.0)


def test_sides_fold_apart():
    units = np.zeros((2, 12), np.float32)
    units[0, UNITS.index("AU6")] = 5
    depth = skin.groove(units, Skin(0.3, 0.3), SIDE)
    assert depth[:, SIDE // 2 :].sum() > 20 * depth[:, : SIDE // 2].sum()  # the person's left is the map's right


def test_other_units_fold_as_their_kin_do():
    others = np.zeros((2, len(HEAD_UNITS) - len(UNITS)), np.float32)
    others[0, list(HEAD_UNITS).index("AU10") - len(UNITS)] = 4
    calm = np.zeros((2, len(UNITS)), np.float32)
    total = skin.folding(calm, others)
    assert total[0, UNITS.index("AU12")] > 1
    assert not total[1].any()
    assert np.array_equal(skin.folding(calm + 5, others), calm + 5), "no deeper than the deepest"


def test_paint_is_deterministic_and_in_range():
    person = draw_scene(1, 4).person
    one, two = painted(person), painted(person)
    assert np.array_equal(one.albedo, two.albedo)
    assert one.albedo.min() >= 0
    assert one.albedo.max() <= 1
    assert np.isfinite(one.relief).all()
    assert one.gloss.min() >= 0


@pytest.mark.parametrize(("factor", "region"), [("lipstick", "lips"), ("eyeshadow", "eyelid"), ("blush", "cheek")])
def test_make_up_lies_where_it_belongs(factor, region):
    person = draw_scene(1, 4).person
    bare = replace(person, features=replace(person.features, lipstick=0.0, eyeshadow=0.0, blush=0.0))
    made_up = replace(bare, features=replace(bare.features, **{factor: 1.0}))
    change = np.abs(painted(made_up).albedo - painted(bare).albedo).sum(2)
    where = maps.regions(SIDE)[region]
    assert change[where > 0.5].mean() > 0.01
    assert change[where == 0].max() < 1e-6


def test_a_beard_leaves_the_lips_and_the_forehead():
    person = draw_scene(1, 4).person
    shaven = replace(person, features=replace(person.features, beard="none"))
    bearded = replace(person, features=replace(person.features, beard="full", beard_density=0.9))
    change = np.abs(painted(bearded).albedo - painted(shaven).albedo).sum(2)
    region = maps.regions(SIDE)
    assert change[region["jaw_beard"] > 0.9].mean() > 0.05
    assert change[region["lips"] > 0.99].max() < 0.02
    assert not change[region["forehead"] > 0.5].any()


def test_freckles_grow_in_number():
    person = draw_scene(1, 4).person

    def darkness(amount: float) -> float:
        freckled = replace(person, skin=replace(person.skin, freckles=amount))
        return -float(painted(freckled).albedo.sum())

    assert darkness(0) < darkness(0.5) < darkness(1)


def test_slopes_are_derivatives():
    x = np.arange(SIDE, dtype=np.float32)
    pixel = 0.33 * maps.SIDE / SIDE
    slope = skin.slopes(np.tile(x * pixel * 10, (SIDE, 1)))  # rises one tenth of a millimetre in a hundredth of one
    assert np.allclose(slope[5:-5, 5:-5, 0], 1, atol=1e-3)
    assert np.allclose(slope[5:-5, 5:-5, 1], 0, atol=1e-4)
    up = skin.slopes(np.tile((-x * pixel * 10)[:, None], (1, SIDE)))
    assert np.allclose(up[5:-5, 5:-5, 1], 1, atol=1e-3)
