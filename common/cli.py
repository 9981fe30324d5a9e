"""What the editors' command lines share: options, reading, writing, reporting."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import check_engine, check_options
from .defaults import Defaults
from .errors import FaceEditError, InputError, MissingCheckpointError
from .files import check_writable
from .images import picture_format, save_image
from .options import add_quiet
from .provenance.options import saving
from .provenance.recipe import saved_with

if TYPE_CHECKING:
    from .editor import Editor
    from .subject import Subject

OK, FAILED, USAGE, NO_MODEL, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: all is well; some photo failed; wrong arguments; weights missing; stopped by the user."""

EXIT_CODES = "exit codes: 0 success, 1 some inputs failed, 2 wrong arguments, 3 weights missing, 130 interrupted"


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows the defaults that say something, and keeps the lines of the examples."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False, "", []) else super()._get_help_string(action)


def command_parser(program: str, about: str, epilog: str | None = EXIT_CODES) -> argparse.ArgumentParser:
    """The parser of a command; options are never abbreviated, so that none is taken for another one.

    Args:
        program: as it is called, such as "magicface batch".
        about: what it does, with examples.
        epilog: what the help ends with.
    """
    return argparse.ArgumentParser(
        program, description=about, epilog=epilog, formatter_class=HelpFormatter, allow_abbrev=False
    )


@dataclass(frozen=True)
class Command:
    """One of the commands of a package.

    Attributes:
        about: what it does, one sentence.
        add: adds its options to a parser.
        run: does it; returns the exit code.
    """

    about: str
    add: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def add_commands(parser: argparse.ArgumentParser, table: Mapping[str, Command]) -> None:
    """Gives a parser commands by their names; the parsed arguments then have the `run` of the chosen one."""
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in table.items():
        own = commands.add_parser(
            name, help=command.about, description=command.about, epilog=EXIT_CODES, formatter_class=HelpFormatter,
            allow_abbrev=False,
        )  # fmt: skip
        command.add(own)
        add_quiet(own)
        own.set_defaults(run=command.run)


def run(
    editor_class: type[Editor[Any]],
    photos: list[Path],
    wish: Any,
    args: argparse.Namespace,
    prepared: Mapping[str, Any] | None = None,
) -> int:
    """Edits the photos one by one; a bad one is reported and the others go on. Returns the exit code.

    Args:
        editor_class: which editor.
        photos: paths.
        wish: for all of them; its text goes into the report.
        args: the options of `common.options.add_options`.
        prepared: what was made before of the one photo, which is a prepared crop then; for `encode`.
    """
    from .devices import choose_device

    listen(args.quiet)
    targets, face = output_paths(photos, args.output), parse_face(args.face)
    asked, saved = _asked(args, Defaults()), saving(args)
    check_options(asked.steps, 1, asked.guidance, args.seed, asked.paste_back)
    check_engine(args.engine, args.start)
    choose_device(args.device, args.dtype)
    around = {"size": args.size, "finder": args.finder, "parser": args.parser}
    editor = (
        editor_class.drafting(**around)
        if args.engine == "draft"
        else editor_class.from_pretrained(args.model, base=args.base, dtype=args.dtype, device=args.device, **around)
    )
    failed, told, ready = False, str(wish), editor.ready(wish)
    for photo, target in zip(photos, targets):
        try:
            subject = editor.encode(
                photo, face=face, extent=_asked(args, editor.defaults).extent, strict=args.strict, **prepared or {}
            )
            record = _edit_one(editor, subject, ready, target, args, saved)
            record = {"input": str(photo), "output": str(target), "wish": told, "advice": subject.advice, **record}
            say(f"{photo} -> {target}")
        except MissingCheckpointError:  # as true of every other photo
            raise
        except FaceEditError as error:
            record, failed = {"input": str(photo), "error": str(error)}, True
            say(f"{photo}: {error}")
        if args.json:
            print(json.dumps(record), flush=True)
    return FAILED if failed else OK


