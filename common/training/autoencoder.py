"""Trains the small autoencoder that an embedded model works in: `python -m common.training.autoencoder config.toml`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderDC
from torch import nn
from torch.utils.data import Dataset

from ..cli import console
from ..core.files import replace_file
from ..core.numbers import check_fields, check_multiple
from ..parsing import foreground
from ..synthetic.data.dataset import SyntheticFaces
from ..weights.vae import decode, encode, load_vae
from .command import command
from .config import Precision, Schedule, TrainConfig
from .loop import State, Task, train
from .networks import begin_with, built, part
from .sampler import ALONE, Group, generator
from .sheet import sheet

ABOUT = """Trains the small autoencoder that an embedded model works in.

    python -m common.training.autoencoder config.toml

Published models bring Stable Diffusion's, which needs no training. This one is a deep compression autoencoder (Chen et
al. 2024, arXiv 2410.10733): its shortcuts from pixels to channels make it learn in minutes what takes Stable
Diffusion's kind hours, and it does hardly any work at full resolution.
"""


@dataclass(frozen=True)
class AutoencoderConfig(TrainConfig):
    """Options of the training of an autoencoder. Raises InputError: a number out of its range."""

    autoencoder: dict[str, Any] = field(default_factory=dict)
    """Table of AutoencoderDC's options."""
    start: str = ""
    """Folder of a trained autoencoder whose weights it starts from, wherever they have the same shape."""
    size: int = 128
    """Side of the pictures in pixels."""
    synthetic_count: int = 24_000
    """Number of synthetic pairs to train on, both pictures of each."""
    synthetic_seed: int = 1
    """Random seed of the synthetic pairs; the held-out ones have the next."""
    synthetic_people: int = 8_000
    """How many people take turns."""
    synthetic_cache: str = ""
    """Folder where synthetic pictures are cached."""
    compile: bool = False
    """Compile encoder and decoder (`torch.compile`): a minute, then a fifth faster on a CPU."""
    latent_noise: float = 0.05
    """Deviation of the noise that the decoder learns to tolerate; the latents' own is 1."""
    spread_weight: float = 0.02
    """Weight of the latents' departure from mean 0 and deviation 1."""
    edge_weight: float = 0.5
    """Weight of the difference of neighbouring pixels' differences: what keeps edges sharp."""
    scale_weight: float = 0.0
    """Weight of the difference between what half-sized latents give and the half-sized picture: it makes latents
    smooth, which a denoiser learns several times faster (EQ-VAE, Kouzelis et al. 2025, arXiv 2502.09509)."""
    face_weight: float = 3.0
    """Weight of the inner face, which an editor redraws, relative to the rest of the picture."""
    closer: float = 1.0
    """Every second pair is cut out closer at the face, up to so many times; those held out all by its root."""

    steps: int = 3000
    batch_size: int = 16
    """Pictures of one optimiser step, over all processes and accumulated passes together."""
    workers: int = 1
    precision: Precision = "no"
    learning_rate: float = 5e-4
    schedule: Schedule = "cosine"
    warmup: int = 100
    checkpoint_every: int = 250
    validate_every: int = 250
    validation_count: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, "size", "synthetic_count", "synthetic_people", "closer", low=1)
        check_fields(self, "synthetic_seed", "latent_noise", "spread_weight", "edge_weight", "scale_weight", low=0)
        check_fields(self, "face_weight", above=0)


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

    `pictures` are (B, 3, S, S) in [-1, 1], `face` (B, 1, S, S) in [0, 1], `noise` (B, C, s, s) standard normal, of
    which `latent_noise` is added: a denoiser's results are never exact. Encoder and decoder may be compiled graphs.
    """
    latents = encoder(pictures).float()
    difference = decoder(latents + config.latent_noise * noise).float() - pictures
    weight = 1 + (config.face_weight - 1) * face
    across = difference.diff(dim=3)
    down = difference.diff(dim=2)
    pixels = (weight * difference.abs()).mean()
    edges = (weight[..., 1:] * across.abs()).mean() + (weight[..., 1:, :] * down.abs()).mean()
    spread = (latents.mean((0, 2, 3)).square() + latents.std((0, 2, 3)).log().square()).mean()
    loss = (pixels + config.edge_weight * edges) / weight.mean() + config.spread_weight * spread
    if config.scale_weight:
        halved = decoder(F.avg_pool2d(latents, 2)).float() - F.avg_pool2d(pictures, 2)
        loss = loss + config.scale_weight * halved.abs().mean()
    return loss


class Reconstruction(nn.Module):
    """The autoencoder and its loss, as one module that accelerate wraps; see `reconstruction_loss`."""

    def __init__(self, vae: AutoencoderDC, config: AutoencoderConfig) -> None:
        super().__init__()
        self.vae = vae
        self.config = config

    def forward(self, pictures: torch.Tensor, face: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """The loss, a number."""
        return reconstruction_loss(self.vae.encoder, self.vae.decoder, pictures, face, noise, self.config)

    def enable_gradient_checkpointing(self) -> None:
        """Trades computation for memory, where the autoencoder can."""
        self.vae.enable_gradient_checkpointing()


class AutoencoderTask(Task):
    """An autoencoder that learns synthetic faces. Raises InputError: options that make no autoencoder."""

    metrics = ("psnr",)
    title = "An autoencoder of faces"

    def __init__(self, config: AutoencoderConfig) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.vae: Any = built(AutoencoderDC, "autoencoder", config.autoencoder)
        self.ratio = self.vae.spatial_compression_ratio
        divisor = self.ratio * (2 if config.scale_weight else 1)  # for latents that can be halved
        check_multiple("size", config.size, divisor)
        if config.start:
            begin_with(self.vae, load_vae(Path(config.start).expanduser()))
        if config.compile:
            self.vae.encoder.compile(dynamic=False)
            self.vae.decoder.compile(dynamic=False)
        self.module = Reconstruction(self.vae, config)
        count = config.synthetic_count
        self.notes = f"Trained on {count} synthetic pairs of {config.size} x {config.size} pixels (`common.synthetic`)."
        self._held_out = torch.empty(0)

    def data(self, group: Group = ALONE, *, held_out: bool = False) -> FacePictures:
        """The pictures to train on, or those held out."""
        config = self.config
        faces = SyntheticFaces(
            (config.validation_count + 1) // 2 if held_out else config.synthetic_count,
            size=config.size,
            seed=config.synthetic_seed + held_out,
            pairs="expression",
            people=None if held_out else config.synthetic_people,
            cache=config.synthetic_cache or None,
        )
        return FacePictures(faces, config.closer, always=held_out)

    def loss(self, module: Any, batch: Mapping[str, Any], device: torch.device) -> torch.Tensor:
        """The reconstruction loss; the pictures of every second step are mirrored."""
        pictures = batch["picture"].to(device)
        face = batch["face"].to(device)
        numbers = batch["number"].tolist()
        if numbers[0] // self.config.batch_size % 2 == 0:
            pictures = pictures.flip(3)
            face = face.flip(3)
        side = self.config.size // self.ratio
        shape = (self.vae.config.latent_channels, side, side)
        noise = [torch.randn(shape, generator=generator(self.config.seed, 2, number)) for number in numbers]
        return module(pictures, face, torch.stack(noise).to(device))

    @torch.no_grad()
    def validate(self, module: Any, step: int, folder: Path) -> dict[str, float]:
        """Mean PSNR in dB of the held-out pictures; writes step-N.png with some of them."""
        if not len(self._held_out):
            pictures = self.data(held_out=True)
            self._held_out = torch.stack([pictures[i]["picture"] for i in range(len(pictures))])
        device = next(module.parameters()).device
        parts = self._held_out.to(device).split(8)
        decoded = torch.cat([decode(module.vae, encode(module.vae, pictures)[0]) for pictures in parts]).cpu()
        before, after = (pictures.float().clamp(-1, 1) / 2 + 0.5 for pictures in (self._held_out, decoded))
        page = sheet({"picture": before[:8], "decoded": after[:8]}, [""] * len(before[:8]))
        replace_file(folder / f"step-{step:08d}.png", page.save)
        return {"psnr": float((-10 * (before - after).square().mean((1, 2, 3)).log10()).mean())}

    def save(self, folder: Path, state: State) -> None:
        """Writes the autoencoder as `load_vae` reads it."""
        vae: Any = AutoencoderDC.from_config(self.vae.config)
        vae.load_state_dict(part(state, "vae."))
        vae.save_pretrained(folder)


class FacePictures(Dataset[dict[str, torch.Tensor]]):
    """Pictures of pairs, as `picture` (3, S, S) in [-1, 1], with the inner face as `face` (1, S, S).

    The two pictures of each pair follow each other; every second pair is cut out up to `closer` times closer, or with
    `always` all of them by its root.
    """

    def __init__(self, faces: SyntheticFaces, closer: float = 1.0, *, always: bool = False) -> None:
        self.faces = faces
        self.closer = closer
        self.always = always

    def __len__(self) -> int:
        return 2 * len(self.faces)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        number, role = divmod(index, 2)
        pair = self.faces[number]
        shown = pair[("source", "target")[role]]
        face = torch.from_numpy(foreground(shown["parts"].numpy(), "face")).float()
        planes = torch.cat([2 * shown["image"] - 1, face[None]])
        if self.always or number % 2:
            power = 0.5 if self.always else float(torch.rand((), generator=generator(number)))
            planes = cut_closer(planes[None], pair["source"]["landmarks"], self.closer**power)[0]
        return {"picture": planes[:3], "face": planes[3:]}


def cut_closer(pictures: torch.Tensor, landmarks: torch.Tensor, closer: float) -> torch.Tensor:
    """Pictures (B, C, S, S), `closer` times as large round the landmarks (68, 2) in pixels."""
    side = pictures.shape[-1]
    centre = (landmarks.mean(0) + 0.5) * 2 / side - 1
    rows = torch.tensor([[1 / closer, 0, 0], [0, 1 / closer, 0]])
    rows[:, 2] = centre * (1 - 1 / closer)
    grid = F.affine_grid(rows[None], [1, 1, side, side], align_corners=False).expand(len(pictures), -1, -1, -1)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def run(config: AutoencoderConfig) -> int:
    """Trains; returns the exit code."""
    train(config, AutoencoderTask(config))
    return console.OK


main = partial(command, "common.training.autoencoder", ABOUT, AutoencoderConfig, run)


if __name__ == "__main__":
    sys.exit(main())
