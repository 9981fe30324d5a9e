"""Trains MagicFace: `accelerate launch -m magicface.train config.toml`, or `python -m magicface.train config.toml`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch.utils.data import Dataset

from common import cli
from common.action_units import ACTION_UNITS, to_text
from common.checkpoints import MAGICFACE
from common.defaults import Defaults
from common.errors import InputError
from common.synthetic.dataset import SyntheticFaces
from common.training.command import command
from common.training.edit import listed, synthetic_told, train_editor
from common.training.edit_config import EditConfig
from common.training.edit_networks import Kind

from ._api import MagicFace
from .data import ManifestPairs, Pair, SyntheticPairs

ABOUT = """Trains MagicFace.

    accelerate launch -m magicface.train config.toml
    python -m magicface.train examples/train_magicface.toml --set manifest=pairs.csv --set output=out/mine

A training that was stopped goes on where its last checkpoint was when the same command runs again.
"""

KIND = Kind("MagicFace", MAGICFACE, vector_size=len(ACTION_UNITS), guides=1)


@dataclass(frozen=True)
class MagicFaceConfig(EditConfig):
    """What a training of MagicFace is told: networks, data, and all of `TwinConfig`."""

    embedded = MagicFace.embedded

    guide: Literal["source", "target", "photo"] = "source"
    """What guides the synthetic pairs: the background of the source, as in use, or of the target, as in the paper; or
    "photo", all of the source, which then must be in [defaults] too."""
    extent: Literal["face", "head"] = "face"
    """What the synthetic pairs' guide hides: the inner face, or hair, neck and clothes too."""
    found: bool = False
    """Find, cut out and parse the synthetic sources as photos that are edited, with all the mistakes of that."""
    draft_every: int = 0
    """So many synthetic pairs apart, show the source's draft in place of its true picture; 0 is never. Goes with
    found."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (Defaults.of(self.defaults).guide == "photo") != (self.guide == "photo") and self.synthetic_count:
            raise InputError('guide = "photo" must stand among the data and in [defaults], or in neither.')


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    return command("magicface.train", ABOUT, MagicFaceConfig, run, argv)


def run(config: MagicFaceConfig) -> int:
    """Trains; returns the exit code."""
    config = config.of_model()
    train_editor(
        config, KIND, config.use(), lambda size: pairs(config, size), lambda count, size: notes(config, count, size),
        named=lambda vector: to_text([round(value, 1) for value in vector]),
    )  # fmt: skip
    return cli.OK


def pairs(config: MagicFaceConfig, size: int) -> tuple[Dataset[Pair], Dataset[Pair] | None, str]:
    """The pairs to train on, those held out, and what the model card says of both."""
    if config.manifest:
        photo = config.use().guide == "photo"
        return listed(config, lambda path: ManifestPairs(path, size, photo=photo))

    zoom = Defaults.of(config.defaults).zoom

    def synthetic(count: int, seed: int) -> SyntheticPairs:
        faces = SyntheticFaces(
            count, size=size, seed=seed, pairs="expression", people=config.synthetic_people or None,
            cache=config.synthetic_cache or None,
        )  # fmt: skip
        every = config.draft_every if seed == config.synthetic_seed else 0  # held-out pairs show the truth
        return SyntheticPairs(
            faces, guide=config.guide, extent=config.extent, found=config.found, zoom=zoom, draft_every=every
        )

    held_out = synthetic(config.validation_count, config.synthetic_seed + 1) if config.validation_count else None
    return synthetic(config.synthetic_count, config.synthetic_seed), held_out, synthetic_told(config)


def notes(config: MagicFaceConfig, count: int, size: int) -> str:
    """What the model card says before the table."""
    kind = f"pairs listed in `{Path(config.manifest).name}`" if config.manifest else "synthetic pairs"
    return (
        "Changes a face's expression by action-unit variations (after Wei et al., arXiv 2501.02260).\n\n"
        f"    magicface photo.jpg AU12=3 --model FOLDER\n\n"
        f"Trained on {count} {kind} of {size} x {size} pixels, from {config.origin}."
    )


if __name__ == "__main__":
    sys.exit(main())
