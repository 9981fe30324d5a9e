"""Pictures of a head: coverage, depth, normals, parts and landmarks tell one story."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from common.core.errors import InputError, ShapeError
from common.core.face_labels import PARTS
from common.face3d.camera import Orthographic, Perspective, to_pixels
from common.face3d.heads.anny import default_head
from common.face3d.rendering.lighting import ambient, directional
from common.face3d.rendering.render import most_frequent, rasterize, render, sample_texture, visible

WHITE = ambient(torch.ones(1, 3))
CAMERA = Perspective(torch.tensor([8.0]), torch.tensor([1.1]), torch.tensor([[0.0, 0.2]]))


@pytest.fixture(scope="module")
def head():
    return default_head()


@pytest.fixture(scope="module")
def picture(head):
    return render(head, head(), CAMERA, WHITE, size=128)


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


def test_depth_normals_and_mask_agree(picture):
    seen = picture.alpha > 0
    assert torch.equal(seen, torch.isfinite(picture.depth))
    assert ((picture.normals.norm(dim=0) > 0) == seen).float().mean() > 0.999
    whole = picture.alpha == 1
    assert (picture.parts[whole] > 0).all()
    assert (picture.parts[~seen] == 0).all()
    # Normals are what depth's slope says: compare on the smooth middle of the face.
    step = 1.1 / 8.0 / 64
    depth = picture.depth[40:80, 50:78]
    slope_x, slope_y = (
        (depth[1:-1, 2:] - depth[1:-1, :-2]) / (2 * step),
        (depth[2:, 1:-1] - depth[:-2, 1:-1]) / (2 * step),
    )
    from_depth = torch.nn.functional.normalize(torch.stack([slope_x, -slope_y, torch.ones_like(slope_x)]), dim=0)
    cosine = (from_depth * picture.normals[:, 41:79, 51:77]).sum(0)
    assert cosine.median() > 0.97


def test_white_light_shows_the_albedo(head):
    albedo = torch.tensor([0.8, 0.5, 0.3])
    picture = render(head, head(), CAMERA, WHITE, size=64, albedo=albedo)
    whole = picture.alpha == 1
    assert torch.allclose(picture.colour[:, whole], albedo[:, None].expand(-1, int(whole.sum())), atol=1e-5)
    assert not picture.colour[:, picture.alpha == 0].any()


def test_light_from_the_left_brightens_the_left(head):
    light = directional(torch.tensor([[-1.0, 0.0, 0.5]]), torch.ones(1, 3))
    colour = render(head, head(), CAMERA, light, size=64).colour.mean(0)
    assert colour[:, :32].sum() > 1.5 * colour[:, 32:].sum()


def test_a_symmetric_head_makes_a_symmetric_picture(head):
    picture = render(head, head(), CAMERA, WHITE, size=64)
    assert (picture.alpha - picture.alpha.flip(1)).abs().mean() < 0.002
    assert (picture.normals[0] + picture.normals[0].flip(1)).abs().mean() < 0.005


def test_edges_are_smooth(head):
    coarse = render(head, head(), CAMERA, WHITE, size=64, samples=1).alpha
    fine = render(head, head(), CAMERA, WHITE, size=64, samples=4).alpha
    assert set(coarse.unique().tolist()) == {0.0, 1.0}
    assert len(fine.unique()) > 8
    assert (coarse - fine).abs().mean() < 0.02


def test_every_part_of_a_face_is_seen(picture):
    seen = {PARTS[i] for i in picture.parts.unique().tolist()}
    assert seen >= {"background", "skin", "l_eye", "r_eye", "l_ear", "r_ear", "nose", "u_lip", "l_lip", "neck", "cloth"}


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
    picture = render(head, head(), CAMERA, WHITE, size=32, texture=red)
    whole = picture.alpha == 1
    assert torch.allclose(picture.colour[0][whole], torch.ones(int(whole.sum())), atol=1e-5)
    assert not picture.colour[1].any()


def test_votes():
    labels = torch.tensor([[1, 1, 2, 3], [1, 2, 3, 3]])
    assert most_frequent(labels, 2).tolist() == [[1, 3]]


@pytest.mark.slow  # by default: a whole picture's, tests/synthetic/test_picture.py
def test_the_same_bytes_in_two_processes(picture):
    code = (
        "import torch, hashlib\nfrom common.face3d.heads.anny import default_head\n"
        "from common.face3d.camera import Perspective\n"
        "from common.face3d.rendering.lighting import ambient\nfrom common.face3d.rendering.render import render\n"
        "h = default_head()\n"
        "c = Perspective(torch.tensor([8.0]), torch.tensor([1.1]), torch.tensor([[0.0, 0.2]]))\n"
        "p = render(h, h(), c, ambient(torch.ones(1, 3)), size=128)\n"
        "print(hashlib.sha256(p.colour.numpy().tobytes() + p.depth.numpy().tobytes()).hexdigest())"
    )
    import hashlib

    mine = hashlib.sha256(picture.colour.numpy().tobytes() + picture.depth.numpy().tobytes()).hexdigest()
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert mine == other


def test_orthographic_pictures(head):
    camera = Orthographic(torch.tensor([7.0]), torch.tensor([[0.0, 0.02]]))
    picture = render(head, head(), camera, WHITE, size=64)
    assert 0.2 < picture.alpha.mean() < 0.9


def test_bad_input(head):
    with pytest.raises(ShapeError, match="one head a picture"):
        render(head, head().expand(2, -1, -1), CAMERA, WHITE, size=64)
    with pytest.raises(InputError, match="not both"):
        render(head, head(), CAMERA, WHITE, size=64, albedo=torch.ones(3), texture=torch.ones(3, 4, 4))
    with pytest.raises(InputError, match="samples"):
        render(head, head(), CAMERA, WHITE, size=64, samples=9)
    with pytest.raises(InputError, match="size"):
        render(head, head(), CAMERA, WHITE, size=1)
    with pytest.raises(InputError, match="NaN"):
        rasterize(torch.full((3, 3), np.nan), torch.tensor([[0, 1, 2]]), 8, 8)
    with pytest.raises(InputError, match="triangles"):
        rasterize(torch.zeros(3, 3), torch.zeros(0, 3, dtype=torch.long), 8, 8)
    with pytest.raises(ShapeError):
        rasterize(torch.zeros(3, 2), torch.tensor([[0, 1, 2]]), 8, 8)
    with pytest.raises(ShapeError, match="texture"):
        sample_texture(torch.zeros(8, 8), torch.zeros(1, 2))


def test_sizes_and_colours_are_checked(head):
    for wrong in ({"size": 64.0}, {"size": "64"}, {"size": True}, {"size": 64, "samples": 2.0}):
        with pytest.raises(InputError, match="whole"):
            render(head, head(), CAMERA, WHITE, **wrong)
    with pytest.raises(ShapeError, match="albedo"):
        render(head, head(), CAMERA, WHITE, size=64, albedo=torch.ones(7, 3))


def test_a_head_beside_the_picture_leaves_it_empty(head):
    beside = Perspective(torch.tensor([8.0]), torch.tensor([1.1]), torch.tensor([[9.0, 0.2]]))
    picture = render(head, head(), beside, WHITE, size=32)
    assert not picture.alpha.any()
    assert not picture.colour.any()
    assert torch.isinf(picture.depth).all()
