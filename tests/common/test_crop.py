"""Laws of the crop: there and back again, at borders, on extreme photos."""

import cv2
import numpy as np
import pytest

from common.core.errors import InputError, ShapeError
from common.faces import Crop
from common.faces.affine import invert, sample

RNG = np.random.default_rng(0)


def smooth_photo(width, height):
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = [np.sin(x / 23 + phase) + np.cos(y / 31 - phase) for phase in (0, 1, 2)]
    return (127.5 + 60 * np.stack(waves, axis=-1)).astype(np.uint8)


def crop_of_side(side, centre, photo_size, size=512):
    """A crop that covers `side` photo pixels each way."""
    half = side * (352 / 512) / 1.5 / 2
    x, y = centre
    return Crop.around(np.array([x - half, y - 10, x + half, y + 10]), photo_size, size)


def test_released_square():
    crop = Crop.around(np.array([100, 50, 300, 450]), (800, 600))
    square = np.array([(50, 100), (50, 400), (350, 400), (350, 100)])  # side 1.5 x 200 round (200, 250)
    np.testing.assert_allclose(crop.to_crop(square.astype(np.float64)), [(80, 80), (80, 432), (432, 432), (432, 80)])


def test_height_of_the_box_does_not_matter():
    flat = Crop.around(np.array([100, 240, 300, 260]), (800, 600))
    tall = Crop.around(np.array([100, 50, 300, 450]), (800, 600))
    np.testing.assert_array_equal(flat.matrix, tall.matrix)


@pytest.mark.parametrize("size", [64, 256, 512, 1024])
def test_there_and_back(size):
    crop = Crop.around(np.array([-20.5, 30, 61, 99]), (200, 100), size)
    points = RNG.uniform(-500, 500, (7, 2))
    np.testing.assert_allclose(crop.to_photo(crop.to_crop(points)), points, atol=1e-9)
    assert crop.to_crop(points.astype(np.float32)).dtype == np.float32


def test_twice_as_close_is_twice_as_large_round_the_same_centre():
    box, centre = np.array([100.0, 80, 180, 190]), np.array([140.0, 135, 1])
    far, near = (Crop.around(box, (400, 300), 128, zoom=zoom) for zoom in (1.0, 2.0))
    np.testing.assert_allclose(near.matrix[:, :2], 2 * far.matrix[:, :2])
    np.testing.assert_allclose(near.matrix @ centre, far.matrix @ centre)


@pytest.mark.parametrize("zoom", [0, -1, float("nan"), float("inf")])
def test_impossible_zooms(zoom):
    with pytest.raises(InputError, match="zoom"):
        Crop.around(np.array([0.0, 0, 9, 9]), (20, 20), zoom=zoom)


def test_sizes_show_the_same_surroundings():
    box = np.array([10, 20, 110, 160])
    edges = [Crop.around(box, (300, 300), size).to_photo(np.array([-0.5, size - 0.5])) for size in (128, 512)]
    np.testing.assert_allclose(edges[0], edges[1])


@pytest.mark.parametrize("side", [200, 512, 1000])
def test_equals_the_release_down_to_half_size(side):
    photo = RNG.integers(0, 256, (700, 900, 3), dtype=np.uint8)
    crop = crop_of_side(side, (300.3, 80.7), (900, 700))
    released = cv2.warpAffine(photo, crop.matrix, (512, 512), flags=cv2.INTER_LINEAR)
    difference = np.abs(crop.apply(photo).astype(int) - released.astype(int))
    assert difference.max() <= 4  # fixed-point rounding of the position, on noise
    assert (crop.apply(photo)[:60] == 0).all() or side == 200  # black above the photo


