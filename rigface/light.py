"""Light on a face: a lamp in degrees, or nine spherical harmonics of each colour."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from common.core.errors import InputError, ShapeError
from common.facs.action_units.named_values import items_of

from .named import check_names, number, read_named, shown

if TYPE_CHECKING:
    import torch

LAMP = ("azimuth", "elevation", "intensity", "ambient")


@dataclass(frozen=True)
class Light:
    """The light that shall fall on the face, in place of what falls on it now.

    Either a lamp, or `coefficients`. Angles are those of `common.synthetic.scene.factors.Lamps` and of
    `common.face3d.rendering.lighting.directional`.

    Attributes:
        azimuth: of the lamp in degrees, -180 to 180: 0 from the camera, positive from the picture's right.
        elevation: of the lamp in degrees, -90 to 90, positive from above.
        intensity: how bright the light is in the mean over all directions, 0 to 10; 1 is as bright as the present one.
        ambient: the share of the light that comes from everywhere, 0 (one hard lamp) to 1 (no lamp at all).
        coefficients: second-order spherical harmonics (9, 3), or 27 numbers row by row: in DECA's order and with its
            constants (`common.face3d.rendering.lighting`), red, green and blue; the present light does not matter to
            them. Kept as 27 floats.

    Raises:
        InputError: a number out of range, or a lamp beside coefficients.
        ShapeError: coefficients that are not (9, 3) or (27,).
    """

    azimuth: float = 0.0
    elevation: float = 0.0
    intensity: float = 1.0
    ambient: float = 0.5
    coefficients: Any = None

    def __post_init__(self) -> None:
        ranges = {"azimuth": (-180, 180), "elevation": (-90, 90), "intensity": (0, 10), "ambient": (0, 1)}
        for name, (low, high) in ranges.items():
            object.__setattr__(self, name, number(f"light {name}", getattr(self, name), low, high))
        if self.coefficients is None:
            return
        if any(getattr(self, field.name) != field.default for field in fields(self) if field.name in LAMP):
            raise InputError("A Light is a lamp (azimuth, elevation, ...) or coefficients; got both. Give one of them.")
        object.__setattr__(self, "coefficients", _coefficients(self.coefficients))

    @classmethod
    def of(cls, value: Light | str | Mapping[str, Any]) -> Light:
        """A light in any of its forms: itself, "azimuth=60,elevation=20", or a mapping (or Series) of the same names.
        Raises InputError, ShapeError: none of them, or values that cannot be used.
        """
        if isinstance(value, Light):
            return value
        if isinstance(value, str):
            return cls(**read_named("light", value, LAMP))
        if (items := items_of(value)) is not None:
            check_names("light", [name for name, _ in items], [field.name for field in fields(cls)])
            return cls(**dict(items))
        raise InputError(
            f'light must be a Light, a text such as "azimuth=60,elevation=20", or a dict; got {type(value).__name__}.'
        )

    def harmonics(self, present: torch.Tensor | None = None) -> torch.Tensor:
        """The light as spherical harmonics, see `common.face3d.rendering.lighting`.

        A lamp becomes the best second-order approximation of a distant one (`directional`), plus its ambient share. It
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
        # A lamp that shines with b on what faces it gives b / 4 in the mean over all directions.
        lamp = lighting.directional(present.new_tensor([direction]), 4 * (1 - self.ambient) * mean)
        return (lamp + lighting.ambient(self.ambient * mean))[0]

    def __str__(self) -> str:
        if self.coefficients is not None:
            return "coefficients"
        own = {name: getattr(self, name) for name in LAMP}
        plain = {field.name: field.default for field in fields(self)}
        return shown({name: v for name, v in own.items() if v != plain[name] or name in ("azimuth", "elevation")})


def _coefficients(values: Any) -> tuple[float, ...]:
    import numpy as np

    try:
        array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"Light coefficients must be (9, 3) numbers; got {values!r}.") from error
    if array.shape not in ((9, 3), (27,)):
        raise ShapeError("Light.coefficients", "(9, 3) or (27,)", array.shape)
    if not np.isfinite(array).all():
        raise InputError("Light.coefficients must be finite; some are NaN or infinite.")
    return tuple(array.flatten().tolist())
