"""RCN (Xia et al. 2020, IEEE TIP, arXiv 2006.09674): one stem, one block, one place of attention, in six choices.

The attention has no parameters of its own. Which parts a network gets may also be chosen by gradient (`search`), which
the paper calls its automatic strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from common.core.errors import InputError


def unit(inputs: int, outputs: int, kernel: int, padding: int = 0) -> nn.Sequential:
    """Convolution and batch normalisation, the pair that every part is made of."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs))


class Stream(nn.Sequential):
    """Convolution, ReLU, batch normalisation (in this order), one of a stem's; (B, 3, H, W) -> (B, maps, h, w)."""

    def __init__(self, maps: int, reach: int, stride: int) -> None:
        convolution = nn.Conv2d(3, maps, 3, stride=stride, padding=reach, dilation=reach)
        super().__init__(convolution, nn.ReLU(), nn.BatchNorm2d(maps))


class NarrowStem(nn.Module):
    """Stem of A and S: 5 x 5 convolution, pooled; (B, 3, H, W) -> (B, maps, (H-4)/2, (W-4)/2)."""

    def __init__(self, maps: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = unit(3, maps, 5)
        self.dropout = dropout

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return F.dropout(F.max_pool2d(F.relu(self.conv1(flow)), 2), self.dropout, self.training)


class WideStem(nn.Module):
    """Stem of W, C and F: three reaches side by side, at a third of the size; (B, 3, H, W) -> (B, maps, H/3, W/3)."""

    def __init__(self, maps: int, dropout: float) -> None:
        super().__init__()
        for number, share in enumerate((2, 4, 4), 1):
            self.add_module(f"stream{number}", Stream(maps // share, reach=number, stride=3))
        self.dropout = dropout

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """See the class."""
        streams = [getattr(self, f"stream{number}")(flow) for number in (1, 2, 3)]
        return torch.cat([F.dropout(each, self.dropout, self.training) for each in streams], 1)


class PairStem(nn.Module):
    """Stem of P: two reaches at full size, pooled; (B, 3, H, W) -> (B, maps, H/3, W/3)."""

    def __init__(self, maps: int, dropout: float) -> None:
        super().__init__()
        self.stream1, self.stream2 = (Stream(maps // 2, reach=reach, stride=1) for reach in (1, 3))
        self.dropout = dropout

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """See the class."""
        pooled = [F.max_pool2d(stream(flow), 3, padding=1) for stream in (self.stream1, self.stream2)]
        return torch.cat([F.dropout(each, self.dropout, self.training) for each in pooled], 1)


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

    def __init__(self, maps: int, dropout: float) -> None:
        super().__init__()
        self.conv1, self.conv2 = unit(maps, maps, 1), unit(maps, maps, 3, padding=1)
        self.dropout = dropout

    def forward(self, x: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        """See the class; `weight` is not used."""
        return _pooled(_turns(self.conv2, x, F.relu(self.conv1(x))), self.dropout, self.training)


class Embedding(nn.Module):
    """The attention inside the shortcuts of F; (B, maps, H, W) -> (B, maps, H/2, W/2)."""

    def __init__(self, maps: int, dropout: float) -> None:
        super().__init__()
        self.conv1, self.conv2 = unit(maps, maps, 1), unit(maps, maps, 3, padding=1)
        self.dropout = dropout

    def forward(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """See the class; `weight` is the classifier's, see `attention`."""
        first = F.relu(self.conv1(x))
        seen = F.interpolate(attention(x, weight), first.shape[-2:])  # nearest
        return _pooled(_turns(self.conv2, x, first * seen), self.dropout, self.training)


def attention(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Where the classifier looks, (B, 1, P, P) in [0, 1]; it has no parameters of its own, and gradients flow into the
    classifier's weight (K, maps, P, P).

    The maps (B, C, H, W) are pooled to the classifier's grid and weighed by each class's row, averaged over its maps
    first where C is another number; each class's map is stretched to [0, 1], and their mean is taken. A map that is the
    same everywhere becomes 0.
    """
    pooled = F.adaptive_avg_pool2d(x, weight.shape[-1])
    rows = weight if weight.shape[1] == x.shape[1] else weight.mean(1, keepdim=True)
    seen = (pooled[:, None] * rows).mean(2)  # (B, K, P, P)
    seen = seen - seen.amin((2, 3), keepdim=True)
    largest = seen.amax((2, 3), keepdim=True)
    return (seen / torch.where(largest > 0, largest, 1)).mean(1, keepdim=True)


def _turns(shared: nn.Module, x: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    total = x + first
    for _ in range(2):
        total = total + F.relu(shared(total))
    return F.relu(shared(total))


def _pooled(x: torch.Tensor, dropout: float, training: bool) -> torch.Tensor:
    return F.dropout(F.max_pool2d(x, 2), dropout, training)


STEMS = {"narrow": NarrowStem, "wide": WideStem, "pair": PairStem}
BLOCKS = {"recurrent": Recurrent, "dense": Dense, "embedding": Embedding}
PLACES = ("none", "input", "output")


@dataclass(frozen=True)
class Architecture:
    """Which parts.

    Attributes:
        stem: what looks at the flow.
        block: what follows it.
        attention: what it weighs: nothing, the flow's own on the stem's answer, or the stem's on the block's answer.

    Raises:
        InputError: a part that does not exist.
    """

    stem: Literal["narrow", "wide", "pair"]
    block: Literal["recurrent", "dense", "embedding"]
    attention: Literal["none", "input", "output"] = "none"

    def __post_init__(self) -> None:
        for name, known in (("stem", STEMS), ("block", BLOCKS), ("attention", PLACES)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}.")


ARCHITECTURES = {
    "a": Architecture("narrow", "recurrent", "output"),
    "s": Architecture("narrow", "dense"),
    "w": Architecture("wide", "recurrent"),
    "p": Architecture("pair", "dense", "output"),
    "c": Architecture("wide", "dense", "input"),
    "f": Architecture("wide", "embedding"),
}
"""The paper's: attention, shortcut, wide; P, C and F are what its search found. The released P and F cannot be
constructed (their constructors call classes that do not exist); F's third stream is left out there and the second taken
twice, which is not done here."""

UNUSED = {"s": ("convolution",), "p": ("convolution", "recurrent"), "c": ("convolution", "embedding")}
"""Parts that released networks carry and never use: whole blocks, and in "dense" a second 3 x 3 convolution."""


class RCN(nn.Module):
    """(B, 3, H, W) of flow in [0, 1] -> logits (B, `classes`); any size from 24 pixels on, 60 is usual.

    Args:
        architecture: one of `ARCHITECTURES` by its letter, or any other.
        maps: F, feature maps; even, by 4 for the wide stem.
        pool: P, side of the grid that the classifier sees.
        dropout: after the stem and after the block.
        unused: carry what the released networks carry and never use, for their parameter counts.

    Raises:
        InputError: a letter, or a number of maps, that cannot be used.
    """

    def __init__(
        self,
        architecture: str | Architecture = "a",
        classes: int = 3,
        maps: int = 32,
        pool: int = 5,
        dropout: float = 0.5,
        unused: bool = False,
    ) -> None:
        super().__init__()
        letter = architecture if isinstance(architecture, str) else ""
        if letter and letter not in ARCHITECTURES:
            raise InputError(f"There is no RCN {letter!r}; choose from {', '.join(ARCHITECTURES)}.")
        self.architecture = chosen = ARCHITECTURES[letter] if isinstance(architecture, str) else architecture
        if maps < 4 or maps % 4 or pool < 1:
            raise InputError(f"maps must divide by 4, pool be at least 1; got {maps} and {pool}.")
        self.stem, self.block = STEMS[chosen.stem](maps, dropout), BLOCKS[chosen.block](maps, dropout)
        self.maps, self.pool = maps, pool
        self.classifier = nn.Linear(maps * pool * pool, classes)
        if unused:
            makers = {"convolution": lambda: unit(maps, maps, 3, padding=1)}
            makers |= {name: partial(block, maps, dropout) for name, block in BLOCKS.items()}
            self.unused = nn.ModuleDict({name: makers[name]() for name in UNUSED.get(letter, ())})
        self.apply(_initialise)

    def features(self, flow: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, maps, pool, pool), what the classifier weighs."""
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
    """Kaiming's for convolutions, N(0, 0.01) for the classifier, as released."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)


CHOICES = {"stem": tuple(STEMS), "block": tuple(BLOCKS), "attention": PLACES}


class Supernet(nn.Module):
    """Every RCN at once, each place a weighted mean of its parts: (B, 3, H, W) -> logits (B, `classes`).

    After Liu et al. 2019 (DARTS, arXiv 1806.09055), of first order: weights of the networks follow one half of the
    samples, those of the choice the other half, in turn; what weighs most at the end is the architecture. Only training
    samples take part: a protocol's test samples never do.

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
