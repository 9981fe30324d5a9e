"""Laws of cut-outs: what alpha hides stays hidden, alpha moves with the picture, and no rim appears on any page."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from common.face3d.camera import rotation_matrix
from common.facs.action_units import ACTION_UNITS
from common.imaging.images import flat, on_white
from common.warp.delta import Change, both_sides
from common.warp.warp import Warp, premultiplied, straight

WHITE = 255


@pytest.fixture(scope="module")
def cut(photo, face):
    """(512, 512, 4): her head with a soft edge, darkened, and white noise hidden around it."""
    mask = np.zeros(photo.shape[:2], np.float32)
    x, y = face.centre.round().astype(int)
    cv2.ellipse(mask, (int(x), int(y)), (75, 105), 0, 0, 360, 1.0, -1)
    alpha = np.rint(255 * cv2.GaussianBlur(mask, (0, 0), 12)).astype(np.uint8)
    hidden = np.random.default_rng(0).integers(200, 256, photo.shape, np.uint8)
    return np.dstack([np.where(alpha[..., None] > 0, photo // 2, hidden), alpha])


@pytest.fixture(scope="module")
def warp(cut, face):
    return Warp.of(cut, face)


def change(warp: Warp, roll: float = 0, **units: float) -> Change:
    values = torch.tensor([float(units.get(name, 0)) for name in ACTION_UNITS])
    turn = rotation_matrix(torch.deg2rad(torch.tensor([[0.0, 0, roll]])))[0] if roll else torch.eye(3)
    return Change(both_sides(values), turn, warp.light, warp.light)


def test_what_does_not_move_stays_byte_for_byte(warp, cut):
    after = warp(change(warp, AU12=3))
    assert after.shape == cut.shape
    hidden = (cut[..., 3] == 0) & (after[..., 3] == 0)
    assert np.array_equal(after[hidden], cut[hidden])
    assert (after != cut).any(2).mean() < 0.2
    assert (after != cut).any()
    assert np.array_equal(warp(change(warp)), cut)


@pytest.mark.parametrize("asked", [{"roll": 10}, {"AU26": 4, "AU12": 3}])
def test_no_rim_appears(warp, cut, asked):
    after = warp(change(warp, **asked))
    shown = after[..., 3] > 3
    # Everything that can be seen was dark: what is white was hidden, or is the page that the head is fitted on.
    teeth = 30  # what an open mouth shows is painted
    assert np.quantile(after[..., :3][shown].max(1), 0.999) <= cut[cut[..., 3] > 0][:, :3].max() + teeth
    edge = shown & (after[..., 3] < 250)
    assert after[..., :3][edge].max() <= cut[cut[..., 3] > 0][:, :3].max() + 2


def test_alpha_moves_with_the_picture(warp, cut):
    after = warp(change(warp, roll=10))
    moved = after[..., 3].astype(int) - cut[..., 3]
    assert np.abs(moved).max() > 5
    assert abs(moved.sum()) < 0.02 * cut[..., 3].sum()


def test_the_same_on_white_as_without_alpha(warp, cut, face):
    plain = Warp.of(on_white(cut), face)
    one, other = on_white(warp(change(warp, AU12=3))), plain(change(plain, AU12=3))
    assert np.abs(one.astype(int) - other).max() <= 8  # roundings through a faint alpha
    assert np.abs(one.astype(int) - other).mean() < 0.05


def test_colours_come_back_from_premultiplied_ones():
    pixels = np.random.default_rng(1).integers(0, 256, (40, 40, 4), np.uint8)
    pixels[:5, :, 3] = 0
    assert np.array_equal(straight(premultiplied(pixels), pixels), pixels)
    assert np.array_equal(straight(premultiplied(pixels[..., :3]), pixels[..., :3]), pixels[..., :3])


def test_a_flat_picture_shows_nothing_hidden_and_knows_what_it_knew(cut):
    image = Image.fromarray(cut)
    image.info["icc_profile"] = b"some"
    seen = flat(image)
    assert seen.mode == "RGB"
    assert seen.info == {"icc_profile": b"some"}
    assert (np.asarray(seen)[cut[..., 3] == 0] == WHITE).all()
