"""Runs the notebooks beside it, and keeps what they show: pictures as JPEG, small.

    python examples/notebooks.py                       # all, in place
    python examples/notebooks.py quickstart --to out/  # one, elsewhere

Needs nbclient and ipykernel (`pip install nbclient ipykernel`).
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image
from tqdm import tqdm

from common.cli import console
from common.core.errors import InputError
from common.core.files import replace_file

HERE = Path(__file__).parent
NAMES = ("quickstart", "magicface", "rigface", "fineface", "training", "augmentation")
QUALITY = 85


def main() -> int:
    """Runs and writes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)} (default: all)")
    parser.add_argument("--to", type=Path, default=HERE, help="folder to write to (default: beside this file)")
    args = parser.parse_args()
    if unknown := set(args.names) - set(NAMES):
        raise InputError(f"There is no notebook {unknown.pop()!r}; choose from {', '.join(NAMES)}.")
    args.to.mkdir(parents=True, exist_ok=True)
    os.environ["TQDM_DISABLE"] = "1"  # progress bars are no results
    for name in tqdm(args.names or NAMES, unit="notebook"):
        book: Any = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
        NotebookClient(book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(HERE)}}).execute()
        for cell in book.cells:
            cell["metadata"] = {}  # when it ran says nothing
            cell["outputs"] = [small(each) for each in cell.get("outputs", []) if each.get("name") != "stderr"]
            if cell["cell_type"] != "code":
                del cell["outputs"]
        replace_file(args.to / f"{name}.ipynb", lambda path, book=book: nbformat.write(book, path))
    return console.OK


def small(output: Any) -> Any:
    """An output whose picture is a JPEG."""
    data = output.get("data", {})
    if "image/png" in data:
        picture = Image.open(io.BytesIO(base64.b64decode(data.pop("image/png")))).convert("RGB")
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=QUALITY)
        data["image/jpeg"] = base64.b64encode(file.getvalue()).decode()
    return output


if __name__ == "__main__":
    sys.exit(console.guarded(main))
