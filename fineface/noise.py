"""The noise that pictures begin with."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

import torch

log = logging.getLogger(__name__)


def same_noise(seed: int | None, device: torch.device) -> tuple[int, Callable[[slice], list[torch.Generator]]]:
    """The seed, and from rows to a generator for each, all of it: a sweep starts from one noise, however it is split.

    Args:
        seed: None draws one, which is logged.
        device: of the generators.
    """
    if seed is None:
        seed = secrets.randbelow(2**31)
        log.info("seed %d", seed)
    drawn = int(seed)
    return drawn, lambda rows: [torch.Generator(device).manual_seed(drawn) for _ in range(rows.stop - rows.start)]
