"""From the library's facial actions to the head's: as far as faces go, alike on both sides, each side by itself."""

from __future__ import annotations

from itertools import pairwise

import torch

from .head_units import FAR_GAZE, HEAD_UNITS, REACH, SIDES

_SOFT = 0.012  # metres over which a sided half of an action fades across the midline
_MIRROR = (-1.0, 1.0, 1.0)
_ASIDE = ("jaw", "mouth")  # these go to a side as a whole
# Shapes that the library draws as a spike, and rounds of taking the neighbours' mean until the skin follows as a whole.
_SMOOTHED = {"browOuterUp": 24}
# Metres by which the edges of teeth lie elsewhere than in the library, up and forward: upper teeth reach below the edge
# of the upper lip and stand close behind it, lower ones stand behind them and hide behind the lower lip.
_UPPER_TEETH, _LOWER_TEETH = (-0.0022, 0.0045), (-0.0055, 0.0015)


# What the library draws otherwise than muscles pull, by place on the template (metres: x from the midline, y up).
# Depressor labii pulls the lip down and a little aside against a chin that stays, most beside the middle of the lip.
_CHIN_STAYS = ((-0.108, 0.0), (-0.098, 0.1), (-0.090, 0.45), (-0.083, 0.75), (-0.076, 1.0))  # y, share of the library's
_BESIDE_MIDDLE, _BESIDE_WIDTH, _BESIDE_MORE = 0.013, 0.009, 0.15
_ASIDE_SHARE, _ASIDE_FROM = 0.25, 0.012  # over the way down, from this far from the midline on
# Levator labii of the nose's wing leaves the brows to procerus, which pulls them down less than corrugator does.
_BROWS_STAY = ((0.002, 1.0), (0.014, 0.5), (0.060, 0.5))
# Buccinator draws corners of the mouth into the face, hardly aside: a pit forms, and the cheek beyond it stays.
_CORNER, _PIT = (0.031, -0.0715), 0.008
_PIT_MOVES = (0.3, 0.35, 1.9)  # shares of the library's way aside, up and back


def teeth_moved(template: torch.Tensor, teeth: torch.Tensor, jaw: torch.Tensor) -> torch.Tensor:
    """What puts the rows of teeth where they stand in people, (V, 3): edges go all the way, roots stay.

    `template` (V, 3), `teeth` (N,) vertices of both rows, `jaw` (V, 3) the library's action that opens it.
    """
    moved = torch.zeros_like(template)
    lower = jaw[teeth].abs().sum(1) > 0  # this row follows the jaw
    for row, edge, (up, forward) in ((teeth[~lower], -1, _UPPER_TEETH), (teeth[lower], 1, _LOWER_TEETH)):
        height = edge * template[row, 1]
        share = (height - height.min()) / (height.max() - height.min())
        moved[row, 1] = up * share
        moved[row, 2] = forward * share
    return moved


