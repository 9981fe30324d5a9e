"""Requests over time: keyframes, what lies between them, and moving pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from PIL import Image

from ..core.errors import InputError, MissingDependencyError
from ..core.files import replace_file
from ..core.numbers import number
from .carried import carried_together
from .images import flat

if TYPE_CHECKING:
    from typing_extensions import Self

MOVIES = (".gif", ".mp4")
LONGEST = 3600
"""Frames of an animation at most."""
_STILL = 8  # bytes: where the requests change a picture by less, nothing should move

Keyframes = Sequence[tuple[float, object]]
"""Seconds and the request at that time, in order; the first is at 0."""


class Blending(Protocol):
    """A request with others between it and another one."""

    def blend(self, other: Self, fraction: float) -> Self:
        """What lies between this request (fraction 0) and another one (1)."""
        ...


Moving = TypeVar("Moving", bound=Blending)


@dataclass(frozen=True, eq=False)
class Animation:
    """Frames, and the request of each.

    Attributes:
        frames: (H, W, 3) RGB pictures of one size.
        requests: of each.
        fps: frames a second.
    """

    frames: Sequence[Image.Image] = field(repr=False)
    requests: Sequence[Any] = field(repr=False)
    fps: float

    def save(self, path: str | Path) -> None:
        """Writes a GIF, which repeats, or an MP4 (H.264), whole or not at all; the comment holds the provenance record.

        Raises:
            InputError: another suffix.
            MissingDependencyError: an MP4 without PyAV.
        """
        save_movie(self.frames, path, self.fps)

    def flicker(self) -> float | None:
        """Mean change from frame to frame, in bytes, where nothing should move: outside of what the requests change.

        What they change is measured between the first frame and the one that differs most from it. None where all
        moves, or there is only one frame.
        """
        pixels = [np.asarray(flat(frame)).astype(np.int16) for frame in self.frames]
        farthest = max(pixels, key=lambda frame: float(np.abs(frame - pixels[0]).mean()))
        moved = np.abs(farthest - pixels[0]).max(2) >= _STILL
        if moved.all() or len(pixels) < 2:
            return None
        return float(np.mean([np.abs(b - a)[~moved].mean() for a, b in pairwise(pixels)]))


def rise_and_fall(
    request: object, onset: float = 0.4, apex: float = 0.6, offset: float = 0.6, rest: float = 0.2
) -> list[tuple[float, object]]:
    """Keyframes of a change that rises in `onset` seconds from the null edit to the request, stays for `apex` seconds,
    and falls in `offset` seconds; `rest` seconds before and after show the null edit.
    """
    for name, value in {"onset": onset, "apex": apex, "offset": offset, "rest": rest}.items():
        number(name, value, 0)
    times = np.cumsum([rest, onset, apex, offset, rest]).tolist()
    return [(0.0, {}), *zip(times, ({}, request, request, {}, {}))]


def between(keyframes: Sequence[tuple[float, Moving]], fps: float) -> list[Moving]:
    """The requests of all frames; between two keyframes motion starts and ends softly. Raises InputError: no keyframes,
    times that do not rise from 0, too many frames, or two requests with nothing between them.
    """
    if not keyframes:
        raise InputError("An animation needs keyframes.", code="empty", expected="(seconds, request), the first at 0")
    number("fps", fps, above=0, high=240)
    times = np.array([float(second) for second, _ in keyframes])
    if times[0] != 0 or (np.diff(times) < 0).any() or not np.isfinite(times).all():
        raise InputError("Keyframes must rise from 0 seconds.", code="range", actual=times.tolist())
    count = round(times[-1] * fps) + 1
    if count > LONGEST:
        raise InputError("An animation has too many frames.", code="count", expected=f"at most {LONGEST}", actual=count)
    requests = [request for _, request in keyframes]
    found = []
    for second in np.minimum(np.arange(count) / fps, times[-1]):
        after = min(int(np.searchsorted(times, second, side="left")) or 1, len(times) - 1)
        before = max(after - 1, 0)
        span = times[after] - times[before]
        fraction = float((second - times[before]) / span) if span > 0 else 1.0
        found.append(requests[before].blend(requests[after], fraction * fraction * (3 - 2 * fraction)))
    return found


def save_movie(frames: Sequence[Image.Image], path: str | Path, fps: float) -> None:
    """See `Animation.save`."""
    path = Path(path)
    kind = check_movie(path)
    writer = _gif if kind == ".gif" else _mp4
    known = carried_together(frames)
    comment = "" if known is None else known.comment()
    replace_file(path, lambda file: writer(frames, file, fps, comment))


def check_movie(path: str | Path) -> str:
    """The suffix of a moving picture. Raises InputError: it is none of `MOVIES`."""
    kind = Path(path).suffix.lower()
    if kind not in MOVIES:
        raise InputError("The file is not a moving picture.", code="format", expected=MOVIES, actual=str(path))
    return kind


def _gif(frames: Sequence[Image.Image], path: Path, fps: float, comment: str) -> None:
    shown = [flat(frame) for frame in frames]
    # one palette for all: with one each, what stands still would flicker
    looked = [shown[row].resize((128, 128)) for row in np.linspace(0, len(shown) - 1, 16).astype(int)]
    palette = Image.fromarray(np.concatenate([np.asarray(each) for each in looked])).quantize(256)
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in shown]
    times = {"duration": round(1000 / fps), "loop": 0}
    first.save(path, "GIF", save_all=True, append_images=others, comment=comment.encode(), **times)


def _mp4(frames: Sequence[Image.Image], path: Path, fps: float, comment: str) -> None:
    try:
        import av
    except ImportError as error:
        raise MissingDependencyError("av", "MP4 (a .gif does not)", 'pip install "face-rig[motion]"') from error
    size = frames[0].width - frames[0].width % 2, frames[0].height - frames[0].height % 2  # H.264 wants even sides
    container: Any
    with av.open(str(path), "w", format="mp4") as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = {"crf": "16"}
        for frame in frames:
            picture = flat(frame).crop((0, 0, *size))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
