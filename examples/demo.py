"""A photograph edited by the warp, then the small networks on synthetic people whose true pictures are known.

    python examples/demo.py --output out
    python examples/demo.py --output out --photo mine.jpg

Writes photograph.png: one photograph with six expressions, other light and other poses, by the warp, which needs no
weights. Then sheet.png: every action unit at three strengths and four whole expressions by the embedded networks, each
expression beside its true picture; every expression as a file; and report.txt, requested and measured changes and the
error to the truth. The people are synthetic (examples/portraits.py), as are those the networks were trained on.
Without --photo: NASA's portrait of Eileen Collins, in the public domain, from scikit-image (extra `demo`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from photograph import astronaut, close_up
from PIL import Image

from common.cli.console import guarded
from common.core.errors import FaceNotFoundError
from common.core.files import replace_file
from common.evaluation.trial import read_units
from common.facs.action_units import to_text, to_vector
from common.imaging.images import ImageLike, rgb
from common.imaging.tensors import to_tensor
from common.measure import AUEstimator, get_estimator
from common.training.sheet import edit_errors
from magicface import ACTION_UNITS, MagicFace, Row, Subject, contact_sheet, measure, read_image, save_image
from rigface import RigEdit, RigFace

PHOTOGRAPH = {
    "expressions": {
        word: RigEdit(expression=word) for word in ("happy", "surprised", "sad", "angry", "disgusted", "afraid")
    },
    "light and pose": {
        "light from the left": RigEdit(light="azimuth=-70"),
        "light from the right": RigEdit(light="azimuth=70"),
        "yaw -12": RigEdit(pose="yaw=-12"),
        "yaw 12": RigEdit(pose="yaw=12"),
        "pitch 8": RigEdit(pose="pitch=8"),
        "all three": RigEdit(light="azimuth=50", pose="yaw=-10", expression="happy"),
    },
}
PHOTOGRAPH_SIDE = 256
PORTRAITS = Path(__file__).with_name("portraits")
SWEPT = "surprise"  # who shows the single units: looks into the camera
LEVELS = (1.5, 3.0, 4.5)
SIDE = 128
AT_ONCE = 12


def main() -> int:
    """Edits, draws, measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder (default: out)")
    parser.add_argument("--photo", type=Path, help="photograph for the warp (default: scikit-image's astronaut)")
    parser.add_argument("--model", default="embedded", help="folder of other networks (default: embedded)")
    parser.add_argument("--estimator", default="regressor", help="see common.measure (default: regressor)")
    args = parser.parse_args()
    started = time.perf_counter()
    save_image(warps(args.photo or astronaut()), args.output / "photograph.png")
    print(f"{args.output / 'photograph.png'}: a photograph, warped; {time.perf_counter() - started:.0f} s.\n")
    started = time.perf_counter()
    editor, estimator = MagicFace.from_pretrained(args.model), get_estimator(args.estimator)
    truth = json.loads((PORTRAITS / "truth.json").read_text(encoding="utf-8"))
    subjects = {name: editor.encode(PORTRAITS / f"{name}.jpg") for name in truth}
    requests = [{unit: level} for level in LEVELS for unit in ACTION_UNITS]
    sweep = editor.edit(subjects[SWEPT], requests, batch_size=AT_ONCE, progress=False)
    edits = editor.edit(
        [*subjects.values()], [known["request"] for known in truth.values()], batch_size=AT_ONCE, progress=False
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
        f"{len(requests) + len(edits)} edits in {seconds:.0f} s, loading included; measured by {estimator.name}.",
        doses(subjects[SWEPT], sweep, estimator),
        *(described(name, truth[name]["request"], *expressions[name], estimator) for name in truth),
    ])  # fmt: skip
    replace_file(args.output / "report.txt", lambda path: path.write_text(report + "\n", encoding="utf-8"))
    print(report)
    print(f"\n{args.output / 'sheet.png'}, report.txt beside it: all in {time.perf_counter() - started:.0f} s.")
    return 0


def warps(photo: ImageLike) -> Image.Image:
    """A photograph and its edits without networks, cut out around the face."""
    editor = RigFace.warping()
    subject = editor.encode(photo)
    rows = []
    for title, requests in PHOTOGRAPH.items():
        edits = editor.edit(subject, list(requests.values()), progress=False)
        pictures = [close_up(subject, picture) for picture in (subject.photo, *edits)]
        rows.append(Row(pictures, ["photo", *requests], title))
    return contact_sheet(rows, PHOTOGRAPH_SIDE)


def doses(subject: Subject, sweep: Sequence[Image.Image], estimator: AUEstimator) -> str:
    """A table of the measured change of each unit that was asked for alone."""
    assert subject.face is not None
    before, *after = read_units(estimator, dict(enumerate([subject.photo, *sweep])), subject.face).values()
    lines = ["measured change for a request of " + "".join(f"{level:>8.1f}" for level in LEVELS)]
    for place, (unit, meaning) in enumerate(ACTION_UNITS.items()):
        ends = after[place :: len(ACTION_UNITS)]
        values = [f"{end[place] - before[place]:+8.2f}" if end and before else f"{'-':>8}" for end in ends]
        lines.append(f"{unit + ' ' + meaning:30}" + "".join(values))
    return "\n".join(lines)


def described(
    name: str,
    request: dict[str, float],
    photo: Image.Image,
    edit: Image.Image,
    truth: Image.Image,
    estimator: AUEstimator,
) -> str:
    """What an expression's edit did, and how near it is to the truth."""
    before, after, true = (to_tensor(rgb(image))[None] for image in (photo, edit, truth))
    error = edit_errors(before, after, true, true)["edit_to_nothing"]
    try:
        table = measure(photo, edit, requested=request, estimator=estimator).table()
    except FaceNotFoundError as missing:  # so far has it come
        table = str(missing)
    opening = f"{name}: {to_text(to_vector(request))}"
    return f"{opening}\nsquared error to the true picture where it changes: {error:.2f} of doing nothing\n{table}"


def sheet(sweep: Sequence[Image.Image], expressions: dict[str, tuple[Image.Image, ...]]) -> Image.Image:
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
