"""Where networks run, and in which precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import InputError

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "float16")
"""The precisions that the networks can run in, by torch's names."""


def devices() -> list[str]:
    """The devices of this machine by torch's names, the fastest first."""
    import torch

    found = [f"cuda:{number}" for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)]
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def choose_device(
    device: str | torch.device | None = None, dtype: torch.dtype | str | None = None
) -> tuple[torch.device, torch.dtype]:
    """Device and dtype; by default CUDA, then MPS, then the CPU, in float16, on the CPU in float32.

    Nothing is loaded: call it first, so that a wrong name costs no time. Raises InputError: a device that is not here,
    or a dtype the networks cannot run in.
    """
    import torch

    chosen = torch.device(devices()[0].partition(":")[0]) if device is None else _named(device)
    if dtype is None:
        return chosen, torch.float32 if chosen.type == "cpu" else torch.float16
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise InputError("The dtype is unknown.", code="unknown", expected=DTYPES, actual=dtype)
    return chosen, getattr(torch, name)


def _named(device: str | torch.device) -> torch.device:
    """The device, which has been tried: torch knows many names, and a build of it few devices."""
    import torch

    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen)
        if chosen.type != "meta":  # which holds no numbers
            return chosen
    except (RuntimeError, AssertionError, TypeError, ValueError):  # torch's own words fill a page
        pass
    raise InputError(
        f"There is no device {str(device)!r} on this machine; there is {', '.join(devices())}.", code="device"
    )
