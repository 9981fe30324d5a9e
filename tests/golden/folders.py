"""Golden folders beside the stored ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def golden_folders() -> list[Path]:
    """The golden folders of any form that GOLDEN_DIR names, itself included."""
    if not (root := os.environ.get("GOLDEN_DIR")):
        return []
    if not Path(root).is_dir():
        pytest.exit(f"GOLDEN_DIR={root} is no folder", returncode=2)
    if not (found := sorted(path.parent for path in Path(root).rglob("denoiser_call.safetensors"))):
        pytest.exit(f"GOLDEN_DIR={root} holds no golden checkpoint", returncode=2)
    return found
