"""All items in turn, each kept as soon as it is measured: an evaluation that was stopped goes on when started again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.action_units import to_text
from common.errors import InputError
from common.evaluation.items import KeptItems, write_report
from common.facts import claim, fingerprint
from common.files import alone
from common.measure import Measurer
from common.synthetic.plan import VERSION

from .._api import MagicFace
from . import SEED
from .items import draw_item
from .plots import draw_plots
from .summary import Report, summarise
from .tables import markdown
from .trial import attempt

ON_SHEET = 32


def evaluate(
    editor: MagicFace,
    measurer: Measurer,
    folder: str | Path,
    *,
    count: int = 200,
    seed: int = SEED,
    size: int = 128,
    progress: bool = True,
) -> Report:
    """Measures an editor on held-out synthetic people and writes what it found.

    The folder gets report.json, report.md, sheet.png, with matplotlib dose_response.png and errors.png, and under
    items/ what every single edit gave. An item does not depend on the count: the first 20 of 200 are those of 20.

    Args:
        editor: whose model's own settings are used.
        measurer: of action units, see `common.measure.get_measurer`.
        folder: is made; one that holds a part of the same evaluation is filled up.
        count: how many edits, a quarter of them combinations.
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
        return _evaluate(editor, measurer, folder, count, seed, size, progress)


def _evaluate(
    editor: MagicFace, measurer: Measurer, folder: Path, count: int, seed: int, size: int, progress: bool
) -> Report:
    facts = about(editor, measurer, seed, size)
    claim(folder / "evaluation.json", facts, "name another folder, or delete this one")
    items = KeptItems(folder / "items")
    records = items.fill(
        count, lambda index: attempt(draw_item(seed, index), editor, measurer, size), title="Editing", progress=progress
    )
    report = summarise(records, facts)
    rows = [(record["index"], to_text([round(value, 1) for value in record["wish"]])) for record in records[:ON_SHEET]]
    write_report(folder, report, markdown(report), items.sheet(rows, ("source", "edit", "truth")))
    draw_plots(records, report, folder)
    return report


def about(editor: MagicFace, measurer: Measurer, seed: int, size: int) -> dict[str, Any]:
    """What decides the figures, but for their number."""
    networks = editor.pipeline.vae, editor.pipeline.id_encoder, editor.pipeline.unet
    return {
        "networks": fingerprint(*networks, values=64),
        "prompt": None if (prompt := editor.pipeline.prompt_embeds) is None else prompt.double().sum().item(),
        "scheduler": {k: v for k, v in editor.pipeline.scheduler.config.items() if not k.startswith("_")},
        "pixels": editor.size,
        "settings": asdict(editor.defaults),
        "finder": editor.finder.name,
        "parser": editor.parser.name,
        "measurer": [measurer.name, fingerprint(network) if (network := getattr(measurer, "network", None)) else ""],
        "seed": seed,
        "photos": size,
        "faces": VERSION,
    }
