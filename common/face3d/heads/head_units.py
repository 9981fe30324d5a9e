"""What the default head can do: how far each facial action goes, and of which actions each action unit is made.

One scale for all: 0 is a calm face, 1 of an action and 5 of a unit are the most that a face does, E in the Facial
Action Coding System (Ekman, Friesen & Hager 2002); 1 to 5 are A to E. Landmarks move in proportion. How far the most
goes was measured with the blendshapes of MediaPipe's Face Landmarker, in renders and in films of people, and looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

AU_SCALE = 2
"""The head's scale now; networks that were trained on its renders carry it as `au_scale`."""
SIDES = ("Left", "Right")
"""The person's, as the ends of actions' names."""
FAR_GAZE = math.radians(30)
"""Where the library's looking actions are at their full."""

REACH: Mapping[str, float] = MappingProxyType(
    {
        "browDown": 1.7,
        "browInnerUp": 2.25,
        "browOuterUp": 1.9,
        "cheekPuff": 1.3,
        "cheekSquint": 2.0,
        "eyeLookUp": 1.6,
        "eyeSquint": 1.4,
        "eyeWide": 1.5,
        "jawLeft": 1.4,
        "jawRight": 1.4,
        "mouthDimple": 1.3,
        "mouthFrown": 1.7,
        "mouthFunnel": 1.3,
        "mouthLeft": 1.4,
        "mouthLowerDown": 2.6,
        "mouthPress": 1.0,
        "mouthPucker": 1.5,
        "mouthRight": 1.4,
        "mouthRollLower": 1.5,
        "mouthRollUpper": 1.3,
        "mouthShrugLower": 2.0,
        "mouthShrugUpper": 1.3,
        "mouthSmile": 1.1,
        "mouthStretch": 1.6,
        "mouthUpperUp": 2.2,
        "noseSneer": 2.0,
    }
)
"""The most of an action, in times the library's own shape; 1 for others. Names without a side are of both."""


@dataclass(frozen=True)
class HeadUnit:
    """What one side's full intensity adds to the actions of that side.

    Actions that exist once for both sides are halved at the midline. Names with a side, "eyeLookOutLeft", count for
    that side alone.

    Attributes:
        positive: action -> amount at +5, in parts of the most of it.
        negative: the same at -5, where anatomy has an antagonist.
    """

    positive: Mapping[str, float]
    negative: Mapping[str, float] = field(default_factory=dict)


# The first twelve are those of the released models, in their order: the same in every room of the toolkit.
HEAD_UNITS: Mapping[str, HeadUnit] = MappingProxyType(
    {
        "AU1": HeadUnit({"browInnerUp": 1.0}, {"browDown": 0.25}),
        "AU2": HeadUnit({"browOuterUp": 1.0}, {"browDown": 0.25}),
        "AU4": HeadUnit({"browDown": 1.0}, {"browInnerUp": 0.2, "browOuterUp": 0.2}),
        "AU5": HeadUnit({"eyeWide": 1.0}, {"eyeBlink": 0.7}),
        "AU6": HeadUnit({"cheekSquint": 1.0, "eyeSquint": 0.65}),
        "AU9": HeadUnit({"noseSneer": 1.0, "cheekSquint": 0.4, "eyeSquint": 0.4, "mouthUpperUp": 0.35}),
        "AU12": HeadUnit({"mouthSmile": 1.0}, {"mouthFrown": 0.4}),
        "AU15": HeadUnit({"mouthFrown": 1.0, "mouthStretch": 0.25}, {"mouthSmile": 0.3}),
        "AU17": HeadUnit({"mouthShrugLower": 1.0}),
        "AU20": HeadUnit({"mouthStretch": 1.0, "mouthSmile": 0.15}, {"mouthPucker": 0.35}),
        "AU25": HeadUnit({"mouthLowerDown": 0.65, "mouthUpperUp": 0.65}, {"mouthPress": 0.3, "mouthRollLower": 0.4}),
        "AU26": HeadUnit({"jawOpen": 0.85}),
        "AU7": HeadUnit({"eyeSquint": 1.0}),
        "AU10": HeadUnit({"mouthUpperUp": 1.0, "noseSneer": 0.25}),
        "AU14": HeadUnit(
            {
                "mouthDimple": 1.0,
                "mouthPress": 0.15,
                "mouthRollUpper": 0.2,
                "mouthRollLower": 0.15,
                "mouthFrown": 0.15,
            }
        ),
        "AU16": HeadUnit({"mouthLowerDown": 1.0}),
        "AU18": HeadUnit({"mouthPucker": 1.0}),
        "AU22": HeadUnit({"mouthFunnel": 1.0}),
        "AU23": HeadUnit({"mouthRollLower": 0.5, "mouthRollUpper": 0.4, "mouthPucker": 0.25}),
        "AU24": HeadUnit({"mouthRollLower": 0.8, "mouthRollUpper": 0.5, "mouthPress": 0.4}),
        "AU27": HeadUnit({"jawOpen": 1.0, "mouthStretch": 0.1}),
        "AU28": HeadUnit({"mouthRollLower": 1.0, "mouthRollUpper": 1.0}),
        "AU43": HeadUnit({"eyeBlink": 1.0}),
        "AU45": HeadUnit({"eyeBlink": 1.0}),
        "AU46": HeadUnit({"eyeBlink": 1.0, "cheekSquint": 0.3}),
        "AU61": HeadUnit({"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}),
        "AU62": HeadUnit({"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}),
        "AU63": HeadUnit({"eyeLookUp": 1.0}),
        "AU64": HeadUnit({"eyeLookDown": 1.0}),
    }
)
"""Unit -> what the head does at its full intensity."""

UNITS = tuple(HEAD_UNITS)[:12]
"""The units that editors know."""
