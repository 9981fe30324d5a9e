"""Requests that are parsed: action units as changes or as intensities, and what goes beyond them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ...core.errors import ActionUnitError
from ..controls import ACTIONS, GAZE, control, limits
from .names import ACTION_UNITS, SIDED_UNITS, known_unit
from .reading import AULike, apart, as_list, read_request, to_vector

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class ActionUnitValues(Sequence[float]):
    """Twelve numbers in the order of `ACTION_UNITS`, and what goes beyond them; a value that can be compared, hashed
    and iterated, over the twelve.

    Attributes:
        values: 12 floats in [`low`, `high`].
        others: (name, value) of what warps alone grant, see `common.facs.controls`: other action units ("AU43"), one
            side ("AU12L", "AU46R": the person's), facial actions by ARKit's names ("mouthPucker", 0 to 1), gaze_yaw
            and gaze_pitch in degrees. Kept in the order of names, without zeros.
        motion: landmarks' motion beyond all that, as `common.facs.landmark_motion` writes it; "" for none.

    Raises:
        ActionUnitError, ShapeError: not 12 such numbers, or controls that do not exist or are out of range.
    """

    values: tuple[float, ...] = (0.0,) * len(ACTION_UNITS)
    others: tuple[tuple[str, float], ...] = ()
    motion: str = ""
    low: ClassVar[float]
    high: ClassVar[float]
    swept: ClassVar[Sequence[float]]
    absolute: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(to_vector(list(self.values), low=self.low, high=self.high)))
        if self.others:
            unknown, others, _ = apart(list(self.others), self.low, self.high)
            if unknown:
                raise ActionUnitError(f"{unknown[0][0]!r} is not a control of the face.")
            object.__setattr__(self, "others", tuple(sorted((name, value) for name, value in others.items() if value)))

    @classmethod
    def parse(cls, value: AULike) -> Self:
        """A request in any of its forms; one that is parsed already stays the same object.

        Args:
            value: `{"AU12": 3}`, "AU12=3,AU6=2", words such as "happy:0.7", or 12 numbers, see `to_vector`; also what
                `others` takes, such as "AU12L=3,AU43=5,mouthPucker=0.8", and `{"gaze": "yaw=10,pitch=-5"}`. Nothing
                (`{}`) is all zero.

        Raises:
            ActionUnitError, ShapeError: see `to_vector`; values of the other kind.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, ActionUnitValues):
            raise ActionUnitError(f"An {cls.__name__} is expected; got an {type(value).__name__}.")
        values, others, motion = read_request(value, cls.low, cls.high, beyond=True)
        return cls(tuple(values), tuple(others.items()), motion)

    @classmethod
    def split(cls, value: Any) -> list[Any] | None:
        """The requests of a list of them; None for a single one, of which 12 numbers are one form."""
        return as_list(value)

    @property
    def known(self) -> Self:
        """The same without what the networks do not know."""
        return type(self)(self.values)

    def to_json(self) -> dict[str, Any]:
        """What is not 0, as `parse` reads it."""
        found: dict[str, Any] = {name: value for name, value in zip(ACTION_UNITS, self.values) if value}
        return found | dict(self.others) | ({"motion": self.motion} if self.motion else {})

    def __str__(self) -> str:
        """The short form, "AU6=2,AU12=3", as `parse` reads it, without the landmarks' motion; "neutral" where all is
        0.
        """
        amounts = {name: value for name, value in self.to_json().items() if name != "motion"}
        return ",".join(f"{name}={_digits(value)}" for name, value in amounts.items()) or "neutral"

    @property
    def null(self) -> bool:
        """Whether it asks for nothing."""
        return not any(self.values) and not self.beyond

    @property
    def beyond(self) -> tuple[str, ...]:
        """The names of what it asks for that the networks do not know."""
        return (*(name for name, _ in self.others), *(["landmarks' motion"] if self.motion else []))

    # --- what sweeps, animations and measured expressions need, see `common.editing.request.Sweepable` ---

    @property
    def units(self) -> Sequence[float]:
        """The 12 action units that it asks for."""
        return self.values

    @classmethod
    def axes(cls) -> Mapping[str, str]:
        """The names of the twelve units, and what each means; `axis` knows those of `common.facs.controls` too."""
        return ACTION_UNITS

    @classmethod
    def axis(cls, name: str) -> str:
        """The name of a unit or control in its usual spelling, see `known_unit`."""
        return control(name, SIDED_UNITS) or known_unit(name)

    @classmethod
    def levels(cls, axis: str) -> Sequence[float]:
        """The values that a sweep of a unit or control shows where none are given."""
        if axis in GAZE:
            return (-20.0, -10.0, 0.0, 10.0, 20.0)
        return (0.0, 0.25, 0.5, 0.75, 1.0) if axis in ACTIONS else cls.swept

    def with_level(self, axis: str, level: float) -> Self:
        """This request with one unit at a level, whatever it was before."""
        return self.parse({**self.to_json(), axis: level})

    def plus(self, other: Self) -> Self:
        """Both requests at once."""
        return self._mixed(other, 1.0, 1.0)

    def blend(self, other: Self, fraction: float) -> Self:
        """What lies between this request (fraction 0) and another one (1), to three decimals."""
        return self._mixed(other, 1 - fraction, fraction, digits=3)

    def scaled(self, factor: float) -> Self:
        """All of it times a number."""
        return self._mixed(type(self)(), factor, 0.0)

    def _mixed(self, other: Self, own: float, more: float, digits: int = 6) -> Self:
        """The weighted sum of two requests."""
        values = tuple(round(own * one + more * two, digits) for one, two in zip(self, other))
        first, second = dict(self.others), dict(other.others)
        others = {}
        for name in sorted({*first, *second}):
            low, high = limits(name, self.low, self.high)
            others[name] = min(max(round(own * first.get(name, 0.0) + more * second.get(name, 0.0), digits), low), high)
        motion = ""
        if self.motion or other.motion:
            from ..landmark_motion import decode, encode

            parts = [(own, self.motion), (more, other.motion)]
            motion = encode(sum(weight * decode(text) for weight, text in parts if text))  # pyright: ignore
        return type(self)(values, tuple(others.items()), motion)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[float]:
        return iter(self.values)

    def __getitem__(self, index: Any) -> Any:
        return self.values[index]


