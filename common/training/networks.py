"""Networks from the tables of a config."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ..errors import InputError


def built(network: Any, table: str, options: Mapping[str, Any]) -> Any:
    """A diffusers network with random weights.

    Args:
        network: its class.
        table: the config's name for the options, for messages.
        options: of its constructor.

    Raises:
        InputError: an unknown option (the message names the nearest), or options that make no network.
    """
    known = network._get_init_keys(network) - {"self"}
    for key in options:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
            raise InputError(f"[{table}] has the unknown key {key!r}; did you mean {near!r}?")
    try:
        return network(**options)
    except (TypeError, ValueError) as error:
        raise InputError(f"[{table}] makes no {network.__name__}: {error}") from error


def begin_with(network: nn.Module, other: nn.Module) -> None:
    """Copies the weights of another network that have the same name and shape.

    Where only the inputs are more here (the second dimension), the first ones are copied, and the others are zero: the
    network begins by not seeing them.
    """
    own = network.state_dict()
    fitting = {}
    for key, value in other.state_dict().items():
        if key not in own:
            continue
        shape = own[key].shape
        if value.shape == shape:
            fitting[key] = value
        elif _narrower(value.shape, shape):
            fitting[key] = own[key].new_zeros(shape)
            fitting[key][:, : value.shape[1]] = value
    network.load_state_dict({**own, **fitting})


def _narrower(shape: Sequence[int], than: Sequence[int]) -> bool:
    """Whether a weight has fewer inputs, and all else alike."""
    alike = len(shape) == len(than) >= 2 and (shape[0], *shape[2:]) == (than[0], *than[2:])
    return alike and shape[1] < than[1]
