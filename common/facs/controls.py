"""What a face can be asked for beyond the editors' twelve action units: other units, one side of the face, facial
actions by the names that phones and ARKit give them, gaze. Warps grant all of it; the networks know the twelve.
"""

from __future__ import annotations

import re

OTHER_UNITS: dict[str, str] = {
    "AU7": "lid tightener",
    "AU10": "upper lip raiser",
    "AU14": "dimpler",
    "AU16": "lower lip depressor",
    "AU18": "lip pucker",
    "AU22": "lip funneler",
    "AU23": "lip tightener",
    "AU24": "lip pressor",
    "AU27": "mouth stretch",
    "AU28": "lip suck",
    "AU43": "eyes closed",
    "AU45": "blink",
    "AU46": "wink",
    "AU61": "eyes turn left",
    "AU62": "eyes turn right",
    "AU63": "eyes up",
    "AU64": "eyes down",
}
"""Action units of the head beyond the twelve -> their FACS names."""

GAZE: dict[str, str] = {
    "gaze_yaw": "both eyes, in degrees, positive to the picture's right",
    "gaze_pitch": "both eyes, in degrees, positive up",
}
FARTHEST_GAZE = 45.0  # degrees

_BOTH = "browDown browOuterUp cheekSquint eyeBlink eyeLookDown eyeLookIn eyeLookOut eyeLookUp eyeSquint eyeWide"
_BOTH += " mouthDimple mouthFrown mouthLowerDown mouthPress mouthSmile mouthStretch mouthUpperUp noseSneer"
_WHOLE = "browInnerUp cheekPuff jawForward jawLeft jawOpen jawRight mouthClose mouthFunnel mouthLeft mouthPucker"
_WHOLE += " mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper tongueOut"
ACTIONS: tuple[str, ...] = tuple(
    sorted([*_WHOLE.split(), *(name + side for name in _BOTH.split() for side in ("Left", "Right"))])
)
"""The 52 facial actions of ARKit's face tracking; their values are 0 to 1, left and right the person's."""

_ACTIONS = {name.lower(): name for name in ACTIONS}
_SIDES = r"left|right|L|R"
_SIDED = re.compile(rf"(?:({_SIDES})[ _-]?)?(?:AU)?[ _-]?0*(\d{{1,3}})(?:[ _-]?({_SIDES}))?", re.IGNORECASE)
_OPENFACE = re.compile(r"(?:[Aa][Uu])?_?0*\d{1,3}_[rc]")  # a small r: intensity, not the right side


def control(name: object, units: frozenset[str] | set[str]) -> str | None:
    """A name as it is written here: "AU12L", "AU43", "mouthPucker", "gaze_yaw"; None for what is not one of these.

    `units` are the names of all units that have sides: the twelve and `OTHER_UNITS`.
    """
    if not isinstance(name, str):
        return None
    plain = name.strip()
    squeezed = plain.lower().replace("_", "").replace("-", "").replace(" ", "")
    if squeezed in _ACTIONS:
        return _ACTIONS[squeezed]
    if squeezed in ("gazeyaw", "gazepitch"):
        return f"gaze_{squeezed[4:]}"
    found = None if _OPENFACE.fullmatch(plain) else _SIDED.fullmatch(plain)
    if found is None or f"AU{found[2]}" not in units or (found[1] and found[3]):
        return None
    unit, side = f"AU{found[2]}", (found[1] or found[3] or "")[:1].upper()
    return unit + side if side or unit in OTHER_UNITS else None


def limits(name: str, low: float, high: float) -> tuple[float, float]:
    """Between which values a control may lie where units may lie between `low` and `high`."""
    if name in GAZE:
        return -FARTHEST_GAZE, FARTHEST_GAZE
    if name in _ACTIONS.values():
        return (-1.0 if low < -5 else 0.0), 1.0
    return low, high
