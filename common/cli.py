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
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from .arguments import SEED, Engine, Start, check_engine, check_options
from .defaults import Defaults
from .errors import FaceEditError, InputError, MissingCheckpointError
from .images import picture_format, save_image
from .provenance.options import add_saving, saving
from .provenance.recipe import saved_with

if TYPE_CHECKING:
    from .editor import Editor
    from .subject import Subject

OK, FAILED, USAGE, NO_MODEL, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: all is well; some photo failed; wrong arguments; weights missing; stopped by the user."""

EXIT_CODES = "exit codes: 0 all is well, 1 some photo failed, 2 wrong arguments, 3 weights missing, 130 interrupted"

_OWN = "(default: the model's own)"


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows the defaults that say something, and keeps the lines of the examples."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False) else super()._get_help_string(action)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that every editor has; each shows its default."""
    out = parser.add_argument_group("output")
    out.add_argument("-o", "--output", help="file, or folder for several photos (default: PHOTO-edited.png)")
    out.add_argument(
        "--paste",
        choices=("replace", "detail", "none"),
        help=f"crop as generated, the change (keeps the detail where little moved), or no paste-back: the crop {_OWN}",
    )
    add_saving(out)
    out.add_argument("--json", action="store_true", help="print what was done as JSON, one line a photo")
    out.add_argument("-q", "--quiet", action="store_true", help="no progress bars")
    face = parser.add_argument_group("face")
    face.add_argument("--face", default="largest", help='"largest", an index from the left, or X,Y in the photo')
    face.add_argument("--extent", choices=("head", "face"), help=f"what the network makes anew {_OWN}")
    face.add_argument("--background", type=Path, help="background made before; the photo then is the prepared crop")
    face.add_argument("--finder", default="auto", help="auto, insightface, face-alignment or mediapipe")
    face.add_argument("--parser", default="auto", help="auto, bisenet, segformer, embedded or grabcut")
    add_strict(face)
    sampling = parser.add_argument_group("sampling")
    sampling.add_argument("--steps", type=int, help=f"denoising steps {_OWN}")
    sampling.add_argument("--guidance", type=float, help=f"how strongly the wish pulls {_OWN}")
    sampling.add_argument(
        "--engine",
        choices=get_args(Engine),
        help="diffusion: the networks; draft: the photo warped by its fitted head, without networks (default: the "
        "networks where a model is named or fetched, else the warp)",
    )
    add_start_options(sampling)
    sampling.add_argument("--seed", type=int, default=SEED, help="of the noise")
    model = add_model_options(parser)
    model.add_argument("--size", type=int, help="side of the crop in pixels (default: the network's own)")


def add_strict(group: Any) -> None:
    """Whether a doubtful photo is an error."""
    group.add_argument("--strict", action="store_true", help="doubtful photos, such as profiles, are errors")


def add_start_options(group: argparse._ArgumentGroup) -> None:
    """What the networks begin with."""
    group.add_argument("--start", choices=get_args(Start), help=f"what the networks begin with {_OWN}")
    group.add_argument("--strength", type=float, help=f"share of the steps that are run from a draft {_OWN}")


def add_model_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Which networks, and where they run."""
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        help="folder, fetched hub repository, or embedded (default: the published one; without it, photos are warped)",
    )
    model.add_argument("--base", help="folder of Stable Diffusion 1.5, for what the model's folder lacks")
    model.add_argument("--device", help="cuda, mps or cpu (default: the fastest)")
    model.add_argument(
        "--dtype", choices=("float32", "bfloat16", "float16"), help="default: float16 on cuda and mps, else float32"
    )
    return model


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
        args: the options of `add_options`.
        prepared: what was made before of the one photo, which is a prepared crop then; for `encode`.
    """
    listen(args.quiet)
    targets, face = output_paths(photos, args.output), parse_face(args.face)
    asked, saved = _asked(args, Defaults()), saving(args)
    check_options(asked.steps, 1, asked.guidance, args.seed, asked.paste_back)
    engine = check_engine(args.engine, args.start, args.strength)
    around = {"size": args.size, "finder": args.finder, "parser": args.parser}
    editor = (
        editor_class.drafting(**around)
        if engine == "draft"
        else editor_class.from_pretrained(args.model, base=args.base, dtype=args.dtype, device=args.device, **around)
    )
    editor.engine_for(engine)  # an error where networks are asked for, and there are none
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
    return lambda *arguments: getattr(import_module(module), name)(*arguments)


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
    except (MemoryError, RuntimeError) as error:  # torch has several ways to say that memory ran out
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
        InputError: several photos for one file, no picture's suffix, or a result that would overwrite a photo.
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
    engine = editor.engine_for(check_engine(args.engine, args.start, args.strength))
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
