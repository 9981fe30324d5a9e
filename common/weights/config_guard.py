"""Configs of networks that others wrote: refused where building them would never end, or would bring in foreign code.

A config.json is a few hundred bytes, and can ask for a network of any size. What is left after these checks is built in
seconds, on the meta device, where weights take no memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..core.errors import CheckpointError
from ..core.jsonio import read_config

LARGEST = 2**20
"""Of any number in a config; vocabularies and widths stay far below."""
MOST_LAYERS, MOST_BLOCKS = 256, 16
"""Of the layers in a block, where numbers multiply each other, and of blocks; Stable Diffusion XL has 200 and 3."""
_FOREIGN = ("auto_map", "quantization_config", "custom_pipelines", "_attn_implementation", "attn_implementation")
_UNBOUNDED = ("lambda_min_clipped",)  # which DPM-Solver's schedulers write as minus infinity


def read_architecture(path: Path) -> dict[str, Any]:
    """The config of a network or a scheduler. Raises CheckpointError: damaged; numbers that no network has, NaN among
    them; or names of code or of other formats.
    """
    config = read_config(path)
    if foreign := [key for key in _FOREIGN if config.get(key)]:
        raise CheckpointError.refused(
            path,
            f"its {foreign[0]} would have a library load {str(config[foreign[0]])[:80]!r}",
            "take that line out if you know the model, or fetch it again",
        )
    layers = 1.0
    for key, value in config.items():
        numbers = [*_numbers(value)]
        for number in numbers:
            if not abs(number) <= LARGEST and (key not in _UNBOUNDED or math.isnan(number)):
                shown = f"{number:g}" if isinstance(number, float) else f"a number of {len(str(abs(number)))} digits"
                raise CheckpointError.refused(path, f"no network has {key} = {shown}")
        if "layers" in key:
            layers *= max([1.0, *map(abs, numbers)])
        if ("block" in key or "layers" in key) and isinstance(value, list) and len(value) > MOST_BLOCKS:
            raise CheckpointError.refused(path, f"{key} names {len(value)} blocks, of at most {MOST_BLOCKS}")
    if layers > MOST_LAYERS:
        raise CheckpointError.refused(path, f"it asks for {layers:g} layers in a block, of at most {MOST_LAYERS}")
    return config


def check_class(path: Path, config: dict[str, Any], expected: str) -> None:
    """Raises a CheckpointError where a config names a class whose name is not the `expected` regular expression."""
    name = config.get("_class_name")
    if name is not None and not (isinstance(name, str) and re.fullmatch(expected, name)):
        raise CheckpointError.refused(path, f"it is of the class {str(name)[:80]!r}; expected {expected}")


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _numbers(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value
