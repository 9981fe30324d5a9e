"""Where a head looks, in degrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from common.core.errors import InputError
from common.facs.action_units.named_values import items_of

from .named import check_names, number, read_named, shown

if TYPE_CHECKING:
    import torch

ANGLES = ("yaw", "pitch", "roll")
ABSOLUTE = "absolute"


@dataclass(frozen=True)
class Pose:
    """How far the head shall turn, or, with `relative=False`, where it shall look.

    Angles are those of `common.face3d.camera.rotation_matrix`, in degrees.

    Attributes:
        yaw: -90 to 90, positive turns the face to the picture's right.
        pitch: -90 to 90, positive looks up.
        roll: -90 to 90, positive tilts the head's top to the picture's left.
        relative: True: the head turns by these angles, about the picture's axes, so that 0 leaves it as it is. False:
            they are the angles that it shall have, so that 0 looks into the camera; one that is not named is 0.

    Raises:
        InputError: an angle out of range.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    relative: bool = True

    def __post_init__(self) -> None:
        for name in ANGLES:
            object.__setattr__(self, name, number(f"pose {name}", getattr(self, name), -90, 90))
        if not isinstance(self.relative, bool):
            raise InputError(f"pose relative must be True or False; got {self.relative!r}.")

    @classmethod
    def of(cls, value: Pose | str | Mapping[str, Any]) -> Pose:
        """A pose in any of its forms: itself, "yaw=15", "yaw=0,absolute", or a mapping of the attributes' names. Raises
        InputError: none of them, or values that cannot be used.
        """
        if isinstance(value, Pose):
            return value
        if isinstance(value, str):
            words = value.replace(",", " ").split()
            angles = " ".join(word for word in words if word.lower() != ABSOLUTE)
            relative = angles.split() == words
            return cls(**read_named("pose", angles, ANGLES), relative=relative)
        if (items := items_of(value)) is not None:
            check_names("pose", [name for name, _ in items], [field.name for field in fields(cls)])
            return cls(**dict(items))
        raise InputError(f'pose must be a Pose, a text such as "yaw=15", or a dict; got {type(value).__name__}.')

    @property
    def still(self) -> bool:
        """Whether it leaves every head as it is."""
        return self.relative and not any(getattr(self, name) for name in ANGLES)

    def matrix(self, present: torch.Tensor) -> torch.Tensor:
        """Where the head's axes shall go.

        Args:
            present: (3, 3) where they go now, see `rotation_matrix`.

        Returns:
            (3, 3), of the same dtype and on the same device.
        """
        import torch

        from common.face3d.camera import rotation_matrix

        angles = torch.tensor([[getattr(self, name) for name in ANGLES]], dtype=torch.float64)
        turn = rotation_matrix(angles.deg2rad())[0].to(present)
        return turn @ present if self.relative else turn

    def __str__(self) -> str:
        text = shown({name: getattr(self, name) for name in ANGLES if getattr(self, name)}) or "yaw=0"
        return text if self.relative else f"{text},{ABSOLUTE}"
