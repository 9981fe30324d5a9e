"""Makes pictures of faces from text, with exact action units (AUs)."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common.cli import console, edit_photos, options
from common.cli.editor_spec import EditorSpec
from common.cli.options import add_saving, saving
from common.core.errors import ActionUnitError, InputError
from common.core.files import check_writable
from common.editing.options import FaceOptions
from common.evaluation.command import Evaluation
from common.facs.action_units import AUIntensity
from common.imaging.contact_sheet import CROPS, SIDE, Row, check_side, close_up, contact_sheet
from common.imaging.images import picture_format, read_image, save_image
from common.program import COMMANDS, Program
from common.provenance.recipe import saved_with

from .request import (
    KINDS,
    SAMPLING,
    STEPS,
    FineFaceModel,
    FineFaceOptions,
    PhotoKeywords,
    TextKeywords,
    drawn_seed,
    expand,
)
from .variants import RELEASE, VARIANTS, get_variant

if TYPE_CHECKING:
    from PIL.Image import Image

ABOUT = """Makes pictures of faces from text, with exact action units (AUs).

    fineface "a close-up of a woman with red hair" AU12=4 AU6=2 -o smile.png
    fineface "a close-up of a man" angry:0.7 -o angry.png          an expression, or a fraction of it
    fineface "a close-up of an old man" AU12=0:5 -o sweep.png      a sweep of six steps, as a labelled sheet
    fineface "a man in a hood" AU4=5 --identity photo.jpg          a person from a photo; repeat for more photos
    fineface edit photo.jpg AU12=4 -o out.png                      give the face in a photo these intensities
    fineface batch prompts.txt --requests w.txt -o run/              many prompts or photos, many requests, one folder
    fineface download --variant sd15-faceid                        fetch the published weights
    fineface convert -o fineface.safetensors                       for diffusers' load_ip_adapter

