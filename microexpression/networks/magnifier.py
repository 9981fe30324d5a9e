"""Learned motion magnification (Oh et al. 2018, arXiv 1804.02684) without its branch of textures, as in InfuseNet.

Convolutions have no bias and reflect at the borders.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from common.core.errors import ShapeError

MAPS = 32


class Magnifier(nn.Module):
    """Two pictures and a factor -> a third picture with magnified motion.

    Pictures are (B, 3, H, W) in [-1, 1]; H and W are even and at least 16. Parameters are named as released
    (`generator_212000.pth`, 365,968 numbers).
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.manipulator, self.decoder = _encoder(), Manipulator(), _decoder()

    def delta(self, first: torch.Tensor, second: torch.Tensor, factor: float) -> torch.Tensor:
        """What is added to the second's latents: (B, 32, H/2, W/2), exactly zero at a factor of 1. Raises ShapeError:
        sizes are different, odd or below 16.
        """
        if first.shape != second.shape or first.ndim != 4 or any(side % 2 or side < 16 for side in first.shape[2:]):
            raise ShapeError("the pictures", "two alike, (B, 3, H, W), even and from 16 on", tuple(second.shape))
        return self.manipulator(self.encoder(first), self.encoder(second), factor)

    def motion(self, first: torch.Tensor, others: Sequence[torch.Tensor], factor: float) -> torch.Tensor:
        """`delta` from the first to each of the others, side by side: (B, 32 N, H/2, W/2)."""
        start = self.encoder(first)
        return torch.cat([self.manipulator(start, self.encoder(each), factor) for each in others], 1)

    def forward(self, first: torch.Tensor, second: torch.Tensor, factor: float) -> torch.Tensor:
        """The second picture with `factor` times its motion since the first; see the class."""
        a, b = self.encoder(first), self.encoder(second)
        return self.decoder(b + self.manipulator(a, b, factor))


def _encoder() -> nn.Sequential:
    """(B, 3, H, W) -> (B, 32, H/2, W/2)."""
    return _named(
        conv1=_convolution(3, 16, 7),
        relu1=nn.ReLU(),
        conv2=_convolution(16, MAPS, 3, stride=2),
        relu2=nn.ReLU(),
        resblks=nn.Sequential(*(Residual() for _ in range(3))),
        conv1_shape=_convolution(MAPS, MAPS, 3),
        relu3=nn.ReLU(),
        resblks_shape=nn.Sequential(*(Residual() for _ in range(2))),
    )


def _decoder() -> nn.Sequential:
    """(B, 32, h, w) -> (B, 3, 2h, 2w), not bounded."""
    return _named(
        resblks=nn.Sequential(*(Residual() for _ in range(9))),
        upsample=nn.Upsample(scale_factor=2),
        conv1=_convolution(MAPS, MAPS, 3),
        relu=nn.ReLU(),
        conv2=_convolution(MAPS, 3, 7),
    )


class Manipulator(nn.Module):
    """Latents of two pictures and a factor -> what is added to the second's."""

    def __init__(self) -> None:
        super().__init__()
        self.convblks = nn.Sequential(_named(conv1=_convolution(MAPS, MAPS, 7)))
        self.convblks_after = nn.Sequential(_named(conv1=_convolution(MAPS, MAPS, 3)))
        self.resblks = nn.Sequential(Residual())

    def forward(self, a: torch.Tensor, b: torch.Tensor, factor: float) -> torch.Tensor:
        """See the class."""
        return self.resblks(self.convblks_after((factor - 1) * F.relu(self.convblks(b - a))))


class Residual(nn.Module):
    """x + conv(ReLU(conv(x))), 32 maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = _convolution(MAPS, MAPS, 3), _convolution(MAPS, MAPS, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return x + self.conv2(F.relu(self.conv1(x)))


def _named(**parts: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(parts))


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    padding = (kernel - 1) // 2
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False, padding_mode="reflect")
