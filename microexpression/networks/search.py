"""Which parts a network gets, chosen by gradient: what the RCN paper calls its automatic strategy.

All candidates are there at once, each place a weighted mean of its parts (Liu et al. 2019, DARTS, arXiv 1806.09055, of
first order). Weights of the networks follow one half of the samples, those of the choice the other half, in turn; what
weighs most at the end is the architecture. Only training samples take part: a protocol's test samples never do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn import functional as F

from .modules import attention
from .rcn import BLOCKS, PLACES, STEMS, Architecture

CHOICES = {"stem": tuple(STEMS), "block": tuple(BLOCKS), "attention": PLACES}


class Supernet(nn.Module):
    """Every RCN at once: (B, 3, H, W) -> logits (B, `classes`).

    `maps`, F, `pool`, P, and `dropout` are those of `RCN`.
    """

    def __init__(self, classes: int = 3, maps: int = 32, pool: int = 5, dropout: float = 0.5) -> None:
        super().__init__()
        self.stems = nn.ModuleDict({name: stem(maps, dropout) for name, stem in STEMS.items()})
        self.blocks = nn.ModuleDict({name: block(maps, dropout) for name, block in BLOCKS.items()})
        self.choice = nn.ParameterDict({name: nn.Parameter(torch.zeros(len(all_))) for name, all_ in CHOICES.items()})
        self.classifier = nn.Linear(maps * pool * pool, classes)
        self.maps, self.pool = maps, pool

    def shares(self, place: str) -> dict[str, torch.Tensor]:
        """How much each part counts at a place of `CHOICES`; they sum to 1."""
        return dict(zip(CHOICES[place], self.choice[place].softmax(0)))

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """Logits, see the class."""
        weight = self.classifier.weight.view(-1, self.maps, self.pool, self.pool)
        places = self.shares("attention")
        seen = {name: stem(flow) for name, stem in self.stems.items()}
        side = seen["wide"].shape[-2:]  # stems answer at other sizes
        x = torch.stack([F.adaptive_avg_pool2d(seen[n], side) * share for n, share in self.shares("stem").items()]).sum(
            0
        )
        looked = F.interpolate(attention(flow, weight), side)
        x = x * (1 - places["input"] + places["input"] * looked)
        made = {name: F.adaptive_avg_pool2d(block(x, weight), self.pool) for name, block in self.blocks.items()}
        y = torch.stack([made[name] * share for name, share in self.shares("block").items()]).sum(0)
        y = y * (1 - places["output"] + places["output"] * attention(x, weight))
        return self.classifier(y.flatten(1))

    def architecture(self) -> Architecture:
        """What weighs most."""
        return Architecture(**{place: CHOICES[place][int(self.choice[place].argmax())] for place in CHOICES})


def search(
    flows: torch.Tensor,
    labels: torch.Tensor,
    classes: int,
    *,
    epochs: int = 30,
    batch_size: int = 16,
    learning_rate: float = 5e-3,
    choice_rate: float = 3e-2,
    seed: int = 0,
    maps: int = 32,
    pool: int = 5,
    progress: Callable[[Iterator[int]], Iterator[int]] = iter,
) -> tuple[Architecture, Supernet, list[dict[str, dict[str, float]]]]:
    """The architecture for training samples of flows (N, 3, H, W) in [0, 1] and labels (N,), the network that found it,
    and the shares after each epoch.

    `batch_size` is of each half; `learning_rate` of the networks, AdamW's; `choice_rate` of the choice, Adam's; `maps`
    and `pool` see `RCN`; `progress` wraps the epochs, for a bar.
    """
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    net = Supernet(classes, maps, pool).to(flows.device)
    weights = [value for name, value in net.named_parameters() if not name.startswith("choice")]
    both = torch.optim.AdamW(weights, learning_rate), torch.optim.Adam(net.choice.values(), choice_rate)
    halves = torch.randperm(len(flows), generator=order).tensor_split(2)
    history = []
    net.train()
    for _ in progress(iter(range(epochs))):
        shuffled = [half[torch.randperm(len(half), generator=order)].split(batch_size) for half in halves]
        for rows in zip(*shuffled):
            for turn, own in zip(both, rows):
                if len(own) < 2:  # nothing to normalise by
                    continue
                net.zero_grad()
                F.cross_entropy(net(flows[own]), labels[own]).backward()
                turn.step()
        history.append({place: {n: float(s.detach()) for n, s in net.shares(place).items()} for place in CHOICES})
    return net.architecture(), net, history
