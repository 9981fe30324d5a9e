"""Synthetic micro-expressions: randomly drawn clips, and data sets for `microexpression.data`.

Clips have 30 to 60 frames and weak action units (0.2 to 1.5 of 5), as in the field's data sets. Data sets differ in
light, camera and noise, as laboratories do.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.core.errors import InputError
from common.core.files import PATIENCE, alone, replace_file
from common.core.fingerprint import claim
from common.core.parallel import each
from common.facs.action_units import ACTION_UNITS
from common.imaging.clip_dataset import FRAMES as FOLDERS
from common.imaging.clip_dataset import TABLE, table_text, units_text
from common.synthetic.data.draw import draw_scene
from common.synthetic.render.picture import make
from common.synthetic.scene.factors import Background, Capture, Lamps, Scene, Shot
from common.synthetic.scene.stream import Purpose, stream

FRAMES, INTENSITY = (30, 60), (0.2, 1.5)
_PEOPLE = 1000  # between the subjects of two sets

EXPRESSIONS: dict[str, tuple[dict[str, float], ...]] = {
    "negative": (
        {"AU4": 1.0},
        {"AU4": 0.7, "AU9": 1.0},
        {"AU15": 1.0, "AU17": 0.8},
        {"AU1": 0.9, "AU4": 0.8},
        {"AU9": 1.0},
    ),
    "positive": ({"AU12": 1.0}, {"AU6": 0.9, "AU12": 1.0}, {"AU12": 0.9, "AU25": 0.5}),
    "surprise": ({"AU1": 1.0, "AU2": 1.0}, {"AU1": 0.9, "AU2": 1.0, "AU5": 0.8}, {"AU2": 1.0, "AU5": 0.9}),
}
"""Emotion -> its variants: action units and their fractions of the intensity (after EMFACS)."""


_CLOSE = {"face_height": 0.8, "shift": (0.0, -0.02)}
LABORATORIES: dict[str, tuple[Lamps, Background, Shot, Capture]] = {
    "studio": (
        Lamps(azimuth=25, elevation=35, key=0.7, softness=0.8, fill=0.45),
        Background("wall", (0.35, 0.36, 0.38)),
        Shot(view=16, **_CLOSE),
        Capture(noise=1.5),
    ),
    "office": (
        Lamps(azimuth=-15, elevation=60, key=0.6, key_colour=(1.0, 0.86, 0.68), softness=0.7, fill=0.35),
        Background("wall", (0.3, 0.24, 0.17)),
        Shot(view=26, **_CLOSE),
        Capture(noise=3.5, warmth=0.3, blur=0.6, jpeg=90),
    ),
    "window": (
        Lamps(azimuth=65, elevation=15, key=0.85, softness=0.9, fill=0.25, key_colour=(0.94, 0.97, 1.0)),
        Background("wall", (0.12, 0.14, 0.17)),
        Shot(view=20, **_CLOSE),
        Capture(noise=2.5, exposure=-0.3, contrast=1.1),
    ),
}
"""What all clips of a data set have in common."""


@dataclass(frozen=True)
class Drawn:
    """A clip before it is rendered, with a scene for each frame.

    `units` are intensities at the apex, 0 to 5. `onset` is the last row before the motion, `offset` the first after it.
    """

    dataset: str
    subject: int
    emotion: str
    units: dict[str, float]
    onset: int
    apex: int
    offset: int
    scenes: tuple[Scene, ...]


def draw_clip(
    seed: int,
    dataset: str,
    subject: int,
    number: int,
    frames: tuple[int, int] = FRAMES,
    intensity: tuple[float, float] = INTENSITY,
) -> Drawn:
    """Draw a clip; the same for the same arguments.

    `dataset` is one of `LABORATORIES`; each has its own subjects, from 0. `number` is the clip's, from 0: emotions take
    turns. `frames`, 8 or more, and `intensity` at the apex, above 0 to 5, are least and largest. Raises InputError: an
    unknown data set (code "unknown"), or ranges that are empty or out of range ("range").
    """
    if dataset not in LABORATORIES:
        raise InputError("The data set is unknown.", code="unknown", expected=", ".join(LABORATORIES), actual=dataset)
    if not 8 <= frames[0] <= frames[1] or not 0 < intensity[0] <= intensity[1] <= 5:
        needed = "8 <= frames, 0 < intensity <= 5, low to high"
        raise InputError(
            "frames or intensity is out of range.", code="range", expected=needed, actual=(frames, intensity)
        )
    place = [*LABORATORIES].index(dataset) * _PEOPLE + subject
    rng = stream(seed, place * _PEOPLE + number, Purpose.CLIP)
    emotion = [*EXPRESSIONS][number % len(EXPRESSIONS)]
    strength = rng.uniform(*intensity)
    variant = EXPRESSIONS[emotion][int(rng.integers(len(EXPRESSIONS[emotion])))]
    units = {name: round(float(strength * part * rng.uniform(0.85, 1.15)), 3) for name, part in variant.items()}
    count = int(rng.integers(frames[0], frames[1] + 1))
    onset, apex, offset = (round(count * rng.uniform(*part)) for part in ((0.05, 0.15), (0.4, 0.55), (0.8, 0.92)))
    lean = 1 - rng.uniform(0, 0.3, 2)  # one side is a little weaker
    peak = np.array([[units.get(name, 0.0) * side for name in ACTION_UNITS] for side in lean])
    lamps, background, shot, camera = LABORATORIES[dataset]
    base = replace(_person(seed, place), lamps=lamps, shot=shot, background=background)
    turns = _sway(stream(seed, place * _PEOPLE + number, Purpose.SWAY), count)
    scenes = []
    for row, level in enumerate(curve(count, onset, apex, offset)):
        left, right = (tuple(map(float, side)) for side in np.round(level * peak, 4))
        capture = replace(camera, pattern=int(rng.integers(2**31)), exposure=camera.exposure + turns[row, 3])
        angles = tuple(map(float, turns[row, :3]))
        scenes.append(replace(base, units=(left, right), angles=angles, capture=capture))
    return Drawn(dataset, subject, emotion, units, onset, apex, offset, tuple(scenes))


def curve(count: int, onset: int, apex: int, offset: int) -> np.ndarray:
    """(count,) fraction of the apex: 0 up to the onset, smoothly to 1 at the apex and to 0 at the offset."""
    rows = np.arange(count)
    up, down = ((rows - onset) / (apex - onset)).clip(0, 1), ((offset - rows) / (offset - apex)).clip(0, 1)
    level = np.minimum(up, down)
    return level * level * (3 - 2 * level)


@cache
def _person(seed: int, place: int) -> Scene:
    """A person without hat or glasses, at rest."""
    drawn = draw_scene(seed, place)
    return Scene(drawn.person, replace(drawn.wear, hat="none", glasses="none"))


def _sway(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 4): yaw, pitch and roll in degrees, and exposure in stops, slow and small around a pose."""
    time = np.arange(count)[:, None] / count
    turns = rng.uniform(0.3, 1.2, 4) * time + rng.uniform(0, 1, 4)
    slow = np.sin(2 * np.pi * turns) * rng.uniform(0.1, 0.6, 4) * (1, 0.8, 0.6, 0.02)
    return np.round(slow + rng.uniform(-4, 4, 4) * (1, 0.8, 0.5, 0), 4)


