"""Makes pictures of faces from text, with exact action units (AUs)."""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from common import cli, options
from common.action_units import facs, known_unit, to_vector
from common.app.command import app
from common.edit_command import output_paths, parse_face
from common.errors import ActionUnitError, InputError
from common.expressions import is_word
from common.files import check_writable
from common.help.command import doctor, licenses
from common.images import picture_format, read_image, save_image
from common.prepare import face_box
from common.provenance.options import add_saving, saving
from common.provenance.recipe import saved_with
from common.sheets import CROPS, SIDE, Row, check_side, close_up, contact_sheet

from .flags import add_face, add_model, add_sampling, sampling
from .sweep import STEPS, expand
from .variants import RELEASE, VARIANTS, get_variant

ABOUT = """Makes pictures of faces from text, with exact action units (AUs).

    fineface "a close-up of a woman with red hair" AU12=4 AU6=2 -o smile.png
    fineface "a close-up of a man" angry:0.7 -o angry.png          a word for an expression, or a share of it
    fineface "a close-up of an old man" AU12=0:5 -o sweep.png      a sweep of six steps, as a labelled sheet
    fineface "a man in a hood" AU4=5 --face photo.jpg -o out.png   a person from a photo (several: --face again)
    fineface edit photo.jpg AU12=4 -o out.png                      give the face in a photo these intensities
    fineface batch prompts.txt --wishes w.txt -o run/              many prompts or photos, many wishes, one folder
    fineface score run/                                            what is in the pictures of a batch, as a table
    fineface verify smile.png                                      what a picture says of itself: synthetic, how made
    fineface redo smile.png                                        the same picture once more, from what its file says
    fineface report run/                                           a batch on one page: pictures, dose and response
    fineface app                                                   all of it on a page, with sliders
    fineface download --variant sd15-faceid                        fetch the published weights
    fineface doctor                                                what this machine has and lacks
    fineface licenses                                              terms of all weights
    fineface convert -o fineface.safetensors                       for diffusers' load_ip_adapter
    fineface evaluate                                              measure the pictures of a model

Intensities are absolute, on the FACS scale 0..5. The AUs are 1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25 and 26.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The console script; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = _COMMANDS.get(arguments[0] if arguments else "")
    return cli.guarded(lambda: command(arguments[1:]) if command else _generate(arguments))


def _generate(arguments: list[str]) -> int:
    parser = cli.command_parser("fineface", ABOUT)
    parser.add_argument("inputs", nargs="+", metavar="PROMPT | AU=VALUE | AU=FROM:TO", help="in any order")
    parser.add_argument(
        "--face", action="append", type=Path, metavar="PHOTO", help="who it is; may stand several times"
    )
    _add_options(parser, "fineface.png")
    parser.add_argument("--size", type=int, help="side in pixels (default: the network's own)")
    args = parser.parse_intermixed_args(arguments)
    prompts, wish = split_inputs(args.inputs)
    if len(prompts) != 1:
        raise InputError(f'Name one prompt, e.g. fineface "a close-up of a man" AU12=3; got {len(prompts)}.')
    wishes, target = expand(wish, args.columns), Path(args.output or "fineface.png")
    picture_format(target)
    check_writable(target.parent)
    _check_sheet(wishes, side=args.side)
    started = time.perf_counter()
    _begin(args)
    from ._api import generate  # torch and diffusers load here, after the arguments have been understood

    images = generate(prompts[0], wishes, face=args.face, size=args.size, **_options(args))
    return _finish(args, images, wishes, target, prompts[0], started, args.side)


def _edit(arguments: list[str]) -> int:
    parser = cli.command_parser("fineface edit", "Gives the face in a photo these action-unit intensities.")
    parser.add_argument("inputs", nargs="+", metavar="PHOTO | AU=VALUE | AU=FROM:TO", help="in any order")
    parser.add_argument("--face", default="largest", help='"largest", an index from the left, or X,Y in the photo')
    add_face(parser)
    _add_options(parser, "PHOTO-edited.png")
    parser.add_argument("--size", type=int, help="side of the crop in pixels (default: the network's own)")
    parser.add_argument("--crop", choices=CROPS, help="of a sweep, show the face with some margin, not the whole photo")
    args = parser.parse_intermixed_args(arguments)
    photos, wish = split_inputs(args.inputs)
    if len(photos) != 1 or not os.path.exists(os.path.expanduser(photos[0])):
        raise InputError(f"Name one photo, e.g. fineface edit photo.jpg AU12=3; got {photos or 'none'}.")
    wishes, target = expand(wish, args.columns), output_paths([Path(photos[0])], args.output)[0]
    _check_sheet(wishes, side=args.side, crop=args.crop)
    started, face = time.perf_counter(), parse_face(args.face)
    _begin(args)
    from ._api import edit

    images = edit(
        photos[0], list(wishes), args.prompt, face=face, extent=args.extent, engine=args.engine, start=args.start,
        strength=args.strength, finder=args.finder, parser=args.parser, strict=args.strict, size=args.size,
        **_options(args),
    )  # fmt: skip
    if args.crop:
        box = face_box(read_image(photos[0]), face, args.finder)
        images = [close_up(image, box) for image in images]
    return _finish(args, images, wishes, target, photos[0], started, args.side or SIDE)


def _download(arguments: list[str]) -> int:
    parser = cli.command_parser(
        "fineface download", "Fetches the published weights; what is there is kept, what broke off goes on."
    )
    published = sorted(name for name, variant in VARIANTS.items() if variant.bases)
    parser.add_argument("--variant", choices=published, default="sd21", help="which adapter")
    parser.add_argument("--to", type=Path, help="folder of the adapter (default: ~/.cache/face-rig/Tvaranka--fineface)")
    parser.add_argument("--base", help="hub repository or local folder of its base model (default: live ids)")
    parser.add_argument("--base-to", type=Path, help="folder of the base (default: beside the adapter's)")
    args = parser.parse_args(arguments)
    from .download import download

    folder, base = download(get_variant(args.variant), base=args.base, folder=args.to, base_folder=args.base_to)
    cli.say(f"complete: {folder}, {base}")
    return cli.OK


def _convert(arguments: list[str]) -> int:
    parser = cli.command_parser("fineface convert", "Writes one file for diffusers' load_ip_adapter, LoRA included.")
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="sd21", help="which adapter")
    parser.add_argument("--adapter", default=RELEASE, help="folder with the adapter's files, or fetched hub repository")
    parser.add_argument("-o", "--output", type=Path, default=Path("fineface.safetensors"), help="the file")
    args = parser.parse_args(arguments)
    from common.files import model_folder

    from .convert import convert

    cli.say(f"written: {convert(model_folder(args.adapter), get_variant(args.variant), args.output)}")
    return cli.OK


def split_inputs(inputs: Sequence[str]) -> tuple[list[str], str]:
    """What is no wish, and the wish; ranges stay as they are.

    Raises:
        ActionUnitError: an AU without a value, or no wish at all.
    """
    spoken = re.compile(r"\s*(\w+\s*=\s*\S+[\s,;]*)+|neutral|AU[_-]?\d+\w*", re.IGNORECASE)
    words = [text for text in inputs if not spoken.fullmatch(text) and not is_word(text)]
    wish = [text for text in inputs if text not in words]
    for text in wish:
        if facs.read(text):
            raise ActionUnitError(f"{text} needs a value, e.g. {known_unit(text)}=3.")
    if not wish:
        raise ActionUnitError('Say which AUs, e.g. AU12=3; "neutral" for a neutral face.')
    return words, ",".join(wish)


def _add_options(parser: argparse.ArgumentParser, output: str) -> None:
    parser.add_argument("-o", "--output", help=f"file; a sweep becomes a labelled sheet (default: {output})")
    parser.add_argument("--columns", type=int, default=STEPS, help="pictures of a sweep")
    parser.add_argument(
        "--side",
        type=int,
        help=f"of a sweep, longer side of each picture in pixels (default: {SIDE} for photos, else as made)",
    )
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")
    add_saving(parser)
    options.add_quiet(parser)
    add_sampling(parser).add_argument("--batch-size", type=int, default=4, help="pictures at once")
    add_model(parser)


def _options(args: argparse.Namespace) -> dict[str, Any]:
    names = ("batch_size", "variant", "adapter", "base", "device", "dtype")
    return sampling(args) | {name: getattr(args, name) for name in names} | {"progress": not args.quiet}


def _begin(args: argparse.Namespace) -> None:
    """Draws the seed that was not given, and sets up what is printed."""
    cli.listen(args.quiet)
    if args.seed is None:
        args.seed = secrets.randbelow(2**31)
        cli.note(f"seed {args.seed}")
    saving(args)


def _check_sheet(wishes: Sequence[str], **options: object) -> None:
    """Raises an InputError for options of a sheet where one picture is made, or a side that cannot be used."""
    check_side(options["side"])
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given and len(wishes) == 1:
        raise InputError(f"{' and '.join(given)}: for the sheet of a sweep only, such as AU12=0:5; leave it out.")


def _finish(
    args: argparse.Namespace,
    images: Sequence[Any],
    wishes: Sequence[str],
    target: Path,
    title: str,
    started: float,
    side: int | None,
) -> int:
    """Writes the picture, or the sheet of a sweep with pictures of a longer side of so many pixels."""
    made = images[0] if len(images) == 1 else contact_sheet([Row(images, wishes, title)], side)
    save_image(saved_with(made, **saving(args)), target)
    cli.note(f"{title} -> {target}")
    if args.json:
        record = {"input": title, "output": str(target), "aus": [to_vector(wish) for wish in wishes], "wishes": wishes}
        print(json.dumps({**record, "seed": args.seed, "seconds": round(time.perf_counter() - started, 3)}), flush=True)
    return cli.OK


_COMMANDS = {
    "app": partial(app, "fineface", "Opens a page to make faces on.", cli.lazily("fineface.app", "tab")),
    "batch": cli.lazily("fineface.batch"),
    "score": cli.lazily("fineface.batch", "main_score"),
    "edit": _edit,
    "report": cli.lazily("fineface.batch", "main_report"),
    "download": _download,
    "convert": _convert,
    "evaluate": cli.lazily("fineface.evaluation"),
    "redo": cli.lazily("fineface.redo"),
    "verify": partial(cli.lazily("common.provenance.command", "verify"), "fineface"),
    "doctor": partial(doctor, "fineface doctor", cli.lazily("fineface.sources", "sources")),
    "licenses": partial(licenses, "fineface licenses", cli.lazily("fineface.sources", "sources")),
}

if __name__ == "__main__":
    sys.exit(main())
