"""RigEdit: the request for another light, pose or expression, by numbers or from another photo."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from common.core.errors import InputError
from common.core.files import expanded
from common.facs.action_units import AUDelta, AUIntensity

from .attributes import ABSOLUTE, ANGLES, ATTRIBUTES, LAMP, Light, Pose, check_names

if TYPE_CHECKING:
    from common.facs.action_units import AULike
    from common.imaging.images import ImageLike

    from .reconstruct import View

_COPYING = "name the photo: --target PHOTO --copy WHAT"
_LEVELS = {
    "yaw": (-20.0, -10.0, 0.0, 10.0, 20.0),
    "pitch": (-15.0, -7.5, 0.0, 7.5, 15.0),
    "roll": (-20.0, -10.0, 0.0, 10.0, 20.0),
    "azimuth": (-60.0, -30.0, 0.0, 30.0, 60.0),
    "elevation": (-40.0, -20.0, 0.0, 20.0, 40.0),
    "intensity": (0.6, 0.8, 1.0, 1.2, 1.4),
    "ambient": (0.0, 0.25, 0.5, 0.75, 1.0),
}
LightLike: TypeAlias = "Light | str | Mapping[str, object]"
PoseLike: TypeAlias = "Pose | str | Mapping[str, object]"


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
        target: a photo to copy from (`common.imaging.images.read_image`), or what `RigFace.look` or `RigFace.encode`
            made of one.
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
    absolute: ClassVar[bool] = False

    def __post_init__(self) -> None:
        light = None if self.light is None else Light.of(self.light)
        pose = None if self.pose is None else Pose.of(self.pose)
        units = None if self.expression is None else AUDelta.parse(self.expression)
        copy = _parts(self.copy)
        if (self.target is None) == bool(copy):
            raise InputError(
                "A photo to copy from (target) and what to copy of it (copy) go together.",
                code="missing",
                expected="target=PHOTO, copy='light', or neither",
                actual=f"target={self.target!r}, copy={'+'.join(sorted(copy)) or None!r}",
            )
        if twice := sorted(name for name in copy if getattr(self, name) is not None):
            raise InputError(
                "An attribute is requested both by numbers and from the photo.", code="conflict", actual=twice[0]
            )
        kept = {
            "light": light,
            "pose": None if pose is None or pose.still else pose,
            "expression": None if units is None or units.null else units,
            "target": _target(self.target),
            "copy": copy,
        }
        for name, value in kept.items():
            object.__setattr__(self, name, value)

    @property
    def asked(self) -> RigEdit:
        """What the picture shows: this request, or the one whose warp is left as it is."""
        return self.still or self

    @classmethod
    def parse(cls, value: Any) -> RigEdit:
        """A request in any of its forms: itself, `{"light": "azimuth=60", "pose": "yaw=15", "expression": "AU12=3"}`, a
        text such as "yaw=15,azimuth=60,AU12=3", as `str` writes it, or an expression alone.

        Raises:
            InputError, ActionUnitError, ShapeError: none of them.
        """
        if isinstance(value, RigEdit):
            return value
        if isinstance(value, str):
            return cls(**_read(value))
        if not isinstance(value, Mapping):
            return cls(expression=value)
        if "target" in value:
            raise InputError(
                "A file cannot copy from a photo.",
                code="unsupported",
                actual=value["target"],
                hint=_COPYING,
            )
        if not value or set(value) <= set(ATTRIBUTES):
            return cls(**value)
        if set(value) & set(ATTRIBUTES):
            raise InputError(
                "A request has these attributes, or action units alone.",
                code="unknown",
                expected=ATTRIBUTES,
                actual=list(value),
            )
        return cls(expression=dict(value))

    @classmethod
    def split(cls, value: Any) -> list[Any] | None:
        """The requests of a list of them; None for a single one."""
        return list(value) if isinstance(value, (list, tuple)) else None

    # --- what sweeps, animations and measured expressions need, see `common.editing.request.Sweepable` ---

    @property
    def units(self) -> Sequence[float] | None:
        """The 12 changes of action units that it asks for by numbers; None where it asks for none."""
        return self.expression

    @property
    def beyond(self) -> Sequence[str]:
        """See `common.editing.request.Request`."""
        return self.expression.beyond if self.expression else ()

    @property
    def known(self) -> RigEdit:
        """See `common.editing.request.Request`."""
        return replace(self, expression=self.expression.known) if self.expression else self

    @classmethod
    def axes(cls) -> Mapping[str, str]:
        """The names of all attributes, and what each means."""
        angles = dict.fromkeys(ANGLES, "of the head, in degrees")
        return {**angles, **dict.fromkeys(LAMP, "of the light"), **AUDelta.axes()}

    @classmethod
    def axis(cls, name: str) -> str:
        """The attribute's name: yaw, pitch, roll, azimuth, elevation, intensity, ambient, or an action unit.

        Raises:
            ActionUnitError: none of them.
        """
        return name.lower() if name.lower() in (*ANGLES, *LAMP) else AUDelta.axis(name)

    @classmethod
    def levels(cls, axis: str) -> Sequence[float]:
        """The values that a sweep of the attribute shows where none are given."""
        return _LEVELS.get(axis) or AUDelta.levels(axis)

    def with_level(self, axis: str, level: float) -> RigEdit:
        """This request with one attribute at a level, whatever it was before."""
        if axis in ANGLES:
            return replace(self, pose=replace(self.pose or Pose(), **{axis: level}))
        if axis in LAMP:
            return replace(self, light=replace(self.light or Light(), **{axis: level}))
        return replace(self, expression=(self.expression or AUDelta()).with_level(axis, level))

    def plus(self, other: RigEdit) -> RigEdit:
        """Both requests at once; of one attribute that both name, the other's value counts.

        Raises:
            InputError: one of them copies from a photo.
        """
        self._check_numbers(other)
        return RigEdit(
            light=_over(self.light, other.light),
            pose=_over(self.pose, other.pose),
            expression=(self.expression or AUDelta()).plus(other.expression or AUDelta()),
        )

    def blend(self, other: RigEdit, fraction: float) -> RigEdit:
        """What lies between this request (fraction 0) and another one (1), to three decimals.

        Raises:
            InputError: one of them alone has a light, one turn is relative and the other absolute, or one copies from a
                photo.
        """
        self._check_numbers(other)
        return RigEdit(
            light=_between("light", self.light, other.light, LAMP, fraction),
            pose=_between("pose", self.pose, other.pose, ANGLES, fraction, absent=Pose()),
            expression=(self.expression or AUDelta()).blend(other.expression or AUDelta(), fraction),
        )

    @classmethod
    def toward(cls, present: AUIntensity, wanted: AUIntensity) -> RigEdit:
        """The request that takes a face from its present action units to others."""
        return cls(expression=AUDelta.toward(present, wanted))

    @classmethod
    def shifted(cls, present: AUIntensity, delta: AUDelta) -> RigEdit:
        """The request for a change of expression."""
        return cls(expression=delta)

    def cautions(self) -> list[str]:
        """Sentences on what is known to go wrong with its expression, see `common.editing.explain`."""
        return self.expression.cautions() if self.expression else []

    def _check_numbers(self, other: RigEdit) -> None:
        if self.copy or other.copy:
            raise InputError("A request that copies from a photo has no levels.", code="unsupported", actual=str(self))

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
    light: LightLike | Sequence[LightLike] | None = None,
    pose: PoseLike | Sequence[PoseLike] | None = None,
    expression: AULike | Sequence[AULike] | None = None,
    target: ImageLike | View | Sequence[ImageLike | View] | None = None,
    copy: str | list[str] | None = None,
) -> RigEdit | list[RigEdit]:
    """A request, or a list of them where light, pose, expression or target is a list; a single value goes with each.
    Raises InputError: lists of different lengths; else as `RigEdit`.
    """
    from common.imaging.images import as_list as pictures_of

    lists = {"light": RigEdit.split(light), "pose": RigEdit.split(pose), "target": pictures_of(target)}
    lists["expression"] = AUDelta.split(expression)
    lengths = {name: len(values) for name, values in lists.items() if values is not None}
    if len(set(lengths.values())) > 1:
        raise InputError("Lists of requests have different lengths.", code="count", actual=lengths)
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
        raise InputError("copy must be a text or a list.", code="type", actual=type(copy).__name__)
    check_names("copy", words, ATTRIBUTES)
    return frozenset(words)


def _read(text: str) -> dict[str, Any]:
    """The parts of a text: "light azimuth=60,elevation=20, pose yaw=15, AU12=3", where the first words may be left out.
    Raises InputError: what is copied from a photo.
    """
    if re.search(r"\bcopy\b.*\bfrom\b", text):
        raise InputError("A text cannot copy from a photo.", code="unsupported", actual=text, hint=_COPYING)
    found: dict[str, list[str]] = {name: [] for name in ATTRIBUTES}
    for part in filter(None, (part.strip() for part in re.split(r"[,;]|\b(?:light|pose)\b", text))):
        name = part.partition("=")[0].strip().lower()
        attribute = "pose" if name in (*ANGLES, ABSOLUTE) else "light" if name in LAMP else "expression"
        found[attribute].append(part)
    return {name: ",".join(parts) for name, parts in found.items() if parts}


def _over(one: Any, other: Any) -> Any:
    """A `Light` or `Pose` with the values that another one names."""
    if one is None or other is None:
        return one or other
    values = {each.name: getattr(other, each.name) for each in fields(other)}
    return replace(one, **{each.name: values[each.name] for each in fields(other) if values[each.name] != each.default})


def _between(what: str, one: Any, other: Any, names: Sequence[str], fraction: float, absent: Any = None) -> Any:
    """The value of a `Light` or `Pose` between two; `absent` stands for one that is None."""
    if one is None and other is None:
        return None
    one = one or absent
    other = other or absent
    fixed = {name: value for name, value in asdict(one or other).items() if name not in names}
    if one is None or other is None or fixed != {name: getattr(other, name) for name in fixed}:
        raise InputError(
            f"Nothing lies between {one or 'the present'} and {other or 'the present'} {what}.",
            code="conflict",
            expected=f"a {what} of the same kind at every keyframe",
        )
    ends = [(getattr(one, name), getattr(other, name)) for name in names]
    return type(one)(**fixed, **{name: round(a + fraction * (b - a), 3) for name, (a, b) in zip(names, ends)})


def _target(target: Any) -> Any:
    """Pictures as PIL images and paths as Path, so that requests can be compared; what was made of a photo as it is."""
    if target is None or hasattr(target, "labels"):
        return target
    from common.imaging.image_files import is_path
    from common.imaging.images import read_image

    if is_path(target):
        return expanded(os.fsdecode(target))
    return read_image(target)


def _name(target: Any) -> str:
    return str(target) if isinstance(target, Path) else str(getattr(target, "name", "a picture"))
