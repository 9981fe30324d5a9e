"""What is asked: another light, pose or expression of a synthetic person, and the true picture of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from common.evaluation.items import LEVELS, Item, single, with_units
from common.face3d.camera import angles_of, rotation_matrix
from common.synthetic.data.draw import draw_pair, draw_scene
from common.synthetic.render import shade
from common.synthetic.render.picture import metering
from common.synthetic.scene.factors import Lamps, Scene
from common.synthetic.scene.stream import Purpose, stream

from ..attributes import Light, Pose
from ..request import RigEdit

KINDS = ("light", "pose", "expression", "combination")
_AZIMUTHS, _ELEVATIONS = (-80.0, 80.0), (-5.0, 60.0)  # degrees
_MOVED = 25.0  # degrees that a lamp moves at least


def draw_item(seed: int, index: int) -> Item:
    """The item of a number; the kinds take turns.

    The light moves to another place, the lamp's own strength, softness and colour stay. A pose is drawn as those of all
    synthetic people. Expressions are single units at all `LEVELS`, in both directions; combinations change all three.
    """
    kind = KINDS[index % len(KINDS)]
    scene = replace(draw_scene(seed, index), blink=(0.0, 0.0))
    scene = replace(scene, lamps=replace(scene.lamps, rim=0.0))  # which no request by numbers can state
    target = scene
    unit = None
    if kind == "expression":
        unit, before, after = single(index // len(KINDS), LEVELS)
        target = with_units(scene, after)
        scene = with_units(scene, before)
    if kind == "combination":
        before, after = (np.round(np.mean(each.units, 0), 3) for each in draw_pair("expression", seed, index))
        target = with_units(scene, after)
        scene = with_units(scene, before)
    if kind in ("pose", "combination"):
        turned = draw_pair("pose", seed, index)[1]
        target = replace(target, angles=turned.angles, gaze=turned.gaze)
    if kind in ("light", "combination"):
        target = replace(target, lamps=_moved(scene.lamps, stream(seed, index, Purpose.OTHER_LAMPS)))
    units = np.round(np.mean(target.units, 0) - np.mean(scene.units, 0), 3)
    request = RigEdit(
        light=_light(scene, target) if target.lamps != scene.lamps else None,
        pose=_pose(scene, target) if target.angles != scene.angles else None,
        expression=units if units.any() else None,
    )
    return Item(index, kind, scene, target, request, str(request), tuple(map(float, units)), unit)


def _moved(lamps: Lamps, rng: np.random.Generator) -> Lamps:
    """The key lamp somewhere else."""
    before = shade.direction(lamps.azimuth, lamps.elevation)
    while True:
        azimuth, elevation = (round(float(rng.uniform(*of)), 2) for of in (_AZIMUTHS, _ELEVATIONS))
        if shade.direction(azimuth, elevation) @ before < np.cos(np.radians(_MOVED)):
            return replace(lamps, azimuth=azimuth, elevation=elevation)


def _light(source: Scene, target: Scene) -> Light:
    """The lamps of the target as a user would request them: brightness is that of the source's picture, as metered."""
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
