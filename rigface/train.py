"""Trains RigFace: `accelerate launch -m rigface.train config.toml`, or `python -m rigface.train config.toml`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch.utils.data import Dataset

from common import cli
from common.action_units import ACTION_UNITS, to_text
from common.checkpoints import RIGFACE
from common.defaults import Defaults
from common.draft.change import TURN_SCALE, VECTOR_SIZE
from common.errors import InputError
from common.synthetic.dataset import SyntheticFaces
from common.training.command import command
from common.training.edit import listed, synthetic_told, train_editor
from common.training.edit_config import EditConfig
from common.training.edit_networks import Kind
from common.training.edit_validation import Pair

from .data import ManifestRigs, SyntheticRigs
from .editor import GUIDES, RigFace

ABOUT = """Trains RigFace.

    accelerate launch -m rigface.train config.toml
    python -m rigface.train examples/train_rigface_embedded.toml --set output=out/mine

A training that was stopped goes on where its last checkpoint was when the same command runs again.
"""


@dataclass(frozen=True)
class RigFaceConfig(EditConfig):
    """What a training of RigFace is told: networks, data, and all of `TwinConfig`."""

    embedded = RigFace.embedded

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.synthetic_count and Defaults.of(self.defaults, RigFace.published).guide != "photo":
            raise InputError('Synthetic pairs show the network the photo itself: write guide = "photo" in [defaults].')


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    return command("rigface.train", ABOUT, RigFaceConfig, run, argv)


def run(config: RigFaceConfig) -> int:
    """Trains; returns the exit code."""
    config = config.of_model()
    numbers = ManifestRigs(config.manifest, 8).vector_size if config.manifest else VECTOR_SIZE
    kind = Kind("RigFace", RIGFACE, vector_size=numbers, guides=GUIDES)
    train_editor(
        config, kind, config.use(RigFace.published), lambda size: pairs(config, size),
        lambda count, size: notes(config, count, size), named=named,
    )  # fmt: skip
    return cli.OK


def pairs(config: RigFaceConfig, size: int) -> tuple[Dataset[Pair], Dataset[Pair] | None, str]:
    """The pairs to train on, those held out, and what the model card says of both."""
    if config.manifest:
        return listed(config, lambda path: ManifestRigs(path, size))

    def synthetic(count: int, seed: int) -> SyntheticRigs:
        faces = SyntheticFaces(
            count, size=size, seed=seed, pairs="mixed", people=config.synthetic_people or None,
            cache=config.synthetic_cache or None, names=("image", "angles", "light"),
        )  # fmt: skip
        return SyntheticRigs(faces, zoom=config.use(RigFace.published).zoom)

    held_out = synthetic(config.validation_count, config.synthetic_seed + 1) if config.validation_count else None
    return synthetic(config.synthetic_count, config.synthetic_seed), held_out, synthetic_told(config)


def named(vector: list[float]) -> str:
    """A change in words, such as "AU12=2.5 yaw=10 light"; of vectors that are not ours, their length."""
    if len(vector) != VECTOR_SIZE:
        return f"{len(vector)} coefficients"
    count = len(ACTION_UNITS)
    units, turn, light = vector[:count], vector[count : count + 3], vector[count + 3 :]
    words = [to_text([round(value, 1) for value in units])] if any(abs(value) > 0.05 for value in units) else []
    degrees = dict(zip(("yaw", "pitch", "roll"), turn))
    words += [f"{name}={TURN_SCALE * value:.0f}" for name, value in degrees.items() if abs(TURN_SCALE * value) > 0.5]
    return " ".join([*words, *["light"] * any(abs(value) > 0.01 for value in light)]) or "nothing"


def notes(config: RigFaceConfig, count: int, size: int) -> str:
    """What the model card says before the table."""
    kind = f"pairs listed in `{Path(config.manifest).name}`" if config.manifest else "synthetic pairs"
    ours = (
        " What the network reads is our own: the photo, its draft, and the change in 24 numbers (`rigface.rendered`)."
    )
    return (
        "Changes light, pose and expression of a face (after Wei et al., arXiv 2502.02465).\n\n"
        "    rigface photo.jpg --light azimuth=60 --pose yaw=15 AU12=3 --model FOLDER\n\n"
        f"Trained on {count} {kind} of {size} x {size} pixels, from {config.origin}.{'' if config.manifest else ours}"
    )


if __name__ == "__main__":
    sys.exit(main())
