"""Light and pose: the parts of a `RigEdit` that are numbers with names, such as "azimuth=60,elevation=20"."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, cast

from common.core.errors import InputError, ShapeError
from common.facs.action_units.named_values import items_of

if TYPE_CHECKING:
    import torch
    from typing_extensions import Self

ATTRIBUTES = ("light", "pose", "expression")
LAMP = ("azimuth", "elevation", "intensity", "ambient")
ANGLES = ("yaw", "pitch", "roll")
ABSOLUTE = "absolute"


@dataclass(frozen=True)
class _Attribute:
    """Numbers with names, each within its range."""

    ranges: ClassVar[Mapping[str, tuple[float, float]]]

    def __post_init__(self) -> None:
        for name, (low, high) in self.ranges.items():
            value = getattr(self, name)
            real = isinstance(value, Real) and not isinstance(value, bool)
            if not real or not low <= cast(Any, value) <= high:  # NaN is in no range
                what = type(self).__name__.lower()
                raise InputError(
                    f"{what} {name} must be a number from {low:g} to {high:g}.",
                    code="range" if real else "type",
                    expected=(low, high),
                    actual=value,
                )
            object.__setattr__(self, name, float(value))

    @classmethod
    def of(cls, value: Self | str | Mapping[str, Any]) -> Self:
        """A value in any of its forms: itself, a text, or a mapping (or Series) of the attributes' names.

        Raises:
            InputError, ShapeError: none of them, or values that cannot be used.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls(**cls.read(value))
        what = cls.__name__.lower()
        items = items_of(value)
        if items is None:
            example = next(iter(cls.ranges))
            raise InputError(
                f'{what} must be a {cls.__name__}, a text such as "{example}=15", or a dict.',
                code="type",
                actual=type(value).__name__,
            )
        check_names(what, [name for name, _ in items], [field.name for field in fields(cls)])
        return cls(**dict(items))

    @classmethod
    def read(cls, text: str) -> dict[str, Any]:
        """The numbers of a text, `NAME=NUMBER` separated by commas or spaces."""
        what = cls.__name__.lower()
        found: dict[str, Any] = {}
        for part in filter(None, re.split(r"[,; ]+", re.sub(r" ?= ?", "=", " ".join(text.split())))):
            name, equals, value = part.partition("=")
            check_names(what, [name], cls.ranges)
            if name in found:
                raise InputError(f"{name} is given twice in a {what}.", code="duplicate", actual=text)
            if not equals:
                raise InputError(f"{name} has no value; write {name}=20.", code="missing", actual=text)
            try:
                found[name] = float(value)
            except ValueError:
                raise InputError(f"{what} {name} must be a number.", code="type", actual=value) from None
        if not found:
            raise InputError(f"A {what} needs at least one number.", code="empty", expected=list(cls.ranges))
        return found


@dataclass(frozen=True)
class Light(_Attribute):
    """The light that falls on the face after the edit, in place of the present one.

    Either a lamp, or `coefficients`. Angles are those of `common.synthetic.scene.factors.Lamps` and of
    `common.face3d.rendering.lighting.directional`.

    Attributes:
        azimuth: of the lamp in degrees, -180 to 180: 0 from the camera, positive from the picture's right.
        elevation: of the lamp in degrees, -90 to 90, positive from above.
        intensity: mean brightness over all directions, 0 to 10; 1 is as bright as the present light.
        ambient: fraction of the light that comes from everywhere, 0 (one hard lamp) to 1 (no lamp at all).
        coefficients: second-order spherical harmonics (9, 3), or 27 numbers row by row: in DECA's order and with its
            constants (`common.face3d.rendering.lighting`), red, green and blue; the present light does not matter to
            them. Kept as 27 floats.

    Raises:
        InputError: a number out of range, or a lamp beside coefficients.
        ShapeError: coefficients that are not (9, 3) or (27,).
    """

    ranges: ClassVar = {"azimuth": (-180, 180), "elevation": (-90, 90), "intensity": (0, 10), "ambient": (0, 1)}

    azimuth: float = 0.0
    elevation: float = 0.0
    intensity: float = 1.0
    ambient: float = 0.5
    coefficients: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.coefficients is None:
            return
        if any(getattr(self, name) != value for name, value in LAMP_DEFAULTS.items()):
            raise InputError("A Light is a lamp (azimuth, elevation, ...) or coefficients, not both.", code="conflict")
        object.__setattr__(self, "coefficients", _coefficients(self.coefficients))

    def harmonics(self, present: torch.Tensor | None = None) -> torch.Tensor:
        """The light as spherical harmonics, see `common.face3d.rendering.lighting`.

        A lamp becomes the best second-order approximation of a distant one (`directional`), plus its ambient part. It
        has the colour of the light that it replaces: a photo's white balance and exposure stay.

        Args:
            present: (9, 3), the light on the face now; None is white light of brightness 1 from everywhere.

        Returns:
            (9, 3), of the dtype and on the device of `present`, else float32.
        """
        import torch

        from common.face3d.rendering import lighting

        present = lighting.ambient(torch.ones(1, 3))[0] if present is None else present
        if self.coefficients is not None:
            return present.new_tensor(self.coefficients).reshape(9, 3)
        azimuth, elevation = math.radians(self.azimuth), math.radians(self.elevation)
        level = math.cos(elevation)
        direction = (level * math.sin(azimuth), math.sin(elevation), level * math.cos(azimuth))
        mean = self.intensity * present[:1] / lighting.ambient(torch.ones_like(present[:1]))[0, :1]  # (1, 3)
        # A lamp that shines with b on what faces it gives b / 4 on average over all directions.
        lamp = lighting.directional(present.new_tensor([direction]), 4 * (1 - self.ambient) * mean)
        return (lamp + lighting.ambient(self.ambient * mean))[0]

    def __str__(self) -> str:
        if self.coefficients is not None:
            return "coefficients"
        own = {name: getattr(self, name) for name in LAMP}
        return _text({name: v for name, v in own.items() if v != LAMP_DEFAULTS[name] or name in LAMP[:2]})


