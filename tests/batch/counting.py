"""A batch run whose worker only paints, for tests that kill it. Arguments: folder of photos, folder of the run."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

from PIL import Image

from common.batch.plan import plan, read_jobs
from common.batch.run import run

REQUESTS = {f"request{number}": {"AU12": number} for number in range(5)}


class Painter:
    """Paints the request's number; each painting leaves a line in `painted.txt`."""

    def __init__(self, folder: Path) -> None:
        self.log = folder.parent / "painted.txt"

    def encode(self, job):
        return job

    def edit(self, subject, requests):
        time.sleep(0.004)
        with open(self.log, "a") as file:
            file.writelines(f"{subject.name}/request{request['AU12']}\n" for request in requests)
        return [Image.new("RGB", (8, 8), (10 * request["AU12"], 0, 0)) for request in requests]

    def record(self, subject):
        return {}


if __name__ == "__main__":
    photos, folder = map(Path, sys.argv[1:])
    jobs, _ = read_jobs(photos)
    run(plan(jobs, REQUESTS), partial(Painter, folder), folder, {"program": "counting"}, batch_size=2, progress=False)
