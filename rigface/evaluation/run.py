"""All items in turn, each kept as soon as it is measured: an evaluation that was stopped goes on when started again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.action_units import ACTION_UNITS
from common.errors import InputError
from common.evaluation.dose_plot import draw_doses
from common.evaluation.items import KeptItems, write_report
from common.facts import claim, fingerprint
from common.files import alone, replace_file
from common.measure.regressor import Regressor
from common.synthetic.plan import VERSION

from ..editor import RigFace
from . import SEED
from .items import draw_item
from .summary import Report, doses, summarise
from .tables import markdown
from .trial import attempt

ON_SHEET = 32
COLUMNS = ("source", "draft", "edit", "truth")


def evaluate(
    editor: RigFace,
    folder: str | Path,
    *,
    count: int = 200,
    seed: int = SEED,
    size: int = 128,
    progress: bool = True,
) -> Report:
    """Measures an editor on held-out synthetic people and writes what it found.

    The folder gets report.json, report.md, sheet.png, with matplotlib dose_response.png, and under items/ what every
    single edit gave. An item does not depend on the count: the first 20 of 200 are those of 20.

    Args:
        editor: whose model's own settings are used.
        folder: is made; one that holds a part of the same evaluation is filled up.
        count: how many edits: light, pose, expression and combinations in turn.
        seed: of the people.
        size: side of their photos in pixels.
        progress: show a bar.

    Raises:
        InputError: no edit at all, the folder holds another evaluation, or another is at work there.
    """
    if count < 1:
        raise InputError(f"count must be at least 1; got {count}.")
    folder = Path(folder).expanduser()
    with alone(folder):
        return _evaluate(editor, folder, count, seed, size, progress)


def _evaluate(editor: RigFace, folder: Path, count: int, seed: int, size: int, progress: bool) -> Report:
    regressor = Regressor(editor.finder)
    facts = about(editor, regressor, seed, size)
    claim(folder / "evaluation.json", facts, "name another folder, or delete this one")
    items = KeptItems(folder / "items")
    records = items.fill(
        count, lambda index: attempt(draw_item(seed, index), editor, regressor, size), title="Editing",
        progress=progress,
    )  # fmt: skip
    report = summarise(records, facts)
    rows = [(index, str(draw_item(seed, index).wish)) for index in range(min(count, ON_SHEET))]
    write_report(folder, report, markdown(report), items.sheet(rows, COLUMNS))
    _draw_plot(records, report, folder / "dose_response.png")
    return report


def about(editor: RigFace, regressor: Regressor, seed: int, size: int) -> dict[str, Any]:
    """What decides the figures, but for their number."""
    networks = editor.pipeline.vae, editor.pipeline.id_encoder, editor.pipeline.unet
    return {
        "networks": fingerprint(*networks, values=64),
        "scheduler": {k: v for k, v in editor.pipeline.scheduler.config.items() if not k.startswith("_")},
        "pixels": editor.size,
        "settings": asdict(editor.defaults),
        "finder": editor.finder.name,
        "parser": editor.parser.name,
        "measurer": [regressor.name, fingerprint(regressor.network)],
        "seed": seed,
        "photos": size,
        "faces": VERSION,
    }


def _draw_plot(records: list[dict[str, Any]], report: Report, path: Path) -> None:
    """Without matplotlib there is none."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    figure = Figure(figsize=(11, 8), dpi=110, layout="constrained")
    found = {
        name: {of: (*doses(records, name, of), report["units"][name][of]) for of in ("truth", "edit")}
        for name in ACTION_UNITS
    }
    draw_doses(figure, found, report["evaluated"]["measurer"][0])
    replace_file(path, figure.savefig)
