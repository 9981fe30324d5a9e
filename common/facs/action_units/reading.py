"""How a request in any of its forms becomes numbers."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from ...core.errors import ActionUnitError, ShapeError
from ..controls import control, limits
from ..expressions import expression
from . import facs
from .named_values import items_of, read_number, rows_of
from .names import ACTION_UNITS, SIDED_UNITS, known_unit, not_granted, refuse_sum

if TYPE_CHECKING:
    import numpy as np
    import torch

    from .values import ActionUnitValues

log = logging.getLogger(__name__)

SHARES = -2.0, 2.0
"""What a word may be multiplied by."""

AURequest: TypeAlias = "ActionUnitValues | str | Mapping[str, float] | Sequence[float]"
"""One request: `{"AU12": 3, "AU6": 2}`, `"AU12=3,AU6=2"`, expressions such as `"happy"` or `"angry:0.7,AU5=1"`
(`common.facs.expressions`), or 12 numbers in the order of ACTION_UNITS."""
AULike: TypeAlias = "AURequest | Named | np.ndarray | torch.Tensor"
"""Also a pandas Series or another object that names its values (`named_values`), an array or a tensor: one request, or
a table with one in each row."""


class Named(Protocol):
    """What names its values, such as a mapping or a pandas Series."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Names and values."""
        ...


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
    return read_request(request, low, high, beyond=False)[0]


def read_request(request: Any, low: float, high: float, *, beyond: bool) -> tuple[list[float], dict[str, float], str]:
    """The 12 values of a request; with `beyond` also its values of controls, see `ActionUnitValues.others`, and the
    text of its landmarks' motion.
    """
    items = list(_parse(request, beyond).items()) if isinstance(request, str) else items_of(request)
    if items is not None:
        others, motion = {}, ""
        if beyond:
            items, others, motion = apart(items, low, high)
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
    return [in_range(name, value, low, high) for name, value in zip(ACTION_UNITS, values)], {}, ""


def apart(
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
            known = control(each, SIDED_UNITS)
            if known is None:
                units.append((each, amount))
            elif known in others:
                raise ActionUnitError(f"{known} is given twice.")
            else:
                others[known] = in_range(known, amount, *limits(known, low, high))
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
        raise ActionUnitError(not_granted(unable) + (f"\n  {_UNIT_SCALE}" if unit_scale else ""))
    vector: dict[str, float] = {}
    for name, value in items:
        if (known := known_unit(name)) in vector:
            shown = f" {request!r}" if isinstance(request, (str, dict)) else ""
            raise ActionUnitError(f"{known} is given twice in the AU request{shown}.")
        vector[known] = in_range(known, value, low, high)
    if unit_scale and not isinstance(request, str):
        _warn_of_scale(", ".join(vector))
    return [vector.get(name, 0.0) for name in ACTION_UNITS]


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


def _parse(text: str, beyond: bool = False) -> dict[str, float | str]:
    """Units by name: what is written of them, or else what words add up to, which goes up to 5."""
    request: dict[str, float | str] = {}
    words: dict[str, float] = {}
    if text.strip().lower() == "neutral":
        return request
    for part in _parts(text):
        name, equals, value = part.partition("=")
        if equals:
            known = (control(name, SIDED_UNITS) if beyond else None) or known_unit(name)
            if known in request:
                raise ActionUnitError(f"{known} is given twice in the AU request {text!r}.")
            request[known] = value
            continue
        if decoded := facs.decoded(part):
            raise ActionUnitError(f"{part!r} is FACS notation of coded intensities; write {decoded}.")
        if part.lower() == "neutral":
            continue  # nothing beside other units
        refuse_sum(part)
        word, colon, share = part.partition(":")
        if re.fullmatch(r"[+-]?\d+", part) and re.search("[=:]", text):
            raise ActionUnitError(
                f"{part!r} in the AU request {text!r} has no name. Decimal numbers have a point, such as AU12=3.5."
            )
        if facs.read(word) or word.lower() in facs.FACS.values():
            raise ActionUnitError(
                f"Cannot read {part!r} in the AU request {text!r}; expected NAME=VALUE, e.g. {known_unit(word)}=3."
            )
        much = in_range(word, share, *SHARES) if colon else 1.0
        found = expression(word)
        for unit, intensity in (found.whole if beyond else found.units).items():
            words[unit] = words.get(unit, 0.0) + much * intensity
    return {unit: round(max(-5.0, min(5.0, value)), 3) for unit, value in words.items()} | request


def _parts(text: str) -> list[str]:
    """What a text asks for, one by one: apart by commas or semicolons, beside NAME=VALUE by spaces too."""
    pieces = re.split(r"[,;]+", re.sub(r" ?([=:]) ?", r"\1", " ".join(text.split())))
    return [part for piece in pieces for part in (piece.split() if "=" in piece else [piece.strip()]) if part]


def in_range(name: object, value: object, low: float, high: float) -> float:
    """A value as float; raises an ActionUnitError where it is not a number in [low, high]."""
    try:
        number = read_number(value)
    except (TypeError, ValueError, OverflowError):
        raise ActionUnitError(f"{name} needs a number in [{low:g}, {high:g}]; got {value!r}.") from None
    if math.isnan(number) or not low <= number <= high:
        raise ActionUnitError(f"{name} must lie in [{low:g}, {high:g}]; got {number:g}.")
    return number
