"""Clips as inputs of networks: arrays computed once per clip and cached in files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
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
"""Pixels of the shorter side, at most, for flow; STSTNet's authors had 140."""
LENGTH = 10
"""Frames of ELRCN's interpolated clips."""
PICTURES = ("onset", "apex", "near")
"""InfuseNet's pictures of a clip."""
Arrays = dict[str, np.ndarray]


def flow_image(first: np.ndarray, apex: np.ndarray, size: int, flow: np.ndarray | None = None) -> np.ndarray:
    """(3, size, size) in [0, 1]: u, v and strain of the flow (2, h, w) from a first frame (H, W, 3) uint8 to an apex of
    its size, each scaled by itself; the flow is computed by default.
    """
    known = optical_flow(for_flow(first), for_flow(apex)) if flow is None else flow
    return stretched(_resized(with_strain(known).transpose(1, 2, 0), size).transpose(2, 0, 1))


def of_ststnet(frames: np.ndarray, apex: int, size: int, flow: np.ndarray | None = None) -> Arrays:
    """Strain, v, u in this order, 0 to 255, as the released weights expect them."""
    image = flow_image(frames[0], frames[apex], size, flow)
    return {"flow": np.rint(255 * image[::-1]).astype(np.float32)}


def of_rcn(frames: np.ndarray, apex: int, size: int, flow: np.ndarray | None = None) -> Arrays:
    """u, v, strain in [0, 1]."""
    return {"flow": flow_image(frames[0], frames[apex], size, flow)}


