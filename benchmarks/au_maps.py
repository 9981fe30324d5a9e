"""Writes `common/measure/au_maps.json`: how action-unit intensities follow from blendshape scores, and how far the
scores and the network of landmarks are believed.

    python benchmarks/au_maps.py --cache out/points

Each term is a mean of scores with the value that a calm face shows and that of the strongest clips of real film (10th
percentile, and 97th of the strongest of eleven clips of single people). Calm is an intensity of 0, strong one of 4.5;
between and beyond, a line, up to 5. Of several terms the largest counts.

The network's part in a unit's value is by the errors of both on drawn people whom the network has not seen, of the
faces that `examples/train_points.py` drew: inverse variances, after each is scaled to fit. Renders are not photographs,
so neither part falls below a tenth where both can see. The reliability is the correlation of what they say together
with the truth there, half of it where film cannot confirm it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from common.face3d.fitting.points import PointReader
from common.faces.blendshapes import BlendshapeNetwork
from common.measure.readings import MAPS, mapped_scores

STRONG_INTENSITY = 4.5
LEAST = 0.1
FILMED = {"AU12": 0.3}
"""Units whose score is better on film than on drawn people: the most that the network may have in them."""
FACES = 2000  # of the last people, at most

# unit: terms of (blendshapes without side, calm, strong); none where the scores are blind
TERMS: dict[str, tuple[tuple[tuple[str, ...], float, float], ...]] = {
    "AU1": ((("browInnerUp",), 0.13, 0.99),),
    "AU2": ((("browOuterUp",), 0.02, 0.99),),
    "AU4": ((("browDown",), 0.0, 0.64),),
    "AU5": ((("eyeWide",), 0.0, 0.51),),
    "AU6": (),  # cheekSquint stays near 0 whatever a face does
    "AU7": ((("eyeSquint",), 0.26, 0.79),),
    "AU9": (),  # so does noseSneer
    "AU10": ((("mouthUpperUp",), 0.0, 0.84),),
    "AU12": ((("mouthSmile",), 0.0, 0.97),),
    "AU14": ((("mouthDimple",), 0.0, 0.30),),
    "AU15": ((("mouthFrown",), 0.0, 0.11),),
    "AU16": ((("mouthLowerDown",), 0.0, 0.73),),
    "AU17": ((("mouthShrugLower",), 0.0, 0.60),),
    "AU18": ((("mouthPucker",), 0.02, 0.99),),
    "AU20": ((("mouthStretch",), 0.0, 0.24),),
    "AU22": ((("mouthFunnel",), 0.0, 0.60),),
    "AU23": (),  # no score is of tightened lips alone
    "AU24": ((("mouthPress",), 0.0, 0.47),),
    "AU25": ((("mouthUpperUp", "mouthLowerDown"), 0.0, 0.64), (("jawOpen",), 0.03, 0.86)),
    "AU26": ((("jawOpen",), 0.0, 0.86),),
    "AU27": ((("jawOpen",), 0.5, 0.95),),
    "AU28": ((("mouthRollLower", "mouthRollUpper"), 0.02, 0.60),),
    "AU43": ((("eyeBlink",), 0.12, 0.75),),
}
CONFIRMED = ("AU1", "AU2", "AU4", "AU12", "AU25", "AU26", "AU43")
"""Units of which scores and network agree on film, see `benchmarks/readers.py`."""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("out/points"), help="folder of `train_points.py`")
    parser.add_argument("--people", type=int, default=300, help="the last ones, unseen by the network (default: 300)")
    args = parser.parse_args()
    reader, network = PointReader(), BlendshapeNetwork()
    units: dict[str, dict[str, Any]] = {name: {"terms": _terms(rows)} for name, rows in TERMS.items()}
    truth: list[np.ndarray] = []
    by_points: list[np.ndarray] = []
    by_scores: list[np.ndarray] = []
    for path in tqdm(sorted(args.cache.glob("*.npz"))[-args.people :], unit="person"):
        arrays = np.load(path)
        for points, shown in zip(arrays["points"], arrays["units"], strict=True) if "points" in arrays else ():
            if len(truth) >= FACES:
                break
            found, scores = reader.read(points).units, network(points)
            truth.append(shown.T)  # (S, 2)
            by_points.append(np.array([found[unit] for unit in reader.units]))
            by_scores.append(np.array([mapped_scores(units[unit]["terms"], scores) for unit in reader.units]))
    true, points, scores = (
        np.stack(rows).transpose(1, 0, 2).reshape(len(reader.units), -1) for rows in (truth, by_points, by_scores)
    )
    for name, t, p, s in zip(reader.units, true, points, scores, strict=True):
        part = 1.0
        if TERMS[name] and s.std() > 1e-6:
            gain = float(s @ t / (s @ s))
            errors = np.square(t - p).mean(), np.square(t - gain * s).mean()
            part = float(np.clip(errors[1] / (errors[0] + errors[1]), LEAST, FILMED.get(name, 1 - LEAST)))
        together = part * p + (1 - part) * s
        r = float(np.corrcoef(t, together)[0, 1])
        units[name] |= {
            "points": round(part, 2),
            "reliability": round(max(r, 0) * (1 if name in CONFIRMED else 0.5), 2),
        }
        alone = float(np.corrcoef(t, s)[0, 1]) if s.std() else 0.0
        points_alone = float(np.corrcoef(t, p)[0, 1])
        print(f"{name:6}points {points_alone:.2f}  scores {alone:.2f}  both {r:.2f}  part {part:.2f}")
    units["AU45"] = units["AU43"]  # a blink is closed eyes, for a moment
    units = {name: units[name] for name in sorted(units, key=lambda name: int(name[2:]))}
    MAPS.write_text(json.dumps({"version": 2, "units": units}, indent=1) + "\n")
    print(f"written: {MAPS}")


def _terms(rows: tuple[tuple[tuple[str, ...], float, float], ...]) -> list[dict[str, object]]:
    found = []
    for scores, calm, strong in rows:
        at_five = calm + (strong - calm) * 5 / STRONG_INTENSITY
        found.append({"scores": list(scores), "knots": [[calm, 0.0], [round(at_five, 4), 5.0]]})
    return found


if __name__ == "__main__":
    main()
