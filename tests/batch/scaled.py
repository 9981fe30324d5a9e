"""A batch run whose workers only paint, by several processes of a launch or of Ray, for tests that kill them.

Arguments: folder of photos, folder of the run, "share" or "ray", and whether to try again what failed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from counting import WISHES, Painter

from common.batch.group import launched
from common.batch.jobs import read_jobs
from common.batch.making import Making
from common.batch.run import plan, run
from common.errors import FaceEditError


class Marked(Painter):
    """Fails and dies where the photo's name says so, and waits in the middle of those that the file `held` names."""

    def __init__(self, folder: str) -> None:
        super().__init__(Path(folder))
        self.died, self.held = Path(folder).parent / "died", Path(folder).parent / "held"
        self.died.touch()

    def edit(self, subject, wishes):
        if subject.name.startswith("bad"):
            raise FaceEditError("bad")
        if subject.name.startswith("deadly"):
            self.die(subject.name)
        if subject.name.startswith("frail") and wishes[0]["AU12"] == 2 and "frail" not in self.died.read_text():
            self.die(subject.name)
        while wishes[0]["AU12"] == 2 and self.held.exists() and subject.name in self.held.read_text().split():
            time.sleep(0.01)
        return super().edit(subject, wishes)

    def die(self, name):
        """By kill -9, and says over what."""
        with open(self.died, "a") as file:
            file.write(f"{name}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def main(photos: str, folder: str, runner: str, again: str = "") -> int:
    jobs, _ = read_jobs(photos)
    items, making = plan(jobs, WISHES), Making("scaled:Marked", {"folder": folder})
    options = {"batch_size": 2, "progress": False, "again": bool(again)}
    if runner == "ray":
        from common.batch.cluster import Pool, run_on_ray

        counts = run_on_ray(items, making, Path(folder), {}, Pool(2), **options)
    else:
        counts = run(items, making.make(), Path(folder), {}, share=launched(), **options)
    print("counts", counts, flush=True)
    return int(counts is not None and counts["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
