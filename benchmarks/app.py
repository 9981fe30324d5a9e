"""How long after a slider's move its preview stands on the page, and its edit; in a browser without a screen.

    python benchmarks/app.py --photo mine.jpg --moves 12 --screenshot page.jpg

Needs the extras `app` and `dev` (Playwright), and Chromium. Without --photo: NASA's portrait of Eileen Collins.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import magicface.app
from common.app.page import serve
from common.cli.console import guarded
from common.core.errors import InputError

LATEST = "document.querySelector('.warp img')?.src"
EDITED = "[...document.querySelectorAll('.compare img')].map(each => each.src).join()"  # the first is the photo


def main() -> int:
    """Prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--moves", type=int, default=12, help="of the slider (default: 12)")
    parser.add_argument("--model", help="as magicface app takes it (default: the published one; without it, the warp)")
    parser.add_argument("--screenshot", type=Path, help="JPEG file to keep of the page")
    args = parser.parse_args()
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        raise InputError("There is no Chromium here; install it, for example with apt-get install chromium.")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        photo = args.photo or _astronaut(Path(folder))
        address = serve([magicface.app.tab(model=args.model)], wait=False)
        page = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page(
            viewport={"width": 1280, "height": 900}
        )
        page.set_default_timeout(120_000)
        page.goto(address)
        started = time.perf_counter()
        page.locator(".photo input[type=file]").set_input_files(photo)
        page.locator(".warp img").wait_for()
        print(f"a photo until its preview: {time.perf_counter() - started:.2f} s, with all loading")
        page.wait_for_timeout(2000)
        box = page.locator(".AU12 input[type=number]")
        warps, edits = [], []
        for move in range(args.moves):
            before = page.evaluate(LATEST)
            after = page.evaluate(EDITED)
            started = time.perf_counter()
            box.fill(f"{1 + move % 4 + 0.25 * (move % 3)}")
            page.wait_for_function(f"old => {LATEST} !== old && document.querySelector('.warp img').complete",
                                   arg=before)  # fmt: skip
            warps.append(time.perf_counter() - started)
            page.wait_for_function(f"old => {EDITED} !== old", arg=after)
            edits.append(time.perf_counter() - started)
            page.wait_for_timeout(3000)
        warp, edit = statistics.median(warps), statistics.median(edits)
        print(f"a move until its preview: {1000 * warp:.0f} ms (median; most {1000 * max(warps):.0f})")
        print(f"a move until its edit: {1000 * edit:.0f} ms, {edit / warp:.1f} times")
        if args.screenshot is not None:
            page.get_by_role("button", name="reset").click()
            page.get_by_role("button", name="happy").click()
            page.locator(".report", has_text="AU12").first.wait_for()
            page.mouse.move(0, 0)
            page.wait_for_timeout(3000)
            page.screenshot(path=args.screenshot, full_page=True, type="jpeg", quality=85)
    return 0


def _astronaut(folder: Path) -> Path:
    from PIL import Image
    from skimage import data

    Image.fromarray(data.astronaut()).save(folder / "astronaut.png")
    return folder / "astronaut.png"


if __name__ == "__main__":
    sys.exit(guarded(main))
