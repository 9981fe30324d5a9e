"""Parsers, exit codes and messages of all command lines."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import FaceEditError, InputError, MissingCheckpointError
from ..core.notices import listen, stop_listening
from .options import add_quiet

OK, FAILED, USAGE, NO_MODEL, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: all is well; some photo failed; wrong arguments; weights missing; stopped by the user."""

log = logging.getLogger(__name__)

EXIT_CODES = "exit codes: 0 success, 1 some inputs failed, 2 wrong arguments, 3 weights missing, 130 interrupted"


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows the defaults that say something, and keeps the lines of the examples."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False, "", []) else super()._get_help_string(action)


_STYLE: dict[str, Any] = {"formatter_class": HelpFormatter, "allow_abbrev": False}


def command_parser(program: str, about: str, epilog: str | None = EXIT_CODES) -> argparse.ArgumentParser:
    """The parser of a command such as "magicface batch"; options are never abbreviated."""
    return argparse.ArgumentParser(program, description=about, epilog=epilog, **_STYLE)


@dataclass(frozen=True)
class Command:
    """One of the commands of a package: help, a function that adds its options, and one that returns the exit code."""

    about: str
    add: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def add_commands(parser: argparse.ArgumentParser, table: Mapping[str, Command]) -> None:
    """Adds commands by their names to a parser; the parsed arguments then have the `run` of the chosen one."""
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in table.items():
        own = commands.add_parser(name, help=command.about, description=command.about, epilog=EXIT_CODES, **_STYLE)
        command.add(own)
        add_quiet(own)
        own.set_defaults(run=command.run)


def guarded(command: Callable[[], int]) -> int:
    """Runs a command; errors of the toolkit become one message and an exit code, never a traceback.

    Log messages are printed, unless the command calls `listen` to be quiet.
    """
    listen(quiet=False)
    try:
        return command()
    except FaceEditError as error:
        say(str(error))
        missing = isinstance(error, MissingCheckpointError)
        return NO_MODEL if missing else USAGE if isinstance(error, InputError) else FAILED
    except OSError as error:  # no permission, no space, a file in a folder's place
        say(f"Cannot read or write: {error}")
        return FAILED
    except (MemoryError, RuntimeError, ValueError) as error:  # torch has several ways to say that memory ran out
        if sys.flags.optimize > 1 and "docstring" in str(error):
            say("python -OO takes away docstrings, without which transformers cannot be imported; use python -O")
            return FAILED
        if not isinstance(error, MemoryError) and not re.search("out of memory|alloc", str(error), re.IGNORECASE):
            raise
        say(f"There is not enough memory: {error}\n  try --dtype bfloat16, a smaller --size, or --device cpu")
        return FAILED
    except KeyboardInterrupt:
        say("stopped; the photos finished before are complete")
        return INTERRUPTED
    finally:
        stop_listening()


def say(message: str) -> None:
    """Prints to standard error, always: errors. Standard output is for results."""
    print(message, file=sys.stderr)


def note(message: str) -> None:
    """Prints to standard error, unless the command is quiet: progress."""
    log.info("%s", message)
