"""The command that edits photos one by one, of every editor."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cli
from .arguments import check_engine, check_options, whole_number
from .defaults import Defaults
from .errors import FaceEditError, InputError, MissingCheckpointError
from .files import check_writable
from .images import picture_format, save_image
from .provenance.options import saving
from .provenance.recipe import carried, saved_with

if TYPE_CHECKING:
    from .editor import Editor
    from .subject import Subject

SAMPLED = ("engine", "seed", "steps", "guidance", "start", "strength", "device", "dtype")
"""What a line of --json takes of the recipe of a picture."""


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
    cli.listen(args.quiet)
    targets, face, saved = output_paths(photos, args.output), parse_face(args.face), saving(args)
    editor = editor_of(editor_class, args)
    failed, told, ready, extent = False, str(wish), editor.ready(wish), editor.defaults.asked(extent=args.extent).extent
    for photo, target in zip(photos, targets):
        try:
            subject = editor.encode(photo, face=face, extent=extent, strict=args.strict, **prepared or {})
            record = _edit_one(editor, subject, ready, target, args, saved)
            record = {"input": str(photo), "output": str(target), "wish": told, "advice": subject.advice, **record}
            cli.note(f"{photo} -> {target}")
        except MissingCheckpointError:  # as true of every other photo
            raise
        except FaceEditError as error:
            record, failed = {"input": str(photo), "error": str(error)}, True
            cli.say(f"{photo}: {error}")
        if args.json:
            print(json.dumps(record), flush=True)
    return cli.FAILED if failed else cli.OK


def check_asked(args: argparse.Namespace) -> None:
    """Checks the options of `common.options.add_options`, as far as that takes no model.

    Raises:
        InputError: one of them cannot be used, or two do not go together.
    """
    from .devices import choose_device  # brings torch

    asked = Defaults().asked(extent=args.extent, **sampling(args))
    check_options(asked.steps, 1, asked.guidance, args.seed, asked.paste_back)
    check_engine(args.engine, args.start, args.strength)
    if args.size is not None:
        whole_number("--size", args.size, 64, 4096)
    choose_device(args.device, args.dtype)


def editor_of(kind: type[Editor[Any]], args: argparse.Namespace) -> Editor[Any]:
    """The editor that the options of `common.options.add_options` ask for.

    Raises:
        InputError: an option that cannot be used, which is told before anything is loaded; or, of the model that was
            loaded, an option that does not go with it.
        MissingCheckpointError, CheckpointError: see `Editor.from_pretrained`.
    """
    from .models import missing_networks

    check_asked(args)
    around = {"size": args.size, "finder": args.finder, "parser": args.parser}
    engine = check_engine(args.engine, args.start, args.strength)
    if engine == "draft":
        return kind.drafting(**around)
    if engine == "diffusion" and kind.warps(args.model, args.base):
        raise missing_networks(kind.release.name)
    editor = kind.from_pretrained(args.model, base=args.base, dtype=args.dtype, device=args.device, **around)
    editor.defaults.for_edit(**sampling(args))
    return editor


def sampling(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say of how to sample and paste back, for `Editor.edit`; None is the model's own."""
    names = ("steps", "guidance", "start", "strength")
    paste_back = False if args.paste == "none" else args.paste
    return {name: getattr(args, name) for name in names} | {"paste_back": paste_back}


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
    started = time.perf_counter()
    result = editor.edit(subject, wish, seed=args.seed, engine=args.engine, progress=not args.quiet, **sampling(args))
    sampled = time.perf_counter()
    save_image(saved_with(result, **saved), target)
    known, found = carried(result), subject.face
    made = {} if known is None else known.recipe.settings  # what really ran, whatever was asked for
    return {
        **{name: made[name] for name in SAMPLED if name in made},
        "paste": made.get("paste_back") or "none",
        "face": found and {"box": [round(float(v), 2) for v in found.box], "score": round(found.score, 4)},
        "crop": {"size": subject.crop.size, "matrix": [[round(float(v), 6) for v in r] for r in subject.crop.matrix]},
        **subject.record,
        "seconds": {**subject.record["seconds"], "edit": round(sampled - started, 3)},  # type: ignore[dict-item]
    }
