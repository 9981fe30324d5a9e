"""All action units of the Facial Action Coding System (Ekman, Friesen & Hager 2002), and how programs spell them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

FACS: dict[str, str] = {
    "AU1": "inner brow raiser",
    "AU2": "outer brow raiser",
    "AU4": "brow lowerer",
    "AU5": "upper lid raiser",
    "AU6": "cheek raiser",
    "AU7": "lid tightener",
    "AU8": "lips toward each other",
    "AU9": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU11": "nasolabial deepener",
    "AU12": "lip corner puller",
    "AU13": "sharp lip puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU16": "lower lip depressor",
    "AU17": "chin raiser",
    "AU18": "lip pucker",
    "AU19": "tongue show",
    "AU20": "lip stretcher",
    "AU21": "neck tightener",
    "AU22": "lip funneler",
    "AU23": "lip tightener",
    "AU24": "lip pressor",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU27": "mouth stretch",
    "AU28": "lip suck",
    "AU29": "jaw thrust",
    "AU30": "jaw sideways",
    "AU31": "jaw clencher",
    "AU32": "lip bite",
    "AU33": "cheek blow",
    "AU34": "cheek puff",
    "AU35": "cheek suck",
    "AU36": "tongue bulge",
    "AU37": "lip wipe",
    "AU38": "nostril dilator",
    "AU39": "nostril compressor",
    "AU40": "sniff",
    "AU41": "lid droop",
    "AU42": "slit",
    "AU43": "eyes closed",
    "AU44": "squint",
    "AU45": "blink",
    "AU46": "wink",
    "AU50": "speech",
    "AU51": "head turn left",
    "AU52": "head turn right",
    "AU53": "head up",
    "AU54": "head down",
    "AU55": "head tilt left",
    "AU56": "head tilt right",
    "AU57": "head forward",
    "AU58": "head back",
    "AU61": "eyes turn left",
    "AU62": "eyes turn right",
    "AU63": "eyes up",
    "AU64": "eyes down",
    "AU65": "walleye",
    "AU66": "cross-eye",
    "AU70": "brows not visible",
    "AU71": "eyes not visible",
    "AU72": "lower face not visible",
    "AU73": "entire face not visible",
    "AU80": "swallow",
    "AU81": "chewing",
    "AU82": "shoulder shrug",
    "AU84": "head shake back and forth",
    "AU85": "head nod up and down",
}
"""Code -> name."""
INTENSITIES = {"A": 1, "B": 2, "C": 3, "D": 4, "E": 5}
"""The letters behind a unit in FACS notation, "12C"."""

_NUMBER = r"[ _-]?0*(\d{1,3})"
_WHOLE = re.compile(rf"(?:AU)?{_NUMBER}", re.IGNORECASE)
_OPENFACE = re.compile(r"(?:[Aa][Uu])?_?0*(\d{1,3})_([rcC])")  # a large R is the right side
_SIDE = r"left|right|unilateral|L|R|U"
_SIDED = re.compile(rf"(?:({_SIDE})[ _-]?)?(?:AU)?{_NUMBER}(?:[ _-]?({_SIDE}))?", re.IGNORECASE)
_GRADED = re.compile(rf"(?:AU)?{_NUMBER}([A-E])", re.IGNORECASE)
_CODES = re.compile(r"(?:(?:AU)?\d{1,3}[A-E](?:[+, ]|$))+", re.IGNORECASE)


@dataclass(frozen=True)
class Spelling:
    """What a name says.

    Attributes:
        unit: "AU12"; it need not be a FACS unit.
        presence: OpenFace's column of presence (0 or 1), `AU12_c`.
        side: one side of the face is named, `AU12L`.
        letter: FACS notation of an intensity, `12C`; "" for none.
    """

    unit: str
    presence: bool = False
    side: bool = False
    letter: str = ""


def read(name: object) -> Spelling | None:
    """The unit that a name spells: "AU12", "au_04", "4", OpenFace's "AU12_r", py-feat's "AU04"; None for none."""
    if not isinstance(name, str):
        return None
    name = unicodedata.normalize("NFKC", name).strip()  # full-width letters and digits too
    if found := _WHOLE.fullmatch(name):
        return Spelling(f"AU{found[1]}")
    if found := _OPENFACE.fullmatch(name):
        return Spelling(f"AU{found[1]}", presence=found[2] in "cC")
    if found := _SIDED.fullmatch(name):
        return Spelling(f"AU{found[2]}", side=True)
    if found := _GRADED.fullmatch(name):
        return Spelling(f"AU{found[1]}", letter=found[2].upper())
    return None


def decoded(text: str) -> str:
    """FACS notation as a request: "6B+12C" -> "AU6=2,AU12=3"; "" for what is none."""
    if not _CODES.fullmatch(text.strip()):
        return ""
    codes = re.findall(r"(\d{1,3})([A-E])", text, flags=re.IGNORECASE)
    return ",".join(f"AU{int(number)}={INTENSITIES[letter.upper()]}" for number, letter in codes)
