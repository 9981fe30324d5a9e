"""What a fit knows before it sees a photo: how landmarks follow a head's numbers, and which numbers are believable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch

from .anny_data import PHENOTYPES
from .anny_head import MAX_INTENSITY, AnnyHead
from .anny_units import POSITIVE, UNITS
from .head import vertex_normals
from .landmarks import Scheme

# How far believable adults are from the mean person (one standard deviation), and how far they may be at all. Muscles,
# body height and its proportions hardly show in a face.
_SPREAD = {"gender": 0.35, "age": 0.12, "muscle": 0.15, "weight": 0.2, "height": 0.1, "proportions": 0.1}
_RACE_SPREAD, _CHANGE_SPREAD = 0.3, 0.12
_BOUNDS = {"age": (-0.15, 0.25), **dict.fromkeys(("african", "asian", "caucasian"), (-1 / 3, 2 / 3))}
# Actions are counted in [0, 1] of the most that a face can do; few of them act in a photo (a Laplacian prior), and both
# sides alike (a Gaussian one on their difference).
_MEAN_ACTION, _ASYMMETRY = 0.12, 0.25
# Antagonists that no positive intensity can replace: lids that close, lips that round, lips that press.
_NEGATIVE = ("AU5", "AU20", "AU25")
_JAW_OPENING, _JAW_ASIDE = math.radians(20), math.radians(10)  # radians at 1
_ACTIONS = [
    *((unit, side, 1.0) for side in (0, 1) for unit in UNITS if unit != "AU26"),
    *((unit, side, -1.0) for side in (0, 1) for unit in _NEGATIVE),
]  # and then: the jaw's opening, which AU26 tells as far as it can, and its ways to the picture's right and left

_JAW_OF_AU26 = POSITIVE["AU26"]["jawOpen"]

# Few points tell whether eyes and mouth are open: these count more.
# fmt: off
_EMPHASIS: dict[Scheme, dict[float, tuple[int, ...]]] = {
    "ibug68": {4.0: (37, 38, 40, 41, 43, 44, 46, 47), 2.0: (48, 54, *range(60, 68))},
    "mesh468": {
        4.0: (
            160, 159, 158, 144, 145, 153, 161, 157, 163, 154,  # lids of the eye at the left
            385, 386, 387, 373, 374, 380, 384, 388, 381, 390,  # at the right
        ),
        2.0: (  # corners of the mouth, inner lips
            61, 291, 78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 95, 88, 178, 87, 14, 317, 402, 318, 324,
        ),
    },
}
# fmt: on


@dataclass(frozen=True)
class Shapes:
    """How N landmarks of one scheme follow the head's numbers, P local changes and A actions; float64, metres.

    Attributes:
        mean: (N, 3) landmarks of the mean head.
        base: (N, 3) landmarks without any macro shape, see `AnnyHead.phenotype_shapes`.
        macro: (W, N, 3) what a macro shape adds at 1.
        up: (P, N, 3) what a local change adds at +1.
        down: (P, N, 3) what it adds at -1.
        actions: (A, N, 3) what an action adds at 1: positive units of both sides, antagonists, the jaw.
        normals: (N, 3) unit normals of the mean head.
        emphasis: (N,) how much a landmark counts.
    """

    mean: torch.Tensor
    base: torch.Tensor
    macro: torch.Tensor
    up: torch.Tensor
    down: torch.Tensor
    actions: torch.Tensor
    normals: torch.Tensor
    emphasis: torch.Tensor


@dataclass(frozen=True)
class Priors:
    """Which values of D unknowns are believable: phenotypes, changes, actions, then others of which nothing is known.

    Attributes:
        low: (D,) lower bounds.
        high: (D,) upper bounds.
        curvature: (D, D) second derivatives of the negative logarithm of the prior.
        slope: (D,) the constant part of its first ones.
    """

    low: torch.Tensor
    high: torch.Tensor
    curvature: torch.Tensor
    slope: torch.Tensor


@lru_cache(maxsize=4)
@torch.no_grad()
def shapes(head: AnnyHead, scheme: Scheme) -> Shapes:
    """Read the head's linear parts off the head itself, once."""

    def points(vertices: torch.Tensor) -> torch.Tensor:
        return head.embedding.points(vertices, scheme).double().cpu()

    mean = points(head.mean[None])
    one = torch.eye(head.identity_size, device=head.device)[len(PHENOTYPES) :]
    expression = torch.zeros(len(_ACTIONS), *head.expression_shape, device=head.device)
    for row, (unit, side, sign) in enumerate(_ACTIONS):
        expression[row, side, UNITS.index(unit)] = sign * MAX_INTENSITY
    jaw = torch.tensor([[_JAW_OPENING, 0, 0], [0, _JAW_ASIDE, 0], [0, -_JAW_ASIDE, 0]], device=head.device)
    emphasis = torch.ones(mean.shape[1], dtype=torch.float64)
    for value, rows in _EMPHASIS[scheme].items():
        emphasis[list(rows)] = value
    normals = points(vertex_normals(head.mean[None], head.triangles))[0]
    base, macro = head.phenotype_shapes()
    return Shapes(
        mean=mean[0],
        base=points(base[None])[0],
        macro=points(macro),
        up=points(head(one)) - mean,
        down=points(head(-one)) - mean,
        actions=torch.cat([points(head(expression=expression)), points(head(jaw=jaw))]) - mean,
        normals=torch.nn.functional.normalize(normals, dim=1),
        emphasis=emphasis,
    )


def priors(changes: int, actions: int, rest: int) -> Priors:
    """Priors of 9 phenotypes and so many local changes, actions and further unknowns."""
    start = len(PHENOTYPES) + changes
    size = start + actions + rest
    low, high = torch.full((size,), -math.inf).double(), torch.full((size,), math.inf).double()
    spread, slope = torch.full((size,), math.inf).double(), torch.zeros(size).double()
    for i, name in enumerate(PHENOTYPES):
        low[i], high[i] = _BOUNDS.get(name, (-0.5, 0.5))
        spread[i] = _SPREAD.get(name, _RACE_SPREAD)
    low[len(PHENOTYPES) : start], high[len(PHENOTYPES) : start] = -1, 1
    spread[len(PHENOTYPES) : start] = _CHANGE_SPREAD
    acting = slice(start, start + actions)
    low[acting], high[acting], slope[acting] = 0, 1, 1 / _MEAN_ACTION
    slope[start + len(_ACTIONS)] *= 2 / _JAW_OF_AU26  # the jaw has both sides at once, and AU26 is only part of it
    curvature = (spread**-2).diag()
    for row, (unit, side, sign) in enumerate(_ACTIONS, start):
        curvature[row, row] += _ASYMMETRY**-2
        curvature[row, start + _ACTIONS.index((unit, 1 - side, sign))] -= _ASYMMETRY**-2
    return Priors(low, high, curvature, slope)


def expression_of(actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Expression (1, 2, 12) and jaw (1, 3) of actions (A,) in [0, 1]; AU26 opens the jaw as far as it can."""
    *units, opening, right, left = actions
    expression = actions.new_zeros(1, 2, len(UNITS))
    for value, (unit, side, sign) in zip(units, _ACTIONS):
        expression[0, side, UNITS.index(unit)] += sign * value * MAX_INTENSITY
    expression[0, :, UNITS.index("AU26")] = MAX_INTENSITY * (opening / _JAW_OF_AU26).clamp_max(1)
    jaw = torch.stack([_JAW_OPENING * (opening - _JAW_OF_AU26).clamp_min(0), _JAW_ASIDE * (right - left), 0 * opening])
    return expression, jaw[None]
