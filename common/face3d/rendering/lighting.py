"""Light as second-order spherical harmonics: nine numbers a colour that say how bright a matt surface is by its normal.

The basis, its order and its constants are DECA's (Feng et al., SIGGRAPH 2021, eq. 5), so that light codes of the
released RigFace mean the same here; behind it stands Ramamoorthi and Hanrahan, "An Efficient Representation for
Irradiance Environment Maps" (SIGGRAPH 2001).
"""

from __future__ import annotations

import math

import torch

from ...core.errors import ShapeError

_NORM = (
    math.sqrt(1 / (4 * math.pi)),
    *3 * (math.sqrt(3 / (4 * math.pi)),),
    *3 * (3 * math.sqrt(5 / (12 * math.pi)),),
    3 / 2 * math.sqrt(5 / (12 * math.pi)),
    1 / 2 * math.sqrt(5 / (4 * math.pi)),
)
# Convolution with the clamped cosine: pi, 2 pi / 3, pi / 4 (eq. 8 of Ramamoorthi and Hanrahan). DECA leaves pi out of
# the constant term, so its first light coefficient is pi times larger.
_COSINE = (1.0, *3 * (2 * math.pi / 3,), *5 * (math.pi / 4,))
CONSTANTS = tuple(norm * cosine for norm, cosine in zip(_NORM, _COSINE))


def basis(normals: torch.Tensor) -> torch.Tensor:
    """The polynomials 1, x, y, z, xy, xz, yz, x²-y², 3z²-1 of unit normals (..., 3), as (..., 9), without constants."""
    x, y, z = normals.unbind(-1)
    return torch.stack([torch.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], -1)


def shade(normals: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """How bright a matt white surface of unit normals (B, N, 3) is under a light (1 or B, 9, 3): (B, N, 3), to be
    multiplied with the albedo. May leave [0, 1], and dips below 0 opposite a single strong light.
    """
    check_light(light)
    constants = torch.tensor(CONSTANTS, dtype=normals.dtype, device=normals.device)
    return (basis(normals) * constants) @ light


def ambient(colour: torch.Tensor) -> torch.Tensor:
    """Light of one colour (B, 3) from everywhere, as (B, 9, 3): a white surface takes exactly that colour."""
    light = colour.new_zeros(len(colour), 9, 3)
    light[:, 0] = colour / CONSTANTS[0]
    return light


def directional(direction: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
    """A distant lamp as spherical harmonics (B, 9, 3): the best second-order approximation of colour * max(0, normal ·
    direction).

    `direction` (B, 3) goes from the face towards the lamp, of any length but zero: x points to the picture's right, y
    up, z to the viewer; `colour` (B, 3) is the brightness of a white surface that faces the lamp.
    """
    for name, value in (("direction", direction), ("colour", colour)):
        if value.ndim != 2 or value.shape[1] != 3:
            raise ShapeError(name, "(B, 3)", value.shape)
    unit = torch.nn.functional.normalize(direction, dim=-1)
    norm = torch.tensor(_NORM, dtype=unit.dtype, device=unit.device)
    first = torch.tensor([math.pi, *8 * (1.0,)], dtype=unit.dtype, device=unit.device)
    return (basis(unit) * norm * first)[:, :, None] * colour[:, None, :]


def brightness(light: torch.Tensor) -> torch.Tensor:
    """Mean brightness (..., 3) that a light (..., 9, 3) has on white surfaces that face the viewer, all normals alike.

    Unlike the constant harmonic, it is never a guess of what comes from behind the face, which no photo shows.
    """
    return (_rows(_FRONT, light) @ light).mean(-2)


def physical(light: torch.Tensor, least: float = 0.02) -> torch.Tensor:
    """The light (..., 9, 3), of a mean brightness of about 1 in each colour, mixed with as much even light as gives
    every normal towards the viewer, and the mean over all directions, a brightness of `least`.

    A photo shows half the normals, so that the least squares of a light may be negative in others, or in the mean over
    all directions. Each colour is mixed with even light of brightness 1, which leaves a mean of 1 as it is.
    """
    seen = torch.cat([_rows(_FRONT, light), _rows(_FRONT, light).new_tensor([[CONSTANTS[0], *8 * (0.0,)]])])
    darkest = (seen @ light).amin(-2, keepdim=True)  # (..., 1, 3)
    even = ((least - darkest) / (1 - darkest)).clamp(0, 1)
    plain = torch.zeros_like(light)
    plain[..., :1, :] = 1 / CONSTANTS[0]
    return torch.where(darkest < least, light + even * (plain - light), light)


def rotate(light: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """Turn a light (B, 9, 3) about the face: what came from direction d then comes from rotation @ d. Exact, because a
    rotation (B, 3, 3) mixes only harmonics of the same order.
    """
    check_light(light)
    # A function of nine coefficients is known by its values in enough directions: read it, turned, in these.
    directions = spread(32).to(light)
    constants = torch.tensor(CONSTANTS, dtype=light.dtype, device=light.device)
    values = (basis(directions @ rotation) * constants) @ light  # (B, 32, 3): directions @ R is R^T applied to each
    return torch.linalg.pinv(basis(directions) * constants) @ values


def spread(count: int, lowest: float = -1.0) -> torch.Tensor:
    """Unit vectors (count, 3) in float64, evenly spread over the sphere above a height z, on a spiral."""
    index = torch.arange(count, dtype=torch.float64) + 0.5
    z, angle = 1 - (1 - lowest) * index / count, index * (math.pi * (3 - math.sqrt(5)))
    radius = (1 - z * z).sqrt()
    return torch.stack([radius * angle.cos(), radius * angle.sin(), z], -1)


def _rows(directions: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """What a light's coefficients are multiplied with in some directions (N, 3): (N, 9)."""
    return (basis(directions) * directions.new_tensor(CONSTANTS)).to(light)


def check_light(light: torch.Tensor) -> None:
    """Raise ShapeError unless the light is (B, 9, 3)."""
    if light.ndim != 3 or light.shape[1:] != (9, 3):
        raise ShapeError("light", "(B, 9, 3): nine spherical harmonics of red, green and blue", light.shape)


_FRONT = spread(256, lowest=-0.2)
"""Normals that face the viewer, and a little more: perspective and a turned head show some that look past."""
