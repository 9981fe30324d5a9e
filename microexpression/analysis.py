"""The analysis of a clip: apex, motion, flow, strain, action units and emotion."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.faces import get_detector

from .clips import Clip, cut_face
from .flow import flow_sizes, optical_flow, optical_strain
from .inputs import for_flow
from .magnification import load_magnifier, magnify
from .reader import EMBEDDED, Reader, load_reader


@dataclass(frozen=True, eq=False)
class Analysis:
    """What a clip shows.

    Attributes:
        clip: cropped to the face, with its apex.
        spotted: the apex was not given.
        motion: (T,) pixels of motion since the onset, see `flow.flow_sizes`.
        flow: (2, H, W) from onset to apex, in pixels of frames whose shorter side is `inputs.FLOW_SIDE` at most.
        strain: (H, W), optical strain of `flow`.
        magnified: (T, H', W', 3) uint8, with `factor` times the motion.
        learned: learned weights magnified the motion, not the flow.
        units: (T, K) probability of each unit of `unit_reader` at each frame since the onset.
        emotion: (K,) probability of each class of `emotion_reader`.
        seen: (P, P) evidence of places of the picture for the predicted class, see `Reader.seen`.
    """

    clip: Clip
    spotted: bool
    motion: np.ndarray = field(repr=False)
    flow: np.ndarray = field(repr=False)
    strain: np.ndarray = field(repr=False)
    magnified: np.ndarray = field(repr=False)
    factor: float
    learned: bool
    units: np.ndarray = field(repr=False)
    emotion: np.ndarray = field(repr=False)
    seen: np.ndarray | None = field(repr=False)
    unit_reader: Reader = field(repr=False)
    emotion_reader: Reader = field(repr=False)

    @property
    def label(self) -> str:
        """The class with the largest probability."""
        return self.emotion_reader.names[int(self.emotion.argmax())]

    @property
    def confidence(self) -> float:
        """The largest probability."""
        return float(self.emotion.max())


def analyze(
    clip: Clip,
    *,
    cropped: bool = False,
    detector: str = "auto",
    factor: float = 10.0,
    magnifier: str | Path | None = None,
    units: str | Path | None = None,
    emotion: str | Path | None = None,
    progress: bool = True,
) -> Analysis:
    """Reads a clip of `read_clip`.

    `cropped` frames already show a face from brows to chin; others are cropped by the face `detector`. `factor` of the
    magnified motion is 1 to 100; `magnifier` is a file of learned weights, see `load_magnifier`, None to magnify by the
    flow. `units` and `emotion` are folders of networks, None for the embedded ones.

    Raises FaceNotFoundError: no face in the first frame; for other errors see `magnify` and `load_reader`.
    """
    unit_reader, emotion_reader = load_reader(units or EMBEDDED / "units"), load_reader(emotion or EMBEDDED / "emotion")
    learned = None if magnifier is None else load_magnifier(magnifier)
    if not cropped:
        clip = replace(clip, frames=cut_face(clip.frames, get_detector(detector), clip.name))
    frames = clip.frames[clip.onset : clip.offset + 1]
    small = [for_flow(frame) for frame in frames]
    flows = [  # to each frame, used by everything below
        optical_flow(small[0], frame)
        for frame in tqdm(small[1:], desc="Optical flow", unit="frame", disable=not progress)
    ]
    motion = flow_sizes(np.stack(small), flows)
    spotted = clip.apex is None
    if clip.apex is None:
        clip = replace(clip, apex=clip.onset + int(motion.argmax()))
    assert clip.apex is not None
    apex = max(1, clip.apex - clip.onset)
    flow = flows[apex - 1]
    each = [
        unit_reader.probabilities(frames[: row + 1], row, flows[row - 1])
        for row in tqdm(range(1, len(frames)), desc="Action units", unit="frame", disable=not progress)
    ]
    probabilities = emotion_reader.probabilities(frames, apex, flow)
    return Analysis(
        clip=clip,
        spotted=spotted,
        motion=motion,
        flow=flow,
        strain=optical_strain(flow),
        magnified=magnify(frames, factor, learned, flows=flows, progress=progress),
        factor=factor,
        learned=learned is not None,
        units=np.stack([np.zeros_like(each[0]), *each]),
        emotion=probabilities,
        seen=emotion_reader.seen(frames, apex, int(probabilities.argmax()), flow),
        unit_reader=unit_reader,
        emotion_reader=emotion_reader,
    )
