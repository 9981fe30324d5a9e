"""Trains the small autoencoder that an embedded model works in: `python -m common.training.autoencoder config.toml`.

Published models bring Stable Diffusion's, which needs no training. A small one of synthetic faces is a regression: it
has a variance so small that it hardly blurs, and no judge but the pixels.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL
from diffusers.optimization import get_scheduler
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from .. import cli
from ..background import foreground
from ..errors import InputError
from ..files import replace_file
from ..synthetic.dataset import SyntheticFaces
from . import records
from .config import describe, read
from .networks import built
from .order import Numbered, Turns
from .sheet import sheet

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
    """Table of AutoencoderKL's options."""
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
    learning_rate: float = 1e-3
    """Of AdamW, at its peak; then it falls as a cosine."""
    warmup: int = 100
    """Steps in which the learning rate rises from zero."""
    kl_weight: float = 1e-5
    """Of the divergence from a standard normal distribution, per number of the latents."""
    edge_weight: float = 0.5
    """Of the difference of neighbouring pixels' differences: what keeps edges sharp."""
    face_weight: float = 3.0
    """How much more the inner face counts, which an editor redraws."""
    checkpoint_every: int = 250
    """Steps between checkpoints."""
    validation_count: int = 32
    """Held-out pictures that are measured at checkpoints."""

    def __post_init__(self) -> None:
        for name in ("size", "synthetic_count", "synthetic_people", "steps", "checkpoint_every", "validation_count"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1; got {getattr(self, name)}.")
        if self.batch_size < 2 or self.batch_size % 2:
            raise InputError(f"batch_size counts the pictures of pairs and must be even; got {self.batch_size}.")


class FacePictures(Dataset[dict[str, torch.Tensor]]):
    """Both pictures of pairs as `picture` (2, 3, S, S) in [-1, 1], with the inner face as `face` (2, 1, S, S)."""

    def __init__(self, faces: SyntheticFaces) -> None:
        self.faces = faces

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """One pair."""
        item = self.faces[index]
        pair = [item[role] for role in ("source", "target")]
        faces = [torch.from_numpy(foreground(each["parts"].numpy(), "face")).float()[None] for each in pair]
        return {"picture": 2 * torch.stack([each["image"] for each in pair]) - 1, "face": torch.stack(faces)}


def reconstruction_loss(
    vae: Any, pictures: torch.Tensor, face: torch.Tensor, noise: torch.Tensor, config: AutoencoderConfig
) -> torch.Tensor:
    """Mean |x - D(z)| and that of its gradients, the inner face weighted, plus the divergence of z.

    Args:
        vae: the autoencoder.
        pictures: (B, 3, S, S) in [-1, 1].
        face: (B, 1, S, S) in [0, 1].
        noise: (B, C, s, s), standard normal, from which z is drawn.
        config: the weights.
    """
    # Encoder and decoder are called as modules, so that each may be a compiled graph.
    mean, log_variance = vae.quant_conv(vae.encoder(pictures)).float().chunk(2, 1)
    log_variance = log_variance.clamp(-30, 20)
    latents = mean + torch.exp(0.5 * log_variance) * noise
    difference = vae.decoder(vae.post_quant_conv(latents)).float() - pictures
    weight = 1 + (config.face_weight - 1) * face
    across, down = difference.diff(dim=3), difference.diff(dim=2)
    pixels = (weight * difference.abs()).mean()
    edges = (weight[..., 1:] * across.abs()).mean() + (weight[..., 1:, :] * down.abs()).mean()
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return (pixels + config.edge_weight * edges) / weight.mean() + config.kl_weight * divergence


def train(config: AutoencoderConfig) -> Path:
    """Trains, going on where a training in the same folder was stopped, and returns the autoencoder's folder."""
    output = Path(config.output).expanduser()
    torch.manual_seed(config.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vae: Any = built(AutoencoderKL, "autoencoder", {"sample_size": config.size, **config.autoencoder}).to(device)
    optimizer = torch.optim.AdamW(vae.parameters(), config.learning_rate)
    rate = get_scheduler("cosine", optimizer, num_warmup_steps=config.warmup, num_training_steps=config.steps)
    parts = {"vae": vae, "optimizer": optimizer, "rate": rate}
    first = 0
    if (output / STATE).is_file():
        kept = torch.load(output / STATE, map_location=device, weights_only=True)
        first = kept.pop("step")
        for name, part in parts.items():
            part.load_state_dict(kept[name])
    if config.compile:
        vae.encoder.compile()
        vae.decoder.compile()
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
        side = config.size // 2 ** (len(vae.config.block_out_channels) - 1)
        noise = torch.randn(len(pictures), vae.config.latent_channels, side, side, device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            loss = reconstruction_loss(vae, pictures, face, noise, config)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        rows.append({"step": step, "loss": float(loss), "learning_rate": rate.get_last_lr()[0]})
        rate.step()
        if step % config.checkpoint_every == 0 or step == config.steps:
            log.add(rows)
            rows = []
            psnr = _validate(vae, held_out, output, step)
            bar.set_postfix(psnr=f"{psnr:.2f} dB")
            state = {name: part.state_dict() for name, part in parts.items()} | {"step": step}
            replace_file(output / STATE, lambda path, state=state: torch.save(state, path))
    records.draw_curve(output / "log.csv", output / "loss.png")
    vae.register_to_config(scaling_factor=_scale(vae, held_out))
    vae.save_pretrained(output / "vae")
    return output / "vae"


def _faces(config: AutoencoderConfig, held_out: bool = False) -> FacePictures:
    return FacePictures(
        SyntheticFaces(
            (config.validation_count + 1) // 2 if held_out else config.synthetic_count,
            size=config.size,
            seed=config.synthetic_seed + held_out,
            pairs="expression",
            people=None if held_out else config.synthetic_people,
            cache=config.synthetic_cache or None,
        )
    )


@torch.no_grad()
def _validate(vae: Any, pictures: torch.Tensor, output: Path, step: int) -> float:
    """Mean PSNR in dB of the held-out pictures; leaves a sheet of some and a line in validation.csv."""
    decoded = torch.cat([vae.decode(vae.encode(part).latent_dist.mode()).sample for part in pictures.split(8)])
    before, after = (picture.float().clamp(-1, 1) / 2 + 0.5 for picture in (pictures, decoded))
    psnr = float((-10 * (before - after).square().mean((1, 2, 3)).log10()).mean())
    page = sheet({"picture": before[:8], "decoded": after[:8]}, [""] * len(before[:8]))
    replace_file(output / "validation.png", page.save)
    log = records.Log(output / "validation.csv", ("step", "psnr"), step - 1)
    log.add([{"step": step, "psnr": psnr}])
    return psnr


@torch.no_grad()
def _scale(vae: Any, pictures: torch.Tensor) -> float:
    """What brings the latents to a standard deviation of 1."""
    return float(1 / torch.cat([vae.encode(part).latent_dist.mode() for part in pictures.split(8)]).std())


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(
        "python -m common.training.autoencoder",
        description=__doc__,
        epilog=f"keys of the config, with their defaults:\n{describe(AutoencoderConfig)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", type=Path, help="a TOML file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="in place of the file's value"
    )
    args = parser.parse_args(argv)

    def run() -> int:
        print(f"finished: {train(read(AutoencoderConfig, args.config, args.overrides))}")
        return cli.OK

    return cli.guarded(run)


if __name__ == "__main__":
    sys.exit(main())