def listen(quiet: bool) -> None:
    """What is logged goes to standard error; of libraries, their errors alone."""
    logging.basicConfig(level=logging.WARNING if quiet else logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("httpx", "diffusers", "transformers"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def lazily(module: str, name: str = "main") -> Callable[..., Any]:
    """A function by its name, whose module, and all that this imports, loads when it is called."""
    return lambda *arguments, **options: getattr(import_module(module), name)(*arguments, **options)


def guarded(command: Callable[[], int]) -> int:
    """Runs a command; our errors become one message and an exit code, never a traceback."""
    try:
        return command()
    except MissingCheckpointError as error:
        say(str(error))
        return NO_MODEL
    except InputError as error:
        say(str(error))
        return USAGE
    except FaceEditError as error:
        say(str(error))
        return FAILED
    except OSError as error:  # no permission, no space, a file in a folder's place
        say(f"Cannot read or write: {error}")
        return FAILED
    except (MemoryError, RuntimeError, ValueError) as error:  # torch has several ways to say that memory ran out
        if sys.flags.optimize > 1 and "docstring" in str(error):
            say("python -OO takes away docstrings, without which transformers cannot be imported; use python -O")
            return FAILED
        if not isinstance(error, MemoryError) and not re.search("out of memory|alloc", str(error), re.IGNORECASE):
            raise
        say(f"There is not enough memory: {error}\n  try --dtype bfloat16, a smaller --size, or --device cpu")
        return FAILED
    except KeyboardInterrupt:
        say("stopped; the photos finished before are complete")
        return INTERRUPTED


def say(message: str) -> None:
    """To standard error: standard output is for --json."""
    print(message, file=sys.stderr)


def output_paths(photos: list[Path], output: str | None) -> list[Path]:
    """Where each photo's result goes; names that would collide are numbered, and no input is overwritten.

    Raises:
        InputError: several photos for one file, no picture's suffix, a result that would overwrite a photo, or a
            folder that cannot be written.
    """
    if output is None or output.endswith(("/", os.sep)) or os.path.isdir(output) or not Path(output).suffix:
        targets, taken = [], set()
        for photo in photos:
            target, number = Path(output or "") / f"{photo.stem}-edited.png", 1
            while target in taken:
                number += 1
                target = target.with_name(f"{photo.stem}-edited-{number}.png")
            taken.add(target)
            targets.append(target)
    elif len(photos) > 1:
        raise InputError(f"{len(photos)} photos cannot go into the one file {output}; name a folder with -o.")
    else:
        targets = [Path(output)]
    for folder in dict.fromkeys(target.parent for target in targets):
        check_writable(folder)
    inputs = {os.path.realpath(photo) for photo in photos}
    for target in targets:
        picture_format(target)
        if os.path.realpath(target) in inputs:
            raise InputError(f"The result {target} would overwrite one of the photos; choose another -o.")
    return targets


def parse_face(text: str) -> str | int | tuple[float, float]:
    """The text of --face as `common.faces.choose_face` wants it.

    Raises:
        InputError: neither "largest", nor an index, nor X,Y.
    """
    if text == "largest":
        return text
    parts = text.split(",")
    try:
        return (float(parts[0]), float(parts[1])) if len(parts) == 2 else int(text)
    except ValueError:
        raise InputError(f'--face must be "largest", an index from the left, or X,Y; got {text!r}.') from None


def _edit_one(
    editor: Editor[Any], subject: Subject, wish: Any, target: Path, args: argparse.Namespace, saved: dict[str, Any]
) -> dict[str, Any]:
    asked = _asked(args, editor.defaults)
    way = check_options(asked.steps, 1, asked.guidance, args.seed, asked.paste_back)
    engine = editor.engine_for(subject, check_engine(args.engine, args.start, args.strength))
    started = time.perf_counter()
    result = editor.edit(
        subject, wish, steps=asked.steps, guidance=asked.guidance, seed=args.seed, progress=not args.quiet,
        paste_back=asked.paste_back, engine=engine, start=None if engine == "draft" else asked.start,
        strength=asked.strength,
    )  # fmt: skip
    sampled = time.perf_counter()
    save_image(saved_with(result, **saved), target)
    found = subject.face
    return {
        "engine": engine,
        **(_sampling(editor, asked, args) if engine == "diffusion" else {}),
        "paste": way or "none",
        "face": found and {"box": [round(float(v), 2) for v in found.box], "score": round(found.score, 4)},
        "crop": {"size": subject.crop.size, "matrix": [[round(float(v), 6) for v in r] for r in subject.crop.matrix]},
        **subject.record,
        "seconds": {**subject.record["seconds"], "edit": round(sampled - started, 3)},  # type: ignore[dict-item]
    }


def _sampling(editor: Editor[Any], asked: Defaults, args: argparse.Namespace) -> dict[str, Any]:
    return {
        "seed": args.seed,
        "steps": asked.steps,
        "guidance": asked.guidance,
        "start": asked.start,
        **({"strength": asked.strength} if asked.start == "draft" else {}),
        "device": str(editor.pipeline.device),
        "dtype": str(editor.pipeline.unet.dtype).removeprefix("torch."),
    }


def _asked(args: argparse.Namespace, own: Defaults) -> Defaults:
    """The model's own settings, with the options in their place."""
    paste_back = False if args.paste == "none" else args.paste
    return own.asked(
        steps=args.steps, guidance=args.guidance, extent=args.extent, paste_back=paste_back, start=args.start,
        strength=args.strength,
    )  # fmt: skip
