"""The `app` command of every editor."""

from __future__ import annotations

from collections.abc import Sequence

from ..cli import console, options
from ..cli.editor_spec import EditorSpec, named

HOST, PORT = "127.0.0.1", 7860
MEGABYTES = 20
"""Max size of an uploaded file."""


def app(spec: EditorSpec, tab: str | None, arguments: Sequence[str]) -> int:
    """Opens the page, until it is stopped; returns the exit code.

    `tab` names a function that makes the editor's tab from the options of the networks; None gives a slider for each
    attribute.
    """
    parser = console.command_parser(f"{spec.name} app", "Opens a page to edit photos on.")
    parser.add_argument("--host", default=HOST, help="address to listen at; 0.0.0.0 opens it to the network")
    parser.add_argument("--port", type=int, help=f"default: the first free one from {PORT}")
    parser.add_argument("--megabytes", type=float, default=MEGABYTES, help="max size of an uploaded file")
    parser.add_argument("--browser", action="store_true", help="also open the page in a browser")
    options.add_model_options(parser, spec.options[2])
    args = parser.parse_args(arguments)
    console.listen(quiet=False)
    model = spec.options[2].of(vars(args))
    model.check_device()
    from .page import serve  # torch and diffusers load here, after the arguments have been understood

    if tab is None:
        from .attributes import tab as attributes

        made = attributes(spec, **vars(model))
    else:
        made = named(tab)(**vars(model))
    serve([made], host=args.host, port=args.port, megabytes=args.megabytes, browser=args.browser)
    return console.OK
