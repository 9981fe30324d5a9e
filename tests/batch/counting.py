"""A batch run whose worker only paints, for tests that kill it. Arguments: folder of photos, folder of the run."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

from PIL import Image

from common.batch.plan import plan, read_jobs
from common.batch.run import run

WISHES = {f"wish{number}": {"AU12": number} for number in range(5)}


class Painter:
    """Paints the wish's number; each painting leaves a line in `painted.txt`."""

    def __init__(self, folder: Path) -> None:
        self.log = folder.parent / "painted.txt"

    def encode(self, job):
        return job

    def edit(self, subject, wishes):
        time.sleep(0.004)
        with open(self.log, "a") as file:
            file.writelines(f"{subject.name}/wish{wish['AU12']}\n" for wish in wishes)
        return [Image.new("RGB", (8, 8), (10 * wish["AU12"], 0, 0)) for wish in wishes]

    def record(self, subject):
        return {}


if __name__ == "__main__":
    photos, folder = map(Path, sys.argv[1:])
    jobs, _ = read_jobs(photos)
    run(plan(jobs, WISHES), partial(Painter, folder), folder, {"program": "counting"}, batch_size=2, progress=False)
