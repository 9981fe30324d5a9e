from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from refusals import refused

from common.core.errors import InputError, ShapeError
from common.parsing import jaw_hint
from common.parsing.conditioning import COLOURS, FIVE_POINTS, rainbow, similarity

PORTRAITS = Path(__file__).resolve().parents[3] / "shared" / "portraits"


def face(scale=1.5, angle=10.0, shift=(70.0, 60.0)):
    """Landmarks (68, 2) and five points (5, 2) in a 512 crop; the jaw is half an ellipse around the template."""
    turn = np.exp(1j * np.radians(angle)) * scale

    def place(points):
        moved = (points @ (1, 1j)) * turn
        return np.stack([moved.real, moved.imag], axis=1) + shift

    around = np.linspace(np.pi, 0, 17)
    jaw = np.stack([128 + 75 * np.cos(around), 110 + 110 * np.sin(around)], axis=1)
    landmarks = np.zeros((68, 2))
    landmarks[:17] = place(jaw)
    return landmarks, place(FIVE_POINTS)


def dots(picture):
    """Area and centre of each dot, from left to right."""
    _, _, stats, centres = cv2.connectedComponentsWithStats((picture > 0).any(-1).astype(np.uint8), connectivity=8)
    order = 1 + np.argsort(centres[1:, 0])
    return stats[order, cv2.CC_STAT_AREA], centres[order]


@pytest.mark.parametrize("angle", [-25.0, 0.0, 10.0])
@pytest.mark.parametrize("scale", [1.2, 1.5])
def test_dots_lie_on_the_jaw_in_their_colours(angle, scale):
    landmarks, points = face(scale, angle)
    landmarks[:17] += 256 - landmarks[:17].mean(axis=0)
    points += 256 - points.mean(axis=0) - (0, 40)
    hint = jaw_hint(landmarks, points, 512)
    assert hint.shape == (512, 512, 3)
    assert hint.dtype == np.uint8
    for (x, y), colour in zip(landmarks[:17], COLOURS, strict=True):
        window = np.zeros((512, 512), bool)
        window[max(0, round(y) - 6) : round(y) + 7, max(0, round(x) - 6) : round(x) + 7] = True
        brightness = hint.sum(-1) * window
        rows, columns = np.nonzero(brightness)
        centre = np.array([columns, rows]) @ brightness[rows, columns] / brightness.sum()
        assert np.abs(centre - (x, y)).max() <= 1
        assert np.abs(hint[window].max(axis=0).astype(int) - colour).max() <= 2


def test_rainbow_has_known_ends():
    table = rainbow()
    assert table.shape == (70, 3)
    assert table[0].tolist() == [127, 0, 255]
    assert table[-1].tolist() == [255, 0, 0]


def test_rainbow_is_matplotlibs():
    matplotlib = pytest.importorskip("matplotlib")
    colours = matplotlib.colormaps["rainbow"](np.linspace(0, 1, 70))[:, :3]
    assert np.array_equal(rainbow(), (colours * 255).astype(np.uint8))


def test_similarity_finds_what_was_done_and_never_mirrors():
    _, points = face(1.3, 20)
    matrix = similarity(points, FIVE_POINTS)
    assert np.allclose(points @ matrix[:, :2].T + matrix[:, 2], FIVE_POINTS)
    mirrored = similarity(points * (-1, 1), FIVE_POINTS)
    assert np.linalg.det(mirrored[:, :2]) > 0


def test_far_points_are_left_out_and_sizes_may_differ():
    landmarks, points = face()
    landmarks[:17] += 1e7
    assert not jaw_hint(landmarks, points, (200, 300)).any()
    assert jaw_hint(*face(), (200, 300)).shape == (200, 300, 3)


def test_useless_points_are_refused():
    landmarks, points = face()
    with refused(InputError, "duplicate"):
        jaw_hint(landmarks, np.full((5, 2), 9.0), 512)
    with refused(InputError, "values"):
        jaw_hint(np.full((68, 2), np.nan), points, 512)
    with refused(ShapeError, name="landmarks"):
        jaw_hint(landmarks[:17], points, 512)


@pytest.mark.golden
def test_dots_are_like_the_authors():
    if not PORTRAITS.is_dir():
        pytest.skip(f"the authors' examples are not at {PORTRAITS}")
    picture, example = (
        np.array(Image.open(PORTRAITS / "magicface" / name).convert("RGB")) for name in ("00381.png", "00381_bg.png")
    )
    theirs = np.where((example != picture).any(-1, keepdims=True), example, 0)
    areas, centres = dots(theirs)
    centres, areas = centres[areas > 10], areas[areas > 10]
    assert len(centres) == 17
    landmarks, points = face(1.52, -5)  # the scale and the roll of this portrait
    landmarks[:17] = centres
    hint = jaw_hint(landmarks, points + centres.mean(axis=0) - points.mean(axis=0), 512)
    our_areas, our_centres = dots(hint)
    assert np.abs(our_centres - centres).max() <= 1.2
    assert np.abs(our_areas.mean() - areas.mean()) < 6
    for x, y in centres:
        window = np.s_[round(y) - 6 : round(y) + 7, round(x) - 6 : round(x) + 7]
        assert np.array_equal(hint[window].max(axis=(0, 1)), theirs[window].max(axis=(0, 1)))