LAMP_DEFAULTS = {field.name: field.default for field in fields(Light) if field.name in LAMP}


@dataclass(frozen=True)
class Pose(_Attribute):
    """How far the head turns, or, with `relative=False`, where it looks after the edit.

    Angles are those of `common.face3d.camera.rotation_matrix`, in degrees.

    Attributes:
        yaw: -90 to 90, positive turns the face to the picture's right.
        pitch: -90 to 90, positive looks up.
        roll: -90 to 90, positive tilts the head's top to the picture's left.
        relative: True: the head turns by these angles, about the picture's axes, so that 0 leaves it as it is. False:
            they are the angles that it has afterwards, so that 0 looks into the camera; one that is not named is 0.

    Raises:
        InputError: an angle out of range.
    """

    ranges: ClassVar = dict.fromkeys(ANGLES, (-90, 90))

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    relative: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.relative, bool):
            raise InputError("pose relative must be True or False.", code="type", actual=self.relative)

    @classmethod
    def read(cls, text: str) -> dict[str, Any]:
        """The angles of a text such as "yaw=15", and whether "absolute" is in it."""
        words = text.replace(",", " ").split()
        angles = [word for word in words if word.lower() != ABSOLUTE]
        return {**super().read(" ".join(angles)), "relative": angles == words}

    @property
    def still(self) -> bool:
        """Whether it leaves every head as it is."""
        return self.relative and not any(getattr(self, name) for name in ANGLES)

    def matrix(self, present: torch.Tensor) -> torch.Tensor:
        """Axes (3, 3) of the head after the edit, see `rotation_matrix`; `present` (3, 3) are those before it."""
        import torch

        from common.face3d.camera import rotation_matrix

        angles = torch.tensor([[getattr(self, name) for name in ANGLES]], dtype=torch.float64)
        turn = rotation_matrix(angles.deg2rad())[0].to(present)
        return turn @ present if self.relative else turn

    def __str__(self) -> str:
        text = _text({name: getattr(self, name) for name in ANGLES if getattr(self, name)}) or "yaw=0"
        return text if self.relative else f"{text},{ABSOLUTE}"


def check_names(what: str, given: Collection[Any], names: Collection[str]) -> None:
    """Raises an InputError, with the nearest name, unless all are known."""
    for name in given:
        if name not in names:
            close = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.0)[0]
            raise InputError(
                f"A {what} has no such attribute; did you mean {close!r}?",
                code="unknown",
                expected=list(names),
                actual=name,
            )


def _text(values: Mapping[str, float]) -> str:
    return ",".join(f"{name}={value:g}" for name, value in values.items())


def _coefficients(values: Any) -> tuple[float, ...]:
    import numpy as np

    from .conditioning import floats_of

    array = floats_of("Light.coefficients", values)
    if array.shape not in ((9, 3), (27,)):
        raise ShapeError("Light.coefficients", "(9, 3) or (27,)", array.shape)
    if not np.isfinite(array).all():
        raise InputError("Light.coefficients must be finite; some are NaN or infinite.", code="finite")
    return tuple(array.flatten().tolist())
