"""The parts of RCN (Xia et al. 2020, IEEE TIP, arXiv 2006.09674): stems, blocks, and attention without parameters."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


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
