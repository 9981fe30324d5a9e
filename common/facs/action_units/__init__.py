"""The twelve facial action units (AUs) of the editors: names, order, and how a request becomes a vector.

Intensities are those of the Facial Action Coding System (Ekman & Friesen 1978), A..E as 1..5, 0 for absent.
"""

from __future__ import annotations

import difflib
import logging
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, cast

from ...core.errors import ActionUnitError, ShapeError
from ..controls import ACTIONS, GAZE, OTHER_UNITS, control, limits
from ..expressions import expression
from . import facs
from .named_values import items_of, read_number, rows_of

if TYPE_CHECKING:
    import numpy as np
    import torch
    from typing_extensions import Self

log = logging.getLogger(__name__)

ACTION_UNITS: dict[str, str] = {
    "AU1": "inner brow raiser",
    "AU2": "outer brow raiser",
    "AU4": "brow lowerer",
    "AU5": "upper lid raiser",
    "AU6": "cheek raiser",
    "AU9": "nose wrinkler",
    "AU12": "lip corner puller",
    "AU15": "lip corner depressor",
    "AU17": "chin raiser",
    "AU20": "lip stretcher",
    "AU25": "lips part",
    "AU26": "jaw drop",
}
"""Name -> FACS name, in the order of the networks' 12-vector."""

SHARES = -2.0, 2.0
"""What a word may be multiplied by."""

AURequest: TypeAlias = "ActionUnitValues | str | Mapping[str, float] | Sequence[float]"
"""One request: `{"AU12": 3, "AU6": 2}`, `"AU12=3,AU6=2"`, expressions such as `"happy"` or `"angry:0.7,AU5=1"`
(`common.facs.expressions`), or 12 numbers in the order of ACTION_UNITS."""
AULike: TypeAlias = "AURequest | Named | np.ndarray | torch.Tensor"
"""Also a pandas Series or another object that names its values (`named_values`), an array or a tensor: one request, or
a table with one in each row."""


def to_vector(request: AULike, *, low: float = -10.0, high: float = 10.0) -> list[float]:
    """A request in any of its forms as 12 floats in the order of ACTION_UNITS.

    Args:
        request: a mapping or another object that names its values, which are then taken by name; a string; or 12
            numbers without names (list, tuple, numpy array or tensor). Empty means all zero. OpenFace's `AU12_r` is
            AU12.
        low: the smallest value allowed.
        high: the largest value allowed; beyond +-10 the released network distorts faces.

    Raises:
        ActionUnitError: a unit of FACS that the networks do not know, a side of the face, an unknown name (the message
            names the nearest), a value that is not a number in [low, high], an AU given twice, or something that is no
            request at all.
        ShapeError: not 12 numbers.
        InputError: see `common.facs.action_units.named_values.items_of`.
    """
    return _read(request, low, high, beyond=False)[0]


def _read(request: Any, low: float, high: float, *, beyond: bool) -> tuple[list[float], dict[str, float], str]:
    """The 12 values of a request; with `beyond` also its values of controls, see `ActionUnitValues.others`, and the
    text of its landmarks' motion.
    """
    items = list(_parse(request, beyond).items()) if isinstance(request, str) else items_of(request)
    if items is not None:
        others, motion = {}, ""
        if beyond:
            items, others, motion = _apart(items, low, high)
        return _by_name(items, request, low, high), others, motion
    if (
        isinstance(request, (bytes, bytearray))
        or not hasattr(request, "__len__")
        or not hasattr(request, "__getitem__")
    ):
        raise ActionUnitError(
            f"An AU request is a mapping, a string or {len(ACTION_UNITS)} numbers in a list; got "
            f"{type(request).__name__}.\n"
            '  write for example {"AU12": 3} or "AU12=3,AU6=2"'
        )
    try:
        values = list(cast("Iterable[object]", request))
    except TypeError as error:  # a tensor or array without dimensions
        raise ActionUnitError(f"An AU request cannot be a single number: {error}.") from error
    if len(values) != len(ACTION_UNITS):
        raise ShapeError("AU vector", f"({len(ACTION_UNITS)},) in the order {', '.join(ACTION_UNITS)}", (len(values),))
    return [_in_range(name, value, low, high) for name, value in zip(ACTION_UNITS, values)], {}, ""


