"""Scenes that cannot be drawn are refused by name, and extreme ones are drawn."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from refusals import refused

from common.core.errors import InputError, ShapeError
from common.synthetic.data.draw import draw_scene
from common.synthetic.render.picture import make
from common.synthetic.scene.captions import expression_words
from common.synthetic.scene.check import check_scene
from common.synthetic.scene.factors import Background, Capture, Lamps, Shot, Wear

SCENE = draw_scene(0, 3)


def with_(part: str, **changes):
    return replace(SCENE, person=replace(SCENE.person, **{part: replace(getattr(SCENE.person, part), **changes)}))


BAD = {
    "units": [
        replace(SCENE, units=units)
        for units in ((), ((0.0,) * 12,), ((0.0,) * 11,) * 2, ((6.0,) * 12,) * 2, ((math.nan,) * 12,) * 2, [[0.0] * 12])
    ],
    "blink": [replace(SCENE, blink=(2.0, 0.0))],
    r"angles\[0\]": [replace(SCENE, angles=(math.inf, 0.0, 0.0)), replace(SCENE, angles=("1", 0.0, 0.0))],
    "angles": [replace(SCENE, angles=(0.0, 0.0))],
    "identity": [replace(SCENE, person=replace(SCENE.person, identity=[0.0] * 148))],
    "number": [replace(SCENE, person=replace(SCENE.person, number=-1))],
    "melanin": [with_("skin", melanin=math.nan)],
    "beard": [with_("features", beard="mutton chops")],
    "lamps": [replace(SCENE, lamps=Lamps(key=0, fill=0, bounce=0)), replace(SCENE, lamps=None)],
    "key": [replace(SCENE, lamps=Lamps(key=-1))],
    "face_height": [replace(SCENE, shot=Shot(20, 0)), replace(SCENE, shot=Shot(20, True))],
    "view": [replace(SCENE, shot=Shot(180))],
    "colour": [replace(SCENE, background=Background(colour=(0.5, 0.5)))],
    "pattern": [replace(SCENE, background=Background(pattern=-1)), replace(SCENE, wear=Wear(pattern=1.5))],
    "jpeg": [replace(SCENE, capture=Capture(jpeg=-10))],
}  # fmt: skip


@pytest.mark.parametrize(("name", "scene"), [(name, scene) for name, scenes in BAD.items() for scene in scenes])
def test_what_cannot_be_drawn_is_named(name, scene):
    with pytest.raises(InputError, match=rf"^scene\b.*\b{name}") as caught:
        make(scene, 32)
    assert caught.value.code in ("range", "type", "count", "unknown")
    assert None not in (caught.value.expected, caught.value.actual) or name == "lamps"


@pytest.mark.parametrize(("size", "samples"), [(0, 2), (7, 2), (64.0, 2), ("64", 2), (True, 2), (64, 0), (64, 5)])
def test_sizes_are_whole_and_in_range(size, samples):
    with pytest.raises(InputError, match=r"size|samples"):
        make(SCENE, size, samples)


def test_whatever_is_drawn_by_chance_may_be_drawn():
    for index in range(60):
        check_scene(draw_scene(2, index))


@pytest.mark.parametrize("size", [8, 17, np.int64(33)])
def test_small_and_odd_sizes(size):
    assert make(SCENE, size).image.shape == (size, size, 3)


@pytest.mark.parametrize("wear", [Wear(), Wear(glasses="sun", hat="wide brim")])
@pytest.mark.parametrize(
    "changes",
    [
        {"shot": Shot(20, 2.0)},
        {"shot": Shot(8, 5.0)},
        {"shot": Shot(20, 0.02)},
        {"shot": Shot(20, 0.36, (3.0, 0.0))},  # beside the picture
        {"angles": (90.0, 0.0, 0.0)},
        {"angles": (180.0, 0.0, 0.0)},
        {"units": ((5.0,) * 12,) * 2, "blink": (1.0, 1.0)},
        {"lamps": Lamps(elevation=90)},
    ],
)
def test_extreme_scenes_are_drawn(wear, changes):
    found = make(replace(SCENE, wear=wear, **changes), 32)
    assert np.isfinite(found.light).all()
    assert not found.parts[found.alpha == 0].any()


def test_wrong_units_have_no_words():
    with refused(ShapeError, name="units"):
        expression_words(((0.0,) * 11,) * 2)
