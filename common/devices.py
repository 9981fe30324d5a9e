"""Where networks run, and in which precision."""

from __future__ import annotations

import torch

from .errors import InputError


def choose_device(
    device: str | torch.device | None, dtype: torch.dtype | str | None
) -> tuple[torch.device, torch.dtype]:
    """Device and dtype; by default CUDA, then MPS, then the CPU, in float16, on the CPU in float32.

    Raises:
        InputError: a device that is not here, or a dtype the networks cannot run in.
    """
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=(chosen := torch.device(device)))
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        raise InputError(
            f"The device {device!r} cannot be used: {error}\n  expected: cpu, cuda, cuda:1, ... or mps"
        ) from error
    if dtype is None:
        return chosen, torch.float32 if chosen.type == "cpu" else torch.float16
    known = {str(d).removeprefix("torch."): d for d in (torch.float32, torch.bfloat16, torch.float16)}
    name = str(dtype).removeprefix("torch.")
    if name not in known:
        raise InputError(f"dtype must be one of {', '.join(known)}; got {dtype!r}.")
    return chosen, known[name]
