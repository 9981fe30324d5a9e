"""Networks out of the files in which their authors publish them: tensors only, no key missing and none left over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.core.errors import MissingCheckpointError
from common.weights.state_dict import fill, read_state

if TYPE_CHECKING:
    from typing_extensions import Self


class PublishedNetwork(nn.Module):
    """A network that is read from its authors' file, of torch or the same tensors as `.safetensors`.

    Attributes:
        source: where to get the file.
        part: the network's name in a file of several.
    """

    source: ClassVar[str]
    part: ClassVar[str | None] = None

    @classmethod
    def from_file(cls, path: str | Path, device: str | torch.device = "cpu") -> Self:
        """The network of a file in float32, for evaluation; no code of the file is run.

        Raises:
            CheckpointError: the file cannot be read, lacks the part, or its keys or shapes are not the network's.
            MissingCheckpointError: there is no such file.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise MissingCheckpointError(f"The weights of {cls.__name__} are not at {path}.", hint=f"get {cls.source}")
        with torch.device("meta"):
            network = cls()
        return fill(network, read_state(path, cls.part), path).requires_grad_(False).to(device)


FEATURES = 2048
_WIDEN = 4

# The trunk of ResNet-50 (He et al. 2015, arXiv 1512.03385), of DECA and D3DFR. Attribute names are
# those of the published files, so their keys load as they are.


class ResNet50(nn.Module):
    """From a picture to 2048 features.

    Args:
        norm: with batch normalisation, as in DECA's file; D3DFR's has it folded into convolutions with a bias.
    """

    def __init__(self, norm: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=not norm)
        self.bn1 = _norm(64, norm)
        self.layer1 = _stage(64, 64, 3, 1, norm)
        self.layer2 = _stage(256, 128, 4, 2, norm)
        self.layer3 = _stage(512, 256, 6, 2, norm)
        self.layer4 = _stage(1024, 512, 3, 2, norm)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W), from 32 pixels up, to the mean over the last stage's places: (B, 2048)."""
        x = F.max_pool2d(self.bn1(self.conv1(images)).relu(), 3, stride=2, padding=1)  # (B, 64, H/4, W/4)
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))


class Bottleneck(nn.Module):
    """Convolutions of 1x1, 3x3 and 1x1 around a shortcut (the paper's figure 5); the middle one has the stride."""

    def __init__(self, inputs: int, width: int, stride: int, norm: bool) -> None:
        super().__init__()
        outputs = width * _WIDEN
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=not norm)
        self.bn1 = _norm(width, norm)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=not norm)
        self.bn2 = _norm(width, norm)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=not norm)
        self.bn3 = _norm(outputs, norm)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=not norm)
            self.downsample = nn.Sequential(shortcut, _norm(outputs, norm))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, 4 width, H/stride, W/stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        return (shortcut + self.bn3(self.conv3(x))).relu()


def _stage(inputs: int, width: int, blocks: int, stride: int, norm: bool) -> nn.Sequential:
    first = Bottleneck(inputs, width, stride, norm)
    return nn.Sequential(first, *(Bottleneck(width * _WIDEN, width, 1, norm) for _ in range(blocks - 1)))


def _norm(channels: int, norm: bool) -> nn.Module:
    return nn.BatchNorm2d(channels) if norm else nn.Identity()
