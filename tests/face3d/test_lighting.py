"""Spherical harmonics: DECA's constants, lamps, turning."""

from __future__ import annotations

import math

import pytest
import torch
from refusals import refused

from common.core.errors import ShapeError
from common.face3d.camera import rotation_matrix
from common.face3d.rendering.lighting import CONSTANTS, ambient, basis, directional, rotate, shade


def normals(count: int = 2000) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(count, 3, generator=torch.Generator().manual_seed(0)), dim=1)


def test_the_constants_are_decas():
    pi, root = math.pi, math.sqrt
    expected = [
        1 / root(4 * pi),
        *[(2 * pi / 3) * root(3 / (4 * pi))] * 3,
        *[(pi / 4) * 3 * root(5 / (12 * pi))] * 3,
        (pi / 4) * (3 / 2) * root(5 / (12 * pi)),
        (pi / 4) * (1 / 2) * root(5 / (4 * pi)),
    ]
    assert pytest.approx(expected, rel=1e-12) == CONSTANTS


def test_the_basis_is_orthogonal():
    points = normals(200_000).double()
    values = basis(points)
    gram = values.T @ values / len(points)
    off = gram - torch.diag(gram.diagonal())
    assert off.abs().max() < 0.02


def test_ambient_light_is_the_same_all_round():
    colour = torch.tensor([[0.2, 0.5, 0.9]])
    assert torch.allclose(shade(normals()[None], ambient(colour))[0], colour.expand(2000, 3), atol=1e-6)


def test_a_lamp_follows_the_cosine():
    direction = torch.tensor([[0.3, 0.5, 0.8]])
    unit = direction / direction.norm()
    points = normals()
    got = shade(points[None], directional(direction, torch.ones(1, 3)))[0, :, 0]
    cosine = (points @ unit[0]).clamp_min(0)
    # A ninth of the energy is beyond second order; the error of the best approximation is at most 1/16 + a little.
    assert (got - cosine).abs().max() < 0.1
    assert (got - cosine).abs().mean() < 0.04
    assert torch.allclose(directional(3 * direction, torch.ones(1, 3)), directional(direction, torch.ones(1, 3)))


def test_light_from_the_left_brightens_the_left():
    light = directional(torch.tensor([[-1.0, 0.0, 0.3]]), torch.ones(1, 3))
    left, right = shade(torch.tensor([[[-0.7, 0.0, 0.7], [0.7, 0.0, 0.7]]]), light)[0, :, 0]
    assert left > right + 0.3


def test_turning_the_light_is_turning_the_lamp():
    direction = torch.tensor([[0.3, 0.5, 0.8]])
    rotation = rotation_matrix(torch.tensor([[0.7, -0.3, 0.4]]))
    turned = rotate(directional(direction, torch.ones(1, 3)), rotation)
    assert torch.allclose(turned, directional((rotation @ direction[..., None])[..., 0], torch.ones(1, 3)), atol=1e-5)


def test_turning_keeps_what_is_seen():
    light = torch.randn(1, 9, 3, generator=torch.Generator().manual_seed(1))
    rotation, points = rotation_matrix(torch.tensor([[0.4, 0.2, -1.0]])), normals(50)[None]
    before = shade(points, light)
    after = shade(points @ rotation.mT, rotate(light, rotation))
    assert torch.allclose(before, after, atol=1e-5)
    assert torch.allclose(rotate(rotate(light, rotation), rotation.mT), light, atol=1e-5)


def test_gradients():
    light = torch.randn(1, 9, 3, dtype=torch.float64, requires_grad=True)
    angles = torch.tensor([[0.1, 0.2, 0.3]], dtype=torch.float64, requires_grad=True)
    points = normals(5).double()[None]
    assert torch.autograd.gradcheck(lambda a, b: shade(points, rotate(a, rotation_matrix(b))), (light, angles))


def test_wrong_shapes():
    for light in (torch.zeros(9, 3), torch.zeros(1, 3, 9)):
        with refused(ShapeError, name="light"):
            shade(torch.zeros(1, 4, 3), light)
