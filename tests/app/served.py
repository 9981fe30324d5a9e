"""The page with all three tabs and the embedded models, as a program of its own; prints its address."""

from __future__ import annotations

import time

import fineface.app
import magicface.app
import rigface.app
from common.app.page import serve

if __name__ == "__main__":
    tabs = [module.tab(model="embedded") for module in (magicface.app, rigface.app, fineface.app)]
    print(serve(tabs, megabytes=0.3, wait=False), flush=True)
    while True:
        time.sleep(1)
