"""One evaluation for any editor: items, trials that resume where they were stopped, and a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import nn
from tqdm import tqdm

from ..core.errors import InputError
from ..core.files import alone, replace_file
from ..core.fingerprint import claim, fingerprint
from ..core.jsonio import read_config
from ..editing.defaults import Defaults
from ..editing.options import Start
from ..editing.request import Sweepable
from ..facs.action_units import AUIntensity
from ..imaging.contact_sheet import Row, contact_sheet
from ..measure import AUEstimator, get_estimator
from ..synthetic.data.plan import VERSION
from . import report as reports
from .items import NAMES, Item, draw_item
from .metrics import METRICS, OF, Metric, done, intensities, pooled_errors, response
from .report import Report
from .trial import MEASURES, Record, Setting, Trial, edit_photo

SEED = 1000
"""Of the people to evaluate on; trainings draw theirs from other seeds."""
ON_SHEET = 32
_COLUMN = 8  # rows of the sheet, before the next column starts
EDIT_PHOTO = partial(edit_photo, measures=MEASURES)


def photo_facts(editor: Any, settings: Defaults, size: int) -> dict[str, Any]:
    """Everything but items and estimator that determines the results of an editor of photos."""
    prompt = getattr(editor.pipeline, "prompt_embeds", None)
    return {
        "networks": networks_of(editor),
        "prompt": None if prompt is None else prompt.double().sum().item(),
        "settings": asdict(settings),
        "detector": editor.detector.name,
        "parser": editor.parser.name,
        "photos": size,
    }


def networks_of(editor: Any, *more: nn.Module) -> str:
    """A fingerprint of the pipeline's networks and `more`."""
    own = [part for part in editor.pipeline.components.values() if isinstance(part, nn.Module)]
    return fingerprint(*own, *more, values=64)


@dataclass(frozen=True)
class Suite:
    """The items and metrics of an evaluation. The default fits requests of 12 action units.

    Attributes:
        draw: the item of a seed and an index.
        attempt: edits and measures one item.
        metrics: of the report, in order.
        columns: headings of a trial's photos.
        title: name of the items.
        note: how to read the report.
        seed: of the people.
        size: side of the photos in pixels.
        others: a unit's response also counts the single items of other units.
        facts: everything that determines the results, from the editor, its settings, and the photos' side.
    """

    draw: Callable[[int, int], Item] = draw_item
    attempt: Callable[[Any, Setting], Trial] = EDIT_PHOTO
    metrics: tuple[Metric, ...] = METRICS
    columns: tuple[str, ...] = ("source", "edit", "truth")
    title: str = "edits of synthetic people"
    note: str = ""
    seed: int = SEED
    size: int = 128
    others: bool = False
    facts: Callable[[Any, Defaults, int], dict[str, Any]] = photo_facts

    def asking(self, request: type[Sweepable]) -> Suite:
        """The same items for an editor with requests of another class."""

        def draw(seed: int, index: int) -> Item:
            item = self.draw(seed, index)
            before, after = (AUIntensity(scene.units[0]) for scene in (item.source, item.target))
            return replace(item, request=request.toward(before, after))

        return replace(self, draw=draw)


def evaluate(
    editor: Any,
    folder: str | Path,
    suite: Suite = Suite(),
    *,
    estimator: str | AUEstimator = "regressor",
    count: int = 200,
    seed: int | None = None,
    size: int | None = None,
    steps: int | None = None,
    start: Start | None = None,
    strength: float | None = None,
    progress: bool = True,
) -> Report:
    """Measures an editor on held-out synthetic people and writes a report.

    The folder gets report.json, report.md, metrics.csv, units.csv, sheet.png, with matplotlib charts, and the records
    of all items under items/. An item does not depend on the count: the first 20 of 200 are those of 20. An interrupted
    evaluation resumes when it is called again.

    Args:
        editor: an `Editor`, or one for which the suite was made.
        folder: of the report; one that holds a part of the same evaluation is completed.
        suite: items and metrics; default: changes of 12 action units.
        estimator: AU estimator, or its name, see `common.measure.get_estimator`.
        count: number of items.
        seed: of the people; default: the suite's.
        size: side of the photos in pixels, where photos are edited; default: the suite's.
        steps: denoising steps; the default of this and the next two is the model's own.
        start: "noise" or "warp", from which denoising starts.
        strength: fraction of the steps run from the warp, 0 to 1.
        progress: show a bar.

    Raises:
        InputError: no item at all, an option that cannot be used, the folder holds another evaluation, or another
            process writes to it.
    """
    if count < 1:
        raise InputError("count must be at least 1.", code="range", actual=count)
    options = {"steps": steps, "start": start, "strength": strength}
    asked = {name: value for name, value in options.items() if value is not None}
    editor.resolve(editor.edit_options.of(asked))
    settings = editor.defaults.asked(**asked)
    seed = suite.seed if seed is None else seed
    size = size or suite.size
    estimator = get_estimator(estimator) if isinstance(estimator, str) else estimator
    paste = "detail" if settings.paste_back == "detail" else "replace"
    setting = Setting(editor, estimator, size, asked, paste)
    folder = Path(folder).expanduser()
    with alone(folder):
        network = getattr(estimator, "network", None)
        facts = {
            "scheduler": {k: v for k, v in editor.pipeline.scheduler.config.items() if not k.startswith("_")},
            "pixels": editor.size,
            "estimator": [estimator.name, fingerprint(network) if network else ""],
            "seed": seed,
            "faces": VERSION,
            **suite.facts(editor, settings, size),
        }
        claim(folder / "evaluation.json", facts, "name another folder, or delete this one")
        journal = Journal(folder / "items")
        records = journal.fill(
            count, lambda index: suite.attempt(suite.draw(seed, index), setting), title="Evaluating", progress=progress
        )
        report = summarise(records, suite, facts)
        rows = [(record["index"], record["label"]) for record in records[:ON_SHEET]]
        found = {
            name: {
                of: (*intensities(records, name, of, others=suite.others), report["units"][name][of])
                for of in reversed(OF)
            }
            for name in NAMES
        }
        reports.write(folder, report, journal.sheet(rows, suite.columns), found)
    return report


