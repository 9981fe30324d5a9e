"""All editors on one page, in the browser: a tab for expressions, one for light and pose, one for faces from text.

    python examples/app.py
    python examples/app.py --port 8000 --browser

Uploads and pictures stay on this machine, and are cleared away.
"""

from __future__ import annotations

import argparse
import sys

import fineface.app
import magicface.app
import rigface.app
from common.app.page import HOST, serve
from common.cli import console


def main() -> int:
    """Opens the page, until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default=HOST, help=f"address to listen at (default: {HOST}, this machine alone)")
    parser.add_argument("--port", type=int, help="(default: the first free one from 7860)")
    parser.add_argument("--browser", action="store_true", help="open it in a browser too")
    parser.add_argument("--device", help="cuda, mps or cpu (default: the fastest)")
    args = parser.parse_args()
    console.listen(quiet=False)
    tabs = [module.tab(device=args.device) for module in (magicface.app, rigface.app, fineface.app)]
    serve(tabs, host=args.host, port=args.port, browser=args.browser)
    return console.OK


if __name__ == "__main__":
    sys.exit(console.guarded(main))
