"""The numbers of a head whose landmarks fall on given ones: Gauss-Newton with priors, within bounds.

What is known before a photo is seen: how landmarks follow a head's numbers, and which numbers are believable.
The landmarks of the default head are almost linear in its numbers, so a dozen small least squares reach the optimum.
Misses are measured in millimetres on the face, not in pixels: the answer does not depend on the size of the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch

from ..camera import Perspective, rotation_matrix
from ..heads.anny import AnnyHead, Scheme
from ..heads.anny_data import PHENOTYPES
from ..heads.head import vertex_normals

# How far believable adults are from the mean person (one standard deviation), and how far they may be at all. Muscles,
# body height and its proportions hardly show in a face.
_SPREAD = {"gender": 0.35, "age": 0.12, "muscle": 0.15, "weight": 0.2, "height": 0.1, "proportions": 0.1}
_RACE_SPREAD, _CHANGE_SPREAD = 0.3, 0.12
_BOUNDS = {"age": (-0.15, 0.25), **dict.fromkeys(("african", "asian", "caucasian"), (-1 / 3, 2 / 3))}
# Few actions of the most that a face can do act in a photo (a Laplacian prior), and both sides alike (a Gaussian one on
# their difference).
_MEAN_ACTION, _ASYMMETRY = 0.12, 0.25
_DEPARTURE = 0.12  # of an action from what was read before (one standard deviation)

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

_NOISE = 1.0  # millimetres by which a detector's landmark misses
_INDEPENDENT = 120  # landmarks whose misses are unlike; a dense mesh says no more than so many
_STEPS, _SETTLED = 30, 0.01  # a step that gains less, in units of log probability, is the last


@dataclass(frozen=True)
class Solution:
    """What explains the landmarks, float32, on the head's device.

    Attributes:
        identity: (1, I) parameters of the head.
        actions: (1, 52) facial actions, 0 to 1; those of the gaze are 0.
        angles: (1, 3) radians: yaw, pitch, roll about the head's pivot.
        camera: pinhole at the distance asked for.
    """

    identity: torch.Tensor
    actions: torch.Tensor
    angles: torch.Tensor
    camera: Perspective


class Problem:
    """Landmarks to explain by one vector of unknowns.

    The unknowns (D,) are 9 phenotypes, the local changes, the actions, yaw, pitch, roll, the logarithm of the focal
    length, and the camera's shift to the right and up. All in float64 on the CPU: the matrices are small.

    Args:
        head: default head.
        scheme: of the landmarks.
        target: (N, 2) float64, x right and y up in half pictures.
        distance: metres from the eyes to the pinhole.
        expected: (1, 52) actions that were read before, from which these depart little; None where nothing was.
        moved: (N, 3) float64 metres by which something else than the unknowns moves the landmarks, such as the lids
            that follow a gaze; None for nothing.
    """

    def __init__(
        self,
        head: AnnyHead,
        scheme: Scheme,
        target: torch.Tensor,
        distance: float,
        expected: torch.Tensor | None = None,
        moved: torch.Tensor | None = None,
    ) -> None:
        self.head, self.target, self.distance = head, target, distance
        self.scheme: Scheme = scheme
        self.shapes = shapes(head, scheme)
        self.moved = torch.zeros_like(self.shapes.mean) if moved is None else moved
        self.pivot = head.pivot.double().cpu()
        sizes = [len(PHENOTYPES), len(self.shapes.up), len(self.shapes.actions), 6]
        self._slices = [slice(sum(sizes[:i]), sum(sizes[: i + 1])) for i in range(4)]
        self.priors = priors(head, *sizes[1:], expected=expected)

    def solve(self, start: torch.Tensor | None = None) -> torch.Tensor:
        """The most probable unknowns (D,), from `start` (D,) or those of the mean head: Levenberg-Marquardt steps that
        reweight landmarks that are hidden or wrong.
        """
        values, damping = self.start() if start is None else start, 1e-3
        phenotypes = self.phenotypes(values)
        state = self.project(values, phenotypes)
        for iteration in range(_STEPS):
            weight = self._weights(values, *state[::2], robust=iteration > 2)
            cost = self._cost(values, state[0], weight)
            gradient, hessian = self._derivatives(values, *state[:2], weight)
            while damping < 1e3:
                bent = hessian + damping * hessian.diag().diag()
                step = solve_in_box(bent, gradient, self.priors.low - values, self.priors.high - values)
                following = self.project(values + step, phenotypes)
                gain = cost - self._cost(values + step, following[0], weight)
                if gain >= 0:
                    break
                damping *= 8
            else:
                break
            damping = max(damping / 4, 1e-6)
            values, state = values + step, following
            if iteration < 3:  # then they are nearly settled
                phenotypes = self.phenotypes(values)
            elif gain < _SETTLED:
                break
        return values

    def start(self) -> torch.Tensor:
        """The mean head, turned and scaled to fit: weak perspective, by linear least squares."""
        weight = self.shapes.emphasis[:, None].sqrt()
        known = torch.cat([self.shapes.mean, torch.ones_like(self.target[:, :1])], 1)
        affine = torch.linalg.lstsq(known * weight, self.target * weight).solution.T  # (2, 4)
        u, sizes, v = torch.linalg.svd(affine[:, :3], full_matrices=False)
        right, up = u @ v  # with `back`, the rows of the rotation
        back = torch.linalg.cross(right, up)
        turned = torch.stack([right, up]) @ self.pivot
        values = torch.zeros(len(self.priors.low)).double()
        values[self._slices[3]] = torch.stack(
            [
                torch.asin(-back[0].clamp(-1, 1)),
                -torch.atan2(back[1], back[2]),
                torch.atan2(up[0], right[0]),
                (sizes.mean() * self.distance).log(),
                *(affine[:, 3] - sizes.mean() * (self.pivot[:2] - turned)),
            ]
        )
        return values

    def phenotypes(self, values: torch.Tensor) -> torch.Tensor:
        """How the landmarks follow the phenotypes, (9, N, 3): differences, which see over the head's kinks."""
        near, count, step = values[self._slices[0]], len(PHENOTYPES), 0.04
        around = torch.cat([near + step * torch.eye(count), near - step * torch.eye(count)])
        points = self._neutral(around)
        return (points[:count] - points[count:]) / (2 * step)

    def project(
        self, values: torch.Tensor, phenotypes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Predict the landmarks from values (D,) and what `phenotypes` returned for these or near ones.

        Returns (N, 2) in half pictures, (N, 2, D) how they follow the values, (N,) cosine between normal and sight.
        """
        changes, actions = values[self._slices[1]], values[self._slices[2]]
        yaw, pitch, roll, log_focal, *shift = values[self._slices[3]]
        up, down = self.shapes.up, self.shapes.down
        factors = torch.cat([changes.clamp_min(0), -changes.clamp_max(0), actions])
        points = self._neutral(values[None, self._slices[0]])[0]
        points = points + torch.einsum("d,dnc->nc", factors, torch.cat([up, down, self.shapes.actions]))
        share = ((changes / 0.02).clamp(-1, 1) + 1)[:, None, None] / 2  # which way a change goes; near zero, both
        slopes = torch.cat([phenotypes, share * up - (1 - share) * down, self.shapes.actions])  # (D - 6, N, 3)
        rotation = rotation_matrix(torch.stack([yaw, pitch, roll])[None])[0]
        arm = (points - self.pivot) @ rotation.T
        zero, one = torch.zeros_like(roll), torch.ones_like(roll)
        # What each angle turns about, after the turns that come later: y rolled, -x turned, z.
        axes = torch.stack(
            [torch.stack([-roll.sin(), roll.cos(), zero]), -rotation[:, 0], torch.stack([zero, zero, one])]
        )
        turns = torch.linalg.cross(axes[None], arm[:, None])  # (N, 3 angles, 3)
        seen = arm + self.pivot
        depth, focal = self.distance - seen[:, 2:], log_focal.exp()
        plane = focal * seen[:, :2] / depth
        # d(x / depth) = dx / depth + x dz / depth², since depth falls as z grows
        direct = (focal / depth)[:, :, None] * torch.eye(2, 3).double()
        direct[:, :, 2] = plane / depth
        jacobian = torch.cat(
            [
                torch.einsum("nij,knj->nik", direct @ rotation, slopes),
                torch.einsum("nij,naj->nia", direct, turns),
                plane[:, :, None],
                torch.eye(2).double().expand(len(plane), 2, 2),
            ],
            2,
        )
        sight = torch.nn.functional.normalize(torch.tensor([0, 0, self.distance]).double() - seen, dim=1)
        facing = (self.shapes.normals @ rotation.T * sight).sum(1)
        return plane + torch.stack(shift), jacobian, facing

    def _neutral(self, phenotypes: torch.Tensor) -> torch.Tensor:
        """Landmarks (B, N, 3) of people with these phenotypes (B, 9) and no local changes."""
        weights = self.head.phenotype_weights(phenotypes.float().to(self.head.device)).double().cpu()
        return self.shapes.base + self.moved + torch.einsum("bw,wnc->bnc", weights, self.shapes.macro)

    def _weights(
        self, values: torch.Tensor, predicted: torch.Tensor, facing: torch.Tensor, robust: bool
    ) -> torch.Tensor:
        """How much each landmark counts (N,): its emphasis, less on the side turned away, less if far off (Huber)."""
        seen = 0.1 + 0.9 * ((facing + 0.1) / 0.4).clamp(0, 1)
        weight = self.shapes.emphasis * seen * min(1.0, _INDEPENDENT / len(self.target))
        if robust:
            miss = (predicted - self.target).norm(dim=1) * self._millimetres(values) / _NOISE
            weight = weight * (4 / miss.clamp_min(1e-9)).clamp_max(1)
        return weight * (self._millimetres(values) / _NOISE) ** 2

    def _millimetres(self, values: torch.Tensor) -> torch.Tensor:
        """Millimetres a half picture, at the eyes."""
        return 1000 * self.distance / values[-3].exp()

    def _cost(self, values: torch.Tensor, predicted: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        misses = (predicted - self.target).square().sum(1)
        return (weight @ misses + values @ self.priors.curvature @ values) / 2 + self.priors.slope @ values

    def _derivatives(
        self, values: torch.Tensor, predicted: torch.Tensor, jacobian: torch.Tensor, weight: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Gradient (D,) of the cost, and Gauss-Newton's second derivatives (D, D)."""
        weighted = (weight[:, None, None] * jacobian).flatten(0, 1)  # (2 N, D)
        gradient = weighted.T @ (predicted - self.target).flatten() + self.priors.curvature @ values + self.priors.slope
        return gradient, weighted.T @ jacobian.flatten(0, 1) + self.priors.curvature

    def solution(self, values: torch.Tensor) -> Solution:
        """What unknowns (D,) mean."""
        device = self.head.device
        actions = values.new_zeros(1, len(self.head.action_names))
        actions[0, acting(self.head)] = values[self._slices[2]]
        focal, distance = values[-3:-2].exp(), torch.full((1,), self.distance)
        parts = values[None, : self.head.identity_size], actions, values[None, -6:-3]
        identity, actions, angles = (part.float().to(device) for part in parts)
        camera = Perspective(*(part.float().to(device) for part in (focal, distance, values[None, -2:])))
        return Solution(identity, actions, angles, camera)


def solve_in_box(hessian: torch.Tensor, gradient: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Minimise step·hessian·step / 2 + gradient·step for low <= step <= high, by guessing which bounds hold.

    Bounds that a step would break are held, held ones whose slope points inwards are let go (Portugal, Júdice and
    Vicente, "A Comparison of Block Pivoting and Interior-Point Algorithms for Linear Least Squares Problems with
    Nonnegative Variables", Mathematics of Computation 63, 1994). The result is within the bounds in any case.
    """
    held_low, held_high = torch.zeros_like(low, dtype=torch.bool), torch.zeros_like(low, dtype=torch.bool)
    step = torch.zeros_like(gradient)
    for _ in range(20):
        free = ~(held_low | held_high)
        step = torch.where(held_low, low, torch.where(held_high, high, 0.0))
        right = -(gradient + hessian @ step)[free]
        step[free] = torch.linalg.solve(hessian[free][:, free], right)
        slope = gradient + hessian @ step
        below = (held_low & (slope > 0)) | (free & (step < low))
        above = (held_high & (slope < 0)) | (free & (step > high))
        if torch.equal(below, held_low) and torch.equal(above, held_high):
            break
        held_low, held_high = below, above
    return step.clamp(low, high)


@dataclass(frozen=True)
class Shapes:
    """How N landmarks of one scheme follow the head's numbers, P local changes and A actions; float64, metres.

    Attributes:
        mean: (N, 3) landmarks of the mean head.
        base: (N, 3) landmarks without any macro shape, see `AnnyHead.phenotype_shapes`.
        macro: (W, N, 3) what a macro shape adds at 1.
        up: (P, N, 3) what a local change adds at +1.
        down: (P, N, 3) what it adds at -1.
        actions: (A, N, 3) what an action adds at 1, those of `acting`.
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

    actions = torch.eye(len(head.action_names), device=head.device)
    calm = head.embedding.response(actions[:1] * 0, scheme).double().cpu()
    response = head.embedding.response(actions, scheme).double().cpu() - calm
    mean = points(head.mean[None])
    one = torch.eye(head.identity_size, device=head.device)[len(PHENOTYPES) :]
    emphasis = torch.ones(mean.shape[1], dtype=torch.float64)
    for value, rows in _EMPHASIS[scheme].items():
        emphasis[list(rows)] = value
    normals = points(vertex_normals(head.mean[None], head.triangles))[0]
    base, macro = head.phenotype_shapes()
    return Shapes(
        mean=(mean + calm)[0],
        base=(points(base[None]) + calm)[0],
        macro=points(macro),
        up=points(head(one)) - mean,
        down=points(head(-one)) - mean,
        actions=(points(head(actions=actions)) - mean + response)[acting(head)],
        normals=torch.nn.functional.normalize(normals, dim=1),
        emphasis=emphasis,
    )


def acting(head: AnnyHead) -> list[int]:
    """Numbers of the facial actions that are fitted: all but a shown tongue and looks, which the irises tell."""
    return [i for i, name in enumerate(head.action_names) if not name.startswith(("eyeLook", "tongue"))]


def priors(head: AnnyHead, changes: int, actions: int, rest: int, *, expected: torch.Tensor | None = None) -> Priors:
    """Priors of 9 phenotypes and so many local changes, actions and further unknowns; `expected` (1, 52) actions."""
    start = len(PHENOTYPES) + changes
    size = start + actions + rest
    low, high = torch.full((size,), -math.inf).double(), torch.full((size,), math.inf).double()
    spread, slope = torch.full((size,), math.inf).double(), torch.zeros(size).double()
    for i, name in enumerate(PHENOTYPES):
        low[i], high[i] = _BOUNDS.get(name, (-0.5, 0.5))
        spread[i] = _SPREAD.get(name, _RACE_SPREAD)
    low[len(PHENOTYPES) : start], high[len(PHENOTYPES) : start] = -1, 1
    spread[len(PHENOTYPES) : start] = _CHANGE_SPREAD
    here = slice(start, start + actions)
    low[here], high[here], slope[here] = 0, 1, 1 / _MEAN_ACTION
    if expected is not None:
        spread[here] = _DEPARTURE
        slope[here] = -expected[0, acting(head)].double().cpu() / _DEPARTURE**2
    curvature = (spread**-2).diag()
    if expected is not None:
        return Priors(low, high, curvature, slope)
    names = [head.action_names[i] for i in acting(head)]
    for row, name in enumerate(names):
        twin = _twin(name)
        if twin not in names:
            slope[start + row] *= 2  # it counts for both sides
            continue
        curvature[start + row, start + row] += _ASYMMETRY**-2
        curvature[start + row, start + names.index(twin)] -= _ASYMMETRY**-2
    return Priors(low, high, curvature, slope)


def _twin(action: str) -> str:
    """The same action of the other side; "" for one without sides, such as a jaw or mouth that goes aside."""
    if action.startswith(("jaw", "mouthLeft", "mouthRight")):
        return ""
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if action.endswith(side):
            return action.removesuffix(side) + other
    return ""
