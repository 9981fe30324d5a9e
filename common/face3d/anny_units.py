"""How the twelve action units move the default head: each as a mixture of the library's 52 facial actions.

An intensity of 5 is FACS's E, the most that a face can do. Negative intensities go the way of the antagonist where
anatomy has one, up to -5, and nowhere where it has none (a nose cannot be unwrinkled).
"""

from __future__ import annotations

# The order of the released models: the same twelve, in the same places, in every room of the toolkit.
UNITS = ("AU1", "AU2", "AU4", "AU5", "AU6", "AU9", "AU12", "AU15", "AU17", "AU20", "AU25", "AU26")

# What one side's intensity of +5 adds to the actions of that side. Actions without sides are halved at the midline.
POSITIVE: dict[str, dict[str, float]] = {
    "AU1": {"browInnerUp": 1.2},
    "AU2": {"browOuterUp": 1.0},
    "AU4": {"browDown": 1.1},
    "AU5": {"eyeWide": 0.8},
    "AU6": {"cheekSquint": 1.0, "eyeSquint": 0.6},
    "AU9": {"noseSneer": 1.4, "browDown": 0.25, "mouthUpperUp": 0.3},
    "AU12": {"mouthSmile": 1.0},
    "AU15": {"mouthFrown": 1.0},
    "AU17": {"mouthShrugLower": 1.0},
    "AU20": {"mouthStretch": 1.0, "mouthSmile": 0.2},
    "AU25": {"mouthLowerDown": 1.0, "mouthUpperUp": 0.6},
    "AU26": {"jawOpen": 0.6},
}
NEGATIVE: dict[str, dict[str, float]] = {
    "AU1": {"browDown": 0.4},
    "AU2": {"browDown": 0.4},
    "AU4": {"browInnerUp": 0.3, "browOuterUp": 0.3},
    "AU5": {"eyeBlink": 0.7},
    "AU12": {"mouthFrown": 0.6},
    "AU15": {"mouthSmile": 0.3},
    "AU20": {"mouthPucker": 0.5},
    "AU25": {"mouthPress": 0.6},
}
