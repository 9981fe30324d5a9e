"""Makes pictures of faces from text, with exact action units (AUs)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from common.cli import console, edit_photos, options
from common.cli.editor_spec import EditorSpec
from common.cli.options import add_saving, saving
from common.core.errors import ActionUnitError, InputError
from common.core.files import check_writable
from common.evaluation.command import Evaluation
from common.facs.action_units import AUIntensity
from common.imaging.contact_sheet import Row, check_side, contact_sheet
from common.imaging.images import picture_format, save_image
from common.program import COMMANDS, Program
from common.provenance.recipe import saved_with

from .request import KINDS, SAMPLING, STEPS, FineFaceModel, FineFaceOptions, TextKeywords, drawn_seed, expand
from .variants import RELEASE, VARIANTS, download, get_variant

ABOUT = """Makes pictures of faces from text, with exact action units (AUs).

    fineface "a close-up of a woman with red hair" AU12=4 AU6=2 -o smile.png
    fineface "a close-up of a man" angry:0.7 -o angry.png          an expression, or a fraction of it
    fineface "a close-up of an old man" AU12=0:5 -o sweep.png      a sweep of six steps, as a labelled sheet
    fineface "a man in a hood" AU4=5 --identity photo.jpg          a person from a photo; repeat for more photos
    fineface edit photo.jpg AU12=4 -o out.png                      give the face in a photo these intensities
    fineface batch prompts.txt --requests requests.txt -o run/     many prompts or photos, many requests, one folder
    fineface download --variant sd15-faceid                        fetch the published weights
    fineface convert -o fineface.safetensors                       for diffusers' load_ip_adapter

Intensities are absolute, on the FACS scale 0..5. The AUs are 1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25 and 26.
"""
EVALUATED = """Captions of held-out synthetic people, each drawn twice from the same noise, without and with a request:
single action units at three levels, and drawn expressions. Measured are the change between the two, what else
changed, and hair colour, glasses and beard, next to the same of true pictures."""


def _generate(arguments: list[str]) -> int:
    parser = console.command_parser("fineface", ABOUT, COMMANDS)
    parser.add_argument("inputs", nargs="+", metavar="PROMPT | AU=VALUE | AU=FROM:TO", help="in any order")
    parser.add_argument(
        "--identity", action="append", type=Path, metavar="PHOTO", help="photo of the person; repeat for several photos"
    )
    out = parser.add_argument_group("output")
    out.add_argument("-o", "--output", type=Path, default=Path("fineface.png"), help="file")
    out.add_argument("--json", action="store_true", help="print what was done as JSON")
    add_saving(out)
    options.add_quiet(out)
    sheet = parser.add_argument_group("sweep", "A range, such as AU12=0:5, makes a labelled sheet.")
    sheet.add_argument("--columns", type=int, default=STEPS, help="number of pictures")
    sheet.add_argument("--side", type=int, help="longer side of each picture in pixels (default: as generated)")
    options.add_flags(parser.add_argument_group("sampling"), FineFaceOptions, ["seed", *SAMPLING])
    parser.set_defaults(seed=None)
    options.add_flags(options.add_model_options(parser, FineFaceModel), FineFaceModel, ["size"])
    args = parser.parse_intermixed_args(arguments)
    prompts, words = edit_photos.split_inputs(args.inputs)
    if len(prompts) != 1:
        raise InputError(
            'Name one prompt, e.g. fineface "a close-up of a man" AU12=3.',
            code="count",
            expected=1,
            actual=len(prompts),
        )
    requests = expand(_joined(words), args.columns)
    if args.side is not None and len(requests) == 1:
        raise InputError("--side goes with a sweep, such as AU12=0:5.", code="conflict")
    check_side(args.side)
    saved = saving(args)
    picture_format(args.output)
    check_writable(args.output.parent)
    console.listen(args.quiet)
    if args.seed is None:
        args.seed = drawn_seed(None)
        console.note(f"seed {args.seed}")
    from ._api import generate  # torch and diffusers load here, after the arguments have been understood

    asked = {name: getattr(args, name) for name in (*TextKeywords.__optional_keys__, "identity", "seed", "size")}
    started = time.perf_counter()
    images = generate(prompts[0], requests, progress=not args.quiet, **asked)
    seconds = round(time.perf_counter() - started, 3)
    labels = [str(request) for request in requests]
    picture = images[0] if len(images) == 1 else contact_sheet([Row(images, labels, prompts[0])], args.side)
    save_image(saved_with(picture, **saved), args.output)
    console.note(f"{prompts[0]} -> {args.output}")
    if args.json:
        record = {"input": prompts[0], "output": str(args.output), "requests": labels}
        print(json.dumps({**record, "seed": args.seed, "seconds": seconds}), flush=True)
    return console.OK


def _edit(arguments: list[str]) -> int:
    parser = console.command_parser("fineface edit", "Gives the face in a photo these action-unit intensities.")
    parser.add_argument("inputs", nargs="+", metavar="PHOTO | AU=VALUE", help="in any order")
    output = "file, or folder for several photos (default: PHOTO-edited.png)"
    options.add_options(parser, output, record=True, kinds=KINDS)
    args = parser.parse_intermixed_args(arguments)
    photos, words = edit_photos.read_inputs(args.inputs, PROGRAM.example)
    return edit_photos.run(PROGRAM.spec.kind, photos, AUIntensity.parse(_joined(words)), args)


def _joined(words: Sequence[str]) -> str:
    """The request of the words of a command line; raises an ActionUnitError where there are none."""
    if not words:
        raise ActionUnitError('Name action units, e.g. AU12=3; "neutral" is a neutral face.', code="missing")
    return ",".join(words)


def _download(arguments: list[str]) -> int:
    parser = console.command_parser("fineface download", "Fetches the published weights; interrupted downloads resume.")
    published = sorted(name for name, variant in VARIANTS.items() if variant.bases)
    parser.add_argument("--variant", choices=published, default="sd21", help="which adapter")
    parser.add_argument("--to", type=Path, help="folder of the adapter (default: ~/.cache/face-rig/Tvaranka--fineface)")
    parser.add_argument("--base", help="hub repository or local folder of its base model (default: live ids)")
    parser.add_argument("--base-to", type=Path, help="folder of the base (default: next to the adapter's)")
    args = parser.parse_args(arguments)
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
