"""Many cameras at once: `python examples/watch_many_cameras.py cameras/ -o out/`, where each folder in cameras/ holds
the tracks of one.

Each camera is one task of Ray, on this machine or on the cluster at RAY_ADDRESS, whose machines must see both folders;
the task calls the functions that one camera takes. Needs pip install "face-rig[surveillance,ray]".
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

import pandas as pd

from common.cli.console import guarded
from common.core.errors import FaceEditError, InputError, MissingDependencyError
from common.core.files import replace_file
from surveillance import day_pools, describe, read_tracks, volumes
from surveillance.days import cluster_days


def watch(folder: Path, output: Path) -> dict[str, object]:
    """Describes one camera, and returns its row of the table; what cannot be read is a row too."""
    try:
        recording = read_tracks(folder, progress=False)
        page = describe(recording, output / folder.name, progress=False)
        volume, pools = volumes(recording), day_pools(recording)
        kinds = cluster_days(pools.div(pools.sum(axis=1), axis=0)).into(2).value_counts()
    except FaceEditError as error:
        return {"camera": folder.name, "fault": "; ".join(str(error).splitlines())}
    return {
        "camera": folder.name, "days": len(volume), "missing": len(recording.calendar) - len(volume),
        "tracks": int(volume["tracks"].sum()), "median day": float(volume["tracks"].median()),
        "rarer kind of days": int(kinds.min()), "page": str(page.relative_to(output)), "fault": "",
    }  # fmt: skip


def main() -> int:
    """Starts a task for each camera, and writes cameras.csv as they come."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cameras", type=Path, help="folder of folders")
    parser.add_argument("-o", "--output", type=Path, default=Path("out"), help="folder")
    args = parser.parse_args()
    folders = sorted(path for path in args.cameras.glob("*") if path.is_dir())
    if not folders:
        raise InputError(f"{args.cameras} holds no folders; expected one for each camera.")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before the import, which reads it
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError("ray", "many cameras", 'pip install "face-rig[ray]"') from error
    ray.init(log_to_driver=False, logging_level=logging.ERROR)
    task = ray.remote(watch)
    waiting = [task.remote(folder.resolve(), args.output.resolve()) for folder in folders]
    rows: list[dict[str, object]] = []
    table = pd.DataFrame()
    while waiting:
        done, waiting = ray.wait(waiting)
        rows += ray.get(done)
        table = pd.DataFrame(rows).sort_values("camera")
        args.output.mkdir(parents=True, exist_ok=True)
        replace_file(args.output / "cameras.csv", lambda path, table=table: table.to_csv(path, index=False))
        print(f"{len(rows)} of {len(folders)}: {rows[-1]['camera']}", flush=True)
    ray.shutdown()
    print(table.to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
