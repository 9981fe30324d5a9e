"""Trains FineFace: `accelerate launch -m fineface.train config.toml`, or `python -m fineface.train config.toml`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from common import cli
from common.files import EMBEDDED
from common.training.command import command
from common.training.diffusion import diffusion_task
from common.training.loop import train

from .training.begin import begin, size_of
from .training.config import FineFaceConfig
from .training.loss import TextToFaceLoss
from .training.publish import Publisher
from .training.sources import sources
from .training.validation import METRICS, Validation

ABOUT = """Trains FineFace.

    accelerate launch -m fineface.train config.toml
    python -m fineface.train examples/train_fineface.toml --set folder=faces --set output=out/mine

A training that was stopped goes on where its last checkpoint was when the same command runs again.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    return command("fineface.train", ABOUT, FineFaceConfig, run, argv)


def run(config: FineFaceConfig) -> int:
    """Trains; returns the exit code."""
    config = config.of_model()
    size = size_of(config)
    data, held_out = sources(config, size)
    beginning = begin(config, size, data.captions() if config.unet else ())
    loss = TextToFaceLoss(config, beginning.encoder.texts([""]))
    task = diffusion_task(
        config,
        beginning.module,
        loss,
        beginning.encoder,
        dict(beginning.scheduler.config),
        data,
        Publisher(config, beginning),
        validate=None if held_out is None else Validation(config, beginning, loss, held_out),
        metrics=METRICS,
        slim=not config.unet and not config.model,
        title="A FineFace model",
        notes=notes(config, len(data), size) + measured(config, data.told),
        judge=judged,
    )
    train(config, task)
    return cli.OK


def notes(config: FineFaceConfig, count: int, size: int) -> str:
    """What the model card says before the table."""
    named = {"an image folder": config.folder, "DISFA": config.disfa, "AffectNet": config.affectnet}
    kinds = [name for name, given in named.items() if given] + ["synthetic faces"] * bool(config.synthetic_count)
    base = f" --base {config.base}" if config.base else " --base FOLDER" if config.unet else ""
    origin = "random weights" if config.unet else f"`{config.base or 'the base of ' + config.variant}`, left as it is"
    if config.model == EMBEDDED:
        origin = "the small model inside the package, which saw synthetic people alone"
    elif config.model:
        origin = f"`{Path(config.model).name}`"
    began = f", going on from `{Path(config.adapter).name}`" if config.adapter else ""
    return (
        "Faces from text with action-unit intensities (after Varanka et al., arXiv 2407.20175).\n\n"
        f'    fineface "a close-up of a woman" AU12=4 --model FOLDER{base} --variant {config.variant} -o face.png\n\n'
        f"Trained on {count} samples of {size} x {size} pixels ({', '.join(kinds)}), from {origin}{began}. The data and"
        " the base have licences of their own, which go on to hold."
    )


def measured(config: FineFaceConfig, told: Sequence[str]) -> str:
    """What the model card says of the data, and of who measured them."""
    by = config.measurer or "not stated (set measurer in the config)"
    return f"\n\n## Data\n\n{' '.join(told)}" + f" Action units measured by: {by}." * bool(config.folder)


def judged(metrics: Mapping[str, float]) -> str:
    """What is wrong with a model of these metrics: action units that help it nothing; else empty."""
    if metrics["loss"] < metrics["loss_without_units"]:
        return ""
    return "the loss with action units is no smaller than without: this model does not heed them"


if __name__ == "__main__":
    sys.exit(main())
