"""What a picture of a known synthetic head shows: where the light comes from, how the head is turned; and the suite."""

from __future__ import annotations

from functools import partial
from typing import Any

import cv2
import numpy as np
import torch

from common.core.errors import FaceNotFoundError
from common.evaluation.metrics import (
    BACKGROUND,
    ENCODE_SECONDS,
    ERROR,
    IDENTITY,
    OF,
    OFF_TARGET,
    SECONDS,
    STRONG_UNITS,
    Metric,
    Pool,
    Record,
    mean,
    pool_of,
    with_goals,
)
from common.evaluation.run import Suite
from common.evaluation.trial import PhotoTrial, background, edit_photo, error_to_truth, likeness, unit_changes
from common.face3d.fitting.light import fit_light
from common.face3d.heads.anny import default_head
from common.faces import choose_face
from common.synthetic.render.body import pose
from common.synthetic.render.picture import detail_for, frame
from common.synthetic.render.shade import direction
from common.synthetic.scene.factors import Scene

from ..attributes import ANGLES
from . import SEED
from .items import draw_item


def read_light(image: np.ndarray, scene: Scene) -> np.ndarray | None:
    """Where the light on a face comes from, read off the skin with the head's true shape and place.

    Args:
        image: (S, S, 3) uint8.
        scene: whose head it shows.

    Returns:
        (3,) unit vector, x to the picture's right, y up, z to the viewer; None where too little skin is seen.
    """
    head = default_head()
    vertices = torch.from_numpy(pose(scene, detail_for(len(image))).positions[None, : len(head.mean)])
    found = fit_light(image.astype(np.float32) / 255, head, vertices, frame(scene)[0])
    if found is None:
        return None
    light = found[0][0, 1:4].mean(1).double().cpu().numpy()
    return light / max(1e-9, float(np.linalg.norm(light)))


def between(one: np.ndarray | None, other: np.ndarray | None) -> float | None:
    """Degrees between two directions; None where one is not known."""
    if one is None or other is None:
        return None
    return float(np.degrees(np.arccos(np.clip(one @ other, -1, 1))))


def light(trial: PhotoTrial) -> Record:
    """Degrees between lights: "light" of edit and truth, of the truth and the lamp; "light_moved" before and truth.

    None where too little skin is seen.
    """
    item = trial.item
    lamp = direction(item.target.lamps.azimuth, item.target.lamps.elevation)
    read = {name: read_light(photo, item.target) for name, photo in trial.photos.items()}
    before = read_light(trial.before.image, item.source)
    return {
        "light": {"edit": between(read["edit"], read["truth"]), "truth": between(read["truth"], lamp)},
        "light_moved": between(before, read["truth"]),
    }


def pose_and_identity(trial: PhotoTrial) -> Record:
    """Errors of yaw, pitch and roll in degrees, and likeness to the photo before; None where no face is seen."""
    found: Record = {"angles": {}, "identity": {}}
    estimator: Any = trial.setting.estimator
    for name, photo in trial.photos.items():
        try:
            face = choose_face(trial.setting.editor.detector.find(photo))
            read = estimator.many([photo], faces=[face])[0] if hasattr(estimator, "many") else estimator(photo)
        except FaceNotFoundError:
            found["angles"][name] = None
            found["identity"][name] = None
            continue
        found["angles"][name] = np.subtract(read.angles, trial.item.target.angles).tolist()
        found["identity"][name] = likeness(trial.before.image, photo, trial.face, face)
    return found


def conditioning(trial: PhotoTrial) -> np.ndarray:
    """The render that the network is shown, in the photos' size."""
    render = trial.setting.editor.rig(trial.subject, trial.item.request).render
    return cv2.resize(render, (trial.setting.size, trial.setting.size), interpolation=cv2.INTER_AREA)


def _light(record: Record, of: str) -> float | None:
    return record["light"][of]


def _angle(record: Record, of: str, place: int) -> float | None:
    angles = record["angles"][of]
    return None if angles is None else abs(angles[place])


def _units(record: Record, of: str) -> float | None:
    changes = record["units"][of]
    return None if changes is None else float(np.abs(changes).mean())


MOVED = ("pose", "combination")
STILL = ("light", "expression")
LIT = ("light", "combination")


def _degrees(name: str, title: str, pool: Pool, of: tuple[str, ...] = OF) -> Metric:
    return Metric(name, title, "degrees", "lower", pool, of)


METRICS = (
    _degrees("light", "angle between the light of edit and truth; of truth and lamp", pool_of(_light, LIT)),
    Metric(
        "light_moved",
        "angle by which the light was to move",
        "degrees",
        None,
        pool_of(lambda record, of: record["light_moved"], LIT),
        ("edit",),
    ),
    *(
        _degrees(name, f"error of the {name}", pool_of(partial(_angle, place=place), MOVED))
        for place, name in enumerate(ANGLES)
    ),
    _degrees("held_light", "change of light that should stay", pool_of(_light, ("pose", "expression")), ("edit",)),
    *(
        _degrees(f"held_{name}", f"error of the {name} that should stay", pool_of(partial(_angle, place=place), STILL))
        for place, name in enumerate(ANGLES)
    ),
    Metric(
        "held_units",
        "mean change of action units that should stay, light edited",
        "",
        "lower",
        pool_of(_units, ("light",), mean),
    ),
    STRONG_UNITS,
    OFF_TARGET,
    ERROR,
    BACKGROUND,
    IDENTITY,
    ENCODE_SECONDS,
    SECONDS,
)
GOALS = {"light": 10.0, "yaw": 4.0, "pitch": 4.0, "strong_units": 10, "off_target": 0.25, "error": 0.4, "seconds": 3.0}
MEASURES = (error_to_truth, background, light, unit_changes, pose_and_identity)
SUITE = Suite(
    draw=draw_item,
    attempt=partial(edit_photo, measures=MEASURES, conditioning=conditioning),
    metrics=with_goals(METRICS, GOALS),
    columns=("source", "conditioning image", "edit", "truth"),
    title="edits of synthetic people: light, pose, expression and combinations",
    seed=SEED,
)
