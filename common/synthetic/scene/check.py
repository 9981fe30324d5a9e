"""Whether a scene can be drawn: every factor of its type, finite, and in a range that means something."""

from __future__ import annotations

import math
from dataclasses import is_dataclass
from typing import Any, get_args

import numpy as np

from ...core.errors import InputError
from ...facs.action_units import ACTION_UNITS
from .factors import BEARDS, OTHERS, Scene, hints

# Wider than what is drawn by chance, and narrower than what cannot be computed; colours are in [0, 1].
_RANGES: dict[str, tuple[float, float]] = {
    "scene.units": (0, 5),
    "scene.others": (-5, 5),
    "scene.blink": (0, 1),
    "scene.gaze": (-90, 90),
    "scene.angles": (-180, 180),
    "scene.person.skin.melanin": (0, 5),
    "scene.person.skin.haemoglobin": (0, 5),
    "scene.person.features.iris_size": (0.1, 3),
    "scene.lamps.softness": (0, 1),
    **dict.fromkeys([f"scene.lamps.{name}" for name in ("key", "fill", "bounce", "rim")], (0, 100)),
    "scene.shot.view": (1, 150),
    "scene.shot.face_height": (0.01, 10),
    "scene.shot.shift": (-100, 100),
    "scene.background.blur": (0, 0.2),
    "scene.capture.exposure": (-20, 20),
    "scene.capture.warmth": (-1, 1),
    "scene.capture.contrast": (0.1, 5),
    "scene.capture.blur": (0, 100),
    "scene.capture.noise": (0, 255),
    "scene.capture.jpeg": (0, 100),
    "scene.capture.vignette": (0, 1),
}
_ANY = (-math.inf, math.inf)


def check_scene(scene: Scene) -> None:
    """Raise InputError, which names the factor, unless the scene can be drawn; styles are checked where used."""
    _check("scene", scene, Scene, _ANY)
    if [len(side) for side in scene.units] != 2 * [len(ACTION_UNITS)]:
        raise _refusal("scene.units", "count", f"2 x {len(ACTION_UNITS)} intensities", scene.units)
    if [len(side) for side in scene.others] != 2 * [OTHERS]:
        raise _refusal("scene.others", "count", f"2 x {OTHERS} intensities", scene.others)
    if scene.person.features.beard not in BEARDS:
        raise _refusal("scene.person.features.beard", "unknown", BEARDS, scene.person.features.beard)
    lamps = scene.lamps
    if max(lamps.key, lamps.fill, lamps.bounce, lamps.rim) < 1e-3:
        raise _refusal("scene.lamps", "range", "some light, in key, fill, bounce or rim", lamps)


def _check(path: str, value: Any, kind: Any, limits: tuple[float, float]) -> None:
    """Check a factor of a kind, whose numbers lie between limits unless its path has its own."""
    name = path.rpartition(".")[2]
    colour = name.endswith("colour") or name in ("iris", "second")
    limits = (0, 1) if colour else _RANGES.get(path, limits)
    if is_dataclass(kind):
        if not isinstance(value, kind):  # pyright: ignore[reportArgumentType]
            raise _refusal(path, "type", f"factors.{kind.__name__}", value)  # pyright: ignore[reportAttributeAccessIssue]
        for field, hint in hints(kind).items():
            _check(f"{path}.{field}", getattr(value, field), hint, _ANY)
    elif kind is str:
        if not isinstance(value, str):
            raise _refusal(path, "type", "a name", value)
    elif kind in (int, float):
        numbers = (int, np.integer) if kind is int else (int, float, np.number)
        if isinstance(value, bool) or not isinstance(value, numbers) or not math.isfinite(value):
            raise _refusal(path, "type", "a whole number" if kind is int else "a finite number", value)
        low, high = max(limits[0], 0 if kind is int else -math.inf), limits[1]
        if not low <= value <= high:
            raise _refusal(path, "range", f"{low:g} to {high:g}", value)
    else:
        kinds = get_args(kind)
        if not isinstance(value, tuple) or (kinds[-1] is not ... and len(value) != len(kinds)):
            raise _refusal(path, "type", "a tuple" if kinds[-1] is ... else f"a tuple of {len(kinds)}", value)
        for i, item in enumerate(value):
            _check(f"{path}[{i}]", item, kinds[0 if kinds[-1] is ... else i], limits)


def _refusal(path: str, code: str, expected: object, actual: object) -> InputError:
    return InputError(f"{path} cannot be drawn.", code=code, expected=expected, actual=actual)
