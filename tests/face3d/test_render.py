"""Pictures of a head: coverage, depth, normals, parts and landmarks tell one story."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from refusals import refused

from common.core.errors import InputError, ShapeError
from common.core.face_labels import PARTS
from common.face3d.camera import Orthographic, Perspective, to_pixels
from common.face3d.heads.anny import default_head
from common.face3d.heads.head import vertex_normals
from common.face3d.rendering.lighting import ambient, directional
from common.face3d.rendering.render import check_size, most_frequent, rasterize, render, sample_texture, visible

WHITE = ambient(torch.ones(1, 3))
CAMERA = Perspective(torch.tensor([8.0]), torch.tensor([1.1]), torch.tensor([[0.0, 0.2]]))


@pytest.fixture(scope="module")
def head():
    return default_head()


@pytest.fixture(scope="module")
def fragments(head):
    return rasterize(to_pixels(CAMERA.project(head()), 128, 128)[0], head.triangles, 128, 128)


def square(depth: float, low: float, high: float) -> torch.Tensor:
    return torch.tensor([[low, low, depth], [high, low, depth], [high, high, depth], [low, high, depth]])


def test_a_square_covers_its_pixels():
    fragments = rasterize(square(2.0, 9.5, 29.5), torch.tensor([[0, 1, 2], [0, 2, 3]]), 40, 50)
    expected = torch.zeros(50, 40, dtype=torch.bool)
    expected[10:30, 10:30] = True
    assert (fragments.seen ^ expected).sum() <= 2 * 20 + 1  # pixel centres on the very edge may fall either way
    assert torch.allclose(fragments.depth[fragments.seen], torch.tensor(2.0), atol=1e-3)
    assert torch.isinf(fragments.depth[~fragments.seen]).all()


def test_weights_say_where_a_pixel_lies(head):
    points = to_pixels(CAMERA.project(head()), 96, 96)[0]
    fragments = rasterize(points, head.triangles, 96, 96)
    rows, columns = torch.nonzero(fragments.seen, as_tuple=True)
    place = fragments.interpolate(points, head.triangles)
    assert (place[:, 0] - columns).abs().max() < 0.01
    assert (place[:, 1] - rows).abs().max() < 0.01
    assert (place[:, 2] - fragments.depth[fragments.seen]).abs().max() < 1e-3
    assert torch.allclose(fragments.weights[fragments.seen].sum(1), torch.ones(len(rows)), atol=1e-5)


def test_the_nearer_square_hides_the_farther():
    points = torch.cat([square(2.0, 5, 30), square(1.0, 12, 20)])
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    for order in (triangles, triangles.flip(0)):
        fragments = rasterize(points, order, 40, 40)
        assert fragments.depth[16, 16] == pytest.approx(1.0, abs=1e-3)
        assert fragments.depth[8, 8] == pytest.approx(2.0, abs=1e-3)


def test_depth_normals_and_mask_agree(head, fragments):
    seen, depth = fragments.seen, fragments.depth
    assert torch.equal(seen, torch.isfinite(depth))
    assert (head.parts[fragments.triangle[seen]] > 0).all()
    values = fragments.interpolate(vertex_normals(head(), head.triangles)[0], head.triangles)
    normals = torch.zeros(128, 128, 3)
    normals[seen] = torch.nn.functional.normalize(values, dim=1)
    # Normals are what depth's slope says: compare on the smooth middle of the face.
    step = 1.1 / 8.0 / 64
    depth = depth[40:80, 50:78]
    slope_x = (depth[1:-1, 2:] - depth[1:-1, :-2]) / (2 * step)
    slope_y = (depth[2:, 1:-1] - depth[:-2, 1:-1]) / (2 * step)
    from_depth = torch.nn.functional.normalize(torch.stack([slope_x, -slope_y, torch.ones_like(slope_x)], 2), dim=2)
    cosine = (from_depth * normals[41:79, 51:77]).sum(2)
    assert cosine.median() > 0.97


def test_white_light_shows_the_albedo(head):
    albedo = torch.tensor([0.8, 0.5, 0.3])
    colour, seen = render(head, head(), CAMERA, WHITE, size=64, albedo=albedo)
    assert torch.allclose(colour[:, seen], albedo[:, None].expand(-1, int(seen.sum())), atol=1e-5)
    assert not colour[:, ~seen].any()


def test_light_from_the_left_brightens_the_left(head):
    light = directional(torch.tensor([[-1.0, 0.0, 0.5]]), torch.ones(1, 3))
    colour = render(head, head(), CAMERA, light, size=64)[0].mean(0)
    assert colour[:, :32].sum() > 1.5 * colour[:, 32:].sum()


def test_a_symmetric_head_makes_a_symmetric_picture(head):
    _, seen = render(head, head(), CAMERA, WHITE, size=64)
    assert (seen ^ seen.flip(1)).float().mean() < 0.002
    light = directional(torch.tensor([[1.0, 0.0, 0.5]]), torch.ones(1, 3))
    other = directional(torch.tensor([[-1.0, 0.0, 0.5]]), torch.ones(1, 3))
    right, left = (render(head, head(), CAMERA, each, size=64)[0] for each in (light, other))
    assert (right - left.flip(2)).abs().mean() < 0.005


def test_every_part_of_a_face_is_seen(head, fragments):
    seen = {PARTS[i] for i in head.parts[fragments.triangle[fragments.seen]].unique().tolist()}
    assert seen >= {"skin", "l_eye", "r_eye", "l_ear", "r_ear", "nose", "u_lip", "l_lip", "neck", "cloth"}


def test_landmarks_are_seen_from_the_front_and_hidden_from_the_side(head):
    for yaw, least, most in ((0.0, 55, 68), (1.2, 25, 55)):
        vertices = head.turn(head(), torch.tensor([[yaw, 0.0, 0.0]]))
        points = to_pixels(CAMERA.project(vertices), 256, 256)[0]
        fragments = rasterize(points, head.triangles, 256, 256)
        landmarks = to_pixels(CAMERA.project(head.landmarks(vertices)), 256, 256)[0]
        seen = visible(landmarks, fragments)
        assert least <= int(seen.sum()) <= most
        assert seen[30]  # the tip of the nose


def test_what_is_outside_the_picture_is_not_seen(head):
    points = to_pixels(CAMERA.project(head()), 64, 64)[0]
    fragments = rasterize(points, head.triangles, 64, 64)
    assert not visible(torch.tensor([[-5.0, 10.0, 0.1], [10.0, 900.0, 0.1]]), fragments).any()


def test_textures_are_read_at_their_coordinates():
    texture = torch.zeros(3, 8, 8)
    texture[0], texture[1] = (
        torch.linspace(1, 15, 8) / 16,
        torch.linspace(15, 1, 8)[:, None] / 16,
    )  # u and v of the centres
    uv = torch.rand(100, 2) * 0.8 + 0.1
    assert torch.allclose(sample_texture(texture, uv)[:, :2], uv, atol=1e-5)


def test_a_texture_is_drawn(head):
    red = torch.zeros(3, 16, 16)
    red[0] = 1
    colour, seen = render(head, head(), CAMERA, WHITE, size=32, texture=red)
    assert torch.allclose(colour[0][seen], torch.ones(int(seen.sum())), atol=1e-5)
    assert not colour[1].any()


def test_votes():
    labels = torch.tensor([[1, 1, 2, 3], [1, 2, 3, 3]])
    assert most_frequent(labels, 2).tolist() == [[1, 3]]


@pytest.mark.slow  # by default: a whole picture's, tests/synthetic/test_picture.py
def test_the_same_bytes_in_two_processes(head):
    code = (
        "import torch, hashlib\nfrom common.face3d.heads.anny import default_head\n"
        "from common.face3d.camera import Perspective\n"
        "from common.face3d.rendering.lighting import ambient\nfrom common.face3d.rendering.render import render\n"
        "h = default_head()\n"
        "c = Perspective(torch.tensor([8.0]), torch.tensor([1.1]), torch.tensor([[0.0, 0.2]]))\n"
        "p, seen = render(h, h(), c, ambient(torch.ones(1, 3)), size=128)\n"
        "print(hashlib.sha256(p.numpy().tobytes() + seen.numpy().tobytes()).hexdigest())"
    )
    import hashlib

    colour, seen = render(head, head(), CAMERA, WHITE, size=128)
    mine = hashlib.sha256(colour.numpy().tobytes() + seen.numpy().tobytes()).hexdigest()
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert mine == other


def test_orthographic_pictures(head):
    camera = Orthographic(torch.tensor([7.0]), torch.tensor([[0.0, 0.02]]))
    _, seen = render(head, head(), camera, WHITE, size=64)
    assert 0.2 < seen.float().mean() < 0.9


def test_bad_input(head):
    with refused(ShapeError, name="vertices"):
        render(head, head().expand(2, -1, -1), CAMERA, WHITE, size=64)
    with refused(InputError, "conflict"):
        render(head, head(), CAMERA, WHITE, size=64, albedo=torch.ones(3), texture=torch.ones(3, 4, 4))
    with pytest.raises(InputError, match="size"):
        render(head, head(), CAMERA, WHITE, size=1)
    with pytest.raises(InputError, match="samples"):
        check_size(64, 9)
    with refused(InputError, "values"):
        rasterize(torch.full((3, 3), np.nan), torch.tensor([[0, 1, 2]]), 8, 8)
    with refused(InputError, "count", actual=0):
        rasterize(torch.zeros(3, 3), torch.zeros(0, 3, dtype=torch.long), 8, 8)
    with refused(ShapeError, name="points"):
        rasterize(torch.zeros(3, 2), torch.tensor([[0, 1, 2]]), 8, 8)
    with refused(ShapeError, name="texture"):
        sample_texture(torch.zeros(8, 8), torch.zeros(1, 2))


def test_sizes_and_colours_are_checked(head):
    for wrong in (64.0, "64", True):
        with pytest.raises(InputError, match="size"):
            render(head, head(), CAMERA, WHITE, size=wrong)
    with refused(ShapeError, name="albedo"):
        render(head, head(), CAMERA, WHITE, size=64, albedo=torch.ones(7, 3))


def test_a_head_beside_the_picture_leaves_it_empty(head):
    beside = Perspective(torch.tensor([8.0]), torch.tensor([1.1]), torch.tensor([[9.0, 0.2]]))
    colour, seen = render(head, head(), beside, WHITE, size=32)
    assert not seen.any()
    assert not colour.any()
    assert torch.isinf(rasterize(to_pixels(beside.project(head()), 32, 32)[0], head.triangles, 32, 32).depth).all()
