"""The `app` command of the packages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..cli import console, options
from ..editing.options import ModelOptions

if TYPE_CHECKING:
    from .tab import Tab

HOST, PORT = "127.0.0.1", 7860
MEGABYTES = 20
"""Of an uploaded file at most."""


def app(program: str, what: str, tab: Callable[..., Tab], arguments: Sequence[str]) -> int:
    """Opens the page, until it is stopped; returns the exit code.

    Args:
        program: name of the package.
        what: it opens.
        tab: makes the package's tab from the options of the networks.
        arguments: of the command line.
    """
    parser = console.command_parser(f"{program} app", what)
    parser.add_argument("--host", default=HOST, help="address to listen at; 0.0.0.0 opens it to the network")
    parser.add_argument("--port", type=int, help=f"default: the first free one from {PORT}")
    parser.add_argument("--megabytes", type=float, default=MEGABYTES, help="of an uploaded file at most")
    parser.add_argument("--browser", action="store_true", help="open it in a browser too")
    options.add_model_options(parser)
    args = parser.parse_args(arguments)
    console.listen(quiet=False)
    model = ModelOptions.of(vars(args))
    model.check_device()
    from .page import serve  # torch and diffusers load here, after the arguments have been understood

    serve([tab(**model.networks)], host=args.host, port=args.port, megabytes=args.megabytes, browser=args.browser)
    return console.OK
