"""Light on skin, hair and eyes, and where it does not come."""

from __future__ import annotations

import numpy as np
import pytest

from common.face3d.heads.anny import default_head
from common.synthetic.render import shade
from common.synthetic.render.shade import lit, openness
from common.synthetic.scene.factors import Lamps

ALBEDO = np.full((1, 3), 0.5, np.float32)


def point(normal, lit=1.0, view=(0, 0, 1)) -> shade.Points:
    normals, views = (shade.unit(np.array([v], np.float32)) for v in (normal, view))
    return shade.Points(normals, views, np.array([lit], np.float32), np.ones(1, np.float32))


def bright(points: shade.Points, lamps: Lamps) -> float:
    return float(shade.skin(points, points.normals, ALBEDO, np.zeros(1, np.float32), lamps).mean())


def test_directions():
    assert shade.direction(0, 0) == pytest.approx([0, 0, 1])
    assert shade.direction(90, 0) == pytest.approx([1, 0, 0], abs=1e-6)
    assert shade.direction(0, 90) == pytest.approx([0, 1, 0], abs=1e-6)


def test_what_faces_the_lamp_is_brighter():
    lamps = Lamps(azimuth=60, elevation=0, fill=0.1)
    assert bright(point((1, 0, 0.5)), lamps) > 2 * bright(point((-1, 0, 0.5)), lamps)


def test_shadow_is_darker_and_redder():
    lamps = Lamps(azimuth=0, elevation=0, key_colour=(1.0, 1.0, 1.0), fill_colour=(1.0, 1.0, 1.0))
    gloss, points = np.zeros(1, np.float32), [point((0, 0, 1)), point((0, 0, 1), 0.3)]
    light, half = (shade.skin(p, p.normals, ALBEDO, gloss, lamps)[0] for p in points)
    assert half.mean() < light.mean()
    assert half[0] / half[2] > light[0] / light[2]


def test_light_grows_with_the_lamps():
    base = bright(point((0, 0, 1)), Lamps(key=0.4, fill=0.2))
    assert bright(point((0, 0, 1)), Lamps(key=0.8, fill=0.2)) > base
    assert bright(point((0, 0, 1)), Lamps(key=0.4, fill=0.4)) > base
    assert shade.irradiance(Lamps(key=0.8)) > shade.irradiance(Lamps(key=0.4))


def test_without_lamps_it_is_dark():
    dark = Lamps(key=0.0, fill=0.0, bounce=0.0, rim=0.0)
    assert bright(point((0, 0, 1)), dark) == 0
    assert not shade.matt(point((0, 0, 1)), ALBEDO, dark, 0.5).any()
    assert not shade.strands(point((0, 0, 1)), np.array([[0, 1, 0]], np.float32), ALBEDO, dark).any()


def test_hair_shines_across_its_strands():
    lamps = Lamps(azimuth=0, elevation=0)
    across, along = (
        shade.strands(point((0, 0, 1)), np.array([t], np.float32), ALBEDO, lamps).mean() for t in ((0, 1, 0), (0, 0, 1))
    )
    assert across > 2 * along


def test_eyes_mirror_the_lamp_where_it_is():
    lamps = Lamps(azimuth=40, elevation=0, softness=0.2)
    half = np.radians(20)
    hit = shade.mirror(point((np.sin(half), 0, np.cos(half))), lamps, np.ones(1, np.float32)).mean()
    miss = shade.mirror(point((-np.sin(half), 0, np.cos(half))), lamps, np.ones(1, np.float32)).mean()
    assert hit > 10 * max(miss, 1e-3)


def test_a_wall_casts_a_shadow():
    wall = np.array([[-0.1, -0.1, 0.05], [0.1, -0.1, 0.05], [0.1, 0.1, 0.05], [-0.1, 0.1, 0.05]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    points = np.array([[0, 0, 0], [0.2, 0, 0], [0, 0, 0.1]], np.float32)  # behind, beside, before
    assert lit(points, wall, triangles, np.array([0, 0, 1], np.float32), 128, 0.005).tolist() == [0, 1, 1]


def test_sockets_and_nostrils_see_less_than_the_forehead():
    head, seen = default_head(), openness()
    place = head.landmarks(head.mean[None])[0]
    near = lambda p: seen[(head.mean - p).norm(dim=1).argsort()[:6].numpy()].mean()  # noqa: E731
    assert seen.min() >= 0
    assert seen.max() <= 1 + 1e-6
    forehead = head.mean[head.mean[:, 1].argmax()]
    assert near(forehead) > 0.95
    assert near(place[39]) < 0.85  # the inner corner of an eye
    assert near(place[33]) < 0.85  # beneath the nose
