"""Trains MagicFace: `accelerate launch -m magicface.train config.toml`, or `python -m magicface.train config.toml`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from common.core.errors import InputError
from common.editing.defaults import Defaults
from common.training.command import command, training
from common.training.config import EditConfig

ABOUT = """Trains MagicFace.

    accelerate launch -m magicface.train config.toml
    python -m magicface.train examples/train_magicface.toml --set manifest=pairs.csv --set output=out/mine

Re-run the command to resume a training that was stopped, from its last checkpoint.
"""


@dataclass(frozen=True)
class MagicFaceConfig(EditConfig):
    """Options of a training of MagicFace: networks, data, and all of `EditConfig`."""

    embedded = Path(__file__).with_name("embedded")

    conditioning_image: Literal["source", "target", "photo"] = "source"
    """Conditioning image of the synthetic pairs: the background of the source, as in use, or of the target, as in the
    paper; or "photo", all of the source, which then must be in [defaults] too."""
    region: Literal["face", "head"] = "face"
    """Region that the conditioning image of synthetic pairs hides: the inner face, or hair, neck and clothes too."""
    found: bool = False
    """Detect, crop and parse the synthetic sources as photos that are edited, with all the mistakes of that."""
    warp_every: int = 0
    """Show the warp of the source in place of the true target in every so many-th synthetic pair; 0 is never. Goes with
    found."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (Defaults.of(self.defaults).conditioning_image == "photo") != (
            self.conditioning_image == "photo"
        ) and self.synthetic_count:
            raise InputError(
                'conditioning_image = "photo" goes both among the data and in [defaults].', code="conflict"
            )


run = training("magicface.task:MagicFaceTask")
main = partial(command, "magicface.train", ABOUT, MagicFaceConfig, run)


if __name__ == "__main__":
    sys.exit(main())
