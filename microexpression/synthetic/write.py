"""Synthetic data sets on disk, as `microexpression.data` reads them."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from common.core.errors import InputError
from common.core.files import PATIENCE, alone, replace_file
from common.core.fingerprint import claim
from common.core.parallel import each
from common.imaging.clip_dataset import FRAMES as FOLDERS
from common.imaging.clip_dataset import TABLE, table_text, units_text
from common.synthetic.render.picture import make

from .draw import FRAMES, INTENSITY, LABORATORIES, draw_clip


@dataclass(frozen=True)
class Plan:
    """What is written.

    Attributes:
        datasets: of `LABORATORIES`.
        subjects: of each data set.
        clips: of each subject; emotions take turns.
        size: side of the frames in pixels.
        frames: least and largest number of a clip's.
        intensity: least and largest at the apex, 0 to 5.
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
    """Renders what is not there yet, and returns the folders of the data sets, each with its annotations.csv.

    A clip's folder is there whole or not at all; what was stopped goes on. Raises InputError: a plan that makes
    nothing, or a folder that holds another plan's clips.
    """
    if not plan.datasets or min(plan.subjects, plan.clips) < 1 or plan.size < 24:
        raise InputError(f"A data set needs subjects, clips, and frames of 24 pixels or more; got {plan}.")
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    with alone(root, PATIENCE):
        claim(root / "plan.json", {"plan": vars(plan)}, "name another folder")
        rows = plan.rows()
        with closing(each(_Task(root, plan), range(len(rows)), workers)) as made:
            facts = list(tqdm(made, total=len(rows), desc="Rendering clips", unit="clip", disable=not progress))
        for dataset in plan.datasets:
            own = [fact for fact, row in zip(facts, rows) if row[0] == dataset]
            replace_file(root / dataset / TABLE, lambda path, own=own: table_text(own, path))
    return [root / dataset for dataset in plan.datasets]


@dataclass(frozen=True)
class _Task:
    """Renders the clip of a number; travels to workers."""

    root: Path
    plan: Plan

    def __call__(self, number: int) -> list[object]:
        plan = self.plan
        dataset, subject, clip = plan.rows()[number]
        drawn = draw_clip(plan.seed, dataset, subject, clip, plan.frames, plan.intensity)
        who, name = f"{subject + 1:02d}", f"clip{clip + 1:02d}"
        folder = self.root / dataset / FOLDERS.format(subject=who, clip=name)
        if not folder.is_dir():
            part = folder.with_name(f".{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            for row, scene in enumerate(drawn.scenes, 1):
                Image.fromarray(make(scene, plan.size).image).save(part / f"{row}.png")
            part.replace(folder)
        units, intensities = units_text(drawn.units)
        return [who, name, drawn.onset + 1, drawn.apex + 1, drawn.offset + 1, units, drawn.emotion, "", intensities]
