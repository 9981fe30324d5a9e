"""Half a year of a square that nobody films, read like any other: `python examples/watch_square.py`.

People cross it on four ways. Each Wednesday there is a market, around which they walk; on one day a fair takes half of
the square, and on one the lower street is closed. Every fifteenth day is missing. Writes LOST's files, the labels, the
page of `surveillance describe` and that of `surveillance evaluate`, and puts four of the pictures side by side.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from common.cli.console import guarded
from common.core.files import replace_file
from surveillance.__main__ import main as surveillance

SIZE, START = (640, 480), pd.Timestamp("2012-01-02")
STREET = [(5, 300), (220, 285), (430, 290), (635, 300)]
LOWER = [(5, 430), (240, 440), (460, 425), (635, 410)]
SHOPS = [(330, 250), (335, 330), (320, 400), (310, 470)]
SLOPE = [(60, 470), (200, 380), (380, 300), (560, 255)]
STALLS = ((250, 265, 400, 345),)
"""Left, top, right, bottom, where nobody can walk on market days."""
FAIR = ((120, 260, 420, 400),)
CLOSED = ((200, 400, 460, 470),)


def main() -> int:
    """Makes the square, describes and evaluates it, and draws the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--people", type=int, default=40, help="on a working day")
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder")
    args = parser.parse_args()
    truth = write_year(args.output / "tracks", args.weeks, args.people)
    lines = [f"{day:%Y-%m-%d} {int(flag)}" for day, flag in truth.items()]
    replace_file(args.output / "truth.txt", lambda path: path.write_text("\n".join(lines) + "\n"))
    asked = [str(args.output / "tracks"), "--fps", "7.2", "--size", *map(str, SIZE), "--name", "the square"]
    for command in ("describe", "evaluate"):
        code = surveillance(
            [command, *asked, "--truth", str(args.output / "truth.txt"), "-o", str(args.output / command)]
        )
        if code:
            return code
    names = ("describe/heatmap", "describe/flows", "describe/footmap", "evaluate/scores")
    pictures = [Image.open(args.output / f"{name}.png").convert("RGB") for name in names]
    replace_file(args.output / "square.jpg", lambda path: sheet(pictures).save(path, "JPEG", quality=88))
    print(f"written: {args.output / 'square.jpg'}")
    return 0


def write_year(folder: Path, weeks: int, people: int) -> pd.Series:
    """LOST's files; day -> True where something stood in the way. A season: half as many people come in winter."""
    folder.mkdir(parents=True, exist_ok=True)
    fair, closed = 7 * (weeks * 2 // 3) + 5, 7 * (weeks * 5 // 6) + 1
    truth = {}
    for number in range(7 * weeks):
        day, rng = START + pd.Timedelta(days=number), np.random.default_rng(number)
        if number % 15 == 8:  # the camera was off
            continue
        blocked = {fair: FAIR, closed: CLOSED}.get(number, STALLS if day.weekday() == 2 else ())
        count = rng.poisson(people * (0.35 if day.weekday() > 4 else 1) * (0.75 - 0.25 * np.cos(number / 58)))
        rows = [person(rng, track, blocked) for track in range(1, max(3, count) + 1)]
        table = pd.DataFrame(np.concatenate(rows))
        name = folder / f"001_{day:%Y%m%d}.txt"
        replace_file(name, lambda path, table=table: table.to_csv(path, sep=" ", header=False, index=False))
        truth[day] = bool(blocked)
    return pd.Series(truth)


def person(rng: np.random.Generator, track: int, blocked: tuple[tuple[int, int, int, int], ...]) -> np.ndarray:
    """(N, 4) track, frame, x, y of somebody who walks one of the ways, and around what stands there."""
    ways, often = (STREET, LOWER, SHOPS, SLOPE), (0.45, 0.2, 0.2, 0.15)
    way = np.array(ways[rng.choice(4, p=often)], float)[:: rng.choice((1, -1))]
    way = way + rng.normal(0, 9, 2) + rng.normal(0, 4, way.shape)
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
    along = np.arange(0, length[-1], rng.uniform(2.5, 5.5))
    xy = np.stack([np.interp(along, length, way[:, axis]) for axis in (0, 1)], 1)
    around = rng.uniform(8, 45)
    for left, top, right, bottom in blocked:  # pushed to the lower side, smoothly
        near = np.clip(1 - np.maximum(np.abs(xy[:, 0] - (left + right) / 2) - (right - left) / 2, 0) / 60, 0, 1)
        inside = (xy[:, 1] > top - 25) & (xy[:, 1] < bottom + 25)
        xy[:, 1] += np.where(inside, near * (bottom + around - xy[:, 1]), 0)
    xy += rng.normal(0, 0.4, xy.shape)
    frame = rng.integers(0, 12000) + np.arange(len(xy))
    made = np.column_stack([np.full(len(xy), track), frame, xy.clip(0, np.array(SIZE) - 1).round()])
    return made.astype(int)


def sheet(pictures: list[Image.Image], width: int = 1500) -> Image.Image:
    """The first two side by side, the others below."""
    half = [picture.resize((width // 2, round(picture.height * width / 2 / picture.width))) for picture in pictures[:2]]
    rest = [picture.resize((width, round(picture.height * width / picture.width))) for picture in pictures[2:]]
    top = max(picture.height for picture in half)
    made = Image.new("RGB", (width, top + sum(picture.height for picture in rest)), "white")
    for column, picture in enumerate(half):
        made.paste(picture, (column * width // 2, (top - picture.height) // 2))
    for picture in rest:
        made.paste(picture, (0, top))
        top += picture.height
    return made


if __name__ == "__main__":
    sys.exit(guarded(main))
