"""All items in turn, each kept as soon as it is measured: an evaluation that was stopped goes on when started again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common.action_units import to_text
from common.errors import InputError
from common.evaluation.items import KeptItems, write_report
from common.facts import claim, fingerprint
from common.files import alone
from common.measure import Measurer
from common.measure.traits import TraitReader
from common.synthetic.plan import VERSION

from ..editor import FineFace
from . import SEED
from .items import draw_item
from .plots import draw_plot
from .summary import Report, summarise
from .tables import markdown
from .trial import attempt

ON_SHEET = 32
COLUMNS = ("made, before", "made, wish", "true, before", "true, wish")


def evaluate(
    editor: FineFace,
    measurer: Measurer,
    folder: str | Path,
    *,
    count: int = 100,
    seed: int = SEED,
    progress: bool = True,
) -> Report:
    """Measures an editor on captions of held-out synthetic people and writes what it found.

    The folder gets report.json, report.md, sheet.png, with matplotlib dose_response.png, and under items/ what every
    pair gave. An item does not depend on the count: the first 20 of 200 are those of 20.

    Args:
        editor: whose model's own settings are used.
        measurer: of action units, see `common.measure.get_measurer`.
        folder: is made; one that holds a part of the same evaluation is filled up.
        count: how many pairs of pictures, a quarter of them drawn expressions.
        seed: of the people.
        progress: show a bar.

    Raises:
        InputError: no pair at all, the folder holds another evaluation, or another is at work there.
    """
    if count < 1:
        raise InputError(f"count must be at least 1; got {count}.")
    folder = Path(folder).expanduser()
    with alone(folder):
        return _evaluate(editor, measurer, folder, count, seed, progress)


def _evaluate(editor: FineFace, measurer: Measurer, folder: Path, count: int, seed: int, progress: bool) -> Report:
    facts, reader = about(editor, measurer, seed), TraitReader()
    claim(folder / "evaluation.json", facts, "name another folder, or delete this one")
    items = KeptItems(folder / "items")
    records = items.fill(
        count, lambda index: attempt(draw_item(seed, index), editor, measurer, reader), title="Making pairs",
        progress=progress,
    )  # fmt: skip
    report = summarise(records, facts)
    rows = [(r["index"], f"{to_text([round(v, 1) for v in r['wish']])}: {r['caption']}") for r in records[:ON_SHEET]]
    write_report(folder, report, markdown(report), items.sheet(rows, COLUMNS))
    draw_plot(records, report, folder / "dose_response.png")
    return report


def about(editor: FineFace, measurer: Measurer, seed: int) -> dict[str, Any]:
    """What decides the figures, but for their number."""
    pipeline, adapter = editor.pipeline, editor.networks.adapter
    networks = [part for part in (pipeline.vae, pipeline.unet, pipeline.text_encoder, adapter) if part is not None]
    return {
        "networks": fingerprint(*networks, values=64),
        "scheduler": {k: v for k, v in pipeline.scheduler.config.items() if not k.startswith("_")},
        "pixels": editor.size,
        "settings": {"steps": editor.defaults.steps, "guidance": editor.defaults.guidance},
        "measurer": [measurer.name, fingerprint(network) if (network := getattr(measurer, "network", None)) else ""],
        "seed": seed,
        "faces": VERSION,
    }
