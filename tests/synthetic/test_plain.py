"""Plain walls: what is behind a person is exchanged, the person is not."""

from __future__ import annotations

import numpy as np
import torch

from common.synthetic.data.draw import draw_scene
from common.synthetic.data.simplified import before_wall, repainted
from common.synthetic.scene.captions import caption
from common.synthetic.scene.capture import to_srgb
from common.synthetic.scene.colours import NAMED, name_of


def test_only_what_is_behind_changes():
    g = torch.Generator().manual_seed(0)
    person, background = torch.rand(2, 3, 8, 8, generator=g) * 0.5 + 0.25
    mask = torch.rand(1, 8, 8, generator=g)
    mask[:, :2], mask[:, -2:] = 0, 1
    scene = before_wall(draw_scene(1, 2), 3)
    wall = torch.from_numpy(to_srgb(np.array(scene.background.colour))).float()[:, None, None]
    found = repainted(mask * person + (1 - mask) * background, background, mask, scene)
    torch.testing.assert_close(found, mask * person + (1 - mask) * wall)
    torch.testing.assert_close(found[:, -2:], person[:, -2:])
    torch.testing.assert_close(found[:, :2], wall.expand(3, 2, 8))


def test_the_wall_follows_from_the_number_and_has_its_name():
    scene = draw_scene(1, 2)
    walls = [before_wall(scene, number) for number in range(80)]
    assert walls[5] == before_wall(scene, 5)
    assert {wall.background.colour_name for wall in walls} == set(NAMED)
    for wall in walls:
        assert name_of(wall.background.colour) == wall.background.colour_name
        assert caption(wall).endswith(f" {wall.background.colour_name} wall")
        assert (wall.person, wall.units, wall.shot) == (scene.person, scene.units, scene.shot)
