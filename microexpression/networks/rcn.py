"""RCN (Xia et al. 2020, IEEE TIP, arXiv 2006.09674): six architectures of a stem, a block and a place of attention.

The attention has no parameters of its own. The parts may also be chosen by gradient (`search`), the paper's automatic
strategy.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from common.core.errors import InputError


def unit(inputs: int, outputs: int, kernel: int, padding: int = 0) -> nn.Sequential:
    """Convolution and batch normalisation."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs))


class Stream(nn.Sequential):
    """Convolution, ReLU, batch normalisation (in this order), one of a stem's; (B, 3, H, W) -> (B, maps, h, w)."""

    def __init__(self, maps: int, reach: int, stride: int) -> None:
        convolution = nn.Conv2d(3, maps, 3, stride=stride, padding=reach, dilation=reach)
        super().__init__(convolution, nn.ReLU(), nn.BatchNorm2d(maps))


def narrow_stem(maps: int, dropout: float) -> nn.Sequential:
    """Stem of A and S: 5 x 5 convolution, pooled; (B, 3, H, W) -> (B, maps, (H-4)/2, (W-4)/2)."""
    parts = {"conv1": unit(3, maps, 5), "relu": nn.ReLU(), "pool": nn.MaxPool2d(2), "drop": nn.Dropout(dropout)}
    return nn.Sequential(OrderedDict(parts))


