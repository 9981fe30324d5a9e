"""The command line of every training: a config read from TOML, with overrides; a typo is an error."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..cli import console
from ..core.errors import FaceEditError, InputError
from ..core.files import check_writable
from ..core.jsonio import read_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports] - Python 3.10's

Config = TypeVar("Config")


def command(
    module: str, about: str, config: type[Config], run: Callable[[Config], int], argv: Sequence[str] | None = None
) -> int:
    """Reads the arguments of `python -m module` and the config, runs, and returns the exit code.

    The help is `about` and the keys of `config`, a frozen dataclass with an `output`.
    """
    parser = console.command_parser(
        f"python -m {module}",
        about,
        f"keys of the config, with their defaults:\n{describe(config)}\n\n{console.EXIT_CODES}",
    )
    parser.add_argument("config", type=Path, help="a TOML file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="in place of the file's value"
    )
    args = parser.parse_args(argv)

    def work() -> int:
        found: Any = read(config, args.config, args.overrides)
        check_writable(Path(found.output).expanduser())
        if sys.flags.optimize > 1:
            raise FaceEditError("transformers needs docstrings; use python -O, not -OO", code="optimized")
        return run(found)

    return console.guarded(work)


def training(task: str) -> Callable[[Any], int]:
    """What `command` runs for a config of an editor's training.

    `task` is a class such as "magicface.task:MagicFaceTask"; it loads, with torch and diffusers, after the config has
    been understood.
    """

    def run(config: Any) -> int:
        from .loop import train

        module, name = task.split(":")
        config = config.of_model()
        train(config, getattr(import_module(module), name)(config))
        return console.OK

    return run


def read(cls: type[Config], path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """A config from a TOML file, with overrides such as "steps=100" or "unet.layers_per_block=1".

    Raises InputError: no such file, not TOML, an unknown key (the message names the nearest), or a wrong type.
    """
    try:
        values = tomllib.loads(read_text(Path(path)))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"Cannot read the config {path}: {error}", code="unreadable") from error
    for text in overrides:
        _override(values, text)
    return from_values(cls, values, str(path))


def from_values(cls: type[Config], values: Mapping[str, Any], where: str = "the config") -> Config:
    """A config from a mapping. Raises InputError: an unknown key, a missing one, or a wrong type."""
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in values:
        check_known(key, fields, where)
    missing = [name for name, field in fields.items() if name not in values and _default(field) is dataclasses.MISSING]
    if missing:
        raise InputError(f"{where} lacks {', '.join(missing)}.", code="missing")
    return cls(**{key: _checked(f"{where}: {key}", value, hints[key]) for key, value in values.items()})


def check_known(key: str, known: typing.Collection[str], where: str) -> None:
    """Raises an InputError that names the nearest of the known keys."""
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
        raise InputError(f"{where} has the unknown key {key!r}.", code="unknown", hint=f"did you mean {near!r}?")


def describe(cls: type[Any]) -> str:
    """Every key with its default and what it is for: the text of a command's help."""
    documented = documentation(cls)
    lines = []
    for field in dataclasses.fields(cls):
        default = _default(field)
        text = " ".join(documented[field.name].split())
        lines.append(f"  {field.name}" + ("" if default is dataclasses.MISSING else f" = {default!r}"))
        lines += textwrap.wrap(text, 100, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join(lines)


def documentation(cls: type[Any]) -> dict[str, str]:
    """Field name -> the text below it in the source, or in that of a base class; empty where there is none."""
    found: dict[str, str] = {}
    for owner in reversed([base for base in cls.__mro__ if dataclasses.is_dataclass(base)]):
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0].body  # type: ignore[attr-defined]
        for node, after in zip(body, [*body[1:], None]):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                text = after.value if isinstance(after, ast.Expr) else None
                own = str(text.value) if isinstance(text, ast.Constant) else ""
                found[node.target.id] = own or found.get(node.target.id, "")
    return found


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _override(values: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InputError("An override reads key=value, for instance steps=100.", code="format", actual=text)
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value.strip()  # a bare word
    *tables, last = key.strip().split(".")
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            raise InputError(f"Cannot set {key.strip()!r}: {table!r} is not a table.", code="type")
    values[last] = parsed


_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", dict: "a table"}


def _checked(name: str, value: Any, hint: Any) -> Any:
    """The value in the type of its field; raises an InputError where it is of another."""
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise InputError(f"{name} has an unknown value.", code="unknown", expected=arguments, actual=value)
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise InputError(f"{name} has the wrong type.", code="type", expected="a list", actual=value)
        return tuple(_checked(f"{name}[{i}]", item, arguments[0]) for i, item in enumerate(value))
    if origin in (typing.Union, types.UnionType):
        raise TypeError(f"{name}: the fields of a config have one type each")
    expected = origin or hint
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError:
            raise InputError(f"{name} is too large: {value.bit_length()} bits.", code="range") from None
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise InputError(f"{name} has the wrong type.", code="type", expected=_KINDS[expected], actual=value)
    return value