def calibrated(
    library: torch.Tensor,
    names: tuple[str, ...],
    template: torch.Tensor,
    mirrored: torch.Tensor,
    triangles: torch.Tensor,
    eyes: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The library's actions (52, V, 3) such that 1 is the most of each: shapes (52, V, 3), and looks (52, 4).

    Both sides are alike: the mean of what was drawn and the mirror image of what was drawn for the other side.
    `names` (52,) are the actions', `template` (V, 3) is the head that they move, `mirrored` (V,) the vertices on the
    other side, `eyes` (N,) those of eyeballs.
    Looks are yaw and pitch of the left, then right eye in radians; eyes turn, and are in no shape.
    """
    shapes, looks = torch.zeros_like(library), library.new_zeros(len(library), 4)
    for row, name in enumerate(names):
        other = library[names.index(_twin(name))]
        shape = (library[row] + other[mirrored] * other.new_tensor(_MIRROR)) / 2
        plain = name.removesuffix("Left").removesuffix("Right")
        plain = name if plain in _ASIDE else plain
        if plain in _SMOOTHED:
            shape = _smooth(shape, triangles, _SMOOTHED[plain])
        shapes[row] = REACH.get(plain, 1.0) * _redrawn(plain, shape, template)
        if plain.startswith("eyeLook"):
            shapes[row, eyes] = 0
            looks[row] = looks.new_tensor(_look_of(name))
    return shapes, looks


def side_shapes(
    shapes: torch.Tensor, names: tuple[str, ...], template: torch.Tensor
) -> tuple[dict[tuple[str, str], int], torch.Tensor]:
    """What each action does to one side of the face, (K, 3 V), and the row of an action's name and a side.

    `shapes` (52, V, 3) are the calibrated actions. One that exists once for both sides is halved at the midline.
    """
    left = ((template[:, 0] / _SOFT).clamp(-1, 1) + 1) / 2
    halves = {"Left": left[:, None], "Right": 1 - left[:, None]}
    rows: dict[tuple[str, str], int] = {}
    found: list[torch.Tensor] = []
    for name, shape in zip(names, shapes):
        plain = name.removesuffix("Left").removesuffix("Right")
        if plain in _ASIDE:
            continue
        for side in SIDES if plain == name else (name.removeprefix(plain),):
            rows[plain, side] = len(found)
            if plain != name:
                found.append(shape)
            else:  # a jaw is one bone for both sides
                found.append(shape / 2 if plain == "jawOpen" else shape * halves[side])
    return rows, torch.stack(found).flatten(1)


def unit_amounts(
    rows: dict[tuple[str, str], int], like: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """How much of the sides' actions the units are at full intensity: (2 U, K) for positive and negative ones, and
    where eyes look with the positive ones, (2 U, 4); the rows are left units, then right ones. `rows` are
    those of the actions, see `side_shapes`.
    """
    positive = like.new_zeros(2 * len(HEAD_UNITS), len(rows))
    negative, looks = torch.zeros_like(positive), positive.new_zeros(len(positive), 4)
    both = [(unit, side) for side in SIDES for unit in HEAD_UNITS.values()]
    for row, (unit, side) in enumerate(both):
        for mixture, table in ((unit.positive, positive), (unit.negative, negative)):
            for action, amount in mixture.items():
                plain = action.removesuffix("Left").removesuffix("Right")
                if plain == action or action.endswith(side):
                    table[row, rows[plain, side]] = amount
                    if plain.startswith("eyeLook"):
                        looks[row] += amount * looks.new_tensor(_look_of(plain + side))
    return positive, negative, looks


def _redrawn(action: str, shape: torch.Tensor, template: torch.Tensor) -> torch.Tensor:
    """A shape (V, 3) of the library's, as the muscles pull that the action is named for."""
    aside, height = template[:, 0].abs(), template[:, 1]
    if action == "mouthLowerDown":
        beside = (-(((aside - _BESIDE_MIDDLE) / _BESIDE_WIDTH) ** 2)).exp()
        found = shape * (_between(height, _CHIN_STAYS) * (1 + _BESIDE_MORE * beside))[:, None]
        outwards = (template[:, 0] / _ASIDE_FROM).clamp(-1, 1) * _ASIDE_SHARE * found[:, 1].abs()
        return found + torch.stack([outwards, torch.zeros_like(outwards), torch.zeros_like(outwards)], 1)
    if action == "noseSneer":
        return shape * _between(height, _BROWS_STAY)[:, None]
    if action == "mouthDimple":
        away = torch.hypot(aside - _CORNER[0], height - _CORNER[1]) / _PIT
        near = (-(away**2)).exp()[:, None]
        return shape * (shape.new_tensor(_PIT_MOVES) * (0.4 + 0.6 * near))
    return shape


def _between(values: torch.Tensor, points: tuple[tuple[float, float], ...]) -> torch.Tensor:
    """Values (V,) on the smooth steps between points (where, what), which rise in where; flat beyond them."""
    found = torch.full_like(values, points[0][1])
    for (low, before), (high, after) in pairwise(points):
        step = ((values - low) / (high - low)).clamp(0, 1)
        found = found + (after - before) * step
    return found


def _smooth(shape: torch.Tensor, triangles: torch.Tensor, rounds: int) -> torch.Tensor:
    """A shape (V, 3) after so many rounds of taking the neighbours' mean, as large at its largest as before."""
    a, b, c = triangles.unbind(1)
    first, second = torch.cat([a, b, c, b, c, a]), torch.cat([b, c, a, a, b, c])
    count = shape.new_zeros(len(shape), 1).index_add(0, first, shape.new_ones(len(first), 1)).clamp_min(1)
    found = shape
    for _ in range(rounds):
        near = torch.zeros_like(found).index_add(0, first, found[second]) / count
        found = (found + near) / 2
    return found * (shape.norm(dim=1).max() / found.norm(dim=1).max())


def _twin(action: str) -> str:
    """The same action of the other side; itself where it is of both."""
    for side, other in (SIDES, SIDES[::-1]):
        if action.endswith(side):
            return action.removesuffix(side) + other
    return action


def _look_of(action: str) -> list[float]:
    """Yaw and pitch in radians of the left, then right eye, at the most of an action such as "eyeLookUpLeft"."""
    way, left = action.removeprefix("eyeLook"), action.endswith("Left")
    outwards = 1.0 if left else -1.0
    yaw = {"Out": outwards, "In": -outwards}.get(way.removesuffix("Left").removesuffix("Right"), 0.0)
    pitch = {"Up": 1.0, "Down": -1.0}.get(way.removesuffix("Left").removesuffix("Right"), 0.0)
    own = [yaw * FAR_GAZE, pitch * FAR_GAZE]
    return [*own, 0.0, 0.0] if left else [0.0, 0.0, *own]
