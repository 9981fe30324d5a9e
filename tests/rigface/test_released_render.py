"""Laws of DECA's head in the editor's crop: light, projection, alignment."""

import math

import numpy as np
import pytest
import torch
from released_heads import MODEL, codes, crop_of, seen, write_landmarks, write_texture

from common.core.errors import InputError
from common.face3d.camera import to_pixels
from common.face3d.heads.flame import Flame
from common.faces.affine import transform
from rigface.released.render import GREY, Place, centre, draw, draw_codes, place, vertices

# DECA's constants, as the golden numbers' README tells them.
CONSTANTS = [
    1 / math.sqrt(4 * math.pi),
    *3 * [2 * math.pi / 3 * math.sqrt(3 / (4 * math.pi))],
    *3 * [math.pi / 4 * 3 * math.sqrt(5 / (12 * math.pi))],
    math.pi / 4 * 1.5 * math.sqrt(5 / (12 * math.pi)),
    math.pi / 4 * 0.5 * math.sqrt(5 / (4 * math.pi)),
]


@pytest.fixture(scope="module")
def flame(tmp_path_factory) -> Flame:
    return Flame.from_file(MODEL, landmarks=write_landmarks(tmp_path_factory.mktemp("flame") / "landmarks.safetensors"))


def place_of(flame: Flame, face) -> Place:
    crop = crop_of(face)
    return place(flame, face.codes, face.window, crop.matrix, crop.size)


class Ball:
    """A sphere of half a metre."""

    def __init__(self) -> None:
        rows, columns = 40, 80
        polar, around = torch.meshgrid(
            torch.linspace(0, torch.pi, rows), torch.arange(columns) * (2 * torch.pi / columns), indexing="ij"
        )
        points = torch.stack([polar.sin() * around.sin(), polar.cos(), polar.sin() * around.cos()], -1)
        self.vertices = 0.5 * points.reshape(1, -1, 3)
        grid = torch.arange(rows * columns).reshape(rows, columns)
        a, b, c, d = (grid[i : rows - 1 + i].roll(-j, 1).flatten() for i in (0, 1) for j in (0, 1))
        self.triangles = self.uv_triangles = torch.cat([torch.stack([a, c, d], 1), torch.stack([a, d, b], 1)])
        self.uv = torch.zeros(rows * columns, 2)
        self.parts = torch.ones(len(self.triangles), dtype=torch.int64)


def test_a_ball_is_lit_as_decas_formula_says():
    size, generator = 64, torch.Generator().manual_seed(3)
    light = 0.25 * torch.randn(1, 9, 3, generator=generator)
    light[:, 0] = 2.5
    # DECA's crop [-1, 1] fills the picture exactly
    identity = np.array([[size / 224, 0, -0.5], [0, size / 224, -0.5]])
    where = Place(torch.tensor([[1.6, 0.0, 0.0]]), identity, torch.zeros(3), size)
    ball = Ball()
    picture, covered = draw(ball, ball.vertices, where, light)
    for row, column in [(32, 32), (20, 40), (45, 25), (30, 50), (12, 30)]:
        x, y = (column + 0.5) * 2 / size - 1, 1 - (row + 0.5) * 2 / size
        x, y = x / 0.8, y / 0.8
        z = math.sqrt(1 - x * x - y * y)
        basis = [1, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1]
        shading = sum(c * b * colour.numpy() for c, b, colour in zip(CONSTANTS, basis, light[0]))
        assert np.allclose(picture[row, column] / 255, np.clip(GREY * shading, 0, 1), atol=0.02)
    assert covered.mean() == pytest.approx(math.pi * 0.8**2 / 4, rel=0.02)
    assert not picture[~covered].any()
    assert not covered[0, 0]


def test_projection_and_the_inverse_crop_undo_each_other(flame):
    face = seen(1, 100, 140)
    crop, points = crop_of(face), vertices(flame, face.codes)
    in_crop = place_of(flame, face).pixels(points)[0].double().numpy()
    in_window = transform(crop.to_photo(in_crop), face.window)
    scale, x, y = face.codes.camera[0]
    right, up = (scale * (points[0, :, :2] + torch.stack([x, y]))).T
    expected = torch.stack([(right + 1) * 112, (1 - up) * 112], 1)
    assert np.allclose(in_window, expected, atol=1e-2)


def test_a_place_is_a_camera_of_the_crop(flame):
    where, points = place_of(flame, seen(2)), vertices(flame, codes(2))
    found = to_pixels(where.project(points), where.size, where.size)
    torch.testing.assert_close(found[..., :2], where.pixels(points), rtol=1e-4, atol=1e-3)
    assert torch.equal(found[..., 2].argsort(), (-points[..., 2]).argsort())


def test_ffhq_centre_is_a_tenth_from_the_eyes_to_the_mouth(flame):
    made = codes(0)
    head = vertices(flame, made)
    landmarks = flame.landmarks2d(head, made.rotation)[0]
    eyes = torch.stack([landmarks[36:42].mean(0), landmarks[42:48].mean(0)]).mean(0)
    mouth = (landmarks[48] + landmarks[54]) / 2
    torch.testing.assert_close(centre(flame, head, made), 0.9 * eyes + 0.1 * mouth)


def test_turning_and_opening_the_mouth_keep_the_centre_where_it_was(flame, monkeypatch):
    face, drawn = seen(0), []
    where = place_of(flame, face)
    monkeypatch.setattr("rigface.released.render.draw", lambda flame, head, *_: drawn.append(head))
    other = codes(0, rotation=torch.tensor([0.3, -0.5, 0.2]), jaw=torch.tensor([0.4, 0, 0]))
    draw_codes(flame, other, where)
    torch.testing.assert_close(centre(flame, drawn[0], other), where.centre, rtol=0, atol=1e-5)
    draw_codes(flame, face.codes, where)
    assert torch.equal(drawn[1], vertices(flame, face.codes))  # its own head is not moved


def test_a_head_is_textured_by_its_codes_where_there_is_a_texture(tmp_path, flame):
    textured = Flame.from_file(
        MODEL,
        landmarks=write_landmarks(tmp_path / "landmarks.safetensors"),
        texture=write_texture(tmp_path / "texture.npz"),
    )
    face = seen(0)
    where = place_of(flame, face)
    grey, covered = draw_codes(flame, face.codes, where)
    plain, _ = draw_codes(textured, codes(0, texture=torch.zeros(50)), where)
    bright, again = draw_codes(textured, codes(0, texture=torch.ones(50)), where)
    assert np.array_equal(covered, again)
    assert covered.any()
    assert (plain[covered] != grey[covered]).mean() > 0.5
    assert bright[covered].mean() > plain[covered].mean() + 5
    assert grey.shape == (128, 128, 3)
    assert grey.dtype == np.uint8
    assert not bright[~covered].any()


def test_codes_that_are_no_numbers_are_refused(flame):
    face = seen(0)
    with pytest.raises(InputError, match="NaN"):
        draw_codes(flame, codes(0, shape=torch.full((100,), torch.nan)), place_of(flame, face))
