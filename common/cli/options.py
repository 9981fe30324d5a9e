"""Flags of command lines, made from the fields of `common.editing.options`; a command adds those that it uses."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from ..editing.options import EditOptions, ModelOptions, Options, option_of
from ..provenance.recipe import check_pair
from .editor_spec import KINDS, OptionKinds


def add_flags(group: Any, kind: type[Options], names: Sequence[str] | None = None) -> None:
    """Adds a flag for each field of options, or for those of these names; `kind.of(vars(args))` reads them."""
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
    """Adds the options of a command that edits photos.

    Args:
        parser: of the command.
        output: help of -o.
        photo: whether the command line names the photos, so that --face and --background apply.
        saving: whether the results are pictures, which are marked and can be signed.
        record: whether to add --json.
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
    """Adds the options that name the networks and their device."""
    group = parser.add_argument_group("model")
    add_flags(group, kind, ["model", "base", *own_fields(kind, ModelOptions), "device", "dtype"])
    return group


def own_fields(kind: type[Options], base: type[Options]) -> list[str]:
    """Names of the fields that `kind` adds to `base`."""
    known = {each.name for each in fields(base)}
    return [each.name for each in fields(kind) if each.name not in known]


def add_quiet(group: Any) -> None:
    """Adds --quiet."""
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


def add_saving(group: Any) -> None:
    """Adds the options of commands that save pictures to a parser, or to a group of one."""
    group.add_argument("--no-watermark", action="store_true", help="leave the invisible mark out of the pixels")
    group.add_argument("--certificate", type=Path, help="PEM file that signs the pictures (C2PA); goes with --key")
    group.add_argument("--key", type=Path, help="its private key, PEM")


def saving(args: argparse.Namespace) -> dict[str, Any]:
    """The options of `add_saving` for `saved_with`; raises an InputError for a certificate or a key alone."""
    check_pair(args.certificate, args.key)
    return {"watermark": not args.no_watermark, "certificate": args.certificate, "key": args.key}


def saved(args: argparse.Namespace) -> dict[str, Any]:
    """The same as plain values; a certificate by the name of its file, since its folder may name a user."""
    return {"watermark": not args.no_watermark, "certificate": args.certificate and Path(args.certificate).name}
