"""Who edits a batch: an editor with the options of its command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from .. import cli
from ..editor import Editor
from ..subject import Subject
from .jobs import Job


class EditorWorker:
    """An editor as `common.batch.run.Worker`.

    Args:
        editor: with its networks, or without.
        args: options as `common.cli.add_options` has them.
        read: from a wish as it stands in a file to the editor's.
    """

    def __init__(self, editor: Editor[Any], args: argparse.Namespace, read: Callable[[Any], Any]) -> None:
        self.editor, self.args, self.read = editor, args, read

    def encode(self, job: Job) -> Subject:
        """See `Worker`."""
        prepared = {} if job.background is None else {"background": job.background}
        return self.editor.encode(
            job.photo, face=job.face, extent=self.args.extent, strict=self.args.strict, **prepared
        )

    def edit(self, subject: Subject, wishes: Sequence[Any]) -> Sequence[Image.Image]:
        """See `Worker`."""
        args = self.args
        return self.editor.edit(
            subject, [self.read(wish) for wish in wishes], steps=args.steps, guidance=args.guidance, seed=args.seed,
            paste_back=False if args.paste == "none" else args.paste, engine=args.engine, start=args.start,
            strength=args.strength, batch_size=max(len(wishes), 1), progress=False,
        )  # fmt: skip

    def record(self, subject: Subject) -> Mapping[str, Any]:
        """See `Worker`."""
        face = subject.face
        return {
            "engine": self.editor.engine_for(subject, self.args.engine),
            "face": face and [round(float(value), 2) for value in face.box],
            "advice": list(subject.advice),
        }


def settings_of(program: str, args: argparse.Namespace) -> dict[str, Any]:
    """What decides how the pictures look, as plain values."""
    names = ("model", "base", "dtype", "extent", "finder", "parser", "steps", "guidance", "seed", "size")
    names += ("engine", "start", "strength", "paste")
    return {"program": program} | {name: getattr(args, name) for name in names}


def editor_of(kind: type[Editor[Any]], args: argparse.Namespace) -> Editor[Any]:
    """The editor that the options ask for."""
    around = {"size": args.size, "finder": args.finder, "parser": args.parser}
    if args.engine == "draft":
        return kind.drafting(**around)
    return kind.from_pretrained(args.model, base=args.base, dtype=args.dtype, device=args.device, **around)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a batch, and those of an edit."""
    parser.add_argument("photos", help="folder of pictures, or manifest (.csv, .jsonl, .json)")
    parser.add_argument("--wishes", help="file of wishes for every photo (.txt, .csv, .jsonl, .json)")
    parser.add_argument("--baseline", action="store_true", help="also make every face anew as it is")
    parser.add_argument("--inspect", action="store_true", help="say what would be done, and what is wrong; no edits")
    parser.add_argument("--again", action="store_true", help="try what failed before once more")
    parser.add_argument("--batch-size", type=int, default=4, help="wishes of a photo at once")
    cli.add_options(parser)
