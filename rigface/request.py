"""What is asked of a face: light, pose and expression, by numbers or from another photo."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from common.action_units import AUDelta
from common.errors import InputError
from common.files import expanded

from .light import Light
from .named import check_names
from .pose import Pose

if TYPE_CHECKING:
    from common.action_units import AULike
    from common.images import ImageLike

    from .editor import Target

ATTRIBUTES = ("light", "pose", "expression")
LightLike: TypeAlias = "Light | str | Mapping[str, Any]"
PoseLike: TypeAlias = "Pose | str | Mapping[str, Any]"


@dataclass(frozen=True)
class RigEdit:
    """One edit; `RigEdit()` is the null edit: it reconstructs the face unchanged.

        RigEdit(light=Light(azimuth=60), pose="yaw=15", expression={"AU12": 3})
        RigEdit(pose="yaw=15", target="other.jpg", copy="light+expression")

    Numbers and a photo may be combined, but no attribute can be asked for in both ways.

    Attributes:
        light: a `Light`, its text or its mapping; None leaves the light as it is.
        pose: a `Pose`, its text or its mapping. Kept as None where it turns nothing.
        expression: **changes** of action units, on the FACS scale 0..5, in [-10, 10], in the forms of
            `AUDelta.parse`. Kept as an `AUDelta`, as None where all are 0.
        target: a photo to copy from (`common.images.read_image`), or what `RigFace.look` or `RigFace.encode` made of
            one.
        copy: what to copy of it: "light", "pose", "expression", several as "light+pose" or as a list. Kept as a
            frozenset. An expression brings its open jaw along.
        still: a request whose warp is left as it is: that one's null edit, for networks that start with a warp.

    Raises:
        InputError, ActionUnitError, ShapeError, ImageError: a value that cannot be used, an attribute asked for in two
            ways, or one of `target` and `copy` without the other.
    """

    light: Any = None
    pose: Any = None
    expression: Any = None
    target: Any = None
    copy: Any = frozenset()
    still: RigEdit | None = None

    def __post_init__(self) -> None:
        light = None if self.light is None else Light.of(self.light)
        pose = None if self.pose is None else Pose.of(self.pose)
        units = None if self.expression is None else AUDelta.parse(self.expression)
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
    def asked(self) -> RigEdit:
        """What the picture shows: this request, or the one whose warp is left as it is."""
        return self.still or self

    @property
    def changes(self) -> frozenset[str]:
        """Which of "light", "pose" and "expression" it changes."""
        return self.copy | {name for name in ATTRIBUTES if getattr(self, name) is not None}

    @classmethod
    def parse(cls, value: Any) -> RigEdit:
        """A request in any of its forms: itself, `{"light": "azimuth=60", "pose": "yaw=15", "expression": "AU12=3"}`,
        or an expression alone.

        Raises:
            InputError, ActionUnitError, ShapeError: none of them.
        """
        if isinstance(value, RigEdit):
            return value
        if not isinstance(value, Mapping):
            return cls(expression=value)
        if "target" in value:
            raise InputError(
                f"What is copied from another photo, {value['target']}, is not in a file; name that photo: "
                "--target PHOTO --copy WHAT"
            )
        if not value or set(value) <= set(ATTRIBUTES):
            return cls(**value)
        if set(value) & set(ATTRIBUTES):
            raise InputError(
                f"A request has {', '.join(ATTRIBUTES)}, or action units alone; got {', '.join(map(str, value))}."
            )
        return cls(expression=dict(value))

    @classmethod
    def split(cls, value: Any) -> list[Any] | None:
        """The requests of a list of them; None for a single one."""
        return list(value) if isinstance(value, (list, tuple)) else None

    def to_json(self) -> dict[str, Any]:
        """What JSON and files of requests have of it; of a photo to copy from its name."""
        if self.still is not None:
            return self.still.to_json()
        found: dict[str, Any] = {name: asdict(value) for name in ("light", "pose") if (value := getattr(self, name))}
        if self.expression:
            found["expression"] = self.expression.to_json()
        if self.copy:
            found |= {"target": Path(_name(self.target)).name, "copy": sorted(self.copy)}
        return found

    def __str__(self) -> str:
        """The words of the command line, "neutral" for none."""
        words = [f"{name} {getattr(self, name)}" for name in ("light", "pose") if getattr(self, name) is not None]
        words += [str(self.expression)] if self.expression else []
        words += [f"copy {'+'.join(sorted(self.copy))} from {_name(self.target)}"] if self.copy else []
        return ", ".join(words) or "neutral"


def make_requests(
    *,
    light: LightLike | list[LightLike] | None = None,
    pose: PoseLike | list[PoseLike] | None = None,
    expression: AULike | list[AULike] | None = None,
    target: ImageLike | Target | list[ImageLike | Target] | None = None,
    copy: str | list[str] | None = None,
) -> RigEdit | list[RigEdit]:
    """A request, or a list of them where light, pose, expression or target is a list; a single value goes with each.

    Raises:
        InputError: lists of different lengths; else as `RigEdit`.
    """
    from common.images import as_list as pictures_of

    lists = {"light": RigEdit.split(light), "pose": RigEdit.split(pose), "target": pictures_of(target)}
    lists["expression"] = AUDelta.split(expression)
    lengths = {name: len(values) for name, values in lists.items() if values is not None}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{count} of {name}" for name, count in lengths.items())
        raise InputError(f"Lists of requests pair up one by one; got {counts}.")
    single = {"light": light, "pose": pose, "expression": expression, "target": target, "copy": copy or frozenset()}
    if not lengths:
        return RigEdit(**single)
    rows = range(next(iter(lengths.values())))
    listed = {name: values for name, values in lists.items() if values is not None}
    return [RigEdit(**single | {name: values[row] for name, values in listed.items()}) for row in rows]


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
    """Pictures as PIL images and paths as Path, so that requests can be compared; what was made of a photo as it is."""
    if target is None or hasattr(target, "region"):
        return target
    from common.image_files import is_path
    from common.images import read_image

    if is_path(target):
        return expanded(os.fsdecode(target))
    return read_image(target)


def _name(target: Any) -> str:
    return str(target) if isinstance(target, Path) else str(getattr(target, "name", "a picture"))
