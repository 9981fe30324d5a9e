"""The default head: people of `anny` (Brégier et al., ECCV 2026), moved by action units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file

from ...core.errors import CheckpointError, InputError
from ...core.parallel import one_thread
from ..camera import rotation_matrix
from .anny_data import PHENOTYPES, load
from .calibration import calibrated, side_shapes, teeth_moved, unit_amounts
from .head import batch_of, check_points, checked
from .head_units import FAR_GAZE, HEAD_UNITS, SIDES, UNITS

Scheme = Literal["ibug68", "mesh468"]


@dataclass(frozen=True)
class Embedding:
    """Where landmarks lie on a mesh.

    Attributes:
        vertices: (N, 3) int64 vertex numbers, by scheme.
        weights: (N, 3) float32, by scheme.
        responses: (1 + 52, N, 3) metres in the head's axes, by scheme: how far from there a detector sees them, on a
            calm face, and in addition at the most of each facial action.
    """

    vertices: dict[str, torch.Tensor]
    weights: dict[str, torch.Tensor]
    responses: dict[str, torch.Tensor]

    @classmethod
    def load(cls, base_vertices: torch.Tensor) -> Embedding:
        """Read the table for a mesh whose vertex i is number `base_vertices[i]` (V,) of the base mesh."""
        path = Path(__file__).with_name("landmarks.safetensors")
        if not path.is_file():
            return cls({}, {}, {})
        table = load_file(path, device=str(base_vertices.device))
        names = [name.removesuffix(".vertices") for name in table if name.endswith(".vertices")]
        return cls(
            {name: torch.searchsorted(base_vertices, table[f"{name}.vertices"]) for name in names},
            {name: table[f"{name}.weights"] for name in names},
            {name: table[f"{name}.response"].float() for name in names if f"{name}.response" in table},
        )

    def points(self, vertices: torch.Tensor, scheme: Scheme) -> torch.Tensor:
        """The points (B, N, 3) on vertices (B, V, 3).

        Raises:
            CheckpointError: the package was installed without its table.
        """
        if scheme not in self.vertices:
            raise CheckpointError("The package lacks face3d/landmarks.safetensors; install it again.")
        return (vertices[:, self.vertices[scheme]] * self.weights[scheme][..., None]).sum(2)

    def response(self, actions: torch.Tensor, scheme: Scheme) -> torch.Tensor:
        """How far from their places on the skin a detector sees the points (B, N, 3), in metres and the head's axes, on
        faces with these actions (B, 52).
        """
        if scheme not in self.responses:
            return actions.new_zeros(len(actions), len(self.weights[scheme]), 3)
        calm, *_ = moved = self.responses[scheme]
        return calm + torch.einsum("ba,anc->bnc", actions, moved[1:])


# The mean head, where identity is zero: a person of no particular sex, forty years old, of mean weight.
_MEAN = {"age": 0.75, **dict.fromkeys(("african", "asian", "caucasian"), 1 / 3)}
_RANGE = {"age": (0.6, 1.0)}
_ANCHORS = {
    "gender": (0.0, 1.0),
    "age": (-1 / 3, 0.0, 1 / 3, 2 / 3, 1.0),
    "muscle": (0.0, 0.5, 1.0),
    "weight": (0.0, 0.5, 1.0),
    "height": (0.0, 1.0),
    "proportions": (0.0, 1.0),
    "cupsize": (0.0, 0.5, 1.0),
    "firmness": (0.0, 0.5, 1.0),
}
MAX_INTENSITY = 5.0
_LID_NEAR = 0.008  # metres from an eyeball within which skin is a lid
_LID = 0.0003  # metres that a moved lid stays in front of the eyeball


class AnnyHead:
    """Head and shoulders of an adult, with eyes, teeth and lashes; see `Head` for axes and units.

    Identity is 9 phenotypes, as offsets from the mean person, then 139 local changes in [-1, 1], named by
    `identity_names`; `sample` in `people` draws believable ones. Expression is (2, 12): the intensities, 0 to 5, of the
    editors' twelve action units on the person's left, then right side; negative intensities where anatomy has an
    antagonist. Wherever it is given, all units that the head knows may be given instead, (2, U) in the order of
    `HEAD_UNITS`; `units_named` makes such an expression.

    The first construction on a machine takes about a minute and leaves a file of 31 MB in the folder of models.

    Raises:
        MissingDependencyError: anny is not installed and the file has not been made yet.
    """

    def __init__(self, device: str | torch.device = "cpu") -> None:
        tensors, labels = load()
        tensors = {name: value.to(device) for name, value in tensors.items()}
        self.triangles, self.uv, self.uv_triangles = (tensors[name] for name in ("triangles", "uv", "uv_triangles"))
        self.parts, self.head_weight = tensors["parts"], tensors["head_weight"]
        self.lashes, self.teeth = tensors["lashes"], tensors["teeth"]
        self.eyes = torch.stack([tensors["l_eye"], tensors["r_eye"]])  # (2, 72)
        self.action_names = tuple(labels["actions"].split())
        self.identity_names = (*PHENOTYPES, *labels["changes"].split())
        self.identity_size = len(self.identity_names)
        self.expression_shape = (2, len(UNITS))
        self.expression_names = UNITS

        self._template, self._mask = tensors["template"], tensors["phenotype_mask"]
        self._template = self._template + teeth_moved(
            self._template,
            self.triangles[self.teeth].unique(),
            tensors["action_basis"][self.action_names.index("jawOpen")],
        )
        self._variations = [label.split(":") for label in labels["variations"].split()]
        self._projection, self._basis = tensors["phenotype_projection"], tensors["phenotype_basis"].flatten(1)
        self._changes = tensors["change_basis"].flatten(1)
        self.mirrored = tensors["mirrored"]
        shapes, self._looks = calibrated(
            tensors["action_basis"],
            self.action_names,
            tensors["template"] - tensors["template"][self.eyes.flatten()].mean(0),
            self.mirrored,
            self.triangles,
            self.eyes.flatten(),
        )
        self._actions = shapes.flatten(1)
        self._sides, self._side_actions = side_shapes(shapes, self.action_names, self._template)
        positive, negative, self._unit_looks = unit_amounts(self._sides, self._template)
        both = [side * len(HEAD_UNITS) + column for side in (0, 1) for column in range(len(UNITS))]
        self._units = {len(HEAD_UNITS): (positive, negative), len(UNITS): (positive[both], negative[both])}
        self.mean = self._neutral(torch.zeros(1, self.identity_size, device=device))[0]
        self.pivot = self._pivot(self.mean)
        self.embedding = Embedding.load(tensors["base_vertices"])
        self._lids = self._find_lids()

    @property
    def device(self) -> torch.device:
        """Where the head is computed."""
        return self._template.device

    def __call__(
        self,
        identity: torch.Tensor | None = None,
        expression: torch.Tensor | None = None,
        *,
        jaw: torch.Tensor | None = None,
        gaze: torch.Tensor | None = None,
        actions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Compute the vertices; see `Head.__call__`.

        Args:
            identity: (B, 148).
            expression: (B, 2, 12 or U) in [-5, 5].
            jaw: (B, 3) radians: opening, sideways towards the picture's right, and a third that this jaw does not have.
            gaze: (B, 2, 2) radians; the lids follow.
            actions: (B, 52) in [0, 1], more facial actions by name (`actions_named`), added to the expression's.

        Returns:
            (B, 5839, 3) metres.
        """
        batch = batch_of(identity, expression, jaw, gaze, actions)
        identity = self._checked("identity", identity, (self.identity_size,), batch)
        full = isinstance(expression, torch.Tensor) and tuple(expression.shape[1:]) == (2, len(HEAD_UNITS))
        shape = (2, len(HEAD_UNITS)) if full else self.expression_shape
        expression = self._checked("expression", expression, shape, batch)
        jaw = self._checked("jaw", jaw, (3,), batch)
        gaze = self._checked("gaze", gaze, (2, 2), batch)
        actions = self._checked("actions", actions, (len(self.action_names),), batch)
        if expression is not None and not bool((expression.detach().abs() <= MAX_INTENSITY).all()):
            low, high = expression.min().item(), expression.max().item()
            raise InputError(
                f"AU intensities are out of range.\n  expected: -{MAX_INTENSITY:g} to {MAX_INTENSITY:g}\n"
                f"  got:      {low:g} to {high:g}"
            )
        vertices = self.mean[None] if identity is None else self._neutral(identity)
        return self.express(vertices, expression, jaw=jaw, gaze=gaze, actions=actions).expand(batch, -1, -1)

    def express(
        self,
        neutral: torch.Tensor,
        expression: torch.Tensor | None = None,
        *,
        jaw: torch.Tensor | None = None,
        gaze: torch.Tensor | None = None,
        actions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Give a neutral face, (1 or B, V, 3) as `head(identity)` returns it, an expression.

        A person is computed once and moved often. See `__call__` for the arguments; intensities are cut, not checked.
        """
        moved = neutral.flatten(1)
        looks = None if gaze is None else gaze.flatten(1)
        if expression is not None:
            shares = expression.flatten(1) / MAX_INTENSITY
            moved = moved + self._amounts(expression) @ self._side_actions
            if len(shares[0]) == len(self._unit_looks):
                turned = shares.clamp(0, 1) @ self._unit_looks
                looks = turned if looks is None else looks + turned
        extra = self._extra_actions(jaw, gaze, actions)
        if extra is not None:
            moved = moved + extra @ self._actions
        if actions is not None:
            turned = actions @ self._looks
            looks = turned if looks is None else looks + turned
        moved = self._before_eyes(moved.unflatten(1, (-1, 3)), neutral)
        return moved if looks is None else self._look(moved, neutral, looks.unflatten(1, (2, 2)))

    def turn(self, vertices: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        """Turn the head of vertices (B, V, 3) by angles (1 or B, 3), yaw, pitch and roll as in
        `camera.rotation_matrix`, on its shoulders, the neck following in part; the eyes move, since a head turns about
        its neck.
        """
        rotation, pivot = rotation_matrix(angles), self.pivot
        weight = self.head_weight[:, None]
        turned = (vertices - pivot) @ rotation.mT + pivot
        return vertices + weight * (turned - vertices)

    def landmarks(self, vertices: torch.Tensor) -> torch.Tensor:
        """See `Head.landmarks`."""
        check_points(vertices, len(self.mean))
        return self.embedding.points(vertices, "ibug68")

    def actions_named(self, values: Mapping[str, float]) -> torch.Tensor:
        """Turn facial actions by name, {"cheekPuff": 0.5}, into `actions` of shape (1, 52).

        Raises:
            InputError: a name is unknown, or a value is outside [0, 1].
        """
        actions = torch.zeros(1, len(self.action_names), device=self.device)
        for name, value in values.items():
            if name not in self.action_names:
                known = ", ".join(self.action_names)
                raise InputError(f"Unknown facial action.\n  expected: one of {known}\n  got:      {name!r}")
            if not 0 <= value <= 1:
                raise InputError(f"Facial action {name} is out of range.\n  expected: 0 to 1\n  got:      {value}")
            actions[0, self.action_names.index(name)] = value
        return actions

    def _neutral(self, identity: torch.Tensor) -> torch.Tensor:
        """Neutral vertices of identities (B, I), the eyes' middle at the origin."""
        count = len(PHENOTYPES)
        shape = self.phenotype_weights(identity[:, :count]) @ self._projection @ self._basis
        changes = identity[:, count:]
        # Written with comparisons so that a change that is zero still has a gradient.
        both = torch.stack([changes * (changes >= 0), -changes * (changes <= 0)], -1).flatten(1)
        vertices = self._template + (shape + both @ self._changes).unflatten(1, (-1, 3))
        return vertices - vertices[:, self.eyes.flatten()].mean(1, keepdim=True)

    def phenotype_weights(self, offsets: torch.Tensor) -> torch.Tensor:
        """Weights (B, W) of MakeHuman's macro shapes for phenotypes (B, 9): products of piecewise linear weights."""
        value = {name: _MEAN.get(name, 0.5) + offsets[:, i] for i, name in enumerate(PHENOTYPES)}
        races = torch.stack([value[name] for name in ("african", "asian", "caucasian")], 1).clamp_min(1e-4)
        races = races / races.sum(1, keepdim=True)
        columns, seen = [], dict.fromkeys(_ANCHORS, 0)
        for group, _ in self._variations:
            if group == "race":
                columns.append(races[:, len(columns)])
                continue
            low, high = _RANGE.get(group, (0.0, 1.0))
            position = value[group].clamp(low, high) if group in value else offsets.new_full((len(offsets),), 0.5)
            columns.append(_hat(position, _ANCHORS[group], seen[group]))
            seen[group] += 1
        weights = torch.stack(columns, 1)[:, None]  # (B, 1, variations)
        return (weights * self._mask + (1 - self._mask)).prod(-1)

    def phenotype_shapes(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Vertices (V, 3) without any macro shape, and what each adds at a weight of 1, (W, V, 3).

        Neutral vertices of people without local changes are the first, plus the second times `phenotype_weights`.
        """
        shapes = (self._projection @ self._basis).unflatten(1, (-1, 3))
        eyes = self.eyes.flatten()
        return self._template - self._template[eyes].mean(0), shapes - shapes[:, eyes].mean(1, keepdim=True)

    def units_named(self, values: Mapping[str, float]) -> torch.Tensor:
        """Turn action units by name into an expression of all units that the head knows, (1, 2, U).

        "AU12" moves both sides, "AU12L" and "AU12R" the person's left or right one alone; what is named twice adds up.

        Raises:
            InputError: a name is unknown, or a side's intensity is outside [-5, 5].
        """
        expression = torch.zeros(1, 2, len(HEAD_UNITS), device=self.device)
        columns = {name: column for column, name in enumerate(HEAD_UNITS)}
        sides = {"L": (0,), "R": (1,)}
        for name, value in values.items():
            unit = name if name in columns else name[:-1]
            if unit not in columns or (unit != name and name[-1] not in sides):
                known = ", ".join(HEAD_UNITS)
                raise InputError(
                    f"Unknown action unit.\n  expected: one of {known}, with L or R for one side\n  got:      {name!r}"
                )
            for side in sides[name[-1]] if unit != name else (0, 1):
                expression[0, side, columns[unit]] += value
        if not bool((expression.abs() <= MAX_INTENSITY).all()):
            raise InputError(
                f"AU intensities are out of range.\n  expected: -{MAX_INTENSITY:g} to {MAX_INTENSITY:g}\n"
                f"  got:      {dict(values)}"
            )
        return expression

    def actions_of(self, expression: torch.Tensor) -> torch.Tensor:
        """The facial actions (B, 52) that action units (B, 2, 12 or U) use, without looks."""
        amounts = self._amounts(expression)
        found = amounts.new_zeros(len(amounts), len(self.action_names))
        for (action, side), row in self._sides.items():
            if action + side in self.action_names:
                found[:, self.action_names.index(action + side)] = amounts[:, row]
            else:  # both sides' halves of one action
                found[:, self.action_names.index(action)] += amounts[:, row] / 2
        found[:, [i for i, name in enumerate(self.action_names) if name.startswith("eyeLook")]] = 0
        return found

    def _amounts(self, expression: torch.Tensor) -> torch.Tensor:
        """How much of the sides' actions units (B, 2, 12 or U) use, (B, K)."""
        shares = expression.flatten(1) / MAX_INTENSITY
        positive, negative = self._units[expression.shape[2]]
        return self._limited(shares.clamp(0, 1) @ positive + (-shares).clamp(0, 1) @ negative)

    def _limited(self, amounts: torch.Tensor) -> torch.Tensor:
        """Amounts (B, K) of the sides' actions that a face can do at once: none goes beyond its most, however many
        units ask for it, and lower lids stop where they meet the upper ones.
        """
        limited = amounts.clamp(max=1)
        for side in SIDES:
            blink, cheek, lid = (self._sides[name, side] for name in ("eyeBlink", "cheekSquint", "eyeSquint"))
            room = (1 - 0.9 * limited[:, blink] - 0.45 * limited[:, cheek]).clamp(min=0)
            limited = limited.index_copy(
                1, torch.tensor([lid], device=amounts.device), torch.minimum(limited[:, lid], room)[:, None]
            )
        return limited

    def _find_lids(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Vertices of both eyes' lids, (N,), and which eye each belongs to, (N,)."""
        balls = self.mean[self.eyes]
        centres = balls.mean(1)
        radii = (balls - centres[:, None]).norm(dim=2).amax(1)
        far = torch.cdist(self.mean, centres) - radii  # (V, 2)
        near = (far < _LID_NEAR) & (self.mean[:, None, 2] > centres[:, 2] + 0.2 * radii)
        near[self.eyes.flatten()] = False
        vertices = near.any(1).nonzero()[:, 0]
        return vertices, far[vertices].argmin(1)

    def _before_eyes(self, moved: torch.Tensor, neutral: torch.Tensor) -> torch.Tensor:
        """Keep moved lids (B, V, 3) from going through eyeballs: where the neutral face (1 or B, V, 3) has them, or in
        front of a sphere that moves with nothing.
        """
        vertices, eye = self._lids
        balls = neutral[:, self.eyes]  # (B, 2, 72, 3)
        centres = balls.mean(2)
        radii = (balls - centres[:, :, None]).norm(dim=3).amax(2)
        middle = centres[:, eye]
        least = torch.minimum((neutral[:, vertices] - middle).norm(dim=2), radii[:, eye] + _LID)
        arm = moved[:, vertices] - middle
        far = arm.norm(dim=2)
        pushed = middle + arm * (least / far.clamp_min(1e-6)).clamp_min(1)[..., None]
        return moved.index_copy(1, vertices, pushed)

    def _extra_actions(
        self, jaw: torch.Tensor | None, gaze: torch.Tensor | None, actions: torch.Tensor | None
    ) -> torch.Tensor | None:
        """Facial actions (B, 52) of a jaw's angles and of the lids that follow a gaze, added to those given by name."""
        parts = [] if actions is None else [actions]
        if jaw is not None:
            opening, aside = jaw[:, 0] / math.radians(20), jaw[:, 1] / math.radians(10)
            parts.append(self._columns({"jawOpen": opening, "jawLeft": aside, "jawRight": -aside}))
        if gaze is not None:
            yaw, pitch = gaze[..., 0] / FAR_GAZE, gaze[..., 1] / FAR_GAZE
            lids = {"eyeLookOutLeft": yaw[:, 0], "eyeLookInLeft": -yaw[:, 0]}
            lids |= {"eyeLookInRight": yaw[:, 1], "eyeLookOutRight": -yaw[:, 1]}
            for column, side in enumerate(("Left", "Right")):
                lids |= {f"eyeLookUp{side}": pitch[:, column], f"eyeLookDown{side}": -pitch[:, column]}
            parts.append(self._columns(lids))
        return sum(parts) if parts else None  # pyright: ignore[reportReturnType]

    def _columns(self, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
        columns = {self.action_names.index(name): value.clamp(0, 1) for name, value in values.items()}
        zero = torch.zeros_like(next(iter(values.values())))
        return torch.stack([columns.get(i, zero) for i in range(len(self.action_names))], 1)

    def _look(self, vertices: torch.Tensor, neutral: torch.Tensor, gaze: torch.Tensor) -> torch.Tensor:
        """Rotate each eyeball about its centre."""
        for side, eye in enumerate(self.eyes):
            angles = torch.cat([gaze[:, side], torch.zeros_like(gaze[:, side, :1])], 1)
            centre = neutral[:, eye].mean(1, keepdim=True)
            turned = (neutral[:, eye] - centre) @ rotation_matrix(angles).mT + centre
            vertices = vertices.expand(len(turned), -1, -1).index_copy(1, eye, turned)
        return vertices

    def _pivot(self, mean: torch.Tensor) -> torch.Tensor:
        """The joint that a head turns about: in the middle of the neck's top."""
        ring = (self.head_weight > 0.85) & (self.head_weight < 0.97)
        return torch.cat([mean.new_zeros(1), mean[ring].mean(0)[1:]])

    def _checked(
        self, name: str, value: torch.Tensor | None, shape: tuple[int, ...], batch: int
    ) -> torch.Tensor | None:
        return None if value is None else checked(self._template, name, value, shape, batch)


@cache
def default_head() -> AnnyHead:
    """The default head on the CPU, made once a process."""
    with one_thread():
        return AnnyHead()


def _hat(value: torch.Tensor, anchors: tuple[float, ...], index: int) -> torch.Tensor:
    """Weight of one anchor in linear interpolation between neighbours."""
    here = anchors[index]
    rise = (value - anchors[index - 1]) / (here - anchors[index - 1]) if index else torch.ones_like(value)
    last = index == len(anchors) - 1
    fall = torch.ones_like(value) if last else (anchors[index + 1] - value) / (anchors[index + 1] - here)
    return torch.minimum(rise, fall).clamp(0, 1)
