"""Who edits a batch: an editor with the options of its command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import options
from ..edit_command import check_asked, editor_of
from ..edit_options import EditOptions, ModelOptions
from ..provenance.options import saving
from ..provenance.recipe import saved_with
from .jobs import Job

if TYPE_CHECKING:
    from PIL import Image

    from ..editor import Editor
    from ..subject import Subject


class EditorWorker:
    """An editor as `common.batch.run.Worker`.

    Args:
        editor: with its networks, or without.
        args: options as `common.options.add_options` has them.
        read: from a wish as it stands in a file to the editor's.
    """

    def __init__(self, editor: Editor[Any], args: argparse.Namespace, read: Callable[[Any], Any]) -> None:
        self.editor, self.args, self.read = editor, args, read

    def encode(self, job: Job) -> Subject:
        """See `Worker`."""
        asked = {**vars(self.args), "face": job.face, "background": job.background}
        return self.editor.encode(job.photo, **vars(self.editor.face_options.of(asked)))

    def edit(self, subject: Subject, wishes: Sequence[Any]) -> Sequence[Image.Image]:
        """See `Worker`."""
        options = self.editor.edit_options.of({**vars(self.args), "batch_size": max(len(wishes), 1)})
        pictures = self.editor.edit(subject, [self.read(wish) for wish in wishes], progress=False, **vars(options))
        return [saved_with(picture, **saving(self.args)) for picture in pictures]

    def record(self, subject: Subject) -> Mapping[str, Any]:
        """See `Worker`."""
        face = subject.face
        return {
            "face": face and [round(float(value), 2) for value in face.box],
            "advice": list(subject.advice),
        }


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of a batch of edits: which face of a photo is edited, and prepared crops, are in a manifest."""
    options.add_options(parser, "folder of the run", photo=False)


def worker_of(kind: type[Editor[Any]], args: argparse.Namespace, read: Callable[[Any], Any]) -> EditorWorker:
    """A worker with the editor that the options ask for."""
    return EditorWorker(editor_of(kind, args), args, read)


def check(
    args: argparse.Namespace,
    jobs: Sequence[Job],
    edit: type[EditOptions] = EditOptions,
    model: type[ModelOptions] = ModelOptions,
) -> argparse.Namespace:
    """The options, of which none is wrong: what is, is told once, and before a model is loaded."""
    if args.runner == "local":  # else the devices are those of the cluster's machines
        check_asked(args, edit, model)
    saving(args)
    return args
