"""NaN and infinity: refused where they leave a network, with the cause and what to try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from .errors import CheckpointError, InputError, NonFiniteError

_WIDER = {torch.float16: (torch.bfloat16, torch.float32), torch.bfloat16: (torch.float32,)}
_DAMAGED = "delete them and download them again"
_SHOWN = 3


def is_finite(*tensors: torch.Tensor) -> bool:
    """Whether all values of all tensors are finite; they lie on one device, which is waited for once.

    By minimum and maximum, through which NaN passes: they read weights at 20 GB/s on one core, `isfinite` at 0.6.
    """
    extremes = [torch.stack(t.aminmax()).float() for t in tensors if t.is_floating_point() and t.numel()]
    return not extremes or bool(torch.cat(extremes).isfinite().all())


def check_finite(
    values: torch.Tensor | np.ndarray | Iterable[torch.Tensor],
    what: str,
    networks: Mapping[str, Any],
    **inputs: torch.Tensor | None,
) -> None:
    """Raises where a network's output holds NaN or infinity. Weights and inputs are looked at only then.

    `what` begins the message ("The latents after step 3"); `networks` are those that took part, by name, the one that
    gave the output first; `inputs` are what the caller gave them.

    Raises:
        InputError: an input holds NaN or infinity itself.
        NonFiniteError: the networks made it; the message names damaged weights, or the dtypes to try.
    """
    tensors = [torch.as_tensor(values)] if isinstance(values, (torch.Tensor, np.ndarray)) else list(values)
    if is_finite(*tensors):
        return
    for name, value in inputs.items():
        if value is not None and not is_finite(value):
            raise InputError(f"{name} holds NaN or infinite values.", code="values", expected="finite numbers")
    modules = {name: part for name, part in networks.items() if isinstance(part, torch.nn.Module)}
    dtype = next((d for part in modules.values() if (d := _dtype(part))), torch.float32)
    device = next((p.device.type for part in modules.values() for p in part.parameters()), "cpu")
    raise NonFiniteError(what, _short(dtype), _advice(modules, dtype, device))


def check_weights(weights: torch.nn.Module | Mapping[str, Any], what: object) -> None:
    """Raises a CheckpointError that names the weights that are NaN or infinite; `what` is their file or folder."""
    if not (damaged := damaged_weights(weights)):
        return
    dtype = next(iter(damaged.values())).dtype
    overflow = dtype == torch.float16 and not any(bool(value.isnan().any()) for value in damaged.values())
    kind = "values beyond the range of float16" if overflow else f"NaN or infinite values ({_short(dtype)})"
    lines = [f"The weights of {what} hold {kind} in {_named(list(damaged))}."]
    if overflow:
        lines.append(f"  try another dtype: {_option(dtype)}")
    lines.append(f"  {'else ' * overflow}the files are damaged: {_DAMAGED}")
    raise CheckpointError("\n".join(lines), code="values")


def damaged_weights(weights: torch.nn.Module | Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Name -> parameter or buffer that holds NaN or infinity."""
    if isinstance(weights, torch.nn.Module):
        weights = {**dict(weights.named_parameters()), **dict(weights.named_buffers())}
    tensors = {name: value for name, value in weights.items() if isinstance(value, torch.Tensor) and not value.is_meta}
    return {name: value for name, value in tensors.items() if not is_finite(value)}


def _advice(modules: Mapping[str, torch.nn.Module], dtype: torch.dtype, device: str) -> str:
    damaged = next(((name, found) for name, part in modules.items() if (found := damaged_weights(part))), None)
    if damaged is not None:
        lines = [f"cause: NaN or infinity in the weights of {damaged[0]}: {_named(list(damaged[1]))}"]
        lines.append(f"the weight files are damaged: {_DAMAGED}")
        if dtype in _WIDER:
            lines.append(f"or, if weights overflow in {_short(dtype)}, try another dtype: {_option(dtype)}")
    elif dtype in _WIDER:
        lines = [f"likely cause: the range of {_short(dtype)}", f"try another dtype: {_option(dtype)}"]
        lines.append(f"else the weight files are damaged: {_DAMAGED}")
    else:
        lines = ["float32 is the widest dtype, so the weight files are damaged or do not belong together:"]
        lines.append(f"{_DAMAGED}; or go back to the default guidance and scales")
    if device == "mps" and damaged is None:
        lines.append("or run on the CPU: --device cpu")
    return "\n".join(f"  {line}" for line in lines)


def _option(dtype: torch.dtype) -> str:
    flags = " or ".join(f"--dtype {_short(wider)}" for wider in _WIDER[dtype])
    return f"{flags} (from Python: dtype=)"


def _named(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _dtype(network: torch.nn.Module) -> torch.dtype | None:
    return next((p.dtype for p in network.parameters() if p.is_floating_point()), None)
