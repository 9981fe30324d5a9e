"""Clips as the networks see them: arrays made once of each clip, and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from common.core.errors import FaceEditError, InputError
from common.core.files import replace_file
from common.core.parallel import each
from common.faces import get_detector
from common.imaging.images import to_uint8

from .clips import cut_face
from .data.load import read_frames
from .data.sample import DataSetError, Sample
from .flow import grey, optical_flow, optical_strain, stretched, with_magnitude, with_strain
from .networks.infusenet import FACTOR
from .networks.magnifier import Magnifier

VERSION = 1
FLOW_SIDE = 160
"""Pixels of the shorter side at most, on which flow is computed; STSTNet's authors had 140."""
LENGTH = 10
"""Frames to which ELRCN brings a clip."""
PICTURES = ("onset", "apex", "near")
"""Of a clip, as InfuseNet sees it."""
Arrays = dict[str, np.ndarray]


def flow_image(first: np.ndarray, apex: np.ndarray, size: int) -> np.ndarray:
    """(3, size, size) in [0, 1]: u, v and strain of the flow from a first frame (H, W, 3) uint8 to an apex of its size,
    each stretched by itself.
    """
    return of_flow(optical_flow(for_flow(first), for_flow(apex)), size)


def of_flow(flow: np.ndarray, size: int) -> np.ndarray:
    """`flow_image` of a flow (2, H, W) that is known."""
    channels = with_strain(flow)
    return stretched(_resized(channels.transpose(1, 2, 0), size).transpose(2, 0, 1))


def of_ststnet(frames: np.ndarray, apex: int, size: int) -> Arrays:
    """As the released weights had it: strain, v, u in this order, 0 to 255."""
    return to_bytes(flow_image(frames[0], frames[apex], size))


def to_bytes(image: np.ndarray) -> Arrays:
    """STSTNet's input of a `flow_image`."""
    return {"flow": np.rint(255 * image[::-1]).astype(np.float32)}


def of_rcn(frames: np.ndarray, apex: int, size: int) -> Arrays:
    """u, v, strain in [0, 1]."""
    return {"flow": flow_image(frames[0], frames[apex], size)}


