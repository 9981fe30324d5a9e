"""What reading a film costs: landmarks, pose and blendshapes of each frame, on one thread.

    python benchmarks/landmarks.py
    python benchmarks/landmarks.py FILM.mp4

Without a film, a portrait that drifts through the picture. All numbers are of one run, medians in milliseconds a frame.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from common.faces import Face, get_detector
from common.faces.blendshapes import BlendshapeNetwork
from common.faces.landmarker import Landmarker, Square
from common.faces.pose import head_pose
from common.faces.tracking import FaceTracker


def frames(film: Path | None, count: int) -> list[np.ndarray]:
    """Frames (H, W, 3) uint8 RGB of a film, or of a drifting portrait."""
    if film is None:
        from skimage import data

        return [np.ascontiguousarray(np.roll(data.astronaut(), (step, 2 * step), (0, 1))) for step in range(count)]
    opened = cv2.VideoCapture(str(film))
    read = []
    while len(read) < count:
        there, picture = opened.read()
        if not there:
            break
        read.append(np.ascontiguousarray(picture[..., ::-1]))
    return read


def median(work: Callable[[np.ndarray], object], pictures: list[np.ndarray]) -> float:
    """Median milliseconds of a call; the first one, which loads networks, does not count."""
    work(pictures[0])
    times = []
    for picture in pictures:
        start = time.perf_counter()
        work(picture)
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", nargs="?", type=Path)
    parser.add_argument("--frames", type=int, default=60)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    pictures = frames(args.film, args.frames)
    tracker = FaceTracker(threads=1)
    network = BlendshapeNetwork(threads=1)
    first = tracker.follow(pictures[0])
    if first is None or first.mesh is None or len(first.mesh) != 478:
        raise SystemExit("no face that can be read in the first frame")
    mesh = first.mesh
    landmarker = Landmarker(threads=1)

    def whole(picture: np.ndarray) -> Face | None:
        face = tracker.follow(picture)
        if face is not None and face.mesh is not None:
            network(face.mesh)
            head_pose(face.mesh)
        return face

    rows = {
        "look at one square": median(lambda picture: landmarker.look(picture, Square.of_points(mesh)), pictures),
        "blendshapes": median(lambda _: network(mesh), pictures),
        "head pose": median(lambda _: head_pose(mesh), pictures),
        "tracked frame, all three": median(whole, pictures),
        "detector, each frame": median(get_detector("mediapipe").find, pictures[:10]),
    }
    total = rows["tracked frame, all three"]
    height, width = pictures[0].shape[:2]
    print(f"{len(pictures)} frames of {width} x {height}, {tracker.searches} searched")
    for name, value in rows.items():
        print(f"  {name:26}{value:8.1f} ms{value / total:8.2f} x")
    print(f"  frames a second, tracked  {1000 / total:8.1f}")


if __name__ == "__main__":
    main()
