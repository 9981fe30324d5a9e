"""The commands of every editor's verbs: neutralize, transfer, sweep, grid, animate, explain, measure, chain."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InputError
from ..core.files import EMBEDDED, check_writable
from ..editing.options import FaceOptions
from ..facs.action_units import ACTION_UNITS
from ..facs.expressions import EXPRESSIONS
from ..imaging.contact_sheet import CROPS, SIDE, check_side
from ..imaging.images import picture_format, save_image
from ..provenance.recipe import saved_with
from . import console, options
from .edit_photos import output_paths
from .editor_spec import KINDS, EditorSpec
from .options import saving

if TYPE_CHECKING:
    from ..editing.verbs import Verbs

_FRAME = re.compile(r"(\d+(?:\.\d*)?):(.*)")
_PHASES = (
    ("onset", 0.4, "from neutral to the full change"),
    ("apex", 0.6, "of the full change"),
    ("offset", 0.6, "back to neutral"),
    ("rest", 0.2, "before and after"),
)


def verb_commands(spec: EditorSpec) -> dict[str, Callable[[list[str]], int]]:
    """The commands by their names."""
    made = (neutralize, transfer, sweep, grid, animate, explain, measure, chain)
    return {command.__name__: partial(command, spec) for command in made}


def neutralize(spec: EditorSpec, arguments: list[str]) -> int:
    """`magicface neutralize photo.jpg`."""
    parser = _parser(spec, "neutralize", "Brings the measured action units of a face to zero.", "edited.png")
    _add_estimator(parser)
    args = parser.parse_args(arguments)
    target = _target(spec, args)
    made = spec.verbs.neutralize(args.photo, fraction=args.fraction, estimator=args.estimator, **_options(spec, args))
    return _saved(made, target, args)


def transfer(spec: EditorSpec, arguments: list[str]) -> int:
    """`magicface transfer photo.jpg reference.jpg`."""
    about = "Gives a face the expression of another photo."
    parser = _parser(spec, "transfer", about, "edited.png")
    parser.add_argument("reference", type=Path, help="photo that shows the expression")
    parser.add_argument(
        "--reference-face", default="largest", help="face in the reference photo (same syntax as --face)"
    )
    _add_estimator(parser)
    parser.add_argument(
        "--motion",
        action=argparse.BooleanOptionalAction,
        help="carry along how landmarks move beyond the facial actions (default: where both photos show one person)",
    )
    args = parser.parse_args(arguments)
    target = _target(spec, args)
    made = spec.verbs.transfer(
        args.photo,
        args.reference,
        fraction=args.fraction,
        estimator=args.estimator,
        motion=args.motion,
        reference_face=FaceOptions.of({"face": args.reference_face}).face,
        **_options(spec, args),
    )
    return _saved(made, target, args)


def sweep(spec: EditorSpec, arguments: list[str]) -> int:
    """`magicface sweep photo.jpg AU12`."""
    parser = _parser(spec, "sweep", "Draws a labelled sheet of one attribute at several levels.", "sweep.png")
    parser.add_argument("attribute", help="name of the attribute, such as AU12")
    parser.add_argument("--levels", help="values, separated by commas (default: the attribute's own)")
    _add_side(parser, SIDE)
    args = parser.parse_args(arguments)
    check_side(args.side)
    spec.request.axis(args.attribute)
    levels = _levels(args.levels)
    target = _target(spec, args, "sweep.png")
    found = spec.verbs.sweep(args.photo, args.attribute, levels, **_options(spec, args))
    return _saved(found.sheet(args.side, args.crop), target, args)


def grid(spec: EditorSpec, arguments: list[str]) -> int:
    """`magicface grid photo.jpg AU4 AU12`."""
    parser = _parser(spec, "grid", "Draws a labelled sheet of two attributes, each at several levels.", "grid.png")
    parser.add_argument("rows", help="attribute that changes from row to row, such as AU4")
    parser.add_argument("columns", help="attribute that changes along a row, such as AU12")
    parser.add_argument("--levels", default="0,1.5,3", help="values of both, separated by commas")
    parser.add_argument("--column-levels", help="values of the second attribute alone")
    _add_side(parser, SIDE)
    args = parser.parse_args(arguments)
    check_side(args.side)
    for name in (args.rows, args.columns):
        spec.request.axis(name)
    levels = _levels(args.levels) or ()
    others = _levels(args.column_levels)
    target = _target(spec, args, "grid.png")
    found = spec.verbs.grid(args.photo, args.rows, args.columns, levels, others, **_options(spec, args))
    return _saved(found.sheet(args.side, args.crop), target, args)


def animate(spec: EditorSpec, arguments: list[str]) -> int:
    """`magicface animate photo.jpg happy`."""
    parser = _parser(
        spec,
        "animate",
        "Animates a photo, as a GIF or an MP4: a change with onset, apex and offset, or keyframes SECONDS:REQUEST, "
        "such as 0:neutral 0.5:happy 2:neutral.",
        "moving.gif",
        saving=False,
    )
    parser.add_argument("request", nargs="+", metavar="REQUEST | SECONDS:REQUEST", help="AU12=3, happy, 0.5:happy ...")
    parser.add_argument("--fps", type=float, default=12.0, help="frames a second")
    for name, seconds, what in _PHASES:
        parser.add_argument(f"--{name}", type=float, help=f"seconds {what} (default: {seconds}); not with keyframes")
    _add_side(parser, None, "the frames")
    args = parser.parse_args(arguments)
    from ..imaging.animation import between, check_movie, rise_and_fall

    target = _target(spec, args, "moving.gif", check_movie)
    check_side(args.side)
    times = {name: getattr(args, name) for name, _, _ in _PHASES if getattr(args, name) is not None}
    frames = keyframes(args.request)
    if frames and times:
        given = ", ".join(f"--{name}" for name in times)
        raise InputError("Keyframes have times of their own; leave out these options.", code="conflict", actual=given)
    asked = frames or rise_and_fall(",".join(args.request), **times)
    parsed = [(second, spec.request.parse(each)) for second, each in asked]
    between(parsed, args.fps)
    found = spec.verbs.animate(args.photo, parsed, fps=args.fps, side=args.side, crop=args.crop, **_options(spec, args))
    found.save(target)
    flicker = found.flicker()
    measured = "" if flicker is None else f"; flicker where nothing moves: {flicker:.2f} of 255"
    console.note(f"{args.photo} -> {target}: {len(found.frames)} frames{measured}")
    return console.OK


def explain(spec: EditorSpec, arguments: list[str]) -> int:
    """`magicface explain AU4`."""
    parser = console.command_parser(
        f"{spec.name} explain", "Explains an action unit or an expression; without a name, lists all."
    )
    parser.add_argument("names", nargs="*", metavar="AU | EXPRESSION", help="such as AU4 or happy (default: all)")
    parser.add_argument("-o", "--output", type=Path, help="picture of a head without and with it; of one name")
    args = parser.parse_args(arguments)
    from ..editing.explain import explain as explained

    if args.output is not None:
        if len(args.names) != 1:
            raise InputError("A picture shows one name.", code="count", expected=1, actual=len(args.names))
        picture_format(args.output)
        check_writable(args.output.parent)
    found = [explained(name) for name in args.names or (*ACTION_UNITS, *EXPRESSIONS)]
    print("\n\n".join(map(str, found)))
    if args.output is not None:
        save_image(found[0].picture(), args.output)
    return console.OK


def measure(spec: EditorSpec, arguments: list[str]) -> int:
    """`magicface measure before.jpg after.png`."""
    from ..measure.__main__ import main

    return main(arguments, f"{spec.name} measure")


def chain(spec: EditorSpec, arguments: list[str]) -> int:
    """`magicface chain photo.jpg rigface:yaw=10 magicface:AU12=3`."""
    shared = replace(spec, options=KINDS)
    about = (
        "Edits a photo by several editors, one after the other; networks paste it back once. The editor that needs the "
        "face in 3D, rigface, comes first."
    )
    parser = _parser(shared, "chain", about, "chain.png")
    parser.add_argument("edits", nargs="+", metavar="EDITOR:REQUEST", help="such as rigface:yaw=10 magicface:AU12=3")
    args = parser.parse_args(arguments)
    target = _target(shared, args, "chain.png")
    edit_options, face, model = shared.asked(vars(args))
    if model.model not in (None, EMBEDDED):
        expected = f"{EMBEDDED!r}, or nothing for the published networks of each editor"
        raise InputError("A chain cannot run this model.", code="conflict", expected=expected, actual=model.model)
    edits = []
    for text in args.edits:
        package, _, request = text.partition(":")
        verbs = spec.verbs if package == spec.name else _verbs_of(package)
        own = verbs.kind.model_options.of(vars(model))
        edits.append((verbs.editors.editor(own, edit_options.wanted), verbs.kind.request.parse(request)))
    from ..editing.chain import chain as chained

    made = chained(args.photo, edits, progress=not args.quiet, **vars(edit_options), **vars(face))
    return _saved(made, target, args)


def _verbs_of(package: str) -> Verbs[Any]:
    """The verbs of a package's editor; raises an InputError for any other package."""
    try:
        return import_module(f"{package}._api").verbs
    except (ModuleNotFoundError, AttributeError, TypeError, ValueError) as error:
        expected = "EDITOR:REQUEST, such as rigface:yaw=10 magicface:AU12=3"
        raise InputError("There is no such editor.", code="unknown", expected=expected, actual=package) from error


