"""What shall change in a face: light, pose and expression, by numbers or from another photo."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.action_units import ACTION_UNITS, to_text, to_vector
from common.action_units import as_list as expressions_of
from common.errors import InputError
from common.files import expanded

from .light import Light
from .named import check_names
from .pose import Pose

ATTRIBUTES = ("light", "pose", "expression")


@dataclass(frozen=True)
class RigWish:
    """One edit; `RigWish()` makes the face anew as it is.

        RigWish(light=Light(azimuth=60), pose="yaw=15", expression={"AU12": 3})
        RigWish(pose="yaw=15", target="other.jpg", copy="light+expression")

    Numbers and a photo may be combined, but no attribute can be asked for in both ways.

    Attributes:
        light: a `Light`, its text or its mapping; None leaves the light as it is.
        pose: a `Pose`, its text or its mapping. Kept as None where it turns nothing.
        expression: **changes** of action units, on the FACS scale 0..5, in [-10, 10], in the forms of
            `common.action_units.to_vector`. Kept as 12 floats, as None where all are 0.
        target: a photo to copy from (`common.images.read_image`), or what `RigFace.look` or `RigFace.encode` made of
            one.
        copy: what to copy of it: "light", "pose", "expression", several as "light+pose" or as a list. Kept as a
            frozenset. An expression brings its open jaw along.

    Raises:
        InputError, ActionUnitError, ShapeError, ImageError: a value that cannot be used, an attribute asked for in two
            ways, or one of `target` and `copy` without the other.
    """

    light: Any = None
    pose: Any = None
    expression: Any = None
    target: Any = None
    copy: Any = frozenset()

    def __post_init__(self) -> None:
        light = None if self.light is None else Light.of(self.light)
        pose = None if self.pose is None else Pose.of(self.pose)
        units = None if self.expression is None else tuple(to_vector(self.expression))
        copy = _parts(self.copy)
        if (self.target is None) == bool(copy):
            raise InputError(
                "A photo to copy from (target) and what to copy of it (copy) go together.\n"
                f"  expected: target=PHOTO, copy='light', or neither\n  got:      target={self.target!r}, "
                f"copy={'+'.join(sorted(copy)) or None!r}"
            )
        own = {"light": light, "pose": pose, "expression": units}
        if twice := sorted(name for name in copy if own[name] is not None):
            raise InputError(
                f"{twice[0]} is asked for by numbers and from the photo; take one of them.\n"
                f"  numbers: {getattr(self, twice[0])}\n  from the photo: {'+'.join(sorted(copy))}"
            )
        kept = {
            "light": light,
            "pose": None if pose is None or pose.still else pose,
            "expression": units if units and any(units) else None,
            "target": _target(self.target),
            "copy": copy,
        }
        for name, value in kept.items():
            object.__setattr__(self, name, value)

    @property
    def changes(self) -> frozenset[str]:
        """Which of "light", "pose" and "expression" it changes."""
        return self.copy | {name for name in ATTRIBUTES if getattr(self, name) is not None}

    def plain(self) -> dict[str, Any]:
        """What JSON and files of wishes have of it; of a photo to copy from its name."""
        found: dict[str, Any] = {name: asdict(value) for name in ("light", "pose") if (value := getattr(self, name))}
        if self.expression:
            found["expression"] = {name: value for name, value in zip(ACTION_UNITS, self.expression) if value}
        if self.copy:
            found |= {"target": Path(_name(self.target)).name, "copy": sorted(self.copy)}
        return found

    def __str__(self) -> str:
        """The words of the command line, "neutral" for none."""
        words = [f"{name} {getattr(self, name)}" for name in ("light", "pose") if getattr(self, name) is not None]
        words += [to_text(self.expression)] if self.expression else []
        words += [f"copy {'+'.join(sorted(self.copy))} from {_name(self.target)}"] if self.copy else []
        return ", ".join(words) or "neutral"


def as_list(wish: Any) -> list[Any] | None:
    """The wishes of a list of them; None for a single one."""
    return list(wish) if isinstance(wish, (list, tuple)) else None


def to_wish(wish: Any) -> RigWish:
    """The wish as it came.

    Raises:
        InputError: it is none.
    """
    if isinstance(wish, RigWish):
        return wish
    raise InputError(f"A wish is a RigWish, such as RigWish(light=Light(azimuth=60)); got {type(wish).__name__}.")


def make_wishes(
    *, light: Any = None, pose: Any = None, expression: Any = None, target: Any = None, copy: Any = None
) -> RigWish | list[RigWish]:
    """A wish, or a list of them where light, pose, expression or target is a list; a single value goes with each.

    Raises:
        InputError: lists of different lengths; else as `RigWish`.
    """
    from common.images import as_list as pictures_of

    lists = {"light": as_list(light), "pose": as_list(pose), "target": pictures_of(target)}
    lists["expression"] = expressions_of(expression)
    lengths = {name: len(values) for name, values in lists.items() if values is not None}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{count} of {name}" for name, count in lengths.items())
        raise InputError(f"Lists of wishes pair up one by one; got {counts}.")
    single = {"light": light, "pose": pose, "expression": expression, "target": target, "copy": copy or frozenset()}
    if not lengths:
        return RigWish(**single)
    rows = range(next(iter(lengths.values())))
    listed = {name: values for name, values in lists.items() if values is not None}
    return [RigWish(**single | {name: values[row] for name, values in listed.items()}) for row in rows]


def _parts(copy: Any) -> frozenset[str]:
    if copy is None:
        return frozenset()
    if isinstance(copy, str):
        words = [word.strip().lower() for word in copy.replace(",", "+").split("+")]
    elif isinstance(copy, Iterable) and not isinstance(copy, Mapping):
        words = list(copy)
    else:
        raise InputError(f'copy must be a text such as "light+pose", or a list; got {type(copy).__name__}.')
    check_names("copy", words, ATTRIBUTES)
    return frozenset(words)


def _target(target: Any) -> Any:
    """Pictures as PIL images and paths as Path, so that wishes can be compared; what was made of a photo as it is."""
    if target is None or hasattr(target, "seen"):
        return target
    from common.image_files import is_path
    from common.images import read_image

    if is_path(target):
        return expanded(os.fsdecode(target))

    return read_image(target)


def _name(target: Any) -> str:
    return str(target) if isinstance(target, Path) else str(getattr(target, "name", "a picture"))


NEUTRAL = RigWish()
"""Changes nothing."""
