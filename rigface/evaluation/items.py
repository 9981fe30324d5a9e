"""What is asked: a synthetic person, a wish, and how the person truly looks when it is granted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from common.action_units import ACTION_UNITS
from common.face3d.camera import angles_of, rotation_matrix
from common.synthetic import shade
from common.synthetic.draw import draw_pair, draw_scene, single_unit
from common.synthetic.factors import Lamps, Scene
from common.synthetic.picture import metering
from common.synthetic.stream import Purpose, stream

from ..light import Light
from ..pose import Pose
from ..wish import RigWish

KINDS = ("light", "pose", "expression", "combination")
LEVELS = (3.0, -3.0, 1.5, 4.5, -1.5, -4.5)
_NAMES = tuple(ACTION_UNITS)
_AZIMUTHS, _ELEVATIONS = (-80.0, 80.0), (-5.0, 60.0)  # degrees
_MOVED = 25.0  # degrees that a lamp moves at least


@dataclass(frozen=True)
class Item:
    """One question and its true answer.

    Attributes:
        index: which; the item depends on it and the seed alone.
        kind: one of `KINDS`.
        source: the person before.
        target: the same person, the wish granted.
        wish: the change by numbers, as a user gives it.
        units: (12,) change of the action units.
        unit: the one that changes in an expression.
    """

    index: int
    kind: str
    source: Scene
    target: Scene
    wish: RigWish
    units: tuple[float, ...]
    unit: str | None


def draw_item(seed: int, index: int) -> Item:
    """The item of a number; the kinds take turns.

    The light moves to another place, the lamp's own strength, softness and colour stay. A pose is drawn as those of all
    synthetic people. Expressions are single units at all `LEVELS`, in both directions; combinations change all three.
    """
    kind = KINDS[index % len(KINDS)]
    scene = replace(draw_scene(seed, index), blink=(0.0, 0.0))
    scene = replace(scene, lamps=replace(scene.lamps, rim=0.0))  # which no wish by numbers tells of
    target, unit = scene, None
    if kind == "expression":
        turn = index // len(KINDS)
        number = turn % len(_NAMES)
        unit, level = _NAMES[number], LEVELS[(turn // len(_NAMES) + number) % len(LEVELS)]
        low, high = single_unit(unit, abs(level))
        before, after = (low, high) if level > 0 else (high, low)
        scene, target = _with(scene, before), _with(scene, after)
    if kind == "combination":
        before, after = (np.round(np.mean(each.units, 0), 3) for each in draw_pair("expression", seed, index))
        scene, target = _with(scene, before), _with(scene, after)
    if kind in ("pose", "combination"):
        turned = draw_pair("pose", seed, index)[1]
        target = replace(target, angles=turned.angles, gaze=turned.gaze)
    if kind in ("light", "combination"):
        target = replace(target, lamps=_moved(scene.lamps, stream(seed, index, Purpose.OTHER_LAMPS)))
    units = np.round(np.mean(target.units, 0) - np.mean(scene.units, 0), 3)
    wish = RigWish(
        light=_light(scene, target) if target.lamps != scene.lamps else None,
        pose=_pose(scene, target) if target.angles != scene.angles else None,
        expression=units if units.any() else None,
    )
    return Item(index, kind, scene, target, wish, tuple(map(float, units)), unit)


def _with(scene: Scene, units: np.ndarray) -> Scene:
    side = tuple(map(float, units))
    return replace(scene, units=(side, side))


def _moved(lamps: Lamps, rng: np.random.Generator) -> Lamps:
    """The key lamp somewhere else."""
    before = shade.direction(lamps.azimuth, lamps.elevation)
    while True:
        azimuth, elevation = (round(float(rng.uniform(*of)), 2) for of in (_AZIMUTHS, _ELEVATIONS))
        if shade.direction(azimuth, elevation) @ before < np.cos(np.radians(_MOVED)):
            return replace(lamps, azimuth=azimuth, elevation=elevation)


def _light(source: Scene, target: Scene) -> Light:
    """The lamps of the target as a user would tell them: brightness is that of the source's picture, as metered."""
    lamps = target.lamps
    # Bounce comes from below alone: half of it in the mean over all directions, see `lamps_as_harmonics`.
    around, key = 0.75 * lamps.fill + 0.5 * lamps.bounce, lamps.key / 4
    return Light(lamps.azimuth, lamps.elevation, metering(target) / metering(source), around / (around + key))


def _pose(source: Scene, target: Scene) -> Pose:
    """By how much the head turns, about the picture's axes."""
    before, after = (
        rotation_matrix(torch.deg2rad(torch.tensor([scene.angles], dtype=torch.float64)))[0]
        for scene in (source, target)
    )
    yaw, pitch, roll = torch.rad2deg(angles_of((after @ before.T)[None])[0]).tolist()
    return Pose(yaw, pitch, roll)
