"""Trains the small autoencoder that an embedded model works in: `python -m common.training.autoencoder config.toml`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from diffusers import AutoencoderDC
from diffusers.optimization import get_scheduler
from torch.utils.data import DataLoader
from tqdm import tqdm

from .. import cli
from ..autoencoders import decode, encode, load_vae
from ..errors import FaceEditError, InputError
from ..files import PATIENCE, alone, replace_file
from ..synthetic.dataset import SyntheticFaces
from . import records
from .command import command
from .config import at_least
from .face_pictures import FacePictures
from .networks import begin_with, built
from .order import Numbered, Turns, generator
from .sheet import sheet

ABOUT = """Trains the small autoencoder that an embedded model works in.

    python -m common.training.autoencoder config.toml

Published models bring Stable Diffusion's, which needs no training. This one is a deep compression autoencoder (Chen et
al. 2024, arXiv 2410.10733): its shortcuts from pixels to channels make it learn in minutes what takes Stable
Diffusion's kind hours, and it does hardly any work at full resolution.
"""

LOG = ("step", "loss", "learning_rate")
STATE = "state.pt"


@dataclass(frozen=True)
class AutoencoderConfig:
    """What the training of an autoencoder is told.

    Raises:
        InputError: a number out of its range.
    """

    output: str
    """Folder of everything that the training writes; the autoencoder lies in `vae` there."""
    autoencoder: dict[str, Any] = field(default_factory=dict)
    """Table of AutoencoderDC's options."""
    start: str = ""
    """Folder of a trained autoencoder whose weights it begins with, wherever they have the same shape."""
    size: int = 128
    """Side of the pictures in pixels."""
    synthetic_count: int = 24_000
    """Synthetic pairs to train on, both pictures of each."""
    synthetic_seed: int = 1
    """Of the synthetic pairs; the held-out ones have the next."""
    synthetic_people: int = 8_000
    """How many people take turns."""
    synthetic_cache: str = ""
    """Folder where synthetic pictures are kept."""
    seed: int = 0
    """Of weights, order and mirroring."""
    steps: int = 3000
    """Optimiser steps."""
    batch_size: int = 16
    """Pictures of a step."""
    workers: int = 1
    """Processes that load pictures."""
    precision: Literal["no", "bf16"] = "no"
    """Of the arithmetic; weights stay in float32."""
    compile: bool = False
    """Compile encoder and decoder (`torch.compile`): a minute, then a fifth faster on a CPU."""
    learning_rate: float = 5e-4
    """Of AdamW, at its peak; then it falls as a cosine."""
    warmup: int = 100
    """Steps in which the learning rate rises from zero."""
    latent_noise: float = 0.05
    """Deviation of the noise that the decoder learns to bear; the latents' own is 1."""
    spread_weight: float = 0.02
    """Of the latents' departure from mean 0 and deviation 1."""
    edge_weight: float = 0.5
    """Of the difference of neighbouring pixels' differences: what keeps edges sharp."""
    scale_weight: float = 0.0
    """Of the difference between what half-sized latents give and the half-sized picture: it makes latents smooth, which
    a denoiser learns several times faster (EQ-VAE, Kouzelis et al. 2025, arXiv 2502.09509)."""
    face_weight: float = 3.0
    """How much more the inner face counts, which an editor redraws."""
    closer: float = 1.0
    """Half of the pictures are cut out closer at the face, up to so many times; those held out all by its root."""
    checkpoint_every: int = 250
    """Steps between checkpoints."""
    validation_count: int = 32
    """Held-out pictures that are measured at checkpoints."""

    def __post_init__(self) -> None:
        for name in ("size", "synthetic_count", "synthetic_people", "steps", "checkpoint_every", "validation_count"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1; got {getattr(self, name)}.")
        for name in (
            "synthetic_seed",
            "seed",
            "workers",
            "warmup",
            "latent_noise",
            "spread_weight",
            "edge_weight",
            "scale_weight",
        ):
            at_least(name, getattr(self, name), 0)
        at_least("closer", self.closer, 1)
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(f"learning_rate must be a number above 0; got {self.learning_rate}.")
        if self.batch_size < 2 or self.batch_size % 2:
            raise InputError(f"batch_size counts the pictures of pairs and must be even; got {self.batch_size}.")


def reconstruction_loss(
    encoder: Any,
    decoder: Any,
    pictures: torch.Tensor,
    face: torch.Tensor,
    noise: torch.Tensor,
    config: AutoencoderConfig,
) -> torch.Tensor:
    """Mean |x - D(E(x) + noise)| and that of its gradients, the inner face weighted, plus spread and scale of E(x).

    The spread is the mean square of each channel's mean and of its deviation's logarithm: the latents get the size of
    the noise that a denoiser takes from them, and conditions need no scaling. The scale is mean
    |x' - D(E(x)')|, where ' halves the sides.

    Args:
        encoder: pictures to latents; a module of its own, so that it may be a compiled graph.
        decoder: back.
        pictures: (B, 3, S, S) in [-1, 1].
        face: (B, 1, S, S) in [0, 1].
        noise: (B, C, s, s), standard normal; `latent_noise` of it is added: a denoiser's results are never exact.
        config: the weights.
    """
    latents = encoder(pictures).float()
    difference = decoder(latents + config.latent_noise * noise).float() - pictures
    weight = 1 + (config.face_weight - 1) * face
    across, down = difference.diff(dim=3), difference.diff(dim=2)
    pixels = (weight * difference.abs()).mean()
    edges = (weight[..., 1:] * across.abs()).mean() + (weight[..., 1:, :] * down.abs()).mean()
    spread = (latents.mean((0, 2, 3)).square() + latents.std((0, 2, 3)).log().square()).mean()
    loss = (pixels + config.edge_weight * edges) / weight.mean() + config.spread_weight * spread
    if config.scale_weight:
        halved = decoder(F.avg_pool2d(latents, 2)).float() - F.avg_pool2d(pictures, 2)
        loss = loss + config.scale_weight * halved.abs().mean()
    return loss


def train(config: AutoencoderConfig) -> Path:
    """Trains, going on where a training in the same folder was stopped, and returns the autoencoder's folder.

    Raises:
        InputError: options that make no autoencoder, or another one than was begun in this folder, or another training
            is at work there.
        FaceEditError: the loss is no longer a number.
    """
    output = Path(config.output).expanduser()
    with alone(output, PATIENCE):
        return _train(config, output)


def _train(config: AutoencoderConfig, output: Path) -> Path:
    torch.manual_seed(config.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vae: Any = built(AutoencoderDC, "autoencoder", config.autoencoder).to(device)
    divisor = vae.spatial_compression_ratio * (2 if config.scale_weight else 1)  # for latents that can be halved
    if config.size % divisor:
        raise InputError(f"size must divide by {divisor}; got {config.size}.")
    optimizer = torch.optim.AdamW(vae.parameters(), config.learning_rate)
    rate = get_scheduler("cosine", optimizer, num_warmup_steps=config.warmup, num_training_steps=config.steps)
    if config.start and not (output / STATE).is_file():
        begin_with(vae, load_vae(Path(config.start).expanduser()))
    parts = {"vae": vae, "optimizer": optimizer, "rate": rate}
    first = _resume(output / STATE, parts, config.learning_rate, device)
    if config.compile:
        vae.encoder.compile(dynamic=False)
        vae.decoder.compile(dynamic=False)
    held_out = torch.cat([item["picture"] for item in _faces(config, held_out=True)]).to(device)  # type: ignore[attr-defined]
    turns = Turns(first, config.steps, config.batch_size // 2, passes=1, process=0, processes=1)
    loader = DataLoader(Numbered(_faces(config), config.seed), batch_sampler=turns, num_workers=config.workers)
    log = records.Log(output / "log.csv", LOG, first)
    rows: list[dict[str, float]] = []
    bar = tqdm(loader, desc="Training the autoencoder", unit="step", mininterval=2)
    for step, batch in enumerate(bar, first + 1):
        pictures, face = (batch[name].flatten(0, 1).to(device) for name in ("picture", "face"))
        if step % 2:
            pictures, face = pictures.flip(3), face.flip(3)
        side = config.size // vae.spatial_compression_ratio
        shape = (len(pictures), vae.config.latent_channels, side, side)
        noise = torch.randn(shape, generator=generator(config.seed, 2, step)).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            loss = reconstruction_loss(vae.encoder, vae.decoder, pictures, face, noise, config)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        if not torch.isfinite(loss.detach() + norm):
            raise FaceEditError(
                f"The loss is no number any more at step {step}.\n"
                "  go on from the last checkpoint with a smaller learning_rate"
            )
        optimizer.step()
        optimizer.zero_grad()
        rows.append({"step": step, "loss": float(loss.detach()), "learning_rate": float(rate.get_last_lr()[0])})
        rate.step()
        if step % config.checkpoint_every == 0 or step == config.steps:
            log.add(rows)
            rows = []
            quality = _validate(vae, held_out, output, step)
            bar.set_postfix(psnr=f"{quality:.2f} dB")
            state = {name: part.state_dict() for name, part in parts.items()} | {"step": step}
            replace_file(output / STATE, lambda path, state=state: torch.save(state, path))
    records.draw_curve(output / "log.csv", output / "loss.png")
    vae.save_pretrained(output / "vae")
    return output / "vae"


def _resume(path: Path, parts: Mapping[str, Any], learning_rate: float, device: torch.device) -> int:
    """Puts a stopped training's state into the parts; returns its step, 0 where there is none."""
    if not path.is_file():
        return 0
    try:
        kept = torch.load(path, map_location=device, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(kept[name])
        step = int(kept["step"])
    except Exception as error:  # damaged files fail in many ways
        raise InputError(
            f"{path} is damaged, or does not fit the config: {str(error)[:300]}\n"
            "  go on with the networks that it had, or name another output; delete it if damaged"
        ) from error
    rate = parts["rate"]
    rate.base_lrs = [learning_rate] * len(rate.base_lrs)
    rate.last_epoch = step - 1
    rate.step()  # sets the rate of the next step
    return step


def _faces(config: AutoencoderConfig, held_out: bool = False) -> FacePictures:
    return FacePictures(
        SyntheticFaces(
            (config.validation_count + 1) // 2 if held_out else config.synthetic_count,
            size=config.size,
            seed=config.synthetic_seed + held_out,
            pairs="expression",
            people=None if held_out else config.synthetic_people,
            cache=config.synthetic_cache or None,
        ),
        config.closer,
        always=held_out,
    )


@torch.no_grad()
def _validate(vae: Any, pictures: torch.Tensor, output: Path, step: int) -> float:
    """Mean PSNR in dB of the held-out pictures; leaves a sheet of some and a line in validation.csv."""
    decoded = torch.cat([decode(vae, encode(vae, part)[0]) for part in pictures.split(8)])
    before, after = (picture.float().clamp(-1, 1) / 2 + 0.5 for picture in (pictures, decoded))
    psnr = float((-10 * (before - after).square().mean((1, 2, 3)).log10()).mean())
    page = sheet({"picture": before[:8], "decoded": after[:8]}, [""] * len(before[:8]))
    replace_file(output / "validation.png", page.save)
    log = records.Log(output / "validation.csv", ("step", "psnr"), step - 1)
    log.add([{"step": step, "psnr": psnr}])
    return psnr


def run(config: AutoencoderConfig) -> int:
    """Trains; returns the exit code."""
    print(f"finished: {train(config)}")
    return cli.OK


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    return command("common.training.autoencoder", ABOUT, AutoencoderConfig, run, argv)


if __name__ == "__main__":
    sys.exit(main())
