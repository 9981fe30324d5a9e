"""How edits begin and end: with the photo or its draft, and back in the photo or as the crop alone."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from common.compositing import paste, paste_mask, placed
from common.draft.change import Change
from common.draft.draft import Draft
from common.images import on_white, to_uint8
from common.subject import Subject


def to_image(pixels: np.ndarray) -> Image.Image:
    """A picture (H, W, 3) in [0, 1]."""
    return Image.fromarray(to_uint8(pixels))


def finish(subject: Subject, crop: np.ndarray, pastes: bool) -> Image.Image:
    """A crop (S, S, 3) in [0, 1], as generated: in its photo, or alone."""
    return paste(subject.photo, subject.crop, crop, paste_mask(subject.region)) if pastes else to_image(crop)


def drafted(draft: Draft, wish: list[float]) -> np.ndarray:
    """The photo (H, W, 3 or 4) uint8 with the face moved from what its fitted head shows to these intensities (12).

    Raises:
        InputError: a prepared crop, of whose face nothing is known.
    """
    units = torch.tensor(wish, dtype=torch.float32).clamp(0, 5) - draft.present
    return draft(Change(units, torch.eye(3), draft.light, draft.light))


def begin(subject: Subject, draft: Draft, wish: list[float]) -> np.ndarray:
    """The crop (S, S, 3) uint8 that is noised first, of the photo's draft."""
    return subject.crop.apply(on_white(drafted(draft, wish)))


def draft_alone(subject: Subject, draft: Draft, wish: list[float], pastes: bool) -> Image.Image:
    """The draft as it is, without any network."""
    return placed(subject, drafted(draft, wish), pastes)