def summarise(records: Sequence[Record], suite: Suite, facts: dict[str, Any]) -> Report:
    """The report of an evaluation; `truth` is the same measured on the true pictures, the estimators' own limit."""
    edited = done(records)
    pasted = [record for record in edited if "photo" in record]
    errors = {}
    if pasted:
        kinds = dict.fromkeys(record["kind"] for record in records)
        errors["all"] = pooled_errors(record["photo"] for record in pasted)
        errors |= {kind: pooled_errors(r["photo"] for r in pasted if r["kind"] == kind) for kind in kinds}
        errors["all, the crop as generated"] = pooled_errors(record["crop"] for record in pasted)
    return {
        "evaluated": facts,
        "title": suite.title,
        "note": suite.note,
        "items": len(records),
        "failed": len(records) - len(edited),
        "metrics": {metric.name: metric.report(records) for metric in suite.metrics},
        "errors": errors,
        "units": {name: _unit(name, edited, suite.others) for name in NAMES},
    }


def _unit(name: str, records: Sequence[Record], others: bool) -> dict[str, Any]:
    own = [record for record in records if record["unit"] == name]
    error = pooled_errors(record["photo"] for record in own if "photo" in record)
    return {
        **{of: response(*intensities(records, name, of, others=others)) for of in OF},
        "items": sum(record["unit"] is not None for record in records) if others else len(own),
        "error": error["edit_to_nothing"],
        "floor": error["vae_to_nothing"],
    }


@dataclass(frozen=True)
class Journal:
    """Records of trials, plain values, and their pictures, in a folder that the first trial creates."""

    folder: Path

    def fill(self, count: int, attempt: Callable[[int], Trial], *, title: str, progress: bool) -> list[Record]:
        """The records of the first `count` items; `attempt` makes those that are missing, by their index."""
        missing = [index for index in range(count) if not self._file(index).is_file()]
        if missing:
            attempt(missing[0])  # warm-up is not timed
        for index in tqdm(missing, desc=title, disable=not progress):
            self._record(attempt(index))
        return [read_config(self._file(index), "delete it, and it is made again") for index in range(count)]

    def sheet(self, rows: Sequence[tuple[int, str]], columns: Sequence[str]) -> Image.Image:
        """The pictures of items, eight in a column; `rows` are their indices with a label, `columns` the headings."""
        pages = []
        for start in range(0, len(rows), _COLUMN):
            part = []
            for index, label in rows[start : start + _COLUMN]:
                strip = Image.open(self._file(index).with_suffix(".png"))
                side = strip.width // len(columns)
                photos = [strip.crop((x, 0, x + side, strip.height)) for x in range(0, strip.width, side)]
                part.append(Row(photos, () if part else columns, label))
            pages.append(contact_sheet(part))
        size = sum(page.width for page in pages), max(page.height for page in pages)
        whole = Image.new("RGB", size, "white")
        for number, page in enumerate(pages):
            whole.paste(page, (number * pages[0].width, 0))
        return whole

    def _record(self, trial: Trial) -> None:
        path = self._file(trial.record["index"])
        strip = Image.fromarray(np.concatenate(trial.photos, 1))
        replace_file(path.with_suffix(".png"), strip.save)  # before the record, whose presence says that all is there
        text = json.dumps(trial.record, allow_nan=False)
        replace_file(path, partial(Path.write_text, data=text, encoding="utf-8"))

    def _file(self, index: int) -> Path:
        return self.folder / f"{index:05d}.json"
