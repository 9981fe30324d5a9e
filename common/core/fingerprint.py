"""What a folder of results is made from: written at the start, and compared when the run resumes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from .errors import InputError
from .files import replace_text
from .jsonio import read_config


def claim(path: Path, facts: Mapping[str, Any], cure: str) -> None:
    """Writes what results depend on into a .json file beside them, or checks that the file holds the same.

    Raises:
        InputError: it holds others.
        CheckpointError: it is damaged.
    """
    expected = json.loads(json.dumps(facts))  # tuples come back as lists
    if not path.is_file():
        replace_text(path, json.dumps(expected, indent=1) + "\n")
    elif (kept := read_config(path, cure)) != expected:
        names = [name for name in {**kept, **expected} if kept.get(name) != expected.get(name)]
        differs = "".join(f"  {name}: {kept.get(name)!r} there, {expected.get(name)!r} here\n" for name in names)
        raise InputError(f"{path.parent} was made from something else:\n{differs}", code="conflict", hint=cure)


def fingerprint(*networks: nn.Module, values: int | None = None) -> str:
    """16 hexadecimal digits that tell models apart, by the first `values` numbers of each tensor.

    None counts all, which takes seconds for a large network; 64 tell one training from another, not one changed value.
    """
    digest = hashlib.sha256()
    for network in networks:
        for name, value in sorted(network.state_dict().items()):
            digest.update(name.encode() + value.detach().flatten()[:values].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
