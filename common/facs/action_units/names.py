"""The names of the twelve facial action units (AUs) of the editors, and how they are spelled."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from ...core.errors import ActionUnitError
from ..controls import OTHER_UNITS
from . import facs

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

SIDED_UNITS = {*ACTION_UNITS, *OTHER_UNITS}
"""All units of the head, which have sides."""


def known_unit(name: object) -> str:
    """The name of one of the twelve units in any spelling: "au_04", "4", OpenFace's "AU04_r".

    Raises:
        ActionUnitError: a unit of FACS that the networks do not know, OpenFace's presence, one side of the face, FACS
            notation of an intensity, or no unit; the message names the nearest of a misspelling.
    """
    spelled = facs.read(name)
    if isinstance(name, str):
        refuse_sum(name)
    if spelled is None or spelled.unit not in facs.FACS:
        raise ActionUnitError(
            f"Unknown action unit {name!r}{_nearest(name)}\n"
            f"  known: {', '.join(f'{au} ({meaning})' for au, meaning in ACTION_UNITS.items())}"
        )
    if spelled.unit not in ACTION_UNITS:
        raise ActionUnitError(not_granted([spelled.unit]))
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


def refuse_sum(name: str) -> None:
    """Raises an ActionUnitError for several units in one name, such as FACS's "AU1+2"."""
    spelled = [facs.read(each) for each in name.split("+")]
    if len(spelled) > 1 and all(spelled):
        each = ",".join(f"{unit.unit}=3" for unit in spelled if unit)
        raise ActionUnitError(f"{name.strip()} names several action units; give each its intensity, e.g. {each}.")


def not_granted(units: Sequence[str]) -> str:
    """A sentence on units of FACS that the networks do not know."""
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
        return f"; did you mean {unit} ({close[0]})?" if unit in ACTION_UNITS else f". {not_granted([unit])}"
    codes = difflib.get_close_matches(re.sub(r"\W", "", name.upper())[:8], ACTION_UNITS, n=1, cutoff=0.75)
    return f"; did you mean {codes[0]}?" if codes else "."
