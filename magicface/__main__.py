"""Changes the expression of a face in a photo by action-unit (AU) variations."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from common.app.command import app
from common.cli import console, edit_photos, options
from common.cli.licenses import doctor, licenses
from common.cli.verb_commands import Program
from common.core.errors import ActionUnitError, InputError
from common.facs.action_units import AUDelta, facs, known_unit
from common.facs.expressions import EXPRESSIONS, is_word

ABOUT = """Changes the expression of a face in a photo by action-unit (AU) variations.

    magicface photo.jpg AU12=3 AU6=2 -o smile.png     raise the lip corners by 3 and the cheeks by 2
    magicface photo.jpg angry:0.7 -o angry.png        a word for an expression, or a share of it; more by commas
    magicface *.jpg AU4=2 -o frowns/                  several photos, one folder
    magicface explain AU4 -o brows.png                what a unit or a word is, and a picture of it
    magicface neutralize photo.jpg                    the measured expression taken away
    magicface transfer photo.jpg actor.jpg            the expression of another photo
    magicface sweep photo.jpg AU12                    one unit at several levels, as a labelled sheet
    magicface grid photo.jpg AU4 AU12                 two units
    magicface animate photo.jpg happy -o smile.gif    an expression that comes, stays and goes
    magicface batch photos/ --requests w.txt -o run/    many photos, many requests; goes on where it stopped
    magicface score run/                              what the edits of a batch have changed, as a table
    magicface verify smile.png                        what a picture says of itself: synthetic, how made
    magicface redo smile.png                          the same picture once more, from what its file says
    magicface report run/                             a batch on one page: pictures, dose and response, failures
    magicface app                                     all of it on a page, with sliders
    magicface download                                fetch the published weights
    magicface doctor                                  what this machine has and lacks
    magicface licenses                                terms of all weights
    magicface prepare-videos videos/ -o pairs.jsonl   pairs to train on, from videos of people
    magicface evaluate                                measure the edits of a model

A variation is wanted minus present intensity, on the FACS scale 0..5. The AUs are 1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25
and 26.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The console script; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = _COMMANDS.get(arguments[0] if arguments else "")
    return console.guarded(lambda: command(arguments[1:]) if command else _edit(arguments))


def _edit(arguments: list[str]) -> int:
    parser = console.command_parser("magicface", ABOUT)
    parser.add_argument("inputs", nargs="+", metavar="PHOTO | AU=VALUE", help="photos and the request, in any order")
    options.add_options(parser, "file, or folder for several photos (default: PHOTO-edited.png)", record=True)
    args = parser.parse_intermixed_args(arguments)
    photos, request = split_inputs(args.inputs)
    from ._api import MagicFace  # torch and diffusers load here, after the arguments have been understood

    return edit_photos.run(MagicFace, photos, request, args)


def split_inputs(inputs: Sequence[str]) -> tuple[list[Path], AUDelta]:
    """Photos, and the request.

    Raises:
        ActionUnitError: an AU without a value, unknown or out of range.
        InputError: no photo or no request among the inputs, or something that is neither.
    """
    photos, words = [], []
    for text in inputs:
        if os.path.exists(os.path.expanduser(text)):
            photos.append(Path(text).expanduser())
        elif "=" in text or text.lower() == "neutral":
            words.append(text)
        elif text[:2].upper() == "AU" and facs.read(text):
            raise ActionUnitError(f"{text} needs a value, e.g. {known_unit(text)}=3.")
        elif is_word(text):
            words.append(text)
        else:
            raise InputError(
                f"There is no photo {text!r}, and a request reads AU12=3 or happy:0.7.\n"
                f"  expressions: {', '.join(EXPRESSIONS)}"
            )
    request = AUDelta.parse(",".join(words))
    if not photos:
        raise InputError("Name at least one photo, e.g. magicface photo.jpg AU12=3.")
    if not words:
        raise InputError(
            'Say what to change, e.g. AU12=3; "neutral" is the null edit: it reconstructs the face unchanged.'
        )
    return photos, request


def _download(arguments: list[str]) -> int:
    parser = console.command_parser(
        "magicface download",
        "Fetches the published weights (about 8 GB); what is there is kept, what broke off goes on.",
    )
    parser.add_argument("--to", type=Path, help="folder (default: ~/.cache/face-rig/mengtingwei--magicface)")
    parser.add_argument("--base", help="hub repository or local folder of Stable Diffusion 1.5 (default: live ids)")
    args = parser.parse_args(arguments)
    from common.diffusion.download import download

    console.say(f"complete: {download(base=args.base, folder=args.to)}")
    return console.OK


_COMMANDS = {
    **Program("magicface", AUDelta).commands(),
    "app": partial(app, "magicface", "Opens a page to edit expressions on.", console.lazily("magicface.app", "tab")),
    "batch": console.lazily("magicface.batch"),
    "doctor": partial(doctor, "magicface doctor", console.lazily("magicface.licenses", "sources")),
    "licenses": partial(licenses, "magicface licenses", console.lazily("magicface.licenses", "sources")),
    "download": _download,
    "prepare-videos": console.lazily("magicface.videos.command", "run"),
    "redo": console.lazily("magicface.batch", "main_redo"),
    "report": console.lazily("magicface.batch", "main_report"),
    "score": console.lazily("magicface.batch", "main_score"),
    "evaluate": console.lazily("magicface.evaluation"),
    "verify": partial(console.lazily("common.cli.provenance", "verify"), "magicface"),
}

if __name__ == "__main__":
    sys.exit(main())
