"""Close-ups: which part of a picture they show."""

from __future__ import annotations

import pytest
import torch

from common.synthetic.data.simplified import MIDDLE, close_shot, close_up
from common.synthetic.scene.factors import Shot

SIDE = 64
EXACT = {"rtol": 0, "atol": 1e-3}  # torch's bicubic filter bends a ramp by a twentieth of a pixel


def ramps() -> torch.Tensor:
    """(2, S, S): how far a pixel's middle lies from the left and from the top, over the side."""
    along = (torch.arange(SIDE) + 0.5) / SIDE
    return torch.stack([along.expand(SIDE, SIDE), along[:, None].expand(SIDE, SIDE)])


def inner(planes: torch.Tensor) -> torch.Tensor:
    """Without the rim, where a bicubic filter sees what lies beyond the picture."""
    return planes[..., 4:-4, 4:-4]


@pytest.mark.parametrize(
    ("height", "shift"),
    [(0.48, (0.0, 0.0)), (0.72, (0.05, -0.08)), (0.9, (-0.1, 0.12)), (0.48, (0.3, 0.3)), (0.6, (-0.4, -0.4))],
)
def test_a_ramp_shows_the_window(height, shift):
    """As large as the face wants it, the face's middle as low as `MIDDLE`, or as near to it as the picture goes."""
    shot = Shot(face_height=0.36, shift=shift)
    (x, y), share = close_up(ramps(), shot, height), 0.36 / height
    for plane, middle, place in ((x, 0.5 + shift[0], 0.5), (y.T, 0.5 - shift[1], MIDDLE)):
        start = min(max(middle - share * place, 0.0), 1 - share)
        torch.testing.assert_close(inner(plane), inner(start + share * ramps()[0]), **EXACT)


@pytest.mark.parametrize("shift", [(1.0, 1.0), (-1.0, -1.0), (0.0, 0.0)])
def test_the_window_stays_in_the_picture(shift):
    """Whoever is at the rim: all that is shown was there, and no edge is drawn out."""
    x, y = close_up(ramps(), Shot(face_height=0.3, shift=shift), 0.6)
    for plane in (x, y.T):
        assert 0 <= plane.min() <= plane.max() <= 1
        across = plane[:, -2] - plane[:, 1]
        torch.testing.assert_close(across, torch.full_like(across, 0.5 * (SIDE - 3) / SIDE), rtol=0, atol=2e-3)


@pytest.mark.parametrize("height", [0.48, 0.6])
def test_faces_that_are_high_enough_stay(height):
    planes = torch.rand(4, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    shot = Shot(face_height=height, shift=(0.1, -0.1))
    torch.testing.assert_close(close_up(planes, shot, 0.48), planes, rtol=0, atol=1e-4)
    assert close_shot(shot, 0.48) == shot


def test_both_pictures_of_a_pair_are_cut_alike():
    """Where they are equal they stay so: the cut follows from the camera, which they share."""
    one = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    other = one.clone()
    other[:, 40:50, 28:36] = 0
    shot = Shot(face_height=0.36, shift=(0.02, -0.03))
    changed = (close_up(one, shot, 0.6) != close_up(other, shot, 0.6)).any(0)
    assert 0.01 < changed.float().mean() < 0.2
    together = close_up(torch.cat([one, other]), shot, 0.6)
    torch.testing.assert_close(together[:3], close_up(one, shot, 0.6), rtol=0, atol=1e-6)
    torch.testing.assert_close(together[3:], close_up(other, shot, 0.6), rtol=0, atol=1e-6)


def test_the_shot_says_how_close_it_is_now():
    shot = Shot(view=30, face_height=0.36, shift=(0.1, 0.2))
    assert close_shot(shot, 0.48) == Shot(view=30, face_height=0.48, shift=(0.1, 0.2))
    assert close_shot(shot, 0.3) == shot
