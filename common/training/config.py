"""TrainConfig: everything that a training is told, read from TOML; a typo is an error."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
import sys
import textwrap
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..errors import InputError
from ..jsonio import read_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports] - Python 3.10's

Config = TypeVar("Config")


@dataclass(frozen=True)
class TrainConfig:
    """What every training of the family is told.

    Raises:
        InputError: a number out of its range, or options that exclude each other.
    """

    output: str
    """Folder of everything that the training writes; relative to where the command runs."""
    seed: int = 0
    """Of the order of samples, noise, timesteps and dropout."""
    steps: int = 10_000
    """Optimiser steps."""
    batch_size: int = 8
    """Samples of one optimiser step, over all processes and accumulated passes together: the same config trains the
    same network on any number of devices."""
    accumulation: int = 1
    """Passes whose gradients are summed into one step; more need less memory."""
    workers: int = 2
    """Processes that load pictures, for each training process."""
    precision: Literal["", "no", "fp16", "bf16"] = ""
    """Of the networks' arithmetic; empty leaves it to `accelerate launch`. Weights stay in float32."""
    gradient_checkpointing: bool = False
    """Compute activations anew in the backward pass: a quarter slower, far less memory."""

    optimizer: Literal["adamw", "sgd"] = "adamw"
    """AdamW, which without `weight_decay` is Adam; or stochastic gradient descent with momentum."""
    learning_rate: float = 1e-5
    """At the schedule's peak."""
    schedule: Literal["constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial"] = (
        "constant_with_warmup"
    )
    """Of the learning rate, from `diffusers.optimization.get_scheduler`."""
    warmup: int = 500
    """Steps in which the learning rate rises from zero."""
    betas: tuple[float, ...] = (0.9, 0.999)
    """AdamW's two decay rates; the first is the momentum of "sgd"."""
    weight_decay: float = 0.01
    """AdamW's, apart from the gradient; that of "sgd" is part of it."""
    adam_epsilon: float = 1e-8
    """AdamW's."""
    clip: float = 1.0
    """Largest norm of the gradient; 0 switches clipping off."""
    ema: float = 0.0
    """Decay of the moving average of the weights, which then is what is validated and published; 0 switches it off."""
    checkpoint_every: int = 1000
    """Steps between checkpoints; the last step always makes one."""
    keep: int = 2
    """Checkpoints that are kept, the newest ones; 0 keeps all."""
    resume: bool = True
    """Go on from the newest complete checkpoint in `output`, if there is one; false refuses such a folder."""
    quiet: bool = False
    """Show no progress, and say nothing: for many small trainings at once."""
    log_every: int = 10
    """Steps between writing the log; it has a row for every step."""
    tensorboard: bool = True
    """Log to TensorBoard too, if it is installed."""
    validate_every: int = 1000
    """Steps between validations; 0 validates at the end only."""
    validation_count: int = 8
    """Held-out samples that are looked at; 0 switches validation off."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "accumulation", "checkpoint_every", "log_every"):
            at_least(name, getattr(self, name), 1)
        for name in (
            "seed", "workers", "warmup", "keep", "clip", "weight_decay", "validate_every", "validation_count"
        ):  # fmt: skip
            at_least(name, getattr(self, name), 0)
        share("ema", self.ema)
        for name in ("learning_rate", "adam_epsilon"):
            above_zero(name, getattr(self, name))
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise InputError(f"betas must be two numbers in [0, 1); got {list(self.betas)}.")
        if not self.output:
            raise InputError("output must name a folder.")


def read(cls: type[Config], path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """A config from a TOML file, changed by `key=value` texts.

    Args:
        cls: `TrainConfig`, a subclass that adds fields, or another frozen dataclass.
        path: the file.
        overrides: "steps=100", "unet.layers_per_block=1"; values as in TOML, bare words are text.

    Raises:
        InputError: no such file, not TOML, an unknown key (the message names the nearest), or a wrong type.
    """
    try:
        values = tomllib.loads(read_text(Path(path)))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"Cannot read the config {path}: {error}") from error
    for text in overrides:
        _override(values, text)
    return from_values(cls, values, str(path))


def from_values(cls: type[Config], values: Mapping[str, Any], where: str = "the config") -> Config:
    """A config from a mapping.

    Raises:
        InputError: an unknown key, a missing one, or a wrong type.
    """
    hints = typing.get_type_hints(cls)
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
            raise InputError(f"{where} has the unknown key {key!r}; did you mean {near!r}?")
    missing = [
        name
        for name, field in known.items()
        if name not in values and field.default is field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise InputError(f"{where} lacks {', '.join(missing)}.")
    return cls(**{key: _checked(f"{where}: {key}", value, hints[key]) for key, value in values.items()})


def describe(cls: type[Any]) -> str:
    """Every key with its default and what it is for: the text of a command's help."""
    documented = documentation(cls)
    lines = []
    for field in dataclasses.fields(cls):
        default = "" if field.default is dataclasses.MISSING else f" = {field.default!r}"
        if field.default_factory is not dataclasses.MISSING:
            default = f" = {field.default_factory()!r}"
        text = " ".join(documented[field.name].split())
        lines += [
            f"  {field.name}{default}",
            *textwrap.wrap(text, 100, initial_indent=" " * 6, subsequent_indent=" " * 6),
        ]
    return "\n".join(lines)


def documentation(cls: type[Any]) -> dict[str, str]:
    """Field name -> the text that stands below it in the source; empty where there is none."""
    found: dict[str, str] = {}
    for owner in reversed([base for base in cls.__mro__ if dataclasses.is_dataclass(base)]):
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0].body  # type: ignore[attr-defined]
        for node, after in zip(body, [*body[1:], None]):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                text = after.value if isinstance(after, ast.Expr) else None
                found[node.target.id] = str(text.value) if isinstance(text, ast.Constant) else ""
    return found


def at_least(name: str, value: float, low: int) -> None:
    """Raises an InputError where a value of a config lies below `low` or is no finite number."""
    if not low <= value < float("inf"):
        raise InputError(f"{name} must be at least {low}; got {value}.")


def above_zero(name: str, value: float) -> None:
    """Raises an InputError where a value of a config is no finite number above 0."""
    if not 0 < value < float("inf"):
        raise InputError(f"{name} must be a number above 0; got {value}.")


def share(name: str, value: float) -> None:
    """Raises an InputError where a value of a config is no share of a whole."""
    if not 0 <= value <= 1:
        raise InputError(f"{name} must lie in [0, 1]; got {value}.")


# --- values ----------------------------------------------------------------------------------------------------------


def _override(values: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InputError(f"Cannot read {text!r}; an override reads key=value, for instance steps=100.")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value.strip()  # a bare word
    *tables, last = key.strip().split(".")
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            raise InputError(f"Cannot set {key.strip()!r}: {table!r} is no table.")
    values[last] = parsed


def _checked(name: str, value: Any, hint: Any) -> Any:
    """The value in the type that the field has; raises an InputError where it is of another."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise InputError(f"{name} must be one of {', '.join(map(repr, arguments))}; got {value!r}.")
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise InputError(f"{name} must be a list; got {value!r}.")
        return tuple(_checked(f"{name}[{i}]", item, arguments[0]) for i, item in enumerate(value))
    if origin in (typing.Union, types.UnionType):
        raise TypeError(f"{name}: the fields of a config have one type each")
    expected = origin or hint
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError:
            raise InputError(f"{name} is too large: a whole number of {value.bit_length()} bits.") from None
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", dict: "a table"}
        raise InputError(f"{name} must be {words[expected]}; got {value!r}.")
    return value
