"""Items of a long measurement, each kept as soon as it is measured: what was stopped goes on when started again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from ..files import replace_file
from ..jsonio import read_config
from ..training.sheet import sheet

COLUMN = 8  # rows of a sheet, before the next stands beside it


@dataclass(frozen=True)
class Trial:
    """What was measured of an item, plain values with its "index", and photos (S, S, 3) uint8 to look at."""

    record: dict[str, Any]
    photos: tuple[np.ndarray, ...]


class KeptItems:
    """Records, plain values, and the pictures that go with them, in a folder.

    Args:
        folder: is made when the first item is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, count: int, attempt: Callable[[int], Trial], *, title: str, progress: bool) -> list[dict[str, Any]]:
        """The records of the first items; those that are not there yet are attempted and kept.

        Args:
            count: how many items.
            attempt: measures the item of an index.
            title: of the progress bar.
            progress: show one.
        """
        missing = [index for index in range(count) if not self._file(index).is_file()]
        if missing:
            attempt(missing[0])  # what only the first one costs is not timed
        for index in tqdm(missing, desc=title, disable=not progress):
            self._keep(attempt(index))
        return [read_config(self._file(index), "delete it, and it is made again") for index in range(count)]

    def sheet(self, rows: Sequence[tuple[int, str]], columns: Sequence[str]) -> Image.Image:
        """The pictures of some items, eight items one under the other.

        Args:
            rows: index of an item, and the words above it.
            columns: what its pictures are.
        """
        pages = []
        for start in range(0, len(rows), COLUMN):
            part = rows[start : start + COLUMN]
            strips = np.stack([np.array(Image.open(self._file(index).with_suffix(".png"))) for index, _ in part])
            pictures = torch.from_numpy(strips).permute(0, 3, 1, 2).div(255).chunk(len(columns), 3)
            pages.append(sheet(dict(zip(columns, pictures)), [words for _, words in part]))
        size = sum(page.width for page in pages), max(page.height for page in pages)
        whole = Image.new("RGB", size, "white")
        for number, page in enumerate(pages):
            whole.paste(page, (number * pages[0].width, 0))
        return whole

    def _keep(self, trial: Trial) -> None:
        path = self._file(trial.record["index"])
        strip = Image.fromarray(np.concatenate(trial.photos, 1))
        replace_file(path.with_suffix(".png"), strip.save)  # before the record, whose presence says that all is there
        text = json.dumps(trial.record, allow_nan=False)
        replace_file(path, partial(Path.write_text, data=text, encoding="utf-8"))

    def _file(self, index: int) -> Path:
        return self.folder / f"{index:05d}.json"


def write_report(folder: Path, report: dict[str, Any], text: str, sheet: Image.Image) -> None:
    """Writes report.json, report.md with the text, and sheet.png."""
    values = json.dumps(report, indent=1, allow_nan=False) + "\n"
    replace_file(folder / "report.json", lambda path: path.write_text(values, encoding="utf-8"))
    replace_file(folder / "report.md", lambda path: path.write_text(text, encoding="utf-8"))
    replace_file(folder / "sheet.png", sheet.save)
