"""Faces to learn from: a picture, a sentence, and twelve intensities.

Every data set gives samples {"image": (3, S, S) float32 in [0, 1], "caption": text, "units": (12,) float32 in 0..5, in
the order of ACTION_UNITS}, and has a `fingerprint` that distinguishes it from others.

    samples      ImageFolder: a Hugging Face image folder with captions and AU columns
    disfa        Disfa: the published videos and label files of DISFA
    affectnet    AffectNet: the published pictures and lists of AffectNet, and a file of AU predictions
    synthetic    SyntheticSamples: synthetic people, with their captions
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch.utils.data import ConcatDataset, Dataset, default_collate

from common.training.diffusion import synthetic_faces
from common.training.people import hold_out

from .affectnet import AffectNet
from .disfa import Disfa
from .samples import ImageFolder, Sample
from .synthetic import SyntheticSamples

if TYPE_CHECKING:
    from ..train import FineFaceConfig


class Together(ConcatDataset[Sample]):
    """Several data sets as one."""

    def __init__(self, parts: Sequence[Any]) -> None:
        super().__init__(parts)
        self.fingerprint = " + ".join(part.fingerprint for part in parts)

    def captions(self) -> list[str]:
        """The caption of every sample."""
        return [text for part in self.datasets for text in part.captions()]  # type: ignore[attr-defined]


def sources(config: FineFaceConfig, size: int) -> tuple[Together, Together | None, list[str]]:
    """The samples (S, S), S = `size`, to train on, those held out, if any, and what the model card says of both.

    Raises InputError: data that cannot be used.
    """
    train: list[Dataset[Sample]] = []
    held_out: list[Dataset[Sample]] = []
    notes: list[str] = []
    if config.folder:
        named = ImageFolder(config.validation_folder, size) if config.validation_folder else None
        fraction = config.held_out if config.validation_count else 0.0
        data, apart, said = hold_out(
            ImageFolder(config.folder, size), named, fraction, config.seed, "validation_folder"
        )
        train.append(data)
        held_out += [] if apart is None else [apart]
        notes.append(f"`{Path(config.folder).name}`: {said}")
    elif config.validation_folder:
        held_out.append(ImageFolder(config.validation_folder, size))
    if config.disfa:
        train.append(_disfa(config, size, without=config.disfa_held_out, neutral=config.disfa_neutral))
        if config.disfa_held_out:
            neutral = config.disfa_neutral // 10  # some neutral faces among those that are not
            held_out.append(_disfa(config, size, subjects=config.disfa_held_out, neutral=neutral))
        notes.append(f"DISFA; subjects held out: {', '.join(config.disfa_held_out) or 'none'}.")
    if config.affectnet:
        notes.append("AffectNet, its action units predicted.")
        options: Any = {"top": config.affectnet_top, "caption": config.caption}
        train.append(AffectNet(config.affectnet, size, config.affectnet_units, **options))
        if units := config.affectnet_validation_units:
            held_out.append(AffectNet(config.affectnet, size, units, split="validation", **options))
    if config.synthetic_count:
        train.append(_synthetic(config, size, config.synthetic_count, config.synthetic_seed))
        held_out.append(_synthetic(config, size, max(1, config.validation_count), config.synthetic_seed + 1))
        notes.append(f"{config.synthetic_count} synthetic samples; held out: other synthetic people.")
    return Together(train), Together(held_out) if held_out and config.validation_count else None, notes


def some(data: Together, count: int) -> dict[str, Any]:
    """A batch of so many samples, or all there are, evenly spread over the data."""
    count = min(count, len(data))
    return default_collate([data[i * len(data) // count] for i in range(count)])


def _disfa(config: FineFaceConfig, size: int, **options: Any) -> Disfa:
    return Disfa(
        config.disfa,
        size,
        config.disfa_cache,
        seed=config.seed,
        camera=config.disfa_camera,
        frames=config.disfa_frames or None,
        caption=config.caption,
        **options,
    )


def _synthetic(config: FineFaceConfig, size: int, count: int, seed: int) -> SyntheticSamples:
    pairs = "expression" if config.synthetic_pairs else None
    names = ("image", "background", "mask", "parts")
    faces = synthetic_faces(config, count, size, seed, pairs=pairs, names=names)
    return SyntheticSamples(
        faces,
        expression_words=config.synthetic_expression_words,
        short_captions=config.synthetic_short_captions,
        face_height=config.synthetic_face_height,
        plain_ground=config.synthetic_plain_ground,
        mark_face=config.face_weight != 1,
    )
