from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_training import CONFIG


@pytest.fixture
def one_thread():
    """Networks as small as these gain nothing from more, and wait long for them on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def config(tmp_path) -> Path:
    """Four pairs whose target is the source with its middle in another colour."""
    rng, rows = np.random.default_rng(0), []
    for i in range(4):
        source = np.full((32, 32, 3), rng.integers(0, 256, 3), np.uint8)
        target, background = source.copy(), source.copy()
        target[8:24, 8:24], background[8:24, 8:24] = rng.integers(0, 256, 3), 0
        for name, pixels in (("s", source), ("t", target), ("b", background)):
            Image.fromarray(pixels).save(tmp_path / f"{name}{i}.png")
        rows.append({
            "source": f"s{i}.png", "target": f"t{i}.png", "background": f"b{i}.png", "au_source": {},
            "au_target": {"AU12": i + 1},
        })  # fmt: skip
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "config.toml").write_text(CONFIG.format(folder=tmp_path))
    return tmp_path / "config.toml"