def _apart(
    items: Sequence[tuple[Any, Any]], low: float, high: float
) -> tuple[list[tuple[Any, Any]], dict[str, float], str]:
    """The items of the twelve units, the values of controls, and the landmarks' motion."""
    units: list[tuple[Any, Any]] = []
    others: dict[str, float] = {}
    motion = ""
    for name, value in items:
        key = name.strip().lower() if isinstance(name, str) else name
        if key == "motion" and isinstance(value, str):
            motion = value
            continue
        given = _gaze(value) if key == "gaze" else {name: value}
        for each, amount in given.items():
            known = control(each, _SIDED_UNITS)
            if known is None:
                units.append((each, amount))
            elif known in others:
                raise ActionUnitError(f"{known} is given twice.")
            else:
                others[known] = _in_range(known, amount, *limits(known, low, high))
    return units, others, motion


def _gaze(value: Any) -> dict[str, Any]:
    """The controls of a gaze: "yaw=10,pitch=-5" or a mapping."""
    if isinstance(value, str):
        value = {name: amount for name, _, amount in (part.partition("=") for part in _parts(value))}
    if not isinstance(value, Mapping) or not set(value) <= {"yaw", "pitch"}:
        raise ActionUnitError(f'A gaze is such as "yaw=10,pitch=-5", in degrees; got {value!r}.')
    return {f"gaze_{name}": amount for name, amount in value.items()}


def as_list(request: Any) -> list[Any] | None:
    """The requests of a list of them, or of a table with one in each row; None for a single one, of which 12 numbers
    are one form.
    """
    if isinstance(request, (str, Mapping)):
        return None
    if (rows := rows_of(request)) is not None:
        return rows
    if (dimensions := getattr(request, "ndim", None)) is not None:
        objects = dimensions == 1 and getattr(getattr(request, "dtype", None), "kind", "") in ("O", "U")
        return list(request) if dimensions == 2 or (objects and not _numbers(request)) else None
    if (
        isinstance(request, (list, tuple))
        and not hasattr(request, "_asdict")
        and (not request or not _numbers(request))
    ):
        return list(request)
    return None


def _numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(value, Real) for value in values)


def _by_name(items: Sequence[tuple[Any, Any]], request: Any, low: float, high: float) -> list[float]:
    """The vector of names and values."""
    spelled = [facs.read(name) for name, _ in items]
    whole = [each.unit for each in spelled if each and not (each.presence or each.side or each.letter)]
    unit_scale = _unit_scale(items) and (len(whole) >= _MANY or any(_padded(name) for name, _ in items))
    if unable := list(dict.fromkeys(unit for unit in whole if unit in facs.FACS and unit not in ACTION_UNITS)):
        raise ActionUnitError(_not_granted(unable) + (f"\n  {_UNIT_SCALE}" if unit_scale else ""))
    vector: dict[str, float] = {}
    for name, value in items:
        if (known := known_unit(name)) in vector:
            shown = f" {request!r}" if isinstance(request, (str, dict)) else ""
            raise ActionUnitError(f"{known} is given twice in the AU request{shown}.")
        vector[known] = _in_range(known, value, low, high)
    if unit_scale and not isinstance(request, str):
        _warn_of_scale(", ".join(vector))
    return [vector.get(name, 0.0) for name in ACTION_UNITS]


_SIDED_UNITS = {*ACTION_UNITS, *OTHER_UNITS}
_MANY = 8
_UNIT_SCALE = (
    "all values lie in 0..1, as py-feat's probabilities do; a request is on the FACS scale 0..5: multiply them by 5 if "
    "they are such"
)


