"""What a package brings to its batches."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import worker as editors
from .jobs import PHOTOS, Job
from .run import Worker


@dataclass(frozen=True)
class Package:
    """The ways of one package; what is not named is that of an `Editor`.

    All are functions of modules, so that other processes find them by their names.

    Attributes:
        program: its name.
        about: help of the command.
        read: from a wish as files have it to the editor's; raises an InputError for what is none.
        worker: from the options to who edits; brings torch, and loads the networks.
        settings: from the options to what decides how pictures look, as plain values, all of them resolved.
        baseline: by its name, the wish that `--baseline` adds, as files have it.
        add_options: adds those of its editor to a command line.
        check: from the options and the jobs to the options that count; raises an InputError for one that is wrong.
        columns: that a manifest may have.
    """

    program: str
    about: str
    read: Callable[[Any], Any]
    worker: Callable[[argparse.Namespace], Worker]
    settings: Callable[[argparse.Namespace], dict[str, Any]]
    baseline: Mapping[str, Any]
    add_options: Callable[[argparse.ArgumentParser], None] = editors.add_options
    check: Callable[[argparse.Namespace, Sequence[Job]], argparse.Namespace] = editors.check
    columns: Sequence[str] = PHOTOS
