"""The command that edits photos one by one, of every editor."""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..core.errors import ActionUnitError, FaceEditError, InputError, MissingCheckpointError
from ..core.files import check_writable
from ..editing.options import ALL, EditOptions
from ..facs.action_units import facs, known_unit
from ..facs.expressions import EXPRESSIONS, is_word
from ..imaging.images import picture_format, save_image
from ..provenance.recipe import carried, saved_with
from . import console
from .options import saving

if TYPE_CHECKING:
    from ..editing.editor import Editor
    from ..editing.request import Request
    from ..editing.subject import Subject

AnyEditor = TypeVar("AnyEditor", bound="Editor[Any]")

_VALUES = re.compile(r"(\w+\s*=\s*\S+\s*)+")
_UNIT = re.compile(r"neutral|AU[_-]?\d+\w*", re.IGNORECASE)
SAMPLED = ("engine", "seed", "steps", "guidance", "start", "strength", "device", "dtype", "paste_back")
"""Settings of a picture's recipe in a line of --json."""


def run(kind: type[Editor[Any]], photos: list[Path], request: Request, args: argparse.Namespace) -> int:
    """Edits the photos one by one by options of `add_options`, and reports those that fail; returns the exit code."""
    console.listen(args.quiet)
    targets, saved = output_paths(photos, args.output), saving(args)
    options, face = kind.edit_options.of(vars(args)), kind.face_options.of(vars(args))
    editor = editor_of(kind, args)
    failed, ready = False, editor.ready([request])
    for photo, target in zip(photos, targets):
        try:
            if face.face == ALL:
                from ..editing.everyone import edit_everyone  # brings torch

                made = edit_everyone(editor, photo, ready, options, face, progress=not args.quiet)
                save_image(saved_with(made, **saved), target)
                record: dict[str, Any] = {"face": ALL}
            else:
                subject = editor.encode(photo, **vars(face))
                record = _edit_one(editor, subject, ready[0], target, options, saved, progress=not args.quiet)
            record = {"input": str(photo), "output": str(target), "request": str(request), **record}
            console.note(f"{photo} -> {target}")
        except MissingCheckpointError:  # as true of every other photo
            raise
        except FaceEditError as error:
            record, failed = {"input": str(photo), "error": str(error)}, True
            console.say(f"{photo}: {error}")
        if args.json:
            print(json.dumps(record), flush=True)
    return console.FAILED if failed else console.OK


def split_inputs(inputs: Sequence[str]) -> tuple[list[str], list[str]]:
    """Photos or prompts, and the parts of a request, of arguments in any order; an existing file is not a request.

    Raises:
        ActionUnitError: an action unit without a value.
    """
    requests = [text for text in inputs if _is_request(text) and not os.path.isfile(os.path.expanduser(text))]
    for text in requests:
        if facs.read(text):
            why = f"{text} needs a value, e.g. {known_unit(text)}=3."
            raise ActionUnitError(why, code="missing", actual=text)
    return [text for text in inputs if text not in requests], requests


def read_inputs(inputs: Sequence[str], example: str) -> tuple[list[Path], list[str]]:
    """Photos, and the parts of a request, of arguments in any order; `example` is a request, for messages.

    Raises:
        ActionUnitError: an action unit without a value.
        InputError: no photo, or an argument that is neither.
    """
    found, requests = split_inputs(inputs)
    photos = [Path(text).expanduser() for text in found]
    if missing := [text for text, photo in zip(found, photos) if not os.path.exists(photo)]:
        expected = f"a file, or a request such as {example}"
        hint = f"expressions: {', '.join(EXPRESSIONS)}"
        raise InputError("There is no such photo.", code="missing", expected=expected, actual=missing[0], hint=hint)
    if not photos:
        raise InputError(f"Name at least one photo, e.g. photo.jpg {example}.", code="empty")
    return photos, requests


def _is_request(text: str) -> bool:
    """Whether a text starts with NAME=VALUE, or has names of action units and expressions alone."""
    parts = [part.strip() for part in re.split("[,;]", text.strip(" ,;"))]
    if _VALUES.fullmatch(parts[0]):
        return True
    return all(_VALUES.fullmatch(part) or _UNIT.fullmatch(part) or is_word(part) for part in parts)


def editor_of(kind: type[AnyEditor], args: argparse.Namespace) -> AnyEditor:
    """The editor that the options of `common.cli.options.add_options` ask for.

    Raises:
        InputError: an option that cannot be used, before anything is loaded; or one that the loaded model refuses.
        MissingCheckpointError, CheckpointError: see `Editor.from_pretrained`.
    """
    from ..editing.models import missing_networks

    options, model = kind.edit_options.of(vars(args)), kind.model_for_photos(kind.model_options.of(vars(args)))
    if options.wanted == "warp":
        return kind.warping(**model.surroundings)
    if options.wanted == "diffusion" and kind.warps(**model.networks):
        raise missing_networks(kind.release.name)
    editor = kind.from_pretrained(**vars(model))
    editor.resolve(options)
    return editor


def output_paths(
    photos: list[Path], output: str | None, result: str = "edited.png", check: Callable[[Path], object] = picture_format
) -> list[Path]:
    """The path of each photo's result; names that would collide are numbered, and no input is overwritten.

    `output` is a file, or a folder, or None for the working folder; `result` is the suffix of a result's name; `check`
    raises an InputError for names of files that cannot be written.

    Raises:
        InputError: several photos for one file, a suffix that cannot be written, a result that would overwrite a photo,
            or a folder that cannot be written.
    """
    if output is None or output.endswith(("/", os.sep)) or os.path.isdir(output) or not Path(output).suffix:
        targets, taken = [], set()
        for photo in photos:
            target, number = Path(output or "") / f"{photo.stem}-{result}", 1
            first = target
            while target in taken:
                number += 1
                target = first.with_stem(f"{first.stem}-{number}")
            taken.add(target)
            targets.append(target)
    elif len(photos) > 1:
        why = f"Several photos cannot go into the one file {output}; name a folder with -o."
        raise InputError(why, code="count", expected=1, actual=len(photos))
    else:
        targets = [Path(output)]
    for folder in dict.fromkeys(target.parent for target in targets):
        check_writable(folder)
    inputs = {os.path.realpath(photo) for photo in photos}
    for target in targets:
        check(target)
        if os.path.realpath(target) in inputs:
            why = "The result would overwrite one of the photos; choose another -o."
            raise InputError(why, code="conflict", actual=target)
    return targets


def _edit_one(
    editor: Editor[Any],
    subject: Subject,
    request: Any,
    target: Path,
    options: EditOptions,
    saved: dict[str, Any],
    progress: bool,
) -> dict[str, Any]:
    started = time.perf_counter()
    result = editor.edit(subject, request, progress=progress, **vars(options))
    sampled = time.perf_counter()
    save_image(saved_with(result, **saved), target)
    known, found = carried(result), subject.face
    made = {} if known is None else known.recipe.settings  # the settings that really ran
    return {
        **{name: made[name] for name in SAMPLED if name in made},
        **subject.record,
        "face": found and {"box": [round(float(v), 2) for v in found.box], "score": round(found.score, 4)},
        "crop": {"size": subject.crop.size, "matrix": [[round(float(v), 6) for v in r] for r in subject.crop.matrix]},
        "warnings": subject.warnings,
        "seconds": {**subject.record["seconds"], "edit": round(sampled - started, 3)},  # type: ignore[dict-item]
    }
