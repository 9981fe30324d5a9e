"""Flags of command lines, made from the fields of `common.editing.options`; a command adds those that it uses."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from typing import Any

from ..editing.options import EditOptions, ModelOptions, Options, option_of
from .editor_spec import KINDS, OptionKinds
from .saving import add_saving


def add_flags(group: Any, kind: type[Options], names: Sequence[str] | None = None) -> None:
    """A flag for each field of options; `kind.of(vars(args))` reads them.

    Args:
        group: an argument parser, or a group of one.
        kind: of the options.
        names: of the fields; None for all of them.
    """
    known = {each.name: each for each in fields(kind)}
    for name in known if names is None else names:
        _add_flag(group, known[name])


def add_options(
    parser: argparse.ArgumentParser,
    output: str,
    *,
    photo: bool = True,
    saving: bool = True,
    record: bool = False,
    kinds: OptionKinds = KINDS,
) -> None:
    """The options of a command that edits photos.

    Args:
        parser: of the command.
        output: help of -o.
        photo: the command line names the photos, so that --face and --background can say more about them.
        saving: the results are pictures, which are marked and can be signed.
        record: the command prints what it did, with --json.
        kinds: an editor's own.
    """
    of_edit, of_face, of_model = kinds
    out = parser.add_argument_group("output")
    out.add_argument("-o", "--output", help=output)
    add_flags(out, of_edit, ["paste_back"])
    if saving:
        add_saving(out)
    if record:
        out.add_argument("--json", action="store_true", help="print what was done as JSON, one line per photo")
    add_quiet(out)
    face = parser.add_argument_group("face")
    add_flags(face, of_face, None if photo else ["region", "strict"])
    add_flags(face, of_model, ["detector", "parser"])
    sampling = ["steps", "guidance", "engine", "start", "strength", "seed", *own_fields(of_edit, EditOptions)]
    add_flags(parser.add_argument_group("sampling"), of_edit, sampling)
    add_flags(add_model_options(parser, of_model), of_model, ["size"])


def add_model_options(
    parser: argparse.ArgumentParser, kind: type[ModelOptions] = ModelOptions
) -> argparse._ArgumentGroup:
    """Which networks, and where they run."""
    group = parser.add_argument_group("model")
    add_flags(group, kind, ["model", "base", *own_fields(kind, ModelOptions), "device", "dtype"])
    return group


def own_fields(kind: type[Options], base: type[Options]) -> list[str]:
    """Names of the fields that options add to those of every editor."""
    known = {each.name for each in fields(base)}
    return [each.name for each in fields(kind) if each.name not in known]


def add_quiet(group: Any) -> None:
    """Whether errors alone are told."""
    group.add_argument("-q", "--quiet", action="store_true", help="print errors only: no progress bars, no notices")


def _add_flag(group: Any, each: Field[Any]) -> None:
    known = option_of(each)
    names = [known.flag or f"--{each.name.replace('_', '-')}"]
    default = None if each.default is MISSING else each.default
    if known.read is bool:
        group.add_argument(*names, dest=each.name, action="store_true", help=known.help)
    elif known.choices:
        group.add_argument(*names, dest=each.name, choices=known.choices, default=default, help=known.help)
    else:
        group.add_argument(*names, dest=each.name, type=known.read, default=default, help=known.help)
