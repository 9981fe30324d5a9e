"""Trains RigFace: `accelerate launch -m rigface.train config.toml`, or `python -m rigface.train config.toml`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.cli import console
from common.core.errors import InputError
from common.training.command import command
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
        if self.synthetic_count and self.defaults.get("guide") != "photo":
            raise InputError('Synthetic pairs show the network the photo itself: write guide = "photo" in [defaults].')


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    return command("rigface.train", ABOUT, RigFaceConfig, run, argv)


def run(config: RigFaceConfig) -> int:
    """Trains; returns the exit code."""
    from common.training.loop import train  # torch and diffusers load here, after the config has been understood

    from .task import RigFaceTask

    config = config.of_model()
    train(config, RigFaceTask(config))
    return console.OK


if __name__ == "__main__":
    sys.exit(main())
