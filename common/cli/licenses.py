"""The commands `doctor` and `licenses` of every package."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence

from . import console
from .source import Source


def doctor(program: str, sources: Callable[[], list[Source]], arguments: Sequence[str]) -> int:
    """Says what this machine has and lacks."""
    args = _parser(program, "Says what this machine has: versions, devices, weights, and what is missing.", arguments)
    from .doctor import examine, told

    found = examine(sources())
    print(json.dumps(found, indent=1) if args.json else told(found))
    return console.OK


def licenses(program: str, sources: Callable[[], list[Source]], arguments: Sequence[str]) -> int:
    """Says under which terms weights come."""
    args = _parser(program, "Lists the weights and data that a command can touch, and their terms.", arguments)
    rows = [source.terms() for source in sources()]
    if args.json:
        print(json.dumps(rows, indent=1))
        return console.OK
    for row in rows:
        print(f"{row['name']}\n  for         {row['use']}\n  terms       {row['licence']}")
        print(f"  commercial  {row['commercial']}\n  from        {row['where']}")
        if row["register"]:
            print(f"  register    {row['register']}")
    print("\nThe code is Apache-2.0. Nothing here is legal warnings: read the terms.")
    return console.OK


def _parser(program: str, what: str, arguments: Sequence[str]) -> argparse.Namespace:
    parser = console.command_parser(program, what)
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser.parse_args(arguments)
