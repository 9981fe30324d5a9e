"""Arguments of heads that users bring: zero where none is given, checked at the door, all of one batch."""

from __future__ import annotations

import torch

from ..errors import InputError, ShapeError


def stretch(like: torch.Tensor, **arguments: tuple[torch.Tensor | None, tuple[int, ...]]) -> tuple[torch.Tensor, ...]:
    """Give all arguments one batch size.

    Args:
        like: a tensor whose device and dtype the arguments take.
        **arguments: by name, (B, *shape) and its shape without the batch; None is a zero.

    Returns:
        The arguments in their order, each (B, *shape): a batch of one stretches to the others'.

    Raises:
        InputError: an argument is no tensor.
        ShapeError: an argument has another shape, or batches differ.
    """
    batch = batch_of(*(given for given, _ in arguments.values()))
    return tuple(
        (like.new_zeros(1, *shape) if given is None else checked(like, name, given, shape, batch)).expand(batch, *shape)
        for name, (given, shape) in arguments.items()
    )


def batch_of(*arguments: torch.Tensor | None) -> int:
    """The largest batch among those that are tensors, 1 if none is."""
    return max((len(given) for given in arguments if isinstance(given, torch.Tensor) and given.ndim), default=1)


def checked(like: torch.Tensor, name: str, given: torch.Tensor, shape: tuple[int, ...], batch: int) -> torch.Tensor:
    """One argument (1 or batch, *shape) with the device and dtype of `like`; raises as `stretch` does."""
    if not isinstance(given, torch.Tensor):
        raise InputError(
            f"{name} cannot be used.\n  expected: a torch tensor\n  got:      {type(given).__name__}\n"
            "  turn it into one: torch.as_tensor(...)"
        )
    if given.ndim == 0 or tuple(given.shape[1:]) != shape or len(given) not in (1, batch):
        raise ShapeError(name, f"(1 or {batch}, {', '.join(map(str, shape))})", given.shape)
    return given.to(like)


def check_points(vertices: torch.Tensor, count: int) -> None:
    """Raise a ShapeError unless vertices are (B, count, 3)."""
    if vertices.ndim != 3 or vertices.shape[1:] != (count, 3):
        raise ShapeError("vertices", f"(B, {count}, 3)", vertices.shape)
