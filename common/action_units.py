"""The twelve facial action units (AUs) of the editors: names, order, and how a wish becomes a vector.

Intensities are those of the Facial Action Coding System (Ekman & Friesen 1978), A..E as 1..5, 0 for absent.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from .errors import ActionUnitError, ShapeError
from .expressions import expression

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

AUWish = Mapping[str, float] | str | Sequence[float]
"""`{"AU12": 3, "AU6": 2}`, `"AU12=3,AU6=2"`, words such as `"happy"` or `"angry:0.7,AU5=1"` (`common.expressions`), or
12 numbers in the order of ACTION_UNITS."""


def to_vector(wish: AUWish, *, low: float = -10.0, high: float = 10.0) -> list[float]:
    """A wish in any of its forms as 12 floats in the order of ACTION_UNITS.

    Args:
        wish: a mapping, a string, or 12 numbers (list, tuple, numpy array or tensor); empty means all zero.
        low: the smallest value allowed.
        high: the largest value allowed; beyond +-10 the released network distorts faces.

    Raises:
        ActionUnitError: an unknown AU (the message names the nearest), a value that is not a number in [low, high],
            an AU given twice, or something that is no wish at all.
        ShapeError: not 12 numbers.
    """
    named = _parse(wish) if isinstance(wish, str) else wish
    if isinstance(named, Mapping):
        vector: dict[str, float] = {}
        for name, value in named.items():
            if (known := known_unit(name)) in vector:
                raise ActionUnitError(f"{known} stands twice in the AU wish {wish!r}; give it once.")
            vector[known] = _in_range(known, value, low, high)
        return [vector.get(name, 0.0) for name in ACTION_UNITS]
    try:
        values = list(wish)
    except TypeError:
        raise ActionUnitError(
            f"An AU wish is a mapping, a string or {len(ACTION_UNITS)} numbers; got {type(wish).__name__}.\n"
            '  write for example {"AU12": 3} or "AU12=3,AU6=2"'
        ) from None
    if len(values) != len(ACTION_UNITS):
        raise ShapeError("AU vector", f"({len(ACTION_UNITS)},) in the order {', '.join(ACTION_UNITS)}", (len(values),))
    return [_in_range(name, value, low, high) for name, value in zip(ACTION_UNITS, values)]


def as_list(wish: Any) -> list[Any] | None:
    """The wishes of a list of them; None for a single one, of which 12 numbers are one form."""
    if isinstance(wish, (str, Mapping)):
        return None
    if (dimensions := getattr(wish, "ndim", None)) is not None:
        return list(wish) if dimensions == 2 else None
    if isinstance(wish, (list, tuple)) and (not wish or not all(isinstance(value, Real) for value in wish)):
        return list(wish)
    return None


def to_text(vector: Sequence[float]) -> str:
    """The short form of a vector, `"AU6=2,AU12=3"`; `"neutral"` when all is zero. `to_vector` reads it back."""
    parts = [f"{name}={float(value):g}" for name, value in zip(ACTION_UNITS, vector) if value]
    return ",".join(parts) or "neutral"


def _parse(text: str) -> dict[str, float | str]:
    """Units by name: what is written of them, or else what words add up to, which goes up to 5."""
    wish: dict[str, float | str] = {}
    words: dict[str, float] = {}
    if text.strip().lower() == "neutral":
        return wish
    for part in _parts(text):
        name, equals, value = part.partition("=")
        if equals:
            if (known := known_unit(name)) in wish:
                raise ActionUnitError(f"{known} stands twice in the AU wish {text!r}; give it once.")
            wish[known] = value
            continue
        word, colon, share = part.partition(":")
        if re.fullmatch(r"AU_?\d+", word, flags=re.IGNORECASE):
            raise ActionUnitError(f"Cannot read {part!r} in the AU wish {text!r}; expected NAME=VALUE, e.g. AU12=3.")
        much = _in_range(word, share, *SHARES) if colon else 1.0
        for unit, intensity in expression(word).units.items():
            words[unit] = words.get(unit, 0.0) + much * intensity
    return {unit: round(max(-5.0, min(5.0, value)), 3) for unit, value in words.items()} | wish


def _parts(text: str) -> list[str]:
    """What a text asks for, one by one: apart by commas or semicolons, beside NAME=VALUE by spaces too."""
    pieces = re.split(r"[,;]+", re.sub(r" ?([=:]) ?", r"\1", " ".join(text.split())))
    return [part for piece in pieces for part in (piece.split() if "=" in piece else [piece.strip()]) if part]


def known_unit(name: object) -> str:
    """The name of a unit in any spelling: "au_04", "4".

    Raises:
        ActionUnitError: there is no such unit; the message names the nearest.
    """
    if isinstance(name, str):
        number = re.fullmatch(r"(?:AU)?_?0*(\d{1,3})", name.strip(), flags=re.IGNORECASE)
        if number and f"AU{number[1]}" in ACTION_UNITS:
            return f"AU{number[1]}"
    raise ActionUnitError(
        f"Unknown action unit {name!r}; did you mean {_nearest(name)}?\n"
        f"  known: {', '.join(f'{au} ({meaning})' for au, meaning in ACTION_UNITS.items())}"
    )


def _nearest(name: object) -> str:
    """The AU nearest in number, or, for a word such as "smile corner puller", nearest in name."""
    digits = re.search(r"\d{1,3}", str(name))
    if digits:
        return min(ACTION_UNITS, key=lambda au: abs(int(au[2:]) - int(digits[0])))
    by_meaning = {meaning: au for au, meaning in ACTION_UNITS.items()}
    close = difflib.get_close_matches(str(name).lower(), by_meaning, n=1, cutoff=0.0)
    return by_meaning[close[0]]


def _in_range(name: object, value: object, low: float, high: float) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ActionUnitError(f"{name} needs a number in [{low:g}, {high:g}]; got {value!r}.") from None
    if math.isnan(number) or not low <= number <= high:
        raise ActionUnitError(f"{name} must lie in [{low:g}, {high:g}]; got {number:g}.")
    return number