def of_infusenet(frames: np.ndarray, apex: int, size: int, flow: np.ndarray | None = None) -> Arrays:
    """The input of RCN, and three pictures in [-1, 1]: onset, apex, and an eighth of the clip past the apex. The paper
    says that the third is near the apex, and not where.
    """
    near = min(len(frames) - 1, apex + max(1, len(frames) // 8))

    def picture(row: int) -> np.ndarray:
        return _resized(frames[row].astype(np.float32), size).transpose(2, 0, 1) / 127.5 - 1

    rows = 0, apex, near
    return {**of_rcn(frames, apex, size, flow), **{name: picture(row) for name, row in zip(PICTURES, rows)}}


def of_elrcn(frames: np.ndarray, apex: int, size: int, flow: np.ndarray | None = None) -> Arrays:
    """(9, 5, size, size), 0 to 255: u, v and magnitude of the flow from frame to frame, strain and brightness of the
    clip interpolated to ten frames; `apex` and `flow` are not used.
    """
    images = []
    brought = interpolate(np.stack([for_flow(frame) for frame in frames]), LENGTH)
    for first, second in pairwise(brought):
        step = optical_flow(first, second)
        strain = 255 * optical_strain(step, "backward").clip(0, 1)
        channels = [*with_magnitude(step), strain, 255 * grey(second)]
        images.append(_resized(np.stack(channels, -1).astype(np.float32), size).transpose(2, 0, 1))
    return {"images": np.stack(images)}


KINDS: dict[str, Callable[[np.ndarray, int, int, np.ndarray | None], Arrays]] = {
    "ststnet": of_ststnet,
    "rcn": of_rcn,
    "infusenet": of_infusenet,
    "elrcn": of_elrcn,
}
"""Input of frames from the onset, the apex's row, a size, and the flow (2, h, w) to the apex if it is known."""
WHOLE = ("infusenet", "elrcn")
"""Kinds that use more frames than onset and apex."""


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
    """Files with the arrays of each sample's clip, of a kind of `KINDS` and a size in pixels, cached in the folder.

    `detector` crops the faces first, see `cut_face`; None takes the frames as they are. Raises DataSetError with every
    clip that cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    task = partial(_file, samples, kind, size, folder, detector)
    with closing(each(task, range(len(samples)), workers)) as made:
        found = list(tqdm(made, total=len(samples), desc="Optical flow", unit="clip", disable=not progress))
    if faults := [fault for fault in found if isinstance(fault, str)]:
        raise DataSetError("unusable clips", faults)
    return [path for path in found if isinstance(path, Path)]


def read(path: Path) -> Arrays:
    """The arrays of a file of `prepare`."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name].astype(np.float32) for name in file.files}


def _file(
    samples: Sequence[Sample], kind: str, size: int, folder: Path, detector: str | None, number: int
) -> Path | str:
    """Writes the file of a sample by its number, in any process; returns a text if that fails."""
    sample = samples[number]
    known = repr((sample.key, sample.onset, sample.apex, sample.offset, str(sample.frames)))
    known += f" {detector}" if detector else ""
    name = hashlib.sha256(f"{VERSION} {kind} {size} {known}".encode()).hexdigest()[:24]
    path = folder / f"{name}.npz"
    if path.is_file():
        return path
    try:
        _keep(path, of_sample(sample, kind, size, detector))
    except (FaceEditError, OSError) as error:
        return f"{' '.join(sample.key)}: {error}"
    return path


def _keep(path: Path, arrays: Arrays) -> None:
    halves = {key: value.astype(np.float16) for key, value in arrays.items()}

    def write(part: Path) -> None:
        with open(part, "wb") as file:
            np.savez_compressed(file, **halves)  # pyright: ignore[reportArgumentType] - names are checked by numpy

    replace_file(path, write)


@torch.inference_mode()
def with_latents(files: Sequence[Path], magnifier: Magnifier, folder: Path, progress: bool = True) -> list[Path]:
    """Files of InfuseNet's kind with magnified motion in place of the three pictures, cached in the folder; another
    magnifier needs another folder.
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
    """The arrays of a sample; see `prepare`.

    Raises:
        FaceNotFoundError: a detector, and no face in the onset.
        InputError: an unknown kind (code "unknown"), missing frames ("missing"), or one frame ("count").
        ShapeError: frames of unequal sizes.
    """
    if kind not in KINDS:
        raise InputError("The kind of inputs is unknown.", code="unknown", expected=", ".join(KINDS), actual=kind)
    if kind in WHOLE:
        frames, apex = read_frames(sample), sample.apex - sample.onset
    else:
        frames, apex = read_frames(sample, [sample.onset, sample.apex]), 1
    if len(frames) < 2:
        raise InputError("motion needs two frames or more", code="count", actual=len(frames))
    if detector is not None:
        frames = cut_face(frames, get_detector(detector), sample.clip)
    return KINDS[kind](frames, min(apex, len(frames) - 1), size, None)


def for_flow(frame: np.ndarray) -> np.ndarray:
    """A frame (H, W, 3), its shorter side reduced to `FLOW_SIDE`."""
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
    """A clip of `count` frames with the same first and last: (T, ...), uint8 or floats -> (count, ...), of the same
    type. Raises InputError: less than two frames before or after (code "count").

    The temporal interpolation model (TIM, Zhou, Zhao & Pietikainen 2011, CVPR) lays frames along a curve, sines of
    rising frequency, by the graph of their order. For linearly independent frames its embedding cancels, and a fixed
    weight of each frame is left: those of `weights`.
    """
    if len(frames) < 2 or count < 2:
        raise InputError("TIM needs two frames or more.", code="count", actual=min(len(frames), count))
    made = np.tensordot(weights(len(frames), count), frames.astype(np.float64), 1)
    if frames.dtype == np.uint8:
        return to_uint8(made, 255)
    return made.astype(frames.dtype)


def weights(length: int, count: int) -> np.ndarray:
    """(count, length): the weight of each frame of a clip in each new frame; rows sum to 1."""
    orders = np.arange(1, length)

    def curve(times: np.ndarray) -> np.ndarray:  # (len(times), length - 1), eq. 3 of the paper, t from 1/n to 1
        return np.sin(np.pi * orders * times[:, None] + np.pi * (length - orders) / (2 * length))

    own = curve(np.arange(1, length + 1) / length)
    back = np.linalg.pinv(own - own.mean(0))  # (length - 1, length)
    new = curve(np.linspace(1 / length, 1, count)) - own.mean(0)
    return new @ (back - back.mean(1, keepdims=True)) + 1 / length
