"""People that no camera ever saw, with every number known: four sheets to look at.

    python examples/faces.py --output out

Writes the chart of action units by intensity, pose by light, sixty-four people, and one scene with all its maps. Needs
nothing but the installed packages; the first run prepares the head for a minute.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from common.cli.console import guarded
from common.core.face_labels import PARTS
from common.facs.action_units import ACTION_UNITS
from common.imaging.images import save_image
from common.synthetic.data.draw import draw_scene
from common.synthetic.render.picture import Picture, make
from common.synthetic.scene.captions import caption
from common.synthetic.scene.factors import Background, Capture, Lamps, Scene, Shot

MARGIN, TEXT = 30, 15


def main() -> int:
    """Writes units.jpg, poses.jpg, people.jpg and maps.jpg."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (default: out)")
    parser.add_argument("--size", type=int, default=128, help="side of each picture in pixels (default: 128)")
    parser.add_argument("--seed", type=int, default=0, help="of the people (default: 0)")
    parser.add_argument("--person", type=int, default=16, help="who shows the units and the poses (default: 16)")
    args = parser.parse_args()
    sheets: dict[str, Callable[[], Image.Image]] = {
        "units": lambda: units(portrait(args.seed, args.person), args.size),
        "poses": lambda: poses(portrait(args.seed, args.person), args.size),
        "people": lambda: people(args.seed, args.size),
        "maps": lambda: maps(args.seed, args.size),
    }
    for name, sheet in sheets.items():
        save_image(sheet(), args.output / f"{name}.jpg")
        print(args.output / f"{name}.jpg")
    return 0


def portrait(seed: int, index: int) -> Scene:
    """A drawn person, straight on, in plain light."""
    return replace(
        draw_scene(seed, index),
        units=((0.0,) * 12, (0.0,) * 12),
        blink=(0.0, 0.0),
        gaze=(0.0, 0.0),
        angles=(0.0, 0.0, 0.0),
        lamps=Lamps(azimuth=25, elevation=35, softness=0.5),
        shot=Shot(view=18, face_height=0.62, shift=(0.0, -0.06)),
        background=Background("wall", (0.25, 0.28, 0.32)),
        capture=Capture(),
    )


def units(scene: Scene, size: int) -> Image.Image:
    """Twelve rows of action units, six columns of intensity."""

    def row(name: str) -> list[Image.Image]:
        pictures = []
        for intensity in range(6):
            side = tuple(float(intensity * (unit == name)) for unit in ACTION_UNITS)
            pictures.append(picture(replace(scene, units=(side, side)), size))
        return pictures

    rows = [row(name) for name in tqdm(ACTION_UNITS, desc="units")]
    labels = [f"{name} {words}" for name, words in ACTION_UNITS.items()]
    halves = [grid(rows[i : i + 6], range(6), labels[i : i + 6]) for i in (0, 6)]
    both = Image.new("RGB", (halves[0].width + halves[1].width, halves[0].height), "white")
    for i, half in enumerate(halves):
        both.paste(half, (i * halves[0].width, 0))
    return both


def poses(scene: Scene, size: int) -> Image.Image:
    """Rows of light, columns of yaw."""
    lights = {
        "from the left": Lamps(azimuth=-70, elevation=20, softness=0.2, fill=0.15),
        "from above": Lamps(azimuth=0, elevation=65, softness=0.4, fill=0.2),
        "soft": Lamps(azimuth=20, elevation=30, softness=1.0, fill=0.6),
        "from the right, warm": Lamps(azimuth=70, elevation=10, key_colour=(1.0, 0.75, 0.45), softness=0.2, fill=0.15),
        "against the light": Lamps(azimuth=30, elevation=30, key=0.25, fill=0.3, rim=1.2, rim_azimuth=150),
    }
    yaws = (-45, -30, -15, 0, 15, 30, 45)
    rows = [
        [picture(replace(scene, angles=(float(yaw), 0.0, 0.0), lamps=lamps), size) for yaw in yaws]
        for lamps in tqdm(lights.values(), desc="poses")
    ]
    return grid(rows, [f"yaw {yaw}°" for yaw in yaws], list(lights))


def people(seed: int, size: int) -> Image.Image:
    """Sixty-four people as they are drawn."""
    pictures = [picture(draw_scene(seed, index), size) for index in tqdm(range(64), desc="people")]
    return grid([pictures[i : i + 8] for i in range(0, 64, 8)])


def maps(seed: int, size: int) -> Image.Image:
    """One scene, and all that is known of each of its pixels."""
    scene = draw_scene(seed, 12)
    truth = make(scene, 2 * size)
    found = np.isfinite(truth.depth)
    near, far = truth.depth[found].min(), truth.depth[found].max()
    palette = np.random.default_rng(3).integers(60, 255, (len(PARTS), 3)) * (np.arange(len(PARTS)) > 0)[:, None]
    pictures = {
        "picture": truth.image,
        "landmarks": with_landmarks(truth),
        "parts": palette[truth.parts],
        "mask": truth.alpha[..., None].repeat(3, 2) * 255,
        "depth": np.where(found, 255 * (far - truth.depth) / (far - near), 0)[..., None].repeat(3, 2),
        "normals": (truth.normals + 1) * 127.5,
        "crude render": truth.render,
        "masked background": truth.masked_background,
    }
    tiles = [Image.fromarray(np.clip(p, 0, 255).astype(np.uint8)) for p in pictures.values()]
    names = list(pictures)
    halves = [grid([tiles[i : i + 4]], names[i : i + 4]) for i in (0, 4)]
    sheet = Image.new("RGB", (halves[0].width, 2 * halves[0].height + MARGIN), "white")
    for i, half in enumerate(halves):
        sheet.paste(half, (0, i * half.height))
    ImageDraw.Draw(sheet).text((8, sheet.height - 22), caption(scene), "black", ImageFont.load_default(TEXT))
    return sheet


def picture(scene: Scene, size: int) -> Image.Image:
    """Only the finished picture of a scene."""
    return Image.fromarray(make(scene, size).image)


def with_landmarks(truth: Picture) -> np.ndarray:
    """The picture with its 68 landmarks, visible ones in green."""
    image = Image.fromarray(truth.image)
    draw = ImageDraw.Draw(image)
    for (x, y), seen in zip(truth.landmarks, truth.landmarks_visible):
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill="lime" if seen else "red")
    return np.asarray(image)


def grid(rows: Sequence[Sequence[Image.Image]], columns: Sequence = (), labels: Sequence[str] = ()) -> Image.Image:
    """Pictures of one size in rows, with titles above the columns and on the rows."""
    side, top = rows[0][0].width, MARGIN if columns else 0
    sheet = Image.new("RGB", (side * len(rows[0]), side * len(rows) + top), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT)
    for x, title in enumerate(columns):
        draw.text((x * side + side // 2, top // 2), str(title), "black", font, anchor="mm")
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            sheet.paste(tile, (x * side, y * side + top))
        if labels:
            at = (5, (y + 1) * side + top - 5)
            draw.text(at, labels[y], "white", font, anchor="ls", stroke_width=2, stroke_fill="black")
    return sheet


if __name__ == "__main__":
    sys.exit(guarded(main))
