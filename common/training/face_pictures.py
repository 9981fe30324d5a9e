"""What an autoencoder is trained on: pairs of synthetic pictures, some cut out closer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch.utils.data import Dataset

from ..background import foreground
from ..synthetic.dataset import SyntheticFaces
from .order import generator


class FacePictures(Dataset[dict[str, torch.Tensor]]):
    """Both pictures of pairs as `picture` (2, 3, S, S) in [-1, 1], with the inner face as `face` (2, 1, S, S).

    Args:
        faces: the pairs.
        closer: every second one is cut out up to so many times closer.
        always: all by the root of `closer`.
    """

    def __init__(self, faces: SyntheticFaces, closer: float = 1.0, *, always: bool = False) -> None:
        self.faces, self.closer, self.always = faces, closer, always

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """One pair."""
        item = self.faces[index]
        pair = [item[role] for role in ("source", "target")]
        faces = [torch.from_numpy(foreground(each["parts"].numpy(), "face")).float()[None] for each in pair]
        both = torch.cat([torch.stack([2 * each["image"] - 1 for each in pair]), torch.stack(faces)], 1)
        if self.always or index % 2:
            power = 0.5 if self.always else float(torch.rand((), generator=generator(index)))
            both = cut_closer(both, pair[0]["landmarks"], self.closer**power)
        return {"picture": both[:, :3], "face": both[:, 3:]}


def cut_closer(pictures: torch.Tensor, landmarks: torch.Tensor, closer: float) -> torch.Tensor:
    """Pictures (B, C, S, S), `closer` times as large round the landmarks (68, 2) in pixels."""
    side = pictures.shape[-1]
    centre = (landmarks.mean(0) + 0.5) * 2 / side - 1
    rows = torch.tensor([[1 / closer, 0, 0], [0, 1 / closer, 0]])
    rows[:, 2] = centre * (1 - 1 / closer)
    grid = F.affine_grid(rows[None], [1, 1, side, side], align_corners=False).expand(len(pictures), -1, -1, -1)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)
