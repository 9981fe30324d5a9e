"""Runs with scores, as the batch and score commands leave them, for tests of their report."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common.batch.report.page import report
from common.facs.action_units import ACTION_UNITS, to_vector

MADE = {"date": "2026-11-30", "versions": {"face-rig": "0.1.0"}, "machine": {"cpu": "a processor", "cores": 2}}
REQUESTS = ("AU12=1", "AU12=2", "AU12=3", "AU4=2", "AU4=-1", "AU6=2,AU12=3", "neutral")


def write_run(folder: Path, photos: int = 6, requests: Sequence[str] = REQUESTS, scored: bool = True) -> list[dict]:
    """A run, every 13th edit of which failed and every 11th of which could not be measured; its lines and scores."""
    rng, picture = np.random.default_rng(0), io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(picture, "PNG")
    (folder / "photos").mkdir(parents=True)
    rows = []
    for number in range(photos * len(requests)):
        photo, request = f"p{number // len(requests)}", requests[number % len(requests)]
        path, output = folder / "photos" / f"{photo}.png", f"edits/{photo}/{request}.png"
        (folder / output).parent.mkdir(parents=True, exist_ok=True)
        for each in (path, folder / output):
            each.write_bytes(picture.getvalue())
        row: dict[str, Any] = {"key": f"{photo}/{request}", "request": request, "photo": str(path)}
        if number % 13 == 12:
            rows.append({**row, "state": "failed", "error": f"No face was found in {path}.\n  take another"})
            continue
        score = {"error": "No face."} if number % 11 == 10 else readings(rng, to_vector(request))
        done = {"state": "done", "output": output, "engine": "warp", "seconds": 0.5 + number % 3, "warnings": []}
        rows.append({**row, **done, "score": {"key": row["key"], "estimator": "regressor", **score}})
    save(folder, rows, scored)
    return rows


def readings(rng: np.random.Generator, wanted: Sequence[float]) -> dict[str, Any]:
    """Of one edit; some units, the background and the light are not known."""
    before = rng.uniform(0, 2, 12)
    after = (before + 0.8 * np.array(wanted) + rng.normal(0, 0.2, 12)).clip(0, 5)
    found: dict[str, Any] = {}
    for place, unit in enumerate(ACTION_UNITS):
        known = rng.random() > 0.1
        found |= {f"{unit}_wanted": wanted[place], f"{unit}_before": round(float(before[place]), 3)}
        found[f"{unit}_after"] = round(float(after[place]), 3) if known else None
    found |= {"yaw_change": round(float(rng.normal()), 2), "light_turn": None, "background_psnr": None}
    return {**found, "identity": round(float(rng.uniform(0, 0.7)), 4), "identity_measure": "dlib L2"}


def save(folder: Path, rows: Sequence[dict], scored: bool = True) -> None:
    """Lines and scores as files."""
    lines = [{name: value for name, value in row.items() if name != "score"} for row in rows]
    (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    (folder / "run.json").write_text(json.dumps({"program": "magicface", "seed": 424, "model": None, "made": [MADE]}))
    if scored:
        scores = [row["score"] for row in rows if "score" in row]
        (folder / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in scores))


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.cells: dict[str, list[list[str]]] = {}
        self._row: list[str] | None = None
        self._table = self._open = ""
        self.numbers: dict[str, Any] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append((tag, named))
        self._open = tag if tag in ("script", "style") else ""
        if tag == "table":
            self._table = named.get("id") or named.get("data-label") or named.get("class") or ""
            self.cells[self._table] = []
        elif tag == "tr":
            self.cells[self._table].append([])
        elif tag in ("td", "th"):
            self.cells[self._table][-1].append("")
            self._row = self.cells[self._table][-1]

    def handle_endtag(self, tag: str) -> None:
        self._open = ""
        if tag in ("td", "th"):
            self._row = None

    def handle_data(self, data: str) -> None:
        if self._open == "script" and data.startswith("{"):
            self.numbers = json.loads(data)
        if self._open:
            return
        self.words.append(data)
        if self._row is not None:
            self._row[-1] += data

    @property
    def prose(self) -> str:
        """All words, with single spaces."""
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [named for name, named in self.tags if name == tag]


def made(folder: Path, **options) -> Page:
    """Its report, read."""
    return Page(report(folder, to_vector, progress=False, **options).read_text(encoding="utf-8"))
