"""Teaches a small text encoder to read captions, before a whole model is trained with it."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.optimization import get_scheduler
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from common.cli import console
from common.core.errors import InputError
from common.core.files import alone, replace_file
from common.training.command import command
from common.training.latents import CachedLatents
from common.training.sampler import generator
from common.weights.vae import load_vae

from .data import sources
from .task import SampleEncoder
from .text_to_face import size_of, text_networks
from .train import FineFaceConfig

ABOUT = """Teaches a small text encoder to read captions, before a whole model is trained with it.

    python -m fineface.teach examples/train_fineface_embedded.toml
    python -m fineface.train examples/train_fineface_embedded.toml

It learns to predict the coarse picture of a caption: its latents, averaged to a few squares. Trained together with the
UNet from random weights, a text encoder soon embeds all captions alike: noise hides for long what words are good for.
The config is that of the training; `text` there names the folder that this writes. It takes minutes; it cannot resume.
"""

SQUARES = 8  # a side of the averaged latents
BATCH = 64
RATE = 7e-4
WARMUP = 100
DECAY = 0.05
HELD_OUT = 0.05
REPORT = "taught.json"


class Reader(nn.Module):
    """CLIP's text encoder, and a linear layer that predicts the `outputs` numbers of a picture."""

    def __init__(self, text_encoder: Any, outputs: int) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.head = nn.Linear(text_encoder.config.hidden_size, outputs)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (B, L) -> (B, outputs), from the state of the token that ends a caption, which has seen all of it."""
        end = (tokens == self.text_encoder.config.eos_token_id).int().argmax(1)
        states = self.text_encoder(tokens[:, : int(end.max()) + 1])[0]  # what follows the end is not seen from there
        return self.head(states[torch.arange(len(tokens)), end])


def teach(config: FineFaceConfig, folder: Path) -> float:
    """Writes `text_encoder/`, `tokenizer/` and a report; returns which fraction of held-out variance captions explain.

    Raises InputError: a variant other than "whole", or data that cannot be used.
    """
    if config.variant != "whole" or not config.vae:
        raise InputError('A text encoder to teach needs variant = "whole" and a vae.', code="conflict")
    data, _, _ = sources(config, size_of(config))
    torch.manual_seed(config.seed)
    tokenizer, text_encoder = text_networks(config, data.captions())
    encoder = SampleEncoder(load_vae(Path(config.vae).expanduser()).requires_grad_(False), tokenizer)
    cache = None if config.cache_latents in ("", "memory") else Path(config.cache_latents).expanduser()
    latents = CachedLatents(data, encoder, cache, config.workers)
    texts, squares = [], []
    for batch in tqdm(DataLoader(latents, batch_size=64, num_workers=config.workers), desc="Reading latents"):
        texts.append(batch["text"])
        side = min(SQUARES, batch["mean"].shape[-1])
        squares.append(F.adaptive_avg_pool2d(batch["mean"], side).flatten(1))
    tokens = torch.cat(texts)  # (N, L)
    table = torch.cat(squares)  # (N, C SQUARES^2)
    pictures = (table - table.mean(0)) / table.std(0).clamp(min=1e-6)
    explained = fit(Reader(text_encoder, pictures.shape[1]), tokens, pictures, config.text_steps, config.seed)
    text_encoder.save_pretrained(folder / "text_encoder")
    tokenizer.save_pretrained(folder / "tokenizer")
    report = json.dumps({"explained": explained, "steps": config.text_steps, "samples": len(tokens)}) + "\n"
    replace_file(folder / REPORT, lambda path: path.write_text(report, encoding="utf-8"))
    return explained


def fit(reader: Reader, tokens: torch.Tensor, pictures: torch.Tensor, steps: int, seed: int) -> float:
    """Trains a reader; returns which fraction of the variance of held-out pictures it explains, 1 at most.

    `tokens` are (N, L) int64, `pictures` (N, outputs), each column of mean 0 and deviation 1.
    """
    order = torch.randperm(len(tokens), generator=generator(seed, 5))
    apart = max(1, int(HELD_OUT * len(tokens)))
    held_out, known = order[:apart], order[apart:]
    optimizer = torch.optim.AdamW(reader.parameters(), RATE, weight_decay=DECAY)
    rate = get_scheduler("cosine", optimizer, num_warmup_steps=min(WARMUP, steps), num_training_steps=steps)
    bar = tqdm(range(steps), desc="Teaching the text encoder", unit="step", mininterval=2)
    for step in bar:
        chosen = known[torch.randint(len(known), (BATCH,), generator=generator(seed, 6, step))]
        loss = F.mse_loss(reader(tokens[chosen]), pictures[chosen])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        rate.step()
        if step % 50 == 0:
            bar.set_postfix(explained=f"{1 - float(loss.detach()):.3f}")
    with torch.no_grad():
        said = torch.cat([reader(part) for part in tokens[held_out].split(BATCH)])
    truth = pictures[held_out]
    return float(1 - (said - truth).square().mean() / (truth - truth.mean(0)).square().mean())


def run(config: FineFaceConfig) -> int:
    """Teaches; returns the exit code."""
    if not config.text:
        raise InputError("text must name the folder of the text encoder.", code="missing")
    folder = Path(config.text).expanduser()
    with alone(folder):
        explained = teach(config, folder)
    print(f"{folder}: captions explain {100 * explained:.0f} % of what held-out pictures coarsely look like")
    return console.OK


main = partial(command, "fineface.teach", ABOUT, FineFaceConfig, run)


if __name__ == "__main__":
    sys.exit(main())
