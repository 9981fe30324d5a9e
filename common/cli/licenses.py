"""The commands `doctor`, `licenses` and `download`. `sources` names a function that lists weights, see `named`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from . import console
from .editor_spec import EditorSpec, named


def doctor(program: str, sources: str, arguments: Sequence[str]) -> int:
    """Prints the state of this machine."""
    args = _parser(program, "Prints versions, devices and weights of this machine, and missing parts.", arguments)
    from .doctor import described, examine

    found = examine(named(sources)())
    print(json.dumps(found, indent=1) if args.json else described(found))
    return console.OK


def licenses(program: str, sources: str, arguments: Sequence[str]) -> int:
    """Prints the terms of weights."""
    args = _parser(program, "Lists the weights and data that a command can use, and their terms.", arguments)
    rows = [source.terms() for source in named(sources)()]
    if args.json:
        print(json.dumps(rows, indent=1))
        return console.OK
    for row in rows:
        print(f"{row['name']}\n  for         {row['use']}\n  terms       {row['licence']}")
        print(f"  commercial  {row['commercial']}\n  from        {row['where']}")
        if row["register"]:
            print(f"  register    {row['register']}")
    print("\nThe code is Apache-2.0. This list is not legal advice: read the terms.")
    return console.OK


def download(spec: EditorSpec, arguments: Sequence[str]) -> int:
    """Fetches the editor's published weights."""
    parser = console.command_parser(
        f"{spec.name} download", "Fetches the published weights; interrupted downloads resume."
    )
    parser.add_argument("--to", type=Path, help="folder (default: that of the hub repository, in ~/.cache/face-rig)")
    parser.add_argument("--base", help="hub repository or local folder of Stable Diffusion 1.5 (default: live ids)")
    args = parser.parse_args(arguments)
    from ..diffusion.download import download

    console.say(f"complete: {download(spec.kind.release, base=args.base, folder=args.to)}")
    return console.OK


def _parser(program: str, what: str, arguments: Sequence[str]) -> argparse.Namespace:
    parser = console.command_parser(program, what)
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser.parse_args(arguments)