def keyframes(requests: Sequence[str]) -> list[tuple[float, str]]:
    """Keyframes of parts such as "0.5:happy"; empty without seconds. Raises an InputError where only some have them."""
    found = [_FRAME.fullmatch(each) for each in requests]
    if not any(found):
        return []
    if not all(found):
        why = "Either all requests are keyframes, SECONDS:REQUEST, or none."
        raise InputError(why, code="conflict", actual=" ".join(requests))
    return [(float(each[1]), each[2]) for each in found if each]


def _parser(spec: EditorSpec, name: str, about: str, result: str, saving: bool = True) -> argparse.ArgumentParser:
    parser = console.command_parser(f"{spec.name} {name}", about)
    parser.add_argument("photo", type=Path, help="picture file")
    output = f"file, or folder (default: PHOTO-{result})"
    options.add_options(parser, output, saving=saving, kinds=spec.options)
    return parser


def _add_estimator(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fraction", type=float, default=1.0, help="fraction of the change, 0 to 1")
    parser.add_argument("--estimator", default="auto", help="AU estimator: auto, landmarker, regressor, fit or py-feat")


def _add_side(parser: argparse.ArgumentParser, side: int | None, of: str = "each picture on the sheet") -> None:
    known = "" if side else " (default: as it is)"
    parser.add_argument("--side", type=int, default=side, help=f"longer side of {of} in pixels{known}")
    parser.add_argument("--crop", choices=CROPS, help="face with some margin around it, not the whole photo")


def _levels(text: str | None) -> list[float] | None:
    """Numbers separated by commas; raises an InputError for anything else."""
    try:
        return None if text is None else [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        expected = "numbers separated by commas, such as 0,1.5,3"
        raise InputError("Levels cannot be read.", code="format", expected=expected, actual=text) from None


def _target(
    spec: EditorSpec,
    args: argparse.Namespace,
    result: str = "edited.png",
    check: Callable[[Path], object] = picture_format,
) -> Path:
    """The path of the result; checks it and the options before an edit. Imports torch."""
    console.listen(args.quiet)
    target = output_paths([args.photo], args.output, result, check)[0]
    spec.asked(vars(args))[2].check_device()
    if "certificate" in args:
        saving(args)
    return target


def _options(spec: EditorSpec, args: argparse.Namespace) -> dict[str, Any]:
    """The options of the editor among those of the command line."""
    found = {name: value for each in spec.asked(vars(args)) for name, value in vars(each).items()}
    return {**found, "progress": not args.quiet}


def _saved(picture: Any, target: Path, args: argparse.Namespace) -> int:
    save_image(saved_with(picture, **saving(args)), target)
    console.note(f"{args.photo} -> {target}")
    return console.OK