def _unit_scale(items: Iterable[tuple[Any, Any]]) -> bool:
    """Whether all values lie in 0..1 and some are fractions."""
    values: list[Any] = [value for _, value in items if isinstance(value, Real)]
    return bool(values) and all(0 <= value <= 1 for value in values) and any(0 < value < 1 for value in values)


def _padded(name: object) -> bool:
    return isinstance(name, str) and bool(re.fullmatch(r"AU0\d", name.strip()))


@lru_cache(maxsize=64)
def _warn_of_scale(names: str) -> None:
    """Warns once of the same units: a request is read several times on its way to the networks."""
    log.warning("%s: %s", names, _UNIT_SCALE)


def to_text(vector: Sequence[float]) -> str:
    """The short form of a vector, `"AU6=2,AU12=3"`; `"neutral"` when all is zero. `to_vector` reads it back."""
    parts = [f"{name}={float(value):g}" for name, value in zip(ACTION_UNITS, vector) if value]
    return ",".join(parts) or "neutral"


class Named(Protocol):
    """What names its values, such as a mapping or a pandas Series."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Names and values."""
        ...


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
            unknown, others, _ = _apart(list(self.others), self.low, self.high)
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
        values, others, motion = _read(value, cls.low, cls.high, beyond=True)
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
        found: dict[str, Any] = self._amounts()
        return found | {"motion": self.motion} if self.motion else found

    def __str__(self) -> str:
        """The short form, "AU6=2,AU12=3", as `parse` reads it, without the landmarks' motion; "neutral" where all is
        0.
        """
        return ",".join(f"{name}={_digits(value)}" for name, value in self._amounts().items()) or "neutral"

    def _amounts(self) -> dict[str, float]:
        return {name: value for name, value in zip(ACTION_UNITS, self.values) if value} | dict(self.others)

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
        """The names of the units and controls, and what each means; units have sides too, "AU12L" and "AU12R"."""
        return {**ACTION_UNITS, **OTHER_UNITS, **dict.fromkeys(ACTIONS, "facial action, 0 to 1"), **GAZE}

    @classmethod
    def axis(cls, name: str) -> str:
        """The name of a unit or control in its usual spelling, see `known_unit`."""
        return control(name, _SIDED_UNITS) or known_unit(name)

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


def _parse(text: str, beyond: bool = False) -> dict[str, float | str]:
    """Units by name: what is written of them, or else what words add up to, which goes up to 5."""
    request: dict[str, float | str] = {}
    words: dict[str, float] = {}
    if text.strip().lower() == "neutral":
        return request
    for part in _parts(text):
        name, equals, value = part.partition("=")
        if equals:
            known = (control(name, _SIDED_UNITS) if beyond else None) or known_unit(name)
            if known in request:
                raise ActionUnitError(f"{known} is given twice in the AU request {text!r}.")
            request[known] = value
            continue
        if decoded := facs.decoded(part):
            raise ActionUnitError(f"{part!r} is FACS notation of coded intensities; write {decoded}.")
        if part.lower() == "neutral":
            continue  # nothing beside other units
        _refuse_sum(part)
        word, colon, share = part.partition(":")
        if re.fullmatch(r"[+-]?\d+", part) and re.search("[=:]", text):
            raise ActionUnitError(
                f"{part!r} in the AU request {text!r} has no name. Decimal numbers have a point, such as AU12=3.5."
            )
        if facs.read(word) or word.lower() in facs.FACS.values():
            raise ActionUnitError(
                f"Cannot read {part!r} in the AU request {text!r}; expected NAME=VALUE, e.g. {known_unit(word)}=3."
            )
        much = _in_range(word, share, *SHARES) if colon else 1.0
        found = expression(word)
        for unit, intensity in (found.whole if beyond else found.units).items():
            words[unit] = words.get(unit, 0.0) + much * intensity
    return {unit: round(max(-5.0, min(5.0, value)), 3) for unit, value in words.items()} | request


