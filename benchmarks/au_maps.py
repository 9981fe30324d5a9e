"""Writes `common/measure/au_maps.json`: how action-unit intensities follow from blendshape scores.

    python benchmarks/au_maps.py

Each term is a mean of scores with the value that a calm face shows and that of the strongest clips of real film (10th
percentile, and 97th of the strongest of eleven clips of single people). Calm is an intensity of 0, strong one of 4.5;
between and beyond, a line, up to 5. Of several terms the largest counts. Reliability says how far the score moves on
real film: a score that hardly answers is hardly believed.
"""

from __future__ import annotations

import json
from pathlib import Path

TARGET = Path(__file__).parents[1] / "common" / "measure" / "au_maps.json"
STRONG_INTENSITY = 4.5

BLIND = {
    "AU6": "the score cheekSquint stays near 0 whatever a face does",
    "AU9": "the score noseSneer stays near 0 whatever a face does",
}

# unit: reliability, then terms of (blendshapes without side, calm, strong)
TERMS: dict[str, tuple[float, tuple[tuple[tuple[str, ...], float, float], ...]]] = {
    "AU1": (0.8, ((("browInnerUp",), 0.13, 0.99),)),
    "AU2": (0.8, ((("browOuterUp",), 0.02, 0.99),)),
    "AU4": (0.8, ((("browDown",), 0.0, 0.64),)),
    "AU5": (0.5, ((("eyeWide",), 0.0, 0.51),)),
    "AU7": (0.6, ((("eyeSquint",), 0.26, 0.79),)),
    "AU10": (0.7, ((("mouthUpperUp",), 0.0, 0.84),)),
    "AU12": (0.95, ((("mouthSmile",), 0.0, 0.97),)),
    "AU14": (0.4, ((("mouthDimple",), 0.0, 0.30),)),
    "AU15": (0.3, ((("mouthFrown",), 0.0, 0.11),)),
    "AU16": (0.7, ((("mouthLowerDown",), 0.0, 0.73),)),
    "AU17": (0.6, ((("mouthShrugLower",), 0.0, 0.60),)),
    "AU18": (0.8, ((("mouthPucker",), 0.02, 0.99),)),
    "AU20": (0.35, ((("mouthStretch",), 0.0, 0.24),)),
    "AU22": (0.5, ((("mouthFunnel",), 0.0, 0.60),)),
    "AU24": (0.5, ((("mouthPress",), 0.0, 0.47),)),
    "AU25": (0.8, ((("mouthUpperUp", "mouthLowerDown"), 0.0, 0.64), (("jawOpen",), 0.03, 0.86))),
    "AU26": (0.9, ((("jawOpen",), 0.0, 0.86),)),
    "AU27": (0.7, ((("jawOpen",), 0.5, 0.95),)),
    "AU28": (0.5, ((("mouthRollLower", "mouthRollUpper"), 0.02, 0.60),)),
    "AU43": (0.8, ((("eyeBlink",), 0.12, 0.75),)),
    "AU45": (0.8, ((("eyeBlink",), 0.12, 0.75),)),
}


def maps() -> dict[str, object]:
    """The file's content."""
    units: dict[str, object] = {}
    for name, (reliability, terms) in TERMS.items():
        rows = []
        for scores, calm, strong in terms:
            at_five = calm + (strong - calm) * 5 / STRONG_INTENSITY
            rows.append({"scores": list(scores), "knots": [[calm, 0.0], [round(at_five, 4), 5.0]]})
        units[name] = {"reliability": reliability, "terms": rows}
    for name, reason in BLIND.items():
        units[name] = {"reliability": 0.0, "terms": [], "blind": reason}
    order = sorted(units, key=lambda name: int(name[2:]))
    return {"version": 1, "units": {name: units[name] for name in order}}


if __name__ == "__main__":
    TARGET.write_text(json.dumps(maps(), indent=1) + "\n")
    print(f"written: {TARGET}")