def test_no_aliasing_below_half_size():
    stripes = np.zeros((4000, 4000, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = crop_of_side(3000, (2000, 2000), (4000, 4000), 256)
    assert np.abs(crop.apply(stripes).astype(int) - 127).max() <= 16


@pytest.mark.parametrize(
    ("side", "centre"),
    [(150, (300, 200)), (512, (300, 200)), (900, (300, 200)), (1800, (450, 300)), (400, (10, 590)), (300, (-60, 50))],
)
def test_apply_then_warp_back_returns_the_photo(side, centre):
    photo = smooth_photo(900, 600)
    crop = crop_of_side(side, centre, (900, 600))
    patch, (x0, y0, x1, y1) = crop.warp_back(crop.apply(photo))
    assert patch.shape == (y1 - y0, x1 - x0, 3)
    assert 0 <= x0 < x1 <= 900
    assert 0 <= y0 < y1 <= 600
    difference = np.abs(patch.astype(int) - photo[y0:y1, x0:x1].astype(int))
    rim = 8  # where the crop fades to the black around the photo
    inner = difference[rim:-rim, rim:-rim]
    assert inner.mean() < 1
    assert inner.max() <= 6


def test_scale_one_is_exact():
    photo = RNG.integers(0, 256, (600, 600, 3), dtype=np.uint8)
    crop = Crop(np.array([[1.0, 0, -20], [0, 1, -30]]), 512, (600, 600))
    picture = crop.apply(photo)
    np.testing.assert_array_equal(picture, photo[30:542, 20:532])
    patch, rectangle = crop.warp_back(picture)
    assert rectangle == (20, 30, 532, 542)
    np.testing.assert_array_equal(patch, picture)


def test_mask_stays_in_range_and_is_zero_beyond_the_crop():
    crop = crop_of_side(100, (300, 200), (900, 600))
    mask = np.ones((512, 512), np.float32)
    patch, (x0, y0, x1, y1) = crop.warp_back(mask, mask=True)
    assert patch.shape == (y1 - y0, x1 - x0)
    assert patch.dtype == np.float32
    assert patch.min() >= 0
    assert patch.max() <= 1 + 1e-6
    np.testing.assert_allclose(patch[3:-3, 3:-3], 1, atol=1e-6)


def test_turned_crop_covers_its_rectangle_only():
    turn = np.array(cv2.getRotationMatrix2D((300, 300), 30, 1.2))
    turn[:, 2] += 128 - 300
    crop = Crop(turn, 256, (600, 600))
    photo = smooth_photo(600, 600)
    patch, (x0, y0, x1, y1) = crop.warp_back(crop.apply(photo))
    mask, _ = crop.warp_back(np.ones((256, 256), np.float32), mask=True)
    difference = np.abs(patch.astype(int) - photo[y0:y1, x0:x1])[mask > 0.999]
    assert difference.max() <= 6
    assert 0.3 < (mask > 0.5).mean() < 0.9


@pytest.mark.parametrize("photo_size", [(1, 1), (10000, 50), (50, 10000), (3, 700)])
@pytest.mark.parametrize("shape", [(512, 512), (512, 512, 1), (512, 512, 4)])
def test_extreme_photos(photo_size, shape):
    width, height = photo_size
    photo = np.full((height, width, 3), 200, np.uint8)
    for box in (np.array([0, 0, width, height]), np.array([-5, -5, 8, 9]), np.array([0, 0, 0.5, 0.5])):
        crop = Crop.around(box, photo_size)
        assert crop.apply(photo).shape == (512, 512, 3)
        patch, (x0, y0, x1, y1) = crop.warp_back(np.zeros(shape, np.uint8))
        assert patch.shape == (y1 - y0, x1 - x0, *shape[2:])


def test_crop_beside_the_photo_is_empty():
    crop = Crop.around(np.array([5000, 10, 5100, 90]), (100, 100))
    assert (crop.apply(np.full((100, 100, 3), 9, np.uint8)) == 0).all()
    patch, (x0, _, x1, _) = crop.warp_back(np.zeros((512, 512, 3), np.uint8))
    assert patch.size == 0
    assert x0 == x1


def test_large_photo_costs_no_more_than_its_part():
    photo = np.zeros((8000, 12500, 3), np.uint8)  # 100 megapixels
    crop = crop_of_side(700, (6000, 4000), (12500, 8000))
    patch, (x0, y0, x1, y1) = crop.warp_back(crop.apply(photo))
    assert patch.shape == (y1 - y0, x1 - x0, 3)
    assert max(patch.shape[:2]) < 710


def test_sample_shrinks_round_the_same_centres():
    gradient = np.tile(np.arange(0, 1000, dtype=np.float32), (40, 1))
    matrix = np.array([[0.1, 0, 0.3], [0, 0.1, 0]])
    shrunk = sample(gradient, matrix, (100, 4))
    expected = invert(matrix)[0] @ np.stack([np.arange(100), np.zeros(100), np.ones(100)])
    np.testing.assert_allclose(shrunk[1, 5:-5], expected[5:-5], atol=0.35)  # OpenCV rounds positions to 1/32 pixel


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (5, 5, 1, 9), (0, 0, np.nan, 4)])
def test_impossible_boxes(box):
    with pytest.raises(InputError, match="face_box"):
        Crop.around(np.array(box), (10, 10))


def test_wrong_shapes_and_types():
    crop = Crop.around(np.array([2, 2, 8, 8]), (10, 20))
    with pytest.raises(ShapeError, match=r"\(20, 10, 3\)"):
        crop.apply(np.zeros((10, 20, 3), np.uint8))
    with pytest.raises(ShapeError):
        crop.warp_back(np.zeros((100, 100, 3), np.uint8))
    with pytest.raises(InputError, match="float64"):
        crop.warp_back(np.zeros((512, 512, 3)))
    with pytest.raises(ShapeError):
        Crop.around(np.zeros(3), (10, 10))
    with pytest.raises(InputError, match="at least 1"):
        Crop.around(np.array([2, 2, 8, 8]), (10, 20), 0)