def _parts(text: str) -> list[str]:
    """What a text asks for, one by one: apart by commas or semicolons, beside NAME=VALUE by spaces too."""
    pieces = re.split(r"[,;]+", re.sub(r" ?([=:]) ?", r"\1", " ".join(text.split())))
    return [part for piece in pieces for part in (piece.split() if "=" in piece else [piece.strip()]) if part]


def known_unit(name: object) -> str:
    """The name of one of the twelve units in any spelling: "au_04", "4", OpenFace's "AU04_r".

    Raises:
        ActionUnitError: a unit of FACS that the networks do not know, OpenFace's presence, one side of the face, FACS
            notation of an intensity, or no unit; the message names the nearest of a misspelling.
    """
    spelled = facs.read(name)
    if isinstance(name, str):
        _refuse_sum(name)
    if spelled is None or spelled.unit not in facs.FACS:
        raise ActionUnitError(
            f"Unknown action unit {name!r}{_nearest(name)}\n"
            f"  known: {', '.join(f'{au} ({meaning})' for au, meaning in ACTION_UNITS.items())}"
        )
    if spelled.unit not in ACTION_UNITS:
        raise ActionUnitError(_not_granted([spelled.unit]))
    if spelled.presence:
        raise ActionUnitError(
            f"{name} is OpenFace's presence of {spelled.unit}, 0 or 1, and no intensity; take {str(name)[:-1]}r."
        )
    if spelled.side:
        raise ActionUnitError(
            f"{name} names one side of the face, and a request moves both: write {spelled.unit}."
            " OpenFace's column of intensities is AU12_r, with a small r."
        )
    if spelled.letter:
        raise ActionUnitError(
            f"{name} is FACS notation of a coded intensity; write {spelled.unit}={facs.INTENSITIES[spelled.letter]}."
        )
    return spelled.unit


def _refuse_sum(name: str) -> None:
    """Raises an ActionUnitError for several units in one name, such as FACS's "AU1+2"."""
    spelled = [facs.read(each) for each in name.split("+")]
    if len(spelled) > 1 and all(spelled):
        each = ",".join(f"{unit.unit}=3" for unit in spelled if unit)
        raise ActionUnitError(f"{name.strip()} names several action units; give each its intensity, e.g. {each}.")


def _not_granted(units: Sequence[str]) -> str:
    named = [f"{unit} ({facs.FACS[unit]})" for unit in units]
    joined = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    verb = "is a FACS action unit" if len(named) == 1 else "are FACS action units"
    return f"{joined} {verb}, but the networks know only {len(ACTION_UNITS)}: {', '.join(ACTION_UNITS)}."


def _nearest(name: object) -> str:
    """The unit that a misspelling may mean, as the end of a sentence: "; did you mean AU4?", or "." for none."""
    if not isinstance(name, str):
        return ', which is no text; names are texts such as "AU12".'
    if spelled := facs.read(name):  # a number that FACS does not have
        near = [au for au in ACTION_UNITS if abs(int(au[2:]) - int(spelled.unit[2:])) == 1]
        return f"; did you mean {' or '.join(near)}?" if near else "."
    meanings = {meaning: au for au, meaning in facs.FACS.items()}
    if close := difflib.get_close_matches(name.strip().lower(), meanings, n=1):
        unit = meanings[close[0]]
        return f"; did you mean {unit} ({close[0]})?" if unit in ACTION_UNITS else f". {_not_granted([unit])}"
    codes = difflib.get_close_matches(re.sub(r"\W", "", name.upper())[:8], ACTION_UNITS, n=1, cutoff=0.75)
    return f"; did you mean {codes[0]}?" if codes else "."


def _in_range(name: object, value: object, low: float, high: float) -> float:
    try:
        number = read_number(value)
    except (TypeError, ValueError, OverflowError):
        raise ActionUnitError(f"{name} needs a number in [{low:g}, {high:g}]; got {value!r}.") from None
    if math.isnan(number) or not low <= number <= high:
        raise ActionUnitError(f"{name} must lie in [{low:g}, {high:g}]; got {number:g}.")
    return number