class WideStem(nn.Module):
    """Stem of W, C and F: three reaches in parallel, at a third of the size; (B, 3, H, W) -> (B, maps, H/3, W/3)."""

    divisors, reaches, stride = (2, 4, 4), (1, 2, 3), 3

    def __init__(self, maps: int, dropout: float) -> None:
        super().__init__()
        for number, (divisor, reach) in enumerate(zip(self.divisors, self.reaches), 1):
            self.add_module(f"stream{number}", Stream(maps // divisor, reach, self.stride))
        self.dropout = dropout

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """See the class."""
        streams = [stream(flow) for stream in self.children()]
        if self.stride == 1:
            streams = [F.max_pool2d(each, 3, padding=1) for each in streams]
        return torch.cat([F.dropout(each, self.dropout, self.training) for each in streams], 1)


class PairStem(WideStem):
    """Stem of P: two reaches at full size, pooled; (B, 3, H, W) -> (B, maps, H/3, W/3)."""

    divisors, reaches, stride = (2, 2), (1, 3), 1


class Recurrent(nn.Module):
    """The recurrent convolution of A and W: one 3 x 3 convolution, twice; (B, maps, H, W) -> (B, maps, H/2, W/2)."""

    def __init__(self, maps: int, dropout: float) -> None:
        super().__init__()
        self.ffconv, self.rrconv = unit(maps, maps, 1), unit(maps, maps, 3, padding=1)
        self.dropout = dropout

    def forward(self, x: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        """See the class; `weight` is not used."""
        first = F.relu(self.rrconv(x + F.relu(self.ffconv(x))))
        return _pooled(F.relu(self.rrconv(x + first)), self.dropout, self.training)


class Dense(nn.Module):
    """The shortcuts of S, P and C: each turn sees the sum of all before; (B, maps, H, W) -> (B, maps, H/2, W/2)."""

    attends = False

    def __init__(self, maps: int, dropout: float) -> None:
        super().__init__()
        self.conv1, self.conv2 = unit(maps, maps, 1), unit(maps, maps, 3, padding=1)
        self.dropout = dropout

    def forward(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """See the class; `weight` is the classifier's, see `attention`."""
        first = F.relu(self.conv1(x))
        if self.attends:
            first = first * F.interpolate(attention(x, weight), first.shape[-2:])  # nearest
        total = x + first
        for _ in range(2):
            total = total + F.relu(self.conv2(total))
        return _pooled(F.relu(self.conv2(total)), self.dropout, self.training)


class Embedding(Dense):
    """The attention inside the shortcuts of F."""

    attends = True


def attention(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Where the classifier looks, (B, 1, P, P) in [0, 1], by its weight (K, maps, P, P), which takes gradients.

    The maps (B, C, H, W) are pooled to the classifier's grid and weighted by each class's row, averaged over its maps
    if C is another number; each class's map is scaled to [0, 1], a constant one to 0, and the classes are averaged.
    """
    pooled = F.adaptive_avg_pool2d(x, weight.shape[-1])
    rows = weight if weight.shape[1] == x.shape[1] else weight.mean(1, keepdim=True)
    seen = (pooled[:, None] * rows).mean(2)  # (B, K, P, P)
    seen = seen - seen.amin((2, 3), keepdim=True)
    largest = seen.amax((2, 3), keepdim=True)
    return (seen / torch.where(largest > 0, largest, 1)).mean(1, keepdim=True)


def _pooled(x: torch.Tensor, dropout: float, training: bool) -> torch.Tensor:
    return F.dropout(F.max_pool2d(x, 2), dropout, training)


STEMS = {"narrow": narrow_stem, "wide": WideStem, "pair": PairStem}
BLOCKS = {"recurrent": Recurrent, "dense": Dense, "embedding": Embedding}
PLACES = ("none", "input", "output")


@dataclass(frozen=True)
class Architecture:
    """The parts of a network; `attention` weights nothing, the stem's output by the flow, or the block's output by the
    stem's. Raises InputError: a part that does not exist (code "unknown").
    """

    stem: Literal["narrow", "wide", "pair"]
    block: Literal["recurrent", "dense", "embedding"]
    attention: Literal["none", "input", "output"] = "none"

    def __post_init__(self) -> None:
        for name, known in (("stem", STEMS), ("block", BLOCKS), ("attention", PLACES)):
            if getattr(self, name) not in known:
                actual = getattr(self, name)
                raise InputError(f"{name} is unknown.", code="unknown", expected=", ".join(known), actual=actual)


ARCHITECTURES = {
    "a": Architecture("narrow", "recurrent", "output"),
    "s": Architecture("narrow", "dense"),
    "w": Architecture("wide", "recurrent"),
    "p": Architecture("pair", "dense", "output"),
    "c": Architecture("wide", "dense", "input"),
    "f": Architecture("wide", "embedding"),
}
"""The paper's: attention, shortcut, wide; its search found P, C and F. The released P and F cannot be constructed (they
call classes that do not exist); the released F takes its second stream twice instead of the third, unlike here."""


class RCN(nn.Module):
    """(B, 3, H, W) of flow in [0, 1] -> logits (B, `classes`); any size from 24 pixels on, 60 is usual.

    Args:
        architecture: one of `ARCHITECTURES` by its letter, or any other.
        maps: F, number of feature maps, a multiple of 4.
        pool: P, side of the classifier's grid, 1 or more.

    Raises:
        InputError: an unknown letter (code "unknown"), or maps or pool out of range ("range").
    """

    def __init__(
        self,
        architecture: str | Architecture = "a",
        classes: int = 3,
        maps: int = 32,
        pool: int = 5,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if isinstance(architecture, str):
            if architecture not in ARCHITECTURES:
                known = ", ".join(ARCHITECTURES)
                raise InputError("The RCN is unknown.", code="unknown", expected=known, actual=architecture)
            architecture = ARCHITECTURES[architecture]
        self.architecture = chosen = architecture
        if maps < 4 or maps % 4 or pool < 1:
            needed = "maps a multiple of 4, pool 1 or more"
            raise InputError("maps or pool is out of range.", code="range", expected=needed, actual=(maps, pool))
        self.stem, self.block = STEMS[chosen.stem](maps, dropout), BLOCKS[chosen.block](maps, dropout)
        self.maps, self.pool = maps, pool
        self.classifier = nn.Linear(maps * pool * pool, classes)
        self.apply(_initialise)

    def features(self, flow: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, maps, pool, pool), the input of the classifier."""
        chosen = self.architecture
        weight = self.classifier.weight.view(-1, self.maps, self.pool, self.pool)
        x = self.stem(flow)
        if chosen.attention == "input":
            x = x * F.interpolate(attention(flow, weight), x.shape[-2:])  # nearest
        seen = F.adaptive_avg_pool2d(self.block(x, weight), self.pool)
        return seen * attention(x, weight) if chosen.attention == "output" else seen

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """Logits, see the class."""
        return self.classifier(self.features(flow).flatten(1))


def _initialise(module: nn.Module) -> None:
    """Kaiming's initialisation for convolutions, N(0, 0.01) for the classifier, as released."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)


CHOICES = {"stem": tuple(STEMS), "block": tuple(BLOCKS), "attention": PLACES}


class Supernet(nn.Module):
    """All RCNs at once, each part a weighted mean of its choices: (B, 3, H, W) -> logits (B, `classes`).

    After Liu et al. 2019 (DARTS, arXiv 1806.09055), of first order: in turn, one half of the training samples trains
    the networks, and the other half the choice, whose largest weights are the architecture. `maps`, `pool` and
    `dropout` are those of `RCN`.
    """

    def __init__(self, classes: int = 3, maps: int = 32, pool: int = 5, dropout: float = 0.5) -> None:
        super().__init__()
        self.stems = nn.ModuleDict({name: stem(maps, dropout) for name, stem in STEMS.items()})
        self.blocks = nn.ModuleDict({name: block(maps, dropout) for name, block in BLOCKS.items()})
        self.choice = nn.ParameterDict({name: nn.Parameter(torch.zeros(len(all_))) for name, all_ in CHOICES.items()})
        self.classifier = nn.Linear(maps * pool * pool, classes)
        self.maps, self.pool = maps, pool

    def fractions(self, place: str) -> dict[str, torch.Tensor]:
        """The weight of each part at a place of `CHOICES`; they sum to 1."""
        return dict(zip(CHOICES[place], self.choice[place].softmax(0)))

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """Logits, see the class."""
        weight = self.classifier.weight.view(-1, self.maps, self.pool, self.pool)
        places = self.fractions("attention")
        seen = {name: stem(flow) for name, stem in self.stems.items()}
        side = seen["wide"].shape[-2:]  # outputs of stems differ in size
        stems = [F.adaptive_avg_pool2d(seen[name], side) * part for name, part in self.fractions("stem").items()]
        x = torch.stack(stems).sum(0)
        looked = F.interpolate(attention(flow, weight), side)
        x = x * (1 - places["input"] + places["input"] * looked)
        made = {name: F.adaptive_avg_pool2d(block(x, weight), self.pool) for name, block in self.blocks.items()}
        y = torch.stack([made[name] * part for name, part in self.fractions("block").items()]).sum(0)
        y = y * (1 - places["output"] + places["output"] * attention(x, weight))
        return self.classifier(y.flatten(1))

    def architecture(self) -> Architecture:
        """The parts with the largest weights."""
        return Architecture(**{place: CHOICES[place][int(self.choice[place].argmax())] for place in CHOICES})


def search(
    flows: torch.Tensor,
    labels: torch.Tensor,
    classes: int,
    *,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = F.cross_entropy,
    epochs: int = 30,
    batch_size: int = 16,
    learning_rate: float = 5e-3,
    choice_rate: float = 3e-2,
    seed: int = 0,
    maps: int = 32,
    pool: int = 5,
) -> tuple[Architecture, Supernet, list[dict[str, dict[str, float]]]]:
    """The architecture for training samples of flows (N, 3, H, W) in [0, 1] and labels (N,), or (N, K) of units,
    the network that found it, and the fractions after each epoch.

    `loss` takes logits (B, classes) and labels; `batch_size` is of each half; `learning_rate` of the networks, AdamW's;
    `choice_rate` of the choice, Adam's; for `maps` and `pool` see `RCN`.
    """
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    net = Supernet(classes, maps, pool).to(flows.device)
    weights = [value for name, value in net.named_parameters() if not name.startswith("choice")]
    both = torch.optim.AdamW(weights, learning_rate), torch.optim.Adam(net.choice.values(), choice_rate)
    halves = torch.randperm(len(flows), generator=order).tensor_split(2)
    history = []
    net.train()
    for _ in range(epochs):
        shuffled = [half[torch.randperm(len(half), generator=order)].split(batch_size) for half in halves]
        for rows in zip(*shuffled):
            for turn, own in zip(both, rows):
                if len(own) < 2:  # batch normalisation needs two
                    continue
                net.zero_grad()
                loss(net(flows[own]), labels[own]).backward()
                turn.step()
        history.append({place: {n: float(s.detach()) for n, s in net.fractions(place).items()} for place in CHOICES})
    return net.architecture(), net, history
