from __future__ import annotations

from pathlib import Path

import pytest
import small_fineface as small


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    return small.write_base(tmp_path_factory.mktemp("fineface") / "base")


@pytest.fixture
def config(tmp_path, base) -> Path:
    """Of a training of adapter and LoRA on five pictures."""
    small.write_faces(tmp_path / "faces")
    (tmp_path / "base").symlink_to(base)
    (tmp_path / "config.toml").write_text(small.ADAPTED.format(folder=tmp_path))
    return tmp_path / "config.toml"


@pytest.fixture
def whole(config) -> Path:
    """Of a training of everything, from nothing."""
    path = config.with_name("whole.toml")
    path.write_text(small.WHOLE.format(folder=config.parent))
    return path
