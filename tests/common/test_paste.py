from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from common.core.errors import ImageError
from common.editing.compositing import paste, paste_mask
from common.faces import Crop
from common.imaging.images import on_white


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)


@pytest.fixture
def crop():
    return Crop.around(np.array([150, 100, 230, 200], np.float32), (400, 300), 128)


@pytest.fixture
def mask():
    y, x = np.mgrid[:128, :128]
    return paste_mask((x - 64) ** 2 + (y - 64) ** 2 < 40**2)


def test_mask_is_one_inside_and_zero_at_the_border(mask):
    assert mask.min() == 0
    assert mask.max() == 1
    assert mask[64, 64] == 1
    everything = paste_mask(np.ones((128, 128), bool))
    assert everything[64, 64] == 1
    profile = everything[64]
    assert (np.diff(profile[:64]) >= 0).all()
    assert 0 < profile[2] < 0.9  # a fall-off inside the crop's own border: 4 % of the side
    for edge in (everything[0], everything[-1], everything[:, 0], everything[:, -1]):
        assert not edge.any()
    assert not paste_mask(np.zeros((128, 128), bool)).any()


def test_outside_the_mask_not_a_byte_changes(photo, crop, mask):
    result = np.array(paste(Image.fromarray(photo), crop, np.ones((128, 128, 3), np.float32), mask))
    weight = np.zeros(photo.shape[:2], np.float32)
    patch, (x0, y0, x1, y1) = crop.warp_back(mask, mask=True)
    weight[y0:y1, x0:x1] = patch
    assert (result[weight == 0] == photo[weight == 0]).all()
    assert (result[weight == 1] == 255).all()
    assert (weight == 1).any()
    assert (weight == 0).any()


def test_detail_without_change_returns_the_photo(photo, crop, mask):
    same = np.random.default_rng(1).random((128, 128, 3), np.float32)
    assert (np.array(paste(Image.fromarray(photo), crop, same, mask, neutral=same)) == photo).all()


def test_detail_adds_the_change_and_keeps_the_texture(photo, crop, mask):
    photo = photo // 4 + 90  # room on both sides
    neutral = np.full((128, 128, 3), 0.4, np.float32)
    result = np.array(paste(Image.fromarray(photo), crop, neutral + 0.04, mask, neutral=neutral)).astype(int)
    x, y = crop.to_photo(np.array([64.0, 64.0])).round().astype(int)
    assert (result[y - 5 : y + 5, x - 5 : x + 5] - photo[y - 5 : y + 5, x - 5 : x + 5].astype(int) == 10).all()


def test_detail_of_what_has_changed_much_is_gone(photo, crop, mask):
    neutral = np.full((128, 128, 3), 0.4, np.float32)
    edited = neutral.copy()
    edited[:64] += 0.2
    whole, plain = (np.array(paste(Image.fromarray(photo), crop, edited, mask, *more)) for more in ((neutral,), ()))
    x, above = crop.to_photo(np.array([64.0, 50.0])).round().astype(int)
    _, below = crop.to_photo(np.array([64.0, 78.0])).round().astype(int)
    assert (whole[above - 5 : above + 5, x - 5 : x + 5] == plain[above - 5 : above + 5, x - 5 : x + 5]).all()
    assert (whole[below - 5 : below + 5, x - 5 : x + 5] == photo[below - 5 : below + 5, x - 5 : x + 5]).all()


def test_a_warps_detail_is_added_in_place_of_the_photos(photo, crop, mask):
    photo, warp = photo // 4 + 90, np.roll(photo // 4 + 90, 7, 1)
    neutral = np.full((128, 128, 3), 0.4, np.float32)
    result = np.array(paste(Image.fromarray(photo), crop, neutral + 0.04, mask, neutral, warp)).astype(int)
    x, y = crop.to_photo(np.array([64.0, 64.0])).round().astype(int)
    inside = slice(y - 8, y + 8), slice(x - 8, x + 8)
    assert (result[inside] - warp[inside].astype(int) == 10).all()
    outside = np.array(paste(Image.fromarray(photo), crop, neutral, 0 * mask, neutral, warp))
    assert (outside == warp).all()


def test_transparency_survives(photo, crop, mask):
    alpha = np.random.default_rng(2).integers(0, 256, (300, 400, 1), np.uint8)
    image = Image.fromarray(np.concatenate([photo, alpha], 2), "RGBA")
    result = paste(image, crop, np.zeros((128, 128, 3), np.float32), mask)
    assert result.mode == "RGBA"
    assert (np.array(result)[:, :, 3:] == alpha).all()


def test_a_crop_that_leaves_the_photo(photo, mask):
    crop = Crop.around(np.array([-60, -60, 60, 60], np.float32), (400, 300), 128)
    result = paste(Image.fromarray(photo), crop, np.zeros((128, 128, 3), np.float32), mask)
    assert result.size == (400, 300)
    assert (np.array(result) != photo).any()


def test_a_cut_out_keeps_alpha_and_what_it_hides_and_looks_edited_on_any_page(photo, crop, mask):
    y, x = np.mgrid[:300, :400]
    alpha = (255 - 2 * np.hypot(x - 190, y - 150)).clip(0, 255).astype(np.uint8)
    cut = np.dstack([photo, alpha])
    seen = crop.apply(on_white(cut)).astype(np.float32) / 255
    edited = (seen * 0.8).astype(np.float32)
    after = np.array(paste(Image.fromarray(cut), crop, edited, mask))
    assert (after[..., 3] == alpha).all()
    assert (after[alpha == 0] == cut[alpha == 0]).all()
    changed = (after != cut).any(2)
    assert changed.any()
    plain = np.array(paste(Image.fromarray(on_white(cut)), crop, edited, mask)).astype(int)
    opaque = alpha == 255
    assert np.abs(after[opaque][:, :3].astype(int) - plain[opaque]).max() <= 1
    # Where the colours need not leave their range, the page sees the very change that the networks made.
    free = changed & ((after[..., :3] > 0) & (after[..., :3] < 255)).all(2)
    assert np.abs(on_white(after)[free].astype(int) - plain[free]).max() <= 2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_pixel_that_is_no_number_is_pasted(photo, crop, mask, bad):
    edited = np.full((128, 128, 3), 0.5, np.float32)
    edited[60, 60] = bad
    with refused(ImageError, "values"):
        paste(Image.fromarray(photo), crop, edited, mask)
