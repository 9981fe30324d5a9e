"""Whether a scene can be drawn: every factor of its type, finite, and in a range that means something."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

import numpy as np

from ...core.errors import InputError
from ...facs.action_units import ACTION_UNITS
from .factors import BEARDS, OTHERS, Background, Capture, Features, Hair, Lamps, Scene, Shot, Skin, Wear

_COLOUR: tuple[float, float] = (0, 1)
# Wider than what is drawn by chance, and narrower than what cannot be computed.
_RANGES: dict[type, dict[str, tuple[float, float]]] = {
    Scene: {"units": (0, 5), "others": (-5, 5), "blink": (0, 1), "gaze": (-90, 90), "angles": (-180, 180)},
    Skin: {"melanin": (0, 5), "haemoglobin": (0, 5)},
    Features: {
        **dict.fromkeys(("brow_colour", "iris", "beard_colour", "lip_colour", "eyeshadow_colour"), _COLOUR),
        "iris_size": (0.1, 3),
    },
    Hair: {"colour": _COLOUR},
    Wear: dict.fromkeys(("glasses_colour", "hat_colour", "clothes_colour"), _COLOUR),
    Lamps: {
        **dict.fromkeys(("key_colour", "fill_colour", "softness"), _COLOUR),
        **dict.fromkeys(("key", "fill", "bounce", "rim"), (0, 100)),
    },
    Shot: {"view": (1, 150), "face_height": (0.01, 10), "shift": (-100, 100)},
    Background: {"colour": _COLOUR, "second": _COLOUR, "blur": (0, 0.2)},
    Capture: {
        "exposure": (-20, 20),
        "warmth": (-1, 1),
        "contrast": (0.1, 5),
        "blur": (0, 100),
        "noise": (0, 255),
        "jpeg": (0, 100),
        "vignette": (0, 1),
    },
}


def check_scene(scene: Scene) -> None:
    """Raise InputError, which names the factor, unless the scene can be drawn; styles are checked where used."""
    _check("scene", scene, Scene)
    if [len(side) for side in scene.units] != 2 * [len(ACTION_UNITS)]:
        raise _refusal("scene.units", f"2 x {len(ACTION_UNITS)} intensities", scene.units)
    if [len(side) for side in scene.others] != 2 * [OTHERS]:
        raise _refusal("scene.others", f"2 x {OTHERS} intensities", scene.others)
    if scene.person.features.beard not in BEARDS:
        raise _refusal("scene.person.features.beard", f"one of {', '.join(BEARDS)}", scene.person.features.beard)
    lamps = scene.lamps
    if max(lamps.key, lamps.fill, lamps.bounce, lamps.rim) < 1e-3:
        raise _refusal("scene.lamps", "some light, in key, fill, bounce or rim", "none")


def _check(path: str, value: Any, kind: Any) -> None:
    if is_dataclass(kind):
        if not isinstance(value, kind):  # pyright: ignore[reportArgumentType]
            raise _refusal(path, f"factors.{kind.__name__}", value)  # pyright: ignore[reportAttributeAccessIssue]
        for name, hint in _hints(kind).items():
            found = getattr(value, name)
            _check(f"{path}.{name}", found, hint)
            limits = _RANGES.get(type(value), {}).get(name)
            if limits and not all(limits[0] <= number <= limits[1] for number in _numbers(found)):
                raise _refusal(f"{path}.{name}", f"{limits[0]:g} to {limits[1]:g}", found)
    elif kind is str:
        if not isinstance(value, str):
            raise _refusal(path, "a name", value)
    elif kind is int:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise _refusal(path, "a whole number, 0 or more", value)
    elif kind is float:
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise _refusal(path, "a finite number", value)
    else:
        kinds = get_args(kind)
        if not isinstance(value, tuple) or (kinds[-1] is not ... and len(value) != len(kinds)):
            raise _refusal(path, "a tuple" if kinds[-1] is ... else f"a tuple of {len(kinds)}", value)
        for i, item in enumerate(value):
            _check(f"{path}[{i}]", item, kinds[0 if kinds[-1] is ... else i])


def _numbers(value: Any) -> Iterator[float]:
    """The numbers of nested tuples."""
    for item in value if isinstance(value, tuple) else ():
        yield from _numbers(item)
    if not isinstance(value, tuple):
        yield value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _refusal(path: str, expected: str, got: object) -> InputError:
    return InputError(f"{path} cannot be drawn.\n  expected: {expected}\n  got:      {str(got)[:200]}")