def of_infusenet(frames: np.ndarray, apex: int, size: int) -> Arrays:
    """The same, and three pictures in [-1, 1]. The third is an eighth of the clip past the apex: the authors say that
    theirs is near the apex, and not where.
    """
    near = min(len(frames) - 1, apex + max(1, len(frames) // 8))

    def picture(row: int) -> np.ndarray:
        return _resized(frames[row].astype(np.float32), size).transpose(2, 0, 1) / 127.5 - 1

    rows = 0, apex, near
    return {**of_rcn(frames, apex, size), **{name: picture(row) for name, row in zip(PICTURES, rows)}}


def of_elrcn(frames: np.ndarray, apex: int, size: int) -> Arrays:
    """(9, 5, size, size), 0 to 255: u, v and magnitude of the flow from frame to frame, strain, brightness; of the clip
    brought to ten frames.
    """
    images = []
    brought = interpolate(np.stack([for_flow(frame) for frame in frames]), LENGTH)
    for first, second in pairwise(brought):
        flow = optical_flow(first, second)
        strain = 255 * optical_strain(flow, "backward").clip(0, 1)
        channels = [*with_magnitude(flow), strain, 255 * grey(second)]
        images.append(_resized(np.stack(channels, -1).astype(np.float32), size).transpose(2, 0, 1))
    return {"images": np.stack(images)}


_Kind = Callable[[np.ndarray, int, int], Arrays]
KINDS: dict[str, _Kind] = {"ststnet": of_ststnet, "rcn": of_rcn, "infusenet": of_infusenet, "elrcn": of_elrcn}
BY_FLOW: dict[str, Callable[[np.ndarray], Arrays]] = {"ststnet": to_bytes, "rcn": lambda image: {"flow": image}}
"""Kinds that look at a `flow_image` alone."""
WHOLE = ("infusenet", "elrcn")
"""Kinds that look at more than onset and apex."""


def prepare(
    samples: Sequence[Sample],
    kind: str,
    size: int,
    folder: Path,
    *,
    detector: str | None = None,
    workers: int = 1,
    progress: bool = True,
) -> list[Path]:
    """Files with the arrays of each sample's clip, of a kind of `KINDS` and a size in pixels, made in the folder where
    they are not kept yet.

    `detector` cuts the faces out of the frames first, see `cut_face`; None takes the frames as they are. Raises
    DataSetError with every clip that cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    task = _Task(tuple(samples), kind, size, folder, detector)
    with closing(each(task, range(len(samples)), workers)) as made:
        found = list(tqdm(made, total=len(samples), desc="Optical flow", unit="clip", disable=not progress))
    if faults := [str(each_) for each_ in found if isinstance(each_, str)]:
        raise DataSetError("clips that cannot be used", faults)
    return [path for path in found if isinstance(path, Path)]


def read(path: Path) -> Arrays:
    """The arrays of a file of `prepare`."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name].astype(np.float32) for name in file.files}


@dataclass(frozen=True)
class _Task:
    """Makes the file of a number; travels to workers. A text is what went wrong."""

    samples: tuple[Sample, ...]
    kind: str
    size: int
    folder: Path
    detector: str | None

    def __call__(self, number: int) -> Path | str:
        sample = self.samples[number]
        known = repr((sample.key, sample.onset, sample.apex, sample.offset, str(sample.frames)))
        known += f" {self.detector}" if self.detector else ""
        name = hashlib.sha256(f"{VERSION} {self.kind} {self.size} {known}".encode()).hexdigest()[:24]
        path = self.folder / f"{name}.npz"
        if path.is_file():
            return path
        try:
            arrays = of_sample(sample, self.kind, self.size, self.detector)
        except (FaceEditError, OSError) as error:
            return f"{' '.join(sample.key)}: {error}"
        _keep(path, arrays)
        return path


def _keep(path: Path, arrays: Arrays) -> None:
    halves = {key: value.astype(np.float16) for key, value in arrays.items()}

    def write(part: Path) -> None:
        with open(part, "wb") as file:
            np.savez_compressed(file, **halves)  # pyright: ignore[reportArgumentType] - names are checked by numpy

    replace_file(path, write)


@torch.inference_mode()
def with_latents(files: Sequence[Path], magnifier: Magnifier, folder: Path, progress: bool = True) -> list[Path]:
    """Files of InfuseNet's kind with motion that a magnifier makes in place of the three pictures it is made of, made
    where there are none in the folder; another magnifier needs another folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = [folder / path.name for path in files]
    for path, made in zip(tqdm(files, desc="Magnified motion", unit="clip", disable=not progress), found):
        if not made.is_file():
            arrays = read(path)
            onset, *others = (torch.from_numpy(arrays[name])[None] for name in PICTURES)
            latents = magnifier.motion(onset, others, FACTOR)[0].numpy()
            _keep(made, {"flow": arrays["flow"], "latents": latents})
    return found


def of_sample(sample: Sample, kind: str, size: int, detector: str | None = None) -> Arrays:
    """What networks of a kind see of a sample; see `prepare`.

    Raises:
        FaceNotFoundError: a detector, and no face in the onset.
        InputError: an unknown kind, missing frames, or an apex that is the onset, so that nothing moves.
        ShapeError: frames of unequal sizes.
    """
    if kind not in KINDS:
        raise InputError(f"There are no inputs of kind {kind!r}; choose from {', '.join(KINDS)}.")
    if kind in WHOLE:
        frames, apex = read_frames(sample), sample.apex - sample.onset
    else:
        frames, apex = read_frames(sample, [sample.onset, sample.apex]), 1
    if len(frames) < 2:
        raise InputError("one frame; motion needs two at least")
    if detector is not None:
        frames = cut_face(frames, get_detector(detector), sample.clip)
    return KINDS[kind](frames, min(apex, len(frames) - 1), size)


def for_flow(frame: np.ndarray) -> np.ndarray:
    """A frame (H, W, 3) as small as `FLOW_SIDE` says."""
    scale = FLOW_SIDE / min(frame.shape[:2])
    if scale >= 1:
        return frame
    size = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def _resized(channels: np.ndarray, size: int) -> np.ndarray:
    way = cv2.INTER_AREA if min(channels.shape[:2]) > size else cv2.INTER_LINEAR
    planes = channels.transpose(2, 0, 1)  # OpenCV resizes four at once at most
    return np.stack([cv2.resize(plane, (size, size), interpolation=way) for plane in planes], -1)


def interpolate(frames: np.ndarray, count: int) -> np.ndarray:
    """A clip of `count` frames, the first and the last as they were: (T, ...), uint8 or floats -> (count, ...), of the
    same type; InputError for less than two frames.

    The temporal interpolation model (TIM, Zhou, Zhao & Pietikainen 2011, CVPR) lays frames along a curve, sines of
    rising frequency, by the graph of their order. Where frames are linearly independent, its embedding undoes itself,
    and what is left is a fixed weight of each frame: those of `weights`.
    """
    if len(frames) < 2 or count < 2:
        raise InputError(f"TIM needs two frames and makes two at least; got {len(frames)}, asked for {count}.")
    made = np.tensordot(weights(len(frames), count), frames.astype(np.float64), 1)
    if frames.dtype == np.uint8:
        return to_uint8(made, 255)
    return made.astype(frames.dtype)


def weights(length: int, count: int) -> np.ndarray:
    """(count, length): how much each frame of a clip counts in each new one; rows sum to 1."""
    orders = np.arange(1, length)

    def curve(times: np.ndarray) -> np.ndarray:  # (len(times), length - 1), eq. 3 of the paper, t from 1/n to 1
        return np.sin(np.pi * orders * times[:, None] + np.pi * (length - orders) / (2 * length))

    own = curve(np.arange(1, length + 1) / length)
    back = np.linalg.pinv(own - own.mean(0))  # (length - 1, length)
    asked = curve(np.linspace(1 / length, 1, count)) - own.mean(0)
    return asked @ (back - back.mean(1, keepdims=True)) + 1 / length