@dataclass(frozen=True)
class Plan:
    """The data sets to write, of `LABORATORIES`: number of subjects of each, number of clips of each subject, side of
    the frames in pixels (24 or more), and ranges of the number of frames and of the intensity at the apex, 0 to 5.
    """

    datasets: tuple[str, ...] = tuple(LABORATORIES)
    subjects: int = 8
    clips: int = 9
    size: int = 96
    seed: int = 0
    frames: tuple[int, int] = FRAMES
    intensity: tuple[float, float] = INTENSITY

    def rows(self) -> list[tuple[str, int, int]]:
        """Data set, subject and clip of each clip, in order."""
        return [(d, s, c) for d in self.datasets for s in range(self.subjects) for c in range(self.clips)]


def write(root: str | Path, plan: Plan, *, workers: int = 1, progress: bool = True) -> list[Path]:
    """Renders the missing clips, and returns the folders of the data sets, each with its annotations.csv.

    Interrupted runs resume. Raises InputError: a plan out of range (code "range"), or clips of another plan.
    """
    if not plan.datasets or min(plan.subjects, plan.clips) < 1 or plan.size < 24:
        needed = "datasets, subjects >= 1, clips >= 1, size >= 24"
        raise InputError("The plan is out of range.", code="range", expected=needed, actual=plan)
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    with alone(root, PATIENCE):
        claim(root / "plan.json", {"plan": vars(plan)}, "name another folder")
        rows = plan.rows()
        with closing(each(partial(_render, root, plan), range(len(rows)), workers)) as made:
            facts = list(tqdm(made, total=len(rows), desc="Rendering clips", unit="clip", disable=not progress))
        for dataset in plan.datasets:
            own = [fact for fact, row in zip(facts, rows) if row[0] == dataset]
            replace_file(root / dataset / TABLE, lambda path, own=own: table_text(own, path))
    return [root / dataset for dataset in plan.datasets]


def _render(root: Path, plan: Plan, number: int) -> list[object]:
    """Renders a clip by its number, in any process; returns its row of the table."""
    dataset, subject, clip = plan.rows()[number]
    drawn = draw_clip(plan.seed, dataset, subject, clip, plan.frames, plan.intensity)
    who, name = f"{subject + 1:02d}", f"clip{clip + 1:02d}"
    folder = root / dataset / FOLDERS.format(subject=who, clip=name)
    if not folder.is_dir():
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for row, scene in enumerate(drawn.scenes, 1):
            Image.fromarray(make(scene, plan.size).image).save(part / f"{row}.png")
        part.replace(folder)
    units, intensities = units_text(drawn.units)
    return [who, name, drawn.onset + 1, drawn.apex + 1, drawn.offset + 1, units, drawn.emotion, "", intensities]
