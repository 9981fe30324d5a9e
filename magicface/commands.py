"""The commands that make more of one photo than an edit: neutralize, transfer, sweep, grid, animate."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import cli, options
from common.action_units import known_unit
from common.edit_command import check_asked, output_paths
from common.edit_options import EditOptions, FaceOptions, ModelOptions, read_face
from common.errors import InputError
from common.files import check_writable
from common.images import picture_format, save_image
from common.provenance.options import saving
from common.provenance.recipe import saved_with
from common.sheets import CROPS, SIDE, check_side

_FRAME = re.compile(r"(\d+(?:\.\d*)?):(.*)")


def neutralize(arguments: list[str]) -> int:
    """`magicface neutralize photo.jpg`."""
    parser = _parser("neutralize", "Brings the measured action units of a face to zero.", "edited.png")
    _add_measurer(parser)
    args = parser.parse_args(arguments)
    target = _target(args)
    from .measured import neutralize as made

    picture = made(args.photo, share=args.share, measurer=args.measurer, **_options(args))
    return _saved(picture, target, args)


def transfer(arguments: list[str]) -> int:
    """`magicface transfer photo.jpg reference.jpg`."""
    parser = _parser("transfer", "Gives a face the expression that is measured in another photo.", "edited.png")
    parser.add_argument("reference", type=Path, help="photo of whoever shows the expression")
    parser.add_argument("--reference-face", default="largest", help="which one there; as --face")
    _add_measurer(parser)
    args = parser.parse_args(arguments)
    target = _target(args)
    from .measured import transfer as made

    picture = made(
        args.photo, args.reference, share=args.share, measurer=args.measurer,
        reference_face=read_face("--reference-face", args.reference_face), **_options(args),
    )  # fmt: skip
    return _saved(picture, target, args)


def sweep(arguments: list[str]) -> int:
    """`magicface sweep photo.jpg AU12`."""
    parser = _parser("sweep", "Draws a labelled sheet of one action unit at several levels.", "sweep.png")
    parser.add_argument("unit", help="such as AU12")
    parser.add_argument("--levels", help="by commas (default: -2,-1,0,1,2,3,4)")
    _add_side(parser, SIDE)
    args = parser.parse_args(arguments)
    check_side(args.side)
    known_unit(args.unit)
    levels, target = _levels(args.levels), _target(args, "sweep")
    from .sweeps import LEVELS
    from .sweeps import sweep as made

    found = made(args.photo, args.unit, levels or LEVELS, **_options(args))
    return _saved(found.sheet(args.side, args.crop), target, args)


def grid(arguments: list[str]) -> int:
    """`magicface grid photo.jpg AU4 AU12`."""
    parser = _parser("grid", "Draws a labelled sheet of two action units, each at several levels.", "grid.png")
    parser.add_argument("rows", help="the unit that changes from row to row, such as AU4")
    parser.add_argument("columns", help="the unit that changes along a row, such as AU12")
    parser.add_argument("--levels", default="0,1.5,3", help="of both, by commas")
    parser.add_argument("--column-levels", help="of the second unit alone")
    _add_side(parser, SIDE)
    args = parser.parse_args(arguments)
    check_side(args.side)
    for unit in (args.rows, args.columns):
        known_unit(unit)
    levels, others, target = _levels(args.levels), _levels(args.column_levels), _target(args, "grid")
    from .sweeps import grid as made

    found = made(args.photo, args.rows, args.columns, levels or (), others, **_options(args))
    return _saved(found.sheet(args.side, args.crop), target, args)


def animate(arguments: list[str]) -> int:
    """`magicface animate photo.jpg happy`."""
    parser = _parser(
        "animate",
        "Makes a photo move, as a GIF or an MP4: an expression that comes, stays and goes, or keyframes SECONDS:WISH, "
        "such as 0:neutral 0.5:happy 2:neutral.",
        "moving.gif",
        saving=False,
    )
    parser.add_argument("wish", nargs="+", metavar="WISH | SECONDS:WISH", help="AU12=3, happy, 0.5:happy ...")
    parser.add_argument("--fps", type=float, default=12.0, help="frames a second")
    for name, seconds, what in (
        ("onset", 0.4, "in which it comes"), ("apex", 0.6, "for which it stays"),
        ("offset", 0.6, "in which it goes"), ("rest", 0.2, "before and after"),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=float, help=f"seconds {what} (default: {seconds}); not with keyframes")
    _add_side(parser, None, "the frames")
    args = parser.parse_args(arguments)
    cli.listen(args.quiet)
    from common.motion import between, check_movie, rise_and_fall

    target = _named(args, "moving.gif")
    check_asked(args)
    check_movie(target)
    check_writable(target.parent)
    check_side(args.side)
    if target.resolve() == args.photo.resolve():
        raise InputError(f"The result {target} would overwrite the photo; choose another -o.")
    times = {name: getattr(args, name) for name in ("onset", "apex", "offset", "rest")}
    times = {name: seconds for name, seconds in times.items() if seconds is not None}
    frames = keyframes(args.wish)
    if frames and times:
        raise InputError(f"Keyframes say when all happens; leave out {', '.join(f'--{name}' for name in times)}.")
    frames = frames or rise_and_fall(",".join(args.wish), **times)
    between(frames, args.fps)
    from .sweeps import animate as made

    found = made(args.photo, frames, fps=args.fps, side=args.side, crop=args.crop, **_options(args))
    found.save(target)
    flicker = found.flicker()
    told = "" if flicker is None else f"; flicker where nothing moves: {flicker:.2f} of 255"
    cli.note(f"{args.photo} -> {target}: {len(found.frames)} frames{told}")
    return cli.OK


def keyframes(wishes: Sequence[str]) -> list[tuple[float, str]]:
    """Keyframes out of "0:neutral 0.5:happy"; none where no part begins with seconds.

    Raises:
        InputError: some parts begin with seconds, others do not.
    """
    found = [_FRAME.fullmatch(each) for each in wishes]
    if not any(found):
        return []
    if not all(found):
        raise InputError(f"Either all wishes are keyframes, SECONDS:WISH, or none; got {' '.join(wishes)!r}.")
    return [(float(each[1]), each[2]) for each in found if each]


def _parser(name: str, what: str, result: str, saving: bool = True) -> argparse.ArgumentParser:
    parser = cli.command_parser(f"magicface {name}", what)
    parser.add_argument("photo", type=Path, help="a picture file")
    options.add_options(parser, f"file, or folder (default: PHOTO-{result})", saving=saving)
    return parser


def _add_measurer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--share", type=float, default=1.0, help="of the way, 0 to 1")
    parser.add_argument("--measurer", default="auto", help="who reads expressions: auto, regressor, fit or py-feat")


def _add_side(parser: argparse.ArgumentParser, side: int | None, of: str = "each picture on the sheet") -> None:
    known = "" if side else " (default: as it is)"
    parser.add_argument("--side", type=int, default=side, help=f"longer side of {of} in pixels{known}")
    parser.add_argument("--crop", choices=CROPS, help="show the face with some margin around it, not the whole photo")


def _levels(text: str | None) -> list[float] | None:
    """Numbers by commas.

    Raises:
        InputError: something else.
    """
    try:
        return None if text is None else [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(f"Levels are numbers by commas, such as 0,1.5,3; got {text!r}.") from None


def _target(args: argparse.Namespace, kind: str = "edited") -> Path:
    """Where the picture goes; what is wrong with it should not cost an edit."""
    cli.listen(args.quiet)
    target = _named(args, f"{kind}.png")
    picture_format(target)
    saving(args)
    check_asked(args)
    output_paths([args.photo], str(target))
    return target


def _named(args: argparse.Namespace, result: str) -> Path:
    """The file that -o names; in a folder, or without -o, one that is named after the photo."""
    if args.output is not None and Path(args.output).suffix:
        return Path(args.output)
    return Path(args.output or "") / f"{args.photo.stem}-{result}"


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of `magicface.edit` among those of the command line."""
    kinds = EditOptions, FaceOptions, ModelOptions
    return {name: value for kind in kinds for name, value in vars(kind.of(vars(args))).items()} | {
        "progress": not args.quiet
    }


def _saved(picture: Any, target: Path, args: argparse.Namespace) -> int:
    save_image(saved_with(picture, **saving(args)), target)
    cli.note(f"{args.photo} -> {target}")
    return cli.OK
