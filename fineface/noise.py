"""The noise that pictures begin with."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

import torch

log = logging.getLogger(__name__)


def drawn(seed: int | None) -> int:
    """The seed; where there is none, one is drawn and logged."""
    if seed is None:
        seed = secrets.randbelow(2**31)
        log.info("seed %d", seed)
    return int(seed)


def same_noise(seed: int | None, device: torch.device) -> tuple[int, Callable[[slice], list[torch.Generator]]]:
    """The seed, and from rows to a generator for each, all of it: a sweep starts from one noise, however it is split.

    Args:
        seed: None draws one, which is logged.
        device: of the generators.
    """
    known = drawn(seed)
    return known, lambda rows: [torch.Generator(device).manual_seed(known) for _ in range(rows.stop - rows.start)]
