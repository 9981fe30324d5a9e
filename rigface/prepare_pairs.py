"""Makes of MagicFace's pairs what RigFace is trained on: background, render and coefficients, stored once."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.cli import console, options
from common.core.errors import FaceNotFoundError, InputError
from common.core.files import alone, replace_file
from common.core.fingerprint import claim
from common.core.jsonio import read_config
from common.core.records import checked, read_rows
from common.editing.options import EditOptions, ModelOptions
from common.editing.prepare import Prepared, prepare_crop
from common.faces import Crop, choose_face
from common.imaging.images import read_image, rgb
from common.parsing import PARSERS
from common.training.people import person_of

from .attributes import ATTRIBUTES
from .conditioning import CONDITIONING_IMAGES
from .reconstruct import View
from .request import RigEdit

if TYPE_CHECKING:
    from .editor import RigFace

ABOUT = """Makes of MagicFace's pairs what RigFace is trained on: background, render and coefficients, stored once.

    magicface prepare-videos videos/ -o pairs.jsonl
    rigface prepare-pairs pairs.jsonl -o rig/pairs.jsonl
    accelerate launch -m rigface.train config.toml --set manifest=rig/pairs.jsonl --set output=out/mine

Each pair becomes an edit of its source that copies light, pose and expression from its target, seen in 3D as the model
wants it. Pairs in which no face is detected are reported and left out. Re-run the command to resume one that stopped.
"""

COLUMNS = ("source", "target")
log = logging.getLogger(__name__)


def prepare_pairs(manifest: Path, out: Path, editor: RigFace, *, progress: bool = True) -> tuple[int, int]:
    """Writes the list and, beside it, a folder of its pictures.

    Args:
        manifest: .csv or .jsonl with `source` and `target`, prepared square crops of one person; a column that
            says who it is is copied, others are not. Paths are relative to the list.
        out: a .jsonl file to write; pairs that are prepared already are not prepared again.
        editor: its reconstructor, detector and parser see the faces, in crops of its size.
        progress: show a bar.

    Returns:
        Number of pairs in the list, and number of pairs without a face.

    Raises:
        InputError: a list or a picture that cannot be used, or another list lies at `out`.
    """
    manifest, out = manifest.expanduser().resolve(), out.expanduser().resolve()
    if out.suffix != ".jsonl" or out == manifest:
        raise InputError("The list to write must be another .jsonl file.", code="name", actual=str(out))
    rows = checked(manifest, read_rows(manifest, COLUMNS), _pair)
    if not rows:
        raise InputError(f"{manifest} lists no pairs.", code="empty")
    folder = out.with_suffix("")
    with alone(folder):
        facts = {"pairs": str(manifest), "pixels": editor.size, "numbers": editor.pipeline.vector_size}
        claim(folder / "pairs.json", facts, "name another list, or delete this one and its folder")
        done = []
        for number, row in enumerate(tqdm(rows, desc="Seeing faces", disable=not progress)):
            kept = folder / f"{number:06d}.json"
            if not kept.is_file():
                made = _prepare(row, number, manifest.parent, folder, editor)
                replace_file(kept, partial(Path.write_text, data=json.dumps(made), encoding="utf-8"))
            done.append(read_config(kept, "delete it; the next run makes it again"))
        lines = "".join(json.dumps(row) + "\n" for row in done if row)
        replace_file(out, partial(Path.write_text, data=lines, encoding="utf-8"))
    return sum(bool(row) for row in done), sum(not row for row in done)


def _pair(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict) or not all(row.get(name) for name in COLUMNS):
        raise InputError(f"a pair has the columns {' and '.join(COLUMNS)}.", code="missing", actual=row)
    return row


def _prepare(row: dict[str, Any], number: int, beside: Path, folder: Path, editor: RigFace) -> dict[str, Any]:
    """A row of the new list, its pictures written; empty where a face is not seen."""
    paths = {name: (beside / str(row[name])).resolve() for name in COLUMNS}
    crops = {name: _square(path, editor.size) for name, path in paths.items()}
    try:
        made = {name: _whole(crop, editor) for name, crop in crops.items()}
    except FaceNotFoundError as error:
        log.warning("%s: %s", paths["source"], str(error).splitlines()[0])
        return {}
    reconstructor = editor.reconstructor
    source, target = (
        View.of(reconstructor, reconstructor.look(crops[name], made[name].face), made[name]) for name in COLUMNS
    )
    conditions = reconstructor.conditions(source, RigEdit(target=target, copy=ATTRIBUTES))
    pictures = {name: f"{folder.name}/{number:06d}-{name}.png" for name in CONDITIONING_IMAGES}
    for name, file in pictures.items():
        image = Image.fromarray(getattr(conditions, name))
        replace_file(folder.parent / file, partial(image.save, format="PNG"))
    column, person = person_of(row)
    own = {} if column is None or person is None else {column: person}
    sides = {name: str(path) for name, path in paths.items()}
    return {**sides, **pictures, "coefficients": conditions.coefficients.tolist(), **own}


def _square(path: Path, side: int) -> np.ndarray:
    """An aligned crop at the model's size."""
    crop = read_image(path)
    if crop.width != crop.height:
        raise InputError(f"a crop must be square: {path}.", code="shape", actual=f"{crop.width} x {crop.height}")
    return rgb(crop.resize((side, side), Image.Resampling.LANCZOS))


def _whole(crop: np.ndarray, editor: RigFace) -> Prepared:
    """A picture that is a crop already, not cut out again."""
    side, own = len(crop), editor.defaults
    face = choose_face(editor.detector.find(crop))
    return prepare_crop(
        crop,
        face,
        Crop(np.eye(2, 3), side, (side, side)),
        editor.parser,
        region=own.region,
        conditioning_image=own.conditioning_image,
        fill=editor.fill,
        hint=editor.hint,
    )


def main(arguments: Sequence[str]) -> int:
    """The command behind `rigface prepare-pairs`; returns the exit code."""
    parser = console.command_parser("rigface prepare-pairs", ABOUT)
    parser.add_argument("manifest", type=Path, help="list of pairs, as magicface prepare-videos writes it")
    parser.add_argument("-o", "--output", type=Path, required=True, help="list to write, a .jsonl file")
    options.add_flags(parser, ModelOptions, ["detector"])
    parser.add_argument("--parser", default="auto", choices=PARSERS, help="face parser")
    options.add_quiet(parser)
    options.add_model_options(parser)
    args = parser.parse_args(arguments)
    console.listen(args.quiet)
    from .editor import RigFace  # torch and diffusers load here, after the arguments have been understood

    editor = RigFace.from_pretrained(
        args.model, base=args.base, dtype=args.dtype, device=args.device, detector=args.detector, parser=args.parser
    )
    editor.resolve(EditOptions(engine="diffusion"))  # raises where no networks are named, and none were fetched
    listed, without = prepare_pairs(args.manifest, args.output, editor, progress=not args.quiet)
    console.note(f"{args.output}: {listed} pairs; {without} left out, without a detected face")
    return console.OK if listed else console.FAILED
