"""BiSeNet for face parsing (Yu et al. 2018, arXiv 1808.00897), loading the published `79999_iter.pth`.

The published variant has no separate spatial path: the eighth-resolution features of its ResNet-18 stand in for it.
Attribute names are those of the published file, so its keys load as they are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import MissingCheckpointError
from ..weights.state_dict import fill, read_state
from .labels import PARTS
from .networks import NetworkParser, Preprocessing


class BiSeNetParser(NetworkParser):
    """Face parsing with the network that the authors of MagicFace and RigFace used.

    Args:
        path: the published `79999_iter.pth`, or the same tensors as `.safetensors`.
        device: where the network runs.

    Raises:
        CheckpointError: the file cannot be read, or its keys or shapes are not the network's.
        MissingCheckpointError: there is no such file.
    """

    name = "bisenet"

    def __init__(self, path: str | Path, device: str = "cpu") -> None:
        path = Path(path).expanduser()
        if not path.is_file():
            raise MissingCheckpointError(
                f"BiSeNet's weights are not at {path}.",
                hint="get them: utils/79999_iter.pth of the hub repository mengtingwei/magicface\n"
                '  or do without: get_parser("embedded")',
            )
        network = fill(BiSeNet(), read_state(path), path)
        # Its classes are CelebAMask's in their order, and it was trained on pictures of 512 x 512.
        super().__init__(network.to(device), np.arange(len(PARTS), dtype=np.uint8), device, Preprocessing((512, 512)))


class BiSeNet(nn.Module):
    """Face-parsing network: a ResNet-18 context path, fused with its own eighth-resolution features.

    Args:
        classes: number of output classes.
    """

    def __init__(self, classes: int = len(PARTS)) -> None:
        super().__init__()
        self.cp = ContextPath()
        self.ffm = FeatureFusion(256, 256)
        self.conv_out = Head(256, 256, classes)
        # These two only serve training; they are here because the published file holds their weights.
        self.conv_out16 = Head(128, 64, classes)
        self.conv_out32 = Head(128, 64, classes)

    def forward(self, images: Tensor) -> Tensor:
        """The main head's logits (B, classes, H, W) for pictures (B, 3, H, W), RGB, ImageNet-normalised, any size from
        32 up.
        """
        logits = self.conv_out(self.ffm(*self.cp(images)))  # (B, classes, H/8, W/8)
        return F.interpolate(logits, images.shape[-2:], mode="bilinear", align_corners=True)


class ContextPath(nn.Module):
    """ResNet-18 whose two deepest stages are attended, then carried up to eighth resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = ResNet18()
        self.arm16 = AttentionRefinement(256, 128)
        self.arm32 = AttentionRefinement(512, 128)
        self.conv_head32 = ConvBNReLU(128, 128)
        self.conv_head16 = ConvBNReLU(128, 128)
        self.conv_avg = ConvBNReLU(512, 128, kernel=1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return detail (B, 128, H/8, W/8) and context of the same shape."""
        eighth, sixteenth, thirtysecond = self.resnet(images)
        tail = self.conv_avg(thirtysecond.mean((2, 3), keepdim=True))  # (B, 128, 1, 1), broadcast below
        context = self.conv_head32(_grow(self.arm32(thirtysecond) + tail, sixteenth))
        context = self.conv_head16(_grow(self.arm16(sixteenth) + context, eighth))
        return eighth, context


class ResNet18(nn.Module):
    """The trunk of ResNet-18, answering with its last three stages."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(BasicBlock(64, 64), BasicBlock(64, 64))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, stride=2), BasicBlock(128, 128))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, stride=2), BasicBlock(256, 256))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, stride=2), BasicBlock(512, 512))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features at 1/8 (128 channels), 1/16 (256) and 1/32 (512) of the input's size."""
        quarter = self.layer1(F.max_pool2d(self.bn1(self.conv1(images)).relu(), 3, stride=2, padding=1))
        eighth = self.layer2(quarter)
        sixteenth = self.layer3(eighth)
        return eighth, sixteenth, self.layer4(sixteenth)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al. 2015, figure 2)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H/stride, W/stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return (shortcut + self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))).relu()


class ConvBNReLU(nn.Module):
    """Convolution, batch normalisation, ReLU, at unchanged height and width."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        return self.bn(self.conv(x)).relu()


class AttentionRefinement(nn.Module):
    """Weigh each channel by what the whole picture holds (the paper's figure 2b)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(inputs, outputs)
        self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        features = self.conv(x)
        return features * self.bn_atten(self.conv_atten(features.mean((2, 3), keepdim=True))).sigmoid()


class FeatureFusion(nn.Module):
    """Join detail and context, then strengthen the channels that matter (the paper's figure 2c)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convblk = ConvBNReLU(inputs, outputs, kernel=1)
        self.conv1 = nn.Conv2d(outputs, outputs // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs // 4, outputs, 1, bias=False)

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        """(B, C, H, W) and (B, inputs - C, H, W) to (B, outputs, H, W)."""
        features = self.convblk(torch.cat([detail, context], dim=1))
        weight = self.conv2(self.conv1(features.mean((2, 3), keepdim=True)).relu()).sigmoid()
        return features + features * weight


class Head(nn.Module):
    """From features to class logits."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(inputs, hidden)
        self.conv_out = nn.Conv2d(hidden, classes, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, classes, H, W)."""
        return self.conv_out(self.conv(x))


def _grow(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="nearest")
