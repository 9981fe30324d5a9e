"""A batch run whose workers only paint, by several processes of a launch or of Ray, for tests that kill them.

Arguments: folder of photos, folder of the run, "share" or "ray", and whether to retry what failed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from counting import REQUESTS, Painter

from common.batch.cluster import edit_on_ray
from common.batch.plan import plan, read_jobs
from common.batch.processes import Processes
from common.batch.run import run
from common.core.errors import FaceEditError


class Marked(Painter):
    """Fails and dies where the photo's name says so, and waits in the middle of those that the file `held` names."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.died, self.held = folder.parent / "died", folder.parent / "held"
        self.died.touch()

    def edit(self, subject, requests):
        if subject.name.startswith("bad"):
            raise FaceEditError("bad")
        if subject.name.startswith("deadly"):
            self.die(subject.name)
        if subject.name.startswith("frail") and requests[0]["AU12"] == 2 and "frail" not in self.died.read_text():
            self.die(subject.name)
        while requests[0]["AU12"] == 2 and self.held.exists() and subject.name in self.held.read_text().split():
            time.sleep(0.01)
        return super().edit(subject, requests)

    def die(self, name):
        """By kill -9, and says over what."""
        with open(self.died, "a") as file:
            file.write(f"{name}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def main(photos: str, folder: str, runner: str, again: str = "") -> int:
    jobs, _ = read_jobs(photos)
    items, make = plan(jobs, REQUESTS), partial(Marked, Path(folder))
    options = {"batch_size": 2, "progress": False, "again": bool(again)}
    if runner == "ray":
        options["edits"] = partial(edit_on_ray, workers=2)
    try:
        counts = run(items, make, Path(folder), {}, processes=Processes.launched(), **options)
    except FaceEditError as error:
        print("code", error.code, flush=True)
        raise
    print("counts", counts, flush=True)
    return int(counts is not None and counts["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
