"""STSTNet (Liong et al. 2019, FG): three shallow streams on one image of optical flow.

"Three-dimensional" in the paper means the image's three channels; every convolution is two-dimensional.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from common.core.errors import ShapeError

SIDE, FILTERS = 28, (3, 5, 8)


class STSTNet(nn.Module):
    """(B, 3, 28, 28) -> logits (B, `classes`); parameters are named as in the 68 released files.

    The released weights expect the channels strain, v, u, values 0 to 255, and have the classes negative, positive,
    surprise.
    """

    def __init__(self, classes: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        for number, filters in enumerate(FILTERS, 1):
            # Padding 2, as in the authors' Python; their MATLAB pads to "same", whose pooling falls on other pixels.
            self.add_module(f"conv{number}", nn.Conv2d(3, filters, 3, padding=2))
            self.add_module(f"bn{number}", nn.BatchNorm2d(filters))
        self.dropout = dropout
        self.fc = nn.Linear(sum(FILTERS) * 25, classes)

    def features(self, flow: torch.Tensor) -> torch.Tensor:
        """(B, 3, 28, 28) -> (B, 16, 5, 5), the input of the classifier. Raises ShapeError: another size."""
        if flow.shape[1:] != (3, SIDE, SIDE):
            raise ShapeError("flow", f"(B, 3, {SIDE}, {SIDE})", tuple(flow.shape))
        streams = []
        for number in (1, 2, 3):
            seen = getattr(self, f"bn{number}")(F.relu(getattr(self, f"conv{number}")(flow)))
            seen = F.max_pool2d(seen, 3, stride=3, padding=1)  # (B, filters, 10, 10)
            streams.append(F.dropout(seen, self.dropout, self.training))
        return F.avg_pool2d(torch.cat(streams, 1), 2)

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """Logits, see the class."""
        return self.fc(self.features(flow).flatten(1))
