"""Makes the portraits of examples/portraits: people of nobody's training, before and after an expression.

    python examples/portraits.py --output examples/portraits

Beside the pictures, truth.json holds what is known of them: the person's number, the action units before and after, and
the request that leads from one to the other.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from common.core.files import replace_file
from common.facs.action_units import ACTION_UNITS, to_vector
from common.synthetic.data.draw import draw_scene
from common.synthetic.render.picture import make

SEED, SIZE = 1000, 256
# The person's number, and the action units before and after.
PEOPLE: dict[str, tuple[int, dict[str, float], dict[str, float]]] = {
    "surprise": (5083, {}, {"AU1": 4, "AU2": 4, "AU5": 3, "AU25": 3, "AU26": 3}),
    "smile": (5086, {}, {"AU6": 3, "AU12": 4, "AU25": 2}),
    "frown": (5027, {}, {"AU4": 4, "AU15": 3, "AU17": 2}),
    "calm": (5054, {"AU6": 3, "AU12": 4, "AU25": 2}, {}),
}


def main() -> int:
    """Writes the pictures and truth.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("out/portraits"), help="folder (default: out/portraits)")
    folder = parser.parse_args().output
    truth = {}
    for name, (number, before, after) in PEOPLE.items():
        for suffix, units in (("", before), ("-truth", after)):
            save = partial(portrait(number, units).save, quality=88, optimize=True)
            replace_file(folder / f"{name}{suffix}.jpg", save)
        change = np.subtract(to_vector(after), to_vector(before))
        request = {unit: float(value) for unit, value in zip(ACTION_UNITS, change) if value}
        truth[name] = {"seed": SEED, "person": number, "before": before, "after": after, "request": request}
    text = json.dumps(truth, indent=1) + "\n"
    replace_file(folder / "truth.json", lambda path: path.write_text(text, encoding="utf-8"))
    return 0


def portrait(number: int, units: dict[str, float], size: int = SIZE) -> Image.Image:
    """The person of a number, with these action units on both sides of the face."""
    side = tuple(to_vector(units))
    scene = replace(draw_scene(SEED, number), units=(side, side), blink=(0.0, 0.0))
    return Image.fromarray(make(scene, size).image)


if __name__ == "__main__":
    raise SystemExit(main())
