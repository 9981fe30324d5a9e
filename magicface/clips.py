"""Synthetic micro-expressions: a photo becomes a labelled clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common.core.errors import InputError
from common.facs.action_units import ACTION_UNITS, AURequest, to_vector
from common.imaging.clip_dataset import add_clip
from common.imaging.images import ImageLike, flat, read_image, to_uint8

from ._api import verbs

TIMES = (0.1, 0.45, 0.88)
"""Onset, apex and offset, as fractions of a clip."""


@dataclass(frozen=True, eq=False)
class LabelledClip:
    """Frames and their labels.

    Attributes:
        frames: pictures of one size.
        units: action unit -> intensity at the apex, 0 to 5.
        onset: row of the last frame that is the photo.
        apex: row of the strongest.
        offset: row of the first frame that is the photo again.
    """

    frames: Sequence[Image.Image] = field(repr=False)
    units: dict[str, float]
    onset: int
    apex: int
    offset: int

    def save(self, dataset: str | Path, subject: str, clip: str, emotion: str = "") -> Path:
        """Adds the clip to a data set that `microexpression` reads, see `common.imaging.clip_dataset`.

        Raises:
            InputError: names that cannot be used, or a clip of this name.
        """
        times = self.onset, self.apex, self.offset
        return add_clip(Path(dataset), subject, clip, self.frames, times, self.units, emotion)


def synthesize(
    img: ImageLike,
    au: AURequest,
    apex: float = 1.0,
    frames: int = 40,
    *,
    noise: float = 1.0,
    seed: int = 0,
    watermark: bool = True,
    **options: object,
) -> LabelledClip:
    """A clip of a micro-expression: `synthesize("me.jpg", "AU12").save("faces", "me", "smile")`.

    All frames are sampled from the same initial noise and one encoded photo; a sensor's noise is added to each, without
    which a face that does not move at all gives a synthetic clip away.

    Args:
        img: a photo, see `edit`.
        au: action units, and their fractions of the apex: "AU12", {"AU6": 0.8, "AU12": 1}.
        apex: intensity at the apex; micro-expressions have 0.2 to 1.5 of 5.
        frames: number of frames, 8 or more.
        noise: standard deviation of the sensor's noise, of 255.
        seed: random seed of the noise and of the edits.
        watermark: False for frames without the invisible mark, which is finer than these motions, but not still.
        options: the others of `edit`.

    Raises:
        As `edit`; InputError: no units, or numbers out of range.
    """
    if isinstance(au, str) and au.strip().upper() in ACTION_UNITS:
        au = {au.strip().upper(): 1.0}
    fractions = np.array(to_vector(au))
    if not fractions.any():
        raise InputError('A micro-expression needs action units, such as "AU12".', code="empty")
    if not 0 < apex <= 5:
        raise InputError("apex is out of range.", code="range", expected="above 0, at most 5", actual=apex)
    if frames < 8:
        raise InputError("A clip has 8 frames or more.", code="range", expected="at least 8", actual=frames)
    if not 0 <= noise <= 50:
        raise InputError("noise is out of range.", code="range", expected=(0, 50), actual=noise)
    onset, peak, offset = (round(time * frames) for time in TIMES)
    rows = np.arange(frames)
    strength = np.minimum((rows - onset) / (peak - onset), (offset - rows) / (offset - peak)).clip(0, 1)
    strength = np.round(apex * strength * strength * (3 - 2 * strength), 4)
    levels, which = np.unique(strength, return_inverse=True)
    asked: dict[str, Any] = {**options, "seed": seed}
    made = verbs.edit(read_image(img), [(level * fractions).tolist() for level in levels], **asked)
    assert isinstance(made, list)  # of a list of requests
    rng = np.random.default_rng(seed)
    pictures = [_noisy(made[int(place)], noise, rng, watermark) for place in which.ravel()]
    units = {name: round(float(apex * value), 4) for name, value in zip(ACTION_UNITS, fractions) if value}
    return LabelledClip(pictures, units, onset, peak, offset)


def _noisy(picture: Image.Image, noise: float, rng: np.random.Generator, watermark: bool) -> Image.Image:
    from common.provenance.recipe import saved_with

    pixels = np.asarray(flat(picture)).astype(np.float32)
    made = Image.fromarray(to_uint8(pixels + noise * rng.standard_normal(pixels.shape), 255))
    made.info = dict(picture.info)
    return saved_with(made, watermark=watermark)