Intensities are absolute, on the FACS scale 0..5. The AUs are 1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25 and 26.
"""
EVALUATED = """Captions of held-out synthetic people, each drawn twice from the same noise, without and with a request:
single action units at three levels, and drawn expressions. Measured are the change between the two, what else
changed, and hair colour, glasses and beard, beside the same read from true pictures."""


def _generate(arguments: list[str]) -> int:
    parser = console.command_parser("fineface", ABOUT, COMMANDS)
    parser.add_argument("inputs", nargs="+", metavar="PROMPT | AU=VALUE | AU=FROM:TO", help="in any order")
    parser.add_argument(
        "--identity", action="append", type=Path, metavar="PHOTO", help="photo of the person; repeat for several photos"
    )
    out = parser.add_argument_group("output")
    out.add_argument("-o", "--output", default="fineface.png", help="file")
    out.add_argument("--json", action="store_true", help="print what was done as JSON")
    add_saving(out)
    options.add_quiet(out)
    _add_sheet(parser, None)
    options.add_flags(parser.add_argument_group("sampling"), FineFaceOptions, ["seed", *SAMPLING])
    parser.set_defaults(seed=None)
    options.add_flags(options.add_model_options(parser, FineFaceModel), FineFaceModel, ["size"])
    args = parser.parse_intermixed_args(arguments)
    prompts, words = edit_photos.split_inputs(args.inputs)
    if len(prompts) != 1:
        raise InputError(f'Name one prompt, e.g. fineface "a close-up of a man" AU12=3; got {len(prompts)}.')
    requests = _requests(words, args)
    target = Path(args.output)
    picture_format(target)
    check_writable(target.parent)
    _check_sheet(args, requests)
    console.listen(args.quiet)
    if args.seed is None:
        args.seed = drawn_seed(None)
        console.note(f"seed {args.seed}")
    from ._api import generate  # torch and diffusers load here, after the arguments have been understood

    asked = {name: getattr(args, name) for name in (*TextKeywords.__optional_keys__, "identity", "seed", "size")}
    started = time.perf_counter()
    images = generate(prompts[0], requests, progress=not args.quiet, **asked)
    return _finish(args, images, requests, target, prompts[0], started)


def _edit(arguments: list[str]) -> int:
    parser = console.command_parser("fineface edit", "Gives the face in a photo these action-unit intensities.")
    parser.add_argument("inputs", nargs="+", metavar="PHOTO | AU=VALUE | AU=FROM:TO", help="in any order")
    output = "file, or folder for several photos; a sweep of one photo becomes a sheet (default: PHOTO-edited.png)"
    options.add_options(parser, output, record=True, kinds=KINDS)
    sheet = _add_sheet(parser, SIDE)
    sheet.add_argument("--crop", choices=CROPS, help="face with some margin, not the whole photo")
    options.add_flags(sheet, FineFaceOptions, ["batch_size"])
    args = parser.parse_intermixed_args(arguments)
    photos, words = edit_photos.read_inputs(args.inputs, PROGRAM.example)
    requests = _requests(words, args)
    _check_sheet(args, requests)
    if len(requests) == 1:
        return edit_photos.run(PROGRAM.spec.kind, photos, requests[0], args)
    if len(photos) > 1:
        raise InputError(f"A sweep is of one photo; got {len(photos)}.")
    target = edit_photos.output_paths(photos, args.output)[0]
    console.listen(args.quiet)
    from ._api import edit

    asked = {name: getattr(args, name) for name in PhotoKeywords.__optional_keys__}
    started = time.perf_counter()
    images = edit(photos[0], list(requests), progress=not args.quiet, **asked)
    if args.crop:
        from common.editing.prepare import face_box

        box = face_box(read_image(photos[0]), FaceOptions.of(vars(args)).face, args.detector)
        images = [close_up(image, box) for image in images]
    return _finish(args, images, requests, target, str(photos[0]), started)


def _download(arguments: list[str]) -> int:
    parser = console.command_parser("fineface download", "Fetches the published weights; interrupted downloads resume.")
    published = sorted(name for name, variant in VARIANTS.items() if variant.bases)
    parser.add_argument("--variant", choices=published, default="sd21", help="which adapter")
    parser.add_argument("--to", type=Path, help="folder of the adapter (default: ~/.cache/face-rig/Tvaranka--fineface)")
    parser.add_argument("--base", help="hub repository or local folder of its base model (default: live ids)")
    parser.add_argument("--base-to", type=Path, help="folder of the base (default: beside the adapter's)")
    args = parser.parse_args(arguments)
    from .download import download

    folder, base = download(get_variant(args.variant), base=args.base, folder=args.to, base_folder=args.base_to)
    console.say(f"complete: {folder}, {base}")
    return console.OK


def _convert(arguments: list[str]) -> int:
    parser = console.command_parser(
        "fineface convert", "Writes one file for diffusers' load_ip_adapter, LoRA included."
    )
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="sd21", help="which adapter")
    parser.add_argument("--model", default=RELEASE, help="folder with the adapter's files, or fetched hub repository")
    parser.add_argument("-o", "--output", type=Path, default=Path("fineface.safetensors"), help="the file")
    args = parser.parse_args(arguments)
    from common.core.files import model_folder

    from .convert import convert

    console.say(f"written: {convert(model_folder(args.model), get_variant(args.variant), args.output)}")
    return console.OK


def _requests(words: Sequence[str], args: argparse.Namespace) -> list[AUIntensity]:
    """The requests of a picture, or of a sweep.

    Raises:
        ActionUnitError: none at all, or see `expand`.
    """
    if not words:
        raise ActionUnitError('Say which AUs, e.g. AU12=3; "neutral" for a neutral face.')
    return expand(",".join(words), args.columns)


def _add_sheet(parser: argparse.ArgumentParser, side: int | None) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("sweep", "A range, such as AU12=0:5, makes a labelled sheet.")
    group.add_argument("--columns", type=int, default=STEPS, help="number of pictures")
    group.add_argument("--side", type=int, help=f"longer side of each picture in pixels (default: {side or 'as made'})")
    group.set_defaults(default_side=side)
    return group


def _check_sheet(args: argparse.Namespace, requests: Sequence[AUIntensity]) -> None:
    """Raises an InputError for options of a sheet where one picture is made, a side that cannot be used, or a
    certificate without its key.
    """
    saving(args)
    check_side(args.side)
    given = [f"--{name}" for name in ("side", "crop") if getattr(args, name, None) is not None]
    if given and len(requests) == 1:
        raise InputError(f"{' and '.join(given)}: for the sheet of a sweep only, such as AU12=0:5; leave it out.")


def _finish(
    args: argparse.Namespace,
    images: Sequence[Image],
    requests: Sequence[AUIntensity],
    target: Path,
    title: str,
    started: float,
) -> int:
    """Writes the picture, or the sheet of a sweep."""
    made = images[0]
    if len(images) > 1:
        side = args.default_side if args.side is None else args.side
        made = contact_sheet([Row(images, [str(request) for request in requests], title)], side)
    seconds = round(time.perf_counter() - started, 3)
    save_image(saved_with(made, **saving(args)), target)
    console.note(f"{title} -> {target}")
    if args.json:
        told = [str(request) for request in requests]
        record = {"input": title, "output": str(target), "requests": told, "seed": args.seed, "seconds": seconds}
        print(json.dumps(record), flush=True)
    return console.OK


PROGRAM = Program(
    EditorSpec("fineface", "fineface.editor:FineFace", AUIntensity, KINDS),
    ABOUT,
    example="AU12=3 or happy:0.7",
    requests="""what `fineface` takes: "AU12=3,AU6=2", "angry:0.7", {"AU12": 3}, intensities 0 to 5; for photos also
{"aus": "AU12=3", "prompt": "a close-up of a man in the rain"}. A manifest's rows have a `photo` or a `prompt`;
one prompt with several values of `seed` is several people""",
    sources="fineface.licenses:sources",
    tab="fineface.app:tab",
    evaluation=Evaluation("fineface.evaluation.metrics:SUITE", EVALUATED, 100, photos=False),
    batch="fineface.batch:FineFaceBatches",
    again="fineface.batch:again",
    start=_generate,
    own={"edit": _edit, "download": _download, "convert": _convert},
)
main = PROGRAM.main

if __name__ == "__main__":
    sys.exit(main())
