"""Items of a long measurement, each kept as soon as it is measured: what was stopped goes on when started again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..files import replace_file
from ..training.sheet import sheet
from ..weights import read_config

COLUMN = 8  # rows of a sheet, before the next stands beside it


class KeptItems:
    """Records, plain values, and the pictures that go with them, in a folder.

    Args:
        folder: is made when the first item is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def missing(self, count: int) -> list[int]:
        """Which of the first items are not there yet."""
        return [index for index in range(count) if not self._file(index).is_file()]

    def keep(self, record: dict[str, Any], pictures: Sequence[np.ndarray]) -> None:
        """Keep a record, which has its "index", and pictures (S, S, 3) uint8."""
        path = self._file(record["index"])
        strip = Image.fromarray(np.concatenate(pictures, 1))
        replace_file(path.with_suffix(".png"), strip.save)  # before the record, whose presence says that all is there
        text = json.dumps(record, allow_nan=False)
        replace_file(path, partial(Path.write_text, data=text, encoding="utf-8"))

    def records(self, count: int) -> list[dict[str, Any]]:
        """The first records."""
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
        whole = Image.new("RGB", (sum(page.width for page in pages), pages[0].height), "white")
        for number, page in enumerate(pages):
            whole.paste(page, (number * pages[0].width, 0))
        return whole

    def _file(self, index: int) -> Path:
        return self.folder / f"{index:05d}.json"
