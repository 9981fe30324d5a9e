"""Where golden numbers and pictures lie."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

GOLDEN = Path(__file__).parent
CALL = "denoiser_call.safetensors"


def golden_folders() -> list[Path]:
    """The golden folders of editors that GOLDEN_DIR names, itself included."""
    return [path.parent for path in _found() if path.name == CALL]


def golden_readers() -> list[Path]:
    """The golden files of RCN that GOLDEN_DIR names."""
    return [path for path in _found() if path.name != CALL]


def _found() -> list[Path]:
    if not (root := os.environ.get("GOLDEN_DIR")):
        return []
    if not Path(root).is_dir():
        pytest.exit(f"GOLDEN_DIR={root} is no folder", returncode=2)
    if not (found := sorted(path for name in (CALL, "rcn_?.safetensors") for path in Path(root).rglob(name))):
        pytest.exit(f"GOLDEN_DIR={root} holds no golden checkpoint", returncode=2)
    return found


def picture(path: Path) -> torch.Tensor:
    """A picture file as (1, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None].float() / 255
