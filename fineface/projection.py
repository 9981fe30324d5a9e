"""AU intensities -> the one token that cross-attention sees of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from common.core.errors import ShapeError
from common.facs.action_units import ACTION_UNITS


class AUProjection(nn.Module):
    """The AU encoder: the token is [aus | Linear(aus) | zeros], as wide as the text's.

    After: Varanka et al., "Towards Localized Fine-Grained Control for Facial Expression Generation", arXiv 2407.20175.

    Args:
        hidden: h, outputs of the linear layer: 64 in the release for SD 2.1, 756 for SD 1.5.
        width: D, of the text's tokens: 1024 for SD 2.1, 768 for SD 1.5.

    Raises:
        ShapeError: AUs and hidden outputs together are wider than D.
    """

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        if len(ACTION_UNITS) + hidden > width:
            raise ShapeError("AU token", f"at most {width} wide", (len(ACTION_UNITS) + hidden,))
        self.au_encoder = nn.Linear(len(ACTION_UNITS), hidden)
        self.width = width

    def forward(self, aus: torch.Tensor) -> torch.Tensor:
        """Intensities (B, 12) on the scale 0..5 -> tokens (B, 1, D).

        The unconditional half of guidance has the token of a neutral face, twelve zeros, as the release has it; through
        the encoder's bias that token is not itself zero.
        """
        token = torch.cat([aus, self.au_encoder(aus)], 1)
        return F.pad(token, (0, self.width - token.shape[1]))[:, None]