class AUDelta(ActionUnitValues):
    """Changes of action units: wanted minus present intensity on the FACS scale 0..5, in [-10, 10]. `AUDelta()` is the
    null edit.
    """

    low = -10.0
    high = 10.0
    swept = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)

    @classmethod
    def toward(cls, present: AUIntensity, wanted: AUIntensity) -> Self:
        """The request that takes a face from its present action units to others."""
        return cls(tuple(round(goal - now, 2) for goal, now in zip(wanted, present)), wanted.others, wanted.motion)

    @classmethod
    def shifted(cls, present: AUIntensity, delta: AUDelta) -> Self:
        """The request for a change of expression, whatever the face shows."""
        return cls(delta.values, delta.others, delta.motion)

    def cautions(self) -> list[str]:
        """Sentences on what is known to go wrong with these changes, see `common.facs.cautions`."""
        from ..cautions import cautions

        return cautions(self)


class AUIntensity(ActionUnitValues):
    """Absolute intensities of action units on the FACS scale 0..5; [-5, 10] is taken, since networks go on in the same
    direction a little below 0 and above 5. `AUIntensity()` is a neutral face.
    """

    low = -5.0
    high = 10.0
    swept = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    absolute: ClassVar[bool] = True

    @classmethod
    def toward(cls, present: AUIntensity, wanted: AUIntensity) -> Self:
        """The wanted intensities: what a face shows at present does not matter to absolute ones."""
        return cls(wanted.values, wanted.others, wanted.motion)

    @classmethod
    def shifted(cls, present: AUIntensity, delta: AUDelta) -> Self:
        """What a face that shows `present` shows after a change of expression."""
        there = dict(present.others)
        others = {}
        for name, value in delta.others:
            low, high = limits(name, cls.low, cls.high)
            others[name] = min(max(there.get(name, 0.0) + value, low), high)
        values = (min(max(now + step, 0.0), 5.0) for now, step in zip(present, delta))
        return cls(tuple(values), tuple(others.items()), delta.motion)

    def cautions(self) -> list[str]:
        """Sentences on what is known to go wrong with these intensities, see `common.facs.cautions`."""
        from ..cautions import cautions

        return cautions(self)


def _digits(value: float) -> str:
    """The shortest text that is read as the same number."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def to_text(vector: Sequence[float]) -> str:
    """The short form of a vector, `"AU6=2,AU12=3"`; `"neutral"` when all is zero. `to_vector` reads it back."""
    parts = [f"{name}={float(value):g}" for name, value in zip(ACTION_UNITS, vector) if value]
    return ",".join(parts) or "neutral"
