"""Who edits a batch: an editor with the options of its command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from ..arguments import check_options
from ..editor import Editor
from ..provenance.options import saving
from ..provenance.recipe import saved_with
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
        pictures = self.editor.edit(
            subject, [self.read(wish) for wish in wishes], steps=args.steps, guidance=args.guidance, seed=args.seed,
            paste_back=False if args.paste == "none" else args.paste, engine=args.engine, start=args.start,
            strength=args.strength, batch_size=max(len(wishes), 1), progress=False,
        )  # fmt: skip
        return [saved_with(picture, **saving(args)) for picture in pictures]

    def record(self, subject: Subject) -> Mapping[str, Any]:
        """See `Worker`."""
        face = subject.face
        return {
            "face": face and [round(float(value), 2) for value in face.box],
            "advice": list(subject.advice),
        }


def worker_of(kind: type[Editor[Any]], args: argparse.Namespace, read: Callable[[Any], Any]) -> EditorWorker:
    """A worker with the editor that the options ask for."""
    around = {"size": args.size, "finder": args.finder, "parser": args.parser}
    if args.engine == "draft":
        return EditorWorker(kind.drafting(**around), args, read)
    editor = kind.from_pretrained(args.model, base=args.base, dtype=args.dtype, device=args.device, **around)
    return EditorWorker(editor, args, read)


def check(args: argparse.Namespace, jobs: Sequence[Job]) -> argparse.Namespace:
    """The options, of which none is wrong."""
    steps, guidance = (1 if given is None else given for given in (args.steps, args.guidance))
    check_options(steps, 1, guidance, args.seed, args.paste != "none")
    saving(args)
    return args
