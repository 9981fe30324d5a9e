"""The embedded model at work on people that it has never seen: every action unit at three strengths, and expressions.

    python examples/demo.py --output out

Writes sheet.png to look at, every edit of a whole expression as a file, and report.txt: what was asked for and what was
measured, and how far the expressions are from their true pictures. The people are synthetic (examples/portraits.py), as
are those that the model was trained on; photographs of real people are outside its training.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from PIL import Image

from common.action_units import ACTION_UNITS, to_text, to_vector
from common.cli import guarded
from common.errors import FaceNotFoundError
from common.evaluation.reading import read_units
from common.files import replace_file
from common.images import read_image, rgb, save_image
from common.measure import Measurer, get_measurer, measure
from common.sheets import Row, contact_sheet
from common.subject import Subject
from common.tensors import to_tensor
from common.training.sheet import edit_errors
from magicface import MagicFace

PORTRAITS = Path(__file__).with_name("portraits")
SWEPT = "surprise"  # who shows the single units: looks into the camera
LEVELS = (1.5, 3.0, 4.5)
SIDE = 128
AT_ONCE = 12


def main() -> int:
    """Edits, draws, measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (default: out)")
    parser.add_argument("--model", default="embedded", help="folder of another model (default: embedded)")
    parser.add_argument("--measurer", default="regressor", help="see common.measure (default: regressor)")
    args = parser.parse_args()
    started = time.perf_counter()
    editor, measurer = MagicFace.from_pretrained(args.model), get_measurer(args.measurer)
    truth = json.loads((PORTRAITS / "truth.json").read_text(encoding="utf-8"))
    subjects = {name: editor.encode(PORTRAITS / f"{name}.jpg") for name in truth}
    wishes = [{unit: level} for level in LEVELS for unit in ACTION_UNITS]
    sweep = editor.edit(subjects[SWEPT], wishes, batch_size=AT_ONCE, progress=False)
    edits = editor.edit(
        [*subjects.values()], [known["wish"] for known in truth.values()], batch_size=AT_ONCE, progress=False
    )
    seconds = time.perf_counter() - started
    expressions = {
        name: (subjects[name].photo, edit, read_image(PORTRAITS / f"{name}-truth.jpg"))
        for name, edit in zip(truth, edits)
    }
    save_image(sheet(sweep, expressions), args.output / "sheet.png")
    for name, edit in zip(truth, edits):
        save_image(edit, args.output / f"{name}.png")
    report = "\n\n".join([
        f"{len(wishes) + len(edits)} edits in {seconds:.0f} s, loading included; measured by {measurer.name}.",
        doses(subjects[SWEPT], sweep, measurer),
        *(described(name, truth[name]["wish"], *expressions[name], measurer) for name in truth),
    ])  # fmt: skip
    replace_file(args.output / "report.txt", lambda path: path.write_text(report + "\n", encoding="utf-8"))
    print(report)
    print(f"\n{args.output / 'sheet.png'}, report.txt beside it: all in {time.perf_counter() - started:.0f} s.")
    return 0


def doses(subject: Subject, sweep: list[Image.Image], measurer: Measurer) -> str:
    """A table of the measured change of each unit that was asked for alone."""
    assert subject.face is not None
    before, *after = read_units(measurer, dict(enumerate([subject.photo, *sweep])), subject.face).values()
    lines = ["measured change for a wish of " + "".join(f"{level:>8.1f}" for level in LEVELS)]
    for place, (unit, meaning) in enumerate(ACTION_UNITS.items()):
        ends = after[place :: len(ACTION_UNITS)]
        values = [f"{end[place] - before[place]:+8.2f}" if end and before else f"{'-':>8}" for end in ends]
        lines.append(f"{unit + ' ' + meaning:30}" + "".join(values))
    return "\n".join(lines)


def described(
    name: str, wish: dict[str, float], photo: Image.Image, edit: Image.Image, truth: Image.Image, measurer: Measurer
) -> str:
    """What an expression's edit did, and how near it is to the truth."""
    before, after, true = (to_tensor(rgb(image))[None] for image in (photo, edit, truth))
    error = edit_errors(before, after, true, true)["edit_to_nothing"]
    try:
        table = measure(photo, edit, requested=wish, measurer=measurer).table()
    except FaceNotFoundError as missing:  # so far has it come
        table = str(missing)
    opening = f"{name}: {to_text(to_vector(wish))}"
    return f"{opening}\nsquared error to the true picture where it changes: {error:.2f} of doing nothing\n{table}"


def sheet(sweep: list[Image.Image], expressions: dict[str, tuple[Image.Image, ...]]) -> Image.Image:
    """Columns of units over rows of strengths; below, the expressions: photo, edit, truth."""
    columns = len(ACTION_UNITS)
    units = [f"{unit} {meaning}" for unit, meaning in ACTION_UNITS.items()]
    rows = [
        Row(sweep[number * columns : (number + 1) * columns], () if number else units, f"+{level:g}")
        for number, level in enumerate(LEVELS)
    ]
    labels = [f"{name}: {of}" for name in expressions for of in ("photo", "edit", "truth")]
    return contact_sheet([*rows, Row([each for some in expressions.values() for each in some], labels)], SIDE)


if __name__ == "__main__":
    sys.exit(guarded(main))
