"""Trains RigFace: `accelerate launch -m rigface.train config.toml`, or `python -m rigface.train config.toml`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from common.core.errors import InputError
from common.training.command import command, training
from common.training.config import EditConfig

ABOUT = """Trains RigFace.

    accelerate launch -m rigface.train config.toml
    python -m rigface.train examples/train_rigface_embedded.toml --set output=out/mine

Re-run the command to resume a training that was stopped, from its last checkpoint.
"""


@dataclass(frozen=True)
class RigFaceConfig(EditConfig):
    """Options of a training of RigFace: networks, data, and all of `EditConfig`."""

    embedded = Path(__file__).with_name("embedded")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.synthetic_count and self.defaults.get("conditioning_image") != "photo":
            raise InputError('Synthetic pairs need conditioning_image = "photo" in [defaults].', code="conflict")


run = training("rigface.task:RigFaceTask")
main = partial(command, "rigface.train", ABOUT, RigFaceConfig, run)


if __name__ == "__main__":
    sys.exit(main())
