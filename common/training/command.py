"""The command line of every training: a config's file, and values in place of the file's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import cli
from ..files import check_writable
from .config import Config, describe, read


def command(
    module: str, text: str, config: type[Config], run: Callable[[Config], int], argv: Sequence[str] | None
) -> int:
    """Reads the arguments and the config, runs, and returns the exit code.

    Args:
        module: by which `python -m` knows the training.
        text: what it does, for its help; the keys of the config follow.
        config: the frozen dataclass.
        run: the training; returns an exit code.
        argv: the arguments; None takes those of the process.
    """
    parser = cli.command_parser(
        f"python -m {module}", text, f"keys of the config, with their defaults:\n{describe(config)}\n\n{cli.EXIT_CODES}"
    )
    parser.add_argument("config", type=Path, help="a TOML file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="in place of the file's value"
    )
    args = parser.parse_args(argv)

    def work() -> int:
        found: Any = read(config, args.config, args.overrides)
        check_writable(Path(found.output).expanduser())
        return run(found)

    return cli.guarded(work)
