"""Edits that begin with noise beside those that begin with the warp: errors to the truth, doses, seconds.

    python benchmarks/starts.py --count 200 --output out/starts

The edits are those of `magicface evaluate`: synthetic people that no training has seen, beside their true pictures. All
ways edit the same encoded photos, eight at a time, one way after the other. What was stopped goes on when the same
command runs again; the folder then holds `report.md` and a sheet.
"""

from __future__ import annotations

import argparse
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from common.core.errors import FaceNotFoundError
from common.core.files import alone, replace_file
from common.core.fingerprint import claim
from common.core.markdown import number, table
from common.editing.subject import Subject
from common.evaluation.items import draw_item
from common.evaluation.metrics import response, spill
from common.evaluation.run import Journal
from common.evaluation.trial import Trial, errors, read_units
from common.facs.action_units import ACTION_UNITS, to_text
from common.measure import AUEstimator, get_estimator
from common.synthetic.render import picture
from magicface import MagicFace
from magicface.evaluation import SEED

WAYS: dict[str, dict[str, Any]] = {
    "noise, 1 step": {"steps": 1, "start": "noise"},
    "noise, 12 steps": {"steps": 12, "start": "noise"},
    "noise, 25 steps": {"steps": 25, "start": "noise"},
    "noise, 50 steps": {"steps": 50, "start": "noise"},
    "warp, 1 step of 2": {"steps": 2, "start": "warp", "strength": 0.5},
    "warp, 6 steps of 12": {"steps": 12, "start": "warp", "strength": 0.5},
    "warp, 12 steps of 25": {"steps": 25, "start": "warp", "strength": 0.5},
    "warp, 25 steps of 50": {"steps": 50, "start": "warp", "strength": 0.5},
    "the warp itself": {"engine": "warp"},
}
HEAD = (
    "start", "error, all", "one unit to 3", "one unit, 4.5", "units with r >= 0.95", "least r", "off-target", "seconds",
)  # fmt: skip
AT_ONCE = 8
CLAIM = "name another --output"
_NAMES = tuple(ACTION_UNITS)


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="edits, a quarter of them combinations")
    parser.add_argument("--model", default="embedded", help="folder of another model")
    parser.add_argument("--size", type=int, default=128, help="side of the photos in pixels")
    parser.add_argument("--ways", nargs="*", choices=list(WAYS), default=list(WAYS), help="which (default: all)")
    parser.add_argument("--output", type=Path, default=Path("out/starts"), help="folder of the report")
    args = parser.parse_args()
    editor, estimator = MagicFace.from_pretrained(args.model), get_estimator("regressor")
    with alone(args.output):
        claim(args.output / "settings.json", {name: getattr(args, name) for name in ("model", "size", "ways")}, CLAIM)
        items = Journal(args.output / "items")
        attempt = Attempts(editor, estimator, args.size, args.count, args.ways)
        records = items.fill(args.count, attempt, title="Editing", progress=True)
        done = [record for record in records if "failed" not in record]
        report = table(HEAD, [row(name, done) for name in args.ways])
        rows = [(each["index"], to_text([round(value, 1) for value in each["request"]])) for each in done[:16]]
        sheet = items.sheet(rows, ("source", *(name.removesuffix(" steps") for name in args.ways), "truth"))
        replace_file(args.output / "sheet.png", sheet.save)
        text = f"{len(done)} edits of {args.size} px, model {args.model}\n\n{report}"
        replace_file(args.output / "report.md", lambda path: path.write_text(text, encoding="utf-8"))
    print(text)


class Attempts:
    """Items by index, `AT_ONCE` of them edited together.

    Args:
        editor: whose networks.
        estimator: of action units.
        size: of the photos in pixels.
        count: how many items there are.
        ways: names of those to take.
    """

    def __init__(self, editor: MagicFace, estimator: AUEstimator, size: int, count: int, ways: list[str]) -> None:
        self.editor, self.estimator, self.size, self.count, self.ways = editor, estimator, size, count, ways
        self.made: dict[int, Trial] = {}

    def __call__(self, index: int) -> Trial:
        """One of them, and with it the next ones."""
        if index not in self.made:
            self.made = self._together(range(index, min(index + AT_ONCE, self.count)))
        return self.made[index]

    def _together(self, indices: range) -> dict[int, Trial]:
        """All ways of some edits."""
        items = {index: draw_item(SEED, index) for index in indices}
        photos = {
            index: [picture.make(scene, self.size).image for scene in (item.source, item.target)]
            for index, item in items.items()
        }
        subjects: dict[int, Subject] = {}
        for index, (before, _) in photos.items():
            with suppress(FaceNotFoundError):
                subjects[index] = self.editor.encode(before)
                self.editor.fitted(subjects[index])  # before the clock runs
        requests = [items[index].request for index in subjects]
        edits: dict[str, list[np.ndarray]] = {}
        seconds: dict[str, float] = {}
        for name, way in ((name, WAYS[name]) for name in self.ways):
            started = time.perf_counter()
            made = self.editor.edit([*subjects.values()], requests, batch_size=AT_ONCE, progress=False, **way)
            edits[name], seconds[name] = [np.array(each) for each in made], time.perf_counter() - started
        found = {}
        for row, (index, subject) in enumerate(subjects.items()):
            (before, truth), own = photos[index], {name: made[row] for name, made in edits.items()}
            assert subject.face is not None
            record = {
                "index": index, "request": items[index].units, "unit": items[index].unit,
                "units": read_units(self.estimator, {"before": before, "truth": truth, **own}, subject.face),
                "seconds": {name: value / len(subjects) for name, value in seconds.items()},
                "errors": {name: errors(before, edit, truth, truth) for name, edit in own.items()},
            }  # fmt: skip
            found[index] = Trial(record, (before, *own.values(), truth))
        lost = {index: photos[index][0] for index in indices if index not in found}
        return found | {
            index: Trial({"index": index, "failed": True}, (before,) * (len(self.ways) + 2))
            for index, before in lost.items()
        }


def row(name: str, records: list[dict[str, Any]]) -> tuple[str, ...]:
    """One way's figures; errors are pooled, over those of doing nothing."""

    def error(chosen: list[dict[str, Any]]) -> str:
        found = [record["errors"][name] for record in chosen]
        return number(sum(each["edit"] for each in found) / sum(each["nothing"] for each in found)) if found else "-"

    singles = [record for record in records if record["unit"]]
    strong = [max(map(abs, record["request"])) > 3 for record in singles]
    doses, changes = [], []
    for place, unit in enumerate(_NAMES):
        own = [record for record in singles if record["unit"] == unit]
        moved = [np.subtract(record["units"][name], record["units"]["before"]) for record in own]
        asked = np.array([record["request"][place] for record in own])
        doses.append(response(asked, np.array([change[place] for change in moved]))["pearson"])
        changes += [(place, change) for change in moved]
    known = [dose for dose in doses if dose is not None]
    reached = sum(dose >= 0.95 for dose in known)
    return (
        name, error(records), error([r for r, much in zip(singles, strong) if not much]),
        error([r for r, much in zip(singles, strong) if much]), f"{reached} of {len(known)}",
        number(min(known)) if known else "-", number(spill(changes)),
        number(median(record["seconds"][name] for record in records)),
    )  # fmt: skip


if __name__ == "__main__":
    main()
